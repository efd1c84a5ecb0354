"""ProgressBar: tells on the standard error stream how far a training is."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

from minigrad.lightning.callbacks.callback import Callback

__all__ = ["ProgressBar"]


class ProgressBar(Callback):
    """One line an epoch: batches, seconds, and what was logged with ``prog_bar=True``.

    On a terminal the line is written anew as batches are done. Counterpart:
    ``lightning.pytorch.callbacks.TQDMProgressBar``.

    Args:
        refresh_seconds: how long a line stands at least.
    """

    def __init__(self, refresh_seconds: float = 0.1) -> None:
        self.refresh_seconds = refresh_seconds
        self.began = self.written = 0.0

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to count seconds."""
        self.began = self.written = time.monotonic()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Write the line anew, on a terminal, now and then."""
        if sys.stderr.isatty() and time.monotonic() - self.written > self.refresh_seconds:
            print(f"\r{self.line(trainer):<79}", end="", file=sys.stderr, flush=True)
            self.written = time.monotonic()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """The whole line."""
        line = self.line(trainer)
        print(f"\r{line:<79}" if sys.stderr.isatty() else line, file=sys.stderr, flush=True)

    def line(self, trainer: Any) -> str:
        """How far the epoch is."""
        total = trainer.num_training_batches
        batches = f"{trainer.fit_loop.batch_idx + 1}{'' if total == math.inf else f'/{total}'} batches"
        metrics = "".join(f"  {name}={value:.4g}" for name, value in trainer.progress_bar_metrics.items())
        seconds = time.monotonic() - self.began
        return f"Epoch {trainer.current_epoch}: {batches}, {seconds:.1f} s{metrics}"
