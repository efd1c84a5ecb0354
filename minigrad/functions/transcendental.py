"""Exponentials, logarithms, trigonometric and hyperbolic functions, erf. The formulas: ``ops/transcendental.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``; a name that ends in ``_`` works in place. Angles are in
radians. Integers and bools are computed in the default floating type.
"""

from __future__ import annotations

from minigrad import inplace, ops
from minigrad.functions.arguments import check_tensors
from minigrad.graph.node import Tensor

__all__ = [
    "acos",
    "acos_",
    "acosh",
    "acosh_",
    "arccos",
    "arccos_",
    "arccosh",
    "arccosh_",
    "arcsin",
    "arcsin_",
    "arcsinh",
    "arcsinh_",
    "arctan",
    "arctan2",
    "arctan2_",
    "arctan_",
    "arctanh",
    "arctanh_",
    "asin",
    "asin_",
    "asinh",
    "asinh_",
    "atan",
    "atan2",
    "atan2_",
    "atan_",
    "atanh",
    "atanh_",
    "cosh",
    "cosh_",
    "erf",
    "erf_",
    "exp2",
    "exp2_",
    "expm1",
    "expm1_",
    "log1p",
    "log1p_",
    "log2",
    "log2_",
    "log10",
    "log10_",
    "logaddexp",
    "rsqrt",
    "rsqrt_",
    "sinh",
    "sinh_",
    "tan",
    "tan_",
]


def exp2(input: Tensor) -> Tensor:
    """2 to the power ``input``."""
    return ops.transcendental.Exp2.apply(input)


def exp2_(input: Tensor) -> Tensor:
    """:func:`exp2`, in place."""
    return inplace.run(input, "exp2_", ops.transcendental.Exp2)


def expm1(input: Tensor) -> Tensor:
    """eˣ - 1, accurate near 0."""
    return ops.transcendental.Expm1.apply(input)


def expm1_(input: Tensor) -> Tensor:
    """:func:`expm1`, in place."""
    return inplace.run(input, "expm1_", ops.transcendental.Expm1)


def log1p(input: Tensor) -> Tensor:
    """ln(1 + x), accurate near 0."""
    return ops.transcendental.Log1p.apply(input)


def log1p_(input: Tensor) -> Tensor:
    """:func:`log1p`, in place."""
    return inplace.run(input, "log1p_", ops.transcendental.Log1p)


def log2(input: Tensor) -> Tensor:
    """The logarithm to the base 2."""
    return ops.transcendental.Log2.apply(input)


def log2_(input: Tensor) -> Tensor:
    """:func:`log2`, in place."""
    return inplace.run(input, "log2_", ops.transcendental.Log2)


def log10(input: Tensor) -> Tensor:
    """The logarithm to the base 10."""
    return ops.transcendental.Log10.apply(input)


def log10_(input: Tensor) -> Tensor:
    """:func:`log10`, in place."""
    return inplace.run(input, "log10_", ops.transcendental.Log10)


def rsqrt(input: Tensor) -> Tensor:
    """One over the square root."""
    return ops.transcendental.Rsqrt.apply(input)


def rsqrt_(input: Tensor) -> Tensor:
    """:func:`rsqrt`, in place."""
    return inplace.run(input, "rsqrt_", ops.transcendental.Rsqrt)


def tan(input: Tensor) -> Tensor:
    """The tangent; angles are in radians."""
    return ops.transcendental.Tan.apply(input)


def tan_(input: Tensor) -> Tensor:
    """:func:`tan`, in place."""
    return inplace.run(input, "tan_", ops.transcendental.Tan)


def asin(input: Tensor) -> Tensor:
    """NaN outside [-1, 1]."""
    return ops.transcendental.Asin.apply(input)


def asin_(input: Tensor) -> Tensor:
    """:func:`asin`, in place."""
    return inplace.run(input, "asin_", ops.transcendental.Asin)


def acos(input: Tensor) -> Tensor:
    """NaN outside [-1, 1]."""
    return ops.transcendental.Acos.apply(input)


def acos_(input: Tensor) -> Tensor:
    """:func:`acos`, in place."""
    return inplace.run(input, "acos_", ops.transcendental.Acos)


def atan(input: Tensor) -> Tensor:
    """The inverse of :func:`tan`, in (-π/2, π/2)."""
    return ops.transcendental.Atan.apply(input)


def atan_(input: Tensor) -> Tensor:
    """:func:`atan`, in place."""
    return inplace.run(input, "atan_", ops.transcendental.Atan)


def sinh(input: Tensor) -> Tensor:
    """(eˣ - e⁻ˣ) / 2."""
    return ops.transcendental.Sinh.apply(input)


def sinh_(input: Tensor) -> Tensor:
    """:func:`sinh`, in place."""
    return inplace.run(input, "sinh_", ops.transcendental.Sinh)


def cosh(input: Tensor) -> Tensor:
    """(eˣ + e⁻ˣ) / 2."""
    return ops.transcendental.Cosh.apply(input)


def cosh_(input: Tensor) -> Tensor:
    """:func:`cosh`, in place."""
    return inplace.run(input, "cosh_", ops.transcendental.Cosh)


def asinh(input: Tensor) -> Tensor:
    """The inverse of :func:`sinh`."""
    return ops.transcendental.Asinh.apply(input)


def asinh_(input: Tensor) -> Tensor:
    """:func:`asinh`, in place."""
    return inplace.run(input, "asinh_", ops.transcendental.Asinh)


def acosh(input: Tensor) -> Tensor:
    """NaN below 1."""
    return ops.transcendental.Acosh.apply(input)


def acosh_(input: Tensor) -> Tensor:
    """:func:`acosh`, in place."""
    return inplace.run(input, "acosh_", ops.transcendental.Acosh)


def atanh(input: Tensor) -> Tensor:
    """NaN outside [-1, 1]."""
    return ops.transcendental.Atanh.apply(input)


def atanh_(input: Tensor) -> Tensor:
    """:func:`atanh`, in place."""
    return inplace.run(input, "atanh_", ops.transcendental.Atanh)


def erf(input: Tensor) -> Tensor:
    """The error function 2/√π ∫₀ˣ exp(-t²) dt."""
    return ops.transcendental.Erf.apply(input)


def erf_(input: Tensor) -> Tensor:
    """:func:`erf`, in place."""
    return inplace.run(input, "erf_", ops.transcendental.Erf)


def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (other, input), in (-π, π]."""
    check_tensors("atan2", input=input, other=other)
    return ops.transcendental.Atan2.apply(input, other)


def atan2_(input: Tensor, other: Tensor) -> Tensor:
    """:func:`atan2`, in place."""
    return inplace.run(input, "atan2_", ops.transcendental.Atan2, other)


def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """ln(eˣ + eʸ), without overflow."""
    check_tensors("logaddexp", input=input, other=other)
    return ops.transcendental.Logaddexp.apply(input, other)


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
arctan2_ = atan2_
arctanh = atanh
arctanh_ = atanh_
