"""The assignments, a file each: what is read, written and tested, in the order of a course."""

from comparisons.coursework.assignments import (
    graders,
    learning,
    pictures,
    random_numbers,
    reading,
    rules,
    sequences,
    shapes,
    tape,
)

__all__ = ["ASSIGNMENTS", "TASKS"]

ASSIGNMENTS = {
    each.ASSIGNMENT.id: each.ASSIGNMENT
    for each in (reading, rules, shapes, tape, learning, pictures, sequences, random_numbers, graders)
}
TASKS = {task.id: task for assignment in ASSIGNMENTS.values() for task in assignment.tasks}
