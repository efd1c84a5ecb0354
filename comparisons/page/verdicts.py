"""What became of a chapter or of a row: a word with a sign, so that no colour has to say it."""

from __future__ import annotations

from comparisons.harness import Report
from comparisons.page.elements import Html, element
from comparisons.stopping import MISSING, STOPPED

__all__ = ["NOT_RUN", "verdict", "verdict_of"]

NOT_RUN = "not run"
SIGNS = {"agrees": "✓", "equal": "✓", "differs": "✗", STOPPED: "■", MISSING: "○", NOT_RUN: "–"}
WORST = ("differs", STOPPED, MISSING)


def verdict_of(report: Report) -> str:
    """One word for a chapter: the worst of its rows'."""
    found = {row.status for row in report.rows}
    return next((status for status in WORST if status in found), "agrees" if found else "differs")


def verdict(status: str) -> Html:
    """The word with its sign."""
    kind = {"equal": "agrees", STOPPED: "stopped", MISSING: "missing", NOT_RUN: "missing"}.get(status, status)
    return element("span", f"{SIGNS[status]} {status}", class_=f"verdict {kind}")
