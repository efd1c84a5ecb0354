"""Graded graders, as tasks of a submission: a student's tests, and a mistake that was to be found and mended."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from comparisons.coursework.assignments import ASSIGNMENTS, TASKS
from comparisons.coursework.engines import Engine
from comparisons.coursework.grading.bench import NO_TIME, Ask, Bench
from comparisons.coursework.grading.grades import unwritten
from comparisons.coursework.grading.grafting import package_of
from comparisons.coursework.grading.submissions import Submission
from comparisons.coursework.judge import AGREES, DIFFERS, LOST, MISSING, STOPPED, Verdict
from comparisons.coursework.mistakes import MISTAKES
from comparisons.coursework.mistakes.mistake import Mistake
from comparisons.coursework.personal import PARTS, functions_with, grade_repair, mistake_for, named_in
from comparisons.coursework.renaming import renamed
from comparisons.coursework.student_tests import NoTime, TestsError, grade_tests
from comparisons.coursework.tasks import Task

__all__ = ["mistakes_of", "names_of", "own_mistake_of", "told_of", "verdicts_on_repair", "verdicts_on_tests"]

FILE = "test_mine.py"
TRIED = 2  # of each task's mistakes, so that a class is graded in half an hour


def mistakes_of(assignments: Sequence[str]) -> list[Mistake]:
    """The known mistakes in the tasks of assignments."""
    names = {task.id for name in assignments for task in ASSIGNMENTS[name].tasks}
    return [each for each in MISTAKES.values() if each.task in names]


def own_mistake_of(student: str, task: Task, secret: bytes, engine: Engine) -> Mistake:
    """The mistake that a student is handed out, and by which the repair is graded: one that is in a function."""
    return mistake_for(student, secret, [each for each in mistakes_of(task.mistake_of) if functions_with(each, engine)])


def tried_of(assignments: Sequence[str], secret: bytes) -> dict[str, Mistake]:
    """The mistakes that tests are tried on, by the names of their verdicts, which do not tell what a mistake is.

    Which of a task's mistakes these are is drawn from the secret: they are the same for a whole class.
    """
    by_task: dict[str, list[Mistake]] = {}
    for each in sorted(mistakes_of(assignments), key=lambda each: hmac.digest(secret, each.id.encode(), "sha256")):
        by_task.setdefault(each.task, []).append(each)
    return {
        f"mistake {number} in {task} {TASKS[task].title}": mistake
        for task, found in sorted(by_task.items())
        for number, mistake in enumerate(found[:TRIED], 1)
    }


def names_of(task: Task) -> list[str]:
    """What the verdicts on a task of this kind are called, whatever the secret is."""
    return [*tried_of(task.tests_of, b""), *[f"{task.id} {part}" for part in PARTS if task.mistake_of]]


def told_of(tasks: Sequence[Task]) -> Any:
    """All that grades of tasks of this kind depend on beside the tasks themselves."""
    names = {name for task in tasks for name in (*task.tests_of, *task.mistake_of)}
    return [(ASSIGNMENTS[name], mistakes_of([name])) for name in sorted(names)]


def verdicts_on_tests(submission: Submission, task: Task, bench: Bench, until: float) -> tuple[Verdict, ...]:
    """A verdict for each mistake that the student's tests are tried on.

    Args:
        submission: with the tests.
        task: which mistakes these are.
        bench: what it is graded with.
        until: when there is no more time, by the monotonic clock.
    """
    tried = tried_of(task.tests_of, bench.secret)

    def none(status: str, reason: str) -> tuple[Verdict, ...]:
        return tuple(Verdict(name, status, reason) for name in tried)

    if FILE not in submission.tests:
        return none(MISSING, f"there is no tests/{FILE}")
    source = renamed({FILE: submission.tests[FILE]}, bench.reference.name, submission.engine)[FILE]
    about = [each for name in task.tests_of for each in ASSIGNMENTS[name].tasks]
    try:
        grade = grade_tests(
            source,
            bench.reference,
            about,
            list(tried.values()),
            lambda: nullcontext(bench.sandbox),
            secret=bench.secret,
            jobs=1,
            until=until,
        )
    except TestsError as reason:
        return none(STOPPED, str(reason))
    except NoTime:
        return none(LOST, NO_TIME)
    if grade.failed:
        return none(STOPPED, grade.failed)
    verdicts = []
    for name, mistake in tried.items():
        noticed = grade.noticed[mistake.id]
        if mistake.id in grade.untried:
            verdicts.append(Verdict(name, LOST, NO_TIME))
        else:
            verdicts.append(Verdict(name, AGREES if noticed else DIFFERS, noticed or "no test notices it"))
    return tuple(verdicts)


def verdicts_on_repair(submission: Submission, task: Task, bench: Bench, ask: Ask) -> tuple[Verdict, ...]:
    """A verdict for each part of finding and mending the student's own mistake. They do not tell which it was."""
    names = names_of(task)
    named = named_in(submission, task)
    if not submission.sources:
        return unwritten(names, "there is no engine")
    if not any(named):
        return unwritten(names, "answers.json names neither a file nor a function")
    mistake = own_mistake_of(submission.student, task, bench.secret, bench.reference)
    found = grade_repair(named, package_of(submission), mistake, bench.reference, list(TASKS.values()), ask)
    count = len(found.unmended) + len(found.broken)
    reasons = (
        f"{named[0] or 'none'!r} is not right",
        f"{named[1] or 'none'!r} is not right",
        "the engine still does what it should not",
        f"{count} cases of all tasks do not agree with PyTorch",
    )
    return tuple(
        Verdict(name, AGREES) if done else Verdict(name, DIFFERS, reason)
        for name, done, reason in zip(names, found.parts, reasons)
    )
