"""Exported programs: read one from its file, and let it classify images. No network's Python code is needed for that.

Three kinds of file, told apart by how their names end:

=========  ============================  ==================================
``.pt``    TorchScript                   run by ``torch.jit``
``.pt2``   a program of torch.export     run by ``torch.export``
``.onnx``  ONNX                          run by onnxruntime, on the CPU
=========  ============================  ==================================

Each carries a :class:`Description` of what goes in and comes out. Open only files that you trust: PyTorch may run code
from a ``.pt2`` file. The files are written by ``export.py``.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from torch_impl.data.datasets import square_image

__all__ = [
    "SUFFIXES",
    "Description",
    "Program",
    "ProgramError",
    "load_image",
    "load_program",
    "open_program",
    "predict",
    "torchscript_is_deprecated",
]

SUFFIXES = (".pt", ".pt2", ".onnx")

DESCRIPTION = "description.json"  # its name in the file

MODES = {1: "L", 3: "RGB"}  # Pillow's names for grey and for colours, by number of channels


class ProgramError(RuntimeError):
    """A program or an image cannot be read, or a program is not what it should be; the message is one sentence."""


@dataclass(frozen=True)
class Description:
    """What goes into a program and what its scores mean.

    Attributes:
        model: the network's name.
        data: the data set that it was trained on.
        image_shape: (C, H, W) of an image; H = W.
        mean, std: of each channel: a pixel x in [0, 1] goes in as (x - mean) / std.
        classes: what each score is for.
    """

    model: str
    data: str
    image_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: tuple[str, ...]

    def to_json(self) -> str:
        """The description as one line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Description:
        """The description in what :meth:`to_json` wrote.

        Raises:
            ProgramError: it is none.
        """
        try:
            content = json.loads(text)
            values: dict[str, Any] = {}
            for field in fields(cls):
                value = content[field.name]
                values[field.name] = tuple(value) if isinstance(value, list) else value
            description = cls(**values)
            channels, height, width = description.image_shape
            if not len(description.mean) == len(description.std) == channels or channels not in MODES:
                raise ValueError("a mean and a deviation for each channel")
            if height != width:
                raise ValueError("the images are not square")
        except (ValueError, TypeError, KeyError) as error:
            raise ProgramError("it holds no description of images and classes that `predict` understands") from error
        return description


@dataclass(frozen=True)
class Program:
    """An exported network. ``run``, on the CPU: images (N, C, H, W) float32 -> scores (N, classes)."""

    description: Description
    run: Callable[[Tensor], Tensor]


@contextmanager
def torchscript_is_deprecated() -> Iterator[None]:
    """Silence the warning that TorchScript is deprecated in favour of ``torch.export``, and no other."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.\w+` is deprecated", category=FutureWarning)
        yield


def open_torchscript(content: bytes) -> Program:
    """A program of ``torch.jit``. It is deprecated, but what was written with it still runs."""
    files = {DESCRIPTION: ""}
    with torchscript_is_deprecated():
        module = torch.jit.load(io.BytesIO(content), map_location="cpu", _extra_files=files)
    return Program(describe(files), module)


def open_exported(content: bytes) -> Program:
    """A program of ``torch.export``."""
    files = {DESCRIPTION: ""}
    module = torch.export.load(io.BytesIO(content), extra_files=files).module()
    return Program(describe(files), module)


def open_onnx(content: bytes) -> Program:
    """An ONNX program. onnxruntime takes and returns NumPy's arrays, which share their memory with the tensors."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(images: Tensor) -> Tensor:
        (scores,) = session.run(None, {name: images.numpy()})
        return torch.from_numpy(scores)

    return Program(describe(session.get_modelmeta().custom_metadata_map), run)


OPENERS = {".pt": open_torchscript, ".pt2": open_exported, ".onnx": open_onnx}


def describe(files: Mapping[str, str | bytes]) -> Description:
    """The description among what a program's file carries."""
    text = files.get(DESCRIPTION, "")
    return Description.from_json(text if isinstance(text, str) else text.decode())


def open_program(content: bytes, suffix: str) -> Program:
    """The program in ``content``, the bytes of a file whose name ends in ``suffix``, one of :data:`SUFFIXES`.

    Raises:
        ProgramError: there is none, it is damaged, or it carries no description. Of an ONNX file only a part that is
            missing is noticed, not a number that has changed: it has no check sums.
    """
    try:
        if suffix != ".onnx":
            check_sums(content)  # torch.jit.load alone would take a changed weight for a good one
        return OPENERS[suffix](content)
    except ProgramError:
        raise
    except Exception as error:  # bytes from anywhere raise anything: onnxruntime's errors have no class in common
        raise ProgramError(
            f"it is damaged, or no {suffix} program that can run here: write it again with `export`"
        ) from error


def check_sums(content: bytes) -> None:
    """Raise ProgramError if a part of a zip archive does not have its check sum."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ProgramError(f"it is damaged ({damaged} has changed): write it again with `export`")


def load_program(path: str | Path) -> Program:
    """The program in the file ``path``.

    Raises:
        ProgramError: see :func:`open_program`; or the file cannot be read, or its name ends otherwise.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ProgramError(f"{path} is no exported program: their names end in {', '.join(SUFFIXES)}")
    try:
        return open_program(path.read_bytes(), path.suffix)
    except OSError as error:
        raise ProgramError(f"cannot read {path}: {error.strerror or error}") from error
    except ProgramError as error:
        raise ProgramError(f"cannot use {path}: {error}") from error


def load_image(path: str | Path, description: Description, invert: bool = False) -> Tensor:
    """An image file as a program takes it: (C, H, W) float32.

    It is made grey or coloured, its middle square is brought to the network's size as in training, and normalised.

    Args:
        path: a file that Pillow reads.
        description: the program's.
        invert: whether black becomes white: MNIST's digits are white on black, and a scan's black on white.

    Raises:
        ProgramError: the file cannot be read or is no image.
    """
    channels, size, _ = description.image_shape
    try:
        with Image.open(path) as file:
            image = file.convert(MODES[channels])
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or "Pillow cannot read it as an image"
        raise ProgramError(f"cannot read {path}: {reason}") from error
    pixels = square_image(size)(image)  # (C, H, W)
    if invert:
        pixels = 1 - pixels
    mean, std = torch.tensor(description.mean), torch.tensor(description.std)  # (C,)
    return (pixels - mean[:, None, None]) / std[:, None, None]


@torch.no_grad()
def predict(program: Program, images: Tensor) -> Tensor:
    """The probability of each class for each image. Shapes: (N, C, H, W) -> (N, classes), rows that add up to 1.

    Raises:
        ProgramError: the program does not give one score for each class.
    """
    scores = program.run(images)
    if scores.shape != (len(images), len(program.description.classes)):
        raise ProgramError(f"the program gives scores of the shape {tuple(scores.shape)}, not one for each class")
    return scores.softmax(dim=1)
