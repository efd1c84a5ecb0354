"""What the functions of the tape's first tasks are asked: the order of nodes, and the sums of what arrives.

A part that comes first is not asked by way of one that comes later, for that may be unwritten. So these programs make
nodes and gradients by hand and call the function itself, where PyTorch's do the same work from outside: they walk a
graph of that form, and note what happens.
"""

from __future__ import annotations

from textwrap import dedent

from comparisons.coursework.cases import Case, Draw, integers, uniform

__all__ = ["ACCUMULATE", "ORDER", "SUM"]

# ---- 3.1: graphs made by hand; PyTorch's are real, and a hook at each node notes when it runs

NODES_BY_HAND = """
from importlib import import_module
from numpy import array
inside = lambda file: import_module(f"{engine.__name__}.graph.{file}")
Node, AccumulateGrad = inside("node").Node, inside("node").AccumulateGrad
numbers = {}

class Operation(Node):
    pass

def leaf():
    numbers[node := AccumulateGrad()] = len(numbers)
    return node

constant = lambda: None

def operation(*inputs):
    numbers[node := Operation()] = node.sequence_number = len(numbers)
    node.edges = tuple((each, 0, None) for each in inputs)
    return node

def order_from(*roots):
    return array([numbers[each] for each in inside("engine").in_order({root: [None] for root in roots})])
"""

NODES_THAT_RUN = """
from numpy import array
ran, kept = [], []

def noted(node):
    kept.append(node)
    node.register_prehook(lambda gradients, number=len(kept) - 1: ran.append(number))

def leaf():
    made = engine.zeros((), requires_grad=True)
    noted(engine.autograd.graph.get_gradient_edge(made).node)
    return made

constant = lambda: engine.ones(())

def operation(*inputs):
    made = {1: engine.exp, 2: engine.add, 3: engine.addcmul}[len(inputs)](*inputs)
    noted(made.grad_fn)
    return made

def order_from(*roots):
    ran.clear()
    engine.autograd.backward(roots, retain_graph=True)
    return array(ran)
"""


def order(name: str, program: str, inputs: dict[str, Draw] | None = None) -> Case:
    """A graph, and the numbers of its nodes in the order in which they run."""
    asked = dedent(program)
    return Case(name, NODES_BY_HAND + asked, ("order",), inputs or {}, "exact", NODES_THAT_RUN + asked)


ORDER = (
    order("3.1 a chain", "x = leaf()\ny = operation(x)\nz = operation(y)\norder = order_from(operation(z))"),
    order(
        "3.1 a value used by two",
        "y = operation(leaf())\nfirst, second = operation(y), operation(y)\n"
        "order = order_from(operation(first, second))",
    ),
    order(
        "3.1 a short path and a long one",
        """
        y = operation(leaf())
        long = operation(operation(operation(y)))
        order = order_from(operation(y, long))
        """,
    ),
    order(
        "3.1 each leaf right after its last user",
        """
        a, b, c = leaf(), leaf(), leaf()
        y = operation(a, b)
        z = operation(operation(y, b), operation(c, a))
        order = order_from(operation(z, c))
        """,
    ),
    order(
        "3.1 leaves of one user",
        """
        a, b = leaf(), leaf()
        order = order_from(operation(b, operation(a, b, a)))
        """,
    ),
    order(
        "3.1 inputs that ask for nothing",
        """
        y = operation(constant(), leaf())
        order = order_from(operation(y, constant(), operation(constant(), y)))
        """,
    ),
    order("3.1 a leaf alone", "order = order_from(leaf())"),
    order(
        "3.1 several results",
        """
        a, b = leaf(), leaf()
        y = operation(a, b)
        z = operation(y, a)
        order = order_from(y, operation(b), z)
        """,
    ),
    order(
        "3.1 a value doubled forty times",
        "y = leaf()\nfor _ in range(40):\n    y = operation(y, y)\norder = order_from(y)",
    ),
    order("3.1 a chain of 3,000", "y = leaf()\nfor _ in range(3000):\n    y = operation(y)\norder = order_from(y)"),
    order(
        "3.1 graphs that are drawn",
        """
        orders = []
        for choices in choices.tolist():
            values = [leaf(), leaf(), leaf(), leaf()]
            for first, second in choices:
                values.append(operation(values[-1 - first % 3], values[second % len(values)]))
            orders += order_from(values[-1], values[-2]).tolist()
        order = array(orders)
        """,
        {"choices": integers(12, (6, 10, 2))},
    ),
)

# ---- 3.2, 3.3: gradients that arrive, one by one

BY_HAND = """
from importlib import import_module
import numpy as np
inside = lambda file: import_module(f"{engine.__name__}.graph.{file}")
"""

ADDING = (
    BY_HAND
    + """
add_to = inside("accumulation").add_to
a, b, c = (each.array.copy() for each in (a, b, c))
"""
)
THREE = {"a": uniform(2, 3), "b": uniform(2, 3), "c": uniform(2, 3)}
COMING = """
Future = inside("accumulation").Future
def coming(gradient):  # what another thread computes
    future = object.__new__(Future)
    future.result = lambda: gradient
    return future
"""

SUM = (
    Case(
        "3.2 the first to arrive, at its own output",
        ADDING + "waiting = [None, None, None]\nadd_to(waiting, 1, a)\nfirst, second, third = waiting",
        ("first", "second", "third"),
        THREE,
        theirs="first, second, third = None, a.detach(), None",
    ),
    Case(
        "3.2 three paths",
        ADDING + "waiting = [None]\nfor each in (a, b, c):\n    add_to(waiting, 0, each)\ntotal = waiting[0]",
        ("total",),
        THREE,
        theirs="x = engine.zeros(2, 3, dtype=engine.float64, requires_grad=True)\n"
        "(x * a.detach() + x * b.detach() + x * c.detach()).sum().backward()\ntotal = x.grad",
    ),
    Case(
        "3.2 each output has its own sum",
        ADDING
        + "waiting = [a, None]\nfor output, each in ((1, b), (0, c), (1, c)):\n    add_to(waiting, output, each)\n"
        "first, second = waiting",
        ("first", "second"),
        THREE,
        theirs="x = engine.zeros(2, 2, 3, dtype=engine.float64, requires_grad=True)\nfirst, second = x.unbind()\n"
        "(first * (a + c).detach() + second * b.detach() + second * c.detach()).sum().backward()\n"
        "first, second = x.grad",
    ),
    Case(
        "3.2 what somebody else holds stays as it was",
        ADDING + "waiting = [a]\nadd_to(waiting, 0, b)\nadd_to(waiting, 0, c)\ntotal = waiting[0]",
        ("total", "a", "b", "c"),
        THREE,
        theirs="total = a + b + c",
    ),
    Case(
        "3.2 part of an array that somebody else holds",
        ADDING + "waiting = [a[1:]]\nadd_to(waiting, 0, b[1:])\nadd_to(waiting, 0, c[1:])\ntotal = waiting[0]",
        ("total", "a", "b", "c"),
        THREE,
        theirs="total = (a + b + c)[1:]",
    ),
    Case(
        "3.2 gradients that are recorded are not overwritten",
        ADDING
        + dedent(
            """
            class Recorded:
                def __init__(self, value):
                    self.value = value
                def __add__(self, other):
                    return Recorded(self.value + other.value)
                def __iadd__(self, other):
                    self.value = self.value + other.value
                    return self
            waiting = [None]
            first = Recorded(a)
            for each in (first, Recorded(b), Recorded(c)):
                add_to(waiting, 0, each)
            total, first = waiting[0].value, first.value
            """
        ),
        ("total", "first"),
        THREE,
        theirs="total, first = a + b + c, a",
    ),
    Case(
        "3.2 what another thread computes is waited for",
        ADDING
        + COMING
        + "waiting = [coming(a), b]\nadd_to(waiting, 0, b)\nadd_to(waiting, 1, coming(c))\nfirst, second = waiting",
        ("first", "second"),
        THREE,
        theirs="first, second = a + b, b + c",
    ),
)

ARRIVING = (
    BY_HAND
    + """
run_leaf, Walk, grad_mode = inside("engine").run_leaf, inside("watching").Walk, inside("grad_mode").grad_mode
def arrives(leaf, gradient):
    node = inside("node").AccumulateGrad()
    node.variable, node.outputs = leaf, ((leaf.array.shape, leaf.array.dtype),)
    run_leaf(node, gradient)
def in_walk(work):
    grad_mode.walk = walk = Walk()
    try:
        work()
        found = x.grad
        walk.finish()
        return found
    finally:
        grad_mode.walk = None
x = x.detach().requires_grad_()
v, w = (each.array.copy() for each in (v, w))
"""
)
THEY_ARRIVE = """
def arrives(leaf, gradient):
    leaf.backward(gradient)
x = x.detach().requires_grad_()
v, w = v.detach(), w.detach()
"""
LEAF = {"x": uniform(3, 4), "v": uniform(3, 4), "w": uniform(3, 4)}


def arriving(name: str, program: str, show: tuple[str, ...], theirs: str = "") -> Case:
    """Gradients ``v`` and ``w`` that arrive at the leaf ``x``; PyTorch's arrive by ``x.backward``."""
    return Case(name, ARRIVING + dedent(program), show, LEAF, theirs=THEY_ARRIVE + dedent(theirs or program))


ACCUMULATE = (
    arriving("3.3 the first becomes .grad", "arrives(x, w)", ("x.grad", "x.grad.requires_grad", "x.grad.grad_fn")),
    arriving(
        "3.3 the second is added, and who holds .grad sees it",
        "arrives(x, w)\nheld = x.grad\nversion = held._version\narrives(x, v)\nchanges = held._version - version",
        ("held", "x.grad is held", "changes"),
    ),
    arriving(
        "3.3 .grad shares its memory with nobody",
        """
        y = engine.zeros(3, 4, dtype=engine.float64, requires_grad=True)
        arrives(x, w)
        arrives(y, w)
        arrives(x, v)
        arrives(x, v)
        """,
        ("x.grad", "y.grad", "v", "w"),
    ),
    arriving(
        "3.3 a view of what somebody else holds",
        """
        y = engine.zeros(4, 3, dtype=engine.float64).requires_grad_()
        arrives(x, w[:])
        arrives(y, v.T)
        arrives(x, v)
        arrives(y, w.T)
        """,
        ("x.grad", "y.grad", "v", "w"),
    ),
    arriving(
        "3.3 a gradient without dimensions",
        """
        x = engine.zeros((), dtype=engine.float64, requires_grad=True)
        arrives(x, w[0, 0])
        arrives(x, v[0, 0])
        kind = type(x.grad.numpy()).__name__
        """,
        ("x.grad", "kind"),
    ),
    arriving(
        "3.3 .grad lies as its leaf does",
        """
        x = engine.from_numpy(np.zeros((4, 3)).T).requires_grad_()
        arrives(x, w)
        strides = " ".join(str(each) for each in x.grad.stride())
        """,
        ("x.grad", "strides"),
        """
        x = engine.zeros(4, 3, dtype=engine.float64).t().requires_grad_()
        arrives(x, w)
        strides = " ".join(str(each) for each in x.grad.stride())
        """,
    ),
    arriving(
        "3.3 a leaf that asks for no gradient any more",
        """
        y = engine.zeros(3, 4, dtype=engine.float64, requires_grad=True)
        arrives(y, w)
        x.requires_grad_(False)
        y.requires_grad_(False)
        arrives(x, w)
        arrives(y, w)
        """,
        ("x.grad", "y.grad"),
        """
        y = engine.zeros(3, 4, dtype=engine.float64, requires_grad=True)
        arrives(y, w)
        results = x * 1, y * 1
        x.requires_grad_(False)
        y.requires_grad_(False)
        engine.autograd.backward(results, (w, w))
        """,
    ),
    arriving(
        "3.3 a .grad of another shape is refused",
        """
        arrives(x, w)
        x.data = engine.zeros(5, dtype=engine.float64)
        found = "nothing"
        try:
            arrives(x, np.ones(5))
        except NotImplementedError:
            raise
        except RuntimeError:
            found = "RuntimeError"
        """,
        ("x.grad", "found"),
        """
        arrives(x, w)
        x.data = engine.zeros(5, dtype=engine.float64)
        found = "nothing"
        try:
            arrives(x, engine.ones(5, dtype=engine.float64))
        except RuntimeError:
            found = "RuntimeError"
        """,
    ),
    arriving(
        "3.3 hooks of the leaf see the gradient",
        """
        seen = []
        x.register_hook(lambda gradient: seen.append(gradient.numpy().copy()))
        x.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.numpy().copy()))
        in_walk(lambda: (arrives(x, w), arrives(x, v)))
        seen = np.array(seen)
        """,
        ("seen", "x.grad"),
        """
        import numpy as np
        seen = []
        x.register_hook(lambda gradient: seen.append(gradient.numpy().copy()))
        x.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.numpy().copy()))
        arrives(x, w)
        arrives(x, v)
        seen = np.array(seen)
        """,
    ),
    arriving(
        "3.3 hooks around the leaf's node",
        """
        node = inside("node").AccumulateGrad()
        node.variable, node.outputs = x, ((x.array.shape, x.array.dtype),)
        seen = []
        node.register_prehook(lambda gradients: seen.append(gradients[0].numpy().copy()))
        in_walk(lambda: run_leaf(node, w))
        seen = np.array(seen)
        """,
        ("seen", "x.grad"),
        """
        import numpy as np
        node = engine.autograd.graph.get_gradient_edge(x).node
        seen = []
        node.register_prehook(lambda gradients: seen.append(gradients[0].numpy().copy()))
        arrives(x, w)
        seen = np.array(seen)
        """,
    ),
    arriving(
        "3.3 a sum that is recorded is another tensor",
        """
        class Recorded(engine.Tensor):  # adds by itself, as one that is recorded would
            __slots__ = ()
            def __add__(self, other):
                return engine.tensor(self.array + other.array)
            __radd__ = __add__
        arrives(x, w)
        held = x.grad
        gradient = engine.tensor(v)
        gradient.__class__ = Recorded
        arrives(x, gradient)
        other = x.grad is not held
        """,
        ("x.grad", "held", "gradient", "other"),
        """
        arrives(x, w)
        held = x.grad
        gradient = v.clone()
        x.backward(gradient, create_graph=True)
        other = x.grad is not held
        """,
    ),
    arriving(
        "3.3 the first that is recorded is copied",
        """
        class Blank:
            def copy_(self, other):
                return engine.tensor(other.array)
        class Leaf(engine.Tensor):  # copies by itself, as an operation that is recorded would
            __slots__ = ()
            def new_empty(self, shape):
                return Blank()
        x.__class__ = Leaf
        gradient = engine.tensor(w)
        arrives(x, gradient)
        other = x.grad is not gradient
        gradient.array[...] = 0
        """,
        ("x.grad", "gradient", "other"),
        """
        gradient = w.clone()
        x.backward(gradient, create_graph=True)
        other = x.grad is not gradient
        gradient.zero_()
        """,
    ),
    arriving(
        "3.3 how often a gradient arrived is counted",
        """
        for each in (w, v, v):
            arrives(x, each)
        y = engine.from_numpy(np.zeros((4, 3)).T).requires_grad_()
        arrives(y, w)
        count, other = x._accumulations, y._accumulations
        """,
        ("count", "other"),
        """
        y, times = x.detach().clone().requires_grad_(), {"x": 0, "y": 0}
        for name, leaf in (("x", x), ("y", y)):
            leaf.register_post_accumulate_grad_hook(lambda leaf, name=name: times.update({name: times[name] + 1}))
        for each in (w, v, v):
            arrives(x, each)
        arrives(y, w)
        count, other = times["x"], times["y"]
        """,
    ),
    Case(
        "3.3 what another thread computes waits until the walk has finished",
        ARRIVING + COMING + "before = in_walk(lambda: (arrives(x, coming(w)), arrives(x, coming(v))))",
        ("before", "x.grad"),
        LEAF,
        theirs="before = None\nx = x.detach().requires_grad_()\nx.backward(w)\nx.backward(v)",
    ),
)
