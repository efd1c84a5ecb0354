"""The same elements under another shape; most results are views. The rules: ``ops/shape.py``, ``ops/broadcasting.py``.

Each is a function of ``minigrad``, a method of ``Tensor``, or both, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import minigrad
from minigrad import ops
from minigrad.ops.dims import as_shape, normalize_dim

if TYPE_CHECKING:
    import minigrad.ops.broadcasting
    import minigrad.ops.elementwise
    import minigrad.ops.shape
    from minigrad.tensor import Tensor

__all__ = [
    "broadcast_to",
    "contiguous",
    "expand",
    "expand_as",
    "flatten",
    "numel",
    "permute",
    "reshape",
    "squeeze",
    "t",
    "transpose",
    "unsqueeze",
    "view",
    "view_as",
]


def view(input: Tensor, *shape: Any) -> Tensor:
    """The same elements under another shape, in the same memory.

    Raises:
        RuntimeError: the shape holds another number of elements, or the memory's layout does not allow it.
    """
    wanted = ops.shape.infer_shape(as_shape(shape), input.array.size)
    if not ops.shape.is_viewable(input.array, wanted):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans "
            "across two contiguous subspaces). Use .reshape(...) instead."
        )
    return ops.shape.View.apply(input, shape=wanted)


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements under another shape: a view where the memory's layout allows it, else a copy.

    Raises:
        RuntimeError: the shape holds another number of elements.
    """
    wanted = ops.shape.infer_shape(as_shape(shape), input.array.size)
    if ops.shape.is_viewable(input.array, wanted):
        return ops.shape.View.apply(input, shape=wanted)
    return ops.shape.UnsafeView.apply(input.contiguous(), shape=wanted)


def view_as(input: Tensor, other: Tensor) -> Tensor:
    return input.view(other.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    if input.ndim == 0:
        return input.reshape(1)
    start, end = normalize_dim(start_dim, input.ndim), normalize_dim(end_dim, input.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    return input.reshape(
        *input.shape[:start], minigrad.Size(input.shape[start : end + 1]).numel(), *input.shape[end + 1 :]
    )


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    if input.ndim == 0:
        return ops.shape.Permute.apply(input, dims=())
    return ops.shape.Transpose.apply(input, dim0=normalize_dim(dim0, input.ndim), dim1=normalize_dim(dim1, input.ndim))


def t(input: Tensor) -> Tensor:
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but input is {input.ndim}D")
    return ops.shape.T.apply(input)


def permute(input: Tensor, *dims: Any) -> Tensor:
    return ops.shape.Permute.apply(input, dims=as_shape(dims))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    return ops.shape.Unsqueeze.apply(input, dim=dim)


def squeeze(input: Tensor, dim: int | None = None) -> Tensor:
    if dim is None:
        return ops.shape.Squeeze.apply(input)
    return ops.shape.SqueezeDim.apply(input, dim=dim)


def expand(input: Tensor, *shape: Any) -> Tensor:
    return ops.broadcasting.Expand.apply(input, shape=as_shape(shape))


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    return input.expand(other.shape)


def contiguous(input: Tensor) -> Tensor:
    """This tensor if its elements lie in row-major order, else a copy that does."""
    return input if input.array.flags.c_contiguous else ops.elementwise.CloneContiguous.apply(input)


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """``input`` repeated to shape ``size`` without copying."""
    return input.expand(*size)


def numel(input: Tensor) -> int:
    """How many elements ``input`` has."""
    return input.array.size
