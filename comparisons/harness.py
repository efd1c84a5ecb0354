"""What "matches PyTorch" asserts: the same shape, the same dtype, and every value within a tolerance of the table.

:func:`compare_values` compares two tensors; a :class:`Report` collects comparisons for a table, a :class:`Mismatch` is
raised by tests. Chapters and tests alike come through here, so that there is one meaning of equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from comparisons.tolerances import TOLERANCES, Tolerance
from minigrad.viz.drawing import Drawing

__all__ = ["Comparison", "Mismatch", "Report", "array_of", "compare_values", "dtype_name"]


class Mismatch(AssertionError):
    """The engines differ; the message names what, where, and both values."""


@dataclass(frozen=True)
class Comparison:
    """One thing compared: how many values, how far apart they were, and whether that was allowed."""

    subject: str
    values: int
    largest_absolute: float
    largest_relative: float
    tolerance: str
    agrees: bool
    message: str = ""

    def check(self) -> None:
        """Raise a :class:`Mismatch` unless the two agreed."""
        if not self.agrees:
            raise Mismatch(self.message)


def dtype_name(tensor: Any) -> str:
    """``float32`` for a tensor of either engine, and for a NumPy array."""
    return str(tensor.dtype).rpartition(".")[2]


def array_of(tensor: Any) -> np.ndarray:
    """The values of a tensor of either engine, on any device, as a NumPy array."""
    tensor = tensor.detach() if hasattr(tensor, "detach") else tensor
    if isinstance(tensor, torch.Tensor):
        return np.asarray(tensor.numpy(force=True))  # from any device, zeros that PyTorch has not written out too
    return np.asarray(tensor)


def failed(subject: str, tolerance: str, message: str) -> Comparison:
    """A comparison that could not even begin: another shape, another dtype, a gradient that only one engine has."""
    return Comparison(subject, 0, math.inf, math.inf, tolerance, False, f"{subject}: {message}")


def compare_values(subject: str, ours: Any, theirs: Any, tolerance: str) -> Comparison:
    """Compare one tensor of minigrad's (``ours``) with one of PyTorch's (``theirs``).

    Args:
        subject: what is compared, for the table and the message: operation and argument.
        ours, theirs: tensors, arrays, or None where an engine has none.
        tolerance: a key of :data:`comparisons.tolerances.TOLERANCES`.

    Returns:
        The comparison. NaN equals NaN, and an infinity equals the same infinity.
    """
    if ours is None or theirs is None:
        if ours is None and theirs is None:
            return Comparison(subject, 0, 0.0, 0.0, tolerance, True)
        return failed(subject, tolerance, f"ours {'is None' if ours is None else 'exists'}, theirs does not agree")
    if tuple(ours.shape) != tuple(theirs.shape):
        return failed(subject, tolerance, f"shapes differ: ours {tuple(ours.shape)}, theirs {tuple(theirs.shape)}")
    if dtype_name(ours) != dtype_name(theirs):
        return failed(subject, tolerance, f"dtypes differ: ours {dtype_name(ours)}, theirs {dtype_name(theirs)}")

    a, b = array_of(ours), array_of(theirs)
    if a.dtype.kind == "b":
        a, b = a.astype(np.int64), b.astype(np.int64)
    allowed = TOLERANCES[tolerance]
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b)) if a.dtype.kind == "f" else a == b
        difference = np.where(same, 0.0, np.abs(a.astype(np.float64) - b.astype(np.float64)))
        difference = np.where(np.isnan(difference), np.inf, difference)
        distance, size = measured(allowed, difference, np.abs(b.astype(np.float64)))
        agrees = same | ((distance <= allowed.absolute + allowed.relative * size) & np.isfinite(difference))
        relative = np.where(distance == 0, 0.0, distance / np.where(size == 0, np.nan, size))
    message = ""
    if not agrees.all():
        excess = np.where(agrees, -1.0, difference)
        index = tuple(int(each) for each in np.unravel_index(int(np.argmax(excess)), excess.shape))
        message = (
            f"{subject}: {int((~agrees).sum())} of {a.size} values differ by more than {allowed.relative:g} relative + "
            f"{allowed.absolute:g} ({allowed.measure}); the largest at index {index}: ours {a[index]!s}, "
            f"theirs {b[index]!s}"
        )
    known = relative[~np.isnan(relative)]
    return Comparison(
        subject,
        int(a.size),
        float(difference.max(initial=0.0)),
        float(known.max(initial=0.0)),
        tolerance,
        bool(agrees.all()),
        message,
    )


def measured(allowed: Tolerance, difference: np.ndarray, magnitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distance and the size that a tolerance relates to each other, for every element. See ``tolerances.py``."""
    if allowed.measure == "element":
        return difference, magnitude
    finite = magnitude[np.isfinite(magnitude)]
    if allowed.measure == "largest":
        return difference, np.full_like(magnitude, finite.max(initial=0.0))
    distance = np.full_like(difference, np.linalg.norm(difference))
    return distance, np.full_like(magnitude, np.linalg.norm(finite))


@dataclass
class Report:
    """The comparisons of one chapter, gathered into rows: one a subject, many tensors or steps to a row.

    ``figures`` are drawings that belong to the chapter, by the name of the file that each is written to.
    """

    chapter: str
    rows: list[Comparison] = field(default_factory=list)
    figures: dict[str, Drawing] = field(default_factory=dict)

    def add(self, subject: str, comparisons: Iterable[Comparison]) -> Comparison:
        """Gather ``comparisons`` under ``subject``: values added up, differences maximised, the first message kept."""
        gathered = list(comparisons)
        if not gathered:
            row = failed(subject, "exact", "nothing was compared")
        else:
            row = Comparison(
                subject,
                sum(each.values for each in gathered),
                max(each.largest_absolute for each in gathered),
                max(each.largest_relative for each in gathered),
                gathered[0].tolerance,
                all(each.agrees for each in gathered),
                next((each.message for each in gathered if not each.agrees), ""),
            )
        self.rows.append(row)
        return row

    @property
    def agrees(self) -> bool:
        """True where every row does; False for a chapter that compared nothing."""
        return bool(self.rows) and all(row.agrees for row in self.rows)

    def check(self) -> None:
        """Raise a :class:`Mismatch` at the first row that does not agree."""
        if not self.rows:
            raise Mismatch(f"{self.chapter}: nothing was compared")
        for row in self.rows:
            row.check()

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data, for JSON: an infinite difference becomes None, which JSON has."""
        rows = [
            {name: None if value == math.inf else value for name, value in asdict(row).items()} for row in self.rows
        ]
        return {"chapter": self.chapter, "agrees": self.agrees, "comparisons": rows}
