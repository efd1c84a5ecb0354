"""What a run of the chapters can be told: data, type, device, seed, and which engine is under test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import minigrad
from comparisons.harness import Report, nobody_hears

__all__ = ["Settings"]


def ignore_progress(done: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Settings:
    """One run.

    Attributes:
        engine: the engine under test, a module that offers what ``minigrad`` offers: a course passes a student's.
        dtype: "float64" or "float32".
        device: where PyTorch computes; minigrad always computes on the CPU.
        data: a data set of ``torch_impl.data``.
        data_root: where it is, None for the default.
        seed: given to both engines' ``manual_seed``.
        steps: training steps of the *mlp* chapter.
        figures: whether the chapters draw their graphs.
        progress: called with (steps done, steps in all) while training.
        heard: called with (report so far, name) when a check of a chapter begins.
    """

    engine: ModuleType | Any = minigrad
    dtype: str = "float64"
    device: str = "cpu"
    data: str = "digits"
    data_root: str | None = None
    seed: int = 0
    steps: int = 100
    figures: bool = False
    progress: Callable[[int, int], None] = ignore_progress
    heard: Callable[[Report, str], None] = nobody_hears

    @property
    def name(self) -> str:
        """The name of the engine under test."""
        return str(self.engine.__name__)

    def report(self, chapter: str) -> Report:
        """The report of a chapter that begins."""
        return Report(chapter, self.heard)
