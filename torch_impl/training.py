"""The loop: ``train`` for one epoch, ``evaluate``, and what they need: seeds, the device, batches.

Read it beside the tutorial's training script: it is the same, with the data kept as tensors on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import BatchSampler, RandomSampler, SequentialSampler, TensorDataset

__all__ = ["Batches", "choose_device", "evaluate", "seed_everything", "train"]


def seed_everything(seed: int) -> None:
    """Make runs repeatable: seed PyTorch's generators on every device."""
    torch.manual_seed(seed)  # every CUDA device's generator too


def choose_device(name: str = "auto") -> torch.device:
    """The device called ``name``; "auto" takes CUDA, else MPS, else the CPU.

    Raises:
        RuntimeError: PyTorch cannot compute there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise RuntimeError(f"PyTorch cannot compute on the device {name!r} ({reason}): try cpu") from error
    return device


class Batches:
    """Batches of a data set that lives on the device as a whole: one ``index_select`` each, no copying about.

    With ``shuffle`` the order is that of ``DataLoader(shuffle=True)`` from the same seed. Iterating yields images
    (N, 1, 28, 28) and labels (N,).
    """

    def __init__(self, dataset: TensorDataset, batch_size: int, device: torch.device, shuffle: bool = False) -> None:
        self.images, self.labels = (each.to(device) for each in dataset.tensors)
        order = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
        self.sampler = BatchSampler(order, batch_size, drop_last=False)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        torch.empty((), dtype=torch.int64).random_()  # a DataLoader draws this for its workers, with or without any
        for indices in self.sampler:
            chosen = torch.tensor(indices, device=self.images.device)
            yield self.images.index_select(0, chosen), self.labels.index_select(0, chosen)

    def __len__(self) -> int:
        return len(self.sampler)


def train(
    model: nn.Module, batches: Batches, optimizer: Optimizer, on_step: Callable[[int, Tensor], None] | None = None
) -> float:
    """One epoch: forward, loss, backward, step, for every batch.

    Args:
        model: takes (N, 784), gives scores (N, 10); on the device of the batches.
        batches: what to train on.
        optimizer: holds the model's parameters.
        on_step: called after every step with its number, from 1, and its loss, a tensor still on the device.

    Returns:
        The mean of the batches' losses.
    """
    model.train()
    criterion = nn.CrossEntropyLoss()
    total = torch.zeros((), device=batches.images.device)
    for step, (images, labels) in enumerate(batches, start=1):
        outputs = model(images.flatten(1))
        loss = criterion(outputs, labels)

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        total += loss.detach()  # on the device: asking for the number would wait for it at every step
        if on_step is not None:
            on_step(step, loss.detach())
    return total.item() / len(batches)


@torch.no_grad()
def evaluate(model: nn.Module, batches: Batches) -> float:
    """The share of images whose highest score is their label's, in percent."""
    model.eval()
    correct = torch.zeros((), dtype=torch.int64, device=batches.images.device)
    for images, labels in batches:
        predicted = model(images.flatten(1)).argmax(1)
        correct += (predicted == labels).sum()
    return 100 * correct.item() / len(batches.labels)
