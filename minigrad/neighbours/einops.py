"""einops' backend for minigrad: its functions take and give minigrad's tensors, with their history.

einops finds backends among the subclasses of its own; PyTorch's calls functions and methods that minigrad has too. Its
layers are in ``layers.py``.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from minigrad.graph.node import Tensor
from minigrad.neighbours import LAYERS

__all__ = ["introduce"]


def introduce(backends: ModuleType) -> None:
    """Define the backend where ``einops._backends`` looks for it."""

    class MinigradBackend(backends.TorchBackend):  # type: ignore[misc, name-defined]
        framework_name = "minigrad"

        def __init__(self) -> None:
            self.torch = sys.modules["minigrad"]

        def is_float_type(self, x: Tensor) -> bool:
            return x.is_floating_point()

        def layers(self) -> Any:
            return importlib.import_module(LAYERS)

    backends.MinigradBackend = MinigradBackend  # type: ignore[attr-defined]  # einops knows it by a weak reference
