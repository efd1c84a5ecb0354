"""The command line: ``train``, ``evaluate``, ``bench``, ``export``, ``predict``. Only the talking is here.

Exit status: 0 if all went well, 1 if something could not be had or written, 2 on wrong usage, 130 on
Ctrl-C, 143 on SIGTERM.
How errors become sentences is in ``errors.py``. ``run.py`` is what to read next.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from torch_impl.bench import compare_loops
from torch_impl.checkpoint import LAST, CheckpointError
from torch_impl.data import NAMES, ImageData, check_data, load_data
from torch_impl.distributed import (
    STRATEGIES,
    is_main_process,
    leave_group,
    local_device,
    process_group,
)
from torch_impl.errors import Commands, printable
from torch_impl.export import FORMATS, export_program, save_samples, test_images
from torch_impl.folder import OUT, find_checkpoint
from torch_impl.missing import require
from torch_impl.networks import MODELS
from torch_impl.options import OPTIMIZERS, PRECISIONS, SCHEDULES, OptionError, TrainingOptions
from torch_impl.predict import Description, load_image, load_program, predict
from torch_impl.run import Place, Run, test_loader
from torch_impl.seeds import choose_device
from torch_impl.training import Tally, evaluate
from torch_impl.weights import load_network

__all__ = ["app", "main"]

DEFAULTS = TrainingOptions()

TRAINERS = ("plain", "lightning")

MOST_PROCESSES = 1024

app = typer.Typer(
    name="torch_impl",
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def choices(of: object, names: object) -> str:
    """The help of an option that takes one of several names."""
    return f"{of}: {', '.join(names)}"  # type: ignore[arg-type]


DATA_HELP = choices("The data set", NAMES) + ", or a folder with train/CLASS/* and test/CLASS/*"
RootOption = typer.Option("--data-root", help="Folder of the data sets. Default: $MINIGRAD_DATA, else data")
DeviceOption = typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps")
WorkersOption = typer.Option("--workers", help="Processes that read a folder's images. Default: up to 4")


@app.callback()
def describe() -> None:
    """The tutorial's networks in PyTorch: train them, evaluate them, export them, measure the speed."""


@app.command("train")
def train_command(
    model: Annotated[str, typer.Option(help=choices("The network", MODELS))] = DEFAULTS.model,
    hidden_size: Annotated[int, typer.Option(help="Units of the perceptrons' hidden layer")] = DEFAULTS.hidden_size,
    small_images: Annotated[
        bool, typer.Option("--small-images", help="The residual networks' stem for images of about 32×32")
    ] = DEFAULTS.small_images,
    data: Annotated[str, typer.Option(help=DATA_HELP)] = DEFAULTS.data,
    data_root: Annotated[Path | None, RootOption] = None,
    image_size: Annotated[int, typer.Option(help="What a folder's images are brought to")] = DEFAULTS.image_size,
    workers: Annotated[int | None, WorkersOption] = None,
    validation: Annotated[
        float, typer.Option(help="Share of the training images that is kept out to judge by")
    ] = DEFAULTS.validation,
    augment: Annotated[bool, typer.Option("--augment", help="Shift and mirror training images")] = DEFAULTS.augment,
    epochs: Annotated[int, typer.Option(help="How often to go through the training images")] = DEFAULTS.epochs,
    batch_size: Annotated[int, typer.Option(help="Images a step, of all processes together")] = DEFAULTS.batch_size,
    accumulate: Annotated[int, typer.Option(help="Pieces a step is computed in")] = DEFAULTS.accumulate,
    optimizer: Annotated[str, typer.Option(help=choices("The optimizer", OPTIMIZERS))] = DEFAULTS.optimizer,
    lr: Annotated[float, typer.Option(help="The (highest) learning rate")] = DEFAULTS.lr,
    weight_decay: Annotated[float, typer.Option(help="Weight decay")] = DEFAULTS.weight_decay,
    momentum: Annotated[float, typer.Option(help="SGD's momentum")] = DEFAULTS.momentum,
    schedule: Annotated[str, typer.Option(help=choices("The learning rate", SCHEDULES))] = DEFAULTS.schedule,
    warmup: Annotated[int, typer.Option(help="Steps in which the learning rate rises")] = DEFAULTS.warmup,
    label_smoothing: Annotated[
        float, typer.Option(help="Share of each label that all classes get")
    ] = DEFAULTS.label_smoothing,
    clip_norm: Annotated[float, typer.Option(help="The longest gradient; 0: any length")] = DEFAULTS.clip_norm,
    precision: Annotated[str, typer.Option(help=choices("Of multiplications", PRECISIONS))] = DEFAULTS.precision,
    compile: Annotated[bool, typer.Option("--compile", help="Compile the network")] = DEFAULTS.compile,
    channels_last: Annotated[
        bool, typer.Option("--channels-last", help="Images lie in memory pixel by pixel")
    ] = DEFAULTS.channels_last,
    seed: Annotated[int, typer.Option(help="Of initial weights, order and augmentation")] = DEFAULTS.seed,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Refuse algorithms that may give other bits next time")
    ] = DEFAULTS.deterministic,
    patience: Annotated[
        int, typer.Option(help="Epochs without improvement that end the training; 0: none do")
    ] = DEFAULTS.patience,
    trainer: Annotated[str, typer.Option(help=choices("Whose loop", TRAINERS))] = "plain",
    devices: Annotated[int, typer.Option(help="Processes that --trainer lightning starts")] = 1,
    strategy: Annotated[str, typer.Option(help=choices("Of several processes", STRATEGIES))] = "ddp",
    device: Annotated[str, DeviceOption] = "auto",
    out: Annotated[Path, typer.Option(help="The folder that everything is written to")] = OUT,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out")] = False,
    save_every: Annotated[int, typer.Option(help="Steps between checkpoints; 0: at the end of epochs")] = 0,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write TensorBoard's log")] = False,
    figures: Annotated[bool, typer.Option(help="Draw curves, confusion matrix and worst mistakes")] = True,
) -> None:
    """Train a network, print its accuracy on the test images, keep its checkpoints in a folder.

    Under torchrun several processes share the work.
    """
    options = TrainingOptions(
        model=model,
        hidden_size=hidden_size,
        small_images=small_images,
        data=data,
        image_size=image_size,
        validation=validation,
        augment=augment,
        epochs=epochs,
        batch_size=batch_size,
        accumulate=accumulate,
        optimizer=optimizer,
        lr=lr,
        weight_decay=weight_decay,
        momentum=momentum,
        schedule=schedule,
        warmup=warmup,
        label_smoothing=label_smoothing,
        clip_norm=clip_norm,
        precision=precision,
        compile=compile,
        channels_last=channels_last,
        seed=seed,
        deterministic=deterministic,
        patience=patience,
    )
    options.check()
    check_data_name(data)
    check(strategy in STRATEGIES, choices("--strategy must be one of", STRATEGIES))
    check(not (resume and overwrite), "--resume goes on with the run that --overwrite would remove: give one of them")
    check(save_every >= 0, f"--save-every must not be negative, not {save_every}")
    check_workers(workers)
    target = get_device(local_device(device))
    place = Place(target, out, data_root, resume, strategy, workers, save_every, tensorboard, figures, overwrite)
    check_trainer(trainer, devices)
    require(*["matplotlib"] * figures, *["tensorboard"] * tensorboard)
    if trainer == "lightning":
        train_with_lightning(options, place, devices)
        return
    with process_group(target):
        tested = Run(options, place).run()
        if is_main_process():
            show_accuracy(tested)
            typer.echo(f"Saved {out / LAST}")


CHECKPOINT_HELP = "A file that train saved, a run's folder, last or best of the run here, or a file of weights alone"


@app.command("evaluate")
def evaluate_command(
    checkpoint: Annotated[Path, typer.Argument(help=CHECKPOINT_HELP)] = OUT,
    data: Annotated[str | None, typer.Option(help=f"{DATA_HELP}. Default: what it was trained on")] = None,
    data_root: Annotated[Path | None, RootOption] = None,
    workers: Annotated[int | None, WorkersOption] = None,
    device: Annotated[str, DeviceOption] = "auto",
) -> None:
    """Load a saved network and print its accuracy on the test images."""
    if data is not None:
        check_data_name(data)
    check_workers(workers)
    target = get_device(device)
    checkpoint = find_checkpoint(checkpoint)
    model, options, content = load_network(checkpoint, data, data_root)
    images = images_of(checkpoint, options, content, data, data_root)
    place = Place(target, checkpoint.parent, data_root, workers=workers)
    tested = evaluate(model.to(target), test_loader(images.test, options, place), options.precision)
    typer.echo(f"Judging {named(checkpoint, content)}")
    show_accuracy(tested)


@app.command("bench")
def bench_command(
    data: Annotated[str, typer.Option(help="mnist or fashion-mnist")] = "mnist",
    data_root: Annotated[Path | None, RootOption] = None,
    epochs: Annotated[int, typer.Option(help="Epochs of each loop")] = 5,
    device: Annotated[str, DeviceOption] = "auto",
) -> None:
    """Measure this program's loop against the tutorial's, an epoch of each in turn."""
    check(data in ("mnist", "fashion-mnist"), f"--data must be mnist or fashion-mnist, not {data}")
    check(epochs >= 1, f"--epochs must be at least 1, not {epochs}")
    for line in compare_loops(data, data_root, epochs, get_device(device)):
        typer.echo(line)


FORMAT_HELP = (
    choices("The format", FORMATS) + ". script and trace are TorchScript, which PyTorch has deprecated in favour of "
    "pt2, that is torch.export"
)


@app.command("export")
def export_command(
    checkpoint: Annotated[Path, typer.Argument(help=CHECKPOINT_HELP)] = OUT,
    format: Annotated[str, typer.Option(help=FORMAT_HELP)] = "pt2",
    to: Annotated[Path | None, typer.Option(help="The file. Default: model.* beside the checkpoint")] = None,
    data: Annotated[str | None, typer.Option(help=f"{DATA_HELP}. Default: what it was trained on")] = None,
    data_root: Annotated[Path | None, RootOption] = None,
    samples: Annotated[Path | None, typer.Option(help="A folder for the first test image of each class")] = None,
) -> None:
    """Write a network as a program that runs without its Python code, checked on test images first."""
    check(format in FORMATS, choices("--format must be one of", FORMATS) + f", not {format}")
    if data is not None:
        check_data_name(data)
    if format == "onnx":
        require("onnxscript", "onnxruntime")
    checkpoint = find_checkpoint(checkpoint)
    model, options, content = load_network(checkpoint, data, data_root)
    images = images_of(checkpoint, options, content, data, data_root)
    typer.echo(f"Exporting {named(checkpoint, content)}")
    test = test_images(images)
    channels = images.image_shape[0]
    description = Description(
        options.model,
        options.data,
        tuple(content["image_shape"]),
        (0.0,) * channels,  # training takes pixels as they are, 0 … 1
        (1.0,) * channels,
        tuple(content["class_names"]),
    )
    path = to or checkpoint.parent / FORMATS[format]
    checked, largest = export_program(model, description, test, format, path)
    typer.echo(f"Checked on {checked:,} test images: the largest difference of a score is {largest:.1e}")
    typer.echo(f"Saved {path}")
    if samples is not None:
        typer.echo(f"Saved {len(save_samples(images, samples))} test images in {samples}")


TRUST_HELP = "Open a .pt or .pt2 file although such a file can run code on this machine; an .onnx file cannot"


@app.command("predict")
def predict_command(
    program: Annotated[Path, typer.Argument(help="A file that export saved: .onnx, or with --trust .pt or .pt2")],
    images: Annotated[list[Path], typer.Argument(help="Image files")],
    invert: Annotated[bool, typer.Option("--invert", help="Black becomes white: for a black digit on white")] = False,
    trust: Annotated[bool, typer.Option("--trust", help=TRUST_HELP)] = False,
) -> None:
    """Run an exported program on image files, print the class of each and its probability."""
    loaded = load_program(program, trust)
    lines = []
    for path in images:  # one at a time: how large an image becomes is in the file
        (probabilities,) = predict(loaded, load_image(path, loaded.description, invert)[None])
        best = int(probabilities.argmax())
        lines.append(f"{path}: {loaded.description.classes[best]} ({probabilities[best]:.1%})")
    for line in lines:
        typer.echo(printable(line))


def named(checkpoint: Path, content: dict[str, Any]) -> str:
    """What is judged or exported."""
    return f"{checkpoint}, epoch {content['epoch']}" if "epoch" in content else f"the weights in {checkpoint}"


def images_of(
    checkpoint: Path, options: TrainingOptions, content: dict[str, Any], data: str | None, data_root: Path | None
) -> ImageData:
    """The images that the network in ``checkpoint`` was trained on, or those of ``data``, none kept out.

    Raises:
        CheckpointError: they are not where they were, or not of the network's shape.
    """
    try:
        images = load_data(replace(options, data=data or options.data, validation=0.0), data_root, test_only=True)
    except ValueError as error:
        raise CheckpointError(f"the images of {checkpoint} are not here, name them with --data: {error}") from error
    if images.image_shape != tuple(content["image_shape"]):
        raise CheckpointError(f"the network in {checkpoint} does not take images of {images.image_shape}")
    return images


def check_trainer(trainer: str, devices: int) -> None:
    """Stop if there is no such trainer, or it does not start processes in that way."""
    check(trainer in TRAINERS, choices("--trainer must be one of", TRAINERS) + f", not {trainer}")
    check(devices >= 1, f"--devices must be at least 1, not {devices}")
    check(devices <= MOST_PROCESSES, f"--devices must be at most {MOST_PROCESSES}, not {devices}")
    if trainer == "plain":
        check(devices == 1, "--devices is for --trainer lightning: start the plain loop's processes with torchrun")
    else:
        under_torchrun = "TORCHELASTIC_RUN_ID" in os.environ
        check(not under_torchrun, "--trainer lightning starts its processes itself: give --devices instead of torchrun")


def train_with_lightning(options: TrainingOptions, place: Place, devices: int) -> None:
    """The same training by Lightning's loop."""
    from torch_impl import lit_run  # imported where it is needed: it takes four seconds

    images, accuracy = lit_run.fit(options, place, devices)
    if is_main_process():
        typer.echo(f"Accuracy on the {images:,} test images: {accuracy:.2f} %")
        typer.echo(f"Saved {place.out / LAST}")
    leave_group()  # Lightning leaves NCCL's only


def show_accuracy(tested: Tally) -> None:
    """Print the accuracy on the test images."""
    typer.echo(f"Accuracy on the {tested.images:,} test images: {tested.accuracy:.2f} %")


def check(right: bool, message: str) -> None:
    """Refuse how the command was called if that is not ``right``."""
    if not right:
        raise OptionError(message)


def check_workers(workers: int | None) -> None:
    """Refuse a number of processes that no machine has a use for."""
    check(workers is None or workers >= 0, f"--workers must not be negative, not {workers}")
    check(workers is None or workers <= MOST_PROCESSES, f"--workers must be at most {MOST_PROCESSES}, not {workers}")


def check_data_name(name: str) -> None:
    """Refuse a data set that there is not."""
    try:
        check_data(name)
    except ValueError as error:
        raise OptionError(f"--data: {error}") from error


def get_device(name: str) -> torch.device:
    """The device, refused if it cannot be used."""
    try:
        return choose_device(name)
    except RuntimeError as error:
        raise OptionError(f"--device: {error}") from error


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m torch_impl")
