"""Tensors, and the graph behind them."""

import numpy as np

__all__ = ["Function", "Tensor", "tensor"]


class AccumulateGrad:
    """The end of a graph: a leaf's gradient."""

    next_functions = ()

    def __init__(self, leaf):
        self.leaf = leaf

    def name(self):
        return "AccumulateGrad"

    def run(self, gradient):
        before = 0 if self.leaf.grad is None else self.leaf.grad.array
        self.leaf.grad = Tensor(before + gradient)


class Function:
    """An operation that was applied: a node."""

    @classmethod
    def apply(cls, *inputs):
        ctx = cls()
        inputs = [each if isinstance(each, Tensor) else Tensor(each) for each in inputs]
        ctx.saved_tensors = [each.array for each in inputs]
        ctx.needs_input_grad = [each.grad_fn is not None for each in inputs]
        ctx.next_functions = [(each.grad_fn, 0) for each in inputs]
        return Tensor(ctx.forward(*ctx.saved_tensors), ctx)

    def name(self):
        return f"{type(self).__name__}Backward0"

    def run(self, grad_z):
        for index, gradient in enumerate(self.backward(grad_z)):
            node, _ = self.next_functions[index]
            if node is not None:
                if np.shape(gradient) != self.saved_tensors[index].shape:
                    raise RuntimeError(f"{self.name()} returned an invalid gradient at index {index}")
                node.run(gradient)


class Tensor:
    """An array with a gradient."""

    grad = None

    def __init__(self, array, grad_fn=None):
        self.array, self.grad_fn = np.asarray(array), grad_fn

    def numpy(self):
        return self.array

    def item(self):
        return self.array.item()

    def backward(self, gradient=None):
        self.grad_fn.run(np.ones_like(self.array) if gradient is None else gradient.array)


def tensor(array, requires_grad=False):
    """A leaf."""
    leaf = Tensor(array)
    leaf.grad_fn = AccumulateGrad(leaf) if requires_grad else None
    return leaf
