"""The loop: ``train`` for one epoch and ``evaluate``. This is the page to copy: it needs PyTorch alone.

Batches come from any DataLoader, or from ``data/``; the optimizer and its schedule from ``optimization.py``. ``run.py``
is a whole run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

__all__ = ["Step", "Tally", "autocast", "evaluate", "train"]

MOST_SEEN = 10  # classes, of which an accuracy says all; of more, whether the label is among the first five says more

DTYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def train(
    model: nn.Module,
    loader: Iterable[Any],
    optimizer: Optimizer,
    scheduler: LRScheduler | None = None,
    scaler: GradScaler | None = None,
    *,
    precision: str = "fp32",
    accumulate: int = 1,
    clip_norm: float = 0.0,
    label_smoothing: float = 0.0,
    tally: Tally | None = None,
    on_step: Callable[[Tally, Step], None] | None = None,
) -> Tally:
    """One epoch: for every step forward, loss and backward, piece by piece, then the optimizer's step.

    The loss of a step is the mean cross-entropy of its images, whatever number of processes and pieces they are dealt
    out to. So are its gradients, by which the optimizer goes.

    Args:
        model: takes images, gives scores (N, classes).
        loader: gives a piece at a time, ``(images, labels)`` or ``(images, labels, step_size)``: labels (N,) int64,
            -100 for none, and how many images the whole step has; by default its pieces count as equally large.
        optimizer, scheduler: the scheduler moves on with every step. Default: a constant learning rate.
        scaler: keeps gradients from vanishing in float16. Default: none, for any other type.
        precision: "fp32", "bf16" or "fp16", what matrices are multiplied in.
        accumulate: pieces a step; the last step may have fewer.
        clip_norm: the longest gradient, as the norm over all parameters; infinity measures it, 0 does neither.
        label_smoothing: the share of each label that is spread over all classes, 0 … 1.
        tally: what was added up of this epoch before it was stopped. Default: nothing.
        on_step: called after every step with the tally and what the step was.

    Returns:
        The sums over the images of this process, in training mode, each as it was when its turn came.

    Source: pytorch/examples, mnist/main.py;
    https://docs.pytorch.org/docs/stable/notes/amp_examples.html
    """
    model.train()
    device = device_of(model)
    scaler = scaler or GradScaler(device.type, enabled=False)
    tally = tally or Tally(device)
    cross_entropy = nn.CrossEntropyLoss(reduction="sum")
    criterion = nn.CrossEntropyLoss(reduction="sum", label_smoothing=label_smoothing)
    processes = dist.get_world_size() if dist.is_initialized() else 1
    shares: list[Tensor] = []  # what each piece of the step adds to its mean cross-entropy
    for done, (images, labels, *step_size) in enumerate(loader, 1):
        images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
        pieces = pieces_of_step(done, accumulate, loader)
        complete = (done - 1) % accumulate == pieces - 1  # whether this is the last piece of its step
        count = step_size[0] if step_size else len(labels) * pieces * processes
        with gradient_sync(model, complete):
            with autocast(device, precision):
                outputs = model(images)  # (N, classes)
                objective = criterion(outputs, labels)  # ()
                # What is told is the cross-entropy, of training images as of others, whatever is minimised.
                total = cross_entropy(outputs.detach(), labels) if label_smoothing else objective.detach()
            # Gradients are averaged over the processes, so each multiplies by their number.
            scaler.scale(objective * (processes / count)).backward()
        tally.add(total, outputs.detach(), labels, objective.detach())
        shares.append(total / count)
        if not complete:
            continue

        norm = None
        if clip_norm:
            scaler.unscale_(optimizer)
            norm = nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        step = Step(torch.stack(shares).sum(), optimizer.param_groups[0]["lr"], norm)
        shares.clear()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        if scheduler is not None:
            scheduler.step()
        if on_step is not None:
            on_step(tally, step)
    return tally


@torch.no_grad()
def evaluate(model: nn.Module, loader: Iterable[Any], precision: str = "fp32") -> Tally:
    """Loss and accuracy over all images of the loader, in evaluation mode and without gradients.

    The processes share the images and add up their sums, so the result is exact and the same in each of them. At a
    tie the first of the highest scores counts, as in ``argmax``. The model is left in evaluation mode.

    Source: pytorch/examples, mnist/main.py
    """
    model.eval()
    # Each process has its own share of the images, DDP would have it wait for the others.
    network = model.module if isinstance(model, DistributedDataParallel) else model
    device = device_of(model)
    tally = Tally(device)
    criterion = nn.CrossEntropyLoss(reduction="sum")
    for images, labels, *_ in loader:
        images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
        with autocast(device, precision):
            outputs = network(images)
            total = criterion(outputs, labels)
        tally.add(total, outputs, labels)
    return tally.over_processes()


@dataclass(frozen=True)
class Step:
    """What a step was.

    Attributes:
        loss: this process's share () of the mean cross-entropy of the step's images, in nats, on the device: over all
            processes the shares add up to it.
        lr: the learning rate that the optimizer went by.
        gradient_norm: of the gradient () over all parameters, before it was clipped; None if it was not measured.
    """

    loss: Tensor
    lr: float
    gradient_norm: Tensor | None = None


class Tally:
    """What a pass over images adds up: their losses, how many were right, how many there were.

    The sums are on the device: to ask for a number is to wait for the device, so nobody asks at every step.
    """

    def __init__(self, device: torch.device) -> None:
        self.sums = torch.zeros(2, device=device)  # of the cross-entropies, and of what is minimised, in nats
        self.counts = torch.zeros(3, dtype=torch.int64, device=device)  # right, all, right in five guesses

    def add(self, total: Tensor, outputs: Tensor, labels: Tensor, objective: Tensor | None = None) -> None:
        """Add a batch. Shapes: its sum of losses (), scores (N, classes), labels (N,), its sum to minimise ()."""
        self.sums += torch.stack([total, total if objective is None else objective])
        self.counts[0] += (outputs.argmax(dim=1) == labels).sum()
        self.counts[1] += (labels >= 0).sum()
        if outputs.shape[1] > MOST_SEEN:
            self.counts[2] += (outputs.topk(5).indices == labels[:, None]).sum()

    def over_processes(self) -> Tally:
        """The sums of all processes."""
        whole = Tally(self.sums.device)
        whole.sums, whole.counts = self.sums.clone(), self.counts.clone()
        if dist.is_initialized():
            dist.all_reduce(whole.sums)
            dist.all_reduce(whole.counts)
        return whole

    @property
    def images(self) -> int:
        """How many images were counted."""
        return int(self.counts[1].item())

    @property
    def loss(self) -> float:
        """The mean cross-entropy, in nats."""
        return self.sums[0].item() / max(1, self.images)

    @property
    def objective(self) -> float:
        """The mean of what is minimised, in nats: with label smoothing another than :attr:`loss`."""
        return self.sums[1].item() / max(1, self.images)

    @property
    def accuracy(self) -> float:
        """The share of images whose highest score was their label's, in percent."""
        return 100 * int(self.counts[0].item()) / max(1, self.images)

    @property
    def top5_accuracy(self) -> float:
        """As :attr:`accuracy`, of one of the five highest scores; counted where there are more than ten classes."""
        return 100 * int(self.counts[2].item()) / max(1, self.images)

    def state(self) -> list[float]:
        """The sums as plain numbers."""
        return [*self.sums.tolist(), *self.counts.tolist()]

    def load_state(self, state: list[float]) -> None:
        """Go on from what :meth:`state` gave."""
        self.sums.copy_(torch.tensor(state[:2]))
        self.counts.copy_(torch.tensor(state[2:], dtype=torch.int64))


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Matrices are multiplied in ``precision`` within it, sums and losses stay in float32; "fp32" changes nothing."""
    return torch.autocast(device.type, DTYPES[precision], enabled=precision != "fp32")


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters are; the CPU if it has none."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def pieces_of_step(done: int, accumulate: int, loader: Any) -> int:
    """How many pieces the step has that piece ``done``, from 1, is of: only the last of an epoch may have fewer."""
    if accumulate == 1:
        return 1  # without asking how many there are, which an IterableDataset does not know
    return min(accumulate, len(loader) - (done - 1) // accumulate * accumulate)


@contextmanager
def gradient_sync(model: nn.Module, wanted: bool) -> Iterator[None]:
    """Whether ``backward`` exchanges gradients: of a step that is computed in pieces only the last one needs to."""
    set_sync: Any = getattr(model, "set_requires_gradient_sync", None)
    if set_sync is not None:  # an FSDPModule
        set_sync(wanted)
    if isinstance(model, DistributedDataParallel) and not wanted:
        with model.no_sync():
            yield
    else:
        yield
