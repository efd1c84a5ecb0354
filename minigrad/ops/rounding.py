"""Rounding and signs, flat between their jumps, and what replaces or keeps numbers as they are."""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.values import array_of, constant_like
from minigrad.ops.elementwise import Sgn, Where


class Floor(Function):
    """z = the largest integer not above x. Flat between its jumps: the gradient is zero. Integers stay as they are."""

    rounded = staticmethod(np.floor)

    def forward(ctx, x):
        if x.dtype.kind == "b":
            raise NotImplementedError(f"\"{type(ctx).__name__.lower()}_cpu\" not implemented for 'Bool'")
        return ctx.rounded(x) if x.dtype.kind == "f" else x.copy()

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_x


class Ceil(Floor):
    """z = the smallest integer not below x."""

    rounded = staticmethod(np.ceil)


class Trunc(Floor):
    """z = x without its fraction."""

    rounded = staticmethod(np.trunc)


class Round(Floor):
    """z = the integer nearest to x, of two the even one."""

    rounded = staticmethod(np.rint)


class RoundDecimals(Floor):
    """z = x rounded to ``decimals`` digits after the point, before it where negative."""

    node_name = "RoundBackward1"

    def forward(ctx, x, *, decimals):
        if x.dtype.kind != "f":
            raise NotImplementedError(f'"round_vml_cpu" with decimals is not implemented for {x.dtype}')
        scale = np.asarray(10.0 ** abs(decimals), x.dtype)
        return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


class Frac(Function):
    """z = x - trunc(x), the fraction with the sign of x."""

    def forward(ctx, x):
        if x.dtype.kind != "f":
            raise NotImplementedError(f'"frac_vml_cpu" not implemented for {x.dtype}')
        return x - np.trunc(x)

    def backward(ctx, grad_z):
        return grad_z  # dz/dx = 1


class Sign(Sgn):
    """z = sign(x), 0 at 0 and for NaN."""


class NanToNum(Function):
    """z = x with ``nan``, ``posinf`` and ``neginf`` in place of NaN and the infinities, whose gradient is zero."""

    def forward(ctx, x, *, nan, posinf, neginf):
        if x.dtype.kind != "f":
            return x.copy()
        ctx.save_for_backward(x)
        limits = np.finfo(x.dtype)
        posinf = limits.max if posinf is None else posinf
        neginf = limits.min if neginf is None else neginf
        return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = Where.apply(grad_z, 0.0, condition=np.isfinite(array_of(x)))
        return grad_x
