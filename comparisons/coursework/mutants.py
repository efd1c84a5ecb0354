"""Mistakes planted one at a time: which cases notice each, and whether one of them points at the right task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from comparisons.coursework.cases import Case
from comparisons.coursework.compiled import compiled, without_text
from comparisons.coursework.engines import Engine
from comparisons.coursework.equivalents import EQUIVALENTS, KINDS, Equivalent, Kind
from comparisons.coursework.holes import Place
from comparisons.coursework.judge import AGREES, LOST, Verdict
from comparisons.coursework.mechanical import Change, changes_of
from comparisons.coursework.mistakes.mistake import Mistake
from comparisons.coursework.processes import Limits
from comparisons.coursework.sandbox import UNSAFE, Sandbox
from comparisons.coursework.tasks import Task
from comparisons.coursework.workers import JOBS, Exam, Unfit, side_by_side

__all__ = ["Fate", "Outcome", "changes_in", "fates_of", "gone", "outcomes_of"]

SECONDS = 10.0  # that a case may take, on a busy machine too
MOST_LOST = 3  # answers of one engine, each of which may have taken all its time

Progress = Callable[[int, int], None]


def our_sandbox(engine: Engine) -> Sandbox:
    """For engines of our own, which need not be shut in; most of their files are those of ``engine``."""
    return Sandbox(UNSAFE, Limits(SECONDS), engine)


def checked_exam(engine: Engine, cases: Sequence[Case]) -> Exam:
    """The cases' answers, after the engine without a mistake has agreed with all of them.

    Raises:
        Unfit: it does not.
    """
    exam = Exam(cases)
    with our_sandbox(engine) as sandbox:
        for verdict in exam.ask(compiled(engine), cases, sandbox):
            if verdict.status != AGREES:
                raise Unfit(f"the reference itself fails {verdict.case}: {verdict.reason}")
    return exam


# ----------------------------------------------------------------------------------------------- those that are known


@dataclass(frozen=True)
class Outcome:
    """What became of a planted mistake.

    Attributes:
        mistake: the mistake.
        noticed: by task, the verdicts that do not agree, the mistake's own task first.
        unasked: how many cases were not asked any more, because too many answers were lost.
        unplanted: why it could not be planted; empty where it was.
    """

    mistake: Mistake
    noticed: dict[str, list[Verdict]] = field(default_factory=dict)
    unasked: int = 0
    unplanted: str = ""

    @property
    def caught(self) -> bool:
        """Whether a case of its own task notices it."""
        return self.mistake.task in self.noticed

    @property
    def reason(self) -> str:
        """The first reason given: by a case of its own task, where one notices it."""
        for verdicts in self.noticed.values():
            return f"{verdicts[0].case}: {verdicts[0].reason}"
        return self.unplanted or "no case notices it"

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "id": self.mistake.id,
            "task": self.mistake.task,
            "file": self.mistake.file,
            "what": self.mistake.what,
            "caught": self.caught,
            "reason": self.reason,
            "noticed": {task: [each.as_dict() for each in verdicts] for task, verdicts in self.noticed.items()},
            "unasked": self.unasked,
        }


def outcomes_of(
    engine: Engine,
    mistakes: Sequence[Mistake],
    tasks: Sequence[Task],
    *,
    jobs: int = JOBS,
    progress: Progress = lambda done, total: None,
) -> list[Outcome]:
    """Plant each mistake and ask the cases of all tasks.

    Args:
        engine: without a mistake.
        mistakes: what is planted, one at a time.
        tasks: whose cases are asked, the mistake's own first.
        jobs: how many engines are asked at a time.
        progress: called with how many are done, and how many there are.

    Raises:
        Unfit: the engine itself does not agree with all cases.
    """
    exam = checked_exam(engine, [case for task in tasks for case in task.cases])

    def outcome(mistake: Mistake, sandbox: Sandbox) -> Outcome:
        try:
            planted = compiled(mistake.planted(engine))
        except (KeyError, ValueError, SyntaxError) as error:
            return Outcome(mistake, unplanted=str(error))
        ordered = sorted(tasks, key=lambda task: task.id != mistake.task)  # which is stable
        asked = [(task.id, case) for task in ordered for case in task.cases]
        noticed: dict[str, list[Verdict]] = defaultdict(list)
        lost = done = 0
        for (task_id, _), verdict in zip(asked, exam.ask(planted, [case for _, case in asked], sandbox)):
            done += 1
            if verdict.status != AGREES:
                noticed[task_id].append(verdict)
                lost += verdict.status == LOST
            if lost == MOST_LOST:
                break
        return Outcome(mistake, dict(noticed), len(asked) - done)

    return side_by_side(outcome, mistakes, partial(our_sandbox, engine), jobs=jobs, progress=progress)


# ------------------------------------------------------------------------------------------------ those made by rule


@dataclass(frozen=True)
class Fate:
    """What became of a change made by rule.

    Attributes:
        change: the change.
        killed: what the first case says that notices it; None where none does.
        equivalent: what is known of it, where it changes nothing.
    """

    change: Change
    killed: Verdict | None
    equivalent: Equivalent | Kind | None

    @property
    def wrong(self) -> str:
        """What is wrong with it: no case notices it, or one does though it is said to change nothing."""
        if self.killed is not None:
            claimed = isinstance(self.equivalent, Equivalent)
            return f"it is no equivalent, for {self.killed.case} notices it" if claimed else ""
        return "" if self.equivalent is not None else "no case notices it"

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "place": str(self.change.place),
            "old": self.change.old,
            "new": self.change.new,
            "killed": None if self.killed is None else self.killed.as_dict(),
            "equivalent": None if self.equivalent is None else self.equivalent.reason,
            "wrong": self.wrong,
        }


def changes_in(engine: Engine, tasks: Sequence[Task]) -> list[tuple[Change, tuple[Case, ...]]]:
    """All changes made by rule in the functions of tasks, with the cases of the tasks that have the function."""
    cases: dict[Place, tuple[Case, ...]] = {}
    for task in tasks:
        for place in task.places:
            cases[place] = (*cases.get(place, ()), *task.cases)
    found = []
    for place, own in cases.items():
        text = engine.sources[f"{engine.name}/{place.file}"].decode()
        found += [(change, own) for change in changes_of(place, text)]
    return found


def fates_of(
    engine: Engine, tasks: Sequence[Task], *, jobs: int = JOBS, progress: Progress = lambda done, total: None
) -> list[Fate]:
    """Make each change made by rule and ask the cases of its own task, up to the first that notices it.

    Raises:
        Unfit: the engine itself does not agree with all cases.
    """
    exam = checked_exam(engine, [case for task in tasks for case in task.cases])

    def fate(item: tuple[Change, tuple[Case, ...]], sandbox: Sandbox) -> Fate:
        change, cases = item
        verdicts = exam.ask(without_text(change.planted(engine)), cases, sandbox)
        killed = next((each for each in verdicts if each.status != AGREES), None)
        verdicts.close()
        return Fate(change, killed, next((each for each in (*EQUIVALENTS, *KINDS) if each.covers(change)), None))

    return side_by_side(fate, changes_in(engine, tasks), partial(our_sandbox, engine), jobs=jobs, progress=progress)


def gone(fates: Sequence[Fate], tasks: Sequence[Task]) -> Iterator[Equivalent]:
    """Equivalents of the tasks' functions that no rule makes any more."""
    places = {str(place) for task in tasks for place in task.places}
    covered = {id(fate.equivalent) for fate in fates}
    return (each for each in EQUIVALENTS if each.place in places and id(each) not in covered)
