"""ModelCheckpoint: saves a training, the latest or the best."""

from __future__ import annotations

import math
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from types import NoneType
from typing import Any

from minigrad import Tensor, tensor
from minigrad.caller import warn_user
from minigrad.lightning.callbacks.callback import MetricCallback, check_state
from minigrad.lightning.exceptions import MisconfigurationException

__all__ = ["ModelCheckpoint"]

SUFFIX = ".ckpt"


@dataclass(eq=False, repr=False)
class ModelCheckpoint(MetricCallback):
    """Saves checkpoints, at the end of every epoch by default.

    Counterpart: ``lightning.pytorch.callbacks.ModelCheckpoint``.

    Args:
        dirpath: the folder. Default: ``checkpoints`` in the logger's, or in ``default_root_dir``.
        filename: the file's name without its suffix; ``{epoch}``, ``{step}`` and metrics, ``{val_loss:.2f}``, become
            ``name=value``. Default: ``{epoch}-{step}``.
        monitor: the metric that tells which are the best. Default: none, the latest is kept.
        verbose: print what is saved.
        save_last: save the latest as ``last.ckpt`` too.
        save_top_k: how many of the best to keep; -1 for all, 0 for none.
        save_weights_only: without optimizer, schedules and callbacks.
        mode: "min": of ``monitor`` smaller is better; "max": larger is.
        auto_insert_metric_name: whether names stand before their values in the file's name.
        every_n_train_steps: save after every so many optimizer steps.
        every_n_epochs: save after every so many epochs. Default: 1, unless steps are given.
        save_on_train_epoch_end: save at the end of training epochs; False: of validations. Default: the former where
            every epoch is validated.

    Raises:
        MisconfigurationException: the arguments contradict each other, or the metric was not logged.

    Attributes:
        best_model_path, last_model_path: the files; "" before there are any.
        best_model_score: the metric of the best, a tensor ().
        best_k_models: the files that are kept, and their metrics.
    """

    distinguishing = ("monitor", "mode", "every_n_train_steps", "every_n_epochs")

    dirpath: str | os.PathLike[str] | None = None
    filename: str | None = None
    monitor: str | None = None
    verbose: bool = False
    save_last: bool | None = None
    save_top_k: int = 1
    save_weights_only: bool = False
    mode: str = "min"
    auto_insert_metric_name: bool = True
    every_n_train_steps: int | None = None
    every_n_epochs: int | None = None
    save_on_train_epoch_end: bool | None = None

    def __post_init__(self) -> None:
        if self.mode not in ("min", "max"):
            raise MisconfigurationException(f"`mode` can be min, max but got {self.mode}")
        if self.save_top_k < -1:
            raise MisconfigurationException(f"Invalid value for save_top_k={self.save_top_k}. Must be >= -1")
        if self.monitor is None and self.save_top_k > 1:
            raise MisconfigurationException(
                f"ModelCheckpoint(save_top_k={self.save_top_k}, monitor=None) is not a valid configuration. No "
                f"quantity for top_k to track."
            )
        if self.every_n_train_steps and self.every_n_epochs:
            raise MisconfigurationException("every_n_train_steps and every_n_epochs should be mutually exclusive.")
        for name in ("every_n_train_steps", "every_n_epochs"):
            if (getattr(self, name) or 0) < 0:
                raise MisconfigurationException(f"Invalid value for {name}={getattr(self, name)}. Must be >= 0")
        if self.dirpath is not None:
            self.dirpath = os.path.realpath(os.path.expanduser(self.dirpath))
        if self.every_n_epochs is None:
            self.every_n_epochs = 0 if self.every_n_train_steps else 1
        self.every_n_train_steps = self.every_n_train_steps or 0
        self.on_training = self.save_on_train_epoch_end
        self.best_model_path = self.last_model_path = ""
        self.best_model_score: Tensor | None = None
        self.current_score: Tensor | None = None
        self.best_k_models: dict[str, Tensor] = {}
        self.step_saved = 0

    def state_dict(self) -> dict[str, Any]:
        """What was saved where."""
        names = ("monitor", "best_model_score", "best_model_path", "current_score", "dirpath", "best_k_models")
        return {name: getattr(self, name) for name in (*names, "last_model_path")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with what was saved before; of another folder only the best is known then."""
        check_state(self, state_dict, best_model_path=str, dirpath=(str, NoneType), last_model_path=str)
        check_state(self, state_dict, best_model_score=(Tensor, NoneType), best_k_models=dict)
        self.best_model_path = state_dict["best_model_path"]
        if state_dict["dirpath"] == self.dirpath:
            for name in ("best_model_score", "best_k_models", "last_model_path"):
                setattr(self, name, state_dict[name])
        else:
            warn_user(
                f"The dirpath has changed from {state_dict['dirpath']!r} to {self.dirpath!r}, therefore "
                f"`best_model_score`, `last_model_path` and `best_k_models` won't be reloaded. Only `best_model_path` "
                f"will be reloaded."
            )

    # ------------------------------------------------------------------------------- when

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Settle where and when to save."""
        if self.dirpath is None:
            logger = trainer.logger
            folder = trainer.default_root_dir
            if logger is not None and logger.save_dir is not None:
                version = logger.version if isinstance(logger.version, str) else f"version_{logger.version}"
                folder = os.path.join(logger.save_dir, str(logger.name), version)
            self.dirpath = os.path.join(folder, "checkpoints")
        super().setup(trainer, pl_module, stage)
        if stage == "fit" and self.save_top_k and os.path.isdir(self.dirpath) and os.listdir(self.dirpath):
            warn_user(f"Checkpoint directory {self.dirpath} exists and is not empty.")

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Save after steps, if that is asked for, and the metric was logged already."""
        due = self.every_n_train_steps and trainer.global_step % self.every_n_train_steps == 0
        if due and (self.monitor is None or self.monitor in trainer.callback_metrics):
            self.save_all(trainer)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Save the latest, if that is asked for and nothing was saved before."""
        if self.save_last and not self.step_saved and not trainer.fast_dev_run:
            self.save_latest(trainer, metrics_of(trainer))

    # ------------------------------------------------------------------------------- what

    def look(self, trainer: Any) -> None:
        """Save if it is this epoch's turn."""
        if self.every_n_epochs and (trainer.current_epoch + 1) % self.every_n_epochs == 0:
            self.save_all(trainer)

    def save_all(self, trainer: Any) -> None:
        """Save, if there were steps since the last time and, where a metric is monitored, it is good enough."""
        if trainer.fast_dev_run or self.step_saved == trainer.global_step or not self.save_top_k:
            return
        metrics = metrics_of(trainer)
        if self.monitor is None:
            before = self.best_model_path
            self.best_model_path = self.free_path(self.named(metrics), before)
            self.save(trainer, self.best_model_path)
            if self.save_top_k == 1:
                self.remove(trainer, before, self.best_model_path)
        elif self.monitor in metrics:
            self.save_if_good(trainer, metrics, metrics[self.monitor])
        else:
            self.miss(trainer, metrics)
        if self.save_last and self.step_saved == trainer.global_step:
            self.save_latest(trainer, metrics)

    def save_if_good(self, trainer: Any, metrics: dict[str, Tensor], current: Tensor) -> None:
        """Save if it is among the best, in the place of the worst of them."""
        sign = 1 if self.mode == "min" else -1
        if math.isnan(current.item()):
            current = tensor(sign * math.inf)
        self.current_score = current
        ranked = sorted(self.best_k_models, key=lambda path: sign * self.best_k_models[path].item())
        removed = ""
        if len(ranked) == self.save_top_k:
            removed = ranked[-1]
            if sign * current.item() >= sign * self.best_k_models[removed].item():
                return
            del self.best_k_models[removed]
        path = self.free_path(self.named(metrics), removed)
        self.best_k_models[path] = current
        self.best_model_path = min(self.best_k_models, key=lambda path: sign * self.best_k_models[path].item())
        self.best_model_score = self.best_k_models[self.best_model_path]
        self.save(trainer, path)
        self.remove(trainer, removed, path)

    def save_latest(self, trainer: Any, metrics: dict[str, Tensor]) -> None:
        """Save as ``last.ckpt``."""
        before = self.last_model_path
        self.last_model_path = self.free_path("last", before)
        self.save(trainer, self.last_model_path)
        self.remove(trainer, before, self.last_model_path)

    def miss(self, trainer: Any, metrics: dict[str, Tensor]) -> None:
        """The metric was not logged: warn, if no validation was there yet in which it may be logged.

        Raises:
            MisconfigurationException: there was one.
        """
        message = (
            f"`ModelCheckpoint(monitor={self.monitor!r})` could not find the monitored key in the returned metrics: "
            f"{list(metrics)}. HINT: Did you call `log({self.monitor!r}, value)` in the `LightningModule`?"
        )
        if trainer.fit_loop.validation.has_run:
            raise MisconfigurationException(message)
        warn_user(message)

    # ------------------------------------------------------------------------------- where

    def named(self, metrics: dict[str, Tensor]) -> str:
        """The file's name, without its suffix, with values put in; 0 for what was not logged."""
        name = self.filename or "{epoch}-{step}"
        numbers = {key: value.item() for key, value in metrics.items()}
        numbers |= {key: int(numbers[key]) for key in ("epoch", "step")}

        def value_of(found: re.Match[str]) -> str:
            key, spec = found[1], found[2] or ""
            before = f"{key}=" if self.auto_insert_metric_name else ""
            return before + format(numbers.get(key, 0), spec)

        return re.sub(r"\{([^{}:]*)(?::([^{}]*))?\}", value_of, name)

    def free_path(self, name: str, may_be: str) -> str:
        """The path of that name, with a number where another file than ``may_be`` is there already."""
        path, version = os.path.join(self.dirpath or "", name + SUFFIX), 1
        while os.path.exists(path) and path != may_be:
            path, version = os.path.join(self.dirpath or "", f"{name}-v{version}{SUFFIX}"), version + 1
        return path

    def save(self, trainer: Any, path: str) -> None:
        """Write the file."""
        self.step_saved = trainer.global_step
        trainer.save_checkpoint(path, self.save_weights_only)
        if self.verbose:
            print(f"Epoch {trainer.current_epoch}, global step {trainer.global_step}: saved {path}")

    def remove(self, trainer: Any, path: str, but: str) -> None:
        """Delete a file of this callback's that is no longer kept; not the one that the training goes on from."""
        resumed = trainer.ckpt_path is not None and os.path.abspath(trainer.ckpt_path) == os.path.abspath(path)
        inside = os.path.abspath(path).startswith(os.path.join(os.path.abspath(self.dirpath or ""), ""))
        if path.endswith(SUFFIX) and path != but and not resumed and inside:
            with suppress(FileNotFoundError):
                os.remove(path)


def metrics_of(trainer: Any) -> dict[str, Tensor]:
    """What was logged, with epoch and step."""
    metrics = dict(trainer.callback_metrics)
    metrics.setdefault("epoch", tensor(trainer.current_epoch))
    metrics.setdefault("step", tensor(trainer.global_step))
    return metrics
