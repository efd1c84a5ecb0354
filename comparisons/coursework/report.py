"""Verdicts as a table, as a sentence, and as plain data."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from comparisons.coursework.engines import Engine
from comparisons.coursework.judge import AGREES, MISSING, Verdict, status_of
from comparisons.coursework.sandbox import UNSAFE, Sandbox

__all__ = ["as_dict", "closing", "table_of_verdicts"]

COLOURS = {AGREES: "green", MISSING: "yellow"}
OTHERWISE = "bold red"


def table_of_verdicts(engine: Engine, sandbox: Sandbox, verdicts: Sequence[Verdict]) -> Table:
    """A row a case: its verdict, and the reason. What an engine wrote is text, never markup."""
    title = f"{engine.name}, sandbox: {sandbox.level}" + (" alone (unsafe)" if sandbox.level == UNSAFE else "")
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("case", max_width=30)
    table.add_column("verdict", no_wrap=True)
    if any(each.reason for each in verdicts):
        table.add_column("reason", overflow="fold")
    for each in verdicts:
        verdict = Text(each.status, COLOURS.get(each.status, OTHERWISE))
        table.add_row(each.case, verdict, *[Text(each.reason)] * (len(table.columns) - 2))
    return table


def closing(verdicts: Sequence[Verdict]) -> Text:
    """How many cases ended how, in a sentence."""
    counts = Counter(each.status for each in verdicts)
    if counts[AGREES] == len(verdicts):
        return Text(f"All {len(verdicts)} cases agree with PyTorch.", "green")
    others = ", ".join(f"{count} {status}" for status, count in counts.items() if status != AGREES)
    return Text(f"{counts[AGREES]} of {len(verdicts)} cases agree with PyTorch; {others}.", OTHERWISE)


def as_dict(engine: Engine, submission: str, sandbox: Sandbox, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """All that tells what was judged, how, and with what result. Nothing of the secret: results are handed out."""
    return {
        "engine": engine.name,
        "digest": engine.digest,
        "submission": submission,
        "sandbox": sandbox.level,
        "unsafe": sandbox.level == UNSAFE,
        "seconds": sandbox.limits.seconds,
        "versions": {"python": platform.python_version(), "numpy": sandbox.numpy, "torch": torch.__version__},
        "status": status_of(verdicts),
        "cases": [each.as_dict() for each in verdicts],
    }
