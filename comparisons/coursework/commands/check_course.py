"""``check-course``: whether the course itself is in order."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from comparisons.coursework.assignments import ASSIGNMENTS
from comparisons.coursework.check_course import Checked, check_course
from comparisons.coursework.engines import find_engine
from comparisons.coursework.mistakes import MISTAKES
from comparisons.coursework.workers import JOBS, Unfit
from comparisons.usage import check_output, refused, show_progress
from torch_impl.files import replace_file

__all__ = ["check_the_course"]

DOCS = Path(__file__).parents[3] / "docs"  # in a checkout
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMAND = "python -m comparisons "


def check_the_course(
    context: typer.Context,
    quick: Annotated[
        bool, typer.Option("--quick", help="One mistake a task, and one case of each earlier task.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, max=1024, help="How many engines are asked at a time.")] = JOBS,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the results to this file too.")] = None,
) -> None:
    """Check the course itself: every task can fail, the reference passes, every mistake is caught by its own task."""
    if json_file is not None:
        check_output("--json", json_file)
    console = Console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        progress = partial(show_progress, bar, bar.add_task("course", total=None))
        try:
            rows = check_course(
                ASSIGNMENTS, [*MISTAKES.values()], find_engine("minigrad"), quick=quick, jobs=jobs, progress=progress
            )
        except Unfit as reason:
            raise refused("check-course", str(reason)) from None
    unknown = list(unknown_commands(context))
    if json_file is not None:
        result = {"quick": quick, "rows": [each.as_dict() for each in rows], "commands": unknown}
        replace_file(json_file, (json.dumps(result, indent=2) + "\n").encode())
    console.print(table_of_rows(rows))
    faults = [f"{row.id}: {fault}" for row in rows for fault in row.faults] + unknown
    for fault in faults:
        console.print(Text(fault, "bold red"), soft_wrap=True)
    tasks = sum("." in row.id for row in rows)
    mistakes = sum(row.mistakes for row in rows)
    if faults:
        console.print(f"The course has {len(faults)} faults.")
        raise typer.Exit(1)
    how = "one mistake a task" if quick else "all mistakes"
    console.print(f"The course is in order: {tasks} tasks, {mistakes} mistakes planted ({how}), all caught.")


def table_of_rows(rows: Sequence[Checked]) -> Table:
    """A row a task, and one for an assignment as a whole where something is asked of it, or wrong with it."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("task", no_wrap=True)
    table.add_column("title")
    for heading in ("cases", "mistakes caught"):
        table.add_column(heading, justify="right")
    table.add_column("in order")
    for row in rows:
        if "." in row.id or row.cases or row.faults:
            verdict = Text(f"no: {len(row.faults)}", "bold red") if row.faults else Text("yes", "green")
            caught = f"{row.killed} of {row.mistakes}" if row.mistakes else ""
            table.add_row(row.id, Text(row.title), str(row.cases or ""), caught, verdict)
    return table


def unknown_commands(context: typer.Context) -> Iterator[str]:
    """What is wrong with the commands that the pages name: each must be there, with its options."""
    group = context.find_root().command
    assert isinstance(group, TyperGroup)
    for page in sorted(DOCS.glob("*.md")):
        for block in FENCED.findall(page.read_text(encoding="utf-8")):
            for line in block.splitlines():
                if line.startswith(COMMAND):
                    words = shlex.split(line.removeprefix(COMMAND), comments=True)
                    yield from (f"{page.name}: {line}: {fault}" for fault in faults_of(group, context, words))


def faults_of(group: TyperGroup, context: Any, words: Sequence[str]) -> Iterator[str]:
    """What is wrong with a command line: a command that there is not, or an option that it does not have."""
    command: Any = group
    for number, word in enumerate(words):
        if number == 0 and not word.startswith("-"):
            command = group.get_command(context, word)
            if command is None:
                yield f"there is no command {word}"
                return
        options = {option for each in command.params for option in each.opts}
        if word.startswith("--") and word.partition("=")[0] not in options:
            yield f"there is no option {word}"
