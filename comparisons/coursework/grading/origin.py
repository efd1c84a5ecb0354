"""Where a line of a grafted engine is from: a reason names a line of the student's own files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from comparisons.coursework.engines import Engine
from comparisons.coursework.grading.grafting import label_of, own_text, text_in
from comparisons.coursework.grading.modules import Unreadable, functions_in, lines_of
from comparisons.coursework.grading.submissions import Submission
from comparisons.coursework.grading.transplant import Graft
from comparisons.coursework.tasks import Task

__all__ = ["Origin"]

PLACE = re.compile(r"(.*), line (\d+) of ([^,]+)", re.DOTALL)


class Origin:
    """Tells reasons of a task's cases in terms of the student's own files."""

    def __init__(self, submission: Submission, task: Task, reference: Engine, grafts: Mapping[str, Graft]) -> None:
        self.submission, self.task, self.reference, self.grafts = submission, task, reference, grafts

    def told(self, reason: str) -> str:
        """A reason that names the student's line, if it names one."""
        found = PLACE.fullmatch(reason)
        name = self.reference.name
        if found is None or not found[3].startswith(f"{name}/"):
            return reason
        file, line = found[3].removeprefix(f"{name}/"), int(found[2])
        own = self.own_line(file, line)
        if own is None:
            return f"{found[1]}, line {line} of the reference's {file}"
        return f"{found[1]}, line {own} of {label_of(self.submission, self.task, file)}"

    def own_line(self, file: str, line: int) -> int | None:
        """The number of the student's line; None where it is none of the student's."""
        if file in self.grafts:
            lines = self.grafts[file].lines
            if not 0 < line <= len(lines):
                return None
            if lines[line - 1][1] is not None:
                return lines[line - 1][1]
            text = self.grafts[file].text
        elif f"{self.reference.name}/{file}" in self.reference.sources:
            text = text_in(self.reference, file)
        else:
            return None
        return None if self.submission.cells else same_line(text, self.own(file), line)

    def own(self, file: str) -> str:
        """The student's text of a file; empty if it is none."""
        try:
            return own_text(self.submission, self.task, file, self.reference)
        except Unreadable:
            return ""


def same_line(text: str, other: str, line: int) -> int | None:
    """Where a line of a function stands in another text that has the same function, word for word."""
    try:
        here, there = functions_in(text), functions_in(other)
    except Unreadable:
        return None
    for name, piece in here.items():
        if piece.first <= line <= piece.last and name in there:
            first, last = there[name].first, there[name].last
            if lines_of(text)[piece.first - 1 : piece.last] == lines_of(other)[first - 1 : last]:
                return first + line - piece.first
    return None
