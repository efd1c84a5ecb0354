"""A student's tests, graded: they must pass on every engine that is right, and notice known mistakes.

They run in the sandbox, beside an engine that is there as compiled code alone. The right engines are the reference and
one that does the same, written otherwise: a test that recognises the text and not what it does fails there.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from comparisons.coursework.answers import read_answer
from comparisons.coursework.compiled import without_text
from comparisons.coursework.engines import Engine
from comparisons.coursework.judge import import_failure
from comparisons.coursework.mistakes.mistake import Mistake
from comparisons.coursework.processes import NoAnswer, Process
from comparisons.coursework.sandbox import Sandbox
from comparisons.coursework.student import packed
from comparisons.coursework.tasks import Task
from comparisons.coursework.trying.small_pytest import MOST_TESTS
from comparisons.coursework.trying.trial import STUDENTS
from comparisons.coursework.wheats import wheats_of
from comparisons.coursework.workers import JOBS, side_by_side

__all__ = ["LONGEST_FILE", "NoTime", "TestsError", "TestsGrade", "check_text", "grade_tests"]

LONGEST_FILE = 100_000  # bytes
ALLOWED = {
    *("numpy", "pytest", "math", "cmath", "itertools", "functools", "operator", "random", "statistics", "fractions"),
    *("decimal", "collections", "dataclasses", "typing", "contextlib", "warnings", "copy", "re", "string"),
    "__future__",
}
REFUSED = {"open", "exec", "eval", "compile", "globals", "vars", "__import__", "__builtins__", "__loader__", "__spec__"}


class TestsError(ValueError):
    """A file holds no tests that can be graded; the message says why in one sentence."""

    __test__ = False  # for pytest


class NoTime(RuntimeError):
    """The tests were not done in time."""


@dataclass(frozen=True)
class TestsGrade:
    """What a student's tests are worth.

    Attributes:
        tests: their names.
        failed: which of them fails on an engine that is right, and how; empty where all pass on all of them.
        noticed: for each mistake the test that notices it, and how; empty where none does.
        untried: the mistakes for which there was no time; they count as unnoticed.
    """

    __test__ = False  # for pytest

    tests: tuple[str, ...]
    failed: str = ""
    noticed: dict[str, str] = field(default_factory=dict)
    untried: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """How much of the points they earn: the part of the mistakes that they notice, nothing if one is wrong."""
        caught = sum(map(bool, self.noticed.values()))
        return 0.0 if self.failed or not self.noticed else caught / len(self.noticed)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {**vars(self), "tests": list(self.tests), "share": self.share}


def grade_tests(
    source: bytes,
    engine: Engine,
    tasks: Sequence[Task],
    mistakes: Sequence[Mistake],
    make: Callable[[], AbstractContextManager[Sandbox]],
    *,
    secret: bytes,
    jobs: int = JOBS,
    until: float = math.inf,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TestsGrade:
    """Grade a file of tests.

    Args:
        source: the file.
        engine: the reference, by the name that the tests import.
        tasks: those that the tests are about.
        mistakes: those that they are to notice.
        make: makes a sandbox.
        secret: what the names in the right engine that is written otherwise are drawn from.
        jobs: how many engines at a time.
        until: when there is no more time, by the monotonic clock.
        progress: called with how many engines are done, and how many there are.

    Raises:
        TestsError: the file is no Python, has too much in it, or asks for what a test may not have.
        NoTime: there was no time even for the engines that are right.
    """
    check_text(source, engine.name)
    right = wheats_of(engine, [place for task in tasks for place in task.places], secret)
    total = len(right) + len(mistakes)

    def passes(wheat: tuple[str, Engine], sandbox: Sandbox) -> tuple[str, list[str]]:
        failed, names = try_tests(wheat[1], source, sandbox, until)
        return failed and f"{failed} (on an engine that is right: {wheat[0]})", names

    tried = side_by_side(passes, right, make, jobs=jobs, progress=lambda done, _: progress(done, total))
    names = tuple(tried[0][1])
    failed = next((failed for failed, _ in tried if failed), "" if names else "there are no tests in it")
    if failed:
        return TestsGrade(names, failed)

    def notices(mistake: Mistake, sandbox: Sandbox) -> str | None:
        try:
            return try_tests(mistake.planted(engine), source, sandbox, until)[0]
        except NoTime:
            return None

    found = side_by_side(
        notices, mistakes, make, jobs=jobs, progress=lambda done, _: progress(len(right) + done, total)
    )
    untried = tuple(each.id for each, reason in zip(mistakes, found) if reason is None)
    return TestsGrade(names, "", {each.id: reason or "" for each, reason in zip(mistakes, found)}, untried)


def check_text(source: bytes, engine: str) -> None:
    """Refuse what is no file of tests."""
    if len(source) > LONGEST_FILE:
        raise TestsError(f"the tests have more than {LONGEST_FILE:,} bytes")
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise TestsError(f"the tests are no Python: {error}") from None
    tests = 0
    for node in ast.walk(tree):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or "."]
        for module in modules:
            if module.partition(".")[0] not in (*ALLOWED, engine):
                raise TestsError(f"the tests import {module}, which a test has no need of")
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name in REFUSED or (name.startswith("__") and isinstance(node, ast.Attribute)):
            raise TestsError(f"the tests ask for {name}, which a test has no need of")
        tests += isinstance(node, ast.FunctionDef) and node.name.startswith("test")
    if not tests:
        raise TestsError("there are no tests in the file: functions whose names begin with test_")


def try_tests(engine: Engine, source: bytes, sandbox: Sandbox, until: float = math.inf) -> tuple[str, list[str]]:
    """Run tests on an engine up to the first that fails: which and how, or nothing; and the names of those before.

    Raises:
        NoTime: it is ``until`` before they are done.
    """
    beside = {f"{name}.py": (Path(__file__).parent / "trying" / f"{file}.py").read_bytes() for name, file in BESIDE}
    whole = Engine(engine.name, {**without_text(engine).sources, **beside, f"{STUDENTS}.py": source})
    names: list[str] = []
    if monotonic() > until:
        raise NoTime
    with sandbox.start(whole) as process:
        if (broken := import_failure(process)) is not None:
            return broken[1], names
        count = asked(process, "import trial", "trial.collect()")
        if not isinstance(count, int):
            return f"when the tests were imported: {count}", names
        if count > MOST_TESTS:
            return f"there are {count} tests, and at most {MOST_TESTS} may be", names
        for number in range(count):
            if monotonic() > until:
                raise NoTime
            names.append(str(asked(process, "import trial", f"trial.name({number})")))
            reason = asked(process, f"import trial\ntrial.run({number})", "0")
            if reason != 0:
                return f"{names[-1]}: {reason}", names
    return "", names


BESIDE = (("pytest", "small_pytest"), ("trial", "trial"))


def asked(process: Process, program: str, shown: str) -> int | str:
    """What an expression is after a program, or what stopped the program."""
    number = next(process.numbers)
    try:
        answer = read_answer(*process.ask(number, packed(number, {"program": program, "show": [shown], "inputs": []})))
    except NoAnswer as reason:
        return str(reason)
    if answer.stopped is not None:
        return answer.stopped.reason
    value = answer.values.get(shown)
    return value if isinstance(value, (int, str)) else "what it sent is no answer"
