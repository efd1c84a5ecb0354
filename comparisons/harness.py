"""What "matches PyTorch" asserts: the same shape, the same dtype, and every value within a tolerance of the table.

:func:`compare_values` compares two tensors; a :class:`Report` collects comparisons for a table, a :class:`Mismatch` is
raised by tests. Chapters and tests alike come through here, so that there is one meaning of equal. A tensor is known by
what it has, so that it may be any engine's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch

from comparisons.causes import general_causes
from comparisons.stopping import why
from comparisons.tolerances import TOLERANCES, Tolerance
from minigrad.viz.drawing import Drawing

__all__ = ["Comparison", "Mismatch", "Report", "array_of", "compare_values", "dtype_name", "failed", "is_tensor"]
__all__ += ["tensors_in"]


class Mismatch(AssertionError):
    """The engines differ; the message names what, where, and both values."""


@dataclass(frozen=True)
class Comparison:
    """One thing compared: how many values, how far apart they were, and whether that was allowed.

    ``message`` says what differs, ``cause`` what the likely cause is. ``unfinished`` is empty, or "stopped" or "not
    there yet" where there was nothing to compare.
    """

    subject: str
    values: int
    largest_absolute: float
    largest_relative: float
    tolerance: str
    agrees: bool
    message: str = ""
    cause: str = ""
    unfinished: str = ""

    @property
    def status(self) -> str:
        """One word for the table: equal, differs, stopped, not there yet."""
        return self.unfinished or ("equal" if self.agrees else "differs")

    def __str__(self) -> str:
        return self.message + (self.cause and f"\n  likely cause: {self.cause}")

    def check(self) -> None:
        """Raise a :class:`Mismatch` unless the two agreed."""
        if not self.agrees:
            raise Mismatch(self.message)


def dtype_name(tensor: Any) -> str:
    """``float32`` for a tensor of either engine, and for a NumPy array."""
    dtype = getattr(tensor, "dtype", None)
    if dtype is None or isinstance(dtype, type):
        return array_of(tensor).dtype.name
    return str(dtype).rpartition(".")[2]


def array_of(tensor: Any) -> np.ndarray:
    """The values of a tensor of either engine, on any device, as a NumPy array."""
    tensor = tensor.detach() if hasattr(tensor, "detach") else tensor
    if isinstance(tensor, torch.Tensor):
        return np.asarray(tensor.numpy(force=True))  # from any device, zeros that PyTorch has not written out too
    if not hasattr(tensor, "__array__"):
        tensor = tensor.numpy() if hasattr(tensor, "numpy") else getattr(tensor, "data", tensor)
    return np.asarray(tensor)


def is_tensor(value: Any) -> bool:
    """Whether ``value`` is a tensor of any engine: it has values of a shape and a place in a graph."""
    return not isinstance(value, type) and hasattr(value, "shape") and hasattr(value, "grad_fn")


def tensors_in(value: Any) -> list[Any]:
    """The tensors in a module's inputs or outputs, in order."""
    if is_tensor(value):
        return [value]
    if isinstance(value, (list, tuple)):
        return [tensor for each in value for tensor in tensors_in(each)]
    return []


def failed(subject: str, tolerance: str, message: str, unfinished: str = "") -> Comparison:
    """A comparison that could not even begin: another shape, another dtype, a gradient that only one engine has."""
    text = f"{subject}: {message}"
    return Comparison(subject, 0, math.inf, math.inf, tolerance, False, text, unfinished=unfinished)


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
    a, b = array_of(ours), array_of(theirs)
    if a.shape != b.shape:
        return failed(subject, tolerance, f"shapes differ: ours {a.shape}, theirs {b.shape}")
    if dtype_name(ours) != dtype_name(theirs):
        return failed(subject, tolerance, f"dtypes differ: ours {dtype_name(ours)}, theirs {dtype_name(theirs)}")
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
    message, causes = "", []
    if not agrees.all():
        causes = general_causes(a, b) if a.dtype.kind == "f" else []
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
        "; ".join(causes),
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


def nobody_hears(report: Report, subject: str) -> None:
    """Tell nobody how far a report is."""


@dataclass
class Report:
    """The comparisons of one chapter, gathered into rows: one a subject, many tensors or steps to a row.

    ``findings`` has of each row that does not agree the comparison that was the first not to, in the order in which
    they were made: whatever comes later may be a consequence. ``figures`` are drawings that belong to the chapter, by
    the name of the file that each is written to. ``heard`` is told which check begins.
    """

    chapter: str
    heard: Callable[[Report, str], None] = nobody_hears
    rows: list[Comparison] = field(default_factory=list)
    findings: list[Comparison] = field(default_factory=list)
    figures: dict[str, Drawing] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, subject: str, comparisons: Iterable[Comparison]) -> Comparison:
        """Gather ``comparisons`` under ``subject``: values added up, differences maximised, the first message kept.

        What was gathered under it before stays in.
        """
        gathered = list(comparisons)
        if not gathered:
            gathered.append(failed(subject, "exact", "nothing was compared"))
        place = next((number for number, row in enumerate(self.rows) if row.subject == subject), len(self.rows))
        before = self.rows[place : place + 1]
        bad = next((each for each in gathered if not each.agrees), None)
        if bad is not None and all(row.agrees for row in before):
            self.findings.append(bad)
        first_bad = next((each for each in [*before, *gathered] if not each.agrees), gathered[0])
        row = replace(
            first_bad,
            subject=subject,
            values=sum(each.values for each in [*before, *gathered]),
            largest_absolute=max(each.largest_absolute for each in [*before, *gathered]),
            largest_relative=max(each.largest_relative for each in [*before, *gathered]),
            tolerance=[*before, *gathered][0].tolerance,
        )
        self.rows[place : place + 1] = [row]
        return row

    @contextmanager
    def trying(self, subject: str) -> Iterator[None]:
        """A check, or several: what stops them becomes a row named ``subject``, and the chapter goes on."""
        self.heard(self, subject)
        try:
            yield
        except (Exception, SystemExit) as error:
            self.stop(subject, *why(error))

    def stop(self, subject: str, status: str, reason: str) -> None:
        """A row for checks that did not come to their end."""
        stopped = failed(subject, "exact", f"{status}: {reason}", unfinished=status)
        if stopped not in self.findings:  # a check may be made at several values, and stop at each
            taken = any(row.subject == subject for row in self.rows)
            self.add(f"{subject}, the rest" if taken else subject, [stopped])

    @property
    def agrees(self) -> bool:
        """True where every row does; False for a chapter that compared nothing."""
        return bool(self.rows) and all(row.agrees for row in self.rows)

    def check(self) -> None:
        """Raise a :class:`Mismatch` at the first comparison that did not agree."""
        if not self.rows:
            raise Mismatch(f"{self.chapter}: nothing was compared")
        for finding in self.findings:
            raise Mismatch(str(finding))

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data, for JSON: an infinite difference becomes None, which JSON has."""
        rows = []
        for row in self.rows:
            plain = {name: None if value == math.inf else value for name, value in asdict(row).items()}
            rows.append({**plain, "status": row.status})
        return {"chapter": self.chapter, "agrees": self.agrees, "seconds": self.seconds, "comparisons": rows}
