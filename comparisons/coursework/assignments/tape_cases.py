"""What the functions of the tape's later tasks are asked, and the assembled tape."""

from __future__ import annotations

from textwrap import dedent

from comparisons.coursework.cases import Case, integers, uniform

__all__ = ["EDGES", "INTEGRATION", "SAVED", "TOWARDS", "WALK"]

INSIDE = """
from importlib import import_module
inside = lambda file: import_module(f"{engine.__name__}.graph.{file}")
Function, Walk, grad_mode = inside("function").Function, inside("watching").Walk, inside("grad_mode").grad_mode
def run(walk, arrived, retain_graph=False, inputs=None, accumulate=True):
    outside = grad_mode.enabled, grad_mode.walk
    try:
        return inside("engine").run_backward(walk, arrived, retain_graph, False, inputs, accumulate)
    finally:
        grad_mode.enabled, grad_mode.walk = outside
"""

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
        INSIDE
        + dedent(
            """
            class Two(Function):
                def forward(ctx, a):
                    return a.sum(), a.max()
            results = (x.sum() * y.sum(), *Two.apply(x))
            kinds = [type(each.array).__name__ for each in results]
            z, total, largest, first, second, third = *results, *kinds
            """
        ),
        ("z", "total", "largest", "first", "second", "third"),
        PAIR,
        theirs="results = x.sum() * y.sum(), x.sum(), x.max()\n"
        "kinds = [type(each.detach().numpy()).__name__ for each in results]\n"
        "z, total, largest, first, second, third = *results, *kinds",
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
        "node = x[i].grad_fn\n(y * 1).mul_(2)\nbefore = look(node)\ni.mul_(0)\nfound = look(node)",
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
        "3.5 a view of what was detached in place",
        """
        y = x * 2
        view = y[1:]
        z = view * view
        y.detach_()
        found = look(z.grad_fn)
        """,
        theirs="""
        y = x * 2
        view = y[1:]
        z = view * view
        y.detach_()
        z.sum().backward()
        found = "it is there"
        """,
    ),
    looking(
        "3.5 a function of the user's is given tensors, also where nothing is recorded",
        """
        class Double(engine.autograd.Function):
            @staticmethod
            def forward(ctx, a):
                ctx.save_for_backward(a)
                return a * 2
        node = Double.apply(x).grad_fn
        with engine.no_grad():
            (saved,) = node.saved_tensors
        """,
        ("saved", "isinstance(saved, engine.Tensor)"),
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
    Case("3.6 a leaf alone", "x.backward(w)", ("x.grad",), VECTORS),
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
            (First.apply(x * 2, y) * w).sum().backward()
            """
        )
        + AGAIN.format(again="TooFew.apply(x, y).sum().backward()"),
        ("x.grad", "y.grad", "w.grad", "found"),
        VECTORS,
    ),
    Case(
        "3.6 a rule of the engine's own that gives one too many, or one too few",
        INSIDE
        + dedent(
            """
            class TooMany(Function):
                def forward(ctx, a, b):
                    return a + b
                def backward(ctx, gradient):
                    return gradient, gradient * 2, None
            class TooFew(TooMany):
                def backward(ctx, gradient):
                    return gradient
            TooMany.apply(x, w).sum().backward()
            """
        )
        + AGAIN.format(again="TooFew.apply(x, w).sum().backward()"),
        ("x.grad", "w.grad", "found"),
        VECTORS,
        theirs=dedent(
            """
            class TooMany(engine.autograd.Function):
                @staticmethod
                def forward(ctx, a, b):
                    return a + b
                @staticmethod
                def backward(ctx, gradient):
                    return gradient, gradient * 2, None
            class TooFew(TooMany):
                @staticmethod
                def backward(ctx, gradient):
                    return gradient
            TooMany.apply(x, w).sum().backward()
            """
        )
        + AGAIN.format(again="TooFew.apply(x, w).sum().backward()"),
    ),
    Case(
        "3.6 what is asked for is asked of the walk, and given back",
        INSIDE
        + dedent(
            """
            value = x.exp()
            z = value * y
            class Towards(Walk):
                def watch(self, inputs, accumulate):
                    self.watched, self.accumulate = True, accumulate
                    self.captured, self.order = dict.fromkeys(inputs), [z.grad_fn, value.grad_fn]
                    self.passages = {z.grad_fn: True, value.grad_fn: False}
            place = value.grad_fn, 0
            found = run(Towards(), {z.grad_fn: [w.array.copy()]}, inputs=[place], accumulate=False)[place]
            before = x.grad is None and y.grad is None
            value.backward(w)
            """
        ),
        ("found", "before", "x.grad", "y.grad"),
        VECTORS,
        theirs="value = x.exp()\nz = value * y\n(found,) = engine.autograd.grad(z, value, w)\n"
        "before = x.grad is None and y.grad is None\nvalue.backward(w)",
    ),
    Case(
        "3.6 an order that is given is kept to",
        INSIDE
        + dedent(
            """
            value = x.exp()
            z = value * y
            walk, arrived = Walk(), {z.grad_fn: [w.array.copy()]}
            order = inside("engine").in_order(arrived)
            walk.order = order[:1]
            run(walk, arrived)
            found, before = arrived[value.grad_fn][0].copy(), x.grad is None and y.grad is None
            walk.order = order[1:]
            run(walk, arrived)
            """
        ),
        ("found", "before", "x.grad", "y.grad"),
        VECTORS,
        theirs="value = x.exp()\nz = value * y\n(found,) = engine.autograd.grad(z, value, w, retain_graph=True)\n"
        "before = x.grad is None and y.grad is None\nz.backward(w)",
    ),
    Case(
        "3.6 a walk is watched only where something is to be seen",
        INSIDE
        + dedent(
            """
            class Noted(Walk):
                times = 0
                def watch(self, inputs, accumulate):
                    self.times += 1
                    super().watch(inputs, accumulate)
            plain, watched, anomaly = Noted(), Noted(), inside("anomaly")
            grad_mode.walked = False
            returned = run(plain, {(x * y).grad_fn: [w.array.copy()]})
            anomaly.enabled = True
            try:
                run(watched, {(x * y).grad_fn: [w.array.copy()]})
            finally:
                anomaly.enabled = False
            first, second, walked = plain.times, watched.times, grad_mode.walked
            """
        ),
        ("first", "second", "returned", "walked", "x.grad"),
        VECTORS,
        theirs="first, second, walked = 0, 1, True  # PyTorch does not say\nreturned = (x * y).backward(w)\n"
        "(x * y).backward(w)",
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
        QUIETLY + "z, other = x, x\nfor _ in range(3400):\n    z = z * 0.9999 + y * 1e-4\n"
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
