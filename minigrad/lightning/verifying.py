"""Whether a module and its data are fit for what a Trainer is asked to do: refused, or warned of, before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigrad.caller import warn_user
from minigrad.lightning.evaluation_loop import STAGES
from minigrad.lightning.exceptions import MisconfigurationException, PossibleUserWarning
from minigrad.lightning.module import is_overridden

if TYPE_CHECKING:
    from minigrad.lightning.trainer import Trainer

__all__ = ["verify"]


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
