"""Pooling on arrays with windows of various sizes, which overlap where they must: the adaptive kind.

As in ``pooling.py`` the plain loops, ``plain_...``, say what the fast kernels compute. Those go window by window along
one dimension, for all the images at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.kernels import kernel_mode
from minigrad.kernels.layout import as_images, as_planes, is_channels_last
from minigrad.kernels.pooling import lowest_of

__all__ = ["Spans", "adaptive_max_pool", "number_of_largest", "span_sums", "spread_span_sums"]

Spans = Sequence[tuple[int, int]]  # the windows along one dimension: where each begins and ends


def span_sums(x: np.ndarray, rows: Spans, columns: Spans) -> np.ndarray:
    """The sum of each window, in the type of x. Shapes: (N, C, H, W) -> (N, C, len(rows), len(columns))."""
    if kernel_mode.get().reference:
        return plain_span_sums(x, rows, columns)
    channels_last = is_channels_last(x)
    planes = as_planes(x, channels_last)
    in_rows = np.empty((*planes.shape[:2], len(columns), planes.shape[3]), x.dtype)
    for w, (start, end) in enumerate(columns):
        np.add.reduce(planes[:, :, start:end], axis=2, out=in_rows[:, :, w])
    z = np.empty((len(planes), len(rows), len(columns), planes.shape[3]), x.dtype)
    for h, (start, end) in enumerate(rows):
        np.add.reduce(in_rows[:, start:end], axis=1, out=z[:, h])
    return as_images(z, x.shape[:2], channels_last)


def plain_span_sums(x: np.ndarray, rows: Spans, columns: Spans) -> np.ndarray:
    """:func:`span_sums`, window by window."""
    z = np.zeros((*x.shape[:2], len(rows), len(columns)), x.dtype)
    for n, c, h, w in np.ndindex(z.shape):
        for row in range(*rows[h]):
            for column in range(*columns[w]):
                z[n, c, h, w] += x[n, c, row, column]
    return z


def spread_span_sums(grad: np.ndarray, size: tuple[int, int], rows: Spans, columns: Spans) -> np.ndarray:
    """Images of ``size`` to which each window adds its ``grad`` at every element: (N, C, h, w) -> (N, C, H, W)."""
    if kernel_mode.get().reference:
        return plain_spread_span_sums(grad, size, rows, columns)
    channels_last = is_channels_last(grad)
    planes = as_planes(grad, channels_last)
    in_rows = np.zeros((len(planes), size[0], len(columns), planes.shape[3]), grad.dtype)
    for h, (start, end) in enumerate(rows):
        in_rows[:, start:end] += planes[:, h, None]
    z = np.zeros((len(planes), *size, planes.shape[3]), grad.dtype)
    for w, (start, end) in enumerate(columns):
        z[:, :, start:end] += in_rows[:, :, w, None]
    return as_images(z, grad.shape[:2], channels_last)


def plain_spread_span_sums(grad: np.ndarray, size: tuple[int, int], rows: Spans, columns: Spans) -> np.ndarray:
    """:func:`spread_span_sums`, window by window."""
    z = np.zeros((*grad.shape[:2], *size), grad.dtype)
    for n, c, h, w in np.ndindex(grad.shape):
        for row in range(*rows[h]):
            for column in range(*columns[w]):
                z[n, c, row, column] += grad[n, c, h, w]
    return z


def adaptive_max_pool(x: np.ndarray, rows: Spans, columns: Spans) -> tuple[np.ndarray, np.ndarray]:
    """The largest element of each window, and its place in the image, row · W + column. Ties and NaN: :func:`max_pool`.

    Shapes: (N, C, H, W) -> twice (N, C, len(rows), len(columns)).
    """
    if kernel_mode.get().reference:
        return plain_adaptive_max_pool(x, rows, columns)
    shape = (*x.shape[:2], len(rows), len(columns))
    z, places = np.empty(shape, x.dtype), np.empty(shape, np.int64)
    for h, w in np.ndindex(shape[2:]):
        (top, bottom), (left, right) = rows[h], columns[w]
        window = x[:, :, top:bottom, left:right].reshape(*shape[:2], (bottom - top) * (right - left))
        number = number_of_largest(window)
        z[:, :, h, w] = np.take_along_axis(window, number[:, :, None], 2)[:, :, 0]
        i, j = np.divmod(number, right - left)
        places[:, :, h, w] = (top + i) * x.shape[3] + left + j
    return z, places


def number_of_largest(window: np.ndarray) -> np.ndarray:
    """Where along the last dimension the largest element is: of equal ones the first, of NaNs the last."""
    number = window.argmax(-1)
    is_nan = np.isnan(window)
    if is_nan.any():
        last_nan = window.shape[-1] - 1 - is_nan[..., ::-1].argmax(-1)
        number = np.where(is_nan.any(-1), last_nan, number)
    return number


def plain_adaptive_max_pool(x: np.ndarray, rows: Spans, columns: Spans) -> tuple[np.ndarray, np.ndarray]:
    """:func:`adaptive_max_pool`, window by window."""
    z = np.empty((*x.shape[:2], len(rows), len(columns)), x.dtype)
    places = np.empty(z.shape, np.int64)
    for n, c, h, w in np.ndindex(z.shape):
        largest = lowest_of(x.dtype)
        place = rows[h][0] * x.shape[3] + columns[w][0]
        for row in range(*rows[h]):
            for column in range(*columns[w]):
                value = x[n, c, row, column]
                if value > largest or np.isnan(value):
                    largest = value
                    place = row * x.shape[3] + column
        z[n, c, h, w] = largest
        places[n, c, h, w] = place
    return z, places
