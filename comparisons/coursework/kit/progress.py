"""What is remembered from one check to the next: the task that was reached, points, and how many hints were read."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["Progress", "read_progress"]

FILE = Path(__file__).with_name("progress.json")


@dataclass
class Progress:
    """How far a student is.

    Attributes:
        task: the one that was reached.
        points: what each task earned when it was last checked.
        hints: how many hints of each task were read.
    """

    task: str = ""
    points: dict[str, float] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)

    def keep(self) -> None:
        """Write it down, where that is possible: nothing depends on it."""
        partial = FILE.with_suffix(".partial")
        with suppress(OSError):
            partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
            os.replace(partial, FILE)


def read_progress() -> Progress:
    """What was written down; the beginning, where nothing was or nobody can read it."""
    try:
        told = json.loads(FILE.read_text(encoding="utf-8"))
        points = {str(task): float(points) for task, points in told["points"].items()}
        return Progress(str(told["task"]), points, {str(task): int(count) for task, count in told["hints"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Progress()
