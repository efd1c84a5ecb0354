"""Convolution of pictures, and the gradients with respect to its input and its weight, on arrays.

y[n, k, h, w] = Σ x[n, c, h·stride + r·dilation - padding, …] · weight[k, c, r, s] over c, r, s. Three arrays meet in
every term, and each of the three computations is the same sum over the same terms, gathered at another of the three:
that is what the plain loops below say.

The fast kernels make it matrix products. All that one output place reads, R·S·C numbers, is copied into one row of a
matrix ("im2col"): then a convolution is rows times weight (``convolve``), the weight's gradient is the output's
gradient times rows (``gradient_of_weight``), and the input's gradient is a product whose rows are added back to the
places they were read from (``gradient_of_input``). The rows are made in chunks that stay in the processor's cache, and
are made again for the gradient rather than kept: they are R·S times as large as the input. Two kinds go other ways:
the gradients of most 3×3 kernels (``winograd.py``), and small or few pictures (``tap_by_tap.py``).

What a forward pass computes is equal to the last bit wherever it reads equal numbers: a max pooling after it then
finds the first of equal elements, over an even background too. So its sums have one order at all places.

Everywhere: x (N, C, H, W), weight (K, C / groups, R, S), y (N, K, OH, OW); stride, padding and dilation are pairs.
Arrays of any memory layout are accepted; results lie channels last (see ``memory.py``).
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.dtypes import NARROW
from minigrad.kernels import kernel_mode, tap_by_tap, winograd
from minigrad.kernels.blas import on_own_threads
from minigrad.kernels.memory import channels_last, chunks, inside, pictures, window, workspace
from minigrad.kernels.parallel import share_out, worth_sharing
from minigrad.kernels.product import EVEN, multiply_alike, rows_of_small_product, sum_of_chunks, sum_over_rows

__all__ = ["convolve", "gradient_of_input", "gradient_of_weight", "places_on"]

CHUNK_BYTES = 1 << 21  # of rows: larger ones leave the caches, smaller ones cost more calls of NumPy
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


@on_own_threads
def convolve(x, weight, stride, padding, dilation, groups, places=None):
    """y, the convolution of x with weight: at as many places as there are, or at so many (down, across) ``places``."""
    if places is None:
        places = places_on(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    y_shape = (len(x), len(weight), *places)
    if kernel_mode.get().reference:
        return convolve_by_loops(x, weight, y_shape, stride, padding, dilation, groups)
    if x.dtype in NARROW:  # summed in float32 and rounded once
        return convolve(wide(x), wide(weight), stride, padding, dilation, groups, places).astype(x.dtype)
    if groups > 1:
        y = pictures(y_shape, x.dtype)
        for of_x, of_y in zip(parts(x.shape[1], groups), parts(len(weight), groups)):
            y[:, of_y] = convolve(x[:, of_x], weight[of_y], stride, padding, dilation, 1, places)
        return y
    if len(weight) % EVEN == 0 and tap_by_tap.pays(x.shape, weight.shape, y_shape, stride, padding, dilation):
        return tap_by_tap.convolve(x, weight, y_shape, stride, padding, dilation)

    y = pictures(y_shape, x.dtype)
    flat = channels_last(y)
    reading = Reading(x, y.shape, weight.shape, stride, padding, dilation)
    matrix = reading.as_matrix(weight).T
    if rows_of_small_product(matrix.size):
        matrix = np.ascontiguousarray(matrix)

    def compute(chunk):
        first, end, top, bottom = chunk
        rows = reading.rows(chunk)
        multiply_alike(rows, matrix, flat[first:end, top:bottom].reshape(len(rows), len(weight)))

    share_out(compute, reading.chunks)
    return y


@on_own_threads
def gradient_of_input(grad_y, weight, x_shape, stride, padding, dilation, groups, alike=False):
    """dL/dx. It is also what a transposed convolution computes of grad_y, then ``alike`` at all places."""
    if kernel_mode.get().reference:
        return gradient_of_input_by_loops(grad_y, weight, x_shape, stride, padding, dilation, groups)
    if grad_y.dtype in NARROW:
        grad_x = gradient_of_input(wide(grad_y), wide(weight), x_shape, stride, padding, dilation, groups, alike)
        return grad_x.astype(grad_y.dtype)
    if groups > 1:
        grad_x = pictures(x_shape, grad_y.dtype)
        for of_x, of_y in zip(parts(x_shape[1], groups), parts(weight.shape[0], groups)):
            shape = (x_shape[0], x_shape[1] // groups, *x_shape[2:])
            steps = (stride, padding, dilation, 1, alike)
            grad_x[:, of_x] = gradient_of_input(grad_y[:, of_y], weight[of_y], shape, *steps)
        return grad_x
    even = x_shape[1] % EVEN == 0
    if (even or not alike) and tap_by_tap.pays(x_shape, weight.shape, grad_y.shape, stride, padding, dilation):
        return tap_by_tap.gradient_of_input(grad_y, weight, x_shape, stride, padding, dilation)
    if not alike and winograd.pays(x_shape, weight.shape, stride, dilation, grad_y.dtype):
        # x's place i went, by tap r, to y's place i - r + padding: read from there, the taps mirrored.
        return winograd.gradient_of_input(grad_y, weight, [2 - each for each in padding], x_shape)

    grad_x = pictures(x_shape, grad_y.dtype, np.zeros)
    add_back(channels_last(grad_x), channels_last(grad_y), weight, stride, padding, dilation)
    return grad_x


@on_own_threads
def gradient_of_weight(grad_y, x, weight_shape, stride, padding, dilation, groups):
    """dL/dweight, in row-major order as the weight itself."""
    if kernel_mode.get().reference:
        return gradient_of_weight_by_loops(grad_y, x, weight_shape, stride, padding, dilation, groups)
    if x.dtype in NARROW:
        grad = gradient_of_weight(wide(grad_y), wide(x), weight_shape, stride, padding, dilation, groups)
        return grad.astype(x.dtype)
    if groups > 1:
        grad_weight = np.empty(weight_shape, x.dtype)
        shape = (weight_shape[0] // groups, *weight_shape[1:])
        for of_x, of_y in zip(parts(x.shape[1], groups), parts(weight_shape[0], groups)):
            grad_weight[of_y] = gradient_of_weight(grad_y[:, of_y], x[:, of_x], shape, stride, padding, dilation, 1)
        return grad_weight
    if tap_by_tap.pays(x.shape, weight_shape, grad_y.shape, stride, padding, dilation):
        return tap_by_tap.gradient_of_weight(grad_y, x, weight_shape, stride, padding, dilation)
    if winograd.pays(grad_y.shape, weight_shape, stride, dilation, x.dtype):
        return winograd.gradient_of_weight(grad_y, x, padding)
    return sum_of_products(grad_y, x, weight_shape, stride, padding, dilation)


def sum_of_products(grad_y, x, weight_shape, stride, padding, dilation):
    """dL/dweight, chunk by chunk: the output's gradient times the rows."""
    reading = Reading(x, grad_y.shape, weight_shape, stride, padding, dilation)
    flat = channels_last(grad_y)

    def multiply(chunk, out):
        """One chunk's. Shape of ``out``: (K, R·S·C)."""
        first, end, top, bottom = chunk
        rows = reading.rows(chunk)
        sum_over_rows(flat[first:end, top:bottom].reshape(len(rows), len(out)), rows, out)

    if not reading.chunks:
        return np.zeros(weight_shape, x.dtype)
    total = sum_of_chunks(multiply, reading.chunks, (weight_shape[0], reading.length), x.dtype)
    return reading.by_tap(total).copy(order="C")


# ---------------------------------------------------------------------------------- what they are made of


def wide(x):
    """float16 as float32."""
    return x.astype(np.float32)


def parts(channels, groups):
    """The channels of each group."""
    size = channels // groups
    return [slice(first * size, (first + 1) * size) for first in range(groups)]


class Reading:
    """What each place of y reads of x, as rows of a matrix, chunk by chunk; and the kernels as a matrix to meet them.

    ``chunks`` are (first picture, end, first row of y, end).
    """

    def __init__(self, x, y_shape, weight_shape, stride, padding, dilation):
        count, kernels, down, self.across = y_shape
        _, self.channels, *self.kernel = weight_shape
        self.x = channels_last(x)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.length = self.kernel[0] * self.kernel[1] * self.channels
        shared = worth_sharing(count * down * self.across * self.length * kernels)
        self.chunks = chunks(count, down, rows_at_once(self.across, self.length, x.itemsize), shared)

    def rows(self, chunk):
        """The matrix whose row is what one place of y reads, R·S·C numbers; good until this thread's next chunk."""
        first, end, top, bottom = chunk
        (height, width), (down, right), (under, beside) = self.kernel, self.stride, self.dilation
        seen = (bottom - top - 1) * down + (height - 1) * under + 1
        span = (self.across - 1) * right + (width - 1) * beside + 1
        framed = window(self.x, first, end, top * down - self.padding[0], seen, -self.padding[1], span)
        picture, row, column, channel = framed.strides
        places = as_strided(
            framed,
            (end - first, bottom - top, self.across, height, width, self.channels),
            (picture, row * down, column * right, row * under, column * beside, channel),
            writeable=False,
        )
        count = (end - first) * (bottom - top) * self.across
        if not places.flags.c_contiguous:  # else x itself is the matrix: a 1×1 kernel
            copied = workspace("rows", places.shape, self.x.dtype)
            copy_runs(places, copied)
            places = copied
        return places.reshape(count, self.length)

    def as_matrix(self, weight):
        """(K, C, R, S) as a matrix (K, R·S·C), in the order of the rows."""
        matrix = workspace("weight", (len(weight), *self.kernel, self.channels), weight.dtype)
        matrix[...] = weight.transpose(0, 2, 3, 1)
        return matrix.reshape(len(weight), self.length)

    def by_tap(self, matrix):
        """A matrix (…, R·S·C) in the order of the rows, seen as (…, C, R, S)."""
        return np.moveaxis(matrix.reshape(*matrix.shape[:-1], *self.kernel, self.channels), -1, -3)


def copy_runs(places, out):
    """Copy ``places`` (..., S, C) to ``out``, an array in row-major order.

    The S·C numbers that a row of the kernel reads mostly lie side by side. Then each run of them is copied as one item:
    in half the time, where there are few channels.
    """
    *shape, width, channels = places.shape
    if places.size and places[(0,) * len(shape)].flags.c_contiguous:
        run = np.dtype(f"V{width * channels * places.itemsize}")  # np.void with a size would be looked up in Python
        places, out = [each.reshape(*shape, width * channels).view(run) for each in (places, out)]
    out[...] = places


def rows_at_once(across, length, itemsize):
    """How many rows of y make a chunk, if each of its ``across`` places reads ``length`` numbers."""
    return max(CHUNK_BYTES // max(across * length * itemsize, 1), CHUNK_PLACES // max(across, 1), 1)


def add_back(grad_x, grad_y, weight, stride, padding, dilation):
    """Add to each place of grad_x the gradient of everything that was read from it. Channels last."""
    kernels, _, height, width = weight.shape
    images, y_shape = grad_x.transpose(0, 3, 1, 2), grad_y.transpose(0, 3, 1, 2).shape
    reading = Reading(images, y_shape, weight.shape, stride, padding, dilation)
    matrix = reading.as_matrix(weight)

    def compute(chunk):
        first, end, top, bottom = chunk
        places = (end - first, bottom - top, reading.across)
        product = workspace("rows", (*places, reading.length), grad_y.dtype)
        rows = product.reshape(places[0] * places[1] * places[2], reading.length)
        multiply_alike(grad_y[first:end, top:bottom].reshape(len(rows), kernels), matrix, rows)
        read = reading.by_tap(product)
        for r in reversed(range(height)):  # as chunks go: so what a place gets comes from y's first row first
            rows_read, from_rows = inside(top, bottom, r, stride[0], padding[0], dilation[0], grad_x.shape[1])
            for s in range(width):
                columns_read, from_columns = inside(
                    0, reading.across, s, stride[1], padding[1], dilation[1], grad_x.shape[2]
                )
                grad_x[first:end, rows_read, columns_read] += read[:, from_rows, from_columns, :, r, s]

    def compute_in_turn(chunks_of_pictures):
        """Chunks of one picture add to the same rows of grad_x: one thread works on them."""
        for chunk in chunks_of_pictures:
            compute(chunk)

    share_out(compute_in_turn, [list(group) for _, group in groupby(reading.chunks, key=itemgetter(0))])
