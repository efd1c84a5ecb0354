"""The memory that tensors show: how often it was changed in place, and where it lies.

A tensor and its views show one memory and share one counter. Changes and nodes are numbered by one clock, so a node
that saved a tensor sees by the numbers whether it was changed since: ``Function.saved_tensors``. Who counts is in
``inplace/changing.py``.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator
from typing import Any

from numpy import ndarray

from minigrad.caller import told_file, user_frame
from minigrad.forking import in_forked_child
from minigrad.locking import Lock

__all__ = ["InferenceCounter", "UntypedStorage", "VersionCounter", "next_sequence_number"]

next_sequence_number = itertools.count().__next__  # the clock, one for all threads
clock_lock = Lock()  # so that the latest change is the one with the highest number


@in_forked_child
def open_clock() -> None:
    """Nobody holds the lock in the child of a fork."""
    global clock_lock
    clock_lock = Lock()


class VersionCounter:
    """How often the storage of a tensor and its views was changed in place, by what the last time, and who shows it.

    The values begin as the class's, so that a new counter costs nothing.
    """

    latest = -1  # of all memory: the number of the latest change
    value = 0
    changed = -1  # the number of the last change
    changed_before: tuple[int, ...] = ()  # the numbers of up to 50 changes before it
    last_change = ""
    detached: tuple[tuple[int, int], ...] = ()  # places that tensors had before ``detach_()``: node's number, output_nr
    views: Any = ()  # a list of weak references once there is one
    prune_at = 16
    with_history = False  # True once a view of it may have a place in the graph

    def bump(self, operation: str) -> None:
        """Count one change, of which the views are to learn, and note the line of the user's that made it."""
        if self.value:
            self.changed_before = (*self.changed_before[-49:], self.changed)
        self.value += 1
        with clock_lock:
            self.changed = VersionCounter.latest = next_sequence_number()
        frame, _ = user_frame()
        self.last_change = f"{operation} at {told_file(frame.f_code.co_filename)}:{frame.f_lineno}"
        if self.with_history:
            self.outdate_views()

    def __repr__(self) -> str:
        times = "once" if self.value == 1 else f"{self.value} times"
        told = f"changed in place {times}, last by {self.last_change}" if self.value else "never changed in place"
        return f"<{type(self).__name__}: {told}>"

    def note_detached(self, place: tuple[int, int]) -> None:
        """Note that a tensor of this memory has left its place in the graph: nodes that saved it look again."""
        self.detached = (*self.detached, place)
        with clock_lock:
            VersionCounter.latest = next_sequence_number()

    def value_at(self, number: int) -> int | None:
        """What the value was when the clock showed ``number``; None where that is more than 51 changes ago."""
        known = (*self.changed_before, self.changed)
        later = sum(each > number for each in known)
        return None if later == len(known) < self.value else self.value - later

    def add_view(self, view: Any) -> None:
        """Note that ``view`` shows this storage, for as long as it lives."""
        self.with_history |= view._requires_grad or view._base._requires_grad
        if not self.views:
            self.views = [weakref.ref(view)]
        elif len(self.views) < self.prune_at:
            self.views.append(weakref.ref(view))
        else:
            living = [each for each in self.views if each() is not None]
            self.views, self.prune_at = [*living, weakref.ref(view)], max(16, 2 * len(living))

    def living_views(self) -> list[Any]:
        """The views of this storage that still exist."""
        return [view for view in [reference() for reference in self.views] if view is not None]

    def outdate_views(self) -> None:
        """The places that the views of this storage have in the graph are old: they find new ones when used next."""
        self.with_history = True
        for view in self.living_views():
            view._outdate()


class InferenceCounter(VersionCounter):
    """The counter of a tensor made in inference mode: it does not count."""

    made = False  # True once there has been one

    def __init__(self) -> None:
        InferenceCounter.made = True

    def bump(self, operation: str) -> None:
        pass


class _Memory:
    """An array that is all of the memory of a tensor and its views."""

    __slots__ = ("owner",)

    owner: ndarray

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self.owner.ctypes.data

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self.owner.nbytes

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes()


class UntypedStorage(_Memory):
    """The memory that a tensor and its views show. Counterpart: ``torch.UntypedStorage``, of which this tells the place
    and the size."""

    __slots__ = ()

    def __init__(self, array: ndarray) -> None:
        base: Any = array
        while base is not None:
            if isinstance(base, ndarray):  # between an array and its owner may stand something else
                self.owner = base
            base = getattr(base, "base", None)

    def __repr__(self) -> str:
        return f"<UntypedStorage of {self.nbytes()} bytes>"

    size = __len__ = _Memory.nbytes


class TypedStorage(_Memory):
    """The memory that a tensor and its views show, as elements of its type. Counterpart: ``torch.TypedStorage``.

    Raises:
        IndexError: from an index, where there is no such element.
        RuntimeError: from a slice.
    """

    __slots__ = ("dtype",)

    is_cuda = False

    def __init__(self, array: ndarray, dtype: Any) -> None:
        self.owner = UntypedStorage(array).owner.reshape(-1, order="A").view(array.dtype)
        self.dtype = dtype

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self.owner)

    def element_size(self) -> int:
        """How many bytes an element takes."""
        return self.owner.itemsize

    def size(self) -> int:
        """How many elements there are."""
        return self.owner.size

    __len__ = size

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self.owner.tolist()

    def fill_(self, value: Any) -> TypedStorage:
        """Set every element to ``value``; the change is not counted."""
        self.owner.fill(value)
        return self

    def _checked(self, index: Any) -> int:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} out of range for storage of size {len(self)}")
        return index

    def __getitem__(self, index: int) -> Any:
        return self.owner[self._checked(index)].item()

    def __setitem__(self, index: int, value: Any) -> None:
        self.owner[self._checked(index)] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        lines = "".join([f" {each}\n" for each in self])
        kind = f"minigrad.storage.TypedStorage(dtype={self.dtype}, device=cpu)"
        return f"{lines}[{kind} of size {len(self)}]"
