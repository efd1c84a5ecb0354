"""Where a history was cut: kept with a result that has none although it was computed from what requires grad.

A :class:`Cut` is made where history ends: at ``detach()`` and ``.data``, under ``no_grad``, where a value becomes an
integer, an array or a number. What is computed from such a result without being recorded shares its cut: so it is told
however many operations later somebody asks. Recorded operations and their nodes know nothing of this. Who tells it:
``autograd/explain.py``, and the errors of ``autograd/differentiation.py``.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from minigrad.caller import told_file, user_frame
from minigrad.dtypes import FLOATS
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.node import Node, Tensor

__all__ = ["Cut", "cut_here", "latest_cut", "note_array", "note_cut", "note_number", "note_source", "switched_off"]
__all__ += ["why_no_history"]

USE_ITSELF = "Use the tensor itself where a gradient is to pass."
RECORD = "Compute it outside of that block if a gradient is to pass."
# Of each kind of cut: what happened to what, and what to do about it.
KINDS = {
    "detach()": ("detach() left the history of {source} behind", USE_ITSELF),
    ".data": (".data left the history of {source} behind", USE_ITSELF),
    "detach_()": ("detach_() made {source} forget how it was made", "Leave it out where a gradient is to pass."),
    "requires_grad_(False)": (
        "requires_grad_(False) froze {source}",
        "If it is to be trained, call requires_grad_() on it before you compute with it.",
    ),
    "no_grad": ("{detail} took {source} while recording was off (no_grad)", RECORD),
    "inference_mode": ("{detail} took {source} while recording was off (inference_mode)", RECORD),
    "type": (
        "{source} became {detail}, and only floating types have gradients",
        "Use a smooth function instead, as losses are: counts, positions and comparisons have no slope.",
    ),
    "flat": ("an operation that has no gradient took {source}", "Use one that has."),
    "numpy()": ("numpy() gave the values of {source} alone", "Compute with tensors all the way to the result."),
    "number": ("{detail} gave the value of {source} alone", "Compute with the tensor itself, not with the number."),
    "tensor()": ("tensor() copied the values of {source} alone", "Use the tensor itself, or stack() several."),
    "Parameter()": ("Parameter() made a new leaf of the values of {source}", USE_ITSELF),
    "mark": ("{detail} marked what it made of {source} as non-differentiable", "Its forward says so."),
}
UPDATE = "To update a leaf, change it in place instead: with no_grad(): x -= lr * x.grad."


class Cut(NamedTuple):
    """What cut a history, and at which line of the user's.

    Attributes:
        kind: one of ``KINDS``.
        detail: the operation, the type or the function that it was.
        made_by: the name of the node behind which the cut is; "" behind a leaf.
    """

    kind: str
    made_by: str
    detail: Any
    code: CodeType
    instruction: int

    def __str__(self) -> str:
        what, remedy = KINDS[self.kind]
        source = f"a result of {self.made_by}" if self.made_by else "a leaf"
        detail = self.detail.__name__ if isinstance(self.detail, type) else str(self.detail)
        if detail in ("Sub", "Add") and not self.made_by:
            remedy = UPDATE
        lines = [line for start, end, line in self.code.co_lines() if start <= self.instruction < end]
        place = f"{told_file(self.code.co_filename)}:{lines[0]}"
        return f"at {place}: {what.format(source=source, detail=detail)}. {remedy}"


def cut_here(kind: str, maker: Node | None, detail: Any = "") -> Cut:
    """The cut that the user's line makes now, behind ``maker``, which remembers it, or behind a leaf."""
    frame, _ = user_frame()
    if maker is None:
        return tuple.__new__(Cut, (kind, "", detail, frame.f_code, frame.f_lasti))
    cut = tuple.__new__(Cut, (kind, maker.name(), detail, frame.f_code, frame.f_lasti))
    _Left.cut = maker.__dict__["_cut"] = cut
    return cut


def maker_of(tensor: Tensor) -> Node | None:
    """The node that made ``tensor``, as it is: to ask an outdated view's ``grad_fn`` would give it a new place."""
    return tensor.__dict__.get("grad_fn")


def note_cut(kind: str, inputs: Sequence[Any], results: Sequence[Tensor], detail: Any = "") -> Cut | None:
    """Note that ``results`` were computed from ``inputs`` without being recorded: where an input requires grad, that
    ``kind`` cut its history here; where one was cut before, that cut. It is returned; None where there is no history.
    """
    cut = None
    for value in inputs:
        if isinstance(value, Tensor):
            if value._requires_grad:
                maker = maker_of(value)
                cut = cut_here(kind, maker, detail)
                if maker is None:
                    value._unrecorded = cut
                break
            if cut is None:
                cut = value._cut
    if cut is not None:
        for result in results:
            result._cut = cut
    return cut


def switched_off() -> str:
    """What keeps operations from being recorded here."""
    return "inference_mode" if grad_mode.inference else "no_grad"


# ------------------------------------------------------------------------- what went through NumPy and Python's numbers


class _Left:
    """What left tensors and may come back: arrays, for as long as they live, and the latest numbers."""

    arrays: dict[int, tuple[weakref.ref[np.ndarray], Cut]] = {}  # noqa: RUF012
    numbers: dict[int, tuple[float, Cut]] = {}  # noqa: RUF012
    cut: Cut | None = None  # the latest of a result


def latest_cut() -> Cut | None:
    """The latest cut of a result's history in this program."""
    return _Left.cut


def note_array(source: Tensor, array: np.ndarray) -> None:
    """Note that ``array``, which the user receives, shows ``source``, if that has or had a history."""
    cut = cut_here("numpy()", maker_of(source)) if source._requires_grad else source._cut
    if cut is not None:
        key = id(array)
        arrays = _Left.arrays
        arrays[key] = weakref.ref(array, lambda _: arrays.pop(key, None) and None), cut


def note_number(source: Tensor, number: Any, how: str) -> Any:
    """``number``, which the user receives for ``source``; noted if that has or had a history."""
    cut = cut_here("number", maker_of(source), how) if source._requires_grad else source._cut
    if cut is not None and type(number) is float:
        if len(_Left.numbers) >= 64:
            del _Left.numbers[next(iter(_Left.numbers))]
        _Left.numbers[id(number)] = number, cut
    return number


def cut_of_value(data: Any) -> Cut | None:
    """The cut of what a tensor is made from, as far as can be known: a tensor, an array or a view of one, a number, or
    a list that has one of these.
    """
    if isinstance(data, Tensor):
        return cut_here("tensor()", maker_of(data)) if data._requires_grad else data._cut
    if isinstance(data, np.ndarray):
        while _Left.arrays and isinstance(data, np.ndarray):
            array, cut = _Left.arrays.get(id(data), (None, None))
            if array is not None and array() is data:
                return cut
            data = data.base
        return None
    if type(data) is float:
        return _Left.numbers.get(id(data), (None, None))[1]
    if type(data) in (list, tuple) and 0 < len(data) <= 64:
        return next((cut for cut in map(cut_of_value, data) if cut is not None), None)
    return None


def note_source(result: Tensor, data: Any) -> None:
    """Note on a new tensor that what it was made from had a history, as far as can be known."""
    if _Left.numbers or _Left.arrays or isinstance(data, (Tensor, list, tuple)):
        cut = cut_of_value(data)
        if cut is not None:
            result._cut = cut


def why_no_history(tensor: Tensor) -> str:
    """Why ``tensor`` does not require grad, and what to do."""
    if tensor._cut is not None:
        frozen = tensor._cut.kind == "requires_grad_(False)"
        return f"{'it, or what it was computed from, was frozen' if frozen else 'its history was cut'} {tensor._cut}"
    if tensor.array.dtype.kind not in FLOATS:
        return f"it is of type {tensor.dtype}, and only floating tensors have gradients. Convert it: x.float()."
    return (
        "nothing it was computed from requires grad. Create what is to get a gradient with requires_grad=True, or call "
        "requires_grad_() before you compute with it."
    )
