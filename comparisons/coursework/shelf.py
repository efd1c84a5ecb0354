"""An engine's files, laid out for a process. Those of a known engine are kept ready, each with its compiled code.

The code is compiled here, from our own text; what a submission brings of its own is text, which its process compiles.
A process is given second names of the files that are kept: nothing is written, or compiled, for each process anew.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from comparisons.coursework.compiled import compiled, place_of_code, without_text
from comparisons.coursework.engines import Engine

__all__ = ["Shelf"]


class Shelf:
    """Where a known engine is kept ready: as text with its compiled code, and as compiled code alone.

    Args:
        folder: an empty one of its own, in the file system that processes are given their files in.
        known: the engine.
    """

    def __init__(self, folder: Path, known: Engine) -> None:
        self.folder = folder
        self.kept = {**compiled(known).sources, **without_text(known).sources}
        Engine(known.name, self.kept).write(folder)

    def lay_out(self, engine: Engine, folder: Path) -> None:
        """Put an engine's files into an empty folder."""
        same = {path for path, text in engine.sources.items() if self.kept.get(path) == text}
        codes = {place_of_code(path) for path in same if path.endswith(".py")} - engine.sources.keys()
        for parent in {os.path.dirname(path) for path in same | codes}:
            os.makedirs(folder / parent, exist_ok=True)
        for path in same | codes:
            give(f"{self.folder}/{path}", f"{folder}/{path}")
        Engine(engine.name, {path: text for path, text in engine.sources.items() if path not in same}).write(folder)


def give(source: str, target: str) -> None:
    """Give a file a second name, or copy it where it cannot have one."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
