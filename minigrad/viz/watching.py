"""``watch``: while it is on, each node is told the user's line, the module, and the inputs that need no gradient.

The graph itself knows none of this, so that recording costs nothing. Inside ``with watch():`` the last step of
recording a node, ``Function.take_place``, and the call of a module are replaced; PyTorch's are watched by its own
``TorchFunctionMode``, if PyTorch was imported. What is found is kept at the node.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.node import AccumulateGrad, Node, Tensor
from minigrad.locking import Lock
from minigrad.nn.module import Module
from minigrad.viz.summary import Summary, summary_of

__all__ = ["Constant", "Made", "key_of", "made_of", "watch"]

OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
NAME = re.compile(r"[^\W\d]\w*")  # in a line of a program
NOTE = "minigrad.made"  # in the metadata of PyTorch's nodes


@dataclass(frozen=True)
class Constant:
    """An input that needs no gradient: a tensor, or a number. ``key`` tells whether two are the same tensor; a number
    has none, and a tensor that nobody saved no value. ``kept`` is one of PyTorch's: nobody else then has its memory,
    or its number where it has no memory.
    """

    key: Any
    value: Summary | None
    kept: Any = None


@dataclass
class Made:
    """How forward made a node.

    Attributes:
        file, line: of the user's program.
        modules: path and class of the modules that were running, the outermost first.
        constants: for each position of an input that needs no gradient what it was; None: nothing was given there.
        names: for each position of a leaf or a constant what the program calls it: a parameter's name in its model, or
            the variable in the line.
        result: what came of it, of several the first.
    """

    file: str
    line: int
    modules: tuple[tuple[str, str], ...]
    constants: dict[int, Constant | None] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    result: Summary | None = None


def made_of(node: Any) -> Made | None:
    """What was noted at a node of either engine."""
    if isinstance(node, Node):
        return node.made  # type: ignore[no-any-return]
    return node.metadata.get(NOTE)  # type: ignore[no-any-return]


def key_of(tensor: Any) -> Any:
    """What two tensors with the same memory and shape have in common."""
    if isinstance(tensor, Tensor):
        array = tensor.array
        return id(tensor._version_counter), array.ctypes.data, array.shape, array.strides
    try:
        place = tensor.data_ptr()
    except RuntimeError:  # a sparse tensor
        place = 0
    return (place, tuple(tensor.shape), tensor.stride(), tensor._version) if place else id(tensor)


class watch:
    """Inside ``with watch():`` this thread's nodes are noted: lines, modules, inputs that need no gradient.

    PyTorch has no counterpart.
    """

    lock = Lock()
    running: tuple[watch, ...] = ()

    def __init__(self) -> None:
        self.modules: list[Any] = []
        self.paths: dict[int, str] = {}
        self.parameters: dict[int, str] = {}
        self.roots: list[Any] = []  # the modules that were called outside of any other
        self.torch_mode: Any = None

    def __enter__(self) -> watch:
        self.thread = threading.get_ident()
        with watch.lock:
            if not watch.running:
                Function.take_place = watched_place  # type: ignore[assignment, method-assign]
                Module.__call__ = watched_call  # type: ignore[assignment, method-assign]
            watch.running = (*watch.running, self)
        torch = sys.modules.get("torch")
        if torch is not None:
            self.torch_mode = torch_mode(torch, self)
            self.torch_mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        if self.torch_mode is not None:
            self.torch_mode.__exit__(*error)
        with watch.lock:
            watch.running = tuple([each for each in watch.running if each is not self])
            if not watch.running:
                Function.take_place = take_place  # type: ignore[method-assign]
                Module.__call__ = call_module  # type: ignore[method-assign]

    def made(self, frame: FrameType | None) -> Made:
        """How a node is made now, by the user's ``frame``."""
        modules = tuple([(self.paths.get(id(each), ""), type(each).__name__) for each in self.modules])
        if frame is None:
            return Made("", 0, modules)
        return Made(frame.f_code.co_filename, frame.f_lineno, modules)

    def name_of(self, tensor: Any, frame: FrameType | None) -> str:
        """What the program calls a tensor; nothing where that is not known."""
        parameter = self.parameters.get(id(tensor))
        if parameter is not None or frame is None or not hasattr(tensor, "requires_grad"):
            return parameter or ""
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        for name in NAME.findall(line):
            if frame.f_locals.get(name, frame.f_globals.get(name)) is tensor:
                return str(name)
        return ""

    def call(self, module: Any, run: Callable[[], Any]) -> Any:
        """Call a module while it stands on top of the stack."""
        if not self.modules:
            self.enter_root(module)
        self.modules.append(module)
        try:
            return run()
        finally:
            self.modules.pop()

    def enter_root(self, module: Any) -> None:
        """Note the paths of all modules below ``module``. Those below a second model begin with what tells it apart."""
        if not any(each is module for each in self.roots):
            self.roots.append(module)
        number = next(number for number, each in enumerate(self.roots, 1) if each is module)
        prefix = "" if number == 1 else f"{type(module).__name__}({number})"
        self.paths = {id(each): path for path, each in module.named_modules(prefix=prefix)}
        self.parameters |= {id(each): name for name, each in module.named_parameters(prefix=prefix)}


def program_frame() -> FrameType | None:
    """The innermost frame that runs the user's program."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def is_library(file: str) -> bool:
    """True for code of the engines, and for code that is in no file; what is typed into IPython is the user's."""
    if file.startswith((OURS, "<")):
        return not file.startswith("<ipython-input-")
    torch = sys.modules.get("torch")
    return torch is not None and file.startswith(os.path.dirname(os.path.abspath(torch.__file__ or "")) + os.sep)


def watching_here() -> watch | None:
    """The watch of this thread, the innermost."""
    here = threading.get_ident()
    return next((each for each in reversed(watch.running) if each.thread == here), None)


take_place = Function.take_place
call_module = Module.__call__


def watched_place(node: Any, inputs: Any, results: Any) -> None:
    """:meth:`Function.take_place`, and the note."""
    take_place(node, inputs, results)
    watcher = watching_here()
    if watcher is None:
        return
    frame = program_frame()
    made = watcher.made(frame)
    for position, (value, (maker, _, _)) in enumerate(zip(inputs, node.edges)):
        if maker is None:
            made.constants[position] = constant(value)
        if maker is None or isinstance(maker, AccumulateGrad):
            made.names[position] = watcher.name_of(value, frame)
    made.result = summary_of(results[0])
    node.made = made


def watched_call(module: Any, *inputs: Any, **options: Any) -> Any:
    """:meth:`Module.__call__`, on the stack of modules."""
    watcher = watching_here()
    if watcher is None:
        return call_module(module, *inputs, **options)
    return watcher.call(module, lambda: call_module(module, *inputs, **options))


def constant(value: Any) -> Constant | None:
    """An input that needs no gradient, as it is now; None where nothing was given."""
    if value is None:
        return None
    if isinstance(value, Tensor):  # the node's edge keeps its counter
        return Constant(key_of(value), summary_of(value))
    if hasattr(value, "requires_grad"):
        key = key_of(value)
        return Constant(key, summary_of(value), value if key == id(value) else value.detach())
    if isinstance(value, (np.ndarray, np.generic, bool, int, float)):
        return Constant(None, summary_of(np.asarray(value)))
    return Constant(None, None)


# ------------------------------------------------------------------------------------------- PyTorch's


def torch_mode(torch: Any, watcher: watch) -> Any:
    """PyTorch's own context in which it shows each call of a function; and of a module, by its hooks."""

    class Watching(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
        def __enter__(self) -> Any:
            self.call_module = outer = torch.nn.Module.__call__

            def watched(module: Any, *inputs: Any, **options: Any) -> Any:
                if threading.get_ident() != watcher.thread:
                    return outer(module, *inputs, **options)
                return watcher.call(module, lambda: outer(module, *inputs, **options))

            torch.nn.Module.__call__ = watched
            return super().__enter__()

        def __exit__(self, *error: Any) -> Any:
            torch.nn.Module.__call__ = self.call_module
            return super().__exit__(*error)

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if not torch.is_grad_enabled():  # nothing is recorded
                return func(*args, **(kwargs or {}))
            inputs = flattened([*args, *(kwargs or {}).values()])
            before = {each.grad_fn for each in inputs if isinstance(each, torch.Tensor)}  # a change in place takes it
            result = func(*args, **(kwargs or {}))
            note_torch(torch, watcher, inputs, before, result)
            return result

    return Watching()


def flattened(inputs: list[Any]) -> list[Any]:
    """Inputs, and those in lists."""
    return [part for each in inputs for part in (each if isinstance(each, (tuple, list)) else [each])]


def note_torch(torch: Any, watcher: watch, inputs: list[Any], before: set[Any], result: Any) -> None:
    """Note how the nodes were made that a function of PyTorch's made of ``inputs``, whose nodes were ``before``."""
    results = result if isinstance(result, (tuple, list)) else [result]
    tensors = {each.grad_fn: each for each in results if isinstance(each, torch.Tensor) and each.grad_fn is not None}
    waiting = list(tensors)
    fresh: list[Any] = []
    frame = program_frame()
    while waiting:
        node = waiting.pop()
        is_leaf = node is None or node in before or node.name().endswith("AccumulateGrad")
        if is_leaf or NOTE in node.metadata or node in fresh:
            continue
        node.metadata[NOTE] = made = watcher.made(frame)
        for place, (maker, _) in enumerate(node.next_functions):
            if hasattr(maker, "variable"):
                made.names[place] = watcher.name_of(maker.variable, frame)
        if node in tensors:
            made.result = summary_of(tensors[node])
        fresh.append(node)
        waiting.extend([each for each, _ in node.next_functions])
    free = [each for each in inputs if not (isinstance(each, torch.Tensor) and each.requires_grad)]
    for made, place, value in constants_of(torch, fresh, free):
        made.constants[place] = constant(value)
        made.names[place] = watcher.name_of(value, frame)


def constants_of(torch: Any, nodes: list[Any], candidates: list[Any]) -> list[tuple[Made, int, Any]]:
    """Of the inputs that need no gradient, which stands where: what was noted at the node, the place, the input.
    PyTorch keeps only their places, so it is said where their order leaves no doubt."""
    found = []
    tensors = [each for each in candidates if isinstance(each, torch.Tensor)]
    operands = [each for each in candidates if isinstance(each, torch.Tensor) or type(each) in (int, float)]
    for node in nodes:
        places = [place for place, (maker, _) in enumerate(node.next_functions) if maker is None]
        chosen: list[Any] = operands
        if len(node.next_functions) > 2:  # weight and bias may be left out
            chosen = [each for each in tensors if each.is_floating_point()]
            chosen += [None] * (len(places) - len(chosen))
        if len(chosen) > len(places):  # indices and conditions are no inputs that could have a gradient
            chosen = [each for each in chosen if not isinstance(each, torch.Tensor) or each.is_floating_point()]
        if len(chosen) == len(places):
            found += [(node.metadata[NOTE], place, value) for place, value in zip(places, chosen)]
    return found
