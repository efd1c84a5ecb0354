"""The exercises of the book by their ids, a file each section.

A reader's own notebook checks them as he writes (``checking.py``); the judge asks the same cases with other numbers, in
a sandbox (``judging.py``).
"""

from comparisons.tutorial.exercises import section0, section1, section2, section3, section4, section5, section6
from comparisons.tutorial.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

SECTIONS = (section0, section1, section2, section3, section4, section5, section6)
EXERCISES: dict[str, Exercise] = {exercise.id: exercise for section in SECTIONS for exercise in section.EXERCISES}
