"""``TrainingOptions``: everything that determines a training, as plain values. It is saved in every checkpoint.

Where a training runs (device, processes, folders) is not in here: that may change between a run and its resumption.
The options of the command line (``cli.py``) have the same names, with dashes.
"""

from __future__ import annotations

import math
import reprlib
from dataclasses import asdict, dataclass, fields
from typing import Any

__all__ = ["MOST_PIXELS", "OPTIMIZERS", "PRECISIONS", "SCHEDULES", "OptionError", "TrainingOptions"]

OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("constant", "cosine", "step", "one-cycle")
PRECISIONS = ("fp32", "bf16", "fp16")

LARGEST = 2**63 - 1  # what PyTorch counts with; whether there is so much memory is found out
MOST_PIXELS = 4096  # a side: an image of them takes 200 MB

FROM_EPOCHS = ("cosine", "step", "one-cycle")  # schedules that depend on how many epochs there will be


class OptionError(ValueError):
    """An option that cannot be; the message is one sentence that names it."""


@dataclass(frozen=True)
class TrainingOptions:
    """One training. The defaults are the tutorial's: a perceptron, Adam, batches of 100, five epochs.

    Attributes:
        model: a name in ``torch_impl.networks.MODELS``.
        hidden_size: units of the perceptrons' hidden layer.
        small_images: whether a residual network begins with the stem for images of about 32×32.
        data: a name in ``torch_impl.data.NAMES``, or a folder of images.
        image_size: height and width that a folder's images are brought to, in pixels.
        validation: the share of the training images that is kept out of training to judge it, 0 … 0.9.
        augment: whether training images are shifted, and mirrored where a mirror image is still of its class.
        epochs: how often the training images are gone through.
        batch_size: images a step, over all processes and pieces together.
        accumulate: in how many pieces a step is computed, one after the other, to save memory.
        optimizer: one of :data:`OPTIMIZERS`.
        lr: the learning rate, the highest one if it is scheduled.
        weight_decay: as the optimizer defines it.
        momentum: of SGD.
        schedule: one of :data:`SCHEDULES`.
        warmup: steps in which the learning rate rises from near 0.
        label_smoothing: the share of each label that is spread over all classes, 0 … 1.
        clip_norm: the longest gradient, as the norm over all parameters; 0 does not clip.
        precision: one of :data:`PRECISIONS`, what matrices are multiplied in.
        compile: whether ``torch.compile`` compiles the network.
        channels_last: whether images lie in memory pixel by pixel instead of channel by channel.
        seed: of the initial weights, the order of the images and their augmentation, 0 … 2**32 - 1.
        deterministic: whether PyTorch refuses algorithms that may give other bits when run again.
        patience: epochs without improvement on the validation images that end the training; 0 never does.
    """

    model: str = "neural-net"
    hidden_size: int = 500
    small_images: bool = False
    data: str = "digits"
    image_size: int = 224
    validation: float = 0.0
    augment: bool = False
    epochs: int = 5
    batch_size: int = 100
    accumulate: int = 1
    optimizer: str = "adam"
    lr: float = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.9
    schedule: str = "constant"
    warmup: int = 0
    label_smoothing: float = 0.0
    clip_norm: float = 0.0
    precision: str = "fp32"
    compile: bool = False
    channels_last: bool = False
    seed: int = 0
    deterministic: bool = False
    patience: int = 0

    def check(self) -> None:
        """See that every value can be. Whether model and data exist is for those who build and load them.

        Raises:
            OptionError: the first that cannot.
        """
        for name in ("hidden_size", "image_size", "epochs", "batch_size", "accumulate"):
            require(getattr(self, name) >= 1, name, "must be at least 1", getattr(self, name))
        for name in ("warmup", "patience"):
            require(getattr(self, name) >= 0, name, "must not be negative", getattr(self, name))
        for name in ("hidden_size", "epochs", "batch_size", "accumulate", "warmup", "patience"):
            require(getattr(self, name) <= LARGEST, name, f"must be at most {LARGEST}", getattr(self, name))
        require(self.image_size <= MOST_PIXELS, "image_size", f"must be at most {MOST_PIXELS}", self.image_size)
        for name in ("weight_decay", "clip_norm"):
            value = getattr(self, name)
            require(0 <= value < math.inf, name, "must be a finite number, 0 or more", value)
        require(0 < self.lr < math.inf, "lr", "must be a positive number", self.lr)
        require(0 <= self.momentum < 1, "momentum", "must be in 0 … 1, without 1", self.momentum)
        require(0 <= self.label_smoothing <= 1, "label_smoothing", "must be in 0 … 1", self.label_smoothing)
        require(0 <= self.validation <= 0.9, "validation", "must be in 0 … 0.9", self.validation)
        require(0 <= self.seed < 2**32, "seed", f"must be in 0 … {2**32 - 1}", self.seed)
        for name, choices in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("precision", PRECISIONS)):
            value = getattr(self, name)
            require(value in choices, name, f"must be one of {', '.join(choices)}", value)
        if self.accumulate > self.batch_size:
            raise OptionError(
                f"--accumulate {self.accumulate} cannot cut a batch of {self.batch_size} images: raise --batch-size"
            )
        if self.patience and not self.validation:
            raise OptionError("--patience needs images to judge by: keep some out of training with --validation 0.1")

    def differences(self, other: TrainingOptions) -> list[str]:
        """The names of the options in which a training that goes on with ``other`` would not be the same one.

        More or fewer epochs are the same training as long as the learning rate does not depend on their number, and
        patience only says when to end.
        """
        free = {"patience"} if self.schedule in FROM_EPOCHS else {"patience", "epochs"}
        names = [field.name for field in fields(self) if field.name not in free]
        return [name for name in names if getattr(self, name) != getattr(other, name)]

    def as_dict(self) -> dict[str, Any]:
        """The options as plain values, as a checkpoint keeps them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingOptions:
        """The options that :meth:`as_dict` gave.

        Raises:
            OptionError: a name is missing or is not one of ours, a value is of another type, or it cannot be.
        """
        known = {field.name: type(field.default) for field in fields(cls)}
        for name in known:
            if name not in values:
                raise OptionError(f"the option {name} is missing")
        for name, value in values.items():
            if name not in known or type(value) not in ((int, float) if known[name] is float else (known[name],)):
                raise OptionError(f"there is no option {reprlib.repr(name)} = {reprlib.repr(value)}")
        options = cls(**values)
        options.check()
        return options


def flag(name: str) -> str:
    """What the option ``name`` is called on the command line."""
    return "--" + name.replace("_", "-")


def require(right: bool, name: str, rule: str, value: Any) -> None:
    """Raise OptionError if the value of the option ``name`` is not right."""
    if not right:
        raise OptionError(f"{flag(name)} {rule}, not {value}")
