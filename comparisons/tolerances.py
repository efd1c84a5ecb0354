"""How closely the two engines must agree: one table, an entry with its reason for every kind of comparison.

Two values a and b agree where |a - b| <= absolute + relative * scale. The scale is |b|, PyTorch's value, for single
operations; for gradients and weights of a network it is the largest |b| of the same tensor, because a small element
of a sum of large ones carries the rounding of the large ones. Nothing here is widened to make a test pass.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TOLERANCES", "Tolerance"]


@dataclass(frozen=True)
class Tolerance:
    """Largest difference allowed, and why that much. ``per_tensor``: relative to the tensor's largest value."""

    relative: float
    absolute: float
    reason: str
    per_tensor: bool = False


TOLERANCES = {
    "exact": Tolerance(0.0, 0.0, "the same arithmetic in the same order, or no arithmetic at all: no bit may differ"),
    "float64": Tolerance(
        1e-12, 1e-14, "one operation: both round correctly to 1e-16, sums of a few terms may be added in another order"
    ),
    "float32": Tolerance(
        2e-6, 1e-7, "one operation: both round to 6e-8, library functions err by a few units in the last place"
    ),
    "float16": Tolerance(
        2e-3, 1e-4, "one operation: both round to 5e-4, PyTorch computes some in float32 and rounds once"
    ),
    "second order": Tolerance(
        1e-10, 1e-12, "a gradient of a gradient in float64: several operations, written differently in the engines"
    ),
    "training float64": Tolerance(
        1e-10,
        0.0,
        "a hundred steps, each on the last: sums in another order, whose rounding grows from step to step",
        True,
    ),
    "training float32": Tolerance(
        1e-4,
        0.0,
        "as above in float32, and Adam divides by small numbers: 2e-6 is usual, but where rounding carries a hidden "
        "unit across the kink of its ReLU, one sample's share of a gradient appears or vanishes",
        True,
    ),
}
