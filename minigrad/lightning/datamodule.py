"""LightningDataModule: where data comes from, apart from the model that learns from it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from minigrad.lightning.hooks import DataHooks
from minigrad.lightning.hyperparameters import Hyperparameters
from minigrad.utils.data.dataloader import DataLoader

if TYPE_CHECKING:
    from minigrad.lightning.trainer import Trainer

__all__ = ["LightningDataModule"]


class LightningDataModule(DataHooks, Hyperparameters):
    """Data sets and their loaders. A Trainer calls ``prepare_data``, then ``setup``, then the loaders that it needs.

    Counterpart: ``lightning.pytorch.LightningDataModule``.

    Attributes:
        trainer: the Trainer that has this, or None.

    Source: https://lightning.ai/docs/pytorch/stable/data/datamodule.html
    """

    trainer: Trainer | None = None

    @classmethod
    def from_datasets(
        cls,
        train_dataset: Any = None,
        val_dataset: Any = None,
        test_dataset: Any = None,
        predict_dataset: Any = None,
        batch_size: int = 1,
        num_workers: int = 0,
    ) -> LightningDataModule:
        """A data module of data sets, or of lists of them; only the training's is shuffled.

        Raises:
            ValueError: workers are asked for, see :class:`~minigrad.utils.data.DataLoader`.
        """
        module = cls()

        def loaders_of(datasets: Any, shuffle: bool = False) -> Any:
            if isinstance(datasets, Sequence):
                return [loaders_of(each) for each in datasets]
            return DataLoader(datasets, batch_size, shuffle=shuffle, num_workers=num_workers)

        given = {"train": train_dataset, "val": val_dataset, "test": test_dataset, "predict": predict_dataset}
        for stage, datasets in given.items():
            if datasets is not None:
                setattr(module, f"{stage}_dataloader", partial(loaders_of, datasets, shuffle=stage == "train"))
        return module

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of this: data only."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what :meth:`state_dict` gave."""

    def on_exception(self, exception: BaseException) -> None:
        """The run ends by ``exception``, which is raised next."""
