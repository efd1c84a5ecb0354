"""The modules of a program's own, which it imports: with their import lines changed, from PyTorch to minigrad."""

from __future__ import annotations

import sys
from importlib.abc import Loader
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from pathlib import Path

from minigrad.neighbours.changing import ChangedLoader

__all__ = ["change_imports_below"]


def change_imports_below(folder: Path) -> None:
    """From here on, change the imports of every module that lies in ``folder``. Nothing compiled is kept."""
    sys.dont_write_bytecode = True
    compiled: tuple[type[Loader], list[str]] = (ExtensionFileLoader, EXTENSION_SUFFIXES)

    def finder(path: str) -> FileFinder:
        if not Path(path).resolve().is_relative_to(folder):
            raise ImportError
        return FileFinder(path, compiled, (ChangedLoader, [".py"]))

    sys.path_hooks.insert(0, finder)
    sys.path_importer_cache.clear()
