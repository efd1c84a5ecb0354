"""What a pass over images adds up: their losses, how many were right, how many there were."""

from __future__ import annotations

import torch
from torch import Tensor

from torch_impl.data import IGNORED
from torch_impl.distributed import sum_over_processes

__all__ = ["Tally"]


class Tally:
    """Sums on the device: to ask for a number is to wait for the device, so nobody asks at every step."""

    def __init__(self, device: torch.device) -> None:
        self.sums = torch.zeros(1, device=device)  # of the cross-entropies, in nats
        self.counts = torch.zeros(2, dtype=torch.int64, device=device)  # right, all

    def add(self, total: Tensor, outputs: Tensor, labels: Tensor) -> None:
        """Add a batch. Shapes: its sum of losses (), scores (N, classes), labels (N,)."""
        self.sums += total
        self.counts[0] += (outputs.argmax(dim=1) == labels).sum()
        self.counts[1] += (labels != IGNORED).sum()

    def over_processes(self) -> Tally:
        """The sums of all processes."""
        whole = Tally(self.sums.device)
        whole.sums = sum_over_processes(self.sums.clone())
        whole.counts = sum_over_processes(self.counts.clone())
        return whole

    @property
    def images(self) -> int:
        """How many images were counted."""
        return int(self.counts[1].item())

    @property
    def loss(self) -> float:
        """The mean cross-entropy, in nats."""
        return self.sums.item() / max(1, self.images)

    @property
    def accuracy(self) -> float:
        """The share of images whose highest score was their label's, in percent."""
        return 100 * int(self.counts[0].item()) / max(1, self.images)

    def state(self) -> list[float]:
        """The sums as plain numbers."""
        return [*self.sums.tolist(), *self.counts.tolist()]

    def load_state(self, state: list[float]) -> None:
        """Go on from what :meth:`state` gave."""
        self.sums.fill_(state[0])
        self.counts.copy_(torch.tensor(state[1:], dtype=torch.int64))
