"""How a training goes, on the terminal: a bar, or lines where there is none."""

from __future__ import annotations

import time
from types import TracebackType

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from torch_impl.training import Tally

__all__ = ["LOG_EVERY", "Speedometer", "TrainingProgress"]

LOG_EVERY = 100  # steps


class Speedometer:
    """Images per second between two looks."""

    def __init__(self) -> None:
        self.images, self.since = 0, time.perf_counter()

    def add(self, images: int) -> None:
        """Count images."""
        self.images += images

    def read(self) -> float:
        """Images per second since the last look."""
        now = time.perf_counter()
        speed = self.images / max(now - self.since, 1e-9)
        self.images, self.since = 0, now
        return speed


class TrainingProgress:
    """Loss, accuracy and images per second: beside a bar on a terminal, else a line every 100 steps and every epoch.

    Args:
        epochs, steps: of the run, and of one epoch.
        quiet: shows nothing, for the processes that are not the main one.
    """

    def __init__(self, epochs: int, steps: int, quiet: bool) -> None:
        self.epochs, self.steps, self.quiet = epochs, steps, quiet
        console = Console(quiet=quiet)
        self.lines = not quiet and not console.is_terminal
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), TimeRemainingColumn())
        self.bar = Progress(*columns, console=console, expand=True, disable=quiet or not console.is_terminal)
        self.task = self.bar.add_task("Training", total=epochs * steps)

    def __enter__(self) -> TrainingProgress:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def move(self, epoch: int, step: int) -> None:
        """The bar stands at ``step`` of ``epoch``, both from 1."""
        self.bar.update(self.task, completed=(epoch - 1) * self.steps + step)

    def show(self, epoch: int, step: int, tally: Tally, loss: Tensor, speed: float) -> None:
        """Say where it is: the loss of the step, the accuracy of the epoch so far."""
        line = (
            f"Epoch [{epoch}/{self.epochs}], Step [{step}/{self.steps}], Loss: {loss.item():.4f}, "
            f"Accuracy: {tally.accuracy:.2f} %, {speed:,.0f} images/s"
        )
        self.bar.update(self.task, description=line)
        if self.lines:
            typer.echo(line)

    def complain(self, line: str) -> None:
        """A line on stderr."""
        if not self.quiet:
            typer.echo(f"torch_impl: {line}", err=True)

    def say(self, line: str) -> None:
        """A line that stays, above the bar if there is one."""
        if self.lines:
            typer.echo(line)
        else:
            self.bar.console.print(line, markup=False, highlight=False)
