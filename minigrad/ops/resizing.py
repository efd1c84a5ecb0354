"""Resizing images. Each class: formula, forward, backward.

What is computed on arrays, once as the plain loop and once fast, is in ``minigrad/kernels/resizing.py``; ``rows`` and
``columns`` are its ``Taps``. Resizing is linear: so the gradient's gradient is resizing again.
"""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.kernels import resizing as kernels


class Upsample(Function):
    """z[h, w] = Σ weight · weight · x[position, position]: (N, C, H, W) -> (N, C, h, w), or (N, C, L) -> (N, C, l).

    Each subclass is a way to choose positions and weights, and has PyTorch's name.
    """

    def forward(ctx, x, *, rows, columns):
        ctx.size, ctx.rows, ctx.columns = x.shape[2:], rows, columns
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        z = kernels.resize(wide if x.ndim == 4 else wide[:, :, None], rows, columns)
        return (z if x.ndim == 4 else z[:, :, 0]).astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        grad_x = UpsampleBackward.apply(grad_z, size=ctx.size, rows=ctx.rows, columns=ctx.columns)
        return grad_x


class UpsampleBackward(Function):
    """Zeros to which each element of z adds its gradient at the elements of x that it was made of."""

    def forward(ctx, grad, *, size, rows, columns):
        ctx.rows, ctx.columns = rows, columns
        wide = grad.astype(np.float32) if grad.dtype == np.float16 else grad
        image = wide if grad.ndim == 4 else wide[:, :, None]
        z = kernels.spread_resized(image, size if grad.ndim == 4 else (1, *size), rows, columns)
        return (z if grad.ndim == 4 else z[:, :, 0]).astype(grad.dtype, copy=False)

    def backward(ctx, grad_z):
        grad_grad = Upsample.apply(grad_z, rows=ctx.rows, columns=ctx.columns)
        return grad_grad


class UpsampleNearest1D(Upsample):
    """z = the element of x that lies under its left end."""


class UpsampleNearest2D(Upsample):
    """z = the element of x that lies under its upper left corner."""


class UpsampleNearestExact1D(Upsample):
    """z = the element of x that lies under its middle."""


class UpsampleNearestExact2D(Upsample):
    """z = the element of x that lies under its middle."""


class UpsampleLinear1D(Upsample):
    """z = on the line between the two nearest elements of x."""


class UpsampleBilinear2D(Upsample):
    """z = on the lines between the four nearest elements of x."""


class PixelShuffle(Function):
    """z[c, h r + i, w r + j] = x[c r² + i r + j, h, w]: r² channels become r × r pixels. Leading dimensions: any."""

    def forward(ctx, x, *, factor):
        ctx.factor = factor
        channels, height, width = x.shape[-3] // factor**2, x.shape[-2], x.shape[-1]
        parts = x.reshape(*x.shape[:-3], channels, factor, factor, height, width)
        return interleave(parts, (0, 3, 1, 4, 2), (channels, height * factor, width * factor))

    def backward(ctx, grad_z):
        grad_x = PixelUnshuffle.apply(grad_z, factor=ctx.factor)
        return grad_x


class PixelUnshuffle(Function):
    """z[c r² + i r + j, h, w] = x[c, h r + i, w r + j]: r × r pixels become r² channels. Leading dimensions: any."""

    def forward(ctx, x, *, factor):
        ctx.factor = factor
        channels, height, width = x.shape[-3], x.shape[-2] // factor, x.shape[-1] // factor
        parts = x.reshape(*x.shape[:-3], channels, height, factor, width, factor)
        return interleave(parts, (0, 2, 4, 1, 3), (channels * factor**2, height, width))

    def backward(ctx, grad_z):
        grad_x = PixelShuffle.apply(grad_z, factor=ctx.factor)
        return grad_x


def interleave(parts, order, shape):
    """``parts``, whose last five dimensions are put into ``order``, with these merged to the three of ``shape``."""
    leading = parts.ndim - 5
    parts = parts.transpose(*range(leading), *[leading + each for each in order])
    return parts.reshape(*parts.shape[:leading], *shape)
