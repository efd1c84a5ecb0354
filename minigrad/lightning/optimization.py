"""What ``configure_optimizers`` returns, in all of its forms, read into an optimizer and its schedules."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from minigrad.caller import warn_user
from minigrad.lightning.exceptions import MisconfigurationException
from minigrad.optim import Optimizer, lr_scheduler

__all__ = ["Schedule", "read_optimizers"]

FORMS = (
    "Unknown configuration for model optimizers. Output from `model.configure_optimizers()` should be one of:\n"
    " * `Optimizer`\n"
    " * [`Optimizer`]\n"
    " * ([`Optimizer`], [`LRScheduler`])\n"
    ' * {"optimizer": `Optimizer`, (optional) "lr_scheduler": `LRScheduler`}\n'
)


@dataclass
class Schedule:
    """A learning-rate schedule and when it steps. Counterpart: ``LRSchedulerConfig``.

    Attributes:
        interval: "step", after every optimizer step, or "epoch", after every epoch.
        frequency: every so many of them.
        monitor: the name of the metric that a schedule goes by which takes one.
        strict: whether it is an error that this metric was not logged, or a warning.
        reduce_on_plateau: whether it takes a metric.
    """

    scheduler: Any
    interval: str = "epoch"
    frequency: int = 1
    monitor: str | None = None
    strict: bool = True
    reduce_on_plateau: bool = False


def read_optimizers(returned: Any) -> tuple[Optimizer, list[Schedule]]:
    """The optimizer, and its schedules.

    Raises:
        MisconfigurationException: the form is none of Lightning's, or a schedule is described wrongly.
        RuntimeError: there is more than one optimizer.
    """
    optimizers, schedulers, monitor = parts_of(returned)
    if not optimizers or not all(isinstance(each, Optimizer) for each in optimizers):
        raise MisconfigurationException(FORMS)
    if len(optimizers) > 1:
        raise RuntimeError(
            f"`configure_optimizers` returned {len(optimizers)} optimizers: minigrad.lightning steps one. Give it all "
            f"parameters in groups, or write the loop yourself"
        )
    schedules = [read_schedule(each, monitor) for each in schedulers]
    if any(getattr(each.scheduler, "optimizer", None) is not optimizers[0] for each in schedules):
        raise MisconfigurationException(
            "Some schedulers are attached with an optimizer that wasn't returned from `configure_optimizers`."
        )
    return optimizers[0], schedules


def parts_of(returned: Any) -> tuple[list[Any], list[Any], str | None]:
    """Optimizers, schedulers, and the metric that a lone scheduler monitors."""
    if isinstance(returned, Optimizer):
        return [returned], [], None
    if isinstance(returned, dict):
        warn_of_keys(returned, {"optimizer", "lr_scheduler", "monitor"}, "optimizer configuration")
        schedulers = [returned["lr_scheduler"]] if "lr_scheduler" in returned else []
        return [returned.get("optimizer")], schedulers, returned.get("monitor")
    if isinstance(returned, (list, tuple)) and len(returned) == 2 and isinstance(returned[0], list):
        optimizers, schedulers = returned
        return optimizers, schedulers if isinstance(schedulers, list) else [schedulers], None
    if isinstance(returned, (list, tuple)) and len(returned) == 1 and isinstance(returned[0], dict):
        return parts_of(returned[0])
    return list(returned) if isinstance(returned, (list, tuple)) else [], [], None


def read_schedule(described: Any, monitor: str | None) -> Schedule:
    """A scheduler, or the dictionary that says more of it."""
    if not isinstance(described, dict):
        described = {"scheduler": described, "monitor": monitor}
    known = {field.name for field in fields(Schedule)}
    warn_of_keys(described, known, "lr scheduler dict")
    if "scheduler" not in described:
        raise MisconfigurationException(
            'The lr scheduler dict must have the key "scheduler" with its item being an lr scheduler'
        )
    schedule = Schedule(**{name: value for name, value in described.items() if name in known})
    if schedule.interval not in ("step", "epoch"):
        raise MisconfigurationException(
            f'The "interval" key in lr scheduler dict must be "step" or "epoch" but is "{schedule.interval}"'
        )
    if not isinstance(schedule.frequency, int) or schedule.frequency < 1:
        raise MisconfigurationException(f'The "frequency" key in lr scheduler dict is {schedule.frequency}: 1 or more')
    if "reduce_on_plateau" not in described:
        schedule.reduce_on_plateau = isinstance(schedule.scheduler, lr_scheduler.ReduceLROnPlateau)
    if schedule.reduce_on_plateau and schedule.monitor is None:
        raise MisconfigurationException(
            "`configure_optimizers` must include a monitor when a `ReduceLROnPlateau` scheduler is used. For example: "
            '{"optimizer": optimizer, "lr_scheduler": scheduler, "monitor": "metric_to_track"}'
        )
    if isinstance(schedule.scheduler, lr_scheduler.OneCycleLR) and schedule.interval == "epoch":
        warn_user(
            "A `OneCycleLR` scheduler is using 'interval': 'epoch'. Are you sure you didn't mean 'interval': 'step'?",
            RuntimeWarning,
        )
    return schedule


def warn_of_keys(given: dict[str, Any], known: set[str], where: str) -> None:
    """Warn of keys that mean nothing."""
    if not given.keys() <= known:
        warn_user(f"Found unsupported keys in the {where}: {set(given) - known}", RuntimeWarning)
