"""The command line: ``train`` and ``evaluate``. Only the talking is here; the work is in the other files.

Exit status: 0 if all went well, 1 if something could not be had or written, 2 on wrong usage, 130 on Ctrl-C.
``training.py`` is what to read next.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, NoReturn

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim import Optimizer

from torch_impl.checkpoint import CheckpointError, check_writable, load_checkpoint, save_checkpoint
from torch_impl.data import DATASETS, DataError, load_datasets
from torch_impl.models import NeuralNet
from torch_impl.training import Batches, choose_device, evaluate, seed_everything, train

__all__ = ["app", "main"]

LOG_EVERY = 100  # steps
TEST_BATCH_SIZE = 1000  # one for both commands: another one may round scores differently

FAILURE, WRONG_USAGE = 1, 2

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DATA_HELP = "The data set: " + ", ".join(DATASETS)
RootOption = typer.Option("--data-root", help="Folder of the data sets. Default: $MINIGRAD_DATA, else data")
DeviceOption = typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps")


@app.callback()
def describe() -> None:
    """The tutorial's feed-forward network in PyTorch: train it, evaluate it."""


@app.command("train")
def train_command(
    data: Annotated[str, typer.Option(help=DATA_HELP)] = "digits",
    data_root: Annotated[Path | None, RootOption] = None,
    epochs: Annotated[int, typer.Option(help="How often to go through the training images")] = 5,
    batch_size: Annotated[int, typer.Option(help="Images in a training batch")] = 100,
    lr: Annotated[float, typer.Option(help="Adam's learning rate")] = 1e-3,
    seed: Annotated[int, typer.Option(help="Seed of the initial weights and the order of the images")] = 0,
    device: Annotated[str, DeviceOption] = "auto",
    out: Annotated[Path, typer.Option(help="The folder that model.ckpt is written to")] = Path(),
) -> None:
    """Train the network, print its accuracy on the test images, save it as model.ckpt."""
    check(epochs >= 1, f"--epochs must be at least 1, not {epochs}")
    check(batch_size >= 1, f"--batch-size must be at least 1, not {batch_size}")
    check(0 < lr < math.inf, f"--lr must be a positive number, not {lr}")
    check(0 <= seed < 2**32, f"--seed must be in 0 … {2**32 - 1}, not {seed}")
    check_data(data)
    target = get_device(device)
    path = out / "model.ckpt"
    try:
        check_writable(path)
        training, test = load_datasets(data, data_root)

        seed_everything(seed)
        model = NeuralNet().to(target)
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        show_training(model, Batches(training, batch_size, target, shuffle=True), optimizer, epochs)
        accuracy = show_accuracy(model, Batches(test, TEST_BATCH_SIZE, target))
        save_checkpoint(path, model, data, epochs, accuracy)
    except (CheckpointError, DataError) as error:
        stop(str(error), FAILURE)
    typer.echo(f"Saved {path}")


@app.command("evaluate")
def evaluate_command(
    checkpoint: Annotated[Path, typer.Argument(help="A file that train saved")] = Path("model.ckpt"),
    data: Annotated[str | None, typer.Option(help=f"{DATA_HELP}. Default: what it was trained on")] = None,
    data_root: Annotated[Path | None, RootOption] = None,
    batch_size: Annotated[int, typer.Option(help="Images in a batch")] = TEST_BATCH_SIZE,
    device: Annotated[str, DeviceOption] = "auto",
) -> None:
    """Load a saved network and print its accuracy on the test images."""
    check(batch_size >= 1, f"--batch-size must be at least 1, not {batch_size}")
    if data is not None:
        check_data(data)
    target = get_device(device)
    try:
        model, content = load_checkpoint(checkpoint)
        name = data or str(content.get("data"))
        if name not in DATASETS:
            raise CheckpointError(f"{checkpoint} names no data set of ours: choose one with --data")
        _, test = load_datasets(name, data_root)
        pixels = test.tensors[0][0].numel()
        if model.fc1.in_features != pixels:
            raise CheckpointError(f"the network in {checkpoint} does not take images of {pixels} pixels")
    except (CheckpointError, DataError) as error:
        stop(str(error), FAILURE)
    show_accuracy(model.to(target), Batches(test, batch_size, target))


def show_training(model: nn.Module, batches: Batches, optimizer: Optimizer, epochs: int) -> None:
    """Train and show how it goes: a bar on a terminal, else a line every 100 steps and after each epoch."""
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), TimeRemainingColumn())
    with Progress(*columns, console=console, expand=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Training", total=epochs * len(batches))
        for epoch in range(1, epochs + 1):

            def on_step(step: int, loss: Tensor, epoch: int = epoch) -> None:
                bar.advance(task)
                if step % LOG_EVERY == 0 or step == len(batches):
                    line = f"Epoch [{epoch}/{epochs}], Step [{step}/{len(batches)}], Loss: {loss.item():.4f}"
                    bar.update(task, description=line)
                    if not console.is_terminal:
                        typer.echo(line)

            train(model, batches, optimizer, on_step)


def show_accuracy(model: nn.Module, batches: Batches) -> float:
    """Print the accuracy on the test images. Returns it, in percent."""
    accuracy = evaluate(model, batches)
    typer.echo(f"Accuracy on the {len(batches.labels):,} test images: {accuracy:.2f} %")
    return accuracy


def check(right: bool, message: str) -> None:
    """Stop with ``message`` if the command was called wrongly."""
    if not right:
        stop(message, WRONG_USAGE)


def check_data(name: str) -> None:
    """Stop if there is no such data set."""
    check(name in DATASETS, f"--data: there is no data set {name!r}, choose from {', '.join(DATASETS)}")


def get_device(name: str) -> torch.device:
    """The device, or stop if it cannot be used."""
    try:
        return choose_device(name)
    except RuntimeError as error:
        stop(f"--device: {error}", WRONG_USAGE)


def stop(message: str, status: int) -> NoReturn:
    """Say in one sentence on stderr what is wrong, and end."""
    typer.echo(f"torch_impl: {message}", err=True)
    raise typer.Exit(status)


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m torch_impl")
