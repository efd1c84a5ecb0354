"""What a class got wrong: for each task how it went, and the reasons, counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comparisons.coursework.grading.grades import Grade, as_points

__all__ = ["TaskSummary", "kind_of", "summary_of"]

NUMBER = re.compile(r"-?\b\d[\d.,]*(?:e[-+]?\d+)?\b|\binf\b|\bnan\b")
MOST_REASONS = 5


@dataclass(frozen=True)
class TaskSummary:
    """How a task went.

    Attributes:
        id: the task's.
        title: the task's.
        points: that could be had.
        mean: that were had.
        full: how many have all points.
        none: how many have none.
        reasons: the first that each of the others was told, numbers left out, and how many were.
        cases: for each case how many agree.
    """

    id: str
    title: str
    points: int
    mean: float
    full: int
    none: int
    reasons: dict[str, int]
    cases: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return dict(vars(self))


def kind_of(reason: str) -> str:
    """What reasons have in common that differ in numbers and places alone."""
    told = reason.split("; the largest")[0]
    told = re.sub(r", (in [^,]+, )?line \d+ of .*$", "", told)
    return NUMBER.sub("…", told)[:200]


def summary_of(grades: Sequence[Grade]) -> list[TaskSummary]:
    """How each task went, in the order of the tasks."""
    if not grades:
        return []
    found = []
    for column in zip(*[grade.tasks for grade in grades]):
        task = column[0]
        reasons = Counter(kind_of(each.reason) for each in column if each.reason)
        agree = {
            each.case: sum(other.cases[number].status == "agrees" for other in column if number < len(other.cases))
            for number, each in enumerate(task.cases)
        }
        found.append(
            TaskSummary(
                task.id,
                task.title,
                task.points,
                as_points(sum(each.score for each in column) / len(column)),
                sum(each.agreeing == len(each.cases) for each in column),
                sum(not each.agreeing for each in column),
                dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:MOST_REASONS]),
                agree,
            )
        )
    return found
