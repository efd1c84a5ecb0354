"""Whether operations are recorded: one switch a thread, and the three context managers that set it.

Read next: ``function.py``, which asks the switch before it records an edge.
"""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from types import TracebackType
from typing import Any

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "no_grad"]
__all__ += ["set_grad_enabled"]


class _GradMode(threading.local):
    """The switch. Every thread starts with its own, turned on.

    ``inference`` is True inside ``inference_mode``. ``walk`` is the backward pass that is under way (``engine.py``), or
    None: meanwhile rules apply operations to plain arrays too. ``walked`` is True once there has been one.
    """

    enabled = True
    inference = False
    walk: Any = None
    walked = False


grad_mode = _GradMode()


def is_grad_enabled() -> bool:
    """True where operations of this thread are being recorded."""
    return grad_mode.enabled


class _Mode:
    """What the context managers below share: each is a decorator too, of functions and of generators.

    A decorated function runs inside a context of its own at each call. A decorated generator does so whenever it runs,
    and not while it waits.
    """

    def _again(self) -> _Mode:
        """A new one with the same arguments, so that a recursive function nests."""
        return type(self)()

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        raise NotImplementedError

    def __call__(self, function: Any) -> Any:
        if isinstance(function, type):
            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should only decorate "
                "functions or methods. To preserve the current behavior of class decoration, you can directly decorate "
                "the `__init__` method and nothing else.",
                FutureWarning,
                stacklevel=2,
            )
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def inside(*args: Any, **kwargs: Any) -> Any:
                return self._run_generator(function(*args, **kwargs))

        else:

            @functools.wraps(function)
            def inside(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    return function(*args, **kwargs)

        return inside

    def _run_generator(self, generator: Any) -> Any:
        """Yield what ``generator`` yields, and pass on what is sent and thrown, with the mode on only while it runs."""
        resume, value = generator.send, None
        while True:
            try:
                with self._again():
                    given = resume(value)
            except StopIteration as finished:
                return finished.value
            try:
                resume, value = generator.send, (yield given)
            except GeneratorExit:
                with self._again():
                    generator.close()
                raise
            except BaseException as error:
                resume, value = generator.throw, error


class set_grad_enabled(_Mode):
    """Turn recording on or off: at once when called, and back again when used as a context manager or decorator."""

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.mode = mode
        self.previous = grad_mode.enabled
        grad_mode.enabled = mode

    def __call__(self, function: Any) -> Any:
        grad_mode.enabled = self.previous  # used as a decorator: only calls of `function` switch
        return super().__call__(function)

    def _again(self) -> set_grad_enabled:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        grad_mode.enabled = self.mode

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        grad_mode.enabled = self.previous


class no_grad(_Mode):
    """Record nothing inside: results do not require grad. A context manager and a decorator."""

    mode = False

    def __enter__(self) -> None:
        self.previous = grad_mode.enabled
        grad_mode.enabled = self.mode

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        grad_mode.enabled = self.previous

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

    def _again(self) -> inference_mode:
        manager: inference_mode = type(self)(self.inference)
        return manager
