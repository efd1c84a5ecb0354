"""The engine under another name: its files as text, with the package's name replaced where they name it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import minigrad
from comparisons.coursework.engines import EngineError, check_name

__all__ = ["ENGINE", "check_engine_name", "reference", "renamed"]

ENGINE = "minigrad"
KINDS = {
    ".py",
    ".txt",
    ".typed",
    ".html",
    ".js",
    ".css",
}  # what the package consists of: no caches, and nobody's backup
TAKEN = {"check", "tests", "comparisons", "torch", "torch_impl"}  # in a handout, or known to the engine by name


def reference() -> dict[str, bytes]:
    """The files of minigrad, what it shows in a browser too, by their path below the package's folder."""
    folder = Path(minigrad.__file__).parent
    files = sorted(each for each in folder.rglob("*") if each.suffix in KINDS and each.is_file())
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in files}


def check_engine_name(name: str) -> None:
    """Refuse a name that the engine cannot have in a handout.

    Raises:
        EngineError: what is wrong with it, in one sentence.
    """
    if name in TAKEN:
        raise EngineError(f"an engine cannot have the name {name}, which another package has: rename it")
    check_name(name)


def renamed(files: Mapping[str, bytes], name: str, old: str = ENGINE) -> dict[str, bytes]:
    """The files of a package with ``name`` for its name ``old``: in imports, in strings, and in what is told.

    The name of a file's format (``minigrad trace``) stays, so that what one engine writes the other reads; so do names
    that only begin with it, such as a picture's classes.
    """
    if name == old:
        return dict(files)
    word = re.compile(rf"(?<![\w-]){re.escape(old)}(?![\w-]| trace\b)".encode())
    return {path: word.sub(name.encode(), text) for path, text in files.items()}
