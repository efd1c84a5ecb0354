"""What the commands share: refusing wrong usage in one sentence before anything is begun, and telling what failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer
from rich.progress import Progress, TaskID

from comparisons.stopping import why

__all__ = ["check_folder", "check_output", "failing", "no_sandbox", "refused", "show_progress", "wrong_usage"]


def wrong_usage(message: str) -> typer.BadParameter:
    """An error in how the command was called: one sentence, exit status 2."""
    return typer.BadParameter(message)


def no_sandbox(reason: Exception, unsafe: bool) -> typer.BadParameter:
    """The refusal to run what may be anybody's where there is no sandbox, and what can be done."""
    advice = "" if unsafe else ". Install bubblewrap; or give --unsafe, where you trust whoever wrote what is to run"
    return wrong_usage(f"there is no sandbox here: {reason}{advice}")


def look(path: Path) -> None:
    """Raise the ``OSError`` of a path that can never be one, such as too long a name: ``is_dir`` says False of it from
    Python 3.14 on. That nothing is there is none."""
    with suppress(FileNotFoundError, NotADirectoryError):
        path.stat()


def check_output(option: str, path: Path) -> None:
    """Refuse a file that ``option`` names where none can be written."""
    folder = path.absolute().parent
    try:
        look(path)
        if not folder.is_dir():
            raise wrong_usage(f"{option} {path}: there is no folder {folder}")
        if path.is_dir():
            raise wrong_usage(f"{option} {path}: it is a folder")
        if not os.access(path if path.exists() else folder, os.W_OK):
            raise wrong_usage(f"{option} {path}: it may not be written")
    except OSError as error:  # such as a name that is too long
        raise wrong_usage(f"{option} {path}: {error.strerror}") from None


def check_folder(option: str, folder: Path, name: str) -> None:
    """Refuse a folder that ``option`` names where no file ``name`` can be written; it need not be there yet."""
    try:
        look(folder)
        if folder.is_dir():
            check_output(option, folder / name)
            return
        there = next(each for each in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(each))
        if not there.is_dir():
            raise wrong_usage(f"{option} {folder}: {there} is no folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise wrong_usage(f"{option} {folder}: no folder can be made in {there}")
    except OSError as error:  # such as a name that is too long
        raise wrong_usage(f"{option} {folder}: {error.strerror}") from None


@contextmanager
def failing(name: str) -> Iterator[None]:
    """What fails while ``name`` runs, mostly in the engine under test, is told in one sentence; the status is 3."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise refused(name, str(error)) from None
    except (Exception, SystemExit) as error:
        raise refused(name, ": ".join(why(error))) from None


def refused(name: str, reason: str) -> typer.Exit:
    """Say in one sentence why ``name`` could not run; the exit status is 3."""
    typer.echo(f"{name}: {' '.join(reason.splitlines())}", err=True)
    return typer.Exit(3)


def show_progress(bar: Progress, task: TaskID, done: int, total: int) -> None:
    """Move the bar on."""
    bar.update(task, completed=done, total=total)
