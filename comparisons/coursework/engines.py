"""The engine under test as text: found without running any of it, so that nothing of it runs in the judge."""

from __future__ import annotations

import hashlib
import importlib.util
import keyword
import os
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

__all__ = ["Engine", "EngineError", "find_engine"]

MOST_BYTES, MOST_FILES = 10_000_000, 2_000


class EngineError(ValueError):
    """There is no engine, or none that can be judged; the message says why in one sentence."""


@dataclass(frozen=True)
class Engine:
    """A module or package, as text.

    Attributes:
        name: what it is imported as.
        sources: its files, ``.py`` alone, by their path below the folder that it is imported from.
    """

    name: str
    sources: dict[str, bytes]

    @property
    def digest(self) -> str:
        """SHA-256 of the names and texts of the files."""
        digest = hashlib.sha256()
        for path, text in sorted(self.sources.items()):
            digest.update(f"{path}\0{len(text)}\0".encode("utf-8", "surrogateescape") + text)
        return digest.hexdigest()

    def write(self, folder: Path) -> None:
        """Write the files into a folder."""
        for parent in {os.path.dirname(path) for path in self.sources}:
            os.makedirs(os.path.join(folder, parent), exist_ok=True)
        for path, text in self.sources.items():
            with open(os.path.join(folder, path), "wb") as file:
                file.write(text)


def find_engine(text: str) -> Engine:
    """The engine that a path (to a file or to a package's folder) or the name of a module leads to.

    Raises:
        EngineError: there is none, it is no Python, its name is taken, or it is too large.
    """
    path = Path(text)
    try:
        if not path.exists():
            path = path_of_module(text)
        path = path.resolve()
        name = path.stem if path.is_file() else path.name
        check_name(name)
        return Engine(name, sources_of(path))
    except OSError as error:
        raise EngineError(f"the engine {text} cannot be read: {error.strerror}") from None


def path_of_module(name: str) -> Path:
    """Where the module of a name is, without importing it or a package that it is in."""
    first, *inner = name.split(".")
    if all(part.isidentifier() for part in (first, *inner)):
        spec = None if first == "__main__" else importlib.util.find_spec(first)  # asks all finders, imports nothing
        for part in inner:
            places = None if spec is None else spec.submodule_search_locations
            spec = PathFinder.find_spec(part, places) if places else None
        if spec is not None and spec.has_location and spec.origin is not None:
            path = Path(spec.origin)
            return path.parent if path.name == "__init__.py" else path
    raise EngineError(f"there is no engine {name}: give the path of a file or of a package, or the name of a module")


def check_name(name: str) -> None:
    """Refuse a name that cannot be imported, or that means another module."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise EngineError(f"an engine cannot be imported under the name {name!r}: rename it, for instance to engine")
    if name in sys.stdlib_module_names or name in ("numpy", "student", "confinement"):
        raise EngineError(f"an engine cannot have the name {name}, which another module has: rename it")


def sources_of(path: Path) -> dict[str, bytes]:
    """The files of an engine. No link is followed."""
    if path.is_file():
        if path.suffix != ".py":
            raise EngineError(f"the engine {path} is no Python: its name must end in .py")
        found = [path]
    else:
        if not (path / "__init__.py").is_file():
            raise EngineError(f"the folder {path} is no package: it has no __init__.py")
        found = []
        for folder, _, names in os.walk(path):
            found += [Path(folder, name) for name in names if name.endswith(".py")]
    sources: dict[str, bytes] = {}
    left = MOST_BYTES
    for file in found:
        if file.is_symlink() or not file.is_file():
            continue
        with open(file, "rb") as opened:
            text = opened.read(left + 1)
        left -= len(text)
        sources[file.relative_to(path.parent).as_posix()] = text
        if left < 0 or len(sources) > MOST_FILES:
            limit = f"{MOST_FILES:,} files or {MOST_BYTES // 1_000_000} MB of Python"
            raise EngineError(f"the engine {path} has more than {limit}")
    return sources
