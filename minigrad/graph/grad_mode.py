"""Whether operations are recorded: one switch a thread, and the three context managers that set it.

Python looks for Ctrl-C wherever a function begins: also where ``__exit__`` does, and then a ``with`` statement leaves
the mode as it was inside. So minigrad itself sets a mode by :func:`call_inside`, as a decorated function does. Read
next: ``function.py``, which asks the switch before it records an edge.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any

from minigrad.caller import warn_user

__all__ = ["call_inside", "enable_grad", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "no_grad"]
__all__ += ["set_grad_enabled"]


class _GradMode(threading.local):
    """The switch. Every thread starts with its own, turned on.

    ``enabled`` says whether operations are recorded. It is None inside ``inference_mode`` where recording was asked
    for: as in PyTorch, ``is_grad_enabled`` says True there, and nothing is recorded. ``inference`` is True inside
    ``inference_mode``. ``walk`` is the backward pass that is under way (``engine.py``), or None: meanwhile rules apply
    operations to plain arrays too. ``walked`` is True once there has been one.
    """

    enabled: bool | None = True
    inference = False
    walk: Any = None
    walked = False

    def __repr__(self) -> str:
        mode = "inference mode" if self.inference else "recording" if self.enabled else "not recording"
        walk = "no walk" if self.walk is None else repr(self.walk)
        return f"<grad mode of this thread: {mode}, {walk}>"


grad_mode = _GradMode()


def is_grad_enabled() -> bool:
    """True where operations of this thread are being recorded, or would be, but for :class:`inference_mode`."""
    return grad_mode.enabled is not False


def asked_for(mode: bool) -> bool | None:
    """What ``enabled`` is to be where recording is asked for, or is not."""
    return None if mode and grad_mode.inference else mode


class _Mode:
    """What the context managers below share: each is a decorator too, of functions and of generators.

    A decorated function runs inside a context of its own at each call. A decorated generator does so whenever it runs,
    and not while it waits.
    """

    mode = False  # whether operations are recorded inside

    def wanted(self) -> tuple[bool | None, bool]:
        """What the switch is to show inside: ``enabled`` and ``inference``."""
        return asked_for(self.mode), grad_mode.inference

    def __enter__(self) -> None:
        self.outside = grad_mode.enabled, grad_mode.inference
        grad_mode.enabled, grad_mode.inference = self.wanted()

    def __exit__(self, *error: object) -> None:
        grad_mode.enabled, grad_mode.inference = self.outside

    def __call__(self, function: Any) -> Any:
        if isinstance(function, type):
            warn_user(
                "Decorating classes is deprecated and will be disabled in future versions. You should only decorate "
                "functions or methods. To preserve the current behavior of class decoration, you can directly decorate "
                "the `__init__` method and nothing else.",
                FutureWarning,
            )
        is_generator = inspect.isgeneratorfunction(function)

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            if is_generator:
                return self._run_generator(function(*args, **kwargs))
            return call_inside(self, function, *args, **kwargs)

        return inside

    def _run_generator(self, generator: Any) -> Any:
        """Yield what ``generator`` yields, and pass on what is sent and thrown, with the mode on only while it runs."""
        resume, value = generator.send, None
        while True:
            try:
                given = call_inside(self, resume, value)
            except StopIteration as finished:
                return finished.value
            try:
                resume, value = generator.send, (yield given)
            except GeneratorExit:
                call_inside(self, generator.close)
                raise
            except BaseException as error:
                resume, value = generator.throw, error


def call_inside(mode: _Mode, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """``function(*args, **kwargs)`` inside ``mode``; whatever ends it, Ctrl-C too, the mode is as it was before."""
    outside = grad_mode.enabled, grad_mode.inference
    try:
        grad_mode.enabled, grad_mode.inference = mode.wanted()
        return function(*args, **kwargs)
    finally:
        grad_mode.enabled, grad_mode.inference = outside


class set_grad_enabled(_Mode):
    """Turn recording on or off: at once when called, and back again when used as a context manager or decorator.

    >>> x = minigrad.ones(2, requires_grad=True)
    >>> with minigrad.set_grad_enabled(False):
    ...     (x * 2).requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.mode = mode
        self.previous = is_grad_enabled()
        grad_mode.enabled = asked_for(mode)

    def __call__(self, function: Any) -> Any:
        grad_mode.enabled = asked_for(self.previous)  # used as a decorator: only calls of `function` switch
        return super().__call__(function)

    def __enter__(self) -> None:
        grad_mode.enabled = asked_for(self.mode)

    def __exit__(self, *error: object) -> None:
        grad_mode.enabled = asked_for(self.previous)


class no_grad(_Mode):
    """Record nothing inside: results do not require grad. A context manager and a decorator.

    >>> x = minigrad.ones(2, requires_grad=True)
    >>> with minigrad.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, function=None):  # type: ignore[no-untyped-def]
        manager = super().__new__(cls)
        return manager if function is None else manager(function)  # @no_grad without parentheses


class enable_grad(no_grad):
    """Record inside, also where ``no_grad`` surrounds it, but not inside :class:`inference_mode`. A context manager and
    a decorator.
    """

    mode = True


def is_inference_mode_enabled() -> bool:
    """True inside :class:`inference_mode`."""
    return grad_mode.inference


class inference_mode(no_grad):
    """Record nothing inside, and mark what is made as never to be recorded: no version is counted for it.

    A context manager and a decorator. With ``mode`` False, leave the surrounding inference mode. Nothing else inside
    turns recording on.

    >>> with minigrad.inference_mode():
    ...     y = minigrad.ones(2) * 2
    >>> y.is_inference()
    True
    """

    def __new__(cls, mode=True):  # type: ignore[no-untyped-def]
        if callable(mode):
            return cls()(mode)  # @inference_mode without parentheses
        return object.__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        self.inference = mode

    def wanted(self) -> tuple[bool | None, bool]:
        return not self.inference, self.inference
