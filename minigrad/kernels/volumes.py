"""Volumes (N, C, D, H, W) by the kernels of pictures, which do the work.

A window of a volume is pooled in each of its pictures first, and then along the depth; so is a volume resized. A
convolution's kernel reads, at each depth of the output, several pictures: they are taken for further channels of one.
"""

from __future__ import annotations

import numpy as np

from minigrad.dtypes import NARROW
from minigrad.kernels import adaptive_pooling, convolution, pooling, resizing
from minigrad.kernels.adaptive_pooling import number_of_largest, spread_along, sums_along
from minigrad.kernels.convolution import wide
from minigrad.kernels.memory import inside
from minigrad.kernels.pooling import Spans, Windows, rows_and_columns
from minigrad.kernels.resizing import Taps

__all__ = ["adaptive_max_pool", "convolve", "gradient_of_input", "gradient_of_weight", "max_pool", "span_sums"]
__all__ += ["resize", "spread_resized", "spread_span_sums"]


def as_pictures(x: np.ndarray) -> np.ndarray:
    """(N, C, D, H, W) as pictures (N, C·D, H, W)."""
    return x.reshape(x.shape[0], x.shape[1] * x.shape[2], *x.shape[3:])


# ------------------------------------------------------------------------------------------------- pooling


def span_sums(x: np.ndarray, depths: Spans, rows: Spans, columns: Spans) -> np.ndarray:
    """The sum of each window. Shapes: (N, C, D, H, W) -> (N, C, d, h, w)."""
    flat = adaptive_pooling.span_sums(as_pictures(x), rows, columns)
    return sums_along(flat.reshape(*x.shape[:3], *flat.shape[2:]), 2, depths)


def spread_span_sums(
    grad: np.ndarray, size: tuple[int, int, int], depths: Spans, rows: Spans, columns: Spans
) -> np.ndarray:
    """Volumes of ``size`` to which each window adds its ``grad`` at every element."""
    flat = spread_along(grad, 2, depths, size[0])
    z = adaptive_pooling.spread_span_sums(as_pictures(flat), size[1:], rows, columns)
    return z.reshape(*flat.shape[:3], *size[1:])


def max_pool(x: np.ndarray, depths: Windows, rows: Windows, columns: Windows) -> tuple[np.ndarray, np.ndarray]:
    """The largest element of each window, and its place in the volume, (depth · H + row) · W + column.

    Ties and NaN: as in :func:`pooling.max_pool`. Shapes: (N, C, D, H, W) -> twice (N, C, d, h, w).
    """
    flat, numbers = pooling.max_pool(as_pictures(x), rows, columns)
    shape = (*x.shape[:3], rows.count * columns.count)  # now a row is all that lies at one depth
    z, tap = pooling.max_pool(flat.reshape(shape), depths, Windows(shape[3], 1, 1, 0, 1))
    depth = depths.place(np.arange(depths.count)[:, None], tap.astype(np.int64))
    number = np.take_along_axis(numbers.reshape(shape), depth, 2)
    row, column = rows_and_columns(number.reshape(*z.shape[:3], rows.count, columns.count), rows, columns)
    places = (depth.reshape(row.shape) * x.shape[3] + row) * x.shape[4] + column
    return z.reshape(places.shape), places


def adaptive_max_pool(x: np.ndarray, depths: Spans, rows: Spans, columns: Spans) -> tuple[np.ndarray, np.ndarray]:
    """:func:`max_pool` with windows of various sizes."""
    flat, flat_places = adaptive_pooling.adaptive_max_pool(as_pictures(x), rows, columns)
    flat, flat_places = [each.reshape(*x.shape[:3], len(rows), len(columns)) for each in (flat, flat_places)]
    depth = np.empty((*x.shape[:2], len(depths), len(rows), len(columns)), np.int64)
    for d, (start, end) in enumerate(depths):
        depth[:, :, d] = start + number_of_largest(np.moveaxis(flat[:, :, start:end], 2, -1))
    places = depth * (x.shape[3] * x.shape[4]) + np.take_along_axis(flat_places, depth, 2)
    return np.take_along_axis(flat, depth, 2), places


def resize(x: np.ndarray, depths: Taps, rows: Taps, columns: Taps) -> np.ndarray:
    """:func:`resizing.resize` of volumes. Shapes: (N, C, D, H, W) -> (N, C, d, h, w)."""
    flat = resizing.resize(as_pictures(x), rows, columns)
    z = resizing.weighted_sum(flat.reshape(-1, x.shape[2], *flat.shape[2:]), 1, depths)
    return z.reshape(*x.shape[:2], *z.shape[1:])


def spread_resized(grad: np.ndarray, size: tuple[int, int, int], depths: Taps, rows: Taps, columns: Taps) -> np.ndarray:
    """:func:`resizing.spread_resized` to volumes of ``size``."""
    flat = resizing.distribute(grad.reshape(-1, *grad.shape[2:]), 1, depths, size[0])
    z = resizing.spread_resized(flat.reshape(len(grad), -1, *flat.shape[2:]), size[1:], rows, columns)
    return z.reshape(*grad.shape[:2], *size)


# --------------------------------------------------------------------------------------------- convolution


def read(x: np.ndarray, taps: int, stride: int, padding: int, dilation: int, depths: int) -> np.ndarray:
    """What the output reads at each of its ``depths``, as the channels of one picture: (N·depths, C·taps, H, W)."""
    count, channels, size, *places = x.shape
    found = np.zeros((count, depths, channels, taps, *places), x.dtype)
    for tap in range(taps):
        of_x, of_y = inside(0, depths, tap, stride, padding, dilation, size)
        found[:, of_y, :, tap] = x[:, :, of_x].swapaxes(1, 2)
    return found.reshape(count * depths, channels * taps, *places)


def convolve(x, weight, stride, padding, dilation, groups, places=None):
    """:func:`convolution.convolve` of volumes. Shapes: (N, C, D, H, W), (K, C / groups, T, R, S) -> (N, K, d, h, w)."""
    taps = weight.shape[2]
    if places is None:
        reach = dilation[0] * (taps - 1) + 1
        depths = (x.shape[2] + 2 * padding[0] - reach) // stride[0] + 1
    else:
        depths, *places = places
    pictures = read(x, taps, stride[0], padding[0], dilation[0], depths)
    steps = (stride[1:], padding[1:], dilation[1:], groups)
    y = convolution.convolve(pictures, as_pictures(weight), *steps, places=places)
    return np.ascontiguousarray(y.reshape(len(x), depths, *y.shape[1:]).swapaxes(1, 2))


def outputs(grad_y: np.ndarray) -> np.ndarray:
    """(N, K, d, h, w) as pictures of the output, (N·d, K, h, w)."""
    return grad_y.swapaxes(1, 2).reshape(len(grad_y) * grad_y.shape[2], grad_y.shape[1], *grad_y.shape[3:])


def gradient_of_input(grad_y, weight, x_shape, stride, padding, dilation, groups, alike=False):
    """dL/dx: each picture gets what it was read for."""
    if grad_y.dtype in NARROW:  # summed in float32 and rounded once
        grad_x = gradient_of_input(wide(grad_y), wide(weight), x_shape, stride, padding, dilation, groups, alike)
        return grad_x.astype(grad_y.dtype)
    count, channels, size, *places = x_shape
    taps, depths = weight.shape[2], grad_y.shape[2]
    shape = (count * depths, channels * taps, *places)
    steps = (stride[1:], padding[1:], dilation[1:], groups, alike)
    grad = convolution.gradient_of_input(outputs(grad_y), as_pictures(weight), shape, *steps)
    grad = grad.reshape(count, depths, channels, taps, *places)
    grad_x = np.zeros(x_shape, grad.dtype)
    for tap in range(taps):
        of_x, of_y = inside(0, depths, tap, stride[0], padding[0], dilation[0], size)
        grad_x[:, :, of_x] += grad[:, of_y, :, tap].swapaxes(1, 2)
    return grad_x


def gradient_of_weight(grad_y, x, weight_shape, stride, padding, dilation, groups):
    """dL/dweight."""
    kernels, channels, taps, *kernel = weight_shape
    pictures = read(x, taps, stride[0], padding[0], dilation[0], grad_y.shape[2])
    steps = (stride[1:], padding[1:], dilation[1:], groups)
    shape = (kernels, channels * taps, *kernel)
    return convolution.gradient_of_weight(outputs(grad_y), pictures, shape, *steps).reshape(weight_shape)
