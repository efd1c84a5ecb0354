"""Several tensors become one. The gradient is cut into the pieces that were joined. Rules, then what users call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.arguments.dims import normalize_dim
from minigrad.arguments.gate import checked
from minigrad.arguments.promotion import result_dtype, type_name
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.strides import as_all_pictures
from minigrad.graph.values import constant_like
from minigrad.ops.indexing import Select, Slice
from minigrad.ops.shape import atleast_2d, atleast_3d

__all__ = ["cat", "concat", "concatenate", "dstack", "hstack", "row_stack", "stack", "vstack"]


def result_dtype_of(tensors):
    """The type to which all tensors promote."""
    kind = tensors[0].dtype
    for each in tensors[1:]:
        if each.dtype != kind:
            return result_dtype(*tensors)
    return kind


class Cat(Function):
    """z = the tensors one after the other along ``dim``; their other sizes must agree."""

    result_strides = as_all_pictures

    def forward(ctx, *tensors, dim):
        filled = [each for each in tensors if each.shape != (0,)] or tensors[:1]
        ctx.dim = dim
        ctx.sizes = [0 if each.shape == (0,) else each.shape[dim] for each in tensors]
        ctx.empty = [each.shape == (0,) for each in tensors]  # fits any shape, and adds nothing
        kind = result_dtype_of(tensors)
        return np.asarray(np.concatenate(filled, axis=dim, dtype=kind, casting="unsafe"), order="C")

    def backward(ctx, grad_z):
        gradients = []
        start = 0
        for size, empty in zip(ctx.sizes, ctx.empty):
            piece = Slice.apply(grad_z, dim=ctx.dim, where=slice(start, start + size))
            gradients.append(constant_like(np.zeros(0), grad_z) if empty else piece)
            start += size
        return tuple(gradients)


def as_tensors(tensors: Sequence[Tensor], name: str) -> tuple[Tensor, ...]:
    """The sequence as a tuple, each element checked to be a tensor, and at least one there."""
    if isinstance(tensors, Tensor):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    for position, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(f"expected Tensor as element {position} in argument 0, but got {type_name(each)}")
    if not tensors:
        kind = ValueError if name == "cat" else RuntimeError
        raise kind(f"{name}(): expected a non-empty list of Tensors")
    return tuple(tensors)


@checked
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along ``dim``. Shapes: (a, n), (b, n) -> (a + b, n) for dim 0; (0,) fits any.

    Raises:
        RuntimeError: they do not, or one has no dimension.
        ValueError: there is no tensor.

    >>> minigrad.cat([minigrad.zeros(2), minigrad.ones(1)])
    tensor([0., 0., 1.])
    """
    given = as_tensors(tensors, "cat")
    for position, each in enumerate(given):
        if each.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {position}) cannot be concatenated")
    joined = [each for each in given if each.shape != (0,)] or given[:1]
    dim = 0 if joined[0].shape == (0,) else normalize_dim(dim, joined[0].ndim)
    for position, each in enumerate(joined):
        if each.ndim != joined[0].ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {joined[0].ndim} and {each.ndim}")
        for other_dim, (first, size) in enumerate(zip(joined[0].shape, each.shape)):
            if other_dim != dim and first != size:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {first} but got size "
                    f"{size} for tensor number {position} in the list."
                )
    return Cat.apply(*given, dim=dim)


@checked
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Side by side: along the second dimension, along the first for tensors of one dimension.

    Shapes: (n, a), (n, b) -> (n, a + b).
    """
    joined = [each.reshape(1) if each.ndim == 0 else each for each in as_tensors(tensors, "hstack")]
    return cat(joined, 0 if joined[0].ndim == 1 else 1)


@checked
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """One below the other: along the first dimension, tensors of one dimension being rows.

    Shapes: (a, m), (b, m) -> (a + b, m).
    """
    return cat(atleast_2d(as_tensors(tensors, "vstack")), 0)


@checked
def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """One behind the other: along the third dimension.

    Shapes: (n, m, a), (n, m, b) -> (n, m, a + b); (n, m) counts as (n, m, 1), (m,) as (1, m, 1).
    """
    return cat(atleast_3d(as_tensors(tensors, "dstack")), 2)


class Stack(Function):
    """z = the tensors, all of one shape, along a new dimension ``dim``."""

    result_strides = None

    def forward(ctx, *tensors, dim):
        ctx.dim, ctx.count = dim, len(tensors)
        kind = result_dtype_of(tensors)
        return np.asarray(np.stack(tensors, axis=dim, dtype=kind, casting="unsafe"), order="C")

    def backward(ctx, grad_z):
        return tuple([Select.apply(grad_z, dim=ctx.dim, index=position) for position in range(ctx.count)])


@checked
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, along a new dimension ``dim``. Shapes: n times (a, b) -> (n, a, b) for dim 0.

    Raises:
        RuntimeError: their shapes differ, or there is no tensor.

    >>> minigrad.stack([minigrad.zeros(2), minigrad.ones(2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    joined = as_tensors(tensors, "stack")
    for position, each in enumerate(joined):
        if each.shape != joined[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(joined[0].shape)} at entry 0 and "
                f"{list(each.shape)} at entry {position}"
            )
    return Stack.apply(*joined, dim=normalize_dim(dim, joined[0].ndim + 1))


# Other names that PyTorch has for some of these.
concat = cat
concatenate = cat
row_stack = vstack
