"""The graphs of a chapter: compared, as ``alignment.py`` does it, and drawn."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from comparisons.alignment import GraphsDiffer, aligned_nodes, compare_graphs, short_name
from comparisons.harness import Report
from comparisons.settings import Settings
from minigrad.viz import Trace, diff, draw, watch

__all__ = ["GraphsDiffer", "add_figures", "aligned_nodes", "compare_graphs", "short_name", "watching"]


def watching(settings: Settings) -> AbstractContextManager[Any]:
    """Inside, lines and modules are noted for the figures, if there are to be any."""
    return watch() if settings.figures else nullcontext()


def add_figures(report: Report, name: str, ours: Trace, theirs: Trace) -> None:
    """Three drawings: each engine's graph, and both in one, with what differs marked."""
    report.figures |= {
        f"{name}-minigrad": draw(ours),
        f"{name}-torch": draw(theirs),
        f"{name}-diff": diff(ours, theirs),
    }
