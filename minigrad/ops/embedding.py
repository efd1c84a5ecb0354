"""Rows of a table picked by whole numbers, and classes as rows of zeros with a one: what embedding layers compute."""

from __future__ import annotations

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import check_integer
from minigrad.arguments.gate import checked
from minigrad.creation import from_numpy
from minigrad.graph.function import Function
from minigrad.graph.grad_mode import no_grad
from minigrad.graph.node import Tensor
from minigrad.graph.saved_tensors import Given
from minigrad.graph.values import constant_like
from minigrad.linalg.norms import vector_norm
from minigrad.ops.choosing import Where, where
from minigrad.ops.picking import Pick

__all__ = ["embedding", "one_hot"]


class Embedding(Function):
    """z = the rows of ``weight`` that the indices name. The row ``padding_index`` has no gradient.

    ``by_frequency`` divides a row's gradient by how often the row was named.
    """

    saved_names = ("indices",)

    def forward(ctx, weight, *, indices, padding_index, by_frequency):
        ctx.shape, ctx.padding_index, ctx.by_frequency = weight.shape, padding_index, by_frequency
        ctx.save_for_backward(indices)
        return weight[indices]

    def backward(ctx, grad_z):
        (indices,) = ctx.saved_tensors
        if ctx.by_frequency:
            counts = np.bincount(indices[0].reshape(-1), minlength=ctx.shape[0])
            grad_z = grad_z * constant_like(1 / counts[indices][..., None], grad_z)
        grad_weight = EmbeddingBackward.apply(grad_z, shape=ctx.shape, indices=indices, padding_index=ctx.padding_index)
        return grad_weight


@checked
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of ``weight`` that ``input`` names. Shapes: (...), (n, d) -> (..., d).

    ``max_norm`` first scales the rows named down to that norm, in place. ``sparse`` changes nothing.

    Raises:
        RuntimeError: the input is not of an integer type, or ``weight`` is no matrix.
        IndexError: an index is no row.
        AssertionError: ``padding_idx`` is no row.
    """
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, but has {weight.ndim} dimensions")
    rows = weight.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError(f"Padding_idx must be within num_embeddings: {padding_idx}, {rows}")
        padding_idx %= rows
    if input.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.dtype} instead"
        )
    if ((input.array < 0) | (input.array >= rows)).any():
        raise IndexError(f"index out of range in self: there are {rows} rows")
    if max_norm is not None:
        renormalize(weight, np.unique(input.array), max_norm, norm_type)
    return Embedding.apply(
        weight,
        indices=Given((input.array,), input),
        padding_index=-1 if padding_idx is None else padding_idx,
        by_frequency=scale_grad_by_freq,
    )


@no_grad()
def renormalize(weight: Tensor, rows: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Scale the rows of ``weight`` whose norm is above ``max_norm`` down to it, in place."""
    norms = vector_norm(weight[rows], norm_type, 1, True)
    weight[rows] = weight[rows] * where(norms > max_norm, max_norm / (norms + 1e-7), 1.0)


class EmbeddingBackward(Function):
    """Zeros of ``shape`` to whose rows ``grad`` is added, but for the row ``padding_index``."""

    def forward(ctx, grad, *, shape, indices, padding_index):
        kept = (indices[0] != padding_index)[..., None]
        ctx.save_for_backward(indices, Given((kept,)))
        z = np.zeros(shape, grad.dtype)
        np.add.at(z, indices, np.where(kept, grad, np.zeros((), grad.dtype)))
        return z

    def backward(ctx, grad_z):
        indices, (kept,) = ctx.saved_tensors
        grad_grad = Where.apply(Pick.apply(grad_z, where=indices), 0.0, condition=kept)
        return grad_grad


@checked
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Zeros with a one at each class: int64. Shapes: (...) -> (..., classes), as many as the largest class asks for.

    Raises:
        RuntimeError: a class is negative or too large, the type is not int64, there is no class to count, or there are
            more than memory can hold.
        ValueError: ``num_classes`` does not fit in 64 bits.
    """
    check_integer("num_classes", num_classes)
    if tensor.dtype is not dtypes.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if tensor.numel() == 0 and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if (tensor.array < 0).any():
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(tensor.array.max()) + 1
    elif num_classes <= 0:
        raise RuntimeError("num_classes should be positive")
    elif (tensor.array >= num_classes).any():
        raise RuntimeError(f"Class values must be smaller than num_classes ({num_classes}).")
    hot = np.zeros((*tensor.shape, num_classes), np.int64)
    np.put_along_axis(hot, tensor.array[..., None], 1, -1)
    return from_numpy(hot)
