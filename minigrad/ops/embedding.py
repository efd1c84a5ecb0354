"""Rows of a table picked by whole numbers, one by one or by the bag, and classes as rows of zeros with a one.

Of the rows that a bag of words names, what is asked for is their sum, their mean, or the largest of each column.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import check_integer
from minigrad.arguments.gate import checked
from minigrad.creation import from_numpy, full, zeros
from minigrad.graph.function import Function
from minigrad.graph.grad_mode import no_grad
from minigrad.graph.node import Tensor
from minigrad.graph.saved_tensors import Given
from minigrad.graph.values import constant_like
from minigrad.linalg.norms import vector_norm
from minigrad.ops.choosing import Where, where
from minigrad.ops.masking import masked_fill
from minigrad.ops.picking import Pick, index_add, index_put

__all__ = ["embedding", "embedding_bag", "one_hot"]


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
    check_index_type("#1 'indices'", input)
    if ((input.array < 0) | (input.array >= rows)).any():
        raise IndexError(f"index out of range in self: there are {rows} rows")
    if max_norm is not None:
        renormalize(weight, np.unique(input.array), max_norm, norm_type)
    options = {"padding_index": -1 if padding_idx is None else padding_idx, "by_frequency": scale_grad_by_freq}
    return Embedding.apply(weight, indices=Given((input.array,), input), **options)


def check_index_type(argument: str, tensor: Tensor) -> None:
    """Raise PyTorch's RuntimeError where an index is not of whole numbers."""
    if tensor.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError(
            f"Expected tensor for argument {argument} to have one of the following scalar types: Long, Int; but got "
            f"{tensor.dtype} instead"
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
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Of each bag the rows of ``weight`` that it names, as one: their sum, mean, or in each column their max.

    Shapes: (B, S), or (S,) with the bags' beginnings ``offsets`` (B,), and (n, d) -> (B, d). An empty bag gives zeros.

    Args:
        input: whole numbers, one bag a row or all one after the other.
        weight: the table.
        offsets: where each bag begins in an input of one dimension.
        max_norm, norm_type, scale_grad_by_freq: as :func:`embedding`.
        mode: "sum", "mean" or "max".
        sparse: changes nothing.
        per_sample_weights: of the input's shape: what each row is multiplied by before the sum.
        include_last_offset: whether ``offsets`` has the end of the last bag too.
        padding_idx: a row that does not count, and has no gradient.

    Raises:
        ValueError: shapes do not fit, or the mode is unknown or not one for the other arguments.
        RuntimeError: a type is wrong, an index or ``padding_idx`` is no row, or the offsets are no beginnings.
        NotImplementedError: weights are given and the mode is not "sum".
    """
    check_bags(input, weight, offsets, mode, scale_grad_by_freq or sparse, per_sample_weights)
    rows, columns = weight.shape
    words = input.array.reshape(-1)
    beginnings = beginnings_of(input, offsets, include_last_offset)
    if mode == "max" or padding_idx is not None or weight.dtype is dtypes.float64:
        beginnings[-1:] = input.numel()  # whatever the last offset: so PyTorch does where it has no fast sum
    outside = np.flatnonzero((words < 0) | (words >= rows))
    if outside.size:
        raise RuntimeError(
            f"Expected idx >= 0 && idx < num_embeddings but found idx to be {words[outside[0]]}: element {outside[0]} "
            f"of the input, where there are {rows} embeddings"
        )
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise RuntimeError(
            f"padding_idx must be within the number of embeddings, {-rows} through {rows - 1}, but got {padding_idx}"
        )
    if max_norm is not None:
        renormalize(weight, np.unique(words), max_norm, norm_type)

    count = len(beginnings) - 1
    bag = np.repeat(np.arange(count), np.diff(beginnings))
    counted = np.flatnonzero(words[: len(bag)] != (-1 if padding_idx is None else padding_idx % rows))
    bag = bag[counted]
    picked = embedding(from_numpy(words[counted]), weight, scale_grad_by_freq=scale_grad_by_freq)
    sizes = np.bincount(bag, minlength=count)
    if mode == "max":
        place = np.arange(len(bag)) - (np.cumsum(sizes) - sizes)[bag]
        lowest = full((count, sizes.max(initial=1), columns), -math.inf, dtype=weight.dtype)
        side_by_side = index_put(lowest, (from_numpy(bag), from_numpy(place)), picked)
        return masked_fill(side_by_side.max(1).values, from_numpy(sizes == 0).unsqueeze(1), 0)
    if per_sample_weights is not None:
        picked = picked * per_sample_weights.reshape(-1)[from_numpy(counted)].unsqueeze(1)
    total = index_add(zeros((count, columns), dtype=weight.dtype), 0, from_numpy(bag), picked)
    return total if mode == "sum" else total / from_numpy(np.maximum(sizes, 1)).unsqueeze(1)


def beginnings_of(input: Tensor, offsets: Tensor | None, include_last: bool) -> np.ndarray:
    """Where each bag begins in all words, and where the last ends: one number more than there are bags."""
    if offsets is None:
        return np.arange(len(input) + 1) * input.shape[1]
    beginnings: Any = offsets.array
    if len(beginnings) and beginnings[0] != 0:
        raise RuntimeError(
            f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
            f"However, got {beginnings[0]}"
        )
    beginnings = beginnings if include_last else np.append(beginnings, max(input.numel(), *beginnings[-1:], 0))
    if len(beginnings) and beginnings[-1] > input.numel():
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {input.numel()} but got offsets[-1] of "
            f"{beginnings[-1]}"
        )
    return np.maximum.accumulate(beginnings)


def check_bags(
    input: Tensor, weight: Tensor, offsets: Tensor | None, mode: str, not_max: bool, per_sample_weights: Tensor | None
) -> None:
    """Raise PyTorch's errors for shapes, types and a mode that do not go together.

    ``not_max`` says that something is asked for that the mode "max" cannot do.
    """
    if per_sample_weights is not None and input.shape != per_sample_weights.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the "
            f"same shape as the input ({input.shape})"
        )
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    if input.ndim not in (1, 2):
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if (offsets is None) == (input.ndim == 1):
        raise ValueError("offsets, a 1D Tensor, are for an input of one dimension; of two, each row is a bag")
    if offsets is not None and offsets.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and not_max:
        raise ValueError("max mode does not support scaling the gradient by the frequency, nor sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got "
            f"mode='{mode}')."
        )
    check_index_type("'indices'", input)
    if offsets is not None:
        check_index_type("'offsets'", offsets)
    if not weight.is_floating_point() or getattr(per_sample_weights, "dtype", weight.dtype) is not weight.dtype:
        raise RuntimeError("Expected 'weight' to be floating, and to have the same type as 'per_sample_weights'")
    if 0 in input.shape[1:]:
        raise RuntimeError("embedding_bag: step must be nonzero: a row of no words is no bag")


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
