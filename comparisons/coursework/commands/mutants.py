"""``mutants``: mistakes planted in the engine, one at a time, and whether the cases of the right task notice each."""

from __future__ import annotations

import json
import os
import secrets
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

from comparisons.coursework.assignments import ASSIGNMENTS, TASKS
from comparisons.coursework.engines import Engine, find_engine
from comparisons.coursework.grading.graders import mistakes_of, own_mistake_of
from comparisons.coursework.grading.grafting import package_of
from comparisons.coursework.grading.notebooks import NoJupytext
from comparisons.coursework.grading.submissions import read_submission
from comparisons.coursework.grading.trees import Broken, opened
from comparisons.coursework.handout import HandoutError, check_target, files_of, write_handout
from comparisons.coursework.judge import judge
from comparisons.coursework.mistakes import MISTAKES
from comparisons.coursework.mistakes.mistake import Mistake
from comparisons.coursework.mutants import Fate, Outcome, fates_of, gone, outcomes_of
from comparisons.coursework.personal import grade_repair, named_in
from comparisons.coursework.renaming import reference
from comparisons.coursework.sandbox import UNSAFE, Sandbox, SandboxError, open_sandbox
from comparisons.coursework.student_tests import LONGEST_FILE, TestsError, check_text, grade_tests
from comparisons.coursework.tasks import Task
from comparisons.coursework.workers import JOBS, Unfit
from comparisons.usage import check_output, failing, no_sandbox, refused, show_progress, wrong_usage
from torch_impl.checkpoint import replace_file

__all__ = ["mutants"]


def mutants(
    task: Annotated[list[str] | None, typer.Option(help="Only mistakes in this task; may be repeated.")] = None,
    mechanical: Annotated[bool, typer.Option("--mechanical", help="Mistakes made by rule, in every function.")] = False,
    tests: Annotated[Path | None, typer.Option(help="Grade a student's tests by the mistakes they notice.")] = None,
    area: Annotated[
        list[str] | None, typer.Option(help="With --tests: the mistakes of this assignment; by default A1 and A2.")
    ] = None,
    one_for: Annotated[
        str | None, typer.Option(help="One's own mistake, for this student; with --out or --repair.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the engine with the student's mistake here.")] = None,
    repair: Annotated[Path | None, typer.Option(help="Grade the engine that the student mended.")] = None,
    secret: Annotated[
        str | None, typer.Option(envvar="MINIGRAD_SECRET", help="What one's own mistake and inputs are drawn from.")
    ] = None,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Run it without a sandbox too, if there is none.")] = False,
    jobs: Annotated[int, typer.Option(min=1, max=1024, help="How many engines are asked at a time.")] = JOBS,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the results to this file too.")] = None,
) -> None:
    """Plant known mistakes in the engine, one at a time: which task's cases, or a student's tests, notice each?"""
    check_options(mechanical, tests, area, one_for, out, repair, task)
    if json_file is not None:
        check_output("--json", json_file)
    engine = find_engine("minigrad")
    console = Console()
    fits = True
    if tests is not None:
        result = graded_tests(tests, engine, area or ["A1", "A2"], secret, unsafe, jobs, console)
    elif one_for is not None:
        result = own_mistake(one_for, engine, secret, out, repair, unsafe, console)
    else:
        chosen = [TASKS[name] for name in dict.fromkeys(task or TASKS)]
        result, fits = (by_rule if mechanical else known)(engine, chosen, jobs, console)
    if json_file is not None:
        replace_file(json_file, (json.dumps(result, indent=2) + "\n").encode())
    if not fits:
        raise typer.Exit(1)


def check_options(
    mechanical: bool,
    tests: Path | None,
    area: list[str] | None,
    one_for: str | None,
    out: Path | None,
    repair: Path | None,
    task: list[str] | None,
) -> None:
    """Refuse options that do not go together, and names that there are not."""
    given = {"--mechanical": mechanical, "--tests": tests is not None, "--one-for": one_for is not None}
    chosen = [option for option, is_given in given.items() if is_given]
    if len(chosen) > 1:
        raise wrong_usage(f"{' and '.join(chosen)} do not go together")
    if area and tests is None:
        raise wrong_usage("--area says which mistakes a student's tests are to notice: give --tests too")
    if (one_for is not None) != ((out is None) != (repair is None)) or (one_for is None and (out or repair)):
        raise wrong_usage("--one-for goes with --out, which hands a mistake out, or with --repair, which grades")
    if task and (tests is not None or one_for is not None):
        raise wrong_usage("--task chooses among the mistakes that are planted: leave it out here")
    for name in task or []:
        if name not in TASKS:
            raise wrong_usage(f"there is no task {name!r}: choose from {', '.join(TASKS)}")
    for name in area or []:
        if name not in ASSIGNMENTS:
            raise wrong_usage(f"there is no assignment {name!r}: choose from {', '.join(ASSIGNMENTS)}")


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


def mistakes_in(assignments: Sequence[str]) -> list[Mistake]:
    """The known mistakes in the tasks of assignments, of which there must be one."""
    found = mistakes_of(assignments)
    if not found:
        raise wrong_usage(f"no mistake is known in {' or '.join(assignments)}")
    return found


def safe_sandbox(unsafe: bool, engine: Engine) -> Sandbox:
    """The best sandbox that can be had; refused where there is none but limits, unless these are enough."""
    try:
        return open_sandbox(unsafe=unsafe, known=engine)
    except SandboxError as error:
        raise no_sandbox(error, unsafe) from None


def graded_tests(
    path: Path, engine: Engine, area: Sequence[str], secret: str | None, unsafe: bool, jobs: int, console: Console
) -> dict[str, Any]:
    """Grade a student's tests, and print what they are worth."""
    mistakes = mistakes_in(area)
    tasks = [task for name in area for task in ASSIGNMENTS[name].tasks]
    try:
        with opened(Path(os.path.realpath(path))) as file:
            source = file.read(LONGEST_FILE + 1)
        check_text(source, engine.name)
    except OSError as error:
        raise wrong_usage(f"--tests {path}: {error.strerror}") from None
    except (Broken, TestsError) as reason:
        raise wrong_usage(f"--tests {path}: {reason}") from None
    with safe_sandbox(unsafe, engine) as first:
        level = first.level
    drawn = (secret or secrets.token_hex(16)).encode()
    with progress_on(console, path.name) as progress, failing(path.name):
        grade = grade_tests(
            source,
            engine,
            tasks,
            mistakes,
            partial(safe_sandbox, unsafe, engine),
            secret=drawn,
            jobs=jobs,
            progress=progress,
        )
    caught = sum(map(bool, grade.noticed.values()))
    for mistake in mistakes:
        if noticed := grade.noticed.get(mistake.id):
            console.print(Text(f"{mistake.id} is noticed by {noticed}"), soft_wrap=True)
        elif not grade.failed:
            console.print(Text(f"{mistake.id} goes unnoticed: {mistake.what}", "bold red"), soft_wrap=True)
    if grade.failed:
        console.print(Text(f"0 %: {grade.failed}", "bold red"), soft_wrap=True)
    else:
        console.print(f"{grade.share:.0%}: {len(grade.tests)} tests notice {caught} of {len(mistakes)} mistakes.")
    return {"tests": grade.as_dict(), "areas": list(area), "sandbox": level, "unsafe": level == UNSAFE}


def own_mistake(
    student: str,
    engine: Engine,
    secret: str | None,
    out: Path | None,
    folder: Path | None,
    unsafe: bool,
    console: Console,
) -> dict[str, Any]:
    """Hand out a student's own mistake, or grade its repair."""
    task = next(each for each in TASKS.values() if each.mistake_of)
    if not secret:
        raise wrong_usage("give --secret: the mistake is drawn from it, to be handed out and again to be graded")
    if not student:
        raise wrong_usage("--one-for names a student")
    drawn = secret.encode("utf-8", "surrogateescape")
    assignment = next(each for each in ASSIGNMENTS.values() if task in each.tasks)
    if out is not None:
        try:
            check_target(out)
        except HandoutError as error:
            raise wrong_usage(f"--out: {error}") from None
        mistake = own_mistake_of(student, task, drawn, engine)
        planted = {mistake.file: mistake.planted(engine).sources[f"{engine.name}/{mistake.file}"]}
        try:
            write_handout(files_of(assignment, package={**reference(), **planted}), out)
        except HandoutError as error:
            raise wrong_usage(f"--out: {error}") from None
        console.print(Text(f"{out} has an engine with a mistake for {student}."), soft_wrap=True)
        return {"student": student, "out": str(out)}
    assert folder is not None
    try:
        given = read_submission(student, folder, assignment.id)
    except NoJupytext as error:
        raise wrong_usage(str(error)) from None
    if given.problem or not given.sources:
        raise wrong_usage(f"--repair {folder}: {given.problem or 'it has no engine'}")
    mistake = own_mistake_of(student, task, drawn, engine)
    with safe_sandbox(unsafe, engine) as sandbox, failing(str(folder)):
        ask = partial(judge, sandbox=sandbox, secret=drawn, submission=student)
        found = grade_repair(named_in(given, task), package_of(given), mistake, engine, list(TASKS.values()), ask)
        level = sandbox.level
    for what, right in (("file", found.file), ("function", found.function)):
        console.print(f"The {what} that is named is {'right' if right else 'wrong'}.")
    wrong = [*found.unmended, *found.broken]
    for verdict in wrong[:5]:
        console.print(Text(f"{verdict.case}: {verdict.status}: {verdict.reason}"), soft_wrap=True)
    state = "The mistake is not mended" if found.unmended else "The mistake is mended"
    console.print(f"{state}, and {len(wrong)} cases do not agree." if wrong else f"{state}, and all cases agree.")
    console.print(f"{found.share:.0%}, {found.share * task.points:g} of {task.points} points.")
    return {"student": student, **found.as_dict(), "sandbox": level, "unsafe": level == UNSAFE}
