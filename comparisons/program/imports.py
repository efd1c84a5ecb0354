"""A program with its import lines changed, from PyTorch to minigrad; and its own modules, which it imports, likewise.

Only what the program itself says is changed: a library that it imports, such as torchvision, has PyTorch.
"""

from __future__ import annotations

import ast
import sys
from importlib.abc import Loader
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

__all__ = ["change_imports_below", "with_changed_imports"]

# Whose imports stand for minigrad's; the first that fits.
COUNTERPARTS = {
    "torch": "minigrad",
    "lightning.pytorch": "minigrad.lightning",
    "lightning": "minigrad.lightning",
    "pytorch_lightning": "minigrad.lightning",
}


def counterpart(module: str) -> str | None:
    """The module of minigrad that stands for one of PyTorch's or Lightning's; None for any other."""
    for theirs, ours in COUNTERPARTS.items():
        if module == theirs or module.startswith(f"{theirs}."):
            return ours + module.removeprefix(theirs)
    return None


class Changed(ast.NodeTransformer):
    """Changes the imports of a tree; lines stay where they are."""

    def visit_Import(self, node: ast.Import) -> Any:
        """``import torch`` becomes ``import minigrad as torch``."""
        changed = []
        for each in node.names:
            ours = counterpart(each.name)
            if ours is None:
                changed.append(ast.Import([each]))
                continue
            if each.asname is None and "." in each.name:
                changed.append(ast.Import([ast.alias(ours)]))
            name = each.asname or each.name.partition(".")[0]
            whole = ours if each.asname else counterpart(name)
            changed.append(ast.Import([ast.alias(str(whole), name)]))
        return [ast.copy_location(each, node) for each in changed]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        """``from torch import nn`` becomes ``from minigrad import nn``."""
        ours = counterpart(node.module) if node.module and node.level == 0 else None
        return node if ours is None else ast.copy_location(ast.ImportFrom(ours, node.names, 0), node)


def with_changed_imports(tree: ast.Module) -> ast.Module:
    """The tree of a program whose imports are changed."""
    return ast.fix_missing_locations(Changed().visit(tree))


class ChangedLoader(SourceFileLoader):
    """Loads a module of the program's own, with changed imports."""

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        code: CodeType = compile(with_changed_imports(ast.parse(data, path)), path, "exec", dont_inherit=True)
        return code


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
