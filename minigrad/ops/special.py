"""The gamma function's logarithm and its derivatives, and what else densities are made of: rules, then what users call.

Integers and bools are computed in the default floating type. The error function itself is in ``transcendental.py``.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.arguments.operands import prepare
from minigrad.graph.function import Function, Number, Tensor, unwrap
from minigrad.inplace.changing import run_in_place
from minigrad.kernels import error_function, gamma_function
from minigrad.ops.arithmetic import MulScalar
from minigrad.ops.choosing import Where
from minigrad.ops.elementwise import OfInput, OfInputAnd, in_place
from minigrad.ops.powers import Exp
from minigrad.ops.transcendental import Erf

__all__ = ["digamma", "erfc", "erfc_", "erfinv", "lgamma", "logit", "logit_", "mvlgamma", "polygamma", "xlogy"]
__all__ += ["xlogy_"]


# ------------------------------------------------------------------------------------------------------- gamma function


class Lgamma(OfInput):
    """z = log |Γ(x)|, infinite at 0, -1, -2 …"""

    def function(ctx, x):
        return gamma_function.lgamma(x).astype(x.dtype)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Digamma.apply(x)
        return grad_x


def lgamma(input: Tensor) -> Tensor:
    """log |Γ(x)|, the logarithm of (x - 1)! for whole numbers. Shape: that of ``input``.

    >>> minigrad.lgamma(minigrad.tensor([1.0, 4.0]))  # log 0!, log 3!
    tensor([0.0000, 1.7918])
    """
    return Lgamma.apply(input)


lgamma_ = in_place("lgamma_", Lgamma)


class Digamma(OfInputAnd):
    """z = d log Γ(x) / dx: ∓∞ at ±0, NaN at -1, -2 …; with ``n`` its derivative of that number."""

    def function(ctx, x, *, n=0):
        return gamma_function.polygamma(n, x).astype(x.dtype)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Polygamma.apply(x, n=ctx.options.get("n", 0) + 1)
        return grad_x


def digamma(input: Tensor) -> Tensor:
    """The derivative of :func:`lgamma`. Shape: that of ``input``."""
    return Digamma.apply(input)


digamma_ = in_place("digamma_", Digamma)


class Polygamma(Digamma):
    """z = the derivative number ``n`` of :func:`digamma`, infinite at 0, -1, -2 …"""

    def function(ctx, x, *, n):
        if n < 0:
            raise RuntimeError(f"polygamma(n, x) does not support negative n. It was {n}.")
        return super().function(x, n=n)


@checked
def polygamma(n: int, input: Tensor) -> Tensor:
    """The derivative number ``n`` of :func:`digamma`. Shape: that of ``input``.

    Raises:
        RuntimeError: ``n`` is negative.
    """
    return Polygamma.apply(input, n=n)


@checked
def polygamma_(input: Tensor, n: int) -> Tensor:
    """:func:`polygamma`, in place."""
    return run_in_place(input, "polygamma_", Polygamma, n=n)


class Mvlgamma(OfInputAnd):
    """z = log Γₚ(x) = p (p - 1) / 4 · log π + Σ log Γ(x - j/2), j = 0 … p - 1."""

    result_strides = None

    def function(ctx, x, *, p):
        if p < 1:
            raise RuntimeError(f"p has to be greater than or equal to 1, got {p}")
        total = np.full(x.shape, p * (p - 1) / 4 * math.log(math.pi))
        for j in range(p):
            total = total + gamma_function.lgamma(x - j / 2)
        return total.astype(x.dtype)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        slope = Digamma.apply(x)
        for j in range(1, ctx.options["p"]):
            slope = slope + Digamma.apply(x - j / 2)
        grad_x = grad_z * slope
        return grad_x


@checked
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the gamma function of ``p`` dimensions. Shape: that of ``input``.

    Raises:
        RuntimeError: ``p`` is below 1.
    """
    return Mvlgamma.apply(input, p=p)


@checked
def mvlgamma_(input: Tensor, p: int) -> Tensor:
    """:func:`mvlgamma`, in place."""
    return run_in_place(input, "mvlgamma_", Mvlgamma, p=p)


# ------------------------------------------------------------------------------------------------------- error function


class Erfc(Erf):
    """z = 1 - erf x."""

    function = staticmethod(error_function.erfc)
    slope_at_0 = -Erf.slope_at_0


def erfc(input: Tensor) -> Tensor:
    """1 - erf x, exact where erf x is near 1. Shape: that of ``input``."""
    return Erfc.apply(input)


erfc_ = in_place("erfc_", Erfc)


class Erfinv(OfInput):
    """z = erf⁻¹ x, so that erf z = x: ±∞ for ±1, NaN beyond."""

    function = staticmethod(error_function.erfinv)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        z = Erfinv.apply(x)
        grad_x = MulScalar.apply(Exp.apply(z * z), number=math.sqrt(math.pi) / 2) * grad_z  # dz/dx = √π/2 exp(z²)
        return grad_x


def erfinv(input: Tensor) -> Tensor:
    """The inverse of :func:`erf`, NaN outside [-1, 1]. Shape: that of ``input``."""
    return Erfinv.apply(input)


erfinv_ = in_place("erfinv_", Erfinv)


# --------------------------------------------------------------------------------------------------------- log and odds


class Logit(OfInputAnd):
    """z = log(x / (1 - x)), x first moved into [eps, 1 - eps] if that is given: there the gradient is 0."""

    def function(ctx, x, *, eps):
        if eps is not None:
            least, largest = x.dtype.type(eps), x.dtype.type(1 - eps)
            x = np.where(x < least, least, np.where(x > largest, largest, x))
        return np.log(x / (1 - x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        eps = ctx.options["eps"]
        least, outside = (0, math.nan) if eps is None else (eps, 0.0)
        beyond = (unwrap(x) < least) | (unwrap(x) > 1 - least)
        grad_x = Where.apply(outside, grad_z / (x * (1 - x)), condition=beyond)
        return grad_x


@checked
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(x / (1 - x)), the inverse of :func:`sigmoid`. Shape: that of ``input``.

    Args:
        eps: x is first moved into [eps, 1 - eps]; without, the result is NaN outside [0, 1].
    """
    return Logit.apply(input, eps=eps)


@checked
def logit_(input: Tensor, eps: float | None = None) -> Tensor:
    """:func:`logit`, in place."""
    return run_in_place(input, "logit_", Logit, eps=eps)


def x_log_y(x, y):
    """x log y in one type: 0 where x is 0, whatever y is, but NaN."""
    x, y = prepare(x, y, floating=True)
    return np.where(np.isnan(y), y, np.where(x == 0, x.dtype.type(0), x * np.log(y)))


class Xlogy(Function):
    """z = x log y, 0 where x is 0. There the gradient of x is 0 if y <= 0."""

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y if True in ctx.needs_input_grad else None)
        return x_log_y(x, y)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            nowhere = (unwrap(x) == 0) & (unwrap(y) <= 0)
            grad_x = Where.apply(0.0, Xlogy.apply(grad_z, y), condition=nowhere)  # dz/dx = log y
        if ctx.needs_input_grad[1]:
            grad_y = grad_z * x / y  # dz/dy = x/y
        return grad_x, grad_y


class XlogyOfNumber(OfInputAnd):
    """z = number · log x."""

    node_name = "XlogyBackward1"
    saved_names = ("other",)

    def function(ctx, x, *, number):
        return x_log_y(number, x)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * ctx.options["number"] / x
        return grad_x


class XlogyNumber(OfInputAnd):
    """z = x log(number), 0 where x is 0."""

    node_name = "XlogyBackward2"

    def function(ctx, x, *, number):
        return x_log_y(x, number)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = XlogyNumber.apply(grad_z, **ctx.options)
        if not ctx.options["number"] > 0:
            grad_x = Where.apply(0.0, grad_x, condition=unwrap(x) == 0)
        return grad_x


@checked
def xlogy(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input · log(other), 0 where ``input`` is 0; NaN where ``other`` is. Shapes: broadcast.

    Raises:
        TypeError: two numbers.
    """
    if isinstance(input, Tensor):
        return Xlogy.apply(input, other) if isinstance(other, Tensor) else XlogyNumber.apply(input, number=other)
    if not isinstance(other, Tensor):
        raise TypeError("xlogy() received two numbers: one of its arguments must be Tensor")
    return XlogyOfNumber.apply(other, number=input)


@checked
def xlogy_(input: Tensor, other: Tensor | Number) -> Tensor:
    """:func:`xlogy`, in place."""
    if isinstance(other, Tensor):
        return run_in_place(input, "xlogy_", Xlogy, other)
    return run_in_place(input, "xlogy_", XlogyNumber, number=other)
