"""Engines judged side by side: each in a sandbox that no other uses meanwhile, and PyTorch's answers computed once.

Threads are enough: the engines' processes do the work. ``grading/workers.py`` has processes, for submissions, of which
any may crash or hang what judges it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, ExitStack
from queue import SimpleQueue
from typing import TypeVar

from comparisons.coursework.answers import Answer
from comparisons.coursework.cases import Case
from comparisons.coursework.engines import Engine
from comparisons.coursework.judge import Verdict, expected, judging
from comparisons.coursework.sandbox import Sandbox

__all__ = ["JOBS", "Exam", "Unfit", "side_by_side"]

JOBS = os.cpu_count() or 1

Item = TypeVar("Item")
Result = TypeVar("Result")


class Unfit(RuntimeError):
    """The course itself has a fault; the message says which, in one sentence."""


class Exam:
    """Cases for many engines: all are given the same inputs, so that what is right is computed once.

    Raises:
        Unfit: PyTorch itself cannot answer a case.
    """

    def __init__(self, cases: Sequence[Case], secret: bytes = b"course", submission: str = "course") -> None:
        self.secret, self.submission = secret, submission
        self.right: dict[str, Answer] = {}
        self.add(cases)

    def add(self, cases: Sequence[Case]) -> None:
        """Compute what is right in more cases."""
        for case in cases:
            try:
                self.right[case.name] = expected(case, case.draw(self.secret, self.submission))
            except Exception as error:
                raise Unfit(f"PyTorch cannot answer {case.name}: {type(error).__name__}: {error}") from error

    def ask(self, engine: Engine, cases: Sequence[Case], sandbox: Sandbox) -> Generator[Verdict, None, None]:
        """Ask an engine some of the cases, one after the other; its process ends where nobody asks further."""
        return judging(
            engine,
            cases,
            sandbox,
            secret=self.secret,
            submission=self.submission,
            right=lambda case, inputs: self.right[case.name],
        )


def side_by_side(
    work: Callable[[Item, Sandbox], Result],
    items: Sequence[Item],
    make: Callable[[], AbstractContextManager[Sandbox]],
    *,
    jobs: int = JOBS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Result]:
    """Do the work for each item, several at a time; the results are in the order of the items.

    Args:
        work: what is done with an item in a sandbox.
        items: what it is done with.
        make: makes a sandbox.
        jobs: how many at a time.
        progress: called with how many are done, and how many there are.
    """
    with ExitStack() as stack:
        free: SimpleQueue[Sandbox] = SimpleQueue()
        for _ in range(min(jobs, len(items))):
            free.put(stack.enter_context(make()))
        pool = ThreadPoolExecutor(jobs)
        stack.callback(pool.shutdown, cancel_futures=True)

        def one(item: Item) -> Result:
            sandbox = free.get()
            try:
                return work(item, sandbox)
            finally:
                free.put(sandbox)

        futures = [pool.submit(one, item) for item in items]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            progress(done, len(items))
        return [future.result() for future in futures]
