"""Reductions: many elements to one, over all dimensions or over some. Formulas and gradients: ``ops/reduction.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``, as in PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import minigrad
from minigrad import dtypes, ops
from minigrad.ops.dims import normalize_dim

if TYPE_CHECKING:
    import minigrad.ops.broadcasting
    import minigrad.ops.loss
    import minigrad.ops.nondifferentiable
    import minigrad.ops.reduction
    from minigrad.tensor import Number, Tensor

__all__ = [
    "ValuesAndIndices",
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "log_softmax",
    "max",
    "mean",
    "min",
    "softmax",
    "sum",
    "var",
]


class ValuesAndIndices(NamedTuple):
    """What ``max`` and ``min`` along a dimension return. Counterpart: ``torch.return_types.max``."""

    values: Tensor
    indices: Tensor


def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
    numpy_dtype = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    return ops.broadcasting.Sum.apply(input, dim=dim, keepdim=keepdim, dtype=numpy_dtype)


def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
    values = input if dtype is None else input.to(dtype)
    if not values.is_floating_point():
        raise RuntimeError(
            f"mean(): could not infer output dtype. Input dtype must be a floating point dtype. Got: {values.dtype}"
        )
    return ops.reduction.Mean.apply(values, dim=dim, keepdim=keepdim)


def var(input: Tensor, dim: Any = None, *, correction: Number = 1, keepdim: bool = False) -> Tensor:
    return ops.reduction.Var.apply(input, dim=dim, correction=correction, keepdim=keepdim)


def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest element; along a dim the largest of each slice and where it is; or the larger of two tensors."""
    if dim is None:
        return ops.reduction.MaxAll.apply(input)
    if isinstance(dim, minigrad.Tensor):
        return input.maximum(dim)
    return ValuesAndIndices(*ops.reduction.Max.apply(input, dim=dim, keepdim=keepdim))


def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest element; along a dim the smallest of each slice and where it is; or the smaller of two."""
    if dim is None:
        return ops.reduction.MinAll.apply(input)
    if isinstance(dim, minigrad.Tensor):
        return input.minimum(dim)
    return ValuesAndIndices(*ops.reduction.Min.apply(input, dim=dim, keepdim=keepdim))


def amax(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    return ops.reduction.Amax.apply(input, dim=dim, keepdim=keepdim)


def amin(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    return ops.reduction.Amin.apply(input, dim=dim, keepdim=keepdim)


def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    return ops.nondifferentiable.reduce_truth(np.logical_and, input, dim, keepdim)


def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    return ops.nondifferentiable.reduce_truth(np.logical_or, input, dim, keepdim)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    return ops.nondifferentiable.argmax(input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    return ops.nondifferentiable.argmin(input, dim, keepdim)


def log_softmax(input: Tensor, dim: int) -> Tensor:
    return ops.loss.LogSoftmax.apply(input, dim=normalize_dim(dim, input.ndim))


def softmax(input: Tensor, dim: int) -> Tensor:
    return ops.loss.Softmax.apply(input, dim=normalize_dim(dim, input.ndim))
