"""Several tensors become one. The rules: ``ops/joining.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import ops
from minigrad.dims import normalize_dim
from minigrad.functions import shape
from minigrad.functions.arguments import renamed
from minigrad.graph.node import Tensor

__all__ = [
    "cat",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "row_stack",
    "stack",
    "vstack",
]


def as_tensors(tensors: Sequence[Tensor], name: str) -> tuple[Tensor, ...]:
    """The sequence as a tuple, each element checked to be a tensor, and at least one there."""
    if isinstance(tensors, Tensor):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    for position, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(f"expected Tensor as element {position} in argument 0, but got {type(each).__name__}")
    if not tensors:
        kind = ValueError if name == "cat" else RuntimeError
        raise kind(f"{name}(): expected a non-empty list of Tensors")
    return tuple(tensors)


def cat(tensors: Sequence[Tensor], dim: int = 0, **numpy_names: Any) -> Tensor:
    """The tensors one after the other along ``dim``; all other sizes must agree. A tensor of shape (0,) fits any.

    Raises:
        RuntimeError: they do not, or one has no dimension.
        ValueError: there is no tensor.
    """
    if numpy_names:
        named = renamed("cat", numpy_names, dim=dim)
        return cat(tensors, **named)
    given = as_tensors(tensors, "cat")
    for position, each in enumerate(given):
        if each.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {position}) cannot be concatenated")
    joined = [each for each in given if each.shape != (0,)] or given[:1]
    dim = normalize_dim(dim, joined[0].ndim)
    for position, each in enumerate(joined):
        if each.ndim != joined[0].ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {joined[0].ndim} and {each.ndim}")
        for other_dim, (first, size) in enumerate(zip(joined[0].shape, each.shape)):
            if other_dim != dim and first != size:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {first} but got size "
                    f"{size} for tensor number {position} in the list."
                )
    return ops.joining.Cat.apply(*given, dim=dim)


def stack(tensors: Sequence[Tensor], dim: int = 0, **numpy_names: Any) -> Tensor:
    """The tensors, all of one shape, along a new dimension ``dim``.

    Raises:
        RuntimeError: their shapes differ, or there is no tensor.
    """
    if numpy_names:
        named = renamed("stack", numpy_names, dim=dim)
        return stack(tensors, **named)
    joined = as_tensors(tensors, "stack")
    for position, each in enumerate(joined):
        if each.shape != joined[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(joined[0].shape)} at entry 0 and "
                f"{list(each.shape)} at entry {position}"
            )
    return ops.joining.Stack.apply(*joined, dim=normalize_dim(dim, joined[0].ndim + 1))


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Side by side: along the second dimension, along the first for tensors of one dimension."""
    joined = [each.reshape(1) if each.ndim == 0 else each for each in as_tensors(tensors, "hstack")]
    return cat(joined, 0 if joined[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """One below the other: along the first dimension, tensors of one dimension being rows."""
    return cat(shape.atleast_2d(as_tensors(tensors, "vstack")), 0)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """One behind the other: along the third dimension."""
    return cat(shape.atleast_3d(as_tensors(tensors, "dstack")), 2)


# Other names that PyTorch has for some of these.
concat = cat
concatenate = cat
row_stack = vstack
