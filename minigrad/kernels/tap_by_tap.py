"""Convolution of pictures that are small beside the kernel, or few beside its channels, as in a network's deep layers.

Wherever a 3×3 kernel stands on a picture of 2×2 places, five of its nine taps read padding; and its weight is larger
than all that it reads. So the sum goes tap by tap, and each tap meets only the places where it reads the picture: one
matrix product, places × C times C × K. Nothing is multiplied by a zero of the padding, and what is copied is the
weight, once. Threads share the kernels, or the channels, and each reads all places. The plain loops that this equals
are in ``convolution.py``; there too is what becomes of other shapes.
"""

from __future__ import annotations

import numpy as np

from minigrad.kernels.memory import channels_last, inside, pictures, taps_first, workspace
from minigrad.kernels.parallel import share_out, spans, worth_sharing
from minigrad.kernels.product import EVEN

__all__ = ["convolve", "gradient_of_input", "gradient_of_weight", "pays"]

FEWEST_WEIGHTS = 1 << 14  # of a tap, K · C: with fewer, one product of all taps takes less time than one of each
MOST_READ = 1 / 2  # of what the taps of all places read, inside the pictures: with more, the padding may be multiplied
FEWEST_EACH = 64  # kernels or channels that a thread is woken for


def pays(x_shape, weight_shape, y_shape, stride, padding, dilation):
    """True where this is faster than to gather all that a place reads."""
    kernels, channels, *kernel = weight_shape
    count, _, *size = y_shape
    places = count * size[0] * size[1]
    if kernels * channels < FEWEST_WEIGHTS or places == 0:
        return False
    if places < kernels:
        return True
    if tuple(padding) == (0, 0) or (size[0] >= kernel[0] and size[1] >= kernel[1]):
        return False
    read = 1.0
    for dim in (0, 1):
        reading = taps_of(dim, kernel, x_shape, y_shape, stride, padding, dilation)
        read *= sum([places_of_y.stop - places_of_y.start for _, _, places_of_y in reading]) / (size[dim] * kernel[dim])
    return read <= MOST_READ


def taps_of(dim, kernel, x_shape, y_shape, stride, padding, dilation):
    """Down or across: each tap that reads the picture from somewhere, which places of x it reads, and those of y."""
    found = []
    for tap in range(kernel[dim]):
        places = inside(0, y_shape[2 + dim], tap, stride[dim], padding[dim], dilation[dim], x_shape[2 + dim])
        if places[1].stop > places[1].start:
            found.append((tap, *places))
    return found


def meetings(kernel, *shapes_and_steps):
    """The reach of the taps that read the picture, and of each its place in it, and the places of x and y that meet.

    The reach is the index of their weights, from the first such tap to the last; the others are for channels last.
    """
    down, across = [taps_of(dim, kernel, *shapes_and_steps) for dim in (0, 1)]
    rows, columns = [slice(found[0][0], found[-1][0] + 1) if found else slice(0, 0) for found in (down, across)]
    everything = slice(None)
    taps = [
        ((r - rows.start, s - columns.start), (everything, x_rows, x_columns), (everything, y_rows, y_columns))
        for r, x_rows, y_rows in down
        for s, x_columns, y_columns in across
    ]
    return (everything, everything, rows, columns), taps


def rows_at(x, places):
    """The channels at some places of x (N, C, H, W): a matrix (places, C)."""
    return np.ascontiguousarray(channels_last(x)[places]).reshape(-1, x.shape[1])


def spans_of(count, rows, weight_shape):
    """Even spans of so many kernels, or channels, for the threads: one span of all, where that is done soon."""
    multiplications = sum([len(each) for each in rows]) * weight_shape[0] * weight_shape[1]
    if not worth_sharing(multiplications):
        return [(0, count)]
    parts = spans(-(-count // EVEN), -(-FEWEST_EACH // EVEN))
    return [(first * EVEN, min(end * EVEN, count)) for first, end in parts]


def add_product(rows, matrix, target):
    """Add rows @ matrix to ``target`` (..., columns of the matrix), which has a place for each row."""
    product = workspace("product", (len(rows), matrix.shape[1]), rows.dtype)
    np.matmul(rows, matrix, out=product)
    target += product.reshape(target.shape)


def convolve(x, weight, y_shape, stride, padding, dilation):
    """y. Shapes: (N, C, H, W), (K, C, R, S) -> (N, K, OH, OW)."""
    y = pictures(y_shape, x.dtype, np.zeros)
    reach, taps = meetings(weight.shape[2:], x.shape, y_shape, stride, padding, dilation)
    rows = [rows_at(x, places_of_x) for _, places_of_x, _ in taps]

    def compute(span):
        kernels = slice(*span)
        matrices = taps_first(weight[kernels][reach])
        for (tap, _, places_of_y), read in zip(taps, rows):
            add_product(read, matrices[tap].T, channels_last(y)[places_of_y][..., kernels])

    share_out(compute, spans_of(len(weight), rows, weight.shape))
    return y


def gradient_of_input(grad_y, weight, x_shape, stride, padding, dilation):
    """dL/dx: to each place the gradient of everything that was read from it."""
    grad_x = pictures(x_shape, grad_y.dtype, np.zeros)
    reach, taps = meetings(weight.shape[2:], x_shape, grad_y.shape, stride, padding, dilation)
    rows = [rows_at(grad_y, places_of_y) for _, _, places_of_y in taps]

    def compute(span):
        channels = slice(*span)
        matrices = taps_first(weight[:, channels][reach])
        for (tap, places_of_x, _), gradient in zip(taps, rows):
            add_product(gradient, matrices[tap], channels_last(grad_x)[places_of_x][..., channels])

    share_out(compute, spans_of(weight.shape[1], rows, weight.shape))
    return grad_x


def gradient_of_weight(grad_y, x, weight_shape, stride, padding, dilation):
    """dL/dweight. Shapes: (N, K, OH, OW), (N, C, H, W) -> (K, C, R, S)."""
    reach, taps = meetings(weight_shape[2:], x.shape, grad_y.shape, stride, padding, dilation)
    rows = [rows_at(x, places_of_x) for _, places_of_x, _ in taps]
    gradients = [rows_at(grad_y, places_of_y) for _, _, places_of_y in taps]
    grad_weight = np.empty(weight_shape, x.dtype)

    def compute(span):
        kernels = slice(*span)
        part = grad_weight[kernels]
        by_tap = part[reach].transpose(2, 3, 0, 1)
        if by_tap.size < part.size:
            part[...] = 0  # beyond the reach taps read nothing but padding
        matrices = workspace("by tap", by_tap.shape, x.dtype)
        if len(taps) < by_tap.shape[0] * by_tap.shape[1]:
            matrices[...] = 0  # within it too, where the stride steps over the picture
        for (tap, _, _), read, gradient in zip(taps, rows, gradients):
            np.matmul(gradient[:, kernels].T, read, out=matrices[tap])
        by_tap[...] = matrices

    share_out(compute, spans_of(weight_shape[0], rows, weight_shape))
    return grad_weight
