"""Trigonometric and hyperbolic functions, their inverses, and the error function: rules, then what users call.

Angles are in radians. Integers and bools are computed in the default floating type. Exponentials and logarithms are in
``powers.py``.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.arguments.operands import prepare
from minigrad.graph.function import Function, Tensor, unwrap
from minigrad.kernels import error_function
from minigrad.ops.arithmetic import MulScalar, Reciprocal
from minigrad.ops.choosing import Where
from minigrad.ops.elementwise import OfInput, OfResult, in_place, in_place_with_tensor
from minigrad.ops.powers import Exp, Rsqrt

__all__ = ["acos", "acos_", "acosh", "acosh_", "arccos", "arccos_", "arccosh", "arccosh_", "arcsin", "arcsin_"]
__all__ += ["arcsinh", "arcsinh_", "arctan", "arctan2", "arctan_", "arctanh", "arctanh_", "asin", "asin_", "asinh"]
__all__ += ["asinh_", "atan", "atan2", "atan_", "atanh", "atanh_", "cos", "cos_", "cosh", "cosh_", "erf", "erf_", "sin"]
__all__ += ["sin_", "sinh", "sinh_", "tan", "tan_", "tanh", "tanh_"]


# -------------------------------------------------------------------------------------------------------- trigonometric


class Sin(OfInput):
    """z = sin x, x in radians."""

    function = np.sin

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Cos.apply(x)  # dz/dx = cos x
        return grad_x


def sin(input: Tensor) -> Tensor:
    """The sine; angles are in radians. Shape: that of ``input``."""
    return Sin.apply(input)


sin_ = in_place("sin_", Sin)


class Cos(OfInput):
    """z = cos x, x in radians."""

    function = np.cos

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * -Sin.apply(x)  # dz/dx = -sin x
        return grad_x


def cos(input: Tensor) -> Tensor:
    """The cosine; angles are in radians. Shape: that of ``input``."""
    return Cos.apply(input)


cos_ = in_place("cos_", Cos)


class Tan(OfResult):
    """z = tan x."""

    function = np.tan

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = grad_z * (z * z + 1)  # dz/dx = 1 + tan²x
        return grad_x


def tan(input: Tensor) -> Tensor:
    """The tangent; angles are in radians. Shape: that of ``input``."""
    return Tan.apply(input)


tan_ = in_place("tan_", Tan)


class Asin(OfInput):
    """z = arcsin x, NaN outside [-1, 1]."""

    function = np.arcsin

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Rsqrt.apply(-x * x + 1)  # dz/dx = 1/√(1 - x²)
        return grad_x


def asin(input: Tensor) -> Tensor:
    """The inverse of :func:`sin`, in [-π/2, π/2]; NaN outside [-1, 1]. Shape: that of ``input``."""
    return Asin.apply(input)


asin_ = in_place("asin_", Asin)


class Acos(OfInput):
    """z = arccos x, NaN outside [-1, 1]."""

    function = np.arccos

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * -Rsqrt.apply(-x * x + 1)  # dz/dx = -1/√(1 - x²)
        return grad_x


def acos(input: Tensor) -> Tensor:
    """The inverse of :func:`cos`, in [0, π]; NaN outside [-1, 1]. Shape: that of ``input``."""
    return Acos.apply(input)


acos_ = in_place("acos_", Acos)


class Atan(OfInput):
    """z = arctan x."""

    function = np.arctan

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z / (x * x + 1)  # dz/dx = 1/(1 + x²)
        return grad_x


def atan(input: Tensor) -> Tensor:
    """The inverse of :func:`tan`, in (-π/2, π/2). Shape: that of ``input``."""
    return Atan.apply(input)


atan_ = in_place("atan_", Atan)


class Atan2(Function):
    """z = the angle of the point (y, x), in (-π, π]. At the origin the gradient is 0."""

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return np.arctan2(*prepare(x, y, floating=True))

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        squares = x * x + y * y
        inverse = Where.apply(0.0, Reciprocal.apply(squares), condition=unwrap(squares) == 0)
        grad_x = grad_z * (y * inverse) if ctx.needs_input_grad[0] else None  # y/(x² + y²)
        grad_y = grad_z * (-x * inverse) if ctx.needs_input_grad[1] else None  # -x/(x² + y²)
        return grad_x, grad_y


@checked
def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (other, input), in (-π, π]. Shapes: broadcast."""
    return Atan2.apply(input, other)


atan2_ = in_place_with_tensor("atan2_", Atan2)


# ----------------------------------------------------------------------------------------------------------- hyperbolic


class Sinh(OfInput):
    """z = sinh x."""

    function = np.sinh

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Cosh.apply(x)  # dz/dx = cosh x
        return grad_x


def sinh(input: Tensor) -> Tensor:
    """(eˣ - e⁻ˣ) / 2. Shape: that of ``input``."""
    return Sinh.apply(input)


sinh_ = in_place("sinh_", Sinh)


class Cosh(OfInput):
    """z = cosh x."""

    function = np.cosh

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Sinh.apply(x)  # dz/dx = sinh x
        return grad_x


def cosh(input: Tensor) -> Tensor:
    """(eˣ + e⁻ˣ) / 2. Shape: that of ``input``."""
    return Cosh.apply(input)


cosh_ = in_place("cosh_", Cosh)


class Tanh(OfResult):
    """z = tanh x."""

    function = np.tanh

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = TanhBackward.apply(grad_z, z)  # dz/dx = 1 - tanh²x
        return grad_x


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent. Shape: that of ``input``."""
    return Tanh.apply(input)


tanh_ = in_place("tanh_", Tanh)


class TanhBackward(Function):
    """The gradient that passes a tanh with result z: grad · (1 - z²)."""

    def forward(ctx, grad, z):
        ctx.save_for_backward(grad, z)
        return grad * (1 - z * z)

    def backward(ctx, grad_out):
        grad, z = ctx.saved_tensors
        grad_grad = TanhBackward.apply(grad_out, z) if ctx.needs_input_grad[0] else None
        grad_z = grad_out * (-2 * z * grad)  # d(1 - z²)/dz = -2z
        return grad_grad, grad_z


class Asinh(OfInput):
    """z = arsinh x."""

    function = np.arcsinh

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Rsqrt.apply(x * x + 1)  # dz/dx = 1/√(x² + 1)
        return grad_x


def asinh(input: Tensor) -> Tensor:
    """The inverse of :func:`sinh`. Shape: that of ``input``."""
    return Asinh.apply(input)


asinh_ = in_place("asinh_", Asinh)


class Acosh(OfInput):
    """z = arcosh x, NaN below 1."""

    function = np.arccosh

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Rsqrt.apply(x * x - 1)  # dz/dx = 1/√(x² - 1)
        return grad_x


def acosh(input: Tensor) -> Tensor:
    """The inverse of :func:`cosh`, not negative; NaN below 1. Shape: that of ``input``."""
    return Acosh.apply(input)


acosh_ = in_place("acosh_", Acosh)


class Atanh(OfInput):
    """z = artanh x, NaN outside [-1, 1]."""

    function = np.arctanh

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z / (-x * x + 1)  # dz/dx = 1/(1 - x²)
        return grad_x


def atanh(input: Tensor) -> Tensor:
    """The inverse of :func:`tanh`; NaN outside [-1, 1]. Shape: that of ``input``."""
    return Atanh.apply(input)


atanh_ = in_place("atanh_", Atanh)


# ------------------------------------------------------------------------------------------------------- error function


class Erf(OfInput):
    """z = 2/√π ∫₀ˣ exp(-t²) dt."""

    function = staticmethod(error_function.erf)
    slope_at_0 = 2 / math.sqrt(math.pi)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = MulScalar.apply(Exp.apply(-(x * x)), number=ctx.slope_at_0) * grad_z  # dz/dx = 2/√π exp(-x²)
        return grad_x


def erf(input: Tensor) -> Tensor:
    """The error function 2/√π ∫₀ˣ exp(-t²) dt. Shape: that of ``input``."""
    return Erf.apply(input)


erf_ = in_place("erf_", Erf)


# Other names that PyTorch has for some of these.
arccos = acos
arccos_ = acos_
arccosh = acosh
arccosh_ = acosh_
arcsin = asin
arcsin_ = asin_
arcsinh = asinh
arcsinh_ = asinh_
arctan = atan
arctan_ = atan_
arctan2 = atan2
arctanh = atanh
arctanh_ = atanh_
