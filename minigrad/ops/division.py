"""Division: the quotient, the quotient rounded to an integer, and what is left over.

``floor`` rounds towards minus infinity, ``trunc`` towards zero; a remainder has the sign of the divisor with the first
and of the dividend with the second. The rounded quotient is constant between its jumps: its gradient is zero, and so
the remainder's is 1 for the dividend and minus the quotient for the divisor. As in PyTorch, ``floor_divide`` has none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import asarray, ndarray

from minigrad.arguments.gate import checked, welcoming
from minigrad.arguments.operands import checked_number, prepare, with_one_number
from minigrad.arguments.promotion import EXACT, NUMBERS, PRECISE, in_default_float, promote
from minigrad.creation import tensor
from minigrad.dtypes import FLOATS, NARROW
from minigrad.graph.function import Function, Number, Tensor, constant_like, wrap
from minigrad.inplace.changing import run_in_place
from minigrad.ops.elementwise import in_place_with_other, with_other

__all__ = ["div", "divide", "floor_divide", "fmod", "remainder", "true_divide"]


class Div(Function):
    """z = x / y, always floating."""

    def forward(ctx, x, y):
        needs_x, needs_y = ctx.needs_input_grad
        ctx.save_for_backward(x if needs_y else None, y if needs_x or needs_y else None)
        if type(y) is not ndarray or x.dtype is not y.dtype or x.shape != y.shape:
            if type(y) in NUMBERS and x.dtype.char in PRECISE and -EXACT <= y <= EXACT:
                y = asarray(y, x.dtype)  # a number takes the tensor's type
            elif x.dtype in NARROW and np.ndim(y) == 0:
                return with_one_number(np.divide, x, y)
            else:
                x, y = prepare(x, y, floating=True)
        return in_default_float(x) / in_default_float(y)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad_x = grad_z / y if ctx.needs_input_grad[0] else None  # dz/dx = 1/y
        grad_y = -grad_z * ((x / y) / y) if ctx.needs_input_grad[1] else None  # dz/dy = -x/y²
        return grad_x, grad_y


@welcoming
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """``input / other``; with ``rounding_mode`` 'floor' or 'trunc' rounded down or towards zero. Shapes: broadcast.

    Raises:
        RuntimeError: another rounding mode, or with one of these an integer is divided by zero.
        NotImplementedError: with a rounding mode, both are bools.
    """
    if rounding_mode is None:
        if not isinstance(input, Tensor):
            if not isinstance(other, Tensor):
                return div(tensor(checked_number("div", input)), other)
            input, _ = promote(checked_number("div", input), other.array, floating=True)
            return Div.apply(wrap(input), other)
        return Div.apply(input, other)
    check_rounding_mode(rounding_mode)
    if not isinstance(input, Tensor):
        input = checked_number("div", input)
        input = input if isinstance(other, Tensor) else tensor(input)
    return DivRounded.apply(input, other, rounding=rounding_mode)


def check_rounding_mode(rounding_mode: str) -> None:
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )


@checked
def div_(input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """:func:`div`, in place."""
    if rounding_mode is None:
        return run_in_place(input, "div_", Div, other)
    check_rounding_mode(rounding_mode)
    return run_in_place(input, "div_", DivRounded, other, rounding=rounding_mode)


@welcoming
def true_divide(input: Any, other: Any) -> Tensor:
    """:func:`div` without rounding: ``input / other``."""
    return div(input, other)


@checked
def true_divide_(input: Tensor, other: Tensor | Number) -> Tensor:
    """:func:`true_divide`, in place."""
    return div_(input, other)


class Underived(Function):
    """An operation whose gradient PyTorch leaves out: it is recorded, and refuses when its gradient is asked for."""

    node_name = "torch::autograd::NotImplemented"
    instead = ""

    def backward(ctx, grad_z):
        raise RuntimeError(f"derivative for {type(ctx).__name__} is not implemented, as in PyTorch: {ctx.instead}")


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
    divide = np.floor_divide if rounding == "floor" else truncated_quotient
    if isinstance(x, ndarray) and x.dtype in NARROW and np.ndim(y) == 0:
        return with_one_number(divide, x, y)
    x, y = prepare(x, y)
    check_divisor("div_" + rounding, x, y)
    return divide(x, y)


def truncated_quotient(x, y):
    """x / y rounded towards zero."""
    if x.dtype.kind in FLOATS:
        return np.trunc(x / y)
    rounded_down = np.floor_divide(x, y)
    return rounded_down + ((rounded_down < 0) & (rounded_down * y != x)).astype(x.dtype)


class FloorDivide(Underived):
    """z = floor(x / y), y a tensor or ``number``."""

    instead = "use div with rounding_mode='floor', whose gradient is zero"

    def forward(ctx, x, y=None, *, number=None):
        return quotient(x, number if y is None else y, "floor")


@welcoming
def floor_divide(input: Any, other: Any) -> Tensor:
    """``input // other``, rounded towards minus infinity; it has no gradient, as in PyTorch. Shapes: broadcast.

    Raises:
        RuntimeError: an integer is divided by zero.
        NotImplementedError: both operands are bools.
    """
    if not isinstance(input, Tensor):
        if isinstance(other, Tensor):
            return FloorDivideNumber.apply(other, number=input)
        input = tensor(checked_number("floor_divide", input))
    return with_other("floor_divide", FloorDivide, input, other)


floor_divide_ = in_place_with_other("floor_divide_", FloorDivide)


class FloorDivideNumber(FloorDivide):
    """z = floor(number / x)."""

    def forward(ctx, x, *, number):
        return quotient(number, x, "floor")


class DivRounded(Function):
    """z = x / y rounded by ``rounding``: constant between its jumps, so both gradients are zero."""

    node_name = "DivBackward2"

    def forward(ctx, x, y, *, rounding):
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, y)
        return quotient(x, y, rounding)

    def backward(ctx, grad_z):
        ctx.check_saved()
        grad_x = grad_y = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_x, grad_y


def left_over(x, y, rounding):
    """x - quotient(x, y) * y, computed without that difference's loss of digits."""
    x, y = prepare(x, y)
    check_divisor("remainder" if rounding == "floor" else "fmod", x, y)
    rest = np.fmod(x, y)  # has the sign of x
    if rounding == "floor":
        return np.where((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)
    return rest


class Remainder(Function):
    """z = x - floor(x / y) * y, with the sign of y, which is a tensor or ``number``."""

    rounding = "floor"

    def forward(ctx, x, y=None, *, number=None):
        ctx.overload = 0 if y is None else 1
        if y is not None and ctx.needs_input_grad[1]:
            ctx.save_for_backward(x, y)
        return left_over(x, number if y is None else y, ctx.rounding)

    def backward(ctx, grad_z):
        if ctx.overload == 0:
            return grad_z
        grad_x = grad_z if ctx.needs_input_grad[0] else None  # dz/dx = 1
        if not ctx.needs_input_grad[1]:
            return grad_x, None
        x, y = ctx.saved_tensors
        grad_y = -grad_z * DivRounded.apply(x, y, rounding=ctx.rounding)
        return grad_x, grad_y


@welcoming
def remainder(input: Any, other: Any) -> Tensor:
    """``input % other``: what is left of ``input`` after whole times ``other``, with the sign of ``other``.

    Shapes: broadcast.

    Raises:
        RuntimeError: an integer is divided by zero.
        NotImplementedError: both operands are bools.
    """
    if isinstance(other, Tensor) and not isinstance(input, Tensor):
        return RemainderOfNumber.apply(other, number=input)
    return with_other("remainder", Remainder, input, other)


remainder_ = in_place_with_other("remainder_", Remainder)


class Fmod(Remainder):
    """z = x - trunc(x / y) * y, with the sign of x."""

    rounding = "trunc"


@checked
def fmod(input: Tensor, other: Tensor | Number) -> Tensor:
    """As :func:`remainder`, with the sign of ``input``. Shapes: broadcast."""
    return with_other("fmod", Fmod, input, other)


fmod_ = in_place_with_other("fmod_", Fmod)


class RemainderOfNumber(Underived):
    """z = number - floor(number / x) * x."""

    instead = "make the number a tensor"

    def forward(ctx, x, *, number):
        return left_over(number, x, "floor")


# Other names that PyTorch has for some of these.
divide = div
