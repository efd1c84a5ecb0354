"""The operations that have no gradient: the explicit list. Their results are counts, positions and truths.

Each is a function from arrays to an array; ``Tensor`` wraps what they return. Nothing is recorded for them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.ops.dims import normalize_dim, normalize_dims
from minigrad.ops.elementwise import prepare

__all__ = ["argmax", "argmin", "bitwise", "compare", "invert", "reduce_truth"]


def compare(ufunc: np.ufunc, x: np.ndarray, y: Any) -> np.ndarray:
    """A comparison such as ``np.less``, elementwise, in the type to which the operands promote."""
    return np.asarray(ufunc(*prepare(x, y)))


def bitwise(ufunc: np.ufunc, x: np.ndarray, y: Any) -> np.ndarray:
    """``&``, ``|`` or ``^``, bit by bit, on integers and bools.

    Raises:
        RuntimeError: an operand is floating.
    """
    x, y = prepare(x, y)
    if x.dtype.kind == "f":
        raise RuntimeError(f'"{ufunc.__name__}_cpu" not implemented for {x.dtype}: use integers or bools')
    return np.asarray(ufunc(x, y))


def invert(x: np.ndarray) -> np.ndarray:
    """``~x``: not for bools, every bit flipped for integers.

    Raises:
        TypeError: x is floating.
    """
    if x.dtype.kind == "f":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return np.asarray(np.invert(x))


def reduce_truth(ufunc: np.ufunc, x: np.ndarray, dim: Any, keepdim: bool) -> np.ndarray:
    """``all`` (``np.logical_and``) or ``any`` (``np.logical_or``) over ``dim``."""
    return np.asarray(ufunc.reduce(x, axis=normalize_dims(dim, x.ndim), keepdims=keepdim))


def _position(choose: Any, name: str, x: np.ndarray, dim: int | None, keepdim: bool) -> np.ndarray:
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


def argmax(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> np.ndarray:
    """The position of the first maximum, or of the first NaN; in the flattened array where ``dim`` is None."""
    return _position(np.argmax, "argmax", x, dim, keepdim)


def argmin(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> np.ndarray:
    """The position of the first minimum, or of the first NaN; in the flattened array where ``dim`` is None."""
    return _position(np.argmin, "argmin", x, dim, keepdim)
