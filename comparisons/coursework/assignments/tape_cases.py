"""What the functions of ``tape.py`` are asked.

The tape's parts are asked one by one: a part that comes first is not asked by way of one that comes later, for that
may be unwritten. So the programs for the order and for the sums make nodes and gradients by hand and call the function
itself, where PyTorch's do the same work from outside: they walk a graph of that form, and note what happens.
"""

from __future__ import annotations

from textwrap import dedent

from comparisons.coursework.cases import Case, Draw, integers, uniform

__all__ = ["ACCUMULATE", "EDGES", "INTEGRATION", "ORDER", "SAVED", "SUM", "TOWARDS", "WALK"]

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
        order = order_from(operation(b, operation(b, a), operation(a, b, a)))
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
        seen = np.stack(seen)
        """,
        ("seen", "x.grad"),
        """
        import numpy as np
        seen = []
        x.register_hook(lambda gradient: seen.append(gradient.numpy().copy()))
        x.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.numpy().copy()))
        arrives(x, w)
        arrives(x, v)
        seen = np.stack(seen)
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
        seen = np.stack(seen)
        """,
        ("seen", "x.grad"),
        """
        import numpy as np
        node = engine.autograd.graph.get_gradient_edge(x).node
        seen = []
        node.register_prehook(lambda gradients: seen.append(gradients[0].numpy().copy()))
        arrives(x, w)
        seen = np.stack(seen)
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

# ---- 3.4: what apply leaves behind

PAIR = {"x": uniform(3, 4), "y": uniform(3, 4)}

EDGES = (
    Case("3.4 the graph of x*x + 2*x + 1", "z = x * x + 2 * x + 1", ("graph(z)", "z", "z.requires_grad"), PAIR),
    Case(
        "3.4 the result, where nothing is recorded",
        "x, y = x.detach(), y.detach()\nz = (x * y - 2).sum(1)",
        ("z", "z.grad_fn is None", "z.requires_grad"),
        PAIR,
    ),
    Case(
        "3.4 a constant has no edge",
        "c = y.detach()\nz = x * c\nnode, output = z.grad_fn.next_functions[1]",
        ("graph(z)", "node is None", "output", "z.grad_fn.next_functions[0][0].variable is x"),
        PAIR,
    ),
    Case(
        "3.4 a leaf has one node",
        "z = x * x\nother = x.exp()\n(first, _), (second, _) = z.grad_fn.next_functions\n"
        "third = other.grad_fn.next_functions[0][0]",
        ("graph(z)", "first is second", "first is third", "first.variable is x"),
        PAIR,
    ),
    Case(
        "3.4 which of several outputs",
        "values, positions = x.sort(1)\nfirst, second, third = y.unbind()\nz = values * 2 + third\n"
        "outputs = ' '.join(str(each.output_nr) for each in (first, second, third, values, z))\n"
        "edges = ' '.join(str((each * 2).grad_fn.next_functions[0][1]) for each in (first, second, third))",
        ("graph(z)", "outputs", "edges", "first.grad_fn is third.grad_fn", "positions.grad_fn is None", "values"),
        PAIR,
    ),
    Case(
        "3.4 integers and bools have no history",
        "values, place = x.max(1)\nwhole = (x * 10).long()",
        ("graph(values)", "place.grad_fn is None", "place.requires_grad", "whole.requires_grad", "whole"),
        PAIR,
    ),
    Case(
        "3.4 what a node expects, by the shapes of its outputs",
        "from numpy import array\nz = (x * x).sum(0)\nleaf = (x * x).grad_fn.next_functions[0][0]\n"
        "rows = y.unbind()[0].grad_fn\n"
        "shapes = [tuple(each.shape) for node in (z.grad_fn, leaf, rows) for each in node._input_metadata]\n"
        "sizes, dims = array(sum(shapes, ())), array([len(shape) for shape in shapes])",
        ("sizes", "dims"),
        PAIR,
    ),
    Case(
        "3.4 results without dimensions are arrays",
        "z, (value, place) = x.sum(), y[0].max(0)\n"
        "kinds = [type(each.detach().numpy()).__name__ for each in (z, value)]\n"
        "first, second = kinds",
        ("z", "value", "first", "second"),
        PAIR,
    ),
    Case(
        "3.4 an input left out, before others",
        "weight = y[0].detach().requires_grad_()\nz = engine.nn.functional.layer_norm(x, (4,), None, weight)\n"
        "nodes = z.grad_fn.next_functions\nlast, output = nodes[2]",
        ("len(nodes)", "nodes[1][0] is None", "last.variable is weight", "output", "z"),
        PAIR,
    ),
    Case(
        "3.4 more memory than there is",
        "found = 'nothing'\ntry:\n    x.sum().expand(1 << 44) * 2\nexcept NotImplementedError:\n    raise\n"
        "except RuntimeError:\n    found = 'RuntimeError'",
        ("found",),
        PAIR,
    ),
    Case(
        "3.4 where recording is off",
        "with engine.no_grad():\n    first = x * y\n    with engine.enable_grad():\n        second = first * x\n"
        "third = first + x",
        ("first.requires_grad", "first.grad_fn is None", "graph(second)", "graph(third)", "first", "third"),
        PAIR,
    ),
    Case(
        "3.4 a node made later has a higher number",
        "a = x * y\nb = a.exp()\nc = x + b\nvalues, _ = c.sort()\n"
        "numbers = [each.grad_fn._sequence_nr() for each in (a, b, c, values)]\n"
        "rising = numbers == sorted(set(numbers))",
        ("rising",),
        PAIR,
    ),
    Case(
        "3.4 whose gradient is wanted",
        "node = (x * y.detach() * 3).grad_fn\ninner = node.next_functions[0][0]\n"
        "first, second = inner.needs_input_grad",
        ("first", "second"),
        PAIR,
        theirs="inner = (x * y.detach()).grad_fn\n"
        "first, second = [node is not None for node, _ in inner.next_functions]",
    ),
    Case(
        "3.4 an edge leads to what counts the changes of its input",
        "noticed = []\nfor c in (x.detach(), x, x * 1):\n    z = y * c\n"
        "    noticed.append(z.grad_fn.edges[1][2] is c._version_counter)\nfirst, second, third = noticed",
        ("first", "second", "third"),
        PAIR,
        theirs="noticed = []\nfor c in (x.detach(), x, x * 1):\n    z = y * c\n    with engine.no_grad():\n"
        "        c.add_(1)\n    try:\n        z.sum().backward()\n    except RuntimeError:\n"
        "        noticed.append(True)\n"
        "first, second, third = noticed",
    ),
    Case(
        "3.4 numbers and options",
        "z = (2 - x).sum(1, keepdim=True)\nflat = z.reshape(-1)",
        ("z", "flat", "graph(flat)"),
        PAIR,
    ),
    Case(
        "3.4 a graph that nobody holds is gone",
        "import weakref\nz = x * y\nnode = weakref.ref(z.grad_fn)\nleaf = weakref.ref(z.grad_fn.next_functions[0][0])\n"
        "before = node() is not None and leaf() is not None\ndel z\nafter = node() is None and leaf() is None",
        ("before", "after"),
        PAIR,
        theirs=dedent(
            """
            import weakref
            class Kept:  # in the place of what the node saves
                def __init__(self, tensor):
                    self.tensor = tensor
            with engine.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
                z = x * y
            kept = weakref.ref(z.grad_fn._raw_saved_self.data)
            before = kept() is not None
            del z
            after = kept() is None
            """
        ),
    ),
)

# ---- 3.5: what a node saved

LOOKING = """
def look(node):
    try:
        node.saved_tensors
    except NotImplementedError:
        raise
    except RuntimeError:
        return "RuntimeError"
    return "it is there"
free = lambda result: result.grad_fn.free()
"""
THEY_LOOK = """
def look(node):
    try:
        [getattr(node, name) for name in dir(node) if name.startswith("_saved_")]
    except RuntimeError:
        return "RuntimeError"
    return "it is there"
free = lambda result: result.sum().backward()
"""


def looking(name: str, program: str, show: tuple[str, ...] = ("found",), theirs: str = "") -> Case:
    """What a look at saved values finds. ``free`` frees those of the node behind a result; PyTorch's by backward."""
    inputs = {"x": uniform(4, low=0.5), "y": uniform(4, low=0.5), "i": integers(4, (3,))}
    return Case(name, LOOKING + dedent(program), show, inputs, theirs=THEY_LOOK + dedent(theirs or program))


SAVED = (
    looking(
        "3.5 what was saved, with its history",
        """
        y = x * 2
        first, second = (y * x).grad_fn.saved_tensors
        same = first.grad_fn is y.grad_fn
        """,
        ("first", "second", "second is x", "same", "first.requires_grad"),
        """
        y = x * 2
        node = (y * x).grad_fn
        first, second = node._saved_self, node._saved_other
        same = first.grad_fn is y.grad_fn
        """,
    ),
    looking(
        "3.5 arrays, where nothing is recorded",
        """
        node = (x * y).grad_fn
        with engine.no_grad():
            first, second = node.saved_tensors
        arrays = first is x.array and second is y.array
        """,
        ("first", "second", "arrays"),
        """
        node = (x * y).grad_fn
        first, second = node._saved_self, node._saved_other
        arrays = first.data_ptr() == x.data_ptr() and second.data_ptr() == y.data_ptr()
        """,
    ),
    looking(
        "3.5 freed",
        """
        z = x * y
        before = look(z.grad_fn)
        free(z)
        after = look(z.grad_fn)
        """,
        ("before", "after"),
    ),
    looking(
        "3.5 where nothing was saved there is nothing to free",
        """
        z, part, fused = x + y, x[1:], x.addcmul(y.detach(), y.detach())
        for each in (z, part, fused):
            free(each)
        found = " and ".join(look(each.grad_fn) for each in (z, part, fused))
        """,
    ),
    looking(
        "3.5 an input that was changed",
        """
        y = x * 2
        z = y * y
        before = look(z.grad_fn)
        y.add_(1)
        found = look(z.grad_fn)
        """,
        ("before", "found"),
    ),
    looking(
        "3.5 a leaf that was changed under no_grad",
        """
        z = x * y
        with engine.no_grad():
            y.mul_(2)
        found = look(z.grad_fn)
        """,
    ),
    looking("3.5 a result that was changed", "z = x.exp()\nnode = z.grad_fn\nz.mul_(2)\nfound = look(node)"),
    looking("3.5 changed through a view", "y = x * 2\nz = y * y\ny[1:] = 0\nfound = look(z.grad_fn)"),
    looking(
        "3.5 an index that was changed",
        "node = x[i].grad_fn\nbefore = look(node)\ni.mul_(0)\nfound = look(node)",
        ("before", "found"),
    ),
    looking(
        "3.5 changed before it was saved, or not saved at all",
        """
        y = x * 2
        c, d = y.detach() * 1, y.detach() * 1
        y.add_(1)
        z = y * c
        d.add_(1)
        x.detach().clone().add_(1)
        found = look(z.grad_fn)
        """,
    ),
    looking(
        "3.5 changed just before, and between two that saved it",
        """
        y = x * 1
        first = y * 3.0 * y
        y.mul_(2)
        second = y * y
        found = look(first.grad_fn) + ", " + look(second.grad_fn)
        """,
    ),
    looking(
        "3.5 detached in place",
        """
        y = x * 2
        first, z = y * x, x.exp() * y
        y.detach_()
        found = look(z.grad_fn) + ", " + look(first.grad_fn)
        """,
        theirs="""
        y = x * 2
        first, z = y * x, x.exp() * y
        y.detach_()
        found = []
        for each in (z, first):
            try:
                each.sum().backward()
            except RuntimeError:
                found.append("RuntimeError")
        found = ", ".join(found)
        """,
    ),
    looking(
        "3.5 one detached, and another one used",
        """
        first, second = x * 2, x * 3
        product = first * y
        second.detach_()
        found = look(product.grad_fn)
        """,
    ),
    looking(
        "3.5 the user's hooks around it",
        """
        pack = lambda tensor: tensor.detach().clone()
        unpack = lambda packed: packed
        with engine.autograd.graph.saved_tensors_hooks(pack, unpack):
            y = x * 2
            z = y * y
        y.add_(1)
        found = look(z.grad_fn)
        with engine.no_grad():
            saved, _ = z.grad_fn.saved_tensors
        """,
        ("found", "saved"),
        """
        pack = lambda tensor: tensor.detach().clone()
        unpack = lambda packed: packed
        with engine.autograd.graph.saved_tensors_hooks(pack, unpack):
            y = x * 2
            z = y * y
        y.add_(1)
        found = look(z.grad_fn)
        saved = z.grad_fn._saved_self
        """,
    ),
)

# ---- 3.6: the walk. What is asked for by `inputs` is the next task's.

VECTORS = {"x": uniform(3, 4), "y": uniform(4), "w": uniform(3, 4)}
AGAIN = (
    "found = 'nothing'\ntry:\n    {again}\nexcept NotImplementedError:\n    raise\n"
    "except RuntimeError:\n    found = 'RuntimeError'"
)
QUIETLY = "import warnings\nwarnings.simplefilter('ignore')\n"

WALK = (
    Case("3.6 a chain", "z = ((x * 2).exp() + 1).sum()\nz.backward()", ("x.grad",), VECTORS),
    Case(
        "3.6 a value used twice, and paths of different lengths",
        "square = x * x\nz = (square.exp() * y - square) * square\nz.backward(w)",
        ("x.grad", "y.grad"),
        VECTORS,
    ),
    Case(
        "3.6 operands that are no tensors, or ask for nothing",
        "z = (2 - x * y.detach()) / 3 + w.detach()\nz.backward(w.detach())",
        ("x.grad", "y.grad", "w.grad"),
        VECTORS,
    ),
    Case(
        "3.6 shapes and types are fitted to the inputs",
        "narrow, row = (each.detach().float().requires_grad_() for each in (x, y))\n"
        "half = narrow / 2\nhalf.retain_grad()\nz = x * half * row + y\nz.backward(w)",
        ("x.grad", "y.grad", "narrow.grad", "row.grad", "row.grad.dtype == half.grad.dtype == engine.float32"),
        VECTORS,
        "float32",
    ),
    Case(
        "3.6 what was saved is freed",
        "z = (x.exp() * y).sum()\nz.backward()\n" + AGAIN.format(again="z.backward()"),
        ("x.grad", "y.grad", "found"),
        VECTORS,
    ),
    Case(
        "3.6 what was saved is kept, if asked for",
        "z = (x.exp() * y).sum()\nz.backward(retain_graph=True)\nonce = x.grad.clone()\nz.backward()\n"
        + AGAIN.format(again="z.backward()"),
        ("once", "x.grad", "found"),
        VECTORS,
    ),
    Case(
        "3.6 what is recorded can be differentiated again",
        QUIETLY + "z = (x.exp() * y).sum()\nz.backward(create_graph=True)\nfirst, x.grad, y.grad = x.grad, None, None\n"
        "first.backward(w.detach())",
        ("first", "first.requires_grad", "x.grad", "y.grad"),
        VECTORS,
    ),
    Case(
        "3.6 recorded, and freed all the same",
        QUIETLY
        + "z = (x**3 * y).sum()\nz.backward(retain_graph=False, create_graph=True)\n"
        + AGAIN.format(again="z.backward()"),
        ("x.grad", "x.grad.requires_grad", "found"),
        VECTORS,
    ),
    Case(
        "3.6 recording is on in the walk where it is asked for, and afterwards as before",
        QUIETLY
        + "seen = []\nz = (x * y).sum()\nz.register_hook(lambda gradient: seen.append(engine.is_grad_enabled()))\n"
        "z.backward(retain_graph=True)\nwith engine.no_grad():\n    z.backward(create_graph=True)\n"
        "    inside = engine.is_grad_enabled()\nfirst, second = seen",
        ("first", "second", "inside", "engine.is_grad_enabled()"),
        VECTORS,
    ),
    Case(
        "3.6 hooks see what flows, and may change it",
        "y = x * 2\ny.retain_grad()\ny.register_hook(lambda gradient: gradient * 3)\nz = y * y + y\n"
        "z.grad_fn.register_hook(lambda sent, came: (sent[0] * 2, sent[1]))\n"
        "x.register_hook(lambda gradient: gradient + 1)\nz.backward(w)",
        ("y.grad", "x.grad"),
        VECTORS,
    ),
    Case(
        "3.6 several outputs, of which some are used",
        "first, second, third = x.unbind()\nvalues, _ = y.sort()\nz = first * third + first * values\n"
        "z.sum().backward()",
        ("x.grad", "y.grad"),
        VECTORS,
    ),
    Case(
        "3.6 several results at once",
        "a = x * y\nb = a.exp()\nengine.autograd.backward([b, a, b], [w, w, w])",
        ("x.grad", "y.grad"),
        VECTORS,
    ),
    Case(
        "3.6 a rule that gives no gradient, or one too few",
        dedent(
            """
            class First(engine.autograd.Function):
                @staticmethod
                def forward(ctx, a, b):
                    return a * b.sum()
                @staticmethod
                def backward(ctx, gradient):
                    return gradient, None
            class TooFew(First):
                @staticmethod
                def backward(ctx, gradient):
                    return gradient
            (First.apply(x, y) * y).sum().backward()
            """
        )
        + AGAIN.format(again="TooFew.apply(x, y).sum().backward()"),
        ("x.grad", "y.grad", "found"),
        VECTORS,
    ),
    Case(
        "3.6 what is detected by detect_anomaly",
        QUIETLY + "with engine.autograd.detect_anomaly():\n    (x * y).sum().backward()\n"
        "    z = (x.abs() * -1).sqrt().sum()\n    " + AGAIN.format(again="z.backward()").replace("\n", "\n    "),
        ("x.grad", "found"),
        VECTORS,
    ),
    Case(
        "3.6 a chain of 2,000",
        "z = x\nfor _ in range(2000):\n    z = z * 1.001\nz.backward(w)",
        ("x.grad",),
        VECTORS,
        "training float64",
    ),
)

# ---- 3.7: towards what was asked for

WATCHED = dedent(
    """
    ran = []
    def watched(tensor, number):
        tensor.grad_fn.register_hook(lambda sent, came: ran.append(number))
        return tensor
    a = watched(x * 2, 1)
    b = watched(y.exp(), 2)
    c = watched(a.sin(), 3)
    d = watched(c * b, 4)
    z = watched(d + a, 5)
    """
)


def towards(name: str, program: str, show: tuple[str, ...]) -> Case:
    """What is found, and the numbers of the operations whose rules ran."""
    program = WATCHED + program + "\nfrom numpy import array\nran = array(ran)"
    return Case(name, program, (*show, "ran"), {"x": uniform(5), "y": uniform(5), "w": uniform(5)})


TOWARDS = (
    towards("3.7 towards one leaf", "(found,) = engine.autograd.grad(z, x, w)", ("found", "x.grad", "y.grad")),
    towards("3.7 towards the other", "(found,) = engine.autograd.grad(z, y, w)", ("found",)),
    towards(
        "3.7 towards a value on the way, and no further",
        "(found,) = engine.autograd.grad(z, c, w)",
        ("found", "x.grad"),
    ),
    towards(
        "3.7 towards a value, and a leaf behind it",
        "value, leaf = engine.autograd.grad(z, (a, x), w)",
        ("value", "leaf"),
    ),
    towards(
        "3.7 towards values on different ways",
        "first, second = engine.autograd.grad(z, (b, a), w)",
        ("first", "second"),
    ),
    towards("3.7 into the .grad of some alone", "z.backward(w, inputs=[y])", ("x.grad", "y.grad")),
    towards(
        "3.7 towards the result itself",
        "itself, leaf = engine.autograd.grad(z, (z, x), w)",
        ("itself", "leaf"),
    ),
    towards(
        "3.7 towards what has no part in it",
        "found, other = engine.autograd.grad(c, (x, y), w, allow_unused=True)",
        ("found", "other"),
    ),
    towards(
        "3.7 a rule that would fail is not run",
        dedent(
            """
            class Fails(engine.autograd.Function):
                @staticmethod
                def forward(ctx, a):
                    return a * 2
                @staticmethod
                def backward(ctx, gradient):
                    raise ValueError("this rule was not needed")
            (found,) = engine.autograd.grad(z * Fails.apply(b), x, w)
            """
        ),
        ("found",),
    ),
    towards(
        "3.7 the graph beyond is not freed",
        "(found,) = engine.autograd.grad(z, c, w)\nc.backward(w)",
        ("found", "x.grad"),
    ),
)

# ---- the assembled tape

MANY = {"x": uniform(3, 4), "y": uniform(4, low=0.5), "w": uniform(3, 4)}

INTEGRATION = (
    Case(
        "A3 10,000 operations on two paths, to second order",
        QUIETLY + "z, other = x, x\nfor _ in range(5000):\n    z = z * 0.9999 + y * 1e-4\n"
        "(z * z).backward(w, create_graph=True)\nfirst, x.grad, y.grad = x.grad, None, None\nfirst.sum().backward()",
        ("first", "x.grad", "w.grad"),
        MANY,
        "training float64",
    ),
    Case(
        "A3 one value, used in many ways",
        "square = x * y\ntotal = square\nfor k in range(1, 9):\n    total = total + square.sin() * k - square * total\n"
        "square.retain_grad()\ntotal.backward(w, retain_graph=True)\nonce = x.grad.clone()\ntotal.backward(w)",
        ("graph(total)", "square.grad", "once", "x.grad", "y.grad", "w.grad"),
        MANY,
        "training float64",
    ),
    Case(
        "A3 freed, and changed in place",
        "z = (x.exp() * y).sum()\nz.backward()\n"
        + AGAIN.format(again="z.backward()")
        + "\nfreed, value = found, x * 2\nproduct = value * y\nvalue.add_(1)\n"
        + AGAIN.format(again="product.backward(w)")
        + "\nlater = value * y\nlater.backward(w)",
        ("freed", "found", "value", "x.grad", "y.grad"),
        MANY,
    ),
    Case(
        "A3 gradients towards some inputs, and theirs",
        "value = x * y\nz = (value**3).sum() + (x.exp() * w).sum()\n"
        "of_x, of_value = engine.autograd.grad(z, (x, value), create_graph=True)\n"
        "(second,) = engine.autograd.grad((of_x * of_value).sum(), y)\nz.backward(inputs=[w])",
        ("of_x", "of_value", "second", "x.grad", "y.grad", "w.grad"),
        MANY,
        "training float64",
    ),
    Case(
        "A3 a rule of the user's among the engine's",
        dedent(
            """
            class Cube(engine.autograd.Function):
                @staticmethod
                def forward(ctx, a):
                    ctx.save_for_backward(a)
                    return a * a * a
                @staticmethod
                def backward(ctx, gradient):
                    (a,) = ctx.saved_tensors
                    return 3 * a * a * gradient
            with engine.no_grad():
                scale = Cube.apply(y)
            z = Cube.apply(x * y) * scale
            (first,) = engine.autograd.grad(z, x, w, create_graph=True)
            first.sum().backward()
            """
        ),
        ("z", "first", "x.grad", "y.grad", "w.grad"),
        MANY,
        "training float64",
    ),
)
