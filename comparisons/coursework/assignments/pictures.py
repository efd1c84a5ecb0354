"""Pictures: convolution, pooling, batch norm, a residual block."""

from __future__ import annotations

from comparisons.coursework.tasks import Assignment

__all__ = ["ASSIGNMENT"]

ASSIGNMENT = Assignment("A5", "Pictures", ())
