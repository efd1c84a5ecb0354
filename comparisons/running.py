"""Chapters and trainings of an engine under test: minigrad's in this process, any other engine's in one of its own.

An engine that somebody wrote for a course may hang, crash or call ``os._exit``. In a process of its own it takes one
chapter with it: what ran before it is known, the row says what stopped, and the next chapter begins in a new process.
That is no defence against an engine that means to cheat, which can say whatever it likes of itself.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import minigrad
from comparisons.engines import NoEngine, described, find_engine
from comparisons.harness import Comparison, Report
from comparisons.settings import Settings
from comparisons.stopping import STOPPED, why

if TYPE_CHECKING:
    from comparisons.curves import Curves

__all__ = ["Ended", "Here", "InItsProcess", "TrainingStopped", "engine_for"]

Progress = Callable[[int, int], None]

STRANGE = "its process wrote what no check writes"
IMPORTING = 60.0  # seconds: PyTorch, and then the engine


class Ended(Exception):
    """The engine's process has ended, or was ended because nothing was heard of it."""


class TrainingStopped(Exception):
    """A training that did not come to its end; the message says why."""


class Here:
    """minigrad, in this process. What brings PyTorch along is imported when it is asked for."""

    about = described(minigrad)

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def chapter(self, name: str, settings: Settings) -> Report:
        """The chapter's report."""
        from comparisons.chapters import run_chapter

        return run_chapter(name, settings)

    def train(self, settings: Settings, *what: Any) -> Curves:
        """A training on both engines in step: see ``curves.py``.

        Raises:
            TrainingStopped: an error ended it.
        """
        from comparisons.curves import train_in_step

        try:
            return train_in_step(settings, *what)
        except (Exception, SystemExit) as error:
            raise TrainingStopped(": ".join(why(error))) from error


class InItsProcess:
    """Another engine, in a process that is ended with the block that uses it, and begun again where it ended.

    Args:
        engine: a module's name, or a path.
        patience: seconds without a sign of life after which it is given up.

    Raises:
        NoEngine: it cannot be imported.
    """

    def __init__(self, engine: str, patience: float) -> None:
        find_engine(engine)
        self.engine = engine
        self.patience = patience
        self.process: subprocess.Popen[str] | None = None
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.about = self.begin()

    def __enter__(self) -> InItsProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> dict[str, Any]:
        """Start the process and import the engine in it. Returns what is known of it."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "comparisons.worker", self.engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for this process alone, which then ends that
        )
        self.lines = queue.Queue()
        threading.Thread(target=read_lines, args=(self.process, self.lines), daemon=True).start()
        try:
            answer = self.heard(max(self.patience, IMPORTING))
        except Ended as error:
            raise NoEngine(f"--engine {self.engine} cannot be imported: {error}") from None
        except BaseException:
            self.end()
            raise
        if "refused" in answer:
            self.end()
            raise NoEngine(str(answer["refused"]))
        return dict(answer["about"])

    def end(self) -> int | None:
        """End the process. Returns the status that it ended with by itself, if it did."""
        if self.process is None:
            return None
        status = self.process.poll()
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        self.process = None
        return status

    def heard(self, patience: float) -> dict[str, Any]:
        """The next line of the process.

        Raises:
            Ended: there is none.
        """
        try:
            line = self.lines.get(timeout=patience)
        except queue.Empty:
            self.end()
            raise Ended(f"nothing was heard of it for {patience:g} s (--timeout)") from None
        if line is None:
            assert self.process is not None
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            status = self.end()
            raise Ended(f"its process ended with status {status}") from None
        try:
            return dict(json.loads(line))
        except (TypeError, ValueError):
            self.end()
            raise Ended(STRANGE) from None

    def ask(self, request: dict[str, Any], note: Callable[[dict[str, Any]], None], progress: Progress) -> Any:
        """The answer to a request; what is told on the way goes to ``note`` and ``progress``."""
        if self.process is None:
            self.begin()
        assert self.process is not None and self.process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: there is no answer either
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        while "answer" not in (told := self.heard(self.patience)):
            if "progress" in told:
                progress(*told["progress"])
            else:
                note(told)
        return told["answer"]

    def chapter(self, name: str, settings: Settings) -> Report:
        """The chapter's report; as far as it came, where the process ended."""
        so_far: dict[str, Any] = {"check": name, "report": plain(Report(name))}
        request = {"chapter": name, "settings": plain_settings(settings)}
        begun = time.perf_counter()
        try:
            return from_plain(self.ask(request, so_far.update, settings.progress))
        except (Ended, NoEngine) as error:
            report = from_plain(so_far["report"])
            report.stop(so_far["check"], STOPPED, f"did not finish, {error}")
            report.seconds = time.perf_counter() - begun
            return report

    def train(self, settings: Settings, *what: Any) -> Curves:
        """A training on both engines in step: see ``curves.py``.

        Raises:
            TrainingStopped: an error ended it, or the process.
        """
        from comparisons.curves import Curves

        request = {"train": what, "settings": plain_settings(settings)}
        try:
            answer = self.ask(request, lambda told: None, settings.progress)
        except (Ended, NoEngine) as error:
            raise TrainingStopped(f"did not finish, {error}") from None
        if "stopped" in answer:
            raise TrainingStopped(answer["stopped"])
        return Curves(**answer)


def engine_for(name: str, patience: float) -> Here | InItsProcess:
    """The engine under test, ready.

    Raises:
        NoEngine: it cannot be imported.
    """
    return Here() if name == "minigrad" else InItsProcess(name, patience)


def read_lines(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    """Put what a process prints into ``lines``, and None when it has ended."""
    assert process.stdout is not None
    with suppress(ValueError, OSError):  # not UTF-8, or closed: there is no more that could be read
        for line in process.stdout:
            lines.put(line)
    lines.put(None)


def plain(report: Report) -> dict[str, Any]:
    """A report without its figures, for JSON."""
    rows, findings = [[asdict(each) for each in part] for part in (report.rows, report.findings)]
    told = {"chapter": report.chapter, "rows": rows, "findings": findings}
    return {**told, "curves": report.curves, "seconds": report.seconds}


def from_plain(data: dict[str, Any]) -> Report:
    """The report that :func:`plain` was made of.

    Raises:
        Ended: it is none.
    """
    try:
        rows, findings = [[Comparison(**each) for each in data[part]] for part in ("rows", "findings")]
        curves = {name: (list(ours), list(theirs)) for name, (ours, theirs) in data["curves"].items()}
        return Report(data["chapter"], rows=rows, findings=findings, curves=curves, seconds=data["seconds"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Ended(STRANGE) from None


def plain_settings(settings: Settings) -> dict[str, Any]:
    """The settings without what is of this process."""
    names = ("dtype", "device", "data", "data_root", "seed", "steps")
    return {name: getattr(settings, name) for name in names}
