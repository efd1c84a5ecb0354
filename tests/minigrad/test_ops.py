"""Every rule in ``minigrad/ops`` against central differences, to second order, and that a wrong rule is noticed.

Those of ``minigrad/linalg`` too. NumPy only. How the operations compare with PyTorch is in
``tests/comparisons/test_operations.py``.
"""

import functools
import importlib
import inspect
import pkgutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import linalg, ops
from minigrad.autograd import GradcheckError, gradcheck, gradgradcheck
from minigrad.graph.function import Function
from minigrad.kernels.pooling import Windows
from minigrad.nn import functional as F
from minigrad.nn.utils.rnn import pack_padded_sequence
from minigrad.ops.division import Underived
from minigrad.ops.extremes import GatherOne
from minigrad.ops.recurrent import Weights, along_steps_at_once

MODULES = [
    importlib.import_module(f"{package.__name__}.{module.name}")
    for package in (ops, linalg)
    for module in pkgutil.iter_modules(package.__path__)
]
RULES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": kind
    for module in MODULES
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, Function) and kind.__module__ == module.__name__
    if not issubclass(kind, Underived)
}

A = np.array([[0.5, -1.25, 2.0], [1.5, 0.75, -0.5]])
B = np.array([[1.5, 0.5, -0.75], [2.25, -1.0, 0.25]])
POSITIVE = np.array([[0.5, 1.25, 2.0], [1.5, 0.75, 0.25]])
ROW = np.array([0.75, -0.5, 1.25])
SQUARE = np.array([[[0.5, -1.0], [1.5, 0.25]], [[-0.75, 2.0], [1.0, -0.5]]])
POSITIONS = np.array([[2], [0]])
POSITIONS_AGAIN = minigrad.tensor([[2, 2], [0, 1]])
LABELS = minigrad.tensor([2, 0])
GATES = minigrad.tensor(np.cos(np.arange(27.0)).reshape(9, 3))
LSTM = Weights(*[minigrad.tensor(np.sin(np.arange(8.0 * n)).reshape(8, *[2] * (n - 1))) for n in (2, 2, 1, 1)])
WEIGHT = minigrad.tensor([0.5, 2.0, 1.5], dtype=minigrad.float64)


def set_elements(x, y):
    """x with y added to its first row, in place."""
    result = x * 2
    result[0] = y * x[1]
    return result * result


def put_rows(x, y):
    """x with its rows replaced by y's, in place."""
    result = x * 2
    result[[1, 0]] = y * x
    return result * result


def compared_in_place(x, y):
    """A product overwritten with where it is smaller than y."""
    result = x * 2
    result.lt_(y)
    return result * x


def drawn_in_place(x):
    """Numbers drawn over a product."""
    result = x * 2
    result.uniform_(generator=minigrad.Generator().manual_seed(0))
    return result * x


def squares(factors):
    """The squares of factors, which have no sign to choose."""
    return minigrad.cat([(each**2).flatten() for each in factors])


def seeded(function):
    """``function``, which draws the same numbers whenever it is called."""

    def call(*inputs):
        minigrad.manual_seed(0)
        return function(*inputs)

    return call


def change_view(x):
    """Overlapping windows on a base that was changed in place through one of them."""
    base = x * 2
    row, repeated = base[0], base[:, :1].expand(2, 2)
    row.exp_()
    return (repeated * repeated).sum() + (base * row).sum()


CASES = {
    "add": (lambda x, y: x + y, A, ROW),
    "add scaled": (lambda x, y: x.add(y, alpha=3), A, B),
    "sub": (lambda x, y: x - y, ROW, A),
    "number sub": (lambda x: 2 - x, A),
    "mul": (lambda x, y: x * y, A, ROW),
    "mul repeated": (lambda x: x * x * x, A),
    "mul zero-dimensional": (lambda x, y: x * y, np.array(1.5), A),
    "mul empty": (lambda x, y: x * y, np.zeros((0, 3)), ROW),
    "div": (lambda x, y: x / y, A, B),
    "pow": (lambda x: x**3, A),
    "pow 0": (lambda x: x**0, A),
    "pow tensor": (lambda x, y: x**y, POSITIVE, B),
    "number pow": (lambda x: 2**x, A),
    "maximum": (lambda x, y: minigrad.maximum(x, y) ** 2, A, B),
    "minimum": (lambda x, y: minigrad.minimum(x, y) ** 2, A, B),
    "where": (lambda x, y: minigrad.where(x > 0, x * x, y * y), A, B),
    "neg": (lambda x: -x * x, A),
    "abs": (lambda x: (x * x * x).abs(), A),
    "exp": (lambda x: x.exp(), A),
    "log": (lambda x: x.log(), POSITIVE),
    "sqrt": (lambda x: x.sqrt(), POSITIVE),
    "reciprocal": (lambda x: x.reciprocal(), A),
    "sin": (lambda x: x.sin(), A),
    "cos": (lambda x: x.cos(), A),
    "tanh": (lambda x: x.tanh(), A),
    "sigmoid": (lambda x: x.sigmoid(), A),
    "relu": (lambda x: x.relu() ** 2, A),
    "clamp": (lambda x: x.clamp(-1, 1) ** 2, A),
    "clone": (lambda x: x.clone() ** 2, A),
    "to another type and back": (lambda x: (x * x).to(minigrad.float64, copy=True), A),
    "copy": (lambda x, y: (x * 2).copy_(y * y) * x, A, ROW),
    "zero": (lambda x: (x * 2).zero_() * x + x * x, A),
    "fill from a tensor": (lambda x, y: (x * 2).fill_(y * y) * x, A, np.array(1.5)),
    "remainder": (lambda x, y: (x * x * x) % (y * y), A + 0.1, POSITIVE),
    "remainder by a number": (lambda x: (x * x) % 0.7, A),
    "div rounded": (lambda x, y: x.div(y, rounding_mode="floor") * x * y, A + 0.1, B),
    "alias": (lambda x: x[...] ** 2, A),
    "rsub": (lambda x, y: minigrad.rsub(x, y, alpha=2) ** 2, A, ROW),
    "exp2": (lambda x: x.exp2(), A),
    "expm1": (lambda x: x.expm1(), A),
    "log1p": (lambda x: x.log1p(), POSITIVE),
    "log2": (lambda x: x.log2(), POSITIVE),
    "log10": (lambda x: x.log10(), POSITIVE),
    "rsqrt": (lambda x: x.rsqrt(), POSITIVE),
    "logaddexp": (lambda x, y: x.logaddexp(y), A, ROW),
    "hypot": (lambda x, y: x.hypot(y), A, ROW),
    "lgamma": (lambda x: x.lgamma(), POSITIVE),
    "digamma": (lambda x: x.digamma(), POSITIVE),
    "polygamma": (lambda x: x.polygamma(2), POSITIVE),
    "mvlgamma": (lambda x: (x + 1).mvlgamma(3), POSITIVE),
    "erfc": (lambda x: x.erfc(), A),
    "erfinv": (lambda x: (x * 0.4).erfinv(), A),
    "logit": (lambda x: (x * 0.4).logit(), POSITIVE),
    "logit moved inside": (lambda x: (x * 0.4).logit(0.15), POSITIVE),
    "xlogy": (lambda x, y: x.xlogy(y), A, POSITIVE),
    "xlogy by a number": (lambda x: (x * x).xlogy(3.0), A),
    "xlogy of a number": (lambda x: minigrad.xlogy(3.0, x), POSITIVE),
    "poisson": (lambda x: minigrad.poisson(x, minigrad.Generator().manual_seed(0)) * x, POSITIVE),
    "tan": (lambda x: (x * 0.5).tan(), A),
    "asin": (lambda x: (x * 0.3).asin(), A),
    "acos": (lambda x: (x * 0.3).acos(), A),
    "atan": (lambda x: x.atan(), A),
    "atan2": (lambda x, y: x.atan2(y), A, B),
    "sinh": (lambda x: x.sinh(), A),
    "cosh": (lambda x: x.cosh(), A),
    "asinh": (lambda x: x.asinh(), A),
    "acosh": (lambda x: (x * x + 1.5).acosh(), A),
    "atanh": (lambda x: (x * 0.3).atanh(), A),
    "erf": (lambda x: x.erf(), A),
    "floor": (lambda x: x.floor() * x, A + 0.1),
    "round to decimals": (lambda x: x.round(decimals=1) * x, A + 0.01),
    "frac": (lambda x: x.frac() ** 2, A + 0.1),
    "nan_to_num": (lambda x: x.nan_to_num() ** 2, A),
    "lerp": (lambda x, y, z: x.lerp(y, z), A, B, ROW),
    "lerp by a number": (lambda x, y: x.lerp(y, 0.3) ** 2, A, B),
    "addcmul": (lambda x, y, z: x.addcmul(y, z, value=2), A, B, ROW),
    "addcdiv": (lambda x, y, z: x.addcdiv(y, z, value=2), A, B, POSITIVE),
    "clamp to tensors": (lambda x, y, z: x.clamp(y, z) ** 2, A, B - 0.9, B + 1.1),
    "nansum": (lambda x: (x * x).nansum(1), A),
    "prod": (lambda x: x.prod(1), A),
    "prod with a zero": (lambda x: x.prod(), np.array([2.0, 0.0, 3.0])),
    "logsumexp": (lambda x: x.logsumexp(1), A),
    "aminmax": (lambda x: (lambda found: found.min * found.max)((x * x * x).aminmax()), A),
    "cumsum": (lambda x: (x * x).cumsum(1), A),
    "cumprod": (lambda x: x.cumprod(1), A),
    "cumprod with a zero": (lambda x: x.cumprod(0), np.array([2.0, 0.0, 3.0])),
    "cummax": (lambda x: (x * x * x).cummax(1).values, A),
    "sort": (lambda x: (x * x * x).sort(1).values * x, A),
    "std": (lambda x: x.std(1), A),
    "std_mean": (lambda x: (lambda found: found[0] * found[1])(minigrad.std_mean(x, 1)), A),
    "var_mean": (lambda x: (lambda found: found[0] * found[1])(minigrad.var_mean(x, 1)), A),
    "norm": (lambda x: x.norm(3, 1), A),
    "repeat": (lambda x: x.repeat(2, 2, 1) ** 2, A),
    "flip": (lambda x: x.flip(1) ** 2, A),
    "roll": (lambda x: x.roll(1) ** 2, A),
    "rot90": (lambda x: x.rot90() ** 2, A),
    "tril": (lambda x: x.tril() ** 2, A),
    "split": (lambda x: (lambda parts: parts[0] * parts[2])(x.split(1, 1)), A),
    "unbind": (lambda x: (lambda parts: parts[0] * parts[1])(x.unbind()), A),
    "diagonal": (lambda x: x.diagonal(1) ** 2, A),
    "diag_embed": (lambda x: x.diag_embed(1) ** 2, A),
    "trace": (lambda x: (x * x).trace(), A),
    "unfold": (lambda x: x.unfold(1, 2, 1) ** 2, A),
    "squeeze dims": (lambda x: x.squeeze((1, 2)) ** 2, A[:, None, None]),
    "gather": (lambda x: x.gather(1, POSITIONS_AGAIN) ** 2, A),
    "take": (lambda x: x.take(minigrad.tensor([0, 4, 0])) ** 2, A),
    "scatter": (lambda x, y: x.scatter(1, minigrad.tensor(POSITIONS), y * y) * x, A, B[:, :1]),
    "scatter a number": (lambda x: x.scatter(1, minigrad.tensor(POSITIONS), 2) * x, A),
    "scatter_add": (lambda x, y: x.scatter_add(1, POSITIONS_AGAIN, y * y) ** 2, A, B[:, :2]),
    "index_add": (lambda x, y: x.index_add(0, LABELS[1:], y, alpha=2) ** 2, A, B[:1]),
    "masked_fill": (lambda x: x.masked_fill(x > 0, 2) * x, A),
    "masked_fill from a tensor": (lambda x, y: x.masked_fill(x > 0, y) ** 2, A, np.array(1.5)),
    "masked_select": (lambda x: x.masked_select(x > 0) ** 2, A),
    "masked_scatter": (lambda x, y: x.masked_scatter(x > 0, y) ** 2, A, B),
    "fill": (lambda x: (x * 2).fill_(3.0) * x * x, A),
    "view": (lambda x: x.view(3, 2) ** 2, A),
    "reshape of non-contiguous": (lambda x: x.t().reshape(-1) ** 2, A),
    "transpose": (lambda x: x.transpose(0, 1) ** 2, A),
    "t": (lambda x: x.t() ** 2, A),
    "permute": (lambda x: x.permute(1, 0) ** 2, A),
    "unsqueeze": (lambda x: x.unsqueeze(1) ** 2, A),
    "squeeze": (lambda x: x.squeeze() ** 2, A[:, None]),
    "squeeze dim": (lambda x: x.squeeze(1) ** 2, A[:, None]),
    "expand": (lambda x: x.expand(2, 3) ** 2, ROW),
    "sum": (lambda x: (x * x).sum(0), A),
    "mean": (lambda x: (x * x).mean(1), A),
    "max all": (lambda x: (x * x).max(), A),
    "max": (lambda x: (x * x * x).max(1).values, A),
    "min": (lambda x: (x * x * x).min(0).values, A),
    "gather, max's second order": (lambda x: GatherOne.apply(x, positions=POSITIONS, dim=1) ** 2, A),
    "amax": (lambda x: (x * x * x).amax((0, 1)), A),
    "var": (lambda x: x.var(1) ** 2, A),
    "select": (lambda x: x[1] ** 2, A),
    "slice": (lambda x: x[:, ::2] ** 2, A),
    "index": (lambda x: x[[0, 0, 1], [1, 1, 2]] ** 2, A),
    "set elements": (set_elements, A, ROW),
    "put rows": (put_rows, A, ROW),
    "change a view": (change_view, A),
    "cat": (lambda x, y: minigrad.cat([x, y, x]) ** 2, A, B),
    "stack": (lambda x, y: minigrad.stack([x, y, x], 1) ** 2, A, B),
    "mm": (lambda x, y: x @ y.t(), A, B),
    "addmm": (lambda x, y, z: minigrad.nn.functional.linear(x, y, z), A, B[:, :3], ROW[:2]),
    "mv": (lambda x, y: x @ y, A, ROW),
    "dot": (lambda x, y: x @ y, ROW, A[0]),
    "bmm": (lambda x, y: x @ (y * y), SQUARE, SQUARE[::-1].copy()),
    "softmax": (lambda x: x.softmax(1), A),
    "log_softmax": (lambda x: x.log_softmax(0) ** 2, A),
    "addmv": (lambda x, y, z: x.addmv(y, z, beta=2, alpha=3), ROW[:2], A, ROW),
    "baddbmm": (lambda x, y, z: x.baddbmm(y, z, beta=2, alpha=3), SQUARE * 2, SQUARE, SQUARE[::-1].copy()),
    "addr": (lambda x, y, z: x.addr(y, z, beta=2, alpha=3), A, ROW[:2], ROW),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.1) ** 2, A),
    "elu": (lambda x: F.elu(x, 0.7), A),
    "gelu": (lambda x: F.gelu(x), A),
    "gelu, tanh": (lambda x: F.gelu(x, approximate="tanh"), A),
    "silu": (lambda x: F.silu(x), A),
    "mish": (lambda x: F.mish(x), A),
    "prelu": (lambda x, y: F.prelu(x, y) ** 2, A, ROW),
    "hardtanh": (lambda x: F.hardtanh(x) ** 2, A),
    "hardswish": (lambda x: F.hardswish(x), A),
    "hardsigmoid": (lambda x: F.hardsigmoid(x) * x, A),
    "softplus": (lambda x: F.softplus(x, 2), A),
    "logsigmoid": (lambda x: F.logsigmoid(x), A),
    "softshrink": (lambda x: F.softshrink(x) ** 2, A + 0.1),
    "threshold": (lambda x: F.threshold(x, 0.1, 2) ** 2, A),
    "glu": (lambda x: F.glu(x, 0), A),
    "layer_norm": (lambda x, y, z: F.layer_norm(x, (3,), y, z), A, ROW, B[0]),
    "embedding": (lambda x: F.embedding(LABELS, x, padding_idx=1) ** 2, np.concatenate([A, ROW[None]])),
    "pad": (lambda x: F.pad(x, (1, -1), value=2) ** 2, A),
    "smooth_l1": (lambda x, y: F.smooth_l1_loss(x, y, beta=0.7), A, B),
    "huber": (lambda x, y: F.huber_loss(x, y, delta=0.7), A, B),
    "bce": (lambda x, y: F.binary_cross_entropy(x.sigmoid(), y.sigmoid()), A, B),
    "bce of logits": (lambda x, y: F.binary_cross_entropy_with_logits(x, y.sigmoid(), pos_weight=WEIGHT), A, B),
    "kl_div": (lambda x, y: F.kl_div(x, y, reduction="sum"), A, POSITIVE),
    "nll": (lambda x: minigrad.nn.functional.nll_loss(x * x, LABELS, WEIGHT), A),
    "max_pool2d": (lambda x: F.max_pool2d(x**3, (2, 1)), SQUARE),
    "max_pool2d, picked": (
        lambda x: ops.pooling.PickFromWindows.apply(
            x**2, numbers=np.zeros((1, 2, 1, 2), np.uint8), rows=Windows(1, 2, 2, 0, 1), columns=Windows(2, 1, 1, 0, 1)
        ),
        SQUARE,
    ),
    "max_unpool2d": (lambda x: F.max_unpool2d(x**3, 3 * minigrad.arange(x.numel()).view(x.shape) % 16, 2), SQUARE),
    "avg_pool2d": (lambda x: F.avg_pool2d(x**3, 2, 1, 1), SQUARE),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x**3, (2, 1)), SQUARE),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x**3, (2, 1)), SQUARE),
    "interpolate": (lambda x: F.interpolate(x[None] ** 2, size=(3, 2), mode="bilinear"), SQUARE),
    "avg_pool3d": (lambda x: F.avg_pool3d(x[None] ** 3, 2, 1, 1, count_include_pad=False), SQUARE),
    "max_pool3d": (lambda x: F.max_pool3d(x[None] ** 3, (2, 1, 2)), SQUARE),
    "conv3d": (lambda x, y, z: F.conv3d(x[None], y[None, None], z, 1, 1), SQUARE, SQUARE, ROW[:1]),
    "channel_shuffle": (lambda x: F.channel_shuffle(x.reshape(1, 4, 2) ** 2, 2), SQUARE),
    "rrelu": (seeded(lambda x: F.rrelu(x, training=True) ** 2), A),
    "rrelu, evaluation": (lambda x: F.rrelu(x) ** 2, A),
    "soft_margin": (lambda x: F.soft_margin_loss(x, minigrad.tensor([1, -1, 1])), A),
    "multi_margin": (lambda x: F.multi_margin_loss(x, LABELS, 2, 0.3, WEIGHT), A),
    "multilabel_margin": (lambda x: F.multilabel_margin_loss(x, minigrad.tensor([[2, 0, -1], [1, -1, 0]])), A),
    "ctc": (lambda x: F.ctc_loss(x.log_softmax(1), minigrad.tensor([1]), [2], [1]), A),
    "grid_sample": (
        lambda x, y: F.grid_sample(x[None] ** 2, y[None] * 0.4, "bicubic", align_corners=True),
        *(SQUARE, SQUARE + 0.1),
    ),
    "affine_grid": (lambda x: F.affine_grid(x[None] ** 2, (1, 1, 2, 3), align_corners=False), A),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x.reshape(4, 2, 1) ** 2, 2), SQUARE),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x**2, 2), SQUARE),
    "batch_norm": (lambda x, y: F.batch_norm(x, None, None, y[:2], y[1:], True), SQUARE, ROW),
    "batch_norm, evaluation": (
        lambda x, y: F.batch_norm(x, WEIGHT[:2], WEIGHT[1:], y[:2], y[1:]) ** 2,
        *(SQUARE, ROW),
    ),
    "group_norm": (lambda x, y: F.group_norm(x, 1, y[:2], y[1:]), SQUARE, ROW),
    "nll of each": (lambda x: minigrad.nn.functional.nll_loss(x * x, LABELS, reduction="none"), A),
    "cross_entropy": (lambda x: minigrad.nn.functional.cross_entropy(x, LABELS), A),
    "drawn in place": (drawn_in_place, A),
    "compared in place": (compared_in_place, A, B),
    "mse": (lambda x, y: minigrad.nn.functional.mse_loss(x, y), A, B),
    "conv2d": (lambda x, y, z: F.conv2d(x, y, z, padding=1), SQUARE[None], SQUARE[None], ROW[:1]),
    "conv2d, steps": (lambda x, y: F.conv2d(x, y, None, 2, (2, 1), (1, 2), 2), SQUARE[None], SQUARE[:, None]),
    "conv1d": (lambda x, y, z: F.conv1d(x, y, z, padding=1), A.T, B[:, :, None].repeat(2, 2), ROW[:2]),
    "conv_transpose2d": (
        lambda x, y, z: F.conv_transpose2d(x, y, z, 2, 1, 1, dilation=2),
        *(SQUARE[None], SQUARE[:, None], ROW[:1]),
    ),
    "unfold of pictures": (lambda x: F.unfold(x, 2, padding=1, stride=2) ** 2, SQUARE),
    "cholesky": (lambda x: linalg.cholesky(x @ x.mT + minigrad.eye(2)), SQUARE),
    "fmax": (lambda x, y: minigrad.fmax(x, y) ** 2, A, ROW),
    "cdist": (lambda x, y: minigrad.cdist(x, y, compute_mode="use_mm_for_euclid_dist"), A, B),
    "copysign": (lambda x, y: minigrad.copysign(x, y) ** 2, A, B),
    "as_strided": (lambda x: x.as_strided((3, 2), (1, 2)) ** 2, A),
    "addbmm": (lambda x, y, z: minigrad.addbmm(x, y, z) ** 2, SQUARE[0], SQUARE, SQUARE),
    "put": (lambda x, y: minigrad.put(x, minigrad.tensor([3, 0, 5]), y) ** 2, A, ROW),
    "put, added": (lambda x, y: minigrad.put(x, minigrad.tensor([3, 3, 5]), y, True) ** 2, A, ROW),
    **{
        f"scatter_reduce, {reduce}": (
            lambda x, y, reduce=reduce: x.scatter_reduce(0, POSITIONS_AGAIN, y, reduce, include_self=reduce != "mean"),
            A.T,
            B[:, :2],
        )
        for reduce in ("sum", "mean", "prod", "amax")
    },
    "solve": (linalg.solve, SQUARE, SQUARE[0]),
    "solve, from the right": (lambda x, y: linalg.solve(x, y, left=False), SQUARE, A.T),
    "solve, vectors": (linalg.solve, SQUARE, A[:, :2]),
    "inv": (linalg.inv, SQUARE),
    "det": (linalg.det, SQUARE),
    "slogdet": (lambda x: linalg.slogdet(x).logabsdet, SQUARE),
    "svd": (lambda x: squares(linalg.svd(x)), SQUARE),
    "svd, high": (lambda x: squares(linalg.svd(x, False)), A.T),
    "svd, wide": (lambda x: squares(linalg.svd(x, False)), A),
    "singular values": (linalg.svdvals, A),
    "eigh": (lambda x: squares(linalg.eigh(x + x.mT)), SQUARE),
    "eigvalsh": (lambda x: linalg.eigvalsh(x + x.mT, "U"), SQUARE),
    "qr": (lambda x: squares(linalg.qr(x)), A.T),
    "qr, wide": (lambda x: squares(linalg.qr(x, "complete")), A),
    "pinv": (linalg.pinv, A),
    "lstsq": (lambda x, y: linalg.lstsq(x, y, driver="gels").solution, A.T, B.T[:, :1]),
    "lstsq, residuals": (lambda x, y: linalg.lstsq(x, y, driver="gels").residuals, A.T, B.T),
    "lstsq, vectors": (lambda x, y: linalg.lstsq(x, y).solution, SQUARE, B[:, :2]),
    "vector product": (lambda x, y: linalg.cross(x, y), A, ROW[None]),
    "solve_triangular": (lambda x, y: linalg.solve_triangular(x, y, upper=True), SQUARE, SQUARE[0]),
    "cholesky_solve": (lambda x, y: minigrad.cholesky_solve(x, y.tril()), SQUARE[0], SQUARE),
    "fold": (lambda x: F.fold(x, (2, 3), (1, 2)) ** 2, SQUARE.reshape(2, 4)),
    "gru_cell": (lambda x, y: minigrad.gru_cell(x, y, GATES, GATES), A, B),
    "lstm": (lambda x: along_steps_at_once("lstm", x, (x[0], x[1]), LSTM, False)[0], SQUARE),
    "lstm, backward in time": (lambda x: along_steps_at_once("lstm", x, (x[0], x[1]), LSTM, True)[1][1], SQUARE),
    "packed": (lambda x: pack_padded_sequence(x**3, [2, 1]).data, SQUARE),
}


ONCE = {"multi_margin", "multilabel_margin", "ctc"}  # PyTorch leaves their second derivatives out


def inputs_of(case):
    return [minigrad.tensor(array.copy(), requires_grad=True) for array in CASES[case][1:]]


def nodes_of(tensors):
    """Every node behind the tensors."""
    found = {}
    waiting = [each.grad_fn for each in tensors]
    while waiting:
        node = waiting.pop()
        if node is not None and id(node) not in found:
            found[id(node)] = node
            waiting += [following for following, _ in node.next_functions]
    return list(found.values())


@functools.cache
def rules_used(case):
    """The classes in the graph of a case, of its gradients, and of their gradients; up to a rule that is not there."""
    used = set()
    with suppress(NotImplementedError):
        inputs = inputs_of(case)
        current = [CASES[case][0](*inputs)]
        for _ in range(1 if case in ONCE else 3):
            used |= {type(node) for node in nodes_of(current)}
            recorded = [each for each in current if each.requires_grad]
            starts = [minigrad.ones_like(each, requires_grad=True) for each in recorded]
            if recorded:
                gradients = minigrad.autograd.grad(recorded, inputs, starts, create_graph=True, allow_unused=True)
                current = [each for each in gradients if each is not None]
            inputs = inputs + starts
    return used


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("unmeasured")
def test_gradients_and_their_gradients(case):
    function = CASES[case][0]
    assert gradcheck(function, inputs_of(case))
    if case not in ONCE:
        assert gradgradcheck(function, inputs_of(case))


def gradients_after(case, changed):
    """The gradients of a case where input number ``changed`` was changed in place after forward; None: none was."""
    leaves = inputs_of(case)
    inputs = [each * 1 for each in leaves]
    result = CASES[case][0](*inputs)
    if changed is not None:
        with minigrad.no_grad():
            inputs[changed].add_(0.25)
    return minigrad.autograd.grad(result, leaves, minigrad.ones_like(result), allow_unused=True)


@pytest.mark.parametrize("case", CASES)
def test_what_was_changed_since_is_refused_or_not_read(case):
    untouched = gradients_after(case, None)
    for changed in range(len(untouched)):
        with suppress(RuntimeError):
            for ours, expected in zip(gradients_after(case, changed), untouched):
                assert ours is expected is None or np.array_equal(ours.array, expected.array, equal_nan=True)


def test_every_rule_has_a_case():
    with_a_rule = {name: kind for name, kind in RULES.items() if "backward" in vars(kind)}
    used = set().union(*map(rules_used, CASES))
    inherited = {base for kind in used for base in kind.__mro__}
    assert len(with_a_rule) > 50
    assert not [name for name, kind in with_a_rule.items() if kind not in inherited]


def wrong(rule):
    """``rule`` with 1 added to every gradient that it gives."""

    def backward(ctx, *grads):
        gradients = rule(ctx, *grads)
        given = gradients if isinstance(gradients, tuple) else (gradients,)
        return tuple([None if each is None else each + 1 for each in given])

    return backward


@pytest.mark.parametrize("name", [name for name, kind in RULES.items() if "backward" in vars(kind)])
@pytest.mark.usefixtures("unmeasured")
def test_a_wrong_rule_is_noticed(name, monkeypatch):
    kind = RULES[name]
    cases = [case for case in CASES if any(issubclass(each, kind) for each in rules_used(case))]
    monkeypatch.setattr(kind, "backward", wrong(kind.backward))
    for case in cases:
        try:
            gradcheck(CASES[case][0], inputs_of(case))
            if case not in ONCE:
                gradgradcheck(CASES[case][0], inputs_of(case))
        except GradcheckError:
            return
        except NotImplementedError:  # another rule that the case needs is not there
            continue
    pytest.fail(f"no case of {cases} notices a wrong rule of {name}")


@pytest.mark.parametrize("call", [lambda x: x // x, lambda x: x // 2, lambda x: 2 // x, lambda x: 2 % x])
def test_a_rule_that_is_left_out_says_so(call):
    result = call(minigrad.tensor([1.5, -2.0], requires_grad=True))
    with pytest.raises(RuntimeError, match=r"derivative for \w+ is not implemented"):
        result.sum().backward()


def gives_history(function):
    """Whether one of its results has a history, for one of several floating arguments; None where it gives none."""
    x = minigrad.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    v, image = x[0], x[None, None]
    arguments = [(x,), (v,), (x, x), (v, v), (x, 0), (x, 2), (x, 1, 0), (x, [0, 1]), (x, x, x), (v, v, v)]
    arguments += [(image, 2), (x > 1, x, x)]
    found = set()
    for each in arguments:
        with suppress(Exception):
            result = function(*each)
            results = result if isinstance(result, (tuple, list)) else [result]
            found |= {part.requires_grad for part in results if isinstance(part, minigrad.Tensor)}
    return any(found) if found else None


def computes(function):
    """Whether it is an operation, and does not save or switch something."""
    rooms = [Path(minigrad.__file__).parent / room for room in ("ops", "linalg", "nn")]
    return not {*rooms}.isdisjoint(Path(inspect.unwrap(function).__code__.co_filename).parents)


@pytest.mark.filterwarnings("ignore")
def test_the_operations_without_a_gradient_are_told():
    """``nondifferentiable.py`` names them, or the modules that have nothing else; what it names has none."""
    told = ops.nondifferentiable.__doc__
    whole = [ops.nondifferentiable, ops.comparison, ops.types, *vars(minigrad.creation).values(), minigrad.random]
    left_out = {name for module in whole for name in getattr(module, "__all__", ())}
    recorded = ("max", "sort", "round", "sign", "floor_divide", "heaviside", "binomial")
    for module in (minigrad, linalg, F):
        for name in set(module.__all__) - left_out:
            function = getattr(module, name)
            if callable(function) and not isinstance(function, type) and not name.endswith("_") and computes(function):
                history = gives_history(function)
                assert history in (None, f"``{name}``" not in told or name in recorded), name
