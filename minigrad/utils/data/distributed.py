"""The sampler of a program that runs in several processes: each has its part. Counterpart: torch's of the same path."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized
from typing import Any

from minigrad.creation import randperm
from minigrad.random import Generator
from minigrad.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler):
    """Every ``num_replicas``-th index from ``rank`` on, of an order that is the same in all processes.

    The order is drawn from ``seed`` and the epoch that ``set_epoch`` said. The first indices come once more at the
    end, or with ``drop_last`` the last ones are left out, so that all processes have as many.

    Raises:
        ValueError: ``rank`` is not below ``num_replicas``; they were not given, and there is no process group.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        from minigrad import distributed  # here: most programs do without

        self.num_replicas = distributed.get_world_size() if num_replicas is None else num_replicas
        self.rank = distributed.get_rank() if rank is None else rank
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(f"Invalid rank {self.rank}, rank should be in the interval [0, {self.num_replicas - 1}]")
        self.dataset, self.epoch, self.shuffle, self.seed, self.drop_last = dataset, 0, shuffle, seed, drop_last
        per_process = len(dataset) / self.num_replicas
        self.num_samples = math.floor(per_process) if drop_last else math.ceil(per_process)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[Any]:
        indices = list(range(len(self.dataset)))
        if self.shuffle:
            indices = randperm(len(indices), generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        repeated = indices * math.ceil(self.total_size / max(len(indices), 1))
        return iter(repeated[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Which epoch begins: without it, each has the first one's order."""
        self.epoch = epoch
