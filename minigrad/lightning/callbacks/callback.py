"""Callback: what is done around a training, whatever the module."""

from __future__ import annotations

from typing import Any

from minigrad.lightning.exceptions import MisconfigurationException

__all__ = ["Callback", "MetricCallback", "check_state"]


class Callback:
    """The base of every callback: hooks that do nothing. Override what you need.

    Each is called before the module's hook of the same name, and gets trainer and module beside that one's arguments;
    when it is called is told in ``hooks.py``. Counterpart: ``lightning.pytorch.callbacks.Callback``.

    Attributes:
        monitors: whether it goes by logged metrics, so that at an epoch's end it comes after the module.
    """

    monitors = False

    @property
    def state_key(self) -> str:
        """The name of this callback's state in a checkpoint."""
        return type(self).__qualname__

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback: data only."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what :meth:`state_dict` gave."""

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """See :meth:`LightningModule.setup`."""

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """See :meth:`LightningModule.teardown`."""

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_fit_start`."""

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_fit_end`."""

    def on_sanity_check_start(self, trainer: Any, pl_module: Any) -> None:
        """Before some validation batches are tried, so that a mistake there does not show after an epoch only."""

    def on_sanity_check_end(self, trainer: Any, pl_module: Any) -> None:
        """After them; what they logged is forgotten next."""

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_train_start`."""

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_train_end`."""

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_train_epoch_start`."""

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_train_epoch_end`."""

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """See :meth:`LightningModule.on_train_batch_start`."""

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """See :meth:`LightningModule.on_train_batch_end`."""

    def on_before_zero_grad(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """See :meth:`LightningModule.on_before_zero_grad`."""

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:
        """See :meth:`LightningModule.on_before_backward`."""

    def on_after_backward(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_after_backward`."""

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """See :meth:`LightningModule.on_before_optimizer_step`."""

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_validation_start`."""

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_validation_end`."""

    def on_validation_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_validation_epoch_start`."""

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_validation_epoch_end`."""

    def on_validation_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """See :meth:`LightningModule.on_validation_batch_start`."""

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """See :meth:`LightningModule.on_validation_batch_end`."""

    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_test_start`."""

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_test_end`."""

    def on_test_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_test_epoch_start`."""

    def on_test_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_test_epoch_end`."""

    def on_test_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """See :meth:`LightningModule.on_test_batch_start`."""

    def on_test_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """See :meth:`LightningModule.on_test_batch_end`."""

    def on_predict_start(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_predict_start`."""

    def on_predict_end(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_predict_end`."""

    def on_predict_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_predict_epoch_start`."""

    def on_predict_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """See :meth:`LightningModule.on_predict_epoch_end`."""

    def on_predict_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """See :meth:`LightningModule.on_predict_batch_start`."""

    def on_predict_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """See :meth:`LightningModule.on_predict_batch_end`."""

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """The run ends by ``exception``, which is raised next."""

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """See :meth:`LightningModule.on_save_checkpoint`."""

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """See :meth:`LightningModule.on_load_checkpoint`."""


class MetricCallback(Callback):
    """What goes by logged metrics, at the end of training epochs or of validations.

    Attributes:
        distinguishing: the names of what tells several of them apart in a checkpoint.
        on_training: whether it looks at the end of training epochs; None: where every epoch is validated.
    """

    monitors = True
    distinguishing: tuple[str, ...]
    on_training: bool | None

    @property
    def state_key(self) -> str:
        """Its name with what distinguishes several of them."""
        parts = {name: getattr(self, name) for name in self.distinguishing}
        return f"{type(self).__qualname__}{parts!r}"

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Settle when to look."""
        if self.on_training is None:
            self.on_training = trainer.check_val_every_n_epoch == 1

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Look after training epochs, if that is asked for."""
        if self.on_training:
            self.look(trainer)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Look after validations, if that is asked for."""
        if not self.on_training and trainer.fn == "fit" and not trainer.sanity_checking:
            self.look(trainer)

    def look(self, trainer: Any) -> None:
        """Look at the metrics, and do what they ask for."""
        raise NotImplementedError


def check_state(callback: Callback, state: dict[str, Any], **kinds: Any) -> None:
    """Whether a file's state of a callback has these parts, of these types.

    Raises:
        MisconfigurationException: it has not.
    """
    for name, kind in kinds.items():
        if name not in state or not isinstance(state[name], kind):
            found = f"a {type(state[name]).__name__}" if name in state else "missing"
            raise MisconfigurationException(f"the checkpoint's state of {callback.state_key}: {name!r} is {found}")
