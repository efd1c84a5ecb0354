"""``backward_steps``: the engine's own walk, seen from outside, a node at a time.

The loop of ``graph/engine.py`` runs a part of the nodes at each call; here that part is one node. So nothing is
computed otherwise than in :func:`minigrad.autograd.backward` while anomalies are detected, and between two steps
nothing is switched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.autograd.differentiation import edges_to, first_gradients, kept_and_recorded, warn_of_cycle
from minigrad.graph.describing import line_of, short_name
from minigrad.graph.engine import in_order, walk_backward
from minigrad.graph.function import wrap
from minigrad.graph.node import AccumulateGrad, Node, Tensor, unwrap
from minigrad.graph.saved_names import values_saved
from minigrad.graph.watching import Walk, fitted_to_inputs

__all__ = ["BackwardSteps", "Sent", "Step", "formula_of", "ready_because"]


@dataclass(frozen=True, eq=False)
class Sent:
    """A gradient on its way from a node to the node that made one of its inputs.

    Attributes:
        position: which of the inputs it belongs to.
        to, output_nr: where it goes.
        value: the gradient, of the input's shape.
        added_to: what had arrived there before; None if this is the first.
        sum: what is there now; as long as nothing is added, the value.
        unbroadcast: the shape that the rule gave, where the engine summed it to the input's; else None.
    """

    position: int
    to: Node
    output_nr: int
    value: Tensor
    added_to: Tensor | None
    sum: Tensor
    unbroadcast: tuple[int, ...] | None = None

    def __str__(self) -> str:
        summed = "" if self.unbroadcast is None else f", summed from {list(self.unbroadcast)}"
        where = f"input {self.position}, {short_name(self.to)}: {brief(self.value)}{summed}"
        return where if self.added_to is None else f"{where}, added to {brief(self.added_to)}: {brief(self.sum)}"


@dataclass(frozen=True, eq=False)
class Step:
    """What happened at one node. All tensors are copies without history; what was saved shares the node's memory.

    Attributes:
        number, total: this is step ``number`` of ``total``; the first is 1.
        node: the node that ran.
        formula: what the operation computes, as its rule says.
        arrived: for each output of the forward operation dL/d(output), None where no gradient arrived.
        saved: what forward saved, by PyTorch's names.
        sent: the gradients that the node sends on.
        grad_before, grad_after: of a leaf, its ``.grad``.
        senders: for each gradient that came here, the number of the step that sent it; empty where the walk begins.
        line: where in the user's program forward made the node, ``file:line``; None where that was not noted.
    """

    number: int
    total: int
    node: Node
    formula: str
    arrived: tuple[Tensor | None, ...]
    saved: dict[str, Any]
    sent: tuple[Sent, ...]
    grad_before: Tensor | None
    grad_after: Tensor | None
    senders: tuple[int, ...]
    line: str | None

    @property
    def ready_because(self) -> str:
        """Why the node runs now."""
        return ready_because(self.senders)

    def __str__(self) -> str:
        lines = [f"step {self.number} of {self.total}: {short_name(self.node)}  {self.formula}".rstrip()]
        lines[0] += "" if self.line is None else f"  # {self.line}"
        lines.append(f"  ready: {self.ready_because}")
        lines.append(f"  arrived: {', '.join([brief(each) for each in self.arrived])}")
        lines += [f"  saved {name}: {brief(value)}" for name, value in self.saved.items()]
        lines += [f"  sent to {each}" for each in self.sent]
        if isinstance(self.node, AccumulateGrad):
            lines.append(f"  .grad: {brief(self.grad_before)}, then {brief(self.grad_after)}")
        return "\n".join(lines)


class BackwardSteps:
    """An iterator over the :class:`Step` of each node of a backward pass; asking for the next one runs a node.

    Exhausted, it has done what ``tensor.backward()`` does, and the gradients are equal to the last bit. Left early, the
    pass is one that was stopped: leaves that were not reached keep their ``.grad``, what the nodes that ran had saved
    is freed unless ``retain_graph``; the ``repr`` says so, and so does the error of another pass. Nothing is switched
    between two steps.

    Raises:
        RuntimeError: as :func:`minigrad.autograd.backward` raises it, before anything is run.
    """

    def __init__(
        self, tensor: Tensor, gradient: Any, retain_graph: bool | None, create_graph: bool, inputs: Any
    ) -> None:
        if create_graph:
            warn_of_cycle()
            retain_graph, create_graph = kept_and_recorded(retain_graph)
        self.options = retain_graph, create_graph
        self.arrived = Deliveries(first_gradients(tensor, gradient, create_graph))
        self.walk = SteppedWalk()
        self.walk.order = in_order(self.arrived)
        self.walk.watch(None if inputs is None else edges_to(inputs), accumulate=True)
        self.walk.reached = frozenset(self.walk.order)
        self.order = self.walk.order
        self.progress = Progress(len(self.order))
        self.stopped = False
        self.senders: dict[Any, list[int]] = {}

    def __iter__(self) -> BackwardSteps:
        return self

    def __len__(self) -> int:
        """How many steps are left."""
        return 0 if self.stopped else self.progress.total - self.progress.done

    def __next__(self) -> Step:
        if not len(self):
            raise StopIteration
        node, walk = self.order[self.progress.done], self.walk
        walk.order = [node]
        node.stepping = self.progress
        grad_before = grad_of(node)
        self.arrived.before = []
        try:
            walk_backward(self.arrived, *self.options, walk=walk)
        except BaseException:
            self.close()
            raise
        self.progress.done += 1
        number = self.progress.done
        sent = self.arrived.sent(node, walk.given)
        for each in sent:
            self.senders.setdefault(each.to, []).append(number)
        senders = tuple(self.senders.pop(node, ()))
        values = node, formula_of(node), walk.received, walk.saved, sent, grad_before, grad_of(node), senders
        return Step(number, self.progress.total, *values, line=line_of(node))

    def close(self) -> None:
        """Stop here: no further node is run, and what is on its way is let go."""
        self.stopped = len(self) > 0
        self.arrived.clear()

    def __repr__(self) -> str:
        told = "stopped" if self.stopped else "complete" if self.progress.complete else "waiting"
        return f"<backward_steps {told} {self.progress}>"


class Progress:
    """How far a pass has come. The nodes that ran have it too, so that the error of a second pass can tell."""

    def __init__(self, total: int) -> None:
        self.done = 0
        self.total = total

    @property
    def complete(self) -> bool:
        return self.done == self.total

    def __str__(self) -> str:
        return f"after step {self.done} of {self.total}"


class SteppedWalk(Walk):
    """A walk that notes what happens at the node that is run.

    Attributes:
        received: what arrived, before hooks changed it.
        saved: what forward saved, by name.
        given: for each input what the rule gave and the same fitted to the input, or None; None: it did not run.
    """

    received: tuple[Tensor | None, ...] = ()
    saved: dict[str, Any]
    given: Sequence[tuple[Any, Any]] | None = None

    def run_watched(self, node: Any, incoming: list[Any] | None) -> Any:
        self.received = tuple([copied(each) for each in incoming or [None] * len(node.outputs)])
        self.saved = saved_as_tensors(node)
        self.given = None
        outgoing = super().run_watched(node, incoming)
        if outgoing is None:
            return None
        outgoing = outgoing if type(outgoing) is tuple else (outgoing,)
        fitted = fitted_to_inputs(node, outgoing)
        self.given = [(getattr(raw, "shape", None), copied(value)) for raw, value in zip(outgoing, fitted)]
        return tuple(fitted)


class Deliveries(dict[Any, list[Any]]):
    """What has arrived at each node so far, which the loop fills; it notes what was there before each delivery."""

    def __init__(self, arrived: dict[Any, list[Any]]) -> None:
        super().__init__(arrived)
        self.before: list[list[Any] | None] = []

    def __getitem__(self, target: Any) -> list[Any]:  # a further gradient comes
        waiting = super().__getitem__(target)
        self.before.append([copied(each) for each in waiting])
        return waiting

    def __setitem__(self, target: Any, waiting: list[Any]) -> None:  # the first one
        self.before.append(None)
        super().__setitem__(target, waiting)

    def sent(self, node: Any, given: Sequence[tuple[Any, Any]] | None) -> tuple[Sent, ...]:
        """The gradients that ``node`` sent on, in order; of each, the sum is what was there before the next one came,
        or is there now."""
        found: list[Sent] = []
        sums: dict[Any, Any] = {}
        edges = [
            (position, target, output_nr, raw_shape, value)
            for position, ((target, output_nr, _), (raw_shape, value)) in enumerate(zip(node.edges, given or ()))
            if target is not None and value is not None
        ]
        for (position, target, output_nr, raw_shape, value), before in zip(edges[::-1], self.before[::-1]):
            now: Any = sums.get((target, output_nr))
            if now is None:
                now = copied(super().__getitem__(target)[output_nr])
            added_to = None if before is None else before[output_nr]
            sums[target, output_nr] = added_to
            shape = None if raw_shape in (None, tuple(value.shape)) else tuple(raw_shape)
            found.append(Sent(position, target, output_nr, value, added_to, now, shape))
        return tuple(reversed(found))


def ready_because(senders: tuple[int, ...]) -> str:
    """Why a node runs now, to which these steps have sent gradients."""
    if not senders:
        return "backward begins here"
    if len(senders) == 1:
        return f"its one gradient has arrived, from step {senders[0]}"
    steps = f"{senders[0]} to {senders[-1]}" if len(senders) > 8 else ", ".join(map(str, senders))
    return f"all {len(senders)} gradients have arrived, from steps {steps}"


def copied(gradient: Any) -> Tensor | None:
    """A tensor of the same values, for who looks at it; None as it is."""
    return None if gradient is None else wrap(np.array(unwrap(gradient)))


def grad_of(node: Any) -> Tensor | None:
    """What is in the ``.grad`` of ``node``'s leaf; None for another node."""
    return copied(node.variable._grad) if isinstance(node, AccumulateGrad) else None


def saved_as_tensors(node: Any) -> dict[str, Any]:
    """What ``node`` saved, arrays as tensors without history. Nothing is taken out of the user's hooks."""
    found = values_saved(node)
    return {name: wrap(value) if isinstance(value, np.ndarray) else value for name, value in found.items()}


def formula_of(node: Any) -> str:
    """The first sentence of what is written at an operation's class; nothing at one of the user's."""
    if isinstance(node, AccumulateGrad):
        return "leaf.grad += grad"
    told = type(node).__doc__ or ""
    return "" if node.receives_tensors else " ".join(told.split()).partition(". ")[0].removesuffix(".")


def brief(value: Any) -> str:
    """A value in a few words: up to 6 numbers, else its shape and type."""
    if not isinstance(value, Tensor):
        return f"{value!r:.60}"
    if value.array.size <= 6:
        return str(value.array.tolist())
    return f"{list(value.array.shape)} {str(value.dtype).rpartition('.')[2]}"
