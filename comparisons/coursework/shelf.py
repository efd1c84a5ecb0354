"""An engine's files, laid out for a process. Those of a known engine are kept ready, each with its compiled code.

The code is compiled here, from our own text; what a submission brings of its own is text, which its process compiles.
A process is given second names of the files that are kept: nothing is written, or compiled, for each process anew.
"""

from __future__ import annotations

import compileall
from importlib.util import cache_from_source
from pathlib import Path
from py_compile import PycInvalidationMode

from comparisons.coursework.engines import Engine
from comparisons.coursework.world import link

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

    def lay_out(self, engine: Engine, folder: Path) -> None:
        """Put an engine's files into a folder."""
        others = {path: text for path, text in engine.sources.items() if self.known.sources.get(path) != text}
        Engine(engine.name, others).write(folder)
        for path in engine.sources.keys() - others.keys():
            for each in (Path(path), Path(cache_from_source(path))):
                (folder / each).parent.mkdir(parents=True, exist_ok=True)
                link(str(self.folder / each), str(folder / each))
