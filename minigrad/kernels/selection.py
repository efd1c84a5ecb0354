"""Selecting without branches: what a condition keeps of an array, whatever the pattern."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["where_chosen"]


def where_chosen(chosen: Any, values: Any, out: np.ndarray | None = None) -> np.ndarray:
    """``values`` where ``chosen``, else 0; written to ``out`` where that is given.

    The bits of each value and all ones, or all zeros. ``np.where`` is ten times slower where the pattern is irregular,
    as the processor guesses wrongly; and a product would make NaN of inf · 0.
    """
    bits = np.dtype(f"i{values.itemsize}")
    kept = np.bitwise_and(values.view(bits), -chosen.view(np.int8), out=None if out is None else out.view(bits))
    return np.asarray(kept).view(values.dtype)
