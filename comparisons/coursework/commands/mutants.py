"""``mutants``: mistakes planted in the engine, one at a time, and whether the cases of the right task notice each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from comparisons.coursework.assignments import TASKS
from comparisons.coursework.engines import Engine, find_engine
from comparisons.coursework.mistakes import MISTAKES
from comparisons.coursework.mutants import Fate, Outcome, fates_of, gone, outcomes_of
from comparisons.coursework.tasks import Task
from comparisons.coursework.workers import JOBS, Unfit
from comparisons.usage import check_output, refused, show_progress, wrong_usage
from torch_impl.checkpoint import replace_file

__all__ = ["mutants"]


def mutants(
    task: Annotated[list[str] | None, typer.Option(help="Only mistakes in this task; may be repeated.")] = None,
    mechanical: Annotated[bool, typer.Option("--mechanical", help="Mistakes made by rule, in every function.")] = False,
    jobs: Annotated[int, typer.Option(min=1, max=1024, help="How many engines are asked at a time.")] = JOBS,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the results to this file too.")] = None,
) -> None:
    """Plant known mistakes in the engine, one at a time, and see which task's cases notice each."""
    for name in task or []:
        if name not in TASKS:
            raise wrong_usage(f"there is no task {name!r}: choose from {', '.join(TASKS)}")
    if json_file is not None:
        check_output("--json", json_file)
    chosen = [TASKS[name] for name in dict.fromkeys(task or TASKS)]
    engine = find_engine("minigrad")
    console = Console()
    if mechanical:
        result, fits = by_rule(engine, chosen, jobs, console)
    else:
        result, fits = known(engine, chosen, jobs, console)
    if json_file is not None:
        replace_file(json_file, (json.dumps(result, indent=2) + "\n").encode())
    if not fits:
        raise typer.Exit(1)


@contextmanager
def progress_on(console: Console, name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar, and what moves it on. What keeps the mistakes from being tried is told in a sentence."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        try:
            yield partial(show_progress, bar, bar.add_task(name, total=None))
        except Unfit as reason:
            raise refused("mutants", str(reason)) from None


def known(engine: Engine, tasks: Sequence[Task], jobs: int, console: Console) -> tuple[dict[str, Any], bool]:
    """Try the known mistakes of tasks, and print what became of each."""
    mistakes = [each for each in MISTAKES.values() if TASKS.get(each.task) in tasks]
    if not mistakes:
        raise wrong_usage(f"no mistake is known in task {' or '.join(task.id for task in tasks)}")
    with progress_on(console, "mistakes") as progress:
        outcomes = outcomes_of(engine, mistakes, list(TASKS.values()), jobs=jobs, progress=progress)
    console.print(table_of_outcomes(outcomes))
    missed = [each for each in outcomes if not each.caught]
    for each in missed:
        console.print(Text(f"{each.mistake.id} is not caught by task {each.mistake.task}: {each.reason}", "bold red"))
    console.print(
        f"{len(outcomes) - len(missed)} of {len(outcomes)} mistakes are caught by the cases of their own task."
    )
    return {"mistakes": [each.as_dict() for each in outcomes]}, not missed


def table_of_outcomes(outcomes: Sequence[Outcome]) -> Table:
    """A row a mistake: what it is, how many cases of its task and which other tasks notice it, the first reason."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("mistake", no_wrap=True)
    table.add_column("what", ratio=2)
    table.add_column("task", no_wrap=True)
    table.add_column("cases", no_wrap=True, justify="right")
    table.add_column("noticed also in", max_width=18)
    table.add_column("the first reason", ratio=3, overflow="fold")
    for each in outcomes:
        mistake = each.mistake
        count = f"{len(each.noticed.get(mistake.task, []))} of {len(TASKS[mistake.task].cases)}"
        others = ", ".join(task for task in each.noticed if task != mistake.task)
        style = "" if each.caught else "bold red"
        reason = each.reason if len(each.reason) <= 200 else each.reason[:199] + "…"
        table.add_row(*[Text(text, style) for text in (mistake.id, mistake.what, mistake.task, count, others, reason)])
    return table


def by_rule(engine: Engine, tasks: Sequence[Task], jobs: int, console: Console) -> tuple[dict[str, Any], bool]:
    """Try the mistakes made by rule in the functions of tasks, and print those that no case notices."""
    written = [task for task in tasks if task.places]
    if not written:
        raise wrong_usage(f"nothing is written in task {' or '.join(task.id for task in tasks)}")
    with progress_on(console, "changes") as progress:
        fates = fates_of(engine, written, jobs=jobs, progress=progress)
    lost = list(gone(fates, written))
    survivors = [fate for fate in fates if fate.wrong]
    for fate in survivors:
        console.print(Text(told(fate)), soft_wrap=True)
    for each in lost:
        console.print(Text(f"{each.place}: no rule changes\n    {each.old}\nto  {each.new}"), soft_wrap=True)
    equivalents = sum(fate.killed is None and fate.equivalent is not None for fate in fates)
    killed = sum(fate.killed is not None for fate in fates)
    console.print(
        f"{killed} of {len(fates)} changes are caught by the cases of their own task, {equivalents} change nothing for "
        f"known reasons, {len(survivors)} are neither; {len(lost)} known ones are gone."
    )
    return {"changes": [fate.as_dict() for fate in fates]}, not survivors and not lost


def told(fate: Fate) -> str:
    """A change that is neither caught nor known to change nothing, as it would stand in ``equivalents/``."""
    change = fate.change
    return f"{change.place}: {fate.wrong}\n    {change.old}\nto  {change.new}"
