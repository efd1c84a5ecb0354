"""Saved-tensor hooks: what a node saved, kept in another form until backward wants it.

``graph.py`` offers them to the user as ``saved_tensors_hooks``; ``function.py`` packs and unpacks through this file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.tensor import Tensor, wrap

__all__ = ["pack", "saving", "unpack"]


class _Saving(threading.local):
    """The pairs of hooks that surround this thread's code, the innermost last."""

    hooks: tuple[tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]], ...] = ()


saving = _Saving()


class Packed:
    """A saved value in the form that the user's ``pack_hook`` gave it."""

    def __init__(self, content: Any, unpack_hook: Callable[[Any], Tensor]) -> None:
        self.content = content
        self.unpack_hook = unpack_hook

    def unpack(self) -> np.ndarray:
        """The values again.

        Raises:
            TypeError: the user's ``unpack_hook`` gave something else than a tensor.
        """
        tensor = self.unpack_hook(self.content)
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(tensor).__name__}"
            )
        return tensor.array


def pack(saved: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a node saved, every array of it packed by the innermost hooks."""
    pack_hook, unpack_hook = saving.hooks[-1]
    packed: list[Any] = []
    for value in saved:
        if isinstance(value, np.ndarray):
            packed.append(Packed(pack_hook(wrap(value, None, 0)), unpack_hook))
        else:
            packed.append(value)
    return tuple(packed)


def unpack(saved: tuple[Any, ...]) -> tuple[Any, ...]:
    """What :func:`pack` was given."""
    return tuple([value.unpack() if isinstance(value, Packed) else value for value in saved])
