"""The operations that have no gradient, together with those of ``comparison.py``: counts, positions and truths.

Each takes tensors and gives a tensor without history. Nothing is recorded for them. What users call stands in the
families: ``extremes.py``, ``reduction.py``, ``sorting.py``, ``picking.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments.dims import normalize_dim, normalize_dims
from minigrad.graph.function import wrap
from minigrad.graph.node import Tensor


def constant(array: Any) -> Tensor:
    """``array`` as a tensor without history."""
    return wrap(np.asarray(array))


def reduce_truth(ufunc: np.ufunc, x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    """``all`` (``np.logical_and``) or ``any`` (``np.logical_or``) over ``dim``, over nothing where it is ``()``."""
    dims = () if isinstance(dim, (tuple, list)) and not dim else normalize_dims(dim, x.ndim)
    truth = ufunc.reduce(x.array, axis=dims, keepdims=keepdim) if dims else x.array.astype(np.bool_)
    return constant(np.asarray(truth, np.uint8 if x.array.dtype == np.uint8 else np.bool_))


def count_nonzero(x: Tensor, dim: Any) -> Tensor:
    """How many elements are not zero, over ``dim``."""
    return constant(np.add.reduce(x.array != 0, axis=normalize_dims(dim, x.ndim), dtype=np.int64))


def unique(x: Tensor, dim: int | None) -> tuple[Tensor, Tensor, Tensor]:
    """The distinct elements in order, or slices along ``dim``; where in them each of x is; how often each occurs."""
    rows = _slices(x.array, dim)
    keys = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    order = np.lexsort(keys.T[::-1]) if keys.shape[1] else np.arange(len(rows))
    return _runs(x.array, rows, order, dim)


def unique_consecutive(x: Tensor, dim: int | None) -> tuple[Tensor, Tensor, Tensor]:
    """The elements, or slices along ``dim``, without those that equal the one before; where each of x is; counts."""
    rows = _slices(x.array, dim)
    return _runs(x.array, rows, np.arange(len(rows)), dim)


def _slices(x: np.ndarray, dim: int | None) -> np.ndarray:
    """What is to be compared, along the first dimension: the elements, or the slices along ``dim``."""
    if dim is None:
        return x.reshape(-1)
    rows = np.atleast_1d(np.moveaxis(x, dim, 0) if x.ndim else x)
    if rows.size == 0 and 0 in rows.shape[1:]:
        raise RuntimeError(
            f"There are 0 sized dimensions, and they aren't selected, so unique cannot be applied: {list(x.shape)}"
        )
    return rows


def _runs(x: np.ndarray, rows: np.ndarray, order: np.ndarray, dim: int | None) -> tuple[Tensor, Tensor, Tensor]:
    """The first of each run of equal ``rows``, taken in ``order``; in which run each is; how long each run is."""
    ordered = rows[order]
    keys = ordered.reshape(len(rows), math.prod(rows.shape[1:]))
    begins = np.ones(len(rows), np.bool_)
    begins[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    run = np.cumsum(begins) - 1
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = run
    values = ordered[begins] if dim is None else np.moveaxis(ordered[begins], 0, dim)
    return (
        constant(np.ascontiguousarray(values)),
        constant(inverse.reshape(x.shape) if dim is None else inverse),
        constant(np.bincount(run, minlength=0).astype(np.int64)),
    )


def _position(choose: Any, name: str, x: np.ndarray, dim: int | None, keepdim: bool) -> np.ndarray:
    if x.dtype == np.bool_:
        raise RuntimeError(f"{name}(): does not support bool input")
    if dim is None:
        if x.size == 0:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        position = np.asarray(choose(x))
        return position.reshape((1,) * x.ndim) if keepdim else position
    dim = normalize_dim(dim, x.ndim)
    if x.ndim == 0:
        return np.zeros((), np.int64)
    if x.shape[dim] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    position = np.asarray(choose(x, axis=dim))
    return np.expand_dims(position, dim) if keepdim else position


def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The position of the first maximum, or of the first NaN; in the flattened array where ``dim`` is None."""
    return constant(_position(np.argmax, "argmax", x.array, dim, keepdim))


def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The position of the first minimum, or of the first NaN; in the flattened array where ``dim`` is None."""
    return constant(_position(np.argmin, "argmin", x.array, dim, keepdim))


def nonzero(x: Tensor, as_tuple: bool) -> Any:
    """The positions of the elements that are not zero."""
    if as_tuple:
        return tuple([constant(each) for each in np.nonzero(np.atleast_1d(x.array))])
    return constant(np.argwhere(x.array).astype(np.int64))
