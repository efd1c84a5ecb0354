"""What a checkpoint holds is held against what it is for, all of it, before any of it is taken.

``check_network`` is for those who take the weights alone, ``check_run`` for those who go on with a run. Both look at
names, types, shapes and ranges. PyTorch's own loading trusts much of this: the fused optimizers write past the end of
a state that is too short.
"""

from __future__ import annotations

import math
import random
import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torch_impl.data import Loader
from torch_impl.networks import build_model
from torch_impl.optimization import scheduler_at
from torch_impl.options import MOST_PIXELS, OptionError, TrainingOptions

__all__ = ["Misfit", "check_network", "check_random_states", "check_run", "require"]
__all__ += ["require_like"]

MOST_CLASSES = 100_000

NEVER_NEGATIVE = ("exp_avg_sq", "max_exp_avg_sq", "running_var", "num_batches_tracked", "step")  # tensors by name

ACCELERATORS = {"cuda", "mps", "xpu"}  # whose generators have a state

CLOSE = 1e-6  # how far, relatively, a learning rate may be from the one computed here


class Misfit(ValueError):
    """A part of a checkpoint is not what it is for; the message names it, in half a sentence."""


def check_network(content: Mapping[str, Any], options: TrainingOptions) -> None:
    """See that the weights are those of the network that ``options`` name, for the images and classes of the content.

    No memory is taken for that network: it is made on the device "meta", which knows shapes only.

    Raises:
        Misfit: they are not, or there is no such network.
    """
    shape, names = content["image_shape"], content["class_names"]
    require(len(shape) == 3 and all(type(size) is int for size in shape), f"image_shape is {short(shape)}")
    channels, height, width = shape
    sizes = channels in (1, 3) and 1 <= height <= MOST_PIXELS and 1 <= width <= MOST_PIXELS
    require(sizes, f"image_shape is {short(shape)}, not 1 or 3 channels of at most {MOST_PIXELS} pixels a side")
    require(1 <= len(names) <= MOST_CLASSES, f"class_names has {len(names):,} names")
    require(all(isinstance(name, str) for name in names), "class_names has something else than names")
    try:
        with torch.device("meta"):
            expected = build_model(options, (channels, height, width), len(names)).state_dict()
    except (OptionError, TypeError, ValueError, RuntimeError) as error:  # of a size that no tensor has
        raise Misfit(f"there is no such network: {str(error).splitlines()[0]}") from error
    require_like(content["model"], expected, "model")
    require_like(content["average"], expected if options.ema else {}, "average")


def check_run(
    content: Mapping[str, Any],
    fresh: Mapping[str, Any],
    options: TrainingOptions,
    loader: Loader,
    columns: Sequence[str],
) -> None:
    """See that a run can go on from ``content``.

    Args:
        content: of a checkpoint.
        fresh: of a checkpoint of the same run, had it been written before the first step.
        options: of the run, by which the learning rate goes.
        loader: of the training images, which says what a step and an epoch are.
        columns: what a row of the history holds.

    Raises:
        Misfit: a part is missing or too much, of another type or shape, or out of range.
    """
    epoch, step = content["epoch"], content["step"]
    done = check_loader(content["loader"], loader)
    require(type(epoch) is int and epoch == len(content["history"]), "epoch is not how many rows history has")
    expected_step = epoch * loader.steps + done // loader.pieces
    require(type(step) is int and step == expected_step, f"step is {short(step)}, not {expected_step}")
    absent = ["smoothed_loss"] if not options.label_smoothing else []
    absent += ["validation_loss", "validation_accuracy"] if not options.validation else []
    check_history(content["history"], columns, loader.steps, absent)
    check_tally(content["tally"], min(loader.count, done // loader.pieces * loader.batch_size))
    check_random_states(content["random_states"])
    check_scaler(content["scaler"], fresh["scaler"])
    scheduler = scheduler_at(options, options.epochs * loader.steps, step)
    require_like(content["scheduler"], scheduler.state_dict(), "scheduler")
    groups = [{**group, "lr": scheduler.get_last_lr()[0]} for group in fresh["optimizer"]["param_groups"]]
    require_like(content["optimizer"], {**fresh["optimizer"], "param_groups": groups}, "optimizer")
    for name, state in content["optimizer"]["state"].items():
        taken = state["step"].item() if "step" in state else step
        skipped = bool(fresh["scaler"]) and taken == int(taken) < step  # a scaler leaves out steps that overflow
        require(skipped or taken == step, f"optimizer.state.{name}.step is {taken}, and the run has done {step} steps")
    require_like(content["model"], fresh["model"], "model")


def require_like(value: Any, expected: Any, place: str) -> None:
    """Raise Misfit unless ``value`` has the names, types, shapes and numbers of ``expected``.

    Of tensors the elements may be others, but finite, and not negative where they are squares or counts.
    """
    if isinstance(expected, Tensor):
        require_tensor_like(value, expected, place)
    elif isinstance(expected, Mapping):
        require(isinstance(value, dict), f"{place} is {short(value)}, no dict")
        for name in expected:
            require(name in value, f"{place} lacks {short(name)}")
        for name in value:
            require(name in expected, f"{place} has {short(name)}, which is not of this run")
            require_like(value[name], expected[name], f"{place}.{name}")
    elif isinstance(expected, (list, tuple)):
        like = isinstance(value, (list, tuple)) and len(value) == len(expected)  # a resumed run has lists for tuples
        require(like, f"{place} is not a list of {len(expected)}")
        for position, each in enumerate(expected):
            require_like(value[position], each, f"{place}[{position}]")
    elif isinstance(expected, float):
        close = is_number(value) and math.isclose(value, expected, rel_tol=CLOSE)
        require(close, f"{place} is {short(value)}, not {expected}")
    else:
        require(type(value) is type(expected) and value == expected, f"{place} is {short(value)}, not {expected!r}")


def require_tensor_like(value: Any, expected: Tensor, place: str) -> None:
    """Raise Misfit unless ``value`` is a tensor of the shape and type of ``expected``, and of possible elements."""
    require(isinstance(value, Tensor), f"{place} is {short(value)}, no tensor")
    require(value.shape == expected.shape, f"{place} has the shape {tuple(value.shape)}, not {tuple(expected.shape)}")
    require(value.dtype == expected.dtype, f"{place} is of the type {value.dtype}, not {expected.dtype}")
    plain = value.layout == torch.strided and value.device.type == "cpu"
    whole = plain and value.untyped_storage().nbytes() >= value.numel() * value.itemsize
    require(whole, f"{place} does not have all of its elements in the file")
    require(bool(value.isfinite().all()), f"{place} holds NaN or infinity")
    if place.rpartition(".")[2] in NEVER_NEGATIVE:
        require(bool((value >= 0).all()), f"{place} holds negative numbers")


def check_loader(state: Any, loader: Loader) -> int:
    """See that a loader's state is one of ``loader``; how many pieces of the epoch it has done."""
    done: Any = state.get("done")
    whole = type(done) is int and 0 <= done < max(1, len(loader)) and done % loader.pieces == 0
    require(whole, f"loader.done is {short(done)}, no number of whole steps of an epoch")
    require_like(state, {**loader.state_dict(), "done": done}, "loader")
    require_goes(try_torch, state["epoch_state"], "loader.epoch_state is no state of a generator")
    return done


def check_history(history: Sequence[Any], columns: Sequence[str], steps: int, absent: Sequence[str]) -> None:
    """See that there is a row an epoch, with a number in each column but those that are ``absent``."""
    for position, row in enumerate(history, 1):
        place = f"history[{position - 1}]"
        require(isinstance(row, dict) and set(row) == set(columns), f"{place} is no row of metrics.csv")
        for name, value in row.items():
            if name in ("epoch", "step"):
                expected = position if name == "epoch" else position * steps
                require(type(value) is int and value == expected, f"{place}.{name} is {short(value)}, not {expected}")
            elif name in absent:
                require(value is None, f"{place}.{name} is {short(value)}, and this run has none")
            else:
                largest = 100.001 if name.endswith("accuracy") else math.inf  # percent, which Lightning rounds
                number = is_number(value) and 0 <= value <= largest
                require(number, f"{place}.{name} is {short(value)}, which it cannot be")


def check_tally(tally: Sequence[Any], images: int) -> None:
    """See that it adds up as many images as the epoch has had."""
    fits = len(tally) == 5 and all(is_number(total) and total >= 0 for total in tally[:2])
    fits = fits and all(type(count) is int for count in tally[2:]) and 0 <= tally[2] <= tally[3] == images
    fits = fits and 0 <= tally[4] <= images
    require(fits, f"tally is {short(tally)}, not the sums over {images} images")


def check_scaler(state: Any, fresh: Mapping[str, Any]) -> None:
    """See that a gradient scaler can go on: with any positive scale, after any number of good steps."""
    expected = dict(fresh)
    if fresh:
        scale, tracker = state.get("scale"), state.get("_growth_tracker")
        if (
            type(scale) is float
            and 0 < scale <= torch.finfo(torch.float32).max
            and type(tracker) is int
            and 0 <= tracker < fresh["growth_interval"]
        ):
            expected.update(scale=scale, _growth_tracker=tracker)
    require_like(state, expected, "scaler")


def check_random_states(states: Any) -> None:
    """See that the generators of each process can go on, by letting others try."""
    require(isinstance(states, list) and len(states) > 0, "random_states has no states")
    for position, state in enumerate(states):
        place = f"random_states[{position}]"
        names = {"python", "numpy", "torch"}
        known = {*names, *ACCELERATORS}
        require(isinstance(state, dict) and names <= set(state) <= known, f"{place} has other generators")
        for name, attempt in (("python", try_python), ("numpy", try_numpy), ("torch", try_torch)):
            require_goes(attempt, state[name], f"{place}.{name} is no state of a generator")
        for name in set(state) & ACCELERATORS:
            value = state[name]
            right = isinstance(value, Tensor) and value.dtype == torch.uint8 and value.ndim == 1
            require(right and 8 <= len(value) <= 64, f"{place}.{name} is no state of a generator")


def try_python(state: Any) -> None:
    """Raise anything unless this is a state of Python's generator."""
    version, words, gauss = state
    require(all(type(each) is int for each in words), "a word is none")
    require(gauss is None or is_number(gauss), "the number kept is none")
    random.Random().setstate((version, tuple(words), gauss))


def try_numpy(state: Any) -> None:
    """Raise anything unless this is a state of NumPy's generator, which believes its position."""
    keys, position, has_gauss, cached = state
    require(all(type(each) is int for each in (*keys, position)) and 0 <= position <= 624, "a word is none")
    require(type(has_gauss) is int and has_gauss in (0, 1) and is_number(cached), "the number kept is none")
    np.random.RandomState().set_state(("MT19937", np.array(keys, np.uint32), position, has_gauss, cached))


def try_torch(state: Any) -> None:
    """Raise anything unless this is a state of PyTorch's generator of the CPU."""
    require_like(state, torch.get_rng_state(), "it")
    torch.Generator().set_state(state)


def require_goes(action: Callable[[Any], None], state: Any, complaint: str) -> None:
    """Raise Misfit with the complaint if the action on the state raises anything."""
    try:
        action(state)
    except Exception as error:  # generators raise anything, from TypeError to OverflowError
        raise Misfit(complaint) from error


def require(right: bool, complaint: str) -> None:
    """Raise Misfit with the complaint unless it is right."""
    if not right:
        raise Misfit(complaint)


def is_number(value: Any) -> bool:
    """True for a finite number of 64 bits, which a truth is not."""
    return math.isfinite(value) if type(value) is float else type(value) is int and abs(value) < 2**63


def short(value: Any) -> str:
    """A value in a few words, and at no cost: most are asked for in vain."""
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)}"
    return f"a dict of {len(value)}" if isinstance(value, dict) else reprlib.repr(value)
