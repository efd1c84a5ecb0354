"""The engine that a task's cases are asked of: the reference, with functions of a student's package or notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from comparisons.coursework.engines import Engine
from comparisons.coursework.grading.modules import Unreadable, functions_in, text_of
from comparisons.coursework.grading.submissions import Submission
from comparisons.coursework.grading.transplant import Graft, transplanted
from comparisons.coursework.kit.handed_out import mark_of
from comparisons.coursework.renaming import renamed
from comparisons.coursework.tasks import Assignment, Task

__all__ = ["engine_for", "grafts_of", "label_of", "own_text", "package_of", "text_in", "with_grafts"]


def own_text(submission: Submission, task: Task, file: str, reference: Engine) -> str:
    """The student's text in which the functions of a task should stand that are in a file of the reference.

    Raises:
        Unreadable: it is no text.
    """
    if submission.cells:
        return submission.cells.get(task.id, "")
    own = {file: submission.sources.get(file, b"")}
    return text_of(renamed(own, reference.name, submission.engine)[file])


def label_of(submission: Submission, task: Task, file: str) -> str:
    """What the text is called that :func:`own_text` tells."""
    return f"the cells of {task.id}" if submission.cells else f"{submission.engine}/{file}"


def text_in(reference: Engine, file: str) -> str:
    """A file of the reference, by its path below the package."""
    return text_of(reference.sources[f"{reference.name}/{file}"])


def grafts_of(submission: Submission, task: Task, reference: Engine) -> dict[str, Graft]:
    """The reference's files with the task's functions as the student has them.

    Raises:
        Unreadable: one of the student's is no Python.
    """
    grafts = {}
    for file in dict.fromkeys(place.file for place in task.places):
        names = [place.name for place in task.places if place.file == file]
        try:
            own = own_text(submission, task, file, reference)
            find = name_in_cells(own, task) if submission.cells else str
            grafts[file] = transplanted(text_in(reference, file), own, names, mark_of(task), find)
        except (Unreadable, RecursionError, MemoryError) as error:
            reason = str(error) if isinstance(error, Unreadable) else f"{type(error).__name__}: it is nested too deeply"
            line = f", line {error.line}" if isinstance(error, Unreadable) and error.line is not None else ""
            raise Unreadable(f"{reason}{line} of {label_of(submission, task, file)}") from None
    return grafts


def name_in_cells(text: str, task: Task) -> Callable[[str], str]:
    """The name that a function has in a notebook: a method may stand there without its class, if it is the only one."""
    there = functions_in(text)

    def find(name: str) -> str:
        alone = name.rpartition(".")[2]
        same = [place for place in task.places if place.name.rpartition(".")[2] == alone]
        return name if name in there or len(same) > 1 else alone

    return find


def with_grafts(reference: Engine, grafts: Mapping[str, Graft]) -> Engine:
    """The reference with some of its files replaced."""
    changed = {f"{reference.name}/{file}": graft.text.encode("utf-8", "replace") for file, graft in grafts.items()}
    return Engine(reference.name, {**reference.sources, **changed})


def package_of(submission: Submission) -> Engine:
    """The package as it was handed in."""
    return Engine(submission.engine, {f"{submission.engine}/{path}": text for path, text in submission.sources.items()})


def engine_for(submission: Submission, assignment: Assignment, reference: Engine) -> Engine:
    """All that a student has: the package as it is; of a notebook, the reference with all of its functions."""
    if not submission.cells:
        return package_of(submission)
    engine = reference
    for task in assignment.tasks:
        try:
            engine = with_grafts(engine, grafts_of(submission, task, engine))
        except Unreadable:
            nothing = replace(submission, cells={task.id: ""})
            engine = with_grafts(engine, grafts_of(nothing, task, engine))
    return engine
