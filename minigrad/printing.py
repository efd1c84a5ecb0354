"""How a tensor prints: character for character as in PyTorch.

Here lives the text between ``tensor(`` and ``)`` and how lines break. Which extra facts follow the numbers
(``dtype=…``, ``requires_grad=True``, ``grad_fn=<…>``) is for the caller to say: see ``Tensor.__repr__``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minigrad.dtypes import FLOATS

__all__ = ["PrintOptions", "format_array", "set_printoptions"]

PREFIX = "tensor("


@dataclass
class PrintOptions:
    """The settings of ``set_printoptions``, with PyTorch's defaults."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}

options = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print, from now on and in every thread. Counterpart: ``torch.set_printoptions``.

    Args:
        precision: digits after the decimal point (4 at first).
        threshold: a tensor of more elements than this is summarised with ``...`` (1000 at first).
        edgeitems: elements shown at each end of a summarised dimension (3 at first).
        linewidth: characters in a line (80 at first).
        profile: ``"default"``, ``"short"`` or ``"full"``: sets the four above, before those given are set.
        sci_mode: write numbers as ``1.0000e+04`` always (True), never (False) or where it reads better (None).
            Unlike the others it is set by every call, so a call without it means None; so it is in PyTorch.

    Raises:
        ValueError: there is no such profile. (PyTorch ignores it without a word.)

    >>> minigrad.set_printoptions(precision=2)
    >>> minigrad.tensor([3.14159])
    tensor([3.14])
    >>> minigrad.set_printoptions(profile="default")
    """
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(map(repr, PROFILES))}, got {profile!r}")
    chosen = options if profile is None else PROFILES[profile]
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, value in given.items():
        setattr(options, name, getattr(chosen, name) if value is None else value)
    options.sci_mode = sci_mode


def format_array(array: np.ndarray, *, suffixes: Sequence[str] = ()) -> str:
    """The text that PyTorch prints for a tensor of these values, such as ``tensor([1., 2.], requires_grad=True)``.

    The shape is added in front of the suffixes where the numbers do not tell it: ``tensor([], size=(0, 3))``.

    Args:
        array: real numbers or bools, of any shape.
        suffixes: what follows the numbers, in order; each on a new line where the current one is full.
    """
    all_suffixes = list(suffixes)
    if array.size == 0:
        numbers = "[]"
        shape_is_visible = array.ndim == 1
    else:
        summarize = array.size > options.threshold
        number_format = NumberFormat(_visible_part(array) if summarize else array)
        numbers = _nested(array, len(PREFIX), summarize, number_format)
        shape_is_visible = options.edgeitems != 0
    if not shape_is_visible:
        all_suffixes.insert(0, f"size={tuple(array.shape)}")
    return _append_suffixes(PREFIX + numbers, all_suffixes)


class NumberFormat:
    """How every element of one array is written, decided by all that will be visible.

    - integer: integers and bools as they are
    - whole: floats that are all whole numbers, as ``3.``
    - scientific: the largest is over 1000 times the smallest, or over 1e8, or the smallest is under 1e-4
    - fixed: everything else, as ``3.1416``

    Zeros, infinities and NaNs have no say, neither in the style nor in the width.
    """

    def __init__(self, visible: np.ndarray) -> None:
        values = visible.reshape(-1)
        if values.dtype.kind in FLOATS:
            values = values[np.isfinite(values) & (values != 0)]
            self.style = self._float_style(values)
        else:
            self.style = "integer"
        self.width = max([len(self._text(value)) for value in values.tolist()], default=1)

    @staticmethod
    def _float_style(values: np.ndarray) -> str:
        if values.size == 0:
            return "whole"
        magnitudes = np.abs(values)
        smallest = float(magnitudes.min())
        largest = float(magnitudes.max())
        scientific = options.sci_mode
        if scientific is None:
            scientific = largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4
        if scientific:
            return "scientific"
        return "whole" if np.array_equal(values, np.ceil(values)) else "fixed"

    def _text(self, value: float) -> str:
        if self.style == "integer":
            return str(value)
        if self.style == "scientific":
            return f"{value:.{options.precision}e}"
        if self.style == "fixed":
            return f"{value:.{options.precision}f}"
        return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"

    def format(self, value: float) -> str:
        """``value`` as text, filled on the left to the common width."""
        return self._text(value).rjust(self.width)


def _visible_part(array: np.ndarray) -> np.ndarray:
    """The elements that a summary shows: those at both ends of each dimension."""
    count = options.edgeitems
    for dim, size in enumerate(array.shape):
        if size > 2 * count:
            array = np.take(array, [*range(count), *range(size - count, size)], axis=dim)
    return array


def _nested(array: np.ndarray, indent: int, summarize: bool, number_format: NumberFormat) -> str:
    """The numbers in brackets, one pair a dimension, the first bracket at column ``indent``."""
    if array.ndim == 0:
        return number_format.format(array.item())
    count = options.edgeitems
    cut = summarize and len(array) > 2 * count
    shown = array[[*range(count), *range(len(array) - count, len(array))]] if cut else array
    if array.ndim == 1:
        texts = [number_format.format(value) for value in shown.tolist()]
    else:
        texts = [_nested(each, indent + 1, summarize, number_format) for each in shown]
    if cut:
        texts.insert(count, " ..." if array.ndim == 1 and count else "...")

    if array.ndim == 1:
        per_line = max(1, (options.linewidth - indent) // (number_format.width + len(", ")))
        texts = [", ".join(texts[start : start + per_line]) for start in range(0, len(texts), per_line)]
    separator = "," + "\n" * max(1, array.ndim - 1) + " " * (indent + 1)
    return "[" + separator.join(texts) + "]"


def _append_suffixes(text: str, suffixes: Sequence[str]) -> str:
    """``text`` with its suffixes and the closing parenthesis."""
    used = len(text) - text.rfind("\n") + 1  # PyTorch counts the last line two characters too long; so do we
    for suffix in suffixes:
        if used + len(suffix) + len(", ") > options.linewidth:
            text += ",\n" + " " * len(PREFIX) + suffix
            used = len(PREFIX) + len(suffix)
        else:
            text += ", " + suffix
            used += len(", ") + len(suffix)
    return text + ")"
