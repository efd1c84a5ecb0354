"""The results of a class, and the files that tell them: for programs, for tables, for who teaches, for each student."""

from __future__ import annotations

import csv
import io
import json
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from comparisons.coursework.grading.classroom import Course
from comparisons.coursework.grading.copies import Pair, pairs_of
from comparisons.coursework.grading.formats import FORMATS
from comparisons.coursework.grading.grades import Grade, as_points
from comparisons.coursework.grading.pages import student_page, summary_page
from comparisons.coursework.grading.submissions import short_digest
from comparisons.coursework.grading.summary import TaskSummary, summary_of
from comparisons.coursework.sandbox import UNSAFE
from comparisons.coursework.tasks import VERSION
from torch_impl.checkpoint import replace_file

__all__ = ["STUDENTS", "Outcome", "csv_of", "file_name", "fingerprint_in"]

STUDENTS = "students"  # the folder of their pages


@dataclass(frozen=True)
class Outcome:
    """What grading a class resulted in.

    Attributes:
        course: what all had in common.
        grades: each student's.
        fingerprint: of the secret.
        anonymous: whether pseudonyms stand for the names.
    """

    course: Course
    grades: Sequence[Grade]
    fingerprint: str
    anonymous: bool = False

    @property
    def about(self) -> dict[str, Any]:
        """How it was graded. Nothing of the secret: a student may see it."""
        assignment = self.course.assignment
        return {
            "assignment": assignment.id,
            "title": assignment.title,
            "version": VERSION,
            "points": sum(each.points for each in assignment.tasks) + assignment.points,
            "sandbox": self.course.level,
            "unsafe": self.course.level == UNSAFE,
            "seconds": self.course.limits.seconds,
            "patience": self.course.patience,
            "versions": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "torch": torch.__version__,
                "engine": self.course.reference.digest,
            },
        }

    def write(self, folder: Path, format: str | None) -> None:
        """Write all files into a folder, each whole."""
        summary, copies = summary_of(self.grades), pairs_of(self.grades)
        (folder / STUDENTS).mkdir(exist_ok=True)
        for grade in self.grades:
            name = file_name(grade.student)
            replace_file(folder / STUDENTS / f"{name}.html", student_page(grade, self.course.assignment, self.about))
            if format is not None:
                made, suffix = FORMATS[format]
                content = made(grade, self.course.assignment, self.about)
                replace_file(folder / STUDENTS / f"{name}{suffix}", content)
        told = json.dumps(self.as_dict(summary, copies), indent=2) + "\n"
        replace_file(folder / "results.json", told.encode())
        replace_file(folder / "class.csv", csv_of(self.grades).encode())
        replace_file(folder / "summary.html", summary_page(self.grades, self.about, summary, copies))

    def write_one(self, folder: Path, format: str) -> None:
        """Write the only grade, in a format, into a folder."""
        made, suffix = FORMATS[format]
        replace_file(folder / f"results{suffix}", made(self.grades[0], self.course.assignment, self.about))

    def as_dict(self, summary: Sequence[TaskSummary], copies: Sequence[Pair]) -> dict[str, Any]:
        """Plain data, for JSON."""
        submissions = [{**each.as_dict(), "page": f"{STUDENTS}/{file_name(each.student)}.html"} for each in self.grades]
        return {
            **self.about,
            "secret": self.fingerprint,
            "anonymous": self.anonymous,
            "tasks": [each.as_dict() for each in summary],
            "copies": [each.as_dict() for each in copies],
            "submissions": submissions,
        }


def fingerprint_in(folder: Path) -> str | None:
    """The fingerprint of the secret that the results in a folder were made with; None where there are none."""
    try:
        return str(json.loads((folder / "results.json").read_bytes())["secret"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def file_name(student: str) -> str:
    """A name for a student's files that every file system takes, and that no two students have."""
    if re.fullmatch(r"(?!.*\.[0-9a-f]{8}$)[a-z0-9_][a-z0-9_.-]{0,60}", student):
        return student
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', student)[:60].strip('-') or 'student'}.{short_digest(student)}"


def csv_of(grades: Sequence[Grade]) -> str:
    """A row a student: for spreadsheets, which would take a text that begins with certain signs for a formula."""
    file = io.StringIO()
    table = csv.writer(file)
    tasks = grades[0].tasks if grades else ()
    table.writerow(["student", "score", "points", *[each.id for each in tasks], "problem"])
    for grade in grades:
        scores = [as_points(each.score) for each in grade.tasks]
        student, problem = as_text(grade.student), as_text(grade.problem)
        table.writerow([student, as_points(grade.score), grade.points, *scores, problem])
    return file.getvalue()


def as_text(cell: str) -> str:
    """A cell that no spreadsheet computes."""
    return f"'{cell}" if cell.lstrip()[:1] in ("=", "+", "-", "@", "|", "%") or cell[:1].isspace() else cell
