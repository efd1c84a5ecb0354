"""Trainer: runs a module's training, validation, test and prediction.

The loops themselves stand in ``fit_loop.py`` and ``evaluation_loop.py``.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad import Tensor, get_rng_state, optim, save, set_rng_state
from minigrad.caller import warn_user
from minigrad.lightning.arguments import check_elsewhere, check_limit, check_number, loggers_of, verify
from minigrad.lightning.batches import Sources
from minigrad.lightning.callbacks.callback import Callback
from minigrad.lightning.callbacks.early_stopping import EarlyStopping
from minigrad.lightning.callbacks.model_checkpoint import ModelCheckpoint
from minigrad.lightning.callbacks.progress import ProgressBar
from minigrad.lightning.checkpoints import checkpoint_of, chosen_path, read_checkpoint, restore_model, restore_training
from minigrad.lightning.datamodule import LightningDataModule
from minigrad.lightning.evaluation_loop import STAGES, EvaluationLoop
from minigrad.lightning.exceptions import MisconfigurationException, PossibleUserWarning
from minigrad.lightning.fit_loop import FitLoop
from minigrad.lightning.loggers import Logger
from minigrad.lightning.module import LightningModule
from minigrad.lightning.optimization import Schedule, read_optimizers
from minigrad.lightning.results import Metrics, print_metrics

__all__ = ["Trainer"]


class Trainer:
    """Runs what a LightningModule describes. Counterpart: ``lightning.pytorch.Trainer``.

    Args:
        logger: a logger, several, or False for none. Default: a ``CSVLogger`` in ``default_root_dir``.
        callbacks: a callback, or several.
        fast_dev_run: True, or a number of batches: run only so many of each loader, once, without writing anything.
        max_epochs: epochs of training, -1 for no end. Default: 1000, or no end where ``max_steps`` are given.
        min_epochs, min_steps: train so much at least, whoever wants to stop.
        max_steps: optimizer steps of training, -1 for no end.
        limit_train_batches, limit_val_batches, limit_test_batches, limit_predict_batches: how many batches to take (an
            int), or which part of them (a float).
        check_val_every_n_epoch: validate after every so many epochs.
        num_sanity_val_steps: validation batches that are tried before training; -1 for all.
        log_every_n_steps: give loggers what is logged in every so many steps; 0: in none.
        enable_checkpointing: save the latest epoch, by a ``ModelCheckpoint``, unless callbacks have one.
        enable_progress_bar: tell on the standard error stream how far it is.
        accumulate_grad_batches: batches of one optimizer step, whose losses are averaged.
        gradient_clip_val: the longest norm of a step's gradients; with ``gradient_clip_algorithm`` "value" the largest
            element.
        inference_mode: evaluate under ``inference_mode``, else under ``no_grad``, as always within ``fit``.
        default_root_dir: the folder of logs and checkpoints. Default: the working directory.
        elsewhere: Lightning's other arguments, with the values with which it does what is done here: ``accelerator``
            "auto" or "cpu", ``devices`` "auto" or 1, and so on.

    Raises:
        MisconfigurationException: an argument is wrong, or asks for what minigrad does not have: a GPU, several
            processes, another precision.
        TypeError: Lightning has no such argument.

    Attributes:
        lightning_module, datamodule: what runs.
        optimizers, lr_scheduler_configs: of the training.
        stage: "train", "sanity_check", "validation", "test" or "predict"; None before and after.
        should_stop: set it, and the training ends with the batch that is under way.
        hook: the name of the hook that runs.

    Source: https://lightning.ai/docs/pytorch/stable/common/trainer.html

    >>> class Line(minigrad.lightning.LightningModule):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = minigrad.nn.Linear(1, 1)
    ...
    ...     def training_step(self, batch, batch_idx):
    ...         x, y = batch
    ...         return minigrad.nn.functional.mse_loss(self.layer(x), y)
    ...
    ...     def configure_optimizers(self):
    ...         return minigrad.optim.SGD(self.parameters(), lr=0.1)
    >>> x = minigrad.rand(100, 1)
    >>> data = minigrad.utils.data.TensorDataset(x, 2 * x + 1)
    >>> loader = minigrad.utils.data.DataLoader(data, batch_size=10)
    >>> options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    >>> line, trainer = Line(), minigrad.lightning.Trainer(max_epochs=50, **options)
    >>> trainer.fit(line, loader)
    >>> round(line.layer.weight.item(), 1), round(line.layer.bias.item(), 1)
    (2.0, 1.0)
    """

    def __init__(
        self,
        *,
        logger: Logger | Iterable[Logger] | bool | None = None,
        callbacks: Callback | Iterable[Callback] | None = None,
        fast_dev_run: int | bool = False,
        max_epochs: int | None = None,
        min_epochs: int | None = None,
        max_steps: int = -1,
        min_steps: int | None = None,
        limit_train_batches: float | None = None,
        limit_val_batches: float | None = None,
        limit_test_batches: float | None = None,
        limit_predict_batches: float | None = None,
        check_val_every_n_epoch: int = 1,
        num_sanity_val_steps: int | None = None,
        log_every_n_steps: int | None = None,
        enable_checkpointing: bool | None = None,
        enable_progress_bar: bool | None = None,
        accumulate_grad_batches: int = 1,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
        inference_mode: bool = True,
        default_root_dir: str | os.PathLike[str] | None = None,
        **elsewhere: Any,
    ) -> None:
        check_elsewhere(elsewhere)
        self.fast_dev_run = check_number("fast_dev_run", fast_dev_run, 0)
        self.max_epochs = None if max_epochs is None else check_number("max_epochs", max_epochs, -1)
        self.min_epochs = check_number("min_epochs", min_epochs, 0, default=0)
        self.max_steps = check_number("max_steps", max_steps, -1)
        self.min_steps = check_number("min_steps", min_steps, 0, default=0)
        self.limit_train_batches = check_limit("limit_train_batches", limit_train_batches)
        self.limit_val_batches = check_limit("limit_val_batches", limit_val_batches)
        self.limit_test_batches = check_limit("limit_test_batches", limit_test_batches)
        self.limit_predict_batches = check_limit("limit_predict_batches", limit_predict_batches)
        self.check_val_every_n_epoch = check_number("check_val_every_n_epoch", check_val_every_n_epoch, 1)
        sanity_steps = check_number("num_sanity_val_steps", num_sanity_val_steps, -1, default=2)
        self.num_sanity_val_steps = math.inf if sanity_steps == -1 else sanity_steps
        self.log_every_n_steps = check_number("log_every_n_steps", log_every_n_steps, 0, default=50)
        self.accumulate_grad_batches = check_number("accumulate_grad_batches", accumulate_grad_batches, 1)
        if gradient_clip_val is not None and not isinstance(gradient_clip_val, (int, float)):
            raise TypeError(f"`gradient_clip_val` should be an int or a float. Got {gradient_clip_val}.")
        if gradient_clip_algorithm not in (None, "norm", "value"):
            raise MisconfigurationException(
                f"`gradient_clip_algorithm` {gradient_clip_algorithm} is invalid. Allowed: 'value' and 'norm'."
            )
        self.gradient_clip_val = gradient_clip_val
        self.gradient_clip_algorithm = gradient_clip_algorithm
        self.inference_mode = inference_mode
        self.default_root_dir = os.fspath(os.getcwd() if default_root_dir is None else default_root_dir)
        self.loggers = loggers_of(logger, self.default_root_dir)
        self.callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        self._add_own_callbacks(enable_progress_bar is not False, enable_checkpointing is not False)
        if self.fast_dev_run:
            self._run_little(self.fast_dev_run)
        self.fit_loop = FitLoop(self)
        self.lightning_module: Any = None
        self.datamodule: LightningDataModule | None = None
        self.optimizers: list[optim.Optimizer] = []
        self.lr_scheduler_configs: list[Schedule] = []
        self.should_stop = False
        self.keeps_predictions = True
        self.ckpt_path: Any = None
        self.fn: str | None = None
        self.stage: str | None = None
        self.hook: str | None = None
        self._loop: EvaluationLoop | None = None  # of validate, test, predict
        self.metrics = Metrics(self)

    def _run_little(self, batches: int) -> None:
        self.limit_train_batches = self.limit_val_batches = self.limit_test_batches = batches
        self.limit_predict_batches = self.max_steps = batches
        self.max_epochs = self.check_val_every_n_epoch = self.log_every_n_steps = 1
        self.num_sanity_val_steps = 0
        self.loggers = []

    def _add_own_callbacks(self, progress_bar: bool, checkpointing: bool) -> None:
        if progress_bar and not any(isinstance(each, ProgressBar) for each in self.callbacks):
            self.callbacks.append(ProgressBar())
        if self.checkpoint_callback is not None and not checkpointing:
            raise MisconfigurationException(
                "Trainer was configured with `enable_checkpointing=False` but found `ModelCheckpoint` in callbacks."
            )
        if self.checkpoint_callback is None and checkpointing and not self.fast_dev_run:
            self.callbacks.append(ModelCheckpoint())
        self._order_callbacks()

    def _order_callbacks(self) -> None:
        """Checkpoints last: they save what the others have done."""
        self.callbacks.sort(key=lambda each: isinstance(each, ModelCheckpoint))

    # ------------------------------------------------------------------------------- what users call

    def fit(
        self,
        model: LightningModule,
        train_dataloaders: Any = None,
        val_dataloaders: Any = None,
        datamodule: LightningDataModule | None = None,
        ckpt_path: Any = None,
    ) -> None:
        """Train.

        Args:
            model: what is trained.
            train_dataloaders, val_dataloaders: loaders; else those of ``datamodule``, else the module's own.
            datamodule: may also be given in the place of ``train_dataloaders``.
            ckpt_path: a checkpoint to go on from; "best" or "last" of those that this Trainer has saved.

        Raises:
            MisconfigurationException: module, data and Trainer do not fit together.
            TypeError: ``model`` is no LightningModule.
        """
        self.should_stop = False
        loaders = {"train_dataloader": train_dataloaders, "val_dataloader": val_dataloaders}
        self._run("fit", model, loaders, datamodule, ckpt_path)

    def validate(
        self,
        model: LightningModule | None = None,
        dataloaders: Any = None,
        ckpt_path: Any = None,
        verbose: bool = True,
        datamodule: LightningDataModule | None = None,
    ) -> list[dict[str, float]]:
        """Validate, and print what was logged if ``verbose``. Returns it: a dictionary for each loader.

        Args:
            model: default: the module of before, with the best weights that were saved.
            dataloaders: a loader, or several; else those of ``datamodule``, else the module's own.
            ckpt_path: a checkpoint whose weights to load; "best" or "last" of those that this Trainer has saved.

        Raises:
            MisconfigurationException: module, data and Trainer do not fit together.
            TypeError: there is no LightningModule.
        """
        return self._evaluate("validate", model, {"val_dataloader": dataloaders}, ckpt_path, verbose, datamodule)

    def test(
        self,
        model: LightningModule | None = None,
        dataloaders: Any = None,
        ckpt_path: Any = None,
        verbose: bool = True,
        datamodule: LightningDataModule | None = None,
    ) -> list[dict[str, float]]:
        """Test: as :meth:`validate`, by ``test_step`` and ``test_dataloader``."""
        return self._evaluate("test", model, {"test_dataloader": dataloaders}, ckpt_path, verbose, datamodule)

    def predict(
        self,
        model: LightningModule | None = None,
        dataloaders: Any = None,
        datamodule: LightningDataModule | None = None,
        return_predictions: bool | None = None,
        ckpt_path: Any = None,
    ) -> list[Any] | None:
        """What ``predict_step`` returns for each batch; for several loaders a list of such lists.

        Args:
            return_predictions: False: do not keep them, a callback writes them down.
        """
        self.keeps_predictions = return_predictions is not False
        found = self._run("predict", model, {"predict_dataloader": dataloaders}, datamodule, ckpt_path)
        if not self.keeps_predictions:
            return None
        return found[0] if len(found) == 1 else found

    def _evaluate(
        self, fn: str, model: Any, loaders: dict[str, Any], ckpt_path: Any, verbose: bool, datamodule: Any
    ) -> list[dict[str, float]]:
        found = self._run(fn, model, loaders, datamodule, ckpt_path)
        numbers = [{name: value.item() for name, value in each.items()} for each in found]
        if verbose:
            print_metrics(STAGES[fn], numbers)
        return numbers

    def save_checkpoint(self, filepath: str | os.PathLike[str], weights_only: bool = False) -> None:
        """Save where the training stands; with ``weights_only`` without optimizer, schedules and callbacks.

        Raises:
            AttributeError: there is no module yet.
        """
        if self.lightning_module is None:
            raise AttributeError(
                "Saving a checkpoint is only possible if a model is attached to the Trainer. Did you call "
                "`Trainer.save_checkpoint()` before calling `Trainer.{fit,validate,test,predict}`?"
            )
        os.makedirs(os.path.dirname(os.path.abspath(filepath)), exist_ok=True)
        save(checkpoint_of(self, weights_only), filepath)

    # ------------------------------------------------------------------------------- a run, from beginning to end

    def _run(self, fn: str, model: Any, loaders: dict[str, Any], datamodule: Any, ckpt_path: Any) -> list[Any]:
        self._attach(fn, model, loaders, datamodule)
        self.ckpt_path = chosen_path(self, ckpt_path, model is not None)
        try:
            return self._run_all(fn)
        except BaseException as error:
            self._tell_of(error)
            raise
        finally:
            self.stage = self.hook = None

    def _tell_of(self, error: BaseException) -> None:
        self.call_callbacks("on_exception", error)
        self.call_data("on_exception", error)
        for logger in self.loggers:
            logger.finalize("failed")

    def _run_all(self, fn: str) -> list[Any]:
        module = self.lightning_module
        if fn == "fit" and self.max_epochs is None:
            self._settle_epochs()
        self._add_callbacks_of(module)
        verify(self, fn)
        self.call_data("prepare_data")
        self.call_module("prepare_data")
        self.call_data("setup", stage=fn)
        self.call("setup", stage=fn)
        self.call_module("configure_model")
        checkpoint = None if self.ckpt_path is None else read_checkpoint(self.ckpt_path)
        if checkpoint is not None:
            restore_model(self, checkpoint)
        self.metrics.forget()
        if fn == "fit":
            optimizer, self.lr_scheduler_configs = read_optimizers(self.call_module("configure_optimizers"))
            self.optimizers = [optimizer]
            self.call("on_fit_start")
        self._log_hyperparameters()
        if fn == "fit" and checkpoint is not None:
            restore_training(self, checkpoint)
        module.zero_grad()
        found: list[Any] = []
        if fn == "fit":
            if self.fit_loop.validation.is_wanted() and self.num_sanity_val_steps > 0 and not self.fit_loop.first_batch:
                self._check_sanity()
            self.stage = "train"
            self.fit_loop.run()
            self.call("on_fit_end")
        else:
            self._loop = EvaluationLoop(self, STAGES[fn])
            found = self._loop.run()
        self.call_data("teardown", stage=fn)
        self.call("teardown", stage=fn)
        for logger in self.loggers:
            logger.finalize("success")
        return found

    def _settle_epochs(self) -> None:
        """How many there are where nobody said it."""
        if self.max_steps == -1:
            warn_user(
                "`max_epochs` was not set. Setting it to 1000 epochs. To train without an epoch limit, set "
                "`max_epochs=-1`.",
                PossibleUserWarning,
            )
        self.max_epochs = 1000 if self.max_steps == -1 else -1

    def _check_sanity(self) -> None:
        """Try the validation. No trace is left of it, in random numbers neither."""
        states = get_rng_state(), np.random.get_state(), random.getstate()
        self.stage = "sanity_check"
        self.call_callbacks("on_sanity_check_start")
        try:
            self.fit_loop.validation.run()
        finally:
            set_rng_state(states[0])
            np.random.set_state(states[1])
            random.setstate(states[2])
        self.call_callbacks("on_sanity_check_end")
        self.metrics.forget()

    def _attach(self, fn: str, model: Any, loaders: dict[str, Any], datamodule: Any) -> None:
        """Take what a method was given: module, and loaders or data module."""
        if model is None and self.lightning_module is None:
            raise TypeError(
                f"`Trainer.{fn}()` requires a `LightningModule` when it hasn't been passed in a previous run"
            )
        if model is not None and not isinstance(model, LightningModule):
            raise TypeError(f"`model` must be a `LightningModule`, got `{type(model).__qualname__}`")
        first = next(iter(loaders))
        if isinstance(loaders[first], LightningDataModule):
            datamodule, loaders = loaders[first], {**loaders, first: None}
        given = {name: each for name, each in loaders.items() if each is not None}
        if given and datamodule is not None:
            raise MisconfigurationException(f"You cannot pass both loaders and a datamodule to `trainer.{fn}`")
        if model is not None:
            self.lightning_module = model
        self.lightning_module._trainer = self
        if datamodule is not None:
            self.datamodule, datamodule.trainer = datamodule, self
        self.sources = Sources(given, datamodule, self.lightning_module)
        self.fn = fn
        self.fit_loop.begin()

    def _add_callbacks_of(self, module: LightningModule) -> None:
        """Add the module's own callbacks, in the place of those of the same types."""
        own = self.call_module("configure_callbacks")
        own = list(own) if isinstance(own, Iterable) else [own]
        types = {type(each) for each in own}
        self.callbacks = [each for each in self.callbacks if type(each) not in types] + own
        self._order_callbacks()

    def _log_hyperparameters(self) -> None:
        """Have loggers write down what module and data module were made with."""
        sources = [each for each in (self.lightning_module, self.datamodule) if each is not None]
        kept = {name: value for each in sources if each.logs_hyperparameters for name, value in each.hparams.items()}
        for logger in self.loggers if kept else ():
            logger.log_hyperparams(kept)

    # ------------------------------------------------------------------------------- hooks and data

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Call a hook of every callback, then the module's, whose result is returned."""
        self.call_callbacks(name, *arguments, **options)
        return self.call_module(name, *arguments, **options)

    def call_callbacks(self, name: str, *arguments: Any, of: list[Callback] | None = None, **options: Any) -> None:
        """Call a hook of every callback."""
        before, self.hook = self.hook, name
        for callback in self.callbacks if of is None else of:
            getattr(callback, name)(self, self.lightning_module, *arguments, **options)
        self.hook = before

    def call_module(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Call a hook of the module."""
        before, self.hook = self.hook, name
        returned = getattr(self.lightning_module, name)(*arguments, **options)
        self.hook = before
        return returned

    def call_data(self, name: str, *arguments: Any, **options: Any) -> None:
        """Call a hook of the data module, where there is one."""
        if self.datamodule is not None:
            getattr(self.datamodule, name)(*arguments, **options)

    # ------------------------------------------------------------------------------- what it tells, read only

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
