"""Notebooks: the cells that are tagged with a task's id hold that task's functions. Nothing of one is run."""

from __future__ import annotations

import itertools
import json
import re
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from comparisons.coursework.grading.trees import MOST_BYTES, Broken, opened

__all__ = ["NoJupytext", "cells_of", "check_jupytext"]

TASK = re.compile(r"\d{1,2}\.\d{1,2}")
MOST_OBJECTS = 20_000  # a cell, its metadata, an output: what a library makes of each takes a thousand times its text


class NoJupytext(ImportError):
    """The library that reads notebooks is missing; the message says how to get it."""


def check_jupytext() -> None:
    """See that notebooks can be read here.

    Raises:
        NoJupytext: Jupytext is not installed.
    """
    if find_spec("jupytext") is None:
        raise NoJupytext("notebooks are read by Jupytext: pip install 'minigrad[teach]'")


def cells_of(path: Path) -> dict[str, str]:
    """The text of a notebook's code cells, by the task that they are tagged with; several cells follow one another.

    Magics are turned into comments.

    Raises:
        Broken: it is no notebook.
        NoJupytext: Jupytext is not installed.
    """
    check_jupytext()
    import jupytext
    from jupytext.magics import comment_magic

    cells: dict[str, list[str]] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of ids that two cells have, and the like
            notebook = jupytext.reads(counted(content_of(path)), fmt="ipynb")
        for cell in notebook.cells:
            for tag in cell.metadata.get("tags", []):
                if cell.cell_type == "code" and TASK.fullmatch(str(tag)):
                    cells.setdefault(str(tag), []).extend(comment_magic(str(cell.source).split("\n")))
    except (Broken, MemoryError):
        raise
    except Exception as error:  # whatever JSON, nbformat and Jupytext say of bytes that anybody wrote
        raise Broken(f"it is no notebook: {type(error).__name__}") from None
    return {task: "\n".join(lines) + "\n" for task, lines in cells.items()}


def counted(content: str) -> str:
    """A text in JSON, if it has no more objects than a notebook that somebody wrote."""
    seen = itertools.count(1)

    def count(pairs: list[tuple[str, Any]]) -> None:
        if next(seen) > MOST_OBJECTS:
            raise Broken(f"it has more than {MOST_OBJECTS:,} parts")

    json.loads(content, object_pairs_hook=count)
    return content


def content_of(path: Path) -> str:
    """The text of a file of bounded size."""
    try:
        with opened(path) as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Broken(f"it cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise Broken(f"it has more than {MOST_BYTES // 1_000_000} MB")
    return content.decode()
