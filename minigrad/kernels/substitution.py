"""Systems with a triangular matrix, on arrays: each unknown from those that are known before it."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["substitute"]


def substitute(a: Any, b: Any, upper: bool, unitriangular: bool) -> Any:
    """x with a x = b. Of a only one triangle is read; with ``unitriangular`` its diagonal counts as ones.

    Shapes: (..., n, n), (..., n, k) -> (..., n, k), the batches broadcast.
    """
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    x = np.array(np.broadcast_to(b, batch + b.shape[-2:]))
    rows = range(a.shape[-1])
    for row in reversed(rows) if upper else rows:
        known = slice(row + 1, None) if upper else slice(row)
        x[..., row, :] -= (a[..., row, None, known] @ x[..., known, :])[..., 0, :]
        if not unitriangular:
            x[..., row, :] /= a[..., row, row, None]
    return x
