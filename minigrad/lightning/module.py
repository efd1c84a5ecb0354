"""LightningModule: a Module that says how it is trained, step by step, and leaves the loop to a Trainer.

What the loop is stands in ``fit_loop.py``, the hooks that can be overridden in ``hooks.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, Any

from minigrad import Tensor, nn
from minigrad import device as device_type
from minigrad.caller import warn_user
from minigrad.lightning.checkpoints import read_checkpoint
from minigrad.lightning.exceptions import MisconfigurationException
from minigrad.lightning.hooks import DataHooks, ModelHooks
from minigrad.lightning.hyperparameters import Hyperparameters, accepted
from minigrad.lightning.results import Key, levels, loggable
from minigrad.optim import Optimizer

if TYPE_CHECKING:
    from minigrad.lightning.trainer import Trainer

__all__ = ["LightningModule", "is_overridden"]

REDUCTIONS = {"mean": "mean", "avg": "mean", "sum": "sum", "max": "max", "min": "min"}


class LightningModule(DataHooks, ModelHooks, Hyperparameters, nn.Module):
    """A network, and what is to be done with a batch in training, validation, test and prediction.

    Subclass it; define ``training_step`` and ``configure_optimizers`` at least, and call ``self.log`` in the steps.
    Counterpart: ``lightning.pytorch.LightningModule``.

    Source: https://lightning.ai/docs/pytorch/stable/common/lightning_module.html
    """

    automatic_optimization = True  # Lightning's False, where the module steps its optimizers itself, is refused
    strict_loading = True  # whether a checkpoint must have exactly this module's tensors
    _trainer: Trainer | None = None

    # ------------------------------------------------------------------------------- what a subclass defines

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """The loss of a batch: a tensor (), or a dictionary that has it as "loss". None skips the batch.

        Raises:
            NotImplementedError: it is not defined.
        """
        raise NotImplementedError("`training_step` must be implemented to be used with the Lightning Trainer")

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        """Judge a batch, without gradients, and log it. With several loaders it takes ``dataloader_idx`` too.

        Raises:
            NotImplementedError: it is not defined.
        """
        raise NotImplementedError("`validation_step` must be implemented to be used with the Lightning Trainer")

    def test_step(self, batch: Any, batch_idx: int) -> Any:
        """As ``validation_step``, for ``trainer.test``.

        Raises:
            NotImplementedError: it is not defined.
        """
        raise NotImplementedError("`test_step` must be implemented to be used with the Lightning Trainer")

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        """What ``trainer.predict`` gives of a batch. Default: the module's output for it."""
        return self(batch)

    def configure_optimizers(self) -> Any:
        """The optimizer; with schedules, in one of the forms that ``optimization.py`` reads.

        Raises:
            NotImplementedError: it is not defined.
        """
        raise NotImplementedError("`configure_optimizers` must be implemented to be used with the Lightning Trainer")

    def configure_callbacks(self) -> Any:
        """Callbacks that this module brings along; they take the place of the Trainer's of the same type."""
        return []

    # ------------------------------------------------------------------------------- what a step is made of

    def backward(self, loss: Tensor) -> None:
        """Compute gradients."""
        loss.backward()

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        """Forget the gradients of the step before."""
        optimizer.zero_grad()

    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Optimizer, optimizer_closure: Callable[[], Any]
    ) -> None:
        """Step. The closure is the batch itself: it computes loss and gradients."""
        optimizer.step(closure=optimizer_closure)

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Clip the gradients of a step, by the Trainer's arguments."""
        self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def clip_gradients(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Clip the gradients of the optimizer's parameters, by their norm, or with "value" each by itself."""
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        if gradient_clip_val is None or gradient_clip_val <= 0:
            return
        if gradient_clip_algorithm == "value":
            nn.utils.clip_grad_value_(parameters, gradient_clip_val)
        else:
            nn.utils.clip_grad_norm_(parameters, gradient_clip_val)

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Step a schedule: with the metric that it monitors, where it takes one."""
        if metric is None:
            scheduler.step()
        else:
            scheduler.step(metric)

    # ------------------------------------------------------------------------------- logging

    def log(
        self,
        name: str,
        value: Any,
        prog_bar: bool = False,
        logger: bool | None = None,
        on_step: bool | None = None,
        on_epoch: bool | None = None,
        reduce_fx: str = "mean",
        sync_dist: bool = False,
        add_dataloader_idx: bool = True,
        batch_size: int | None = None,
        rank_zero_only: bool = False,
    ) -> None:
        """Log a number under ``name``. Counterpart: Lightning's.

        In training hooks each value is logged, in those of an evaluation the reduction over its batches, unless
        ``on_step`` and ``on_epoch`` say otherwise; with both the names are ``name_step`` and ``name_epoch``.

        Args:
            value: a number, or a tensor of one element.
            prog_bar: show it in the progress bar.
            logger: give it to the loggers. Default: yes.
            reduce_fx: "mean", weighted by the batches' sizes, "sum", "max" or "min".
            sync_dist, rank_zero_only: of several processes, of which there is one.
            add_dataloader_idx: put the loader's number after the name, where there are several.
            batch_size: the weight of a mean. Default: the size of the batch.

        Raises:
            MisconfigurationException: one cannot log in this hook, or not so.
            ValueError: ``value`` is not one number.
        """
        trainer = self._trainer
        if trainer is None:
            warn_user(
                "You are trying to `self.log()` but the `self.trainer` reference is not registered on the model yet. "
                "This is most likely because the model hasn't been passed to the `Trainer`"
            )
            return
        if trainer.hook is None:
            raise MisconfigurationException(
                "You are trying to `self.log()` but it is not managed by the `Trainer` control flow"
            )
        on_step, on_epoch = levels(trainer.hook, on_step, on_epoch)
        if not isinstance(reduce_fx, str) or reduce_fx.lower() not in REDUCTIONS:
            raise MisconfigurationException(
                f"Only `self.log(..., reduce_fx={{min,max,mean,sum}})` are supported. Found: {reduce_fx}"
            )
        if logger and not trainer.loggers:
            warn_user(
                f"You called `self.log({name!r}, ..., logger=True)` but have no logger configured. You can enable one "
                f"by doing `Trainer(logger=ALogger(...))`"
            )
        loader = trainer.metrics.results.loader if add_dataloader_idx else None
        reduction = REDUCTIONS[reduce_fx.lower()]
        key = Key(trainer.hook, name, on_step, on_epoch, prog_bar, logger is not False, reduction, loader)
        trainer.metrics.results.log(key, loggable(name, value), batch_size)

    def log_dict(self, dictionary: Mapping[str, Any], **options: Any) -> None:
        """:meth:`log` each item, with the same options."""
        for name, value in dictionary.items():
            self.log(name, value, **options)

    def print(self, *values: Any) -> None:
        """Print; with many processes only one of them would."""
        print(*values)

    # ------------------------------------------------------------------------------- where one is

    @property
    def trainer(self) -> Trainer:
        """The Trainer that has this module.

        Raises:
            RuntimeError: none has it yet.
        """
        if self._trainer is None:
            raise RuntimeError(f"{type(self).__qualname__} is not attached to a `Trainer`.")
        return self._trainer

    @property
    def current_epoch(self) -> int:
        """The number of the epoch, from 0."""
        return 0 if self._trainer is None else self._trainer.current_epoch

    @property
    def global_step(self) -> int:
        """How many optimizer steps were done."""
        return 0 if self._trainer is None else self._trainer.global_step

    @property
    def logger(self) -> Any:
        """The Trainer's first logger, or None."""
        return None if self._trainer is None else self._trainer.logger

    @property
    def device(self) -> device_type:
        """The CPU."""
        return device_type("cpu")

    def optimizers(self) -> Any:
        """The optimizer of the training that is under way."""
        return self.trainer.optimizers[0]

    def lr_schedulers(self) -> Any:
        """Its schedule, a list of several, or None."""
        schedulers = [each.scheduler for each in self.trainer.lr_scheduler_configs]
        return schedulers if len(schedulers) > 1 else next(iter(schedulers), None)

    def freeze(self) -> None:
        """Train nothing of this: no gradients, evaluation mode."""
        self.requires_grad_(False)
        self.eval()

    def unfreeze(self) -> None:
        """Undo :meth:`freeze`."""
        self.requires_grad_(True)
        self.train()

    # ------------------------------------------------------------------------------- checkpoints

    @classmethod
    def load_from_checkpoint(
        cls,
        checkpoint_path: str | os.PathLike[str] | IO[bytes],
        map_location: Any = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """The module of a checkpoint, Lightning's too: made with the hyperparameters saved there, then its weights.

        Args:
            map_location: as in ``minigrad.load``.
            strict: insist on exactly this module's tensors. Default: ``strict_loading``.
            kwargs: arguments for ``__init__``, before those that were saved.

        Raises:
            pickle.UnpicklingError: it is no checkpoint, or holds more than data. No code from it is run.
            MisconfigurationException: it is none of a Trainer's.
            RuntimeError: the weights are another module's.
        """
        checkpoint = read_checkpoint(checkpoint_path, map_location)
        module = cls(**{**accepted(cls, checkpoint.get("hyper_parameters", {})), **kwargs})
        module.on_load_checkpoint(checkpoint)
        module.load_state_dict(checkpoint["state_dict"], strict=module.strict_loading if strict is None else strict)
        return module


def is_overridden(name: str, instance: Any) -> bool:
    """Whether a module, or data module, brings its own method of that name."""
    method = getattr(instance, name, None)
    return method is not None and getattr(method, "__func__", method) is not getattr(LightningModule, name)
