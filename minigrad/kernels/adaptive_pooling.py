"""Pooling on arrays with windows of various sizes, which overlap where they must: the adaptive kind.

As in ``pooling.py`` the plain loops, ``plain_...``, say what the fast kernels compute. Those go window by window along
one dimension, for all the images at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.kernels import kernel_mode
from minigrad.kernels.layout import on_planes
from minigrad.kernels.pooling import Spans, added_along, lowest_of, plain_span_sums, plain_spread_span_sums

__all__ = ["adaptive_max_pool", "number_of_largest", "span_sums", "spread_along", "spread_span_sums", "sums_along"]


def span_sums(x: np.ndarray, rows: Spans, columns: Spans) -> np.ndarray:
    """The sum of each window, in the type of x. Shapes: (N, C, H, W) -> (N, C, len(rows), len(columns))."""
    if kernel_mode.get().reference:
        return plain_span_sums(x, rows, columns)
    return on_planes(x, lambda planes: sums_along(sums_along(planes, 2, columns), 1, rows))


def sums_along(x: np.ndarray, axis: int, spans: Spans) -> np.ndarray:
    """The sum of each window along one axis."""
    z = np.empty((*x.shape[:axis], len(spans), *x.shape[axis + 1 :]), x.dtype)
    before: Any = (slice(None),) * axis
    for number, span in enumerate(spans):
        np.add.reduce(x[(*before, slice(*span))], axis=axis, out=z[(*before, number)])
    return z


def spread_span_sums(grad: np.ndarray, size: tuple[int, int], rows: Spans, columns: Spans) -> np.ndarray:
    """Images of ``size`` to which each window adds its ``grad`` at every element: (N, C, h, w) -> (N, C, H, W)."""
    if kernel_mode.get().reference:
        return plain_spread_span_sums(grad, size, rows, columns)
    return on_planes(grad, lambda planes: spread_along(spread_along(planes, 1, rows, size[0]), 2, columns, size[1]))


def spread_along(grad: np.ndarray, axis: int, spans: Spans, size: int) -> np.ndarray:
    """The way back from the windows along one axis to its ``size`` elements."""
    pairs = [(slice(*span), slice(number, number + 1)) for number, span in enumerate(spans)]
    return added_along(grad, axis, size, pairs)


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
