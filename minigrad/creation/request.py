"""What the functions that make tensors are asked for, a size, a type, numbers; and how each of them ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import as_shape
from minigrad.arguments.promotion import check_operand
from minigrad.attributes import check_device
from minigrad.graph.function import wrap
from minigrad.graph.node import Tensor

__all__ = ["as_size", "as_sizes", "finish", "numpy_kind", "plain_number"]


LARGEST_SIZE = 2**60  # elements; of eight bytes each they would need more than a signed 64-bit number of bytes


def finish(array: np.ndarray, device: Any, requires_grad: bool) -> Tensor:
    """Wrap ``array``; every function here ends so."""
    if device is not None:
        check_device(device)
    result = wrap(array)
    return result if requires_grad is False or requires_grad is None else result.requires_grad_(requires_grad)


def numpy_kind(dtype: dtypes.dtype | None) -> np.dtype:
    return dtypes.get_default_dtype().numpy if dtype is None else dtypes.to_numpy_dtype(dtype)


def as_size(name: str, size: Any) -> tuple[int, ...]:
    """A shape given as one argument."""
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"{name}(): argument 'size' must be tuple of ints, not {type(size).__name__}")
    return as_sizes(name, (size,))


def as_sizes(name: str, size: tuple[Any, ...], by_name: Any = None) -> tuple[int, ...]:
    """A shape given as one argument, as several, or as the argument ``size``."""
    if by_name is not None:
        return as_size(name, by_name)
    if not size:
        raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
    shape = as_shape(size)
    if any(each < 0 for each in shape):
        raise RuntimeError(f"{name}: Dimension size must be non-negative, got {list(shape)}")
    if math.prod(shape) >= LARGEST_SIZE:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")
    return shape


def plain_number(name: str, value: Any, argument: str = "fill_value") -> Any:
    """The number that ``value`` is, or that a zero-dimensional tensor holds whose gradient is not wanted."""
    if isinstance(value, np.generic) or (isinstance(value, Tensor) and value.ndim == 0 and not value._requires_grad):
        return value.item()
    if not isinstance(value, (bool, int, float)):
        raise TypeError(f"{name}(): argument '{argument}' must be Number, not {type(value).__name__}")
    check_operand(value)
    return value
