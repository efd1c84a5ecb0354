"""Matrix products: who computes them, the calling thread or the threads of NumPy's BLAS, and in how large parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.kernels.blas import on_own_threads
from minigrad.kernels.memory import workspace
from minigrad.kernels.parallel import share_out, shares, width

__all__ = ["EVEN", "multiply_alike", "multiply_rows", "product", "rows_of_small_product", "sum_of_chunks"]
__all__ += ["sum_over_rows"]

# Numbers of multiplications. Below the first OpenBLAS leaves a product to the caller anyway. Below the second, what its
# threads win is less than what they cost: after each product they go on turning, on processors that kernels want next.
LEFT_TO_THE_CALLER = 1 << 18
WORTH_THREADS = 1 << 25
# So many OpenBLAS computes without rearranging the matrices first, on processors with AVX512 at least: in two thirds of
# the time. Where it does not, the parts cost little.
SMALL_PRODUCT = 10**6
FEWEST_ROWS = 16  # of a small product: with fewer nothing is saved
EVEN = 16  # rows at least, and columns a multiple of it: then BLAS adds up every row in the same order
FEWEST_SUMMED = 64  # of one that is added to others: with fewer, to add them up takes longer


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a @ b``. Shapes as for NumPy's operator."""
    count = a.size * (b.shape[-1] if b.ndim > 1 else 1)
    if count < LEFT_TO_THE_CALLER or (count >= WORTH_THREADS and width() > 1):
        return a @ b
    return product_of_caller(a, b)


@on_own_threads
def product_of_caller(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a @ b``, computed by the calling thread."""
    return a @ b


def rows_of_small_product(size: int) -> int:
    """How many rows may meet a matrix of ``size`` elements in a small product; 0 where that is few.

    It must lie in row-major order (C-contiguous): with a transposed one small products are slow. The rows may be those
    of a transposed matrix.
    """
    rows = SMALL_PRODUCT // max(1, size)
    return rows if rows >= FEWEST_ROWS else 0


def multiply_rows(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """``out`` becomes ``a @ b``, some rows of a at once where that makes small products.

    Shapes: (..., n, k), (..., k, m) -> (..., n, m).
    """
    count = a.shape[-2]
    at_once = rows_of_small_product(b.shape[-2] * b.shape[-1]) if b.flags.c_contiguous else 0
    if not at_once or not count:
        np.matmul(a, b, out=out)
        return
    at_once = -(-count // -(-count // at_once))  # even parts
    whole = count - count % at_once
    parts = (*a.shape[:-2], whole // at_once, at_once)
    parts_of_a, parts_of_out = [each[..., :whole, :].reshape(*parts, each.shape[-1]) for each in (a, out)]
    np.matmul(parts_of_a, b[..., None, :, :], out=parts_of_out)
    if whole < count:
        np.matmul(a[..., -at_once:, :], b, out=out[..., -at_once:, :])  # some of them again, as many as in each part


def multiply_alike(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """``out`` becomes ``a @ b``, and equal rows of a give rows equal to the last bit, in another call with b too.

    At the edge of a matrix, and for few rows, BLAS adds up in another order; so both are made :data:`EVEN` by zeros.

    Shapes: (n, k), (k, m) -> (n, m).
    """
    count, columns = out.shape
    rows_missing, columns_missing = max(EVEN - count, 0), -columns % EVEN
    if rows_missing:
        a = np.pad(a, [(0, rows_missing), (0, 0)])
    if columns_missing:
        b = np.pad(b, [(0, 0), (0, columns_missing)])
    uneven = rows_missing or columns_missing
    even = workspace("even product", (len(a), b.shape[1]), out.dtype) if uneven else out
    multiply_rows(a, b, even)
    if uneven:
        out[...] = even[:count, :columns]


def sum_over_rows(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """``out`` becomes ``a.T @ b``, as a sum of small products of some rows of each, where that takes less time.

    Shapes: (n, k), (n, m) -> (k, m).
    """
    at_once = SMALL_PRODUCT // max(1, out.size)
    several = len(a) // at_once if at_once >= FEWEST_SUMMED else 0
    if several < 2:
        np.matmul(a.T, b, out=out)
        return
    whole = several * at_once
    products = workspace("products", (several, *out.shape), out.dtype)
    parts_of_a, parts_of_b = [each[:whole].reshape(several, at_once, each.shape[1]) for each in (a, b)]
    np.matmul(parts_of_a.swapaxes(1, 2), parts_of_b, out=products)
    np.add.reduce(products, axis=0, out=out)
    if whole < len(a):
        out += a[whole:].T @ b[whole:]


def sum_of_chunks(
    multiply: Callable[[Any, np.ndarray], None], chunks: Sequence[Any], shape: tuple[int, ...], kind: np.dtype
) -> np.ndarray:
    """The sum of what ``multiply(chunk, out)`` writes to ``out`` for each of the chunks, which the threads share.

    It is good until this thread's next sum.
    """
    several = shares(chunks)
    sums = workspace("sums", (len(several), *shape), kind)

    def add_up(number: int) -> None:
        """The sum over one share."""
        part = workspace("part of the sum", shape, kind)
        for position, chunk in enumerate(several[number]):
            multiply(chunk, sums[number] if position == 0 else part)
            if position > 0:
                sums[number] += part

    share_out(add_up, range(len(several)))
    for other in sums[1:]:
        sums[0] += other
    total: np.ndarray = sums[0]
    return total
