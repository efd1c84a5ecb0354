"""The Trainer's arguments: what they may be, what is refused, and in which words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.lightning.exceptions import MisconfigurationException
from minigrad.lightning.loggers import CSVLogger, Logger

__all__ = ["check_elsewhere", "check_limit", "check_number", "loggers_of"]

# Lightning's other arguments, and the values with which it does what is done here: one CPU, one process, float32.
ELSEWHERE: dict[str, tuple[Any, ...]] = {
    "accelerator": ("auto", "cpu"),
    "strategy": ("auto",),
    "devices": ("auto", 1, "1"),
    "num_nodes": (1,),
    "precision": (None, 32, "32", "32-true"),
    "max_time": (None,),
    "overfit_batches": (0,),
    "val_check_interval": (None, 1.0),
    "enable_model_summary": (None, False),
    "deterministic": (None, False, True, "warn"),
    "benchmark": (None, False, True),
    "use_distributed_sampler": (True, False),
    "profiler": (None,),
    "detect_anomaly": (False,),
    "barebones": (False,),
    "plugins": (None,),
    "sync_batchnorm": (False, True),
    "reload_dataloaders_every_n_epochs": (0,),
    "enable_autolog_hparams": (True,),
    "model_registry": (None,),
}


def check_elsewhere(given: dict[str, Any]) -> None:
    """Refuse what only Lightning has.

    Raises:
        TypeError: Lightning has no such argument.
        MisconfigurationException: minigrad has no such value of it.
    """
    for name, value in given.items():
        if name not in ELSEWHERE:
            raise TypeError(f"Trainer.__init__() got an unexpected keyword argument {name!r}")
        if not any(type(value) is type(each) and value == each for each in ELSEWHERE[name]):
            offered = " or ".join(repr(each) for each in ELSEWHERE[name])
            raise MisconfigurationException(
                f"Trainer({name}={value!r}): minigrad trains in one process on the CPU in float32, and takes "
                f"{name}={offered} here"
            )


def check_limit(name: str, value: Any) -> float:
    """A number of batches, or a part of them; all of them for None."""
    if value is None:
        return 1.0
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or value < 0 or (isinstance(value, float) and value > 1):
        raise MisconfigurationException(
            f"You have passed invalid value {value} for {name}, it has to be in [0.0, 1.0] or an int."
        )
    result: float = value
    return result


def check_number(name: str, value: Any, least: int, default: int | None = None) -> int:
    """A whole number, ``least`` or more; ``default`` for None, where there is one."""
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or value < least:
        raise MisconfigurationException(f"`Trainer({name}={value!r})`: it has to be an int, {least} or more.")
    return int(value)


def loggers_of(logger: Any, folder: str) -> list[Logger]:
    """The loggers that a Trainer's argument asks for: True or None for a table in ``folder``, False for none.

    Raises:
        TypeError: one of them is no logger.
    """
    if logger is None or logger is True:
        return [CSVLogger(folder)]
    loggers = [] if logger is False else list(logger) if isinstance(logger, Iterable) else [logger]
    for each in loggers:
        if not isinstance(each, Logger):
            raise TypeError(f"`logger` takes loggers, and {type(each).__name__} is none: derive it from `Logger`")
    return loggers
