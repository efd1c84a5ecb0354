"""The exercises of section 2."""

from __future__ import annotations

from comparisons.tutorial.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES: tuple[Exercise, ...] = ()
