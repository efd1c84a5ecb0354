"""``record``: run backward, and keep the trace with what happened at each node."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from minigrad.autograd.stepping import Step, ready_because
from minigrad.graph.node import Tensor
from minigrad.viz.following import followed
from minigrad.viz.parts import TraceLine, TraceSent, TraceStep
from minigrad.viz.summary import Summary, summary_of
from minigrad.viz.trace import Trace
from minigrad.viz.tracing import Params, Tracing, inputs_of, require_tensor, saved_in_brief

__all__ = ["record", "recorded"]

Look = Callable[[str, Sequence[Any]], None]


def record(
    loss: Any,
    gradient: Any = None,
    *,
    params: Params | None = None,
    names: Mapping[str, Any] | None = None,
    retain_graph: bool | None = None,
) -> Trace:
    """Run ``loss.backward(gradient)``, and give the trace with what happened at each node, in the engine's order.

    minigrad's loss is stepped through; at PyTorch's nodes hooks look on, which do not see from which shape a gradient
    was summed, and what was added where is added again. Values are those before backward, gradients those after it.
    ``params`` and ``names`` are as in :func:`minigrad.viz.trace_graph`.

    Raises:
        TypeError: ``loss`` is no tensor.
        RuntimeError: as ``loss.backward()`` raises it.

    PyTorch has no counterpart.
    """
    return recorded(loss, gradient, params, names, retain_graph, None)


def recorded(
    loss: Any,
    gradient: Any,
    params: Params | None,
    names: Mapping[str, Any] | None,
    retain_graph: bool | None,
    look: Look | None,
) -> Trace:
    """:func:`record`; ``look`` is shown what arrives at each node, by the node's id."""
    require_tensor(loss, "loss")
    tracing = Tracing(loss, params, names)
    before = tracing.trace()
    edges = {(edge.target, edge.position): number for number, edge in enumerate(before.edges)}
    if isinstance(loss, Tensor):
        steps = loss.backward_steps(gradient, retain_graph)
        kept = []
        offsets: dict[Any, int] = {}
        for node in steps.order:
            step, ran = followed(steps.__next__, node, offsets)
            kept.append(step_data(step, tracing, edges, ran))
            if look is not None:
                look(kept[-1].node, step.arrived)
    else:
        looking_on = LookingOn(tracing, before, edges, look)
        looking_on.call(loss.backward, gradient, retain_graph)
        kept = looking_on.steps
    after = Tracing(loss, params, names).trace()
    nodes = [replace(node, grad=now.grad) for node, now in zip(before.nodes, after.nodes)]
    return replace(before, nodes=tuple(nodes), steps=tuple(kept), total_steps=len(kept))


class LookingOn:
    """Hooks around each of PyTorch's nodes, which note what happens there.

    Attributes:
        waiting: of each node's outputs the sum of what has come so far.
        senders: of each node the numbers of the steps that have sent something.
    """

    def __init__(self, tracing: Tracing, trace: Trace, edges: dict[tuple[str, int], int], look: Look | None) -> None:
        self.tracing, self.edges, self.look = tracing, edges, look
        self.saved = {node.id: node.saved or {} for node in trace.nodes}
        self.steps: list[TraceStep] = []
        self.waiting: dict[Any, Any] = {}
        self.senders: dict[str, list[int]] = {}
        self.grads: dict[str, Summary | None] = {}

    def call(self, function: Any, /, *args: Any) -> None:
        """Call ``function`` with the hooks in place."""
        handles: list[Any] = []
        try:
            self.register(handles)
            function(*args)
        finally:
            remove(handles)

    def register(self, handles: list[Any]) -> None:
        nodes = {id(node): node for item in self.tracing.found for node, _ in inputs_of(item) if node is not None}
        for node in nodes.values():
            handles.append(node.register_prehook(functools.partial(self.before, node)))
            handles.append(node.register_hook(functools.partial(self.after, node)))

    def before(self, node: Any, arrived: Any) -> None:
        if hasattr(node, "variable"):
            self.grads[self.tracing.id_of(node)] = brief(node.variable.grad)

    def after(self, node: Any, outgoing: Any, arrived: Any) -> None:
        number, sent = self.tracing.id_of(node), []
        is_leaf = hasattr(node, "variable")
        for position, ((target, output_nr), value) in enumerate(zip(node.next_functions, outgoing)):
            if target is None or value is None:
                continue
            to = self.tracing.id_of(target)
            so_far = self.waiting.get((to, output_nr))
            total = value.detach().clone() if so_far is None else added(so_far, value.detach())
            self.waiting[to, output_nr] = total
            self.senders.setdefault(to, []).append(len(self.steps) + 1)
            edge = self.edges[number, position]
            sent.append(TraceSent(edge, summary_of(value), brief(so_far), summary_of(total)))
        grads = (self.grads.get(number), brief(node.variable.grad)) if is_leaf else (None, None)
        ready = ready_because(tuple(self.senders.pop(number, ())))
        # What arrived before hooks changed it.
        came = [self.waiting.pop((number, place), each) for place, each in enumerate(arrived)]
        if self.look is not None:
            self.look(number, came)
        self.steps.append(TraceStep(number, tuple(map(brief, came)), self.saved[number], tuple(sent), *grads, ready))


def added(one: Any, other: Any) -> Any:
    """The sum; PyTorch takes a sparse tensor on the right alone."""
    return other + one if one.is_sparse else one + other


def remove(handles: list[Any]) -> None:
    for handle in handles:
        handle.remove()


def step_data(step: Step, tracing: Tracing, edges: dict[tuple[str, int], int], ran: tuple[TraceLine, ...]) -> TraceStep:
    """A step as data: nodes and edges by their numbers, values in brief."""
    node, sent = tracing.id_of(step.node), []
    for each in step.sent:
        added_to = brief(each.added_to)
        edge = edges[node, each.position]
        sent.append(TraceSent(edge, summary_of(each.value), added_to, summary_of(each.sum), each.unbroadcast))
    arrived = tuple([brief(each) for each in step.arrived])
    before, after = brief(step.grad_before), brief(step.grad_after)
    return TraceStep(node, arrived, saved_in_brief(step.saved), tuple(sent), before, after, step.ready_because, ran)


def brief(tensor: Any) -> Summary | None:
    return None if tensor is None else summary_of(tensor)
