"""The command line: ``train`` and ``evaluate``.

Exit status 0 when all went well, 1 when something could not be had or written, 2 on wrong usage, 130 on Ctrl-C.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, NoReturn

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from torch_impl.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from torch_impl.data import DATASETS, DataError, load_datasets
from torch_impl.models import NeuralNet
from torch_impl.training import Batches, choose_device, evaluate, seed_everything, train

__all__ = ["app", "main"]

LOG_EVERY = 100

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)

DataOption = typer.Option("--data", help="The data set: " + ", ".join(DATASETS))
RootOption = typer.Option("--data-root", help="The folder of the data sets. Default: $MINIGRAD_DATA, else ./data")
DeviceOption = typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps")
BatchSizeOption = typer.Option("--batch-size", min=1, help="Images in a batch")


def fail(message: object) -> NoReturn:
    """Say in one sentence what went wrong, and end with status 1."""
    typer.echo(f"torch_impl: {message}", err=True)
    raise typer.Exit(1)


def checked_device(name: str) -> torch.device:
    """The device, or the error of wrong usage."""
    try:
        return choose_device(name)
    except RuntimeError as error:
        raise typer.BadParameter(str(error)) from None


def checked_data(name: str) -> str:
    """The data set's name, or the error of wrong usage."""
    if name not in DATASETS:
        raise typer.BadParameter(f"there is no data set {name!r}: choose from {', '.join(DATASETS)}")
    return name


@app.command("train")
def train_command(
    data: Annotated[str, DataOption] = "digits",
    data_root: Annotated[Path | None, RootOption] = None,
    epochs: Annotated[int, typer.Option(min=1, help="How often to go through the training images")] = 5,
    batch_size: Annotated[int, BatchSizeOption] = 100,
    lr: Annotated[float, typer.Option(help="Adam's learning rate")] = 1e-3,
    seed: Annotated[int, typer.Option(help="Seed of the initial weights and of the order of the images")] = 0,
    device: Annotated[str, DeviceOption] = "auto",
    out: Annotated[Path, typer.Option(help="The folder that model.ckpt is written to")] = Path(),
) -> None:
    """Train the network, print its accuracy on the test images, save it as model.ckpt."""
    checked_data(data)
    if not 0 < lr < float("inf"):
        raise typer.BadParameter(f"--lr must be a positive number, not {lr}")
    target = checked_device(device)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"cannot make the folder {out}: {error.strerror}")
    if not os.access(out, os.W_OK):
        fail(f"cannot write to the folder {out}: choose another with --out")
    try:
        training, test = load_datasets(data, data_root)
    except DataError as error:
        fail(error)

    seed_everything(seed)
    model = NeuralNet().to(target)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    batches = Batches(training, batch_size, target, shuffle=True)
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=epochs * len(batches))
        for epoch in range(1, epochs + 1):

            def on_step(step: int, loss: Tensor, epoch: int = epoch) -> None:
                bar.advance(task)
                if step % LOG_EVERY == 0 or step == len(batches):
                    line = f"Epoch [{epoch}/{epochs}], Step [{step}/{len(batches)}], Loss: {loss.item():.4f}"
                    bar.update(task, description=line)
                    if not console.is_terminal:
                        typer.echo(line)

            train(model, batches, optimizer, on_step)
    accuracy = evaluate(model, Batches(test, batch_size, target))
    typer.echo(f"Accuracy on the {len(test):,} test images: {accuracy:.2f} %")
    path = out / "model.ckpt"
    try:
        save_checkpoint(path, model, data, epochs, accuracy)
    except CheckpointError as error:
        fail(error)
    typer.echo(f"Saved {path}")


@app.command("evaluate")
def evaluate_command(
    checkpoint: Annotated[Path, typer.Argument(help="A file that train saved")] = Path("model.ckpt"),
    data: Annotated[str | None, typer.Option(help="Another data set than it was trained on")] = None,
    data_root: Annotated[Path | None, RootOption] = None,
    batch_size: Annotated[int, BatchSizeOption] = 1000,
    device: Annotated[str, DeviceOption] = "auto",
) -> None:
    """Load a saved network and print its accuracy on the test images."""
    if data is not None:
        checked_data(data)
    target = checked_device(device)
    try:
        model, content = load_checkpoint(checkpoint)
        _, test = load_datasets(data or content["data"], data_root)
    except (CheckpointError, DataError) as error:
        fail(error)
    accuracy = evaluate(model.to(target), Batches(test, batch_size, target))
    typer.echo(f"Accuracy on the {len(test):,} test images: {accuracy:.2f} %")


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m torch_impl")
