"""Saved-tensor hooks: what a node saved, kept in another form until backward wants it.

``graph.py`` offers them to the user as ``saved_tensors_hooks``; ``function.py`` packs and unpacks through this file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.grad_mode import no_grad
from minigrad.tensor import Tensor

__all__ = ["pack", "saving", "unpack"]


class _Saving(threading.local):
    """The pairs of hooks that surround this thread's code, the innermost last."""

    hooks: tuple[tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]], ...] = ()
    refusal: str | None = None  # the message with which hooks are refused


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
        with no_grad():
            tensor = self.unpack_hook(self.content)
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(tensor).__name__}"
            )
        return tensor.array


def pack(saved: Sequence[Any]) -> tuple[Any, ...]:
    """What a node saves, every tensor of it packed by the innermost hooks.

    Raises:
        RuntimeError: the user's ``pack_hook`` changed its tensor in place.
    """
    pack_hook, unpack_hook = saving.hooks[-1]
    packed: list[Any] = []
    for value in saved:
        if not isinstance(value, Tensor):
            packed.append(value)
            continue
        version = value._version_counter.value
        with no_grad():
            content = pack_hook(value)
        if value._version_counter.value != version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
                "cannot be modified by in-place operations as this can lead to unexpected side-effects."
            )
        packed.append(Packed(content, unpack_hook))
    return tuple(packed)


def unpack(saved: tuple[Any, ...]) -> tuple[Any, ...]:
    """What :func:`pack` was given."""
    return tuple([value.unpack() if isinstance(value, Packed) else value for value in saved])
