"""Both engines trained in step on images, and their loss curves as one picture: the command ``train``."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from comparisons.engines import models_of
from comparisons.settings import Settings
from comparisons.training import Recipe, Training
from torch_impl.batch_norm import check_batch_size
from torch_impl.data import ImageArrays, load_arrays

__all__ = ["MODELS", "Curves", "check_batches", "plot", "train_in_step"]

CLASSES = 10


def neural_net(engine: Any) -> Any:
    """The perceptron 784-500-10."""
    return models_of(engine).NeuralNet(784, 500, CLASSES)


def resnet18(engine: Any) -> Any:
    """ResNet-18 for grey images."""
    return models_of(engine).resnet18(CLASSES, in_channels=1)


def resnet34(engine: Any) -> Any:
    """ResNet-34 for grey images."""
    return models_of(engine).resnet34(CLASSES, in_channels=1)


def adam(engine: Any, parameters: Any) -> Any:
    """The tutorial's optimizer."""
    return engine.optim.Adam(parameters, lr=1e-3)


MODELS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "neural-net": (neural_net, (784,)),
    "resnet18": (resnet18, (1, 28, 28)),
    "resnet34": (resnet34, (1, 28, 28)),
}


@dataclass(frozen=True)
class Curves:
    """What a training of both engines gave: a loss a step each, and the accuracy on the test images in percent."""

    engine: str
    title: str
    ours: list[float]
    theirs: list[float]
    accuracies: tuple[float, float]

    @property
    def largest_difference(self) -> float:
        """The largest distance between the curves, relative to PyTorch's loss."""
        return max([abs(mine - yours) / abs(yours) for mine, yours in zip(self.ours, self.theirs)])


def limited(data: ImageArrays, limit: int | None) -> ImageArrays:
    """The first ``limit`` training images and a fifth as many test images; all of them where it is None."""
    if limit is None:
        return data
    tests = max(1, limit // 5)
    return replace(
        data,
        train_images=data.train_images[:limit],
        train_labels=data.train_labels[:limit],
        test_images=data.test_images[:tests],
        test_labels=data.test_labels[:tests],
    )


def check_batches(settings: Settings, model: str, batch_size: int, limit: int | None) -> None:
    """See that the last batch of an epoch is large enough for the batch normalisation in ``model``.

    Raises:
        DataError: the data set cannot be had.
        OptionError: it is not; the message names a batch size that works.
    """
    build, image_shape = MODELS[model]
    count = len(limited(load_arrays(settings.data, settings.data_root), limit).train_images)
    check_batch_size(partial(build, torch), image_shape, count, batch_size)


def train_in_step(settings: Settings, model: str, batch_size: int, epochs: int, limit: int | None) -> Curves:
    """Train ``model`` on both engines from one seed, batch by batch.

    Raises:
        DataError: the data set cannot be had.
    """
    build, image_shape = MODELS[model]
    recipe = Recipe(build, image_shape, batch_size, adam)
    data = limited(load_arrays(settings.data, settings.data_root), limit)
    sides = (
        Training(settings.engine, settings, "cpu", data, recipe),
        Training(torch, settings, settings.device, data, recipe),
    )
    losses: tuple[list[float], list[float]] = ([], [])
    steps = epochs * len(sides[0].loader)
    for step in range(steps):
        if step % len(sides[0].loader) == 0:
            iterators = [iter(side.loader) for side in sides]
        for side, iterator, curve in zip(sides, iterators, losses):
            curve.append(side.step(*next(iterator)).item())
        settings.progress(step + 1, steps)
    accuracies = sides[0].evaluate()[2], sides[1].evaluate()[2]
    title = f"{model} on {len(data.train_images):,} images of {settings.data}, {settings.dtype}, seed {settings.seed}"
    return Curves(settings.name, title, *losses, accuracies)


def plot(curves: Curves, kind: str) -> bytes:
    """Both loss curves in one picture, as the bytes of a file of ``kind``: "png", "svg" or "pdf"."""
    from matplotlib.figure import Figure  # here: a process that trains alone need not wait for it

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    steps = range(1, len(curves.ours) + 1)
    axes.plot(steps, curves.theirs, color="#d55e00", linewidth=4, alpha=0.5, label="PyTorch")
    axes.plot(steps, curves.ours, color="#0072b2", linewidth=1.5, label=curves.engine)
    axes.set(title=curves.title, xlabel="step", ylabel="cross-entropy", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    picture = io.BytesIO()
    figure.savefig(picture, format=kind, dpi=150)
    return picture.getvalue()
