"""Pictures taken apart into columns, one a place of a kernel, and put together again. On arrays.

One loop over the kernel's taps is both the definition and fast: a tap reads the same offset at every place, which is
one strided slice. So there is no second version here.
"""

from __future__ import annotations

import numpy as np

from minigrad.kernels.convolution import places_on

__all__ = ["fold", "unfold"]


def read_by(tap, places, stride, dilation):
    """The rows and columns of a padded picture that the tap (r, s) reads, over all places of the kernel."""
    firsts = [number * gap for number, gap in zip(tap, dilation)]
    return tuple([slice(first, first + (n - 1) * step + 1, step) for first, n, step in zip(firsts, places, stride)])


def unfold(x, kernel, stride, padding, dilation):
    """(N, C, H, W) -> (N, C·R·S, places): what the kernel reads at each place."""
    count, channels = x.shape[:2]
    padded = np.pad(x, [(0, 0), (0, 0)] + [(each, each) for each in padding])
    places = places_on(x.shape[2:], kernel, stride, padding, dilation)
    columns = np.empty((count, channels, *kernel, *places), x.dtype)
    for r in range(kernel[0]):
        for s in range(kernel[1]):
            rows_read, columns_read = read_by((r, s), places, stride, dilation)
            columns[:, :, r, s] = padded[:, :, rows_read, columns_read]
    return columns.reshape(count, channels * kernel[0] * kernel[1], places[0] * places[1])


def fold(columns, size, kernel, stride, padding, dilation):
    """(N, C·R·S, places) -> (N, C, *size): each column added to the places it would be read from."""
    count = len(columns)
    channels = columns.shape[1] // (kernel[0] * kernel[1])
    places = places_on(size, kernel, stride, padding, dilation)
    columns = columns.reshape(count, channels, *kernel, *places)
    padded = np.zeros((count, channels, size[0] + 2 * padding[0], size[1] + 2 * padding[1]), columns.dtype)
    for r in range(kernel[0]):
        for s in range(kernel[1]):
            rows_read, columns_read = read_by((r, s), places, stride, dilation)
            padded[:, :, rows_read, columns_read] += columns[:, :, r, s]
    inside = padded[:, :, padding[0] : padding[0] + size[0], padding[1] : padding[1] + size[1]]
    return np.ascontiguousarray(inside)
