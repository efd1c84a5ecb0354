"""The data sets: digits that come with scikit-learn, and MNIST and Fashion-MNIST, downloaded on first use.

All are 28×28 grey images with values in [0, 1] and ten classes. ``load_arrays`` gives them as NumPy arrays,
``load_datasets`` as PyTorch data sets. How they become batches is in ``training.py``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import TensorDataset

__all__ = ["DATASETS", "DataError", "ImageArrays", "load_arrays", "load_datasets"]

DATASETS = ("digits", "mnist", "fashion-mnist")

DIGITS_TRAINING_IMAGES = 1437  # of 1,797: the first four fifths, the last 360 are for the test

RAW_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class DataError(RuntimeError):
    """A data set cannot be had; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class ImageArrays:
    """A data set in memory. Images (N, 1, 28, 28) float32 in [0, 1], labels (N,) int64 in 0 … 9."""

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]


def load_arrays(name: str, root: str | Path | None = None) -> ImageArrays:
    """The data set ``name``, split into training and test images.

    ========================  ======== ======  =======================================================
    name                      training   test  source
    ========================  ======== ======  =======================================================
    digits                       1,437    360  ``sklearn.datasets.load_digits``, the first and the last
    mnist, fashion-mnist        60,000 10,000  ``torchvision.datasets``, the split of their authors
    ========================  ======== ======  =======================================================

    Args:
        name: one of :data:`DATASETS`.
        root: the folder that torchvision keeps its data sets in. Default: the environment's
            ``MINIGRAD_DATA``, else ``data``. If the files are there the network is not touched; digits need
            neither.

    Raises:
        ValueError: there is no such data set.
        DataError: its files are not there and cannot be downloaded, or they are damaged.
    """
    if name not in DATASETS:
        raise ValueError(f"there is no data set {name!r}: choose from {', '.join(DATASETS)}")
    if name == "digits":
        return load_digits_28()
    folder = Path(root or os.environ.get("MINIGRAD_DATA") or "data").expanduser()
    return load_torchvision(name, folder)


def load_datasets(name: str, root: str | Path | None = None) -> tuple[TensorDataset, TensorDataset]:
    """Training and test set of :func:`load_arrays` as PyTorch data sets, held in memory as tensors.

    A sample is ``(image, label)``: image (1, 28, 28) float32, what torchvision's ``ToTensor`` makes of it,
    label () int64. Arguments and errors are those of :func:`load_arrays`.

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.TensorDataset
    """
    arrays = load_arrays(name, root)
    training = TensorDataset(torch.from_numpy(arrays.train_images), torch.from_numpy(arrays.train_labels))
    test = TensorDataset(torch.from_numpy(arrays.test_images), torch.from_numpy(arrays.test_labels))
    return training, test


def load_digits_28() -> ImageArrays:
    """scikit-learn's 1,797 handwritten digits, from 8×8 to 28×28.

    Each pixel becomes a square of 3×3 and two rows of zeros go all around. Values are sixteenths, so nothing
    is rounded and every machine gets the same bits.

    Source: Alpaydin & Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998.
    """
    from sklearn.datasets import load_digits  # imported where it is needed: it takes a second

    digits = load_digits()
    tripled = digits.images.repeat(3, axis=1).repeat(3, axis=2)  # (1797, 24, 24)
    images = as_images(np.pad(tripled, ((0, 0), (2, 2), (2, 2))), largest=16)
    labels = digits.target.astype(np.int64)
    split = DIGITS_TRAINING_IMAGES
    return ImageArrays(images[:split], labels[:split], images[split:], labels[split:])


def load_torchvision(name: str, folder: Path) -> ImageArrays:
    """MNIST or Fashion-MNIST from the files in ``folder``, which are downloaded if one is missing."""
    from torchvision import datasets  # imported where it is needed: it takes a second

    kind = datasets.MNIST if name == "mnist" else datasets.FashionMNIST
    raw = folder / kind.__name__ / "raw"
    if not all((raw / file).is_file() for file in RAW_FILES):
        try:
            kind(str(folder), download=True)
        except (OSError, RuntimeError, HTTPException) as error:
            raise DataError(
                f"{name} is not in {folder} and cannot be downloaded ({in_one_line(error)}): name the folder "
                "that holds it with --data-root or MINIGRAD_DATA, or use --data digits, which comes along"
            ) from error
    try:
        training = kind(str(folder), train=True, download=False)
        test = kind(str(folder), train=False, download=False)
        for part in (training, test):
            check_files(part.data, part.targets)
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, AssertionError) as error:
        raise DataError(
            f"the files of {name} in {raw} are damaged or cannot be read ({in_one_line(error)}): delete that "
            "folder to have them downloaded again, or use --data digits, which needs no network"
        ) from error
    return ImageArrays(
        as_images(training.data.numpy(), largest=255),
        training.targets.numpy(),
        as_images(test.data.numpy(), largest=255),
        test.targets.numpy(),
    )


def check_files(images: torch.Tensor, labels: torch.Tensor) -> None:
    """Raise ValueError if images (N, 28, 28) and labels (N,) in 0 … 9 are not what they should be."""
    if images.shape[1:] != (28, 28):
        raise ValueError(f"the images have the shape {tuple(images.shape[1:])}, not (28, 28)")
    if len(images) != len(labels):
        raise ValueError(f"there are {len(images):,} images but {len(labels):,} labels")
    if labels.max() > 9:
        raise ValueError(f"a label is {labels.max()}, not 0 … 9")


def as_images(pixels: NDArray[np.generic], largest: int) -> NDArray[np.float32]:
    """Pixels in 0 … largest as float32 in [0, 1], with a channel. Shapes: (N, 28, 28) -> (N, 1, 28, 28)."""
    return (pixels.astype(np.float32) / np.float32(largest))[:, np.newaxis]


def in_one_line(error: Exception) -> str:
    """What went wrong, in one line: of the several in torchvision's messages the last names the cause."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0] if len(lines) == 1 else f"{lines[0].rstrip(':')}: {lines[-1]}"
