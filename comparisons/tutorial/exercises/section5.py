"""The exercises of section 5."""

from __future__ import annotations

from comparisons.tutorial.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES: tuple[Exercise, ...] = ()
