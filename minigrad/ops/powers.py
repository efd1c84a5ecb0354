"""Powers and roots, exponentials and logarithms. Each rule: the formula, forward, backward; then what users call.

Roots, exponentials and logarithms of integers and bools are computed in the default floating type. Sines and their
kin are in ``transcendental.py``, the logarithm of a sum of exponentials in ``softmax.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import asarray, ndarray

from minigrad.arguments.checks import check_tensors
from minigrad.arguments.gate import checked, welcoming
from minigrad.arguments.operands import prepare
from minigrad.arguments.promotion import (
    EXACT,
    NUMBERS,
    PRECISE,
    in_default_float,
    in_opmath,
    number_as,
    promote,
    result_dtype,
)
from minigrad.dtypes import FLOATS
from minigrad.graph.function import Function
from minigrad.graph.node import Number, Tensor, unwrap
from minigrad.graph.values import constant_like
from minigrad.inplace.changing import run_in_place
from minigrad.ops.arithmetic import MulScalar
from minigrad.ops.choosing import Where

__all__ = ["exp", "exp2", "exp2_", "exp_", "expm1", "expm1_", "hypot", "log", "log1p", "log1p_", "log2", "log2_"]
__all__ += ["log10", "log10_", "log_", "logaddexp", "pow", "rsqrt", "rsqrt_", "sqrt", "sqrt_", "square", "square_"]


def refuse_negative_power(x, number):
    """Raise PyTorch's error for integers to a negative integer power."""
    if x.dtype.kind not in FLOATS and isinstance(number, int) and number < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")


def check_exponent(number, kind):
    """Raise PyTorch's error where integers or float16 numbers, of the type ``kind``, have a power beyond that type."""
    if kind.char not in PRECISE:
        number_as(number, kind)


# ----------------------------------------------------------------------------------------------------- powers and roots


class PowScalar(Function):
    """z = x ** number. At number = 0 the gradient is zero everywhere, also where x is 0 or infinite."""

    node_name = "PowBackward0"
    saved_inputs = slice(None)

    def forward(ctx, x, *, number):
        ctx.number = number
        ctx.save_for_backward(x)
        if type(number) in NUMBERS and x.dtype.char in PRECISE and -EXACT <= number <= EXACT:
            number = asarray(number, x.dtype)
        else:
            refuse_negative_power(x, number)
            check_exponent(number, result_dtype(x, number))
            x, number = promote(x, number)
        if x.dtype.kind == "b":
            return x | ~number
        if number == -0.5:  # PyTorch's way: NaN where x < 0, also at -inf
            return (1 / np.sqrt(in_opmath(x))).astype(x.dtype, copy=False)
        return x**number

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        if ctx.number == 0:
            return constant_like(np.zeros(grad_z.shape), grad_z)
        power = PowScalar.apply(x, number=ctx.number - 1)
        slope = MulScalar.apply(power, number=ctx.number)  # dz/dx = n xⁿ⁻¹
        grad_x = grad_z * slope
        return grad_x


def square(input: Tensor) -> Tensor:
    """``input ** 2``. Shape: that of ``input``."""
    return PowScalar.apply(input, number=2)


def square_(input: Tensor) -> Tensor:
    """:func:`square`, in place."""
    return pow_(input, 2)


def integer_power(x, y):
    """x ** y of integers. Where y is negative only 1 and -1 have an integer power; it is 0 for the others.

    Raises:
        NotImplementedError: both are bools.
    """
    if x.dtype.kind == "b":
        raise NotImplementedError('"pow" not implemented for bools: convert to integers first')
    power = x ** np.maximum(y, 0)
    of_unit = np.where(x == -1, 1 - 2 * (y % 2), x == 1)
    return np.where(y < 0, of_unit, power).astype(x.dtype)


class Pow(Function):
    """z = x ** y for tensors x and y. Where y is 0, dz/dx is 0; where x is 0 and y ≥ 0, dz/dy is 0."""

    saved_names = ("self", "exponent", "result")
    overload = 1

    def forward(ctx, x, y):
        x_float, y_float = prepare(x, y)
        z = np.asarray(x_float**y_float if x_float.dtype.kind in FLOATS else integer_power(x_float, y_float))
        ctx.save_for_backward(x, y, z)
        return z

    def backward(ctx, grad_z):
        x, y, z = ctx.saved_tensors
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            zero_where_flat = Where.apply(0.0, grad_z * (y * x ** (y - 1)), condition=unwrap(y) == 0)
            grad_x = zero_where_flat  # dz/dx = y xʸ⁻¹
        if ctx.needs_input_grad[1]:
            at_zero = (unwrap(x) == 0) & (unwrap(y) >= 0)
            logarithm = Where.apply(0.0, z * Log.apply(x), condition=at_zero)
            grad_y = grad_z * logarithm  # dz/dy = xʸ ln x
        return grad_x, grad_y


@welcoming
def pow(input: Any, exponent: Any) -> Tensor:
    """``input ** exponent``; one of the two may be a number. Shapes: broadcast.

    Raises:
        TypeError: neither is a tensor, or one is neither that nor a number.
        RuntimeError: an integer has a negative exponent, or one that its type does not hold.
    """
    if not isinstance(input, Tensor):
        check_tensors("pow", exponent=exponent)
    elif not isinstance(exponent, (Tensor, int, float)):
        check_tensors("pow", input=input, exponent=exponent)
    return input**exponent


@checked
def pow_(input: Tensor, exponent: Tensor | Number) -> Tensor:
    """:func:`pow`, in place."""
    if isinstance(exponent, (Tensor, ndarray)):
        return run_in_place(input, "pow_", Pow, exponent)
    return run_in_place(input, "pow_", PowScalar, number=exponent)


class PowOfScalar(Function):
    """z = number ** x. Where number is 0 and x ≥ 0, the gradient is zero."""

    node_name = "PowBackward2"
    result_strides = None

    def forward(ctx, x, *, number):
        base, exponent = prepare(number, x)
        ctx.number = number
        z = np.asarray(base**exponent if base.dtype.kind in FLOATS else integer_power(base, exponent))
        ctx.save_for_backward(x, z)
        return z

    def backward(ctx, grad_z):
        x, z = ctx.saved_tensors
        if ctx.number == 0:
            return grad_z * Where.apply(0.0, z * -np.inf, condition=unwrap(x) >= 0)
        grad_x = grad_z * MulScalar.apply(z, number=float(np.log(ctx.number)))  # dz/dx = numberˣ ln(number)
        return grad_x


class Sqrt(Function):
    """z = √x. At 0 the gradient is infinite."""

    def forward(ctx, x):
        z = np.asarray(np.sqrt(in_default_float(x)))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z / MulScalar.apply(z, number=2)  # dz/dx = 1/(2√x)
        return grad_x


def sqrt(input: Tensor) -> Tensor:
    """The square root: NaN below 0. At 0 the gradient is infinite. Shape: that of ``input``."""
    return Sqrt.apply(input)


def sqrt_(input: Tensor) -> Tensor:
    """:func:`sqrt`, in place."""
    return run_in_place(input, "sqrt_", Sqrt)


class Rsqrt(Function):
    """z = 1/√x."""

    def forward(ctx, x):
        x = in_default_float(x)
        z = np.asarray(1 / np.sqrt(in_opmath(x)), x.dtype)
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * MulScalar.apply(PowScalar.apply(z, number=3), number=-0.5)  # dz/dx = -z³/2
        return grad_x


def rsqrt(input: Tensor) -> Tensor:
    """One over the square root. Shape: that of ``input``."""
    return Rsqrt.apply(input)


def rsqrt_(input: Tensor) -> Tensor:
    """:func:`rsqrt`, in place."""
    return run_in_place(input, "rsqrt_", Rsqrt)


# --------------------------------------------------------------------------------------------------------- exponentials


class Exp(Function):
    """z = eˣ."""

    def forward(ctx, x):
        z = np.asarray(np.exp(in_default_float(x)))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * z  # dz/dx = eˣ = z
        return grad_x


def exp(input: Tensor) -> Tensor:
    """e to the power ``input``. Shape: that of ``input``."""
    return Exp.apply(input)


def exp_(input: Tensor) -> Tensor:
    """:func:`exp`, in place."""
    return run_in_place(input, "exp_", Exp)


class Exp2(Function):
    """z = 2ˣ."""

    def forward(ctx, x):
        z = np.asarray(np.exp2(in_default_float(x)))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * MulScalar.apply(z, number=math.log(2))  # dz/dx = 2ˣ ln 2
        return grad_x


def exp2(input: Tensor) -> Tensor:
    """2 to the power ``input``. Shape: that of ``input``."""
    return Exp2.apply(input)


def exp2_(input: Tensor) -> Tensor:
    """:func:`exp2`, in place."""
    return run_in_place(input, "exp2_", Exp2)


class Expm1(Function):
    """z = eˣ - 1, accurate near 0."""

    def forward(ctx, x):
        z = np.asarray(np.expm1(in_default_float(x)))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * (z + 1)  # dz/dx = eˣ
        return grad_x


def expm1(input: Tensor) -> Tensor:
    """eˣ - 1, accurate near 0. Shape: that of ``input``."""
    return Expm1.apply(input)


def expm1_(input: Tensor) -> Tensor:
    """:func:`expm1`, in place."""
    return run_in_place(input, "expm1_", Expm1)


# ----------------------------------------------------------------------------------------------------------- logarithms


class Log(Function):
    """z = ln x."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.log(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z / x  # dz/dx = 1/x
        return grad_x


def log(input: Tensor) -> Tensor:
    """The natural logarithm: -inf at 0, NaN below. Shape: that of ``input``."""
    return Log.apply(input)


def log_(input: Tensor) -> Tensor:
    """:func:`log`, in place."""
    return run_in_place(input, "log_", Log)


class Log1p(Function):
    """z = ln(1 + x), accurate near 0."""

    node_name = "Log1PBackward0"

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.log1p(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z / (x + 1)  # dz/dx = 1/(1 + x)
        return grad_x


def log1p(input: Tensor) -> Tensor:
    """ln(1 + x), accurate near 0. Shape: that of ``input``."""
    return Log1p.apply(input)


def log1p_(input: Tensor) -> Tensor:
    """:func:`log1p`, in place."""
    return run_in_place(input, "log1p_", Log1p)


class Log2(Function):
    """z = log₂ x."""

    base = 2

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.log2(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z / MulScalar.apply(x, number=math.log(ctx.base))  # dz/dx = 1/(x ln base)
        return grad_x


def log2(input: Tensor) -> Tensor:
    """The logarithm to the base 2. Shape: that of ``input``."""
    return Log2.apply(input)


def log2_(input: Tensor) -> Tensor:
    """:func:`log2`, in place."""
    return run_in_place(input, "log2_", Log2)


class Log10(Log2):
    """z = log₁₀ x."""

    base = 10

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.log10(in_default_float(x))


def log10(input: Tensor) -> Tensor:
    """The logarithm to the base 10. Shape: that of ``input``."""
    return Log10.apply(input)


def log10_(input: Tensor) -> Tensor:
    """:func:`log10`, in place."""
    return run_in_place(input, "log10_", Log10)


class Logaddexp(Function):
    """z = ln(eˣ + eʸ), without overflow."""

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        x, y = prepare(x, y)
        if x.dtype.kind not in FLOATS:
            raise NotImplementedError(
                f'"logaddexp_cpu" not implemented for {x.dtype}: convert to a floating type first'
            )
        return np.logaddexp(x, y)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            grad_x = grad_z / (Exp.apply(y - x) + 1)  # dz/dx = eˣ/(eˣ + eʸ)
        if ctx.needs_input_grad[1]:
            grad_y = grad_z / (Exp.apply(x - y) + 1)  # dz/dy = eʸ/(eˣ + eʸ)
        return grad_x, grad_y


@checked
def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """ln(eˣ + eʸ), without overflow. Shapes: broadcast.

    Raises:
        NotImplementedError: the types are not floating.
    """
    return Logaddexp.apply(input, other)


class Hypot(Function):
    """z = √(x² + y²), without overflow. At x = y = 0 the gradient is NaN."""

    def forward(ctx, x, y):
        first, second = prepare(x, y)
        if first.dtype.kind not in FLOATS:
            raise NotImplementedError(
                f'"hypot_cpu" not implemented for {first.dtype}: convert to a floating type first'
            )
        z = asarray(np.hypot(first, second))
        ctx.save_for_backward(x if ctx.needs_input_grad[0] else None, y if ctx.needs_input_grad[1] else None, z)
        return z

    def backward(ctx, grad_z):
        x, y, z = ctx.saved_tensors
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            grad_x = grad_z * (x / z)  # dz/dx = x/z
        if ctx.needs_input_grad[1]:
            grad_y = grad_z * (y / z)  # dz/dy = y/z
        return grad_x, grad_y


@checked
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """√(x² + y²), the length of the longest side of a right-angled triangle. Shapes: broadcast.

    Raises:
        NotImplementedError: the types are not floating.
    """
    return Hypot.apply(input, other)


@checked
def hypot_(input: Tensor, other: Tensor) -> Tensor:
    """:func:`hypot`, in place."""
    return run_in_place(input, "hypot_", Hypot, other)
