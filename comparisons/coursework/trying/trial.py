"""Finds a student's tests and runs one at a time, in the sandbox."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from types import FrameType, FunctionType
from typing import Any

__all__ = ["STUDENTS", "collect", "name", "run"]

STUDENTS = "tests_of_a_student"  # the module
CODE = {"__code__", "f_code", "gi_code", "cr_code", "ag_code"}
WAYS_TO_CODE = (
    *("gc.", "ctypes.", "marshal.", "sys.settrace", "sys.setprofile", "sys._current_", "code.__new__"),
    *("open", "compile", "os.listdir", "os.scandir"),
)
OURS = ("/student.py", "/traceback.py")  # what tells where an error was
LONGEST_NAME = 100
TESTS: list[tuple[FunctionType, dict[str, Any]]] = []


def collect() -> int:
    """Find the tests: functions whose names begin with ``test``, once for each set of values. How many there are."""
    sys.addaudithook(guard())
    for each in vars(importlib.import_module(STUDENTS)).values():
        if isinstance(each, FunctionType) and each.__name__.startswith("test") and each.__module__ == STUDENTS:
            TESTS.extend((each, given) for given in getattr(each, "given", [{}]))
    return len(TESTS)


def name(number: int) -> str:
    """What a test is called, and with which values."""
    test, given = TESTS[number]
    values = re.sub(r" at 0x[0-9a-f]+", "", ", ".join(f"{key}={value!r}" for key, value in given.items()))
    return f"{test.__name__}({values})"[:LONGEST_NAME]


def run(number: int) -> None:
    """Run a test."""
    test, given = TESTS[number]
    test(**given)


def guard() -> Callable[[str, tuple[Any, ...]], None]:
    """What refuses to show the engine's code: a test asks what the engine does, not how it is written.

    The engine's own functions, NumPy's, and what imports modules go on as always, but for what a test has them call.
    Whose code it is says its file, which nobody changes: the engine's, compiled ahead, is told from here, others' from
    the root. All that decides is kept in here, where a test does not find it.
    """
    code, ways, ours, frame_of = frozenset(CODE), WAYS_TO_CODE, OURS, sys._getframe
    busy = False

    def file_of(thing: Any) -> str:
        held = getattr(thing, "__code__", None) or getattr(thing, "f_code", None) or getattr(thing, "gi_code", None)
        return str(getattr(held, "co_filename", ""))

    def imports(frame: FrameType | None) -> bool:
        return frame is not None and file_of(frame).startswith("<frozen importlib")

    def allowed(event: str, words: tuple[Any, ...], frame: FrameType) -> bool:
        reader = file_of(frame)
        said = {*frame.f_code.co_names, *(each for each in frame.f_code.co_consts if isinstance(each, str))}
        if event == "compile" and type(words[1]) is str and words[1].startswith("<"):
            return not words[1].startswith("<frozen")  # it says that it is nobody's
        if event == "compile" and reader.endswith("/student.py"):
            return "compile" in said
        if event != "object.__getattr__":
            return imports(frame) and imports(frame.f_back)
        if file_of(words[0]).startswith(("/", "<")):
            return True  # it is none of the engine's
        own = not reader.startswith(("/", "<")) or "/numpy/" in reader or reader.endswith(ours)
        return own and words[1] in said

    def refuse(event: str, words: tuple[Any, ...]) -> None:
        nonlocal busy
        asks = words[1] in code if event == "object.__getattr__" else event.startswith(ways)
        if busy or not asks:
            return
        busy = True
        shown = allowed(event, words, frame_of(1))
        busy = False
        if not shown:
            raise PermissionError("a test asks what the engine does, not how it is written")

    return refuse
