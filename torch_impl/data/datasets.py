"""The data sets: digits, MNIST, Fashion-MNIST, CIFAR-10, and folders of images.

``load_arrays`` gives those that fit in memory as NumPy arrays, ``load_data`` any of them as PyTorch data sets, split
and described. How a folder of images is read is in ``folders.py``, how images become batches in ``batches.py``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Subset, TensorDataset

from torch_impl.data.errors import DataError, in_one_line
from torch_impl.names import DATASETS, NAMES
from torch_impl.options import TrainingOptions

__all__ = [
    "DATASETS",
    "NAMES",
    "ImageArrays",
    "ImageData",
    "check_data",
    "load_arrays",
    "load_data",
    "load_datasets",
]

MIRRORED = ("fashion-mnist", "cifar10")  # a mirrored shoe is a shoe, a mirrored 2 is no 2

DIGITS_TRAINING_IMAGES = 1437  # of 1,797: the first four fifths, the last 360 are for the test

DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
CIFAR_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

RAW_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@dataclass(frozen=True)
class ImageArrays:
    """A data set in memory. Images (N, C, H, W) float32 in [0, 1], labels (N,) int64 in 0 … 9.

    (C, H, W) is (1, 28, 28) for all of :data:`DATASETS` and (3, 32, 32) for CIFAR-10.
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]


@dataclass(frozen=True)
class ImageData:
    """A data set, split and described.

    Attributes:
        training, validation, test: samples are ``(image, label)``, image (C, H, W) float32 in [0, 1], or uint8 where
            they come from a folder (``batches.as_floats`` makes one of the other), label int64. Those in memory are
            TensorDatasets. ``validation`` is None if nothing is kept out of training.
        image_shape: (C, H, W).
        class_names: what each label means.
        mirrored: whether a mirrored image is still of its class.
    """

    training: Dataset[Any]
    validation: Dataset[Any] | None
    test: Dataset[Any]
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    mirrored: bool


def check_data(name: str) -> None:
    """Raise ValueError if ``name`` is neither a data set nor a folder."""
    if name not in NAMES and not Path(name).is_dir():
        raise ValueError(f"there is no data set {name!r}: choose from {', '.join(NAMES)}, or name a folder of images")


def load_arrays(name: str, root: str | Path | None = None) -> ImageArrays:
    """The data set ``name``, split into training and test images.

    ========================  ======== ======  =======================================================
    name                      training   test  source
    ========================  ======== ======  =======================================================
    digits                       1,437    360  ``sklearn.datasets.load_digits``, the first and the last
    mnist, fashion-mnist        60,000 10,000  ``torchvision.datasets``, the split of their authors
    cifar10                     50,000 10,000  the same
    ========================  ======== ======  =======================================================

    Args:
        name: one of :data:`NAMES`.
        root: the folder that torchvision keeps its data sets in. Default: the environment's
            ``MINIGRAD_DATA``, else ``data``. If the files are there the network is not touched; digits need
            neither.

    Raises:
        ValueError: there is no such data set.
        DataError: its files are not there and cannot be downloaded, or they are damaged.

    >>> import torch_impl
    >>> digits = torch_impl.load_arrays("digits")
    >>> digits.train_images.shape, digits.test_labels.shape
    ((1437, 1, 28, 28), (360,))
    """
    if name not in NAMES:
        raise ValueError(f"there is no data set {name!r}: choose from {', '.join(NAMES)}")
    if name == "digits":
        return load_digits_28()
    folder = data_folder(root)
    return load_cifar10(folder) if name == "cifar10" else load_mnist(name, folder)


def data_folder(root: str | Path | None) -> Path:
    """The folder that torchvision keeps its data sets in."""
    return Path(root or os.environ.get("MINIGRAD_DATA") or "data").expanduser()


def load_datasets(name: str, root: str | Path | None = None) -> tuple[TensorDataset, TensorDataset]:
    """Training and test set of :func:`load_arrays` as PyTorch data sets, held in memory as tensors.

    A sample is ``(image, label)``: image (C, H, W) float32, what torchvision's ``ToTensor`` makes of it,
    label () int64. Arguments and errors are those of :func:`load_arrays`.

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.TensorDataset
    """
    arrays = load_arrays(name, root)
    training = TensorDataset(torch.from_numpy(arrays.train_images), torch.from_numpy(arrays.train_labels))
    test = TensorDataset(torch.from_numpy(arrays.test_images), torch.from_numpy(arrays.test_labels))
    return training, test


def load_data(options: TrainingOptions, root: str | Path | None = None, test_only: bool = False) -> ImageData:
    """The data set ``options.data``, with ``options.validation`` of its training images kept out of training.

    Which ones are kept out is drawn from the seed.

    Args:
        options: data, image_size, validation, seed.
        root: as for :func:`load_arrays`.
        test_only: whether a folder's training images are left unread, by who only judges.

    Raises:
        ValueError: there is neither such a data set nor such a folder.
        DataError: its files are not there and cannot be downloaded, or they are damaged, or there are too few.
    """
    check_data(options.data)
    training: Dataset[Any]
    test: Dataset[Any]
    if options.data in NAMES:
        training, test = load_datasets(options.data, root)
        names = {"fashion-mnist": FASHION_NAMES, "cifar10": CIFAR_NAMES}.get(options.data, DIGIT_NAMES)
    else:
        from torch_impl.data.folders import load_folder  # imported where it is needed: with it comes Pillow

        training, test, names = load_folder(Path(options.data), options.image_size, test_only)
    channels, height, width = test[0][0].shape
    kept, validation = split(training, options.validation, options.seed)
    mirrored = options.data in MIRRORED or options.data not in NAMES
    return ImageData(kept, validation, test, (channels, height, width), names, mirrored)


def split(training: Dataset[Any], share: float, seed: int) -> tuple[Dataset[Any], Dataset[Any] | None]:
    """The training images, and ``share`` of them kept out, None if that is 0."""
    if share == 0:
        return training, None
    count = len(training)  # type: ignore[arg-type]
    kept_out = round(share * count)
    if kept_out == 0:
        raise DataError(f"--validation {share} of {count} training images is none: raise it")
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    # in their old order: a shuffled copy would read as if the order mattered
    parts = order[kept_out:].sort().values, order[:kept_out].sort().values
    if isinstance(training, TensorDataset):
        kept, validation = (TensorDataset(*(tensor[part] for tensor in training.tensors)) for part in parts)
        return kept, validation
    return Subset(training, parts[0].tolist()), Subset(training, parts[1].tolist())


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


def load_mnist(name: str, folder: Path) -> ImageArrays:
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


def load_cifar10(folder: Path) -> ImageArrays:
    """CIFAR-10 from the files in ``folder``, which are downloaded if they are not there, whole.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    from torchvision import datasets  # imported where it is needed: it takes a second

    try:
        training = datasets.CIFAR10(str(folder), train=True, download=True)  # asks the network only if it must
        test = datasets.CIFAR10(str(folder), train=False, download=False)
    except (OSError, RuntimeError, HTTPException) as error:
        raise DataError(
            f"cifar10 is not in {folder} and cannot be downloaded ({in_one_line(error)}): name the folder that holds "
            "it with --data-root or MINIGRAD_DATA, or use --data digits, which comes along"
        ) from error
    except Exception as error:  # damaged pickles raise anything
        raise DataError(
            f"the files of cifar10 in {folder / datasets.CIFAR10.base_folder} are damaged ({in_one_line(error)}): "
            "delete that folder to have them downloaded again"
        ) from error
    return ImageArrays(
        as_colour_images(training.data),
        np.array(training.targets, np.int64),
        as_colour_images(test.data),
        np.array(test.targets, np.int64),
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


def as_colour_images(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bytes as float32 in [0, 1], channels first. Shapes: (N, H, W, 3) -> (N, 3, H, W)."""
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)
