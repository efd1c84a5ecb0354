"""One submission, graded: each task by itself in the reference's engine, and then all that the student has together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from comparisons.coursework.cases import Case
from comparisons.coursework.engines import Engine
from comparisons.coursework.grading.grades import TOGETHER, Grade, TaskGrade, unwritten
from comparisons.coursework.grading.grafting import engine_for, grafts_of, with_grafts
from comparisons.coursework.grading.modules import Unreadable
from comparisons.coursework.grading.origin import Origin
from comparisons.coursework.grading.prints import prints_of
from comparisons.coursework.grading.submissions import Submission
from comparisons.coursework.judge import AGREES, DIFFERS, LOST, MISSING, STOPPED, Verdict, judging
from comparisons.coursework.sandbox import UNSAFE, Sandbox
from comparisons.coursework.tasks import Assignment, Question, Task

__all__ = ["GRADERS", "Bench", "grade_submission", "nothing"]

ALL = "all of it together"
NO_TIME = "the time for the whole submission was over"


@dataclass(frozen=True)
class Bench:
    """What a submission is graded with.

    Attributes:
        reference: the engine that students' functions are put into.
        sandbox: where it runs.
        secret: what inputs are drawn from, with the student's name.
        patience: seconds for a whole submission.
    """

    reference: Engine
    sandbox: Sandbox
    secret: bytes
    patience: float = 120.0


Ask = Callable[[Engine, Sequence[Case]], tuple[Verdict, ...]]

# How tasks are graded whose student writes no functions of the engine, by the task's id.
GRADERS: dict[str, Callable[[Submission, Task, Bench], tuple[Verdict, ...]]] = {}


def grade_submission(submission: Submission, assignment: Assignment, bench: Bench) -> Grade:
    """Grade what a student handed in, if it has no problem.

    Raises:
        SandboxError: the sandbox fails, whatever was handed in.
    """
    begun = time.monotonic()

    def ask(engine: Engine, cases: Sequence[Case]) -> tuple[Verdict, ...]:
        verdicts: list[Verdict] = []
        if time.monotonic() - begun < bench.patience:
            asking = judging(engine, cases, bench.sandbox, secret=bench.secret, submission=submission.student)
            for verdict in asking:
                verdicts.append(verdict)
                if time.monotonic() - begun > bench.patience:
                    break
            asking.close()
        return (*verdicts, *[Verdict(each.name, LOST, NO_TIME) for each in cases[len(verdicts) :]])

    tasks = [
        TaskGrade(task.id, task.title, task.points, verdicts_on(submission, task, bench, ask))
        for task in assignment.tasks
    ]
    if assignment.integration:
        verdicts = ask(engine_for(submission, assignment, bench.reference), assignment.integration)
        tasks.append(TaskGrade(TOGETHER, ALL, assignment.points, verdicts))
    return Grade(
        submission.student,
        submission.digest,
        tuple(tasks),
        sandbox=bench.sandbox.level,
        unsafe=bench.sandbox.level == UNSAFE,
        seconds=round(time.monotonic() - begun, 3),
        functions=prints_of(submission, assignment, bench.reference),
    )


def nothing(submission: Submission, assignment: Assignment, level: str) -> Grade:
    """The grade of a submission that has a problem."""

    def lacking(things: Sequence[Case | Question]) -> tuple[Verdict, ...]:
        return unwritten([each.name for each in things], submission.problem)

    tasks = [
        TaskGrade(task.id, task.title, task.points, lacking([*task.cases, *task.questions]))
        for task in assignment.tasks
    ]
    if assignment.integration:
        tasks.append(TaskGrade(TOGETHER, ALL, assignment.points, lacking(assignment.integration)))
    problem, unsafe = submission.problem, level == UNSAFE
    return Grade(submission.student, submission.digest, tuple(tasks), problem, sandbox=level, unsafe=unsafe)


def verdicts_on(submission: Submission, task: Task, bench: Bench, ask: Ask) -> tuple[Verdict, ...]:
    """The verdicts on a task's cases and questions."""
    if task.id in GRADERS:
        return GRADERS[task.id](submission, task, bench)
    verdicts = answered(submission.answers.get(task.id, {}), task)
    if not task.cases:
        return verdicts
    try:
        grafts = grafts_of(submission, task, bench.reference)
    except Unreadable as error:
        return (*[Verdict(each.name, STOPPED, str(error)) for each in task.cases], *verdicts)
    if not any(graft.written for graft in grafts.values()):
        return (*unwritten([each.name for each in task.cases]), *verdicts)
    judged = ask(with_grafts(bench.reference, grafts), task.cases)
    origin = Origin(submission, task, bench.reference, grafts)
    return (*[replace(each, reason=origin.told(each.reason)) for each in judged], *verdicts)


def answered(answers: Mapping[str, str], task: Task) -> tuple[Verdict, ...]:
    """The verdicts on a task's questions. What is right is not told."""
    verdicts = []
    for question in task.questions:
        given = " ".join(answers.get(question.name, "").lower().split())
        if not given:
            verdicts.append(Verdict(question.name, MISSING, "not answered"))
        elif given == question.answer:
            verdicts.append(Verdict(question.name, AGREES))
        else:
            verdicts.append(Verdict(question.name, DIFFERS, f"the answer {given!r} is not right"))
    return tuple(verdicts)
