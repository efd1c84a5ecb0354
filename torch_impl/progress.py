"""How a training goes, on the terminal: a bar, or lines where there is none."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from torch_impl.distributed import world_size
from torch_impl.results import name_of
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
    """What is trained, a line an epoch, and where it is: a bar on a terminal, else a line every 100 steps.

    All lines fit a terminal of 80 columns, for up to 999 epochs.

    Args:
        epochs, steps: of the run, and of one epoch.
        quiet: shows nothing, for the processes that are not the main one.
    """

    def __init__(self, epochs: int, steps: int, quiet: bool) -> None:
        self.epochs, self.steps, self.quiet = epochs, steps, quiet
        self.since = time.perf_counter()  # when this epoch began
        console = Console(quiet=quiet)
        self.lines = not quiet and not console.is_terminal
        columns = (
            TextColumn(f"Epoch [{{task.fields[epoch]}}/{epochs}]{{task.description}}"),
            BarColumn(None),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=console, expand=True, disable=quiet or not console.is_terminal)
        self.task = self.bar.add_task("", total=epochs * steps, epoch=1)

    def __enter__(self) -> TrainingProgress:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def begin(self, device: torch.device, model: nn.Module, images: int, step: int = 0) -> None:
        """Say what is trained. The bar stands at ``step`` of the whole run: where it goes on, 0 where it begins."""
        parameters = sum(parameter.numel() for parameter in model.parameters())
        processes = f", {world_size()} processes" if world_size() > 1 else ""
        self.say(
            f"{device_name(device)}, {parameters:,} parameters, {images:,} images, {self.epochs} × {self.steps} steps"
            f"{processes}"
        )
        self.bar.update(self.task, completed=step, epoch=min(step // self.steps + 1, self.epochs))
        self.since = time.perf_counter()

    def move(self, epoch: int, step: int) -> None:
        """The bar stands at ``step`` of ``epoch``, both from 1."""
        self.bar.update(self.task, completed=(epoch - 1) * self.steps + step, epoch=epoch)

    def show(self, epoch: int, step: int, tally: Tally, loss: Tensor, speed: float) -> None:
        """Say where it is: the loss of the step, the accuracy of the epoch so far. At its end comes its own line."""
        mean, pace = loss.item(), f"{speed:,.0f} images/s"
        self.bar.update(self.task, description=f" loss {mean:.4f}, {pace}")
        if self.lines and step < self.steps:
            typer.echo(
                f"Epoch [{epoch}/{self.epochs}], Step [{step}/{self.steps}], Loss: {mean:.4f}, "
                f"Accuracy: {tally.accuracy:.2f} %, {pace}"
            )

    def end_epoch(self, row: Mapping[str, Any]) -> None:
        """A line that stays, of an epoch with the columns of ``reporting.COLUMNS``, and its seconds until now."""
        now = time.perf_counter()
        seconds, self.since = now - self.since, now
        line = f"Epoch [{row['epoch']}/{self.epochs}] loss {row['loss']:.4f}, accuracy {row['accuracy']:#.4g} %, "
        if row["validation_loss"] is not None:
            line += f"validation {row['validation_loss']:.4f}, {row['validation_accuracy']:#.4g} %, "
        self.say(line + (f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"))

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


def device_name(device: torch.device) -> str:
    """A device as people know it: with a GPU's name, or how many threads compute on the CPU."""
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu ({threads} thread{'s' * (threads > 1)})"
    name = name_of(device).removeprefix("NVIDIA ")
    return str(device) if name == device.type else f"{device} ({name})"
