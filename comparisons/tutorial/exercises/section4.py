"""The exercises of section 4."""

from __future__ import annotations

from comparisons.tutorial.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES: tuple[Exercise, ...] = ()
