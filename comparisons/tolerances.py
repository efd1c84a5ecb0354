"""How closely the two engines must agree: one table, an entry with its reason for every kind of comparison.

Two tensors a and b, b PyTorch's, agree where distance <= absolute + relative * size. What the two are is the
tolerance's measure:

========  =========================  ====================================================================
element   |aᵢ - bᵢ| and |bᵢ|         single operations
largest   |aᵢ - bᵢ| and max |bⱼ|     networks: a small element of a sum of large ones carries their rounding
norm      ‖a - b‖₂ and ‖b‖₂          networks over many steps in float32, whose single elements may run away
========  =========================  ====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["TOLERANCES", "Tolerance"]


@dataclass(frozen=True)
class Tolerance:
    """The largest distance allowed, why that much, and how distance and size are measured."""

    relative: float
    absolute: float
    reason: str
    measure: Literal["element", "largest", "norm"] = "element"

    @property
    def limit(self) -> str:
        """The relative distance allowed, in a few letters; the absolute one where that is all."""
        largest = self.relative or self.absolute
        return f"{largest:.0e}" if largest else "exact"


TOLERANCES = {
    "exact": Tolerance(0.0, 0.0, "the same arithmetic in the same order, or no arithmetic at all: no bit may differ"),
    "float64": Tolerance(
        1e-12, 1e-14, "one operation: both round correctly to 1e-16, sums of a few terms may be added in another order"
    ),
    "float32": Tolerance(
        2e-6, 1e-7, "one operation: both round to 6e-8, library functions err by a few units in the last place"
    ),
    "tail float64": Tolerance(
        1e-12, 0.0, "one operation, whose values are small beside 1 and yet right to the last digits: nothing is added"
    ),
    "tail float32": Tolerance(2e-6, 0.0, "as above"),
    "float16": Tolerance(
        2e-3, 1e-4, "one operation: both round to 5e-4, PyTorch computes some in float32 and rounds once"
    ),
    "second order": Tolerance(
        1e-10, 1e-12, "a gradient of a gradient in float64: several operations, written differently in the engines"
    ),
    "convolution float64": Tolerance(
        1e-12,
        1e-14,
        "sums of hundreds of products, added in another order, the gradients of 3x3 ones through Winograd's sums and "
        "differences: where they cancel, the rounding of the large terms stays; 1e-15 of the largest value is usual",
        "largest",
    ),
    "convolution float32": Tolerance(2e-6, 1e-7, "as above; 5e-7 of the largest value is usual", "largest"),
    "convolution float16": Tolerance(2e-3, 1e-4, "as above; both engines round to 5e-4", "largest"),
    "training float64": Tolerance(
        1e-10,
        0.0,
        "a hundred steps, each on the last: sums in another order, whose rounding grows from step to step; 1e-13 is "
        "usual",
        "largest",
    ),
    "training float32": Tolerance(
        1e-4,
        0.0,
        "as above; 3e-6 is usual and 3e-5 was the most in 36 trainings. Where a weight's gradient is itself no more "
        "than rounding, Adam makes a step of it as large as any other: single weights differ by up to 4e-4 of the "
        "largest, but they are few, and the norm is held",
        "norm",
    ),
    "network float64": Tolerance(
        1e-9,
        0.0,
        "three steps of a network of up to 34 layers: sums in another order, other algorithms for convolutions, and "
        "batch normalisation divides by the deviation of as few as 8 values",
        "largest",
    ),
    "network float32": Tolerance(
        1e-4,
        0.0,
        "as above, with 5e-8 where float64 has 1e-16: 3e-5 was the most in 12 runs of ResNet-18, for either engine "
        "against float64",
        "norm",
    ),
    "network after a kink": Tolerance(
        0.3,
        0.0,
        "rounding has carried a value across the kink of a ReLU on one engine and not on the other: a share of the "
        "gradient is there or is not, and both are right. In a network of 18 layers, the last of which normalises 8 "
        "values a channel, one such value changes a gradient by 1 % and, three steps later, by 10 %. One seed in five "
        "has one",
        "norm",
    ),
    "program float64": Tolerance(
        1e-12,
        0.0,
        "an exported program that does not call what the eager network calls: TorchScript differentiates by rules of "
        "its own, onnxruntime multiplies batch normalisation into convolutions; 1e-14 was the most",
        "largest",
    ),
    "program float32": Tolerance(1e-5, 0.0, "as above; 1e-6 is usual", "largest"),
    "right angle float64": Tolerance(0.0, 1e-15, "a sum of 20 products that cancel, each below 1e-2"),
    "right angle float32": Tolerance(0.0, 1e-7, "a sum of 20 products that cancel, each below 1e-2"),
    "training after a kink": Tolerance(
        1e-2,
        0.0,
        "rounding has carried a hidden unit across the kink of its ReLU on one engine and not on the other: a share of "
        "the gradient is there or is not, and both are right. 7e-4 was the most in 36 trainings in float32, where it "
        "happens to one in three; in float64 it was never seen",
        "norm",
    ),
}
