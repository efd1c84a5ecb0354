"""What a :class:`Trace` is made of: nodes, edges, modules, and what happened when backward ran. Data, and no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from minigrad.viz.summary import Summary

__all__ = ["NOT_YET", "VERSION", "VERSIONS", "TraceArrived", "TraceBeside", "TraceEdge", "TraceExcerpt"]
__all__ += ["TraceGroup", "TraceLine", "TraceNode", "TraceSent", "TraceStep", "engine_name", "shape_text"]

VERSION = 2  # of the data: since 2 with the lines of rules that ran, the user's lines, and another engine's gradients
VERSIONS = (1, 2)  # that are read; others are refused
NOT_YET = "not computed yet"  # a gradient before backward


@dataclass(frozen=True)
class TraceNode:
    """One box of the graph.

    Attributes:
        id: ``n0``, ``n1``, … in the order of the walk, which begins at the outputs; constants are ``c0``, ``c1``, ….
        name: of an operation, its node's name, such as ``MulBackward0``. Otherwise ``AccumulateGrad`` (a leaf that
            requires grad), ``Tensor`` (a leaf that does not), ``output`` or ``constant``.
        kind: ``operation``; ``leaf``, a tensor that no operation made; ``output``, a tensor that was asked about;
            ``constant``, an input that needs no gradient.
        shapes: the shape of each output of the forward operation; of a tensor, its one shape; of a constant
            nothing, for not always is it known: its ``value`` tells it.
        dtypes: the type of each, such as ``float32``.
        label: the name that the user gave the tensor, or an empty string.
        variable: what the line that made it assigns it to, where that is known; of a leaf or a constant the name of the
            parameter, or the variable in the line that uses it.
        formula: what minigrad's operation computes.
        file, line: where in the user's program forward made it, where somebody watched.
        module: the path of the module in which it was made, or whose parameter it uses.
        sequence: the engine's number: it grows with every node that is made.
        value: of a tensor, its values in brief; of a constant, if they are known; of an operation, what it gave, where
            somebody watched or it has a name, and it is one.
        grad: of a tensor, its ``.grad``; ``"not computed yet"`` before backward; None if it needs or keeps none. Of an
            operation, that of the tensor which it made, if this has a name.
        saved: what forward saved, by PyTorch's names.
        saved_bytes: the memory of that, which the node shares with whoever else has it.

    From ``variable`` on, one engine may know more than the other: there two graphs do not differ.
    """

    id: str
    name: str
    kind: str
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    label: str = ""
    variable: str | None = field(default=None, compare=False)
    formula: str | None = field(default=None, compare=False)
    file: str | None = field(default=None, compare=False)
    line: int | None = field(default=None, compare=False)
    module: str | None = field(default=None, compare=False)
    sequence: int | None = field(default=None, compare=False)
    value: Summary | None = field(default=None, compare=False)
    grad: Summary | str | None = field(default=None, compare=False)
    saved: dict[str, Summary | str] | None = field(default=None, compare=False)
    saved_bytes: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        values = [f"{shape_text(shape)} {dtype}" for shape, dtype in zip(self.shapes, self.dtypes, strict=True)]
        name = f"{self.name} {self.label!r}" if self.label else self.name
        if self.kind == "constant":
            return name if self.value is None else f"{name} {self.value}"
        return f"{name} of {', '.join(values)}"


@dataclass(frozen=True)
class TraceEdge:
    """One value on its way forward; its gradient goes the other way.

    Attributes:
        source: the id of the node that makes the value.
        target: the id of the node that takes it in.
        output_index: which of the source's outputs it is.
        position: which of the target's inputs it is.
        needs_grad: False for a constant's.
    """

    source: str
    target: str
    output_index: int
    position: int
    needs_grad: bool = True

    def __str__(self) -> str:
        return f"{self.position}: {self.source}" + (f" output {self.output_index}" if self.output_index else "")


@dataclass(frozen=True)
class TraceGroup:
    """A module in which nodes were made: its path, its class, and the path of the module around it, None outside.

    The outermost module's path is empty."""

    path: str
    kind: str
    parent: str | None


@dataclass(frozen=True)
class TraceSent:
    """A gradient on its way: along the edge of this number, and what it was added to, and the sum.

    ``unbroadcast`` is the shape from which it was summed to the input's, None where it was not."""

    edge: int
    value: Summary
    added_to: Summary | None
    sum: Summary
    unbroadcast: tuple[int, ...] | None = None


@dataclass(frozen=True)
class TraceLine:
    """A line of a rule that ran: its number in the rule's source, from 1, and what it says with numbers put in for the
    names, and what came of it, such as ``1.0 * 3.0 = 3.0``."""

    line: int
    numbers: str = ""


@dataclass(frozen=True)
class TraceExcerpt:
    """Lines of the user's program, from the line ``first`` on, as they were when the trace was made."""

    file: str
    first: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class TraceStep:
    """What happened at one node when backward ran. See ``minigrad.autograd.stepping.Step``.

    ``ran`` are the lines of the rule, in the order in which they ran; none where that is not known.
    """

    node: str
    arrived: tuple[Summary | None, ...]
    saved: dict[str, Summary | str]
    sent: tuple[TraceSent, ...]
    grad_before: Summary | None
    grad_after: Summary | None
    ready_because: str
    ran: tuple[TraceLine, ...] = ()


@dataclass(frozen=True)
class TraceArrived:
    """For each output of a node's forward operation the gradient that arrived there, None where none did."""

    node: str
    gradients: tuple[Summary | None, ...]


@dataclass(frozen=True)
class TraceBeside:
    """Another engine's gradients, to be shown beside those of a trace.

    Attributes:
        engine: whose they are.
        arrived: what arrived at the nodes that both have, by this trace's ids.
        first: the id of the first node, in the order of backward, where they differ; None where there is none.
        told: what was found, in a sentence.
    """

    engine: str
    arrived: tuple[TraceArrived, ...]
    first: str | None
    told: str


def shape_text(shape: Iterable[int]) -> str:
    """``[3, 2]``, or ``scalar`` for a tensor without dimensions."""
    return str(list(shape)) if shape else "scalar"


def engine_name(engine: str) -> str:
    """``PyTorch`` for ``torch``; another engine's name as it is."""
    return "PyTorch" if engine == "torch" else engine
