"""Which operations are drawn as one box: those of a module's call that is folded, of parts that repeat, or in a row."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from minigrad.viz.calls import Call
from minigrad.viz.repeats import Repeat, repeats_in

if TYPE_CHECKING:
    from minigrad.viz.folding import Folding

__all__ = ["NAMES_SHOWN", "Part", "Parts"]

LONG_LOOP = 24  # operations, outside of modules, that a repetition covers before it is folded
NAMES_SHOWN = 4  # of a part that repeats


@dataclass(frozen=True)
class Part:
    """What repeats inside a call of this level, or stands in a row: units, calls or operations, of all times."""

    repeat: Repeat
    units: list[tuple[int, int]]
    level: int


class Parts:
    """Which operation stands in which box, in one way of folding.

    Attributes:
        box_of: for each operation, by its place in the order, the box's id.
        members: the places of the operations in each box.
        heads: what a box of several operations is: a call, or a repetition with the units of its first part.
        open: for each operation the calls around its box.
    """

    def __init__(self, folding: Folding, depth: int | None, repeats: bool, rows: bool) -> None:
        self.folding = folding
        self.trace = folding.trace
        self.calls = folding.calls
        self.depth = depth
        count = len(self.calls.order)
        self.box_of: list[str | None] = [None] * count
        self.heads: dict[str, Call | Part] = {}
        self.open: list[tuple[Call, ...]] = list(self.calls.chains)
        if depth is not None:
            self.open = [tuple([call for call in chain if call.level < depth]) for chain in self.open]
        if repeats:
            level = 0
            while any(len(chain) >= level for chain in self.open):
                self.find_repeats(level)
                level += 1
        for place, chain in enumerate(self.calls.chains):
            if self.box_of[place] is None:
                folded = chain[len(self.open[place]) :]
                self.box_of[place] = folded[0].id if folded else self.calls.order[place].id
                if folded:
                    self.heads[folded[0].id] = folded[0]
        if rows:
            self.fold_rows()
        self.members: dict[str, list[int]] = {}
        for place, box in enumerate(self.box_of):
            self.members.setdefault(box or "", []).append(place)

    def find_repeats(self, level: int) -> None:
        """Fold what repeats directly inside calls of this level."""
        for outer, places in groupby(range(len(self.open)), lambda place: self.open[place][:level]):
            inside = list(places)
            if len(outer) == level and self.box_of[inside[0]] is None:
                self.fold_repeats(inside, level)

    def fold_repeats(self, inside: list[int], level: int) -> None:
        units: list[tuple[int, int]] = []  # a call, or an operation: from where to where
        for _, places in groupby(inside, lambda place: self.calls.chains[place][level : level + 1] or place):
            at, *others = places
            units.append((at, at + len(others) + 1))
        for repeat in repeats_in([self.unit_sign(unit, level) for unit in units]):
            first, last = units[repeat.start][0], units[repeat.end - 1][1]
            has_calls = any(self.calls.chains[unit[0]][level:] for unit in units[repeat.start : repeat.end])
            if (not has_calls and last - first < LONG_LOOP) or not self.in_series(repeat, units):
                continue
            head = self.calls.chains[first][level : level + 1] or self.calls.order[first : first + 1]
            box = f"{head[0].id}x{repeat.times}"
            self.heads[box] = Part(repeat, units[repeat.start : repeat.end], level)
            for place in range(first, last):
                self.box_of[place] = box
                self.open[place] = self.open[place][:level]

    def in_series(self, repeat: Repeat, units: list[tuple[int, int]]) -> bool:
        """Whether the second part takes something from the first."""
        second = units[repeat.start + repeat.period : repeat.start + 2 * repeat.period]
        first = range(units[repeat.start][0], second[0][0])
        nodes = self.calls.order[second[0][0] : second[-1][1]]
        sources = [edge.source for node in nodes for edge in self.folding.entering[node.id]]
        return any(self.folding.places.get(source) in first for source in sources)

    def unit_sign(self, unit: tuple[int, int], level: int) -> Hashable:
        """What equal units have in common: their operations, and where in the module each stands."""
        chain = self.calls.chains[unit[0]][level : level + 1]
        prefix = len(chain[0].path) if chain else 0
        kind = chain[0].kind if chain else ""
        inner = [tuple([call.path[prefix:] for call in each[level + 1 :]]) for each in self.calls.chains[slice(*unit)]]
        return kind, bool(chain), tuple(inner), tuple(self.folding.signs[slice(*unit)])

    def fold_rows(self) -> None:
        """One box for operations in a row of which each goes on with what the one before made."""
        start = 0
        while start < len(self.box_of):
            end = start + 1
            while end < min(len(self.box_of), start + NAMES_SHOWN) and self.goes_on(end):
                end += 1
            if end - start > 1:
                units = [(place, place + 1) for place in range(start, end)]
                box = f"{self.calls.order[start].id}-{end - start}"
                self.heads[box] = Part(Repeat(0, end - start, 1), units, len(self.open[start]))
                self.box_of[start:end] = [box] * (end - start)
            start = end

    def goes_on(self, place: int) -> bool:
        """Whether this operation and the one before are boxes of their own, and it takes what that one made."""
        before, node = self.calls.order[place - 1], self.calls.order[place]
        single = self.box_of[place - 1] == before.id and self.box_of[place] == node.id
        sources = {edge.source for edge in self.folding.entering[node.id] if edge.source in self.folding.places}
        return single and self.open[place - 1] == self.open[place] and sources == {before.id}

    def box_of_target(self, node_id: str) -> str:
        place = self.folding.places.get(node_id)
        return node_id if place is None else self.box_of[place] or ""
