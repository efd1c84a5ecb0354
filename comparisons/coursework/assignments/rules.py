"""Rules: the gradient of a sum, a product, a power, and what happens at a kink."""

from __future__ import annotations

from comparisons.coursework.cases import Case, uniform
from comparisons.coursework.holes import Place
from comparisons.coursework.tasks import Assignment, Task

__all__ = ["ASSIGNMENT"]

PRODUCT = Task(
    "1.3",
    "Product",
    "Write the rule of `z = x * y`. Both operands may be the same tensor; the engine sums what arrives at it, and sums "
    "a gradient to the shape of an operand that was broadcast.",
    4,
    (
        "Hold y still and ask what dz/dx is; then the other way around.",
        "The chain rule multiplies what came from above, `grad_z`, by each of the two.",
        "forward saved both operands, for each gradient needs the other one: `ctx.saved_tensors`.",
    ),
    (Place("ops/arithmetic.py", "Mul.backward"),),
    cases=(
        Case(
            "1.3 a product",
            "z = x * y\nz.backward(w)",
            ("z", "x.grad", "y.grad"),
            {"x": uniform(3, 4), "y": uniform(3, 4), "w": uniform(3, 4)},
        ),
        Case(
            "1.3 a tensor times itself", "z = x * x\nz.backward(w)", ("z", "x.grad"), {"x": uniform(5), "w": uniform(5)}
        ),
    ),
)

ASSIGNMENT = Assignment("A1", "Rules", (PRODUCT,))
