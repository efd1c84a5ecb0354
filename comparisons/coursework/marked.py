"""What pytest shows of a course's tests: points by task, hints in the place of tracebacks, nothing of hidden ones.

Points are counted of tests with the mark ``points`` or ``task``. Of several parameter sets of a test each earns its
equal part. What was skipped before its body began, such as what needs another system, is left out; what was chosen and
did not run, or was skipped in its body, where an engine may do that, earns nothing. Where processes share the tests,
the first report of each tells what is marked, and the process that began them counts.
"""

from __future__ import annotations

import json
import math
import os
import re
import warnings
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from torch_impl.files import replace_file

__all__ = ["Marked", "MarkedTests"]

NOT_RUN, PASSED, FAILED, ERROR, SKIPPED = "not run", "passed", "failed", "error", "skipped"
LONGEST_LINE, MOST_LINES = 500, 2  # of what an error says


@dataclass
class Marked:
    """A test that counts.

    Attributes:
        task, concept: what it is of; either may be empty.
        of: the points that it can earn.
        outcome: one of "not run", "passed", "failed", "error", "skipped".
        reason: why it did not pass, in a line.
    """

    task: str
    concept: str
    of: float
    hidden: bool
    outcome: str = NOT_RUN
    reason: str = ""

    @property
    def points(self) -> float:
        """What it earns."""
        return self.of if self.outcome == PASSED else 0.0


class MarkedTests:
    """A plugin of pytest: it is there when one of its options was given.

    Args:
        points: show them.
        file: where to write them.
        hints: how many to show of a test that fails, in the place of its traceback; 0 shows the traceback.
        hide: show nothing of hidden tests but their names and tasks.

    Raises:
        pytest.UsageError: the file cannot be written.
    """

    def __init__(self, config: pytest.Config, *, points: bool, file: str | None, hints: int, hide: bool) -> None:
        self.config, self.shows, self.hints, self.hide = config, points, hints, hide
        self.file = None if file is None else (config.invocation_params.dir / file)
        if self.file is not None:
            check_file(self.file)
        self.tests: dict[str, Marked] = {}
        self.counting = points or self.file is not None
        self.names_values = True
        self.marked: dict[pytest.Item, Marked] = {}
        self.told = not hasattr(config, "workerinput")

    # ------------------------------------------------------------------------------------------------ collecting

    @pytest.hookimpl(wrapper=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> Generator[None, Any, Any]:
        """The values of its parameters are in a test's name: not in a hidden one's."""
        self.names_values = not self.is_hidden(metafunc.definition)
        try:
            return (yield)
        finally:
            self.names_values = True

    def pytest_make_parametrize_id(self, val: object, argname: str) -> str | None:
        """Of a hidden test's parameter its name alone, to which pytest adds a number."""
        return None if self.names_values or argname == "both" else argname

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """What stops a file at its import would show its lines."""
        report: Any = yield
        if self.hide and report.failed:
            told = [line[1:].strip() for line in str(report.longrepr).splitlines() if line.startswith("E")]
            report.longrepr = "it cannot be collected" + (f": {told[-1]}" if told else "")
            report.sections = []
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Share the points of each test among its parameter sets, before any is left out.

        Raises:
            pytest.UsageError: a mark is not what it should be.
        """
        tasks = {item: task_of(item) for item in items}
        counting = [item for item in items if counts(item)] if self.counting else []
        parts = Counter(function_of(item) for item in counting)
        for item in counting:
            of = points_of(item) / parts[function_of(item)]
            self.marked[item] = Marked(*tasks[item], of, item.get_closest_marker("hidden") is not None)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """These tests will run."""
        self.tests |= {item.nodeid: self.marked[item] for item in session.items if item in self.marked}

    # ------------------------------------------------------------------------------------------------ running

    def is_hidden(self, item: pytest.Item) -> bool:
        return self.hide and item.get_closest_marker("hidden") is not None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Warnings show lines too."""
        if not self.is_hidden(item):
            return (yield)
        with warnings.catch_warnings(record=True):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """Tell what is to be told of a failure."""
        report: Any = yield
        if not self.told:
            self.told = True
            report.minigrad_tests = {name: asdict(test) for name, test in self.tests.items()}
        hidden = self.is_hidden(item)
        if hidden:
            report.sections = []
        error = call.excinfo
        if error is None:
            return report
        report.minigrad_reason = "" if hidden else f"{error.typename}: {first_lines(error.value)[0]}"
        if isinstance(report.longrepr, tuple):  # it was skipped
            return report
        if hidden:
            report.longrepr = "\n".join([f"{heading(item)}: a hidden test", *self.hints_of(item)])
        elif self.hints and report.failed and not hasattr(error.value, "formatrepr"):  # a fixture that is not there
            report.longrepr = "\n".join([*place_of(item, error), *self.hints_of(item)])
        return report

    def hints_of(self, item: pytest.Item) -> list[str]:
        """The first hints: of the test's marks, or else of the task."""
        hints: list[str] = []
        for name in ("task", "points"):
            mark = item.get_closest_marker(name)
            given = mark.kwargs.get("hint", ()) if mark else ()
            hints += [given] if isinstance(given, str) else given
        task = course_task(task_of(item)[0]) if self.hints and not hints else None
        return [f"hint: {hint}" for hint in (task.hints if task else hints)[: self.hints]]

    # ------------------------------------------------------------------------------------------------ counting

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note how a test went."""
        for name, told in getattr(report, "minigrad_tests", {}).items():
            self.tests.setdefault(name, Marked(**told))
        test = self.tests.get(report.nodeid)
        if test is None:
            return
        if report.failed:
            test.outcome = FAILED if report.when == "call" else ERROR
        elif report.when == "call":
            test.outcome = PASSED if report.passed else FAILED
        elif report.skipped and test.outcome == NOT_RUN:
            test.outcome = SKIPPED
        if not report.passed:
            test.reason = getattr(report, "minigrad_reason", "")

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the points, whatever ended the run."""
        if self.file is not None and not hasattr(self.config, "workerinput"):
            replace_file(self.file, (json.dumps(self.as_dict(int(exitstatus)), indent=2) + "\n").encode())

    def rows(self) -> dict[tuple[str, str], dict[str, Marked]]:
        """The tests by task and concept, in the order of the tasks' numbers."""
        rows: dict[tuple[str, str], dict[str, Marked]] = {}
        for name, test in self.tests.items():
            rows.setdefault((test.task, test.concept), {})[name] = test
        return dict(sorted(rows.items(), key=lambda row: (not row[0][0], in_order(row[0][0]), row[0][1])))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """A line a task, and one for all."""
        if not self.shows:
            return
        terminalreporter.section("points")
        lines = [("  ".join(filter(None, task)) or "no task", [*tests.values()]) for task, tests in self.rows().items()]
        lines.append(("all", [*self.tests.values()]))
        width = max([len(name) for name, _ in lines])
        for name, tests in lines:
            counted = [test for test in tests if test.outcome != SKIPPED]
            passed, skipped = sum(test.outcome == PASSED for test in counted), len(tests) - len(counted)
            told = f"{name:{width}}  {passed} of {len(counted)} tests"
            told += f"  {written(earned(tests))} of {written(possible(tests))} points"
            colour = {"green" if passed == len(counted) else "red": True}
            terminalreporter.write_line(told + (f"  ({skipped} skipped)" if skipped else ""), **colour)

    def as_dict(self, status: int) -> dict[str, Any]:
        """The points for JSON. ``exit_status`` is pytest's, which tells whether it came to its end."""
        tasks = [
            {"task": task, "concept": concept, **sums(tests), "tests": list(tests)}
            for (task, concept), tests in self.rows().items()
        ]
        tests_told = [{"name": name, **asdict(test), "points": test.points} for name, test in self.tests.items()]
        return {"exit_status": status, **sums(self.tests), "tasks": tasks, "tests": tests_told}


def check_file(path: Path) -> None:
    """Refuse a file that cannot be written."""
    if not path.absolute().parent.is_dir():
        raise pytest.UsageError(f"--points-json {path}: there is no folder {path.absolute().parent}")
    if path.is_dir() or not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise pytest.UsageError(f"--points-json {path}: it cannot be written")


def counts(item: pytest.Item) -> bool:
    """Whether a test has points or a task. With PyTorch it shows that it is right itself, which earns nothing."""
    if getattr(getattr(item, "callspec", None), "params", {}).get("both") == "torch":
        return False
    return any(item.get_closest_marker(name) is not None for name in ("points", "task"))


def function_of(item: pytest.Item) -> tuple[str, str]:
    """The function of a test, whatever its parameters."""
    return (item.parent.nodeid if item.parent else "", getattr(item, "originalname", item.name))


def points_of(item: pytest.Item) -> float:
    """The points of a test's function.

    Raises:
        pytest.UsageError: the mark holds no number of points.
    """
    mark = item.get_closest_marker("points")
    if mark is None:
        return 0.0
    given = mark.args[0] if len(mark.args) == 1 else None
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 <= given < math.inf:
        raise pytest.UsageError(f"{item.nodeid}: points(n) takes a number from 0 on, got {given!r}")
    return float(given)


def task_of(item: pytest.Item) -> tuple[str, str]:
    """The task and the concept of a test: what its mark says, or what the course calls it.

    Raises:
        pytest.UsageError: the mark names no task.
    """
    mark = item.get_closest_marker("task")
    if mark is None:
        return "", ""
    texts = (*mark.args, *[mark.kwargs["concept"] for _ in range("concept" in mark.kwargs)])
    if not 1 <= len(texts) <= 2 or not all(isinstance(text, str) for text in texts):
        raise pytest.UsageError(f'{item.nodeid}: task(id, concept) takes texts, such as "2.2", got {texts!r}')
    task = course_task(texts[0]) if len(texts) == 1 else None
    return texts[0], texts[1] if len(texts) == 2 else task.title if task else ""


def course_task(task: str) -> Any:
    """The course's task of this number, if there is one."""
    from comparisons.coursework.assignments import TASKS

    return TASKS.get(task)


def heading(item: pytest.Item) -> str:
    """The task of a test, or its name."""
    return " ".join(part for part in task_of(item) if part) or item.name


def place_of(item: pytest.Item, error: pytest.ExceptionInfo[BaseException]) -> list[str]:
    """Where a test failed and of what: the line of the test, and where else the error came from, if it did."""
    own = [entry for entry in error.traceback if Path(str(entry.path)) == item.path]
    shown = (own or list(error.traceback))[-1]
    lines = [f"{heading(item)}: {Path(str(shown.path)).name}, line {shown.lineno + 1}"]
    lines.append(f"    {' '.join(str(shown.statement).split())}"[:LONGEST_LINE])
    first, *more = first_lines(error.value)
    name = "" if isinstance(error.value, AssertionError) else f"{error.typename}: "
    inner = error.traceback[-1]
    visible = not inner.ishidden(error) and inner.path != shown.path
    where = f", in {inner.name}, line {inner.lineno + 1} of {Path(str(inner.path)).name}" if visible else ""
    return [*lines, f"    {name}{first}{where}", *[f"    {line}" for line in more]]


def first_lines(error: BaseException) -> list[str]:
    """The beginning of what an error says."""
    lines = [line.strip()[:LONGEST_LINE] for line in str(error).splitlines() if line.strip()]
    if lines and lines[0].startswith("assert "):
        return lines[:1]
    return lines[:MOST_LINES] or ["without a word"]


def in_order(task: str) -> list[tuple[bool, int, str]]:
    """2.10 comes after 2.9, and words after numbers."""
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.findall(r"\d+|\D+", task)]


def earned(tests: list[Marked]) -> float:
    return round(sum(test.points for test in tests), 6)


def possible(tests: list[Marked]) -> float:
    return round(sum(test.of for test in tests if test.outcome != SKIPPED), 6)


def sums(tests: Mapping[str, Marked]) -> dict[str, float]:
    """What tests earn, and could."""
    return {"points": earned([*tests.values()]), "of": possible([*tests.values()])}


def written(value: float) -> str:
    """Points as they are written: without decimals that say nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
