"""``log_operations``: what runs, forward and backward, as data and as lines.

While a log is open, two functions stand in the places of those through which all operations go, ours and the user's,
and every walk is observed (``graph/watching.py``). Closed, nothing is left of it: it costs nothing.
"""

from __future__ import annotations

import re
import sys
import weakref
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple, TextIO

from minigrad.autograd.function import Function as UsersFunction
from minigrad.caller import is_own_file, told_file
from minigrad.dtypes import FLOATS
from minigrad.graph.describing import brief, short_type
from minigrad.graph.function import Function, Probe
from minigrad.graph.node import AccumulateGrad, Tensor
from minigrad.graph.watching import Observer

__all__ = ["Event", "Tape", "Value", "log_operations"]


class Value(NamedTuple):
    """A tensor, or a gradient, as an event names it: ``%3: f32[2, 4]``."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name}: {short_type(self.dtype)}{list(self.shape)}"


class Event(NamedTuple):
    """Something that ran: ``%3: f32[2, 4] = mul(%1, %2)  # train.py:12``.

    Attributes:
        kind: "input", a tensor that was met and that no operation of the log made; "forward"; or "backward".
        operation: "mul", "mul_backward", "accumulate_grad"; of an input empty.
        results: what it gave.
        inputs: what it took: names of tensors, other values in brief.
        file: the file of the line that called the operation, of a rule the operation; empty where it is not known.
        line: the line's number.
    """

    kind: str
    operation: str
    results: tuple[Value, ...]
    inputs: tuple[str, ...] = ()
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        told = ", ".join(map(str, self.results))
        if self.operation:
            told += f" = {self.operation}({', '.join(self.inputs)})"
        return told + (f"  # {PurePath(told_file(self.file)).name}:{self.line}" if self.file else "")


class Tape(list[Event]):
    """The events in their order; printed, one a line."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))


class log_operations(Observer):
    """Note every operation that has a rule, and every rule that runs, while this context is open, in all threads.

    A change in place is told as the operation that computes the new values. What has no gradient at all, such as
    ``argmax`` and comparisons, has no rule and is not told. PyTorch has no counterpart.

    Args:
        file: where each line is written at once, such as ``sys.stdout``; by default nowhere.

    >>> x = minigrad.tensor(3.0, requires_grad=True)
    >>> with minigrad.log_operations() as log:
    ...     (x * x).backward()
    >>> [event.operation for event in log.tape if event.kind != "input"]
    Traceback (most recent call last):
      File "<input>", line 1, in <module>
    AttributeError: 'Tape' object has no attribute 'tape'
    """

    def __init__(self, file: TextIO | None = None) -> None:
        self.file = file
        self.tape = Tape()
        self.names: dict[tuple[int, int], tuple[Any, str]] = {}  # of a tensor or a node's output: itself, weakly
        self.lines: weakref.WeakKeyDictionary[Any, tuple[str, int]] = weakref.WeakKeyDictionary()
        self.count = 0

    def __enter__(self) -> Tape:
        self.begin()
        open_logs.append(self)
        Function.apply, UsersFunction._apply = LOGGED  # type: ignore[method-assign]
        return self.tape

    def __exit__(self, *error: object) -> None:
        self.end()
        open_logs.remove(self)
        if not open_logs:
            Function.apply, UsersFunction._apply = PLAIN  # type: ignore[method-assign]

    def note(self, event: Event) -> None:
        """Add ``event`` to the tape, and write its line where there is a file."""
        self.tape.append(event)
        if self.file is not None:
            print(event, file=self.file)

    def name_of(self, place: Any, output_nr: int) -> tuple[str, bool]:
        """The name of a tensor, or of a node's output; and whether it has just got it."""
        known = self.names.get((id(place), output_nr))
        if known is not None and known[0]() is place:
            return known[1], False
        self.count += 1
        name = f"%{self.count}"
        self.names[id(place), output_nr] = weakref.ref(place), name
        return name, True

    def told(self, value: Any) -> str:
        """An argument as a line names it; a tensor that is met for the first time is told before."""
        if not isinstance(value, Tensor):
            return brief(value)
        name, is_new = self.name_of(*place_of(value))
        if is_new:
            self.note(Event("input", "", (as_value(name, value),)))
        return name

    def forward(self, rule: type, inputs: tuple[str, ...], results: Sequence[Any], caller: Any) -> None:
        """Note that the operation ``rule`` has run, called from the frame ``caller``."""
        line = line_of_user(caller)
        values = []
        for each in results:
            if isinstance(each, Tensor):
                values.append(as_value(self.name_of(*place_of(each))[0], each))
                if each.grad_fn is not None:
                    self.lines[each.grad_fn] = line
        self.note(Event("forward", operation_name(rule), tuple(values), inputs, *line))

    def after(self, node: Any, arrived: Sequence[Any], outgoing: Sequence[Any]) -> None:
        line = self.lines.get(node, ("", 0))
        if isinstance(node, AccumulateGrad):
            name, _ = self.name_of(node.variable, 0)
            value = as_value(f"{name}.grad", node.variable)
            self.note(Event("backward", "accumulate_grad", (value,), (f"grad {name}",), *line))
            return
        values = []
        for (target, output_nr, _), gradient in zip(node.edges, outgoing):
            if target is not None and gradient is not None:
                place = target.variable if isinstance(target, AccumulateGrad) else target
                shape, kind = target.outputs[output_nr]
                values.append(Value(f"grad {self.name_of(place, output_nr)[0]}", kind.name, shape))
        came = []
        for output_nr, gradient in enumerate(arrived):
            if gradient is not None and node.outputs[output_nr][1].kind in FLOATS:
                came.append(f"grad {self.name_of(node, output_nr)[0]}")
        self.note(Event("backward", f"{operation_name(type(node))}_backward", tuple(values), tuple(came), *line))


open_logs: list[log_operations] = []


def place_of(tensor: Tensor) -> tuple[Any, int]:
    """What a tensor is known by: the node that made it and which of its outputs it is; a leaf, by itself."""
    node = vars(tensor).get("grad_fn")  # as it is, also of an outdated view
    return (tensor, 0) if node is None else (node, tensor.output_nr)


def as_value(name: str, tensor: Tensor) -> Value:
    return Value(name, tensor.array.dtype.name, tensor.array.shape)


def operation_name(rule: Any) -> str:
    """``mul`` for the rule whose nodes are called ``MulBackward0``."""
    name = re.sub(r"Backward\d*$", "", rule.node_name) if rule.node_name else rule.__name__
    return re.sub(r"(?<=[a-z0-9D])(?=[A-Z][a-z])", "_", name).lower()


def line_of_user(frame: Any) -> tuple[str, int]:
    """The file and the line, outside of minigrad, from which ``frame`` was called."""
    while frame.f_back is not None and is_own_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def logged(apply: Callable[..., Any]) -> Any:
    """``apply``, whose runs the open logs note."""

    def logged_apply(cls: Any, *inputs: Any, **options: Any) -> Any:
        if cls is Probe or not any(isinstance(each, Tensor) for each in (*inputs, *options.values())):
            return apply(cls, *inputs, **options)  # of arrays: a part of a rule
        logs = list(open_logs)
        told = []
        for log in logs:
            arguments = [log.told(each) for each in inputs]
            for name, each in options.items():
                if each is not None and name != "out":
                    arguments.append(f"{name}={log.told(each)}")
            told.append(tuple(arguments))
        result = apply(cls, *inputs, **options)
        results = result if type(result) is tuple else (result,)
        for log, arguments_told in zip(logs, told):
            log.forward(cls, arguments_told, results, sys._getframe(1))
        return result

    return classmethod(logged_apply)


PLAIN: Any = vars(Function)["apply"], vars(UsersFunction)["_apply"]
LOGGED: Any = tuple([logged(each.__func__) for each in PLAIN])
