"""``check``: a reader's own answer to an exercise, asked its cases in his notebook.

Nothing is shut in here: it is the reader's program, in the reader's process. ``judging.py`` asks what others wrote.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from types import ModuleType
from typing import Any

import numpy as np

import minigrad
from comparisons.coursework.answers import Answer
from comparisons.coursework.cases import Case
from comparisons.coursework.differences import GraphData
from comparisons.coursework.judge import AGREES, DIFFERS, MISSING, STOPPED, Verdict, expected, first_difference
from comparisons.coursework.student import Graph, answer_of
from comparisons.tutorial.exercises import EXERCISES
from comparisons.tutorial.exercises.exercise import Exercise, is_stub

__all__ = ["Checked", "check"]

SECRET = b"the book"  # readers may know these numbers
COLOURS = {AGREES: "#2a9d6f", MISSING: "#c98a00"}  # of a mark beside the text, on light paper and on dark
OTHERWISE = "#d64550"


@dataclass(frozen=True)
class Checked:
    """What came of an exercise. It shows itself in a notebook.

    Attributes:
        exercise: the exercise.
        verdicts: one a case.
    """

    exercise: Exercise
    verdicts: tuple[Verdict, ...]

    @property
    def failed(self) -> Verdict | None:
        """The first verdict that is not as it should be; None where all cases agree."""
        return next((each for each in self.verdicts if each.status != AGREES), None)

    def __str__(self) -> str:
        """The verdict in a line."""
        told, count = f"{self.exercise.id} {self.exercise.title}", len(self.verdicts)
        if self.failed is None:
            return f"{told}: {'the case agrees' if count == 1 else f'all {count} cases agree'}"
        if self.failed.status == MISSING:
            return f"{told}: not written yet"
        agree = sum(each.status == AGREES for each in self.verdicts)
        failed = self.failed
        return f"{told}: {agree} of {count} cases agree; first that {failed.status}: {failed.case}: {failed.reason}"

    def program(self) -> str:
        """The program of the case that failed; empty where there is none to show."""
        if self.failed is None or self.failed.status == MISSING:
            return ""
        case = next(each for each in self.exercise.cases if each.name == self.failed.case)
        return "\n".join([case.program, *(f"{each}  # compared" for each in case.show)])

    def __repr__(self) -> str:
        return f"{self}\n{textwrap.indent(self.program(), '    ')}".rstrip()

    def _repr_html_(self) -> str:
        colour = COLOURS.get(AGREES if self.failed is None else self.failed.status, OTHERWISE)
        program = f"<details><summary>The case</summary><pre>{escape(self.program())}</pre></details>"
        shown = escape(str(self)) + (program if self.program() else "")
        return f'<div style="border-left: .4em solid {colour}; padding: .2em .8em">{shown}</div>'


def check(id: str, *written: Any) -> Checked:
    """Ask a reader's functions and classes the cases of an exercise, and compare with PyTorch.

    Args:
        id: the exercise's, such as "2.1".
        written: what the exercise asks for, in its order.

    Returns:
        what came of it, which shows itself in a notebook. An error of the reader's is told in it.

    Raises:
        ValueError: there is no such exercise.
        TypeError: more or fewer are given than the exercise asks for.
    """
    if id not in EXERCISES:
        raise ValueError(f"there is no exercise {id!r}: choose from {', '.join(EXERCISES)}")
    exercise = EXERCISES[id]
    if len(written) != len(exercise.names):
        raise TypeError(f'exercise {id} asks for {len(exercise.names)}: check("{id}", {", ".join(exercise.names)})')
    if any(map(is_unwritten, written)):
        return Checked(exercise, tuple(Verdict(case.name, MISSING) for case in exercise.cases))
    engine = with_names(dict(zip(exercise.names, written)))
    with minigrad.random.fork_rng():
        return Checked(exercise, tuple(verdict_on(engine, case, id, written) for case in exercise.cases))


def with_names(names: dict[str, Any]) -> ModuleType:
    """minigrad, with some names laid over it."""
    engine = ModuleType("engine")
    vars(engine).update(names, __getattr__=lambda name: getattr(minigrad, name))
    return engine


def verdict_on(engine: ModuleType, case: Case, id: str, written: Sequence[Any]) -> Verdict:
    """Ask one case, in this process, and compare."""
    inputs = case.draw(SECRET, id)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch was not heard either
            answer = answer_of(engine, case.program, inputs, case.show)
    except (Exception, SystemExit) as error:
        return Verdict(case.name, STOPPED, stop_reason(error, written))
    ours = {name: GraphData.of(value) if isinstance(value, Graph) else value for name, value in answer.items()}
    with np.errstate(all="ignore"):
        reason = first_difference(case, Answer(ours), expected(case, inputs))
    return Verdict(case.name, DIFFERS if reason else AGREES, reason)


# ------------------------------------------------------------------------------------------- what the reader wrote


def functions_of(written: Any) -> list[Any]:
    """A function; those of a class."""
    members = vars(written).values() if inspect.isclass(written) else [written]
    plain = [getattr(each, "fget", None) or getattr(each, "__func__", each) for each in members]
    return [each for each in plain if inspect.isfunction(each)]


def is_unwritten(written: Any) -> bool:
    """Whether a function, or one of a class, is a stub. Where the text is not known it is taken to be written."""
    functions = functions_of(written)
    for function in functions:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, TypeError, SyntaxError):
            continue
        if isinstance(tree.body[0], (ast.FunctionDef, ast.AsyncFunctionDef)) and is_stub(tree.body[0]):
            return True
    return inspect.isclass(written) and not functions


def stop_reason(error: BaseException, written: Sequence[Any]) -> str:
    """An exception in a line, with the innermost place in the reader's cells where it was."""
    files = {each.__code__.co_filename for part in written for each in functions_of(part)}
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename in files:
            place = f", in {getattr(code, 'co_qualname', code.co_name)}, line {trace.tb_lineno} of its cell"
        trace = trace.tb_next
    return reason + place
