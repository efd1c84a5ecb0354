"""Bags of words: the rows of a table that each bag names, added up, averaged, or the largest of each column."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.gate import checked
from minigrad.creation import from_numpy, full, zeros
from minigrad.graph.node import Tensor
from minigrad.ops.embedding import embedding, renormalize
from minigrad.ops.masking import masked_fill
from minigrad.ops.picking import index_add, index_put

__all__ = ["embedding_bag"]


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
    check_bags(input, weight, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights)
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
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None,
    scale_grad_by_freq: bool,
    mode: str,
    sparse: bool,
    per_sample_weights: Tensor | None,
) -> None:
    """Raise PyTorch's errors for shapes, types and a mode that do not go together."""
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
    if mode == "max" and (scale_grad_by_freq or sparse):
        raise ValueError("max mode does not support scaling the gradient by the frequency, nor sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got "
            f"mode='{mode}')."
        )
    for name, tensor in (("indices", input), ("offsets", offsets)):
        if tensor is not None and tensor.dtype not in (dtypes.int64, dtypes.int32):
            raise RuntimeError(
                f"Expected tensor for argument '{name}' to have one of the following scalar types: Long, Int; but got "
                f"{tensor.dtype} instead"
            )
    if not weight.is_floating_point() or getattr(per_sample_weights, "dtype", weight.dtype) is not weight.dtype:
        raise RuntimeError("Expected 'weight' to be floating, and to have the same type as 'per_sample_weights'")
    if 0 in input.shape[1:]:
        raise RuntimeError("embedding_bag: step must be nonzero: a row of no words is no bag")
