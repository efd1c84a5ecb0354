"""Asks the engine: in a process of its own, a new one each time, or in this one where a debugger is attached."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from comparisons.coursework.kit.handed_out import Handout, Task

__all__ = ["PASSED", "Here", "InAProcess", "Result", "attached", "runner"]

PASSED = "passed"
IMPORTING = 10.0  # seconds that an import may take, or more where a case may
PATIENCE = 2.0  # seconds beyond the limit, for a process that cannot even tell that it is late


@dataclass(frozen=True)
class Result:
    """What came of one case.

    Attributes:
        case: its name; empty where the engine could not even be imported.
        status: "passed", "differs", "not written yet", "not there", "stopped" or "no answer".
        message: what differs, or what stopped it.
        cause: a guess.
        place: where it stopped: a function, a line, a file.
        whole: ours and PyTorch's, where they are small.
        ended: the process is gone.
    """

    case: str
    status: str
    message: str = ""
    cause: str = ""
    place: tuple[str, int, str] | None = None
    whole: tuple[str, str] | None = None
    ended: bool = False

    @property
    def passed(self) -> bool:
        """Whether it agrees with what was recorded."""
        return self.status == PASSED


def attached() -> bool:
    """Whether a debugger is attached to this process."""
    return bool({"debugpy", "pydevd"} & set(sys.modules)) or sys.gettrace() is not None


class InAProcess:
    """The engine in a process, which is begun when it is first asked."""

    def __init__(self, handout: Handout, seconds: float) -> None:
        self.handout, self.seconds = handout, seconds
        self.process: subprocess.Popen[str] | None = None
        self.reader: threading.Thread | None = None
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.failure: dict[str, Any] | None = None  # of the import

    def __enter__(self) -> InAProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> None:
        """End the process."""
        if self.process is not None and self.reader is not None:
            self.process.kill()
            self.process.wait()
            self.reader.join(PATIENCE)
            if not self.reader.is_alive():  # else another process, which the engine began, holds the pipe open
                for file in (self.process.stdin, self.process.stdout):
                    with suppress(OSError):  # a request that was not read any more
                        file.close()  # type: ignore[union-attr]
            self.process = None

    def begin(self) -> None:
        """Begin a process, and have it import the engine."""
        importing = max(IMPORTING, self.seconds)
        command = [sys.executable, "-m", "check.running", str(self.seconds), str(importing)]
        self.process = subprocess.Popen(
            command,
            cwd=self.handout.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        )
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=read_lines, args=(self.process.stdout, self.lines), daemon=True)
        self.reader.start()
        told = self.answer(importing)
        if told["status"] != PASSED:
            self.failure = not_imported(told)

    def answer(self, seconds: float) -> dict[str, Any]:
        """The next answer; one that says so where there is none within the time."""
        assert self.process is not None
        try:
            line = self.lines.get(timeout=seconds + PATIENCE)
        except queue.Empty:
            self.end()
            return {"status": "no answer", "message": f"no answer within {seconds:g} s", "ended": True}
        if line is None:
            status = self.process.wait()
            self.end()
            message = f"the process was ended, with exit status {status}, before there was an answer"
            return {"status": "no answer", "message": message, "ended": True}
        told: dict[str, Any] = json.loads(line)
        if told.get("ended"):
            self.end()
        return told

    def ask(self, task: Task, number: int) -> Result:
        """What the engine gives for a case; for a task without cases, what the student's tests give."""
        if self.process is None and self.failure is None:
            self.begin()
        told = self.failure
        if told is None:
            assert self.process is not None and self.process.stdin is not None
            with suppress(OSError):  # it is gone, as its answer will tell
                self.process.stdin.write(json.dumps([task.id, number]) + "\n")
                self.process.stdin.flush()
            told = self.answer(self.seconds)
        return result_of(task, number, told)


class Here:
    """The engine in this process: a debugger that is attached to it stops in the engine's functions."""

    def __init__(self, handout: Handout) -> None:
        self.handout = handout
        self.engine: ModuleType | None = None

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def ask(self, task: Task, number: int) -> Result:
        """As :meth:`InAProcess.ask`, without a limit of time."""
        from comparisons.coursework.kit.running import import_engine, outcome, stopped_import

        if self.engine is None:
            try:
                self.engine = import_engine(self.handout)
            except BaseException as error:
                return result_of(task, number, not_imported(stopped_import(error, self.handout)))
        return result_of(task, number, outcome(self.engine, self.handout, task, number))


def runner(handout: Handout, seconds: float) -> InAProcess | Here:
    """Who asks the engine."""
    return Here(handout) if attached() else InAProcess(handout, seconds)


def not_imported(told: dict[str, Any]) -> dict[str, Any]:
    """What stopped the import, as the answer to whatever is asked."""
    return {**told, "case": "", "message": f"when the engine is imported: {told['message']}"}


def result_of(task: Task, number: int, told: dict[str, Any]) -> Result:
    """An answer as a :class:`Result`."""
    pairs = {name: told[name] and tuple(told[name]) for name in ("place", "whole") if name in told}
    case = task.cases[number].name if task.cases else "tests/test_mine.py"
    case = told.get("case", case)
    return Result(
        case, told["status"], told.get("message", ""), told.get("cause", ""), ended=told.get("ended", False), **pairs
    )


def read_lines(file: Any, lines: queue.Queue[str | None]) -> None:
    """Pass on each line as it comes, and None at the end."""
    for line in file:
        lines.put(line)
    lines.put(None)
