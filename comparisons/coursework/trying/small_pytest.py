"""The few words of pytest that a student's tests may use; in the sandbox this is what ``import pytest`` imports."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

__all__ = ["MOST_TESTS", "approx", "fail", "mark", "raises"]

MOST_TESTS = 30  # in a file, each set of values of parametrize counted


def fail(reason: str = "") -> NoReturn:
    """Fail the test."""
    raise AssertionError(reason)


class raises:  # as pytest names it
    """A block that must raise an exception of a type, whose text is found by ``match``."""

    def __init__(self, expected: type[BaseException] | tuple[type[BaseException], ...], match: str = "") -> None:
        self.expected, self.match = expected, match
        self.value: BaseException | None = None

    def __enter__(self) -> raises:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if error is None:
            raise AssertionError(f"nothing was raised, and {self.expected} was expected")
        self.value = error
        if not isinstance(error, self.expected):
            return False
        if not re.search(self.match, str(error)):
            raise AssertionError(f"{self.match!r} is not in {str(error)!r}")
        return True


class approx:  # as pytest names it
    """What equals a number, or numbers one by one, nearly."""

    def __init__(self, expected: Any, rel: float = 1e-6, abs: float = 1e-12) -> None:
        self.expected, self.rel, self.abs = plain(expected), rel, abs

    def __eq__(self, other: object) -> bool:
        return self.near(self.expected, plain(other))

    def __repr__(self) -> str:
        return f"nearly {self.expected}"

    def near(self, expected: Any, got: Any) -> bool:
        """Whether two numbers or lists of them are nearly equal."""
        if isinstance(expected, list):
            return (
                isinstance(got, list)
                and len(got) == len(expected)
                and all(self.near(one, other) for one, other in zip(expected, got))
            )
        return math.isclose(expected, got, rel_tol=self.rel, abs_tol=self.abs)


def plain(values: Any) -> Any:
    """Numbers as lists, whatever held them."""
    if hasattr(values, "tolist"):
        return values.tolist()
    return [plain(each) for each in values] if isinstance(values, (list, tuple)) else values


class Marks:
    """``pytest.mark``: parametrize is heeded, other marks are not."""

    def parametrize(self, names: str | Sequence[str], values: Sequence[Any], **_: object) -> Callable[[Any], Any]:
        """Call the test once for each of the values."""
        words = names.replace(",", " ").split() if isinstance(names, str) else list(names)

        def marked(test: Any) -> Any:
            given = [dict(zip(words, each if len(words) > 1 else (each,))) for each in values]
            test.given = [{**one, **other} for other in getattr(test, "given", [{}]) for one in given]
            return test

        return marked

    def __getattr__(self, name: str) -> Any:
        return lambda *words, **named: words[0] if words and callable(words[0]) else lambda test: test


mark = Marks()
