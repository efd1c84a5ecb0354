"""Two values compared: the same shape, the same type, and every element within a tolerance of the table.

It knows NumPy alone, so that a student's checks come through here too. A tensor is known by what it has, so that it may
be any engine's. The comparisons of a chapter are gathered in ``harness.py``.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.causes import general_causes
from comparisons.tolerances import TOLERANCES, Tolerance

__all__ = ["Comparison", "Mismatch", "array_of", "compare_values", "dtype_name", "failed"]


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

    @property
    def differences(self) -> list[str]:
        """The largest absolute and relative difference in a few letters: 0 where there was none at all."""
        return ["0" if each == 0 else f"{each:.1e}" for each in (self.largest_absolute, self.largest_relative)]

    def __str__(self) -> str:
        return self.message + (self.cause and f"\n  likely cause: {self.cause}")

    def check(self) -> None:
        """Raise unless the two agreed.

        Raises:
            Mismatch: they did not; it says what and where.
        """
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
    if str(getattr(tensor, "dtype", "")).endswith(".bfloat16"):  # which NumPy has not
        tensor = tensor.float()
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(tensor, torch.Tensor):
        return np.asarray(tensor.numpy(force=True))  # from any device, zeros that PyTorch has not written out too
    if not hasattr(tensor, "__array__"):
        tensor = tensor.numpy() if hasattr(tensor, "numpy") else getattr(tensor, "data", tensor)
    return np.asarray(tensor)


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
    if a.tobytes() == b.tobytes():
        return Comparison(subject, int(a.size), 0.0, 0.0, tolerance, True)
    if a.dtype.kind == "b":
        a, b = a.astype(np.int64), b.astype(np.int64)
    allowed = TOLERANCES[tolerance]
    with np.errstate(all="ignore"):
        mine, yours = a.astype(np.float64, copy=False), b.astype(np.float64, copy=False)
        difference = np.abs(mine - yours)
        if a.dtype.kind in "iu":  # two large ones may be one float64
            difference = np.where(a == b, 0.0, np.maximum(difference, 1.0))
        same = difference == 0
        if not np.isfinite(difference.max(initial=0.0)):
            same |= (a == b) | (np.isnan(mine) & np.isnan(yours))
            difference = np.where(same, 0.0, np.where(np.isnan(difference), np.inf, difference))
        distance, size = measured(allowed, difference, np.abs(yours))
        agrees = same | ((distance <= allowed.absolute + allowed.relative * size) & np.isfinite(difference))
        relative = np.divide(distance, size, out=np.zeros_like(difference), where=size != 0)
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
    return Comparison(
        subject,
        int(a.size),
        float(difference.max(initial=0.0)),
        float(np.fmax.reduce(relative, axis=None, initial=0.0)),
        tolerance,
        bool(agrees.all()),
        message,
        "; ".join(causes),
    )


def measured(allowed: Tolerance, difference: np.ndarray, magnitude: np.ndarray) -> tuple[Any, Any]:
    """The distance and the size that a tolerance relates to each other, for every element or for all of them.

    See ``tolerances.py``.
    """
    if allowed.measure == "element":
        return difference, magnitude
    finite = np.isfinite(magnitude)
    if allowed.measure == "largest":
        return difference, magnitude.max(where=finite, initial=0.0)
    return np.linalg.norm(difference), np.linalg.norm(magnitude[finite])
