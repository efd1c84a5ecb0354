"""The judge on exercises of the book: what others wrote, in a sandbox, asked with numbers that they do not know.

What was handed in is read as text. For each exercise its definitions are taken, with the statements of the text that
they need, and laid over minigrad: what else stands there, and what is wrong in other cells, plays no part.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from comparisons.coursework.cases import Case
from comparisons.coursework.engines import Engine
from comparisons.coursework.grading.modules import (
    Unreadable,
    bound_names,
    changed_names,
    lines_of,
    parsed,
    used_names,
)
from comparisons.coursework.grading.notebooks import code_cells, content_of
from comparisons.coursework.grading.transplant import by_name, reached
from comparisons.coursework.holes import first_line
from comparisons.coursework.judge import MISSING, STOPPED, Verdict, judging
from comparisons.coursework.sandbox import Sandbox
from comparisons.tutorial.exercises import EXERCISES
from comparisons.tutorial.exercises.exercise import Definition, Exercise, is_stub

__all__ = ["HandedIn", "cases_of", "chosen_exercises", "handed_in", "judge_exercises"]

NAME = "exercise"  # of the module that an exercise's definitions are put into
LAID_OVER = "\n\ndef __getattr__(name):\n    import minigrad\n\n    return getattr(minigrad, name)\n"


class NotAsked(Exception):
    """Why nothing of an exercise is asked: it is the verdict on each of its cases."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class HandedIn:
    """What a reader has written.

    Attributes:
        cells: the code, a text each cell; of a file of Python all in one.
        label: what a cell is called, with its number: "code cell {}", or the file's name.
    """

    cells: tuple[str, ...]
    label: str

    def as_engine(self, name: str) -> Engine:
        """All of the code as a file, for results that tell what was judged."""
        return Engine(name, {f"{name}.py": "".join(self.cells).encode("utf-8", "replace")})

    def place_of(self, number: int) -> str:
        """Where a line is of the cells that are joined."""
        for cell, text in enumerate(self.cells, 1):
            count = len(lines_of(text))
            if number <= count:
                return f"line {number} of {self.label.format(cell)}"
            number -= count
        return f"line {number}"


def handed_in(path: Path) -> HandedIn:
    """Read a notebook (``.ipynb``, or ``.md`` as MyST has it) or a file of Python.

    Raises:
        Broken: it is neither.
        NoJupytext: it is a notebook, and what reads one is not installed.
    """
    if path.suffix.lower() == ".py":
        return HandedIn((content_of(path).replace("\r\n", "\n"),), path.name.replace("{", "{{").replace("}", "}}"))
    return HandedIn(tuple(text for _, text in code_cells(path)), "code cell {}")


def chosen_exercises(names: Sequence[str]) -> list[Exercise]:
    """The exercises of sections and ids, such as "2" and "3.1", in the book's order.

    Raises:
        ValueError: there is none of a name.
    """
    for name in names:
        if not any(name in (id, id.split(".")[0]) for id in EXERCISES):
            raise ValueError(f"there is no exercise {name!r}: choose from {', '.join(EXERCISES)}, or a section")
    return [each for id, each in EXERCISES.items() if id in names or id.split(".")[0] in names]


def cases_of(exercise: Exercise) -> list[Case]:
    """The cases under names that tell the exercise."""
    return [replace(case, name=f"{exercise.id} {case.name}") for case in exercise.cases]


def judge_exercises(
    written: HandedIn,
    exercises: Sequence[Exercise],
    cases: Sequence[Case],
    minigrad: Engine,
    sandbox: Sandbox,
    *,
    secret: bytes,
    submission: str,
) -> Iterator[Verdict]:
    """Judge what was handed in, exercise by exercise, each in a process of its own.

    Args:
        written: what was handed in.
        exercises: those that it is to answer.
        cases: those of the exercises' that are asked, under the names that :func:`cases_of` gives.
        minigrad: what the definitions are laid over.
        sandbox: where it runs.
        secret: what the inputs are drawn from, with ``submission``.
        submission: whose answers these are.

    Raises:
        SandboxError: the sandbox fails, whatever was handed in.
    """
    for exercise in exercises:
        asked = [case for case in cases_of(exercise) if case in cases]
        try:
            engine = engine_for(exercise, written, minigrad)
        except NotAsked as reason:
            yield from (Verdict(case.name, reason.status, str(reason)) for case in asked)
            continue
        for verdict in judging(engine, asked, sandbox, secret=secret, submission=submission):
            told = re.sub(rf"line (\d+) of {NAME}\.py", lambda found: written.place_of(int(found[1])), verdict.reason)
            yield replace(verdict, reason=told)


def engine_for(exercise: Exercise, written: HandedIn, minigrad: Engine) -> Engine:
    """minigrad, and beside it a module with what an exercise asks for and what that needs, in the lines it stood in.

    Where a name is defined in the text, what else gives it a meaning is left out: the import of a finished engine.

    Raises:
        NotAsked: a definition is not there, is a stub, or stands where there is no Python.
    """
    cells = [readable(cell, exercise, written.label.format(number)) for number, cell in enumerate(written.cells, 1)]
    text = "".join(cells)
    try:
        statements = parsed(text).body
    except Unreadable as error:  # too long, when all is joined
        raise NotAsked(STOPPED, str(error)) from None
    last = {each.name: each for each in statements if isinstance(each, Definition)}
    given = [each for each in statements if isinstance(each, Definition) or not bound_names(each) & last.keys()]
    for name in exercise.names:
        if name not in last or is_stub(last[name]):
            raise NotAsked(MISSING, f"{name} is {'not there' if name not in last else 'not written yet'}")
    imported = {name for each in given if isinstance(each, (ast.Import, ast.ImportFrom)) for name in bound_names(each)}
    leads = by_name((each, bound_names(each) | changed_names(each) - imported) for each in given)
    taken = reached({*exercise.names, "*"}, leads, lambda each: used_names([each]))
    kept = {number for each in taken for number in range(first_line(each), (each.end_lineno or 0) + 1)}
    lines = [line if number in kept else "\n" for number, line in enumerate(lines_of(text), 1)]
    source = "".join(lines) + LAID_OVER
    return Engine(NAME, {f"{NAME}.py": source.encode("utf-8", "replace"), **minigrad.sources})


def readable(cell: str, exercise: Exercise, label: str) -> str:
    """A cell, or as many empty lines where it is no Python and has nothing that the exercise asks for.

    Raises:
        NotAsked: it is no Python, and what is asked for seems to stand in it.
    """
    try:
        parsed(cell)
    except Unreadable as error:
        found = re.search(rf"\b(?:def|class)\s+({'|'.join(exercise.names)})\b", cell)
        if found:
            line = "" if error.line is None else f", line {error.line} of {label}"
            raise NotAsked(STOPPED, f"{found[1]}: {error}{line}") from None
        return "\n" * len(lines_of(cell))
    return cell
