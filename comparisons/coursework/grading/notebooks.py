"""Notebooks as text: the cells that are tagged with a task's id hold that task's functions. Nothing of one is run."""

from __future__ import annotations

import itertools
import json
import re
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from comparisons.coursework.grading.trees import MOST_BYTES, Broken, opened

__all__ = ["NoJupytext", "cells_of", "check_jupytext", "code_cells"]

TASK = re.compile(r"\d{1,2}\.\d{1,2}")
MOST_MARKDOWN = 1_000_000  # bytes
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

    Raises:
        Broken, NoJupytext: as :func:`code_cells` raises them.
    """
    cells: dict[str, str] = {}
    for tags, text in code_cells(path):
        for task in filter(TASK.fullmatch, tags):
            cells[task] = cells.get(task, "") + text
    return cells


def code_cells(path: Path) -> list[tuple[list[str], str]]:
    """The tags and the text of each code cell of a notebook, or of one that is kept as MyST's Markdown (``.md``).

    Magics are turned into comments.

    Raises:
        Broken: it is no notebook.
        NoJupytext: Jupytext is not installed.
    """
    check_jupytext()
    import jupytext
    from jupytext.magics import comment_magic

    in_markdown = path.suffix.lower() == ".md"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of ids that two cells have, and the like
            content = content_of(path, MOST_MARKDOWN) if in_markdown else counted(content_of(path))
            notebook = jupytext.reads(content, fmt="md:myst" if in_markdown else "ipynb")
        return [
            (
                [str(tag) for tag in cell.metadata.get("tags", [])],
                "\n".join(comment_magic(str(cell.source).split("\n"))) + "\n",
            )
            for cell in notebook.cells
            if cell.cell_type == "code"
        ]
    except (Broken, MemoryError):
        raise
    except Exception as error:  # whatever JSON, nbformat and Jupytext say of bytes that anybody wrote
        raise Broken(f"it is no notebook: {type(error).__name__}") from None


def counted(content: str) -> str:
    """A text in JSON, if it has no more objects than a notebook that somebody wrote."""
    seen = itertools.count(1)

    def count(pairs: list[tuple[str, Any]]) -> None:
        if next(seen) > MOST_OBJECTS:
            raise Broken(f"it has more than {MOST_OBJECTS:,} parts")

    json.loads(content, object_pairs_hook=count)
    return content


def content_of(path: Path, most: int = MOST_BYTES) -> str:
    """The text of a file of bounded size."""
    try:
        with opened(path) as file:
            content = file.read(most + 1)
    except OSError as error:
        raise Broken(f"it cannot be read: {error.strerror}") from None
    if len(content) > most:
        raise Broken(f"it has more than {most // 1_000_000} MB")
    return content.decode()
