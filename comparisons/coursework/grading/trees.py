"""A stranger's files, below a folder or in a zip: listed and read within bounds, no link followed, nothing unpacked."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

__all__ = ["Broken", "FolderTree", "Tree", "ZipTree"]

MOST_FILES = 20_000
MOST_BYTES = 10_000_000  # of all that is read
MOST_RATIO = 200  # of a file in a zip to what it was packed to
LONGEST_PART = 255  # bytes of a name, without its folders
LEFT_OUT = ("__pycache__", "__MACOSX")


class Broken(ValueError):
    """A submission cannot be read; the message says why, of "it"."""


class Tree(Protocol):
    """Files by their path, parted by ``/``."""

    names: list[str]

    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            Broken: it cannot be read, or all that was read is too much.
        """


class Budget:
    """How many bytes may still be read."""

    def __init__(self) -> None:
        self.left = MOST_BYTES

    def spend(self, content: bytes) -> bytes:
        """Count what was read."""
        self.left -= len(content)
        if self.left < 0:
            raise Broken(f"it has more than {MOST_BYTES // 1_000_000} MB of what is graded")
        return content


def is_heard(path: str) -> bool:
    """Whether a file is one that somebody wrote."""
    return not any(part in LEFT_OUT or part.startswith(".") for part in path.split("/"))


def opened(path: Path) -> BinaryIO:
    """A file that is one, and no link, pipe or device: whoever opens those may wait for ever.

    Raises:
        Broken: it is none.
        OSError: it cannot be opened.
    """
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise Broken("it is no file")
    return os.fdopen(number, "rb")


class FolderTree:
    """The files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.budget = folder, Budget()
        self.names: list[str] = []
        seen = 0
        for place, folders, names in os.walk(folder):
            folders[:] = [each for each in folders if is_heard(each)]
            seen += len(folders) + len(names)
            if seen > MOST_FILES:
                raise Broken(f"it has more than {MOST_FILES:,} files")
            self.names += [Path(place, name).relative_to(folder).as_posix() for name in names if is_heard(name)]

    def read(self, name: str) -> bytes:
        """A file's content."""
        try:
            with opened(self.folder / name) as file:
                return self.budget.spend(file.read(self.budget.left + 1))
        except OSError as error:
            reason = "it is a link" if self.folder.joinpath(name).is_symlink() else error.strerror
            raise Broken(f"{name} cannot be read: {reason}") from None


class ZipTree:
    """The files of a zip."""

    def __init__(self, path: Path) -> None:
        self.budget = Budget()
        self.file = opened(path)
        try:
            self.archive = zipfile.ZipFile(self.file)
        except Exception:  # whatever zipfile says of bytes that anybody wrote
            self.close()
            raise Broken("it is no zip that can be read") from None
        self.members: dict[str, zipfile.ZipInfo] = {}
        try:
            self.list()
        except Broken:
            self.close()
            raise

    def close(self) -> None:
        """Close the zip."""
        self.file.close()

    def list(self) -> None:
        """List its files, if they are those of a folder."""
        members = self.archive.infolist()
        if len(members) > MOST_FILES:
            raise Broken(f"it has more than {MOST_FILES:,} files")
        self.members = {each.filename: each for each in members if not each.is_dir() and is_heard(each.filename)}
        for name in (each.filename for each in members):
            parts = PurePosixPath(name).parts
            if name.startswith("/") or ".." in parts or "\\" in name or ":" in name.split("/")[0]:
                raise Broken(f"it has a file outside of its folder: {name}")
            if any(len(part.encode("utf-8", "surrogatepass")) > LONGEST_PART for part in parts):
                raise Broken(f"it has a name that is too long for a file: {name}")
            if not self.members.keys().isdisjoint(map(str, PurePosixPath(name).parents)):
                raise Broken(f"it has a file that is a folder too: {name}")
        self.names = list(self.members)

    def read(self, name: str) -> bytes:
        """A file's content."""
        member = self.members[name]
        if stat.S_ISLNK(member.external_attr >> 16):
            raise Broken(f"{name} cannot be read: it is a link")
        if member.flag_bits & 1:
            raise Broken(f"{name} cannot be read: it is encrypted")
        if member.file_size > max(self.budget.left, MOST_RATIO * member.compress_size):
            raise Broken(f"{name} is packed so tightly that it is no text of a student")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Broken(f"{name} is packed in a way that is not read here")
        try:
            with self.archive.open(member) as file:
                return self.budget.spend(file.read(self.budget.left + 1))
        except Broken:
            raise
        except Exception:
            raise Broken(f"{name} cannot be read: the zip is damaged") from None
