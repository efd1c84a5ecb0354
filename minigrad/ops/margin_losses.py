"""Losses of distance: what is alike is to be near, the rest apart by a margin. ``reduction`` is as in ``losses.py``.

Losses of scores, which are to be apart by a margin: ``score_losses.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from minigrad import dtypes
from minigrad.arguments.gate import checked
from minigrad.arguments.promotion import result_dtype
from minigrad.creation import zeros_like
from minigrad.dtypes import FLOATS
from minigrad.graph.grad_mode import call_inside, no_grad
from minigrad.graph.node import Tensor
from minigrad.linalg.norms import vector_norm
from minigrad.ops.broadcasting import broadcast_tensors
from minigrad.ops.choosing import minimum, where
from minigrad.ops.losses import check_reduction, legacy_reduction, reduced

__all__ = ["cosine_embedding_loss", "cosine_similarity", "hinge_embedding_loss", "margin_ranking_loss"]
__all__ += ["pairwise_distance", "triplet_margin_loss", "triplet_margin_with_distance_loss"]


@checked
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """input where the target is 1, max(0, margin - input) where it is -1.

    Shapes: (...), (...) -> (), or (...) with reduction "none".
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    far = (margin - input).clamp_min(0)
    losses = where(target != 1, far, zeros_like(far)) + where(target != -1, input, zeros_like(input))
    return reduced(losses, reduction)


@checked
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, -target (input1 - input2) + margin). Shapes: (N,), (N,), (N,) -> (), or (N,) with reduction "none".

    Raises:
        RuntimeError: the three have not as many dimensions.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{list(input1.shape)}, input2: {list(input2.shape)}, target: {list(target.shape)}"
        )
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


@checked
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-08) -> Tensor:
    """``x1 · x2 / (|x1| |x2|)`` along ``dim``, each norm no less than ``eps``.

    Shapes: (..., D, ...), the same -> (..., ...); the two are broadcast.

    Raises:
        RuntimeError: ``eps`` is negative, or the types are not floating.
    """
    if eps < 0:
        raise RuntimeError(f"eps must be non-negative, got: {eps}")
    kind = result_dtype(x1.array, x2.array)
    if kind.kind not in FLOATS:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {kind}")
    x1, x2 = broadcast_tensors(x1, x2)
    norm1 = vector_norm(x1, 2, dim, True).clone()
    norm2 = vector_norm(x2, 2, dim, True).clone()
    for norm in (norm1, norm2):  # the gradient is that of the norms, also where they are less than eps, as in PyTorch
        least = math.inf if norm.dtype is dtypes.float16 and eps > dtypes.finfo(norm.dtype).max else eps
        call_inside(no_grad(), norm.clamp_min_, least)
    return ((x1 / norm1) * (x2 / norm2)).sum(dim)


@checked
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(input1, input2) where the target is 1, max(0, cos - margin) where it is -1.

    Shapes: (N, D), (N, D), (N,) -> (), or (N,) with reduction "none"; N may be missing.

    Raises:
        RuntimeError: the dimensions of the inputs or the target are others.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target.ndim not in (0, 1):
        raise RuntimeError(f"0D or 1D target tensor expected, multi-target not supported: got {list(target.shape)}")
    if target.ndim + 1 != input1.ndim or input1.ndim != input2.ndim:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    products, squares1, squares2 = (input1 * input2).sum(-1), (input1 * input1).sum(-1), (input2 * input2).sum(-1)
    cosine = products / ((squares1 + 1e-12) * (squares2 + 1e-12)).sqrt()
    zeros = zeros_like(cosine)
    near, far = 1 - cosine, (cosine - margin).clamp_min(0)
    return reduced(where(target == 1, near, zeros) + where(target == -1, far, zeros), reduction)


@checked
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-06, keepdim: bool = False) -> Tensor:
    """The p-norm of x1 - x2 + eps over the last dimension.

    Shapes: (N, D), (N, D) -> (N,), or (N, 1) with ``keepdim``.
    """
    return (x1 - x2 + eps).norm(p, -1, keepdim)


@checked
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-06,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, |anchor - positive| - |anchor - negative| + margin)``.

    Shapes: (N, D) three times -> (), or (N,) with reduction "none". ``swap`` takes the positive's distance to the
    negative where that is smaller.

    Raises:
        ValueError: ``margin`` is not positive.
        RuntimeError: the three have not as many dimensions.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError("The anchor, positive, and negative tensors are expected to have the same number of dims")
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced((near - far + margin).clamp_min(0), reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + distance(anchor, positive) - distance(anchor, negative)). Source: Balntas et al., 2016.

    Shapes: three times what the distance takes -> (), or what it gives with reduction "none". The distance is
    :func:`pairwise_distance` unless told. ``swap``: as :func:`triplet_margin_loss`.

    Raises:
        ValueError: ``margin`` is not positive, or the reduction is unknown.
        RuntimeError: the three have not as many dimensions.
    """
    check_reduction(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            f"The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced((margin + near - far).clamp_min(0), reduction)
