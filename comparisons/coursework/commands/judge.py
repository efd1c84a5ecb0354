"""``judge``: an engine that may be anybody's, or answers to the exercises of the book, against PyTorch's values."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from comparisons.coursework.basics import CASES
from comparisons.coursework.engines import EngineError, find_engine
from comparisons.coursework.grading.notebooks import NoJupytext
from comparisons.coursework.grading.trees import Broken
from comparisons.coursework.judge import Verdict, judging, status_of
from comparisons.coursework.processes import Limits
from comparisons.coursework.report import as_dict, closing, table_of_verdicts
from comparisons.coursework.sandbox import SandboxError, open_sandbox
from comparisons.tutorial.exercises.exercise import Exercise
from comparisons.tutorial.exercises.judging import (
    HandedIn,
    cases_of,
    chosen_exercises,
    handed_in,
    judge_exercises,
)
from comparisons.usage import check_output, failing, no_sandbox, show_progress, wrong_usage
from torch_impl.checkpoint import replace_file

__all__ = ["judge_engine"]


def judge_engine(
    engine: Annotated[str, typer.Argument(help="A file, a package's folder, or the name of a module.")] = "minigrad",
    only: Annotated[list[str] | None, typer.Option(help="Only cases with this in their name; may be repeated.")] = None,
    exercises: Annotated[
        list[str] | None,
        typer.Option(
            metavar="2|2.1", help="ENGINE is a reader's .ipynb, .md or .py with answers to these exercises of the book."
        ),
    ] = None,
    list_cases: Annotated[bool, typer.Option("--list", help="Name the cases and stop.")] = False,
    secret: Annotated[
        str | None,
        typer.Option(envvar="MINIGRAD_SECRET", help="What the inputs are drawn from; by default another each time."),
    ] = None,
    submission: Annotated[str | None, typer.Option(help="Whose engine it is; each is given inputs of its own.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="How long a case may take.")] = Limits.seconds,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Run it without a sandbox too, if there is none.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the results to this file too.")] = None,
) -> None:
    """Judge an engine that may be anybody's: in a process of its own, shut in, against PyTorch's values."""
    chosen = exercises_called(exercises or ())
    known = [case for exercise in chosen for case in cases_of(exercise)] if chosen else CASES
    if list_cases:
        for case in known:
            typer.echo(case.name)
        return
    cases = [case for case in known if not only or any(part in case.name for part in only)]
    if not cases:
        raise wrong_usage(f"no case has {' or '.join(map(repr, only or []))} in its name: see judge --list")
    if json_file is not None:
        check_output("--json", json_file)
    written = read_answers(Path(engine)) if chosen else None
    try:
        tested = find_engine(engine) if written is None else written.as_engine(Path(engine).stem)
        beneath = None if written is None else find_engine("minigrad")
    except EngineError as error:
        raise wrong_usage(str(error)) from None
    drawn = secrets.token_hex(16) if secret is None else secret
    owner = tested.name if submission is None else submission
    try:
        sandbox = open_sandbox(Limits(seconds), unsafe=unsafe, known=beneath)
    except SandboxError as error:
        raise no_sandbox(error, unsafe) from None
    drawn_from: dict[str, Any] = {"secret": drawn.encode(), "submission": owner}
    asked: Iterator[Verdict]
    if written is None or beneath is None:
        asked = judging(tested, cases, sandbox, **drawn_from)
    else:
        asked = judge_exercises(written, chosen, cases, beneath, sandbox, **drawn_from)
    console = Console()
    verdicts = []
    with sandbox, Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(tested.name, total=len(cases))
        with failing(tested.name):
            for verdict in asked:
                verdicts.append(verdict)
                show_progress(bar, task, len(verdicts), len(cases))
    if json_file is not None:
        result = as_dict(tested, owner, sandbox, verdicts)
        replace_file(json_file, (json.dumps(result, indent=2) + "\n").encode())
    console.print(table_of_verdicts(tested, sandbox, verdicts))
    console.print(closing(verdicts), highlight=False)
    if secret is None:
        console.print(f"The same inputs again: --secret {drawn}", highlight=False)
    raise typer.Exit(status_of(verdicts))


def exercises_called(names: Sequence[str]) -> list[Exercise]:
    """The exercises of the book that are asked for."""
    try:
        return chosen_exercises(names)
    except ValueError as error:
        raise wrong_usage(str(error)) from None


def read_answers(path: Path) -> HandedIn:
    """What a reader has written."""
    try:
        return handed_in(path)
    except (Broken, NoJupytext) as error:
        raise wrong_usage(f"{path}: {error}") from None
