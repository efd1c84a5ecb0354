"""Numbers at equal distances, to the last bit as PyTorch computes them: what ``arange`` and ``linspace`` hold.

A product and a sum are one instruction of the processor, which rounds once (:func:`fused`); and ``arange`` counts anew
from every few numbers, as many as PyTorch computes at once on a processor with AVX2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.dtypes import FLOATS, NARROW

__all__ = ["counted", "evenly_spaced"]

SPLITTER = 2.0**27 + 1  # cuts a float64 into two halves whose products are exact


def fused(x: Any, y: Any, z: Any) -> Any:
    """x · y + z, rounded once, of float32 or float64 numbers. Source: Dekker, 1971."""
    x, y, z = np.asarray(x), np.asarray(y), np.asarray(z)
    if x.dtype == np.float32:
        return (x.astype(np.float64) * y + z).astype(np.float32)  # a product of two float32 is exact in float64
    product = x * y
    x_high, y_high = x * SPLITTER - (x * SPLITTER - x), y * SPLITTER - (y * SPLITTER - y)
    x_low, y_low = x - x_high, y - y_high
    lost_by_product = x_low * y_low - (product - x_high * y_high - x_low * y_high - x_high * y_low)
    total = product + z
    part = total - product
    lost_by_sum = (product - (total - part)) + (z - part)
    exact = total + (lost_by_sum + lost_by_product)
    return np.where(np.isfinite(exact), exact, total)


AT_ONCE = {2: 16, 4: 8, 8: 4}  # by bytes


def counted(start: Any, step: Any, count: int, kind: np.dtype) -> np.ndarray:
    """start, start + step, …: ``count`` numbers of the type ``kind``.

    Computed one type wider, each from the rounded number that begins its part; the last ones, fewer than two parts,
    from ``start``.
    """
    if kind.kind not in FLOATS:
        return (int(start) + int(step) * np.arange(count)).astype(kind)
    wide = np.dtype(np.float32 if kind in NARROW else np.float64)
    start, step = wide.type(start), wide.type(step)
    numbers = fused(np.arange(count).astype(wide), step, start).astype(kind)
    part = AT_ONCE[kind.itemsize]
    whole = count - count % (2 * part)
    begins = numbers[:whole:part].astype(wide)[:, None]
    numbers[:whole] = fused(np.arange(part).astype(wide), step, begins).reshape(-1)
    return numbers


def evenly_spaced(start: np.ndarray, end: np.ndarray, steps: int, kind: np.dtype) -> np.ndarray:
    """``steps`` numbers from ``start`` to ``end``, of the type ``kind``: the first half counted from the one, the
    second from the other. One is ``start``."""
    wide = kind if kind.kind in FLOATS else np.dtype(np.float64)
    start, end = start.astype(wide), end.astype(wide)
    step = (end - start) / wide.type(max(steps - 1, 1))
    places = np.arange(steps)
    from_start = places < max(steps // 2, 1)
    ahead, behind = places.astype(wide), (steps - 1 - places).astype(wide)
    if wide in NARROW:
        numbers = np.where(from_start, start + step * ahead, end - step * behind)
    else:
        numbers = np.where(from_start, fused(ahead, step, start), fused(behind, -step, end))
    return numbers.astype(np.int64).astype(kind) if kind.kind in "iu" else numbers
