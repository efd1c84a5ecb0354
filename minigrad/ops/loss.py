"""Softmax and the losses made of it. Each class: formula, forward, backward.

``LogSoftmax`` and ``NllLoss`` together are the cross-entropy of ``nn.CrossEntropyLoss``.
"""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.values import array_of, constant_like
from minigrad.ops.broadcasting import Sum
from minigrad.ops.elementwise import Exp, Log, Sgn, Sigmoid, Where, prepare
from minigrad.ops.indexing import Index
from minigrad.ops.shape import View


class LogSoftmax(Function):
    """zᵢ = xᵢ - ln Σⱼ exp xⱼ along ``dim``. The largest x is subtracted first, so that nothing overflows."""

    def forward(ctx, x, *, dim):
        ctx.dim = dim
        if x.size == 0:
            z = x.copy()
        else:
            z = np.asarray(x - np.maximum.reduce(x, axis=dim, keepdims=True))
            z -= np.log(np.add.reduce(np.exp(z), axis=dim, keepdims=True))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = LogSoftmaxBackwardData.apply(grad_z, z, dim=ctx.dim)
        return grad_x


class LogSoftmaxBackwardData(Function):
    """gradᵢ - exp zᵢ Σⱼ gradⱼ: the gradient of log-softmax, as dzᵢ/dxⱼ = [i = j] - softmax(x)ⱼ."""

    def forward(ctx, grad, z, *, dim):
        ctx.dim = dim
        ctx.save_for_backward(grad, z)
        spread_out = np.asarray(np.exp(z))
        spread_out *= np.add.reduce(grad, axis=dim, keepdims=True)
        return np.subtract(grad, spread_out, out=spread_out)

    def backward(ctx, grad_result):
        grad, z = ctx.saved_tensors
        softmax = Exp.apply(z)
        grad_grad = grad_result - Sum.apply(grad_result * softmax, dim=ctx.dim, keepdim=True)
        grad_z = -(grad_result * softmax) * Sum.apply(grad, dim=ctx.dim, keepdim=True)
        return grad_grad, grad_z


class Softmax(Function):
    """zᵢ = exp xᵢ / Σⱼ exp xⱼ along ``dim``."""

    def forward(ctx, x, *, dim):
        ctx.dim = dim
        if x.size == 0:
            z = x.copy()
        else:
            exponentials = np.exp(x - np.maximum.reduce(x, axis=dim, keepdims=True))
            z = np.asarray(exponentials / np.add.reduce(exponentials, axis=dim, keepdims=True), order="C")
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        weighted = grad_z * z
        grad_x = weighted - z * Sum.apply(weighted, dim=ctx.dim, keepdim=True)  # dzᵢ/dxⱼ = zᵢ ([i = j] - zⱼ)
        return grad_x


class NllLoss(Function):
    """z = -Σₙ w(tₙ) x(n, tₙ) / Σₙ w(tₙ) over the samples n whose class t is not ``ignore_index``.

    Shapes: x (N, C) or (C,) of log-probabilities, ``target`` (N,) of classes, ``weight`` (C,) -> ().
    ``reduction`` "sum" leaves the division out, "none" gives one loss a sample, (N,). The mean over no sample is NaN.
    """

    def forward(ctx, x, *, target, weight, reduction, ignore_index):
        ctx.shape = x.shape
        if x.ndim == 1:
            x = x[None]
        counted = target != ignore_index
        safe_target = np.where(counted, target, 0)
        picked_weight = np.ones(target.shape, x.dtype) if weight is None else weight[safe_target]
        ctx.scale = np.where(counted, picked_weight, np.zeros((), x.dtype))
        ctx.rows = (np.arange(len(target)), safe_target)
        losses = np.where(counted, -x[ctx.rows] * ctx.scale, np.zeros((), x.dtype))
        if reduction == "none":
            return losses if len(ctx.shape) == 2 else losses.reshape(())
        if reduction == "mean":
            total_weight = np.add.reduce(ctx.scale)
            ctx.scale = np.where(counted, ctx.scale / total_weight, np.zeros((), x.dtype))
            return np.add.reduce(losses) / total_weight
        return np.add.reduce(losses)

    def backward(ctx, grad_z):
        grad_x = NllLossBackward.apply(grad_z, scale=ctx.scale, rows=ctx.rows, shape=ctx.shape)
        return grad_x


class NllLossBackward(Function):
    """Zeros that hold -grad · scale at each sample's class: the gradient of NllLoss, linear in ``grad``."""

    def forward(ctx, grad, *, scale, rows, shape):
        ctx.scale, ctx.rows = scale, rows
        z = np.zeros(shape, grad.dtype)
        z.reshape(-1, shape[-1])[rows] = -grad * scale
        return z

    def backward(ctx, grad_z):
        picked = Index.apply(View.apply(grad_z, shape=(-1, grad_z.shape[-1])), where=ctx.rows)
        grad_grad = picked * constant_like(-ctx.scale, picked)
        return grad_grad


class PointwiseLoss(Function):
    """z = the mean of a loss of each pair x, y; ``reduction`` "sum" adds instead, "none" gives every one.

    A subclass has the loss of each pair, ``losses``, and dL/d(x - y) of each, ``slopes``.
    """

    def forward(ctx, x, y, *, reduction, **options):
        ctx.reduction, ctx.options = reduction, options
        ctx.save_for_backward(x, y)
        losses = np.asarray(ctx.losses(*prepare(x, y)))
        ctx.count = losses.size
        if reduction == "none":
            return losses
        total = np.add.reduce(losses, axis=None)
        return np.true_divide(total, ctx.count, dtype=losses.dtype) if reduction == "mean" else total

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


class SmoothL1Loss(PointwiseLoss):
    """(x - y)² / (2 beta) where |x - y| < beta, else |x - y| - beta/2."""

    def losses(ctx, x, y):
        beta, size = np.asarray(ctx.options["beta"], x.dtype), np.abs(x - y)
        return np.where(size < beta, size * size / (2 * beta), size - beta / 2)

    def slopes(ctx, difference, factor):
        beta = ctx.options["beta"]
        near = ~(np.abs(array_of(difference)) >= beta)  # NaN too
        return Where.apply(difference * (factor / beta), Sgn.apply(difference) * factor, condition=near)


class HuberLoss(PointwiseLoss):
    """(x - y)² / 2 where |x - y| <= delta, else delta (|x - y| - delta/2)."""

    def losses(ctx, x, y):
        delta, size = np.asarray(ctx.options["delta"], x.dtype), np.abs(x - y)
        return np.where(size <= delta, size * size / 2, delta * (size - delta / 2))

    def slopes(ctx, difference, factor):
        delta = ctx.options["delta"]
        near = ~(np.abs(array_of(difference)) > delta)  # NaN too
        return Where.apply(difference * factor, Sgn.apply(difference) * (delta * factor), condition=near)


LEAST_SPREAD = float(np.float32(1e-12))  # PyTorch keeps it in float32


class BinaryCrossEntropy(Function):
    """z = the mean of -w (y ln x + (1 - y) ln(1 - x)), each logarithm no less than -100."""

    def forward(ctx, x, y, *, weight, reduction):
        ctx.weight, ctx.reduction, ctx.count = weight, reduction, x.size
        ctx.save_for_backward(x, y)
        losses = (y - 1) * np.maximum(np.log1p(-x), -100) - y * np.maximum(np.log(x), -100)
        return reduce_losses(losses if weight is None else losses * weight, reduction)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad = share_of_each(ctx, grad_z)
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            spread_out = x * (1 - x)
            safe = Where.apply(spread_out, LEAST_SPREAD, condition=array_of(spread_out) > LEAST_SPREAD)
            grad_x = grad * ((x - y) / safe)
        if ctx.needs_input_grad[1]:
            odds = Log.apply(1 - x) - Log.apply(x)
            grad_y = grad * odds
        return grad_x, grad_y


class BinaryCrossEntropyWithLogits(Function):
    """z = the mean of -w (p y ln s(x) + (1 - y) ln(1 - s(x))), s the sigmoid, computed without overflow."""

    def forward(ctx, x, y, *, weight, positive_weight, reduction):
        ctx.weight, ctx.positive_weight, ctx.reduction, ctx.count = weight, positive_weight, reduction, x.size
        ctx.save_for_backward(x, y)
        softplus = np.maximum(-x, 0) + np.log1p(np.exp(-np.abs(x)))  # -ln s(x)
        scale = 1 if positive_weight is None else (positive_weight - 1) * y + 1
        losses = (1 - y) * x + scale * softplus
        return reduce_losses(losses if weight is None else losses * weight, reduction)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad = share_of_each(ctx, grad_z)
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            if ctx.positive_weight is None:
                grad_x = grad * (Sigmoid.apply(x) - y)
            else:
                positive = y * constant_like(ctx.positive_weight, y)
                grad_x = grad * ((positive + 1 - y) * Sigmoid.apply(x) - positive)
        if ctx.needs_input_grad[1]:
            if ctx.positive_weight is None:
                grad_y = grad * -x
            else:
                weight = constant_like(ctx.positive_weight, x)
                grad_y = grad * (Log.apply(Sigmoid.apply(-x)) - weight * Log.apply(Sigmoid.apply(x)))
        return grad_x, grad_y


def reduce_losses(losses, reduction):
    """The mean, the sum, or the losses themselves."""
    if reduction == "none":
        return losses
    total = np.add.reduce(losses, axis=None)
    return np.true_divide(total, losses.size, dtype=losses.dtype) if reduction == "mean" else total


def share_of_each(ctx, grad):
    """The gradient of each loss: that of the result, divided for a mean, times the loss's weight."""
    if ctx.reduction == "mean":
        grad = grad * (1 / ctx.count if ctx.count else np.nan)
    return grad if ctx.weight is None else grad * constant_like(ctx.weight, grad)


class Xlogy(Function):
    """z = x ln y, 0 where x is 0."""

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        x, y = prepare(x, y)
        return np.where((x == 0) & ~np.isnan(y), np.zeros((), x.dtype), x * np.log(y))

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            flat = (array_of(x) == 0) & (array_of(y) <= 0)
            grad_x = grad_z * Where.apply(0.0, Log.apply(y), condition=flat)
        if ctx.needs_input_grad[1]:
            grad_y = grad_z * (x / y)
        return grad_x, grad_y
