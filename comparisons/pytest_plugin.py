"""The plugin of pytest for courses: points and tasks, hidden tests, hints, and the fixture ``both``.

pytest loads this file wherever minigrad is installed. So it imports nothing but pytest, and does nothing to a run that
asks for nothing: what it can do is in ``coursework/marked.py`` and ``both.py``, imported when it is asked for. An
option whose name another plugin or a conftest file has taken is theirs.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["UNDER_TEST", "both", "engine_under_test"]

MARKS = (
    'points(n, *, hint=""): what a test earns; each of its parameter sets earns its equal part',
    'task(id, concept="", *, hint=""): the task that a test is of, such as "2.2"',
    "hidden: with --hide nothing but the test's name and its task are shown",
)
OPTIONS: dict[str, dict[str, Any]] = {
    "--points": {"action": "store_true", "help": "show the points, task by task"},
    "--points-json": {"metavar": "FILE", "help": "write the points to this file too (--points-json=FILE)"},
    "--hints": {"action": "count", "help": "of what fails show the line and a hint, no traceback; twice: two hints"},
    "--hide": {"action": "store_true", "help": "of tests marked hidden show the name and the task alone"},
    "--engine-under-test": {"metavar": "ENGINE", "help": "a module's name or a path, for the fixture both: minigrad"},
}


class UnderTest:
    """Stands for the engine under test, whose name is known when the command line is."""


UNDER_TEST = UnderTest()


def pytest_addoption(pluginmanager: Any) -> None:
    """Leave our packages as they are: pytest would rewrite the assert statements of all that comes with a plugin, which
    takes it a second where it may not keep the result."""
    hook = pluginmanager.rewrite_hook
    marked: set[str] = getattr(hook, "_must_rewrite", set())  # it has no public name; without it they are rewritten
    marked -= {"minigrad", "comparisons", "torch_impl"}
    hook.mark_rewrite()  # what was found out before is forgotten


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, Any, Any]:
    """Add the options after everybody else's, so that no name is taken from anybody."""
    result = yield
    group = parser.getgroup("coursework", "tests of a course (minigrad)")
    for name, settings in OPTIONS.items():
        if is_free(parser, name):
            group.addoption(name, dest=destination(name), **settings)
    return result


def is_free(parser: pytest.Parser, name: str) -> bool:
    """Whether nobody has an option of this name."""
    try:
        return name in parser.parse_known_and_unknown_args([name])[1]
    except pytest.UsageError:  # it is somebody's, and wants a value
        return False


def destination(name: str) -> str:
    """Where the value of an option is kept: nobody else keeps one there."""
    return f"minigrad_{name.strip('-').replace('-', '_')}"


def chosen(config: pytest.Config, name: str) -> Any:
    """The value of an option; None where it was not given or is not ours."""
    return config.getoption(destination(name), None)


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks. Whoever asks for no more gets no more."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    points, file, hints, hide = (chosen(config, name) for name in list(OPTIONS)[:4])
    if points or file or hints or hide:
        from comparisons.coursework.marked import MarkedTests

        marked = MarkedTests(config, points=bool(points), file=file, hints=hints or 0, hide=bool(hide))
        config.pluginmanager.register(marked, "minigrad-marked-tests")


def engine_under_test(config: pytest.Config) -> str:
    """The engine that ``both`` gives first."""
    return chosen(config, "--engine-under-test") or "minigrad"


def pytest_make_parametrize_id(config: pytest.Config, val: object) -> str | None:
    """The name of the engine under test, in the name of a test."""
    if val is not UNDER_TEST:
        return None
    name = engine_under_test(config)
    is_path = name.endswith(".py") or "/" in name or os.sep in name
    return Path(name).stem if is_path else name


@pytest.fixture(params=[UNDER_TEST, "torch"])
def both(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Each engine in turn, minigrad (or ``--engine-under-test``) and PyTorch, from one seed.

    ``both.tensor``, ``both.nn`` and all else is the engine's. ``both.check("x.grad", x.grad)`` asserts that the engine
    under test has the value that PyTorch has.
    """
    from comparisons.both import begun

    under_test = engine_under_test(request.config) if request.param is UNDER_TEST else None
    with begun(under_test, request.node) as engine:
        yield engine
