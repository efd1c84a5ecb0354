"""Where a run's batches come from: what a method was given, else the data module, else the module itself."""

from __future__ import annotations

from typing import Any

from minigrad.attributes import device
from minigrad.lightning.module import is_overridden

__all__ = ["Sources"]


class Sources:
    """The loaders of a run, by the names of their hooks: "train_dataloader" and so on.

    Args:
        given: loaders.
        datamodule: the LightningDataModule that has all others, or None.
        module: the LightningModule that has them else.
    """

    def __init__(self, given: dict[str, Any], datamodule: Any, module: Any) -> None:
        self.given = given
        self.datamodule = datamodule
        self.module = module

    def has(self, name: str) -> bool:
        """Whether there is a loader of that name."""
        return name in self.given or is_overridden(name, self.module if self.datamodule is None else self.datamodule)

    def loader(self, name: str) -> Any:
        """The loader, or loaders, of that name.

        Raises:
            MisconfigurationException: there is none.
        """
        if name in self.given:
            return self.given[name]
        return getattr(self.module if self.datamodule is None else self.datamodule, name)()

    def transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """A batch as it comes from its loader, through the hooks that may change it."""
        for name in ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer"):
            in_data = self.datamodule is not None and is_overridden(name, self.datamodule)
            where = (device("cpu"),) if name == "transfer_batch_to_device" else ()
            batch = getattr(self.datamodule if in_data else self.module, name)(batch, *where, dataloader_idx)
        return batch
