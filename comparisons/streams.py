"""A process's way of talking to the one that started it, out of the way of the engine under test."""

from __future__ import annotations

import os
import sys
from typing import TextIO

__all__ = ["own_streams"]


def own_streams() -> tuple[TextIO, TextIO]:
    """The standard input and output, which are then no longer the engine's: it reads nothing, and prints as errors."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr  # line by line: what waits in a buffer is lost when this process is killed
    return requests, answers
