"""The student's own tests, run on the engine in the folder. How they do on wrong engines is found out in grading."""

from __future__ import annotations

import importlib.util
import traceback
from typing import Any

from comparisons.coursework.kit.handed_out import Handout

__all__ = ["TESTS", "tried"]

TESTS = "tests/test_mine.py"


def tried(handout: Handout) -> dict[str, Any]:
    """Call each function of the file whose name begins with ``test_``, as the answer to a case."""
    path = handout.folder / TESTS
    if not path.is_file():
        return {"status": "not written yet", "message": f"{TESTS} is missing: write your tests there"}
    spec = importlib.util.spec_from_file_location("test_mine", path)
    assert spec is not None and spec.loader is not None  # its name ends in .py
    module = importlib.util.module_from_spec(spec)
    doing = f"when {TESTS} is imported"
    try:
        spec.loader.exec_module(module)
        tests = [each for name, each in vars(module).items() if name.startswith("test_") and callable(each)]
        for test in tests:
            doing = test.__name__
            test()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        lines = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == str(path)]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else 0
        words = f"{type(error).__name__}: {error}".strip().removesuffix(":")
        message = f"{doing}: {words}: the engine is right, so the test is wrong"
        return {"status": "stopped", "message": message, "place": ["", line, TESTS]}
    if not tests:
        return {"status": "not written yet", "message": f"{TESTS} has no function whose name begins with test_"}
    return {"status": "passed", "message": f"tests that pass, as they should on an engine that is right: {len(tests)}"}
