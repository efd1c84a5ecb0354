"""Changes made by rule that change nothing, each with the reason: what no case of its task can be asked to notice."""

from comparisons.coursework.equivalents import learning, pictures, random_numbers, rules, sequences, shapes, tape
from comparisons.coursework.equivalents.equivalent import KINDS, Equivalent, Kind

__all__ = ["EQUIVALENTS", "KINDS", "Equivalent", "Kind"]

EQUIVALENTS = tuple(
    each for area in (rules, shapes, tape, learning, pictures, sequences, random_numbers) for each in area.EQUIVALENTS
)
