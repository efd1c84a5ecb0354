"""What "matches PyTorch" asserts: the same shape, the same dtype, and every value within a tolerance of the table.

``comparing.py`` compares two tensors; a :class:`Report` collects comparisons for a table, a :class:`Mismatch` is raised
by tests. Chapters and tests alike come through here, so that there is one meaning of equal. A tensor is known by what
it has, so that it may be any engine's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from comparisons.comparing import Comparison, Mismatch, array_of, compare_values, dtype_name, failed
from comparisons.stopping import why
from minigrad.viz.drawing import Drawing

__all__ = ["Comparison", "Mismatch", "Report", "array_of", "compare_values", "dtype_name", "failed", "is_tensor"]
__all__ += ["tensors_in"]


def is_tensor(value: Any) -> bool:
    """Whether ``value`` is a tensor of any engine: it has values of a shape and a place in a graph."""
    return not isinstance(value, type) and hasattr(value, "shape") and hasattr(value, "grad_fn")


def tensors_in(value: Any) -> list[Any]:
    """The tensors in a module's inputs or outputs, in order."""
    if is_tensor(value):
        return [value]
    if isinstance(value, (list, tuple)):
        return [tensor for each in value for tensor in tensors_in(each)]
    return []


def nobody_hears(report: Report, subject: str) -> None:
    """Tell nobody how far a report is."""


@dataclass
class Report:
    """The comparisons of one chapter, gathered into rows: one a subject, many tensors or steps to a row.

    ``findings`` has of each row that does not agree the comparison that was the first not to, in the order in which
    they were made: whatever comes later may be a consequence. ``figures`` are drawings that belong to the chapter, by
    the name of the file that each is written to; ``curves`` the losses of its trainings, ours and PyTorch's, by what
    they are and go along. ``heard`` is told which check begins.
    """

    chapter: str
    heard: Callable[[Report, str], None] = nobody_hears
    rows: list[Comparison] = field(default_factory=list)
    findings: list[Comparison] = field(default_factory=list)
    figures: dict[str, Drawing] = field(default_factory=dict)
    curves: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, subject: str, comparisons: Iterable[Comparison]) -> Comparison:
        """Gather ``comparisons`` under ``subject``: values added up, differences maximised, the first message kept.

        What was gathered under it before stays in.
        """
        gathered = list(comparisons)
        if not gathered:
            gathered.append(failed(subject, "exact", "nothing was compared"))
        place = next((number for number, row in enumerate(self.rows) if row.subject == subject), len(self.rows))
        before = self.rows[place : place + 1]
        bad = next((each for each in gathered if not each.agrees), None)
        if bad is not None and all(row.agrees for row in before):
            self.findings.append(bad)
        first_bad = next((each for each in [*before, *gathered] if not each.agrees), gathered[0])
        row = replace(
            first_bad,
            subject=subject,
            values=sum(each.values for each in [*before, *gathered]),
            largest_absolute=max(each.largest_absolute for each in [*before, *gathered]),
            largest_relative=max(each.largest_relative for each in [*before, *gathered]),
            tolerance=[*before, *gathered][0].tolerance,
        )
        self.rows[place : place + 1] = [row]
        return row

    def add_point(self, curve: str, ours: Any, theirs: Any) -> None:
        """Add to both engines' curves the number that each of them has come to; NaN where it is none."""
        for points, number in zip(self.curves.setdefault(curve, ([], [])), (ours, theirs)):
            array = array_of(number)
            points.append(float(array.item()) if array.size == 1 and array.dtype.kind in "fiu" else math.nan)

    @contextmanager
    def trying(self, subject: str) -> Iterator[None]:
        """A check, or several: what stops them becomes a row named ``subject``, and the chapter goes on."""
        self.heard(self, subject)
        try:
            yield
        except (Exception, SystemExit) as error:
            self.stop(subject, *why(error))

    def stop(self, subject: str, status: str, reason: str) -> None:
        """A row for checks that did not come to their end."""
        stopped = failed(subject, "exact", f"{status}: {reason}", unfinished=status)
        if stopped not in self.findings:  # a check may be made at several values, and stop at each
            taken = any(row.subject == subject for row in self.rows)
            self.add(f"{subject}, the rest" if taken else subject, [stopped])

    @property
    def agrees(self) -> bool:
        """True where every row does; False for a chapter that compared nothing."""
        return bool(self.rows) and all(row.agrees for row in self.rows)

    def check(self) -> None:
        """Raise at the first comparison that did not agree.

        Raises:
            Mismatch: one did not, or nothing was compared.
        """
        if not self.rows:
            raise Mismatch(f"{self.chapter}: nothing was compared")
        for finding in self.findings:
            raise Mismatch(str(finding))

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data, for JSON: an infinite difference becomes None, which JSON has."""
        rows = []
        for row in self.rows:
            plain = {name: None if value == math.inf else value for name, value in asdict(row).items()}
            rows.append({**plain, "status": row.status})
        return {"chapter": self.chapter, "agrees": self.agrees, "seconds": self.seconds, "comparisons": rows}
