"""Processes that work on jobs side by side. One that crashes or hangs costs its job alone, which is tried once more.

They are no forks of this process: each has a sandbox, and a PyTorch that has computed nothing, of its own. On Linux
they are forks of one process that computes nothing, and has imported what they need; elsewhere each imports it anew.
"""

from __future__ import annotations

import itertools
import multiprocessing
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

__all__ = ["Lost", "NoWorker", "side_by_side"]

TRIES = 2
START_SECONDS = 300.0
END_SECONDS = 10.0
READY = "ready"
if sys.platform == "linux":
    CONTEXT = multiprocessing.get_context("forkserver")
else:
    CONTEXT = multiprocessing.get_context("spawn")

Job = TypeVar("Job")


class NoWorker(RuntimeError):
    """No process can begin to work; the message says why."""


@dataclass(frozen=True)
class Lost:
    """What stands for the result of a job that no process survived."""

    reason: str


class Worker(Generic[Job]):
    """A process with at most one job."""

    def __init__(
        self, make: Callable[[Any, ExitStack], Callable[[Job], Any]], setting: Any, imported: Sequence[str]
    ) -> None:
        CONTEXT.set_forkserver_preload(list(imported))
        self.connection, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=serve, args=(theirs, make, setting), daemon=True)
        self.process.start()
        theirs.close()
        self.job: tuple[int, Job] | None = None
        self.ready = self.ended = False
        self.deadline = time.monotonic() + START_SECONDS

    def give(self, tries: int, job: Job, seconds: float) -> None:
        """Have it work on a job, which was tried so often before."""
        self.job, self.deadline = (tries + 1, job), time.monotonic() + seconds
        with suppress(OSError):  # it has ended, which is noticed when it is asked for the result
            self.connection.send(job)

    def message(self) -> Any:
        """What it has said; or, where it has ended or is out of time, that its job is lost, and it is no more."""
        try:
            if self.connection.poll():
                return self.connection.recv()
            reason = "it took too long"
        except (EOFError, OSError):
            self.process.join(END_SECONDS)
            reason = f"its process ended with exit status {self.process.exitcode}"
        self.end(patient=False)
        return Lost(reason) if self.ready else NoWorker(reason)

    def end(self, patient: bool = True) -> None:
        """End it; what it has opened it closes, if there is time."""
        self.ended = True
        self.connection.close()
        if patient:
            self.process.terminate()
            self.process.join(END_SECONDS)
        self.process.kill()
        self.process.join()


def serve(connection: Connection, make: Callable[[Any, ExitStack], Callable[[Any], Any]], setting: Any) -> None:
    """Work on jobs until there are no more: what runs in a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began it ends it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with ExitStack() as stack, suppress(EOFError, BrokenPipeError):
        try:
            work = make(setting, stack)
        except Exception as error:
            connection.send(NoWorker(str(error)))
            return
        connection.send(READY)
        while True:
            job = connection.recv()
            try:
                result = work(job)
            except Exception as error:
                result = Lost(f"{type(error).__name__}: {error}")
            connection.send(result)


def side_by_side(
    make: Callable[[Any, ExitStack], Callable[[Job], Any]],
    setting: Any,
    jobs: Iterable[Job],
    *,
    count: int,
    seconds: float,
    imported: Sequence[str] = (),
) -> Iterator[tuple[Job, Any]]:
    """Each job with its result, in the order in which they are done.

    Args:
        make: called in each process, with ``setting`` and a stack for what is to be closed; returns what does a job.
        setting: what all jobs have in common.
        jobs: asked for one at a time.
        count: how many processes.
        seconds: after which a process with a job is given up.
        imported: modules that are imported once for all processes, where that is possible.

    Raises:
        NoWorker: a process cannot begin.
    """
    source = iter(jobs)
    waiting: deque[tuple[int, Job]] = deque()  # with how often each has been tried
    workers: list[Worker[Job]] = []
    try:
        while True:
            if not waiting:
                waiting.extend((0, job) for job in itertools.islice(source, 1))
            busy = [each for each in workers if each.job or not each.ready]
            if not waiting and not any(each.job for each in busy):
                return
            idle = [each for each in workers if each not in busy]
            if waiting and idle:
                idle[0].give(*waiting.popleft(), seconds)
                continue
            if waiting and len(workers) < count and all(each.ready for each in workers):
                workers.append(Worker(make, setting, imported))
                continue
            for worker in heard(busy):
                message = worker.message()
                if isinstance(message, NoWorker):
                    raise message
                workers = [each for each in workers if not each.ended]
                if worker.job is None:
                    worker.ready = True
                    continue
                (tries, job), worker.job = worker.job, None
                if isinstance(message, Lost) and tries < TRIES:
                    waiting.append((tries, job))
                else:
                    yield job, message
    finally:
        for worker in workers:
            worker.end()


def heard(busy: list[Worker[Any]]) -> list[Worker[Any]]:
    """The workers that have said something, have ended, or are out of time, as soon as there is one."""
    left = min(each.deadline for each in busy) - time.monotonic()
    said = wait([each.connection for each in busy], max(0.0, left))
    now = time.monotonic()
    return [each for each in busy if each.connection in said or each.deadline <= now]
