"""What a run is between two steps: what its checkpoints hold, whichever trainer writes them and goes on from them.

The plain loop's run is in ``run.py``, Lightning's in ``lit_run.py``; both are a :class:`RunState`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from torch_impl.checking import Misfit, check_network, check_run
from torch_impl.checkpoint import BEST, LAST, CheckpointError, load_latest, options_of, save_checkpoint
from torch_impl.data import ImageData, Loader
from torch_impl.distributed import (
    broadcast,
    full_state,
    gather,
    is_main_process,
    load_full_state,
    load_weights,
    rank,
    restarted,
    unwrap,
)
from torch_impl.folder import clear
from torch_impl.optimization import build_average
from torch_impl.options import TrainingOptions, flag
from torch_impl.reporting import COLUMNS, predict, write_figures, write_metrics
from torch_impl.seeds import load_random_states, random_states
from torch_impl.soundness import TrainingError, advice, unsound_part

__all__ = ["Place", "RunState", "best_epoch"]


@dataclass(frozen=True)
class Place:
    """Where and how a run takes place, which may change from one start of it to the next.

    Attributes:
        device: of this process.
        out: the folder that everything is written to.
        data_root: the folder of the data sets, None for the default.
        resume: whether to go on from the checkpoint in ``out``.
        strategy: how several processes share the network: one of ``torch_impl.distributed.STRATEGIES``.
        workers: processes that read images from a folder, None for as many as the machine can use.
        save_every: a checkpoint is written after this many steps too; 0 writes at the end of each epoch only.
        tensorboard: whether TensorBoard's log is written.
        figures: whether curves, confusion matrix and worst mistakes are drawn.
        overwrite: whether a run in ``out`` is removed for this one.
    """

    device: torch.device
    out: Path
    data_root: Path | None = None
    resume: bool = False
    strategy: str = "ddp"
    workers: int | None = None
    save_every: int = 0
    tensorboard: bool = False
    figures: bool = True
    overwrite: bool = False


class RunState:
    """All that a run goes on from, and its way into checkpoints and back.

    Args:
        options, place: of the run.
        data: its images.
        model, optimizer, scheduler, scaler: which it trains with, on their device.
        loader: of the training images.

    Attributes:
        average: the moving average of the weights, None where there is none.
        history: a row an epoch, with the columns of ``reporting.COLUMNS``.
        step: optimizer steps done.
        saved_step: those of the latest checkpoint, None where there is none.
    """

    def __init__(
        self,
        options: TrainingOptions,
        place: Place,
        data: ImageData,
        model: nn.Module,
        optimizer: Optimizer,
        scheduler: LRScheduler,
        scaler: GradScaler,
        loader: Loader,
    ) -> None:
        self.options, self.place, self.data = options, place, data
        self.model, self.optimizer, self.scheduler, self.scaler = model, optimizer, scheduler, scaler
        self.loader = loader
        self.average = build_average(options, unwrap(model))
        self.history: list[dict[str, Any]] = []
        self.step = 0
        self.saved_step: int | None = None

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.history)

    @property
    def judged_network(self) -> nn.Module:
        """The network that is judged: that of the averaged weights, if there are any."""
        return self.model if self.average is None else self.average.module

    def tally_state(self) -> list[float]:
        """What the epoch that is under way has added up, over all processes. Subclasses know."""
        raise NotImplementedError

    def load_tally(self, state: list[float]) -> None:
        """Go on from what :meth:`tally_state` gave. The main process alone is called."""
        raise NotImplementedError

    def begin(self) -> tuple[str, str]:
        """Go on from the latest checkpoint, or remove the run that is to be overwritten. All processes must call it.

        Returns:
            A line that says where the run is, and a complaint of a checkpoint that is of no use, or "".

        Raises:
            CheckpointError: no checkpoint can be read, or it is not of this run in every part.
        """
        complaint = ""
        if self.place.resume or restarted():
            complaint = self.resume()
        elif self.place.overwrite and is_main_process():
            clear(self.place.out)
        return self.beginning(), complaint

    def beginning(self) -> str:
        """A line: what the run begins with."""
        out = self.place.out
        if self.epoch >= self.options.epochs:
            return f"Nothing is left to do: the run in {out} has done {self.epoch} of --epochs {self.options.epochs}"
        if self.out_of_patience():
            return f"Nothing is left to do: the run in {out} has stopped early, after epoch {self.epoch}"
        if self.step == 0:
            return f"Starting a run in {out}: {self.options.epochs} epochs of {self.loader.steps} steps"
        return f"Going on with the run in {out} at {self.where(self.step)}"

    def stopped_early(self) -> str:
        """A line: why the run ends before its last epoch."""
        best = best_epoch(self.history)
        return (
            f"Stopped early after epoch {self.epoch}: the best is epoch {best}, whose validation accuracy is "
            f"{self.history[best - 1]['validation_accuracy']:.2f} %, in {self.place.out / BEST}"
        )

    def interrupted(self) -> str:
        """A line: how to go on with a run that was stopped from outside."""
        if self.through:
            return f"interrupted after the last epoch: --resume judges the run in {self.place.out}"
        if self.saved_step is None:
            return "interrupted before the first checkpoint: start again, perhaps with --save-every"
        return f"interrupted: --resume goes on with the run in {self.place.out} at {self.where(self.saved_step)}"

    def judging(self) -> str:
        """A line: which checkpoint has the weights that are judged."""
        best = best_epoch(self.history)
        better = "" if best == self.epoch else f"; the best is epoch {best}, in {self.place.out / BEST}"
        return f"Judging {self.place.out / LAST}, epoch {self.epoch}{better}"

    def where(self, step: int) -> str:
        """Which step comes after ``step``."""
        epoch, done = divmod(step, self.loader.steps)
        return f"epoch {epoch + 1}, step {done + 1} of {self.loader.steps}"

    @property
    def through(self) -> bool:
        """Whether no epoch is left."""
        return self.epoch >= self.options.epochs or self.out_of_patience()

    def out_of_patience(self) -> bool:
        """Whether too many epochs have gone by without a better one."""
        patience = self.options.patience
        return 0 < patience <= self.epoch - best_epoch(self.history)

    def save(self, best: bool) -> None:
        """Write a checkpoint. All processes take part, the main one writes.

        Raises:
            TrainingError: a part of it is not finite; the checkpoints before it stay.
            CheckpointError: it cannot be written.
        """
        content, failure = self.content(), None
        if is_main_process():
            try:
                unsound = unsound_part(content)
                if unsound:
                    raise TrainingError(f"after step {self.step} {unsound}: {advice(self.options)}")
                save_checkpoint(self.place.out, content, best)
            except (TrainingError, CheckpointError) as error:
                failure = error
        failure = broadcast(failure)  # the others would wait for the main process
        if failure is not None:
            raise failure
        self.saved_step = self.step

    def content(self) -> dict[str, Any]:
        """What a checkpoint written now holds. All processes must call it, in the main one it is whole."""
        model, optimizer = full_state(self.model, self.optimizer)
        return {
            "options": self.options.as_dict(),
            "image_shape": list(self.data.image_shape),
            "class_names": list(self.data.class_names),
            "epoch": self.epoch,
            "step": self.step,
            "model": model,
            "average": {} if self.average is None else on_cpu(self.average.module.state_dict()),
            "optimizer": optimizer,
            "scheduler": self.scheduler.state_dict(),
            "scaler": self.scaler.state_dict(),
            "loader": self.loader.state_dict(),
            "tally": self.tally_state(),
            "random_states": gather(random_states()),
            "history": self.history,
        }

    def resume(self) -> str:
        """Go on from the latest checkpoint that can be read, if there is one. The main process reads it for all.

        Returns:
            Why a later one cannot be read, or "".

        Raises:
            CheckpointError: none of those there can be read, or it is not of this run in every part.
        """
        whole, complaint = load_latest(self.place.out) if is_main_process() else (None, "")
        told, complaint = broadcast((whole and {**whole, "model": {}, "average": {}, "optimizer": {}}, complaint))
        if told is None:
            return str(complaint)
        content = whole or told  # the tensors, which are large, follow one by one
        self.check_same_run(content)
        self.check_every_part(content)
        load_full_state(self.model, self.optimizer, content["model"], content["optimizer"])
        if self.average is not None:
            load_weights(self.average.module, content["average"])
            self.average.n_averaged.fill_(content["step"])
        self.scheduler.load_state_dict(content["scheduler"])
        self.scaler.load_state_dict(content["scaler"])
        self.loader.load_state_dict(content["loader"])
        self.history, self.step = content["history"], content["step"]
        self.saved_step = self.step
        if is_main_process():
            self.load_tally(content["tally"])
            write_metrics(self.place.out, self.history)  # the run may have died before it could
        if rank() < len(content["random_states"]):
            load_random_states(content["random_states"][rank()])
        return str(complaint)

    def draw(self, network: nn.Module, test: Loader) -> None:
        """The figures, of a network on the test images. All processes take part, the main one draws."""
        found = predict(network, test, self.options.precision)
        if found is not None:
            write_figures(self.place.out, self.history, found, self.data.test, self.data.class_names)

    def check_same_run(self, content: dict[str, Any]) -> None:
        """Raise CheckpointError if the checkpoint is of a run with other options, or of other images."""
        path = self.place.out / LAST
        saved = options_of(content, path)
        for name in self.options.differences(saved):
            raise CheckpointError(
                f"{path} is of a run with {flag(name)} {getattr(saved, name)}, not {getattr(self.options, name)}: "
                "give the same options as then, or another --out"
            )
        shape, names = tuple(content["image_shape"]), tuple(content["class_names"])
        if (shape, names) != (self.data.image_shape, self.data.class_names):
            raise CheckpointError(f"{path} is of a run with other images: choose another --out")

    def check_every_part(self, content: dict[str, Any]) -> None:
        """Raise CheckpointError if this run cannot go on from the content. All processes must call it."""
        fresh, complaint = self.content(), ""
        if is_main_process():
            try:
                check_network(content, self.options)
                check_run(content, fresh, self.options, self.loader, COLUMNS)
            except Misfit as error:
                complaint = f"cannot go on from the checkpoint in {self.place.out}: {error}"
        complaint = broadcast(complaint)
        if complaint:
            raise CheckpointError(complaint)


def on_cpu(state: dict[str, Any]) -> dict[str, Any]:
    """Copies of weights, on the CPU."""
    return {name: value.detach().to("cpu", copy=True) for name, value in state.items()}


def best_epoch(history: list[dict[str, Any]]) -> int:
    """The epoch, from 1, with the highest accuracy, and at a tie with the lowest loss; 0 of none.

    On the validation images, where there are any; else on the training images. Never on the test images: they would no
    longer be a test.
    """
    best, best_score = 0, (-math.inf, 0.0)
    for row in history:
        part = "" if row["validation_loss"] is None else "validation_"
        score = (row[f"{part}accuracy"], -row[f"{part}loss"])
        if score > best_score:
            best, best_score = row["epoch"], score
    return best
