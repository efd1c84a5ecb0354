"""What ``tensor(data)`` reads: the shape, the type and the array of numbers, nested sequences and arrays.

Three questions, asked one after another, as PyTorch asks them: how long are the sequences inside each other
(:func:`_shape_of`), which type do all the values share (:func:`_dtype_of`), and, row by row, which values are they
(:func:`_gather`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.promotion import combine, dtype_of_operand, number_as
from minigrad.graph.function import taken_in
from minigrad.graph.node import Tensor
from minigrad.kernels.layout import check_layout

__all__ = ["is_sequence", "read"]

MAX_DIMS = 64  # as many as NumPy has


def read(data: Any, dtype: dtypes.dtype | None = None) -> np.ndarray:
    """``data`` as an array of ``dtype``, or of the type its values share; an array or a tensor is not copied.

    Python floats count as the default type, integers as int64.

    Raises:
        TypeError: a string, an array of a type that minigrad has not, or a number where a sequence should be.
        ValueError: nested sequences are not of one length, an integer is larger than int64, or a tensor of several
            elements stands in a list.
        RuntimeError: ``data`` holds something without numbers, or a number too large for ``dtype``.
    """
    kind = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    data = taken_in(data)
    if isinstance(data, Tensor):
        return np.asarray(data.array, kind)
    if not isinstance(data, (np.ndarray, np.generic)) and not is_sequence(data) and hasattr(data, "__array__"):
        data = np.asarray(data)
    if isinstance(data, np.generic) and kind is not None:
        return _in_range([data.item()], kind).reshape(())
    if isinstance(data, (np.ndarray, np.generic)):
        array = np.asarray(data)
        check_layout(array)
        return np.asarray(array, kind)
    shape = _shape_of(data)
    if kind is None:
        kind = _dtype_of(data)
    values: list[Any] = []
    if 0 not in shape:
        _gather(data, shape, 0, values)
    return _in_range(values, kind).reshape(shape)


def is_sequence(data: Any) -> bool:
    """True for lists, tuples, ranges, arrays with dimensions and whatever else has a length and numbered items."""
    if isinstance(data, (dict, Tensor)):
        return False
    if hasattr(data, "__array__"):
        return getattr(data, "ndim", 0) > 0
    return hasattr(data, "__len__") and hasattr(data, "__getitem__")


def _shape_of(data: Any) -> tuple[int, ...]:
    """The lengths of ``data``, of its first item, of that one's first item and so on."""
    shape: list[int] = []
    while is_sequence(data) and not (isinstance(data, (str, bytes)) and not shape):
        shape.append(len(data))
        if len(shape) > MAX_DIMS:  # a string's first item is a string
            raise ValueError(f"too many dimensions '{type(data).__name__}'")
        if shape[-1] == 0:
            break
        try:
            data = data[0]
        except Exception:
            raise ValueError(f"could not determine the shape of object type '{type(data).__name__}'") from None
    return tuple(shape)


def _dtype_of(data: Any) -> np.dtype:
    """The type that every value in ``data`` fits by the rules of promotion."""
    if isinstance(data, Tensor):
        return data.array.dtype
    if isinstance(data, (np.ndarray, np.generic)):
        dtypes.from_numpy_dtype(data.dtype)
        return data.dtype
    if isinstance(data, (bool, int, float)):
        return dtype_of_operand(data)
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if hasattr(data, "__array__"):
        return _dtype_of(np.asarray(data))
    if not is_sequence(data):
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    if isinstance(data, list) and any(each is data for each in data):
        raise TypeError("new(): self-referential lists are incompatible")
    if len(data) == 0:
        return dtypes.get_default_dtype().numpy
    items = iter(data)
    found = _dtype_of(next(items))
    for each in items:
        kind = _dtype_of(each)
        if kind != found:
            found = combine(found, kind)
    return found


def _gather(data: Any, shape: tuple[int, ...], dim: int, values: list[Any]) -> None:
    """Append the numbers in ``data``, of which ``shape[dim:]`` are the lengths, to ``values`` in order."""
    if dim == len(shape):
        values.append(_one_number(data))
        return
    if not is_sequence(data):
        raise TypeError(f"expected a sequence of length {shape[dim]} at dim {dim}, not {type(data).__name__}")
    if len(data) != shape[dim]:
        raise ValueError(f"expected sequence of length {shape[dim]} at dim {dim} (got {len(data)})")
    for each in data:
        _gather(each, shape, dim + 1, values)


def _one_number(data: Any) -> Any:
    if isinstance(data, (bool, int, float)):
        return data
    if isinstance(data, Tensor) or hasattr(data, "__array__"):
        array = np.asarray(data.array if isinstance(data, Tensor) else data)
        if array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return array.item()
    if isinstance(data, complex):
        raise RuntimeError(f"value {data} cannot be converted to a real type without overflow")
    raise TypeError(f"expected a number, not {type(data).__name__}")


def _in_range(values: list[Any], kind: np.dtype) -> np.ndarray:
    """The numbers as an array of ``kind``."""
    if kind.kind not in "iu":
        return np.array(values, kind)
    limits = np.iinfo(kind)
    for value in values:
        if not limits.min <= value <= limits.max:  # true of NaN as well
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise ValueError(f"{value} does not fit in 64 bits")
            number_as(value, kind)
    return np.array([int(value) for value in values], np.int64).astype(kind)
