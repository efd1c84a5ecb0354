"""What grading results in: a grade for each student, in it points for each task, in these a verdict for each case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from comparisons.coursework.judge import AGREES, MISSING, Verdict

__all__ = ["TOGETHER", "UNWRITTEN", "Grade", "TaskGrade", "as_points", "unwritten"]

TOGETHER = "together"  # stands for a task's id where the assembled engine is asked
UNWRITTEN = "not written"


@dataclass(frozen=True)
class TaskGrade:
    """What a student has of a task.

    Attributes:
        id: the task's.
        title: the task's.
        points: for all of it.
        cases: a verdict for each; each earns its equal part of the points.
    """

    id: str
    title: str
    points: int
    cases: tuple[Verdict, ...]

    @property
    def agreeing(self) -> int:
        """How many cases agree."""
        return sum(each.status == AGREES for each in self.cases)

    @property
    def score(self) -> float:
        """The points that the student has."""
        return self.points * self.agreeing / len(self.cases) if self.cases else 0.0

    @property
    def reason(self) -> str:
        """Why it is not all of the points, in one line; empty if it is."""
        return next((each.reason or each.status for each in self.cases if each.status != AGREES), "")

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        cases = [each.as_dict() for each in self.cases]
        told = {"id": self.id, "title": self.title, "points": self.points, "score": as_points(self.score)}
        return {**told, "reason": self.reason, "cases": cases}

    @classmethod
    def of(cls, told: dict[str, Any]) -> TaskGrade:
        """A task's grade from what :meth:`as_dict` told."""
        return cls(told["id"], told["title"], told["points"], tuple(Verdict(**each) for each in told["cases"]))


@dataclass(frozen=True)
class Grade:
    """What a student has.

    Attributes:
        student: the name, or what stands for it.
        digest: of what was handed in.
        tasks: in order; the last may be what the assembled engine was asked.
        problem: why nothing could be graded; empty if it could.
        failed: whether the fault is ours, so that it is to be graded again.
        sandbox: the level that it ran at.
        unsafe: whether that level is limits alone.
        seconds: how long it took.
        functions: what the student's functions look like, for finding near-copies.
    """

    student: str
    digest: str
    tasks: tuple[TaskGrade, ...]
    problem: str = ""
    failed: bool = False
    sandbox: str = ""
    unsafe: bool = False
    seconds: float = 0.0
    functions: dict[str, list[int]] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """All that could be had."""
        return sum(each.points for each in self.tasks)

    @property
    def score(self) -> float:
        """All that the student has."""
        return sum(each.score for each in self.tasks)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        told = {name: value for name, value in vars(self).items() if name not in ("tasks", "functions")}
        totals = {"score": as_points(self.score), "points": self.points}
        return {**told, **totals, "tasks": [each.as_dict() for each in self.tasks]}

    @classmethod
    def of(cls, told: dict[str, Any]) -> Grade:
        """A grade from what :meth:`as_dict` told, with or without its functions."""
        fields = {name: value for name, value in told.items() if name not in ("tasks", "score", "points")}
        return cls(tasks=tuple(TaskGrade.of(each) for each in told["tasks"]), **fields)


def as_points(score: float) -> float:
    """Points as they are told: to the hundredth."""
    return round(score + 1e-9, 2)


def unwritten(names: Sequence[str], reason: str = "") -> tuple[Verdict, ...]:
    """The verdicts on cases, or questions, for which nothing is there."""
    return tuple(Verdict(name, MISSING, reason or UNWRITTEN) for name in names)
