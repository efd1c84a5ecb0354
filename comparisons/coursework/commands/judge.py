"""``judge``: an engine that may be anybody's, against PyTorch's values."""

from __future__ import annotations

import json
import secrets
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from comparisons.coursework.basics import CASES
from comparisons.coursework.engines import EngineError, find_engine
from comparisons.coursework.judge import judge, status_of
from comparisons.coursework.processes import Limits
from comparisons.coursework.report import as_dict, closing, table_of_verdicts
from comparisons.coursework.sandbox import SandboxError, open_sandbox
from comparisons.usage import check_output, failing, no_sandbox, show_progress, wrong_usage
from torch_impl.checkpoint import replace_file

__all__ = ["judge_engine"]


def judge_engine(
    engine: Annotated[str, typer.Argument(help="A file, a package's folder, or the name of a module.")] = "minigrad",
    only: Annotated[list[str] | None, typer.Option(help="Only cases with this in their name; may be repeated.")] = None,
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
    cases = [case for case in CASES if not only or any(part in case.name for part in only)]
    if list_cases:
        for case in CASES:
            typer.echo(case.name)
        return
    if not cases:
        raise wrong_usage(f"no case has {' or '.join(map(repr, only or []))} in its name: see judge --list")
    if json_file is not None:
        check_output("--json", json_file)
    try:
        tested = find_engine(engine)
    except EngineError as error:
        raise wrong_usage(str(error)) from None
    drawn = secrets.token_hex(16) if secret is None else secret
    owner = tested.name if submission is None else submission
    try:
        sandbox = open_sandbox(Limits(seconds), unsafe=unsafe)
    except SandboxError as error:
        raise no_sandbox(error, unsafe) from None
    console = Console()
    with sandbox, Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(tested.name, total=len(cases))
        progress = partial(show_progress, bar, task, total=len(cases))
        with failing(tested.name):
            verdicts = judge(tested, cases, sandbox, secret=drawn.encode(), submission=owner, progress=progress)
    if json_file is not None:
        result = as_dict(tested, owner, sandbox, verdicts)
        replace_file(json_file, (json.dumps(result, indent=2) + "\n").encode())
    console.print(table_of_verdicts(tested, sandbox, verdicts))
    console.print(closing(verdicts), highlight=False)
    if secret is None:
        console.print(f"The same inputs again: --secret {drawn}", highlight=False)
    raise typer.Exit(status_of(verdicts))
