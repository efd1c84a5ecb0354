"""Sequences: embedding, layer norm, attention."""

from __future__ import annotations

from comparisons.coursework.tasks import Assignment

__all__ = ["ASSIGNMENT"]

ASSIGNMENT = Assignment("A6", "Sequences", ())
