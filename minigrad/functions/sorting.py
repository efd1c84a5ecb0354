"""Sorting, elements by their rank, and distinct elements. The rules: ``ops/sorting.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``, as in PyTorch. NaN counts as the largest number. Equal
elements keep their order; where PyTorch does not promise an order, its positions of equal elements may differ.
"""

from __future__ import annotations

import operator
from typing import Any

from minigrad import dtypes, ops, return_types
from minigrad.dims import normalize_dim
from minigrad.functions.arguments import check_tensors, renamed
from minigrad.graph.node import Tensor

__all__ = ["argsort", "kthvalue", "msort", "sort", "topk", "unique", "unique_consecutive"]


def sort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None, **numpy_names: Any
) -> Any:
    """The elements in order along ``dim``, and where each was."""
    if numpy_names:
        named = renamed("sort", numpy_names, dim=dim)
        return sort(input, descending=descending, stable=stable, **named)
    check_tensors("sort", input=input)
    dim = normalize_dim(dim, input.ndim)
    sorted_and_positions = ops.sorting.Sort.apply(
        input, dim=dim, descending=bool(descending), stable=stable is not None
    )
    return return_types.sort(*sorted_and_positions)


def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False, **numpy_names: Any
) -> Tensor:
    """The positions that put the elements in order along ``dim``."""
    if numpy_names:
        named = renamed("argsort", numpy_names, dim=dim)
        return argsort(input, descending=descending, stable=stable, **named)
    check_tensors("argsort", input=input)
    return sort(input.detach(), dim, descending, stable=stable).indices


def msort(input: Tensor) -> Tensor:
    """The elements in order along the first dimension."""
    check_tensors("msort", input=input)
    return sort(input, 0).values


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The ``k`` largest, or smallest, elements along ``dim``, and where each is; in order whatever ``sorted`` says.

    Raises:
        RuntimeError: there are not that many, or the type is bool.
    """
    check_tensors("topk", input=input)
    dim = normalize_dim(dim, input.ndim)
    if not 0 <= operator.index(k) <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(f"selected index k out of range: {k} of shape {list(input.shape)} along dim {dim}")
    if input.dtype is dtypes.bool:
        raise RuntimeError("topk does not support bool dtypes on CPU")
    return return_types.topk(*ops.sorting.Topk.apply(input, dim=dim, descending=bool(largest), count=k))


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The ``k``-th smallest element along ``dim``, k counted from 1, and where it is.

    Raises:
        RuntimeError: there are not that many.
        IndexError: the dimension is empty.
    """
    check_tensors("kthvalue", input=input)
    dim = normalize_dim(dim, input.ndim)
    ops.reduction.check_not_empty("kthvalue", input.array, dim)
    if not 1 <= operator.index(k) <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}: {k}")
    if input.dtype is dtypes.bool:
        raise NotImplementedError(f'"kthvalue_cpu" not implemented for {input.dtype}')
    return return_types.kthvalue(*ops.sorting.Kthvalue.apply(input, dim=dim, keepdim=keepdim, k=k))


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements in order, or slices along ``dim``; without history. Every NaN is distinct.

    Returns:
        The elements; with ``return_inverse`` also where in them each element of the input is; with ``return_counts``
        how often each occurs.
    """
    check_tensors("unique", input=input)
    found = ops.nondifferentiable.unique(input, dim)
    return chosen(found, return_inverse, return_counts)


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements, or slices along ``dim``, without those equal to the one before. Returns as :func:`unique`."""
    check_tensors("unique_consecutive", input=input)
    found = ops.nondifferentiable.unique_consecutive(input, dim)
    return chosen(found, return_inverse, return_counts)


def chosen(found: tuple[Tensor, Tensor, Tensor], return_inverse: bool, return_counts: bool) -> Any:
    """Of elements, inverse and counts those that are wanted: one tensor or a tuple."""
    values, inverse, counts = found
    if not return_inverse and not return_counts:
        return values
    return (values, *((inverse,) if return_inverse else ()), *((counts,) if return_counts else ()))
