"""Selecting without branches: what a condition keeps of an array, whatever the pattern."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["positive_part", "where_chosen", "where_not"]

ROW = 1 << 13  # zeros that an array is compared with at once


def positive_part(x: np.ndarray, out: np.ndarray) -> None:
    """max(x, 0), NaN where x is NaN, written to ``out``, which may be x.

    NumPy takes the larger of each pair of two arrays many pairs at once, but compares with a number one by one, three
    times as slowly. So x, seen as one row of memory, is cut into rows as long as a row of zeros.
    """
    if out.size < ROW or x.strides != out.strides or not lies_in_one_row(out):
        np.maximum(x, np.zeros((), x.dtype), out=out)
        return
    flat, flat_out = x.ravel(order="K"), out.ravel(order="K")
    zeros = np.zeros(ROW, x.dtype)
    whole = flat.size - flat.size % ROW
    np.maximum(flat[:whole].reshape(-1, ROW), zeros, out=flat_out[:whole].reshape(-1, ROW))
    np.maximum(flat[whole:], zeros[: flat.size - whole], out=flat_out[whole:])


def lies_in_one_row(x: np.ndarray) -> bool:
    """Whether the elements follow each other in memory, in whatever order of dimensions: else ``ravel`` copies."""
    return np.may_share_memory(x.ravel(order="K"), x)


def where_chosen(chosen: Any, values: Any) -> np.ndarray:
    """``values`` where ``chosen``, else 0. ``chosen`` is used up: its memory becomes the mask.

    The bits of each value and all ones, or all zeros. ``np.where`` is ten times slower where the pattern is irregular,
    as the processor guesses wrongly; and a product would make NaN of inf · 0.
    """
    mask = chosen.view(np.int8)
    np.negative(mask, out=mask)
    return masked(values, mask, np.empty_like(values))


def where_not(dropped: Any, values: Any, out: np.ndarray) -> np.ndarray:
    """``values`` where ``dropped`` is False, else 0, written to ``out``, which must not be ``values``.

    ``dropped`` is used up.
    """
    mask = dropped.view(np.int8)
    mask -= np.int8(1)
    return masked(values, mask, out)


def masked(values: Any, mask: Any, out: np.ndarray) -> np.ndarray:
    """The bits of ``values`` where ``mask`` is -1, all ones; 0 where it is 0."""
    bits = np.dtype(f"i{values.itemsize}")
    kept = out.view(bits)
    kept[...] = mask
    kept &= values.view(bits)
    return out
