"""Checkpoints of a Trainer: Lightning's layout, in files that hold data only.

``state_dict`` and ``hyper_parameters`` are where Lightning has them, so that either engine's module takes the other's
weights from a checkpoint; where a training stood ("loops") is kept in fewer words than Lightning's.
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any

from minigrad.caller import warn_user
from minigrad.lightning.exceptions import MisconfigurationException
from minigrad.saving.serialization import load

if TYPE_CHECKING:
    from minigrad.lightning.trainer import Trainer

__all__ = ["checkpoint_of", "chosen_path", "read_checkpoint", "restore_model", "restore_training"]

LAYOUT = "2.6.6"  # the version of Lightning whose layout it is


def checkpoint_of(trainer: Trainer, weights_only: bool) -> dict[str, Any]:
    """What a training needs to go on from here; or the weights, and where it stood."""
    module = trainer.lightning_module
    checkpoint: dict[str, Any] = {
        "epoch": trainer.current_epoch,
        "global_step": trainer.global_step,
        "pytorch-lightning_version": LAYOUT,
        "state_dict": module.state_dict(),
        "loops": {"fit_loop": trainer.fit_loop.state_dict()},
    }
    if not weights_only:
        states = {each.state_key: each.state_dict() for each in trainer.callbacks}
        checkpoint["callbacks"] = {name: state for name, state in states.items() if state}
        checkpoint["optimizer_states"] = [each.state_dict() for each in trainer.optimizers]
        checkpoint["lr_schedulers"] = [each.scheduler.state_dict() for each in trainer.lr_scheduler_configs]
    for each in (module, trainer.datamodule):
        if each is not None and each.hparams:
            prefix = "" if each is module else "datamodule_"
            checkpoint[f"{prefix}hparams_name"] = "kwargs"
            checkpoint[f"{prefix}hyper_parameters"] = dict(each.hparams)
    if trainer.datamodule is not None and (state := trainer.datamodule.state_dict()):
        checkpoint[type(trainer.datamodule).__qualname__] = state
    if not weights_only:
        for callback in trainer.callbacks:
            callback.on_save_checkpoint(trainer, module, checkpoint)
    module.on_save_checkpoint(checkpoint)
    return checkpoint


def chosen_path(trainer: Trainer, ckpt_path: Any, model_given: bool) -> Any:
    """The checkpoint that is meant: a path, "best" or "last"; None for none, or without a module for the best.

    Raises:
        ValueError: no such checkpoint was saved.
    """
    fn = trainer.fn
    if ckpt_path is None and not model_given:
        warn_user(
            f"`.{fn}(ckpt_path=None)` was called without a model. The best model of the previous `fit` call will "
            f"be used. You can pass `.{fn}(ckpt_path='best')` to use the best model or `.{fn}(ckpt_path='last')` "
            f"to use the last model. If you pass a value, this warning will be silenced."
        )
        ckpt_path = "best"
    if ckpt_path not in ("best", "last"):
        return ckpt_path
    saved = trainer.checkpoint_callback
    path = None if saved is None else saved.best_model_path if ckpt_path == "best" else saved.last_model_path
    if not path:
        raise ValueError(
            f'`.{fn}(ckpt_path="{ckpt_path}")` is set but no `ModelCheckpoint` of this Trainer has saved such a '
            f"checkpoint yet. Pass the path of one, or a model for its present weights."
        )
    return path


def read_checkpoint(path: str | os.PathLike[str] | IO[bytes], map_location: Any = None) -> dict[str, Any]:
    """A checkpoint, as it is in the file. No code from it is run.

    Raises:
        pickle.UnpicklingError: it is no checkpoint, or holds more than data.
        MisconfigurationException: it is none of a Trainer's.
    """
    checkpoint = load(path, map_location)
    for name in ("state_dict", "hyper_parameters", "callbacks", "loops"):
        part = checkpoint.get(name, {}) if isinstance(checkpoint, dict) else None
        if not isinstance(part, dict) or not all(isinstance(each, str) for each in part):
            raise MisconfigurationException(
                f"{path} is no checkpoint of a Trainer's: its {name!r} is no dictionary of names"
            )
    if "state_dict" not in checkpoint:
        raise MisconfigurationException(
            f"{path} is no checkpoint of a Trainer's: it has no 'state_dict'. What `save(model.state_dict(), path)` "
            f"wrote is taken by `model.load_state_dict(load(path))`"
        )
    found: dict[str, Any] = checkpoint
    return found


def restore_model(trainer: Trainer, checkpoint: dict[str, Any]) -> None:
    """Weights, and the states of data module and callbacks."""
    module, datamodule = trainer.lightning_module, trainer.datamodule
    trainer.call_module("on_load_checkpoint", checkpoint)
    module.load_state_dict(checkpoint["state_dict"], strict=module.strict_loading)
    if datamodule is not None and type(datamodule).__qualname__ in checkpoint:
        datamodule.load_state_dict(checkpoint[type(datamodule).__qualname__])
    states = checkpoint.get("callbacks", {})
    unknown = states.keys() - {each.state_key for each in trainer.callbacks}
    if unknown:
        warn_user(
            f"Be aware that when using `ckpt_path`, callbacks used to create the checkpoint need to be provided during "
            f"`Trainer` instantiation. Please add the following callbacks: {sorted(unknown)}."
        )
    trainer.call_callbacks("on_load_checkpoint", checkpoint)
    for callback in trainer.callbacks:
        if isinstance(states.get(callback.state_key), dict):
            callback.load_state_dict(states[callback.state_key])


def restore_training(trainer: Trainer, checkpoint: dict[str, Any]) -> None:
    """Where the training stood, the optimizer and the schedules.

    Raises:
        KeyError: it has weights only.
        MisconfigurationException: it was not written by this Trainer, or has had more epochs than are asked for.
    """
    for part in ("optimizer_states", "lr_schedulers"):
        if part not in checkpoint:
            raise KeyError(
                f"Trying to restore {part!r} but checkpoint contains only the model. This is probably due to "
                f"`ModelCheckpoint.save_weights_only` being set to `True`."
            )
        present = trainer.optimizers if part == "optimizer_states" else trainer.lr_scheduler_configs
        states = checkpoint[part]
        if not isinstance(states, list) or [type(each) for each in states] != [dict] * len(present):
            raise MisconfigurationException(
                f"the checkpoint's {part!r} are not those of this training, which has {len(present)}"
            )
    trainer.fit_loop.load_state_dict(checkpoint.get("loops", {}).get("fit_loop"))
    if trainer.max_epochs not in (None, -1) and trainer.current_epoch > trainer.max_epochs:
        raise MisconfigurationException(
            f"You restored a checkpoint with current_epoch={trainer.current_epoch}, but you have set "
            f"Trainer(max_epochs={trainer.max_epochs})."
        )
    for optimizer, state in zip(trainer.optimizers, checkpoint["optimizer_states"]):
        optimizer.load_state_dict(state)
    for schedule, state in zip(trainer.lr_scheduler_configs, checkpoint["lr_schedulers"]):
        schedule.scheduler.load_state_dict(state)
