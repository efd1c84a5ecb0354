"""Losses of regression and of counts, and what all losses share. Rules, then the functions.

The functions are ``nn.functional``'s. ``reduction`` is "mean", "sum" or "none". Each result is zero-dimensional, or
with "none" of the shape of the losses. Further losses: ``classification_losses.py``, ``margin_losses.py``,
``score_losses.py``, ``ctc.py``.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.arguments.operands import prepare
from minigrad.arguments.promotion import in_opmath
from minigrad.caller import warn_user
from minigrad.creation import ones_like
from minigrad.graph.function import Function, Tensor, constant_like, unwrap
from minigrad.graph.grad_mode import call_inside, no_grad
from minigrad.ops.choosing import Where
from minigrad.ops.signs import Sgn

__all__ = ["gaussian_nll_loss", "huber_loss", "l1_loss", "mse_loss", "poisson_nll_loss", "smooth_l1_loss"]


class PointwiseLoss(Function):
    """z = the mean of a loss of each pair x, y; ``reduction`` "sum" adds instead, "none" gives every one.

    A subclass has the loss of each pair, ``losses``, and dL/d(x - y) of each, ``slopes``.
    """

    saved_names = ("self", "target")

    def forward(ctx, x, y, *, reduction, **options):
        ctx.reduction, ctx.options = reduction, options
        ctx.save_for_backward(x, y)
        x, y = prepare(x, y)
        losses = np.asarray(ctx.losses(x, y), x.dtype)
        ctx.count = losses.size
        return reduce_losses(losses, reduction)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad_difference = grad_z * ctx.slopes(x - y, 1 / ctx.count if ctx.reduction == "mean" and ctx.count else 1)
        grad_x = grad_difference if ctx.needs_input_grad[0] else None
        grad_y = -grad_difference if ctx.needs_input_grad[1] else None
        return grad_x, grad_y


class MseLoss(PointwiseLoss):
    """(x - y)²."""

    def losses(ctx, x, y):
        difference = x - y
        return difference * difference

    def slopes(ctx, difference, factor):
        return difference * (2 * factor)


def check_reduction(reduction: str) -> None:
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction: use 'none', 'mean' or 'sum'")


def weighted(losses: Tensor, weight: Tensor, reduction: str, over_weights: bool = True) -> Tensor:
    """``losses`` times ``weight``, reduced; a mean is divided by the weights' sum, or by the number of losses."""
    losses = losses * weight
    return losses.sum() / weight.sum() if reduction == "mean" and over_weights else reduced(losses, reduction)


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction; where one of the two older arguments is given, what they mean: mean, sum or, not reduced, none."""
    if isinstance(reduction, str) and reduction == "elementwise_mean":
        warn_user("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.")
        reduction = "mean"
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        reduction = "none"
    else:
        reduction = "sum" if size_average is False else "mean"
    warn_user(f"size_average and reduce args will be deprecated, please use reduction={reduction!r} instead.")
    return reduction


def known_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """:func:`legacy_reduction`, which is one of the three."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    return reduction


def warn_of_broadcast(input: Tensor, target: Tensor) -> None:
    if input.shape != target.shape:
        warn_user(
            f"Using a target size ({list(target.shape)}) that is different to the input size ({list(input.shape)}). "
            f"This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size."
        )


def check_pair(name: str, input: Tensor, target: Tensor, weight: Tensor | None = None) -> None:
    """Raise PyTorch's errors for a pair of integer tensors, and where there is not one weight an element."""
    if weight is not None and weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    if not input.is_floating_point() and not target.is_floating_point():
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype} and {target.dtype}')


@checked
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input - target)², times ``weight`` where given. Shapes: (...), (...) -> (), or (...) with reduction "none".

    Raises:
        RuntimeError: the shapes do not broadcast.
        ValueError: the reduction is unknown.
        NotImplementedError: neither type is floating.
    """
    reduction = known_reduction(size_average, reduce, reduction)
    warn_of_broadcast(input, target)
    check_pair("mse_cpu", input, target, weight)
    if weight is None:
        return MseLoss.apply(input, target, reduction=reduction)
    return weighted(MseLoss.apply(input, target, reduction="none"), weight, reduction)


class SmoothL1Loss(PointwiseLoss):
    """(x - y)² / (2 beta) where |x - y| < beta, else |x - y| - beta/2."""

    def losses(ctx, x, y):
        beta, size = np.asarray(ctx.options["beta"], x.dtype), np.abs(x - y)
        return np.where(size < beta, size * size / (2 * beta), size - beta / 2)

    def slopes(ctx, difference, factor):
        beta = ctx.options["beta"]
        near = ~(np.abs(unwrap(difference)) >= beta)  # NaN too
        return Where.apply(difference * (factor / beta), Sgn.apply(difference) * factor, condition=near)


@checked
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """(input - target)² / (2 beta) where they are nearer than ``beta``, else ``|input - target|`` - beta/2.

    Shapes: (...), (...) -> (), or (...) with reduction "none".

    Raises:
        RuntimeError: ``beta`` is negative.
        ValueError: the reduction is unknown.
        NotImplementedError: neither type is floating.
    """
    reduction = known_reduction(size_average, reduce, reduction)
    warn_of_broadcast(input, target)
    check_pair("smooth_l1_cpu", input, target)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return SmoothL1Loss.apply(input, target, reduction=reduction, beta=beta)


class HuberLoss(PointwiseLoss):
    """(x - y)² / 2 where |x - y| <= delta, else delta (|x - y| - delta/2)."""

    def losses(ctx, x, y):
        size = np.abs(in_opmath(x) - y)
        delta = np.asarray(ctx.options["delta"], size.dtype)
        return np.where(size <= delta, size * size / 2, delta * (size - delta / 2))

    def slopes(ctx, difference, factor):
        delta = ctx.options["delta"]
        near = ~(np.abs(unwrap(difference)) >= delta)  # NaN too
        return Where.apply(difference * factor, Sgn.apply(difference) * (delta * factor), condition=near)


def reduce_losses(losses, reduction):
    """The mean, the sum, or the losses themselves."""
    if reduction == "none":
        return losses
    wide = in_opmath(losses)
    total = np.add.reduce(wide, axis=None)
    return np.asarray(
        np.true_divide(total, wide.size, dtype=wide.dtype) if reduction == "mean" else total, losses.dtype
    )


def share_of_each(ctx, grad, weight):
    """The gradient of each loss: that of the result, divided for a mean, times the loss's weight."""
    if ctx.reduction == "mean":
        grad = grad * (1 / ctx.count if ctx.count else np.nan)
    return grad if weight is None else grad * constant_like(weight, grad)


@checked
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """(input - target)² / 2 where they are nearer than ``delta``, else delta (``|input - target|`` - delta/2).

    Shapes: (...), (...) -> (), or (...) with reduction "none".

    Raises:
        RuntimeError: ``delta`` is not positive.
        ValueError: the reduction is unknown, or ``weight`` has another shape.
        NotImplementedError: neither type is floating.
    """
    check_reduction(reduction)
    warn_of_broadcast(input, target)
    check_pair("huber_cpu", input, target, weight)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    if weight is not None:
        return weighted(HuberLoss.apply(input, target, reduction="none", delta=delta), weight, reduction, False)
    return HuberLoss.apply(input, target, reduction=reduction, delta=delta)


def reduced(losses: Tensor, reduction: str) -> Tensor:
    check_reduction(reduction)
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


@checked
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """``|input - target|``, times ``weight`` where given.

    Shapes: (...), (...) -> (), or (...) with reduction "none".

    Raises:
        ValueError: the reduction is unknown, or ``weight`` has another shape.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    warn_of_broadcast(input, target)
    if weight is not None and weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    losses = (input - target).abs()
    return reduced(losses, reduction) if weight is None else weighted(losses, weight, reduction)


@checked
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-08,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """exp(input) - target · input: the negative log-likelihood of counts under a Poisson distribution of mean e^input.

    Shapes: (...), (...) -> (), or (...) with reduction "none". Without ``log_input`` the input is the mean itself, and
    the loss input - target · ln(input + eps). ``full`` adds Stirling's approximation of ln target! where it is above 1.

    Raises:
        ValueError: the reduction is unknown.
    """
    reduction = known_reduction(size_average, reduce, reduction)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        losses += stirling.masked_fill(target <= 1, 0)
    return reduced(losses, reduction)


@checked
def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-06, reduction: str = "mean"
) -> Tensor:
    """(ln var + (input - target)² / var) / 2: the negative log-likelihood of the target under a normal distribution.

    Shapes: (...), (...), and ``var`` (...), or with the last dimension 1 or missing -> (), or (...) with reduction
    "none". ``var`` is taken to be no less than ``eps``, its gradient as if it were not. ``full`` adds ln(2π) / 2.
    Source: Nix & Weigend, "Estimating the Mean and Variance of the Target Probability Distribution", 1994.

    Raises:
        ValueError: ``var`` has a negative entry or another shape, or the reduction is unknown.
    """
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * ones_like(input)
    elif (var < 0).any():
        raise ValueError("var has negative entry/entries")
    if var.shape != input.shape:
        if input.shape[:-1] == var.shape:
            var = var.unsqueeze(-1)
        elif input.ndim != var.ndim or sum(b for a, b in zip(input.shape, var.shape) if a != b) != 1:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    var = var.clone()
    call_inside(no_grad(), var.clamp_, min=eps)
    losses = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        losses += 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction)
