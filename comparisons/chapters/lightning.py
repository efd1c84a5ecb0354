"""Lightning: one module fitted by both engines' Trainers; and the plain loop beside Lightning's, on PyTorch alone.

The module and its data are written once and fitted from one seed, in float64 whatever the chapter's type: there
rounding carries no hidden unit across the kink of its ReLU. Equal are the order of all hooks, each step's loss, all
that is logged, and the weights.

The two loops are ``torch_impl.run`` and ``torch_impl.lit_run``, in float32. They share images, network, optimizer and
schedule; the loop, accumulation, clipping, validation, test and checkpoints are each one's own. Both runs are on the
CPU, and no bit of what a run would go on from may differ. The accuracy on the test images that each tells is held
against a count of what its weights get right.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.data import DataLoader

from comparisons.chapters import mlp
from comparisons.harness import Comparison, Report, compare_values, failed
from comparisons.networks import by_name
from comparisons.settings import Settings
from torch_impl.checkpoint import LAST, load_model
from torch_impl.data import ImageArrays, ImageData, load_arrays, load_data
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
    "batch norm, digits": TrainingOptions(
        model="conv-block", epochs=1, batch_size=40, validation=0.8, schedule="one-cycle", lr=0.01
    ),
}

TRAINED, VALIDATED, BATCH_SIZE, HIDDEN_SIZE = 450, 250, 100, 100  # images and sizes of the module on both engines
# What its Trainer is told: batches that do not make whole steps, and clipping; nothing is written or shown.
FITTED: dict[str, Any] = {"max_epochs": 2, "accumulate_grad_batches": 2, "gradient_clip_val": 0.5, "logger": False}
FITTED |= {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
# The hooks of a callback that are noted, of all that run in a training.
NOTED = ["setup", "on_fit_start", "on_sanity_check_start", "on_sanity_check_end", "on_train_start", "on_train_end"]
NOTED += [
    f"on_{stage}_{time}" for stage in ("train_epoch", "train_batch", "validation_epoch") for time in ("start", "end")
]
NOTED += ["on_validation_start", "on_validation_batch_start", "on_validation_batch_end", "on_validation_end"]
NOTED += ["on_before_zero_grad", "on_before_backward", "on_after_backward", "on_before_optimizer_step"]
NOTED += ["on_fit_end", "teardown"]


def lightning_of(engine: Any) -> Any:
    """The engine's Lightning."""
    if engine is torch:
        import lightning.pytorch  # imported where it is needed: it takes four seconds

        return lightning.pytorch
    return engine.lightning


def lit_model(engine: Any) -> Any:
    """The class of a module for Lightning: the tutorial's network, judged on images that are kept out of training."""
    functional = engine.nn.functional

    class LitModel(lightning_of(engine).LightningModule):  # type: ignore[misc, name-defined]
        """Logs "train_loss" in every step and over an epoch, "val_loss" and "val_accuracy" over a validation."""

        def __init__(self, hidden_size: int) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.model = mlp.network(engine)(mlp.INPUT_SIZE, hidden_size, mlp.NUM_CLASSES).double()
            self.losses: list[Any] = []

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            images, labels = batch
            loss = functional.cross_entropy(self.model(images), labels)
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            self.losses.append(loss.detach())
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            images, labels = batch
            scores = self.model(images)
            self.log("val_loss", functional.cross_entropy(scores, labels))
            self.log("val_accuracy", (scores.argmax(1) == labels).double().mean())

        def configure_optimizers(self) -> Any:
            optimizer = engine.optim.Adam(self.parameters(), lr=mlp.LEARNING_RATE)
            return [optimizer], [engine.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)]

    return LitModel


def data_module(engine: Any) -> Any:
    """The class of its data: the first images for training, in random order, the next for validation."""
    data = engine.utils.data

    class Data(lightning_of(engine).LightningDataModule):  # type: ignore[misc, name-defined]
        """Images (N, 784) float64, labels (N,) int64."""

        def __init__(self, arrays: ImageArrays) -> None:
            super().__init__()
            self.arrays = arrays

        def setup(self, stage: str) -> None:
            images = engine.from_numpy(self.arrays.train_images).flatten(1).double()
            labels = engine.from_numpy(self.arrays.train_labels)
            end = TRAINED + VALIDATED
            self.training = data.TensorDataset(images[:TRAINED], labels[:TRAINED])
            self.validation = data.TensorDataset(images[TRAINED:end], labels[TRAINED:end])

        def train_dataloader(self) -> Any:
            return data.DataLoader(self.training, batch_size=BATCH_SIZE, shuffle=True)

        def val_dataloader(self) -> Any:
            return data.DataLoader(self.validation, batch_size=BATCH_SIZE)

    return Data


def noting(engine: Any, noted: list[str]) -> Any:
    """A callback that notes the hooks that it is called by, and at what step."""

    def hook(name: str) -> Callable[..., None]:
        return lambda callback, trainer, *arguments, **options: noted.append(f"{name} at step {trainer.global_step}")

    return type("Noting", (lightning_of(engine).Callback,), {name: hook(name) for name in NOTED})()


@dataclass(frozen=True)
class Fitted:
    """What an engine's Trainer leaves."""

    hooks: list[str]
    losses: Any
    logged: dict[str, Any]
    weights: dict[str, Any]


def fitted(engine: Any, settings: Settings, arrays: ImageArrays) -> Fitted:
    """The module fitted by an engine's Trainer."""
    from torch_impl.lit_run import quiet  # as above

    pl = lightning_of(engine)
    hooks: list[str] = []
    engine.manual_seed(settings.seed)
    model = lit_model(engine)(HIDDEN_SIZE)
    with quiet(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*does not have many workers")
        trainer = pl.Trainer(accelerator="cpu", callbacks=[noting(engine, hooks)], **FITTED)
        trainer.fit(model, data_module(engine)(arrays))
    logged = {name: trainer.callback_metrics[name] for name in sorted(trainer.callback_metrics)}
    return Fitted(hooks, engine.stack(model.losses), logged, model.state_dict())


def compare_order(subject: str, ours: list[str], theirs: list[str]) -> Comparison:
    """The same names in the same order."""
    for number, (our_name, their_name) in enumerate(zip_longest(ours, theirs, fillvalue="nothing")):
        if our_name != their_name:
            return failed(subject, "exact", f"number {number} is {our_name}, theirs {their_name}")
    return Comparison(subject, len(ours), 0.0, 0.0, "exact", True)


def compare_engines(report: Report, settings: Settings) -> None:
    """Rows for the module on both engines."""
    arrays = load_arrays(settings.data, settings.data_root)
    ours, theirs = fitted(settings.engine, settings, arrays), fitted(torch, settings, arrays)
    tolerance = "training float64"
    report.add("both engines: hooks", [compare_order("the order of hooks", ours.hooks, theirs.hooks)])
    report.add("both engines: losses", [compare_values("loss of each batch", ours.losses, theirs.losses, tolerance)])
    names = compare_order("the names of what is logged", list(ours.logged), list(theirs.logged))
    metrics = []
    for name, value in ours.logged.items():
        if name in theirs.logged:
            metrics.append(compare_values(f"metric, {name}", value, theirs.logged[name], tolerance))
    report.add("both engines: metrics", [*metrics, names])
    weights = by_name("weight", ours.weights.items(), theirs.weights.items(), tolerance)
    report.add("both engines: weights", weights)


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
    """Compare the engines, then the two loops: weights, optimizer, rates, where the loader is, what was measured."""
    report = settings.report("lightning")
    with report.trying("both engines"):
        compare_engines(report, settings)
    for title, options in RUNS.items():
        data = settings.data if options.model == "neural-net" else "digits"
        with report.trying(title):
            compare_runs(report, title, replace(options, data=data, seed=settings.seed), settings)
    return report
