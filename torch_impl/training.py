"""The loop: ``train`` for one epoch and ``evaluate``. This is the page to copy.

Batches come from ``data/``, the optimizer and its schedule from ``optimization.py``. ``run.py`` is a whole run.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from torch_impl.data import IGNORED, Loader
from torch_impl.distributed import gradient_sync, unwrap, world_size
from torch_impl.options import TrainingOptions
from torch_impl.tally import Tally

__all__ = ["autocast", "evaluate", "train"]

DEFAULTS = TrainingOptions()

DTYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def train(
    model: nn.Module,
    loader: Loader,
    optimizer: Optimizer,
    scheduler: LRScheduler | None = None,
    scaler: GradScaler | None = None,
    options: TrainingOptions = DEFAULTS,
    tally: Tally | None = None,
    on_step: Callable[[Tally, Tensor], None] | None = None,
) -> Tally:
    """One epoch: for every step forward, loss and backward, piece by piece, then the optimizer's step.

    The loss of a step is the mean cross-entropy of all its images, whatever number of processes and pieces they are
    dealt out to. So are its gradients, by which the optimizer goes.

    Args:
        model: takes the loader's images, gives scores (N, classes); its parameters are on the loader's device.
        loader: with ``options.accumulate`` pieces a step; one that was stopped within an epoch goes on there.
        optimizer, scheduler: the scheduler moves on with every step. Default: a constant learning rate.
        scaler: keeps gradients from vanishing in float16. Default: none, for any other type.
        options: precision, accumulate, clip_norm, label_smoothing.
        tally: what was added up of this epoch before it was stopped. Default: nothing.
        on_step: called after every step with the tally and the loss () of this process's last piece, on the device.

    Returns:
        The sums over the images of this process, in training mode, each as it was when its turn came.

    Source: pytorch/examples, mnist/main.py;
    https://docs.pytorch.org/docs/stable/notes/amp_examples.html
    """
    model.train()
    scaler = scaler or GradScaler(loader.device.type, enabled=False)
    tally = tally or Tally(loader.device)
    criterion = nn.CrossEntropyLoss(reduction="sum", label_smoothing=options.label_smoothing, ignore_index=IGNORED)
    for images, labels, step_size in loader:
        complete = loader.done % loader.pieces == 0  # whether this is the last piece of its step
        with gradient_sync(model, complete):
            with autocast(loader.device, options.precision):
                outputs = model(images)  # (N, classes)
                total = criterion(outputs, labels)  # ()
            # Gradients are averaged over the processes, so each multiplies by their number.
            scaler.scale(total * (world_size() / step_size)).backward()
        tally.add(total.detach(), outputs.detach(), labels)
        if not complete:
            continue

        if options.clip_norm:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), options.clip_norm)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        if scheduler is not None:
            scheduler.step()
        if on_step is not None:
            on_step(tally, total.detach() / len(labels))
    return tally


@torch.no_grad()
def evaluate(model: nn.Module, loader: Loader, precision: str = "fp32") -> Tally:
    """Loss and accuracy over all images of the loader, in evaluation mode and without gradients.

    The processes share the images and add up their sums, so the result is exact and the same in each of them. At a
    tie the first of the highest scores counts, as in ``argmax``. The model is left in evaluation mode.

    Source: pytorch/examples, mnist/main.py
    """
    model.eval()
    network = unwrap(model)  # each process has its own share of the images, DDP would have it wait for the others
    tally = Tally(loader.device)
    criterion = nn.CrossEntropyLoss(reduction="sum", ignore_index=IGNORED)
    for images, labels, _ in loader:
        with autocast(loader.device, precision):
            outputs = network(images)
            total = criterion(outputs, labels)
        tally.add(total, outputs, labels)
    return tally.over_processes()


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Matrices are multiplied in ``precision`` within it, sums and losses stay in float32; "fp32" changes nothing."""
    return torch.autocast(device.type, DTYPES[precision], enabled=precision != "fp32")
