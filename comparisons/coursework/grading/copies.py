"""Near-copies: pairs of students whose functions look alike, whatever their names, comments and layout are.

It accuses nobody: a function that many have written alike is one that there is one way to write, and is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from comparisons.coursework.grading.grades import Grade

__all__ = ["Pair", "pairs_of"]

ALIKE = 0.8  # of what either function has, both have
COMMON = 0.1  # of the class: what more have written alike is not looked at
FEWEST_COMMON = 4
MOST_PAIRS = 200


@dataclass(frozen=True)
class Pair:
    """Two students, and for each function that looks alike how much, 1 being all."""

    students: tuple[str, str]
    functions: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


def pairs_of(grades: Sequence[Grade]) -> list[Pair]:
    """The pairs whose functions look alike, those with the most such functions first."""
    found: dict[tuple[int, int], dict[str, float]] = defaultdict(dict)
    for function in sorted({name for grade in grades for name in grade.functions}):
        for first, second, likeness in alike(function, grades):
            found[first, second][function] = round(likeness, 2)
    pairs = [Pair((grades[a].student, grades[b].student), functions) for (a, b), functions in found.items()]
    pairs.sort(key=lambda pair: (-sum(pair.functions.values()), pair.students))
    return pairs[:MOST_PAIRS]


def alike(function: str, grades: Sequence[Grade]) -> list[tuple[int, int, float]]:
    """The pairs that have a function alike, by their places in the class, and how much."""
    prints = {number: frozenset(grade.functions.get(function, ())) for number, grade in enumerate(grades)}
    same: dict[frozenset[int], list[int]] = defaultdict(list)  # who have it exactly alike
    for number, each in prints.items():
        if each:
            same[each].append(number)
    most = max(FEWEST_COMMON, COMMON * len(grades))
    rare = {each: numbers for each, numbers in same.items() if len(numbers) <= most}
    common = [each for each in same if each not in rare]
    found = [(a, b, 1.0) for numbers in rare.values() for a, b in combinations(numbers, 2)]
    own = {
        each: numbers for each, numbers in rare.items() if not any(likeness_of(each, one) >= ALIKE for one in common)
    }
    found = [(a, b, one) for a, b, one in found if prints[a] in own]
    for first, second in combinations(own, 2):
        likeness = likeness_of(first, second)
        if likeness >= ALIKE:
            found += [(min(a, b), max(a, b), likeness) for a in own[first] for b in own[second]]
    return found


def likeness_of(first: frozenset[int], second: frozenset[int]) -> float:
    """What two functions have in common, of all that either has."""
    if min(len(first), len(second)) < ALIKE * max(len(first), len(second)):
        return 0.0  # as it would be at most
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)
