"""An engine's files, laid out for a process. Those of a known engine are kept ready, each with its compiled code.

The code is compiled here, from our own text; what a submission brings of its own is text, which its process compiles.
A process is given second names of the files that are kept: nothing is written, or compiled, for each process anew.
"""

from __future__ import annotations

import functools
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
        self.folder, self.known = folder, known

    @functools.cached_property
    def kept(self) -> dict[str, bytes]:
        """The known engine's files, by path: compiled and written when an engine of its name is first laid out."""
        whole, codes = compiled(self.known), without_text(self.known).sources
        whole.write(self.folder)
        for path in self.known.sources:  # the same code, where it stands alone
            give(f"{self.folder}/{place_of_code(path)}", f"{self.folder}/{path}c")
        return {**whole.sources, **codes}

    def lay_out(self, engine: Engine, folder: Path) -> None:
        """Put an engine's files into an empty folder."""
        kept = self.kept if engine.name == self.known.name else {}
        same = {path for path, text in engine.sources.items() if kept.get(path) == text}
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
