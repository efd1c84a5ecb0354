"""What an equivalent is: a change that the rules of ``mechanical.py`` make, and that no case can notice."""

from __future__ import annotations

import re
from dataclasses import dataclass

from comparisons.coursework.mechanical import Change

__all__ = ["KINDS", "Equivalent", "Kind"]


@dataclass(frozen=True)
class Equivalent:
    """A change that changes nothing, known by what stands there: where the engine moves on, it must be looked at again.

    Attributes:
        place: the function, as ``ops/arithmetic.py: Mul.backward``.
        old: the statement as it is.
        new: what it becomes.
        reason: why nothing that a case can ask is different then.
    """

    place: str
    old: str
    new: str
    reason: str

    def covers(self, change: Change) -> bool:
        """Whether it is this change."""
        return (self.place, self.old, self.new) == (str(change.place), change.old, change.new)


@dataclass(frozen=True)
class Kind:
    """Many changes that change nothing for one reason, wherever they are. A case may notice one nevertheless.

    Attributes:
        pattern: what the statement as it is, an arrow, and what it becomes match as a whole.
        reason: as an equivalent's.
    """

    pattern: str
    reason: str

    def covers(self, change: Change) -> bool:
        """Whether the change is of this kind."""
        return re.fullmatch(self.pattern, f"{change.old} -> {change.new}") is not None


UNASKED = "the engine drops a gradient that nobody asked for: to compute it costs time and nothing else"
KINDS = (
    Kind(r"(\w+ = .+) if (ctx\.)?needs_\w+(\[\d\])? else None -> \1", UNASKED),
    Kind(r"if needs_\w+: -> if True:", UNASKED),
)
