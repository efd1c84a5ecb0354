"""Where a row repeats itself: equal blocks in a network, the steps of a loop."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Repeat", "repeats_in"]

LONGEST = 256  # of a part that repeats


@dataclass(frozen=True)
class Repeat:
    """From ``start`` on the same ``period`` things stand ``times`` in a row."""

    start: int
    period: int
    times: int

    @property
    def end(self) -> int:
        return self.start + self.period * self.times


def repeats_in(row: Sequence[Hashable]) -> list[Repeat]:
    """The repetitions in ``row`` that do not overlap, in order: the longest first, of equally long ones the one of the
    shortest part. What is left over of a part stands before it, as the first step of a loop often differs."""
    numbers: dict[Hashable, int] = {}
    signs = np.array([numbers.setdefault(each, len(numbers)) for each in row])
    found = []
    for period in range(1, min(len(row) // 2, LONGEST) + 1):
        same = np.concatenate([[False], signs[:-period] == signs[period:], [False]])
        changes = np.flatnonzero(same[1:] != same[:-1])
        for first, last in zip(changes[::2].tolist(), changes[1::2].tolist()):
            length = last - first + period
            if length >= 2 * period:
                found.append(Repeat(first + length % period, period, length // period))
    found.sort(key=lambda each: (each.start - each.end, each.period))
    free = np.ones(len(row), dtype=bool)
    taken = []
    for each in found:
        if free[each.start : each.end].all():
            free[each.start : each.end] = False
            taken.append(each)
    return sorted(taken, key=lambda each: each.start)
