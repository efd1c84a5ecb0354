"""What was handed out: tasks, their public cases, and PyTorch's recorded values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from comparisons.coursework.holes import Place

__all__ = ["Broken", "Case", "Handout", "Question", "Task", "mark_of", "read_handout", "values_of"]

DATA = Path(__file__).parent


class Broken(Exception):
    """The handout cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Case:
    """One thing that the engine is asked, and what is right.

    Attributes:
        name: its own among the cases.
        program: statements that know ``engine``, each input as a tensor, and ``graph(tensor)``.
        show: expressions whose values are compared.
        tolerance: a key of the table of tolerances.
        inputs: for each name the number of its array.
        shapes: for each name its type and shape, in words.
        arrays, plain, graphs: what each expression should give: the number of an array, a value, or a graph as a list.
    """

    name: str
    program: str
    show: list[str]
    tolerance: str
    inputs: dict[str, int]
    shapes: dict[str, str]
    arrays: dict[str, int]
    plain: dict[str, Any]
    graphs: dict[str, list[Any]]


@dataclass(frozen=True)
class Question:
    """Something to predict, and how the right answer is known: see ``questions.py``."""

    name: str
    text: str
    salt: str
    digest: str


@dataclass(frozen=True)
class Task:
    """One thing to do: functions to write, questions to answer, a mistake to find, or else tests to write."""

    id: str
    title: str
    points: int
    hints: list[str]
    places: list[Place]
    needs: list[str]
    mistake: bool
    cases: list[Case]
    questions: list[Question]


@dataclass(frozen=True)
class Handout:
    """A folder that was handed out.

    Attributes:
        engine: the name of the package in it.
        tasks: in the order in which they are done; last, under the assignment's id, what all of it does together.
    """

    folder: Path
    assignment: str
    title: str
    engine: str
    tasks: list[Task]

    def file(self, place: Place) -> Path:
        """The file of the engine in which a function stands."""
        return self.folder / self.engine / place.file


def mark_of(task: Any) -> str:
    """What a hole of a task says, in a handout or of those that are handed out."""
    return f"{task.id} {task.title}: not written yet"


def read_handout(folder: Path) -> Handout:
    """Read a handout.

    Raises:
        Broken: a part of it is missing, or is no longer what was handed out.
    """
    told = read_json(folder / "handout.json")
    engine = told.get("engine") if isinstance(told, dict) else None
    if not isinstance(engine, str) or not engine.isidentifier():
        raise Broken("handout.json does not name the engine: put the file that was handed out in its place")
    if not (folder / engine / "__init__.py").is_file():
        raise Broken(f"the engine is not there: {engine}/__init__.py, which handout.json names, is missing")
    try:
        course = read_json(DATA / "tasks.json")
        tasks = [
            Task(
                **{
                    **each,
                    "places": [Place(**place) for place in each["places"]],
                    "cases": [Case(**case) for case in each["cases"]],
                    "questions": [Question(**question) for question in each["questions"]],
                }
            )
            for each in course["tasks"]
        ]
        return Handout(folder, course["assignment"], course["title"], engine, tasks)
    except (KeyError, TypeError, AttributeError):
        raise Broken("check/tasks.json is not as it was handed out: put the folder check back") from None


def read_json(path: Path) -> Any:
    """What a file holds."""
    shown = path.relative_to(path.parents[1] if path.parent == DATA else path.parent).as_posix()
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Broken(f"{shown} is missing: put the file that was handed out in its place") from None
    except OSError as error:
        raise Broken(f"{shown} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Broken(f"{shown} is no JSON: {error}") from None


@cache
def recorded() -> Any:
    """The arrays of all cases, each read when it is asked for."""
    import numpy as np

    try:
        return np.load(DATA / "values.npz", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise Broken(f"check/values.npz cannot be read: {error}") from None


def values_of(case: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs of a case by name, and by expression what PyTorch computed from them."""
    from comparisons.coursework.differences import GraphData

    arrays = recorded()
    expected = {expression: arrays[f"arr_{number}"] for expression, number in case.arrays.items()}
    expected |= case.plain
    expected |= {expression: GraphData.of(graph) for expression, graph in case.graphs.items()}
    return {name: arrays[f"arr_{number}"] for name, number in case.inputs.items()}, expected
