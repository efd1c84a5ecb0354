"""The tape: edges recorded, the order of nodes, the sum of what arrives, the walk."""

from __future__ import annotations

from comparisons.coursework.tasks import Assignment

__all__ = ["ASSIGNMENT"]

ASSIGNMENT = Assignment("A3", "The tape", ())
