"""Whether operations are recorded: one switch a thread, and the three context managers that set it.

Read next: ``function.py``, which asks the switch before it records an edge.
"""

from __future__ import annotations

import threading
from contextlib import ContextDecorator
from types import TracebackType

__all__ = [
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_grad_enabled",
]


class _GradMode(threading.local):
    """The switch. Every thread starts with its own, turned on.

    ``in_rule`` is True while the engine walks a graph: then operations may be applied to plain arrays too.
    ``inference`` is True inside ``inference_mode``.
    """

    enabled = True
    in_rule = False
    inference = False


grad_mode = _GradMode()


def is_grad_enabled() -> bool:
    """True where operations of this thread are being recorded."""
    return grad_mode.enabled


class set_grad_enabled(ContextDecorator):
    """Turn recording on or off: at once when called, and back again when used as a context manager."""

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled(): mode must be a bool, not {type(mode).__name__}")
        self.mode = mode
        self.previous = grad_mode.enabled
        grad_mode.enabled = mode

    def __call__(self, function):  # type: ignore[no-untyped-def,override]
        grad_mode.enabled = self.previous  # used as a decorator: only calls of `function` switch
        return super().__call__(function)

    def _recreate_cm(self):  # type: ignore[no-untyped-def]
        return type(self)(self.mode)  # one object a call, so that a recursive function nests

    def __enter__(self) -> None:
        grad_mode.enabled = self.mode

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        grad_mode.enabled = self.previous


class no_grad(ContextDecorator):
    """Record nothing inside: results do not require grad. A context manager and a decorator."""

    mode = False

    def __enter__(self) -> None:
        self.previous = grad_mode.enabled
        grad_mode.enabled = self.mode

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        grad_mode.enabled = self.previous

    def _recreate_cm(self):  # type: ignore[no-untyped-def]
        return type(self)()

    def __new__(cls, function=None):  # type: ignore[no-untyped-def]
        manager = super().__new__(cls)
        return manager if function is None else manager(function)  # @no_grad without parentheses


class enable_grad(no_grad):
    """Record inside, also where ``no_grad`` surrounds it. A context manager and a decorator."""

    mode = True


def is_inference_mode_enabled() -> bool:
    """True inside :class:`inference_mode`."""
    return grad_mode.inference


class inference_mode(no_grad):
    """Record nothing inside, and mark what is made as never to be recorded: no version is counted for it.

    A context manager and a decorator. With ``mode`` False, leave the surrounding inference mode.
    """

    def __new__(cls, mode=True):  # type: ignore[no-untyped-def]
        if callable(mode):
            return cls()(mode)  # @inference_mode without parentheses
        return object.__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        self.inference = mode

    def __enter__(self) -> None:
        self.outside = grad_mode.enabled, grad_mode.inference
        grad_mode.enabled, grad_mode.inference = not self.inference, self.inference

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        grad_mode.enabled, grad_mode.inference = self.outside

    def _recreate_cm(self):  # type: ignore[no-untyped-def]
        return type(self)(self.inference)
