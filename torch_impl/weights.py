"""Weights alone: files that ``torch.save(model.state_dict(), path)`` wrote, as the tutorial's ``model.ckpt``.

They say neither which network they are of nor what its images are: the network is found by the names and shapes, the
images by the checkpoint in the same folder or by their data set. How large a folder's pictures are brought to be, a
perceptron's weights say; the other networks take any size, and get that of ``--image-size``'s default. A run
writes one with ``checkpoint.save_weights``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from torch_impl.checking import Misfit, require_like
from torch_impl.checkpoint import LAST, CheckpointError, load_model, read, without_number
from torch_impl.data import load_data
from torch_impl.models import resnet18, resnet34
from torch_impl.names import NAMES
from torch_impl.networks import MODELS, build_model
from torch_impl.options import MOST_PIXELS, OptionError, TrainingOptions

__all__ = ["load_network"]

WITH_BIASES = {"resnet18": resnet18, "resnet34": resnet34}  # as the tutorial's convolutions have them


def load_network(
    path: str | Path, data: str | None = None, data_root: Path | None = None
) -> tuple[nn.Module, TrainingOptions, dict[str, Any]]:
    """The network in a checkpoint, as :func:`load_model` gives it, or of which a file holds the weights alone.

    Args:
        path: the file.
        data: of weights alone, the data set or folder whose images they are for. Default: that of the run in whose
            folder the file is.
        data_root: the folder of the data sets.

    Returns:
        The network on the CPU, options with its name and its data, and its ``image_shape`` and ``class_names``.

    Raises:
        CheckpointError: as :func:`load_model`, or the weights are of no network of ours for such images.
        OptionError: there is no run in the folder, and no ``data``.
    """
    path = Path(path)
    try:
        return load_model(path)
    except CheckpointError:
        state = weights_in(path)
        if state is None:
            raise
    require_fit(state, state, path)  # whole and finite, before a size is taken from them
    options, content = described(path, state, data, data_root)
    channels, height, width = content["image_shape"]
    for build, its_options in candidates(state, options, (channels, height, width), len(content["class_names"])):
        with torch.device("meta"):  # which knows shapes only
            model = build()
        expected = without_number(model.state_dict())
        if shapes(expected) == shapes(state):
            require_fit(state, expected, path)
            model.load_state_dict(dict(zip(model.state_dict(), [state[name] for name in expected])), assign=True)
            return model, its_options, content
    raise CheckpointError(
        f"the weights in {path} are of no network of this program for images of {channels}×{height}×{width} in "
        f"{len(content['class_names'])} classes, as those of {options.data} are: name their data set with --data"
    )


def shapes(state: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """The shape of each weight, by name."""
    return {name: tuple(value.shape) for name, value in state.items()}


def require_fit(state: dict[str, Tensor], expected: dict[str, Tensor], path: Path) -> None:
    """Raise CheckpointError unless the weights are of the expected names, shapes and types, and finite."""
    try:
        require_like(state, expected, "model")
    except Misfit as error:
        raise CheckpointError(f"the weights in {path} cannot be used: {error}") from error


def weights_in(path: Path) -> dict[str, Tensor] | None:
    """The file's weights by name, without a number that all begin with; None if it holds anything else."""
    try:
        content = read(path)
    except CheckpointError:
        return None
    if not isinstance(content, dict) or not content:
        return None
    if not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()):
        return None
    return without_number(content)


def described(
    path: Path, state: dict[str, Tensor], data: str | None, data_root: Path | None
) -> tuple[TrainingOptions, dict[str, Any]]:
    """What images the weights in ``path`` are for: options with their data set, their shape and their classes."""
    run = path.with_name(LAST)
    if data is None and run.exists():
        _, options, content = load_model(run)
        return options, content
    if data is None:
        raise OptionError(f"{path} holds weights alone, not what images they are for: name the data set with --data")
    options = TrainingOptions(data=data)
    if data not in NAMES:
        options = replace(options, image_size=side_of(state) or options.image_size)
    images = load_data(options, data_root)
    return options, {"image_shape": list(images.image_shape), "class_names": list(images.class_names)}


def side_of(state: dict[str, Tensor]) -> int | None:
    """The side of the colour pictures whose pixels a perceptron's first layer takes; None if it does not take such."""
    first = next(iter(state.values()))
    if first.ndim != 2:
        return None
    side = math.isqrt(first.shape[1] // 3)
    return side if 3 * side * side == first.shape[1] and 1 <= side <= MOST_PIXELS else None


def candidates(
    state: dict[str, Tensor], options: TrainingOptions, image_shape: tuple[int, int, int], classes: int
) -> Iterator[tuple[Callable[[], nn.Module], TrainingOptions]]:
    """What builds each network that the weights may be of, and the options that name it."""
    units = next((len(value) for value in state.values() if value.ndim == 1 and len(value)), 1)
    for name in MODELS:
        for small in (False, True) if name in WITH_BIASES else (False,):
            changed: Any = {"model": name, "hidden_size": units, "small_images": small}
            its_options = replace(options, **changed)
            yield partial(build_model, its_options, image_shape, classes), its_options
            if name in WITH_BIASES:
                yield partial(WITH_BIASES[name], classes, image_shape[0], small, bias=True), its_options
