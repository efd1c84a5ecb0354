"""FitLoop: the loop of every training, with Lightning's hooks put in, in Lightning's order.

Without hooks, logging and what goes by arguments it is the loop that everybody writes::

    for epoch in range(max_epochs):
        for batch_idx, batch in enumerate(loader):
            loss = module.training_step(batch, batch_idx)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

``trainer.call`` asks the callbacks first, then the module. The hooks themselves stand in ``hooks.py``; how a module is
validated in ``evaluation_loop.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from minigrad.caller import warn_user
from minigrad.graph.grad_mode import call_inside, enable_grad
from minigrad.lightning.batches import arguments_for, loss_in, number_of_batches, numbered
from minigrad.lightning.evaluation_loop import EvaluationLoop
from minigrad.lightning.exceptions import MisconfigurationException, PossibleUserWarning
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.lightning.trainer import Trainer

__all__ = ["FitLoop"]


class FitLoop:
    """Training: epochs, batches, steps, and validation after an epoch's last batch.

    Attributes:
        epoch: how many epochs are over, which is the number of the one that is under way.
        global_step: how many optimizer steps were done.
        batch_idx: the number of the latest batch within its epoch.
        max_batches: how many batches an epoch has; infinite where the loader has no length.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.epoch = 0
        self.global_step = 0
        self.batch_idx = -1
        self.is_last_batch = False
        self.begin()

    def begin(self) -> None:
        """A new run: its loaders are not known yet."""
        self.loader: Any = None
        self.batches: Iterator[Any] = iter(())
        self.resumes = False  # from a checkpoint, until its first epoch is over
        self.first_batch = 0  # of that epoch: more than 0 after a checkpoint that was written within it
        self.max_batches: float = math.inf
        self.validation = EvaluationLoop(self.trainer, "validation")

    def set_up(self) -> None:
        """Get the loader, once."""
        trainer = self.trainer
        if self.loader is not None:
            return
        self.loader = trainer.sources.loader("train_dataloader")
        self.max_batches = number_of_batches(self.loader, trainer.limit_train_batches, "train")
        self.batches = iter(self.loader)
        if trainer.loggers and self.max_batches < trainer.log_every_n_steps:
            warn_user(
                f"The number of training batches ({self.max_batches}) is smaller than the logging interval "
                f"Trainer(log_every_n_steps={trainer.log_every_n_steps}). Set a lower value for log_every_n_steps if "
                f"you want to see logs for the training epoch.",
                PossibleUserWarning,
            )

    def run(self) -> None:
        """Train to the end."""
        trainer = self.trainer
        if trainer.limit_train_batches == 0:
            return
        self.set_up()
        if self.is_done():
            return
        if self.validates():
            self.validation.set_up()
        trainer.call("on_train_start")
        while not self.is_done():
            if not self.first_batch:  # else it was called before the checkpoint
                trainer.call("on_train_epoch_start")
            if self.epoch > 0 and not self.resumes:  # else that of set_up: each draws from the random numbers
                self.batches = iter(self.loader)
            self.run_epoch()
            self.end_epoch()
        trainer.call("on_train_end")

    def run_epoch(self) -> None:
        """The batches of an epoch."""
        for batch_idx, batch, is_last in islice(numbered(self.batches, self.max_batches), self.first_batch, None):
            self.batch_idx, self.is_last_batch = batch_idx, is_last
            if not self.run_batch(batch, batch_idx):
                break
            if self.validates() and (self.is_last_batch or self.is_stopped()):
                if not self.accumulates():
                    self.trainer.call_module("on_validation_model_zero_grad")
                self.validation.run()
            self.step_schedules("step", on_plateau=True)
            if self.has_all_steps() or self.is_stopped():
                break

    def run_batch(self, batch: Any, batch_idx: int) -> bool:
        """One batch. False where the rest of the epoch is to be left out."""
        trainer = self.trainer
        batch = trainer.sources.transfer(batch, 0)
        trainer.metrics.results.batch, trainer.metrics.results.on_step = batch, True
        goes_on = trainer.call("on_train_batch_start", batch, batch_idx) != -1
        self.is_last_batch = self.is_last_batch or not goes_on
        outputs = self.optimize(batch, batch_idx) if goes_on else {}
        self.step_schedules("step", on_plateau=False)
        if self.is_last_batch:
            self.step_schedules("epoch", on_plateau=False)
        if goes_on:
            trainer.call("on_train_batch_end", outputs, batch, batch_idx)
            metrics = trainer.metrics.of_results()
            trainer.metrics.results.batch = None
            if not self.accumulates() and trainer.metrics.are_due():
                trainer.metrics.give_to_loggers(metrics)
        return goes_on

    def optimize(self, batch: Any, batch_idx: int) -> dict[str, Any]:
        """The gradients of a batch, and a step where they are those of a whole step. Returns loss and other outputs."""
        trainer, optimizer = self.trainer, self.trainer.optimizers[0]
        outputs: dict[str, Any] = {}

        def closure() -> Tensor | None:
            loss = call_inside(enable_grad(), self.loss_and_gradients, batch, batch_idx, outputs)
            trainer.call("on_before_optimizer_step", optimizer)
            clipping = trainer.gradient_clip_val, trainer.gradient_clip_algorithm
            trainer.call_module("configure_gradient_clipping", optimizer, *clipping)
            return loss

        if self.accumulates():
            call_inside(enable_grad(), self.loss_and_gradients, batch, batch_idx, outputs)
        else:
            trainer.call_module("optimizer_step", self.epoch, batch_idx, optimizer, closure)
            self.global_step += 1
        return outputs

    def loss_and_gradients(self, batch: Any, batch_idx: int, outputs: dict[str, Any]) -> Tensor | None:
        """Forward and backward. Gradients are kept from batch to batch within a step."""
        trainer, optimizer = self.trainer, self.trainer.optimizers[0]
        step = trainer.lightning_module.training_step
        loss, others = loss_in(trainer.call_module("training_step", *arguments_for(step, batch, batch_idx)))
        if batch_idx % trainer.accumulate_grad_batches == 0:
            trainer.call("on_before_zero_grad", optimizer)
            trainer.call_module("optimizer_zero_grad", self.epoch, batch_idx, optimizer)
        if loss is None:
            return None
        loss = loss / trainer.accumulate_grad_batches
        trainer.call("on_before_backward", loss)
        trainer.call_module("backward", loss)
        trainer.call("on_after_backward")
        outputs.update({"loss": loss.detach().clone(), **others})
        return loss.detach()

    def step_schedules(self, interval: str, on_plateau: bool) -> None:
        """Step the learning-rate schedules of this interval: those that go by a metric, or the others."""
        trainer = self.trainer
        if interval == "step" and self.accumulates():
            return
        count = (self.batch_idx if interval == "step" else self.epoch) + 1
        for schedule in trainer.lr_scheduler_configs:
            due = schedule.interval == interval and count % schedule.frequency == 0
            if not due or schedule.reduce_on_plateau != on_plateau:
                continue
            metric = trainer.callback_metrics.get(schedule.monitor or "") if on_plateau else None
            if on_plateau and metric is None:
                message = (
                    f"ReduceLROnPlateau conditioned on metric {schedule.monitor} which is not available. Available "
                    f"metrics are: {list(trainer.callback_metrics)}."
                )
                if schedule.strict:
                    raise MisconfigurationException(message)
                warn_user(f"{message} Skipping learning rate update.", RuntimeWarning)
                continue
            trainer.call_module("lr_scheduler_step", schedule.scheduler, metric)

    def end_epoch(self) -> None:
        """The hooks after an epoch, and the reductions of what was logged in it."""
        trainer = self.trainer
        trainer.metrics.results.on_step = False
        trainer.call_callbacks("on_train_epoch_end", of=[each for each in trainer.callbacks if not each.monitors])
        trainer.call_module("on_train_epoch_end")
        trainer.call_callbacks("on_train_epoch_end", of=[each for each in trainer.callbacks if each.monitors])
        metrics = trainer.metrics.of_results()
        if self.is_last_batch:
            self.step_schedules("epoch", on_plateau=True)
        trainer.metrics.give_to_loggers(metrics)
        trainer.metrics.results.begin()
        self.epoch += 1
        self.batch_idx, self.is_last_batch = -1, False
        self.resumes, self.first_batch = False, 0

    # ------------------------------------------------------------------------------- questions

    def is_done(self) -> bool:
        """Whether nothing is left to train."""
        has_all_epochs = self.trainer.max_epochs not in (None, -1) and self.epoch >= self.trainer.max_epochs
        return self.max_batches == 0 or self.has_all_steps() or has_all_epochs or self.is_stopped()

    def has_all_steps(self) -> bool:
        """Whether ``max_steps`` were done."""
        return self.trainer.max_steps != -1 and self.global_step >= self.trainer.max_steps

    def is_stopped(self) -> bool:
        """Whether somebody set ``trainer.should_stop``, and as much was trained as there has to be at least."""
        trainer = self.trainer
        return trainer.should_stop and self.epoch >= trainer.min_epochs and self.global_step >= trainer.min_steps

    def accumulates(self) -> bool:
        """Whether more batches belong to this step; the last one of an epoch completes it."""
        return (self.batch_idx + 1) % self.trainer.accumulate_grad_batches != 0 and not self.is_last_batch

    def validates(self) -> bool:
        """Whether this epoch ends with a validation."""
        return self.validation.is_wanted() and (self.epoch + 1) % self.trainer.check_val_every_n_epoch == 0

    # ------------------------------------------------------------------------------- where it stands

    def state_dict(self) -> dict[str, Any]:
        """Where the training stands, for a checkpoint."""
        return {
            "epoch": self.epoch,
            "global_step": self.global_step,
            "batches": self.batch_idx + 1,
            "is_last_batch": self.is_last_batch,
        }

    def load_state_dict(self, state: Any) -> None:
        """Go on from there: from within an epoch with the batch that follows, in the order that the loader has now.

        Raises:
            MisconfigurationException: it is not what :meth:`state_dict` gives.
        """
        names = list(self.state_dict())
        if not isinstance(state, dict) or not all(isinstance(state.get(name), int) for name in names):
            raise MisconfigurationException(
                "the checkpoint does not say where the training stood as minigrad.lightning does: its weights can be "
                "used, by `load_from_checkpoint`, but the training cannot go on from it"
            )
        self.epoch, self.global_step, batches, is_last_batch = [max(0, state[name]) for name in names]
        if is_last_batch:
            self.epoch, batches = self.epoch + 1, 0
        elif batches:
            warn_user(
                "You're resuming from a checkpoint that ended before the epoch ended. The batches that were trained on "
                "are skipped: if the loader shuffles, they are others than those that were.",
                PossibleUserWarning,
            )
        self.resumes, self.first_batch = True, batches
