"""The same random numbers as PyTorch's, from the same seed."""

from __future__ import annotations

from comparisons.coursework.tasks import Assignment

__all__ = ["ASSIGNMENT"]

ASSIGNMENT = Assignment("A7", "The same random numbers", ())
