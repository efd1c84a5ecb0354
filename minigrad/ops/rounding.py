"""Rounding, and numbers in place of NaN: rules, then what users call.

Roundings are flat between their jumps: their gradient is zero everywhere, as in PyTorch.
"""

from __future__ import annotations

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.arguments.promotion import in_opmath
from minigrad.dtypes import FLOATS, limits_of
from minigrad.graph.function import Function, Tensor, unwrap
from minigrad.inplace.changing import run_in_place
from minigrad.ops.choosing import Where
from minigrad.ops.elementwise import Flat, in_place, refuse_integers

__all__ = ["ceil", "ceil_", "fix", "fix_", "floor", "floor_", "frac", "frac_", "nan_to_num", "nan_to_num_", "round"]
__all__ += ["round_", "trunc", "trunc_"]


class Floor(Flat):
    """z = the largest integer not above x. Flat between its jumps: the gradient is zero. Integers stay as they are."""

    rounded = staticmethod(np.floor)

    def forward(ctx, x):
        if x.dtype.kind == "b":
            raise NotImplementedError(f"\"{type(ctx).__name__.lower()}_cpu\" not implemented for 'Bool'")
        return ctx.rounded(x) if x.dtype.kind in FLOATS else x.copy()


def floor(input: Tensor) -> Tensor:
    """The largest integer not above; integers stay as they are. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type is bool.
    """
    return Floor.apply(input)


floor_ = in_place("floor_", Floor)


class Ceil(Floor):
    """z = the smallest integer not below x."""

    rounded = staticmethod(np.ceil)


def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type is bool.
    """
    return Ceil.apply(input)


ceil_ = in_place("ceil_", Ceil)


class Trunc(Floor):
    """z = x without its fraction."""

    rounded = staticmethod(np.trunc)


def trunc(input: Tensor) -> Tensor:
    """Without the fraction. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type is bool.
    """
    return Trunc.apply(input)


trunc_ = in_place("trunc_", Trunc)


class Round(Floor):
    """z = the integer nearest to x, of two the even one."""

    rounded = staticmethod(np.rint)


@checked
def round(input: Tensor, *, decimals: int | None = None) -> Tensor:
    """The nearest integer, of two the even one; or the nearest number of ``decimals`` digits after the point.

    Shape: that of ``input``.

    Raises:
        NotImplementedError: the type is bool, or with ``decimals`` an integer type.
    """
    if decimals is None:
        return Round.apply(input)
    return RoundDecimals.apply(input, decimals=decimals)


@checked
def round_(input: Tensor, *, decimals: int | None = None) -> Tensor:
    """:func:`round`, in place."""
    if decimals is None:
        return run_in_place(input, "round_", Round)
    return run_in_place(input, "round_", RoundDecimals, decimals=decimals)


class RoundDecimals(Floor):
    """z = x rounded to ``decimals`` digits after the point, before it where negative."""

    node_name = "RoundBackward1"

    def forward(ctx, x, *, decimals):
        if x.dtype.kind not in FLOATS:
            raise NotImplementedError(f'"round_vml_cpu" with decimals is not implemented for {x.dtype}')
        wide = in_opmath(x)
        scale = np.asarray(10.0 ** abs(decimals), wide.dtype)
        rounded = np.rint(wide * scale) / scale if decimals > 0 else np.rint(wide / scale) * scale
        return rounded.astype(x.dtype, copy=False)


class Frac(Function):
    """z = x - trunc(x), the fraction with the sign of x."""

    def forward(ctx, x):
        refuse_integers("frac_vml", x)
        return x - np.trunc(x)

    def backward(ctx, grad_z):
        return grad_z  # dz/dx = 1


def frac(input: Tensor) -> Tensor:
    """The fraction, with the sign of ``input``. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type is not floating.
    """
    return Frac.apply(input)


frac_ = in_place("frac_", Frac)


class NanToNum(Function):
    """z = x with ``nan``, ``posinf`` and ``neginf`` in place of NaN and the infinities, whose gradient is zero."""

    def forward(ctx, x, *, nan, posinf, neginf):
        if x.dtype.kind not in FLOATS:
            return x.copy()
        ctx.save_for_backward(x)
        limits = limits_of(x.dtype)
        nan = 0.0 if nan is None else nan
        posinf = limits.max if posinf is None else posinf
        neginf = limits.min if neginf is None else neginf
        return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = Where.apply(grad_z, 0.0, condition=np.isfinite(unwrap(x)))
        return grad_x


@checked
def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """``nan`` (0) in place of NaN, ``posinf`` and ``neginf`` (the largest and lowest number) in place of infinities.

    Shape: that of ``input``.
    """
    return NanToNum.apply(input, nan=nan, posinf=posinf, neginf=neginf)


@checked
def nan_to_num_(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """:func:`nan_to_num`, in place."""
    return run_in_place(input, "nan_to_num_", NanToNum, nan=nan, posinf=posinf, neginf=neginf)


# Other names that PyTorch has for some of these.
fix = trunc
fix_ = trunc_
