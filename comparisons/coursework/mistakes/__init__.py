"""Known mistakes, to be planted in the engine one at a time: each must be caught by the cases of its own task."""

from comparisons.coursework.mistakes import learning, pictures, random_numbers, rules, sequences, shapes, tape

__all__ = ["MISTAKES"]

MISTAKES = {
    each.id: each
    for area in (rules, shapes, tape, learning, pictures, sequences, random_numbers)
    for each in area.MISTAKES
}
