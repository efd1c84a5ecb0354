"""Learning: the linear layer, losses, modules, optimizers, schedules, data."""

from __future__ import annotations

from comparisons.coursework.tasks import Assignment

__all__ = ["ASSIGNMENT"]

ASSIGNMENT = Assignment("A4", "Learning", ())
