"""Batch normalisation on arrays: a channel's mean and variance, the normalised channel, and the way back.

Every computation takes x of shape (N, C, ...) and treats each channel alone: all of its values, of every sample and
place, are one set of numbers. The plain loops, ``plain_...``, go channel by channel. The fast kernels go through memory
once for each step, in pieces that stay in a processor's last cache. There are two ways that x may lie: the C channels
of one place next to each other, a matrix (places, C); or all places of a channel of a sample, (N, C, places).

Sums are made in two levels, which keeps them accurate: within a row of a piece in the type of x, over rows and pieces
in float64. The variance is that of the pieces about their own means, and that of those means about the mean of all.
Source: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.kernels import kernel_mode
from minigrad.kernels.blas import on_own_threads
from minigrad.kernels.memory import workspace
from minigrad.kernels.parallel import share_out, spans, width

__all__ = ["backward_sums", "input_gradient", "normalize", "statistics"]

PIECE = 1 << 19  # elements, so many that threads seldom meet at Python's lock
FEWEST_SHARED = 1 << 18  # elements that a thread is woken for
ROW = 1 << 14  # elements of a piece that one loop of NumPy's goes through
PLACES = 1 << 8  # of so many places at most: a longer sum in the type of x errs by more


@on_own_threads
def statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of each channel, in float64. Shapes: (N, C, ...) -> (C,), (C,)."""
    if kernel_mode.get().reference:
        return plain_statistics(x)
    pieces = Pieces(x)

    def moments(x, deviation):
        """How many values a channel of a piece has, their mean, and the sum of their squared distances from it."""
        count, total = x.size // pieces.channels, pieces.sums(x)
        near = (total / count).astype(x.dtype)
        np.subtract(x, pieces.factor("mean", near, x), out=deviation)
        rest = pieces.sums(deviation) / count  # from near to the mean
        deviation *= deviation
        square = pieces.sums(deviation) - count * rest**2
        return count, np.where(count * near**2 > square, near + rest, total / count), square  # by the smaller terms

    counts, means, squares = map(np.array, zip(*pieces.each(moments)))
    mean = counts @ means / count_of(x)
    return mean, (squares.sum(0) + counts @ (means - mean) ** 2) / count_of(x)


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


def normalize(x: np.ndarray, mean: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(x - mean) · scale + shift, channel by channel, lying in memory as :func:`empty_beside` says.

    The mean goes first: x · scale and mean · scale may be large where their difference is not, and so their rounding.
    Shapes: (N, C, ...), three times (C,).
    """
    if kernel_mode.get().reference:
        return plain_normalize(x, mean, scale, shift)
    z = empty_beside(x)

    def compute(x, z, mean, scale, shift, _):
        np.subtract(x, mean, out=z)
        z *= scale
        z += shift

    Pieces(x, z).each(compute, mean, scale, shift)
    return z


def plain_normalize(x: np.ndarray, mean: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """:func:`normalize`, value by value."""
    z = np.empty_like(x)
    for where in np.ndindex(x.shape):
        channel = where[1]
        z[where] = (x[where] - mean[channel]) * scale[channel] + shift[channel]
    return z


@on_own_threads
def backward_sums(grad: np.ndarray, x: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Σ grad and Σ grad · (x - mean) of each channel, in float64. Shapes: twice (N, C, ...), (C,) -> (C,), (C,)."""
    if kernel_mode.get().reference:
        return plain_backward_sums(grad, x, mean)
    pieces = Pieces(grad, x)

    def compute(grad, x, mean, product):
        np.subtract(x, mean, out=product)
        product *= grad
        return pieces.sums(grad), pieces.sums(product)

    total, aligned = (sum(each) for each in zip(*pieces.each(compute, mean)))
    return total, aligned - (mean - mean.astype(x.dtype)) * total  # what the type of x cannot hold of the mean


def plain_backward_sums(grad: np.ndarray, x: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """:func:`backward_sums`, value by value."""
    total, aligned = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for where in np.ndindex(x.shape):
        channel = where[1]
        total[channel] += grad[where]
        aligned[channel] += np.float64(grad[where]) * (x[where] - mean[channel])
    return total, aligned


def input_gradient(
    grad: np.ndarray, x: np.ndarray, grad_mean: np.ndarray, mean: np.ndarray, of_x: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """(grad - grad_mean - (x - mean) · of_x) · scale, channel by channel. Shapes: two (N, C, ...), four (C,)."""
    if kernel_mode.get().reference:
        return plain_input_gradient(grad, x, grad_mean, mean, of_x, scale)
    z = empty_beside(x)

    def compute(grad, x, z, grad_mean, mean, of_x, scale, product):
        np.subtract(x, mean, out=product)
        product *= of_x
        np.subtract(grad, grad_mean, out=z)
        z -= product
        z *= scale

    Pieces(grad, x, z).each(compute, grad_mean, mean, of_x, scale)
    return z


def plain_input_gradient(
    grad: np.ndarray, x: np.ndarray, grad_mean: np.ndarray, mean: np.ndarray, of_x: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """:func:`input_gradient`, by plain loops."""
    none = np.zeros_like(scale)
    return plain_normalize(grad - plain_normalize(x, mean, of_x, grad_mean), none, scale, none)


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
    return np.empty((count, *places, channels), x.dtype).transpose(0, x.ndim - 1, *range(1, x.ndim - 1))


def laid_out(x: np.ndarray, together: bool) -> np.ndarray:
    """x as a matrix (places, C), or as (N, C, places): copied only where it does not lie so."""
    if together:
        return np.ascontiguousarray(x.transpose(0, *range(2, x.ndim), 1)).reshape(-1, x.shape[1])
    return np.ascontiguousarray(x).reshape(x.shape[0], x.shape[1], -1)


class Pieces:
    """Arrays of one shape (N, C, ...), cut alike: seen as the last one's channels lie, and copied where they do not.

    A piece is a matrix (rows, places · C), several places to a row so that NumPy's loops are long, or where the places
    of a channel lie together (samples, C, places).
    """

    def __init__(self, *arrays: np.ndarray) -> None:
        self.together = channels_lie_together(arrays[-1])
        self.channels, self.size = arrays[-1].shape[1], arrays[-1].size
        ordered = [laid_out(each, self.together) for each in arrays]
        length, of_one = len(ordered[0]), max(1, ordered[0][:1].size)
        elements = min(PIECE, -(-self.size // width())) if self.size >= 2 * FEWEST_SHARED else PIECE
        if not self.together:
            at_once = max(1, elements // of_one)
            self.pieces = [[each[first : first + at_once] for each in ordered] for first in range(0, length, at_once)]
            return
        in_row = max(1, min(length, ROW // of_one, PLACES))
        at_once = max(1, elements // (of_one * in_row)) * in_row
        whole = length - length % in_row
        bounds = [(first, min(first + at_once, whole), in_row) for first in range(0, whole, at_once)]
        if whole < length:
            bounds.append((whole, length, length - whole))
        self.pieces = [
            [each[first:end].reshape(-1, places * self.channels) for each in ordered] for first, end, places in bounds
        ]

    def factor(self, name: str, values: np.ndarray, piece: np.ndarray) -> np.ndarray:
        """``values`` of the channels (C,), for arithmetic with a piece; good until this thread's next of that name."""
        if not self.together:
            return values.astype(piece.dtype)[:, None]
        row = workspace(name, (piece.shape[1] // self.channels, self.channels), piece.dtype)
        row[...] = values
        return row.reshape(-1)

    def sums(self, piece: np.ndarray) -> np.ndarray:
        """The sums of a piece's channels, in float64: of each row alone, or each sample, then of those."""
        if not self.together:
            return np.add.reduce(np.add.reduce(piece, axis=2), axis=0, dtype=np.float64)
        rows = piece.reshape(len(piece), -1, self.channels)
        return np.add.reduce(np.ones(rows.shape[1], piece.dtype) @ rows, axis=0, dtype=np.float64)

    def each(self, work: Callable[..., Any], *of_channels: np.ndarray) -> list[Any]:
        """``work`` of each piece, and what it gives for them, in order; threads share the pieces of a large array.

        It is given the piece of each array, the factors that are ``of_channels``, and memory of its size to compute in.
        """

        def compute(span: tuple[int, int]) -> list[Any]:
            results, longest = [], self.pieces[0][0]
            factors = [self.factor(f"factor {number}", each, longest) for number, each in enumerate(of_channels)]
            for arrays in self.pieces[slice(*span)]:
                like = arrays[0]
                of_rows = [factor[..., : like.shape[-1]] for factor in factors]  # the last row may be shorter
                results.append(work(*arrays, *of_rows, workspace("piece", like.shape, like.dtype)))
            return results

        several = spans(len(self.pieces), -(-len(self.pieces) * FEWEST_SHARED // max(1, self.size)))
        return [result for results in share_out(compute, several) for result in results]
