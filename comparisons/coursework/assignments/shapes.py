"""Shapes: what broadcasting, sums, extremes, permuting, indexing and joining do to a gradient."""

from __future__ import annotations

from comparisons.coursework.cases import Case, Draw, among, integers, uniform
from comparisons.coursework.holes import Place
from comparisons.coursework.tasks import Assignment, Task

__all__ = ["ASSIGNMENT"]

NAN = float("nan")
ONE, BOTH = ("z", "x.grad", "w"), ("z", "x.grad", "y.grad", "w")

# The gradient of z, weighted by w, and the gradient of that, weighted by v, with respect to w, in which it is linear.
TWICE = "(first,) = engine.autograd.grad(z, x, w, create_graph=True)\n(second,) = engine.autograd.grad(first, w, v)"


def one_input(task: str, name: str, program: str, x: Draw, result: tuple[int, ...]) -> Case:
    """A case: z, which a program makes of x, is of shape ``result``; and the gradient of x."""
    return Case(f"{task} {name}", f"z = {program}\nz.backward(w)", ONE, {"x": x, "w": uniform(*result)})


def twice(task: str, name: str, program: str, x: Draw, result: tuple[int, ...]) -> Case:
    """A case: the gradient's own gradient."""
    drawn = {"x": x, "w": uniform(*result), "v": uniform(*x.shape)}
    return Case(f"{task} {name}", f"z = {program}\n{TWICE}", ("z", "first", "second"), drawn, "second order")


# -------------------------------------------------------------------------------------------------------- broadcasting


def refused(name: str, *shapes: tuple[int, ...]) -> Case:
    """A case: the error that adding tensors of these shapes raises, up to its first colon."""
    program = "found = ''\ntry:\n    x + y\nexcept Exception as error:\n    "
    program += "found = type(error).__name__ + ': ' + str(error).partition(':')[0]"
    return Case(f"2.1 {name}", program, ("found",), dict(zip("xy", (uniform(*shape) for shape in shapes))))


def broadcast(name: str, *shapes: tuple[int, ...]) -> Case:
    """A case: tensors of shapes that differ and yet fit."""
    return Case(f"2.1 {name}", "z = x + y", ("z",), dict(zip("xy", (uniform(*shape) for shape in shapes))))


FIT = Task(
    "2.1",
    "Do two shapes broadcast?",
    "`check_broadcast(x, y)` gets two arrays (or numbers, which have the shape ()) and returns nothing; where their "
    "shapes do not broadcast it raises PyTorch's error:\n\n"
    "    RuntimeError: The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1\n\n"
    "Shapes are aligned at their **last** dimension, and a missing one counts as 1. Two sizes fit if they are equal "
    "or one of them is 1. The dimension in the message is counted in the longer shape, from 0 on, and of several that "
    "do not fit it is the last. What follows a colon after that sentence is yours.\n\n"
    "Easily overlooked: 0 is a size like another. It fits 0 and 1, not 3: the larger size is not always the one that "
    "wins. NumPy would raise an error too, a ValueError: the check comes first.",
    3,
    (
        "Write the two shapes one below the other, flush right. Which columns are wrong?",
        "Lengthen the shorter shape by ones at its front, so that both have `ndim` sizes; then compare them in pairs.",
        "`(1,) * missing + np.shape(x)` is a shape with `missing` ones before it, `np.ndim` and `np.shape` take "
        "numbers too. Go through the dimensions from the last to the first, and raise where the two sizes differ and "
        "neither is 1.",
    ),
    (Place("arguments/operands.py", "check_broadcast"),),
    cases=(
        broadcast("a dimension of size 1", (3, 4), (3, 1)),
        broadcast("a dimension fewer", (4,), (2, 3, 4)),
        broadcast("both ways at once", (3, 1), (2, 1, 4)),
        Case("2.1 a number", "z = engine.where(x > 0, x, 0.5)", ("z",), {"x": uniform(2, 3)}),
        broadcast("a size of 0", (1, 3), (0, 1)),
        refused("another size", (2, 3), (2, 4)),
        refused("a dimension fewer, and another size", (2, 3), (2,)),
        refused("a dimension more, and another size", (4,), (4, 3)),
        refused("several other sizes", (2, 1, 4), (3, 2, 5)),
        refused("the first size alone", (3, 2, 4), (2, 2, 4)),
        refused("0 against 3", (0,), (3,)),
    ),
)


def summed(name: str, *shapes: tuple[int, ...]) -> Case:
    """A case: the gradients of tensors of two shapes that are added, weighted by w of the third."""
    drawn = dict(zip("xyw", (uniform(*shape) for shape in shapes)))
    return Case(f"2.2 {name}", "z = x + y\nz.backward(w)", BOTH, drawn)


UNBROADCAST = Task(
    "2.2",
    "What was broadcast is summed",
    "Broadcasting uses an element several times, so its gradient is the sum of the gradients of all its uses. "
    "`summed_to(gradient, shape)` gets a gradient of the result's shape and sums it to `shape`, which broadcasts to "
    "it: over the new leading dimensions, and over those where `shape` has 1 and the gradient more. The result has "
    "exactly `shape` and the gradient's type. Every rule of two operands relies on it.\n\n"
    "The gradient is an array, or, where the gradient is to be differentiated again, a `Tensor`: then use its "
    "methods, such as `gradient.sum(dims, keepdim=True)` and `.view(shape)`, so that this is recorded too. Of an "
    "array make sure that the result is an array also where nothing is left of the shape: `np.add.reduce` then "
    "returns a number.\n\n"
    "Easily overlooked: numbers of float16 are added up in float32 and rounded once, for a sum that is rounded at "
    "each step stands still before long; both kinds of dimensions may be there at once; a dimension of size 1 may "
    "meet a dimension of size 0, whose sum is 0; and of a square gradient the wrong dimension can be summed without "
    "an error.",
    8,
    (
        "Write z = x + y for x of shape (2, 1) and y of shape (2, 3) element by element. In how many z is each x?",
        "Collect the dimensions to sum: the first `gradient.ndim - len(shape)`, and each later one where `shape` says "
        "1 and the gradient does not.",
        "Sum over all of them with `keepdim=True` (NumPy: `np.add.reduce(gradient, axis=tuple(dims), "
        "keepdims=True)`), so that the positions do not shift; then what is left of the leading dimensions is size 1, "
        "and a reshape to `shape` takes it away.",
    ),
    (Place("graph/accumulation.py", "summed_to"),),
    ("1.2", "1.3", "2.1"),
    (
        summed("a dimension of size 1", (3, 1), (3, 4), (3, 4)),
        summed("a new dimension", (4,), (2, 4), (2, 4)),
        summed("new dimensions and one of size 1", (3, 1), (2, 5, 3, 4), (2, 5, 3, 4)),
        summed("several of size 1, not one after the other", (1, 3, 1, 2, 1), (2, 3, 4, 2, 2), (2, 3, 4, 2, 2)),
        summed("both operands, each along another dimension", (3, 1), (2, 1, 4), (2, 3, 4)),
        summed("a vector beside a square matrix", (3,), (3, 3), (3, 3)),
        summed("a column beside a square matrix", (3, 3), (3, 1), (3, 3)),
        summed("a tensor without dimensions", (), (2, 3), (2, 3)),
        summed("a size of 1 that was not repeated", (1, 3), (2, 1, 3), (2, 1, 3)),
        summed("sizes of 1, of which the last was repeated", (1, 1), (1, 1, 3), (1, 1, 3)),
        summed("sizes of 1, of which the first was repeated", (1, 1), (1, 3, 1), (1, 3, 1)),
        summed("repeated no times", (1, 3), (0, 3), (0, 3)),
        Case(
            "2.2 expanded",
            "z = x.expand(4, 2, 3)\nz.backward(w)",
            ONE,
            {"x": uniform(2, 1), "w": uniform(4, 2, 3)},
        ),
        Case(
            "2.2 the rule on tensors",
            "z = x * y\nby_x, by_y = engine.autograd.grad(z, (x, y), w, create_graph=True)\n"
            "recorded = by_x.requires_grad and by_y.requires_grad",
            ("by_x", "by_y", "recorded", "graph(by_x)", "graph(by_y)"),
            {"x": uniform(2, 1), "y": uniform(4, 1, 3), "w": uniform(4, 2, 3)},
        ),
        Case(
            "2.2 float16, many times",
            "z = x + y\nz.backward(w)",
            ("x.grad",),
            {
                "x": uniform(2, dtype="float16"),
                "y": uniform(2000, 2, dtype="float16"),
                "w": uniform(2000, 2, low=0.5, high=1.5, dtype="float16"),
            },
            "float16",
        ),
    ),
)


# ---------------------------------------------------------------------------------------------------------- reductions


CUBE = uniform(2, 3, 4)
FOUR = uniform(2, 3, 4, 5)

SUM = Task(
    "2.3",
    "Sum and its gradient",
    "Every element of x has the slope 1 in its sum, so that its gradient is the gradient of the one result it went "
    "into. Write this in three steps. `restore_dims(reduced, shape, dims, keepdim)` gives a result of a reduction of "
    "`shape` over `dims` those dimensions back, as size 1, whether they were kept or not. `spread(grad, shape, dims, "
    "keepdim)` does so and repeats the gradient along them, to `shape`. `Sum.backward` calls it with what `forward` "
    "noted: `ctx.shape`, `ctx.dims`, `ctx.keepdim`.\n\n"
    "`dims` is a tuple, already counted from the front, in the order in which the user named them, which need not "
    "rise. `View.apply(x, shape=...)` and `Expand.apply(x, shape=...)` take arrays and tensors, and record themselves "
    "where the gradient is differentiated again. Other rules rely on the first two, also with arrays of bools.\n\n"
    "Easily overlooked: to insert dimensions one by one in the order of the user; and to repeat a gradient along the "
    "wrong dimension of a square, which raises no error.",
    5,
    (
        "x of shape (2, 3, 4), summed over dimensions 0 and 2, has the shape (3,). Which shape would make it "
        "broadcast to x's again?",
        "The shape with the reduced dimensions as 1 follows from `shape` and `dims` alone: no need to insert anything.",
        "`restore_dims` is one `View.apply` to the sizes of `shape`, each replaced by 1 if its dimension is in "
        "`dims`; with `keepdim` nothing is to be done. `spread` expands what that gives to `shape`.",
    ),
    (
        Place("ops/broadcasting.py", "restore_dims"),
        Place("ops/broadcasting.py", "spread"),
        Place("ops/broadcasting.py", "Sum.backward"),
    ),
    ("1.3", "2.1", "2.2"),
    (
        one_input("2.3", "all elements", "x.sum()", CUBE, ()),
        Case(
            "2.3 the columns and the rows of a square",
            "z = x.sum(0)\nz.backward(w)\nt = y.sum(1)\nt.backward(w)",
            ("z", "t", "x.grad", "y.grad"),
            {"x": uniform(3, 3), "y": uniform(3, 3), "w": uniform(3)},
        ),
        one_input("2.3", "a dimension counted from the end", "x.sum(-2)", CUBE, (2, 4)),
        one_input("2.3", "several dimensions", "x.sum((0, 2))", CUBE, (3,)),
        one_input("2.3", "several dimensions, in falling order", "x.sum((2, 0))", FOUR, (3, 5)),
        one_input("2.3", "dimensions kept", "x.sum((-1, 0), keepdim=True)", CUBE, (1, 3, 1)),
        one_input("2.3", "all dimensions kept", "x.sum((0, 1), keepdim=True)", uniform(2, 2), (1, 1)),
        one_input("2.3", "a tensor without dimensions", "x.sum()", uniform(), ()),
        one_input("2.3", "the sum of nothing", "x.sum(1)", uniform(2, 0, 3), (2, 3)),
        twice("2.3", "the gradient of a gradient", "x.sum((2, 0))", FOUR, (3, 5)),
        Case(
            "2.3 the graph of the gradient of a dimension that is kept",
            "z = x.sum(1, keepdim=True)\n(first,) = engine.autograd.grad(z * z, x, w, create_graph=True)",
            ("first", "graph(first)"),
            {"x": uniform(2, 3), "w": uniform(2, 1)},
        ),
        Case(
            "2.3 the gradient of what was broadcast, once more",
            "z = x * y\n(first,) = engine.autograd.grad(z, x, w, create_graph=True)\n"
            "by_w, by_y = engine.autograd.grad(first, (w, y), v)",
            ("first", "by_w", "by_y"),
            {"x": uniform(3, 1), "y": uniform(2, 3, 4), "w": uniform(2, 3, 4), "v": uniform(3, 1)},
            "second order",
        ),
    ),
)

MEAN = Task(
    "2.4",
    "Mean",
    "Write `Mean.backward`. The mean is the sum divided by n, the number of elements that went into **one** result, "
    "which `forward` noted as `ctx.count`; beside it are `ctx.shape`, `ctx.dims`, `ctx.keepdim`.\n\n"
    "Easily overlooked: n is neither the number of results nor that of all elements, unless all are reduced; and the "
    "gradient has x's shape, whichever dimensions were kept.",
    3,
    (
        "Each of n elements moves the mean by 1/n of what it moves the sum.",
        "So the gradient is that of the sum, divided by n.",
        "`spread(grad_z, shape, dims, keepdim)` is the sum's; the rule may run on tensors, and `/` takes both.",
    ),
    (Place("ops/reduction.py", "Mean.backward"),),
    ("1.4", "2.2", "2.3"),
    (
        one_input("2.4", "all elements", "x.mean()", CUBE, ()),
        one_input("2.4", "one dimension", "x.mean(1)", CUBE, (2, 4)),
        one_input("2.4", "one dimension of a square", "x.mean(-1)", uniform(3, 3), (3,)),
        one_input("2.4", "several dimensions, in falling order", "x.mean((2, 0))", FOUR, (3, 5)),
        one_input("2.4", "dimensions kept", "x.mean((0, 2), keepdim=True)", CUBE, (1, 3, 1)),
        one_input("2.4", "a tensor without dimensions", "x.mean()", uniform(), ()),
        one_input("2.4", "a dimension without elements", "x.mean(0)", uniform(0, 3), (3,)),
        twice("2.4", "the gradient of a gradient", "x.mean((2, 0))", FOUR, (3, 5)),
    ),
)

TIED = among(-1.0, 0.0, 1.0, shape=(4, 6))


def of_two(name: str) -> list[Case]:
    """Cases: the maximum or minimum of two tensors, with ties and NaN, by another shape, of one with itself, twice."""
    few = among(-1.0, 0.0, 1.0, NAN, shape=(3, 8))
    drawn = {"x": few, "y": few, "w": uniform(3, 8)}
    return [
        Case(f"2.5 {name} of two tensors", f"z = engine.{name}(x, y)\nz.backward(w)", BOTH, drawn),
        Case(
            f"2.5 {name} of a tensor and a row, and of a tensor and itself",
            f"z = engine.{name}(x, y)\nz.backward(w)\nt = engine.{name}(u, u)\nt.backward(u)",
            (*BOTH, "t", "u.grad"),
            {
                "x": among(0.0, 1.0, shape=(3, 2)),
                "y": among(0.0, 1.0, shape=(2,)),
                "u": uniform(4),
                "w": uniform(3, 2),
            },
        ),
        Case(
            f"2.5 {name} of two tensors, the gradient of a gradient",
            f"z = engine.{name}(x, y)\nfirst = engine.autograd.grad(z, (x, y), w, create_graph=True)\n"
            "(second,) = engine.autograd.grad(first, w, (v, u))",
            ("z", "second"),
            {**drawn, "v": uniform(3, 8), "u": uniform(3, 8)},
        ),
    ]


TIES = Task(
    "2.5",
    "Ties share",
    "Where several elements are the largest, none alone is. PyTorch's `amax`, `amin`, `aminmax`, and `max`, `min` of "
    "all elements let them share: each of k tied elements gets 1/k of the gradient, the others 0. `share_among(mask, "
    "grad, dims, keepdim)` does that: `mask`, of x's shape, is True at the extremes, `grad` is the gradient of the "
    "result, reduced over `dims`. In `extremes.py` `constant_like(array, grad)` makes a factor of the gradient's kind "
    "(an array or a tensor) and type.\n\n"
    "Write also `backward` of `Maximum` and `Minimum`, of two tensors: at a tie each gets half, else all goes to the "
    "larger (smaller). In `choosing.py` `Where.apply(a, b, condition=c)` is a where the condition, an array of bools, "
    "holds, and b elsewhere; it takes arrays, tensors and numbers.\n\n"
    "Easily overlooked: k is counted for each result by itself; where the result is NaN, nothing equals it, and 0/0 "
    "makes every gradient of that slice NaN, as in PyTorch, so do not guard the division. In `Maximum` NaN is neither "
    "larger nor smaller nor equal, and there both operands get the whole gradient: 0 only where the other is larger.",
    4,
    (
        "How many are tied in each slice? `np.add.reduce` of a mask counts what is True in it.",
        "Share: the mask divided by its count, a factor of x's shape, times the gradient spread to it. Maximum: halve "
        "where equal, then 0 where the other is larger.",
        "Count with `keepdims=True`, so that `mask / count` broadcasts, whatever `keepdim` says, which is for "
        "`spread`. In `Maximum` compare `unwrap(x)` and `unwrap(y)`; one `Where.apply` of `grad_z / 2` and `grad_z` "
        "is what both share, another makes it 0 for the smaller.",
    ),
    (
        Place("ops/extremes.py", "share_among"),
        Place("ops/choosing.py", "Maximum.backward"),
        Place("ops/choosing.py", "Minimum.backward"),
    ),
    ("1.3", "1.4", "2.1", "2.2", "2.3"),
    (
        one_input("2.5", "no tie", "x.amax(1)", uniform(3, 4), (3,)),
        one_input("2.5", "ties in the rows", "x.amax(1)", TIED, (4,)),
        one_input("2.5", "ties in the columns, kept", "x.amin(0, keepdim=True)", TIED, (1, 6)),
        one_input(
            "2.5",
            "several dimensions, in falling order",
            "x.amax((2, 0))",
            among(0.0, 1.0, 2.0, shape=(2, 3, 4, 5)),
            (3, 5),
        ),
        one_input("2.5", "the largest of all", "x.max()", TIED, ()),
        one_input("2.5", "the smallest of all", "x.min()", TIED, ()),
        one_input(
            "2.5", "NaN in a slice", "x.amax(1)", among(NAN, 1.0, 1.0, 0.0, 0.0, 0.0, 2.0, 2.0, shape=(8, 2)), (8,)
        ),
        one_input("2.5", "NaN among all", "x.max()", among(NAN, NAN, 1.0, shape=(2, 3)), ()),
        twice("2.5", "the gradient of a gradient", "x.amax(1)", TIED, (4,)),
        *(tied for name in ("maximum", "minimum") for tied in of_two(name)),
    ),
)


# ------------------------------------------------------------------------------------- permuting, indexing and joining


PERMUTE = Task(
    "2.6",
    "The inverse of a permutation",
    "`x.permute(dims)` puts dimension `dims[i]` of x at place i. Write its `backward`, which puts the dimensions of "
    "the gradient back where they were. `ctx.dims` holds the order, counted from the front; `Permute.apply(x, "
    "dims=...)` takes arrays and tensors.\n\n"
    "Easily overlooked: two dimensions swapped are their own inverse, three in a circle are not; and where all sizes "
    "are equal, the wrong order raises no error.",
    3,
    (
        "x of shape (2, 3, 4), permuted by (2, 0, 1), is of shape (4, 2, 3). Which order brings (2, 3, 4) back?",
        "Dimension `dims[i]` went to place i: so place `dims[i]` of the inverse holds i.",
        "Make a list as long as `ctx.dims`, and go through `enumerate(ctx.dims)`: the position of each dim is what "
        "the list holds at that dim. Permute the gradient by it.",
    ),
    (Place("ops/transposition.py", "Permute.backward"),),
    (),
    (
        one_input("2.6", "two dimensions swapped", "x.permute(1, 0)", uniform(2, 3), (3, 2)),
        one_input("2.6", "three in a circle", "x.permute(2, 0, 1)", CUBE, (4, 2, 3)),
        one_input("2.6", "three in a circle, of one size", "x.permute(1, 2, 0)", uniform(3, 3, 3), (3, 3, 3)),
        one_input(
            "2.6", "four, of one size, counted from the end", "x.permute(-1, 0, -3, 2)", uniform(2, 2, 2, 2), (2,) * 4
        ),
        one_input("2.6", "nothing to permute", "x.permute(())", uniform(), ()),
        twice("2.6", "the gradient of a gradient", "x.permute(3, 0, 1, 2)", FOUR, (5, 2, 3, 4)),
    ),
)


def picked(name: str, program: str, draws: dict[str, Draw], result: tuple[int, ...]) -> Case:
    """A case: elements that an index picks, and the gradient of what they are picked from."""
    return Case(f"2.7 {name}", f"z = {program}\nz.backward(w)", ONE, {**draws, "w": uniform(*result)})


PICKED = Task(
    "2.7",
    "An element picked twice",
    "`x[i]`, with tensors as indices, copies elements of x, some perhaps several times. The gradient goes back to "
    "where they came from: write `IndexBackward.forward(grad, shape=, where=)`, which makes zeros of `shape`, of the "
    "gradient's type, and adds `grad` at `where`, a NumPy index (arrays, masks, slices). Its own `backward` is there: "
    "save `where` for it with `ctx.save_for_backward`.\n\n"
    "Easily overlooked: `z[where] = grad` keeps the last of several gradients for one element, and `z[where] += grad` "
    "too, for NumPy reads all before it writes any. -1 and the last index name the same element.",
    4,
    (
        "x of two elements, z = x[[0, 0, 1]]. Which gradients does x[0] get?",
        "Look for the NumPy function that adds at an index without the buffer: it is a method of the ufunc `np.add`.",
        "`np.zeros(shape, grad.dtype)`, then `np.add.at` of it, the index and the gradient. Nothing needs to be done "
        "about masks and negative indices.",
    ),
    (Place("ops/indexing.py", "IndexBackward.forward"),),
    (),
    (
        picked("each once", "x[engine.tensor([2, 0, 1])]", {"x": uniform(3, 2)}, (3, 2)),
        picked("rows, some twice", "x[i]", {"x": uniform(4, 3), "i": integers(3, (7,))}, (7, 3)),
        picked(
            "pairs, some twice", "x[i, j]", {"x": uniform(3, 2), "i": integers(2, (6,)), "j": integers(2, (6,))}, (6,)
        ),
        picked("columns by a matrix of indices", "x[:, i]", {"x": uniform(2, 4), "i": integers(3, (2, 3))}, (2, 2, 3)),
        picked("counted from the end", "x[engine.tensor([-1, 3, 0, -1])]", {"x": uniform(4)}, (4,)),
        picked(
            "by a mask", "x[engine.tensor([[True, False], [False, True], [True, True]])]", {"x": uniform(3, 2)}, (4,)
        ),
        picked("none", "x[engine.tensor([], dtype=engine.int64)]", {"x": uniform(3, 2)}, (0, 2)),
        Case(
            "2.7 the gradient of a gradient",
            f"z = x[i]\n{TWICE}",
            ("z", "first", "second"),
            {"x": uniform(4, 3), "i": integers(3, (5,)), "w": uniform(5, 3), "v": uniform(4, 3)},
        ),
    ),
)


def joined(name: str, program: str, shapes: dict[str, tuple[int, ...]], result: tuple[int, ...]) -> Case:
    """A case: tensors that are joined, and the gradient of each."""
    drawn = {each: uniform(*shape) for each, shape in shapes.items()}
    shown = tuple(f"{each}.grad" for each in shapes)
    return Case(f"2.8 {name}", f"z = {program}\nz.backward(w)", ("z", *shown), {**drawn, "w": uniform(*result)})


JOINED = Task(
    "2.8",
    "Cut what was joined",
    "`cat` puts tensors one after the other along `ctx.dim`. Write its `backward`, which cuts the gradient into as "
    "many pieces and returns them as a tuple, in the order of the tensors: `ctx.sizes` holds the size of each along "
    "that dimension. `Slice.apply(x, dim=, where=slice(start, stop))` cuts arrays and tensors.\n\n"
    "PyTorch lets a tensor of shape (0,) be joined with anything. `ctx.empty` says of each tensor whether it is one: "
    "its gradient is empty too, of shape (0,), and not a slice, which would have the other dimensions: "
    "`constant_like(array, grad_z)` makes of an array a gradient of the kind of `grad_z`. Easily overlooked: the "
    "sizes differ; and the same tensor may be joined twice, for which you return two pieces, that the engine adds.",
    3,
    (
        "Tensors of 2, 3 and 1 columns are joined. In which columns of the gradient is the second?",
        "Each piece begins where the one before it ended: keep a running `start`.",
        "Go through `zip(ctx.sizes, ctx.empty)`: append the slice from `start` to `start + size`, or the empty "
        "gradient, and move `start` on by the size. Return them as a tuple.",
    ),
    (Place("ops/joining.py", "Cat.backward"),),
    (),
    (
        joined("two of one size", "engine.cat((x, y))", {"x": (2, 3), "y": (2, 3)}, (4, 3)),
        joined("three of different sizes", "engine.cat((x, y, t), 1)", {"x": (2, 2), "y": (2, 3), "t": (2, 1)}, (2, 6)),
        joined("along the last dimension", "engine.cat((x, y), -1)", {"x": (2, 1, 2), "y": (2, 1, 3)}, (2, 1, 5)),
        joined("one twice", "engine.cat((x, y, x))", {"x": (2,), "y": (3,)}, (7,)),
        joined("one without elements", "engine.cat((x, y, t), 1)", {"x": (2, 2), "y": (2, 0), "t": (2, 1)}, (2, 3)),
        joined("one of shape (0,)", "engine.cat((x, y, t))", {"x": (2, 2), "y": (0,), "t": (1, 2)}, (3, 2)),
        joined("a constant between", "engine.cat((x, y.detach(), t))", {"x": (2,), "y": (3,), "t": (1,)}, (6,)),
        Case(
            "2.8 the gradient of a gradient",
            "z = engine.cat((x, y), 1)\nfirst = engine.autograd.grad(z, (x, y), w, create_graph=True)\n"
            "(second,) = engine.autograd.grad(first, w, (v, u))",
            ("z", "second"),
            {"x": uniform(2, 1), "y": uniform(2, 3), "w": uniform(2, 4), "v": uniform(2, 1), "u": uniform(2, 3)},
        ),
    ),
)


# ------------------------------------------------------------------------------------------------ all of them together


INTEGRATION = (
    Case(
        "A2 columns of mean 0 and variance 1",
        "apart = x - x.mean(0)\nscale = ((apart**2).sum(0, keepdim=True) / 6 + 0.01).sqrt()\n"
        "z = apart / scale * y + b\nz.backward(w)",
        ("z", "x.grad", "y.grad", "b.grad"),
        {"x": uniform(6, 3), "y": uniform(3), "b": uniform(), "w": uniform(6, 3)},
        "second order",
    ),
    Case(
        "A2 a cross-entropy written by hand",
        "powers = (x - x.amax(1, keepdim=True)).exp()\nchances = powers / powers.sum(1, keepdim=True)\n"
        "rows = engine.arange(6)\nloss = -chances[rows, labels].log().mean()\nloss.backward()",
        ("loss", "x.grad"),
        {"x": among(-1.0, 0.5, 2.0, shape=(6, 4)), "labels": integers(4, (6,))},
        "second order",
    ),
    Case(
        "A2 the nearest of some points",
        "points = engine.cat((x, y[i]), 0).permute(1, 0)\n"
        "squares = ((points.unsqueeze(2) - t.permute(1, 0).unsqueeze(1)) ** 2).sum(0)\nz = squares.amin(1)\n"
        "z.backward(w)",
        ("z", "x.grad", "y.grad", "t.grad"),
        {"x": uniform(2, 3), "y": uniform(4, 3), "i": integers(3, (5,)), "t": uniform(4, 3), "w": uniform(7)},
        "second order",
    ),
    Case(
        "A2 second derivatives",
        "z = (x * y).sum((2, 0)) * engine.maximum(x.mean((0, 2)), y)\n"
        "first = engine.autograd.grad(z, (x, y), w, create_graph=True)\n"
        "by_x, by_y, by_w = engine.autograd.grad(first, (x, y, w), (v, u))",
        ("by_x", "by_y", "by_w"),
        {"x": uniform(2, 3, 4), "y": uniform(3, 1), "w": uniform(3, 3), "v": uniform(2, 3, 4), "u": uniform(3, 1)},
        "second order",
    ),
    Case(
        "A2 shapes that fit, and that do not",
        "found = []\nfor a, b in ((x, y), (x.permute(2, 0, 1), x), (engine.cat((y, y)), x)):\n    try:\n"
        "        a + b\n        found.append('fits')\n    except RuntimeError as error:\n"
        "        found.append(str(error).partition('at ')[2].partition(':')[0])\nfound = ', '.join(found)\n"
        "z = x.permute(2, 0, 1) + engine.cat((y, y), 1).permute(1, 0)\nz.backward(w)",
        ("found", "x.grad", "y.grad"),
        {"x": uniform(2, 3, 4), "y": uniform(3, 1), "w": uniform(4, 2, 3)},
    ),
)

ASSIGNMENT = Assignment("A2", "Shapes", (FIT, UNBROADCAST, SUM, MEAN, TIES, PERMUTE, PICKED, JOINED), INTEGRATION, 4)
