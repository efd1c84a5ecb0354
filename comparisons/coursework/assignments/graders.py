"""Graded graders: a student's tests against planted mistakes, and one mistake to find."""

from __future__ import annotations

from comparisons.coursework.tasks import Assignment

__all__ = ["ASSIGNMENT"]

ASSIGNMENT = Assignment("A8", "Graded graders", ())
