"""An engine's files, laid out for a process. Those of a known engine are kept ready, each with its compiled code.

The code is compiled here, from our own text; what a submission brings of its own is text, which its process compiles.
A process is given second names of the files that are kept: nothing is written, or compiled, for each process anew.
"""

from __future__ import annotations

import compileall
import os
import shutil
from importlib.util import cache_from_source
from pathlib import Path
from py_compile import PycInvalidationMode

from comparisons.coursework.engines import Engine

__all__ = ["Shelf"]


class Shelf:
    """Where a known engine is kept ready.

    Args:
        folder: an empty one of its own, in the file system that processes are given their files in.
        known: the engine.
    """

    def __init__(self, folder: Path, known: Engine) -> None:
        self.folder, self.known = folder, known
        known.write(folder)
        compileall.compile_dir(folder, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
        self.folders = sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_dir())

    def lay_out(self, engine: Engine, folder: Path) -> None:
        """Put an engine's files into an empty folder."""
        others = {path: text for path, text in engine.sources.items() if self.known.sources.get(path) != text}
        if len(others) < len(engine.sources):
            for each in self.folders:
                os.mkdir(folder / each)
        for path in engine.sources.keys() - others.keys():
            for name in (path, cache_from_source(path)):
                give(f"{self.folder}/{name}", f"{folder}/{name}")
        Engine(engine.name, others).write(folder)


def give(source: str, target: str) -> None:
    """Give a file a second name, or copy it where it cannot have one."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
