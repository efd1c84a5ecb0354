"""A handout: the engine with an assignment's functions as holes, the task sheet, and checks that need NumPy alone.

Nothing of the solutions is in it: what stands in a hole is cut out of the text, and nothing but the package's own files
is copied. PyTorch's values are recorded when it is made, of inputs that everybody may know.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from comparisons.coursework.cases import Case
from comparisons.coursework.differences import GraphData
from comparisons.coursework.holes import Piece, Place, functions_of, hollowed
from comparisons.coursework.judge import expected
from comparisons.coursework.kit.handed_out import mark_of
from comparisons.coursework.kit.questions import digest
from comparisons.coursework.kit.telling import counted
from comparisons.coursework.renaming import ENGINE, reference, renamed
from comparisons.coursework.student import graph_of
from comparisons.coursework.tasks import VERSION, Assignment, Task

__all__ = ["HandoutError", "check_target", "files_of", "shared_tasks", "with_holes", "write_handout"]

HERE = Path(__file__).parent
SHARED = ["../alignment", "../causes", "../comparing", "../tolerances", "differences", "holes", "student"]
SHARED += ["trying/small_pytest"]
OURS = re.compile(r"\bcomparisons\.(?:coursework\.)?(?:kit\.|trying\.)?(?=\w)")  # how these files name each other here
PUBLIC = b"public", "public"  # what inputs are drawn from that everybody may know
TESTS = "tests/test_mine.py"


class HandoutError(ValueError):
    """A handout cannot be written; the message says why in one sentence."""


def with_holes(files: Mapping[str, bytes], tasks: Sequence[Task]) -> dict[str, bytes]:
    """The files of an engine, by their path below the package, with the functions of tasks as holes."""
    marks: dict[str, dict[str, str]] = {}
    for task in tasks:
        for place in task.places:
            marks.setdefault(place.file, {})[place.name] = mark_of(task)
    emptied = {path: hollowed(files[path].decode(), names).encode() for path, names in marks.items()}
    return {**files, **emptied}


def files_of(
    assignment: Assignment, name: str = ENGINE, package: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """All files of a handout, by path.

    Args:
        assignment: what is handed out.
        name: what the engine is called in it.
        package: an engine with one student's own mistake: all tasks are handed out with it. By default the reference
            with holes, without the tasks that are about such a mistake.
    """
    if package is None:
        assignment = replace(assignment, tasks=shared_tasks(assignment))
        package = with_holes(reference(), assignment.tasks)
    package = renamed(package, name)
    files = {f"{name}/{path}": text for path, text in package.items()}
    told, arrays = recorded(assignment)
    values = io.BytesIO()
    np.savez(values, *arrays)
    files["check/tasks.json"] = as_json(told)
    files["check/values.npz"] = values.getvalue()
    files |= {f"check/{path.name}": for_the_kit(path) for path in kit_files()}
    files["handout.json"] = as_json({"assignment": assignment.id, "version": VERSION, "engine": name})
    asked = {task.id: dict.fromkeys(asked_of(task), "") for task in assignment.tasks if asked_of(task)}
    if asked:
        files["answers.json"] = as_json(asked)
    if any(task.tests_of for task in assignment.tasks):
        files[TESTS] = TEMPLATE.replace("ENGINE", name).encode()
    files[".vscode/launch.json"] = as_json(debugger_configuration(assignment))
    files["README.md"] = task_sheet(assignment, name, package).encode()
    return files


def shared_tasks(assignment: Assignment) -> tuple[Task, ...]:
    """The tasks that all students are handed alike; a mistake of one's own is handed out to one alone."""
    return tuple(task for task in assignment.tasks if not task.mistake_of)


def write_handout(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a handout into a folder that is not there, or empty: all of it, or nothing.

    Raises:
        HandoutError: it cannot be written.
    """
    check_target(folder)
    target = folder.absolute()
    try:
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            whole = beside / target.name
            for path, content in files.items():
                file = whole / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            if target.exists():
                target.rmdir()
            os.rename(whole, target)
        finally:
            shutil.rmtree(beside)
    except OSError as error:
        raise HandoutError(f"{folder} cannot be written: {error.strerror or error}") from None


def check_target(folder: Path) -> None:
    """Refuse a folder that a handout cannot be written into.

    Raises:
        HandoutError: what is wrong with it.
    """
    target = folder.absolute()
    try:
        if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
            raise HandoutError(f"{folder} is there already: name a folder that is not, or one that is empty")
        if not target.parent.is_dir():
            raise HandoutError(f"there is no folder {target.parent}")
    except OSError as error:
        raise HandoutError(f"{folder} cannot be written: {error.strerror or error}") from None


def asked_of(task: Task) -> list[str]:
    """What is to be answered in ``answers.json``."""
    return [each.name for each in task.questions] + ["file", "function"] * bool(task.mistake_of)


def as_json(told: Any) -> bytes:
    """Data as a text that people read too."""
    return (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()


# ------------------------------------------------------------------------------------------------ the checks


def kit_files() -> list[Path]:
    """The files of the checks."""
    shared = [(HERE / f"{name}.py").resolve() for name in SHARED]
    return sorted((HERE / "kit").glob("*.py")) + shared


def for_the_kit(path: Path) -> bytes:
    """A file as it stands in the folder ``check``, in which all name each other by it."""
    return OURS.sub("check.", path.read_text(encoding="utf-8")).encode()


def recorded(assignment: Assignment) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The tasks as the checks read them, and the arrays that they name by number."""
    arrays: list[np.ndarray] = []
    tasks = [
        {
            "id": task.id,
            "title": task.title,
            "points": task.points,
            "hints": list(task.hints),
            "places": [{"file": place.file, "name": place.name} for place in task.places],
            "needs": list(task.needs),
            "mistake": bool(task.mistake_of),
            "cases": [recorded_case(case, arrays) for case in task.cases],
            "questions": [
                {"name": each.name, "text": each.text, "salt": salt, "digest": digest(each.answer, salt)}
                for each in task.questions
                for salt in [sha256(f"{VERSION} {task.id} {each.name}".encode()).hexdigest()]
            ],
        }
        for task in assignment.tasks
    ]
    if assignment.integration:
        cases = [recorded_case(case, arrays) for case in assignment.integration]
        needs = [task.id for task in assignment.tasks]
        whole = {"id": assignment.id, "title": "all of it together", "points": assignment.points, "needs": needs}
        tasks.append({**whole, "mistake": False, "hints": [], "places": [], "cases": cases, "questions": []})
    return {"assignment": assignment.id, "title": assignment.title, "tasks": tasks}, arrays


def recorded_case(case: Case, arrays: list[np.ndarray]) -> dict[str, Any]:
    """A case with its inputs and PyTorch's values, which are added to ``arrays``."""
    inputs = case.draw(*PUBLIC)
    values = expected(case, inputs).values
    plain = {name: each for name, each in values.items() if not isinstance(each, (np.ndarray, GraphData))}
    return {
        "name": case.name,
        "program": case.program,
        "show": list(case.show),
        "tolerance": case.tolerance,
        "inputs": numbered(inputs, arrays),
        "shapes": {name: f"{array.dtype} {array.shape}" for name, array in inputs.items()},
        "arrays": numbered(values, arrays),
        "plain": plain,
        "graphs": {name: graph_of(each) for name, each in values.items() if isinstance(each, GraphData)},
    }


def numbered(values: Mapping[str, Any], arrays: list[np.ndarray]) -> dict[str, int]:
    """The numbers of the arrays among values, which are added to ``arrays``."""
    numbers = {}
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            numbers[name] = len(arrays)
            arrays.append(value)
    return numbers


def debugger_configuration(assignment: Assignment) -> dict[str, Any]:
    """What an editor shows under "Run and Debug"."""
    shared = {"type": "debugpy", "request": "launch", "module": "check", "console": "integratedTerminal"}
    quiet = [{"module": "numpy", "include": False}, {"module": "check", "include": False}]
    steps = {"justMyCode": False, "rules": quiet, "cwd": "${workspaceFolder}"}
    configurations = [
        {"name": "Check the next task", **shared, "args": [], **steps},
        {"name": "Check all tasks", **shared, "args": ["all"], **steps},
    ]
    choice = [task.id for task in assignment.tasks if task.places and task.cases]
    if not choice:
        return {"version": "0.2.0", "configurations": configurations}
    stopping = {"name": "Stop in the case that fails", **shared, "args": ["${input:task}", "--debug"], **steps}
    task = {"id": "task", "type": "pickString", "description": "The task", "options": choice, "default": choice[0]}
    return {"version": "0.2.0", "configurations": [stopping, *configurations], "inputs": [task]}


TEMPLATE = '''"""My tests of the engine.

Each function whose name begins with test_ is called, without arguments. On an engine that is right none may fail; on
one with a mistake at least one should. Compute what is right by hand, with NumPy, or by finite differences:

    def test_the_gradient_of_a_sum_is_one():
        x = engine.tensor([1.0, 2.0, 3.0], requires_grad=True)
        x.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), [1.0, 1.0, 1.0])
"""

import numpy as np
import pytest

import ENGINE as engine
'''

# -------------------------------------------------------------------------------------------- the task sheet


def task_sheet(assignment: Assignment, name: str, package: Mapping[str, bytes]) -> str:
    """``README.md``: how to begin on one screen, and a section a task."""
    points = sum(task.points for task in assignment.tasks) + assignment.points
    count = counted(len(assignment.tasks), "task")
    parts = [
        f"# {assignment.id}: {assignment.title}",
        f"{count}, {points} points. Python 3.10 or later is needed, and NumPy. In this folder:",
        BEGINNING,
        work(assignment),
        commands(assignment),
        FAIRNESS + "\n" + (HIDDEN if any(task.cases for task in assignment.tasks) else "") + HANDED_IN,
        "| task | what | where | needs | points |\n| --- | --- | --- | --- | ---: |\n" + rows(assignment),
    ]
    files = {place.file for task in assignment.tasks for place in task.places}
    functions = {file: functions_of(package[file].decode()) for file in files}
    for task in assignment.tasks:
        needs = f" Needs {', '.join(task.needs)}." if task.needs else ""
        where = [place_in_words(place, name, functions[place.file]) for place in task.places]
        items = [*where, *[f"`{each.name}`: {each.text}" for each in task.questions]]
        parts += [f"## {task.id} {task.title}", f"{task.points} points.{needs}", task.text.strip("\n")]
        parts += ["\n".join(f"- {item}" for item in items)] if items else []
    return "\n\n".join(parts) + "\n"


def rows(assignment: Assignment) -> str:
    """The rows of the table of tasks."""
    lines = []
    for task in assignment.tasks:
        where = ", ".join(f"`{place.name}`" for place in task.places) or place_of_answers(task)
        lines.append(f"| {task.id} | {task.title} | {where} | {', '.join(task.needs)} | {task.points} |")
    if assignment.integration:
        lines.append(f"| {assignment.id} | all of it together | | | {assignment.points} |")
    return "\n".join(lines)


def place_of_answers(task: Task) -> str:
    """Where a task is answered that asks for no function."""
    return "`answers.json`" if asked_of(task) else f"`{TESTS}`" if task.tests_of else ""


def place_in_words(place: Place, name: str, functions: Mapping[str, Piece]) -> str:
    """A function, with the file and the line at which its hole is, among all functions of the file."""
    line = functions[place.name].node.lineno
    return f"`{place.name}` in [`{name}/{place.file}`]({name}/{place.file}#L{line}), line {line}"


def work(assignment: Assignment) -> str:
    """What is to be done, in a paragraph."""
    told = []
    if any(task.places for task in assignment.tasks):
        told.append(
            "Each task names functions whose bodies were taken out. Signature, docstring and formula stand; write the "
            "rest. To find them, search for `not written yet`. All else of the engine works, so that it can be read, "
            "run and debugged from the beginning. `python -m check` compares what it computes with what PyTorch "
            "computed, and says what differs, at which index, and where to look."
        )
    if any(task.questions for task in assignment.tasks):
        told.append("Questions are answered in `answers.json`, or when `python -m check` asks them.")
    if any(task.tests_of for task in assignment.tasks):
        told.append(f"Tests are written in `{TESTS}`, which says how.")
    if any(task.mistake_of for task in assignment.tasks):
        told.append(
            "The engine in this folder has one mistake: tests that are right may fail until it is mended. What was "
            "found is written into `answers.json`."
        )
    return textwrap.fill(" ".join(told), 119, break_long_words=False, break_on_hyphens=False)


def commands(assignment: Assignment) -> str:
    """What ``python -m check`` can do, as far as the assignment has something for it."""
    first = assignment.tasks[0].id
    lines = [
        "| `python -m check` | the next task, from the one that was reached on |",
        f"| `python -m check {first}` | one task; `all` checks all |",
        "| `python -m check --watch` | again, whenever a file is saved |",
        f"| `python -m check hint {first}` | a hint, one more each time |",
    ]
    stepped = next((task.id for task in assignment.tasks if task.places and task.cases), None)
    if stepped is not None:
        lines.append(f"| `python -m check {stepped} --debug` | the case that fails, stopped in your function |")
    return "\n".join(["| command | what it checks |", "| --- | --- |", *lines])


BEGINNING = """\
```sh
python -m pip install "numpy>=2"
python -m check
python -m check --watch
```"""

FAIRNESS = 'In Visual Studio Code, "Run and Debug" has the same.'
HIDDEN = """\
What is checked here is public: that it passes says that the rules hold for these numbers. Grading asks the same with
other numbers.
"""
HANDED_IN = "What is handed in is this folder, or a zip of it."
