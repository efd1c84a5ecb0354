"""Learning: the linear layer, losses, modules, optimizers, schedules, data."""

from __future__ import annotations

from comparisons.coursework.cases import Case, among, integers, uniform
from comparisons.coursework.holes import Place
from comparisons.coursework.tasks import Assignment, Task

__all__ = ["ASSIGNMENT"]

NAN = float("nan")
INF = float("inf")

# ------------------------------------------------------------------------------------------ the linear layer

PRODUCT = Task(
    "4.1",
    "The two gradients of a matrix product",
    "`z = a @ b`, with a of shape (n, k), b of shape (k, m) and z of shape (n, m). `grad_z` is dL/dz, of z's "
    "shape.\n\n"
    "- `grad_of_first(grad_z, b)` returns dL/da, of a's shape.\n"
    "- `grad_of_second(a, b, grad_z)` returns dL/db, of b's shape. It is given b so that the result can lie in memory "
    "as b does; the values do not depend on b, and where b was not saved it is a bool.\n\n"
    "A gradient can be differentiated again: both get arrays, or tensors where the gradient's own graph is recorded, "
    "and serve both, so make them of operations that do (`@`, `.T`, `Mm.apply`, `T.apply`), not of NumPy's functions. "
    "Where all matrices are square, a wrong transposition has the right shape and the wrong values.",
    6,
    (
        "Write out one element, zᵢⱼ = Σₖ aᵢₖ bₖⱼ. Which elements of z contain aᵢₖ, and what does each multiply it by?",
        "dL/daᵢₖ is the sum over j of dL/dzᵢⱼ · bₖⱼ. Which product of two matrices is that, and which index must move?",
        "dL/da is grad_z times b transposed: (n, m) with (m, k). dL/db is a transposed times grad_z: (k, n) with (n, "
        "m).",
    ),
    (Place("ops/matmul.py", "grad_of_first"), Place("ops/matmul.py", "grad_of_second")),
    ("2.2",),
    (
        Case(
            "4.1 matrices of three sizes",
            "z = a @ b\nz.backward(w)",
            ("z", "a.grad", "b.grad"),
            {"a": uniform(2, 3), "b": uniform(3, 4), "w": uniform(2, 4)},
        ),
        Case(
            "4.1 square matrices",
            "z = a @ b\nz.backward(w)",
            ("a.grad", "b.grad"),
            {"a": uniform(3, 3), "b": uniform(3, 3), "w": uniform(3, 3)},
        ),
        Case(
            "4.1 a row times a column, a column times a row",
            "(a @ b).backward(v)\n(b @ a).backward(w)",
            ("a.grad", "b.grad"),
            {"a": uniform(1, 4), "b": uniform(4, 1), "v": uniform(1, 1), "w": uniform(4, 4)},
        ),
        Case(
            "4.1 a matrix times itself",
            "z = a @ a\nz.backward(w)",
            ("a.grad",),
            {"a": uniform(3, 3), "w": uniform(3, 3)},
        ),
        Case(
            "4.1 the second one transposed",
            "z = a @ b.T\nz.backward(w)",
            ("a.grad", "b.grad"),
            {"a": uniform(2, 3), "b": uniform(4, 3), "w": uniform(2, 4)},
        ),
        Case(
            "4.1 only one of the two needs a gradient",
            "(a @ c.detach()).backward(w)\n(c.detach() @ b).backward(w)",
            ("a.grad", "b.grad"),
            {"a": uniform(3, 3), "b": uniform(3, 3), "c": uniform(3, 3), "w": uniform(3, 3)},
        ),
        Case(
            "4.1 gradients of the gradients",
            "first = engine.autograd.grad(a @ b, (a, b), w, create_graph=True)\n"
            "second = engine.autograd.grad(first, (a, b, w), (u, v))",
            ("first[0]", "first[1]", "second[0]", "second[1]", "second[2]"),
            {"a": uniform(2, 3), "b": uniform(3, 4), "w": uniform(2, 4), "u": uniform(2, 3), "v": uniform(3, 4)},
            "second order",
        ),
    ),
)

SCALED_PRODUCT = Task(
    "4.2",
    "Bias, product, scale",
    "`z = beta · bias + alpha · a b`, with a of shape (n, k), b of shape (k, m), and a bias whose shape broadcasts to "
    "(n, m). `Addmm.backward(ctx, grad_z)` returns the three gradients, in the order of the inputs: of bias, of a, of "
    "b; None for an input that needs none (`ctx.needs_input_grad`).\n\n"
    "`ctx.saved_tensors` are a and b, each None where it is not needed; `ctx.beta` and `ctx.alpha` are numbers. "
    "`ctx.grad_of_first(a, b, grad_z)` and `ctx.grad_of_second(a, b, grad_z)` are the gradients of the product, which "
    "other classes replace by their own. The engine sums what you return to the bias's shape.",
    3,
    (
        "The three terms do not disturb each other: what is dz/dbias alone, with the product held still?",
        "A factor in front of a term stands in front of its gradient too. Which factor belongs to which input?",
        "The bias has grad_z times beta; a and b have the gradients of the product, each times alpha.",
    ),
    (Place("ops/matmul.py", "Addmm.backward"),),
    ("2.2", "4.1"),
    (
        Case(
            "4.2 a bias for each column",
            "z = engine.addmm(c, a, b)\nz.backward(w)",
            ("c.grad", "a.grad", "b.grad"),
            {"c": uniform(4), "a": uniform(2, 3), "b": uniform(3, 4), "w": uniform(2, 4)},
        ),
        Case(
            "4.2 square matrices, a bias for each element",
            "z = engine.addmm(c, a, b)\nz.backward(w)",
            ("c.grad", "a.grad", "b.grad"),
            {"c": uniform(3, 3), "a": uniform(3, 3), "b": uniform(3, 3), "w": uniform(3, 3)},
        ),
        Case(
            "4.2 a bias for each row, one row alone, and factors",
            "engine.addmm(c, a, b, beta=0.5, alpha=-3.0).backward(w)\n"
            "engine.addmm(c[:1], a[:1], b, beta=-2.0, alpha=0.25).backward(w[:1])",
            ("c.grad", "a.grad", "b.grad"),
            {"c": uniform(2, 1), "a": uniform(2, 3), "b": uniform(3, 4), "w": uniform(2, 4)},
        ),
        Case(
            "4.2 factors of zero",
            "engine.addmm(c, a, b, beta=0).backward(w)\nengine.addmm(c, a, b, alpha=0).backward(w)",
            ("c.grad", "a.grad", "b.grad"),
            {"c": uniform(4), "a": uniform(2, 3), "b": uniform(3, 4), "w": uniform(2, 4)},
        ),
        Case(
            "4.2 only one of the three needs a gradient",
            "engine.addmm(c, d.detach(), d.detach(), alpha=2.0).backward(w)\n"
            "engine.addmm(d.detach(), a, d.detach(), alpha=2.0).backward(w)\n"
            "engine.addmm(d.detach(), d.detach(), b, alpha=2.0).backward(w)",
            ("c.grad", "a.grad", "b.grad"),
            {"c": uniform(3), "a": uniform(3, 3), "b": uniform(3, 3), "d": uniform(3, 3), "w": uniform(3, 3)},
        ),
        Case(
            "4.2 a matrix times a vector",
            "z = engine.addmv(c, a, b, beta=0.5, alpha=-3.0)\nz.backward(w)",
            ("c.grad", "a.grad", "b.grad"),
            {"c": uniform(2), "a": uniform(2, 3), "b": uniform(3), "w": uniform(2)},
        ),
        Case(
            "4.2 gradients of the gradients",
            "z = engine.addmm(c, a, b, beta=0.5, alpha=-3.0)\n"
            "first = engine.autograd.grad(z, (c, a, b), w, create_graph=True)\n"
            "second = engine.autograd.grad(first, (a, b, w), (t, u, v))",
            ("second[0]", "second[1]", "second[2]"),
            {
                "c": uniform(4),
                "a": uniform(2, 3),
                "b": uniform(3, 4),
                "w": uniform(2, 4),
                "t": uniform(4),
                "u": uniform(2, 3),
                "v": uniform(3, 4),
            },
            "second order",
        ),
    ),
)

LINEAR = Task(
    "4.3",
    "The linear layer as a function",
    "`linear(input, weight, bias)` computes input · weightᵀ + bias. weight has shape (out_features, in_features), bias "
    "(out_features,) or is None, input (..., in_features): any number of dimensions before the last, none included. "
    "The result has input's shape with out_features in the place of in_features.\n\n"
    "Record what PyTorch records. Without bias that is `matmul`, which makes one `Mm` of two matrices; for a matrix "
    "and a bias one `Addmm` of (bias, input, weight transposed by `T.apply`); for a vector or more dimensions that lie "
    "in order of memory (`input.contiguous() is input`), `view` as a matrix, one `Addmm`, `view` back; else `matmul`, "
    "then `+`. An input or "
    'a weight of no dimensions is a RuntimeError; `check_tensors("linear", input=input, weight=weight)` raises the '
    "TypeError of what is no tensor, and is called for the three of them where the bias is neither one nor None. A "
    "layer with as many outputs as inputs does not notice a forgotten transposition by its shape.",
    3,
    (
        "A row of the input times a row of the weight gives one output: so which of the two must be transposed?",
        "`T.apply(weight)` has shape (in_features, out_features). `Addmm.apply(bias, a, b)` is bias + a b.",
        "Tell four kinds apart: no bias (`matmul`), a matrix, what lies in order of memory (`view` makes a matrix of "
        "it, a vector is one row), the rest (`matmul`, then the bias).",
    ),
    (Place("ops/linear.py", "linear"),),
    ("4.2",),
    (
        Case(
            "4.3 rows, with a bias",
            "z = engine.nn.functional.linear(x, a, b)\nz.backward(w)",
            ("z", "x.grad", "a.grad", "b.grad"),
            {"x": uniform(2, 3), "a": uniform(4, 3), "b": uniform(4), "w": uniform(2, 4)},
        ),
        Case(
            "4.3 as many outputs as inputs, a batch of one",
            "z = engine.nn.functional.linear(x, a, b)\nz.backward(w)",
            ("z", "x.grad", "a.grad", "b.grad"),
            {"x": uniform(1, 3), "a": uniform(3, 3), "b": uniform(3), "w": uniform(1, 3)},
        ),
        Case(
            "4.3 without a bias",
            "z = engine.nn.functional.linear(x, a)\nz.backward(w)",
            ("z", "x.grad", "a.grad"),
            {"x": uniform(3, 3), "a": uniform(3, 3), "w": uniform(3, 3)},
        ),
        Case(
            "4.3 a vector",
            "z = engine.nn.functional.linear(x, a, b)\nplain = engine.nn.functional.linear(x, a)\n"
            "(z * plain).backward(w)",
            ("z", "plain", "x.grad", "a.grad", "b.grad"),
            {"x": uniform(3), "a": uniform(4, 3), "b": uniform(4), "w": uniform(4)},
        ),
        Case(
            "4.3 more dimensions",
            "z = engine.nn.functional.linear(x, a, b)\nplain = engine.nn.functional.linear(x, a)\n"
            "(z * plain).backward(w)",
            ("z", "plain", "x.grad", "a.grad", "b.grad"),
            {"x": uniform(2, 3, 5), "a": uniform(4, 5), "b": uniform(4), "w": uniform(2, 3, 4)},
        ),
        Case(
            "4.3 more dimensions, not in the order of memory",
            "z = engine.nn.functional.linear(x.transpose(0, 1), a, b)\nz.backward(w)",
            ("z", "x.grad", "a.grad", "b.grad"),
            {"x": uniform(2, 3, 5), "a": uniform(4, 5), "b": uniform(4), "w": uniform(3, 2, 4)},
        ),
        Case(
            "4.3 the graphs",
            "z = engine.nn.functional.linear(x, a, b)\nplain = engine.nn.functional.linear(x, a)\n"
            "one = engine.nn.functional.linear(x[0], a, b)\nmore = engine.nn.functional.linear(y, a, b)\n"
            "column = engine.nn.functional.linear(a[:3, 0], a, b)",
            ("graph(z)", "graph(plain)", "graph(one)", "graph(more)", "graph(column)"),
            {"x": uniform(2, 3), "y": uniform(2, 2, 3), "a": uniform(4, 3), "b": uniform(4)},
        ),
        Case(
            "4.3 a weight of one dimension",
            "z = engine.nn.functional.linear(x, a)\nt = engine.nn.functional.linear(x[0], a)\n"
            "engine.autograd.backward((z, t), (w, w[0]))",
            ("z", "t", "x.grad", "a.grad"),
            {"x": uniform(2, 3), "a": uniform(3), "w": uniform(2)},
        ),
        Case(
            "4.3 what cannot be multiplied",
            "c, refused = x[0, 0], []\n"
            "for given in ((c, a), (x, c), (c, c), ([1.0], a), (x, [1.0]), (x, a, [1.0]), (x, x.T, b)):\n"
            "    try:\n        engine.nn.functional.linear(*given)\n"
            "    except (RuntimeError, TypeError) as error:\n"
            "        if isinstance(error, NotImplementedError):\n            raise\n"
            "        told = str(error).partition(' ')[0] if isinstance(error, TypeError) else ''\n"
            "        refused.append(type(error).__name__ + told)",
            ("' '.join(refused)",),
            {"x": uniform(2, 3), "a": uniform(4, 3), "b": uniform(4)},
        ),
    ),
)

# ------------------------------------------------------------------------------------------------ losses

LOG_SOFTMAX = Task(
    "4.4",
    "log-softmax and its gradient",
    "`LogSoftmax.forward(ctx, x, *, dim)` gets an array x of any shape and returns z of the same shape, "
    "zᵢ = xᵢ - ln Σⱼ exp xⱼ along `dim`. `LogSoftmaxBackwardData.forward(ctx, grad, z, *, dim)` gets dL/dz and z "
    "and returns dL/dxᵢ = gradᵢ - exp zᵢ Σⱼ gradⱼ. Both work on arrays of NumPy.\n\n"
    "What the rules behind them read must be left on `ctx`: `ctx.dim`, and by `ctx.save_for_backward` z in the first, "
    "grad and z in the second. Nothing may overflow: exp 1000 is inf, and ln of a softmax that came out as 0 is -inf, "
    "so neither may be computed on the way. An x without elements is returned as a copy: there is no largest of none. "
    "An x of no dimensions has `dim` 0, and one element.",
    8,
    (
        "ln Σ exp x changes by c when every x changes by c. So which number may be subtracted first, without changing "
        "z?",
        "Subtract the largest along `dim` (keep the dimension): the largest exponent is then 0, and the sum at least "
        "1.",
        "Shifted = x - largest; z = shifted - ln Σ exp shifted. Backward: the softmax is exp z; multiply it by the "
        "sum of grad along dim, kept, and take it from grad.",
    ),
    (Place("ops/softmax.py", "LogSoftmax.forward"), Place("ops/softmax.py", "LogSoftmaxBackwardData.forward")),
    ("2.3",),
    (
        Case(
            "4.4 rows",
            "z = x.log_softmax(1)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": uniform(3, 4), "w": uniform(3, 4)},
        ),
        Case(
            "4.4 columns of a square matrix",
            "z = x.log_softmax(0)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": uniform(4, 4), "w": uniform(4, 4)},
        ),
        Case(
            "4.4 the dimension in the middle, and the last by -1",
            "z = x.log_softmax(1) * x.log_softmax(-1)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": uniform(2, 3, 4), "w": uniform(2, 3, 4)},
        ),
        Case(
            "4.4 large numbers and small ones",
            "z = x.log_softmax(1)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": among(-1000.0, -999.0, -1.0, 0.0, 1.0, 999.0, 1000.0, shape=(5, 7)), "w": uniform(5, 7)},
        ),
        Case(
            "4.4 all very small",
            "z = x.log_softmax(1)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": uniform(2, 4, low=-1001.0, high=-1000.0), "w": uniform(2, 4)},
            "second order",
        ),
        Case(
            "4.4 NaN and infinities",
            "z = x.log_softmax(1)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": among(NAN, INF, -INF, *[0.5] * 9, shape=(6, 2)), "w": uniform(6, 2)},
        ),
        Case(
            "4.4 one class, one number, none",
            "z = x.log_softmax(1)\nz.backward(w)\nnone = e.log_softmax(1)\none = c.log_softmax(0)",
            ("z", "x.grad", "none", "one"),
            {"x": uniform(3, 1), "w": uniform(3, 1), "e": uniform(2, 0), "c": uniform()},
        ),
        Case(
            "4.4 gradients of the gradient",
            "(first,) = engine.autograd.grad(x.log_softmax(1), x, w, create_graph=True)\n"
            "second = engine.autograd.grad(first, (x, w), u)",
            ("first", "second[0]", "second[1]"),
            {"x": uniform(3, 4), "w": uniform(3, 4), "u": uniform(3, 4)},
            "second order",
        ),
        Case(
            "4.4 float32",
            "z = x.log_softmax(1)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": uniform(3, 4, dtype="float32"), "w": uniform(3, 4, dtype="float32")},
            "float32",
        ),
    ),
)

NLL = Task(
    "4.5",
    "The loss of classes, with weights and ignored samples",
    "x, of shape (N, C), or (C,) for one sample, holds log-probabilities; the tensor `target` holds a class each, "
    "(N,); `weight` is a tensor of a weight each class, (C,), or None. A sample whose target is `ignore_index` does "
    "not count: neither its loss, nor its weight, nor its gradient, whatever x holds there (NaN and inf too); "
    "`ignore_index` need not be a class.\n\n"
    '`NllLoss.forward` returns by `reduction` "none" each sample\'s -w(t) x(t), of shape (N,), or () where x is (C,); '
    'by "sum" their sum; by "mean" their sum over the sum of the weights that counted, which is NaN where none did. '
    "It saves `x, rows, (scale,), target, weight` in this order: `rows` is the pair of index arrays "
    "(sample, class) that picks each sample's element of an x of two dimensions, any class in the place of one that is "
    "ignored; `scale`, of x's type, is what each picked element is multiplied by, but for the sign: its weight, with "
    '"mean" over the sum of weights, and 0 where it is ignored.\n\n'
    "`NllLossBackward.forward(ctx, grad, x, *, scale, rows)` returns dL/dx: zeros of x's shape and grad's type, and "
    "-grad · scale where `rows` point; it saves `(scale,), rows`. grad is one number, or one a sample. All "
    "other arguments are arrays.",
    6,
    (
        "Only one element of each row of x matters. NumPy picks them all at once by two arrays: the rows' numbers and "
        "the classes.",
        "First replace ignored targets by some class that exists, then pick, then let `np.where` put 0 where a sample "
        "is ignored. 0 times NaN is NaN: multiplying by 0 does not do.",
        "counted = target != ignore_index; scale = the weights of the classes where counted, else 0; the losses are "
        "-picked · scale where counted, else 0; the mean divides both their sum and scale by the sum of scale.",
    ),
    (
        Place("ops/classification_losses.py", "NllLoss.forward"),
        Place("ops/classification_losses.py", "NllLossBackward.forward"),
    ),
    ("4.4",),
    (
        Case(
            "4.5 the mean",
            "z = engine.nn.functional.nll_loss(x, t)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": uniform(6, 3), "t": integers(3, (6,)), "w": uniform()},
        ),
        Case(
            "4.5 the sum, as many samples as classes",
            "z = engine.nn.functional.nll_loss(x, t, reduction='sum')\nz.backward(w)",
            ("z", "x.grad"),
            {"x": uniform(4, 4), "t": integers(4, (4,)), "w": uniform()},
        ),
        Case(
            "4.5 each sample's, two of one class",
            "z = engine.nn.functional.nll_loss(x, t, reduction='none')\nz.backward(w)",
            ("z", "x.grad"),
            {"x": uniform(5, 3), "t": integers(3, (5,)), "w": uniform(5)},
        ),
        Case(
            "4.5 weights, by each reduction",
            "c = c.detach()\n"
            "mean = engine.nn.functional.nll_loss(x, t, c)\n"
            "total = engine.nn.functional.nll_loss(x, t, c, reduction='sum')\n"
            "each = engine.nn.functional.nll_loss(x, t, c, reduction='none')\n"
            "weight, target = each.grad_fn._saved_weight, each.grad_fn._saved_target\n"
            "(each * mean * total).backward(w)",
            ("mean", "total", "each", "x.grad", "weight", "target"),
            {"x": uniform(6, 3), "t": integers(3, (6,)), "c": uniform(3, low=0.5), "w": uniform(6)},
        ),
        Case(
            "4.5 an ignored class",
            "mean = engine.nn.functional.nll_loss(x, t, ignore_index=1)\n"
            "total = engine.nn.functional.nll_loss(x, t, ignore_index=1, reduction='sum')\n"
            "each = engine.nn.functional.nll_loss(x, t, ignore_index=1, reduction='none')\n"
            "(each * mean * total).backward(w)",
            ("mean", "total", "each", "x.grad"),
            {"x": uniform(6, 3), "t": integers(3, (6,)), "w": uniform(6)},
        ),
        Case(
            "4.5 weights, and samples ignored by -100",
            "t = t.masked_fill(t == 2, -100)\nc = c.detach()\n"
            "z = engine.nn.functional.nll_loss(x, t, c)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": uniform(9, 3), "t": integers(3, (9,)), "c": uniform(3, low=0.5), "w": uniform()},
        ),
        Case(
            "4.5 NaN and inf where a sample is ignored",
            "t = t.masked_fill(x[:, 0].detach() != 0, -100)\nz = engine.nn.functional.nll_loss(x, t)\nz.backward(w)",
            ("z", "x.grad"),
            {"x": among(0.0, NAN, INF, shape=(6, 1)), "t": integers(1, (6,)), "w": uniform()},
        ),
        Case(
            "4.5 all samples ignored",
            "mean = engine.nn.functional.nll_loss(x, t, ignore_index=0)\n"
            "total = engine.nn.functional.nll_loss(x, t, ignore_index=0, reduction='sum')\n"
            "mean.backward()\ntotal.backward()",
            ("mean", "total", "x.grad"),
            {"x": uniform(3, 4), "t": integers(1, (3,))},
        ),
        Case(
            "4.5 one sample, as a batch and alone",
            "z = engine.nn.functional.nll_loss(x, t)\nz.backward(w)\n"
            "alone = engine.nn.functional.nll_loss(y, t[0])\n"
            "each = engine.nn.functional.nll_loss(y, t[0], reduction='none')\n(alone * each).backward(w)",
            ("z", "x.grad", "alone", "each", "y.grad"),
            {"x": uniform(1, 3), "y": uniform(3), "t": integers(3, (1,)), "w": uniform()},
        ),
        Case(
            "4.5 gradients of the gradient",
            "z = engine.nn.functional.nll_loss(x, t, c.detach(), reduction='none')\n"
            "(first,) = engine.autograd.grad(z, x, w, create_graph=True)\n"
            "(second,) = engine.autograd.grad(first, w, u)",
            ("first", "second"),
            {"x": uniform(5, 3), "t": integers(3, (5,)), "c": uniform(3), "w": uniform(5), "u": uniform(5, 3)},
            "second order",
        ),
        Case(
            "4.5 float32",
            "z = engine.nn.functional.nll_loss(x, t, c.detach(), ignore_index=1)\nz.backward(w)",
            ("z", "x.grad"),
            {
                "x": uniform(6, 3, dtype="float32"),
                "t": integers(3, (6,)),
                "c": uniform(3, low=0.5, dtype="float32"),
                "w": uniform(dtype="float32"),
            },
            "float32",
        ),
    ),
)

# ----------------------------------------------------------------------------------------------- modules

ASSIGNING = Task(
    "4.6",
    "How a module finds its parameters",
    "Python calls `Module.__setattr__(self, name, value)` for each `self.name = value`. A module knows its parts by "
    "it: a Parameter goes into the dictionary `self._parameters`, a Module into `self._modules`; all else becomes an "
    "ordinary attribute, by `super().__setattr__(name, value)`. `__getattr__`, which is there, finds the parts "
    "again.\n\n"
    "A name stands in one place only: `self._forget(name, but=holder)` takes it out of all others, and where it "
    "already is in `holder` it keeps its position there. `self.register_parameter` files a Parameter (it refuses a "
    "name that is an ordinary attribute, so forget first). To a name that is a parameter or a module None may be "
    "assigned, and stays there as None; anything else, a Module in the place of a Parameter too, is a TypeError "
    "(`self._check_part(name, value)` raises it); a Parameter may take any place. To a name in `self._buffers` a "
    "tensor or None is assigned by `self.register_buffer`, which must be told whether the buffer was persistent: it "
    "was, unless its name is in `self._non_persistent_buffers`. Before `Module.__init__` has run there are no "
    "dictionaries (`self.__dict__` has no `_parameters`): assigning a Parameter or a Module is then an "
    "AttributeError, and anything else an ordinary attribute.",
    4,
    (
        "Begin with the question what `value` is, and only then ask what `name` is already.",
        "The order: no dictionaries yet; a Parameter; a Module whose name is no parameter; the name is a parameter or "
        "a module; the name is a buffer; the rest.",
        'The rest of `self.__dict__.get("_parameters")` is None in the first case. In the second: forget, but in '
        "`_parameters`, then register. In the fourth: check, then write into whichever dictionary has the name.",
    ),
    (Place("nn/module.py", "Module.__setattr__"),),
    cases=(
        Case(
            "4.6 parameters, modules and the rest",
            "net = engine.nn.Module()\n"
            "net.b = engine.nn.Parameter(x)\nnet.part = engine.nn.ReLU()\nnet.a = engine.nn.Parameter(y)\n"
            "net.size = 3\nnet.table = y.detach()\n"
            "plain = 'size' in net.__dict__ and 'table' in net.__dict__",
            ("' '.join(net._parameters)", "' '.join(net._modules)", "plain", "net.b", "net.a", "net.size"),
            {"x": uniform(2), "y": uniform(3)},
        ),
        Case(
            "4.6 a parameter assigned anew keeps its position",
            "net = engine.nn.Module()\nnet.a = engine.nn.Parameter(x)\nnet.b = engine.nn.Parameter(x)\n"
            "net.a = engine.nn.Parameter(y)",
            ("' '.join(net._parameters)", "net.a", "net.b"),
            {"x": uniform(2), "y": uniform(3)},
        ),
        Case(
            "4.6 a module assigned anew keeps its position",
            "net = engine.nn.Module()\nnet.a = engine.nn.ReLU()\nnet.b = engine.nn.ReLU()\nnet.a = engine.nn.Tanh()",
            ("' '.join(net._modules)", "type(net.a).__name__", "type(net.b).__name__"),
        ),
        Case(
            "4.6 None in the place of a part",
            "net = engine.nn.Module()\nnet.a = engine.nn.Parameter(x)\nnet.part = engine.nn.ReLU()\n"
            "net.a = None\nnet.part = None\nheld = 'a' in net._parameters and 'part' in net._modules",
            ("held", "net.a", "net._modules['part']", "' '.join(net._parameters)", "'a' in net.__dict__"),
            {"x": uniform(2)},
        ),
        Case(
            "4.6 neither a tensor nor a module takes the place of a parameter",
            "net = engine.nn.Module()\nnet.a = engine.nn.Parameter(x)\nnet.part = engine.nn.ReLU()\nrefused = []\n"
            "for name, value in (('a', y.detach()), ('a', engine.nn.ReLU()), ('a', 3), ('part', y.detach()), ('part', "
            "3)):\n"
            "    try:\n        setattr(net, name, value)\n"
            "    except TypeError:\n        refused.append(name)",
            ("' '.join(refused)", "net.a", "type(net.part).__name__"),
            {"x": uniform(2), "y": uniform(2)},
        ),
        Case(
            "4.6 a name changes what it is",
            "net = engine.nn.Module()\nnet.a = 1\nnet.a = engine.nn.Parameter(x)\n"
            "net.b = engine.nn.ReLU()\nnet.b = engine.nn.Parameter(x)\n"
            "net.d = 1\nnet.d = engine.nn.ReLU()\n"
            "net.register_buffer('e', y.detach())\nnet.e = engine.nn.Parameter(x)\n"
            "left = [name for name in 'abde' if name in net.__dict__]",
            (
                "' '.join(net._parameters)",
                "' '.join(net._modules)",
                "' '.join(net._buffers)",
                "' '.join(left)",
                "net.e",
            ),
            {"x": uniform(2), "y": uniform(3)},
        ),
        Case(
            "4.6 a buffer stays a buffer",
            "net = engine.nn.Module()\nnet.size = 3\nnet.register_buffer('kept', x.detach())\n"
            "net.register_buffer('lost', x.detach(), persistent=False)\nnet.kept = y.detach()\nnet.lost = y.detach()",
            ("' '.join(net._buffers)", "net.kept", "net.lost", "' '.join(net.state_dict())", "'kept' in net.__dict__"),
            {"x": uniform(2), "y": uniform(3)},
        ),
        Case(
            "4.6 before Module.__init__",
            "class Early(engine.nn.Module):\n"
            "    def __init__(self, value):\n        self.value = value\n        super().__init__()\n"
            "refused = []\n"
            "for value in (engine.nn.Parameter(x), engine.nn.ReLU(), 3):\n"
            "    try:\n        refused.append(Early(value).value)\n"
            "    except AttributeError:\n        refused.append(-1)",
            ("refused",),
            {"x": uniform(2)},
        ),
    ),
)

TREE = (
    "net = engine.nn.Module()\nnet.first = engine.nn.Module()\nnet.second = engine.nn.Module()\n"
    "net.w = engine.nn.Parameter(x)\nnet.first.inner = engine.nn.Module()\n"
    "net.first.inner.w = engine.nn.Parameter(x)\nnet.first.b = engine.nn.Parameter(x)\n"
    "net.second.w = engine.nn.Parameter(y)\n"
)

WALKING = Task(
    "4.7",
    "Walk the tree of modules",
    "`named_modules(memo, prefix, remove_duplicate)` yields pairs (path, module): this module first, under `prefix`, "
    "then each child in the order of `self._modules` with all below it before the next child. A child's path is its "
    "parent's, a dot, and its name; without a dot where the parent's path is empty. A child may be None: it is left "
    "out. A module that was met already is left out with all below it, unless `remove_duplicate` is False; `memo` is a "
    "set of modules that count as met, and is added to.\n\n"
    "`_named_tensors(which, prefix, recurse, once)` yields pairs (path, tensor) of the dictionary that every module "
    "has "
    'under the name `which` ("_parameters" or "_buffers"): of this module and, if `recurse`, of all below it, in the '
    "order of named_modules. None is left out. With `once` a tensor comes only the first time, whatever names it has, "
    "and a module too. Which tensors are the same is a question of identity (`id`): `==` compares values, element by "
    "element.",
    5,
    (
        "A walk needs what waits (module and path) and what was seen. Which of those waiting comes next, if all below "
        "a child comes before its sister?",
        "Take the last of a list, and put its children on it in reverse; or recurse, and pass `memo` on. A shared "
        "parameter is remembered by its `id`.",
        "For each (path, module) of named_modules, or for (prefix, self) alone; for each (name, tensor) of the "
        'dictionary; skip None and what was seen; yield `f"{path}.{name}"` or, where the path is empty, the name.',
    ),
    (Place("nn/module.py", "Module.named_modules"), Place("nn/module.py", "Module._named_tensors")),
    ("4.6",),
    (
        Case(
            "4.7 the order of parameters",
            TREE + "names = [name for name, _ in net.named_parameters()]\nlast = list(net.parameters())[-1]",
            ("' '.join(names)", "last"),
            {"x": uniform(2), "y": uniform(3)},
        ),
        Case(
            "4.7 the order of modules",
            TREE + "names = [name for name, _ in net.named_modules()]\nfirst = next(net.modules()) is net",
            ("' '.join(names)", "len(names)", "first"),
            {"x": uniform(2), "y": uniform(3)},
        ),
        Case(
            "4.7 a shared parameter comes once",
            "net = engine.nn.Module()\nnet.a = engine.nn.Module()\nnet.b = engine.nn.Module()\n"
            "net.a.w = engine.nn.Parameter(x)\nnet.b.w = net.a.w\nnet.b.same = engine.nn.Parameter(x)\n"
            "once = [name for name, _ in net.named_parameters()]\n"
            "each = [name for name, _ in net.named_parameters(remove_duplicate=False)]",
            ("' '.join(once)", "' '.join(each)"),
            {"x": uniform(2)},
        ),
        Case(
            "4.7 a shared module comes once",
            "net = engine.nn.Module()\nnet.a = engine.nn.Module()\nnet.a.w = engine.nn.Parameter(x)\n"
            "net.a.inner = engine.nn.Module()\nnet.b = net.a\n"
            "once = [name for name, _ in net.named_modules()]\n"
            "each = [name for name, _ in net.named_modules(remove_duplicate=False)]\n"
            "parameters = [name for name, _ in net.named_parameters(remove_duplicate=False)]",
            ("' '.join(once)", "' '.join(each)", "' '.join(parameters)"),
            {"x": uniform(2)},
        ),
        Case(
            "4.7 with a prefix, and only here",
            TREE
            + "modules = [name for name, _ in net.named_modules(prefix='net')]\n"
            + "parameters = [name for name, _ in net.named_parameters(prefix='net')]\n"
            + "here = [name for name, _ in net.named_parameters(prefix='net', recurse=False)]",
            ("' '.join(modules)", "' '.join(parameters)", "' '.join(here)"),
            {"x": uniform(2), "y": uniform(3)},
        ),
        Case(
            "4.7 what is None is left out",
            "net = engine.nn.Module()\nnet.register_parameter('bias', None)\nnet.part = engine.nn.ReLU()\n"
            "net.part = None\nnet.w = engine.nn.Parameter(x)\nnet.register_buffer('mean', None)\n"
            "modules = [name for name, _ in net.named_modules()]\n"
            "tensors = [name for name, _ in [*net.named_parameters(), *net.named_buffers()]]",
            ("len(modules)", "' '.join(tensors)"),
            {"x": uniform(2)},
        ),
        Case(
            "4.7 buffers are not parameters",
            TREE
            + "net.first.register_buffer('mean', x.detach())\nnet.register_buffer('count', y.detach())\n"
            + "net.second.register_buffer('again', net.count)\n"
            + "buffers = [name for name, _ in net.named_buffers()]\n"
            "here = [name for name, _ in net.named_buffers(recurse=False)]",
            ("' '.join(buffers)", "' '.join(here)", "len(list(net.parameters()))"),
            {"x": uniform(2), "y": uniform(3)},
        ),
        Case(
            "4.7 modules that count as met",
            TREE
            + "memo = {net.second}\nnames = [name for name, _ in net.named_modules(memo)]\n"
            + "again = [name for name, _ in net.named_modules(memo)]",
            ("' '.join(names)", "len(again)", "len(memo)"),
            {"x": uniform(2), "y": uniform(3)},
        ),
    ),
)

BEGINNING = Task(
    "4.8",
    "Initial weights",
    "`kaiming_uniform_(tensor, a, mode, nonlinearity, generator)` fills the tensor, in place and unrecorded, with "
    "numbers drawn evenly from ±√3 · std by `uniform_`, and returns it; `kaiming_std(tensor, a, mode, nonlinearity)`, "
    "which is there, is gain / √fan. A tensor without elements is returned as it is, with a warning "
    "(`warn_user(...)`).\n\n"
    "`Linear.reset_parameters` draws the layer's weight by it with a = √5, and then the bias, where there is one, "
    "evenly from ±1/√in_features (0 where in_features is 0). The same seed shall give PyTorch's numbers: so the "
    "weight is drawn before the bias, each once, and `generator` is passed on. With a = √5 the weight's bound is "
    "1/√in_features as well; fan_in is not the number of outputs, which a square layer does not notice.",
    4,
    (
        "An even distribution on ±bound has the deviation bound / √3. So what is the bound for a given deviation?",
        "`uniform_(tensor, low, high, generator)` fills and returns the tensor. For the bias, `init.uniform_` does "
        "too.",
        "bound = √3 · kaiming_std(...). In Linear: kaiming_uniform_ of the weight, then if the bias is not None "
        "uniform_ of it between -1/√in_features and 1/√in_features.",
    ),
    (Place("nn/init.py", "kaiming_uniform_"), Place("nn/linear.py", "Linear.reset_parameters")),
    cases=(
        Case(
            "4.8 a weight",
            "engine.manual_seed(3)\nw = engine.empty(3, 5, dtype=engine.float64)\n"
            "same = engine.nn.init.kaiming_uniform_(w) is w\nrest = engine.rand(2)",
            ("w", "same", "rest"),
        ),
        Case(
            "4.8 another slope, by the outputs, of another nonlinearity",
            "engine.manual_seed(4)\n"
            "a = engine.nn.init.kaiming_uniform_(engine.empty(3, 5, dtype=engine.float64), a=0.5)\n"
            "b = engine.nn.init.kaiming_uniform_(engine.empty(3, 5, dtype=engine.float64), mode='fan_out')\n"
            "c = engine.nn.init.kaiming_uniform_(engine.empty(3, 5, dtype=engine.float64), nonlinearity='tanh')",
            ("a", "b", "c"),
        ),
        Case(
            "4.8 the weight of a convolution, from a generator",
            "engine.manual_seed(5)\ngenerator = engine.Generator()\ngenerator.manual_seed(6)\n"
            "w = engine.empty(3, 2, 2, 4, dtype=engine.float64)\n"
            "engine.nn.init.kaiming_uniform_(w, generator=generator)\nrest = engine.rand(2)",
            ("w", "rest"),
        ),
        Case(
            "4.8 a tensor that requires grad, and one without elements",
            "import warnings\nengine.manual_seed(7)\nengine.nn.init.kaiming_uniform_(x)\n"
            "with warnings.catch_warnings(record=True) as told:\n"
            "    warnings.simplefilter('always')\n    y = engine.nn.init.kaiming_uniform_(e)\n"
            "rest = engine.rand(2)",
            ("x", "x.is_leaf", "y", "len(told)", "rest"),
            {"x": uniform(3, 2), "e": uniform(0, 3)},
        ),
        Case(
            "4.8 a layer",
            "engine.manual_seed(8)\nlayer = engine.nn.Linear(5, 3)\nrest = engine.rand(2)",
            ("layer.weight", "layer.bias", "rest"),
            tolerance="float32",
        ),
        Case(
            "4.8 a layer without bias, and one in float64",
            "engine.manual_seed(9)\nplain = engine.nn.Linear(2, 3, bias=False)\n"
            "layer = engine.nn.Linear(2, 7, dtype=engine.float64)\nlayer.reset_parameters()",
            ("plain.weight", "plain.bias", "layer.weight", "layer.bias"),
            tolerance="float32",
        ),
        Case(
            "4.8 a layer of no inputs, and of one",
            "engine.manual_seed(10)\nlayer = engine.nn.Linear(0, 3)\none = engine.nn.Linear(1, 3)\n"
            "rest = engine.rand(2)",
            ("layer.weight", "layer.bias", "one.weight", "one.bias", "rest"),
            tolerance="float32",
        ),
    ),
)

# -------------------------------------------------------------------------------------------- optimizers


def steps(optimizer: str, gradients: str = "u v w", after: str = "") -> str:
    """A program: steps of an optimizer, each with a gradient that is given to x; what x's memory holds is "
    "``memory``."""
    return (
        f"memory = x.detach()\noptimizer = engine.optim.{optimizer}\n"
        f"for gradient in ({', '.join(gradients.split())},):\n"
        f"    x.grad = gradient.detach().clone()\n    optimizer.step()\n{after}"
    )


FOUR = {name: uniform(3) for name in "xuvw"}

SGD = Task(
    "4.9",
    "Gradient descent with momentum",
    "`SGD.update(parameter, gradient, group)` makes one step, in place: the memory of `parameter.array` is changed "
    "(`-=`), and `gradient`, an array, is not. `group` is a dictionary of the options lr, momentum, dampening, "
    "weight_decay, nesterov and maximize.\n\n"
    "The direction d is the gradient, with its sign turned by maximize, plus weight_decay · θ (whose sign stays) "
    "where weight_decay is not 0: 0 times an infinite θ would be NaN. With momentum μ other than 0, and only then, "
    'there is a buffer b in `self.state[parameter]`, a dictionary, under "momentum_buffer": a '
    "tensor (`wrap(array)` makes one). The first b is d itself, dampening or not, as a copy of its own; later "
    "b ← μ b + (1 - dampening) d, in place. The step is b, or with nesterov d + μ b. At the end θ ← θ - lr · step.",
    5,
    (
        "Without options it is one line. Then add them one at a time, in the order of the text: sign, decay, momentum.",
        "A buffer that is the gradient's own memory changes when the gradient does: copy it. Weight decay makes a new "
        "array, for the gradient is not yours.",
        'state.get("momentum_buffer") is None: wrap(a copy of d). Else its array is multiplied by momentum in place '
        "and (1 - dampening) · d added. The direction is then the buffer, or d + momentum · buffer.",
    ),
    (Place("optim/sgd.py", "SGD.update"),),
    cases=(
        Case(
            "4.9 three steps",
            steps("SGD([x], lr=0.1)"),
            ("x", "memory", "x.grad", "'momentum_buffer' in optimizer.state[x]"),
            FOUR,
        ),
        Case("4.9 weight decay", steps("SGD([x], lr=0.5, weight_decay=1.0)"), ("x", "x.grad"), FOUR),
        Case(
            "4.9 momentum",
            steps("SGD([x], lr=0.1, momentum=0.75)"),
            ("x", "memory", "optimizer.state[x]['momentum_buffer']"),
            FOUR,
        ),
        Case(
            "4.9 momentum, a gradient set to zero in its memory",
            "optimizer = engine.optim.SGD([x], lr=0.1, momentum=0.75)\nx.grad = u.detach().clone()\noptimizer.step()\n"
            "first = x.detach().clone()\noptimizer.zero_grad(set_to_none=False)\n"
            "buffer = optimizer.state[x]['momentum_buffer']\n"
            "optimizer.step()",
            ("first", "x", "buffer"),
            FOUR,
        ),
        Case(
            "4.9 dampening leaves the first buffer alone",
            steps("SGD([x], lr=0.1, momentum=0.5, dampening=0.25)", "u")
            + "first = x.detach().clone()\n"
            + "for gradient in (v, w):\n    x.grad = gradient.detach().clone()\n    optimizer.step()",
            ("first", "x", "optimizer.state[x]['momentum_buffer']"),
            FOUR,
        ),
        Case(
            "4.9 Nesterov's momentum",
            steps("SGD([x], lr=0.1, momentum=0.75, nesterov=True)"),
            ("x", "optimizer.state[x]['momentum_buffer']"),
            FOUR,
        ),
        Case(
            "4.9 uphill, with decay and momentum",
            steps("SGD([x], lr=0.1, momentum=0.5, weight_decay=0.25, maximize=True)"),
            ("x", "x.grad", "optimizer.state[x]['momentum_buffer']"),
            FOUR,
        ),
        Case(
            "4.9 two groups of one optimizer",
            "optimizer = engine.optim.SGD([{'params': [x]}, {'params': [y], 'lr': 0.5, 'momentum': 1.0}], lr=0.1)\n"
            "for gradient in (u, v):\n"
            "    x.grad = gradient.detach().clone()\n    y.grad = gradient.detach().clone()\n    optimizer.step()",
            ("x", "y"),
            {name: uniform(3) for name in "xyuv"},
        ),
        Case(
            "4.9 an infinite parameter, without decay",
            "x = x.detach().log().requires_grad_()\n" + steps("SGD([x], lr=0.1)"),
            ("x",),
            {**FOUR, "x": among(0.0, 1.0, 2.0, shape=(3,))},
        ),
        Case(
            "4.9 float32 stays float32",
            steps("SGD([x], lr=0.1, momentum=0.75, weight_decay=0.25)"),
            ("x", "optimizer.state[x]['momentum_buffer']"),
            {name: uniform(2, 3, dtype="float32") for name in "xuvw"},
            "float32",
        ),
    ),
)

STATE = ("optimizer.state[x]['exp_avg']", "optimizer.state[x]['exp_avg_sq']")

ADAM = Task(
    "4.10",
    "Adam, AdamW, amsgrad",
    "`adam_step(theta, gradient, m, v, v_max, step=t, group=group)` makes one step on arrays of one shape: theta, m, "
    "v and v_max (None without amsgrad) are changed in place, gradient is not. `group` is a dictionary of lr, betas, "
    "eps, weight_decay, decoupled_weight_decay and maximize; t counts the steps from 1.\n\n"
    "m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²; θ ← θ - lr · m̂ / (√v̂ + ε), with m̂ = m / (1 - β₁ᵗ) and v̂ = v / "
    "(1 - β₂ᵗ). ε stands outside of the root. maximize turns the sign of g, and only of it. weight_decay, where it is "
    "coupled and not 0, adds weight_decay · θ to g; decoupled (AdamW), θ ← θ · (1 - lr · weight_decay) comes first, "
    "and g stays. amsgrad: v_max ← max(v_max, v), and v_max stands in the place of v in the step, divided by 1 - β₂ᵗ "
    "as v is.",
    8,
    (
        "Write the formula line by line first, each line in place (`m *= ...; m += ...`): `m = ...` would make another "
        "array, and the caller would never see it.",
        "The corrections are numbers: 1 - beta1**step and 1 - beta2**step. Without them the first step is far too "
        "small.",
        "Order: sign; decay (two kinds); m; v; the maximum with v_max where there is one; √(second / (1 - β₂ᵗ)) + eps "
        "below, m / (1 - β₁ᵗ) above; theta -= lr times the fraction.",
    ),
    (Place("optim/adam.py", "adam_step"),),
    ("4.9",),
    (
        Case("4.10 three steps", steps("Adam([x], lr=0.1)"), ("x", "memory", "x.grad", *STATE), FOUR),
        Case(
            "4.10 other betas",
            steps("Adam([x], lr=0.1, betas=(0.5, 0.75))", "u v w u"),
            ("x", *STATE),
            FOUR,
        ),
        Case("4.10 a large eps", steps("Adam([x], lr=0.1, eps=0.5)"), ("x",), FOUR),
        Case("4.10 weight decay", steps("Adam([x], lr=0.1, weight_decay=1.0)"), ("x", "x.grad", *STATE), FOUR),
        Case("4.10 decoupled weight decay", steps("AdamW([x], lr=0.1, weight_decay=1.0)"), ("x", *STATE), FOUR),
        Case(
            "4.10 amsgrad, where gradients get smaller and then larger",
            steps("Adam([x], lr=0.1, betas=(0.5, 0.5), amsgrad=True)", "u v v w"),
            ("x", *STATE, "optimizer.state[x]['max_exp_avg_sq']"),
            {"x": uniform(3), "u": uniform(3, low=2.0, high=4.0), "v": uniform(3, low=0.1, high=0.5), "w": uniform(3)},
        ),
        Case(
            "4.10 uphill, with decay of both kinds",
            "y = x.detach().clone().requires_grad_()\n"
            + steps("Adam([x], lr=0.1, weight_decay=0.5, maximize=True)")
            + "other = engine.optim.AdamW([y], lr=0.1, weight_decay=0.5, maximize=True)\n"
            "for gradient in (u, v):\n    y.grad = gradient.detach().clone()\n    other.step()",
            ("x", "x.grad", "y", *STATE),
            FOUR,
        ),
        Case(
            "4.10 gradients of zero",
            steps("Adam([x], lr=0.1)", "u v v"),
            ("x", *STATE),
            {"x": uniform(4), "u": among(0.0, 1.0, -1.0, 2.0, shape=(4,)), "v": among(0.0, shape=(4,))},
        ),
        Case(
            "4.10 a parameter that does not lie in order, and a single number",
            "x = x.detach().T.requires_grad_()\n"
            + steps("Adam([x], lr=0.1)", "u v")
            + "other = engine.optim.Adam([c], lr=0.1)\nc.grad = d.detach()\nother.step()",
            ("x", "c"),
            {"x": uniform(2, 3), "u": uniform(3, 2), "v": uniform(3, 2), "c": uniform(), "d": uniform()},
        ),
        Case(
            "4.10 an infinite parameter, without decay",
            "x = x.detach().log().requires_grad_()\n" + steps("Adam([x], lr=0.1)"),
            ("x", *STATE),
            {**FOUR, "x": among(0.0, 1.0, 2.0, shape=(3,))},
        ),
        Case(
            "4.10 float32 stays float32",
            steps("AdamW([x], lr=0.1, weight_decay=0.5, amsgrad=True)"),
            ("x", *STATE),
            {name: uniform(2, 3, dtype="float32") for name in "xuvw"},
            "training float32",
        ),
    ),
)

COSINE = Task(
    "4.11",
    "A cosine schedule, from each rate to the next",
    "`CosineAnnealingLR.next_rates` returns a list: the rate of each group of the optimizer at step t, which is "
    "`self.last_epoch`. The formula is rate(t) = eta_min + (base - eta_min) (1 + cos(π t / T_max)) / 2, `base` being "
    "the group's initial rate (`self.base_lrs`), and after T_max the rate rises again.\n\n"
    "It is to be computed from the present rates (`self.present()`), so that a rate that was changed in between, by "
    "hand or by another schedule, counts: rate(t) - eta_min is rate(t - 1) - eta_min times the quotient of the two (1 "
    "+ cos). Where the previous rate was eta_min, at t = T_max + 1 and every 2 T_max further, that quotient has 0 "
    "below: then the rise from the lowest rate, (base - eta_min) (1 - cos(π / T_max)) / 2, is added to the present "
    "one. At the very beginning (`self._is_initial`) the present rates stay. A schedule whose state says that no step "
    "was made (`self._step_count == 1` now), though t is above 0, has no previous rate to go on from: then the formula "
    "itself holds.",
    4,
    (
        "Write the formula for t and for t - 1, take eta_min off both, and divide one by the other.",
        "When is 1 + cos(π (t - 1) / T_max) zero? That t needs the sum instead of the quotient.",
        "Four cases in this order: initial; continued; (t - 1 - T_max) a multiple of 2 T_max; else "
        "factor · (rate - eta_min) + eta_min.",
    ),
    (Place("optim/lr_scheduler.py", "CosineAnnealingLR.next_rates"),),
    cases=(
        Case(
            "4.11 down, up and down again",
            "optimizer = engine.optim.SGD([x], lr=0.5)\n"
            "schedule = engine.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)\nrates = []\n"
            "for _ in range(18):\n"
            "    rates.append(optimizer.param_groups[0]['lr'])\n    optimizer.step()\n    schedule.step()",
            ("rates",),
            {"x": uniform(2)},
            "second order",
        ),
        Case(
            "4.11 a lowest rate",
            "optimizer = engine.optim.SGD([x], lr=0.5)\n"
            "schedule = engine.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3, eta_min=0.125)\nrates = []\n"
            "for _ in range(14):\n    schedule.step()\n    rates += schedule.get_last_lr()",
            ("rates",),
            {"x": uniform(2)},
            "second order",
        ),
        Case(
            "4.11 two groups",
            "optimizer = engine.optim.SGD([{'params': [x]}, {'params': [y], 'lr': 0.25}], lr=0.5)\n"
            "schedule = engine.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3, eta_min=0.125)\nrates = []\n"
            "for _ in range(9):\n    schedule.step()\n    rates += schedule.get_last_lr()",
            ("rates",),
            {"x": uniform(2), "y": uniform(2)},
            "second order",
        ),
        Case(
            "4.11 chained with another schedule",
            "optimizer = engine.optim.SGD([x], lr=0.5)\n"
            "cosine = engine.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4, eta_min=0.1)\n"
            "other = engine.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.75)\nrates = []\n"
            "for _ in range(11):\n    cosine.step()\n    other.step()\n    rates += other.get_last_lr()",
            ("rates",),
            {"x": uniform(2)},
            "second order",
        ),
        Case(
            "4.11 a rate changed by hand",
            "optimizer = engine.optim.SGD([x], lr=0.5)\n"
            "schedule = engine.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3, eta_min=0.125)\nrates = []\n"
            "for step in range(7):\n"
            "    if step in (1, 3):\n        optimizer.param_groups[0]['lr'] = 0.75\n"
            "    schedule.step()\n    rates += schedule.get_last_lr()",
            ("rates",),
            {"x": uniform(2)},
            "second order",
        ),
        Case(
            "4.11 continued",
            "optimizer = engine.optim.SGD([{'params': [x], 'initial_lr': 0.5}], lr=0.25)\n"
            "schedule = engine.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=5, eta_min=0.1, last_epoch=1)\n"
            "rates = schedule.get_last_lr()\n"
            "for _ in range(3):\n    schedule.step()\n    rates = rates + schedule.get_last_lr()",
            ("rates",),
            {"x": uniform(2)},
            "second order",
        ),
        Case(
            "4.11 continued from a state that counts no step",
            "optimizer = engine.optim.SGD([{'params': [x]}, {'params': [y], 'lr': 0.25}], lr=0.5)\n"
            "schedule = engine.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=5, eta_min=0.1)\nrates = []\n"
            "for epoch in (-1, 0, 2, 5):\n"
            "    state = {**schedule.state_dict(), 'last_epoch': epoch, '_step_count': 0}\n"
            "    schedule.load_state_dict(state)\n    optimizer.param_groups[0]['lr'] = 0.75\n"
            "    for _ in range(2):\n        schedule.step()\n        rates += schedule.get_last_lr()",
            ("rates",),
            {"x": uniform(2), "y": uniform(2)},
            "second order",
        ),
        Case(
            "4.11 only one step down",
            "optimizer = engine.optim.SGD([x], lr=0.5)\n"
            "schedule = engine.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1, eta_min=0.125)\nrates = []\n"
            "for _ in range(5):\n    schedule.step()\n    rates += schedule.get_last_lr()",
            ("rates",),
            {"x": uniform(2)},
            "second order",
        ),
    ),
)

# --------------------------------------------------------------------------------------------------- data

ORDER = Task(
    "4.12",
    "Random order from the seed",
    "`RandomSampler.__iter__` is a generator function: it yields `self.num_samples` indices into `self.data_source`, "
    "as Python's integers, the ones that PyTorch yields from the same seed.\n\n"
    "The randomness comes from `self.generator`, or, where that is None, from a new `Generator()` that is seeded, at "
    "each iteration anew, with `default_generator.random_int64()`. With `self.replacement` indices are drawn by "
    "`generator.integers(0, count, (size,), np.dtype(np.int64))`, 32 at a time and at last those that remain. Without "
    "it, whole permutations come (`generator.permutation(count)`, an array) as many as fit into num_samples, and then "
    "the beginning of one more. That last one is drawn also where nothing of it is needed: what is drawn afterwards "
    "depends on it.",
    4,
    (
        "num_samples may be less than the length, the length itself, or several times as many: one rule serves all.",
        "divmod(num_samples, count) says how many whole permutations there are and how much of another.",
        "No replacement: for each of num_samples // count yield from a permutation's tolist(); then yield from another "
        "one's tolist(), cut at num_samples % count.",
    ),
    (Place("utils/data/sampler.py", "RandomSampler.__iter__"),),
    cases=(
        Case(
            "4.12 every index once, and again in another order",
            "engine.manual_seed(3)\nsampler = engine.utils.data.RandomSampler(range(10))\n"
            "first, second = list(sampler), list(sampler)\nrest = engine.rand(2)",
            ("first", "second", "rest"),
        ),
        Case(
            "4.12 fewer than there are, and more",
            "engine.manual_seed(4)\nfewer = list(engine.utils.data.RandomSampler(range(10), num_samples=4))\n"
            "more = list(engine.utils.data.RandomSampler(range(7), num_samples=23))",
            ("fewer", "more"),
        ),
        Case(
            "4.12 from a generator, of which the next number is asked",
            "engine.manual_seed(5)\ngenerator = engine.Generator()\ngenerator.manual_seed(6)\n"
            "order = list(engine.utils.data.RandomSampler(range(6), num_samples=12, generator=generator))\n"
            "order += list(engine.utils.data.RandomSampler(range(6), generator=generator))\n"
            "rest = engine.rand(2, generator=generator)\nuntouched = engine.rand(2)",
            ("order", "rest", "untouched"),
        ),
        Case(
            "4.12 with replacement",
            "engine.manual_seed(7)\n"
            "drawn = list(engine.utils.data.RandomSampler(range(5), replacement=True, num_samples=8))\n"
            "rest = engine.rand(2)",
            ("drawn", "rest"),
        ),
        Case(
            "4.12 more than 32 with replacement, from a generator",
            "generator = engine.Generator()\ngenerator.manual_seed(8)\nsampler = engine.utils.data.RandomSampler(\n"
            "    range(1000), replacement=True, num_samples=75, generator=generator\n)\n"
            "drawn = list(sampler)\n"
            "drawn += engine.utils.data.RandomSampler(\n"
            "    range(9), replacement=True, num_samples=33, generator=generator\n)\n"
            "rest = engine.rand(2, generator=generator)",
            ("drawn", "rest"),
        ),
        Case(
            "4.12 Python's integers, one at a time",
            "engine.manual_seed(9)\nindices = iter(engine.utils.data.RandomSampler(range(4)))\n"
            "first = next(indices)\nrest = list(indices)\n"
            "part = list(engine.utils.data.RandomSampler(range(4), num_samples=2))\n"
            "again = list(engine.utils.data.RandomSampler(range(4), replacement=True))\n"
            "kinds = ' '.join(type(each[0]).__name__ for each in ([first], rest, part, again))",
            ("first", "rest", "part", "again", "kinds"),
        ),
    ),
)

BATCHES = Task(
    "4.13",
    "Samples to a batch",
    "`default_collate(batch)` gets a list of samples of one kind and makes one batch of them, by what the first "
    "is:\n\n"
    "- tensors: `stack` of them, a new dimension in front; whatever has `__array__` (NumPy's arrays and numbers): the "
    "same, each as a tensor of its own type;\n"
    "- ints and bools: a tensor; floats: a tensor of float64, for that is what a float of Python is;\n"
    "- str and bytes: what was given, as it is;\n"
    "- mappings: for each key of the first the batch of all values under it, in `container_like(first, …)`;\n"
    "- sequences: for each position the batch of all parts there. All must be of one length, else a RuntimeError. A "
    "named tuple stays one (its class is called with the parts), the rest is what `container_like(first, parts)` "
    "makes; a tuple becomes a list;\n"
    "- anything else is a TypeError.\n\n"
    "A str is a sequence as well, and np.float64 is a float: the order of the questions matters.",
    4,
    (
        "It is recursive: a pair of an image and a label is a batch of images and a batch of labels.",
        "`zip(*batch)` turns a list of samples into tuples of what stands at one position. It stops at the shortest "
        "without a word: compare the lengths first.",
        "In the order: Tensor, (bool, int), float, (str, bytes), hasattr `__array__`, Mapping, Sequence, else "
        "TypeError.",
    ),
    (Place("utils/data/collate.py", "default_collate"),),
    cases=(
        Case(
            "4.13 tensors",
            "z = engine.utils.data.default_collate([x, y, x])\nz.backward(w)",
            ("z", "x.grad", "y.grad"),
            {"x": uniform(2, 3), "y": uniform(2, 3), "w": uniform(3, 2, 3)},
        ),
        Case(
            "4.13 a batch of one",
            "z = engine.utils.data.default_collate([x])\nnumber = engine.utils.data.default_collate([7])",
            ("z", "number"),
            {"x": uniform(2)},
        ),
        Case(
            "4.13 numbers",
            "collate = engine.utils.data.default_collate\n"
            "a, b, c = collate([1, 2, 3]), collate([0.5, 0.25]), collate([True, False])\n"
            "kinds = ' '.join(type(each).__name__ for each in (a, b, c))",
            ("a", "b", "c", "kinds"),
        ),
        Case(
            "4.13 pairs, which become a list",
            "z = engine.utils.data.default_collate([(x, 0), (y, 1), (x, 2)])",
            ("type(z).__name__", "len(z)", "z[0]", "z[1]"),
            {"x": uniform(2), "y": uniform(2)},
        ),
        Case(
            "4.13 as many samples as parts, and lists within",
            "z = engine.utils.data.default_collate([(0, [x, 1.5]), (1, [y, 2.5])])",
            ("z[0]", "type(z[1]).__name__", "z[1][0]", "z[1][1]"),
            {"x": uniform(2), "y": uniform(2)},
        ),
        Case(
            "4.13 dictionaries, and text",
            "z = engine.utils.data.default_collate([{'name': 'ab', 'x': x}, {'x': y, 'name': 'cd'}])\n"
            "pair = engine.utils.data.default_collate([('ab', b'c'), ('de', b'f')])\n"
            "kinds = ' '.join(type(each).__name__ for each in (z, z['name'], pair, *pair, pair[1][0]))",
            ("kinds", "' '.join(z)", "' '.join(z['name'])", "z['x']", "' '.join(pair[0])"),
            {"x": uniform(2), "y": uniform(2)},
        ),
        Case(
            "4.13 arrays and numbers of NumPy",
            "import numpy\ncollate = engine.utils.data.default_collate\n"
            "a = collate([numpy.arange(3), numpy.arange(3, 6)])\n"
            "b = collate([numpy.float32(0.5), numpy.float32(0.25)])\n"
            "c = collate([numpy.float64(0.5), numpy.float64(0.25)])\n"
            "kinds = ' '.join(type(each).__name__ for each in (a, b, c))",
            ("a", "b", "c", "kinds"),
        ),
        Case(
            "4.13 named tuples",
            "import collections\nPoint = collections.namedtuple('Point', 'x y')\n"
            "z = engine.utils.data.default_collate([Point(1, 0.5), Point(2, 0.25)])",
            ("type(z).__name__", "z.x", "z.y"),
        ),
        Case(
            "4.13 samples of different lengths, and of no known kind",
            "refused = []\n"
            "for batch in ([(1, 2), (3,)], [(1,), (2, 3)], [{1}, {2}]):\n"
            "    try:\n        engine.utils.data.default_collate(batch)\n"
            "    except (RuntimeError, TypeError) as error:\n"
            "        if isinstance(error, NotImplementedError):\n            raise\n"
            "        refused.append(type(error).__name__)",
            ("' '.join(refused)",),
        ),
    ),
)

# ------------------------------------------------------------------------------------------- all together

PERCEPTRON = (
    "engine.manual_seed(3)\nfirst = engine.nn.Linear(4, 6, dtype=engine.float64)\n"
    "second = engine.nn.Linear(6, 3, dtype=engine.float64)\n"
    "net = engine.nn.Sequential(first, engine.nn.Tanh(), second)\n"
)
FIT = (
    "losses = []\n"
    "for _ in range(5):\n"
    "    optimizer.zero_grad()\n    loss = engine.nn.functional.cross_entropy(net(x.detach()), t)\n"
    "    loss.backward()\n    optimizer.step()\n    losses.append(loss.item())\n"
)
SAMPLES = {"x": uniform(8, 4), "t": integers(3, (8,))}

INTEGRATION = (
    Case(
        "4 together: a perceptron learns with Adam",
        PERCEPTRON + "optimizer = engine.optim.Adam(net.parameters(), lr=0.1)\n" + FIT,
        ("losses", "first.weight", "first.bias", "second.weight", "second.bias"),
        SAMPLES,
        "training float64",
    ),
    Case(
        "4 together: SGD with momentum and decay, a schedule, weighted classes of which one is ignored",
        PERCEPTRON
        + "optimizer = engine.optim.SGD(net.parameters(), lr=0.1, momentum=0.75, weight_decay=0.1)\n"
        + "schedule = engine.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3, eta_min=0.01)\n"
        + FIT.replace("x.detach()), t)", "x.detach()), t, c.detach(), ignore_index=1)")
        + "    schedule.step()\n",
        ("losses", "first.weight", "second.bias", "schedule.get_last_lr()"),
        {**SAMPLES, "c": uniform(3, low=0.5)},
        "training float64",
    ),
    Case(
        "4 together: shuffled batches",
        PERCEPTRON
        + "data = engine.utils.data.TensorDataset(x.detach(), t)\n"
        + "loader = engine.utils.data.DataLoader([data[i] for i in range(8)], batch_size=3, shuffle=True)\n"
        + "optimizer = engine.optim.AdamW(net.parameters(), lr=0.1)\n"
        + "for _ in range(2):\n    for samples, classes in loader:\n"
        + "        optimizer.zero_grad()\n"
        "        engine.nn.functional.cross_entropy(net(samples), classes).backward()\n" + "        optimizer.step()\n",
        ("classes", "first.weight", "second.weight"),
        SAMPLES,
        "training float64",
    ),
    Case(
        "4 together: layers that share a weight",
        PERCEPTRON + "net.again = engine.nn.Linear(3, 4, dtype=engine.float64)\n"
        "net.last = engine.nn.Linear(4, 6, dtype=engine.float64)\n"
        + "net.last.weight = first.weight\nnames = ' '.join(name for name, _ in net.named_parameters())\n"
        + "optimizer = engine.optim.SGD(net.parameters(), lr=0.1, momentum=0.5, nesterov=True)\n"
        + "for _ in range(3):\n    optimizer.zero_grad()\n"
        + "    net(x.detach()).log_softmax(1).sum().backward()\n    optimizer.step()\n",
        ("names", "first.weight", "net.last.bias", "net.again.weight"),
        {"x": uniform(5, 4)},
        "training float64",
    ),
)

ASSIGNMENT = Assignment(
    "A4",
    "Learning",
    (
        PRODUCT,
        SCALED_PRODUCT,
        LINEAR,
        LOG_SOFTMAX,
        NLL,
        ASSIGNING,
        WALKING,
        BEGINNING,
        SGD,
        ADAM,
        COSINE,
        ORDER,
        BATCHES,
    ),
    INTEGRATION,
    8,
)
