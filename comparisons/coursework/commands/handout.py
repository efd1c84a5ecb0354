"""``handout``: an assignment as a folder for students, who need NumPy alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from comparisons.coursework.assignments import ASSIGNMENTS
from comparisons.coursework.engines import EngineError
from comparisons.coursework.handout import HandoutError, check_target, files_of, shared_tasks, write_handout
from comparisons.coursework.kit.telling import counted
from comparisons.coursework.renaming import ENGINE, check_engine_name
from comparisons.usage import wrong_usage

__all__ = ["hand_out"]


def hand_out(
    assignment: Annotated[str, typer.Argument(help="Its id, such as A2.")],
    out: Annotated[Path, typer.Option(help="The folder that is written: none yet, or an empty one.")],
    name: Annotated[str, typer.Option(help="What the engine's package is called in it.")] = ENGINE,
) -> None:
    """Hand out an assignment: the engine with holes, the task sheet, and checks that need NumPy alone."""
    chosen = ASSIGNMENTS.get(assignment.upper())
    if chosen is None or not chosen.tasks:
        known = ", ".join(each.id for each in ASSIGNMENTS.values() if each.tasks)
        raise wrong_usage(f"there is no assignment {assignment!r}: choose from {known}")
    try:
        check_engine_name(name)
        check_target(out)  # before the files are made, which takes a while
        write_handout(files_of(chosen, name), out)
    except (EngineError, HandoutError) as error:
        raise wrong_usage(str(error)) from None
    tasks = shared_tasks(chosen)
    holes = sum(len(task.places) for task in tasks)
    told = f"{counted(len(tasks), 'task')}, {counted(holes, 'function')} to write"
    typer.echo(f"{chosen.id} {chosen.title}: {told}. Begin with {out / 'README.md'}")
    for task in chosen.tasks:
        if task not in tasks:
            typer.echo(f"{task.id} is another for each student: python -m comparisons mutants --one-for NAME")
