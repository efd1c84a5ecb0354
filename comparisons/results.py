"""What a run of the chapters gave: for the last line, the exit status and JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from typer import BadParameter

from comparisons.engines import versions
from comparisons.harness import Report
from torch_impl.starting import status_of

__all__ = ["Results"]

DIFFERS, WRONG_USAGE, DID_NOT_FINISH = 1, 2, 3


@dataclass
class Results:
    """The reports of the chapters that ran, of those that were to run.

    Attributes:
        engine: what is known of the engine under test.
        stop_reason: why the run ended before its end; empty where it did not.
        exit_status: the status that it ended with then.
    """

    seed: int
    dtype: str
    device: str
    data: str
    chapters: list[str]
    engine: dict[str, Any] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    stop_reason: str = ""
    exit_status: int = 0

    def stopped(self, error: BaseException) -> None:
        """Note what ended the run before its end: Ctrl-C, an engine that cannot be imported, a disk that is full."""
        if isinstance(error, KeyboardInterrupt):
            self.stop_reason, self.exit_status = "interrupted", status_of(error)
        elif isinstance(error, BadParameter):
            self.stop_reason, self.exit_status = error.message, WRONG_USAGE
        else:
            self.stop_reason, self.exit_status = f"{type(error).__name__}: {error}", DIFFERS

    @property
    def counts(self) -> Counter[str]:
        """How many rows are equal, differ, stopped, are not there yet."""
        return Counter(row.status for report in self.reports for row in report.rows)

    @property
    def status(self) -> int:
        """0 where all agree, 1 where anything differs, 3 where nothing does but something did not finish."""
        if self.exit_status:
            return self.exit_status
        if self.counts["differs"]:
            return DIFFERS
        all_equal = set(self.counts) == {"equal"} and len(self.reports) == len(self.chapters)
        return 0 if all_equal else DID_NOT_FINISH

    def findings(self) -> list[str]:
        """What does not agree, in the order in which it came about; what stopped several checks is told once."""
        told: dict[tuple[str, str], list[str]] = {}
        for report in self.reports:
            for each in report.findings:
                what = each.message.removeprefix(f"{each.subject}: ") if each.unfinished else str(each)
                told.setdefault((report.chapter, what), []).append(each.subject)
        lines = []
        for (chapter, what), subjects in told.items():
            more = f" and {len(subjects) - 1} more" if len(subjects) > 1 else ""
            lines.append(
                f"{chapter}: {what}" if what.startswith(subjects[0]) else f"{chapter}: {subjects[0]}{more}: {what}"
            )
        return lines

    def closing(self) -> str:
        """The last line."""
        rows, values = self.counts.total(), sum(row.values for report in self.reports for row in report.rows)
        if not self.status:
            return f"[green]All {rows} comparisons agree[/] ({values:,} values, {self.dtype}, seed {self.seed})."
        told = {"differs": "differ", "stopped": "stopped", "not there yet": "are not there yet"}
        parts = [f"{self.counts[status]} {words}" for status, words in told.items() if self.counts[status]]
        if not parts:  # it was stopped
            return f"All {rows} comparisons that were made agree."
        return f"[bold red]Of {rows} comparisons {', '.join(parts)}.[/]"

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "engine": self.engine,
            "versions": versions(),
            "seed": self.seed,
            "dtype": self.dtype,
            "device": self.device,
            "data": self.data,
            "status": {0: "agrees", 1: "differs"}.get(self.status, "did not finish"),
            "exit_status": self.status,
            "stop_reason": self.stop_reason or None,
            "counts": dict(self.counts),
            "seconds": sum(report.seconds for report in self.reports),
            "not_run": self.chapters[len(self.reports) :],
            "chapters": [report.as_dict() for report in self.reports],
        }
