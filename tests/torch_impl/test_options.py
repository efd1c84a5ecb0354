"""``torch_impl.options``: what cannot be is refused in one sentence, and what was saved comes back."""

from __future__ import annotations

import dataclasses
import math
from contextlib import nullcontext
from typing import Any, get_args

import pytest

from torch_impl.names import FORMATS, STRATEGIES, Format, Strategy
from torch_impl.networks import MODELS
from torch_impl.options import OptionError, TrainingOptions, refuse_idle, types


def test_the_defaults_are_the_tutorials() -> None:
    options = TrainingOptions()
    options.check()
    assert (options.model, options.epochs, options.batch_size) == ("neural-net", 5, 100)
    assert (options.optimizer, options.lr, options.schedule) == ("adam", 1e-3, "constant")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"epochs": 0}, "--epochs must be at least 1, not 0"),
        ({"hidden_size": -3}, "--hidden-size must be at least 1, not -3"),
        ({"lr": -0.1}, "--lr must be a positive number, not -0.1"),
        ({"lr": math.nan}, "--lr must be a positive number, not nan"),
        ({"lr": math.inf}, "--lr must be a positive number, not inf"),
        ({"weight_decay": -1.0}, "--weight-decay must be a finite number, 0 or more, not -1.0"),
        ({"clip_norm": math.nan}, "--clip-norm must be a finite number"),
        ({"momentum": 1.0}, "--momentum must be in 0 … 1, without 1, not 1.0"),
        ({"label_smoothing": 1.5}, "--label-smoothing must be in 0 … 1, not 1.5"),
        ({"validation": 0.95}, "--validation must be in 0 … 0.9, not 0.95"),
        ({"seed": 2**32}, "--seed must be in 0 … 4294967295"),
        ({"warmup": -1}, "--warmup must be at least 0, not -1"),
        ({"optimizer": "lion"}, "--optimizer must be one of adam, adamw, sgd, not lion"),
        ({"schedule": "linear"}, "--schedule must be one of constant, cosine, step, one-cycle, not linear"),
        ({"precision": "int8"}, "--precision must be one of fp32, bf16, fp16, not int8"),
        ({"batch_size": 4, "accumulate": 5}, "--accumulate 5 cannot cut a batch of 4 images"),
        ({"patience": 3}, "--patience needs images to judge by"),
        ({"warmup": 3, "schedule": "one-cycle"}, "--warmup does not go with --schedule one-cycle"),
        (
            {"model": "resnet18", "weights": "a.pth", "small_images": True},
            "--weights are of the usual stem: leave out --small-images",
        ),
        ({"model": "vgg"}, "--model must be one of neural-net, custom-linear, conv-block, resnet18, resnet34, not vgg"),
        ({"epochs": 2.5}, "--epochs must be a whole number, not 2.5"),
        ({"epochs": True}, "--epochs must be a whole number, not True"),
        ({"lr": "1"}, "--lr must be a number, not '1'"),
        ({"augment": "yes"}, "--augment must be true or false, not 'yes'"),
    ],
    ids=str,
)
def test_what_cannot_be(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionError) as raised:
        TrainingOptions(**change).check()
    assert sentence in str(raised.value) and "\n" not in str(raised.value)


def test_saved_and_back() -> None:
    options = TrainingOptions(model="resnet18", lr=1, augment=True, patience=2, validation=0.1)
    assert TrainingOptions.from_dict(options.as_dict()) == options


@pytest.mark.parametrize("change", [{"colour": 1}, {7: 1}, {"image_size": 4097}], ids=str)
def test_foreign_options_are_refused(change: dict[Any, Any]) -> None:
    with pytest.raises(OptionError):
        TrainingOptions.from_dict({**TrainingOptions().as_dict(), **change})


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(TrainingOptions)])
def test_each_option_is_there_of_its_type_and_possible(name: str) -> None:
    whole = TrainingOptions().as_dict()
    wrong: list[Any] = [None, "\x1b", [], {}, -1, math.nan, 2**70, math.inf, 1.5, True, b"x"]
    allowed = {
        "hidden_size": (),
        "lr": (1.5,),
        "weight_decay": (1.5,),
        "clip_norm": (1.5,),
        "data": ("\x1b",),
        "weights": ("\x1b",),
    }
    allowed |= {each: (True,) for each, value in whole.items() if isinstance(value, bool)}
    allowed |= {"lr": (1.5, 2**70), "weight_decay": (1.5, 2**70), "clip_norm": (1.5, 2**70)}
    for value in wrong:
        if not any(value is each or value == each for each in allowed.get(name, ()) if type(value) is type(each)):
            with pytest.raises(OptionError):
                TrainingOptions.from_dict({**whole, name: value})
    with pytest.raises(OptionError, match=f"the option {name} is missing"):
        TrainingOptions.from_dict({each: value for each, value in whole.items() if each != name})


@pytest.mark.parametrize(
    ("given", "values", "sentence"),
    [
        ("hidden_size", {"model": "resnet18"}, "--hidden-size goes with --model neural-net or custom-linear: with "),
        (
            "small_images",
            {"small_images": True},
            "--small-images goes with --model resnet18 or resnet34: with neural-n",
        ),
        ("image_size", {}, "--image-size goes with --data FOLDER: with digits it would change nothing"),
        ("momentum", {"momentum": 0.9}, "--momentum goes with --optimizer sgd: with adam it would change nothing"),
        ("weights", {"weights": "a.pth"}, "--weights goes with --model resnet18 or resnet34: with neural-net it would"),
        ("hidden_size", {}, ""),
        ("small_images", {}, ""),  # not to have it is right everywhere
        ("image_size", {"data": "pictures"}, ""),
        ("momentum", {"optimizer": "sgd"}, ""),
        ("small_images", {"model": "resnet34", "small_images": True}, ""),
    ],
)
def test_what_would_change_nothing(given: str, values: dict[str, Any], sentence: str) -> None:
    refused = pytest.raises(OptionError) if sentence else nullcontext()
    with refused as raised:
        refuse_idle([given], TrainingOptions(**values))
    assert not sentence or str(raised.value).startswith(sentence)


def test_a_choice_is_what_there_is() -> None:
    """The names stand in the options, so that nobody needs PyTorch to read them."""
    assert get_args(types()["model"]) == tuple(MODELS)
    assert get_args(Strategy) == STRATEGIES and tuple(FORMATS) == get_args(Format)


def test_differences() -> None:
    options = TrainingOptions()
    for field in dataclasses.fields(options):
        value = {str: "x", int: 7, float: 0.5, bool: True}[type(field.default)]
        expected = [] if field.name in ("epochs", "patience") else [field.name]
        assert options.differences(dataclasses.replace(options, **{field.name: value})) == expected
    scheduled = TrainingOptions(schedule="cosine")
    assert scheduled.differences(dataclasses.replace(scheduled, epochs=9)) == ["epochs"]
