"""``minigrad.compile``: nothing is compiled here, a function computes the same without."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minigrad.caller import warn_user

__all__ = ["compile", "disable", "is_compiling", "reset"]


class Told:
    """Whether it was said already that nothing is compiled."""

    once = False


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable[..., Any] | None = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """The function or module itself, or a decorator that gives it: it computes the same, no faster. It is said once.

    How PyTorch would compile it is told by the other arguments.

    Raises:
        RuntimeError: ``mode`` and ``options`` are both given.
    """
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if not Told.once and not disable:
        Told.once = True
        warn_user("minigrad compiles nothing: compile() returns what it is given, which computes the same")
    if model is None:
        return functools.partial(compile, disable=True)
    return model


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function itself, or a decorator that gives it."""
    return disable if fn is None else fn


def is_compiling() -> bool:
    """Always False."""
    return False


def reset() -> None:
    """Nothing: nothing was compiled."""
