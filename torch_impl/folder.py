"""A run's folder: what may be begun there, by one run at a time, and which of its checkpoints an argument means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from torch_impl.checkpoint import BEST, LAST, PREVIOUS, WEIGHTS, CheckpointError
from torch_impl.names import OUT

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows, which locks parts of files and no folders
    flock = None  # type: ignore[assignment]
    msvcrt = import_module("msvcrt")

__all__ = ["check_start", "clear", "find_checkpoint", "locked"]

CHECKPOINTS = (LAST, PREVIOUS, BEST)

# What else a run leaves in its folder.
LEFT = (
    WEIGHTS,
    f"{LAST}.damaged",
    "metrics.csv",
    "results.json",
    "curves.png",
    "confusion.png",
    "mistakes.png",
    "tensorboard/events.out.*",
)

LOCK = ".lock"  # what is locked on Windows: an empty file

held: set[int] = set()  # the folders that this process has locked, which it has open for that


def check_start(folder: Path, resume: bool, overwrite: bool) -> None:
    """See that a run may begin in ``folder``, or go on there.

    Raises:
        CheckpointError: there is a run already, and nothing was said of it; or it is to go on, and there is none.
    """
    there = [name for name in CHECKPOINTS if (folder / name).is_file()]
    if resume and not there:
        raise CheckpointError(
            f"there is no checkpoint in {folder} that --resume could go on from: name the run's folder with --out, or "
            f"leave out --resume to start one"
        )
    if there and not resume and not overwrite:
        raise CheckpointError(
            f"there is a run in {folder} already: go on with it by --resume, replace it by --overwrite, or name "
            f"another folder with --out"
        )


def clear(folder: Path) -> None:
    """Remove what a run has left in ``folder``, and nothing else.

    Raises:
        CheckpointError: it cannot be removed.
    """
    try:
        for pattern in (*CHECKPOINTS, *LEFT):
            for path in folder.glob(pattern):
                path.unlink()
    except OSError as error:
        raise CheckpointError(f"cannot remove the run in {folder}: {error.strerror or error}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of ``folder``, until the end of the block or of this process, however it ends.

    The lock is on the folder itself, so that nothing is left in it; on Windows on a file in it, which stays. There is
    none where the file system has no locks.

    Raises:
        CheckpointError: another run has it.
    """
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT) if flock is None else os.open(folder, os.O_RDONLY)
    held.add(handle)
    try:
        try:
            if flock is None:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            else:
                flock(handle, LOCK_EX | LOCK_NB)
        except (BlockingIOError, PermissionError):  # as POSIX and Windows have it
            raise CheckpointError(
                f"another run is writing to {folder}: wait for its end, or name another folder with --out"
            ) from None
        except OSError:
            pass  # there are file systems without locks
        yield
    finally:
        held.discard(handle)
        os.close(handle)


def let_go() -> None:
    """In a fork, such as one that reads images: it must not keep the folder locked when the run itself has died."""
    while held:
        os.close(held.pop())


if flock is not None:
    os.register_at_fork(after_in_child=let_go)


def find_checkpoint(named: Path) -> Path:
    """The file that an argument means, which need not be there.

    Args:
        named: a file; a run's folder, whose last checkpoint it is; or "last" or "best" of the run in the folder before
            it, by default of the one in the folder here, or else in :data:`OUT`.
    """
    if named.is_dir():
        between = (named / PREVIOUS).exists() and not (named / LAST).exists()  # it died between two renames
        return named / (PREVIOUS if between else LAST)
    name = f"{named.name}.ckpt"
    if name not in CHECKPOINTS or named.exists():
        return named
    elsewhere = named.parent == Path() and not Path(name).exists()
    return OUT / name if elsewhere else named.with_name(name)
