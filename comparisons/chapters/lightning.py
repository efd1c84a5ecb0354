"""Lightning: the plain loop and Lightning's from one seed end with the same weights. PyTorch alone, in float32.

The two are ``torch_impl.run`` and ``torch_impl.lit_run``. They share images, network, optimizer and schedule; the loop,
accumulation, clipping, validation, test and checkpoints are each one's own. Both runs are on the CPU, and no bit of
what a run would go on from may differ. The accuracy on the test images that each tells is held against a count of what
its weights get right.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.data import DataLoader

from comparisons.harness import Comparison, Report, compare_values
from comparisons.networks import by_name
from comparisons.settings import Settings
from torch_impl.checkpoint import LAST, load_model
from torch_impl.data import ImageData, load_data
from torch_impl.options import TrainingOptions
from torch_impl.run import Place, Run

__all__ = ["RUNS", "run"]

# The tutorial's training, one that uses what the two loops do in their own ways, and one of a network that computes
# otherwise in evaluation mode, on digits whatever the data: its convolutions take minutes for others.
RUNS = {
    "the tutorial's": TrainingOptions(epochs=2),
    "accumulated and clipped": TrainingOptions(
        epochs=2,
        validation=0.2,
        accumulate=2,
        optimizer="sgd",
        lr=0.1,
        schedule="cosine",
        warmup=5,
        label_smoothing=0.1,
        clip_norm=1.0,
    ),
    "batch norm, digits": TrainingOptions(model="conv-block", epochs=1, validation=0.5, schedule="one-cycle", lr=0.01),
}


@dataclass(frozen=True)
class Finished:
    """What a whole run leaves: its last checkpoint, and the learning rate of each of its steps.

    ``told`` is the accuracy on the test images that it ends with, ``counted`` that of its last weights, counted here;
    both in percent.
    """

    checkpoint: dict[str, Any]
    rates: list[float]
    told: float
    counted: float


def finished(loop: Callable[[TrainingOptions, Place], float], options: TrainingOptions, settings: Settings) -> Finished:
    """A whole run by ``loop``, which returns the accuracy that it tells."""
    root = None if settings.data_root is None else Path(settings.data_root)
    rates: list[float] = []
    hook = register_optimizer_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        try:
            told = loop(options, Place(torch.device("cpu"), Path(folder), root, figures=False))
        finally:
            hook.remove()
        model, _, checkpoint = load_model(Path(folder) / LAST)
    return Finished(checkpoint, rates, told, counted_accuracy(model, load_data(options, root)))


@torch.no_grad()
def counted_accuracy(model: nn.Module, data: ImageData) -> float:
    """The percentage of the test images whose highest score is their label's, in evaluation mode."""
    model.eval()
    right = [model(images).argmax(1) == labels for images, labels in DataLoader(data.test, batch_size=1000)]
    return 100 * torch.cat(right).double().mean().item()


def plain(options: TrainingOptions, place: Place) -> float:
    """The plain loop."""
    return Run(options, place).run().accuracy


def by_lightning(options: TrainingOptions, place: Place) -> float:
    """Lightning's loop."""
    from torch_impl import lit_run  # imported where it is needed: it takes four seconds

    _, accuracy = lit_run.fit(options, place)
    return accuracy


def optimizer_values(checkpoint: dict[str, Any]) -> list[tuple[str, Any]]:
    """Everything that the optimizer keeps for each parameter, by name."""
    states = checkpoint["optimizer"]["state"].items()
    return [(f"{part} of {name}", value) for name, state in states for part, value in state.items()]


def history_values(checkpoint: dict[str, Any]) -> list[tuple[str, Any]]:
    """What was measured of every epoch, by name."""
    values = []
    for row in checkpoint["history"]:
        for column in ("lr", "loss", "accuracy", "validation_loss", "validation_accuracy"):
            if row[column] is not None:
                values.append((f"{column} of epoch {row['epoch']}", torch.tensor(row[column])))
    return values


def compare_runs(report: Report, title: str, options: TrainingOptions, settings: Settings) -> None:
    """Rows for the two loops' runs with ``options``: all that they leave."""
    our_run, their_run = finished(plain, options, settings), finished(by_lightning, options, settings)
    ours, theirs = our_run.checkpoint, their_run.checkpoint
    our_position, their_position = ours["loader"]["epoch_state"], theirs["loader"]["epoch_state"]
    our_rates, their_rates = torch.tensor(our_run.rates), torch.tensor(their_run.rates)
    rows: dict[str, list[Comparison]] = {
        "batch order": [compare_values("the loader's generator", our_position, their_position, "exact")],
        "learning rates": [compare_values("the rate of each step", our_rates, their_rates, "exact")],
        "weights": by_name("weight", ours["model"].items(), theirs["model"].items(), "exact"),
        "optimizer": by_name("state", optimizer_values(ours), optimizer_values(theirs), "exact"),
        "loss and accuracy": by_name("measured", history_values(ours), history_values(theirs), "float32"),
        "test accuracy": [
            compare_values(f"{loop}'s test accuracy", torch.tensor(each.told), torch.tensor(each.counted), "float32")
            for loop, each in (("the plain loop", our_run), ("Lightning", their_run))
        ],
    }
    for subject, comparisons in rows.items():
        report.add(f"{title}: {subject}", comparisons)
    for our_epoch, their_epoch in zip(ours["history"], theirs["history"]):
        report.add_point(f"{title}: loss by epoch", our_epoch["loss"], their_epoch["loss"])


def run(settings: Settings) -> Report:
    """Compare the two loops' runs: weights, optimizer, learning rates, where the loader is, what was measured."""
    report = settings.report("lightning")
    for title, options in RUNS.items():
        data = settings.data if options.model == "neural-net" else "digits"
        with report.trying(title):
            compare_runs(report, title, replace(options, data=data, seed=settings.seed), settings)
    return report
