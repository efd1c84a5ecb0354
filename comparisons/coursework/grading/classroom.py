"""All submissions, graded side by side. What is done is kept, and not done again for the same secret and tasks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from comparisons.coursework.engines import Engine
from comparisons.coursework.grading.bench import Bench
from comparisons.coursework.grading.grader import grade_submission, nothing
from comparisons.coursework.grading.graders import told_of
from comparisons.coursework.grading.grades import Grade
from comparisons.coursework.grading.secrecy import Seal
from comparisons.coursework.grading.submissions import Submission, read_submission
from comparisons.coursework.grading.workers import Lost, side_by_side
from comparisons.coursework.processes import Limits
from comparisons.coursework.sandbox import Sandbox
from comparisons.coursework.tasks import VERSION, Assignment
from torch_impl.checkpoint import replace_file

__all__ = ["FINISHED", "Course", "grade_all"]

FINISHED = "finished"  # the folder of what is done
GRACE = 60.0  # seconds for what a submission's own time does not count
IMPORTED = (__name__, "torch.fx.experimental.symbolic_shapes")  # PyTorch asks for the second with its first gradient


@dataclass(frozen=True)
class Course:
    """What all submissions have in common.

    Attributes:
        assignment: whose tasks they are.
        reference: the engine that functions are put into.
        level: of the sandbox.
        limits: of a process.
        patience: seconds for a whole submission.
        secret: what inputs are drawn from.
    """

    assignment: Assignment
    reference: Engine
    level: str
    limits: Limits
    patience: float
    secret: bytes

    def told(self) -> str:
        """All that a grade depends on beside the submission and the secret."""
        versions = (VERSION, torch.__version__, np.__version__, self.reference.digest)
        beside = told_of(self.assignment.tasks)
        return repr((versions, self.level, self.limits, self.patience, self.assignment, beside))


def make_grader(course: Course, stack: ExitStack) -> Callable[[Submission], Grade]:
    """What grades a submission in a process of its own."""
    torch.set_num_threads(1)
    sandbox = stack.enter_context(Sandbox(course.level, course.limits, course.reference))
    bench = Bench(course.reference, sandbox, course.secret, course.patience)

    def grade(submission: Submission) -> Grade:
        return grade_submission(submission, course.assignment, bench)

    return grade


def grade_all(
    entries: Mapping[str, Path],
    course: Course,
    seal: Seal,
    folder: Path | None,
    *,
    jobs: int,
    name: Callable[[str], str] = lambda student: student,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Grade]:
    """Grade what is handed in, in the order of its names.

    Args:
        entries: by student, where it is.
        course: what all have in common.
        seal: by which a grade is known that is done already.
        folder: where grades that are done are kept; None to keep none.
        jobs: how many are graded at a time.
        name: tells the name that a grade is kept under.
        progress: called with how many are done.

    Raises:
        NoWorker: the sandbox cannot be had.
        NoJupytext: a notebook is among them, and what reads it is not installed.
    """
    grades: dict[str, Grade] = {}
    common = course.told()
    if folder is not None:
        folder.mkdir(exist_ok=True)

    def place(submission: Submission) -> Path | None:
        told = json.dumps([common, submission.student, name(submission.student), submission.digest])
        return None if folder is None else folder / f"{seal.mark(told)[:32]}.json"

    def unfinished() -> Iterator[Submission]:
        for student, path in entries.items():
            submission = read_submission(student, path, course.assignment.id)
            done = kept_grade(place(submission))
            if done is None and submission.problem:
                done = replace(nothing(submission, course.assignment, course.level), student=name(student))
                keep_grade(done, place(submission))
            if done is None:
                yield submission
            else:
                grades[student] = done
                progress(len(grades))

    for submission, result in side_by_side(
        make_grader,
        course,
        unfinished(),
        count=min(jobs, max(1, len(entries))),
        seconds=course.patience + GRACE,
        imported=IMPORTED,
    ):
        student = submission.student
        if isinstance(result, Lost):
            broken = replace(submission, problem=f"it could not be graded: {result.reason}")
            grades[student] = replace(
                nothing(broken, course.assignment, course.level), student=name(student), failed=True
            )
        else:
            grades[student] = replace(result, student=name(student))
            keep_grade(grades[student], place(submission))
        progress(len(grades))
    return [grades[student] for student in entries]


def kept_grade(path: Path | None) -> Grade | None:
    """A grade that is done already."""
    if path is None or not path.exists():
        return None
    try:
        return Grade.of(json.loads(path.read_bytes()))
    except (ValueError, TypeError, KeyError, OSError):
        return None  # somebody has changed it: it is graded again


def keep_grade(grade: Grade, path: Path | None) -> None:
    """Write a grade, whole."""
    if path is not None:
        replace_file(path, json.dumps({**grade.as_dict(), "functions": grade.functions}).encode())
