"""Known mistakes, to be planted in the engine one at a time: each must be caught by the cases of its own task."""

from collections.abc import Iterable

from comparisons.coursework.mistakes import learning, pictures, random_numbers, rules, sequences, shapes, tape
from comparisons.coursework.mistakes.mistake import Mistake

__all__ = ["MISTAKES", "by_id"]


def by_id(mistakes: Iterable[Mistake]) -> dict[str, Mistake]:
    """Mistakes by their ids.

    Raises:
        ValueError: two have the same.
    """
    found: dict[str, Mistake] = {}
    for each in mistakes:
        if each.id in found:
            raise ValueError(f"two mistakes have the id {each.id}: one in {found[each.id].task}, one in {each.task}")
        found[each.id] = each
    return found


MISTAKES = by_id(
    each for area in (rules, shapes, tape, learning, pictures, sequences, random_numbers) for each in area.MISTAKES
)
