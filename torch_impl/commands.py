"""What the commands of ``cli.py`` do, once it is found right how they were called. ``run.py`` is what to read next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import typer

from torch_impl.checkpoint import LAST, CheckpointError
from torch_impl.config import read_config
from torch_impl.data import ImageData, check_data, load_data
from torch_impl.distributed import is_main_process, leave_group, local_device, process_group
from torch_impl.errors import printable
from torch_impl.export import export_program, save_samples, test_images
from torch_impl.folder import find_checkpoint
from torch_impl.missing import require
from torch_impl.names import FORMATS
from torch_impl.options import FOLDER, OptionError, TrainingOptions, require_fit
from torch_impl.predict import Description, load_image, load_program, predict
from torch_impl.recipes import HEADER, Result
from torch_impl.results import peak_memory
from torch_impl.run import Run, test_loader
from torch_impl.seeds import choose_device
from torch_impl.state import Place
from torch_impl.training import Tally, evaluate
from torch_impl.weights import load_network

__all__ = ["device_of_process", "evaluate_checkpoint", "export", "follow", "get_device", "predict_images", "train"]


def train(options: TrainingOptions, place: Place, trainer: str, devices: int) -> None:
    """Train by the plain loop or by Lightning's, and print the accuracy on the test images."""
    check_data_name(options.data)
    require(*["matplotlib"] * place.figures, *["tensorboard"] * place.tensorboard)
    if trainer == "lightning":
        train_with_lightning(options, place, devices)
        return
    with process_group(place.device):
        tested = Run(options, place).run()
        if is_main_process():
            show_accuracy(tested)
            typer.echo(f"Saved {place.out / LAST}")


def train_with_lightning(options: TrainingOptions, place: Place, devices: int) -> None:
    """The same training by Lightning's loop."""
    from torch_impl import lit_run  # imported where it is needed: it takes four seconds

    images, accuracy = lit_run.fit(options, place, devices)
    if is_main_process():
        typer.echo(f"Accuracy on the {images:,} test images: {accuracy:.2f} %")
        typer.echo(f"Saved {place.out / LAST}")
    leave_group()  # Lightning leaves NCCL's only


def follow(name: str, file: Path, seeds: int, place: Place) -> None:
    """Train by the options in ``file``, a recipe's; with several seeds print its row of ``docs/results.md``."""
    options = TrainingOptions(**read_config(file).values)
    if seeds == 1:
        train(options, place, "plain", devices=1)
        return
    results: list[Result] = []
    with process_group(place.device):
        for seed in range(seeds):
            run = Run(replace(options, seed=seed), replace(place, out=place.out / f"seed-{seed}", figures=False))
            results.append(Result(run.run(), run.seconds, peak_memory(place.device)))
            if is_main_process():
                show_accuracy(results[-1].tested)
        if is_main_process():
            typer.echo("\n".join([*HEADER, Result.row(name, results)]))


def evaluate_checkpoint(
    checkpoint: Path, data: str | None, data_root: Path | None, workers: int | None, device: str
) -> None:
    """Print the accuracy of a saved network on the test images."""
    if data is not None:
        check_data_name(data)
    target = get_device(device)
    checkpoint = find_checkpoint(checkpoint)
    model, options, content = load_network(checkpoint, data, data_root)
    if workers is not None:
        require_fit("workers", FOLDER, replace(options, data=data or options.data))
    images = images_of(checkpoint, options, content, data, data_root)
    place = Place(target, checkpoint.parent, data_root, workers=workers)
    tested = evaluate(model.to(target), test_loader(images.test, options, place), options.precision)
    typer.echo(f"Judging {named(checkpoint, content)}")
    show_accuracy(tested)


def export(
    checkpoint: Path, format: str, to: Path | None, data: str | None, data_root: Path | None, samples: Path | None
) -> None:
    """Write a saved network as a program, by default beside it, and an image of each class into ``samples``."""
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


def predict_images(program: Path, images: list[Path], invert: bool, trust: bool) -> None:
    """Print the class of each image, and its probability."""
    loaded = load_program(program, trust)
    lines = []
    for path in images:  # one at a time: how large an image becomes is in the file
        (probabilities,) = predict(loaded, load_image(path, loaded.description, invert)[None])
        best = int(probabilities.argmax())
        lines.append(f"{path}: {loaded.description.classes[best]} ({probabilities[best]:.1%})")
    for line in lines:
        typer.echo(printable(line))


def named(checkpoint: Path, content: dict[str, Any]) -> str:
    """What is judged or exported, and how far its run had come, or what images it is given."""
    if "epoch" not in content:
        _, height, width = content["image_shape"]
        return f"the weights in {checkpoint}, on images of {height}×{width}"
    epoch, within = content["epoch"], content["loader"].get("done", 0) > 0
    return f"{checkpoint}, within epoch {epoch + 1}" if within else f"{checkpoint}, epoch {epoch}"


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


def show_accuracy(tested: Tally) -> None:
    """Print the accuracy on the test images."""
    typer.echo(f"Accuracy on the {tested.images:,} test images: {tested.accuracy:.2f} %")


def check_data_name(name: str) -> None:
    """Refuse a data set that there is not."""
    try:
        check_data(name)
    except ValueError as error:
        raise OptionError(f"--data: {error}") from error


def device_of_process(name: str) -> torch.device:
    """The device of this process, of several on one machine that share the work."""
    return get_device(local_device(name))


def get_device(name: str) -> torch.device:
    """The device, refused if it cannot be used."""
    try:
        return choose_device(name)
    except RuntimeError as error:
        raise OptionError(f"--device: {error}") from error
