"""What ``x[index]`` and ``x[index] = value`` mean: the index is taken apart here, ``ops/indexing.py`` does the rest.

A basic index is applied one dimension after the other, as PyTorch does, so that the same nodes are recorded:
``x[1:, None, 0]`` is a slice, then an inserted dimension, then a selection.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minigrad.autograd.grad_mode import grad_mode
from minigrad.inplace import become, check_changeable
from minigrad.ops.elementwise import Copy
from minigrad.ops.indexing import Index, IndexPut, Select, Slice
from minigrad.ops.shape import Unsqueeze
from minigrad.tensor import Tensor, unwrap

__all__ = ["get", "set"]


def get(tensor: Tensor, index: Any) -> Tensor:
    """``tensor[index]``.

    Raises:
        IndexError: the index has too many parts or points outside.
        TypeError: a part is nothing that can index.
        ValueError: a slice has a step below 1.
    """
    parts = take_apart(tensor, index)
    if any(isinstance(part, np.ndarray) for part in parts):
        check_arrays(tensor, parts)
        return Index.apply(tensor, where=tuple(parts))
    result = tensor
    dim = 0
    for part in parts:
        if part is None:
            result = Unsqueeze.apply(result, dim=dim)
            dim += 1
        elif isinstance(part, slice):
            if part != slice(None):
                result = Slice.apply(result, dim=dim, where=part)
            dim += 1
        else:
            result = Select.apply(result, dim=dim, index=part)
    if result is tensor:
        return Slice.apply(tensor, dim=0, where=slice(None)) if tensor.ndim else tensor.view(tensor.shape)
    return result


def set(tensor: Tensor, index: Any, value: Any) -> None:
    """``tensor[index] = value``, the value broadcast to the indexed shape and converted to the tensor's type.

    Raises:
        IndexError, TypeError, ValueError: as :func:`get`.
        RuntimeError: the value's shape does not fit, or the tensor may not be changed in place.
    """
    where = tuple(take_apart(tensor, index))
    check_arrays(tensor, list(where))
    advanced = any(isinstance(part, np.ndarray) for part in where)
    recorded = grad_mode.enabled and (tensor._requires_grad or (isinstance(value, Tensor) and value._requires_grad))
    target = get(tensor, index) if recorded and not advanced else tensor
    check_changeable(target, "__setitem__", value)
    target_shape = tensor.array[where].shape
    value_shape = np.shape(unwrap(value))
    while len(value_shape) > len(target_shape) and value_shape[0] == 1:
        value_shape = value_shape[1:]
    try:
        fits = np.broadcast_shapes(value_shape, target_shape) == target_shape
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(np.shape(unwrap(value)))} cannot be broadcast to indexing "
            f"result of shape {list(target_shape)}"
        )
    if not recorded:
        tensor.array[where] = unwrap(value)
        tensor._version_counter.bump("__setitem__")
        return
    if isinstance(value, Tensor) and value.shape != value_shape:
        value = value.view(value_shape)
    result = IndexPut.apply(tensor, value, where=where) if advanced else Copy.apply(target, value)
    become(target, result, "__setitem__")


def take_apart(tensor: Tensor, index: Any) -> list[Any]:
    """The index as a list of ints, slices, None and arrays, ``...`` replaced by the full slices it stands for."""
    parts = [checked_part(part) for part in (index if isinstance(index, tuple) else (index,))]
    used = 0
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype == np.bool_:
            used += part.ndim
        elif part is not None and part is not Ellipsis:
            used += 1
    if tensor.ndim == 0 and used and not any(isinstance(part, np.ndarray) for part in parts):
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim tensor to a number"
        )
    if used > tensor.ndim:
        raise IndexError(f"too many indices for tensor of dimension {tensor.ndim}")
    dots = [position for position, part in enumerate(parts) if part is Ellipsis]
    if dots:
        rest = [part for part in parts[dots[0] + 1 :] if part is not Ellipsis]
        parts = parts[: dots[0]] + [slice(None)] * (tensor.ndim - used) + rest
    dim = 0
    for part in parts:
        if isinstance(part, int):
            size = tensor.array.shape[dim]
            if not -size <= part < size:
                raise IndexError(f"index {part} is out of bounds for dimension {dim} with size {size}")
        if part is not None:
            dim += part.ndim if isinstance(part, np.ndarray) and part.dtype == np.bool_ else 1
    return parts


def checked_part(part: Any) -> Any:
    """One part of an index as an int, a slice, None, ``...`` or an array of integers or bools."""
    if part is None or part is Ellipsis:
        return part
    if isinstance(part, slice):
        if part.step is not None and operator.index(part.step) <= 0:
            raise ValueError("step must be greater than zero")
        return slice(
            *[None if bound is None else operator.index(bound) for bound in (part.start, part.stop, part.step)]
        )
    if isinstance(part, (bool, np.bool_)):
        return np.asarray(part)
    if isinstance(part, (Tensor, np.ndarray, list)):
        array = np.asarray(unwrap(part)) if not isinstance(part, list) else np.asarray([unwrap(each) for each in part])
        if array.size == 0 and isinstance(part, list):
            array = array.astype(np.int64)
        if array.dtype.kind not in "iub":
            raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors, not {array.dtype}")
        return int(array) if array.ndim == 0 and array.dtype.kind in "iu" and isinstance(part, Tensor) else array
    try:
        return operator.index(part)
    except TypeError:
        raise TypeError(
            f"only integers, slices (`:`), ellipsis (`...`), None and tensors, arrays or lists of integers or bools "
            f"are valid indices, not {type(part).__name__}"
        ) from None


def check_arrays(tensor: Tensor, parts: list[Any]) -> None:
    """Raise PyTorch's IndexError where an array of positions points outside, or a mask has another shape."""
    dim = 0
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype == np.bool_:
            covered = tensor.array.shape[dim : dim + part.ndim]
            if part.shape != covered:
                raise IndexError(
                    f"The shape of the mask {list(part.shape)} at index 0 does not match the shape of the indexed "
                    f"tensor {list(tensor.shape)} at index {dim}"
                )
            dim += part.ndim
        elif isinstance(part, np.ndarray):
            size = tensor.array.shape[dim]
            outside = part[(part < -size) | (part >= size)]
            if outside.size:
                raise IndexError(f"index {outside.flat[0]} is out of bounds for dimension {dim} with size {size}")
            dim += 1
        elif part is not None:
            dim += 1
