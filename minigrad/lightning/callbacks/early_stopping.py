"""EarlyStopping: end a training that no longer gets better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from minigrad import Tensor, tensor
from minigrad.caller import warn_user
from minigrad.lightning.callbacks.callback import MetricCallback, check_state
from minigrad.lightning.exceptions import MisconfigurationException

__all__ = ["EarlyStopping"]


@dataclass(eq=False, repr=False)
class EarlyStopping(MetricCallback):
    """Stops when a metric did not improve in ``patience`` checks.

    Counterpart: ``lightning.pytorch.callbacks.EarlyStopping``.

    Args:
        monitor: the metric's name, as it was logged.
        min_delta: by how much it has to be better to count.
        patience: how many checks without an improvement are waited for.
        verbose: print why it stops, and each improvement.
        mode: "min": smaller is better; "max": larger is.
        strict: whether it is an error that the metric was not logged.
        check_finite: stop at NaN and infinity.
        stopping_threshold: stop when it is better than this.
        divergence_threshold: stop when it is worse than this.
        check_on_train_epoch_end: check at the end of every training epoch; False: of every validation. Default: the
            former where every epoch is validated.

    Raises:
        MisconfigurationException: there is no such mode.
        RuntimeError: from the training, where the metric was not logged.

    Attributes:
        best_score: the best value so far, a tensor ().
        wait_count: checks since then.
        stopped_epoch: the epoch in which it stopped; 0 where it did not.
    """

    distinguishing = ("monitor", "mode")

    monitor: str
    min_delta: float = 0.0
    patience: int = 3
    verbose: bool = False
    mode: str = "min"
    strict: bool = True
    check_finite: bool = True
    stopping_threshold: float | None = None
    divergence_threshold: float | None = None
    check_on_train_epoch_end: bool | None = None

    def __post_init__(self) -> None:
        if self.mode not in ("min", "max"):
            raise MisconfigurationException(f"`mode` can be min, max, got {self.mode}")
        self.on_training = self.check_on_train_epoch_end
        self.wait_count = self.stopped_epoch = 0
        self.best_score: Tensor = tensor(math.inf if self.mode == "min" else -math.inf)

    def state_dict(self) -> dict[str, Any]:
        """Best value, and how long ago it was."""
        names = ("wait_count", "stopped_epoch", "best_score", "patience")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on waiting."""
        check_state(self, state_dict, wait_count=int, stopped_epoch=int, best_score=Tensor, patience=int)
        for name in ("wait_count", "stopped_epoch", "best_score", "patience"):
            setattr(self, name, state_dict[name])

    def look(self, trainer: Any) -> None:
        """Look at the metric, and have the training stopped where there is a reason.

        Raises:
            RuntimeError: it was not logged.
        """
        metrics = trainer.callback_metrics
        if trainer.fast_dev_run:
            return
        if self.monitor not in metrics:
            message = (
                f"Early stopping conditioned on metric `{self.monitor}` which is not available. Pass in or modify your "
                f"`EarlyStopping` callback to use any of the following: `{'`, `'.join(metrics)}`"
            )
            if self.strict:
                raise RuntimeError(message)
            warn_user(message, RuntimeWarning)
            return
        reason = self.reason_to_stop(metrics[self.monitor])
        if reason:
            trainer.should_stop = True
            self.stopped_epoch = trainer.current_epoch
        if reason and self.verbose:
            print(f"{reason} Signaling Trainer to stop.")

    def reason_to_stop(self, current: Tensor) -> str:
        """Why to stop at this value; empty where there is no reason."""
        value = current.item()
        if self.check_finite and not math.isfinite(value):
            return f"Monitored metric {self.monitor} = {value} is not finite."
        if self.stopping_threshold is not None and self.better(value, self.stopping_threshold):
            return f"Stopping threshold reached: {self.monitor} = {value}."
        if self.divergence_threshold is not None and self.better(self.divergence_threshold, value):
            return f"Divergence threshold reached: {self.monitor} = {value}."
        if self.better(value, self.best_score.item(), self.min_delta):
            self.best_score, self.wait_count = current, 0
            if self.verbose:
                print(f"Metric {self.monitor} improved. New best score: {value:.3f}")
            return ""
        self.wait_count += 1
        if self.wait_count < self.patience:
            return ""
        return (
            f"Monitored metric {self.monitor} did not improve in the last {self.wait_count} records. Best score: "
            f"{self.best_score.item():.3f}."
        )

    def better(self, value: float, other: float, by: float = 0.0) -> bool:
        """Whether ``value`` is better than ``other``, by more than ``by``."""
        return value + by < other if self.mode == "min" else value - by > other
