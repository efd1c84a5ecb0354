"""Operations, where they are easily got wrong: at 0 and at ties, far out, broadcast, on square matrices, picked twice.

Every line is a function of the engine ``e`` and its inputs. Values and gradients are compared, second derivatives too.
"""

from __future__ import annotations

from typing import Any

from comparisons.harness import Report
from comparisons.lines import compare_functions, compare_second_derivatives, numbers
from comparisons.settings import Settings

__all__ = ["run"]

AROUND_0 = [-1.5, 0.0, 2.0]
POSITIVE = abs(numbers(2, 3))
TIED = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [4.0, 0.5, 1.0]]


def overwritten(x: Any, y: Any) -> Any:
    """3x, the elements of its middle column replaced by y²."""
    z = x * 3
    z[:, 1] = y * y
    return z


LINES: dict[str, tuple[Any, ...]] = {
    "x + y, (3, 1) and (1, 4)": (lambda e, x, y: x + y, numbers(3, 1), numbers(1, 4, seed=1)),
    "x - y, (2, 3) and (3,)": (lambda e, x, y: x - y, numbers(2, 3), numbers(3, seed=1)),
    "x · y, (4, 1, 3) and (2, 1)": (lambda e, x, y: x * y, numbers(4, 1, 3), numbers(2, 1, seed=1)),
    "x / y, (2, 3) and ()": (lambda e, x, y: x / y, numbers(2, 3), 0.7),
    "-x, 1 - x, 1 / x": (lambda e, x: -x + (1 - x) * (1 / x), numbers(5)),
    "x², x³, 1/x²": (lambda e, x: x**2 + x**3 + x**-2, numbers(5)),
    "x⁰, x¹, x² at 0": (lambda e, x: x**0 + x**1 + x**2, AROUND_0),
    "√x and x to the 1.5": (lambda e, x: x.sqrt() + x**1.5, POSITIVE),
    "exp and log": (lambda e, x: x.exp() * x.log(), POSITIVE),
    "sin, cos, tanh, sigmoid": (lambda e, x: x.sin() * x.cos() + x.tanh() * x.sigmoid(), numbers(2, 3)),
    "ReLU at 0": (lambda e, x: x.relu(), AROUND_0),
    "what passed a ReLU, times y": (lambda e, x, y: x.relu() * y, numbers(5), numbers(5, seed=1)),
    "|x| at 0": (lambda e, x: x.abs(), AROUND_0),
    "clamp at its bounds": (lambda e, x: x.clamp(-1.5, 2.0), [*AROUND_0, -3.0, 3.0]),
    "leaky ReLU at 0": (lambda e, x: e.nn.functional.leaky_relu(x, 0.1), AROUND_0),
    "GELU, SiLU, ELU": (
        lambda e, x: e.nn.functional.gelu(x) + e.nn.functional.silu(x) * e.nn.functional.elu(x),
        numbers(5),
    ),
    "softplus": (lambda e, x: e.nn.functional.softplus(x), [-3.0, 0.0, 2.0, 50.0]),
    "maximum at a tie": (lambda e, x, y: e.maximum(x, y), [1.0, 2.0, 3.0], [1.0, 5.0, 0.0]),
    "minimum at a tie": (lambda e, x, y: e.minimum(x, y), [1.0, 2.0, 3.0], [1.0, 5.0, 0.0]),
    "amax of ties": (lambda e, x: x.amax(1), TIED),
    "amin of ties": (lambda e, x: x.amin(1), TIED),
    "max along a dim of ties": (lambda e, x: x.max(1)[0], TIED),
    "max of all": (lambda e, x: x.max(), [[1.0, 3.0], [3.0, 2.0]]),
    "where": (lambda e, x, y: e.where(x > 0, x, y), numbers(4), numbers(4, seed=1)),
    "sum over dims 0 and 2": (lambda e, x: x.sum((0, 2)), numbers(2, 3, 4)),
    "sum, dim kept": (lambda e, x: x.sum(1, keepdim=True) * x, numbers(2, 3)),
    "mean over dims 0 and 2": (lambda e, x: x.mean((0, 2)), numbers(2, 3, 4)),
    "var and std": (lambda e, x: x.var(1) + x.std(1), numbers(3, 4)),
    "product with a 0": (lambda e, x: x.prod(1), [[2.0, 0.0, 3.0], [1.5, 2.0, -1.0]]),
    "norm": (lambda e, x: x.norm(), numbers(2, 3)),
    "norm of 0": (lambda e, x: x.norm(dim=1), [[0.0, 0.0], [3.0, -4.0]]),
    "max of NaN": (lambda e, x: x.max(1)[0] + x.amax(1), [[1.0, float("nan"), 2.0], [1.0, 3.0, 2.0]]),
    "cumsum": (lambda e, x: x.cumsum(1), numbers(2, 3)),
    "product of square matrices": (lambda e, a, b: a @ b, numbers(3, 3), numbers(3, 3, seed=1)),
    "product of matrices": (lambda e, a, b: a @ b, numbers(2, 3), numbers(3, 4, seed=1)),
    "matrix times vector": (lambda e, a, b: a @ b, numbers(3, 3), numbers(3, seed=1)),
    "products of a batch": (lambda e, a, b: a @ b, numbers(2, 3, 3), numbers(3, 3, seed=1)),
    "bias, product, scale": (
        lambda e, c, a, b: e.addmm(c, a, b, beta=2, alpha=3),
        numbers(3),
        numbers(3, 3, seed=1),
        numbers(3, 3, seed=2),
    ),
    "transposed": (lambda e, x: x.t(), numbers(3, 3)),
    "three dims in another order": (lambda e, x: x.permute(2, 0, 1), numbers(3, 3, 3)),
    "reshaped": (lambda e, x: x.reshape(3, 4).transpose(0, 1).reshape(2, 6), numbers(2, 6)),
    "expanded": (lambda e, x: x.expand(2, 3, 4), numbers(3, 1)),
    "repeated": (lambda e, x: x.repeat(3, 2, 2), numbers(2, 3)),
    "joined": (lambda e, x, y: e.cat([x, y, x], 1), numbers(2, 3), numbers(2, 1, seed=1)),
    "stacked": (lambda e, x, y: e.stack([x, y], 1), numbers(2, 3), numbers(2, 3, seed=1)),
    "split unevenly": (lambda e, x: x.split([1, 3], 1)[1] * x.split([1, 3], 1)[0], numbers(2, 4)),
    "flipped": (lambda e, x: x.flip(1), numbers(2, 3)),
    "a part": (lambda e, x: x[1:, ::2], numbers(3, 4)),
    "an element picked twice": (lambda e, x, i: x[i], numbers(4), [0, 0, 2]),
    "a row picked twice": (lambda e, x, i: x.index_select(0, i), numbers(3, 2), [1, 1, 0]),
    "gathered": (lambda e, x, i: x.gather(1, i), numbers(2, 3), [[0, 0], [2, 1]]),
    "added where told, twice at one place": (
        lambda e, x, i, y: x.scatter_add(1, i, y),
        numbers(2, 3),
        [[0, 0], [2, 1]],
        numbers(2, 2, seed=1),
    ),
    "an element replaced": (lambda e, x, y: overwritten(x, y), numbers(2, 3), numbers(2, seed=1)),
    "sorted, the largest two": (lambda e, x: x.sort(1)[0] * x.topk(2, 1)[0].sum(), numbers(2, 4)),
    "an embedding's row twice": (lambda e, i, w: e.nn.functional.embedding(i, w), [1, 1, 0], numbers(3, 2)),
    "softmax": (lambda e, x: x.softmax(1), numbers(2, 4)),
    "log-softmax": (lambda e, x: x.log_softmax(0), numbers(4, 3)),
    "log-sum-exp": (lambda e, x: x.logsumexp(1), numbers(2, 4)),
    "softmax of large numbers": (lambda e, x: x.softmax(1), [[1000.0, 1001.0, 999.0]]),
    "log-softmax of large numbers": (lambda e, x: x.log_softmax(1), [[-1000.0, 1001.0, 999.0]]),
    "log-sum-exp of large numbers": (lambda e, x: x.logsumexp(1), [[1000.0, 1001.0, 999.0]]),
    "squared distance": (lambda e, x, y: e.nn.functional.mse_loss(x, y), numbers(2, 3), numbers(2, 3, seed=1)),
    "absolute distance at a tie": (lambda e, x, y: e.nn.functional.l1_loss(x, y), AROUND_0, [1.0, 0.0, 1.0]),
    "Huber's distance at its kink": (
        lambda e, x, y: e.nn.functional.smooth_l1_loss(x, y, reduction="sum"),
        [1.0, -1.0, 0.0, 3.0],
        [0.0, 0.0, 0.0, 0.5],
    ),
    "cross-entropy with weights, a class ignored": (
        lambda e, x, i, w: e.nn.functional.cross_entropy(x, i, w.detach(), ignore_index=2),
        numbers(4, 3),
        [0, 2, 1, 1],
        [1.0, 3.0, 2.0],
    ),
    "cross-entropy, labels smoothed": (
        lambda e, x, i: e.nn.functional.cross_entropy(x, i, label_smoothing=0.2),
        numbers(4, 3),
        [0, 2, 1, 1],
    ),
    "distance of distributions": (
        lambda e, x, y: e.nn.functional.kl_div(x.log_softmax(1), y.softmax(1), reduction="batchmean"),
        numbers(2, 3),
        numbers(2, 3, seed=1),
    ),
    "cross-entropy of logits far out": (
        lambda e, x, y: e.nn.functional.binary_cross_entropy_with_logits(x, y.detach()),
        [-800.0, 1.0, 800.0],
        [0.0, 0.25, 1.0],
    ),
}

DIFFERENTIATED_ONCE: dict[str, tuple[Any, ...]] = {  # PyTorch has no second derivative of its kernel
    "attention": (
        lambda e, q, k, v: e.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True),
        numbers(2, 3, 4),
        numbers(2, 3, 4, seed=1),
        numbers(2, 3, 4, seed=2),
    ),
}

TAILS: dict[str, tuple[Any, ...]] = {
    "sigmoid's tail": (lambda e, x: x.sigmoid(), [-40.0, -60.0, 3.0]),
    "softmax's tail": (lambda e, x: x.softmax(0), [0.0, -50.0, -60.0]),
    "exp far out": (lambda e, x: x.exp(), [-45.0, -60.0]),
    "log(1 + x) and exp(x) - 1 near 0": (lambda e, x: x.log1p() + x.expm1(), [1e-12, -3e-14]),
}


def run(settings: Settings) -> Report:
    """Compare every line; the tails by how much of a value differs, however small it is."""
    report = settings.report("operations")
    compare_functions(report, settings, LINES | DIFFERENTIATED_ONCE)
    compare_functions(report, settings, TAILS, f"tail {settings.dtype}")
    compare_second_derivatives(report, settings, LINES)
    return report
