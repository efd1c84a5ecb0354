"""Pooling to as many numbers as asked for: windows of unequal sizes cover the image. Rules, then what users call.

Shapes are those of ``pooling.py``. What is computed on arrays is in ``minigrad/kernels/adaptive_pooling.py``;
``windows`` are ``Spans`` along each dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments.dims import Sizes
from minigrad.arguments.gate import checked
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor, unwrap
from minigrad.graph.strides import as_pictures
from minigrad.kernels import adaptive_pooling
from minigrad.kernels.pooling import Spans
from minigrad.ops import pooling
from minigrad.ops.picking import Pick, in_planes

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d"]


class AdaptiveAvgPool2DBackward(pooling.AvgPool2DBackward):
    """The same where the windows are as many as asked for."""


class AdaptiveAvgPool2D(pooling.AvgPool2D):
    """z = the mean of each window, the windows being as many as asked for."""

    sums = staticmethod(adaptive_pooling.span_sums)
    spread = staticmethod(adaptive_pooling.spread_span_sums)
    gradient = AdaptiveAvgPool2DBackward


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
    if sizes == (1, 1):
        return input.mean((-1, -2), keepdim=True)
    windows = windows_of("adaptive_avg_pool2d", input, sizes, input.ndim - 2)
    return AdaptiveAvgPool2D.apply(input, windows=windows, divisors=elements_of(windows))


def output_sizes(function: str, output_size: Any, input: Tensor, dims: int = 2) -> tuple[int, ...]:
    """The sizes asked for, None replaced by the input's.

    Raises:
        ValueError: several sizes are asked for, but the input has no more dimensions than these.
        RuntimeError: they are not one a dimension, or one is negative; or the input has other dimensions.
    """
    several = isinstance(output_size, (tuple, list))
    if several and input.ndim <= len(output_size):
        raise ValueError(f"{function}: Input dimension should be at least {len(output_size) + 1}")
    asked = tuple(output_size) if several else (output_size,) * dims
    if len(asked) != dims:
        raise RuntimeError(f"{function}: output_size must be {dims}, but has {len(asked)} numbers")
    chosen = [own if each is None else each for each, own in zip(asked, input.shape[-dims:])]
    sizes = pooling.as_sizes(function, "output_size", chosen, dims)
    if min(sizes) < 0:
        raise RuntimeError(f"{function}: elements of output_size must be greater than or equal to 0, but got {asked}")
    np.empty((*input.shape[:-dims], *sizes), input.array.dtype)  # raises at once where the result is too large
    if input.ndim not in (dims + 1, dims + 2):
        got = "got:" if "max" in function else "got"
        raise RuntimeError(f"{function}(): Expected {dims + 1}D or {dims + 2}D tensor, but {got} {list(input.shape)}")
    return sizes


def windows_of(function: str, input: Tensor, sizes: tuple[int, ...], first: int) -> list[Spans]:
    """As many windows along each of the last dimensions as ``sizes`` says.

    Raises:
        RuntimeError, NotImplementedError: a dimension from ``first`` on is empty; the type is not floating.
    """
    if 0 in input.shape[first:]:
        raise RuntimeError(
            f"{function}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
            f"{list(input.shape)}"
        )
    pooling.check_pooled_type(function, input, ())
    return [spans_of(*each) for each in zip(input.shape[-len(sizes) :], sizes)]


def spans_of(size: int, count: int) -> Spans:
    """``count`` windows that cover ``size``: from ⌊i size / count⌋ to ⌈(i + 1) size / count⌉."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def elements_of(windows: Sequence[Spans]) -> Any:
    """How many elements each window has."""
    return pooling.counts_of([[end - start for start, end in along] for along in windows])


@checked
def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """The averages of l windows that together cover the signal. Shapes: (N, C, L) -> (N, C, l).

    Raises:
        RuntimeError: the input has other than two or three dimensions.
    """
    check_signal("adaptive_avg_pool1d", input)
    (size,) = pooling.as_sizes("adaptive_avg_pool1d", "output_size", output_size, 1)
    return adaptive_avg_pool2d(input.unsqueeze(-2), (1, size)).squeeze(-2)


def check_signal(function: str, input: Tensor) -> None:
    """Raise PyTorch's RuntimeError unless ``input`` is (N, C, L) or (C, L)."""
    if input.ndim not in (2, 3):
        raise RuntimeError(f"{function}: Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor")


class AdaptiveMaxPool2DBackward(Function):
    """Zeros to which each window adds its gradient at its largest element, one of ``dims`` dimensions."""

    def forward(ctx, grad, x, *, places, dims):
        ctx.where = in_planes(places, x.shape[-dims:])
        z = np.zeros_like(x)
        np.add.at(z, ctx.where, grad)
        return z

    def backward(ctx, grad_z):
        grad_grad = Pick.apply(grad_z, where=ctx.where)
        return grad_grad, pooling.zero_gradient(grad_z)


class AdaptiveMaxPool2D(Function):
    """z = the largest element of each window, and where it lies in the image, row · W + column.

    The windows are as many as asked for. Ties and NaN: as in :class:`MaxPool2DWithIndices`.
    """

    saved_names = ("self", "result1")
    result_strides: Any = as_pictures
    materialize_grads = False
    kernel: Any = staticmethod(adaptive_pooling.adaptive_max_pool)
    gradient: Any = AdaptiveMaxPool2DBackward

    def forward(ctx, x, *, windows):
        ctx.dims = len(windows)
        z, places = [pooling.like(each, x.ndim) for each in ctx.kernel(pooling.batched(x, ctx.dims), *windows)]
        ctx.save_for_backward(x, places)
        return z, places

    def backward(ctx, grad_z, grad_places):
        x, places = ctx.saved_tensors
        grad_x = ctx.gradient.apply(grad_z, x, places=unwrap(places), dims=ctx.dims)
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
    windows = windows_of("adaptive_max_pool2d", input, sizes, input.ndim - 3)
    values, indices = AdaptiveMaxPool2D.apply(input, windows=windows)
    return (values, indices) if return_indices else values


@checked
def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest elements of l windows that together cover the signal. Shapes: (N, C, L) -> (N, C, l).

    The windows are those of :func:`adaptive_avg_pool1d`.

    Raises:
        RuntimeError: the input has other than two or three dimensions.
    """
    check_signal("adaptive_max_pool1d", input)
    (size,) = pooling.as_sizes("adaptive_max_pool1d", "output_size", output_size, 1)
    values, indices = adaptive_max_pool2d(input.unsqueeze(-2), (1, size), return_indices=True)
    return (values.squeeze(-2), indices.squeeze(-2)) if return_indices else values.squeeze(-2)
