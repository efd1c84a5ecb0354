"""Several arithmetic operations in one: interpolation, and products or quotients added."""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.ops.elementwise import prepare
from minigrad.promotion import promote


def refuse_integers(x):
    """Raise PyTorch's error for a type without fractions."""
    if x.dtype.kind != "f":
        raise NotImplementedError(f'"lerp_kernel" not implemented for {x.dtype}: convert to a floating type first')


class LerpScalar(Function):
    """z = x + weight (y - x) for a number ``weight``."""

    node_name = "LerpBackward0"

    def forward(ctx, x, y, *, weight):
        refuse_integers(x)
        ctx.weight = weight
        x, y = prepare(x, y)
        return interpolate(x, y, np.asarray(weight, x.dtype))

    def backward(ctx, grad_z):
        grad_x = grad_z * (1 - ctx.weight) if ctx.needs_input_grad[0] else None
        grad_y = grad_z * ctx.weight if ctx.needs_input_grad[1] else None
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
        grad_x = grad_z * (1 - weight) if ctx.needs_input_grad[0] else None
        grad_y = grad_z * weight if ctx.needs_input_grad[1] else None
        grad_weight = grad_z * (y - x) if ctx.needs_input_grad[2] else None
        return grad_x, grad_y, grad_weight


def interpolate(x, y, weight):
    """From the nearer end, so that weight 1 gives y exactly."""
    return np.where(np.abs(weight) < 0.5, x + weight * (y - x), y - (y - x) * (1 - weight))


class Addcmul(Function):
    """z = x + value · first · second."""

    def forward(ctx, x, first, second, *, value):
        ctx.value = value
        ctx.save_for_backward(first, second)
        x, first, second = promote(x, first, second)
        return x + np.asarray(value, x.dtype) * first * second

    def backward(ctx, grad_z):
        first, second = ctx.saved_tensors
        grad_x = grad_z if ctx.needs_input_grad[0] else None
        grad_first = grad_second = None
        if ctx.needs_input_grad[1]:
            grad_first = grad_z * (second * ctx.value)
        if ctx.needs_input_grad[2]:
            grad_second = grad_z * (first * ctx.value)
        return grad_x, grad_first, grad_second


class Addcdiv(Function):
    """z = x + value · first / second."""

    def forward(ctx, x, first, second, *, value):
        ctx.value = value
        ctx.save_for_backward(first, second)
        x, first, second = promote(x, first, second)
        return x + np.asarray(value, x.dtype) * first / second

    def backward(ctx, grad_z):
        first, second = ctx.saved_tensors
        grad_x = grad_z if ctx.needs_input_grad[0] else None
        grad_first = grad_second = None
        if ctx.needs_input_grad[1]:
            grad_first = grad_z * (ctx.value / second)
        if ctx.needs_input_grad[2]:
            grad_second = -grad_z * (ctx.value * first) / (second * second)
        return grad_x, grad_first, grad_second
