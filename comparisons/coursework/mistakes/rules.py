"""Mistakes in rules."""

from __future__ import annotations

from comparisons.coursework.mistakes.mistake import Mistake

__all__ = ["MISTAKES"]

MISTAKES = (
    Mistake(
        "W1",
        "1.3",
        "ops/arithmetic.py",
        "        grad_x = grad_z * y if needs_x else None  # dz/dx = y\n        grad_y = grad_z * x",
        "        grad_x = grad_z * x if needs_x else None  # dz/dx = y\n        grad_y = grad_z * x",
        "the first gradient of a product uses its own operand: right for x * x alone",
    ),
)
