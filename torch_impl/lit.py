"""The same training with Lightning: ``LitModel`` and ``MNISTDataModule``. A whole run with them: ``lit_run.py``.

What Lightning takes over is the loop of ``training.py`` and what ``run.py`` does around it: device, precision,
processes, accumulation, clipping, progress, checkpoints. Data, network, optimizer and schedule are the same objects, so
on the CPU both end with the same weights, bit for bit; with ``accumulate`` where it is a power of two, as Lightning
divides the loss once more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning import LightningDataModule, LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import Metric

from torch_impl.data import ImageData, Loader, load_data
from torch_impl.distributed import world_size
from torch_impl.optimization import build_optimizer, build_scheduler
from torch_impl.options import TrainingOptions
from torch_impl.progress import LOG_EVERY
from torch_impl.run import Place, test_loader, training_loader
from torch_impl.soundness import Watch
from torch_impl.training import MOST_SEEN, Step, Tally

__all__ = ["LitModel", "MNISTDataModule"]

DEFAULTS = TrainingOptions()
MNIST = TrainingOptions(data="mnist")


class ImageMean(Metric):
    """A sum over a number of images, of all processes.

    torchmetrics' own ``MeanMetric`` drops NaN, or waits for the device at every update to look for it.
    """

    full_state_update = False

    def __init__(self) -> None:
        super().__init__()
        self.total: Tensor
        self.images: Tensor
        self.add_state("total", torch.zeros(()), "sum")
        self.add_state("images", torch.zeros((), dtype=torch.int64), "sum")

    def update(self, total: Tensor, images: Tensor) -> None:
        """Add a batch: a sum over its images () and their number ()."""
        self.total += total
        self.images += images

    def compute(self) -> Tensor:
        """The mean."""
        return self.total / self.images


class LitModel(LightningModule):
    """A network and how it is trained, validated and tested.

    Logged: ``training_loss``, ``validation_loss``, ``test_loss``, the mean cross-entropies in nats, and
    ``training_accuracy``, ``validation_accuracy``, ``test_accuracy``, 0 … 1, over all images of an epoch; with label
    smoothing ``training_smoothed_loss`` too, which is minimised then, and of more than ten classes
    ``test_top5_accuracy``.

    A batch is ``(images, labels)``, as an ordinary DataLoader gives it, or has the number of images of the whole step
    too, as ``training.train`` has it.

    Args:
        model: takes images, gives scores (N, classes).
        options: of the training. Default: the tutorial's.
        steps: optimizer steps of the whole training, which schedules go by. Default: what the trainer estimates.

    Source: https://lightning.ai/docs/pytorch/stable/common/lightning_module.html
    """

    def __init__(self, model: nn.Module, options: TrainingOptions = DEFAULTS, steps: int | None = None) -> None:
        super().__init__()
        self.model = model
        self.options = options
        self.steps = steps
        self.history: list[dict[str, Any]] = []  # a row an epoch, as ``run.py`` keeps it
        self.cross_entropy = nn.CrossEntropyLoss(reduction="sum")
        self.criterion = nn.CrossEntropyLoss(reduction="sum", label_smoothing=options.label_smoothing)
        self.shares: list[Tensor] = []  # what each piece of a step adds to its mean cross-entropy
        self.done = Step(torch.zeros(()), options.lr)  # the latest step
        self.measures_gradients = False  # whether their norm is measured where it is not clipped
        self.training_smoothed_loss = ImageMean()
        self.test_top5_accuracy = ImageMean()
        for part in ("training", "validation", "test"):
            self.add_module(f"{part}_loss", ImageMean())
            self.add_module(f"{part}_accuracy", ImageMean())

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.model(images)
        return scores

    def training_step(self, batch: Sequence[Any], batch_index: int) -> Tensor:
        """A piece's share of the mean loss of its step: see ``training.train``."""
        images, labels, *step_size = batch
        pieces = self.options.accumulate
        count = step_size[0] if step_size else len(labels) * pieces * world_size()
        outputs = self(images)
        objective: Tensor = self.criterion(outputs, labels)
        total = objective.detach()
        if self.options.label_smoothing:
            total = self.cross_entropy(outputs.detach(), labels)
            self.training_smoothed_loss.update(objective.detach(), (labels >= 0).sum())
        self.judge("training", total, outputs.detach(), labels)
        self.shares.append(total / count)
        # Lightning divides by the number of pieces, and gradients are averaged over the processes.
        return objective * (world_size() * pieces / count)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Keep what the step is."""
        self.done = Step(torch.stack(self.shares).sum(), optimizer.param_groups[0]["lr"])
        self.shares.clear()

    def validation_step(self, batch: Sequence[Any], batch_index: int) -> None:
        """Loss and accuracy on images that are kept out of training."""
        images, labels, *_ = batch
        outputs = self(images)
        self.judge("validation", self.cross_entropy(outputs, labels), outputs, labels)

    def test_step(self, batch: Sequence[Any], batch_index: int) -> None:
        """Loss and accuracy on the test images."""
        images, labels, *_ = batch
        outputs = self(images)
        self.judge("test", self.cross_entropy(outputs, labels), outputs, labels)

    def judge(self, part: str, total: Tensor, outputs: Tensor, labels: Tensor) -> None:
        """Count a batch and the sum of its losses, and have the means logged when the epoch is over."""
        loss, accuracy = self.metrics_of(part)
        images = (labels >= 0).sum()
        loss.update(total, images)
        accuracy.update((outputs.argmax(dim=1) == labels).sum(), images)
        if part == "test" and outputs.shape[1] > MOST_SEEN:
            self.test_top5_accuracy.update((outputs.topk(5).indices == labels[:, None]).sum(), images)
            self.log("test_top5_accuracy", self.test_top5_accuracy, on_step=False, on_epoch=True)
        batch_size = len(labels)
        self.log(f"{part}_loss", loss, on_step=False, on_epoch=True, batch_size=batch_size)
        self.log(f"{part}_accuracy", accuracy, on_step=False, on_epoch=True, prog_bar=True, batch_size=batch_size)

    def metrics_of(self, part: str) -> tuple[ImageMean, ImageMean]:
        """Loss and accuracy of "training", "validation" or "test"."""
        return getattr(self, f"{part}_loss"), getattr(self, f"{part}_accuracy")

    def tally(self) -> Tally:
        """What this process's training images of the epoch have added up, as the plain loop has it."""
        loss, accuracy = self.metrics_of("training")
        objective = self.training_smoothed_loss if self.options.label_smoothing else loss
        tally = Tally(self.device)
        tally.sums += torch.stack([loss.total, objective.total])
        tally.counts[:2] += torch.stack([accuracy.total.long(), accuracy.images])
        return tally

    def configure_optimizers(self) -> Any:
        """The optimizer, and its schedule, which moves on with every step."""
        optimizer = build_optimizer(self.options, self.model)
        steps = int(self.trainer.estimated_stepping_batches) if self.steps is None else self.steps
        scheduler = build_scheduler(self.options, optimizer, steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Clip by ``options.clip_norm``. Lightning would not: in mixed precision it refuses PyTorch's fused optimizers.

        They undo the scaling of float16 in their step, and for a norm it has to be undone before.
        """
        longest = self.options.clip_norm or (math.inf if self.measures_gradients else 0.0)
        if not longest:
            return
        scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        if scaler is not None and getattr(optimizer, "_step_supports_amp_scaling", False):
            scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), longest)
        self.done = replace(self.done, gradient_norm=norm)

    def on_train_start(self) -> None:
        """Begin to watch whether losses and gradients are finite."""
        steps = -(-self.trainer.num_training_batches // self.options.accumulate)
        self.watch = Watch(self.model, self.options, steps, self.device)

    def on_after_backward(self) -> None:
        """Have the losses, and the gradients of the step that is under way, looked at."""
        losses: Any = self.training_loss
        self.watch.look(self.global_step + 1, losses.total)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Ask the watch now and then: it may have to be waited for."""
        if (batch_idx + 1) % (LOG_EVERY * self.options.accumulate) == 0:
            self.watch.check()

    def on_train_epoch_end(self) -> None:
        """Write the epoch down. The loader is told that it is over: Lightning does not ask for one batch too many.

        Raises:
            TrainingError: a loss or a gradient was not finite.
        """
        self.watch.check()
        end_epoch(self.trainer.train_dataloader)
        loss, accuracy = (metric.compute().item() for metric in self.metrics_of("training"))
        epoch = self.current_epoch + 1
        smoothed = None
        if self.options.label_smoothing:
            smoothed = self.training_smoothed_loss.compute().item()
            self.log("training_smoothed_loss", smoothed)
            self.training_smoothed_loss.reset()
        judged = self.trainer.callback_metrics
        validated = "validation_loss" in judged
        self.history.append(
            {
                "epoch": epoch,
                "step": self.global_step,
                "lr": self.done.lr,
                "loss": loss,
                "smoothed_loss": smoothed,
                "accuracy": 100 * accuracy,
                "validation_loss": judged["validation_loss"].item() if validated else None,
                "validation_accuracy": 100 * judged["validation_accuracy"].item() if validated else None,
            }
        )

    def on_validation_epoch_end(self) -> None:
        """Tell the loader."""
        end_epoch(self.trainer.val_dataloaders)

    def on_test_epoch_end(self) -> None:
        """Tell the loader."""
        end_epoch(self.trainer.test_dataloaders)


def end_epoch(loader: object) -> None:
    """Tell a loader of ours that its epoch is over."""
    if isinstance(loader, Loader):
        loader.end_epoch()


class MNISTDataModule(LightningDataModule):
    """The images of a run: MNIST, or those of another data set by ``options.data``.

    The loaders are the plain loop's. They deal the images out to the processes themselves, without dropping or
    repeating any, and go on within an epoch.

    Source: https://lightning.ai/docs/pytorch/stable/data/datamodule.html
    """

    def __init__(self, options: TrainingOptions = MNIST, place: Place | None = None) -> None:
        super().__init__()
        self.options = options
        self.place = place or Place(torch.device("cpu"), Path())
        self.data: ImageData | None = None

    def setup(self, stage: str | None = None) -> None:
        """Load the images, once. What has to be downloaded is there before other processes are started."""
        if self.data is None:
            self.data = load_data(self.options, self.place.data_root)

    @property
    def images(self) -> ImageData:
        """The images that :meth:`setup` loaded."""
        self.setup()
        assert self.data is not None
        return self.data

    def here(self) -> Place:
        """The place, with the device that Lightning gave this process."""
        return self.place if self.trainer is None else replace(self.place, device=self.trainer.strategy.root_device)

    def train_dataloader(self) -> Loader:
        return training_loader(self.images, self.options, self.here())

    def val_dataloader(self) -> Loader | list[Loader]:
        validation = self.images.validation
        return [] if validation is None else test_loader(validation, self.options, self.here())

    def test_dataloader(self) -> Loader:
        return test_loader(self.images.test, self.options, self.here())
