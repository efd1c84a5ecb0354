"""A program's import lines changed, from PyTorch to minigrad; and those of modules that it imports, likewise.

Libraries keep PyTorch, but for the networks and layers of those in ``ported.py``.
"""

from __future__ import annotations

import ast
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any

__all__ = ["Changed", "ChangedLoader", "with_changed_imports"]

# Whose imports stand for minigrad's, with all that is below them; and those that alone do.
COUNTERPARTS = {
    "torch": "minigrad",
    "lightning.pytorch": "minigrad.lightning",
    "lightning": "minigrad.lightning",
    "pytorch_lightning": "minigrad.lightning",
    "torchinfo": "minigrad.torchinfo",
    "torchvision.models": "minigrad.torchvision.models",
    "torchvision.ops.misc": "minigrad.torchvision.ops.misc",
    "torchvision.ops.stochastic_depth": "minigrad.torchvision.ops.stochastic_depth",
    "torchvision.transforms.v2": "torchvision.transforms.v2",  # made of classes of PyTorch's tensors
    "torchvision.transforms": "minigrad.torchvision.transforms",
}
BY_THEMSELVES = {"torchvision": "minigrad.torchvision", "torchvision.ops": "minigrad.torchvision.ops"}


def counterpart(module: str) -> str | None:
    """The module of minigrad that stands for another's; None where none does."""
    for theirs, ours in COUNTERPARTS.items():
        if module == theirs or module.startswith(f"{theirs}."):
            return ours + module.removeprefix(theirs)
    return BY_THEMSELVES.get(module)


class Changed(ast.NodeTransformer):
    """Changes the imports of a tree; lines stay where they are."""

    def visit_Import(self, node: ast.Import) -> Any:
        """``import torch`` becomes ``import minigrad as torch``."""
        changed = []
        for each in node.names:
            ours, top = counterpart(each.name), each.name.partition(".")[0]
            if each.asname or ours is None or "." in each.name:
                changed.append(ast.Import([ast.alias(ours or each.name, each.asname)]))
            if each.asname is None and counterpart(top):
                changed.append(ast.Import([ast.alias(str(counterpart(top)), top)]))
        return [ast.copy_location(each, node) for each in changed]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        """``from torch import nn`` becomes ``from minigrad import nn``."""
        ours = counterpart(node.module) if node.module and node.level == 0 else None
        return node if ours is None else ast.copy_location(ast.ImportFrom(ours, node.names, 0), node)


def with_changed_imports(tree: ast.Module) -> ast.Module:
    """The tree of a program whose imports are changed."""
    return ast.fix_missing_locations(Changed().visit(tree))


class ChangedLoader(SourceFileLoader):
    """Loads a module of a program's, with changed imports."""

    changed = staticmethod(with_changed_imports)

    def get_code(self, fullname: str) -> CodeType:
        """Compiled anew: what Python keeps beside the file is of the file as it stands."""
        path = self.get_filename(fullname)
        return compile(self.changed(ast.parse(self.get_data(path), path)), path, "exec", dont_inherit=True)
