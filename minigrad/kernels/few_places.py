"""Convolution where a kernel stands on fewer places than there are kernels, as in the deep layers of a network.

The kernels are then the largest array, so they stay as they lie in memory, a matrix (K, C·R·S), and what a place reads
is copied in that order. Threads share the kernels, or the channels, and each reads all places. The plain loops that
this equals are in ``convolution.py``; there too is what becomes of other shapes.
"""

from __future__ import annotations

import numpy as np

from minigrad.kernels.memory import channels_last, inside, pictures, window, workspace
from minigrad.kernels.parallel import share_out, spans, worth_sharing

__all__ = ["convolve", "gradient_of_input", "gradient_of_weight", "pays"]

FEWEST_EACH = 64  # kernels or channels that a thread is woken for


def pays(y_shape, weight_shape):
    """True where there are places, and fewer than kernels."""
    return 0 < y_shape[0] * y_shape[2] * y_shape[3] < weight_shape[0] and weight_shape[1] > 0


def spans_of(count, multiplications):
    """Spans of so many kernels, or channels, for the threads: one span of all, where that is done soon."""
    return spans(count, FEWEST_EACH) if worth_sharing(multiplications) else [(0, count)]


def rows_of(x, y_shape, kernel, stride, padding, dilation):
    """The matrix whose row is what one place of y reads of x, C·R·S numbers; good until the next call."""
    count, _, down, across = y_shape
    channels = x.shape[1]
    seen = [
        (size - 1) * step + (taps - 1) * each + 1
        for size, step, taps, each in zip(y_shape[2:], stride, kernel, dilation)
    ]
    framed = window(channels_last(x), 0, count, -padding[0], seen[0], -padding[1], seen[1])
    rows = workspace("rows", (count, down, across, channels, *kernel), x.dtype)

    for r in range(kernel[0]):
        for s in range(kernel[1]):
            top, left = r * dilation[0], s * dilation[1]
            bottom, right = top + (down - 1) * stride[0] + 1, left + (across - 1) * stride[1] + 1
            rows[..., r, s] = framed[:, top : bottom : stride[0], left : right : stride[1]]
    return rows.reshape(count * down * across, channels * kernel[0] * kernel[1])


def convolve(x, weight, y_shape, stride, padding, dilation):
    """y. Shapes: (N, C, H, W), (K, C, R, S) -> (N, K, OH, OW)."""
    y = pictures(y_shape, x.dtype)
    rows = rows_of(x, y_shape, weight.shape[2:], stride, padding, dilation)
    matrix = weight.reshape(len(weight), -1)
    places = channels_last(y).reshape(len(rows), len(weight))

    def compute(span):
        first, end = span
        np.matmul(rows, matrix[first:end].T, out=places[:, first:end])

    share_out(compute, spans_of(len(weight), len(rows) * weight.size))
    return y


def gradient_of_input(grad_y, weight, grad_x, stride, padding, dilation):
    """Add dL/dx to grad_x: to each place the gradient of everything that was read from it."""
    kernels, channels, height, width = weight.shape
    count, _, down, across = grad_y.shape
    matrix = weight.reshape(kernels, -1)
    places = np.ascontiguousarray(channels_last(grad_y)).reshape(count * down * across, kernels)
    read = workspace("rows", (count, down, across, channels, height, width), grad_y.dtype)
    by_place = read.reshape(len(places), -1)
    target = channels_last(grad_x)

    def compute(span):
        first, end = span
        columns = slice(first * height * width, end * height * width)
        np.matmul(places, matrix[:, columns], out=by_place[:, columns])
        for r in range(height):
            rows_read, from_rows = inside(0, down, r, stride[0], padding[0], dilation[0], target.shape[1])
            for s in range(width):
                columns_read, from_columns = inside(0, across, s, stride[1], padding[1], dilation[1], target.shape[2])
                target[:, rows_read, columns_read, first:end] += read[:, from_rows, from_columns, first:end, r, s]

    share_out(compute, spans_of(channels, len(places) * weight.size))


def gradient_of_weight(grad_y, x, weight_shape, stride, padding, dilation):
    """dL/dweight. Shapes: (N, K, OH, OW), (N, C, H, W) -> (K, C, R, S)."""
    rows = rows_of(x, grad_y.shape, weight_shape[2:], stride, padding, dilation)
    places = np.ascontiguousarray(channels_last(grad_y)).reshape(len(rows), weight_shape[0])
    grad_weight = np.empty((weight_shape[0], rows.shape[1]), x.dtype)

    def compute(span):
        first, end = span
        np.matmul(places[:, first:end].T, rows, out=grad_weight[first:end])

    share_out(compute, spans_of(weight_shape[0], len(places) * grad_weight.size))
    return grad_weight.reshape(weight_shape)
