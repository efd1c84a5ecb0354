"""One submission, graded: each task by itself in the reference's engine, and then all that the student has together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from comparisons.coursework.cases import Case
from comparisons.coursework.engines import Engine
from comparisons.coursework.grading.bench import NO_TIME, Ask, Bench
from comparisons.coursework.grading.graders import names_of, verdicts_on_repair, verdicts_on_tests
from comparisons.coursework.grading.grades import TOGETHER, Grade, TaskGrade, unwritten
from comparisons.coursework.grading.grafting import engine_for, grafts_of, with_grafts
from comparisons.coursework.grading.modules import Unreadable
from comparisons.coursework.grading.origin import Origin
from comparisons.coursework.grading.prints import prints_of
from comparisons.coursework.grading.submissions import Submission
from comparisons.coursework.judge import AGREES, DIFFERS, LOST, MISSING, STOPPED, Verdict, judging
from comparisons.coursework.kit.questions import normalised
from comparisons.coursework.sandbox import UNSAFE
from comparisons.coursework.tasks import Assignment, Task

__all__ = ["grade_submission", "names_in", "nothing"]

ALL = "all of it together"


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
        TaskGrade(task.id, task.title, task.points, verdicts_on(submission, task, bench, begun + bench.patience, ask))
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

    def lacking(names: Sequence[str]) -> tuple[Verdict, ...]:
        return unwritten(names, submission.problem)

    tasks = [TaskGrade(task.id, task.title, task.points, lacking(names_in(task))) for task in assignment.tasks]
    if assignment.integration:
        names = [case.name for case in assignment.integration]
        tasks.append(TaskGrade(TOGETHER, ALL, assignment.points, lacking(names)))
    problem, unsafe = submission.problem, level == UNSAFE
    return Grade(submission.student, submission.digest, tuple(tasks), problem, sandbox=level, unsafe=unsafe)


def names_in(task: Task) -> list[str]:
    """What the verdicts on a task are called."""
    return [*[each.name for each in task.cases], *[each.name for each in task.questions], *names_of(task)]


def verdicts_on(submission: Submission, task: Task, bench: Bench, until: float, ask: Ask) -> tuple[Verdict, ...]:
    """The verdicts on a task; on its cases and questions, where it has some."""
    if task.tests_of:
        return verdicts_on_tests(submission, task, bench, until)
    if task.mistake_of:
        return verdicts_on_repair(submission, task, bench, ask)
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
        given = normalised(answers.get(question.name, ""))
        if not given:
            verdicts.append(Verdict(question.name, MISSING, "not answered"))
        elif given == question.answer:
            verdicts.append(Verdict(question.name, AGREES))
        else:
            verdicts.append(Verdict(question.name, DIFFERS, f"the answer {given!r} is not right"))
    return tuple(verdicts)
