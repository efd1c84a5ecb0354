"""What a Trainer can do: the arguments that it takes, the modules and data that are fit for it, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from minigrad.caller import warn_user
from minigrad.lightning.evaluation_loop import STAGES
from minigrad.lightning.exceptions import MisconfigurationException, PossibleUserWarning
from minigrad.lightning.loggers import CSVLogger, Logger
from minigrad.lightning.module import is_overridden

if TYPE_CHECKING:
    from minigrad.lightning.trainer import Trainer

__all__ = ["check_elsewhere", "check_limit", "check_number", "loggers_of", "verify"]

# Lightning's other arguments, and the values with which it does what is done here: one CPU, one process, float32.
ELSEWHERE: dict[str, tuple[Any, ...]] = {
    "accelerator": ("auto", "cpu"),
    "strategy": ("auto",),
    "devices": ("auto", 1, "1"),
    "num_nodes": (1,),
    "precision": (None, 32, "32", "32-true"),
    "val_check_interval": (None, 1.0),
    "enable_model_summary": (None, False),
    "deterministic": (None, False, True, "warn"),
    "benchmark": (None, False, True),
    "enable_autolog_hparams": (True,),
    **dict.fromkeys(["max_time", "model_registry", "plugins", "profiler"], (None,)),
    **dict.fromkeys(["barebones", "detect_anomaly"], (False,)),
    **dict.fromkeys(["overfit_batches", "reload_dataloaders_every_n_epochs"], (0,)),
    **dict.fromkeys(["sync_batchnorm", "use_distributed_sampler"], (False, True)),
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


def check_limit(name: str, value: float | None) -> float:
    """A number of batches, or a part of them; all of them for None."""
    if value is None:
        return 1.0
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or value < 0 or (isinstance(value, float) and value > 1):
        raise MisconfigurationException(
            f"You have passed invalid value {value} for {name}, it has to be in [0.0, 1.0] or an int."
        )
    return value


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


def verify(trainer: Trainer, fn: str) -> None:
    """Refuse a module that lacks what ``fn`` needs: "fit", "validate", "test" or "predict".

    Raises:
        MisconfigurationException: a method is missing, or the module wants to step its optimizers itself.
    """
    module = trainer.lightning_module
    if not module.automatic_optimization:
        raise MisconfigurationException(
            "minigrad.lightning steps the optimizer itself: `automatic_optimization = False` is Lightning's alone"
        )
    if fn == "predict":
        return
    if fn != "fit":
        if not is_overridden(f"{STAGES[fn]}_step", module):
            raise MisconfigurationException(f"No `{STAGES[fn]}_step()` method defined to run `Trainer.{fn}`.")
        return
    for name in ("training_step", "configure_optimizers"):
        if not is_overridden(name, module):
            raise MisconfigurationException(
                f"No `{name}()` method defined. Lightning `Trainer` expects as minimum a `training_step()`, "
                f"`train_dataloader()` and `configure_optimizers()` to be defined."
            )
    has_loader, has_step = trainer.sources.has("val_dataloader"), is_overridden("validation_step", module)
    if has_loader and not has_step:
        warn_user("You passed in a `val_dataloader` but have no `validation_step`. Skipping val loop.")
    if has_step and not has_loader:
        warn_user(
            "You defined a `validation_step` but have no `val_dataloader`. Skipping val loop.", PossibleUserWarning
        )
