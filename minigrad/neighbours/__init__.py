"""Libraries that a program may import beside minigrad and that ask for tensors of a type which they know.

Nothing here imports them. When the program does, what stands in this folder under the library's name is imported after
it, and tells it of minigrad's tensors: einops of a backend and of layers, torchvision's pictures and transforms.
Libraries that go by a protocol need not be told: see ``lending.py``.
"""

from __future__ import annotations

import importlib
import re
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from minigrad.left_out import why_left_out

__all__ = ["LAYERS", "watch"]

# The module after which a neighbour knows enough, and which one of this folder's then speaks.
TOLD = {"einops._backends": "einops", "torchvision.utils": "pictures"}
TOLD |= {f"torchvision.transforms.{each}": "pictures" for each in ("functional", "transforms", "v2")}
LAYERS = "einops.layers.minigrad"  # beside einops.layers.torch, which is there where PyTorch is


class Finder:
    """Asked first by every import: it finds what Python finds, and has minigrad's module imported afterwards."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Where the module is; None where it is no neighbour's. What minigrad leaves out says so: ``minigrad.fft``.

        Raises:
            ModuleNotFoundError: it is that.
        """
        if name == LAYERS:
            return spec_from_file_location(name, Path(__file__).with_name("layers.py"))
        if re.match(r"minigrad\.(torchvision|torchinfo)(\.|$)", name):
            return importlib.import_module(f"{__name__}.ported").find_ported(name)
        package, _, last = name.rpartition(".")
        if package in ("minigrad", "minigrad.autograd", "minigrad.nn") and why_left_out(last):
            raise ModuleNotFoundError(f"{package} has no {last!r}{why_left_out(last)}")
        spec = PathFinder.find_spec(name, path) if name in TOLD else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_tell(module: ModuleType) -> None:
            execute(module)
            tell(module)

        spec.loader.exec_module = execute_and_tell  # type: ignore[method-assign]
        return spec


def tell(module: ModuleType) -> None:
    """Let ``module`` of a neighbour know minigrad's tensors."""
    importlib.import_module(f"{__name__}.{TOLD[module.__name__]}").introduce(module)


def watch() -> None:
    """Tell the neighbours that are there, and each that the program imports from now on."""
    sys.meta_path.insert(0, Finder)  # type: ignore[arg-type]
    for name in TOLD.keys() & sys.modules.keys():
        tell(sys.modules[name])
