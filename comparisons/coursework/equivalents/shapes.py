"""Changes that change nothing in the functions of ``assignments/shapes.py``."""

from __future__ import annotations

from comparisons.coursework.equivalents.equivalent import Equivalent

__all__ = ["EQUIVALENTS"]

EQUIVALENTS: tuple[Equivalent, ...] = (
    Equivalent(
        "graph/accumulation.py: summed_to",
        "total = np.add.reduce(gradient, axis=tuple(repeated), keepdims=True, dtype=wide)",
        "total = np.add.reduce(gradient, axis=tuple(repeated), keepdims=False, dtype=wide)",
        "dimensions of size 1 that are dropped here come back with the shape that the sum is given",
    ),
    Equivalent(
        "ops/transposition.py: Permute.backward",
        "inverse = [0] * len(ctx.dims)",
        "inverse = [1] * len(ctx.dims)",
        "each place of the list is written before it is read",
    ),
)
