"""Batch normalisation on arrays: a channel's mean and variance, the normalised channel, and the way back.

Every computation takes x of shape (N, C, ...) and treats each channel alone: all of its values, of every sample and
place, are one set of numbers. The plain loops, ``plain_...``, go channel by channel. The fast kernels go through memory
once for each step, in pieces that stay in the cache. There are two ways that x may lie: the C channels of one place
next to each other, a matrix (places, C); or all places of a channel of a sample, (N, C, places).

Sums are made in two levels, which keeps them accurate: within a piece in the type of x, over the pieces in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.kernels import kernel_mode
from minigrad.kernels.blas import on_own_threads
from minigrad.kernels.memory import workspace
from minigrad.kernels.parallel import share_out, spans

__all__ = ["backward_sums", "input_gradient", "normalize", "statistics"]

PIECE = 1 << 17  # elements, so many that threads seldom meet at Python's lock
FEWEST_SHARED = 1 << 18  # elements that a thread is woken for
ROW = 1 << 14  # elements of a piece that one loop of NumPy's goes through


@on_own_threads()
def statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of each channel, in float64. Shapes: (N, C, ...) -> (C,), (C,)."""
    if kernel_mode.get().reference:
        return plain_statistics(x)
    channels, count = x.shape[1], count_of(x)
    (total,) = add_up(channels, in_pieces(lambda x, _: [piece_sums(x, channels)], [x], [], sums=True), 1)
    mean = total / count

    def squares_of(x, mean, deviation):
        np.subtract(x, mean, out=deviation)
        deviation *= deviation
        return [piece_sums(deviation, channels)]

    (squares,) = add_up(channels, in_pieces(squares_of, [x], [mean], sums=True), 1)
    return mean, squares / count


def plain_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """:func:`statistics`, value by value."""
    mean, variance = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    count = count_of(x)
    for c in range(x.shape[1]):
        values = x[:, c].astype(np.float64).ravel()
        total = 0.0
        for value in values:
            total += value
        mean[c] = total / count
        squares = 0.0
        for value in values:
            squares += (value - mean[c]) ** 2
        variance[c] = squares / count
    return mean, variance


def normalize(x: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """x · scale + shift, channel by channel, lying in memory as :func:`empty_beside` says.

    Shapes: (N, C, ...), twice (C,).
    """
    if kernel_mode.get().reference:
        return plain_normalize(x, scale, shift)
    z = empty_beside(x)

    def compute(x, z, scale, shift, _):
        np.multiply(x, scale, out=z)
        z += shift

    in_pieces(compute, [x, z], [scale, shift])
    return z


def plain_normalize(x: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """:func:`normalize`, value by value."""
    z = np.empty_like(x)
    for where in np.ndindex(x.shape):
        channel = where[1]
        z[where] = x[where] * scale[channel] + shift[channel]
    return z


@on_own_threads()
def backward_sums(grad: np.ndarray, x: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Σ grad and Σ grad · (x - mean) of each channel, in float64. Shapes: twice (N, C, ...), (C,) -> (C,), (C,)."""
    if kernel_mode.get().reference:
        return plain_backward_sums(grad, x, mean)
    channels = x.shape[1]

    def compute(grad, x, mean, product):
        np.subtract(x, mean, out=product)
        product *= grad
        return piece_sums(grad, channels), piece_sums(product, channels)

    total, aligned = add_up(channels, in_pieces(compute, [grad, x], [mean], sums=True), 2)
    return total, aligned


def plain_backward_sums(grad: np.ndarray, x: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """:func:`backward_sums`, value by value."""
    total, aligned = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for where in np.ndindex(x.shape):
        channel = where[1]
        total[channel] += grad[where]
        aligned[channel] += np.float64(grad[where]) * (x[where] - mean[channel])
    return total, aligned


def input_gradient(
    grad: np.ndarray, x: np.ndarray, of_grad: np.ndarray, of_x: np.ndarray, constant: np.ndarray
) -> np.ndarray:
    """grad · of_grad + x · of_x + constant, channel by channel. Shapes: twice (N, C, ...), three times (C,)."""
    if kernel_mode.get().reference:
        return plain_input_gradient(grad, x, of_grad, of_x, constant)
    z = empty_beside(x)

    def compute(grad, x, z, of_grad, of_x, constant, product):
        np.multiply(x, of_x, out=product)
        product += constant
        np.multiply(grad, of_grad, out=z)
        z += product

    in_pieces(compute, [grad, x, z], [of_grad, of_x, constant])
    return z


def plain_input_gradient(
    grad: np.ndarray, x: np.ndarray, of_grad: np.ndarray, of_x: np.ndarray, constant: np.ndarray
) -> np.ndarray:
    """:func:`input_gradient`, value by value."""
    z = np.empty_like(x)
    for where in np.ndindex(x.shape):
        channel = where[1]
        z[where] = grad[where] * of_grad[channel] + x[where] * of_x[channel] + constant[channel]
    return z


# ------------------------------------------------------------------------------------------ piece by piece


def count_of(x: np.ndarray) -> int:
    """How many values a channel has."""
    return x.size // max(1, x.shape[1])


def channels_lie_together(x: np.ndarray) -> bool:
    """Whether the channels of one place are next to each other in memory."""
    one_place = x.size == len(x) * x.shape[1]
    return one_place or (not x.flags.c_contiguous and x.strides[1] <= x.strides[-1])


def empty_beside(x: np.ndarray) -> np.ndarray:
    """A new array of x's shape and type, in whichever of the two orders x's channels suggest."""
    if not channels_lie_together(x):
        return np.empty(x.shape, x.dtype)
    count, channels, *places = x.shape
    return np.moveaxis(np.empty((count, *places, channels), x.dtype), -1, 1)


def in_order(x: np.ndarray, together: bool) -> np.ndarray:
    """x as a matrix (places, C), or as (N, C, places): copied only where it does not lie so."""
    if together:
        return np.ascontiguousarray(x.transpose(0, *range(2, x.ndim), 1)).reshape(-1, x.shape[1])
    return np.ascontiguousarray(x).reshape(x.shape[0], x.shape[1], -1)


def in_pieces(
    work: Callable[..., Any], arrays: list[np.ndarray], of_channels: list[np.ndarray], sums: bool = False
) -> list[Any]:
    """``work`` of each piece, and what it gives for them, in order.

    Threads share the pieces of a large array; not where ``sums`` of channels that lie together are all that is made:
    BLAS adds them up about as fast as they come from memory.

    It is given the same piece of each of ``arrays``, all like the last one, then what belongs to its channels, then
    memory of a piece's size to compute in. All broadcast: a piece is (rows, places · C), ``of_channels`` (C,) come
    repeated for the places of a row, so that NumPy's loops are as long; or it is (samples, C, places) and they (C, 1).
    """
    together = channels_lie_together(arrays[-1])
    ordered = [in_order(each, together) for each in arrays]
    factors = [each.astype(ordered[0].dtype) for each in of_channels]
    if together:
        count, channels = ordered[0].shape
        in_row = max(1, min(count, ROW // max(1, channels)))
        factors = [repeated(number, factor, in_row) for number, factor in enumerate(factors)]
        whole = count - count % in_row
        rows = [each[:whole].reshape(-1, in_row * channels) for each in ordered]
        results = in_rows(work, rows, factors, shared=not sums)
        if whole < count:
            rest = [each[whole:].reshape(1, -1) for each in ordered]
            results += in_rows(work, rest, [each[: rest[0].size] for each in factors], shared=False)
        return results
    return in_rows(work, ordered, [each[:, None] for each in factors], shared=True)


def repeated(number: int, factor: np.ndarray, count: int) -> np.ndarray:
    """``factor`` so many times on end, in memory that is called by its ``number``."""
    memory = workspace(f"factor {number}", (count, len(factor)), factor.dtype)
    memory[...] = factor
    return memory.reshape(-1)


def in_rows(work: Callable[..., Any], arrays: list[np.ndarray], factors: list[np.ndarray], shared: bool) -> list[Any]:
    """:func:`in_pieces` where a piece is some rows of each array, and threads may share large ones or not."""
    count, *shape = arrays[0].shape
    of_row = max(1, arrays[0].size // max(1, count))
    at_once = max(1, PIECE // of_row)
    starts = range(0, count, at_once)

    def compute(span):
        scratch = workspace("piece", (min(at_once, count), *shape), arrays[0].dtype)
        results = []
        for start in starts[slice(*span)]:
            part = [each[start : start + at_once] for each in arrays]
            results.append(work(*part, *factors, scratch[: len(part[0])]))
        return results

    several = spans(len(starts), -(-FEWEST_SHARED // (at_once * of_row))) if shared else [(0, len(starts))]
    return [result for results in share_out(compute, several) for result in results]


def add_up(channels: int, results: list[Any], number: int) -> list[np.ndarray]:
    """The sums over the pieces of so many sums (C,) of each, in float64."""
    totals = [np.zeros(channels) for _ in range(number)]
    for each in results:
        for total, of_piece in zip(totals, each):
            total += of_piece
    return totals


def piece_sums(piece: np.ndarray, channels: int) -> np.ndarray:
    """The sums of the channels of a piece, one of the two kinds: of each row alone, then in float64."""
    if piece.ndim == 3:
        return np.add.reduce(piece, axis=(0, 2))
    rows = piece.reshape(len(piece), -1, channels)
    return np.add.reduce(np.ones(rows.shape[1], piece.dtype) @ rows, axis=0, dtype=np.float64)
