"""Resizing images on arrays: each new element is a sum of a few weighted old ones, along rows and columns alike.

What a new element is made of is told by ``taps``, one or more a dimension: which old position each new one looks at, in
rising order, and with which weight (None: 1). The nearest element is one tap, a line between two elements two, a cubic
curve through four elements four.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.kernels import kernel_mode
from minigrad.kernels.layout import as_images, as_planes, is_channels_last

__all__ = ["Taps", "cubic_weights", "distribute", "resize", "spread_resized", "weighted_sum"]

Taps = Sequence[tuple[np.ndarray, np.ndarray | None]]


def resize(x: np.ndarray, rows: Taps, columns: Taps) -> np.ndarray:
    """The new images: z[h, w] = Σ over the taps of rows and columns of weight · weight · x[position, position].

    Shapes: (N, C, H, W) -> (N, C, h, w).
    """
    if kernel_mode.get().reference:
        return plain_resize(x, rows, columns)
    channels_last = is_channels_last(x)
    planes = weighted_sum(weighted_sum(as_planes(x, channels_last), 2, columns), 1, rows)
    return as_images(planes, x.shape[:2], channels_last)


def plain_resize(x: np.ndarray, rows: Taps, columns: Taps) -> np.ndarray:
    """:func:`resize`, element by element."""
    z = np.zeros((*x.shape[:2], len(rows[0][0]), len(columns[0][0])), x.dtype)
    for n, c, h, w in np.ndindex(z.shape):
        for row, row_weights in rows:
            for column, column_weights in columns:
                value = x[n, c, row[h], column[w]]
                if column_weights is not None:
                    value = value * column_weights[w]
                if row_weights is not None:
                    value = value * row_weights[h]
                z[n, c, h, w] += value
    return z


def weighted_sum(x, axis, taps):
    """The new elements along one axis."""
    total = None
    for positions, weights in taps:
        part = np.take(x, positions, axis)
        if weights is not None:
            part *= on_axis(weights, axis)
        if total is None:
            total = part
        else:
            total += part
    return total


def spread_resized(grad: np.ndarray, size: tuple[int, int], rows: Taps, columns: Taps) -> np.ndarray:
    """Images of ``size`` to which each new element adds its ``grad``, weighted, at what it was made of.

    Shapes: (N, C, h, w) -> (N, C, H, W).
    """
    if kernel_mode.get().reference:
        return plain_spread_resized(grad, size, rows, columns)
    channels_last = is_channels_last(grad)
    planes = distribute(distribute(as_planes(grad, channels_last), 1, rows, size[0]), 2, columns, size[1])
    return as_images(planes, grad.shape[:2], channels_last)


def plain_spread_resized(grad: np.ndarray, size: tuple[int, int], rows: Taps, columns: Taps) -> np.ndarray:
    """:func:`spread_resized`, element by element."""
    z = np.zeros((*grad.shape[:2], *size), grad.dtype)
    for n, c, h, w in np.ndindex(grad.shape):
        for row, row_weights in rows:
            for column, column_weights in columns:
                value = grad[n, c, h, w]
                if row_weights is not None:
                    value = value * row_weights[h]
                if column_weights is not None:
                    value = value * column_weights[w]
                z[n, c, row[h], column[w]] += value
    return z


def distribute(grad, axis, taps, size):
    """Along one axis, at each old element the sum of the gradients of the new ones made of it."""
    z = np.zeros((*grad.shape[:axis], size, *grad.shape[axis + 1 :]), grad.dtype)
    for positions, weights in taps:
        part = grad if weights is None else grad * on_axis(weights, axis)
        starts = np.flatnonzero(np.diff(positions, prepend=-1))  # positions rise: equal ones are neighbours
        z[(slice(None),) * axis + (positions[starts],)] += np.add.reduceat(part, starts, axis)
    return z


def on_axis(weights, axis):
    """``weights`` as an array of four dimensions, along one of them."""
    shape = [1, 1, 1, 1]
    shape[axis] = -1
    return weights.reshape(shape)


CUBIC = -0.75  # the slope at the next element; Keys has -0.5


def cubic_weights(t: Any, a: float = CUBIC) -> list[tuple[Any, Any]]:
    """The weights of four elements for a place ``t`` after the second, and how each changes with t.

    Source: Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981.
    """
    found = []
    for near, sign in ((t, 1), (1 - t, -1)):
        far = near + 1
        outer = ((a * far - 5 * a) * far + 8 * a) * far - 4 * a
        inner = ((a + 2) * near - (a + 3)) * near * near + 1
        change_of_outer = sign * ((3 * a * far - 10 * a) * far + 8 * a)
        change_of_inner = sign * (3 * (a + 2) * near - 2 * (a + 3)) * near
        found.append([(outer, change_of_outer), (inner, change_of_inner)])
    return [*found[0], *reversed(found[1])]
