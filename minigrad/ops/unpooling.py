"""Unpooling: each element goes back to the place from which max pooling took it, and zeros lie between them.

What there is of images (N, C, H, W) or (C, H, W), of signals (N, C, L) or (C, L) and of volumes (N, C, D, H, W) or
(C, D, H, W), as in ``pooling.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import Sizes
from minigrad.arguments.gate import checked
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.saved_tensors import Given
from minigrad.graph.strides import as_pictures
from minigrad.ops.picking import Pick, in_planes
from minigrad.ops.pooling import as_sizes

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


class MaxUnpool2D(Function):
    """z = zeros of ``size``, and x ``where`` it belongs: the last where several elements go to one place."""

    result_strides = as_pictures

    def forward(ctx, x, *, where, size):
        ctx.save_for_backward(where)
        z = np.zeros((*x.shape[: -len(size)], *size), x.dtype)
        z[where] = x
        return z

    def backward(ctx, grad_z):
        (where,) = ctx.saved_tensors
        grad_x = Pick.apply(grad_z, where=where)
        return grad_x


class MaxUnpool3D(MaxUnpool2D):
    """:class:`MaxUnpool2D` of volumes."""


def unpooled(input: Tensor, indices: Tensor, size: tuple[int, ...]) -> Tensor:
    """:class:`MaxUnpool2D`, or ``3D``, of arguments that fit."""
    dims = len(size)
    if indices.dtype is not dtypes.int64:
        raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype}")
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Input to max_unpooling{dims}d should be a {dims + 1}d or {dims + 2}d Tensor, but got a tensor with "
            f"{input.ndim} dimensions."
        )
    if input.shape != indices.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices "
            f"tensor with shape: {list(indices.shape)}"
        )
    if 0 in input.shape[-dims - 1 :]:
        raise RuntimeError(
            f"Expected input to have non-zero size for non-batch dimensions, but got {list(input.shape)}"
        )
    if not input.is_floating_point():
        raise NotImplementedError(f'"max_unpool{dims}d" not implemented for {input.dtype}')
    outside = indices.array[(indices.array < 0) | (indices.array >= math.prod(size))]
    if outside.size:
        raise RuntimeError(
            f"Found an invalid max index: {outside.flat[0]} (output volumes are of size {'x'.join(map(str, size))})"
        )
    operation = MaxUnpool2D if dims == 2 else MaxUnpool3D
    return operation.apply(input, where=Given(in_planes(indices.array, size), indices), size=size)


def size_of_unpooled(
    function: str, input: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any, dims: int
) -> tuple[int, ...]:
    """The size before pooling: that which the windows span, or ``output_size``, less than a stride from it.

    Raises:
        ValueError: no pooling leads from ``output_size`` to the input's.
    """
    kernel = as_sizes(function, "kernel_size", kernel_size, dims)
    steps = kernel if stride is None else as_sizes(function, "stride", stride, dims)
    edges = as_sizes(function, "padding", padding, dims)
    counts = input.shape[-dims:]
    spanned = tuple([(n - 1) * step + k - 2 * p for n, step, k, p in zip(counts, steps, kernel, edges)])
    if output_size is not None:
        wanted = tuple(output_size[2:] if len(output_size) == dims + 2 else output_size)
        if len(wanted) != dims:
            raise ValueError(
                f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a length of "
                f"'{len(wanted)}'"
            )
        for dim, (size, span, step) in enumerate(zip(wanted, spanned, steps)):
            if not span - step < size < span + step:
                raise ValueError(
                    f'invalid output_size "{wanted}" (dim {dim} must be between {span - step} and {span + step})'
                )
        spanned = wanted
    if any(size < 0 for size in spanned):
        raise ValueError(f"max_unpooling: output_size must contain non-negative spatial dimensions, but got {spanned}")
    return spanned


@checked
def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """What ``max_pool2d`` took from an image at its place again, and zeros. Shapes: (N, C, h, w) -> (N, C, H, W).

    Args:
        input: what max pooling gave, and perhaps was computed on since.
        indices: where in the image it was: ``max_pool2d(..., return_indices=True)``.
        kernel_size, stride, padding: the pooling's.
        output_size: H and W, where the windows did not span the image exactly.

    Raises:
        ValueError: no pooling leads from ``output_size`` to the input's.
        RuntimeError: the indices are not int64, not of the input's shape, or outside.
        NotImplementedError: the type is not floating.
    """
    size = size_of_unpooled("max_unpool2d", input, kernel_size, stride, padding, output_size, 2)
    return unpooled(input, indices, size)


@checked
def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """:func:`max_unpool2d` of signals. Shapes: (N, C, l) -> (N, C, L).

    Raises:
        ValueError, RuntimeError, NotImplementedError: as there.
    """
    (length,) = size_of_unpooled("max_unpool1d", input, kernel_size, stride, padding, output_size, 1)
    return unpooled(input.unsqueeze(-1), indices.unsqueeze(-1), (length, 1)).squeeze(-1)


@checked
def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """:func:`max_unpool2d` of volumes. Shapes: (N, C, d, h, w) -> (N, C, D, H, W).

    Raises:
        ValueError, RuntimeError, NotImplementedError: as there.
    """
    size = size_of_unpooled("max_unpool3d", input, kernel_size, stride, padding, output_size, 3)
    return unpooled(input, indices, size)
