"""Exponentials, logarithms, trigonometric and hyperbolic functions and erf, of one number and of two.

The most common, exp, log, sin, cos and tanh, are in ``elementwise.py``. Integers and bools are computed in the default
floating type. Angles are in radians.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.values import array_of
from minigrad.ops.elementwise import Exp, MulScalar, PowScalar, Reciprocal, Where, prepare
from minigrad.ops.error_function import erf
from minigrad.promotion import in_default_float

# ----------------------------------------------------------------------------------- exponentials, logarithms


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


class Log10(Log2):
    """z = log₁₀ x."""

    base = 10

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.log10(in_default_float(x))


class Rsqrt(Function):
    """z = 1/√x."""

    def forward(ctx, x):
        z = np.asarray(1 / np.sqrt(in_default_float(x)))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * MulScalar.apply(PowScalar.apply(z, number=3), number=-0.5)  # dz/dx = -z³/2
        return grad_x


class Logaddexp(Function):
    """z = ln(eˣ + eʸ), without overflow."""

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        x, y = prepare(x, y)
        if x.dtype.kind != "f":
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


# ------------------------------------------------------------------------------------------- trigonometric


class Tan(Function):
    """z = tan x."""

    def forward(ctx, x):
        z = np.asarray(np.tan(in_default_float(x)))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * (z * z + 1)  # dz/dx = 1 + tan²x
        return grad_x


class Asin(Function):
    """z = arcsin x, NaN outside [-1, 1]."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.arcsin(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Rsqrt.apply(-x * x + 1)  # dz/dx = 1/√(1 - x²)
        return grad_x


class Acos(Function):
    """z = arccos x, NaN outside [-1, 1]."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.arccos(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * -Rsqrt.apply(-x * x + 1)  # dz/dx = -1/√(1 - x²)
        return grad_x


class Atan(Function):
    """z = arctan x."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.arctan(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z / (x * x + 1)  # dz/dx = 1/(1 + x²)
        return grad_x


class Atan2(Function):
    """z = the angle of the point (y, x), in (-π, π]. At the origin the gradient is 0."""

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        x, y = prepare(x, y)
        return np.arctan2(in_default_float(x), in_default_float(y))

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        squares = x * x + y * y
        inverse = Where.apply(0.0, Reciprocal.apply(squares), condition=array_of(squares) == 0)
        grad_x = grad_z * (y * inverse) if ctx.needs_input_grad[0] else None  # y/(x² + y²)
        grad_y = grad_z * (-x * inverse) if ctx.needs_input_grad[1] else None  # -x/(x² + y²)
        return grad_x, grad_y


# ---------------------------------------------------------------------------------------------- hyperbolic


class Sinh(Function):
    """z = sinh x."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.sinh(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Cosh.apply(x)  # dz/dx = cosh x
        return grad_x


class Cosh(Function):
    """z = cosh x."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.cosh(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Sinh.apply(x)  # dz/dx = sinh x
        return grad_x


class Asinh(Function):
    """z = arsinh x."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.arcsinh(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Rsqrt.apply(x * x + 1)  # dz/dx = 1/√(x² + 1)
        return grad_x


class Acosh(Function):
    """z = arcosh x, NaN below 1."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.arccosh(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Rsqrt.apply(x * x - 1)  # dz/dx = 1/√(x² - 1)
        return grad_x


class Atanh(Function):
    """z = artanh x, NaN outside [-1, 1]."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return np.arctanh(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z / (-x * x + 1)  # dz/dx = 1/(1 - x²)
        return grad_x


# ------------------------------------------------------------------------------------------ error function


class Erf(Function):
    """z = 2/√π ∫₀ˣ exp(-t²) dt."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return erf(in_default_float(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = MulScalar.apply(Exp.apply(-(x * x)), number=2 / math.sqrt(math.pi)) * grad_z  # dz/dx = 2/√π exp(-x²)
        return grad_x
