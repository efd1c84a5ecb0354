"""Lightning: the plain loop and Lightning's from one seed end with the same weights. PyTorch alone, in float32.

The two are ``torch_impl.run`` and ``torch_impl.lit_run``. They share images, network, optimizer and schedule; the loop,
accumulation, clipping and checkpoints are each one's own. Both runs are on the CPU, and no bit of what a run would go
on from may differ.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from comparisons.harness import Comparison, Report, compare_values
from comparisons.networks import by_name
from comparisons.settings import Settings
from torch_impl.checkpoint import LAST, load_checkpoint
from torch_impl.options import TrainingOptions
from torch_impl.run import Place, Run

__all__ = ["RUNS", "run"]

# The tutorial's training, and one that uses what the two loops do in their own ways.
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
}


def last_checkpoint(loop: Any, options: TrainingOptions, settings: Settings) -> dict[str, Any]:
    """What a whole run by ``loop(options, place)`` leaves."""
    root = None if settings.data_root is None else Path(settings.data_root)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        loop(options, Place(torch.device("cpu"), Path(folder), root, figures=False))
        return load_checkpoint(Path(folder) / LAST)


def plain(options: TrainingOptions, place: Place) -> None:
    """The plain loop."""
    Run(options, place).run()


def optimizer_values(checkpoint: dict[str, Any]) -> list[tuple[str, Any]]:
    """Everything that the optimizer keeps for each parameter, by name."""
    states = checkpoint["optimizer"]["state"].items()
    return [(f"{part} of {name}", value) for name, state in states for part, value in state.items()]


def history_values(checkpoint: dict[str, Any]) -> list[tuple[str, Any]]:
    """What was measured of every epoch, by name."""
    values = []
    for row in checkpoint["history"]:
        for column in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
            if row[column] is not None:
                values.append((f"{column} of epoch {row['epoch']}", torch.tensor(row[column])))
    return values


def compare_runs(report: Report, title: str, options: TrainingOptions, settings: Settings) -> None:
    """Rows for the two loops' runs with ``options``: all that they leave."""
    from torch_impl import lit_run  # imported where it is needed: it takes four seconds

    ours = last_checkpoint(plain, options, settings)
    theirs = last_checkpoint(lit_run.fit, options, settings)
    our_position, their_position = ours["loader"]["epoch_state"], theirs["loader"]["epoch_state"]
    rows: dict[str, list[Comparison]] = {
        "weights": by_name("weight", ours["model"].items(), theirs["model"].items(), "exact"),
        "optimizer": by_name("state", optimizer_values(ours), optimizer_values(theirs), "exact"),
        "batch order": [compare_values("the loader's generator", our_position, their_position, "exact")],
        "loss and accuracy": by_name("measured", history_values(ours), history_values(theirs), "float32"),
    }
    for subject, comparisons in rows.items():
        report.add(f"{title}: {subject}", comparisons)
    for our_epoch, their_epoch in zip(ours["history"], theirs["history"]):
        report.add_point(f"{title}: loss by epoch", our_epoch["loss"], their_epoch["loss"])


def run(settings: Settings) -> Report:
    """Compare the two loops' runs: the weights, the optimizer's state, where the loader is, what was measured."""
    report = settings.report("lightning")
    for title, options in RUNS.items():
        with report.trying(title):
            compare_runs(report, title, replace(options, data=settings.data, seed=settings.seed), settings)
    return report
