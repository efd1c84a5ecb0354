"""Losses of scores: a right class's is to be above the others' by a margin. ``reduction`` is as in ``losses.py``."""

from __future__ import annotations

import math

import numpy as np

from minigrad import dtypes
from minigrad.arguments.gate import checked
from minigrad.arguments.operands import prepare
from minigrad.graph.function import Function, Tensor, constant_like
from minigrad.ops.activation import logsigmoid
from minigrad.ops.division import Underived
from minigrad.ops.losses import known_reduction, legacy_reduction, reduce_losses, reduced, share_of_each
from minigrad.ops.powers import Exp

__all__ = ["multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "soft_margin_loss"]


def check_scores(input: Tensor, target: Tensor, target_shape: tuple[int, ...], lowest: int) -> None:
    """Raise PyTorch's errors where ``input`` is not (N, C) or (C,), or ``target`` no classes from ``lowest`` on."""
    if input.ndim > 2 or 0 in input.shape[-1:]:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    fits = target.shape == target_shape
    if input.ndim < 2:
        fits = target.ndim < 2 and target.numel() == math.prod(target_shape)
    if not fits:
        raise RuntimeError(
            f"inconsistent target size, expected {list(target_shape)} but got {list(target.shape)} for input of size: "
            f"{list(input.shape)}"
        )
    if target.dtype is not dtypes.int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype}: targets are classes")
    if ((target.array < lowest) | (target.array >= (input.shape[-1] if input.ndim else 1))).any():
        raise RuntimeError("target out of range")


class MarginLoss(Function):
    """z = the mean of the losses of the samples; ``reduction`` "sum" adds instead, "none" gives every one.

    A subclass computes of x (N, C) the losses (N,), and how each changes with the sample's x: ``slopes`` (N, C).
    """

    def reduced(ctx, x, losses, slopes, reduction):
        """The result, of no dimension where x is one sample; the slopes are kept for the gradient."""
        ctx.slopes = slopes.reshape(x.shape)
        ctx.reduction, ctx.count = reduction, len(losses)
        return reduce_losses(losses if x.ndim == 2 else losses.reshape(()), reduction)

    def backward(ctx, grad_z):
        ctx.check_saved()
        grad_x = MarginLossBackward.apply(share_of_each(ctx, grad_z, None), slopes=ctx.slopes)
        return grad_x


class MarginLossBackward(Underived):
    """The gradient of each loss, times its slopes."""

    instead = "relu, gather and sum compute the same loss, and have all gradients"

    def forward(ctx, grad, *, slopes):
        return grad[..., None] * slopes if slopes.ndim else grad * slopes


class MultiMarginLoss(MarginLoss):
    """weight[y] Σ max(0, margin - x[y] + x[i])^p / C over the classes i other than y, the target's. At 0 it is flat."""

    saved_names = ("self", "target", "weight")

    def forward(ctx, x, *, target, weight, p, margin, reduction):
        ctx.save_for_backward(x, target, weight)
        classes = x.shape[-1] if x.ndim else 1
        scores, right = x.reshape(-1, classes), target.array.reshape(-1, 1)
        missing = np.maximum(margin - np.take_along_axis(scores, right, 1) + scores, 0).astype(x.dtype, copy=False)
        np.put_along_axis(missing, right, 0, 1)
        scale = 1 / np.asarray(classes, x.dtype) if weight is None else weight.array[right] / classes
        slopes = (missing > 0).astype(x.dtype) if p == 1 else 2 * missing
        np.put_along_axis(slopes, right, -slopes.sum(1, keepdims=True), 1)
        return ctx.reduced(x, (missing**p * scale).sum(1), slopes * scale, reduction)


@checked
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """weight[y] Σ max(0, margin - input[y] + input[i])^p / C over the classes i other than the target's, y.

    Shapes: (N, C) or (C,), (N,) or (), the weight (C,) -> (), or (N,) with reduction "none". Where a maximum is 0 the
    gradient is 0. Source: Crammer & Singer, 2001.

    Raises:
        ValueError: ``p`` is neither 1 nor 2, the weight has other than one dimension, or the reduction is unknown.
        RuntimeError: the shapes do not fit, or a target is no class.
    """
    reduction = known_reduction(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    classes = input.shape[-1] if input.ndim else 1
    check_scores(input, target, input.shape[:-1], 0)
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    return MultiMarginLoss.apply(input, target=target, weight=weight, p=p, margin=margin, reduction=reduction)


class MultilabelMarginLoss(MarginLoss):
    """Σ max(0, 1 - x[y] + x[i]) / C over the target's classes y, up to the first -1, and others i. At 0 it is flat."""

    saved_names = ("self", "target")

    def forward(ctx, x, *, target, reduction):
        ctx.save_for_backward(x, target)
        classes = x.shape[-1] if x.ndim else 1
        scores, right = x.reshape(-1, classes), target.array.reshape(-1, classes)
        counted = np.logical_and.accumulate(right >= 0, 1)
        sample, place = np.nonzero(counted)
        named = right[sample, place]
        is_other = np.ones(right.shape, bool)
        is_other[sample, named] = False
        missing = np.maximum(1 - scores[sample, named][:, None] + scores[sample], 0) * is_other[sample] / classes
        losses, slopes = np.zeros(len(scores), x.dtype), np.zeros(scores.shape, x.dtype)
        np.add.at(losses, sample, missing.sum(1))
        active = (missing > 0).astype(x.dtype) / classes
        np.add.at(slopes, sample, active)
        np.add.at(slopes, (sample, named), -active.sum(1))
        return ctx.reduced(x, losses, slopes, reduction)


@checked
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """Σ max(0, 1 - input[y] + input[i]) / C over the target's classes y and the other classes i.

    Shapes: (N, C) or (C,), the target the same: its classes, then -1, what follows does not count -> (), or (N,) with
    reduction "none". Where a maximum is 0 the gradient is 0.

    Raises:
        ValueError: the reduction is unknown.
        RuntimeError: the shapes do not fit, or a target is no class.
    """
    reduction = known_reduction(size_average, reduce, reduction)
    check_scores(input, target, input.shape, -1)
    return MultilabelMarginLoss.apply(input, target=target, reduction=reduction)


class SoftMarginLoss(Function):
    """z = the mean of ln(1 + exp(-y x)), their sum, or each."""

    saved_names = ("self", "target")

    def forward(ctx, x, *, target, reduction):
        ctx.save_for_backward(x, target)
        scores, y = prepare(x, target.array)
        losses = np.log1p(np.exp(-scores * y)).astype(x.dtype, copy=False)
        ctx.reduction, ctx.count = reduction, losses.size
        return reduce_losses(losses, reduction)

    def backward(ctx, grad_z):
        x, target = ctx.saved_tensors
        y = constant_like(target.array, grad_z)
        grown = Exp.apply(-x * y)
        grad_x = share_of_each(ctx, grad_z, None) * (-y * grown / (1 + grown))
        return grad_x


@checked
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """ln(1 + exp(-target · input)), the target being 1 or -1. Shapes: (...), (...) -> (), or (...) with "none".

    The target has no gradient, as in PyTorch.

    Raises:
        ValueError: the reduction is unknown.
    """
    reduction = known_reduction(size_average, reduce, reduction)
    return SoftMarginLoss.apply(input, target=target, reduction=reduction)


@checked
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(target ln σ(input) + (1 - target) ln σ(-input)), averaged over the classes, each times ``weight`` where given.

    Shapes: (..., C), (..., C), the weight (C,) -> (), or (...) with reduction "none".

    Raises:
        ValueError: the reduction is unknown.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        losses = losses * weight
    return reduced(losses.sum(-1) / input.shape[-1], reduction)
