"""Tensors made of several: products of all pairs, blocks, choices. Each is composed of operations that have rules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.creation import tensor
from minigrad.graph.node import Tensor
from minigrad.ops.diagonals import diag_embed
from minigrad.ops.joining import as_tensors, cat, stack
from minigrad.ops.shape import atleast_2d, meshgrid, reshape

__all__ = ["block_diag", "cartesian_prod", "column_stack", "combinations", "diagflat", "kron"]


@checked
def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker's product: in the place of each element of ``input`` that element times ``other``.

    Shapes: (n, m), (k, l) -> (n k, m l), and so for any number of dimensions, the shorter shape beginning with ones.
    """
    ndim = max(input.ndim, other.ndim)
    outer, inner = [(1,) * (ndim - each.ndim) + tuple(each.shape) for each in (input, other)]
    spread = [size for pair in zip(outer, (1,) * ndim) for size in pair]
    repeated = [size for pair in zip((1,) * ndim, inner) for size in pair]
    product = reshape(input, spread) * reshape(other, repeated)
    return reshape(product, [a * b for a, b in zip(outer, inner)])


def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices along a diagonal, zeros elsewhere; a vector is a row. Shapes: (n, m), (k, l) -> (n + k, m + l).

    Raises:
        RuntimeError: a tensor has more than two dimensions.
    """
    for place, each in enumerate(tensors):
        if each.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {place} has {each.ndim} "
                f"dimensions"
            )
    blocks = [atleast_2d(each) for each in tensors] or [tensor([[]])]
    rows, before, width = [], 0, sum([each.shape[1] for each in blocks])
    for block in blocks:
        count, columns = block.shape
        sides = [block.new_zeros((count, size)) for size in (before, width - before - columns)]
        rows.append(cat([sides[0], block, sides[1]], 1))
        before += columns
    return cat(rows)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All choices of one element of each vector. Shapes: (n,), (m,), … -> (n m …, how many); of one vector itself.

    Raises:
        RuntimeError: a tensor has other than one dimension.
    """
    for each in tensors:
        if each.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(each.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([each.flatten() for each in meshgrid(*tensors, indexing="ij")], 1)


@checked
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of ``r`` elements of a vector, in order, each at most once unless ``with_replacement``.

    Shapes: (n,) -> (how many, r).

    Raises:
        RuntimeError: there are other than one dimension, or ``r`` is negative.
    """
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    choose: Any = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array([*choose(range(len(input)), r)], np.int64).reshape(-1, r)
    return input[tensor(places)]


@checked
def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors side by side, vectors as columns. Shapes: (n,), (n, m), … -> (n, 1 + m + …)."""
    given = as_tensors(tensors, "column_stack")
    return cat([reshape(each, (each.numel(), 1)) if each.ndim < 2 else each for each in given], 1)


@checked
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with the elements along a diagonal. Shapes: any -> (n, n), n elements, with ``offset`` 0."""
    return diag_embed(reshape(input, (-1,)), offset)
