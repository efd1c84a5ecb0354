"""Files that are there whole or not at all: written beside their place, brought to the disk, then renamed in one step.

What is written has a name of its own, so that two runs in one folder do not meet, and as long as it is written a lock
on it: one without a lock was left by a process that was killed, and whoever writes next to it removes it.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows: what was left stays there
    flock = None  # type: ignore[assignment]

__all__ = ["bring_to_disk", "replace_file", "replacing", "take_place", "written_beside"]

BEFORE, AFTER = ".minigrad-", ".partial"  # of the names while files are written


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write into. At the end it takes the place of the one at ``path``; whatever fails, the old one stays.

    Where ``path`` is a symbolic link, the file that it points to is replaced. A device or a pipe is written into.

    Raises:
        OSError: the folder is not there, the file may not be written, ``path`` is a folder, or the disk is full.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as device:
                yield device
            return
        real = os.path.realpath(path)
        if not os.path.isdir(os.path.dirname(real)):
            raise FileNotFoundError(errno.ENOENT, "there is no such folder")
        if os.path.exists(real) and not os.access(real, os.W_OK):
            raise PermissionError(errno.EACCES, "the file that is there is read-only")
        with written_beside(real) as file:
            yield file
            bring_to_disk(file)
            take_place(file, real)
    except OSError as error:
        if error.errno is not None:
            error.filename = os.fspath(path)  # and not the one beside it
            del error.filename2
        raise


def replace_file(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Put ``content`` in the place of the file at ``path``, in one step: there is the old one or all of the new one."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def written_beside(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A new file in the folder of ``path``, to be brought to the disk and to take its place; else it is removed."""
    folder = os.path.dirname(os.path.abspath(path))
    remove_left(folder)
    file = create(folder)
    try:
        with file:
            yield file
    finally:
        with suppress(FileNotFoundError):  # it took its place
            os.unlink(file.name)


def take_place(file: BinaryIO, path: str | os.PathLike[str]) -> None:
    """Let ``file``, which is on the disk, take the place of the one at ``path``, with its permissions."""
    with suppress(FileNotFoundError):  # a new one
        shutil.copymode(path, file.name)
    if flock is None:
        file.close()  # Windows renames no file that is open
    os.replace(file.name, path)
    if os.name == "posix":  # the new name too; Windows sees to it itself
        with suppress(PermissionError):  # a folder that may be written and not read
            folder = os.open(os.path.dirname(file.name), os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def bring_to_disk(file: BinaryIO) -> None:
    """What was written is on the disk when this returns."""
    file.flush()
    os.fsync(file.fileno())


def create(folder: str) -> BinaryIO:
    """A new file in ``folder``, locked until it is closed. No link that is there already is followed."""
    while True:
        file = open(os.path.join(folder, BEFORE + secrets.token_hex(8) + AFTER), "xb")  # noqa: SIM115
        if flock is not None:
            with suppress(OSError):  # there are file systems without locks
                flock(file, LOCK_EX)
        if os.path.exists(file.name):
            return file
        file.close()  # another process took it for one that was left, before it was locked


def remove_left(folder: str) -> None:
    """Remove what killed processes left in ``folder``: files with our names that nobody has locked."""
    names: list[str] = []
    with suppress(OSError):  # a folder that may not be read
        names = [name for name in os.listdir(folder) if name.startswith(BEFORE) and name.endswith(AFTER)]
    for name in names if flock is not None else ():
        path = os.path.join(folder, name)
        with suppress(OSError):  # it is being written, or another process has removed it, or it is not ours
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                flock(handle, LOCK_EX | LOCK_NB)
                os.unlink(path)
            finally:
                os.close(handle)
