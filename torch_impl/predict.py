"""Exported programs: read one from its file, and let it classify images. No network's Python code is needed for that.

Three kinds of file, told apart by how their names end:

=========  ============================  ==================================
``.pt``    TorchScript                   run by ``torch.jit``
``.pt2``   a program of torch.export     run by ``torch.export``
``.onnx``  ONNX                          run by onnxruntime, on the CPU
=========  ============================  ==================================

Each carries a :class:`Description` of what goes in and comes out. A ``.pt`` and a ``.pt2`` file can run code on this
machine, when they are opened and when they run: open only those of people whom you trust. An ``.onnx`` file cannot. The
files are written by ``export.py``.
"""

from __future__ import annotations

import io
import json
import math
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from torch_impl.checkpoint import damaged_record
from torch_impl.data import DataError, as_floats
from torch_impl.data.pictures import read_picture
from torch_impl.options import MOST_PIXELS

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

RUN_CODE = (".pt", ".pt2")  # files of these kinds can run code

# The parts of a torch.export file that are tensors or text. Pickled objects and compiled libraries are not among them.
PLAIN_PARTS = re.compile(
    r"[^/]+/(archive_format|archive_version|byteorder|version|\.data/[^/]+|extra/[^/]+|models/[^/]+\.json"
    r"|data/(weights|constants)/((weight|tensor)_\d+|[^/]+_config\.json)|data/sample_inputs/[^/]+\.pt)"
)

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
            description.check()
        except (ValueError, TypeError, KeyError) as error:
            raise ProgramError("it holds no description of images and classes that `predict` understands") from error
        return description

    def check(self) -> None:
        """Raise ValueError if a value is of another type, or cannot be."""
        channels, height, width = self.image_shape
        if any(type(size) is not int for size in self.image_shape) or channels not in MODES:
            raise ValueError("images have 1 channel or 3")
        if height != width or not 1 <= height <= MOST_PIXELS:
            raise ValueError(f"images are squares of at most {MOST_PIXELS} pixels")
        if not len(self.mean) == len(self.std) == channels:
            raise ValueError("a mean and a deviation for each channel")
        if any(type(value) not in (int, float) or not math.isfinite(value) for value in (*self.mean, *self.std)):
            raise ValueError("means and deviations are numbers")
        if min(self.std) <= 0:
            raise ValueError("deviations are positive")
        if not self.classes or any(not isinstance(name, str) for name in (self.model, self.data, *self.classes)):
            raise ValueError("names of classes")


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
    check_plain(content)
    files = {DESCRIPTION: ""}
    module = torch.export.load(io.BytesIO(content), extra_files=files).module()
    return Program(describe(files), module)


def check_plain(content: bytes) -> None:
    """Raise ProgramError unless all parts of a torch.export file are tensors or text: pickled objects are programs."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            plain = PLAIN_PARTS.fullmatch(name) is not None
            if name.endswith("_config.json"):
                tensors = json.loads(archive.read(name))["config"].values()
                plain = plain and not any(each.get("use_pickle") for each in tensors)
            elif plain and name.endswith(".pt"):
                try:
                    torch.load(io.BytesIO(archive.read(name)), map_location="cpu", weights_only=True)
                except Exception:  # what is no plain pickle raises anything
                    plain = False
            if not plain:
                raise ProgramError(f"its part {name!r} is not plain tensors or text: write it again with `export`")


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
            damaged = damaged_record(io.BytesIO(content))  # torch.jit.load alone would take a changed weight for good
            if damaged is not None:
                raise ProgramError(f"it is damaged ({damaged} has changed): write it again with `export`")
        return OPENERS[suffix](content)
    except ProgramError:
        raise
    except Exception as error:  # bytes from anywhere raise anything: onnxruntime's errors have no class in common
        raise ProgramError(
            f"it is damaged, or no {suffix} program that can run here: write it again with `export`"
        ) from error


def load_program(path: str | Path, trust: bool = False) -> Program:
    """The program in the file ``path``.

    Args:
        path: of the file.
        trust: whether the file may run code on this machine, as those of :data:`RUN_CODE` can.

    Raises:
        ProgramError: see :func:`open_program`; or the file cannot be read, its name ends otherwise, or it is of a kind
            that can run code and is not trusted.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ProgramError(f"{path} is no exported program: their names end in {', '.join(SUFFIXES)}")
    check_file(path)
    if path.suffix in RUN_CODE and path.exists() and not trust:
        raise ProgramError(
            f"{path} can run code on this machine, as all {path.suffix} files can: add --trust if you trust whoever "
            "wrote it, or have it exported as onnx"
        )
    try:
        return open_program(path.read_bytes(), path.suffix)
    except OSError as error:
        raise ProgramError(f"cannot read {path}: {error.strerror or error}") from error
    except ProgramError as error:
        raise ProgramError(f"cannot use {path}: {error}") from error


def check_file(path: Path) -> None:
    """Raise ProgramError for what has no end, or may never begin."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ProgramError(f"cannot read {path}: it is a device or a pipe, not a file")


def load_image(path: str | Path, description: Description, invert: bool = False) -> Tensor:
    """An image file as a program takes it: (C, H, W) float32.

    It is read as a folder's are for training, in grey or in colours as the network takes them, and normalised.

    Args:
        path: of the file: see :func:`~torch_impl.data.pictures.read_picture`.
        description: the program's.
        invert: whether black becomes white: MNIST's digits are white on black, and a scan's black on white.

    Raises:
        ProgramError: the file cannot be read or is no image, or one too large or too long.
    """
    channels, size, _ = description.image_shape
    try:
        pixels = as_floats(read_picture(path, size, MODES[channels]))  # (C, H, W)
    except DataError as error:
        raise ProgramError(str(error)) from error
    if invert:
        pixels = 1 - pixels
    mean, std = torch.tensor(description.mean), torch.tensor(description.std)  # (C,)
    return (pixels - mean[:, None, None]) / std[:, None, None]


@torch.no_grad()
def predict(program: Program, images: Tensor) -> Tensor:
    """The probability of each class for each image. Shapes: (N, C, H, W) -> (N, classes), rows that add up to 1.

    Raises:
        ProgramError: the program cannot run on them, or does not give one finite score for each class.
    """
    try:
        scores = program.run(images)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a program raises anything
        raise ProgramError("the program cannot run on the images that its description tells of") from error
    if not isinstance(scores, Tensor) or not scores.is_floating_point():
        raise ProgramError("the program gives no scores")
    if scores.shape != (len(images), len(program.description.classes)):
        raise ProgramError(f"the program gives scores of the shape {tuple(scores.shape)}, not one for each class")
    probabilities = scores.softmax(dim=1)
    if not probabilities.isfinite().all():
        raise ProgramError("the program gives scores that are not finite: it, or the network it was made of, is broken")
    return probabilities
