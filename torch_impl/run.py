"""A whole run: build or resume, epoch after epoch, checkpoints and logs on the way, the test at the end."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.amp import GradScaler
from torch.utils.data import Dataset, TensorDataset

from torch_impl.checking import Misfit, check_network, check_run
from torch_impl.checkpoint import LAST, CheckpointError, check_writable, load_latest, options_of, save_checkpoint
from torch_impl.data import Augmentation, ImageData, Loader, load_data, make_loader
from torch_impl.distributed import (
    broadcast,
    distribute,
    full_state,
    gather,
    is_main_process,
    load_full_state,
    rank,
    restarted,
    sum_over_processes,
    sync_buffers,
    unwrap,
    wait_for_main_process,
    world_size,
)
from torch_impl.networks import build_model
from torch_impl.optimization import build_optimizer, build_scheduler
from torch_impl.options import OptionError, TrainingOptions, flag
from torch_impl.progress import LOG_EVERY, Speedometer, TrainingProgress
from torch_impl.reporting import COLUMNS, TensorBoard, predict, write_figures, write_metrics
from torch_impl.results import write_results
from torch_impl.seeds import be_deterministic, load_random_states, random_states, seed_everything
from torch_impl.training import MOST_SEEN, Step, Tally, evaluate, train

__all__ = ["Place", "Run", "TrainingError", "test_loader"]

TEST_BATCH_SIZE = 1000  # the same wherever images are judged: another one may round scores differently


class TrainingError(RuntimeError):
    """A training that cannot go on; the message is one sentence."""


@dataclass(frozen=True)
class Place:
    """Where and how a run takes place, which may change from one start of it to the next.

    Attributes:
        device: of this process.
        out: the folder that everything is written to.
        data_root: the folder of the data sets, None for the default.
        resume: whether to go on from the checkpoint in ``out``, if there is one.
        strategy: how several processes share the network: one of ``torch_impl.distributed.STRATEGIES``.
        workers: processes that read images from a folder, None for as many as the machine can use.
        save_every: a checkpoint is written after this many steps too; 0 writes at the end of each epoch only.
        tensorboard: whether TensorBoard's log is written.
        figures: whether curves, confusion matrix and worst mistakes are drawn.
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


class Run:
    """One run. ``Run(options, place).run()`` is all of it.

    Raises:
        CheckpointError, DataError, OptionError, TrainingError: what it says, before anything is written, or with the
            checkpoints of the epochs before left as they are.
    """

    def __init__(self, options: TrainingOptions, place: Place) -> None:
        options.check()
        self.options, self.place = options, place
        if is_main_process():
            check_writable(place.out)
        with wait_for_main_process():
            self.data = load_data(options, place.data_root)
        be_deterministic(options.deterministic)
        seed_everything(options.seed)
        model = build_model(options, self.data.image_shape, len(self.data.class_names))
        if options.channels_last:
            model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if options.compile:
            model.compile()
        if rank():  # one seed gave all the same weights, from here on each draws its own numbers
            seed_everything((options.seed + rank()) % 2**32)
        self.model = distribute(model, place.strategy, place.device)
        self.loader = training_loader(self.data, options, place)
        kept_out = self.data.validation
        self.validation = None if kept_out is None else test_loader(kept_out, options, place)
        self.test = test_loader(self.data.test, options, place)
        self.optimizer = build_optimizer(options, self.model)
        self.scheduler = build_scheduler(options, self.optimizer, options.epochs * self.loader.steps)
        self.scaler = GradScaler(place.device.type, enabled=options.precision == "fp16")
        self.tally = Tally(place.device)
        self.history: list[dict[str, Any]] = []  # a row an epoch, with the columns of ``reporting.COLUMNS``
        self.step = 0
        self.lr = options.lr  # of the latest step
        self.images, self.seconds = 0, 0.0  # trained on since the start, and how long
        self.speed = Speedometer()
        self.progress = TrainingProgress(options.epochs, self.loader.steps, quiet=not is_main_process())

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.history)

    def run(self) -> Tally:
        """Train, write, and judge by the test images."""
        if self.place.resume or restarted():
            self.resume()
        writes = self.place.tensorboard and is_main_process()
        self.log = TensorBoard(self.place.out, self.step) if writes else None
        with self.progress:
            while self.epoch < self.options.epochs and not out_of_patience(self.history, self.options):
                self.train_epoch()
        if self.log is not None:
            self.log.close()
        if self.place.figures:
            self.draw()
        tested = evaluate(self.model, self.test, self.options.precision)
        if is_main_process():
            self.write_results(tested)
        return tested

    def train_epoch(self) -> None:
        """One epoch, or what is left of it, judged and written down."""
        self.speed.read()
        started = time.perf_counter()
        train(
            self.model,
            self.loader,
            self.optimizer,
            self.scheduler,
            self.scaler,
            precision=self.options.precision,
            accumulate=self.options.accumulate,
            clip_norm=self.options.clip_norm,
            label_smoothing=self.options.label_smoothing,
            tally=self.tally,
            on_step=self.on_step,
        )
        sync_buffers(unwrap(self.model))
        trained = self.tally.over_processes()
        loss = trained.loss  # which waits for the device
        self.seconds += time.perf_counter() - started
        if not math.isfinite(loss):
            raise TrainingError(f"the loss of epoch {self.epoch + 1} is {loss}: lower --lr, or try --clip-norm 1")
        judged = None
        if self.validation is not None:
            judged = evaluate(self.model, self.validation, self.options.precision)
        self.history.append(self.row(trained, judged))
        self.tally = Tally(self.place.device)
        self.save(best=best_epoch(self.history) == self.epoch)
        if is_main_process():
            write_metrics(self.place.out, self.history)
            if self.log is not None:
                self.log.epoch(self.history[-1])
        if judged is not None:
            self.progress.say(f"Validation: Loss: {judged.loss:.4f}, Accuracy: {judged.accuracy:.2f} %")

    def on_step(self, tally: Tally, done: Step) -> None:
        """What is done between steps: show, log, save."""
        self.step += 1
        self.lr = done.lr
        step = self.loader.done // self.loader.pieces
        self.speed.add(self.loader.step_size(step))
        self.images += self.loader.step_size(step)
        self.progress.move(self.epoch + 1, step)
        if step % LOG_EVERY == 0 or step == self.loader.steps:
            speed, loss = self.speed.read(), sum_over_processes(done.loss.clone())
            self.progress.show(self.epoch + 1, step, tally.over_processes(), loss, speed)
            if self.log is not None:
                self.log.step(self.step, loss.item(), done.lr, speed)
        if self.place.save_every and self.step % self.place.save_every == 0 and step < self.loader.steps:
            self.save(best=False)

    def row(self, trained: Tally, judged: Tally | None) -> dict[str, Any]:
        """One epoch as a row of ``metrics.csv``."""
        return {
            "epoch": self.epoch + 1,
            "step": self.step,
            "lr": self.lr,
            "loss": trained.loss,
            "smoothed_loss": trained.objective if self.options.label_smoothing else None,
            "accuracy": trained.accuracy,
            "validation_loss": None if judged is None else judged.loss,
            "validation_accuracy": None if judged is None else judged.accuracy,
        }

    def save(self, best: bool) -> None:
        """Write a checkpoint. All processes take part, the main one writes."""
        content = self.content()
        if is_main_process():
            save_checkpoint(self.place.out, content, best)

    def content(self) -> dict[str, Any]:
        """What a checkpoint written now holds. All processes must call it, in the main one it is whole."""
        model, optimizer = full_state(self.model, self.optimizer)
        states = gather(random_states())
        tally = self.tally.over_processes().state()
        return {
            "options": self.options.as_dict(),
            "image_shape": list(self.data.image_shape),
            "class_names": list(self.data.class_names),
            "epoch": self.epoch,
            "step": self.step,
            "model": model,
            "optimizer": optimizer,
            "scheduler": self.scheduler.state_dict(),
            "scaler": self.scaler.state_dict(),
            "loader": self.loader.state_dict(),
            "tally": tally,
            "random_states": states,
            "history": self.history,
        }

    def resume(self) -> None:
        """Go on from the latest checkpoint that can be read, if there is one. The main process reads it for all.

        Raises:
            CheckpointError: none of those there can be read, or it is not of this run in every part.
        """
        found = load_latest(self.place.out) if is_main_process() else None
        content, complaint = broadcast(found)
        if complaint:
            self.progress.complain(complaint)
        if content is None:
            return
        self.check_same_run(content)
        self.check_every_part(content)
        load_full_state(self.model, self.optimizer, content["model"], content["optimizer"])
        self.scheduler.load_state_dict(content["scheduler"])
        self.scaler.load_state_dict(content["scaler"])
        self.loader.load_state_dict(content["loader"])
        self.history, self.step = content["history"], content["step"]
        if is_main_process():
            self.tally.load_state(content["tally"])
            write_metrics(self.place.out, self.history)  # the run may have died before it could
        if rank() < len(content["random_states"]):
            load_random_states(content["random_states"][rank()])

    def check_same_run(self, content: dict[str, Any]) -> None:
        """Raise CheckpointError if the checkpoint is of a run with other options, or of other images."""
        path = self.place.out / LAST
        check_same_options(self.options, options_of(content, path), path)
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

    def write_results(self, tested: Tally) -> None:
        """``results.json``."""
        top5 = tested.top5_accuracy if len(self.data.class_names) > MOST_SEEN else None
        write_results(
            self.place.out,
            self.options,
            self.model,
            self.place.device,
            tested={"loss": tested.loss, "accuracy": tested.accuracy, "top5_accuracy": top5},
            trainer="plain",
            epochs=self.epoch,
            images=self.images,
            seconds=self.seconds,
        )

    def draw(self) -> None:
        """The figures, of the network as it is at the end. All processes take part, the main one draws."""
        found = predict(self.model, self.test, self.options.precision)
        if found is not None:
            write_figures(self.place.out, self.history, found, self.data.test, self.data.class_names)


def check_same_options(options: TrainingOptions, saved: TrainingOptions, path: Path) -> None:
    """Raise CheckpointError if a run with ``options`` would not be the one that left the checkpoint at ``path``."""
    for name in options.differences(saved):
        raise CheckpointError(
            f"{path} is of a run with {flag(name)} {getattr(saved, name)}, not {getattr(options, name)}: "
            "give the same options as then, or another --out"
        )


def training_loader(data: ImageData, options: TrainingOptions, place: Place) -> Loader:
    """The shuffled and perhaps augmented training images, this process's share of them.

    Raises:
        OptionError: there are fewer images than pieces that a step is to be computed in.
    """
    count = len(data.training)  # type: ignore[arg-type]
    if options.accumulate > count:
        raise OptionError(f"--accumulate {options.accumulate} cannot cut a step: there are {count} training images")
    return make_loader(
        data.training,
        options.batch_size,
        place.device,
        place.workers,
        generator=torch.Generator().manual_seed(options.seed),
        pieces=options.accumulate,
        augmentation=Augmentation(data.mirrored) if options.augment else None,
        rank=rank(),
        world_size=world_size(),
        channels_last=options.channels_last,
    )


def test_loader(images: Dataset[Any], options: TrainingOptions, place: Place) -> Loader:
    """Images to judge by, in their order, this process's share of them."""
    return make_loader(
        images,
        TEST_BATCH_SIZE if isinstance(images, TensorDataset) else options.batch_size,
        place.device,
        place.workers,
        rank=rank(),
        world_size=world_size(),
        channels_last=options.channels_last,
    )


def out_of_patience(history: list[dict[str, Any]], options: TrainingOptions) -> bool:
    """Whether too many epochs have gone by without a better one."""
    return 0 < options.patience <= len(history) - best_epoch(history)


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
