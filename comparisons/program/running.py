"""A program run several times at once, each run in a process of its own, in a copy of the program's folder."""

from __future__ import annotations

import itertools
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from comparisons.program.agreeing import Event, Found, compare_events

__all__ = ["Request", "Unusable", "compare_program", "copy_folder", "events_of"]

ROOT = Path(__file__).parents[2]
MOST_FILES = 20_000
LARGEST_COPY = 64 << 20  # bytes of a file; of larger ones there is a link
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__")


class Unusable(Exception):
    """Why a program cannot be run at all; one sentence."""


@dataclass(frozen=True)
class Request:
    """A program and how to run it: what it is told, after how many steps it ends (0: by itself), seconds for it all.

    ``folder`` is what is copied; None: the one that the program lies in.
    """

    file: Path
    arguments: Sequence[str] = ()
    steps: int = 0
    seed: int = 0
    seconds: float = 600.0
    folder: Path | None = None

    def places(self) -> tuple[Path, Path]:
        """The folder that is copied, and where in it the program lies.

        Raises:
            Unusable: it does not hold the program.
        """
        file = self.file.absolute()
        if self.folder is None:
            return file.parent, Path(file.name)
        file, folder = file.parent.resolve() / file.name, self.folder.resolve()
        if not file.is_relative_to(folder):
            raise Unusable(f"{self.folder} does not hold {self.file}: --folder is one that the program lies in")
        return folder, file.relative_to(folder)


def compare_program(request: Request) -> Found:
    """Run a program on both engines and compare what they tell, up to the first difference.

    Where values differ, both are run once more, and beside them PyTorch with random numbers that are a little larger:
    see ``agreeing.py``.

    Raises:
        Unusable: its folder cannot be copied, or does not hold it.
    """
    found = compare_runs(request, "minigrad", "torch")
    return compare_runs(request, "minigrad", "torch", "nudged") if found.values_differ else found


def compare_runs(request: Request, *engines: str) -> Found:
    """What comes of runs at the same time."""
    found = Found(request.file.name)
    with ExitStack() as ending:
        sides: list[Side] = []
        for engine in engines:
            folder = ending.enter_context(tempfile.TemporaryDirectory(prefix="program-", ignore_cleanup_errors=True))
            sides.append(ending.enter_context(Side(engine, request, Path(folder))))
        late = threading.Event()

        def give_up() -> None:
            late.set()
            for side in sides:
                side.end()

        timer = threading.Timer(request.seconds, give_up)
        ending.callback(timer.cancel)
        timer.start()
        for events in zip(*(side.events() for side in sides)):
            if late.is_set():
                found.stopped = f"it took longer than {request.seconds:g} s (--timeout)"
                break
            if not compare_events(found, *events):
                break
    return found


class Side:
    """One engine's process, in a copy of the program's folder; ended, with all that it began, where its block ends."""

    def __init__(self, engine: str, request: Request, folder: Path) -> None:
        self.place = folder / "program"
        source, file = request.places()
        copy_folder(source, self.place)
        environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        command = [sys.executable, "-m", "comparisons.program.worker", engine, str(file)]
        self.said = folder / "said.txt"
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(
                [*command, str(request.steps), str(request.seed), *request.arguments],
                cwd=self.place,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
            )

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    def end(self) -> None:
        """End the process and all that it began."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):  # macOS: of processes that have ended already
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def events(self) -> Iterator[Event]:
        """What it tells, one event after the other; the last is its end, or what ended it."""
        assert self.process.stdout is not None
        yield from events_of(self.process.stdout)
        yield {"kind": "gone"}


def events_of(stream: IO[bytes]) -> Iterator[Event]:
    """The events that were written to a stream, each with its arrays as ``values``; not a last one that broke off."""
    while line := stream.readline():
        event = json.loads(line)
        event["values"] = []
        for kind, shape in event["arrays"]:
            dtype = np.dtype(kind)
            data = stream.read(dtype.itemsize * math.prod(shape))
            if len(data) < dtype.itemsize * math.prod(shape):
                return
            event["values"].append(np.frombuffer(data, dtype).reshape(shape))
        yield event


def copy_folder(source: Path, target: Path) -> None:
    """Copy a program's folder, so that what the program writes stays in the copy; large files are linked.

    Raises:
        Unusable: it holds too many files, or cannot be read.
    """
    copied = itertools.count()

    def copy(path: str, to: str) -> None:
        if next(copied) >= MOST_FILES:
            raise Unusable(f"{source} holds more than {MOST_FILES:,} files: put the program in a folder of its own")
        if not os.path.isfile(path):
            return  # a pipe, or a link that leads nowhere
        if os.path.getsize(path) > LARGEST_COPY:
            os.symlink(path, to)
        else:
            shutil.copyfile(path, to)

    try:
        shutil.copytree(source, target, ignore=NOT_COPIED, copy_function=copy)
    except OSError as error:
        raise Unusable(f"{source} cannot be copied: {error}") from None
