"""Programs read without running them: a script, a notebook, or the Python blocks of a page in Markdown.

A file may be anybody's: it is read up to a size, parsed, and refused in a sentence where it is no program.
"""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Piece", "Unreadable", "find_programs", "read_program"]

SUFFIXES = (".py", ".ipynb", ".md")
MOST_BYTES = 32 << 20  # of a file: a notebook carries its pictures
MOST_CODE = 1 << 20  # letters of code: what is parsed takes some hundred times as much memory
MOST_PROGRAMS = 20_000
LEFT_OUT = ("__pycache__", "node_modules", "site-packages")
CODING = re.compile(rb"(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")
FENCE = re.compile(r"^```[ {.]*python\b[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
MAGIC = re.compile(r"^(\s*)(?:%\w.*|[!?].*|[\w, ]+=\s*(?:%\w|!).*|\w[\w.]*\?+\s*)$")
RUNS_ITS_CELL = ("time", "timeit", "capture", "prun")  # magics whose cell is Python


class Unreadable(Exception):
    """Why a file, or a part of it, could not be read; one sentence."""


class Piece(NamedTuple):
    """What is run at once: a script, a cell or a block; parsed. ``where`` tells it from its neighbours."""

    where: str
    tree: ast.Module


def find_programs(path: str) -> list[str]:
    """The file, or the programs in the folder and in those below it, in order; links to folders are not followed.

    Raises:
        Unreadable: there is no such file or folder, no program in it, or too many.
    """
    if not os.path.isdir(path):
        return [path]
    found: list[str] = []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in LEFT_OUT)
        found += [os.path.join(folder, each) for each in sorted(files) if each.endswith(SUFFIXES)]
        if len(found) > MOST_PROGRAMS:
            raise Unreadable(f"it holds more than {MOST_PROGRAMS:,} programs: name a folder in it")
    if not found:
        raise Unreadable(f"there is no program in it: a file whose name ends in {', '.join(SUFFIXES)}")
    return found


def read_program(path: str) -> tuple[list[Piece], list[tuple[str, str]]]:
    """The pieces of the program in a file; and where a cell could not be read, which is left out, and why.

    Raises:
        Unreadable: it cannot be read, is too large, or is no program at all.
    """
    pieces, refused, letters = [], [], 0
    for where, source in sources(path, contents(path)):
        letters += len(source)
        if letters > MOST_CODE:
            raise Unreadable(f"it holds more than {MOST_CODE:,} letters of code")
        try:
            pieces.append(Piece(where, parsed(source, magics=bool(where))))
        except Unreadable as error:
            if not where:
                raise
            if "torch" in source or path.endswith(".ipynb"):  # a page may show parts of programs
                refused.append((where, str(error)))
    return pieces, refused


def contents(path: str) -> bytes:
    """The bytes of a regular file of one of the three kinds."""
    try:
        about = os.stat(path)
        if not path.endswith(SUFFIXES):
            raise Unreadable(f"its name ends in none of {', '.join(SUFFIXES)}")
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_BYTES:
            raise Unreadable(f"it is no regular file of at most {MOST_BYTES >> 20} MB")
        return Path(path).read_bytes()
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror}") from None


def sources(path: str, data: bytes) -> Iterator[tuple[str, str]]:
    """The parts of a file that are code, with the name of each; a script's has none."""
    if path.endswith(".md"):
        for number, block in enumerate(FENCE.finditer(data.decode("utf-8", "replace")), 1):
            yield f"block {number}", block[1]
    elif path.endswith(".py"):
        coding = CODING.match(data)
        try:
            yield "", data.decode(coding[1].decode() if coding else "utf-8-sig").replace("\r\n", "\n")
        except (LookupError, UnicodeDecodeError):
            raise Unreadable("it is no text in the encoding that it names, or in UTF-8") from None
    else:
        try:
            notebook = json.loads(data)
            sheets = notebook.get("worksheets", [notebook])  # older notebooks have sheets
            for number, cell in enumerate([cell for sheet in sheets for cell in sheet["cells"]], 1):
                if cell["cell_type"] == "code":
                    yield f"cell {number}", "".join(cell["source"] if "source" in cell else cell["input"])
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            raise Unreadable("it is no notebook") from None


def parsed(source: str, magics: bool) -> ast.Module:
    """The tree of a source. Where it is no Python as it stands, what IPython makes Python of is tried."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the program's author may have written
            return ast.parse(source)
    except SyntaxError as error:
        if magics:
            return parsed(without_magics(source), magics=False)
        raise Unreadable(f"line {error.lineno} is no Python: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise Unreadable("it is no Python, or nested too deeply") from None


def without_magics(source: str) -> str:
    """A cell from its margin on, whose lines for IPython are ``pass``; nothing where another program runs the cell."""
    first, _, rest = source.lstrip().partition("\n")
    if first.startswith("%%"):
        source = f"\n{rest}" if first[2:].split(" ")[0] in RUNS_ITS_CELL else ""
    return textwrap.dedent("\n".join(MAGIC.sub(r"\1pass", line) for line in source.split("\n")))
