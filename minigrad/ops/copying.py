"""Copies: of a tensor, and of values into one. Copies in another type are in ``casting.py``."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.checks import check_tensors
from minigrad.arguments.gate import welcoming
from minigrad.arguments.operands import check_broadcast, checked_number
from minigrad.arguments.promotion import check_operand, number_as
from minigrad.graph.function import Function, taken_in, wrap
from minigrad.graph.node import Tensor
from minigrad.graph.strides import as_like
from minigrad.graph.values import constant_like
from minigrad.inplace.changing import run_in_place

__all__ = ["clone", "detach", "fill_", "zero_"]


class Clone(Function):
    """z = a copy of x."""

    result_strides: Any = as_like

    def forward(ctx, x):
        return x.copy(order="K")

    def backward(ctx, grad_z):
        return grad_z


def clone(input: Tensor) -> Tensor:
    """A copy of the values, in memory of its own; the gradient goes through. Shape: that of ``input``."""
    return Clone.apply(input)


class CloneContiguous(Clone):
    """z = a copy of x whose elements lie in row-major order."""

    result_strides = None

    node_name = "CloneBackward0"

    def forward(ctx, x):
        return x.copy(order="C")


def contiguous(input: Tensor) -> Tensor:
    """This tensor if its elements lie in row-major order, else a copy that does. Shape: that of ``input``."""
    return input if input.is_contiguous() else CloneContiguous.apply(input)


class Copy(Function):
    """x becomes y, broadcast and converted: x's own gradient is zero."""

    node_name = "torch::autograd::CopyBackwards"

    def forward(ctx, x, y):
        check_broadcast(x, y)
        return np.broadcast_to(y, np.broadcast_shapes(x.shape, np.shape(y))).astype(x.dtype)

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        grad_y = grad_z if ctx.needs_input_grad[1] else None
        return grad_x, grad_y


def copy_(input: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
    """Write ``other``, a number or a tensor that broadcasts to ``input``, to it; ``non_blocking`` changes nothing.

    Shape: that of ``input``.
    """
    other = taken_in(other)
    if not isinstance(other, Tensor):
        check_operand(checked_number("copy_", other))
        other = wrap(np.asarray(other))
    return run_in_place(input, "copy_", Copy, other)


class Zero(Function):
    """x becomes 0: its gradient is zero."""

    def forward(ctx, x):
        return np.zeros_like(x)

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_x


def zero_(input: Tensor) -> Tensor:
    """0 in every place. Shape: that of ``input``."""
    return run_in_place(input, "zero_", Zero)


class Fill(Function):
    """x becomes ``number`` everywhere: its gradient is zero."""

    overload = 2

    def forward(ctx, x, *, number):
        return np.full_like(x, number_as(number, x.dtype))

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_x


def fill_(input: Tensor, value: Any) -> Tensor:
    """Write ``value``, a number or a zero-dimensional tensor, to every place. Shape: that of ``input``.

    Raises:
        RuntimeError: the tensor has dimensions, or the number does not fit the type.
    """
    value = taken_in(value)
    if not isinstance(value, Tensor):
        return run_in_place(input, "fill_", Fill, number=checked_number("fill_", value))
    if value.ndim:
        raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
    return run_in_place(input, "fill_", FillFrom, value)


class FillFrom(Function):
    """x becomes y, one element, everywhere: x's gradient is zero, y's is the sum."""

    node_name = "FillBackward3"

    def forward(ctx, x, y):
        return np.full_like(x, y)

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        grad_y = grad_z if ctx.needs_input_grad[1] else None
        return grad_x, grad_y


@welcoming
def detach(input: Tensor) -> Tensor:
    """The same values in the same memory, without history. Shape: that of ``input``."""
    check_tensors("detach", input=input)
    return input.detach()
