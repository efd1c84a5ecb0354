"""Where values lie among boundaries, and how many do: none of it has a gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes, return_types
from minigrad.arguments.checks import check_tensors
from minigrad.arguments.gate import checked
from minigrad.arguments.operands import checked_number
from minigrad.arguments.promotion import number_as, promote
from minigrad.graph.node import Number, Tensor, unwrap
from minigrad.kernels.sequences import evenly_spaced
from minigrad.ops.nondifferentiable import constant

__all__ = ["bincount", "bucketize", "histc", "histogram", "isin", "searchsorted"]


@checked
def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | Number,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Before which element of ``sorted_sequence`` each value belongs; of equal ones the first, or after: ``right``.

    Shapes: (n,), any -> any; (..., n), (..., m) -> (..., m), each row in its own. ``side`` "left" or "right" says the
    same as ``right``. ``sorter`` are the positions that put the sequence in order.

    Raises:
        RuntimeError: the shapes do not agree, or ``side`` is another, or contradicts.

    >>> minigrad.searchsorted(minigrad.tensor([1, 3, 5]), minigrad.tensor([3, 4]))
    tensor([1, 2])
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    rows, values = sorted_sequence.array, np.asarray(unwrap(input))
    if rows.ndim != 1 and (rows.ndim == 0 or rows.shape[:-1] != values.shape[:-1] or values.ndim != rows.ndim):
        raise RuntimeError(
            f"torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(rows.shape)} and input "
            f"value tensor {list(values.shape)}"
        )
    if sorter is not None:
        if sorter.shape != sorted_sequence.shape or sorter.dtype is not dtypes.int64:
            raise RuntimeError(
                "torch.searchsorted(): boundary and sorter must have the same size, and sorter int64 positions"
            )
        rows = np.take_along_axis(rows, sorter.array, -1)
    places = np.empty(values.shape, np.int32 if out_int32 else np.int64)
    for row in np.ndindex(rows.shape[:-1]):
        places[row] = np.searchsorted(rows[row], values[row], "right" if right or side == "right" else "left")
    return constant(places, sorted_sequence, input)


@checked
def bucketize(input: Tensor | Number, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Between which ``boundaries`` each value lies: :func:`searchsorted` the other way round. Shapes: any, (n,) -> any.

    Raises:
        RuntimeError: the boundaries have other than one dimension.
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@checked
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each integer from 0 on is there, or the sum of its ``weights``.

    Shapes: (n,) -> (largest + 1,), at least ``minlength``. Weights are summed in float64, those of float32 in float32.

    Raises:
        RuntimeError: there is more than one dimension, a negative integer or ``minlength``, or not a weight for each.
        NotImplementedError: the type is floating or bool.
    """
    if input.array.dtype.kind not in "iu":
        raise NotImplementedError(f'"bincount_cpu" not implemented for {input.dtype}')
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if input.ndim != 1 or (input.array < 0).any():
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return constant(np.bincount(input.array, minlength=minlength), input)
    if weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    kind = weights.array.dtype if weights.array.dtype == np.float32 else np.dtype(np.float64)
    return constant(np.bincount(input.array, weights.array, minlength).astype(kind), input, weights)


def edges_between(x: np.ndarray, bins: int, low: float, high: float) -> np.ndarray:
    """The edges of ``bins`` equal parts from ``low`` to ``high``, from the smallest to the largest of x unless told."""
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if low == high:
        low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 1.0)
    if not math.isfinite(low) or not math.isfinite(high):
        raise RuntimeError(f"torch.histc: range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"torch.histc: max must be larger than min, but got min {low} max {high}")
    if low == high:
        low, high = low - 0.5, high + 0.5
    return evenly_spaced(number_as(low, x.dtype), number_as(high, x.dtype), bins + 1, x.dtype)


def counts_between(x: np.ndarray, edges: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """How many of x lie between each two of ``edges``, the last edge included, or the sum of their ``weights``."""
    inside = (x >= edges[0]) & (x <= edges[-1])
    places = np.minimum(np.searchsorted(edges, x[inside], "right") - 1, len(edges) - 2)
    return np.bincount(places, None if weights is None else weights[inside], len(edges) - 1).astype(x.dtype)


@checked
def histc(input: Tensor, bins: int = 100, min: Number = 0, max: Number = 0) -> Tensor:
    """How many elements lie in each of ``bins`` equal parts from ``min`` to ``max``, the ends included. Shape: (bins,).

    Where the two are equal, as unless told, they are the smallest and the largest element.

    Raises:
        RuntimeError: there are no bins, or ``min`` is larger, or one of the two is not finite.
        NotImplementedError: the type is not floating.
    """
    if not input.is_floating_point():
        raise NotImplementedError(f'"histogram_cpu" not implemented for {input.dtype}')
    return constant(counts_between(input.array, edges_between(input.array, bins, min, max)), input)


@checked
def histogram(
    input: Tensor,
    bins: Tensor | int | Sequence[float],
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> return_types.histogram:
    """How many elements lie in each part, or the sum of their ``weight``, and the edges of the parts.

    ``bins`` are the edges, n + 1 numbers, or how many equal parts there are of ``range``, from the smallest to the
    largest element unless told. With ``density`` the numbers are divided so that their integral is 1.
    Shapes: any -> (n,) and (n + 1,).

    Raises:
        RuntimeError: there are no bins, or the range begins after its end, or ``weight`` has not the input's shape, or
            one of the two not its type.
        NotImplementedError: the type is not floating.
    """
    if not input.is_floating_point():
        raise NotImplementedError(f'"histogramdd" not implemented for {input.dtype}')
    if weight is not None and weight.shape != input.shape:
        raise RuntimeError(
            f"torch.histogram: if weight tensor is provided it should have the same shape as the input tensor, but got "
            f"input with shape {list(input.shape)} and weight with shape {list(weight.shape)}"
        )
    for name, each in {"bins tensors": bins, "weight tensor": weight}.items():
        if isinstance(each, Tensor) and each.dtype is not input.dtype:
            raise RuntimeError(
                f"torch.histogram: input tensor and {name} should have the same dtype, but got input {input.dtype} and "
                f"{each.dtype}"
            )
    if isinstance(bins, Tensor):
        if bins.ndim != 1:
            raise RuntimeError(f"torch.histogram: bins tensor should have one dimension, but got {bins.ndim}")
        edges = bins.array
    else:
        edges = edges_between(input.array, bins, *((0, 0) if range is None else range))  # type: ignore[arg-type]
    counts = counts_between(input.array, edges, None if weight is None else weight.array)
    if density:
        counts = (counts / (np.diff(edges) * np.add.reduce(counts))).astype(counts.dtype)
    return return_types.histogram(constant(counts, input), constant(edges.copy(), input))


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Which ``elements`` are among ``test_elements``, or are not where ``invert``; one of the two may be a number.

    Shape: that of ``elements``; bool. ``assume_unique`` changes nothing here.
    """
    if not isinstance(elements, Tensor):
        check_tensors("isin", test_elements=test_elements)
        checked_number("isin", elements)
    elif not isinstance(test_elements, Tensor):
        checked_number("isin", test_elements)
    first, second = promote(unwrap(elements), unwrap(test_elements))
    return constant(np.isin(first, second, invert=invert), elements, test_elements)
