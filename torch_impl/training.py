"""The loop: ``train`` for one epoch, ``evaluate``, and what they need: seeds, the device, batches.

Read it beside the tutorial's training script: it is the same, with the data kept as tensors on the device.
The command that calls it is in ``cli.py``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

__all__ = ["Batches", "choose_device", "evaluate", "seed_everything", "train"]


def seed_everything(seed: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch (every device), so that a run can be repeated.

    Args:
        seed: 0 … 2**32 - 1, the range of NumPy's.

    Raises:
        ValueError: the seed is out of that range.

    Source: https://docs.pytorch.org/docs/stable/notes/randomness.html
    """
    np.random.seed(seed)  # first: it is the one that refuses a seed
    random.seed(seed)
    torch.manual_seed(seed)


def choose_device(name: str = "auto") -> torch.device:
    """The device called ``name``, for example "cpu" or "cuda:1"; "auto" takes CUDA, else MPS, else the CPU.

    Raises:
        RuntimeError: PyTorch cannot compute there.

    Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.device
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros((), device=device).item()  # a name may be right and its device absent
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise RuntimeError(f"PyTorch cannot compute on the device {name!r} ({reason})") from error
    return device


class Batches:
    """A data set's batches, cut on the device: all of it is moved there once, a batch is an ``index_select``.

    It yields what ``DataLoader(dataset, batch_size, shuffle)`` yields and takes the same numbers from
    PyTorch's generator: one ``torch.manual_seed`` gives the same batches in the same order, every epoch.

    Shapes: images (batch_size, 1, 28, 28) and labels (batch_size,), the last batch may be shorter.

    Source: https://docs.pytorch.org/docs/stable/data.html
    """

    def __init__(
        self,
        dataset: TensorDataset,
        batch_size: int,
        device: torch.device,
        shuffle: bool = False,
    ) -> None:
        self.images, self.labels = (tensor.to(device) for tensor in dataset.tensors)
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        # A DataLoader draws a seed for its workers, even if it has none: drawn here too, to stay in step.
        torch.empty((), dtype=torch.int64).random_()
        order = torch.arange(len(self.labels))
        if self.shuffle:
            order = torch.tensor(list(RandomSampler(self.labels)))
        for chosen in torch.split(order.to(self.labels.device), self.batch_size):
            yield self.images.index_select(0, chosen), self.labels.index_select(0, chosen)


Loader = Batches | DataLoader[tuple[Tensor, Tensor]]


def train(
    model: nn.Module,
    loader: Loader,
    optimizer: Optimizer,
    on_step: Callable[[int, Tensor], None] | None = None,
) -> float:
    """One epoch: forward, loss, backward, step, for every batch. The model is left in training mode.

    Args:
        model: takes (N, 784), gives scores (N, 10); where its parameters are is where it is computed.
        loader: yields images (N, 1, 28, 28) float32 and labels (N,) int64, on any device.
        optimizer: holds the model's parameters.
        on_step: called after every step with its number, from 1, and its loss, a tensor () on the device.

    Returns:
        The mean cross-entropy of the batches, in nats.

    Source: pytorch/examples, mnist/main.py;
    https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
    """
    model.train()
    device = next(model.parameters()).device
    criterion = nn.CrossEntropyLoss()
    total_loss = torch.zeros((), device=device)
    for step, (images, labels) in enumerate(loader, start=1):
        images = images.to(device, non_blocking=True).flatten(1)  # (N, 784)
        labels = labels.to(device, non_blocking=True)

        optimizer.zero_grad()
        outputs = model(images)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()

        # Summed on the device: to ask for the number would be to wait for the device at every step.
        total_loss += loss.detach()
        if on_step is not None:
            on_step(step, loss.detach())
    return total_loss.item() / len(loader)


@torch.no_grad()
def evaluate(model: nn.Module, loader: Loader) -> float:
    """The share of images whose highest score is their label's, in percent. No gradients are recorded.

    Arguments are those of :func:`train`. At a tie the first of the highest scores counts, as in ``argmax``.
    The model is left in evaluation mode.

    Source: pytorch/examples, mnist/main.py
    """
    model.eval()
    device = next(model.parameters()).device
    correct = torch.zeros((), dtype=torch.int64, device=device)
    total = 0
    for images, labels in loader:
        images = images.to(device, non_blocking=True).flatten(1)  # (N, 784)
        labels = labels.to(device, non_blocking=True)
        predicted = model(images).argmax(dim=1)
        correct += (predicted == labels).sum()
        total += len(labels)
    return 100 * int(correct.item()) / total
