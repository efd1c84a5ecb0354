"""The hooks of a module: methods that do nothing, in the order in which a Trainer calls them. Override what you need.

What each of them surrounds is to be seen in ``fit_loop.py`` and ``evaluation_loop.py``. A callback has most of them too
(``callbacks/callback.py``), and is asked before the module.
"""

from __future__ import annotations

from typing import Any

from minigrad import Tensor, optim
from minigrad import device as device_type
from minigrad.lightning.exceptions import MisconfigurationException

__all__ = ["DataHooks", "ModelHooks"]


class DataHooks:
    """Where data comes from, and what is done to a batch: of a module, or better of a LightningDataModule."""

    def prepare_data(self) -> None:
        """First of all: download, unpack. Keep nothing in ``self``; with many processes only one of them does it."""

    def setup(self, stage: str) -> None:
        """Then: make the data sets. ``stage`` is "fit", "validate", "test" or "predict"."""

    def train_dataloader(self) -> Any:
        """The batches to train on: anything that can be iterated again and again.

        Raises:
            MisconfigurationException: it is not defined, and there is no other loader.
        """
        raise MisconfigurationException("`train_dataloader` must be implemented to be used with the Lightning Trainer")

    def val_dataloader(self) -> Any:
        """The batches to validate on, or a list of several loaders.

        Raises:
            MisconfigurationException: it is not defined, and there is no other loader.
        """
        raise MisconfigurationException("`val_dataloader` must be implemented to be used with the Lightning Trainer")

    def test_dataloader(self) -> Any:
        """The batches to test on, or a list of several loaders.

        Raises:
            MisconfigurationException: it is not defined, and there is no other loader.
        """
        raise MisconfigurationException("`test_dataloader` must be implemented to be used with the Lightning Trainer")

    def predict_dataloader(self) -> Any:
        """The batches to predict for, or a list of several loaders.

        Raises:
            MisconfigurationException: it is not defined, and there is no other loader.
        """
        raise MisconfigurationException(
            "`predict_dataloader` must be implemented to be used with the Lightning Trainer"
        )

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """What becomes of a batch as it comes from the loader."""
        return batch

    def transfer_batch_to_device(self, batch: Any, device: device_type, dataloader_idx: int) -> Any:
        """The batch on the device, which is the CPU here: where it is already."""
        return batch

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """What becomes of a batch on the device."""
        return batch

    def teardown(self, stage: str) -> None:
        """Last of all."""


class ModelHooks:
    """What happens to the model, and when."""

    def configure_model(self) -> None:
        """After ``setup``, before weights are loaded: make layers that were not made yet."""

    def on_fit_start(self) -> None:
        """Everything is there, nothing has run."""

    # ------------------------------------------------------------------------------- training

    def on_train_start(self) -> None:
        """Before the first epoch, after the sanity check."""

    def on_train_epoch_start(self) -> None:
        """Before the first batch of an epoch."""

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        """Before a batch. Return -1 to go on with the next epoch."""

    def on_before_zero_grad(self, optimizer: optim.Optimizer) -> None:
        """After ``training_step``, before ``optimizer.zero_grad()``."""

    def on_before_backward(self, loss: Tensor) -> None:
        """Before ``loss.backward()``."""

    def on_after_backward(self) -> None:
        """After ``loss.backward()``."""

    def on_before_optimizer_step(self, optimizer: optim.Optimizer) -> None:
        """All gradients of the step are there, and not clipped yet."""

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """After a batch. ``outputs`` is a dictionary: the detached loss and what else ``training_step`` returned."""

    def on_validation_model_zero_grad(self) -> None:
        """Before validation within training: let gradients go."""
        self.zero_grad()  # type: ignore[attr-defined]

    def on_train_epoch_end(self) -> None:
        """After the last batch of an epoch, and after its validation."""

    def on_train_end(self) -> None:
        """After the last epoch."""

    # ------------------------------------------------------------------------------- validation

    def on_validation_model_eval(self) -> None:
        """First: set evaluation mode."""
        self.eval()  # type: ignore[attr-defined]

    def on_validation_start(self) -> None:
        """Before a validation."""

    def on_validation_epoch_start(self) -> None:
        """Before the first batch of a validation."""

    def on_validation_batch_start(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Before ``validation_step``."""

    def on_validation_batch_end(self, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """After ``validation_step``; ``outputs`` is what it returned."""

    def on_validation_epoch_end(self) -> None:
        """After the last batch of a validation: the place to log what was computed of all of them."""

    def on_validation_end(self) -> None:
        """After a validation; what it logged can be read."""

    def on_validation_model_train(self) -> None:
        """Override to set another mode than the one that was before the validation, which is restored by default."""
        self.train()  # type: ignore[attr-defined]

    # ------------------------------------------------------------------------------- test

    def on_test_model_eval(self) -> None:
        """As in validation."""
        self.eval()  # type: ignore[attr-defined]

    def on_test_start(self) -> None:
        """As in validation."""

    def on_test_epoch_start(self) -> None:
        """As in validation."""

    def on_test_batch_start(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """As in validation."""

    def on_test_batch_end(self, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """As in validation."""

    def on_test_epoch_end(self) -> None:
        """As in validation."""

    def on_test_end(self) -> None:
        """As in validation."""

    def on_test_model_train(self) -> None:
        """As in validation."""
        self.train()  # type: ignore[attr-defined]

    # ------------------------------------------------------------------------------- prediction

    def on_predict_model_eval(self) -> None:
        """As in validation."""
        self.eval()  # type: ignore[attr-defined]

    def on_predict_start(self) -> None:
        """As in validation."""

    def on_predict_epoch_start(self) -> None:
        """As in validation."""

    def on_predict_batch_start(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """As in validation."""

    def on_predict_batch_end(self, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """As in validation."""

    def on_predict_epoch_end(self) -> None:
        """As in validation."""

    def on_predict_end(self) -> None:
        """As in validation."""

    # ------------------------------------------------------------------------------- the end, and checkpoints

    def on_fit_end(self) -> None:
        """After all training."""

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put into ``checkpoint`` what else is to be saved."""

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it out again, before weights are loaded."""
