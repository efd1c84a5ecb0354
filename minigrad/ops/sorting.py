"""Sorting, elements by their rank, and medians. Rules, then what users call.

Every result is an element of x, reported with its position, and its gradient goes to that position. NaN counts as the
largest number. Equal elements keep their order; where PyTorch does not promise an order, its positions of equal
elements may differ.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minigrad import dtypes, return_types
from minigrad.arguments.dims import normalize_dim
from minigrad.arguments.gate import LEFT_OUT, checked
from minigrad.dtypes import FLOATS
from minigrad.graph.history import note_cut
from minigrad.graph.node import Tensor
from minigrad.graph.strides import elementwise
from minigrad.ops.extremes import Max, MaxAll, check_not_empty

__all__ = ["argsort", "kthvalue", "median", "mode", "msort", "nanmedian", "sort", "topk"]


def order(x, dim, descending=False):
    """The positions of the elements of x in order along ``dim``; equal elements stay in the order they had."""
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    backward = np.argsort(np.flip(x, dim), axis=dim, kind="stable")  # twice reversed: equal elements keep their order
    return np.flip(x.shape[dim] - 1 - backward, dim)


class Sort(Max):
    """The elements of x in order along ``dim``, and where each was."""

    result_strides: Any = elementwise

    def forward(ctx, x, *, dim, descending, stable=False, count=None):
        ctx.overload = 1 if stable else 0  # PyTorch's two nodes
        ctx.shape, ctx.dim, ctx.keepdim = x.shape, dim, True
        if x.ndim == 0:
            positions = np.zeros((), np.int64)
            ctx.save_for_backward(positions)
            return x.copy(), positions
        positions = order(x, dim, descending)
        if count is not None:
            positions = np.take(positions, np.arange(count), dim)
        positions = np.ascontiguousarray(positions)
        ctx.save_for_backward(positions)
        return np.take_along_axis(x, positions, dim), positions


@checked
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None) -> Any:
    """The elements in order along ``dim``, and where each was. Shape: that of ``input``."""
    dim = normalize_dim(dim, input.ndim)
    sorted_and_positions = Sort.apply(input, dim=dim, descending=bool(descending), stable=stable is not None)
    return return_types.sort(*sorted_and_positions)


@checked
def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """The positions that put the elements in order along ``dim``. Shape: that of ``input``."""
    positions: Tensor = sort(input.detach(), dim, descending, stable=stable).indices
    note_cut("type", [input], [positions], positions.dtype)
    return positions


@checked
def msort(input: Tensor) -> Tensor:
    """The elements in order along the first dimension. Shape: that of ``input``."""
    return sort(input, 0).values


class Topk(Sort):
    """The ``count`` largest elements of x along ``dim`` in descending order, or the smallest in ascending order."""

    result_strides = None


@checked
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The ``k`` largest, or smallest, elements along ``dim``, and where each is; in order whatever ``sorted`` says.

    Shape: that of ``input``, ``dim`` of size ``k``.

    Raises:
        RuntimeError: there are not that many, or the type is bool.

    >>> minigrad.tensor([3, 1, 2]).topk(2)
    minigrad.return_types.topk(
    values=tensor([3, 2]),
    indices=tensor([0, 2]))
    """
    dim = normalize_dim(dim, input.ndim)
    if not 0 <= operator.index(k) <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(f"selected index k out of range: {k} of shape {list(input.shape)} along dim {dim}")
    if input.dtype is dtypes.bool:
        raise RuntimeError("topk does not support bool dtypes on CPU")
    return return_types.topk(*Topk.apply(input, dim=dim, descending=bool(largest), count=k))


def choose_kth(x, dim, k):
    """The position of the k-th smallest element of each slice along ``dim``, k counted from 1."""
    return np.take(order(x, dim), k - 1, dim)


class Kthvalue(Max):
    """z = the ``k``-th smallest element of x along ``dim``, and where it is."""

    choose = staticmethod(choose_kth)


@checked
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The ``k``-th smallest element along ``dim``, k counted from 1, and where it is.

    Shape: that of ``input`` without ``dim``; ``keepdim`` keeps it at size 1.

    Raises:
        RuntimeError: there are not that many.
        IndexError: the dimension is empty.
        NotImplementedError: the type is bool.
    """
    dim = normalize_dim(dim, input.ndim)
    check_not_empty("kthvalue", input.array, dim)
    if not 1 <= operator.index(k) <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}: {k}")
    check_not_bool("kthvalue", input)
    return return_types.kthvalue(*Kthvalue.apply(input, dim=dim, keepdim=keepdim, k=k))


def choose_median(x, dim):
    """The position of the median of each slice, the lower of two; that of the first NaN where there is one."""
    middle = np.take(order(x, dim), (x.shape[dim] - 1) // 2, dim)
    missing = np.isnan(x)
    return np.where(missing.any(axis=dim), missing.argmax(axis=dim), middle)


class Median(Max):
    """z = the median of x along ``dim``, the lower of the two in the middle, and where it is. NaN if any is."""

    overload = 1
    choose = staticmethod(choose_median)


@checked
def median(input: Tensor, dim: int = LEFT_OUT, keepdim: bool = False) -> Any:
    """The element in the middle, the lower of two, NaN if any is; along a dim also where it is.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1. Without a dim equal
    elements share the gradient; with one it goes to the position reported.

    Raises:
        NotImplementedError: the type is bool.
    """
    check_not_bool("median", input)
    if dim is None:
        return MedianAll.apply(input)
    return return_types.median(*Median.apply(input, dim=dim, keepdim=keepdim))


def check_not_bool(name: str, input: Tensor) -> None:
    """Raise PyTorch's error for a tensor of bools."""
    if input.dtype is dtypes.bool:
        raise NotImplementedError(f'"{name}_cpu" not implemented for {input.dtype}')


def choose_nanmedian(x, dim):
    """The position of the median of each slice without its NaNs, the lower of two; 0 where all are NaN."""
    count = np.add.reduce(~np.isnan(x), axis=dim, keepdims=True)
    middle = np.maximum(count - 1, 0) // 2
    return np.take_along_axis(order(x, dim), middle, dim).squeeze(dim)


class Nanmedian(Max):
    """z = the median of those elements of x along ``dim`` that are not NaN, the lower of two, and where it is."""

    overload = 1
    choose = staticmethod(choose_nanmedian)


@checked
def nanmedian(input: Tensor, dim: int = LEFT_OUT, keepdim: bool = False) -> Any:
    """:func:`median` of the elements that are not NaN; NaN where all are."""
    check_not_bool("nanmedian", input)
    if dim is None:
        return NanmedianAll.apply(input)
    return return_types.nanmedian(*Nanmedian.apply(input, dim=dim, keepdim=keepdim))


def choose_mode(x, dim):
    """The last position of the value that is there most often in each slice, the smallest of several."""
    return np.apply_along_axis(last_of_mode, dim, x)


def last_of_mode(row):
    values, counts = np.unique(row, return_counts=True, equal_nan=False)
    value = values[counts.argmax()]
    return np.flatnonzero((row == value) | ((row != row) & (value != value)))[-1]


class Mode(Max):
    """z = the value that is there most often along ``dim``, the smallest of several, and where it is last."""

    choose = staticmethod(choose_mode)


@checked
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """The value that is there most often along ``dim``, the smallest of several, and where it is last.

    Shape: that of ``input`` without ``dim``; ``keepdim`` keeps it at size 1.

    Raises:
        IndexError: the dimension is empty.
    """
    return return_types.mode(*Mode.apply(input, dim=normalize_dim(dim, input.ndim), keepdim=keepdim))


class MedianAll(MaxAll):
    """z = the median of all of x, the lower of two, NaN if any is. Elements equal to it share the gradient equally."""

    node_name = "MedianBackward0"
    choose = staticmethod(choose_median)

    def forward(ctx, x):
        ctx.dims, ctx.keepdim = tuple(range(x.ndim)), False
        if x.size == 0:
            z = np.asarray(np.nan if x.dtype.kind in FLOATS else np.iinfo(x.dtype).min, x.dtype)
        else:
            z = np.asarray(x.reshape(-1)[ctx.choose(x.reshape(-1), 0)])
        ctx.save_for_backward(x, z)
        return z


class NanmedianAll(MedianAll):
    """z = the median of those elements of x that are not NaN. Elements equal to it share the gradient equally."""

    node_name = "NanmedianBackward0"
    choose = staticmethod(choose_nanmedian)
