"""Softmax and the losses made of it. Each class: formula, forward, backward.

``LogSoftmax`` and ``NllLoss`` together are the cross-entropy of ``nn.CrossEntropyLoss``.
"""

from __future__ import annotations

import numpy as np

from minigrad.autograd.function import Function
from minigrad.ops.broadcasting import Sum, unbroadcast
from minigrad.ops.elementwise import Exp, check_broadcast
from minigrad.ops.indexing import Index
from minigrad.ops.shape import View
from minigrad.ops.values import constant_like


class LogSoftmax(Function):
    """zᵢ = xᵢ - ln Σⱼ exp xⱼ along ``dim``. The largest x is subtracted first, so that nothing overflows."""

    def forward(ctx, x, *, dim):
        ctx.dim = dim
        if x.size == 0:
            z = x.copy()
        else:
            shifted = x - np.maximum.reduce(x, axis=dim, keepdims=True)
            z = np.asarray(shifted - np.log(np.add.reduce(np.exp(shifted), axis=dim, keepdims=True)))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        total = Sum.apply(grad_z, dim=ctx.dim, keepdim=True)
        grad_x = grad_z - Exp.apply(z) * total  # dzᵢ/dxⱼ = [i = j] - softmax(x)ⱼ
        return grad_x


class Softmax(Function):
    """zᵢ = exp xᵢ / Σⱼ exp xⱼ along ``dim``."""

    def forward(ctx, x, *, dim):
        ctx.dim = dim
        if x.size == 0:
            z = x.copy()
        else:
            exponentials = np.exp(x - np.maximum.reduce(x, axis=dim, keepdims=True))
            z = np.asarray(exponentials / np.add.reduce(exponentials, axis=dim, keepdims=True))
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
        ctx.scale, ctx.rows, ctx.grad_shape = scale, rows, grad.shape
        z = np.zeros(shape, grad.dtype)
        z.reshape(-1, shape[-1])[rows] = -grad * scale
        return z

    def backward(ctx, grad_z):
        picked = Index.apply(View.apply(grad_z, shape=(-1, grad_z.shape[-1])), where=ctx.rows)
        grad_grad = unbroadcast(picked * constant_like(-ctx.scale, picked), ctx.grad_shape)
        return grad_grad


class MseLoss(Function):
    """z = mean (x - y)²; ``reduction`` "sum" adds instead, "none" gives every square."""

    def forward(ctx, x, y, *, reduction):
        ctx.shapes, ctx.reduction = (x.shape, y.shape), reduction
        ctx.save_for_backward(x, y)
        check_broadcast(x, y)
        difference = x - y
        squares = np.asarray(difference * difference)
        ctx.count = squares.size
        if reduction == "none":
            return squares
        total = np.add.reduce(squares, axis=None)
        return np.true_divide(total, ctx.count, dtype=squares.dtype) if reduction == "mean" else total

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        difference = x - y
        factor = 2 / ctx.count if ctx.reduction == "mean" else 2
        grad_difference = grad_z * (difference * factor)  # d(x - y)²/d(x - y) = 2 (x - y)
        grad_x = unbroadcast(grad_difference, ctx.shapes[0]) if ctx.needs_input_grad[0] else None
        grad_y = unbroadcast(-grad_difference, ctx.shapes[1]) if ctx.needs_input_grad[1] else None
        return grad_x, grad_y
