"""Absolute values, signs, steps, and divisors of integers: rules, then what users call.

Signs are flat between their jumps: their gradient is zero everywhere, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.arguments.operands import prepare
from minigrad.graph.function import Function, Number, Tensor, constant_like, unwrap
from minigrad.inplace.changing import run_in_place
from minigrad.ops.choosing import Where
from minigrad.ops.division import Underived
from minigrad.ops.elementwise import Flat, in_place, in_place_with_other, in_place_with_tensor, with_other
from minigrad.ops.nondifferentiable import elementwise_constant

__all__ = ["abs", "abs_", "absolute", "copysign", "gcd", "gcd_", "heaviside", "lcm", "lcm_", "sgn", "sign", "signbit"]


class Abs(Function):
    """z = |x|. At 0 the gradient is 0."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        if x.dtype.kind == "b":
            raise NotImplementedError("abs is not supported for bool tensors")
        return np.abs(x)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Sgn.apply(x)  # dz/dx = sign(x)
        return grad_x


def abs(input: Tensor) -> Tensor:
    """``|input|``. At 0 the gradient is 0. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type is bool.
    """
    return Abs.apply(input)


absolute = abs
abs_ = in_place("abs_", Abs)


class Sgn(Flat):
    """z = sign(x), 0 at 0 and for NaN: flat, so its gradient is zero everywhere."""

    saves = True  # as in PyTorch, which needs it for complex numbers; its Sign does not

    def forward(ctx, x):
        z = ((x > 0) * 1 - (x < 0)).astype(x.dtype)
        if ctx.saves:
            ctx.save_for_backward(x, z)
        return z

    def backward(ctx, grad_z):
        ctx.check_saved()
        return super().backward(grad_z)


def sgn(input: Tensor) -> Tensor:
    """As :func:`sign`, which for real numbers is the same. Shape: that of ``input``."""
    return Sgn.apply(input)


sgn_ = in_place("sgn_", Sgn)


class Sign(Sgn):
    """z = sign(x), 0 at 0 and for NaN."""

    saves = False


def sign(input: Tensor) -> Tensor:
    """1, 0 or -1; 0 for NaN. Shape: that of ``input``."""
    return Sign.apply(input)


sign_ = in_place("sign_", Sign)


class Copysign(Function):
    """z = |x| with the sign of y. dz/dx = z/x, 0 at 0; dz/dy = 0."""

    def forward(ctx, x, y=None, *, number=None):
        ctx.overload = 1 if y is None else 0
        z = np.asarray(np.copysign(*prepare(x, number if y is None else y, floating=True)))
        ctx.save_for_backward(x if ctx.needs_input_grad[0] else None, z)
        return z

    def backward(ctx, grad_z):
        x, z = ctx.saved_tensors
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = grad_z * Where.apply(0.0, z / x, condition=unwrap(x) == 0)
        return grad_x if ctx.overload else (grad_x, constant_like(np.zeros(grad_z.shape), grad_z))


@checked
def copysign(input: Tensor, other: Tensor | Number) -> Tensor:
    """``|input|`` with the sign of ``other``, which zeros have too. Shapes: broadcast."""
    return with_other("copysign", Copysign, input, other)


copysign_ = in_place_with_other("copysign_", Copysign)


@checked
def signbit(input: Tensor) -> Tensor:
    """Where a number is negative, -0 too. Shape: that of ``input``; bool."""
    x = input.array
    return elementwise_constant(x < 0 if x.dtype.kind in "iub" else np.signbit(x), input)


class Heaviside(Underived):
    """z = 0 below 0, 1 above, y at 0."""

    instead = "it is flat; where its gradient may be zero, use input.detach()"

    def forward(ctx, x, y):
        if x.dtype != y.dtype:
            raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
        x, y = prepare(x, y)
        return np.where(x == 0, y, x > 0).astype(x.dtype)


@checked
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 below 0, 1 above, ``values`` at 0. Shapes: broadcast.

    Raises:
        RuntimeError: the types differ; in backward, for it has no gradient.
    """
    return Heaviside.apply(input, values)


@checked
def heaviside_(input: Tensor, values: Tensor) -> Tensor:
    """:func:`heaviside`, in place."""
    return run_in_place(input, "heaviside_", Heaviside, values)


class Gcd(Function):
    """z = the largest integer that divides both."""

    ufunc: Any = np.gcd

    def forward(ctx, x, y):
        x, y = prepare(x, y)
        if x.dtype.kind not in "iu":
            raise NotImplementedError(f'"{ctx.ufunc.__name__}_cpu" not implemented for {x.dtype}: it is of integers')
        return ctx.ufunc(x, y)


class Lcm(Gcd):
    """z = the smallest positive integer that both divide."""

    ufunc = np.lcm


@checked
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The largest integer that divides both. Shapes: broadcast.

    Raises:
        NotImplementedError: the types are not of integers.
    """
    return Gcd.apply(input, other)


gcd_ = in_place_with_tensor("gcd_", Gcd)


@checked
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The smallest positive integer that both divide, 0 where one is 0. Shapes: broadcast.

    Raises:
        NotImplementedError: the types are not of integers.
    """
    return Lcm.apply(input, other)


lcm_ = in_place_with_tensor("lcm_", Lcm)
