"""Convolution of pictures, and the gradients with respect to its input and its weight, on arrays.

y[n, k, h, w] = Σ x[n, c, h·stride + r·dilation - padding, …] · weight[k, c, r, s] over c, r, s. Three arrays meet in
every term, and each of the three computations is the same sum over the same terms, gathered at another of the three:
that is what the plain loops below say.

The fast kernels make it matrix products. All that one output place reads, R·S·C numbers, is copied into one row of a
matrix ("im2col"): then a convolution is rows times weight (``convolve``), the weight's gradient is the output's
gradient times rows (``gradient_of_weight``), and the input's gradient is a product whose rows are added back to the
places they were read from (``gradient_of_input``). The rows are made in chunks that stay in the processor's cache, and
are made again for the gradient rather than kept: they are R·S times as large as the input. Most 3×3 kernels go another
way: ``winograd.py``.

Everywhere: x (N, C, H, W), weight (K, C / groups, R, S), y (N, K, OH, OW); stride, padding and dilation are pairs.
Arrays of any memory layout are accepted; results lie channels last (see ``memory.py``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.kernels import kernel_mode, winograd
from minigrad.kernels.memory import channels_last, chunks, pictures, window, workspace

__all__ = ["convolve", "gradient_of_input", "gradient_of_weight", "places_on"]

CHUNK_BYTES = 1 << 20  # of rows: as much as a processor's second cache holds beside the rest
CHUNK_PLACES = 256  # at least, however large: below, a matrix product mostly reads its weight


def places_on(size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> list[int]:
    """How many places a kernel has on a picture of ``size``, down and across: (OH, OW) of (H, W)."""
    reach = [dilation[dim] * (kernel[dim] - 1) + 1 for dim in (0, 1)]
    return [(size[dim] + 2 * padding[dim] - reach[dim]) // stride[dim] + 1 for dim in (0, 1)]


# -------------------------------------------------------------------------------------- the plain loops


def terms(y_shape: Any, x_shape: Any, weight_shape: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """Every term of a convolution: the indices into y, x and weight that meet in it."""
    count, kernels, places_down, places_across = y_shape
    height, width = x_shape[2:]
    _, channels, rows, columns = weight_shape
    for n in range(count):
        for k in range(kernels):
            first_channel = k // (kernels // groups) * channels  # of the group that kernel k belongs to
            for h in range(places_down):
                for w in range(places_across):
                    for c in range(channels):
                        for r in range(rows):
                            for s in range(columns):
                                down = h * stride[0] + r * dilation[0] - padding[0]
                                across = w * stride[1] + s * dilation[1] - padding[1]
                                if 0 <= down < height and 0 <= across < width:  # else it is padding: zero
                                    yield (n, k, h, w), (n, first_channel + c, down, across), (k, c, r, s)


def convolve_by_loops(x, weight, y_shape, stride, padding, dilation, groups):
    """y, term by term."""
    y = pictures(y_shape, x.dtype, np.zeros)
    for at_y, at_x, at_weight in terms(y_shape, x.shape, weight.shape, stride, padding, dilation, groups):
        y[at_y] += x[at_x] * weight[at_weight]
    return y


def gradient_of_input_by_loops(grad_y, weight, x_shape, stride, padding, dilation, groups):
    """dL/dx, term by term: x[at_x] was multiplied by weight[at_weight] on its way to y[at_y]."""
    grad_x = pictures(x_shape, grad_y.dtype, np.zeros)
    for at_y, at_x, at_weight in terms(grad_y.shape, x_shape, weight.shape, stride, padding, dilation, groups):
        grad_x[at_x] += grad_y[at_y] * weight[at_weight]
    return grad_x


def gradient_of_weight_by_loops(grad_y, x, weight_shape, stride, padding, dilation, groups):
    """dL/dweight, term by term: weight[at_weight] was multiplied by x[at_x] on its way to y[at_y]."""
    grad_weight = np.zeros(weight_shape, grad_y.dtype)
    for at_y, at_x, at_weight in terms(grad_y.shape, x.shape, weight_shape, stride, padding, dilation, groups):
        grad_weight[at_weight] += grad_y[at_y] * x[at_x]
    return grad_weight


# ------------------------------------------------------------------------------------- the fast kernels


def convolve(x, weight, stride, padding, dilation, groups, places=None):
    """y, the convolution of x with weight: at as many places as there are, or at so many (down, across) ``places``."""
    if places is None:
        places = places_on(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    y_shape = (len(x), len(weight), *places)
    if kernel_mode.reference:
        return convolve_by_loops(x, weight, y_shape, stride, padding, dilation, groups)
    if x.dtype == np.float16:  # summed in float32 and rounded once
        return convolve(wide(x), wide(weight), stride, padding, dilation, groups, places).astype(np.float16)
    if groups > 1:
        y = pictures(y_shape, x.dtype)
        for of_x, of_y in zip(parts(x.shape[1], groups), parts(len(weight), groups)):
            y[:, of_y] = convolve(x[:, of_x], weight[of_y], stride, padding, dilation, 1, places)
        return y
    if winograd.pays(y_shape, weight.shape, stride, dilation, x.dtype):
        return winograd.convolve(x, weight, padding, y_shape)

    y = pictures(y_shape, x.dtype)
    taps, padding = taps_that_matter(x.shape, weight.shape, y.shape, stride, padding, dilation)
    weight = weight[taps]
    matrix = as_matrix(weight)
    flat = channels_last(y)
    for chunk, rows in rows_of(x, y.shape, weight.shape, stride, padding, dilation):
        first, end, top, bottom = chunk
        np.matmul(rows, matrix.T, out=flat[first:end, top:bottom].reshape(len(rows), len(weight)))
    return y


def gradient_of_input(grad_y, weight, x_shape, stride, padding, dilation, groups):
    """dL/dx. It is also what a transposed convolution computes of grad_y."""
    if kernel_mode.reference:
        return gradient_of_input_by_loops(grad_y, weight, x_shape, stride, padding, dilation, groups)
    if grad_y.dtype == np.float16:
        grad_x = gradient_of_input(wide(grad_y), wide(weight), x_shape, stride, padding, dilation, groups)
        return grad_x.astype(np.float16)
    if groups > 1:
        grad_x = pictures(x_shape, grad_y.dtype)
        for of_x, of_y in zip(parts(x_shape[1], groups), parts(weight.shape[0], groups)):
            shape = (x_shape[0], x_shape[1] // groups, *x_shape[2:])
            grad_x[:, of_x] = gradient_of_input(grad_y[:, of_y], weight[of_y], shape, stride, padding, dilation, 1)
        return grad_x
    if winograd.pays(x_shape, weight.shape, stride, dilation, grad_y.dtype):
        # x's place i went, by tap r, to y's place i - r + padding: read from there, the taps mirrored.
        return winograd.convolve_mirrored(grad_y, weight, [2 - each for each in padding], x_shape)

    grad_x = pictures(x_shape, grad_y.dtype, np.zeros)
    taps, padding = taps_that_matter(x_shape, weight.shape, grad_y.shape, stride, padding, dilation)
    add_back(channels_last(grad_x), channels_last(grad_y), weight[taps], stride, padding, dilation)
    return grad_x


def gradient_of_weight(grad_y, x, weight_shape, stride, padding, dilation, groups):
    """dL/dweight, in row-major order as the weight itself."""
    if kernel_mode.reference:
        return gradient_of_weight_by_loops(grad_y, x, weight_shape, stride, padding, dilation, groups)
    if x.dtype == np.float16:
        grad = gradient_of_weight(wide(grad_y), wide(x), weight_shape, stride, padding, dilation, groups)
        return grad.astype(np.float16)
    if groups > 1:
        grad_weight = np.empty(weight_shape, x.dtype)
        shape = (weight_shape[0] // groups, *weight_shape[1:])
        for of_x, of_y in zip(parts(x.shape[1], groups), parts(weight_shape[0], groups)):
            grad_weight[of_y] = gradient_of_weight(grad_y[:, of_y], x[:, of_x], shape, stride, padding, dilation, 1)
        return grad_weight
    if winograd.pays(grad_y.shape, weight_shape, stride, dilation, x.dtype):
        return winograd.gradient_of_weight(grad_y, x, padding)

    taps, padding = taps_that_matter(x.shape, weight_shape, grad_y.shape, stride, padding, dilation)
    grad_weight = np.zeros(weight_shape, x.dtype)
    kernels, channels, height, width = grad_weight[taps].shape
    total = workspace("gradient of weight", (kernels, height * width * channels), x.dtype)
    part = workspace("part of it", total.shape, x.dtype)
    flat = channels_last(grad_y)
    into = total
    for chunk, rows in rows_of(x, grad_y.shape, grad_weight[taps].shape, stride, padding, dilation):
        first, end, top, bottom = chunk
        np.matmul(flat[first:end, top:bottom].reshape(len(rows), kernels).T, rows, out=into)
        if into is part:
            total += part
        into = part
    if into is total:  # there was nothing to read
        return grad_weight
    grad_weight[taps] = total.reshape(kernels, height, width, channels).transpose(0, 3, 1, 2)
    return grad_weight


# ---------------------------------------------------------------------------------- what they are made of


def wide(x):
    """float16 as float32."""
    return x.astype(np.float32)


def parts(channels, groups):
    """The channels of each group."""
    size = channels // groups
    return [slice(first * size, (first + 1) * size) for first in range(groups)]


def as_matrix(weight):
    """(K, C, R, S) as a matrix (K, R·S·C), in the order of the rows that it meets."""
    kernels, channels, height, width = weight.shape
    matrix = workspace("weight", (kernels, height, width, channels), weight.dtype)
    matrix[...] = weight.transpose(0, 2, 3, 1)
    return matrix.reshape(kernels, height * width * channels)


def taps_that_matter(x_shape, weight_shape, y_shape, stride, padding, dilation):
    """Without the outer taps that read nothing but padding wherever the kernel stands: the rest, and its padding.

    In a deep layer a 3×3 kernel may stand on a single place: then eight of its nine taps multiply zeros.
    """
    taps = [slice(None), slice(None)]
    remaining = []
    for dim in (0, 1):
        reach = (y_shape[2 + dim] - 1) * stride[dim]
        reading = []
        for tap in range(weight_shape[2 + dim]):
            place = tap * dilation[dim] - padding[dim]
            if place < x_shape[2 + dim] and place + reach >= 0:
                reading.append(tap)
        first, last = (reading[0], reading[-1]) if reading else (0, weight_shape[2 + dim] - 1)
        taps.append(slice(first, last + 1))
        remaining.append(padding[dim] - first * dilation[dim])
    return tuple(taps), remaining


def rows_of(x, y_shape, weight_shape, stride, padding, dilation):
    """The matrix whose row is what one place of y reads of x, R·S·C numbers, chunk by chunk.

    Yields (first picture, end, first row of y, end) and the chunk's matrix, which is good until the next one is made.
    """
    _, channels, height, width = weight_shape
    count, _, down, across = y_shape
    x = channels_last(x)
    length = height * width * channels
    span = (across - 1) * stride[1] + (width - 1) * dilation[1] + 1
    for first, end, top, bottom in chunks(count, down, rows_at_once(across, length, x.itemsize)):
        seen = (bottom - top - 1) * stride[0] + (height - 1) * dilation[0] + 1
        framed = window(x, first, end, top * stride[0] - padding[0], seen, -padding[1], span)
        picture, row, column, channel = framed.strides
        places = as_strided(
            framed,
            (end - first, bottom - top, across, height, width, channels),
            (picture, row * stride[0], column * stride[1], row * dilation[0], column * dilation[1], channel),
            writeable=False,
        )
        if not places.flags.c_contiguous:  # else x itself is the matrix: a 1×1 kernel
            copied = workspace("rows", places.shape, x.dtype)
            copied[...] = places
            places = copied
        yield (first, end, top, bottom), places.reshape((end - first) * (bottom - top) * across, length)


def rows_at_once(across, length, itemsize):
    """How many rows of y make a chunk, if each of its ``across`` places reads ``length`` numbers."""
    return max(CHUNK_BYTES // max(across * length * itemsize, 1), CHUNK_PLACES // max(across, 1), 1)


def add_back(grad_x, grad_y, weight, stride, padding, dilation):
    """Add to each place of grad_x the gradient of everything that was read from it. Channels last."""
    kernels, channels, height, width = weight.shape
    count, down, across, _ = grad_y.shape
    matrix = as_matrix(weight)
    for first, end, top, bottom in chunks(count, down, rows_at_once(across, matrix.shape[1], grad_y.itemsize)):
        places = (end - first, bottom - top, across)
        rows = workspace("rows", (*places, height, width, channels), grad_y.dtype)
        product = rows.reshape(places[0] * places[1] * places[2], matrix.shape[1])
        np.matmul(grad_y[first:end, top:bottom].reshape(len(product), kernels), matrix, out=product)
        for r in range(height):
            rows_read, from_rows = inside(top, bottom, r, stride[0], padding[0], dilation[0], grad_x.shape[1])
            for s in range(width):
                columns_read, from_columns = inside(0, across, s, stride[1], padding[1], dilation[1], grad_x.shape[2])
                grad_x[first:end, rows_read, columns_read] += rows[:, from_rows, from_columns, r, s]


def inside(first, end, tap, stride, padding, dilation, size):
    """Which of ``size`` places the places ``first`` to ``end`` of y read by ``tap``, and which of those they are."""
    offset = tap * dilation - padding
    lowest = max(first, -(offset // stride))  # rounded up: the first place of y that reads at 0 or beyond
    highest = min(end - 1, (size - 1 - offset) // stride)
    if highest < lowest:
        return slice(0, 0), slice(0, 0)
    begin = lowest * stride + offset
    return slice(begin, highest * stride + offset + 1, stride), slice(lowest - first, highest + 1 - first)
