"""A whole run by the plain loop: build or resume, epoch after epoch, logs on the way, the test at the end.

What its checkpoints hold is in ``state.py``.
"""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.utils.data import Dataset

from torch_impl.batch_norm import check_batch_size
from torch_impl.checkpoint import check_writable, save_weights
from torch_impl.data import Augmentation, ImageData, Loader, load_data, make_loader
from torch_impl.distributed import (
    distribute,
    full_state,
    is_main_process,
    rank,
    restarted,
    sum_over_processes,
    sync_buffers,
    unwrap,
    wait_for_main_process,
    whole,
    world_size,
)
from torch_impl.folder import check_start, locked
from torch_impl.networks import build_model
from torch_impl.optimization import build_optimizer, build_scheduler
from torch_impl.options import OptionError, TrainingOptions
from torch_impl.pretrained import load_pretrained
from torch_impl.progress import LOG_EVERY, Speedometer, TrainingProgress
from torch_impl.reporting import TensorBoard, write_metrics
from torch_impl.results import write_results
from torch_impl.seeds import be_deterministic, seed_everything
from torch_impl.soundness import TrainingError, Watch, WatchedTally
from torch_impl.state import Place, RunState, best_epoch
from torch_impl.training import DTYPES, MOST_SEEN, Step, Tally, evaluate, train

__all__ = ["Place", "Run", "TrainingError", "test_loader"]

TEST_BATCH_SIZE = 1000  # the same wherever images are judged: another one may round scores differently
SMALL = 3 * 32 * 32  # numbers in an image of which so many fit into memory


class Run(RunState):
    """One run. ``Run(options, place).run()`` is all of it.

    Raises:
        CheckpointError, DataError, OptionError, TrainingError: what it says, before anything is written, or with the
            checkpoints of the epochs before left as they are.
    """

    def __init__(self, options: TrainingOptions, place: Place) -> None:
        options.check()
        check_place(options, place)
        if is_main_process():
            check_folder(place)
            check_writable(place.out)
        with wait_for_main_process():
            data = load_data(options, place.data_root)
        check_batches(options, data, world_size())
        be_deterministic(options.deterministic)
        seed_everything(options.seed)
        network = build_network(options, data, place.resume)
        if rank():  # one seed gave all the same weights, from here on each draws its own numbers
            seed_everything((options.seed + rank()) % 2**32)
        model = distribute(network, place.strategy, place.device, DTYPES[options.precision])
        loader = training_loader(data, options, place)
        optimizer = build_optimizer(options, model)
        scheduler = build_scheduler(options, optimizer, options.epochs * loader.steps)
        scaler = GradScaler(place.device.type, enabled=options.precision == "fp16")
        super().__init__(options, place, data, model, optimizer, scheduler, scaler, loader)
        self.validation = None if data.validation is None else test_loader(data.validation, options, place)
        self.test = test_loader(data.test, options, place)
        self.watch = Watch(model, options, loader.steps, place.device)
        self.tally: Tally = WatchedTally(place.device, self.look)
        self.lr = options.lr  # of the latest step
        self.images, self.seconds = 0, 0.0  # trained on since the start, and how long
        self.speed = Speedometer()
        self.progress = TrainingProgress(options.epochs, loader.steps, quiet=not is_main_process())

    def run(self) -> Tally:
        """Train, write, and judge by the test images. Nobody else's run writes there meanwhile."""
        with locked(self.place.out) if is_main_process() else nullcontext():
            if is_main_process():
                check_folder(self.place)
            line, complaint = self.begin()
            if complaint:
                self.progress.complain(complaint)
            self.progress.say(line)
            try:
                with self.open_log() as self.log, self.progress:
                    if not self.through:
                        self.progress.begin(self.place.device, self.model, self.loader.count, self.step)
                    self.train_epochs()
                if self.place.figures:
                    self.draw(self.judged_network, self.test)
                self.progress.say(self.judging())
                tested = evaluate(self.judged_network, self.test, self.options.precision)
                weights = self.judged_weights()
                if is_main_process():
                    save_weights(self.place.out, weights)
                    self.write_results(tested)
                return tested
            except KeyboardInterrupt as interruption:
                raise type(interruption)(self.interrupted()) from interruption

    def judged_weights(self) -> dict[str, Any]:
        """Those that are judged. All processes must call it, in the main one they are whole."""
        if self.average is not None:
            return self.average.module.state_dict()
        return full_state(self.model, self.optimizer)[0]

    def open_log(self) -> AbstractContextManager[Any]:
        """TensorBoard's log, or None in its place."""
        writes = self.place.tensorboard and is_main_process()
        return closing(TensorBoard(self.place.out, self.step)) if writes else nullcontext()

    def train_epochs(self) -> None:
        """All epochs that are left, or fewer where none is better for too long."""
        while not self.through:
            self.train_epoch()
            if self.epoch < self.options.epochs and self.out_of_patience():
                self.progress.say(self.stopped_early())

    def look(self, losses: Tensor) -> None:
        """Have the losses, and the gradients of the step that is under way, looked at."""
        self.watch.look(self.step + 1, losses)

    def tally_state(self) -> list[float]:
        return self.tally.over_processes().state()

    def load_tally(self, state: list[float]) -> None:
        self.tally.load_state(state)

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
            clip_norm=self.options.clip_norm or (math.inf if self.place.tensorboard else 0.0),
            label_smoothing=self.options.label_smoothing,
            tally=self.tally,
            on_step=self.on_step,
        )
        sync_buffers(unwrap(self.model))
        if self.average is not None:
            sync_buffers(self.average.module)
        trained = self.tally.over_processes()
        self.seconds += time.perf_counter() - started
        judged = None
        if self.validation is not None:
            judged = evaluate(self.judged_network, self.validation, self.options.precision)
        self.history.append(self.row(trained, judged))
        self.tally = WatchedTally(self.place.device, self.look)
        self.save(best=best_epoch(self.history) == self.epoch)
        if is_main_process():
            write_metrics(self.place.out, self.history)
            if self.log is not None:
                self.log.epoch(self.history[-1])
        self.progress.end_epoch(self.history[-1])

    def on_step(self, tally: Tally, done: Step) -> None:
        """What is done between steps: show, log, save."""
        self.step += 1
        if self.average is not None:
            self.average.update_parameters(unwrap(self.model))
        self.lr = done.lr
        step = self.loader.done // self.loader.pieces
        self.speed.add(self.loader.step_size(step))
        self.images += self.loader.step_size(step)
        self.progress.move(self.epoch + 1, step)
        shows = step % LOG_EVERY == 0 or step == self.loader.steps
        saves = self.place.save_every and self.step % self.place.save_every == 0 and step < self.loader.steps
        if shows or saves:
            self.watch.check()
        if shows:
            speed, loss = self.speed.read(), sum_over_processes(done.loss.clone())
            self.progress.show(self.epoch + 1, step, tally.over_processes(), loss, speed)
            norm = None if done.gradient_norm is None else whole(done.gradient_norm).item()
            if self.log is not None:
                self.log.step(self.step, loss.item(), done.lr, norm, speed)
        if saves:
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


def build_network(options: TrainingOptions, data: ImageData, resume: bool = False) -> nn.Module:
    """The network as a run trains it, on the CPU; one that is resumed does not ask for pretrained weights."""
    network = build_model(options, data.image_shape, len(data.class_names))
    if options.weights and not resume:
        load_pretrained(network, options.weights)
    if options.sync_bn:
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    if options.channels_last:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if options.compile:
        network.compile()
    return network


def check_place(options: TrainingOptions, place: Place) -> None:
    """Raise OptionError if the training cannot take place there."""
    if options.ema and place.strategy != "ddp":
        raise OptionError(f"--ema does not go with --strategy {place.strategy}, which splits the weights: use ddp")
    if options.channels_last and place.strategy != "ddp":
        raise OptionError(
            f"--channels-last does not go with --strategy {place.strategy}: PyTorch cannot split such weights"
        )
    if options.sync_bn and place.device.type == "cpu":
        raise OptionError("--sync-bn needs GPUs: PyTorch's SyncBatchNorm does not work on the CPU")


def check_folder(place: Place) -> None:
    """Raise CheckpointError unless the run may begin in its folder; what torchrun starts anew goes on there anyway."""
    if not restarted():
        check_start(place.out, place.resume, place.overwrite)


def check_batches(options: TrainingOptions, data: ImageData, processes: int) -> None:
    """Raise OptionError if a step of so many processes has too few images for the network's batch normalisation."""
    classes, count = len(data.class_names), len(data.training)  # type: ignore[arg-type]
    check_batch_size(
        lambda: build_model(options, data.image_shape, classes),
        data.image_shape,
        count,
        options.batch_size,
        processes * options.accumulate,
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
        TEST_BATCH_SIZE if images[0][0].numel() <= SMALL else options.batch_size,
        place.device,
        place.workers,
        rank=rank(),
        world_size=world_size(),
        channels_last=options.channels_last,
    )
