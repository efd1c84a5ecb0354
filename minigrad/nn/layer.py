"""Layer: a module that is told by its options. Many layers are no more than that and a ``forward``."""

from __future__ import annotations

from typing import Any

from minigrad.nn.module import Module

__all__ = ["Layer"]


class Layer(Module):
    """Keeps the options that its constructor passes on, each under its name, and prints those that ``shown`` names."""

    shown = ""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        for name, value in options.items():
            setattr(self, name, value)

    def extra_repr(self) -> str:
        return ", ".join([f"{name}={getattr(self, name)}" for name in self.shown.split()])
