"""A whole run with Lightning: train, write what the plain loop writes, judge.

A run leaves ``last.ckpt`` and ``metrics.csv`` as the plain loop does, so ``evaluate``, ``export`` and the plain loop's
``--resume`` go on from it. Lightning's own checkpoints are in the folder ``lightning``: its ``--resume`` needs them.
"""

from __future__ import annotations

import logging
import math
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import (
    Callback,
    Checkpoint,
    ModelCheckpoint,
    ProgressBar,
    RichProgressBar,
    Timer,
)
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from torch import nn

from torch_impl.checking import Misfit, check_run, require
from torch_impl.checkpoint import CheckpointError, check_writable, options_of, read, save_checkpoint
from torch_impl.data import ImageData, Loader
from torch_impl.distributed import full_state, gather, is_main_process, sum_over_processes
from torch_impl.lit import LitModel, MNISTDataModule
from torch_impl.networks import build_model
from torch_impl.options import OptionError, TrainingOptions
from torch_impl.progress import LOG_EVERY, Speedometer
from torch_impl.reporting import COLUMNS, TensorBoard, write_metrics
from torch_impl.results import write_results
from torch_impl.run import Place, best_epoch, check_same_options, out_of_patience
from torch_impl.seeds import be_deterministic, random_states, seed_everything
from torch_impl.training import Tally

__all__ = ["SaveRun", "fit"]

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}

FOLDER = "lightning"  # of Lightning's own checkpoints, in the run's


class SaveRun(Checkpoint):
    """After every epoch, what the plain loop leaves: ``last.ckpt``, ``best.ckpt`` and ``metrics.csv``, by its patience.

    All processes take part, the main one writes. Lightning calls a Checkpoint last, when the epoch is written down.
    """

    def __init__(self, folder: Path, images: ImageData) -> None:
        self.folder = folder
        self.images = images

    def on_train_epoch_end(self, trainer: Trainer, lit: LightningModule) -> None:
        assert isinstance(lit, LitModel)
        trainer.should_stop = trainer.should_stop or out_of_patience(lit.history, lit.options)
        loader: Any = trainer.train_dataloader
        model, optimizer = full_state(lit.model, trainer.optimizers[0])
        states = gather(random_states())
        if not is_main_process():
            return
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        content = {
            "options": lit.options.as_dict(),
            "image_shape": list(self.images.image_shape),
            "class_names": list(self.images.class_names),
            "epoch": len(lit.history),
            "step": lit.global_step,
            "model": model,
            "optimizer": optimizer,
            "scheduler": trainer.lr_scheduler_configs[0].scheduler.state_dict(),
            "scaler": {} if scaler is None else scaler.state_dict(),
            "loader": loader.state_dict(),
            "tally": Tally(lit.device).state(),
            "random_states": states,
            "history": lit.history,
        }
        save_checkpoint(self.folder, content, best=best_epoch(lit.history) == len(lit.history))
        write_metrics(self.folder, lit.history)


class LogRun(Checkpoint):
    """TensorBoard's log, with the tags, steps and values of the plain loop's. A Checkpoint, to be called last too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log: TensorBoard | None = None
        self.speed = Speedometer()

    def on_train_start(self, trainer: Trainer, lit: LightningModule) -> None:
        if is_main_process():
            self.log = TensorBoard(self.folder, trainer.global_step)

    def on_train_epoch_start(self, trainer: Trainer, lit: LightningModule) -> None:
        self.speed.read()

    def on_train_batch_end(self, trainer: Trainer, lit: LightningModule, outputs: Any, batch: Any, index: int) -> None:
        assert isinstance(lit, LitModel)
        loader: Any = trainer.train_dataloader
        step, piece = divmod(loader.done, loader.pieces)
        if piece:
            return
        self.speed.add(loader.step_size(step))
        if step % LOG_EVERY == 0 or step == loader.steps:
            loss = sum_over_processes(lit.done.loss.clone())
            if self.log is not None:
                self.log.step(trainer.global_step, loss.item(), lit.done.lr, self.speed.read())

    def on_train_epoch_end(self, trainer: Trainer, lit: LightningModule) -> None:
        assert isinstance(lit, LitModel)
        if self.log is not None:
            self.log.epoch(lit.history[-1])

    def on_fit_end(self, trainer: Trainer, lit: LightningModule) -> None:
        if self.log is not None:
            self.log.close()


class EpochLines(ProgressBar):
    """A line an epoch, where there is no terminal for a bar."""

    def disable(self) -> None:
        """Lightning calls it in all processes but the main one, which alone prints anyway."""

    def on_train_epoch_end(self, trainer: Trainer, lit: LightningModule) -> None:
        assert isinstance(lit, LitModel)
        loss, accuracy = (metric.compute().item() for metric in lit.metrics_of("training"))  # in all processes
        line = f"Epoch [{trainer.current_epoch + 1}/{trainer.max_epochs}], Loss: {loss:.4f}, Accuracy: {accuracy:.2%}"
        for name in ("validation_loss", "validation_accuracy"):
            if name in trainer.callback_metrics:
                line += f", {name.replace('_', ' ')}: {trainer.callback_metrics[name]:.4f}"
        if trainer.is_global_zero:
            print(line)


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
    check_writable(place.out)
    data = MNISTDataModule(options, place)
    data.setup()
    seed_everything(options.seed)
    be_deterministic(options.deterministic)
    network = build_network(options, data.images)
    steps = options.epochs * math.ceil(len(data.images.training) / options.batch_size)  # type: ignore[arg-type]
    lit = LitModel(network, options, steps)
    own = checkpoint_to_resume(options, place, lit, data)
    try:
        with quiet():
            timer = Timer()
            trainer = build_trainer(options, place, data.images, devices, timer)
            trainer.fit(lit, data, ckpt_path=own, weights_only=True)
            (results,) = trainer.test(lit, data, verbose=False)
    except SystemExit:  # Lightning's own answer to Ctrl-C
        if trainer.interrupted:
            raise KeyboardInterrupt from None
        raise
    except MisconfigurationException as error:
        raise OptionError(f"Lightning refuses: {str(error).splitlines()[0]}") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if own is None or lit.started:
            raise
        raise CheckpointError(f"cannot go on from {own}: Lightning cannot read its own part of it") from error
    accuracy = 100 * results["test_accuracy"]
    if is_main_process():
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
            images=(len(lit.history) - lit.epochs_before) * len(data.images.training),  # type: ignore[arg-type]
            seconds=timer.time_elapsed("train") - timer.time_elapsed("validate"),
        )
    return len(data.images.test), accuracy  # type: ignore[arg-type]


def checkpoint_to_resume(options: TrainingOptions, place: Place, lit: LitModel, data: MNISTDataModule) -> Path | None:
    """Lightning's last checkpoint, None if the run begins.

    Raises:
        CheckpointError: it is damaged, of a run with other options, or a part of it is not of this run.
    """
    path = place.out / FOLDER / "last.ckpt"
    if not place.resume or not path.exists():
        return None
    content = read(path)
    if not isinstance(content, dict) or not isinstance(content.get("options"), dict):
        raise CheckpointError(f"{path} is no checkpoint of `python -m torch_impl train --trainer lightning`")
    check_same_options(options, options_of(content, path), path)
    try:
        check_lightning(content, lit, data.train_dataloader())
    except Misfit as error:
        raise CheckpointError(f"cannot go on from {path}: {error}") from error
    return path


def check_lightning(content: dict[str, Any], lit: LitModel, loader: Loader) -> None:
    """Raise Misfit unless Lightning's checkpoint is of this run, as far as it is not Lightning's alone.

    Its parts are held against those of a training that has done nothing: its optimizer has the state that a step of
    length 0 leaves.
    """
    kinds = {"state_dict": dict, "optimizer_states": list, "lr_schedulers": list, "history": list, "loader": dict}
    for name, kind in {**kinds, "callbacks": dict, "loops": dict}.items():
        require(isinstance(content.get(name), kind), f"it lacks its {name}")
    for name in ("optimizer_states", "lr_schedulers"):
        require(len(content[name]) == 1 and isinstance(content[name][0], dict), f"{name} is not of one optimizer")
    parts = lit.configure_optimizers()
    optimizer, scheduler = parts["optimizer"], parts["lr_scheduler"]["scheduler"]
    started = scheduler.state_dict()
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    for parameter in lit.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad()
    scaler = {"scaler": {}} if lit.options.precision != "fp16" else {"scaler": {"growth_interval": 1}}
    fresh = {"model": lit.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": started, **scaler}
    translated = {
        "epoch": len(content["history"]),
        "step": content.get("global_step"),
        "model": content["state_dict"],
        "optimizer": content["optimizer_states"][0],
        "scheduler": content["lr_schedulers"][0],
        "scaler": {},
        "loader": content["loader"],
        "tally": Tally(torch.device("cpu")).state(),
        "random_states": [random_states()],
        "history": content["history"],
    }
    check_run(translated, fresh, lit.options, loader, COLUMNS)
    require(content.get("epoch") == len(content["history"]) - 1, "epoch is not how many rows history has")
    counted = content["loops"].get("fit_loop")
    for name in ("epoch_progress", "current", "processed"):
        counted = counted.get(name) if isinstance(counted, dict) else None
    require(counted == len(content["history"]), "loops.fit_loop has not counted as many epochs as history has rows")
    for state in content["callbacks"].values():  # Lightning deletes what is not the best any longer
        for name in ("best_model_path", "kth_best_model_path", "last_model_path", "best_k_models"):
            named = state.get(name, "") if isinstance(state, dict) else ""
            for file in named if isinstance(named, dict) else [named]:
                require(isinstance(file, str) and ".." not in Path(file).parts, f"{name} leaves the folder")


@contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's advertisement and its list of devices, and a warning of PyTorch's about Lightning's code.

    A folder that a run goes on in, or is repeated in, is no reason for a warning either.
    """
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty", UserWarning)
        try:
            yield
        finally:
            logger.setLevel(level)


def build_network(options: TrainingOptions, images: ImageData) -> nn.Module:
    """The network as ``run.Run`` prepares it, before it goes to a device."""
    model = build_model(options, images.image_shape, len(images.class_names))
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if options.compile:
        model.compile()
    return model


def build_trainer(
    options: TrainingOptions, place: Place, images: ImageData, devices: int, *others: Callback
) -> Trainer:
    """Lightning's trainer for the options, with its callbacks and others.

    Raises:
        OptionError: Lightning cannot do on this device what the plain loop can.
    """
    device = place.device
    if place.strategy != "ddp":
        raise OptionError(f"--strategy {place.strategy} is the plain loop's: with --trainer lightning there is ddp")
    if options.precision == "fp16" and device.type == "cpu":
        raise OptionError("--precision fp16 with --trainer lightning needs a GPU: use bf16, or --trainer plain")
    monitor = "validation_accuracy" if options.validation else "training_accuracy"
    callbacks: list[Callback] = [
        SaveRun(place.out, images),
        ModelCheckpoint(
            place.out / FOLDER, "best", monitor=monitor, mode="max", save_last=True, enable_version_counter=False
        ),
        RichProgressBar() if sys.stdout.isatty() else EpochLines(),
        *others,
    ]
    if place.tensorboard:
        callbacks.append(LogRun(place.out))
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
        default_root_dir=place.out,
    )
