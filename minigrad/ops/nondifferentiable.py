"""The operations that have no gradient: the explicit list. Their results are counts, positions and truths.

Each takes tensors and gives a tensor without history. Nothing is recorded for them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.ops.dims import normalize_dim, normalize_dims
from minigrad.ops.elementwise import prepare
from minigrad.tensor import Tensor, unwrap, wrap

__all__ = ["argmax", "argmin", "bitwise", "compare", "invert", "isclose", "reduce_truth", "test_each"]


def constant(array: Any) -> Tensor:
    """``array`` as a tensor without history."""
    return wrap(np.asarray(array), None, 0)


def compare(ufunc: np.ufunc, x: Tensor, y: Any) -> Tensor:
    """A comparison such as ``np.less``, elementwise, in the type to which the operands promote."""
    return constant(ufunc(*prepare(x.array, unwrap(y))))


def test_each(ufunc: np.ufunc, x: Tensor) -> Tensor:
    """A test such as ``np.isnan``, of every element."""
    return constant(ufunc(x.array))


def isclose(x: Tensor, y: Tensor, rtol: float, atol: float, equal_nan: bool) -> Tensor:
    """Where ``|x - y| <= atol + rtol * |y|``, elementwise."""
    return constant(np.isclose(x.array, y.array, rtol, atol, equal_nan))


def bitwise(ufunc: np.ufunc, x: Any, y: Any) -> Tensor:
    """``&``, ``|``, ``^``, ``<<`` or ``>>``, bit by bit, on integers and bools; shifts have no bools.

    Raises:
        NotImplementedError: an operand is floating.
    """
    first, second = prepare(unwrap(x), unwrap(y))
    if first.dtype.kind == "f":
        raise NotImplementedError(f'"{ufunc.__name__}_cpu" not implemented for {first.dtype}: use integers or bools')
    return constant(ufunc(first, second))


def invert(x: Tensor) -> Tensor:
    """``~x``: not for bools, every bit flipped for integers.

    Raises:
        TypeError: x is floating.
    """
    if x.is_floating_point():
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return constant(np.invert(x.array))


def reduce_truth(ufunc: np.ufunc, x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    """``all`` (``np.logical_and``) or ``any`` (``np.logical_or``) over ``dim``."""
    return constant(ufunc.reduce(x.array, axis=normalize_dims(dim, x.ndim), keepdims=keepdim))


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


def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The position of the first maximum, or of the first NaN; in the flattened array where ``dim`` is None."""
    return constant(_position(np.argmax, "argmax", x.array, dim, keepdim))


def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The position of the first minimum, or of the first NaN; in the flattened array where ``dim`` is None."""
    return constant(_position(np.argmin, "argmin", x.array, dim, keepdim))
