"""Convolution with 3×3 kernels at stride 1 with fewer multiplications, after Winograd.

A tile of m×m outputs reads (m+2)×(m+2) inputs. Transformed by fixed small matrices, tile and kernel are multiplied
element by element, and the product, transformed back, is the tile of outputs:

    y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A

16 multiplications instead of 36 for m = 2, 36 instead of 144 for m = 4. Over all tiles and channels, each of the
(m+2)² elements is one matrix product, (tiles × C) times (C × K). Here a transform of both dimensions at once is one
matrix: the Kronecker product of the two, applied to a tile written as a column. The weight's gradient runs the same
transforms backward: dw = Gᵀ [ (Bᵀ x B) ⊙ (A dy Aᵀ) ] G, summed over the tiles.

m = 2 (here F(2,3)) rounds as a direct convolution does. m = 4 loses a digit, so it is used only where
``minigrad.kernels.large_winograd_tiles`` asks for it. A NaN or an infinity spreads over the tiles that read it, a
little further than it would in the plain loops.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016. The plain loops that this equals are
in ``convolution.py``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.kernels import kernel_mode
from minigrad.kernels.memory import channels_last, chunks, pictures, window, workspace

__all__ = ["convolve", "convolve_mirrored", "gradient_of_weight", "pays"]

FEWEST_CHANNELS = 32  # with fewer the transforms cost more than they save
FEWEST_TILES = 100  # with fewer, transforming the kernels costs more than they save
COLUMNS_AT_ONCE = 2048  # see transform
CHUNK_BYTES = 1 << 20  # of transformed tiles, in the processor's second cache
CHUNK_TILES = 256  # at least, however large: below, a matrix product mostly reads its weight


class Transforms(NamedTuple):
    """The matrices for tiles of m×m outputs, each for both dimensions at once."""

    m: int
    of_input: np.ndarray  # ((m+2)², (m+2)²)
    of_weight: np.ndarray  # ((m+2)², 9)
    of_output: np.ndarray  # (m², (m+2)²)


def transforms(m, input_rows, weight_rows, output_rows):
    """Bᵀ, G and Aᵀ, applied to rows and columns."""
    matrices = [np.array(rows, np.float64) for rows in (input_rows, weight_rows, output_rows)]
    return Transforms(m, *[np.kron(matrix, matrix) for matrix in matrices])


F2 = transforms(
    2,
    [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
    [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
    [[1, 1, 1, 0], [0, 1, -1, -1]],
)
F4 = transforms(
    4,
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
)


def chosen_transforms():
    """Those of the tiles in use."""
    return F4 if kernel_mode.large_winograd_tiles else F2


def pays(y_shape, weight_shape, stride, dilation, dtype):
    """True where this is possible and faster: enough channels, and tiles that are mostly used."""
    if tuple(weight_shape[2:]) != (3, 3) or (*stride, *dilation) != (1, 1, 1, 1) or dtype.kind != "f":
        return False
    if min(weight_shape[:2]) < FEWEST_CHANNELS:
        return False
    m = chosen_transforms().m
    count, _, height, width = y_shape
    tiles = -(-height // m) * -(-width // m)
    return count * tiles >= FEWEST_TILES and tiles * (m + 2) ** 2 * 4 < height * width * 9 * 3


def convolve(x, weight, padding, y_shape):
    """y. Shapes: (N, C, H, W), (K, C, 3, 3) -> (N, K, OH, OW)."""
    u = transformed_weight(weight, chosen_transforms().of_weight).transpose(0, 2, 1)
    if u.nbytes <= CHUNK_BYTES:
        u = np.ascontiguousarray(u)  # matrix products prefer it so, and many are to come
    return convolve_transformed(x, u, padding, y_shape)


def convolve_mirrored(y, weight, padding, x_shape):
    """The convolution of y with the mirrored kernels, which takes gradients from y to x: (N, K, …) -> (N, C, …)."""
    u = transformed_weight(weight, chosen_transforms().of_weight[:, ::-1])
    return convolve_transformed(y, u, padding, x_shape)


def convolve_transformed(x, u, padding, y_shape):
    """y, from transformed kernels u ((m+2)², C, K)."""
    _, kernels, height, width = y_shape
    y = pictures(y_shape, x.dtype)
    flat = channels_last(y)
    m, _, _, of_output = chosen_transforms()
    of_output = of_output.astype(x.dtype)
    for (first, end, top, bottom), v in transformed_tiles(x, padding, height, width, kernels):
        product = workspace("product", (len(v), v.shape[1], kernels), x.dtype)
        np.matmul(v, u, out=product)
        tiles = workspace("tiles", (m, m, end - first, bottom - top, -(-width // m), kernels), x.dtype)
        transform(of_output, product.reshape(len(v), -1), tiles.reshape(m * m, -1))
        for row in range(m):
            for column in range(m):
                place = flat[first:end, top * m + row : bottom * m : m, column::m]
                place[...] = tiles[row, column, :, : place.shape[1], : place.shape[2]]
    return y


def gradient_of_weight(grad_y, x, padding):
    """dL/dweight. Shapes: (N, K, OH, OW), (N, C, H, W) -> (K, C, 3, 3)."""
    kernels, height, width = grad_y.shape[1:]
    channels = x.shape[1]
    flat = channels_last(grad_y)
    m, _, of_weight, of_output = chosen_transforms()
    of_weight, of_output = of_weight.astype(x.dtype), of_output.astype(x.dtype)
    grad_u = workspace("transformed weight", (len(of_weight), kernels, channels), x.dtype)
    part = workspace("part of it", grad_u.shape, x.dtype)
    into = grad_u
    for (first, end, top, bottom), v in transformed_tiles(x, padding, height, width, kernels):
        tiles = workspace("tiles", (m, m, end - first, bottom - top, -(-width // m), kernels), x.dtype)
        for row in range(m):
            for column in range(m):
                place = flat[first:end, top * m + row : bottom * m : m, column::m]
                if place.shape[1:3] != tiles.shape[3:5]:
                    tiles[row, column] = 0  # an output beyond the edge has no gradient
                tiles[row, column, :, : place.shape[1], : place.shape[2]] = place
        grad_product = workspace("product", (len(v), v.shape[1], kernels), x.dtype)
        transform(of_output.T, tiles.reshape(m * m, -1), grad_product.reshape(len(v), -1))
        np.matmul(grad_product.transpose(0, 2, 1), v, out=into)
        if into is part:
            grad_u += part
        into = part
    grad_weight = grad_u.reshape(len(grad_u), -1).T @ of_weight
    return grad_weight.reshape(kernels, channels, 3, 3)


def transform(matrix, columns, out):
    """matrix @ columns, by as many columns at once as BLAS multiplies without rearranging them first: twice as fast."""
    rows, count = columns.shape
    whole = count - count % COLUMNS_AT_ONCE
    slabs = (-1, COLUMNS_AT_ONCE)
    np.matmul(
        matrix,
        columns[:, :whole].reshape(rows, *slabs).swapaxes(0, 1),
        out=out[:, :whole].reshape(len(out), *slabs).swapaxes(0, 1),
    )
    np.matmul(matrix, columns[:, whole:], out=out[:, whole:])


def transformed_weight(weight, of_weight):
    """G w Gᵀ of every kernel. Shapes: (K, C, 3, 3) -> ((m+2)², K, C)."""
    kernels, channels = weight.shape[:2]
    u = workspace("transformed weight", (len(of_weight), kernels, channels), weight.dtype)
    transform(of_weight.astype(weight.dtype), weight.reshape(-1, 9).T, u.reshape(len(u), -1))
    return u


def transformed_tiles(x, padding, height, width, kernels):
    """Bᵀ x B of every tile of x, chunk by chunk.

    Yields (first picture, end, first row of tiles, end) and the chunk's tiles ((m+2)², tiles, C), good until the next.
    """
    m, of_input, _, _ = chosen_transforms()
    of_input = of_input.astype(x.dtype)
    count, channels = x.shape[:2]
    x = channels_last(x)
    across = -(-width // m)
    bytes_of_row = across * (m + 2) ** 2 * max(channels, kernels) * x.itemsize
    wanted = max(CHUNK_BYTES // bytes_of_row, CHUNK_TILES // across, 1)
    for first, end, top, bottom in chunks(count, -(-height // m), wanted):
        rows = (bottom - top) * m + 2
        framed = window(x, first, end, top * m - padding[0], rows, -padding[1], across * m + 2)
        picture, row, column, channel = framed.strides
        places = (end - first, bottom - top, across)
        overlapping = as_strided(
            framed,
            (m + 2, m + 2, *places, channels),
            (row, column, picture, row * m, column * m, channel),
            writeable=False,
        )
        tiles = workspace("tiles of x", overlapping.shape, x.dtype)
        tiles[...] = overlapping
        v = workspace("transformed", ((m + 2) ** 2, places[0] * places[1] * places[2], channels), x.dtype)
        transform(of_input, tiles.reshape(len(of_input), -1), v.reshape(len(of_input), -1))
        yield (first, end, top, bottom), v
