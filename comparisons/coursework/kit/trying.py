"""The student's own tests, run on the engine in the folder. How they do on wrong engines is found out in grading."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from types import FunctionType, ModuleType
from typing import Any

import comparisons.coursework.trying.small_pytest as small_pytest
from comparisons.coursework.kit.handed_out import Handout

__all__ = ["TESTS", "tried"]

TESTS = "tests/test_mine.py"


def tests_in(module: ModuleType) -> list[tuple[FunctionType, dict[str, Any]]]:
    """The tests of a module, once for each set of values that ``parametrize`` gives."""
    own = [each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__]
    tests = [each for each in own if isinstance(each, FunctionType) and each.__name__.startswith("test")]
    return [(test, given) for test in tests for given in getattr(test, "given", [{}])]


def tried(handout: Handout) -> dict[str, Any]:
    """Run each test of the file, as the answer to a case."""
    path = handout.folder / TESTS
    if not path.is_file():
        return {"status": "not written yet", "message": f"{TESTS} is missing: write your tests there"}
    spec = importlib.util.spec_from_file_location("test_mine", path)
    assert spec is not None and spec.loader is not None  # its name ends in .py
    sys.modules["pytest"] = small_pytest  # type: ignore[assignment]  # as in grading, whether or not there is another
    module = importlib.util.module_from_spec(spec)
    doing = f"when {TESTS} is imported"
    try:
        spec.loader.exec_module(module)
        tests = tests_in(module)
        for test, given in tests:
            values = ", ".join(f"{name}={value!r}" for name, value in given.items())
            doing = f"{test.__name__}({values})" if values else test.__name__
            test(**given)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        lines = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == str(path)]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else 0
        words = f"{type(error).__name__}: {error}".strip().removesuffix(":")
        mistaken = any(task.mistake for task in handout.tasks)
        why = "the engine is right, so the test is wrong"
        if mistaken:
            why = "the test is wrong, or it has found the engine's mistake"
        message = f"{doing}: {words}: {why}"
        return {"status": "stopped", "message": message, "place": ["", line, TESTS]}
    if not tests:
        return {"status": "not written yet", "message": f"{TESTS} has no function whose name begins with test_"}
    if len(tests) > small_pytest.MOST_TESTS:
        return {"status": "stopped", "message": f"{len(tests)} tests, and at most {small_pytest.MOST_TESTS} may be"}
    return {"status": "passed", "message": f"tests that pass, as they should on an engine that is right: {len(tests)}"}
