"""Pictures: convolution, pooling, batch norm, a residual block."""

from __future__ import annotations

import textwrap

from comparisons.coursework.cases import Case, Draw, among, uniform
from comparisons.coursework.holes import Place
from comparisons.coursework.tasks import Assignment, Task

__all__ = ["ASSIGNMENT"]

NAN = float("nan")
INF = float("inf")


def by_loops(
    name: str, program: str, show: tuple[str, ...], inputs: dict[str, Draw], tolerance: str = "convolution float64"
) -> Case:
    """A case in which the plain loops compute, not the fast kernels. PyTorch has no word for that."""
    inside = f"with engine.reference_kernels():\n{textwrap.indent(program, '    ')}"
    return Case(name, inside, show, inputs, tolerance, theirs=program)


# ----------------------------------------------------------------------------------------- convolution

PLACES = Task(
    "5.1",
    "How many places",
    "A kernel of R × S numbers lies on a picture of H × W at places that are `stride` apart. Its numbers are "
    "`dilation` apart, so it covers dilation · (R - 1) + 1 rows. On each of its four edges the picture is wider by "
    "`padding`.\n\n"
    "`places_on(size, kernel, stride, padding, dilation)` gets five pairs, each (down, across), and returns the list "
    "[OH, OW]: how many places there are down and across, each lying wholly on the padded picture. What is left at "
    "the end, too little for another step, is not used: the division rounds down. The two directions have nothing to "
    "do with each other, and each pair may have two different numbers.",
    2,
    (
        "The first place always begins at 0. Where does the last place begin, if the kernel's end may just touch the "
        "padded picture's end?",
        "There is one place, and one more for each whole step that fits behind it.",
        "(size + 2 · padding - reach) // stride + 1 in each direction, reach being what the kernel covers.",
    ),
    (Place("kernels/convolution.py", "places_on"),),
    cases=(
        Case(
            "5.1 a kernel of one place at a time",
            "z = engine.nn.functional.unfold(x, (2, 3))",
            ("z.shape[2]", "z"),
            {"x": uniform(1, 1, 5, 4)},
        ),
        Case(
            "5.1 steps that do not go up",
            "z = engine.nn.functional.unfold(x, (2, 2), stride=(3, 2))",
            ("z.shape[2]", "z"),
            {"x": uniform(1, 1, 7, 7)},
        ),
        Case(
            "5.1 unequal padding",
            "z = engine.nn.functional.unfold(x, (3, 3), padding=(2, 1))",
            ("z.shape[2]", "z"),
            {"x": uniform(1, 1, 4, 4)},
        ),
        Case(
            "5.1 unequal dilation",
            "z = engine.nn.functional.unfold(x, (3, 2), dilation=(2, 4))",
            ("z.shape[2]", "z"),
            {"x": uniform(1, 1, 7, 6)},
        ),
        Case(
            "5.1 all of it",
            "z = engine.nn.functional.unfold(x, (2, 3), padding=(1, 2), stride=(2, 3), dilation=(3, 2))",
            ("z.shape[2]", "z"),
            {"x": uniform(2, 2, 8, 7)},
        ),
        Case(
            "5.1 a kernel as large as the picture",
            "z = engine.nn.functional.unfold(x, (3, 5), stride=(2, 2))",
            ("z.shape[2]", "z"),
            {"x": uniform(1, 2, 3, 5)},
        ),
    ),
)

TERMS = Task(
    "5.2",
    "Convolution as loops",
    "y[n, k, h, w] is the sum of x[n, c, down, across] · weight[k, c, r, s] over the channels c and the kernel's rows "
    "r and columns s, with down = h · stride + r · dilation - padding, and across likewise with the second of each "
    "pair.\n\n"
    "`terms(y_shape, x_shape, weight_shape, stride, padding, dilation, groups)` is a generator: it yields for every "
    "such product the three index tuples (into y, into x, into weight) that meet in it, of places inside the picture "
    "only: elsewhere is padding, which is zero. With `groups` the channels of x are cut into so many equal parts, and "
    "so are the K kernels; a kernel sees its own part only: weight has shape (K, C / groups, R, S), and c counts "
    "within the part.\n\n"
    "`convolve_by_loops(x, weight, y_shape, stride, padding, dilation, groups)` adds up the products and returns y, "
    "of x's type, made of zeros by `pictures(y_shape, x.dtype, np.zeros)`. Nothing is mirrored: what is called "
    "convolution here is, as everywhere in deep learning, a correlation.",
    6,
    (
        "Seven loops: four over y's indices, three over the kernel's. The place in x follows from them.",
        "Kernel k belongs to group k // (kernels // groups), and that group's first channel is the group times the "
        "weight's second size. An index of -1 is no error in NumPy, so ask before, not after.",
        "In the innermost loop compute down and across; if both are inside, yield (n, k, h, w), then n, the group's "
        "first channel plus c, down and across, then (k, c, r, s). To y, at the first, add x at the second times "
        "weight at the third.",
    ),
    (Place("kernels/convolution.py", "terms"), Place("kernels/convolution.py", "convolve_by_loops")),
    ("5.1",),
    (
        by_loops(
            "5.2 a kernel that is not square",
            "z = engine.nn.functional.conv2d(x, w)",
            ("z",),
            {"x": uniform(1, 1, 4, 5), "w": uniform(1, 1, 2, 3)},
        ),
        by_loops(
            "5.2 channels and kernels, two pictures",
            "z = engine.nn.functional.conv2d(x, w, b)",
            ("z",),
            {"x": uniform(2, 3, 4, 3), "w": uniform(4, 3, 2, 2), "b": uniform(4)},
        ),
        by_loops(
            "5.2 unequal padding",
            "z = engine.nn.functional.conv2d(x, w, padding=(2, 1))",
            ("z",),
            {"x": uniform(1, 2, 3, 3), "w": uniform(2, 2, 3, 3)},
        ),
        by_loops(
            "5.2 unequal strides",
            "z = engine.nn.functional.conv2d(x, w, stride=(2, 3))",
            ("z",),
            {"x": uniform(1, 2, 5, 6), "w": uniform(2, 2, 2, 2)},
        ),
        by_loops(
            "5.2 unequal dilation",
            "z = engine.nn.functional.conv2d(x, w, dilation=(2, 3))",
            ("z",),
            {"x": uniform(1, 2, 6, 6), "w": uniform(2, 2, 2, 2)},
        ),
        by_loops(
            "5.2 groups",
            "z = engine.nn.functional.conv2d(x, w, groups=2)",
            ("z",),
            {"x": uniform(1, 4, 3, 3), "w": uniform(6, 2, 2, 2)},
        ),
        by_loops(
            "5.2 a group each channel, two kernels each",
            "z = engine.nn.functional.conv2d(x, w, groups=3, padding=1, stride=2)",
            ("z",),
            {"x": uniform(2, 3, 4, 3), "w": uniform(6, 1, 3, 3)},
        ),
        by_loops(
            "5.2 one number each place, in float32",
            "z = engine.nn.functional.conv2d(x, w, stride=2)",
            ("z",),
            {"x": uniform(2, 3, 3, 5, dtype="float32"), "w": uniform(4, 3, 1, 1, dtype="float32")},
            "convolution float32",
        ),
    ),
)

LOOPS_BACK = Task(
    "5.3",
    "Both gradients as loops",
    "In each of the terms of 5.2 three elements meet: y's is the sum of x's times weight's.\n\n"
    "`gradient_of_input_by_loops(grad_y, weight, x_shape, stride, padding, dilation, groups)` returns dL/dx, of shape "
    "x_shape and grad_y's type, made by `pictures(…, np.zeros)`; `gradient_of_weight_by_loops(grad_y, x, weight_shape, "
    "…)` returns dL/dweight, of shape weight_shape, made by `np.zeros`. An element of x is read at several places, and "
    "one of weight at all of them: each such use adds to its gradient. `terms` wants the shape of y first: it is "
    "grad_y's. The transposed convolution is the first of the two.",
    5,
    (
        "For z = a · b, dL/da = dL/dz · b. That holds for each term, and terms that share an element add up.",
        "The loop is that of convolve_by_loops; only what is on the left of += and what is on its right change places.",
        "To dL/dx, where the term read x, add grad_y where it wrote, times weight where it read. To dL/dweight "
        "likewise, with x in the place of weight.",
    ),
    (
        Place("kernels/convolution.py", "gradient_of_input_by_loops"),
        Place("kernels/convolution.py", "gradient_of_weight_by_loops"),
    ),
    ("5.2",),
    (
        by_loops(
            "5.3 places that overlap",
            "z = engine.nn.functional.conv2d(x, w)\nz.backward(v)",
            ("x.grad", "w.grad"),
            {"x": uniform(1, 1, 3, 4), "w": uniform(1, 1, 2, 3), "v": uniform(1, 1, 2, 2)},
        ),
        by_loops(
            "5.3 channels and kernels, two pictures",
            "z = engine.nn.functional.conv2d(x, w)\nz.backward(v)",
            ("x.grad", "w.grad"),
            {"x": uniform(2, 3, 3, 3), "w": uniform(3, 3, 2, 2), "v": uniform(2, 3, 2, 2)},
        ),
        by_loops(
            "5.3 unequal padding, strides and dilation",
            "z = engine.nn.functional.conv2d(x, w, padding=(2, 1), stride=(1, 2), dilation=(2, 1))\nz.backward(v)",
            ("x.grad", "w.grad"),
            {"x": uniform(1, 2, 3, 5), "w": uniform(2, 2, 3, 2), "v": uniform(1, 2, 3, 3)},
        ),
        by_loops(
            "5.3 groups, and pixels that no place reads",
            "z = engine.nn.functional.conv2d(x, w, groups=2, stride=3)\nz.backward(v)",
            ("x.grad", "w.grad"),
            {"x": uniform(2, 4, 5, 6), "w": uniform(6, 2, 2, 2), "v": uniform(2, 6, 2, 2)},
        ),
        by_loops(
            "5.3 only one of the two needs a gradient",
            "engine.nn.functional.conv2d(x, y.detach()).backward(v)\n"
            "engine.nn.functional.conv2d(y.detach(), w).backward(v)",
            ("x.grad", "w.grad"),
            {"x": uniform(1, 1, 2, 2), "w": uniform(1, 1, 2, 2), "y": uniform(1, 1, 2, 2), "v": uniform(1, 1, 1, 1)},
        ),
        by_loops(
            "5.3 the transposed convolution",
            "z = engine.nn.functional.conv_transpose2d(x, w, stride=(2, 1), padding=(0, 1))\nz.backward(v)",
            ("z", "w.grad"),
            {"x": uniform(1, 2, 2, 3), "w": uniform(2, 3, 3, 2), "v": uniform(1, 3, 5, 2)},
        ),
        by_loops(
            "5.3 gradients of the gradients",
            "z = engine.nn.functional.conv2d(x, w, stride=(1, 2))\n"
            "first = engine.autograd.grad(z, (x, w), v, create_graph=True)\n"
            "second = engine.autograd.grad(first, (x, w, v), (s, t))",
            ("second[0]", "second[1]", "second[2]"),
            {
                "x": uniform(1, 2, 3, 4),
                "w": uniform(2, 2, 2, 2),
                "v": uniform(1, 2, 2, 2),
                "s": uniform(1, 2, 3, 4),
                "t": uniform(2, 2, 2, 2),
            },
        ),
        by_loops(
            "5.3 float32",
            "z = engine.nn.functional.conv2d(x, w, padding=1)\nz.backward(v)",
            ("x.grad", "w.grad"),
            {
                "x": uniform(1, 2, 3, 2, dtype="float32"),
                "w": uniform(1, 2, 3, 3, dtype="float32"),
                "v": uniform(1, 1, 3, 2, dtype="float32"),
            },
            "convolution float32",
        ),
    ),
)


def gathered(name: str, options: str, x: tuple[int, ...], w: tuple[int, ...], v: tuple[int, ...]) -> Case:
    """A convolution by the fast kernels, and the gradient of its weight: both are products of gathered rows."""
    return Case(
        name,
        f"z = engine.nn.functional.conv2d(x.detach(), w{options})\nz.backward(v)",
        ("z", "w.grad"),
        {"x": uniform(*x), "w": uniform(*w), "v": uniform(*v)},
        "convolution float64",
    )


GATHERING = Task(
    "5.4",
    "im2col without copying twice",
    "The fast kernels make a convolution one product of matrices: everything that one place of y reads, R · S · C "
    "numbers, becomes a row. `Reading.rows(chunk)` makes these rows, of the pictures `first` to `end` (excluded) and "
    "of y's rows `top` to `bottom` (excluded): `chunk` is (first, end, top, bottom). It returns a matrix of shape "
    "((end - first) · (bottom - top) · across, R · S · C): rows in the order picture, row of y, column of y; columns "
    "in the order r, s, c.\n\n"
    "What there is: `self.x` (N, H, W, C), channels last; the pairs `self.kernel`, `self.stride`, `self.padding`, "
    "`self.dilation`; `self.channels`; `self.across`, how many places a row of y has; `self.length`, R · S · C. "
    "`window(self.x, first, end, y0, height, x0, width)` gives the rows y0 to y0 + height and the columns x0 to x0 + "
    "width of these pictures, zeros beyond their edges (y0 and x0 may be negative): (end - first, height, width, C). "
    "`as_strided(array, shape, strides)` sees an array's memory by other strides, in bytes, without copying: the six "
    'dimensions picture, row of y, column of y, r, s, c. `workspace("rows", shape, dtype)` is memory that is used '
    "again, and `copy_runs(places, copied)` fills it; where what as_strided gives already lies in order, no copy is "
    "needed. The window must be as high and as wide as what the chunk reads: strides over its end read foreign memory.",
    9,
    (
        "How many rows of x does the chunk see? The last row of y in it reads (bottom - top - 1) · stride rows below "
        "the first one, and a kernel covers (R - 1) · dilation + 1.",
        "The window begins at top · stride - padding, down, and at -padding, across. One place further across is "
        "stride[1] columns of the window, one number further in the kernel dilation[1] columns.",
        "Strides of the window: picture, row, column, channel. The six are picture, row · stride[0], column · "
        "stride[1], row · dilation[0], column · dilation[1], channel. Copy to the workspace, then reshape to (count, "
        "length).",
    ),
    (Place("kernels/convolution.py", "Reading.rows"),),
    ("5.2",),
    (
        gathered("5.4 five by five", "", (1, 2, 7, 6), (2, 2, 5, 5), (1, 2, 3, 2)),
        gathered(
            "5.4 seven by seven, padded, in steps of two",
            ", stride=2, padding=3",
            (2, 3, 9, 8),
            (4, 3, 7, 7),
            (2, 4, 5, 4),
        ),
        gathered("5.4 unequal strides", ", stride=(3, 2)", (1, 1, 9, 8), (2, 1, 2, 4), (1, 2, 3, 3)),
        gathered("5.4 unequal padding", ", padding=(1, 3)", (1, 2, 5, 4), (1, 2, 5, 4), (1, 1, 3, 7)),
        gathered("5.4 unequal dilation", ", dilation=(1, 3)", (1, 2, 5, 8), (2, 2, 3, 2), (1, 2, 3, 5)),
        gathered(
            "5.4 tall dilation, padded, in steps",
            ", dilation=(3, 1), padding=(2, 0), stride=(1, 2)",
            (2, 1, 6, 5),
            (2, 1, 2, 3),
            (2, 2, 7, 2),
        ),
        gathered(
            "5.4 a picture in several chunks",
            ", padding=(3, 2), stride=(2, 1)",
            (1, 2, 60, 150),
            (2, 2, 7, 5),
            (1, 2, 30, 150),
        ),
        gathered(
            "5.4 several pictures a chunk, in several chunks",
            ", padding=2",
            (7, 2, 40, 30),
            (1, 2, 5, 5),
            (7, 1, 40, 30),
        ),
        gathered("5.4 one number each place", "", (2, 3, 3, 4), (2, 3, 1, 1), (2, 2, 3, 4)),
        gathered("5.4 one number each place, in steps", ", stride=(2, 1)", (2, 3, 3, 4), (2, 3, 1, 1), (2, 2, 2, 4)),
        gathered("5.4 groups", ", groups=2, padding=(0, 2)", (1, 4, 5, 3), (4, 2, 5, 5), (1, 4, 1, 3)),
    ),
)

# --------------------------------------------------------------------------------------------- pooling

POOL = "z = engine.nn.functional.max_pool2d(x, {})\nz.backward(v)"
BEYOND = (
    "z, t = [engine.nn.functional.max_pool2d(each, size, 1, [n // 2 for n in size], size)"
    " for each, size in ((x, (2, 1)), (y, (1, 2)))]"
)
POOL_AND_INDICES = "z, i = engine.nn.functional.max_pool2d(x, {}, return_indices=True)\nz.backward(v)"

MAX_POOL = Task(
    "5.5",
    "Max pooling, ties and NaN",
    "`plain_max_pool(x, rows, columns)` gets pictures (N, C, H, W), and where the windows lie down and across: "
    "`rows.count` and `columns.count` windows of `rows.kernel` × `columns.kernel` elements; `rows.place(h, i)` is the "
    "row of x where element i of window h lies, which may be outside of the picture. It returns two arrays of shape "
    "(N, C, rows.count, columns.count): the largest element of each window, of x's type, and its number in the "
    "window, i · columns.kernel + j, of the type `number_type(rows, columns)`.\n\n"
    "What lies outside never wins. Of equal elements the first counts, row by row; NaN is larger than anything, and "
    "of several the last counts. A window in which everything is -inf has the number of its first element inside "
    "(`rows.first_inside()` and `columns.first_inside()` give these numbers, one a window), and `lowest_of(x.dtype)` "
    "is the lowest value of the type.\n\n"
    "`plain_spread_to_windows(grad, numbers, size, rows, columns)` is the way back: pictures of `size` = (H, W), "
    "zeros, to which each window adds its grad at the element that has its number. Windows may overlap. A window may "
    "lie wholly beyond the picture's end: it has nothing to add to.",
    6,
    (
        "`np.ndindex(z.shape)` goes through all windows. Begin with the lowest value and its number, then ask each "
        "element inside whether it takes the place of the best so far.",
        "`value > largest` is False for NaN on either side. Which question lets a NaN win, and which lets the first "
        "of equal ones stay?",
        "An element takes the place if it is larger or NaN. Backward: divmod of the number by columns.kernel gives i "
        "and j back, their places are where the window's grad is added, if they are inside.",
    ),
    (Place("kernels/pooling.py", "plain_max_pool"), Place("kernels/pooling.py", "plain_spread_to_windows")),
    cases=(
        by_loops(
            "5.5 windows side by side, not square",
            POOL.format("(2, 3)"),
            ("z", "x.grad"),
            {"x": uniform(2, 2, 4, 6), "v": uniform(2, 2, 2, 2)},
            "exact",
        ),
        by_loops(
            "5.5 windows that overlap",
            POOL_AND_INDICES.format("3, stride=(1, 2)"),
            ("z", "i", "x.grad"),
            {"x": uniform(1, 2, 4, 5), "v": uniform(1, 2, 2, 2)},
        ),
        by_loops(
            "5.5 ties",
            POOL_AND_INDICES.format("(2, 3), stride=1"),
            ("z", "i", "x.grad"),
            {"x": among(-1.0, 0.0, 1.0, shape=(1, 2, 5, 5)), "v": uniform(1, 2, 4, 3)},
        ),
        by_loops(
            "5.5 NaN",
            POOL_AND_INDICES.format("3, stride=1"),
            ("z", "i", "x.grad"),
            {"x": among(NAN, NAN, INF, *[0.5, -1.0, 2.0, 1.0] * 2, shape=(1, 1, 6, 6)), "v": uniform(1, 1, 4, 4)},
        ),
        by_loops(
            "5.5 unequal padding, all negative",
            POOL_AND_INDICES.format("(3, 4), stride=(2, 1), padding=(1, 2)"),
            ("z", "i", "x.grad"),
            {"x": uniform(1, 2, 4, 3, low=-3.0, high=-1.0), "v": uniform(1, 2, 2, 4)},
        ),
        by_loops(
            "5.5 unequal padding, all minus infinity",
            POOL_AND_INDICES.format("(3, 2), stride=(1, 2), padding=(1, 1)"),
            ("z", "i", "x.grad"),
            {"x": among(*[-INF] * 7, -2.0, shape=(1, 2, 4, 4)), "v": uniform(1, 2, 4, 3)},
        ),
        by_loops(
            "5.5 unequal dilation",
            POOL_AND_INDICES.format("2, stride=1, dilation=(2, 3)"),
            ("z", "i", "x.grad"),
            {"x": uniform(1, 1, 4, 5), "v": uniform(1, 1, 2, 2)},
        ),
        by_loops(
            "5.5 windows that go over the end",
            POOL_AND_INDICES.format("(2, 3), stride=(2, 2), ceil_mode=True"),
            ("z", "i", "x.grad"),
            {"x": uniform(1, 1, 5, 6), "v": uniform(1, 1, 3, 3)},
        ),
        Case(
            "5.5 windows wholly beyond the end",
            f"with engine.reference_kernels():\n    {BEYOND}\n    engine.autograd.backward((z, t), (v, w))\n"
            "by_x, by_y = x.grad, y.grad",
            ("z", "t", "by_x", "by_y"),
            {"x": uniform(1, 2, 1, 3), "y": uniform(1, 2, 3, 1), "v": uniform(1, 2, 1, 3), "w": uniform(1, 2, 3, 1)},
            "exact",
            f"{BEYOND}\nby_x, by_y = engine.zeros_like(x), engine.zeros_like(y)",  # its backward writes beyond memory
        ),
        by_loops(
            "5.5 one picture without a batch, in float32",
            POOL.format("2"),
            ("z", "x.grad"),
            {"x": uniform(2, 4, 4, dtype="float32"), "v": uniform(2, 2, 2, dtype="float32")},
            "exact",
        ),
    ),
)

# ------------------------------------------------------------------------------------------ batch norm

NORM = "z = engine.nn.functional.batch_norm(x, m, r, a, b, training={}, momentum={})\n"
MADE = "m, r = m.detach(), r.detach()\n"
CHANNELS = {"m": uniform(3), "r": uniform(3, low=0.5), "a": uniform(3), "b": uniform(3)}

STATISTICS = Task(
    "5.6",
    "Statistics, biased and unbiased",
    "`plain_statistics(x)` gets x of shape (N, C, ...) and returns two arrays (C,) of float64: the mean of each "
    "channel over all samples and places, and its variance, the mean of the squared distances from that mean (biased: "
    "divided by the count). `count_of(x)` is how many values a channel has. Sum in float64 whatever x's type is, and "
    "take the distances from the mean: the mean of squares less the square of the mean cancels where the mean is "
    "large.\n\n"
    "`move(running, new, momentum)` moves the array `running`, in place, towards `new`: (1 - momentum) times itself "
    "plus momentum times new, computed in float64; None stays None. Whoever calls it has made the variance unbiased.",
    5,
    (
        "`x[:, c]` are all values of channel c. Two loops over them: the mean must be known before distances are.",
        "`running = ...` would make another array and leave the layer's as it was.",
        "For each channel: the sum over the count is the mean, the sum of squared distances from it over the count the "
        "variance. Assign what `move` computes to `running[...]`, unless it is None.",
    ),
    (Place("kernels/batch_norm.py", "plain_statistics"), Place("ops/batch_norm.py", "move")),
    cases=(
        by_loops(
            "5.6 samples without places",
            MADE + NORM.format("True", 0.25),
            ("z", "m", "r"),
            {"x": uniform(5, 3), **CHANNELS},
        ),
        by_loops(
            "5.6 pictures",
            MADE + NORM.format("True", 0.1),
            ("z", "m", "r"),
            {"x": uniform(2, 3, 2, 4), **CHANNELS},
        ),
        by_loops(
            "5.6 as many samples as channels, two values each",
            MADE + NORM.format("True", 0.75),
            ("z", "m", "r"),
            {"x": uniform(2, 2), **{name: uniform(2, low=0.5) for name in "mrab"}},
        ),
        by_loops(
            "5.6 a batch of one, with places",
            MADE + NORM.format("True", 1.0),
            ("z", "m", "r"),
            {"x": uniform(1, 3, 4), **CHANNELS},
        ),
        by_loops(
            "5.6 two batches, then evaluation",
            "m, r = m.detach(), r.detach()\n"
            "for batch in (x, y):\n    engine.nn.functional.batch_norm(batch, m, r, training=True, momentum=0.5)\n"
            "z = engine.nn.functional.batch_norm(x, m, r)",
            ("z", "m", "r"),
            {"x": uniform(4, 3), "y": uniform(6, 3, low=1.0, high=5.0), "m": uniform(3), "r": uniform(3, low=0.5)},
        ),
        by_loops(
            "5.6 nothing that runs along",
            "z = engine.nn.functional.batch_norm(x, None, None, training=True)",
            ("z",),
            {"x": uniform(4, 3)},
        ),
        by_loops(
            "5.6 large numbers that differ little",
            MADE + NORM.format("True", 0.1),
            ("r",),
            {"x": uniform(6, 3, low=1e6, high=1e6 + 1), **CHANNELS},
            "network float64",
        ),
        by_loops(
            "5.6 float32",
            MADE + NORM.format("True", 0.5),
            ("m", "r"),
            {
                "x": uniform(5, 3, dtype="float32"),
                **{name: uniform(3, low=0.5, dtype="float32") for name in "mrab"},
            },
            "float32",
        ),
        by_loops(
            "5.6 float16, many values a channel",  # the same for all: next to a tie PyTorch's float32 rounds otherwise
            "x = (engine.arange(4000) * 37 % 101).reshape(10, 4, 10, 10).to(engine.float16) / 64 + 1\n"
            "m, r = [(engine.arange(4).to(engine.float16) * 0.3 + start) for start in (-1, 1)]\n"
            "engine.nn.functional.batch_norm(x, m, r, training=True, momentum=0.3)",
            ("m", "r"),
            {},
            "exact",
        ),
        by_loops(
            "5.6 float32, many values a channel",
            MADE + "engine.nn.functional.batch_norm(x, m, r, training=True, momentum=1.0)",
            ("m",),
            {
                "x": uniform(10, 2, 40, 50, low=1.0, high=1.001, dtype="float32"),
                "m": uniform(2, dtype="float32"),
                "r": uniform(2, low=0.5, dtype="float32"),
            },
            "float32",
        ),
        by_loops(
            "5.6 a layer that learns and is then used",
            "layer = engine.nn.BatchNorm2d(3, dtype=engine.float64)\nfirst = layer(x)\nsecond = layer(y)\n"
            "layer.eval()\nused = layer(x)",
            ("first", "used", "layer.running_mean", "layer.running_var", "layer.num_batches_tracked"),
            {"x": uniform(2, 3, 2, 2), "y": uniform(3, 3, 1, 2)},
        ),
    ),
)

NARROW = {
    "x": uniform(10, 3, 10, 10, dtype="float16"),
    "a": uniform(3, dtype="float32"),
    "b": uniform(3, dtype="float32"),
    "v": uniform(10, 3, 10, 10, low=0.5, dtype="float16"),
}

NORM_BACK = Task(
    "5.7",
    "The way back through batch norm",
    "`NativeBatchNormBackward.forward(ctx, grad, x, weight, *, mean, inverse, training, eps)` returns the gradients "
    "of x (of x's shape and type), of weight and of bias ((C,) both, of the weight's shape and type; where weight is "
    "None, of inverse's shape and x's type). grad is dL/dz; mean and inverse = 1/√(variance + eps) are arrays (C,) of "
    "float64; n = (x - mean) · inverse.\n\n"
    "grad_bias = Σ grad and grad_weight = Σ grad · n, each over all samples and places of a channel. In evaluation "
    "mean and variance are constants: grad_x = weight · inverse · grad. In training both depend on x, and two terms "
    "go away: grad_x = weight · inverse · (grad - M[grad] - n · M[grad · n]), M being the channel's mean.\n\n"
    "The rule behind it needs `ctx.mean, ctx.inverse, ctx.training, ctx.eps` and `ctx.save_for_backward(grad, x, "
    "weight)`. Kernels that are there: `kernels.backward_sums(grad, x, mean)` gives Σ grad and Σ grad · (x - mean) of "
    "each channel; `kernels.count_of(x)` how many values it has; `kernels.input_gradient(grad, x, m, mean, q, p)` "
    "gives (grad - m - (x - mean) · q) · p, channel by channel; `kernels.normalize(x, mean, p, c)` gives (x - mean) · "
    "p + c. Arrays of float16 are to be computed with in float32.",
    10,
    (
        "Let scale = inverse · weight (or inverse alone). In evaluation grad_x is grad times scale, channel by "
        "channel.",
        "Σ grad · n is inverse times Σ grad · (x - mean). In n · M[grad · n] the inverse stands twice: what is left is "
        "what multiplies x - mean.",
        "p is scale, m = Σ grad / count, q = inverse² · Σ grad (x - mean) / count.",
    ),
    (Place("ops/batch_norm.py", "NativeBatchNormBackward.forward"),),
    ("5.6",),
    (
        by_loops(
            "5.7 samples without places",
            "z = engine.nn.functional.batch_norm(x, None, None, a, b, training=True)\nz.backward(v)",
            ("x.grad", "a.grad", "b.grad"),
            {"x": uniform(5, 3), "a": uniform(3), "b": uniform(3), "v": uniform(5, 3)},
            "second order",
        ),
        by_loops(
            "5.7 pictures",
            "z = engine.nn.functional.batch_norm(x, None, None, a, b, training=True)\nz.backward(v)",
            ("x.grad", "a.grad", "b.grad"),
            {"x": uniform(2, 3, 2, 4), "a": uniform(3), "b": uniform(3), "v": uniform(2, 3, 2, 4)},
            "second order",
        ),
        by_loops(
            "5.7 without weight and bias",
            "z = engine.nn.functional.batch_norm(x, None, None, training=True)\nz.backward(v)",
            ("x.grad",),
            {"x": uniform(3, 2, 4), "v": uniform(3, 2, 4)},
            "second order",
        ),
        by_loops(
            "5.7 a bias alone",
            "z = engine.nn.functional.batch_norm(x, None, None, None, b, training=True)\nz.backward(v)",
            ("x.grad", "b.grad"),
            {"x": uniform(4, 3), "b": uniform(3), "v": uniform(4, 3)},
            "second order",
        ),
        by_loops(
            "5.7 a large eps, a mean far from zero",
            "z = engine.nn.functional.batch_norm(x, None, None, a, b, training=True, eps=0.5)\nz.backward(v)",
            ("x.grad", "a.grad", "b.grad"),
            {"x": uniform(4, 3, low=5.0, high=9.0), "a": uniform(3), "b": uniform(3), "v": uniform(4, 3)},
            "second order",
        ),
        by_loops(
            "5.7 evaluation",
            MADE + NORM.format("False", 0.1) + "z.backward(v)",
            ("x.grad", "a.grad", "b.grad"),
            {"x": uniform(2, 3, 2), **CHANNELS, "v": uniform(2, 3, 2)},
            "second order",
        ),
        by_loops(
            "5.7 evaluation without weight and bias",
            MADE + "z = engine.nn.functional.batch_norm(x, m, r)\nz.backward(v)",
            ("x.grad",),
            {"x": uniform(4, 3), "m": uniform(3), "r": uniform(3, low=0.5), "v": uniform(4, 3)},
            "second order",
        ),
        Case(  # the fast kernels add in the type of what they are given
            "5.7 float16 with float32 weights, many values a channel",
            "z = engine.nn.functional.batch_norm(x, None, None, a, b, training=True)\nz.backward(v)",
            ("a.grad", "b.grad"),
            NARROW,
            "program float32",
        ),
        Case(
            "5.7 the float16 gradient of x, rounded once",
            "z = engine.nn.functional.batch_norm(x, None, None, a, b, training=True)\nz.backward(v)",
            ("x.grad",),
            NARROW,
            "float16",
        ),
        by_loops(
            "5.7 gradients of the gradients, in training and in evaluation",
            MADE
            + "first, second = [], []\n"
            + "for training in (True, False):\n"
            + "    z = engine.nn.functional.batch_norm(x, m, r, a, b, training, 0.5, eps=0.25)\n"
            + "    first.append(engine.autograd.grad(z, (x, a, b), v, create_graph=True))\n"
            + "    second.append(engine.autograd.grad(first[-1], (x, a, v), (s, t, u)))",
            tuple(f"second[{mode}][{number}]" for mode in (0, 1) for number in range(3)),
            {
                "x": uniform(5, 3),
                **CHANNELS,
                "v": uniform(5, 3),
                "s": uniform(5, 3),
                "t": uniform(3),
                "u": uniform(3),
            },
            "second order",
        ),
        by_loops(
            "5.7 float16, with parameters of float32",
            "z = engine.nn.functional.batch_norm(x, None, None, a, b, training=True)\nz.backward(v)",
            ("x.grad", "a.grad", "b.grad"),
            {
                "x": uniform(4, 3, dtype="float16"),
                "a": uniform(3, dtype="float32"),
                "b": uniform(3, dtype="float32"),
                "v": uniform(4, 3, dtype="float16"),
            },
            "float16",
        ),
        by_loops(
            "5.7 float32",
            "z = engine.nn.functional.batch_norm(x, None, None, a, b, training=True)\nz.backward(v)",
            ("x.grad", "a.grad", "b.grad"),
            {
                "x": uniform(4, 3, dtype="float32"),
                "a": uniform(3, dtype="float32"),
                "b": uniform(3, dtype="float32"),
                "v": uniform(4, 3, dtype="float32"),
            },
            "network float32",
        ),
    ),
)

# ------------------------------------------------------------------------------------------ a residual block

OURS = (
    "import importlib\nfrom functools import partial\n"
    "resnet = importlib.import_module(engine.__name__ + '.models.resnet')\n"
    "block, stage, projection = resnet.ResidualBlock, resnet.stage, resnet.projection\n"
)
THEIRS = """
from functools import partial
nn = engine.nn

def projection(inside, outside, stride, bias):
    if stride == 1 and inside == outside:
        return None
    return nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=bias), nn.BatchNorm2d(outside))

class block(nn.Module):
    def __init__(self, inside, outside, stride=1, downsample=None, shortcut=True):
        super().__init__()
        self.shortcut = shortcut
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.downsample = downsample if shortcut else None

    def forward(self, x):
        z = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if self.shortcut:
            z = z + (x if self.downsample is None else self.downsample(x))
        return z.relu()

def stage(block, blocks, inside, outside, stride, bias):
    first = block(inside, outside, stride, projection(inside, outside, stride, bias))
    return nn.Sequential(first, *[block(outside, outside) for _ in range(1, blocks)])
"""


def residual(name: str, program: str, show: tuple[str, ...], inputs: dict[str, Draw]) -> Case:
    """A case of residual blocks, which PyTorch itself does not have: they are written out for it."""
    program = f"engine.manual_seed(3)\n{program}"
    return Case(name, OURS + program, show, inputs, "network float64", theirs=THEIRS + program)


RESIDUAL = Task(
    "5.8",
    "A residual block",
    "`ResidualBlock.forward(x)` computes max(F(x) + S(x), 0). F is conv1, bn1, ReLU, conv2, bn2; S(x), the shortcut, "
    "is x itself, or `self.downsample(x)` where there is one; with `self.shortcut` False there is none, and z = "
    "max(F(x), 0). The parts are attributes, made in `__init__`; `self.relu` works in place: what goes in has changed "
    "afterwards, so x itself must not go in.\n\n"
    "`stage(block, blocks, in_channels, out_channels, stride, bias)` returns an `nn.Sequential` of so many blocks, of "
    "which only the first changes the channels and has the stride: the next ones keep both. `block` is called to make "
    "each, the first one with `projection(in_channels, out_channels, stride, bias)` for its downsample. Make all in "
    "order, the projection first, for each draws its weights from the seed.",
    4,
    (
        "Follow the docstring's formula from the inside: F first, from left to right, keeping x for later.",
        "The sum comes before the last ReLU, and after bn2.",
        "out = bn2(conv2(relu(bn1(conv1(x))))); add x or downsample(x) if self.shortcut; relu. In stage: one block "
        "(in_channels, out_channels, stride, projection), then blocks - 1 of (out_channels, out_channels).",
    ),
    (Place("models/resnet.py", "ResidualBlock.forward"), Place("models/resnet.py", "stage")),
    ("5.7",),
    (
        residual(
            "5.8 a block that keeps the shape",
            "net = block(2, 2).double()\nz = net(x)\nz.backward(v)",
            ("z", "x.grad", "net.conv1.weight.grad", "net.bn2.weight.grad"),
            {"x": uniform(2, 2, 4, 4), "v": uniform(2, 2, 4, 4)},
        ),
        residual(
            "5.8 a block in steps of two",
            "net = block(2, 3, 2, projection(2, 3, 2, False)).double()\nz = net(x)\nz.backward(v)",
            ("z", "x.grad", "net.downsample[0].weight.grad", "net.downsample[1].running_var"),
            {"x": uniform(2, 2, 5, 4), "v": uniform(2, 3, 3, 2)},
        ),
        residual(
            "5.8 without a shortcut",
            "net = block(2, 2, shortcut=False).double()\nz = net(x)\nz.backward(v)",
            ("z", "x.grad", "net.conv2.weight.grad"),
            {"x": uniform(2, 2, 3, 3), "v": uniform(2, 2, 3, 3)},
        ),
        residual(
            "5.8 in evaluation, one picture, which stays as it is",
            "net = block(2, 2).double().eval()\nwith engine.no_grad():\n    z = net(x)",
            ("z", "x", "net.bn1.running_mean"),
            {"x": uniform(1, 2, 3, 3)},
        ),
        residual(
            "5.8 a stage of three blocks in steps of two",
            "net = stage(block, 3, 2, 3, 2, False).double()\nz = net(x)\nz.backward(v)",
            ("len(net)", "z", "x.grad", "net[2].conv1.weight.grad", "net[1].downsample"),
            {"x": uniform(3, 2, 6, 6), "v": uniform(3, 3, 3, 3)},
        ),
        residual(
            "5.8 a stage without shortcuts",
            "net = stage(partial(block, shortcut=False), 2, 2, 2, 2, False).double()\nz = net(x)\nz.backward(v)",
            ("len(net)", "z", "x.grad"),
            {"x": uniform(3, 2, 4, 4), "v": uniform(3, 2, 2, 2)},
        ),
    ),
)

# ------------------------------------------------------------------------------------------- all together

NET = (
    "engine.manual_seed(3)\n"
    "net = engine.nn.Sequential(\n"
    "    engine.nn.Conv2d(2, 3, 5, padding=2), engine.nn.BatchNorm2d(3), engine.nn.ReLU(), engine.nn.MaxPool2d(2),\n"
    "    engine.nn.Conv2d(3, 4, 3, stride=2, padding=1), engine.nn.Flatten(), engine.nn.Linear(16, 3),\n"
    ").double()\noptimizer = engine.optim.SGD(net.parameters(), lr=0.1, momentum=0.5)\nlosses = []\n"
    "for _ in range(3):\n"
    "    optimizer.zero_grad()\n    loss = engine.nn.functional.cross_entropy(net(x.detach()), t)\n"
    "    loss.backward()\n    optimizer.step()\n    losses.append(loss.item())\n"
)
LEARNS = ("losses", "net[0].weight", "net[1].running_var", "net[4].weight", "net[6].bias")
PICTURES = {"x": uniform(4, 2, 8, 8), "t": among(0, 1, 2, shape=(4,), dtype="int64")}

INTEGRATION = (
    by_loops("5 together: a small network learns, by loops", NET, LEARNS, PICTURES, "network float64"),
    Case("5 together: a small network learns, by the fast kernels", NET, LEARNS, PICTURES, "network float64"),
    residual(
        "5 together: a stage of residual blocks learns, then is used",
        "net = stage(block, 2, 2, 3, 2, False).double()\noptimizer = engine.optim.SGD(net.parameters(), lr=0.1)\n"
        "for _ in range(2):\n"
        "    optimizer.zero_grad()\n    (net(x.detach()) * v.detach()).sum().backward()\n    optimizer.step()\n"
        "net.eval()\nz = net(x.detach())",
        ("z", "net[0].conv1.weight", "net[1].bn2.running_mean"),
        {"x": uniform(3, 2, 6, 6), "v": uniform(3, 3, 3, 3)},
    ),
)

ASSIGNMENT = Assignment(
    "A5",
    "Pictures",
    (PLACES, TERMS, LOOPS_BACK, GATHERING, MAX_POOL, STATISTICS, NORM_BACK, RESIDUAL),
    INTEGRATION,
    6,
)
