"""Where do two engines part? The first activation, and the first gradient, that differs between two models.

:func:`first_divergence` runs one batch through both. Activations are aligned by module path and compared in the order
of the forward pass; gradients are aligned by graph node and compared in the order of the backward pass. The first
difference is the one to look at: whatever comes later inherits it. What may have caused it is guessed in ``causes.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

import minigrad
from comparisons.causes import BEFORE, causes_of_activation, causes_of_arrival, causes_of_rule
from comparisons.graphs import GraphsDiffer, aligned_nodes, short_name
from comparisons.harness import array_of, compare_values, dtype_name, tensors_in
from comparisons.tolerances import TOLERANCES

__all__ = ["Divergence", "Divergences", "first_divergence"]


@dataclass(frozen=True)
class Divergence:
    """One difference.

    Attributes:
        where: the module path or the graph node, in words.
        message: both values, the index of the largest difference, and how many differ.
        causes: what may have caused it, the likeliest first; empty where nothing known fits.
    """

    where: str
    message: str
    causes: tuple[str, ...] = ()

    def __str__(self) -> str:
        likely = "".join([f"\n  likely cause: {cause}" for cause in self.causes])
        return f"{self.where}\n  {self.message}{likely}"


@dataclass(frozen=True)
class Divergences:
    """What :func:`first_divergence` found. It is true where the engines part."""

    activation: Divergence | None
    gradient: Divergence | None

    def __bool__(self) -> bool:
        return self.activation is not None or self.gradient is not None

    def __str__(self) -> str:
        if not self:
            return "No activation and no gradient differs."
        parts = []
        for kind, found in (("activation", self.activation), ("gradient", self.gradient)):
            parts.append(f"No {kind} differs." if found is None else f"The first {kind} that differs: {found}")
        return "\n".join(parts)


@dataclass(frozen=True, eq=False)
class Event:
    """Something seen in a forward pass: an input or an output of a module, or one of its buffers after the call."""

    path: str
    what: str
    value: np.ndarray
    module: Any
    made_by: str


@dataclass
class Side:
    """One engine's run: what the modules took and gave, which module made a node, what the nodes took and gave."""

    engine: Any
    model: Any
    events: list[Event] = field(default_factory=list)
    module_of: dict[Any, str] = field(default_factory=dict)
    order: list[Any] = field(default_factory=list)
    arrived: dict[Any, list[Any]] = field(default_factory=dict)
    returned: dict[Any, list[Any]] = field(default_factory=dict)
    loss: Any = None

    def forward(self, inputs: np.ndarray, target: np.ndarray | None, loss: Callable[..., Any]) -> None:
        """Run the batch through the model and note every input, output and buffer, in the order of the calls."""
        handles = []
        for path, module in self.model.named_modules():
            handles.append(module.register_forward_pre_hook(partial(self.note_inputs, path)))
            handles.append(module.register_forward_hook(partial(self.note_outputs, path)))
        try:
            output = self.model(self.to_tensor(inputs))
        finally:
            for handle in handles:
                handle.remove()
        self.loss = loss(self.engine, output, None if target is None else self.to_tensor(target))

    def to_tensor(self, array: np.ndarray) -> Any:
        """The array as a tensor of this engine, where the model's parameters are."""
        tensor = self.engine.from_numpy(np.array(array))
        parameter = next(iter(self.model.parameters()), None)
        device = getattr(parameter, "device", None)
        return tensor if device is None else tensor.to(device)

    def note(self, path: str, what: str, tensor: Any, module: Any) -> None:
        """Keep a copy of one value: a later in-place operation may change it."""
        made_by = "" if tensor.grad_fn is None else short_name(tensor.grad_fn)
        self.events.append(Event(path, what, array_of(tensor).copy(), module, made_by))

    def note_inputs(self, path: str, module: Any, inputs: tuple[Any, ...]) -> None:
        """A forward-pre hook."""
        for number, tensor in enumerate(tensors_in(inputs)):
            self.note(path, f"input {number}", tensor, module)
        for name, value in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            self.note(path, f"{name} {BEFORE}", value, module)

    def note_outputs(self, path: str, module: Any, inputs: tuple[Any, ...], outputs: Any) -> None:
        """A forward hook."""
        given = tensors_in(outputs)
        for number, tensor in enumerate(given):
            self.note(path, "output" if len(given) == 1 else f"output {number}", tensor, module)
        for name, buffer in module.named_buffers(recurse=False):
            self.note(path, name, buffer, module)
        self.claim_nodes(path, tensors_in(inputs), given)

    def claim_nodes(self, path: str, inputs: list[Any], outputs: list[Any]) -> None:
        """Note of the nodes between a module's inputs and its outputs that this module, or one within it, made them."""
        before = {tensor.grad_fn for tensor in inputs}
        waiting = [tensor.grad_fn for tensor in outputs]
        while waiting:
            node = waiting.pop()
            if node is None or node in before or node in self.module_of:
                continue
            self.module_of[node] = path
            waiting += [next_node for next_node, _ in node.next_functions]

    def before(self, event: Event) -> dict[str, np.ndarray]:
        """What was noted of the event's module in the same call before the event."""
        found = {}
        for each in self.events[: self.events.index(event)]:
            if each.path == event.path:
                found[each.what] = each.value
        return found

    def backward(self, nodes: Any) -> None:
        """Run the backward pass and note, at every one of ``nodes``, what arrived and what its rule returned."""
        handles = []
        for node in nodes:
            handles.append(node.register_prehook(partial(self.note_arrival, node)))
            handles.append(node.register_hook(partial(self.note_result, node)))
        kept = [(parameter, parameter.grad) for parameter in self.model.parameters()]
        try:
            self.loss.backward()
        finally:
            for handle in handles:
                handle.remove()
            for parameter, gradient in kept:
                parameter.grad = gradient

    def note_arrival(self, node: Any, gradients: tuple[Any, ...]) -> None:
        """A node's pre-hook."""
        self.order.append(node)
        self.arrived[node] = [None if each is None else array_of(each).copy() for each in gradients]

    def note_result(self, node: Any, results: tuple[Any, ...], gradients: tuple[Any, ...]) -> None:
        """A node's hook."""
        self.returned[node] = [None if each is None else array_of(each).copy() for each in results]

    def describe(self, node: Any) -> str:
        """A node for the reader: a parameter's name, or the operation and the module that made it."""
        if hasattr(node, "variable"):
            for name, parameter in self.model.named_parameters():
                if parameter is node.variable:
                    return f"the parameter {name}"
            return "a leaf that is no parameter"
        path = self.module_of.get(node)
        return short_name(node) + (" after the model" if path is None else f" in {place(path)}")


def place(path: str) -> str:
    """A module path in words."""
    return f"module {path}" if path else "the model itself"


def default_loss(engine: Any, output: Any, target: Any) -> Any:
    """The cross-entropy with labels as targets, the squared distance from other targets; without, a weighted sum."""
    if target is None:
        weights = np.linspace(0.5, 1.5, output.numel()).reshape(tuple(output.shape))
        weighted = engine.from_numpy(weights.astype(dtype_name(output)))
        return (output * (weighted.to(output.device) if hasattr(output, "device") else weighted)).sum()
    if target.is_floating_point():
        return engine.nn.functional.mse_loss(output, target)
    return engine.nn.functional.cross_entropy(output, target)


def first_divergence(
    ours: Any,
    theirs: Any,
    batch: Any,
    *,
    loss: Callable[[Any, Any, Any], Any] = default_loss,
    tolerance: str | None = None,
    engine: Any = minigrad,
) -> Divergences:
    """Run a batch through a model of each engine and name the first activation and the first gradient that differ.

    The models should hold equal weights and be in the same mode. They are called once, so running statistics move on;
    ``.grad`` stays as it was.

    Args:
        ours: a model of minigrad, or of the engine under test.
        theirs: the same model of PyTorch: the same module paths, the same operations.
        batch: the input, an array; or a pair of input and target.
        loss: called with (engine, output, target). By default the cross-entropy where the target is of integers, the
            mean squared distance where it is floating, and a weighted sum of the output where there is none.
        tolerance: a key of the table of tolerances; by default that of networks in the batch's type.
        engine: the engine of ``ours``.

    Returns:
        Both findings, either of them None where nothing differs.

    Raises:
        GraphsDiffer: the gradients cannot be aligned, for the engines recorded different graphs, though every
            activation agrees.
        ValueError: there is no such tolerance.

    >>> import comparisons, minigrad, numpy as np, torch
    >>> ours, theirs = minigrad.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    >>> state = {name: torch.tensor(each.numpy(force=True)) for name, each in ours.state_dict().items()}
    >>> theirs.load_state_dict(state)
    <All keys matched successfully>
    >>> bool(comparisons.first_divergence(ours, theirs, np.ones((4, 3), np.float32)))
    False
    """
    inputs, target = batch if isinstance(batch, (list, tuple)) else (batch, None)
    tolerance = f"network {np.asarray(inputs).dtype}" if tolerance is None else tolerance
    if tolerance not in TOLERANCES:
        raise ValueError(f"there is no tolerance {tolerance!r}: choose from {', '.join(TOLERANCES)}")
    mine, yours = Side(engine, ours), Side(torch, theirs)
    for side in (mine, yours):
        side.forward(inputs, target, loss)
    activation = first_activation(mine, yours, tolerance)
    try:
        partner, _ = aligned_nodes(mine.loss, yours.loss)
    except GraphsDiffer:
        if activation is None:
            raise
        return Divergences(activation, None)
    mine.backward(list(partner))
    yours.backward(list(partner.values()))
    return Divergences(activation, first_gradient(mine, yours, partner, tolerance))


def first_activation(mine: Side, yours: Side, tolerance: str) -> Divergence | None:
    """The first value of the forward pass that differs, or the first call that only one of the models makes."""
    for seen, expected in zip(mine.events, yours.events):
        if (seen.path, seen.what) != (expected.path, expected.what):
            found = f"ours has {seen.what} of {place(seen.path)}, theirs {expected.what} of {place(expected.path)}"
            return Divergence(f"the order of the modules at {place(expected.path)}", found)
        compared = compare_values(seen.what, seen.value, expected.value, tolerance)
        if not compared.agrees:
            where = f"{seen.what} of {place(seen.path)} ({type(seen.module).__name__})"
            if seen.what.startswith("input") and seen.made_by:
                where += f", made by {seen.made_by} outside of any module within"
            causes = causes_of_activation(
                expected.what, seen.value, expected.value, expected.module, yours.before(expected)
            )
            return Divergence(where, compared.message, causes)
    if len(mine.events) != len(yours.events):
        return Divergence("the number of calls", f"ours made {len(mine.events)}, theirs {len(yours.events)}")
    return None


def first_gradient(mine: Side, yours: Side, partner: dict[Any, Any], tolerance: str) -> Divergence | None:
    """The first gradient of the backward pass that differs: where it arrives, or where a rule returns it.

    The nodes are gone through in the order in which ours ran. At a node whose arrivals differ, though every rule before
    it returned what PyTorch's did, they were added up wrongly; at one whose arrivals agree and results differ, the rule
    is wrong.
    """
    sent: dict[Any, list[Any]] = {}
    for node in mine.order:
        other = partner[node]
        their_arrivals = yours.arrived.get(other, [None] * len(mine.arrived[node]))
        for number, (arrived, expected) in enumerate(zip(mine.arrived[node], their_arrivals)):
            compared = compare_values("arrives", arrived, expected, tolerance)
            if not compared.agrees:
                where = f"the gradient that arrives at {mine.describe(node)}"
                parts = [each for output_nr, each in sent.get(node, []) if output_nr == number]
                return Divergence(where, compared.message, causes_of_arrival(arrived, expected, parts))
        results = zip(node.next_functions, mine.returned.get(node, ()), yours.returned.get(other, ()))
        for number, ((next_node, output_nr), returned, expected) in enumerate(results):
            compared = compare_values("returned", returned, expected, tolerance)
            if not compared.agrees:
                where = f"the gradient that {mine.describe(node)} returns for its input {number}"
                causes = causes_of_rule(short_name(node), mine.arrived[node], returned, expected)
                return Divergence(where, compared.message, causes)
            if next_node is not None and returned is not None:
                sent.setdefault(next_node, []).append((output_nr, returned))
    return None
