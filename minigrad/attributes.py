"""What a tensor says of itself: its size, its device, and its type's name."""

from __future__ import annotations

from typing import Any

__all__ = ["CPU", "TYPE_NAMES", "Size", "check_device", "device"]


class Size(tuple):
    """A tensor's shape: a tuple that prints as PyTorch's. Counterpart: ``torch.Size``."""

    __slots__ = ()

    def numel(self) -> int:
        """How many elements a tensor of this shape has."""
        count = 1
        for size in self:
            count *= size
        return count

    def __repr__(self) -> str:
        return f"minigrad.Size({list(self)})"


class device:
    """Where a tensor lives: always the CPU here. Counterpart: ``torch.device``."""

    __slots__ = ("index", "type")

    def __init__(self, type: str | device, index: int | None = None) -> None:
        name, _, number = str(type).partition(":")
        if name != "cpu":
            raise RuntimeError(f"minigrad computes on the CPU only: there is no device {str(type)!r}, use 'cpu'")
        self.type = "cpu"
        self.index = int(number) if number else index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + ("" if self.index is None else f", index={self.index}") + ")"


CPU = device("cpu")

TYPE_NAMES = {
    "float16": "Half",
    "float32": "Float",
    "float64": "Double",
    "uint8": "Byte",
    "int8": "Char",
    "int16": "Short",
    "int32": "Int",
    "int64": "Long",
    "bool": "Bool",
}


def check_device(name: Any) -> None:
    """Raise a RuntimeError unless ``name`` names the CPU."""
    device(name)
