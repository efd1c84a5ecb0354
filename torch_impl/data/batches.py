"""Batches: who gets which image when (``Loader``), and a data set that lives on the device (``Batches``).

What does not fit there is read by ``streaming.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import RandomSampler, TensorDataset

from torch_impl.data.augmentation import Augmentation

__all__ = ["Batches", "Loader", "as_floats"]


class Loader:
    """Goes through a data set once an epoch, in steps, and hands this process its part of each.

    ``batch_size`` images make a step, fewer the last one. A step is dealt out to the processes, and each part is cut
    into ``pieces`` that are computed one after the other. So every image is used exactly once, and how many
    processes and pieces there are changes nothing but the speed, and batch normalisation, which takes the statistics of
    each piece by itself. A piece for which no image is left is there and empty: all processes have the same number of
    pieces, as they must to exchange gradients.

    Iterating yields a piece at a time, ``(images, labels, step_size)``: images (N, C, H, W) float32 and labels (N,)
    int64 on the device, and how many images the whole step has.

    The order of an epoch comes from ``generator`` in the way that a DataLoader given the same one draws it, so the
    two yield the same batches. Without it the images keep their order. ``state_dict`` says where in which epoch the
    loader is: loaded, it goes on from there with the same images, changed by the same augmentation.

    Args:
        count: how many images there are.
        batch_size: images a step, over all processes and pieces.
        device: where they go.
        generator: shuffles; the same seed in every process. Default: no shuffling.
        pieces: in how many pieces a process computes its part of a step.
        augmentation: how images are changed. Default: not.
        rank, world_size: this process's number, from 0, and how many there are.
        channels_last: whether the images lie in memory pixel by pixel.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        device: torch.device,
        generator: torch.Generator | None = None,
        pieces: int = 1,
        augmentation: Augmentation | None = None,
        rank: int = 0,
        world_size: int = 1,
        channels_last: bool = False,
    ) -> None:
        self.count = count
        self.batch_size = batch_size
        self.device = device
        self.generator = generator
        self.pieces = pieces
        self.augmentation = augmentation
        self.rank = rank
        self.world_size = world_size
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.done = 0  # pieces of this epoch that were handed out
        self.epoch_state = torch.empty(0) if generator is None else generator.get_state()

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return -(-self.count // self.batch_size)

    def step_size(self, step: int) -> int:
        """How many images ``step``, from 1, has."""
        return min(self.batch_size, self.count - (step - 1) * self.batch_size)

    def __len__(self) -> int:
        """Pieces an epoch, equal in all processes."""
        return self.steps * self.pieces

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, int]]:
        seed, order = self.draw_epoch()
        chosen = self.own_pieces(order)[self.done :]
        for images, labels in self.fetch(chosen):
            step, piece = divmod(self.done, self.pieces)
            step_size = self.step_size(step + 1)
            if self.augmentation is not None:
                images = self.augment(images, seed + step, step_size, piece)
            self.done += 1
            yield as_floats(images).contiguous(memory_format=self.memory_format), labels, step_size
        self.end_epoch()

    def end_epoch(self) -> None:
        """Be at the beginning of the next epoch. Only who does not ask for more after the last piece must say so."""
        self.done = 0
        if self.generator is not None:
            self.epoch_state = self.generator.get_state()

    def draw_epoch(self) -> tuple[int, Tensor]:
        """The seed of an epoch's augmentation and the order of its images (count,), the same in every process."""
        if self.generator is None:
            return 0, torch.arange(self.count)
        # A DataLoader draws a seed first, for the random numbers of its workers. It serves the same purpose here.
        seed = int(torch.empty((), dtype=torch.int64).random_(generator=self.generator).item())
        return seed, torch.tensor(list(RandomSampler(range(self.count), generator=self.generator)))

    def own_pieces(self, order: Tensor) -> list[Tensor]:
        """The indices of each of this process's pieces."""
        if self.pieces * self.world_size == 1:
            return list(order.split(self.batch_size))
        first = self.rank * self.pieces
        own = []
        for step in order.split(self.batch_size):
            own += step.tensor_split(self.pieces * self.world_size)[first : first + self.pieces]
        return own

    def augment(self, images: Tensor, seed: int, step_size: int, piece: int) -> Tensor:
        """Changed images. Every process draws for the whole step and takes its own, so that any number draws alike."""
        assert self.augmentation is not None
        generator = torch.Generator().manual_seed(seed)
        size = (images.shape[2], images.shape[3])
        changes = self.augmentation.draw(step_size, size, generator)
        parts = changes.tensor_split(self.pieces * self.world_size)
        own = parts[self.rank * self.pieces + piece]
        return self.augmentation.apply(images, own) if len(own) else images

    def fetch(self, chosen: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """The images and labels at each tensor of indices, none where it is empty. Subclasses have them."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is: the generator as it was when this epoch began, and the pieces handed out since."""
        return {"epoch_state": self.epoch_state, "done": self.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        self.epoch_state, self.done = state["epoch_state"], state["done"]
        if self.generator is not None:
            self.generator.set_state(self.epoch_state)


class Batches(Loader):
    """A :class:`Loader` of a data set that is moved to the device as a whole: a batch is one ``index_select`` there.

    Args:
        dataset: images (N, C, H, W), float32 or uint8, and labels (N,) int64.
        others: as :class:`Loader` has them.
    """

    def __init__(self, dataset: TensorDataset, batch_size: int, device: torch.device, **others: Any) -> None:
        super().__init__(len(dataset), batch_size, device, **others)
        self.images, self.labels = (tensor.to(device) for tensor in dataset.tensors)

    def fetch(self, chosen: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        if not chosen:
            return
        whole = torch.cat(chosen).to(self.device)  # one copy an epoch, not one a batch
        for indices in whole.split([len(indices) for indices in chosen]):
            yield self.images.index_select(0, indices), self.labels.index_select(0, indices)


def as_floats(images: Tensor) -> Tensor:
    """Images in bytes 0 … 255 as float32 in [0, 1], the same numbers on every device; others as they are."""
    if images.dtype != torch.uint8:
        return images
    return images.float() / torch.full((), 255.0, device=images.device)  # by a number: times 1/255 on a GPU
