"""Checkpoints: a trained model in a file that is whole or not there, and read without running code from it.

What is kept is what it takes to rebuild the model: its weights and sizes, the data set it was trained on and
how far. The optimizer's state is not kept, so a training cannot be taken up again. The commands that write
and read them are in ``cli.py``.
"""

from __future__ import annotations

import io
import os
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

from torch_impl.models import NeuralNet

__all__ = ["CheckpointError", "check_writable", "load_checkpoint", "save_checkpoint"]

FORMAT = "minigrad torch_impl checkpoint 1"

REMEDY = "make one with `python -m torch_impl train`"


class CheckpointError(RuntimeError):
    """A checkpoint cannot be read or written; the message is one sentence."""


def save_checkpoint(path: str | Path, model: NeuralNet, data: str, epoch: int, accuracy: float) -> None:
    """Write the model and what was done with it to ``path``, whole or not at all.

    A temporary file in the same folder is written, brought to the disk and renamed: whatever happens,
    ``path`` holds either what it held before or all of the new checkpoint.

    Args:
        path: the file.
        model: the network, on any device.
        data: the data set it was trained on, one of ``torch_impl.data.DATASETS``.
        epoch: how many epochs it was trained.
        accuracy: on the test images, in percent.

    Raises:
        CheckpointError: the file cannot be written.

    Source: https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
    """
    path = Path(path)
    content = io.BytesIO()
    torch.save(
        {
            "format": FORMAT,
            "sizes": [model.fc1.in_features, model.fc1.out_features, model.fc2.out_features],
            "model": {name: tensor.cpu() for name, tensor in model.state_dict().items()},
            "data": data,
            "epoch": epoch,
            "accuracy": accuracy,
        },
        content,
    )
    try:
        replace_file(path, content.getbuffer())
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror or error}") from error


def replace_file(path: Path, content: memoryview) -> None:
    """Put ``content`` in the place of the file at ``path``, in one step."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C too leaves nothing behind
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the new name is safe when the folder is on the disk; Windows sees to it itself
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def check_writable(path: str | Path) -> None:
    """Make the folder of ``path`` and see that files can be written there, before time is spent on training.

    Raises:
        CheckpointError: it cannot.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise CheckpointError(f"cannot write to the folder {path.parent}: {reason}") from error
    if path.is_dir():
        raise CheckpointError(f"cannot write {path}: it is a folder")


def load_checkpoint(path: str | Path) -> tuple[NeuralNet, dict[str, Any]]:
    """The model in the file ``path``, on the CPU, and all that :func:`save_checkpoint` wrote beside it.

    No code from the file is run.

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
    try:
        model = NeuralNet(*content["sizes"])
        model.load_state_dict(content["model"])
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"the weights in {path} do not fit the network that it describes") from error
    return model, content


def read(path: Path) -> Any:
    """What ``torch.save`` wrote to ``path``, each of its parts held against its check sum."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # torch.load alone would take a changed weight for a good one
        if damaged is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about archives of other kinds, which are refused anyway
                return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # bytes from anywhere raise anything: from BadZipFile to UnicodeDecodeError
        raise CheckpointError(f"{path} is damaged or no checkpoint: {REMEDY}") from error
    raise CheckpointError(f"{path} is damaged ({damaged} has changed): {REMEDY}")
