"""What a program computes, noted while it runs, on either engine alike: each loss, the parameters after each step of an
optimizer, the numbers that it prints, and the tensors that are left at its end.

An event is a line of JSON and arrays after it, which ``running.py`` reads from the other end of a pipe.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
import timeit
from collections.abc import Callable, Iterator, Mapping
from types import FrameType, ModuleType
from typing import Any, BinaryIO

import numpy as np

from comparisons.comparing import array_of, dtype_name
from comparisons.harness import is_tensor

__all__ = ["Recorder"]

# A number as one prints it: no part of a word, a version or an address.
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:nan|inf|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\w|\.\w)")
# A node as one prints it: PyTorch's tells its address, minigrad's what it computes.
NODE = re.compile(r"<[\w.]+ (?:object at 0x|of shape \[)[^>]*>")
CHUNK = 1000  # printed numbers in an event
CLOCKS = ("time", "perf_counter", "process_time", "monotonic")
TICK = 0.001  # seconds


class Recorder:
    """Notes what a program does.

    Args:
        engine: PyTorch or minigrad, whose classes tell from here on what is done with them.
        events: where to.
        folder: what lies in it is the program's.
        steps: how many steps of an optimizer may be made; 0 for any number. A program without one makes a step by each
            ``backward()``.
    """

    def __init__(self, engine: ModuleType, events: BinaryIO, folder: str, steps: int) -> None:
        self.engine, self.events, self.folder, self.most_steps = engine, events, folder, steps
        self.steps = self.optimizers = 0
        self.names: dict[int, str] = {}
        self.printed: list[tuple[str, str]] = []
        self.clock = 0.0
        self.namespace: dict[str, Any] = {}
        self.process = os.getpid()

    # ------------------------------------------------------------------------------- what is watched

    def begin(self) -> None:
        """Let the engine's classes and the standard output tell what is done with them."""
        backward, begun = self.engine.Tensor.backward, self.engine.optim.Optimizer.__init__

        def noted_backward(tensor: Any, *args: Any, **named: Any) -> None:
            self.tell("loss", [tensor], names=["the value"])
            backward(tensor, *args, **named)
            if not self.optimizers:
                self.count()

        def noted_optimizer(optimizer: Any, *args: Any, **named: Any) -> None:
            begun(optimizer, *args, **named)
            self.optimizers += 1
            optimizer.register_step_post_hook(self.note_step)

        self.engine.Tensor.backward = noted_backward
        self.engine.optim.Optimizer.__init__ = noted_optimizer
        for name in CLOCKS:
            setattr(time, name, self.ticking(getattr(time, name)))
        timeit.default_timer = time.perf_counter
        sys.stdout = Printed(self)

    def note_step(self, optimizer: Any, args: Any, named: Any) -> None:
        """A hook of an optimizer: its parameters are as the step left them."""
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        if any(id(each) not in self.names for each in parameters):
            self.names.update(names_of(sys._getframe(1)))
        names = [self.names.get(id(each), f"parameter {number}") for number, each in enumerate(parameters)]
        gradients = [0.0 if each.grad is None else float(each.grad.detach().norm()) for each in parameters]
        self.tell("step", parameters, names=names, gradients=gradients)
        self.count()

    def count(self) -> None:
        """A step was made; after the last one the process ends here."""
        self.steps += 1
        if self.steps == self.most_steps:
            self.end()
            os._exit(0)

    def ticking(self, clock: Callable[[], float]) -> Callable[[], float]:
        """A clock that tells the program how often it looked: so it prints the same on both engines."""

        def look() -> float:
            if not self.is_own(sys._getframe(1)):
                return clock()
            self.clock += TICK
            return self.clock

        return look

    # ------------------------------------------------------------------------------- what is told

    def note_line(self, line: str) -> None:
        """A line was printed."""
        place = self.place()
        self.printed += [(each, place) for each in NUMBER.findall(NODE.sub("", line))]
        while len(self.printed) >= CHUNK:
            self.tell_printed(CHUNK)

    def tell_printed(self, most: int) -> None:
        """Tell the first of the numbers that were printed."""
        numbers, self.printed = self.printed[:most], self.printed[most:]
        self.send("printed", [], numbers=[each for each, _ in numbers], places=[each for _, each in numbers])

    def tell(self, kind: str, tensors: list[Any], **what: Any) -> None:
        """Tell an event, after what was printed before it."""
        if self.printed:
            self.tell_printed(CHUNK)
        self.send(kind, tensors, place=self.place(), **what)

    def send(self, kind: str, tensors: list[Any], **what: Any) -> None:
        """Write an event. Processes of the program's own, such as those that load its data, tell nothing."""
        if os.getpid() != self.process:
            return
        arrays = [values(each) for each in tensors]
        told = {"kind": kind, "dtypes": [dtype_name(each) for each in tensors], **what}
        told["arrays"] = [(each.dtype.str, each.shape) for each in arrays]
        self.events.write(json.dumps(told).encode() + b"\n")
        for each in arrays:
            self.events.write(each.tobytes())
        self.events.flush()

    def end(self) -> None:
        """Tell the tensors that are left under the program's names."""
        left = dict(sorted(tensors_under(self.namespace)))
        self.tell("end", list(left.values()), names=list(left))

    def fail(self, error: BaseException) -> None:
        """Tell what the program ended with."""
        place, step = "", error.__traceback__
        while step is not None:
            if self.is_own(step.tb_frame):
                place = f"{self.name_of(step.tb_frame)}:{step.tb_lineno}"
            step = step.tb_next
        self.tell("error", [], type=type(error).__name__, message=" ".join(str(error).split())[:500], at=place)

    # ------------------------------------------------------------------------------- where it is done

    def is_own(self, frame: FrameType) -> bool:
        """Whether a line of the program's runs in a frame."""
        return frame.f_code.co_filename.startswith(self.folder)

    def name_of(self, frame: FrameType) -> str:
        """The program's file, as its author knows it."""
        return frame.f_code.co_filename.removeprefix(self.folder).lstrip(os.sep)

    def place(self) -> str:
        """The line of the program's that runs."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not self.is_own(frame):
            frame = frame.f_back
        return "" if frame is None else f"{self.name_of(frame)}:{frame.f_lineno}"


class Printed(io.StringIO):
    """The standard output: it tells each line when it is whole."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder, self.line = recorder, ""

    def write(self, text: str) -> int:
        *lines, self.line = (self.line + text).split("\n")
        for line in lines:
            self.recorder.note_line(line)
            print(line, file=sys.__stderr__)
        return len(text)


def values(tensor: Any) -> np.ndarray:
    """The values of a tensor; NumPy has no bfloat16, whose numbers are float32's too."""
    return array_of(tensor.detach().float() if dtype_name(tensor) == "bfloat16" else tensor)


def tensors_under(names: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The tensors that names lead to: themselves, and what modules hold."""
    for name, value in names.items():
        if name.startswith("_") or isinstance(value, (type, ModuleType)):
            continue
        if is_tensor(value):
            yield name, value
        elif hasattr(value, "named_parameters") and hasattr(value, "state_dict"):
            state = value.state_dict()
            yield from ((f"{name}.{key}", each) for key, each in state.items() if is_tensor(each))


def names_of(frame: FrameType | None) -> dict[int, str]:
    """The names of parameters, by their identities, of the modules and tensors that running functions know."""
    found: dict[int, str] = {}
    while frame is not None:
        for name, value in frame.f_locals.items():
            if hasattr(value, "named_parameters") and not isinstance(value, type):
                found.update((id(each), f"{name}.{key}") for key, each in value.named_parameters())
            elif is_tensor(value):
                found.setdefault(id(value), name)
        frame = frame.f_back
    return found
