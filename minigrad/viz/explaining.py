"""``explain``: the page of one's own program's backward, with another engine's gradients beside them if wanted."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from minigrad.graph.node import Tensor
from minigrad.saving.files import replacing
from minigrad.viz.following import traced
from minigrad.viz.parts import TraceArrived, TraceBeside, engine_name
from minigrad.viz.recording import recorded
from minigrad.viz.summary import array_of, summary_of
from minigrad.viz.trace import Trace, first_difference
from minigrad.viz.tracing import Params, looks_like_tensor, require_tensor
from minigrad.viz.watching import watch

__all__ = ["SUFFIXES", "called", "explain"]

SUFFIXES = (".html", ".htm")
RELATIVE = {"float64": 1e-9, "float32": 1e-4, "float16": 5e-2}  # of the largest element; for networks, as in tolerances


def explain(
    loss: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    against: Any = None,
    gradient: Any = None,
    params: Params | None = None,
    names: Mapping[str, Any] | None = None,
    retain_graph: bool | None = None,
) -> Trace:
    """Run ``loss.backward()`` and write the page on which it can be stepped through; a notebook shows it by itself.

    Args:
        loss: a tensor of either engine; or a function without arguments that computes and returns one. It is called
            under ``viz.watch()``, so that lines, modules and constants are known, and names the function's variables.
        path: the page's file, ``.html``; by default none is written.
        against: the same of the other engine: its gradients stand beside, and the first that differs is marked.
        gradient: as ``loss.backward(gradient)`` takes it, if loss is no scalar.
        params, names: as in ``viz.record``; of a function its variables are known, too.
        retain_graph: as in ``backward``.

    Returns:
        the trace, as ``viz.record`` gives it.

    Raises:
        TypeError: no tensor.
        ValueError: ``path`` does not end in .html.
        OSError: the file cannot be written. This and what is above is told before anything is run.
        RuntimeError: as ``loss.backward()`` raises it; no file is written then.

    PyTorch has no counterpart.

    >>> x = minigrad.tensor(3.0, requires_grad=True)
    >>> trace = minigrad.explain(lambda: x * x, "steps.html")
    >>> [step.node for step in trace.steps]
    ['n1', 'n2']
    """
    if path is not None and Path(path).suffix.lower() not in SUFFIXES:
        raise ValueError(f"the page's name must end in .html, got {os.fspath(path)!r}")
    with nullcontext() if path is None else replacing(path) as file:
        for name, value in (("loss", loss), ("against", against)):
            if not callable(value) and not (name == "against" and value is None):
                require_tensor(value, name)
        arrived: dict[str, list[Any]] = {}
        trace = run(loss, "loss", gradient, params, names, retain_graph, None if against is None else arrived)
        if against is not None:
            other: dict[str, list[Any]] = {}
            second = run(against, "against", gradient, None, None, retain_graph, other)
            trace = replace(trace, beside=compared(trace, second, arrived, other))
        if file is not None:
            file.write(trace.html().encode(errors="replace"))
    return trace


def run(
    program: Any,
    name: str,
    gradient: Any,
    params: Params | None,
    names: Mapping[str, Any] | None,
    retain_graph: bool | None,
    arrived: dict[str, list[Any]] | None,
) -> Trace:
    """The trace of a tensor, or of a function that gives one; and what arrives at each node, if it is to be kept."""
    if callable(program):
        with watch():
            program, variables = called(program)
        require_tensor(program, f"what {name} returns")
        names = variables if names is None else names
    other = looks_like_tensor(gradient) and isinstance(gradient, Tensor) != isinstance(program, Tensor)
    if other or isinstance(gradient, np.ndarray):
        gradient = program.new_tensor(array_of(gradient))  # the other engine's, or an array

    def look(node: str, gradients: Any) -> None:
        if arrived is not None:
            known = [None if each is None else array_of(each) for each in gradients]
            arrived[node] = [None if each is None else np.array(each) for each in known]

    return recorded(program, gradient, params, names, retain_graph, None if arrived is None else look)


# ---------------------------------------------------------------------------------------------- side by side


def compared(trace: Trace, second: Trace, arrived: dict[str, list[Any]], other: dict[str, list[Any]]) -> TraceBeside:
    """What of ``second`` stands beside ``trace``: of all nodes up to the one where the graphs begin to differ."""
    engine = engine_name(second.engine)
    sentence = first_difference(anonymous(trace), anonymous(second))
    end = first_unequal(anonymous(trace, names=False), anonymous(second, names=False))
    ids = [node.id for node in trace.nodes]
    common = set(ids if end is None else ids[: ids.index(end)])
    largest = max([largest_of(each) for node in other for each in other[node]], default=0.0)
    found, first, told = [], None, ""
    for number, step in enumerate(trace.steps, 1):
        if step.node not in common or step.node not in other:
            continue
        theirs = other[step.node]
        found.append(TraceArrived(step.node, tuple([None if each is None else summary_of(each) for each in theirs])))
        if first is None and differ(arrived[step.node], theirs, largest):
            first = step.node
            name = next(node.name for node in trace.nodes if node.id == first)
            told = f"The first gradient that differs from {engine}'s arrives at step {number}, {name}."
    if first is None:
        told = f"At {len(found)} nodes the gradients agree with {engine}'s."
        first = end
    if sentence is not None:
        told += f" The graphs differ: {sentence}, which is {engine}'s."
    return TraceBeside(second.engine, tuple(found), first, told)


def anonymous(trace: Trace, names: bool = True) -> Trace:
    """The graph without what the user calls its tensors; and without the names of operations."""
    nodes = [replace(node, label="", name=node.name if names else node.kind) for node in trace.nodes]
    return replace(trace, nodes=tuple(nodes))


def first_unequal(trace: Trace, second: Trace) -> str | None:
    """The id of the first node of ``trace`` that is another in ``second``, or has other edges into it."""
    entering, others = trace.edges_into(), second.edges_into()
    for node, other in zip(trace.nodes, second.nodes):
        if node != other or entering[node.id] != others[other.id]:
            return node.id
    return None  # what only one has, goes into what both have: an edge is another


def largest_of(array: Any) -> float:
    if array is None or not array.size:
        return 0.0
    known = np.abs(array[np.isfinite(array)])
    return float(known.max()) if known.size else 0.0


def differ(ours: list[Any], theirs: list[Any], largest: float) -> bool:
    """Whether gradients differ by more than rounding: their own, or that of the largest one, ``largest``."""
    if len(ours) != len(theirs):
        return True
    for a, b in zip(ours, theirs):
        if a is None or b is None:
            if a is not b:
                return True
            continue
        if a.shape != b.shape or a.dtype != b.dtype:
            return True
        relative = RELATIVE.get(a.dtype.name, 0.0)
        allowed = relative * largest_of(b) + (np.finfo(a.dtype).eps * largest if a.dtype.kind == "f" else 0.0)
        if not np.allclose(a, b, rtol=0.0, atol=allowed, equal_nan=True):
            return True
    return False


# ---------------------------------------------------------------------------------------------- the user's function


def called(function: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """What a function returns, and its variables, and those outside that it names: the names of tensors."""
    code = getattr(function, "__code__", None)
    if code is None or sys.gettrace() is not None:
        return function(), {}
    looking = Looking(code)
    return traced(function, looking.on_call), looking.names


class Looking:
    """Python's trace function, which looks at one function's variables when it returns."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.names: dict[str, Any] = {}

    def on_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self.on_return if frame.f_code is self.code else None

    def on_return(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "return":
            outside = {name: frame.f_globals[name] for name in self.code.co_names if name in frame.f_globals}
            self.names = dict(frame.f_locals)
            for name, value in outside.items():
                self.names.setdefault(name, value)
        return self.on_return
