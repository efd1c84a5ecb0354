"""Pooling to as many numbers as asked for: windows of unequal sizes cover the image. Rules, then what users call.

Shapes are those of ``pooling.py``. What is computed on arrays is in ``minigrad/kernels/adaptive_pooling.py``; ``rows``
and ``columns`` are its ``Spans``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments.checks import check_tensors
from minigrad.arguments.dims import Sizes
from minigrad.arguments.gate import checked
from minigrad.dtypes import NARROW
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor, unwrap
from minigrad.graph.strides import as_pictures
from minigrad.kernels import adaptive_pooling
from minigrad.kernels.adaptive_pooling import Spans
from minigrad.ops.picking import Pick, coordinates
from minigrad.ops.pooling import as_sizes, batched, check_pooled_type, like, zero_gradient

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d"]


def counts(rows, columns):
    """How many elements each window has: (h, w)."""
    heights = np.array([end - start for start, end in rows], np.int64)
    widths = np.array([end - start for start, end in columns], np.int64)
    return heights[:, None] * widths


class AdaptiveAvgPool2D(Function):
    """z = the mean of each window, the windows being as many as asked for."""

    result_strides = as_pictures

    def forward(ctx, x, *, rows, columns):
        ctx.rows, ctx.columns = rows, columns
        ctx.save_for_backward(x)
        wide = x.astype(np.float32) if x.dtype in NARROW else x
        total = like(adaptive_pooling.span_sums(batched(wide), rows, columns), x.ndim)
        total /= counts(rows, columns)
        return total.astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = AdaptiveAvgPool2DBackward.apply(grad_z, x, rows=ctx.rows, columns=ctx.columns)
        return grad_x


@checked
def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """The averages of h × w windows that together cover the image. Shapes: (N, C, H, W) -> (N, C, h, w).

    Window i of h is from ⌊i H / h⌋ to ⌈(i + 1) H / h⌉. ``output_size`` is h and w, None to keep the input's size, or
    one number for both.

    Raises:
        RuntimeError: the input is no image, or a size is negative.
        ValueError: two sizes are asked for of an input of two dimensions or fewer.
        TypeError: a size is neither a whole number nor None.
        NotImplementedError: the input is not floating.
    """
    sizes = output_sizes("adaptive_avg_pool2d", output_size, input)
    if input.ndim not in (3, 4):
        raise RuntimeError(f"adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got {list(input.shape)}")
    if sizes == (1, 1):
        return input.mean((-1, -2), keepdim=True)
    check_spanned("adaptive_avg_pool2d", input, input.ndim - 2)
    rows, columns = [spans_of(*each) for each in zip(input.shape[-2:], sizes)]
    return AdaptiveAvgPool2D.apply(input, rows=rows, columns=columns)


def output_sizes(function: str, output_size: Any, input: Tensor, dims: int = 2) -> tuple[int, ...]:
    """The sizes asked for, None replaced by the input's.

    Raises:
        ValueError: several sizes are asked for, but the input has no more dimensions than these.
        RuntimeError: they are not one a dimension, or one is negative.
    """
    several = isinstance(output_size, (tuple, list))
    if several and input.ndim <= len(output_size):
        raise ValueError(f"{function}: Input dimension should be at least {len(output_size) + 1}")
    asked = tuple(output_size) if several else (output_size,) * dims
    if len(asked) != dims:
        raise RuntimeError(f"{function}: output_size must be {dims}, but has {len(asked)} numbers")
    chosen = [own if each is None else each for each, own in zip(asked, input.shape[-dims:])]
    sizes = as_sizes(function, "output_size", chosen, dims)
    if min(sizes) < 0:
        raise RuntimeError(f"{function}: elements of output_size must be greater than or equal to 0, but got {asked}")
    np.empty((*input.shape[:-dims], *sizes), input.array.dtype)  # raises at once where the result is too large
    return sizes


def check_spanned(function: str, input: Tensor, first: int) -> None:
    """Raise PyTorch's error where a dimension from ``first`` on is empty, or the type is not floating."""
    if 0 in input.shape[first:]:
        raise RuntimeError(
            f"{function}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
            f"{list(input.shape)}"
        )
    check_pooled_type(function, input, ())


def spans_of(size: int, count: int) -> Spans:
    """``count`` windows that cover ``size``: from ⌊i size / count⌋ to ⌈(i + 1) size / count⌉."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


@checked
def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """The averages of l windows that together cover the signal. Shapes: (N, C, L) -> (N, C, l).

    Raises:
        RuntimeError: the input has other than two or three dimensions.
    """
    check_signal("adaptive_avg_pool1d", input)
    (size,) = as_sizes("adaptive_avg_pool1d", "output_size", output_size, 1)
    return adaptive_avg_pool2d(input.unsqueeze(-2), (1, size)).squeeze(-2)


def check_signal(function: str, input: Any) -> None:
    """Raise PyTorch's RuntimeError unless ``input`` is a tensor (N, C, L) or (C, L)."""
    check_tensors(function, input=input)
    if input.ndim not in (2, 3):
        raise RuntimeError(f"{function}: Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor")


class AdaptiveAvgPool2DBackward(Function):
    """Zeros to which each window adds its gradient, divided by its number of elements, at every element."""

    def forward(ctx, grad, x, *, rows, columns):
        ctx.rows, ctx.columns = rows, columns
        share = batched(grad / counts(rows, columns).astype(grad.dtype))
        return like(adaptive_pooling.spread_span_sums(share, x.shape[-2:], rows, columns), x.ndim)

    def backward(ctx, grad_z):
        grad_grad = AdaptiveAvgPool2D.apply(grad_z, rows=ctx.rows, columns=ctx.columns)
        return grad_grad, zero_gradient(grad_z)


class AdaptiveMaxPool2D(Function):
    """z = the largest element of each window, and where it lies in the image, row · W + column.

    The windows are as many as asked for. Ties and NaN: as in :class:`MaxPool2DWithIndices`.
    """

    saved_names = ("self", "result1")
    result_strides = as_pictures
    materialize_grads = False

    def forward(ctx, x, *, rows, columns):
        z, places = adaptive_pooling.adaptive_max_pool(batched(x), rows, columns)
        z, places = like(z, x.ndim), like(places, x.ndim)
        ctx.save_for_backward(x, places)
        return z, places

    def backward(ctx, grad_z, grad_places):
        x, places = ctx.saved_tensors
        grad_x = AdaptiveMaxPool2DBackward.apply(grad_z, x, places=unwrap(places))
        return grad_x


@checked
def adaptive_max_pool2d(
    input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """The largest elements of h × w windows that together cover the image. Shapes: (N, C, H, W) -> (N, C, h, w).

    The windows are those of :func:`adaptive_avg_pool2d`, ties, NaN and the indices those of :func:`max_pool2d`.

    Raises: as :func:`adaptive_avg_pool2d`.
    """
    sizes = output_sizes("adaptive_max_pool2d", output_size, input)
    if input.ndim not in (3, 4):
        raise RuntimeError(f"adaptive_max_pool2d(): Expected 3D or 4D tensor, but got: {list(input.shape)}")
    check_spanned("adaptive_max_pool2d", input, input.ndim - 3)
    rows, columns = [spans_of(*each) for each in zip(input.shape[-2:], sizes)]
    values, indices = AdaptiveMaxPool2D.apply(input, rows=rows, columns=columns)
    return (values, indices) if return_indices else values


@checked
def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest elements of l windows that together cover the signal. Shapes: (N, C, L) -> (N, C, l).

    The windows are those of :func:`adaptive_avg_pool1d`.

    Raises:
        RuntimeError: the input has other than two or three dimensions.
    """
    check_signal("adaptive_max_pool1d", input)
    (size,) = as_sizes("adaptive_max_pool1d", "output_size", output_size, 1)
    values, indices = adaptive_max_pool2d(input.unsqueeze(-2), (1, size), return_indices=True)
    return (values.squeeze(-2), indices.squeeze(-2)) if return_indices else values.squeeze(-2)


class AdaptiveMaxPool2DBackward(Function):
    """Zeros to which each window adds its gradient at its largest element."""

    dims = 2

    def forward(ctx, grad, x, *, places):
        planes = np.indices(places.shape, sparse=True)[: -ctx.dims]
        ctx.where = (*planes, *coordinates(places, x.shape[-ctx.dims :]))
        z = np.zeros_like(x)
        np.add.at(z, ctx.where, grad)
        return z

    def backward(ctx, grad_z):
        grad_grad = Pick.apply(grad_z, where=ctx.where)
        return grad_grad, zero_gradient(grad_z)
