"""``TrainingOptions``: everything that determines a training, as plain values. It is saved in every checkpoint.

Where a training runs (device, processes, folders) is not in here: that may change between a run and its resumption.
A field says all that is known of an option: name, type, choices, default, help, and what it can be. The command line
(``flags.py``) and the files that ``--config`` names (``config.py``) are made from it.
"""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import Field, asdict, dataclass, field, fields
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_type_hints

from torch_impl.names import NAMES

__all__ = ["MOST_PIXELS", "OptionError", "TrainingOptions", "by_name", "check_value", "flag", "refuse_idle"]
__all__ += ["require_fit", "types"]

Value = TypeVar("Value")

MOST = 2**63 - 1  # what PyTorch counts with; whether there is so much memory is found out
MOST_PIXELS = 4096  # a side: an image of them takes 200 MB

FROM_EPOCHS = ("cosine", "step", "one-cycle")  # schedules that depend on how many epochs there will be

KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


class OptionError(ValueError):
    """An option that cannot be; the message is one sentence that names it."""


class Range(NamedTuple):
    """The numbers from ``least`` to ``most``, both included, and what a sentence says of them, if not these two."""

    least: float
    most: float
    words: str = ""

    def complaint(self, value: float) -> str:
        """What the value would have to be, "" if it is."""
        if self.least <= value <= self.most:
            return ""
        return self.words or (f"must be at most {self.most}" if value > self.most else f"must be at least {self.least}")


class Needs(NamedTuple):
    """An option without which another one changes nothing, and the values of it that give the other a meaning."""

    option: str
    words: str
    fits: Callable[[Any], bool]


COUNT = Range(1, MOST)
COUNT_OR_NONE = Range(0, MOST)
POSITIVE = Range(math.nextafter(0, 1), sys.float_info.max, "must be a positive number")
NOT_NEGATIVE = Range(0, sys.float_info.max, "must be a finite number, 0 or more")
BELOW_1 = Range(0, math.nextafter(1, 0), "must be in 0 … 1, without 1")

RESNETS = ("resnet18", "resnet34")

PERCEPTRON = Needs("model", "neural-net or custom-linear", lambda model: model in ("neural-net", "custom-linear"))
RESNET = Needs("model", "resnet18 or resnet34", lambda model: model in RESNETS)
BATCH_NORM = Needs("model", "conv-block, resnet18 or resnet34", lambda model: model in ("conv-block", *RESNETS))
SGD = Needs("optimizer", "sgd", lambda optimizer: optimizer == "sgd")
FOLDER = Needs("data", "FOLDER", lambda data: data not in NAMES)
DOWNLOADED = Needs("data", "mnist, fashion-mnist or cifar10", lambda data: data in NAMES and data != "digits")


def option(default: Value, group: str, help: str, allowed: Range | None = None, needs: Needs | None = None) -> Value:
    """A field of ``TrainingOptions``: its default, where the help lists it, its help, and what it can be."""
    return field(default=default, metadata={"group": group, "help": help, "allowed": allowed, "needs": needs})


NETWORK, IMAGES, OPTIMIZATION, COMPUTATION = "Network", "Images", "Optimization", "Computation"


@dataclass(frozen=True)
class TrainingOptions:
    """One training. The defaults are the tutorial's: a perceptron, Adam, batches of 100, five epochs."""

    model: Literal["neural-net", "custom-linear", "conv-block", "resnet18", "resnet34"] = option(
        "neural-net", NETWORK, "Network"
    )
    hidden_size: int = option(500, NETWORK, "Hidden units of a perceptron", COUNT, PERCEPTRON)
    small_images: bool = option(False, NETWORK, "A ResNet's stem for images of about 32×32", needs=RESNET)
    weights: str = option("", NETWORK, "Pretrained weights: torchvision's file of the ResNet", needs=RESNET)

    data: str = option(
        "digits", IMAGES, f"Data set: {', '.join(NAMES)}, or a folder with train/CLASS/* and test/CLASS/*"
    )
    image_size: int = option(
        224, IMAGES, "Image size: pixels a side, by resizing and centre cropping", Range(1, MOST_PIXELS), FOLDER
    )
    validation: float = option(
        0.0, IMAGES, "Validation split: share of the training images", Range(0, 0.9, "must be in 0 … 0.9")
    )
    augment: bool = option(False, IMAGES, "Data augmentation: random shifts, and flips where they keep the class")

    epochs: int = option(5, OPTIMIZATION, "Number of epochs", COUNT)
    batch_size: int = option(100, OPTIMIZATION, "Batch size: images a step, over all processes", COUNT)
    optimizer: Literal["adam", "adamw", "sgd"] = option("adam", OPTIMIZATION, "Optimizer")
    lr: float = option(1e-3, OPTIMIZATION, "Learning rate; the highest one, if it is scheduled", POSITIVE)
    schedule: Literal["constant", "cosine", "step", "one-cycle"] = option(
        "constant", OPTIMIZATION, "Learning rate schedule, a step at a time"
    )
    warmup: int = option(0, OPTIMIZATION, "Warm-up: steps in which the learning rate rises linearly", COUNT_OR_NONE)
    momentum: float = option(0.9, OPTIMIZATION, "Momentum of SGD", BELOW_1, SGD)
    weight_decay: float = option(0.0, OPTIMIZATION, "Weight decay", NOT_NEGATIVE)
    label_smoothing: float = option(0.0, OPTIMIZATION, "Label smoothing", Range(0, 1, "must be in 0 … 1"))
    clip_norm: float = option(0.0, OPTIMIZATION, "Gradient clipping norm; 0: no clipping", NOT_NEGATIVE)
    ema: float = option(
        0.0, OPTIMIZATION, "Exponential moving average of the weights, which is judged: its decay; 0: none", BELOW_1
    )
    patience: int = option(
        0, OPTIMIZATION, "Early stopping: epochs without improvement in validation; 0: none", COUNT_OR_NONE
    )

    accumulate: int = option(
        1, COMPUTATION, "Gradient accumulation: pieces a step is computed in; batch norm sees one at a time", COUNT
    )
    precision: Literal["fp32", "bf16", "fp16"] = option("fp32", COMPUTATION, "Mixed precision: type of products")
    sync_bn: bool = option(
        False, COMPUTATION, "Synchronised batch norm: statistics of all processes' images, on GPUs", needs=BATCH_NORM
    )
    compile: bool = option(False, COMPUTATION, "torch.compile the network")
    channels_last: bool = option(False, COMPUTATION, "Channels-last memory format")
    seed: int = option(
        0,
        COMPUTATION,
        "Random seed: initial weights, order and augmentation",
        Range(0, 2**32 - 1, f"must be in 0 … {2**32 - 1}"),
    )
    deterministic: bool = option(False, COMPUTATION, "Deterministic algorithms only")

    def check(self) -> None:
        """See that every value can be, and goes with the others. Whether the data exist is for those who load them.

        Raises:
            OptionError: the first that cannot.
        """
        for each in fields(self):
            check_value(each.name, getattr(self, each.name))
        if self.accumulate > self.batch_size:
            raise OptionError(
                f"--accumulate {self.accumulate} cannot cut a batch of {self.batch_size} images: raise --batch-size"
            )
        if self.patience and not self.validation:
            raise OptionError("--patience needs images to judge by: keep some out of training with --validation 0.1")
        if self.weights and self.small_images:
            raise OptionError("--weights are of the usual stem: leave out --small-images")
        if self.warmup and self.schedule == "one-cycle":
            raise OptionError("--warmup does not go with --schedule one-cycle, which begins with a rise of its own")

    def differences(self, other: TrainingOptions) -> list[str]:
        """The names of the options in which a training that goes on with ``other`` would not be the same one.

        More or fewer epochs are the same training as long as the learning rate does not depend on their number, and
        patience only says when to end.
        """
        free = {"patience"} if self.schedule in FROM_EPOCHS else {"patience", "epochs"}
        names = [each.name for each in fields(self) if each.name not in free]
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
        for name in types():
            if name not in values:
                raise OptionError(f"the option {name} is missing")
        for name in values:
            if name not in types():
                raise OptionError(f"there is no option {reprlib.repr(name)}")
        options = cls(**values)
        options.check()
        return options


@cache
def types() -> dict[str, Any]:
    """The type of each option."""
    return get_type_hints(TrainingOptions)


@cache
def by_name() -> dict[str, Field[Any]]:
    """The field of each option."""
    return {each.name: each for each in fields(TrainingOptions)}


def check_value(name: str, value: Any) -> None:
    """See that ``value`` is of the type of the option ``name``, one of its choices, and in its range.

    Raises:
        OptionError: it is not.
    """
    choices, kind = get_args(types()[name]), type(by_name()[name].default)
    if type(value) not in ((int, float) if kind is float else (kind,)):
        complaint = f"must be {KINDS[kind]}"
    elif choices:
        complaint = "" if value in choices else f"must be one of {', '.join(choices)}"
    else:
        allowed = by_name()[name].metadata["allowed"]
        complaint = allowed.complaint(value) if allowed else ""
    if complaint:
        raise OptionError(f"{flag(name)} {complaint}, not {value if kind is type(value) else reprlib.repr(value)}")


def refuse_idle(given: Iterable[str], options: TrainingOptions) -> None:
    """Raise OptionError if one of the options that were ``given`` changes nothing beside the others."""
    for name in given:
        needs = by_name()[name].metadata["needs"]
        if needs is not None and getattr(options, name) is not False:
            require_fit(name, needs, options)


def require_fit(name: str, needs: Needs, options: TrainingOptions) -> None:
    """Raise OptionError if what the option ``name`` needs is not there."""
    value = getattr(options, needs.option)
    if not needs.fits(value):
        beside = flag(needs.option)
        raise OptionError(f"{flag(name)} goes with {beside} {needs.words}: with {value} it would change nothing")


def flag(name: str) -> str:
    """What the option ``name`` is called on the command line."""
    return "--" + name.replace("_", "-")
