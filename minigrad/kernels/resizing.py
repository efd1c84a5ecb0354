"""Resizing images on arrays: each new element is a sum of a few weighted old ones, along rows and columns alike.

What a new element is made of is told by ``taps``, one or more a dimension: which old position each new one looks at, in
rising order, and with which weight (None: 1). The nearest element is one tap, a line between two elements two, a cubic
curve through four elements four.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import mul
from typing import Any

import numpy as np

from minigrad.kernels import kernel_mode
from minigrad.kernels.layout import on_planes

__all__ = ["Taps", "cubic_weights", "distribute", "resize", "spread_resized", "weighted_sum"]

Taps = Sequence[tuple[np.ndarray, np.ndarray | None]]


def resize(x: np.ndarray, rows: Taps, columns: Taps) -> np.ndarray:
    """The new images: z[h, w] = Σ over the taps of rows and columns of weight · weight · x[position, position].

    Shapes: (N, C, H, W) -> (N, C, h, w).
    """
    if kernel_mode.get().reference:
        return plain_resize(x, rows, columns)
    return on_planes(x, lambda planes: weighted_sum(weighted_sum(planes, 2, columns), 1, rows))


def plain_resize(x: np.ndarray, rows: Taps, columns: Taps) -> np.ndarray:
    """:func:`resize`, element by element."""
    z = np.zeros((*x.shape[:2], len(rows[0][0]), len(columns[0][0])), x.dtype)
    for at_z, at_x, weights in terms(z.shape, rows, columns):
        z[at_z] += reduce(mul, reversed(weights), x[at_x])
    return z


def terms(z_shape: tuple[int, ...], rows: Taps, columns: Taps) -> Iterator[Any]:
    """Every term of the sums: the indices into z and x that meet in it, and its weights but for 1, the row's first."""
    for n, c, h, w in np.ndindex(z_shape):
        for row, row_weights in rows:
            for column, column_weights in columns:
                weights = [each[at] for each, at in ((row_weights, h), (column_weights, w)) if each is not None]
                yield (n, c, h, w), (n, c, row[h], column[w]), weights


def weighted_sum(x, axis, taps):
    """The new elements along one axis."""
    total = None
    for positions, weights in taps:
        part = np.take(x, positions, axis)
        if weights is not None:
            part *= on_axis(weights, axis)
        total = part if total is None else np.add(total, part, out=total)
    return total


def spread_resized(grad: np.ndarray, size: tuple[int, int], rows: Taps, columns: Taps) -> np.ndarray:
    """Images of ``size`` to which each new element adds its ``grad``, weighted, at what it was made of.

    Shapes: (N, C, h, w) -> (N, C, H, W).
    """
    if kernel_mode.get().reference:
        return plain_spread_resized(grad, size, rows, columns)
    return on_planes(grad, lambda planes: distribute(distribute(planes, 1, rows, size[0]), 2, columns, size[1]))


def plain_spread_resized(grad: np.ndarray, size: tuple[int, int], rows: Taps, columns: Taps) -> np.ndarray:
    """:func:`spread_resized`, element by element."""
    z = np.zeros((*grad.shape[:2], *size), grad.dtype)
    for at_grad, at_z, weights in terms(grad.shape, rows, columns):
        z[at_z] += reduce(mul, weights, grad[at_grad])
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
