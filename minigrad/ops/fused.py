"""Several arithmetic operations in one: interpolation, and products or quotients added."""

from __future__ import annotations

import numpy as np

from minigrad.autograd.function import Function
from minigrad.ops.broadcasting import unbroadcast
from minigrad.ops.elementwise import prepare
from minigrad.ops.promotion import promote


def refuse_integers(x):
    """Raise PyTorch's error for a type without fractions."""
    if x.dtype.kind != "f":
        raise NotImplementedError(f'"lerp_kernel" not implemented for {x.dtype}: convert to a floating type first')


class LerpScalar(Function):
    """z = x + weight (y - x) for a number ``weight``."""

    node_name = "LerpBackward0"

    def forward(ctx, x, y, *, weight):
        refuse_integers(x)
        ctx.weight, ctx.shapes = weight, (x.shape, y.shape)
        x, y = prepare(x, y)
        return interpolate(x, y, np.asarray(weight, x.dtype))

    def backward(ctx, grad_z):
        x_shape, y_shape = ctx.shapes
        grad_x = unbroadcast(grad_z * (1 - ctx.weight), x_shape) if ctx.needs_input_grad[0] else None
        grad_y = unbroadcast(grad_z * ctx.weight, y_shape) if ctx.needs_input_grad[1] else None
        return grad_x, grad_y


class Lerp(Function):
    """z = x + weight (y - x), all three tensors."""

    overload = 1

    def forward(ctx, x, y, weight):
        refuse_integers(x)
        ctx.save_for_backward(x, y, weight)
        x, y, weight = promote(x, y, weight)
        return interpolate(x, y, weight)

    def backward(ctx, grad_z):
        x, y, weight = ctx.saved_tensors
        grad_x = unbroadcast(grad_z * (1 - weight), x.shape) if ctx.needs_input_grad[0] else None
        grad_y = unbroadcast(grad_z * weight, y.shape) if ctx.needs_input_grad[1] else None
        grad_weight = unbroadcast(grad_z * (y - x), weight.shape) if ctx.needs_input_grad[2] else None
        return grad_x, grad_y, grad_weight


def interpolate(x, y, weight):
    """From the nearer end, so that weight 1 gives y exactly."""
    return np.where(np.abs(weight) < 0.5, x + weight * (y - x), y - (y - x) * (1 - weight))


class Addcmul(Function):
    """z = x + value · first · second."""

    def forward(ctx, x, first, second, *, value):
        ctx.value, ctx.x_shape = value, x.shape
        ctx.save_for_backward(first, second)
        x, first, second = promote(x, first, second)
        return x + np.asarray(value, x.dtype) * first * second

    def backward(ctx, grad_z):
        first, second = ctx.saved_tensors
        grad_x = unbroadcast(grad_z, ctx.x_shape) if ctx.needs_input_grad[0] else None
        grad_first = grad_second = None
        if ctx.needs_input_grad[1]:
            grad_first = unbroadcast(grad_z * (second * ctx.value), first.shape)
        if ctx.needs_input_grad[2]:
            grad_second = unbroadcast(grad_z * (first * ctx.value), second.shape)
        return grad_x, grad_first, grad_second


class Addcdiv(Function):
    """z = x + value · first / second."""

    def forward(ctx, x, first, second, *, value):
        ctx.value, ctx.x_shape = value, x.shape
        ctx.save_for_backward(first, second)
        x, first, second = promote(x, first, second)
        return x + np.asarray(value, x.dtype) * first / second

    def backward(ctx, grad_z):
        first, second = ctx.saved_tensors
        grad_x = unbroadcast(grad_z, ctx.x_shape) if ctx.needs_input_grad[0] else None
        grad_first = grad_second = None
        if ctx.needs_input_grad[1]:
            grad_first = unbroadcast(grad_z * (ctx.value / second), first.shape)
        if ctx.needs_input_grad[2]:
            grad_second = unbroadcast(-grad_z * (ctx.value * first) / (second * second), second.shape)
        return grad_x, grad_first, grad_second
