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
from minigrad.arguments.promotion import EXACT, NUMBERS, PRECISE, in_opmath, number_as, promote, result_dtype
from minigrad.dtypes import FLOATS
from minigrad.graph.function import Function, Number, Tensor, constant_like, unwrap
from minigrad.inplace.changing import run_in_place
from minigrad.ops.arithmetic import MulScalar
from minigrad.ops.choosing import Where
from minigrad.ops.elementwise import OfInput, OfResult, check_floating, in_place, in_place_with_tensor

__all__ = ["exp", "exp2", "exp2_", "exp_", "expm1", "expm1_", "hypot", "log", "log1p", "log1p_", "log2", "log2_"]
__all__ += ["log10", "log10_", "log_", "logaddexp", "pow", "rsqrt", "rsqrt_", "sqrt", "sqrt_", "square", "square_"]


# ----------------------------------------------------------------------------------------------------- powers and roots


def refuse_negative_power(x, number):
    """Raise PyTorch's error for integers to a negative integer power."""
    if x.dtype.kind not in FLOATS and isinstance(number, int) and number < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")


def inverse_root(x):
    """1/√x, of float16 computed in float32."""
    return (1 / np.sqrt(in_opmath(x))).astype(x.dtype, copy=False)


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
            kind = result_dtype(x, number)
            if kind.char not in PRECISE:
                number_as(number, kind)  # PyTorch's error where the type does not reach so far
            x, number = promote(x, number)
        if x.dtype.kind == "b":
            return x | ~number
        if number == -0.5:  # PyTorch's way: NaN where x < 0, also at -inf
            return inverse_root(x)
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


class Sqrt(OfResult):
    """z = √x. At 0 the gradient is infinite."""

    function = np.sqrt

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z / MulScalar.apply(z, number=2)  # dz/dx = 1/(2√x)
        return grad_x


def sqrt(input: Tensor) -> Tensor:
    """The square root: NaN below 0. At 0 the gradient is infinite. Shape: that of ``input``."""
    return Sqrt.apply(input)


sqrt_ = in_place("sqrt_", Sqrt)


class Rsqrt(OfResult):
    """z = 1/√x."""

    function = staticmethod(inverse_root)

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * MulScalar.apply(PowScalar.apply(z, number=3), number=-0.5)  # dz/dx = -z³/2
        return grad_x


def rsqrt(input: Tensor) -> Tensor:
    """One over the square root. Shape: that of ``input``."""
    return Rsqrt.apply(input)


rsqrt_ = in_place("rsqrt_", Rsqrt)


# --------------------------------------------------------------------------------------------------------- exponentials


class Exp(OfResult):
    """z = eˣ."""

    function = np.exp

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * z  # dz/dx = eˣ = z
        return grad_x


def exp(input: Tensor) -> Tensor:
    """e to the power ``input``. Shape: that of ``input``."""
    return Exp.apply(input)


exp_ = in_place("exp_", Exp)


class Exp2(OfResult):
    """z = 2ˣ."""

    function = np.exp2

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * MulScalar.apply(z, number=math.log(2))  # dz/dx = 2ˣ ln 2
        return grad_x


def exp2(input: Tensor) -> Tensor:
    """2 to the power ``input``. Shape: that of ``input``."""
    return Exp2.apply(input)


exp2_ = in_place("exp2_", Exp2)


class Expm1(OfResult):
    """z = eˣ - 1, accurate near 0."""

    function = np.expm1

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * (z + 1)  # dz/dx = eˣ
        return grad_x


def expm1(input: Tensor) -> Tensor:
    """eˣ - 1, accurate near 0. Shape: that of ``input``."""
    return Expm1.apply(input)


expm1_ = in_place("expm1_", Expm1)


# ----------------------------------------------------------------------------------------------------------- logarithms


class Log(OfInput):
    """z = ln x."""

    function = np.log

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z / x  # dz/dx = 1/x
        return grad_x


def log(input: Tensor) -> Tensor:
    """The natural logarithm: -inf at 0, NaN below. Shape: that of ``input``."""
    return Log.apply(input)


log_ = in_place("log_", Log)


class Log1p(OfInput):
    """z = ln(1 + x), accurate near 0."""

    function = np.log1p
    node_name = "Log1PBackward0"

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z / (x + 1)  # dz/dx = 1/(1 + x)
        return grad_x


def log1p(input: Tensor) -> Tensor:
    """ln(1 + x), accurate near 0. Shape: that of ``input``."""
    return Log1p.apply(input)


log1p_ = in_place("log1p_", Log1p)


class Log2(OfInput):
    """z = log₂ x."""

    function: Any = np.log2
    base = 2

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z / MulScalar.apply(x, number=math.log(ctx.base))  # dz/dx = 1/(x ln base)
        return grad_x


def log2(input: Tensor) -> Tensor:
    """The logarithm to the base 2. Shape: that of ``input``."""
    return Log2.apply(input)


log2_ = in_place("log2_", Log2)


class Log10(Log2):
    """z = log₁₀ x."""

    function = np.log10
    base = 10


def log10(input: Tensor) -> Tensor:
    """The logarithm to the base 10. Shape: that of ``input``."""
    return Log10.apply(input)


log10_ = in_place("log10_", Log10)


class Logaddexp(Function):
    """z = ln(eˣ + eʸ), without overflow."""

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        x, y = prepare(x, y)
        check_floating("logaddexp_cpu", x)
        return np.logaddexp(x, y)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad_x = grad_z / (Exp.apply(y - x) + 1) if ctx.needs_input_grad[0] else None  # dz/dx = eˣ/(eˣ + eʸ)
        grad_y = grad_z / (Exp.apply(x - y) + 1) if ctx.needs_input_grad[1] else None  # dz/dy = eʸ/(eˣ + eʸ)
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
        check_floating("hypot_cpu", first)
        z = asarray(np.hypot(first, second))
        ctx.save_for_backward(x if ctx.needs_input_grad[0] else None, y if ctx.needs_input_grad[1] else None, z)
        return z

    def backward(ctx, grad_z):
        x, y, z = ctx.saved_tensors
        grad_x = grad_z * (x / z) if ctx.needs_input_grad[0] else None  # dz/dx = x/z
        grad_y = grad_z * (y / z) if ctx.needs_input_grad[1] else None  # dz/dy = y/z
        return grad_x, grad_y


@checked
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """√(x² + y²), the length of the longest side of a right-angled triangle. Shapes: broadcast.

    Raises:
        NotImplementedError: the types are not floating.
    """
    return Hypot.apply(input, other)


hypot_ = in_place_with_tensor("hypot_", Hypot)
