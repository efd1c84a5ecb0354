"""Rounding, signs, and numbers in place of NaN. The formulas: ``ops/rounding.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``; a name that ends in ``_`` works in place.
"""

from __future__ import annotations

from minigrad import inplace, ops
from minigrad.graph.node import Tensor

__all__ = [
    "ceil",
    "ceil_",
    "fix",
    "fix_",
    "floor",
    "floor_",
    "frac",
    "frac_",
    "nan_to_num",
    "nan_to_num_",
    "round",
    "round_",
    "sign",
    "sign_",
    "trunc",
    "trunc_",
]


def floor(input: Tensor) -> Tensor:
    """The largest integer not above; integers stay as they are."""
    return ops.rounding.Floor.apply(input)


def floor_(input: Tensor) -> Tensor:
    """:func:`floor`, in place."""
    return inplace.run(input, "floor_", ops.rounding.Floor)


def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below."""
    return ops.rounding.Ceil.apply(input)


def ceil_(input: Tensor) -> Tensor:
    """:func:`ceil`, in place."""
    return inplace.run(input, "ceil_", ops.rounding.Ceil)


def trunc(input: Tensor) -> Tensor:
    """Without the fraction."""
    return ops.rounding.Trunc.apply(input)


def trunc_(input: Tensor) -> Tensor:
    """:func:`trunc`, in place."""
    return inplace.run(input, "trunc_", ops.rounding.Trunc)


def frac(input: Tensor) -> Tensor:
    """The fraction, with the sign of ``input``."""
    return ops.rounding.Frac.apply(input)


def frac_(input: Tensor) -> Tensor:
    """:func:`frac`, in place."""
    return inplace.run(input, "frac_", ops.rounding.Frac)


def sign(input: Tensor) -> Tensor:
    """1, 0 or -1; 0 for NaN."""
    return ops.rounding.Sign.apply(input)


def sign_(input: Tensor) -> Tensor:
    """:func:`sign`, in place."""
    return inplace.run(input, "sign_", ops.rounding.Sign)


def round(input: Tensor, *, decimals: int | None = None) -> Tensor:
    """The nearest integer, of two the even one; or the nearest number of ``decimals`` digits after the point.

    Raises:
        NotImplementedError: the type is bool, or with ``decimals`` an integer type.
    """
    if decimals is None:
        return ops.rounding.Round.apply(input)
    return ops.rounding.RoundDecimals.apply(input, decimals=decimals)


def round_(input: Tensor, *, decimals: int | None = None) -> Tensor:
    """:func:`round`, in place."""
    if decimals is None:
        return inplace.run(input, "round_", ops.rounding.Round)
    return inplace.run(input, "round_", ops.rounding.RoundDecimals, decimals=decimals)


def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """``nan`` (0) in place of NaN, ``posinf`` and ``neginf`` (the largest and lowest number) in place of infinities."""
    nan = 0.0 if nan is None else nan
    return ops.rounding.NanToNum.apply(input, nan=nan, posinf=posinf, neginf=neginf)


def nan_to_num_(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """:func:`nan_to_num`, in place."""
    nan = 0.0 if nan is None else nan
    return inplace.run(input, "nan_to_num_", ops.rounding.NanToNum, nan=nan, posinf=posinf, neginf=neginf)


# Other names that PyTorch has for some of these.
fix = trunc
fix_ = trunc_
