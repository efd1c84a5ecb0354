"""What batch normalisation asks of a batch: more than one value a channel, of which it takes mean and variance.

A network that shrinks an image to a single pixel leaves one value a channel of a single image. A step whose images are
dealt out to processes, and cut into pieces, is normalised part by part.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from torch_impl.options import OptionError

__all__ = ["check_batch_size"]


def check_batch_size(
    build: Callable[[], nn.Module], image_shape: tuple[int, ...], count: int, batch_size: int, parts: int = 1
) -> None:
    """See that a network can be trained with every part of every step, the last and shortest one too.

    Args:
        build: makes the network.
        image_shape: (C, H, W).
        count: of the training images.
        batch_size: images a step.
        parts: that a step is dealt out in: processes times pieces.

    Raises:
        OptionError: a part would have too few images; the message names the nearest batch size that works.
    """
    if suffices(batch_size, count, parts) or not needs_two(build, image_shape):
        return
    share = "a step" if parts == 1 else f"one of the {parts} parts (processes times --accumulate) of a step"
    nearest = sorted(range(2 * parts, count + 1), key=lambda size: abs(size - batch_size))
    working = next((size for size in nearest if suffices(size, count, parts)), None)
    remedy = "use fewer parts or more images" if working is None else f"--batch-size {working} works"
    raise OptionError(
        f"--batch-size {batch_size} with {count:,} training images leaves {share} with less than two images, of which "
        f"batch normalisation cannot take a variance: {remedy}"
    )


def suffices(batch_size: int, count: int, parts: int) -> bool:
    """Whether each part of each step has two images or more."""
    last = count % batch_size or batch_size
    return min(batch_size, count, last) >= 2 * parts


def needs_two(build: Callable[[], nn.Module], image_shape: tuple[int, ...]) -> bool:
    """Whether the network refuses a single image in training. On the device "meta" shapes alone are computed."""
    with torch.device("meta"):
        network = build()
        try:
            network(torch.empty(1, *image_shape))
        except ValueError:  # "Expected more than 1 value per channel when training"
            return True
    return False
