"""What is raised where images cannot be had."""

from __future__ import annotations

__all__ = ["DataError", "in_one_line"]


class DataError(RuntimeError):
    """A picture or a data set cannot be had; the message is one sentence that says what to do."""


def in_one_line(error: Exception) -> str:
    """What went wrong, in one line: of the several in torchvision's messages the last names the cause."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0] if len(lines) == 1 else f"{lines[0].rstrip(':')}: {lines[-1]}"
