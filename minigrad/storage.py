"""The memory that tensors show: how often it was changed in place, and where it lies.

A tensor and its views show one memory and share one counter. A node that saved a tensor compares: see
``autograd/function.py``; who counts is in ``inplace.py``.
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

from numpy import ndarray

if TYPE_CHECKING:
    from minigrad.tensor import Tensor

__all__ = ["InferenceCounter", "UntypedStorage", "VersionCounter"]


class VersionCounter:
    """How often the storage of a tensor and its views was changed in place, by what the last time, and who shows it.

    The values begin as the class's, so that a new counter costs nothing.
    """

    value = 0
    last_change = ""
    views: Any = ()  # a list of weak references once there is one
    prune_at = 16

    def bump(self, operation: str) -> None:
        """Count one change, and note the line of the user's that made it."""
        self.value += 1
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "minigrad":
            frame = frame.f_back
        self.last_change = f"{operation} at {frame.f_code.co_filename}:{frame.f_lineno}"

    def add_view(self, view: Tensor) -> None:
        """Note that ``view`` shows this storage, for as long as it lives."""
        if not self.views:
            self.views = []
        elif len(self.views) >= self.prune_at:
            self.views = [each for each in self.views if each() is not None]
            self.prune_at = max(16, 2 * len(self.views))
        self.views.append(weakref.ref(view))

    def living_views(self) -> list[Tensor]:
        """The views of this storage that still exist."""
        return [view for view in [reference() for reference in self.views] if view is not None]


class InferenceCounter(VersionCounter):
    """The counter of a tensor made in inference mode: it does not count."""

    def bump(self, operation: str) -> None:
        pass


class UntypedStorage:
    """The memory that a tensor and its views show. Counterpart: ``torch.UntypedStorage``, of which this tells the place
    and the size."""

    __slots__ = ("owner",)

    def __init__(self, array: ndarray) -> None:
        base: Any = array
        while base is not None:
            if isinstance(base, ndarray):  # between an array and its owner may stand something else
                self.owner = base
            base = getattr(base, "base", None)

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self.owner.ctypes.data

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self.owner.nbytes

    size = __len__ = nbytes
