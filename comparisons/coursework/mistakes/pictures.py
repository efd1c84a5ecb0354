"""Mistakes in the functions of ``assignments/pictures.py``."""

from __future__ import annotations

from comparisons.coursework.mistakes.mistake import Mistake

__all__ = ["MISTAKES"]

MISTAKES: tuple[Mistake, ...] = ()
