"""Runs the engine: imports it, asks it cases, and says what came of each. It is the process of ``runner.py``.

What the engine prints is heard: it goes where errors go.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from comparisons.coursework.differences import GraphData, first_differing
from comparisons.coursework.holes import functions_of
from comparisons.coursework.kit.handed_out import Case, Handout, Task, read_handout, values_of
from comparisons.coursework.kit.trying import tried
from comparisons.coursework.student import PROGRAM, Graph, answer_of, stop_reason

__all__ = ["import_engine", "missing_function", "outcome", "run_case", "stopped_import"]

ABSENT = "not there"
SMALL = 16  # values that are shown all


def import_engine(handout: Handout) -> ModuleType:
    """The engine of the handout, and no other of its name."""
    sys.path.insert(0, str(handout.folder))
    engine = importlib.import_module(handout.engine)
    if Path(engine.__file__ or "").parent != handout.folder / handout.engine:
        raise ImportError(f"another {handout.engine} is imported, from {engine.__file__}")
    return engine


def stopped(error: BaseException, handout: Handout) -> dict[str, Any]:
    """What stopped the engine, as the answer to a case."""
    told = stop_reason(error, os.path.join(handout.folder, handout.engine, ""))
    if told["place"] is not None and told["place"][2] != PROGRAM:
        told["place"][2] = f"{handout.engine}/{told['place'][2]}"
    words = f"{told['error']}: {told['text']}".removesuffix(": ").replace(os.path.join(handout.folder, ""), "")
    if isinstance(error, NotImplementedError) and "not written yet" in told["text"]:
        words = told["text"]
    elif isinstance(error, SyntaxError):
        words = f"SyntaxError: {error.msg}"
    status = "not written yet" if told["missing"] else "stopped"
    return {"status": status, "message": words, "place": told["place"]}


def stopped_import(error: BaseException, handout: Handout) -> dict[str, Any]:
    """What stopped the import of the engine, and the functions that are looked for in vain."""
    told = stopped(error, handout)
    missing = [missing_function(handout, task) for task in handout.tasks]
    absent = {each["message"] for each in missing if each is not None and each["status"] == ABSENT}
    return told | {"message": "; ".join([told["message"], *sorted(absent)])}


def missing_function(handout: Handout, task: Task) -> dict[str, Any] | None:
    """The answer to every case of a task of which a function is not there; None where all are."""
    for place in task.places:
        shown = f"{handout.engine}/{place.file}"
        try:
            functions = functions_of(handout.file(place).read_text(encoding="utf-8"))
        except OSError as error:
            return {"status": "stopped", "message": f"{shown} cannot be read: {error.strerror}"}
        except SyntaxError as error:
            return stopped(error.with_traceback(None), handout) | {"place": ["", error.lineno or 0, shown]}
        except (ValueError, RecursionError, MemoryError) as error:
            return {"status": "stopped", "message": f"{shown} is no Python: {error}"}
        if place.name not in functions:
            message = f"there is no {place.name} in {shown}: the checks look for it by this name, at this place"
            return {"status": ABSENT, "message": message}
    return None


def run_case(engine: ModuleType, handout: Handout, case: Case) -> dict[str, Any]:
    """Ask the engine one case, in this process, and compare."""
    inputs, expected = values_of(case)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch was not heard either
            answer = answer_of(engine, case.program, inputs, case.show)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "BdbQuit":
            raise
        return stopped(error, handout)
    ours = {name: GraphData.of(value) if isinstance(value, Graph) else value for name, value in answer.items()}
    differing = first_differing(case.show, ours, expected, case.tolerance)
    if differing is None:
        return {"status": "passed"}
    values = [ours[differing.subject], expected[differing.subject]]
    told = {"status": "differs", "message": differing.message, "cause": differing.cause}
    if all(isinstance(each, np.ndarray) and 1 < each.size <= SMALL for each in values):
        return told | {"whole": [np.array2string(each, max_line_width=66, precision=6) for each in values]}
    return told


def outcome(engine: ModuleType, handout: Handout, task: Task, number: int) -> dict[str, Any]:
    """What comes of a case of a task; of the student's tests, where the task asks for tests."""
    if not task.cases:
        return tried(handout)
    return missing_function(handout, task) or run_case(engine, handout, task.cases[number])


# ------------------------------------------------------------------------------------------- as a process


def place_of_main(folder: str) -> list[Any] | None:
    """Where the main thread is: the innermost function of the engine."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(folder) and code.co_filename != __file__:
            name = getattr(code, "co_qualname", code.co_name)
            return ["" if name == "<module>" else name, frame.f_lineno, code.co_filename.removeprefix(folder)]
        frame = frame.f_back
    return None


class Answers:
    """What is sent back, a line of JSON a request; where there is none in time, what the engine is doing instead."""

    def __init__(self, file: int, folder: Path, seconds: float) -> None:
        self.file = os.fdopen(file, "w", encoding="utf-8")
        self.folder = os.path.join(folder, "")
        self.seconds = seconds

    def send(self, told: dict[str, Any]) -> None:
        """Send one answer."""
        self.file.write(json.dumps(told) + "\n")
        self.file.flush()

    def give_up(self) -> None:
        """Tell where the engine is, and end."""
        message = f"no answer within {self.seconds:g} s: a loop without an end?"
        self.send({"status": "no answer", "message": message, "place": place_of_main(self.folder), "ended": True})
        os._exit(1)

    def to(self, work: Callable[[], dict[str, Any]]) -> None:
        """Send what ``work`` gives, within the time."""
        timer = threading.Timer(self.seconds, self.give_up)
        timer.daemon = True
        timer.start()
        try:
            told = work()
        finally:
            timer.cancel()
        self.send(told)


def no_debugger(*arguments: Any, **named: Any) -> None:
    """What ``breakpoint()`` does here, where nobody can type."""
    raise RuntimeError("breakpoint() stops where a check is debugged: python -m check TASK --debug")


def main() -> None:
    """Answer the requests on the standard input: each names a task and the number of its case.

    The command line has the seconds that a case may take, and those of the import.
    """
    requests, file = os.fdopen(os.dup(0), encoding="utf-8"), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr  # line by line: what waits in a buffer is lost when this process is killed
    sys.breakpointhook = no_debugger
    handout = read_handout(Path(__file__).parents[1])
    tasks = {task.id: task for task in handout.tasks}
    answers = Answers(file, handout.folder, float(sys.argv[2]))
    engine: list[ModuleType] = []

    def ready() -> dict[str, Any]:
        try:
            engine.append(import_engine(handout))
        except BaseException as error:
            return stopped_import(error, handout)
        return {"status": "passed"}

    answers.to(ready)
    answers.seconds = float(sys.argv[1])
    for line in requests:
        task, number = json.loads(line)
        answers.to(partial(outcome, engine[0], handout, tasks[task], number))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # which the command is sent too
        sys.exit(130)
