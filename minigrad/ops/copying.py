"""Copies: of a tensor, and of values into one. Copies in another type are in ``casting.py``."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.checks import check_tensors
from minigrad.arguments.gate import welcoming
from minigrad.arguments.operands import check_broadcast, checked_number
from minigrad.arguments.promotion import check_operand, number_as
from minigrad.attributes import contiguous_format, memory_format, preserve_format
from minigrad.graph.function import Function, taken_in, wrap
from minigrad.graph.node import Tensor
from minigrad.graph.strides import as_like, copied_in, keep_strides, strides_in, strides_of
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


def clone(input: Tensor, *, memory_format: memory_format = preserve_format) -> Tensor:
    """A copy of the values, in memory of its own, laid as ``input`` or in a format; the gradient goes through. Shape:
    that of ``input``.

    Raises:
        RuntimeError: the format is one of another number of dimensions.
    """
    return Clone.apply(input) if memory_format is preserve_format else laid(input, memory_format)


class CloneLaid(Clone):
    """z = a copy of x, laid in ``strides``."""

    result_strides = None

    node_name = "CloneBackward0"

    def forward(ctx, x, *, strides):
        return copied_in(x, strides, x.dtype)


def laid(input: Tensor, order: memory_format) -> Tensor:
    """A copy in a format."""
    result = CloneLaid.apply(input, strides=strides_in(input.array.shape, strides_of(input), order))
    keep_strides(result)
    return result


class CloneContiguous(Clone):
    """z = a copy of x whose elements lie in row-major order."""

    result_strides = None

    node_name = "CloneBackward0"

    def forward(ctx, x):
        return x.copy(order="C")


def contiguous(input: Tensor, memory_format: memory_format = contiguous_format) -> Tensor:
    """This tensor if its elements lie in row-major order, or in another format, else a copy that does. Shape: that of
    ``input``.

    Raises:
        RuntimeError: it does not, and the format is one of another number of dimensions, or ``preserve_format``.
    """
    if memory_format is not contiguous_format:
        if input.is_contiguous(memory_format):
            return input
        if memory_format is preserve_format:
            raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
        return laid(input, memory_format)
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


class Fill(Zero):
    """x becomes ``number`` everywhere: its gradient is zero."""

    overload = 2

    def forward(ctx, x, *, number):
        return np.full_like(x, number_as(number, x.dtype))


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


class FillFrom(Copy):
    """x becomes y, one element, everywhere: x's gradient is zero, y's is the sum."""

    node_name = "FillBackward3"

    def forward(ctx, x, y):
        return np.full_like(x, y)


@welcoming
def detach(input: Tensor) -> Tensor:
    """The same values in the same memory, without history. Shape: that of ``input``."""
    check_tensors("detach", input=input)
    return input.detach()
