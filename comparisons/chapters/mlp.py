"""The MLP: one seed, nothing copied between the engines, and the same training step for step.

``NeuralNet`` is the tutorial's network, written once: ``network(engine)`` makes the class from an engine's ``nn``.
"""

from __future__ import annotations

from typing import Any

import torch

from comparisons.graphs import add_figures, compare_graphs, watching
from comparisons.harness import Comparison, Report, array_of, compare_values
from comparisons.kinks import rounding_crossed
from comparisons.settings import Settings
from comparisons.training import Recipe, Training
from minigrad.viz import trace_graph
from torch_impl.data import load_arrays

__all__ = ["network", "run"]

INPUT_SIZE, HIDDEN_SIZE, NUM_CLASSES = 784, 500, 10
BATCH_SIZE = 100
LEARNING_RATE = 1e-3


def network(engine: Any) -> Any:
    """The class of the tutorial's network on one engine."""
    nn = engine.nn

    class NeuralNet(nn.Module):  # type: ignore[misc, name-defined]
        """784-500-10 with a ReLU between. Shapes: (N, 784) -> (N, 10)."""

        def __init__(self, input_size: int, hidden_size: int, num_classes: int) -> None:
            super().__init__()
            self.fc1 = nn.Linear(input_size, hidden_size)
            self.relu = nn.ReLU()
            self.fc2 = nn.Linear(hidden_size, num_classes)

        def forward(self, x: Any) -> Any:
            out = self.fc1(x)
            out = self.relu(out)
            out = self.fc2(out)
            return out

    return NeuralNet


def build(engine: Any) -> Any:
    """The network in the tutorial's sizes."""
    return network(engine)(INPUT_SIZE, HIDDEN_SIZE, NUM_CLASSES)


def optimize(engine: Any, parameters: Any) -> Any:
    """Adam with the tutorial's learning rate."""
    return engine.optim.Adam(parameters, lr=LEARNING_RATE)


RECIPE = Recipe(build, (INPUT_SIZE,), BATCH_SIZE, optimize)


def hidden(side: Training, images: Any) -> Any:
    """What enters the ReLU for a batch, unrecorded. Shapes: (N, INPUT_SIZE) -> (N, HIDDEN_SIZE)."""
    with side.engine.no_grad():
        return side.model.fc1(images.to(side.device))


def parameters_agree(part: str, ours: Training, theirs: Training, tolerance: str) -> list[Comparison]:
    """Every parameter of the two networks compared, or every gradient."""
    comparisons = []
    for (name, mine), (their_name, yours) in zip(ours.model.named_parameters(), theirs.model.named_parameters()):
        subject = f"{part}, {name}" if name == their_name else f"{part}, {name} against {their_name}"
        if part.startswith("gradient"):
            mine, yours = mine.grad, yours.grad
        comparisons.append(compare_values(subject, mine, yours, tolerance))
    return comparisons


def run(settings: Settings) -> Report:
    """Train both engines in step and compare all there is: weights, batches, losses, gradients, predictions."""
    report = settings.report("mlp")
    with report.trying("training"):
        data = load_arrays(settings.data, settings.data_root)
        ours = Training(settings.engine, settings, "cpu", data, RECIPE)
        theirs = Training(torch, settings, settings.device, data, RECIPE)
        report.add("initial weights", parameters_agree("initial value", ours, theirs, "exact"))
        tolerance = train(report, settings, ours, theirs)
        with report.trying("test"):
            compare_test(report, ours, theirs, tolerance)
    return report


def train(report: Report, settings: Settings, ours: Training, theirs: Training) -> str:
    """Train in step. Returns the tolerance that holds at the end."""
    tolerance, kink = f"training {settings.dtype}", ""
    for step, (mine, yours) in enumerate(zip(ours.batches(), theirs.batches())):
        if step == settings.steps:
            break
        at = f"at step {step + 1}"
        labels = compare_values(f"labels {at}", mine[1], yours[1], "exact")
        report.add("batch order", [compare_values(f"images {at}", mine[0], yours[0], "exact"), labels])
        entering = hidden(ours, mine[0]), hidden(theirs, yours[0])
        report.add(f"inputs of ReLU{kink}", [compare_values(f"inputs of ReLU {at}", *entering, tolerance)])
        if not kink and settings.dtype == "float32" and rounding_crossed(*map(array_of, entering)):
            tolerance, kink = "training after a kink", f", kink at step {step + 1}"
        with watching(settings):
            our_loss = ours.step(*mine)
        with watching(settings):
            losses = our_loss, theirs.step(*yours)
        report.add(f"loss{kink}", [compare_values(f"loss {at}", *losses, tolerance)])
        report.add_point("loss by step", *losses)
        report.add(f"gradients{kink}", parameters_agree(f"gradient {at}", ours, theirs, tolerance))
        report.add(f"weights after Adam{kink}", parameters_agree(f"weight {at}", ours, theirs, tolerance))
        if step == 0:
            report.add("graph of the loss", [compare_graphs("graph of the loss", *losses)])
            if settings.figures:
                sides = zip((ours, theirs), losses)
                traces = [trace_graph(loss, params=side.model.named_parameters()) for side, loss in sides]
                add_figures(report, report.chapter, *traces)
        settings.progress(step + 1, settings.steps)
    return tolerance


def compare_test(report: Report, ours: Training, theirs: Training, tolerance: str) -> None:
    """Compare what the trained networks make of the test images."""
    scores, predictions, accuracy = ours.evaluate()
    their_scores, their_predictions, their_accuracy = theirs.evaluate()
    report.add("test scores", [compare_values("scores of the test images", scores, their_scores, tolerance)])
    report.add("test predictions", [compare_values("predicted digits", predictions, their_predictions, "exact")])
    percent = [torch.tensor(each, dtype=torch.float64) for each in (accuracy, their_accuracy)]
    report.add(
        f"test accuracy ({accuracy:.2f} %)", [compare_values("accuracy in percent", percent[0], percent[1], "exact")]
    )
