"""Sorting and what picks elements by their rank. Each class: formula, forward, backward.

Every result is an element of x, reported with its position, and its gradient goes to that position. NaN counts as the
largest number. Equal elements keep their order.
"""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.ops.reduction import Max, MaxAll, ScatterOne


def order(x, dim, descending=False):
    """The positions of the elements of x in order along ``dim``; equal elements stay in the order they had."""
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    backward = np.argsort(np.flip(x, dim), axis=dim, kind="stable")  # twice reversed: equal elements keep their order
    return np.flip(x.shape[dim] - 1 - backward, dim)


class Sort(Function):
    """The elements of x in order along ``dim``, and where each was."""

    def forward(ctx, x, *, dim, descending, stable=False, count=None):
        ctx.overload = 1 if stable else 0  # PyTorch's two nodes
        ctx.shape, ctx.dim = x.shape, dim
        if x.ndim == 0:
            return x.copy(), np.zeros((), np.int64)
        positions = order(x, dim, descending)
        if count is not None:
            positions = np.take(positions, np.arange(count), dim)
        ctx.positions = np.ascontiguousarray(positions)
        return np.take_along_axis(x, ctx.positions, dim), ctx.positions

    def backward(ctx, grad_z, _):
        if not ctx.shape:
            return grad_z
        grad_x = ScatterOne.apply(grad_z, positions=ctx.positions, dim=ctx.dim, shape=ctx.shape)
        return grad_x


class Topk(Sort):
    """The ``count`` largest elements of x along ``dim`` in descending order, or the smallest in ascending order."""


def choose_kth(x, dim, k):
    """The position of the k-th smallest element of each slice along ``dim``, k counted from 1."""
    return np.take(order(x, dim), k - 1, dim)


def choose_median(x, dim):
    """The position of the median of each slice, the lower of two; that of the first NaN where there is one."""
    middle = np.take(order(x, dim), (x.shape[dim] - 1) // 2, dim)
    missing = np.isnan(x)
    return np.where(missing.any(axis=dim), missing.argmax(axis=dim), middle)


def choose_nanmedian(x, dim):
    """The position of the median of each slice without its NaNs, the lower of two; 0 where all are NaN."""
    count = np.add.reduce(~np.isnan(x), axis=dim, keepdims=True)
    middle = np.maximum(count - 1, 0) // 2
    return np.take_along_axis(order(x, dim), middle, dim).squeeze(dim)


class Kthvalue(Max):
    """z = the ``k``-th smallest element of x along ``dim``, and where it is."""

    function = "kthvalue"
    choose = staticmethod(choose_kth)


class Median(Max):
    """z = the median of x along ``dim``, the lower of the two in the middle, and where it is. NaN if any is."""

    overload = 1
    function = "median"
    choose = staticmethod(choose_median)


class Nanmedian(Max):
    """z = the median of those elements of x along ``dim`` that are not NaN, the lower of two, and where it is."""

    overload = 1
    function = "nanmedian"
    choose = staticmethod(choose_nanmedian)


class MedianAll(MaxAll):
    """z = the median of all of x, the lower of two, NaN if any is. Elements equal to it share the gradient equally."""

    node_name = "MedianBackward0"
    choose = staticmethod(choose_median)

    def forward(ctx, x):
        ctx.dims, ctx.keepdim = tuple(range(x.ndim)), False
        if x.size == 0:
            z = np.asarray(np.nan if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype)
        else:
            z = np.asarray(x.reshape(-1)[ctx.choose(x.reshape(-1), 0)])
        ctx.is_extreme = ctx.ties(x, z)
        return z


class NanmedianAll(MedianAll):
    """z = the median of those elements of x that are not NaN. Elements equal to it share the gradient equally."""

    node_name = "NanmedianBackward0"
    choose = staticmethod(choose_nanmedian)
