"""Dimensions as arguments: negative ones counted from the end, sets of them checked, with PyTorch's errors."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from minigrad.arguments.promotion import type_name

__all__ = ["Dims", "Sizes", "as_shape", "check_integer", "is_expandable", "normalize_dim", "normalize_dims"]


Sizes = int | Sequence[int]  # one for every dimension, or each its own
Dims = int | Sequence[int] | None  # one dimension, several, or None for all


def normalize_dim(dim: int, ndim: int) -> int:
    """``dim`` counted from the front. A zero-dimensional tensor counts as having one dimension.

    Raises:
        TypeError: ``dim`` is not an integer.
        IndexError: there is no such dimension.
    """
    try:
        position = operator.index(dim)
    except TypeError:
        raise TypeError(f"dim must be an int, not {type_name(dim)}") from None
    count = max(ndim, 1)
    if type(dim) is bool or not -count <= position < count:
        check_integer("dim", dim)
        raise IndexError(f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {dim})")
    return position % count


def normalize_dims(dim: Dims, ndim: int) -> tuple[int, ...]:
    """One dimension, several, or None or an empty tuple for all, as a tuple of NumPy axes.

    Raises:
        TypeError, IndexError: as :func:`normalize_dim`.
        RuntimeError: a dimension is named twice.
    """
    if dim is None:
        return tuple(range(ndim))
    dims: list[int] = []
    for each in dim if isinstance(dim, (tuple, list, range)) else (dim,):
        position = normalize_dim(each, ndim)
        if position in dims:
            raise RuntimeError(f"dim {position} appears multiple times in the list of dims")
        dims.append(position)
    if ndim == 0 or not dims:
        return tuple(range(ndim))
    return tuple(dims)


def as_shape(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """``(2, 3)`` from ``f(2, 3)`` as well as from ``f((2, 3))``."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    try:
        shape = tuple([operator.index(size) for size in sizes])
    except TypeError:
        kinds = [type(size).__name__ for size in sizes]
        raise TypeError(f"received an invalid combination of arguments: sizes must be ints, not {kinds}") from None
    if (sizes and isinstance(sizes[0], bool)) or any(not -(2**63) <= size < 2**63 for size in shape):
        raise TypeError(f"sizes must be ints that fit in 64 bits, not {list(sizes)}")
    return shape


def check_integer(name: str, value: Any) -> None:
    """Raise PyTorch's error for a bool where an integer is asked for, and for an integer beyond 64 bits.

    Raises:
        TypeError, ValueError: it is a bool; it is too large.
    """
    if isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not bool")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"Overflow when unpacking long long: {name} {value} does not fit in 64 bits")


def is_expandable(shape: tuple[int, ...], larger: tuple[int, ...]) -> bool:
    """True where a tensor of ``shape`` broadcasts to ``larger``."""
    if len(shape) > len(larger):
        return False
    for size, larger_size in zip(reversed(shape), reversed(larger)):  # noqa: SIM110  (no generator: it is stepped into)
        if size != larger_size and size != 1:
            return False
    return True
