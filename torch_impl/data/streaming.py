"""Data sets that stay on the disk: workers read and decode ahead, from pinned memory batches go to the device.

They go there as they are in files, in bytes, a fourth of what they are as float32.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from torch_impl.data.batches import Batches, Loader
from torch_impl.data.errors import DataError

__all__ = ["Stream", "default_workers", "make_loader"]

PINNED = ("cuda", "xpu")  # the devices that copy from pinned memory while they compute


class Stream(Loader):
    """A :class:`Loader` that reads each image when it is needed.

    Workers draw no random numbers (augmentation is done by batch, on the device), so the images do not depend on how
    many there are, and a run goes on in the middle of an epoch as if it had not stopped.

    Args:
        dataset: gives ``(image, label)``: image (C, H, W), uint8 or float32, the same shape every time, label an
            integer.
        workers: processes that read; 0 reads in this one.
        others: as :class:`Loader` has them.

    Source: https://docs.pytorch.org/docs/stable/data.html
    """

    def __init__(
        self, dataset: Dataset[Any], batch_size: int, device: torch.device, workers: int = 0, **others: Any
    ) -> None:
        super().__init__(len(dataset), batch_size, device, **others)  # type: ignore[arg-type]
        self.planned: list[list[int]] = []  # the indices of the pieces to come, which the workers are told
        self.reader: DataLoader[Any] = DataLoader(
            dataset,
            batch_sampler=self.planned,
            num_workers=workers,
            pin_memory=device.type in PINNED,
            persistent_workers=workers > 0,
            generator=torch.Generator(),  # of its own: nothing that it draws is used
        )

    def fetch(self, chosen: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        self.planned[:] = [indices.tolist() or [0] for indices in chosen]  # a DataLoader cannot read nothing
        try:
            for (images, labels), indices in zip(self.reader, chosen):
                images, labels = images[: len(indices)], labels[: len(indices)]
                yield images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)
        except DataError as error:
            # A worker's comes with its traceback as text, and the sentence at the end. The frames in this process it
            # is rid of: they refer to it and to the workers, and the garbage collector waits for these for seconds.
            sentence = str(error).splitlines()[-1].removeprefix(f"{DataError.__module__}.DataError: ")
            raise DataError(sentence) from error.with_traceback(None)


def make_loader(
    dataset: Dataset[Any], batch_size: int, device: torch.device, workers: int | None = None, **others: Any
) -> Loader:
    """:class:`Batches` for a data set in memory, :class:`Stream` for any other. Arguments are theirs."""
    if isinstance(dataset, TensorDataset):
        return Batches(dataset, batch_size, device, **others)
    if workers is None:
        workers = default_workers(others.get("world_size", 1))
    return Stream(dataset, batch_size, device, workers, **others)


def default_workers(world_size: int = 1) -> int:
    """How many workers each of ``world_size`` processes has: the machine's cores are shared, four are enough."""
    return min(4, max(1, (os.cpu_count() or 1) // world_size))
