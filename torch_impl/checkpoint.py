"""Checkpoints: a trained model in a file that is whole or not there, and is read without running code from it."""

from __future__ import annotations

import os
import pickle
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch

from torch_impl.models import NeuralNet

__all__ = ["CheckpointError", "load_checkpoint", "save_checkpoint"]

FORMAT = "minigrad torch_impl checkpoint 1"


class CheckpointError(RuntimeError):
    """A checkpoint cannot be read or written; the message is one sentence."""


def save_checkpoint(path: Path, model: NeuralNet, data: str, epoch: int, accuracy: float) -> None:
    """Write the model's weights and what they were trained on to ``path``.

    A temporary file beside it is written, brought to the disk and then renamed: whatever happens, ``path`` holds
    either what it held before or all of the new checkpoint.

    Raises:
        CheckpointError: the file cannot be written.
    """
    sizes = [model.fc1.in_features, model.fc1.out_features, model.fc2.out_features]
    content = {
        "format": FORMAT,
        "data": data,
        "sizes": sizes,
        "epoch": epoch,
        "accuracy": accuracy,
        "model": {name: tensor.cpu() for name, tensor in model.state_dict().items()},
    }
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        temporary = None
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            os.unlink(temporary)


def load_checkpoint(path: Path) -> tuple[NeuralNet, dict[str, Any]]:
    """The model of a checkpoint, on the CPU, and the rest of its content.

    Raises:
        CheckpointError: there is no such file, it is damaged, or it is no checkpoint of this program.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}: train one with `python -m torch_impl train`")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} is damaged or no checkpoint at all: train again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path} is no checkpoint of `python -m torch_impl train`")
    try:
        model = NeuralNet(*content["sizes"])
        model.load_state_dict(content["model"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path} does not fit the model that it names: {error}") from error
    return model, content
