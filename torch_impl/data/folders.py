"""Folders of pictures: which files are pictures of which class, and that all of them can be read.

Each is read once before a training begins. Those of a small folder are kept in memory; those of a large one are read
again when they are needed, by ``streaming.py``. How one picture is read is in ``pictures.py``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from torch_impl.data.errors import DataError
from torch_impl.data.pictures import FORMATS, is_picture, read_picture, read_pictures
from torch_impl.distributed import is_main_process

__all__ = ["PictureFiles", "load_folder"]

MOST_BYTES = 2**30  # that are kept in memory: 7,000 pictures of 224×224


class PictureFiles(Dataset[tuple[Tensor, int]]):
    """Pictures that are read when they are needed. A sample is ``(image, label)``: (3, size, size) uint8, int.

    Args:
        files: the path and the label of each.
        size: height and width that they are brought to.
    """

    def __init__(self, files: Sequence[tuple[Path, int]], size: int) -> None:
        self.files = files
        self.size = size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, label = self.files[index]
        return read_picture(path, self.size), label


def load_folder(folder: Path, size: int, test_only: bool) -> tuple[Dataset[Any], Dataset[Any], tuple[str, ...]]:
    """Training and test pictures of a folder, and the names of their classes.

    The folder holds ``train`` and ``test``, and each of them a folder of pictures for every class, of the same names in
    both, perhaps with folders in it. What is hidden is left out, and files that are no pictures by their names.

    Args:
        folder: the folder.
        size: height and width that the pictures are brought to: see :func:`~torch_impl.data.pictures.read_picture`.
        test_only: whether the training pictures are left unread.

    Raises:
        DataError: the folder does not look like that, or pictures in it cannot be read: all of them are named.
    """
    names = class_names(folder)
    training, test = (find_pictures(folder, part, names) for part in ("train", "test"))
    needed = test if test_only else [*training, *test]
    kept = read_all(folder, [path for path, _ in needed], size)
    if kept is None:
        return PictureFiles(training, size), PictureFiles(test, size), names
    labels = torch.tensor([label for _, label in needed])
    tested = TensorDataset(kept[-len(test) :], labels[-len(test) :])
    if test_only:
        return PictureFiles(training, size), tested, names
    return TensorDataset(kept[: len(training)], labels[: len(training)]), tested, names


def class_names(folder: Path) -> tuple[str, ...]:
    """The names of the folders in ``train``, which are those in ``test``.

    Raises:
        DataError: they are not, or there are none.
    """
    found = []
    for part in ("train", "test"):
        try:
            places = [entry.name for entry in os.scandir(folder / part) if entry.is_dir() and not hidden(entry.name)]
        except OSError as error:
            raise DataError(
                f"{folder} is no folder of images ({error.strerror}: {folder / part}): it must hold train and test, "
                "and each of them a folder of images for every class"
            ) from error
        found.append(sorted(places))
    training, test = found
    if training != test:
        lonely = ", ".join(sorted(set(training) ^ set(test)))
        raise DataError(f"{folder}/train and {folder}/test do not have the same classes: {lonely} is in one only")
    if not training:
        raise DataError(f"{folder}/train holds no folders: it must hold a folder of images for every class")
    return tuple(training)


def find_pictures(folder: Path, part: str, names: Sequence[str]) -> list[tuple[Path, int]]:
    """The pictures in ``part`` and their labels, in the order of their names.

    Raises:
        DataError: there are classes without a picture.
        OSError: a folder cannot be read.
    """
    files: list[tuple[Path, int]] = []
    empty = []
    for label, name in enumerate(names):
        before = len(files)
        for place, folders, entries in os.walk(folder / part / name, onerror=refuse):
            folders[:] = sorted(each for each in folders if not hidden(each))
            files += [(Path(place, each), label) for each in sorted(entries) if is_picture(each) and not hidden(each)]
        if len(files) == before:
            empty.append(f"{part}/{name}")
    if empty:
        raise DataError(
            f"{folder} has no picture in {', '.join(empty)}: add some ({', '.join(FORMATS)}), or delete the class in "
            "train and test"
        )
    return files


def refuse(error: OSError) -> NoReturn:
    """Raise what ``os.walk`` would pass over."""
    raise error


def hidden(name: str) -> bool:
    """Whether a file or folder is not for people: ``.ipynb_checkpoints``, ``._1.jpg``, what macOS adds to archives."""
    return name.startswith(".") or name == "__MACOSX"


def read_all(folder: Path, paths: Sequence[Path], size: int) -> Tensor | None:
    """All pictures, (N, 3, size, size) uint8, or None if they would take too much memory. Each is read in any case.

    Raises:
        DataError: some cannot be read.
    """
    shape = (len(paths), 3, size, size)
    keep = torch.Size(shape).numel() <= MOST_BYTES
    if not keep and not is_main_process():
        return None  # the main process has seen that all can be read
    kept = torch.empty(shape if keep else 0, dtype=torch.uint8)
    console = Console(stderr=True)
    watched = is_main_process() and console.is_terminal
    unread = []
    pictures = track(
        read_pictures(paths, size), "Reading pictures", len(paths), console=console, transient=True, disable=not watched
    )
    for index, picture in enumerate(pictures):
        if isinstance(picture, str):
            unread.append(f"{paths[index].relative_to(folder)} ({picture})")
        elif keep:
            kept[index] = picture
    if unread:
        raise DataError(
            f"{len(unread):,} of {len(paths):,} pictures in {folder} cannot be read, replace them by "
            f"{', '.join(FORMATS)} or delete them: {', '.join(unread)}"
        )
    return kept if keep else None
