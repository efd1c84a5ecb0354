"""Division with a remainder: the quotient rounded to an integer, and what is left over.

``floor`` rounds towards minus infinity, ``trunc`` towards zero; a remainder has the sign of the divisor with the first
and of the dividend with the second. The quotient is constant between its jumps: its gradient is zero, and so the
remainder's is 1 for the dividend and minus the quotient for the divisor.
"""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.values import constant_like
from minigrad.ops.elementwise import prepare


def check_divisor(name, x, y):
    """Raise PyTorch's errors for bools and for integers divided by zero.

    Raises:
        NotImplementedError, RuntimeError: see above.
    """
    if x.dtype.kind == "b":
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for 'Bool': convert to integers first")
    if x.dtype.kind in "iu" and not y.all():
        raise RuntimeError("ZeroDivisionError: an integer was divided by zero")


def quotient(x, y, rounding):
    """x / y rounded to an integer: ``rounding`` is 'floor' or 'trunc'."""
    x, y = prepare(x, y)
    check_divisor("div_" + rounding, x, y)
    if rounding == "floor":
        return np.floor_divide(x, y)
    if x.dtype.kind == "f":
        return np.trunc(x / y)
    rounded_down = np.floor_divide(x, y)
    return rounded_down + ((rounded_down < 0) & (rounded_down * y != x)).astype(x.dtype)


def remainder(x, y, rounding):
    """x - quotient(x, y) * y, computed without that difference's loss of digits."""
    x, y = prepare(x, y)
    check_divisor("remainder" if rounding == "floor" else "fmod", x, y)
    rest = np.fmod(x, y)  # has the sign of x
    if rounding == "floor":
        return np.where((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)
    return rest


class Underived(Function):
    """An operation whose gradient PyTorch leaves out: it is recorded, and refuses when its gradient is asked for."""

    node_name = "torch::autograd::NotImplemented"
    instead = ""

    def backward(ctx, grad_z):
        raise RuntimeError(f"derivative for {type(ctx).__name__} is not implemented, as in PyTorch: {ctx.instead}")


class FloorDivide(Underived):
    """z = floor(x / y)."""

    instead = "use div with rounding_mode='floor', whose gradient is zero"

    def forward(ctx, x, y):
        return quotient(x, y, "floor")


class FloorDivideByNumber(FloorDivide):
    """z = floor(x / number)."""

    def forward(ctx, x, *, number):
        return quotient(x, number, "floor")


class FloorDivideNumber(FloorDivide):
    """z = floor(number / x)."""

    def forward(ctx, x, *, number):
        return quotient(number, x, "floor")


class DivRounded(Function):
    """z = x / y rounded by ``rounding``: constant between its jumps, so both gradients are zero."""

    node_name = "DivBackward2"

    def forward(ctx, x, y, *, rounding):
        ctx.shapes = np.shape(x), np.shape(y)
        return quotient(x, y, rounding)

    def backward(ctx, grad_z):
        grad_x, grad_y = [constant_like(np.zeros(shape), grad_z) for shape in ctx.shapes]
        return grad_x, grad_y


class Remainder(Function):
    """z = x - floor(x / y) * y, with the sign of y."""

    overload = 1
    rounding = "floor"

    def forward(ctx, x, y):
        if ctx.needs_input_grad[1]:
            ctx.save_for_backward(x, y)
        return remainder(x, y, ctx.rounding)

    def backward(ctx, grad_z):
        grad_x = grad_z if ctx.needs_input_grad[0] else None  # dz/dx = 1
        if not ctx.needs_input_grad[1]:
            return grad_x, None
        x, y = ctx.saved_tensors
        grad_y = -grad_z * DivRounded.apply(x, y, rounding=ctx.rounding)
        return grad_x, grad_y


class Fmod(Remainder):
    """z = x - trunc(x / y) * y, with the sign of x."""

    rounding = "trunc"


class RemainderByNumber(Function):
    """z = x - floor(x / number) * number."""

    node_name = "RemainderBackward0"
    rounding = "floor"

    def forward(ctx, x, *, number):
        return remainder(x, number, ctx.rounding)

    def backward(ctx, grad_z):
        return grad_z


class FmodByNumber(RemainderByNumber):
    """z = x - trunc(x / number) * number."""

    node_name = "FmodBackward0"
    rounding = "trunc"


class RemainderOfNumber(Underived):
    """z = number - floor(number / x) * x."""

    instead = "make the number a tensor"

    def forward(ctx, x, *, number):
        return remainder(number, x, "floor")
