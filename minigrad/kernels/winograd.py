"""The gradients of 3×3 convolutions at stride 1 with fewer multiplications, after Winograd.

A tile of m×m outputs reads (m+2)×(m+2) inputs. Transformed by fixed small matrices, tile and kernel are multiplied
element by element, and the product, transformed back, is the tile of outputs:

    y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A

The input's gradient is such a convolution of the output's gradient. A forward pass is not computed so: the outputs of
a tile are sums of different terms, so two places that read equal numbers would round apart.

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

from minigrad.dtypes import FLOATS
from minigrad.kernels import kernel_mode
from minigrad.kernels.memory import channels_last, chunks, pictures, taps_first, window, workspace
from minigrad.kernels.parallel import share_out, spans, worth_sharing
from minigrad.kernels.product import multiply_rows, rows_of_small_product, sum_of_chunks

__all__ = ["gradient_of_input", "gradient_of_weight", "pays"]

FEWEST_CHANNELS = 32  # with fewer the transforms cost more than they save
FEWEST_TILES = 100  # with fewer, transforming the kernels costs more than they save
COLUMNS_AT_ONCE = 2048  # see transform
FEWEST_KERNELS = 1 << 15  # to transform, that a thread is woken for
CHUNK_BYTES = 1 << 20  # of transformed tiles: larger ones leave the caches, smaller ones cost more calls of NumPy
REARRANGING_CHUNK_BYTES = 1 << 23  # where BLAS rearranges the transformed weight, all of it again for each chunk
CHUNK_TILES = 64  # at least, however large: below, a matrix product mostly reads its weight


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
    return F4 if kernel_mode.get().large_winograd_tiles else F2


def pays(y_shape, weight_shape, stride, dilation, dtype):
    """True where this is possible and faster: enough channels, and tiles that are mostly used."""
    if tuple(weight_shape[2:]) != (3, 3) or (*stride, *dilation) != (1, 1, 1, 1) or dtype.kind not in FLOATS:
        return False
    if min(weight_shape[:2]) < FEWEST_CHANNELS:
        return False
    m = chosen_transforms().m
    count, _, height, width = y_shape
    tiles = -(-height // m) * -(-width // m)
    return count * tiles >= FEWEST_TILES and tiles * (m + 2) ** 2 * 4 < height * width * 9 * 3


def gradient_of_input(grad_y, weight, padding, x_shape):
    """dL/dx, the convolution of grad_y with the mirrored kernels: (N, K, OH, OW), (K, C, 3, 3) -> (N, C, H, W)."""
    u = transformed_weight(weight, chosen_transforms().of_weight[:, ::-1])
    grad_x = pictures(x_shape, grad_y.dtype)
    tiling = Tiling(chosen_transforms(), grad_y, padding, x_shape)

    def compute(chunk):
        v = transformed_tiles(tiling, chunk)
        product = workspace("product", (len(v), v.shape[1], u.shape[2]), grad_y.dtype)
        multiply_rows(v, u, product)
        tiles = tiling.output_tiles(chunk)
        transform(tiling.of_output, product.reshape(len(v), -1), tiles.reshape(tiling.m**2, -1))
        for place, used, _ in tiling.places(channels_last(grad_x), chunk, tiles):
            place[...] = used

    share_out(compute, tiling.chunks)
    return grad_x


def gradient_of_weight(grad_y, x, padding):
    """dL/dweight. Shapes: (N, K, OH, OW), (N, C, H, W) -> (K, C, 3, 3)."""
    kernels, channels = grad_y.shape[1], x.shape[1]
    tiling = Tiling(chosen_transforms(), x, padding, grad_y.shape)

    def multiply(chunk, out):
        """One chunk's product of tiles. Shape of ``out``: ((m+2)², K, C)."""
        v = transformed_tiles(tiling, chunk)
        tiles = tiling.output_tiles(chunk)
        for place, used, tile in tiling.places(channels_last(grad_y), chunk, tiles):
            if used.shape != tile.shape:
                tile[...] = 0  # an output beyond the edge has no gradient
            used[...] = place
        grad_product = workspace("product", (len(v), v.shape[1], kernels), x.dtype)
        transform(tiling.of_output.T, tiles.reshape(tiling.m**2, -1), grad_product.reshape(len(v), -1))
        multiply_rows(grad_product.transpose(0, 2, 1), v, out)

    total = sum_of_chunks(multiply, tiling.chunks, ((tiling.m + 2) ** 2, kernels, channels), x.dtype)
    grad_u = total.reshape(len(total), -1)
    grad_weight = np.empty((kernels * channels, 9), x.dtype)

    def transform_back(span):
        first, end = span
        np.matmul(grad_u[:, first:end].T, tiling.of_weight, out=grad_weight[first:end])

    share_out(transform_back, spans(len(grad_weight), FEWEST_KERNELS))
    return grad_weight.reshape(kernels, channels, 3, 3)


class Tiling:
    """How pictures are cut into tiles: y (N, K, OH, OW) into tiles of m×m, x (N, C, H, W) into what those read.

    ``chunks`` are parts of all tiles to be worked on at once: (first picture, end, first row of tiles, end).
    """

    def __init__(self, chosen, x, padding, y_shape):
        matrices = [matrix.astype(x.dtype) for matrix in (chosen.of_input, chosen.of_weight, chosen.of_output)]
        self.m = chosen.m
        self.of_input, self.of_weight, self.of_output = matrices
        self.x = channels_last(x)
        self.padding = padding
        count, self.kernels, height, width = y_shape
        down, self.across = -(-height // self.m), -(-width // self.m)
        bytes_of_row = self.across * (self.m + 2) ** 2 * max(x.shape[1], self.kernels) * x.itemsize
        shared = worth_sharing(count * down * self.across * (self.m + 2) ** 2 * x.shape[1] * self.kernels)
        chunk_bytes = CHUNK_BYTES if rows_of_small_product(x.shape[1] * self.kernels) else REARRANGING_CHUNK_BYTES
        self.chunks = chunks(count, down, max(chunk_bytes // bytes_of_row, CHUNK_TILES // self.across, 1), shared)

    def output_tiles(self, chunk):
        """Memory for a chunk's tiles of y: (m, m, pictures, rows of tiles, tiles in a row, K)."""
        first, end, top, bottom = chunk
        return workspace("tiles", (self.m, self.m, end - first, bottom - top, self.across, self.kernels), self.x.dtype)

    def places(self, y, chunk, tiles):
        """Where the chunk's tiles lie in y (N, OH, OW, K), the part of ``tiles`` that is used there, and all of it.

        All m·m places of the tiles at once; but one by one where m does not divide y's size, as the last tiles then
        reach beyond its edge.
        """
        first, end, top, bottom = chunk
        m, (_, height, width, _) = self.m, y.shape
        if height % m == 0 and width % m == 0:
            rows = y[first:end, top * m : bottom * m]
            cut = rows.reshape(end - first, bottom - top, m, self.across, m, self.kernels)
            yield cut.transpose(2, 4, 0, 1, 3, 5), tiles, tiles
            return
        for row in range(m):
            for column in range(m):
                place = y[first:end, top * m + row : bottom * m : m, column::m]
                tile = tiles[row, column]
                yield place, tile[:, : place.shape[1], : place.shape[2]], tile


def transform(matrix, columns, out):
    """matrix @ columns, by as many columns at once as BLAS multiplies without rearranging them first: twice as fast."""
    count = columns.shape[1]
    whole = count - count % COLUMNS_AT_ONCE
    if whole:
        slabs = [each[:, :whole].reshape(len(each), -1, COLUMNS_AT_ONCE).swapaxes(0, 1) for each in (columns, out)]
        np.matmul(matrix, slabs[0], out=slabs[1])
    if whole < count:
        np.matmul(matrix, columns[:, whole:], out=out[:, whole:])


def transformed_weight(weight, of_weight):
    """G w Gᵀ of every kernel, in the order of its first two dimensions. Shapes: (K, C, 3, 3) -> ((m+2)², K, C)."""
    rows, columns = weight.shape[:2]
    u = workspace("transformed weight", (len(of_weight), rows, columns), weight.dtype)
    of_weight = of_weight.astype(weight.dtype)

    def compute(span):
        first, end = span
        taps = taps_first(weight[first:end])
        transform(of_weight, taps.reshape(9, -1), u[:, first:end].reshape(len(u), -1))

    share_out(compute, spans(rows, -(-FEWEST_KERNELS // columns)))
    return u


def transformed_tiles(tiling, chunk):
    """Bᵀ x B of every tile of a chunk: ((m+2)², tiles, C), good until the next chunk of this thread."""
    first, end, top, bottom = chunk
    m, x = tiling.m, tiling.x
    channels = x.shape[3]
    rows, columns = (bottom - top) * m + 2, tiling.across * m + 2
    framed = window(x, first, end, top * m - tiling.padding[0], rows, -tiling.padding[1], columns)
    picture, row, column, channel = framed.strides
    places = (end - first, bottom - top, tiling.across)
    overlapping = as_strided(
        framed, (m + 2, m + 2, *places, channels), (row, column, picture, row * m, column * m, channel), writeable=False
    )
    tiles = workspace("tiles of x", overlapping.shape, x.dtype)
    tiles[...] = overlapping
    v = workspace("transformed", ((m + 2) ** 2, places[0] * places[1] * places[2], channels), x.dtype)
    transform(tiling.of_input, tiles.reshape(len(v), -1), v.reshape(len(v), -1))
    return v
