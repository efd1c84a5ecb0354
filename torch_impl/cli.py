"""The command line: ``train``, ``recipe``, ``evaluate``, ``bench``, ``export``, ``predict``. Only the talking is here.

Exit status: 0 if all went well, 1 if something could not be had or written, 2 on wrong usage, 130 on Ctrl-C, 143 on
SIGTERM. How errors become sentences is in ``errors.py``; the options of a training are made in ``flags.py``. What the
commands do is in ``commands.py``, which is what to read next: it brings PyTorch, and is imported when a command runs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from torch_impl.errors import Commands
from torch_impl.flags import Grouped, with_training_options
from torch_impl.names import FORMATS, OUT, RECIPES, Format, Recipe, Strategy, Trainer
from torch_impl.options import DOWNLOADED, FOLDER, OptionError, TrainingOptions, by_name, require_fit
from torch_impl.starting import stopping_at_once

__all__ = ["app", "main"]

MOST_PROCESSES = 1024
MOST_SEEDS = 1000

app = typer.Typer(
    name="torch_impl",
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DATA_HELP = by_name()["data"].metadata["help"] + ". Default: what it was trained on"
DataRootOption = typer.Option("--data-root", help="Folder of the data sets. Default: $MINIGRAD_DATA, else data")
DeviceOption = typer.Option("--device", help="Device: auto, cpu, cuda, cuda:1, mps")
WorkersOption = typer.Option("--workers", help="Processes that read a folder's images. Default: up to 4")
ResumeOption = typer.Option("--resume", help="Resume from the last checkpoint in --out")
OverwriteOption = typer.Option("--overwrite", help="Replace the run in --out")


@app.callback()
def describe() -> None:
    """The tutorial's networks in PyTorch: train them, evaluate them, export them, measure the speed."""


@app.command("train", cls=Grouped)
@with_training_options
def train_command(
    options: TrainingOptions,
    trainer: Annotated[Trainer, typer.Option(help="Training loop: this program's, or Lightning's")] = "plain",
    devices: Annotated[int, typer.Option(help="Processes that --trainer lightning starts")] = 1,
    strategy: Annotated[Strategy, typer.Option(help="How several processes share the network")] = "ddp",
    device: Annotated[str, DeviceOption] = "auto",
    data_root: Annotated[Path | None, DataRootOption] = None,
    workers: Annotated[int | None, WorkersOption] = None,
    out: Annotated[Path, typer.Option(help="Output folder: checkpoints, metrics, figures")] = OUT,
    resume: Annotated[bool, ResumeOption] = False,
    overwrite: Annotated[bool, OverwriteOption] = False,
    save_every: Annotated[int, typer.Option(help="Steps between checkpoints; 0: at the end of epochs")] = 0,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Log to TensorBoard")] = False,
    figures: Annotated[bool, typer.Option(help="Draw curves, confusion matrix and worst mistakes")] = True,
) -> None:
    """Train a network, print its accuracy on the test images, keep its checkpoints in a folder.

    Under torchrun several processes share the work. Every option of a group other than the last can stand in the file
    that --config names; one given here goes before it.
    """
    check_start(resume, overwrite)
    check(save_every >= 0, f"--save-every must not be negative, not {save_every}")
    check_workers(workers)
    check_trainer(trainer, devices)
    check_use(options, workers, data_root)
    with stopping_at_once():
        from torch_impl.commands import device_of_process, train
        from torch_impl.run import Place
    target = device_of_process(device)
    place = Place(target, out, data_root, resume, strategy, workers, save_every, tensorboard, figures, overwrite)
    train(options, place, trainer, devices)


@app.command("recipe")
def recipe_command(
    name: Annotated[Recipe, typer.Argument(help="A training whose result is known: see docs/results.md")],
    show: Annotated[
        bool, typer.Option("--show", help="Print its file of options for `train --config`, and stop")
    ] = False,
    seeds: Annotated[int, typer.Option(help="Train so many times, with the seeds 0, 1, …, and print a row")] = 1,
    device: Annotated[str, DeviceOption] = "auto",
    data_root: Annotated[Path | None, DataRootOption] = None,
    out: Annotated[Path, typer.Option(help="Output folder, with one in it for each of several seeds")] = OUT,
    resume: Annotated[bool, ResumeOption] = False,
    overwrite: Annotated[bool, OverwriteOption] = False,
) -> None:
    """Train by a recipe: options that are known to give a good network."""
    file = RECIPES / f"{name}.toml"
    if show:
        typer.echo(file.read_text(encoding="utf-8"), nl=False)
        return
    check(1 <= seeds <= MOST_SEEDS, f"--seeds must be in 1 … {MOST_SEEDS}, not {seeds}")
    check(
        not resume or seeds == 1,
        "--resume goes on with one training, --seeds measures whole ones: give one of them",
    )
    check_start(resume, overwrite)
    with stopping_at_once():
        from torch_impl.commands import device_of_process, follow
        from torch_impl.run import Place
    place = Place(device_of_process(device), out, data_root, resume, overwrite=overwrite)
    follow(name, file, seeds, place)


CHECKPOINT_HELP = "A file that train saved, a run's folder, last or best of the run here, or a file of weights alone"


@app.command("evaluate")
def evaluate_command(
    checkpoint: Annotated[Path, typer.Argument(help=CHECKPOINT_HELP)] = OUT,
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    data_root: Annotated[Path | None, DataRootOption] = None,
    workers: Annotated[int | None, WorkersOption] = None,
    device: Annotated[str, DeviceOption] = "auto",
) -> None:
    """Load a saved network and print its accuracy on the test images."""
    check_workers(workers)
    with stopping_at_once():
        from torch_impl.commands import evaluate_checkpoint
    evaluate_checkpoint(checkpoint, data, data_root, workers, device)


@app.command("bench")
def bench_command(
    data: Annotated[str, typer.Option(help="mnist or fashion-mnist")] = "mnist",
    data_root: Annotated[Path | None, DataRootOption] = None,
    epochs: Annotated[int, typer.Option(help="Epochs of each loop")] = 5,
    device: Annotated[str, DeviceOption] = "auto",
) -> None:
    """Measure this program's loop against the tutorial's, an epoch of each in turn."""
    check(data in ("mnist", "fashion-mnist"), f"--data must be mnist or fashion-mnist, not {data}")
    check(epochs >= 1, f"--epochs must be at least 1, not {epochs}")
    with stopping_at_once():
        from torch_impl.bench import compare_loops
        from torch_impl.commands import get_device
    for line in compare_loops(data, data_root, epochs, get_device(device)):
        typer.echo(line)


FORMAT_HELP = (
    "Format. Default: what the name of --to ends in, else pt2, that is torch.export. script and trace are TorchScript, "
    "which PyTorch has deprecated in its favour"
)


@app.command("export")
def export_command(
    checkpoint: Annotated[Path, typer.Argument(help=CHECKPOINT_HELP)] = OUT,
    format: Annotated[Format | None, typer.Option(help=FORMAT_HELP)] = None,
    to: Annotated[Path | None, typer.Option(help="The file. Default: model.* beside the checkpoint")] = None,
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    data_root: Annotated[Path | None, DataRootOption] = None,
    samples: Annotated[Path | None, typer.Option(help="A folder for the first test image of each class")] = None,
) -> None:
    """Write a network as a program that runs without its Python code, checked on test images first."""
    chosen = format_of(format, to)
    with stopping_at_once():
        from torch_impl.commands import export
    export(checkpoint, chosen, to, data, data_root, samples)


TRUST_HELP = "Open a .pt or .pt2 file although such a file can run code on this machine; an .onnx file cannot"


@app.command("predict")
def predict_command(
    program: Annotated[Path, typer.Argument(help="A file that export saved: .onnx, or with --trust .pt or .pt2")],
    images: Annotated[list[Path], typer.Argument(help="Image files")],
    invert: Annotated[bool, typer.Option("--invert", help="Black becomes white: for a black digit on white")] = False,
    trust: Annotated[bool, typer.Option("--trust", help=TRUST_HELP)] = False,
) -> None:
    """Run an exported program on image files, print the class of each and its probability."""
    if program.suffix == ".ckpt" or program.is_dir():
        raise OptionError(
            f"{program} is no exported program: make one with `python -m torch_impl export {program} --format onnx` "
            "and name the file that it saves"
        )
    with stopping_at_once():
        from torch_impl.commands import predict_images
    predict_images(program, images, invert, trust)


def format_of(format: str | None, to: Path | None) -> str:
    """The format that is named, else the one that the name of the file says, else pt2.

    Raises:
        OptionError: the file's name says another one than is named, or none.
    """
    if to is None:
        return format or "pt2"
    fitting = [name for name, file in FORMATS.items() if Path(file).suffix == to.suffix]
    if not fitting or (format is not None and format not in fitting):
        wanted = [FORMATS[format]] if format else FORMATS.values()
        endings = ", ".join(dict.fromkeys(Path(file).suffix for file in wanted))
        kind = f" in the format {format}" if format else ""
        raise OptionError(f"--to {to}: the name of a program{kind} ends in {endings}")
    return format or next((name for name in fitting if to.name.endswith(f".{name}.pt")), fitting[0])


def check_trainer(trainer: str, devices: int) -> None:
    """Stop if the trainer does not start processes in that way."""
    check(1 <= devices <= MOST_PROCESSES, f"--devices must be in 1 … {MOST_PROCESSES}, not {devices}")
    if trainer == "plain":
        check(devices == 1, "--devices is for --trainer lightning: start the plain loop's processes with torchrun")
    else:
        under_torchrun = "TORCHELASTIC_RUN_ID" in os.environ
        check(not under_torchrun, "--trainer lightning starts its processes itself: give --devices instead of torchrun")


def check_start(resume: bool, overwrite: bool) -> None:
    """Refuse to go on with a run that is to be removed."""
    check(not (resume and overwrite), "--resume goes on with the run that --overwrite would remove: give one of them")


def check_workers(workers: int | None) -> None:
    """Refuse a number of processes that no machine has a use for."""
    right = workers is None or 0 <= workers <= MOST_PROCESSES
    check(right, f"--workers must be in 0 … {MOST_PROCESSES}, not {workers}")


def check_use(options: TrainingOptions, workers: int | None, data_root: Path | None) -> None:
    """Refuse what changes nothing with the data set that is chosen."""
    if workers is not None:
        require_fit("workers", FOLDER, options)
    if data_root is not None:
        require_fit("data_root", DOWNLOADED, options)


def check(right: bool, message: str) -> None:
    """Refuse how the command was called if that is not ``right``."""
    if not right:
        raise OptionError(message)


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m torch_impl")
