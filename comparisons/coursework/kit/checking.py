"""Checks a task: its cases, or its questions."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass

from comparisons.coursework.kit.handed_out import Broken, Handout, Task
from comparisons.coursework.kit.progress import Progress
from comparisons.coursework.kit.questions import ANSWERS, given_answers, is_right, keep_answer
from comparisons.coursework.kit.runner import PASSED, Here, InAProcess, Result

__all__ = ["Verdict", "check", "find_task", "in_turn"]


@dataclass(frozen=True)
class Verdict:
    """What came of a task."""

    task: Task
    results: list[Result]

    @property
    def passed(self) -> bool:
        """Whether all of its cases passed."""
        return all(each.passed for each in self.results)

    @property
    def points(self) -> float:
        """What it earns: each case its equal part."""
        parts = max(1, len(self.task.cases) or len(self.task.questions))
        return self.task.points * sum(each.passed for each in self.results) / parts

    @property
    def failed(self) -> Result:
        """The first result that is not as it should be."""
        return next(each for each in self.results if not each.passed)


def check(handout: Handout, task: Task, engine: InAProcess | Here, progress: Progress, *, ask: bool) -> Verdict:
    """Check a task, and remember what it earns.

    Args:
        ask: ask the questions that are not answered yet, where somebody sits at a terminal.
    """
    if task.questions:
        verdict = Verdict(task, answered(handout, task, ask=ask and sys.stdin.isatty()))
    elif task.mistake:
        verdict = Verdict(task, [named(handout, task)])
    else:
        results: list[Result] = []
        for number in range(len(task.cases) or 1):
            results.append(engine.ask(task, number))
            if results[-1].ended:
                break  # the next case would be waited for as long
        verdict = Verdict(task, results)
    progress.points[task.id] = verdict.points
    return verdict


def answered(handout: Handout, task: Task, *, ask: bool) -> list[Result]:
    """What came of the questions of a task."""
    results = []
    if ask:
        print(f"{task.id} {task.title}: README.md tells what it is about.")
    for question in task.questions:
        answers = given_answers(handout)
        answer = answers.get(task.id, {}).get(question.name, "")
        if ask and not is_right(question, answer):
            print("\n" + textwrap.fill(f"{task.id} {question.name}: {question.text}", 80))
            answer = input("> ").strip()
            keep_answer(handout.folder, answers, task.id, question.name, answer)
        if is_right(question, answer):
            results.append(Result(question.name, PASSED))
        elif answer.strip():
            results.append(Result(question.name, "not right", f"{answer.strip()!r} is not right: {question.text}"))
        else:
            results.append(Result(question.name, "not answered yet", f"{question.text} Answer it in {ANSWERS}."))
    return results


def named(handout: Handout, task: Task) -> Result:
    """Whether a mistake is named. Whether it is the right one, nothing in a handout can tell."""
    answer = given_answers(handout).get(task.id, {})
    lacking = [name for name in ("file", "function") if not answer.get(name, "").strip()]
    if lacking:
        message = f"Name the {' and the '.join(lacking)} of the mistake in {ANSWERS}."
        return Result("", "not answered yet", message)
    return Result("", PASSED, "Named. Whether it is right, and mended, is found out in grading.")


def find_task(handout: Handout, name: str) -> Task:
    """The task of an id.

    Raises:
        Broken: there is none.
    """
    for task in handout.tasks:
        if task.id.lower() == name.lower():
            return task
    raise Broken(f"there is no task {name} in {handout.assignment}: it has {', '.join(t.id for t in handout.tasks)}")


def in_turn(handout: Handout, first: str) -> list[Task]:
    """All tasks, beginning with one, and from the last on with the first."""
    number = next((number for number, task in enumerate(handout.tasks) if task.id == first), 0)
    return [*handout.tasks[number:], *handout.tasks[:number]]
