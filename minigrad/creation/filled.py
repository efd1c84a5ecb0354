"""Tensors filled with one number, with nothing, or with a diagonal of ones; also of another tensor's shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.arguments.promotion import number_as, result_dtype
from minigrad.attributes import contiguous_format, memory_format, preserve_format
from minigrad.creation.request import as_size, as_sizes, finish, numpy_kind, plain_number
from minigrad.graph.node import Number, Tensor
from minigrad.graph.strides import array_like, in_strides, keep_strides, strides_in
from minigrad.out_of_memory import says_out_of_memory

__all__ = ["empty", "empty_like", "eye", "full", "full_like", "ones", "ones_like", "zeros", "zeros_like"]


@checked
def full(
    size: Sequence[int],
    fill_value: Tensor | Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the shape ``size`` filled with ``fill_value``, whose type it takes unless told.

    Raises:
        RuntimeError: a size is negative, or the memory cannot be that large.
    """
    value = plain_number("full", fill_value)
    kind = result_dtype(value) if dtype is None else numpy_kind(dtype)
    return finish(np.full(as_size("full", size), number_as(value, kind), kind), device, requires_grad)


@says_out_of_memory
def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape ``size``.

    Raises:
        RuntimeError: a size is negative, or the memory cannot be that large.

    >>> minigrad.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return finish(np.zeros(as_sizes("zeros", sizes, size), numpy_kind(dtype)), device, requires_grad)


@says_out_of_memory
def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape ``size``.

    Raises:
        RuntimeError: a size is negative, or the memory cannot be that large.
    """
    return finish(np.ones(as_sizes("ones", sizes, size), numpy_kind(dtype)), device, requires_grad)


@says_out_of_memory
def empty(
    *sizes: Any,
    size: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = contiguous_format,
) -> Tensor:
    """A tensor of the shape ``size`` whose values are whatever the memory held.

    Raises:
        RuntimeError: a size is negative, the memory cannot be that large, or the format is one of another number of
            dimensions, or ``preserve_format``.
    """
    shape = as_sizes("empty", sizes, size)
    if memory_format is contiguous_format:
        return finish(np.empty(shape, numpy_kind(dtype)), device, requires_grad)
    if memory_format is preserve_format:
        raise RuntimeError("empty(): there is nothing to preserve: give contiguous_format or channels_last")
    result = finish(in_strides(shape, strides_in(shape, (), memory_format), numpy_kind(dtype)), device, requires_grad)
    keep_strides(result)
    return result


def _full_like(input: Tensor, dtype: Any, device: Any, requires_grad: bool, order: Any, value: Any) -> Tensor:
    """A tensor like ``input``, of its strides too, or in the format ``order``, full of ``value``; None leaves what the
    memory held."""
    array = array_like(input, None if dtype is None else numpy_kind(dtype), order)
    if value is not None:
        array[...] = value
    result = finish(array, device, requires_grad)
    keep_strides(result)
    return result


@checked
def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """A tensor of the shape of ``input``, and of its type unless told, whose values are whatever the memory held."""
    return _full_like(input, dtype, device, requires_grad, memory_format, None)


@checked
def zeros_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """Zeros of the shape of ``input``, and of its type unless told."""
    return _full_like(input, dtype, device, requires_grad, memory_format, 0)


@checked
def ones_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """Ones of the shape of ``input``, and of its type unless told."""
    return _full_like(input, dtype, device, requires_grad, memory_format, 1)


@checked
def full_like(
    input: Tensor,
    fill_value: Tensor | Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """A tensor of the shape of ``input`` filled with ``fill_value``."""
    kind = input.array.dtype if dtype is None else numpy_kind(dtype)
    value = number_as(plain_number("full_like", fill_value), kind)
    return _full_like(input, dtype, device, requires_grad, memory_format, value)


@checked
def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere. Shape: (n, m), m = n unless told.

    Raises:
        RuntimeError: a size is negative.
    """
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"n and m must be greater or equal to 0, got {n} and {m}")
    return finish(np.eye(n, m, dtype=numpy_kind(dtype)), device, requires_grad)
