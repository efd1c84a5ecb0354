"""One network on both engines: from one seed, nothing copied, everything compared, over a few training steps.

The chapters on layers, blocks and ResNet-18 say which network and which batch; what is compared is written here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from comparisons.divergence import first_divergence
from comparisons.engines import models_of
from comparisons.graphs import add_figures, compare_graphs, watching
from comparisons.harness import Comparison, Report, array_of, compare_values
from comparisons.kinks import rounding_crossed
from comparisons.settings import Settings
from minigrad.viz import Trace, trace_graph

__all__ = ["Network", "Side", "compare_network"]

STEPS = 3


@dataclass(frozen=True)
class Network:
    """Which network is compared, and on what.

    Attributes:
        build: makes the network, given the module that holds the models.
        input_shape: of the batch, whose values are even in [0, 1).
        classes: how many scores come out, whose loss is the cross-entropy with one label an input.
        features: where no scores come out, the shape of what does: its loss is the mean squared distance from values
            even in [0, 1).
    """

    build: Callable[[Any], Any]
    input_shape: tuple[int, ...]
    classes: int = 0
    features: tuple[int, ...] = ()


class Side:
    """One engine's side: network, optimizer and batch, all from one seed, and what the last step left."""

    def __init__(self, engine: Any, device: str, settings: Settings, network: Network) -> None:
        dtype = getattr(engine, settings.dtype)
        functional = engine.nn.functional
        engine.manual_seed(settings.seed)
        self.engine = engine
        self.model = network.build(models_of(engine)).to(dtype).to(device)
        self.optimizer = engine.optim.SGD(self.model.parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-4)
        self.images = engine.rand(*network.input_shape, dtype=dtype).to(device).requires_grad_()
        if network.features:
            self.target = engine.rand(*network.features, dtype=dtype).to(device)
            self.measure = functional.mse_loss
        else:
            self.target = engine.randint(0, network.classes, network.input_shape[:1]).to(device)
            self.measure = functional.cross_entropy
        self.output: Any = None
        self.loss: Any = None
        self.entering: list[np.ndarray] = []
        if settings.dtype == "float32":  # in float64 no kink was ever crossed
            for module in self.model.modules():
                if isinstance(module, engine.nn.ReLU):
                    module.register_forward_pre_hook(self.note_entering)

    def note_entering(self, module: Any, inputs: Any) -> None:
        """A forward-pre hook: keep what enters a ReLU."""
        self.entering.append(array_of(inputs[0]).copy())

    def backward(self) -> None:
        """Forward, loss and backward of one step. The optimizer's part is left to the caller, who compares first."""
        self.entering.clear()
        self.optimizer.zero_grad()
        self.images.grad = None
        self.output = self.model(self.images)
        self.loss = self.measure(self.output, self.target)
        self.loss.backward()


def by_name(part: str, ours: Any, theirs: Any, tolerance: str) -> list[Comparison]:
    """Two iterables of (name, tensor) compared one by one, the names too."""
    comparisons = []
    for (name, mine), (their_name, yours) in zip(ours, theirs, strict=True):
        subject = f"{part}, {name}" if name == their_name else f"{part}, {name} against {their_name}"
        comparisons.append(compare_values(subject, mine, yours, tolerance))
    return comparisons


def gradients(model: Any) -> list[tuple[str, Any]]:
    """The gradient of each parameter, by name."""
    return [(name, parameter.grad) for name, parameter in model.named_parameters()]


def crosses_a_kink(ours: Side, theirs: Side) -> bool:
    """True if rounding has carried a value across the kink of a ReLU in the last forward pass."""
    return any(rounding_crossed(mine, yours) for mine, yours in zip(ours.entering, theirs.entering))


def trace_of(side: Side) -> Trace:
    """The graph of the loss, with the names of weights and batch."""
    names = {"x": side.images, "z": side.output, "loss": side.loss}
    return trace_graph(side.loss, params=side.model.named_parameters(), names=names)


def where_they_part(ours: Side, theirs: Side, tolerance: str) -> str:
    """The first activation or gradient that differs in the last step, and why: empty where it cannot be told."""
    batch = array_of(theirs.images), array_of(theirs.target)
    measures = {ours.engine: ours.measure, theirs.engine: theirs.measure}
    try:
        found = first_divergence(
            ours.model, theirs.model, batch, tolerance=tolerance, engine=ours.engine,
            loss=lambda engine, output, target: measures[engine](output, target),
        )  # fmt: skip
    except Exception:  # an engine may have no hooks, or another graph: the comparison itself has told what differs
        return ""
    return str(found.activation or found.gradient or "")


def name_the_cause(found: dict[str, list[Comparison]], ours: Side, theirs: Side, tolerance: str) -> None:
    """Tell with the first comparison that does not agree where the two networks part."""
    for comparisons in found.values():
        for place, each in enumerate(comparisons):
            if not each.agrees:
                comparisons[place] = replace(each, cause=where_they_part(ours, theirs, tolerance) or each.cause)
                return


def compared_step(ours: Side, theirs: Side, tolerance: str, at: str) -> dict[str, list[Comparison]]:
    """What the last step left, in the order in which it came about, by the name of its row."""
    pairs = {name: (getattr(ours, name), getattr(theirs, name)) for name in ("output", "loss")}
    found = {name: [compare_values(f"{name} {at}", *pairs[name], tolerance)] for name in ("output", "loss")}
    buffers = ours.model.named_buffers(), theirs.model.named_buffers()
    found["running statistics"] = by_name(f"buffer {at}", *buffers, tolerance)
    weights = gradients(ours.model), gradients(theirs.model)
    found["gradients of the parameters"] = by_name(f"gradient {at}", *weights, tolerance)
    images = ours.images.grad, theirs.images.grad
    found["gradient of the input"] = [compare_values(f"gradient of the input {at}", *images, tolerance)]
    return {name: comparisons for name, comparisons in found.items() if comparisons}  # not all have statistics


def compare_network(
    report: Report, settings: Settings, network: Network, prefix: str = "", figure: str = ""
) -> tuple[Side, Side] | None:
    """Add to ``report`` all that can be compared of ``network`` over three training steps, in rows named after it.

    ``figure`` begins the names of the drawings; by default the chapter's name does.

    The initial weights and the graph must be equal exactly, the rest within the tolerance ``network <dtype>``; in
    float32 within "network after a kink" from the step on at which rounding carries a value across the kink of a ReLU.

    Returns:
        The engine's side and PyTorch's, as the last step left them. None where something stopped.
    """
    with report.trying(f"{prefix}network"):
        tolerance = f"network {settings.dtype}"
        ours = Side(settings.engine, "cpu", settings, network)
        theirs = Side(torch, settings.device, settings, network)
        initial = by_name("initial", ours.model.state_dict().items(), theirs.model.state_dict().items(), "exact")
        report.add(f"{prefix}initial weights", initial)
        kink = ""
        for step in range(1, STEPS + 1):
            for side in (ours, theirs):
                with watching(settings):
                    side.backward()
            if not kink and crosses_a_kink(ours, theirs):
                tolerance, kink = "network after a kink", f", kink at step {step}"
            found = compared_step(ours, theirs, tolerance, f"at step {step}")
            report.add_point(f"{prefix}loss by step", ours.loss, theirs.loss)
            if not report.findings:
                name_the_cause(found, ours, theirs, tolerance)
            for subject, comparisons in found.items():
                report.add(prefix + subject + kink, comparisons)
            if step == 1:
                report.add(f"{prefix}graph of the loss", [compare_graphs("graph of the loss", ours.loss, theirs.loss)])
                if settings.figures:
                    add_figures(report, figure or report.chapter, trace_of(ours), trace_of(theirs))
            ours.optimizer.step()
            theirs.optimizer.step()
            weights = ours.model.named_parameters(), theirs.model.named_parameters()
            report.add(f"{prefix}weights after SGD{kink}", by_name(f"weight at step {step}", *weights, tolerance))
            settings.progress(step, STEPS)
        return ours, theirs
    return None
