"""Products of many matrices, and of vectors in space; powers. What users call, above it the one rule that is needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.arguments.dims import normalize_dim
from minigrad.arguments.gate import checked
from minigrad.arguments.operands import check_broadcast
from minigrad.attributes import contiguous_format
from minigrad.creation import eye
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.linalg.checks import check_one_type, check_square
from minigrad.linalg.solving import inv
from minigrad.ops import diagonals
from minigrad.ops.copying import clone
from minigrad.ops.joining import cat
from minigrad.ops.matmul import matmul
from minigrad.ops.scan import cumprod
from minigrad.ops.shape import atleast_1d

__all__ = ["cross", "diagonal", "matrix_power", "multi_dot", "vander", "vecdot"]


@checked
def matrix_power(input: Tensor, n: int) -> Tensor:
    """A matrix times itself, ``n`` factors; for negative ``n`` of its inverse. Shapes: (..., m, m), the same out.

    Raises:
        LinAlgError: ``n`` is negative and a matrix singular.
        RuntimeError: a matrix is not square, or, for negative ``n``, of another type than float32 and float64.
    """
    check_square("linalg.matrix_power", input)
    if n == 0:
        return clone(input, memory_format=contiguous_format).copy_(eye(input.shape[-1], dtype=input.dtype))
    if n < 0:
        return inv(input) if n == -1 else matrix_power(inv(input), -n)
    if n == 1:
        return clone(input)
    if n == 3:
        return matmul(matmul(input, input), input)
    result, square = None, input  # the powers of two that n is the sum of
    while True:
        if n % 2:
            result = square if result is None else matmul(result, square)
        n //= 2
        if n == 0:
            return result  # type: ignore[return-value]
        square = matmul(square, square)


def cheapest_order(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """After which matrix to cut the product of matrices first … last, for the fewest multiplications.

    Matrix number i is of shape (sizes[i], sizes[i + 1]). Source: Cormen et al., "Introduction to Algorithms", 15.2.
    """
    count = len(sizes) - 1
    cost = {(each, each): 0 for each in range(count)}
    cut = {}
    for length in range(1, count):
        for first in range(count - length):
            last = first + length
            ends = sizes[first] * sizes[last + 1]
            costs = {
                middle: cost[first, middle] + cost[middle + 1, last] + ends * sizes[middle + 1]
                for middle in range(first, last)[:: -1 if count == 3 else 1]  # of equal ones the first is taken
            }
            cut[first, last] = min(costs, key=costs.__getitem__)
            cost[first, last] = costs[cut[first, last]]
    return cut


@checked
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of two or more matrices, in the order that takes the fewest multiplications.

    Shapes: (n, k), …, (l, m) -> (n, m). The first and the last may be vectors, whose dimension the result has not.

    Raises:
        RuntimeError: there are fewer than two, or dimensions, sizes or types do not agree.
    """
    count = len(tensors)
    if count < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {count}")
    for place, each in enumerate(tensors):
        ends = (1, 2) if place in (0, count - 1) else (2,)
        if each.ndim not in ends:
            expected = "1D or 2D" if len(ends) == 2 else "2D"
            raise RuntimeError(f"multi_dot(): tensor {place} must be {expected} but got {each.ndim}D")
        if each.dtype is not tensors[0].dtype:
            raise RuntimeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {tensors[0].dtype} and tensor "
                f"{place} {each.dtype}"
            )
    first, *others, last = tensors
    matrices = [first.unsqueeze(0) if first.ndim == 1 else first, *others]
    matrices += [last.unsqueeze(-1) if last.ndim == 1 else last]
    for place in range(count - 1):
        if matrices[place].shape[1] != matrices[place + 1].shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {place} and {place + 1} with shapes {list(tensors[place].shape)} and "
                f"{list(tensors[place + 1].shape)} cannot be multiplied"
            )
    cut = cheapest_order([*[each.shape[0] for each in matrices], matrices[-1].shape[1]])

    def product(start: int, end: int) -> Tensor:
        if start == end:
            return matrices[start]
        middle = cut[start, end]
        return product(start, middle) @ product(middle + 1, end)

    return product(0, count - 1).view(first.shape[:-1] + last.shape[1:])


class LinalgCross(Function):
    """z = x × y, at right angles to both. As x × y · w = y × w · x, dL/dx = y × dL/dz."""

    saved_names = ("self", "other")
    result_strides = None

    def forward(ctx, x, y, *, dim):
        ctx.dim = dim
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, y if ctx.needs_input_grad[0] else None)
        return np.ascontiguousarray(np.cross(x, y, axis=dim))

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad_x = LinalgCross.apply(y, grad_z, dim=ctx.dim) if ctx.needs_input_grad[0] else None
        grad_y = LinalgCross.apply(grad_z, x, dim=ctx.dim) if ctx.needs_input_grad[1] else None
        return grad_x, grad_y


@checked
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product along ``dim``, of size 3. Shapes: (..., 3), (..., 3) -> (..., 3), broadcast.

    Raises:
        RuntimeError: ``dim`` has not size 3, or dimensions, sizes or types do not agree.
        NotImplementedError: both are of bools.
    """
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    place = normalize_dim(dim, input.ndim)
    if not input.ndim or input.shape[place] != 3 or other.shape[place] != 3:
        sizes = " and ".join([str(each.shape[place] if each.ndim else 1) for each in (input, other)])
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {sizes}")
    check_broadcast(input.array, other.array)
    if input.dtype is not other.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype} but found {other.dtype}")
    if input.array.dtype == np.bool_:
        raise NotImplementedError('"cross" not implemented for bools: convert to integers first')
    return LinalgCross.apply(input, other, dim=place)


def powers_of(x: Tensor, count: int) -> Tensor:
    """1, x, x², …: ``count`` powers of every element, along a new last dimension."""
    factors = x.unsqueeze(-1).expand(*x.shape, max(count - 1, 0))
    return cat([x.new_ones((*x.shape, min(count, 1))), cumprod(factors, -1)], -1)


@checked
def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 0 to ``N - 1`` of every element. Shapes: (..., n) -> (..., n, N), N = n unless told.

    Raises:
        RuntimeError: ``N`` is below 2, or there are bools.
    """
    if x.array.dtype == np.bool_:
        raise RuntimeError("linalg.vander supports floating point, complex, and integer tensors, but got bools")
    x = atleast_1d(x)
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    return powers_of(x, count)


@checked
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The sum of products along ``dim``. Shapes: broadcast, without ``dim``.

    Raises:
        RuntimeError: the types differ.
    """
    check_one_type("linalg.vecdot", x=x, y=y)
    return (x * y).sum(dim)


@checked
def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """As :func:`diagonal`, of the last two dimensions unless told. Shapes: (..., n, m) -> (..., min(n, m))."""
    return diagonals.diagonal(A, offset, dim1, dim2)
