"""Reductions: many elements to one, over all dimensions or over some. Formulas and gradients: ``ops/reduction.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``, as in PyTorch. ``dim`` is one dimension or, where the
annotation says ``Any``, also several; without it all are reduced. ``keepdim`` keeps each as size 1. Variances and norms
are in ``statistics.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import minigrad
from minigrad import dtypes, ops
from minigrad.functions.arguments import check_tensors
from minigrad.ops.dims import normalize_dim

if TYPE_CHECKING:
    import minigrad.ops.broadcasting
    import minigrad.ops.loss
    import minigrad.ops.nondifferentiable
    import minigrad.ops.reduction
    import minigrad.return_types
    from minigrad.tensor import Tensor

__all__ = [
    "all",
    "amax",
    "amin",
    "aminmax",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "min",
    "nanmean",
    "nansum",
    "prod",
    "softmax",
    "sum",
]


def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """The sum. Integers and bools are summed in int64; with ``dtype`` the elements are converted first."""
    numpy_dtype = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    return ops.broadcasting.Sum.apply(input, dim=dim, keepdim=keepdim, dtype=numpy_dtype)


def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """:func:`sum` with every NaN counted as 0."""
    numpy_dtype = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    return ops.reduction.Nansum.apply(input, dim=dim, keepdim=keepdim, dtype=numpy_dtype)


def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """The mean; NaN of nothing.

    Raises:
        RuntimeError: the type, ``dtype`` where given, is not a floating-point type.
    """
    kind = input.dtype if dtype is None else dtype
    if not kind.is_floating_point:
        whose = "Input" if dtype is None else "Optional"
        raise RuntimeError(
            f"mean(): could not infer output dtype. {whose} dtype must be a floating point dtype. Got: {kind}"
        )
    return ops.reduction.Mean.apply(input, dim=dim, keepdim=keepdim, dtype=kind.numpy)


def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """The mean of the elements that are not NaN.

    Raises:
        RuntimeError: the input is not of a floating-point type.
    """
    if not input.is_floating_point():
        raise RuntimeError(f"nanmean(): expected input to have floating point dtype but got {input.dtype}")
    count = input.isnan().logical_not().sum(dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / count


def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """The product, over one dimension or all. Integers and bools are multiplied in int64."""
    numpy_dtype = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    dim = None if dim is None else normalize_dim(dim, input.ndim)
    return ops.reduction.Prod.apply(input, dim=dim, keepdim=keepdim, dtype=numpy_dtype)


def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The largest element; along a dim the largest of each slice and where it is; or the larger of two tensors.

    Raises:
        IndexError, RuntimeError: there is no element to take.
    """
    other = dim if isinstance(dim, minigrad.Tensor) else other
    if other is not None:
        check_tensors("max", input=input)
        check_other("max", other, keepdim)
        return input.maximum(other)
    if dim is None:
        return ops.reduction.MaxAll.apply(input)
    return minigrad.return_types.max(*ops.reduction.Max.apply(input, dim=dim, keepdim=keepdim))


def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The smallest element; along a dim the smallest of each slice and where it is; or the smaller of two tensors.

    Raises:
        IndexError, RuntimeError: there is no element to take.
    """
    other = dim if isinstance(dim, minigrad.Tensor) else other
    if other is not None:
        check_tensors("min", input=input)
        check_other("min", other, keepdim)
        return input.minimum(other)
    if dim is None:
        return ops.reduction.MinAll.apply(input)
    return minigrad.return_types.min(*ops.reduction.Min.apply(input, dim=dim, keepdim=keepdim))


def check_other(name: str, other: Any, keepdim: bool) -> None:
    """Raise a TypeError unless ``other`` is a tensor, and nothing is asked for that two tensors do not have."""
    if not isinstance(other, minigrad.Tensor):
        raise TypeError(f"{name}(): argument 'other' must be Tensor, not {type(other).__name__}")
    if keepdim:
        raise TypeError(f"{name}(): argument 'dim' (position 1) must be int, not Tensor")


def amax(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The largest element; equal ones share the gradient."""
    return ops.reduction.Amax.apply(input, dim=dim, keepdim=keepdim)


def amin(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The smallest element; equal ones share the gradient."""
    return ops.reduction.Amin.apply(input, dim=dim, keepdim=keepdim)


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the largest element, of all or along one dim; equal ones share the gradient."""
    dim = None if dim is None else normalize_dim(dim, input.ndim)
    return minigrad.return_types.aminmax(*ops.reduction.Aminmax.apply(input, dim=dim, keepdim=keepdim))


def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """True where every element is nonzero: a bool tensor, uint8 for uint8. No dims, ``()``, reduce nothing."""
    return ops.nondifferentiable.reduce_truth(np.logical_and, input, dim, keepdim)


def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """True where some element is nonzero: a bool tensor, uint8 for uint8. No dims, ``()``, reduce nothing."""
    return ops.nondifferentiable.reduce_truth(np.logical_or, input, dim, keepdim)


def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements are not zero."""
    return ops.nondifferentiable.count_nonzero(input, dim)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element is, the first of equal ones; in the flattened tensor where there is no dim."""
    return ops.nondifferentiable.argmax(input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element is, the first of equal ones; in the flattened tensor where there is no dim."""
    return ops.nondifferentiable.argmin(input, dim, keepdim)


def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """ln Σ exp(input), computed without overflow."""
    return ops.reduction.Logsumexp.apply(input, dim=dim, keepdim=keepdim)


def log_softmax(input: Tensor, dim: int, dtype: dtypes.dtype | None = None) -> Tensor:
    """The logarithm of :func:`softmax`, computed without overflow. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type, ``dtype`` where given, is not a floating-point type.
    """
    return ops.loss.LogSoftmax.apply(floating("log_softmax", input, dtype), dim=normalize_dim(dim, input.ndim))


def softmax(input: Tensor, dim: int, dtype: dtypes.dtype | None = None) -> Tensor:
    """exp(input) over its sum along ``dim``; with ``dtype`` the input is converted first. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type, ``dtype`` where given, is not a floating-point type.
    """
    return ops.loss.Softmax.apply(floating("softmax", input, dtype), dim=normalize_dim(dim, input.ndim))


def floating(name: str, input: Tensor, dtype: dtypes.dtype | None) -> Tensor:
    """``input`` in type ``dtype``, or PyTorch's error where it is then not floating."""
    values = input if dtype is None else input.to(dtype)
    if not values.is_floating_point():
        raise NotImplementedError(f'"{name}_kernel_impl" not implemented for {values.dtype}')
    return values
