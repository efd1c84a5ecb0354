"""Networks, layers and transforms of other libraries on minigrad: ``from minigrad.torchvision.models import resnet18``.

Their files are the installed library's own, read with changed imports (``changing.py``) under a name below minigrad's,
so that ``nn.Module`` in them is minigrad's. Whatever else a library has is its own: ``minigrad.torchvision.datasets``
is ``torchvision.datasets``.
"""

from __future__ import annotations

import ast
import re
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, resolve_name, spec_from_file_location, spec_from_loader
from types import ModuleType
from typing import Any

from minigrad.neighbours.changing import Changed, ChangedLoader

__all__ = ["find_ported"]

PACKAGES = ["torchvision", "torchvision.models", "torchvision.ops", "torchvision.transforms", "torchinfo"]
PORTED = re.compile(r"torchvision\.((models|transforms)\.\w+|ops\.(misc|stochastic_depth))|torchinfo\.\w+")


class Package(Loader):
    """A package of a library's: its names are looked up where the library defines them, when they are asked for."""

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual one."""

    def exec_module(self, module: ModuleType) -> None:
        """Import the library, and let the module have its names."""
        library = import_module(module.__name__.removeprefix("minigrad."))

        def look_up(name: str) -> Any:
            if not hasattr(library, name) and find_spec(f"{library.__name__}.{name}"):
                import_module(f"{library.__name__}.{name}")  # which the library does when it is asked for
            value = getattr(library, name)
            home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
            if home in PACKAGES or is_ported(home):
                if home.endswith("._api"):  # it knows the networks of the modules that are there
                    for each in filter(is_ported, (getattr(each, "__name__", "") for each in vars(library).values())):
                        import_module(f"minigrad.{each}")
                ours = import_module(f"minigrad.{home}")
                return ours if isinstance(value, ModuleType) else getattr(ours, name)
            return value

        module.__getattr__ = look_up  # type: ignore[method-assign]
        public = [each for each in dir(library) if not each.startswith("_")]
        module.__all__ = getattr(library, "__all__", public)  # type: ignore[attr-defined]


class OfLibrary(Changed):
    """Changes a module of a library's ``package``, whose relative imports become absolute.

    What its lines tell PyTorch's compilers goes: minigrad runs them as they stand.
    """

    def __init__(self, package: str) -> None:
        self.package = package

    def visit_Import(self, node: ast.Import) -> Any:
        node.names = [each for each in node.names if each.name != "torch.fx"]
        return super().visit_Import(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        module = resolve_name("." * node.level + (node.module or ""), self.package)
        return super().visit_ImportFrom(ast.copy_location(ast.ImportFrom(module, node.names, 0), node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """Without ``@torch.jit.unused`` and its kin."""
        node.decorator_list = [each for each in node.decorator_list if "torch.jit." not in ast.unparse(each)]
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> Any:
        """``torch._assert(…)`` becomes ``assert``."""
        if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "torch._assert":
            return ast.copy_location(ast.Assert(*map(self.visit, node.value.args)), node)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        """The names of ways to interpolate are the library's own: programs take them from there."""
        if node.name == "InterpolationMode":
            return ast.copy_location(ast.ImportFrom(f"{self.package}.functional", [ast.alias(node.name)], 0), node)
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        """A type that no tensor of minigrad's has becomes None: ``torch.uint16``."""
        if ast.unparse(node) == "torch.uint16":
            return ast.copy_location(ast.Constant(None), node)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> Any:
        """``torch.fx.wrap("…")`` and ``torch.jit.is_scripting()`` become None."""
        if ast.unparse(node.func).startswith(("torch.fx.", "torch.jit.is_")):
            return ast.copy_location(ast.Constant(None), node)
        return self.generic_visit(node)


class LibraryLoader(ChangedLoader):
    """Loads a module of a library's."""

    def changed(self, tree: ast.Module) -> ast.Module:
        package = self.name.removeprefix("minigrad.").rpartition(".")[0]
        return ast.fix_missing_locations(OfLibrary(package).visit(tree))


def is_ported(module: str) -> bool:
    """Whether a library's module is read with changed imports; a package, such as ``models.detection``, is not."""
    found = find_spec(module) if PORTED.fullmatch(module) else None
    return found is not None and found.submodule_search_locations is None


def find_ported(name: str) -> ModuleSpec | None:
    """Where a module is that has minigrad's name before the library's: ``minigrad.torchvision.models.resnet``.

    Raises:
        ModuleNotFoundError: the library's own is meant.
    """
    theirs = name.removeprefix("minigrad.")
    if theirs in PACKAGES:
        return spec_from_loader(name, Package(), is_package=True)
    if not is_ported(theirs):
        raise ModuleNotFoundError(f"minigrad has no {theirs} of its own: import {theirs} as it stands", name=name)
    origin = find_spec(theirs).origin  # type: ignore[union-attr]
    return spec_from_file_location(name, origin, loader=LibraryLoader(name, str(origin)))
