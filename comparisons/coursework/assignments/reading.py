"""Read first: what will the graph be, and in which order does the engine walk it?"""

from __future__ import annotations

from comparisons.coursework.tasks import Assignment

__all__ = ["ASSIGNMENT"]

ASSIGNMENT = Assignment("A0", "Read and predict", ())
