"""Losses of regression, and what all losses share. The rules of those that are one operation: ``ops/loss.py``.

Further losses: ``classification_losses.py``, ``margin_losses.py``.

``reduction`` is "mean", "sum" or "none". Each result is zero-dimensional, or with "none" of the shape of the losses.
"""

from __future__ import annotations

import warnings

from minigrad import ops
from minigrad.graph.node import Tensor

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]


def check_reduction(reduction: str) -> None:
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction: use 'none', 'mean' or 'sum'")


def reduced(losses: Tensor, reduction: str) -> Tensor:
    check_reduction(reduction)
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


def weighted(losses: Tensor, weight: Tensor, reduction: str, over_weights: bool = True) -> Tensor:
    """``losses`` times ``weight``, reduced; a mean is divided by the weights' sum, or by the number of losses."""
    losses = losses * weight
    return losses.sum() / weight.sum() if reduction == "mean" and over_weights else reduced(losses, reduction)


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction; where one of the two older arguments is given, what they mean: mean, sum or, not reduced, none."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        reduction = "none"
    else:
        reduction = "sum" if size_average is False else "mean"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction={reduction!r} instead.", stacklevel=3
    )
    return reduction


def warn_of_broadcast(input: Tensor, target: Tensor) -> None:
    if input.shape != target.shape:
        warnings.warn(
            f"Using a target size ({list(target.shape)}) that is different to the input size ({list(input.shape)}). "
            f"This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )


def check_pair(name: str, input: Tensor, target: Tensor, weight: Tensor | None = None) -> None:
    """Raise PyTorch's errors for a pair of integer tensors, and where there is not one weight an element."""
    if weight is not None and weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    if not input.is_floating_point() and not target.is_floating_point():
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype} and {target.dtype}')


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input - target)², times ``weight`` where given.

    Raises:
        RuntimeError: the shapes do not broadcast.
        ValueError: the reduction is unknown.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    warn_of_broadcast(input, target)
    check_pair("mse_cpu", input, target, weight)
    if weight is None:
        return ops.loss.MseLoss.apply(input, target, reduction=reduction)
    return weighted(ops.loss.MseLoss.apply(input, target, reduction="none"), weight, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|input - target|."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    warn_of_broadcast(input, target)
    if weight is not None and weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    losses = (input - target).abs()
    return reduced(losses, reduction) if weight is None else weighted(losses, weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """(input - target)² / (2 beta) where they are nearer than ``beta``, else |input - target| - beta/2.

    Raises:
        RuntimeError: ``beta`` is negative.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    warn_of_broadcast(input, target)
    check_pair("smooth_l1_cpu", input, target)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return ops.loss.SmoothL1Loss.apply(input, target, reduction=reduction, beta=beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """(input - target)² / 2 where they are nearer than ``delta``, else delta (|input - target| - delta/2).

    Raises:
        RuntimeError: ``delta`` is not positive.
    """
    check_reduction(reduction)
    warn_of_broadcast(input, target)
    check_pair("huber_cpu", input, target, weight)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    if weight is not None:
        return weighted(
            ops.loss.HuberLoss.apply(input, target, reduction="none", delta=delta), weight, reduction, False
        )
    return ops.loss.HuberLoss.apply(input, target, reduction=reduction, delta=delta)
