"""What a Trainer tells of itself: how far it is, what was logged, what it has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minigrad.lightning.callbacks.callback import Callback
from minigrad.lightning.callbacks.early_stopping import EarlyStopping
from minigrad.lightning.callbacks.model_checkpoint import ModelCheckpoint
from minigrad.lightning.evaluation_loop import EvaluationLoop
from minigrad.lightning.loggers import Logger
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.lightning.fit_loop import FitLoop
    from minigrad.lightning.metrics import Metrics

__all__ = ["TrainerState"]


class TrainerState:
    """The properties of a :class:`Trainer`, all read only."""

    fit_loop: FitLoop
    metrics: Metrics
    lightning_module: Any
    loggers: list[Logger]
    callbacks: list[Callback]
    default_root_dir: str
    fn: str | None
    stage: str | None
    max_epochs: int | None
    max_steps: int
    accumulate_grad_batches: int
    _loop: EvaluationLoop | None

    @property
    def callback_metrics(self) -> dict[str, Tensor]:
        """What callbacks go by: the latest of everything that was logged, by name."""
        return self.metrics.update().for_callbacks

    @property
    def logged_metrics(self) -> dict[str, Tensor]:
        """The latest of everything that is for loggers."""
        return self.metrics.update().for_loggers

    @property
    def progress_bar_metrics(self) -> dict[str, float]:
        """The latest of what is for the progress bar."""
        return self.metrics.update().for_bar

    @property
    def current_epoch(self) -> int:
        """The number of the epoch that is under way; after training how many there were."""
        return self.fit_loop.epoch

    @property
    def global_step(self) -> int:
        """How many optimizer steps were done."""
        return self.fit_loop.global_step

    @property
    def is_last_batch(self) -> bool:
        """Whether the batch that is under way is its epoch's last."""
        return self.fit_loop.is_last_batch

    @property
    def num_training_batches(self) -> float:
        """Batches of an epoch; infinite where the loader does not say."""
        return self.fit_loop.max_batches

    @property
    def num_val_batches(self) -> list[float]:
        """Batches of a validation, for each loader."""
        loop = self.fit_loop.validation if self.fn == "fit" or self._loop is None else self._loop
        return loop.max_batches

    @property
    def estimated_stepping_batches(self) -> float:
        """Optimizer steps of the whole training, for ``configure_optimizers``; infinite where there is no end."""
        self.fit_loop.set_up()
        if self.max_epochs == -1 or self.num_training_batches == math.inf:
            return math.inf if self.max_steps == -1 else self.max_steps
        steps = math.ceil(self.num_training_batches / self.accumulate_grad_batches) * max(self.max_epochs or 0, 1)
        return steps if self.max_steps == -1 else min(steps, self.max_steps)

    @property
    def training(self) -> bool:
        """Whether it trains now."""
        return self.stage == "train"

    @property
    def sanity_checking(self) -> bool:
        """Whether it tries the validation now, before training."""
        return self.stage == "sanity_check"

    @property
    def validating(self) -> bool:
        """Whether it validates now."""
        return self.stage == "validation"

    @property
    def testing(self) -> bool:
        """Whether it tests now."""
        return self.stage == "test"

    @property
    def predicting(self) -> bool:
        """Whether it predicts now."""
        return self.stage == "predict"

    @property
    def is_global_zero(self) -> bool:
        """Whether this is the first of the processes: True, for there is one."""
        return True

    @property
    def model(self) -> Any:
        """The module."""
        return self.lightning_module

    @property
    def logger(self) -> Logger | None:
        """The first logger."""
        return next(iter(self.loggers), None)

    @property
    def log_dir(self) -> str | None:
        """The first logger's folder; without one ``default_root_dir``."""
        return self.default_root_dir if self.logger is None else self.logger.log_dir

    @property
    def checkpoint_callback(self) -> ModelCheckpoint | None:
        """The first :class:`ModelCheckpoint`."""
        return next((each for each in self.callbacks if isinstance(each, ModelCheckpoint)), None)

    @property
    def early_stopping_callback(self) -> EarlyStopping | None:
        """The first :class:`EarlyStopping`."""
        return next((each for each in self.callbacks if isinstance(each, EarlyStopping)), None)
