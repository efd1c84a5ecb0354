"""A whole run with Lightning: train, write what the plain loop writes, judge.

Its checkpoints are the plain loop's: each trainer goes on from what the other has left, and so do ``evaluate`` and
``export``. Lightning's own kind of checkpoint is not written.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import typer
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, Checkpoint, Timer
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from torch.amp import GradScaler

from torch_impl.checkpoint import check_writable, save_weights
from torch_impl.data import ImageData
from torch_impl.distributed import is_main_process, sync_buffers
from torch_impl.folder import check_start, locked
from torch_impl.lit import LitModel, MNISTDataModule
from torch_impl.lit_progress import ShowRun
from torch_impl.options import OptionError, TrainingOptions
from torch_impl.reporting import write_metrics
from torch_impl.results import write_results
from torch_impl.run import build_network, check_batches, check_place
from torch_impl.seeds import be_deterministic, seed_everything
from torch_impl.state import Place, RunState, best_epoch
from torch_impl.training import Tally

__all__ = ["SaveRun", "fit"]

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


class LightningRun(RunState):
    """What Lightning's run is between two steps.

    Args:
        trainer: about to begin: network, optimizer and loader are where it computes.
        lit, place, data: of the run.
    """

    def __init__(self, trainer: Trainer, lit: LitModel, place: Place, data: ImageData) -> None:
        scaler = getattr(trainer.precision_plugin, "scaler", None) or GradScaler("cpu", enabled=False)
        scheduler: Any = trainer.lr_scheduler_configs[0].scheduler
        loader: Any = trainer.train_dataloader
        super().__init__(lit.options, place, data, lit.model, trainer.optimizers[0], scheduler, scaler, loader)
        self.lit = lit
        self.loss: Any
        self.accuracy: Any
        self.loss, self.accuracy = lit.metrics_of("training")
        self.objective: Any = lit.training_smoothed_loss if lit.options.label_smoothing else self.loss

    def tally_state(self) -> list[float]:
        # Between two epochs the sums are still those of the one before.
        tally = self.lit.tally() if self.loader.done else Tally(self.lit.device)
        return tally.over_processes().state()

    def load_tally(self, state: list[float]) -> None:
        loss, objective, right, images, _ = state  # of five guesses the test alone tells
        for metric, total in ((self.objective, objective), (self.loss, loss), (self.accuracy, right)):
            metric.total.fill_(total)
            metric.images.fill_(images)

    def images_since(self, step: int) -> int:
        """How many images the steps after ``step`` have had."""
        return sum(self.loader.step_size(1 + each % self.loader.steps) for each in range(step, self.step))

    def carry_on(self, trainer: Trainer) -> None:
        """Have Lightning's loops count from here, in the middle of an epoch too.

        Source: ``lightning.pytorch.loops``, whose progress a checkpoint of Lightning's own would bring.
        """
        self.lit.history = self.history
        epochs: Any = trainer.fit_loop.epoch_progress.current
        epochs.ready = epochs.started = epochs.processed = epochs.completed = self.epoch
        loop = trainer.fit_loop.epoch_loop
        steps = loop.automatic_optimization.optim_progress.optimizer.step.total
        steps.ready = steps.completed = loop._batches_that_stepped = self.step
        if self.loader.done:
            pieces: Any = loop.batch_progress.current
            pieces.ready = pieces.started = pieces.processed = pieces.completed = self.loader.done
            loop.restarting = True  # else it would begin the epoch
        trainer.should_stop = self.out_of_patience()


class SaveRun(Checkpoint):
    """What the plain loop does around its steps: go on from a checkpoint, write some, end where none is better.

    All processes take part, the main one writes. Lightning calls a Checkpoint last, when the epoch is written down.
    """

    def __init__(self, place: Place, images: ImageData) -> None:
        self.place, self.images = place, images
        self.run: LightningRun | None = None
        self.began = 0  # steps that earlier starts of the run have done

    def on_train_start(self, trainer: Trainer, lit: LightningModule) -> None:
        assert isinstance(lit, LitModel)
        self.run = LightningRun(trainer, lit, self.place, self.images)
        line, complaint = self.run.begin()
        self.run.carry_on(trainer)
        self.began = self.run.step
        if complaint:
            tell(complaint, error=True)
        tell(line)

    def on_train_batch_end(
        self, trainer: Trainer, lit: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(lit, LitModel) and self.run is not None
        run, every = self.run, self.place.save_every
        if run.average is not None and lit.global_step > run.step:
            run.average.update_parameters(run.model)
        run.step = lit.global_step
        within = batch_idx + 1 < len(run.loader) and (batch_idx + 1) % run.loader.pieces == 0
        if every and within and run.step % every == 0:
            lit.watch.check()
            run.save(best=False)

    def on_validation_start(self, trainer: Trainer, lit: LightningModule) -> None:
        assert self.run is not None
        if self.run.average is not None:  # Lightning has put lit.model into evaluation mode already
            sync_buffers(self.run.average.module)
            lit.model = self.run.average.module.eval()

    def on_validation_end(self, trainer: Trainer, lit: LightningModule) -> None:
        assert self.run is not None
        lit.model = self.run.model

    def on_train_epoch_end(self, trainer: Trainer, lit: LightningModule) -> None:
        assert self.run is not None
        run = self.run
        run.save(best=best_epoch(run.history) == run.epoch)
        if is_main_process():
            write_metrics(self.place.out, run.history)
        if run.epoch < run.options.epochs and run.out_of_patience():
            tell(run.stopped_early())
            trainer.should_stop = True


def tell(line: str, error: bool = False) -> None:
    """A line of the main process, about what went wrong on stderr."""
    if is_main_process():
        typer.echo(f"torch_impl: {line}" if error else line, err=error)


def fit(options: TrainingOptions, place: Place, devices: int = 1) -> tuple[int, float]:
    """A whole run with Lightning: train, write, and judge by the test images.

    Args:
        options, place: as for ``run.Run``.
        devices: how many processes, each with a share of the CPU or a GPU of its own. Lightning starts them by running
            the command again, not torchrun.

    Returns:
        How many test images there are, and the accuracy on them, in percent.

    Raises:
        CheckpointError, DataError, OptionError, TrainingError: as ``run.Run``.

    Source: https://lightning.ai/docs/pytorch/stable/common/trainer.html
    """
    options.check()
    check_place(options, place)
    begins = "LOCAL_RANK" not in os.environ  # Lightning gives a number to those that it begins
    if begins:
        check_start(place.out, place.resume, place.overwrite)
        check_writable(place.out)
    data = MNISTDataModule(options, place)
    data.setup()
    check_batches(options, data.images, devices)
    seed_everything(options.seed)
    be_deterministic(options.deterministic)
    network = build_network(options, data.images, place.resume)
    steps = options.epochs * -(-len(data.images.training) // options.batch_size)  # type: ignore[arg-type]
    lit = LitModel(network, options, steps)
    saving = SaveRun(place, data.images)
    with locked(place.out) if begins else nullcontext():
        try:
            with quiet():
                timer = Timer()
                trainer = build_trainer(options, place, saving, devices, timer)
                trainer.fit(lit, data)
                if saving.run is not None:
                    tell(saving.run.judging())
                    lit.model = saving.run.judged_network
                (results,) = trainer.test(lit, data, verbose=False)
            if place.figures and saving.run is not None:
                saving.run.draw(lit.model.to(data.here().device), data.test_dataloader())
        except SystemExit as end:  # Lightning's own answer to Ctrl-C
            if not isinstance(end.__context__, KeyboardInterrupt):
                raise
            sentence = () if saving.run is None else (saving.run.interrupted(),)
            raise type(end.__context__)(*sentence) from None
        except MisconfigurationException as error:
            raise OptionError(f"Lightning refuses: {str(error).splitlines()[0]}") from error
    accuracy = 100 * results["test_accuracy"]
    if is_main_process() and saving.run is not None:
        save_weights(place.out, lit.model.state_dict())
        top5 = results.get("test_top5_accuracy")
        write_results(
            place.out,
            options,
            lit.model,
            lit.device,
            tested={
                "loss": results["test_loss"],
                "accuracy": accuracy,
                "top5_accuracy": None if top5 is None else 100 * top5,
            },
            trainer="lightning",
            epochs=len(lit.history),
            images=saving.run.images_since(saving.began),
            seconds=timer.time_elapsed("train") - timer.time_elapsed("validate"),
        )
    return len(data.images.test), accuracy  # type: ignore[arg-type]


@contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's advertisement and its list of devices, and a warning of PyTorch's about Lightning's code."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
        try:
            yield
        finally:
            logger.setLevel(level)


def build_trainer(options: TrainingOptions, place: Place, saving: SaveRun, devices: int, *others: Callback) -> Trainer:
    """Lightning's trainer for the options, with its callbacks and others.

    Raises:
        OptionError: Lightning cannot do on this device what the plain loop can.
    """
    device = place.device
    if place.strategy != "ddp":
        raise OptionError(f"--strategy {place.strategy} is the plain loop's: with --trainer lightning there is ddp")
    if options.precision == "fp16" and device.type == "cpu":
        raise OptionError("--precision fp16 with --trainer lightning needs a GPU: use bf16, or --trainer plain")
    callbacks: list[Callback] = [saving, ShowRun(place.out if place.tensorboard else None), *others]
    return Trainer(
        accelerator=device.type,
        devices=[device.index or 0] if devices == 1 and device.type == "cuda" else devices,
        strategy=place.strategy if devices > 1 else "auto",
        precision=PRECISIONS[options.precision],  # type: ignore[arg-type]
        max_epochs=options.epochs,
        accumulate_grad_batches=options.accumulate,
        callbacks=callbacks,
        logger=False,
        num_sanity_val_steps=0,
        limit_val_batches=None if options.validation else 0,
        use_distributed_sampler=False,  # the loaders deal the images out
        enable_model_summary=False,
        enable_progress_bar=False,
        default_root_dir=place.out,
    )
