"""Shapes: broadcasting and its way back, sums, ties, permutations, elements picked twice."""

from __future__ import annotations

from comparisons.coursework.tasks import Assignment

__all__ = ["ASSIGNMENT"]

ASSIGNMENT = Assignment("A2", "Shapes", ())
