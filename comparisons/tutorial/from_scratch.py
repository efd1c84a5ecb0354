"""The engine for single numbers that section 0 of the book writes, in one piece; ``minigrad/graph`` is the real one."""

import itertools
import math


class Value:
    """A number, and the node that made it."""

    def __init__(self, data, node=None):
        self.data = data
        self.node = node or Leaf(self)
        self.grad = None

    def __add__(self, other):
        return Add.apply(self, other)

    def __mul__(self, other):
        return Mul.apply(self, other)

    def tanh(self):
        return Tanh.apply(self)

    def __sub__(self, other):
        return self + -1 * other

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        walk_backward(self.node)


counter = itertools.count()


class Node:
    """An operation that was carried out."""

    def __init__(self, *edges):
        self.edges = edges  # the nodes that made its inputs
        self.number = next(counter)

    @classmethod
    def apply(cls, *inputs):
        node = cls(*[x.node if isinstance(x, Value) else None for x in inputs])
        numbers = [x.data if isinstance(x, Value) else x for x in inputs]
        return Value(node.forward(*numbers), node)


class Leaf(Node):
    """The beginning of a graph: a value that no operation made."""

    def __init__(self, value):
        super().__init__()
        self.value = value


class Add(Node):
    """z = x + y."""

    def forward(self, x, y):
        return x + y

    def backward(self, grad_z):
        return grad_z, grad_z  # dz/dx = dz/dy = 1


class Mul(Node):
    """z = x * y."""

    def forward(self, x, y):
        self.saved = x, y
        return x * y

    def backward(self, grad_z):
        x, y = self.saved
        return grad_z * y, grad_z * x  # dz/dx = y, dz/dy = x


class Tanh(Node):
    """z = tanh(x)."""

    def forward(self, x):
        self.saved = math.tanh(x)
        return self.saved

    def backward(self, grad_z):
        return (grad_z * (1 - self.saved**2),)


def in_order(root):
    """The nodes that root leads to, the one made last first."""
    found, known = [root], {root, None}
    for node in found:  # which grows
        new = set(node.edges) - known
        found.extend(new)
        known |= new
    return sorted(found, key=lambda node: node.number, reverse=True)


def walk_backward(root):
    """Add d(root)/d(leaf) to the grad of each leaf."""
    arrived = {root: 1.0}
    for node in in_order(root):
        grad = arrived.pop(node)
        if isinstance(node, Leaf):
            node.value.grad = grad + (node.value.grad or 0.0)
            continue
        for target, sent in zip(node.edges, node.backward(grad)):
            if target is not None:
                arrived[target] = arrived.get(target, 0.0) + sent


def neuron(weights, bias, inputs):
    """tanh(w · x + b)."""
    return sum((w * x for w, x in zip(weights, inputs)), bias).tanh()


def predict(layers, inputs):
    """The one output of a network, layer by layer."""
    for layer in layers:
        inputs = [neuron(weights, bias, inputs) for weights, bias in layer]
    return inputs[0]


def step(parameters, lr):
    """A step down the slope; the gradients begin anew."""
    for parameter in parameters:
        parameter.data -= lr * parameter.grad
        parameter.grad = None


def fit(layers, rows, labels, epochs, lr):
    """Make the mean squared error smaller; tell it by epoch."""
    parameters = []
    for weights, bias in itertools.chain(*layers):
        parameters += [*weights, bias]
    for _ in range(epochs):
        errors = [predict(layers, row) - label for row, label in zip(rows, labels)]
        loss = sum(error * error for error in errors) * (1 / len(errors))
        loss.backward()
        step(parameters, lr)
        yield loss.data
