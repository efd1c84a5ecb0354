"""Lightning's training shown and logged as the plain loop does its own: the same header, bar, lines and tags."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from torch_impl.distributed import is_main_process, sum_over_processes
from torch_impl.lit import LitModel
from torch_impl.progress import LOG_EVERY, Speedometer, TrainingProgress
from torch_impl.reporting import TensorBoard

__all__ = ["ShowRun"]


class ShowRun(Checkpoint):
    """What is trained and how it goes. A Checkpoint, to be called last, when the epoch is written down.

    All processes take part, the main one prints and logs.

    Args:
        folder: in which TensorBoard's log is written. Default: none is.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.board: TensorBoard | None = None
        self.speed = Speedometer()
        self.progress: TrainingProgress
        self.open = ExitStack()  # the bar and the log, while there are any

    def on_train_start(self, trainer: Trainer, lit: LightningModule) -> None:
        assert isinstance(lit, LitModel) and trainer.max_epochs is not None
        loader: Any = trainer.train_dataloader
        progress = TrainingProgress(trainer.max_epochs, loader.steps, quiet=not is_main_process())
        self.progress = self.open.enter_context(progress)
        self.progress.begin(lit.device, lit.model, loader.count, trainer.global_step)
        lit.measures_gradients = self.folder is not None
        if self.folder is not None and is_main_process():
            self.board = self.open.enter_context(closing(TensorBoard(self.folder, trainer.global_step)))

    def on_train_epoch_start(self, trainer: Trainer, lit: LightningModule) -> None:
        self.speed.read()

    def on_train_batch_end(self, trainer: Trainer, lit: LightningModule, outputs: Any, batch: Any, index: int) -> None:
        assert isinstance(lit, LitModel)
        loader: Any = trainer.train_dataloader
        step, piece = divmod(loader.done, loader.pieces)
        if piece:
            return
        epoch = trainer.current_epoch + 1
        self.progress.move(epoch, step)
        self.speed.add(loader.step_size(step))
        if step % LOG_EVERY == 0 or step == loader.steps:
            loss, speed = sum_over_processes(lit.done.loss.clone()), self.speed.read()
            self.progress.show(epoch, step, lit.tally().over_processes(), loss, speed)
            if self.board is not None and lit.done.gradient_norm is not None:
                norm = lit.done.gradient_norm.item()
                self.board.step(trainer.global_step, loss.item(), lit.done.lr, norm, speed)

    def on_train_epoch_end(self, trainer: Trainer, lit: LightningModule) -> None:
        assert isinstance(lit, LitModel)
        self.progress.end_epoch(lit.history[-1])
        if self.board is not None:
            self.board.epoch(lit.history[-1])

    def on_fit_end(self, trainer: Trainer, lit: LightningModule) -> None:
        self.open.close()

    def on_exception(self, trainer: Trainer, lit: LightningModule, exception: BaseException) -> None:
        self.open.close()
