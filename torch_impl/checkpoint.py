"""Checkpoints: all that a run is, in a file that is whole or not there, and read without running code from it.

A run's folder holds ``last.ckpt``, ``previous.ckpt``, the one before it, and ``best.ckpt``, and at the end of the run
``model.ckpt``, the weights alone. When they are written is in ``run.py``; weights alone are read by ``weights.py``.
"""

from __future__ import annotations

import io
import os
import reprlib
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor, nn

from torch_impl.checking import Misfit, check_network
from torch_impl.files import bring_to_disk, replace_file, take_place, written_beside
from torch_impl.networks import build_model
from torch_impl.options import OptionError, TrainingOptions

__all__ = [
    "BEST",
    "LAST",
    "PREVIOUS",
    "WEIGHTS",
    "CheckpointError",
    "check_writable",
    "damaged_record",
    "load_checkpoint",
    "load_latest",
    "load_model",
    "options_of",
    "replace_file",
    "save_checkpoint",
    "save_weights",
    "without_number",
]

LAST, PREVIOUS, BEST, WEIGHTS = "last.ckpt", "previous.ckpt", "best.ckpt", "model.ckpt"

FORMAT = "minigrad torch_impl checkpoint 3"

MOST_GAINED = 2**24  # bytes that compression may save: TorchScript's code is compressed, tensors are not

REMEDY = "make one with `python -m torch_impl train`"

# What a checkpoint holds, and of which type.
PARTS: dict[str, type] = {
    "options": dict,  # TrainingOptions
    "image_shape": list,  # [C, H, W]
    "class_names": list,
    "epoch": int,  # epochs done
    "step": int,  # optimizer steps done
    "model": dict,
    "average": dict,  # of the model's weights; empty without --ema
    "optimizer": dict,
    "scheduler": dict,
    "scaler": dict,
    "loader": dict,  # where in the epoch, and the state of its generator
    "tally": list,  # what the epoch that is under way has added up
    "random_states": list,  # one a process
    "history": list,  # a row an epoch
}


class CheckpointError(RuntimeError):
    """A checkpoint cannot be read or written; the message is one sentence."""


def save_checkpoint(folder: str | Path, content: Mapping[str, Any], best: bool) -> None:
    """Write ``content`` as ``last.ckpt``, whole or not at all, and what was that becomes ``previous.ckpt``.

    Args:
        folder: of the run.
        content: all of :data:`PARTS`.
        best: whether it becomes ``best.ckpt`` as well. That comes first: a run that dies in between goes on from
            ``last.ckpt`` and writes the same again.

    Raises:
        CheckpointError: a file cannot be written.

    Source: https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
    """
    last, previous = Path(folder) / LAST, Path(folder) / PREVIOUS
    file = io.BytesIO()
    torch.save({"format": FORMAT, **content}, file)
    try:
        if best:
            replace_file(Path(folder) / BEST, file.getbuffer())
        with written_beside(last) as new:
            new.write(file.getbuffer())
            bring_to_disk(new)
            with suppress(FileNotFoundError):  # this is the first
                os.replace(last, previous)  # should the run die here, `previous.ckpt` is the latest and is found
            take_place(new, last)
    except OSError as error:
        raise CheckpointError(f"cannot write {last}: {error.strerror or error}") from error


def save_weights(folder: str | Path, state: Mapping[str, Tensor]) -> None:
    """Write the weights alone as ``model.ckpt``, as the tutorial does: for ``load_state_dict(torch.load(path))``.

    Those of the perceptron have the names that ``NeuralNet`` alone gives them, without the ``nn.Flatten`` before it.

    Raises:
        CheckpointError: the file cannot be written.
    """
    path, file = Path(folder) / WEIGHTS, io.BytesIO()
    torch.save({name: value.cpu() for name, value in without_number(state).items()}, file)
    try:
        replace_file(path, file.getbuffer())
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror or error}") from error


def without_number(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights by name, without the ``1.`` that all names of a network behind ``nn.Flatten`` begin with."""
    numbered = all(name.startswith("1.") for name in state)
    return {name.removeprefix("1.") if numbered else name: value for name, value in state.items()}


def check_writable(folder: str | Path) -> None:
    """Make the folder and see that files can be written there, before time is spent on training.

    Raises:
        CheckpointError: it cannot.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CheckpointError(f"cannot write to the folder {folder}: {error.strerror or error}") from error
    for name in (LAST, PREVIOUS, BEST, WEIGHTS):
        if (Path(folder) / name).is_dir():
            raise CheckpointError(f"cannot write {Path(folder) / name}: it is a folder")


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """What :func:`save_checkpoint` wrote to the file ``path``, its tensors on the CPU. No code from the file is run.

    Raises:
        CheckpointError: there is no such file, it is damaged, or it is no checkpoint of this program.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.load.html, ``weights_only``
    """
    path = Path(path)
    if not path.exists():
        raise CheckpointError(f"there is no checkpoint {path}: {REMEDY}")
    content = read(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path} is no checkpoint of `python -m torch_impl train`")
    for name, kind in PARTS.items():
        if not isinstance(content.get(name), kind):
            raise CheckpointError(f"{path} lacks its {name}: {REMEDY}")
    for name in content:
        if name not in PARTS and name != "format":
            raise CheckpointError(f"{path} has {reprlib.repr(name)} too, which no checkpoint of this program has")
    return content


def load_latest(folder: str | Path) -> tuple[dict[str, Any] | None, str]:
    """The latest checkpoint of a run that can be read, None if it has none yet, and why a later one cannot, if so.

    A run that died at its first checkpoint may have ``best.ckpt`` alone, which is written before the others.

    A damaged ``last.ckpt`` is renamed ``last.ckpt.damaged``: the next one would make it ``previous.ckpt``, in the place
    of the good one.

    Raises:
        CheckpointError: there are checkpoints, and none can be read.
    """
    last, previous = Path(folder) / LAST, Path(folder) / PREVIOUS
    if not last.exists():
        there = next((path for path in (previous, Path(folder) / BEST) if path.exists()), None)
        return (None, "") if there is None else (load_checkpoint(there), "")
    try:
        return load_checkpoint(last), ""
    except CheckpointError as error:
        if not previous.exists():
            raise
        content = load_checkpoint(previous)
        os.replace(last, last.with_name(f"{LAST}.damaged"))
        return content, f"{error}; going on from {previous}, the one before it"


def options_of(content: Mapping[str, Any], path: str | Path) -> TrainingOptions:
    """The options that the run of a checkpoint had.

    Raises:
        CheckpointError: they are none of ours.
    """
    try:
        return TrainingOptions.from_dict(content["options"])
    except OptionError as error:
        raise CheckpointError(f"the options in {path} are no options of this program ({error})") from error


def load_model(path: str | Path) -> tuple[nn.Module, TrainingOptions, dict[str, Any]]:
    """The trained network in the file ``path``, on the CPU, the options of its training, and the whole content.

    Its weights are the moving averages, if the training kept any.

    Raises:
        CheckpointError: as :func:`load_checkpoint`, or what is in it does not fit together.
    """
    content = load_checkpoint(path)
    options = options_of(content, path)
    try:
        check_network(content, options)
    except Misfit as error:
        raise CheckpointError(f"the weights in {path} do not fit the network that it describes: {error}") from error
    model = build_model(options, tuple(content["image_shape"]), len(content["class_names"]))
    model.load_state_dict(content["average"] or content["model"])
    return model, options, content


def damaged_record(file: str | Path | IO[bytes]) -> str | None:
    """The first record of PyTorch's archive that does not have its check sum, None if all have.

    Raises:
        BadZipFile: it is no such archive; or two of its records have one name, of which PyTorch reads another one; or
            they are much longer than the file, as only compressed ones can be.
    """
    with zipfile.ZipFile(file) as archive:
        records = archive.infolist()
        if len({record.filename.lower() for record in records}) < len(records):
            raise zipfile.BadZipFile("two records of one name")
        if sum(record.file_size for record in records) > sum(record.compress_size for record in records) + MOST_GAINED:
            raise zipfile.BadZipFile("a small file of large records")
        return archive.testzip()


def read(path: Path) -> Any:
    """What ``torch.save`` wrote to ``path``, each of its parts held against its check sum."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise CheckpointError(f"cannot read {path}: it is a device or a pipe, not a file")
    try:
        damaged = damaged_record(path)  # torch.load alone would take a changed weight for a good one
        if damaged is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about archives of other kinds, which are refused anyway
                return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # bytes from anywhere raise anything: from BadZipFile to UnicodeDecodeError
        raise CheckpointError(f"{path} is damaged or no checkpoint: {REMEDY}") from error
    raise CheckpointError(f"{path} is damaged ({damaged} has changed): {REMEDY}")
