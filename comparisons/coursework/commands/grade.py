"""``grade``: a class's submissions, or one, against the tasks of an assignment."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from comparisons.coursework.assignments import ASSIGNMENTS
from comparisons.coursework.engines import Engine, find_engine
from comparisons.coursework.grading.autograder import NoCheckout, write_autograder
from comparisons.coursework.grading.bench import PATIENCE, PATIENCE_WITH_TESTS, Bench
from comparisons.coursework.grading.classroom import FINISHED, Course, grade_all
from comparisons.coursework.grading.formats import closing, nothing_graded
from comparisons.coursework.grading.grader import names_in
from comparisons.coursework.grading.grades import Grade, as_points
from comparisons.coursework.grading.modules import Unreadable
from comparisons.coursework.grading.notebooks import NoJupytext, check_jupytext
from comparisons.coursework.grading.outcome import STUDENTS, Outcome, fingerprint_in
from comparisons.coursework.grading.replay import NoCase, find_case, replay, told
from comparisons.coursework.grading.secrecy import Seal
from comparisons.coursework.grading.submissions import HANDOUT, entries_of, name_of, read_submission, shown
from comparisons.coursework.grading.workers import NoWorker
from comparisons.coursework.processes import Limits
from comparisons.coursework.sandbox import UNSAFE, Sandbox, SandboxError, open_sandbox
from comparisons.coursework.tasks import Assignment
from comparisons.usage import check_folder, no_sandbox, refused, show_progress, wrong_usage
from torch_impl.checkpoint import replace_file

__all__ = ["grade"]

JOBS = os.cpu_count() or 1


class Format(str, Enum):
    """What else is written of each student."""

    gradescope = "gradescope"
    json = "json"
    junit = "junit"


class Level(str, Enum):
    """Where engines run."""

    bubblewrap = "bubblewrap"
    user = "user"
    limits = "limits"


def grade(
    submissions: Annotated[Path | None, typer.Argument(help="A folder with an entry for each student.")] = None,
    assignment: Annotated[str, typer.Option(help="The assignment: " + ", ".join(ASSIGNMENTS))] = "",
    out: Annotated[Path | None, typer.Option(help="The folder for the results.")] = None,
    one: Annotated[bool, typer.Option("--one", help="SUBMISSIONS is one student's folder, zip or notebook.")] = False,
    student: Annotated[str | None, typer.Option(help="Whose it is, with --one; by default its name.")] = None,
    secret: Annotated[
        str | None,
        typer.Option(envvar="MINIGRAD_SECRET", help="What inputs are drawn from; by default another each time."),
    ] = None,
    format: Annotated[Format | None, typer.Option(help="Write each grade in this form too; with --one, alone.")] = None,
    anonymise: Annotated[bool, typer.Option("--anonymise", help="Pseudonyms in the place of names.")] = False,
    replay_case: Annotated[
        tuple[str, str] | None,
        typer.Option("--replay", metavar="STUDENT CASE", help="Show inputs, expected and got of a case once more."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="How many are graded at a time.")] = JOBS,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="How long a case may take.")] = Limits.seconds,
    patience: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=86400,
            help=f"Seconds for a whole submission: {PATIENCE:g}, or {PATIENCE_WITH_TESTS:g} where tests are graded.",
        ),
    ] = None,
    sandbox: Annotated[Level | None, typer.Option(help="Where engines run; by default the best that is there.")] = None,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Take limits alone for a sandbox too.")] = False,
    autograder: Annotated[
        Path | None, typer.Option("--write-autograder", help="Write what Gradescope runs into this folder, and stop.")
    ] = None,
) -> None:
    """Grade what students handed in: each task by itself, with hidden inputs, in a sandbox."""
    alone = one and format in (Format.gradescope, Format.json) and out is not None and autograder is None
    with always_written(out / "results.json" if alone and out is not None else None):
        if not assignment:
            raise wrong_usage(f"--assignment is missing: choose from {', '.join(ASSIGNMENTS)}")
        chosen = assignment_of(assignment)
        if autograder is not None:
            write_folder(autograder, assignment, secret, unsafe)
            return
        entries = entries_in(submissions, out, one, student)
        limits, drawn = Limits(seconds), secrets.token_hex(16) if secret is None else secret
        seal = Seal(drawn)
        if replay_case is not None:
            if secret is None:
                raise wrong_usage("--replay needs the --secret that the inputs were drawn from")
            check_fingerprint(out, seal)
            show_replayed(entries, replay_case, chosen, seal, partial(sandbox_of, sandbox, limits, unsafe))
            return
        if out is None:
            raise wrong_usage("--out is missing: the folder for the results")
        for folder in (out, out / FINISHED, out / STUDENTS):
            check_folder("--out", folder, "results.json")
        out.mkdir(parents=True, exist_ok=True)
        if patience is None:
            patience = PATIENCE_WITH_TESTS if any(task.tests_of for task in chosen.tasks) else PATIENCE
        with sandbox_of(sandbox, limits, unsafe) as opened:
            course = Course(chosen, find_engine("minigrad"), opened.level, limits, patience, seal.secret)
        console = Console(stderr=alone)
        if secret is None:
            console.print(f"The same inputs again, or to go on: --secret {drawn}", highlight=False, soft_wrap=True)
        name: Callable[[str], str] = seal.pseudonym if anonymise else str
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            progress = partial(show_progress, bar, bar.add_task(assignment, total=len(entries)), total=len(entries))
            kept = None if one else out / FINISHED
            try:
                grades = grade_all(entries, course, seal, kept, jobs=jobs, name=name, progress=progress)
            except NoWorker as error:
                raise refused("grade", str(error)) from None
            except OSError as error:
                raise refused("grade", f"{error.strerror or error}; what is graded already is kept") from None
        if anonymise:
            grades.sort(key=lambda grade: grade.student)  # names would be known by their order
        outcome = Outcome(course, grades, seal.fingerprint, anonymise)
        try:
            if one and format is not None:
                outcome.write_one(out, format.value)
            else:
                outcome.write(out, format and format.value)
        except OSError as error:
            kept_in = f"; what is graded is kept in {out / FINISHED}" if kept is not None else ""
            raise refused("grade", f"the results cannot be written into {out}: {error.strerror}{kept_in}") from None
    tell(console, grades, out)
    if any(each.failed for each in grades):
        raise typer.Exit(3)


def assignment_of(name: str) -> Assignment:
    """The assignment of a name, if there is something in it to grade."""
    if name not in ASSIGNMENTS:
        raise wrong_usage(f"there is no assignment {name!r}: give --assignment, one of {', '.join(ASSIGNMENTS)}")
    if not any(names_in(task) for task in ASSIGNMENTS[name].tasks):
        raise wrong_usage(f"{name} has no tasks that are graded by this command")
    return ASSIGNMENTS[name]


@contextmanager
def always_written(path: Path | None) -> Iterator[None]:
    """Have a result in a file, whatever happens: one that says that nothing was graded."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, nothing_graded(": ".join(each for each in (type(error).__name__, str(error)) if each)))
        raise


def entries_in(submissions: Path | None, out: Path | None, one: bool, student: str | None) -> dict[str, Path]:
    """What is handed in, by student."""
    if submissions is None:
        raise wrong_usage("SUBMISSIONS is missing: a folder with an entry for each student, or a submission with --one")
    if student is not None and not one:
        raise wrong_usage("--student is of --one: the names of a class are those of its entries")
    try:
        if one:
            if not submissions.exists():
                raise wrong_usage(f"there is no submission {submissions}")
            entries = {shown(student or name_of(submissions.resolve())): submissions}
        else:
            if not submissions.is_dir():
                raise wrong_usage(f"there is no folder {submissions}: give --one for a single submission")
            if (submissions / HANDOUT).exists():
                raise wrong_usage(f"{submissions} is a single submission, for it has a {HANDOUT}: give --one")
            entries = entries_of(submissions)
    except OSError as error:
        raise wrong_usage(f"{submissions} cannot be read: {error.strerror}") from None
    if not entries:
        raise wrong_usage(f"nothing is handed in: the folder {submissions} is empty")
    if out is not None and submissions.resolve() in (out.resolve(), *out.resolve().parents):
        raise wrong_usage(f"--out {out} is in the folder of what is handed in: choose another")
    if any(path.suffix.lower() == ".ipynb" for path in entries.values()):
        try:
            check_jupytext()
        except NoJupytext as error:
            raise wrong_usage(str(error)) from None
    return entries


def sandbox_of(level: Level | None, limits: Limits, unsafe: bool, known: Engine | None = None) -> Sandbox:
    """A sandbox of the level that was chosen, or of the best that can be had."""
    try:
        if level is None:
            return open_sandbox(limits, unsafe=unsafe, known=known)
        if level.value == UNSAFE and not unsafe:
            raise SandboxError("at the level limits, a student's engine can read and delete whatever you can")
        return Sandbox(level.value, limits, known)
    except SandboxError as error:
        raise no_sandbox(error, unsafe) from None


def check_fingerprint(out: Path | None, seal: Seal) -> None:
    """Refuse another secret than the one that results were made with."""
    made_with = None if out is None else fingerprint_in(out)
    if made_with is not None and made_with != seal.fingerprint:
        raise wrong_usage(f"the results in {out} were made with another secret: give that one")


def show_replayed(
    entries: dict[str, Path],
    wanted: tuple[str, str],
    assignment: Assignment,
    seal: Seal,
    make: Callable[..., Sandbox],
) -> None:
    """Show a case of a student's once more."""
    found = [each for each in entries if wanted[0] in (each, seal.pseudonym(each))]
    if not found:
        raise wrong_usage(f"nobody is called {wanted[0]!r}: give the name of an entry, or a pseudonym")
    reference = find_engine("minigrad")
    try:
        task, case = find_case(assignment, wanted[1])
        submission = read_submission(found[0], entries[found[0]], assignment.id)
        if submission.problem:
            raise NoCase(f"nothing of {wanted[0]} can be asked: {submission.problem}")
        with make(known=reference) as sandbox:
            bench = Bench(reference, sandbox, seal.secret)
            typer.echo(told(replay(submission, assignment, task, case, bench), wanted[0], task))
    except (NoCase, Unreadable) as error:
        raise wrong_usage(str(error)) from None
    except SandboxError as error:
        raise refused("grade", str(error)) from None


def write_folder(folder: Path, assignment: str, secret: str | None, unsafe: bool) -> None:
    """Write what Gradescope runs."""
    try:
        write_autograder(folder, assignment, secret or secrets.token_hex(16), unsafe=unsafe)
    except NoCheckout as error:
        raise wrong_usage(str(error)) from None
    except OSError as error:
        raise wrong_usage(f"--write-autograder {folder}: {error.strerror}") from None
    typer.echo(f"Zip what is in {folder}, and upload that as the autograder. The file secret in it is nobody else's.")


def tell(console: Console, grades: list[Grade], out: Path) -> None:
    """Say in a sentence or two what was graded."""
    if len(grades) == 1:
        console.print(f"{grades[0].student}: {closing(grades[0])}", markup=False, highlight=False, soft_wrap=True)
    else:
        mean = sum(each.score for each in grades) / len(grades)
        told = f"{len(grades)} submissions, on average {as_points(mean):g} of {grades[0].points} points."
        console.print(told, highlight=False)
    broken = [each for each in grades if each.problem]
    for each in broken if len(grades) > 1 else ():
        console.print(f"{each.student}: {each.problem}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"The results are in {out}.", markup=False, highlight=False, soft_wrap=True)
