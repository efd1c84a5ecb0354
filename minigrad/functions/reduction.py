"""Reductions: many elements to one, over all dimensions or over some. Formulas and gradients: ``ops/reduction.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``, as in PyTorch. ``dim`` is one dimension or, where the
annotation says ``Any``, also several; without it all are reduced. ``keepdim`` keeps each as size 1. Variances and norms
are in ``statistics.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes, ops, return_types
from minigrad.dims import normalize_dim
from minigrad.functions.arguments import check_dim, check_tensors, renamed
from minigrad.graph.node import Tensor

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


def sum(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None, **numpy_names: Any
) -> Tensor:
    """The sum. Integers and bools are summed in int64; with ``dtype`` the elements are converted first."""
    if numpy_names:
        named = renamed("sum", numpy_names, dim=dim, keepdim=keepdim)
        return sum(input, dtype=dtype, **named)
    numpy_dtype = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    return ops.broadcasting.Sum.apply(input, dim=dim, keepdim=keepdim, dtype=numpy_dtype)


def nansum(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None, **numpy_names: Any
) -> Tensor:
    """:func:`sum` with every NaN counted as 0."""
    if numpy_names:
        named = renamed("nansum", numpy_names, dim=dim, keepdim=keepdim)
        return nansum(input, dtype=dtype, **named)
    numpy_dtype = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    return ops.reduction.Nansum.apply(input, dim=dim, keepdim=keepdim, dtype=numpy_dtype)


def mean(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None, **numpy_names: Any
) -> Tensor:
    """The mean; NaN of nothing.

    Raises:
        RuntimeError: the type, ``dtype`` where given, is not a floating-point type.
    """
    if numpy_names:
        named = renamed("mean", numpy_names, dim=dim, keepdim=keepdim)
        return mean(input, dtype=dtype, **named)
    check_tensors("mean", input=input)
    kind = input.dtype if dtype is None else dtype
    if not kind.is_floating_point:
        whose = "Input" if dtype is None else "Optional"
        raise RuntimeError(
            f"mean(): could not infer output dtype. {whose} dtype must be a floating point dtype. Got: {kind}"
        )
    return ops.reduction.Mean.apply(input, dim=dim, keepdim=keepdim, dtype=kind.numpy)


def nanmean(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None, **numpy_names: Any
) -> Tensor:
    """The mean of the elements that are not NaN.

    Raises:
        RuntimeError: the input is not of a floating-point type.
    """
    if numpy_names:
        named = renamed("nanmean", numpy_names, dim=dim, keepdim=keepdim)
        return nanmean(input, dtype=dtype, **named)
    check_tensors("nanmean", input=input)
    if not input.is_floating_point():
        raise RuntimeError(f"nanmean(): expected input to have floating point dtype but got {input.dtype}")
    count = input.isnan().logical_not().sum(dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / count


def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    **numpy_names: Any,
) -> Tensor:
    """The product, over one dimension or all. Integers and bools are multiplied in int64."""
    if numpy_names:
        named = renamed("prod", numpy_names, dim=dim, keepdim=keepdim)
        return prod(input, dtype=dtype, **named)
    numpy_dtype = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    dim = None if dim is None else normalize_dim(dim, input.ndim)
    return ops.reduction.Prod.apply(input, dim=dim, keepdim=keepdim, dtype=numpy_dtype)


def max(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None, **numpy_names: Any
) -> Any:
    """The largest element; along a dim the largest of each slice and where it is; or the larger of two tensors.

    Raises:
        IndexError, RuntimeError: there is no element to take.
    """
    if numpy_names:
        named = renamed("max", numpy_names, dim=dim, keepdim=keepdim)
        return max(input, other=other, **named)
    other = dim if isinstance(dim, Tensor) else other
    if other is not None:
        check_tensors("max", input=input)
        check_other("max", other, keepdim)
        return input.maximum(other)
    if dim is None:
        return ops.reduction.MaxAll.apply(input)
    return return_types.max(*ops.reduction.Max.apply(input, dim=dim, keepdim=keepdim))


def min(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None, **numpy_names: Any
) -> Any:
    """The smallest element; along a dim the smallest of each slice and where it is; or the smaller of two tensors.

    Raises:
        IndexError, RuntimeError: there is no element to take.
    """
    if numpy_names:
        named = renamed("min", numpy_names, dim=dim, keepdim=keepdim)
        return min(input, other=other, **named)
    other = dim if isinstance(dim, Tensor) else other
    if other is not None:
        check_tensors("min", input=input)
        check_other("min", other, keepdim)
        return input.minimum(other)
    if dim is None:
        return ops.reduction.MinAll.apply(input)
    return return_types.min(*ops.reduction.Min.apply(input, dim=dim, keepdim=keepdim))


def check_other(name: str, other: Any, keepdim: bool) -> None:
    """Raise a TypeError unless ``other`` is a tensor, and nothing is asked for that two tensors do not have."""
    if not isinstance(other, Tensor):
        raise TypeError(f"{name}(): argument 'other' must be Tensor, not {type(other).__name__}")
    if keepdim:
        raise TypeError(f"{name}(): argument 'dim' (position 1) must be int, not Tensor")


def amax(input: Tensor, dim: Any = None, keepdim: bool = False, **numpy_names: Any) -> Tensor:
    """The largest element; equal ones share the gradient."""
    if numpy_names:
        named = renamed("amax", numpy_names, dim=dim, keepdim=keepdim)
        return amax(input, **named)
    return ops.reduction.Amax.apply(input, dim=dim, keepdim=keepdim)


def amin(input: Tensor, dim: Any = None, keepdim: bool = False, **numpy_names: Any) -> Tensor:
    """The smallest element; equal ones share the gradient."""
    if numpy_names:
        named = renamed("amin", numpy_names, dim=dim, keepdim=keepdim)
        return amin(input, **named)
    return ops.reduction.Amin.apply(input, dim=dim, keepdim=keepdim)


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False, **numpy_names: Any) -> Any:
    """The smallest and the largest element, of all or along one dim; equal ones share the gradient."""
    if numpy_names:
        named = renamed("aminmax", numpy_names, dim=dim, keepdim=keepdim)
        return aminmax(input, **named)
    dim = None if dim is None else normalize_dim(dim, input.ndim)
    return return_types.aminmax(*ops.reduction.Aminmax.apply(input, dim=dim, keepdim=keepdim))


def all(input: Tensor, dim: Any = None, keepdim: bool = False, **numpy_names: Any) -> Tensor:
    """True where every element is nonzero: a bool tensor, uint8 for uint8. No dims, ``()``, reduce nothing."""
    if numpy_names:
        named = renamed("all", numpy_names, dim=dim, keepdim=keepdim)
        return all(input, **named)
    check_tensors("all", input=input)
    return ops.nondifferentiable.reduce_truth(np.logical_and, input, dim, keepdim)


def any(input: Tensor, dim: Any = None, keepdim: bool = False, **numpy_names: Any) -> Tensor:
    """True where some element is nonzero: a bool tensor, uint8 for uint8. No dims, ``()``, reduce nothing."""
    if numpy_names:
        named = renamed("any", numpy_names, dim=dim, keepdim=keepdim)
        return any(input, **named)
    check_tensors("any", input=input)
    return ops.nondifferentiable.reduce_truth(np.logical_or, input, dim, keepdim)


def count_nonzero(input: Tensor, dim: Any = None, **numpy_names: Any) -> Tensor:
    """How many elements are not zero."""
    if numpy_names:
        named = renamed("count_nonzero", numpy_names, dim=dim)
        return count_nonzero(input, **named)
    check_tensors("count_nonzero", input=input)
    return ops.nondifferentiable.count_nonzero(input, dim)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False, **numpy_names: Any) -> Tensor:
    """Where the largest element is, the first of equal ones; in the flattened tensor where there is no dim."""
    if numpy_names:
        named = renamed("argmax", numpy_names, dim=dim, keepdim=keepdim)
        return argmax(input, **named)
    check_tensors("argmax", input=input)
    return ops.nondifferentiable.argmax(input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False, **numpy_names: Any) -> Tensor:
    """Where the smallest element is, the first of equal ones; in the flattened tensor where there is no dim."""
    if numpy_names:
        named = renamed("argmin", numpy_names, dim=dim, keepdim=keepdim)
        return argmin(input, **named)
    check_tensors("argmin", input=input)
    return ops.nondifferentiable.argmin(input, dim, keepdim)


def logsumexp(input: Tensor, dim: Any = None, keepdim: bool = False, **numpy_names: Any) -> Tensor:
    """ln Σ exp(input), computed without overflow."""
    if numpy_names:
        named = renamed("logsumexp", numpy_names, dim=dim, keepdim=keepdim)
        return logsumexp(input, **named)
    check_dim("logsumexp", dim)
    return ops.reduction.Logsumexp.apply(input, dim=dim, keepdim=keepdim)


def log_softmax(input: Tensor, dim: Any = None, dtype: dtypes.dtype | None = None, **numpy_names: Any) -> Tensor:
    """The logarithm of :func:`softmax`, computed without overflow. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type, ``dtype`` where given, is not a floating-point type.
    """
    if numpy_names:
        named = renamed("log_softmax", numpy_names, dim=dim)
        return log_softmax(input, dtype=dtype, **named)
    check_dim("log_softmax", dim)
    return ops.loss.LogSoftmax.apply(floating("log_softmax", input, dtype), dim=normalize_dim(dim, input.ndim))


def softmax(input: Tensor, dim: Any = None, dtype: dtypes.dtype | None = None, **numpy_names: Any) -> Tensor:
    """exp(input) over its sum along ``dim``; with ``dtype`` the input is converted first. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type, ``dtype`` where given, is not a floating-point type.
    """
    if numpy_names:
        named = renamed("softmax", numpy_names, dim=dim)
        return softmax(input, dtype=dtype, **named)
    check_dim("softmax", dim)
    return ops.loss.Softmax.apply(floating("softmax", input, dtype), dim=normalize_dim(dim, input.ndim))


def floating(name: str, input: Tensor, dtype: dtypes.dtype | None) -> Tensor:
    """``input`` in type ``dtype``, or PyTorch's error where it is then not floating."""
    values = input if dtype is None else input.to(dtype)
    if not values.is_floating_point():
        raise NotImplementedError(f'"{name}_kernel_impl" not implemented for {values.dtype}')
    return values
