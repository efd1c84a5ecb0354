"""Sizes while a trace is under way: numbers that know where they come from, so that they are no constants of it.

Meanwhile ``Tensor.shape``, ``size`` and ``numel`` are others, which ask whether their thread is tracing. The plain ones
know nothing of it.
"""

from __future__ import annotations

import operator
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minigrad import Size, Tensor
from minigrad.caller import is_own_file, warn_user
from minigrad.jit.graph import Value
from minigrad.jit.plain import ON_NUMBERS
from minigrad.locking import Lock

if TYPE_CHECKING:
    from minigrad.jit.recording import Recording

__all__ = ["Traced", "TracerWarning", "begin", "current", "end", "warn_of"]

PLAIN = {"shape": Tensor.shape, "size": Tensor.size, "numel": Tensor.numel}
here = threading.local()
lock = Lock()
under_way = 0  # traces, in all threads


class TracerWarning(Warning):
    """What a trace cannot know may make it wrong for other inputs. Counterpart: ``torch.jit.TracerWarning``."""


def warn_of(what: str) -> None:
    """Warn that a tensor became a Python value."""
    warn_user(
        f"Converting a tensor to a Python {what} might cause the trace to be incorrect. We can't record the data flow "
        f"of Python values, so this value will be treated as a constant in the future. This means that the trace might "
        f"not generalize to other inputs!",
        TracerWarning,
    )


def begin(recording: Recording) -> None:
    """Let sizes be traced in this thread."""
    global under_way
    with lock:
        under_way += 1
        here.recording = recording
        Tensor.shape, Tensor.size, Tensor.numel = property(traced_shape), traced_size, traced_numel  # type: ignore


def end() -> None:
    """Let sizes be plain again, unless another thread traces."""
    global under_way
    with lock:
        here.recording = None
        under_way -= 1
        if not under_way:
            Tensor.shape, Tensor.size, Tensor.numel = PLAIN.values()  # type: ignore


def current() -> Recording | None:
    """The trace that is under way in this thread, unless an operation is running in it."""
    recording: Recording | None = getattr(here, "recording", None)
    return None if recording is None or recording.inside is not None else recording


def traced_shape(tensor: Tensor) -> Size:
    """``x.shape``."""
    recording = current()
    sizes: Size = PLAIN["shape"].fget(tensor)  # type: ignore[attr-defined]
    if recording is None or not recording.knows(tensor):
        return sizes
    traced = [Traced.of(size, recording.emit("size", [tensor, dim], "int")) for dim, size in enumerate(sizes)]
    return tuple.__new__(Size, traced)


def traced_size(tensor: Tensor, dim: int | None = None) -> Any:
    """``x.size()`` and ``x.size(dim)``."""
    return tensor.shape if dim is None else tensor.shape[dim]


def traced_numel(tensor: Tensor) -> Any:
    """``x.numel()``."""
    recording = current()
    if recording is None or not recording.knows(tensor):
        return tensor.array.size
    return Traced.of(tensor.array.size, recording.emit("numel", [tensor], "int"))


def arithmetic(name: str, swapped: bool = False) -> Callable[[Any, Any], Any]:
    """A method that computes with numbers, and notes it."""

    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented
        operands = (other, self) if swapped else (self, other)
        result = ON_NUMBERS[name](*[float(each) if isinstance(each, float) else int(each) for each in operands])
        recording = current()
        return result if recording is None else recording.number(name, operands, result)

    return method


def comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A method that compares numbers, and warns the user who does that the trace keeps the answer."""

    def method(self: Any, other: Any) -> Any:
        if current() is not None and not is_own_file(sys._getframe(1).f_code.co_filename):
            warn_of("boolean")
        return compare(plain(self), plain(other))

    return method


def plain(number: Any) -> Any:
    """A traced number as any other."""
    return (
        int(number) if isinstance(number, TracedInt) else float(number) if isinstance(number, TracedFloat) else number
    )


class Traced:
    """A number that knows its value in the graph: a size of a traced tensor, or what was computed from sizes."""

    value: Value

    __add__, __radd__ = arithmetic("add"), arithmetic("add", True)
    __sub__, __rsub__ = arithmetic("sub"), arithmetic("sub", True)
    __mul__, __rmul__ = arithmetic("mul"), arithmetic("mul", True)
    __truediv__, __rtruediv__ = arithmetic("div"), arithmetic("div", True)

    @staticmethod
    def of(number: Any, value: Value) -> Any:
        """``number``, of ``value``."""
        traced = (TracedFloat if isinstance(number, float) else TracedInt)(number)
        traced.value = value
        return traced


class TracedInt(Traced, int):
    """An integer."""

    __floordiv__, __rfloordiv__ = arithmetic("floor_divide"), arithmetic("floor_divide", True)
    __mod__, __rmod__ = arithmetic("remainder"), arithmetic("remainder", True)
    __lt__, __le__ = comparison(operator.lt), comparison(operator.le)
    __gt__, __ge__ = comparison(operator.gt), comparison(operator.ge)
    __eq__, __ne__ = comparison(operator.eq), comparison(operator.ne)
    __hash__ = int.__hash__


class TracedFloat(Traced, float):
    """A quotient."""
