"""The data sets: digits that come with scikit-learn, and MNIST and Fashion-MNIST, downloaded on first use.

All are 28×28 grey images with values in [0, 1] and ten classes. What is done with them is in ``training.py``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset
from torchvision import datasets

__all__ = ["DATASETS", "Arrays", "DataError", "load_arrays", "load_datasets"]

DATASETS = ("digits", "mnist", "fashion-mnist")

DIGITS_TRAINING_IMAGES = 1437  # of 1,797: the first four fifths

RAW_FILES = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)


class DataError(RuntimeError):
    """A data set cannot be had; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Arrays:
    """A data set in memory. Images (N, 1, 28, 28) float32 in [0, 1], labels (N,) int64 in 0 … 9."""

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]


def load_arrays(name: str, root: str | Path | None = None) -> Arrays:
    """The data set ``name``, one of :data:`DATASETS`.

    Args:
        name: which.
        root: the folder that torchvision keeps its data sets in. Default: the environment's ``MINIGRAD_DATA``, else
            ``data``. If the files are there the network is not touched.

    Raises:
        ValueError: there is no such data set.
        DataError: its files are not there and cannot be downloaded, or are damaged.
    """
    if name not in DATASETS:
        raise ValueError(f"there is no data set {name!r}: choose from {', '.join(DATASETS)}")
    if name == "digits":
        return load_digits_28()
    folder = Path(root if root is not None else os.environ.get("MINIGRAD_DATA", "data"))
    kind = datasets.MNIST if name == "mnist" else datasets.FashionMNIST
    raw = folder / kind.__name__ / "raw"
    present = all((raw / file).is_file() for files in RAW_FILES for file in files)
    try:
        training = kind(str(folder), train=True, download=not present)
        test = kind(str(folder), train=False, download=False)
        arrays = [np.asarray(part) for each in (training, test) for part in (each.data, each.targets)]
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0].rstrip(":")
        if present:
            raise DataError(
                f"the files of {name} in {raw} are damaged ({reason}): delete that folder to download them again"
            ) from error
        raise DataError(
            f"{name} is not in {folder} and cannot be downloaded ({reason}): name the folder that holds it with "
            f"--data-root (or MINIGRAD_DATA), or use --data digits, which needs no network"
        ) from error
    train_images, train_labels, test_images, test_labels = arrays
    if len(train_images) != len(train_labels) or len(test_images) != len(test_labels):
        raise DataError(f"the files of {name} in {raw} are damaged (images and labels differ in number): delete them")
    return Arrays(scaled(train_images, 255), as_labels(train_labels), scaled(test_images, 255), as_labels(test_labels))


def load_digits_28() -> Arrays:
    """scikit-learn's 1,797 handwritten digits, each 8×8 pixel tripled and two rows of zeros added all around.

    Source: Alpaydin & Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998.
    """
    digits = load_digits()
    tripled = digits.images.repeat(3, axis=1).repeat(3, axis=2)
    images = scaled(np.pad(tripled, ((0, 0), (2, 2), (2, 2))), 16)
    labels = as_labels(digits.target)
    split = DIGITS_TRAINING_IMAGES
    return Arrays(images[:split], labels[:split], images[split:], labels[split:])


def scaled(pixels: NDArray[np.generic], largest: int) -> NDArray[np.float32]:
    """Whole-numbered pixels as float32 in [0, 1], with a channel. Shapes: (N, 28, 28) -> (N, 1, 28, 28)."""
    return (pixels.astype(np.float32) / np.float32(largest))[:, None]


def as_labels(labels: NDArray[np.generic]) -> NDArray[np.int64]:
    """Labels as int64."""
    return labels.astype(np.int64)


def load_datasets(name: str, root: str | Path | None = None) -> tuple[TensorDataset, TensorDataset]:
    """Training and test set of :func:`load_arrays` as data sets of ``(image, label)``, held in memory as tensors."""
    arrays = load_arrays(name, root)
    training = TensorDataset(torch.from_numpy(arrays.train_images), torch.from_numpy(arrays.train_labels))
    test = TensorDataset(torch.from_numpy(arrays.test_images), torch.from_numpy(arrays.test_labels))
    return training, test
