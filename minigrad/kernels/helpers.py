"""Threads that help another one: with a task that it shares out, and with work that nobody waits for yet.

A thread that computes has a :class:`Team` of helpers. What it shares out is a :class:`Task`, whose parts are taken by
whichever thread is free, its own or a helper; what it leaves for later is a :class:`Future`. To wake a thread takes
longer than to multiply two matrices of 100×100, so a helper that is done first looks for more work of its team.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any, ClassVar

from minigrad.forking import in_forked_child
from minigrad.kernels.blas import on_own_threads
from minigrad.locking import Lock

__all__ = ["Future", "Task", "Threads", "dismiss_idle_helpers", "of_this_part"]

of_this_part: ContextVar[int | None] = ContextVar("threads that a part may use", default=None)


def default_count() -> int:
    """What ``OMP_NUM_THREADS`` says, as for PyTorch and for BLAS; otherwise as many as this process has processors."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdecimal() and int(wish) > 0:
        return int(wish)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Task:
    """The parts that wait for a thread, and what came of the others. Whichever thread is free takes the next one."""

    def __init__(self, work: Callable[[Any], Any], parts: Sequence[Any], width: int) -> None:
        self.work, self.width = work, width
        self.waiting = deque(enumerate(parts))
        self.results: list[Any] = [None] * len(parts)
        self.error: BaseException | None = None
        self.context = copy_context()  # the caller's: NumPy's error state and the kernels' mode
        self.helping: set[threading.Lock] = set()  # one for each helper that has joined and not ended, open then

    def take_parts(self) -> None:
        """Work on the parts that wait until there are none, or until one has failed. In a context of its own."""
        of_this_part.set(self.width)
        try:
            while self.error is None:
                try:
                    number, part = self.waiting.popleft()
                except IndexError:
                    break
                self.results[number] = self.work(part)
        except BaseException as error:  # raised again by share_out, in the thread that called it
            self.error = self.error or error

    def join(self) -> Callable[[], None]:
        """What a helper is to do for this task."""
        end = threading.Lock()
        end.acquire()
        self.helping.add(end)
        return partial(self.help, self.context.copy(), end)

    def help(self, context: Context, end: threading.Lock) -> None:
        """Take parts beside the caller."""
        context.run(self.take_parts)
        self.helping.discard(end)
        end.release()

    def wait(self) -> None:
        """Until no helper works on a part, which may be writing: Ctrl-C too has to wait so long."""
        for end in [*self.helping]:
            while end in self.helping:
                try:
                    end.acquire()
                except BaseException as error:
                    self.error = self.error or error


class Future:
    """The result of work in the background."""

    dtype = shape = None  # not known: to the engine, not yet what it expects

    def __init__(self, work: Callable[[], Any], team: Team) -> None:
        self.work, self.team = work, team
        self.context = copy_context()
        self.value: Any = None
        self.error: BaseException | None = None
        self.done = False
        self.end = threading.Lock()  # open when the work is done
        self.end.acquire()

    def run(self) -> None:
        """Do the work, on this thread alone: whichever it is, sums are then rounded in the same way."""
        try:
            self.value = self.context.run(self.compute)
        except BaseException as error:  # raised again where the result is asked for
            self.error = error
        finally:
            del self.work, self.context
            self.done = True
            self.end.release()

    @on_own_threads
    def compute(self) -> Any:
        """The work's result. In the future's own context."""
        of_this_part.set(1)
        return self.work()

    def result(self) -> Any:
        """What the work gave, once it is done; meanwhile the caller does what waits. The work's error is raised."""
        while not self.done:
            if not self.team.run_future():  # a helper is at it
                with self.end:
                    pass
        if self.error is not None:
            raise self.error
        return self.value


class Team:
    """A thread, the helpers that work for it just now, and what there is to do for them.

    They join the task that the thread has shared out last, and do what it left for later when that has no parts.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.task: Task | None = None
        self.futures: deque[Future] = deque()
        self.under_way: list[Future] = []  # what helpers are at
        self.taken: Future | None = None  # what the thread itself took last
        self.coming = 0  # helpers that look for a job now

    def open(self, task: Task, helpers: int) -> None:
        """Let so many helpers join ``task``; those that are at a future do so when they have done."""
        with self.lock:
            self.task = task
            self.call(helpers - len(self.under_way))

    def close(self, task: Task, outer: Task | None) -> None:
        """Let nobody join any more but the ``outer`` task, if it is part of one, and wait for those that have."""
        with self.lock:
            self.task = outer
        task.wait()

    def add(self, future: Future) -> None:
        """Let a helper do the work of ``future``."""
        with self.lock:
            if not self.under_way:
                self.call(1)
            self.futures.append(future)

    def call(self, helpers: int) -> None:
        """See that so many helpers are coming, or as many as there are."""
        for _ in range(helpers - self.coming):
            if not call_helper(self):
                return

    def run_future(self) -> bool:
        """Do the work of a future that waits for a thread; False where none does.

        It is noted before it no longer waits, so that it is not lost where Ctrl-C comes between: then the next call
        begins with it.
        """
        if self.taken is None or self.taken.done:
            with self.lock:
                if not self.futures:
                    return False
                self.taken = self.futures[0]
                del self.futures[0]
        self.taken.run()
        self.taken = None
        return True

    def serve(self) -> None:
        """What a helper does for this team: one job after another, until there is none."""
        while (job := self.next_job()) is not None:
            job()

    def next_job(self) -> Callable[[], None] | None:
        """What a helper is to do now."""
        with self.lock:
            self.coming -= 1
            if self.task is not None and self.task.waiting:
                return partial(self.help, self.task.join())
            if self.futures:
                self.under_way.append(self.futures[0])
                return partial(self.compute, self.futures.popleft())
            return None

    def help(self, job: Callable[[], None]) -> None:
        """Take parts of a task, then look for another job."""
        job()
        with self.lock:
            self.coming += 1

    def compute(self, future: Future) -> None:
        """Do the work of a future, then look for another job."""
        future.run()
        with self.lock:
            self.under_way.remove(future)
            self.coming += 1

    def begin_anew(self) -> None:
        """In the child of a fork, which has no helpers: what they were at waits again."""
        self.lock = Lock()
        self.coming = 0
        unfinished = dict.fromkeys([*self.under_way, *self.futures])
        self.futures = deque([each for each in unfinished if not each.done])
        self.under_way = []
        for each in self.futures:
            each.context = each.context.copy()  # the original was entered by a helper, and will not be left


class Helper:
    """A thread that waits for a team to work for; it waits for a lock, the cheapest thing to wait for."""

    def __init__(self) -> None:
        self.may_begin = threading.Lock()
        self.may_begin.acquire()
        self.team: Team | None = None
        threading.Thread(target=self.serve, name="minigrad helper", daemon=True).start()

    def serve(self) -> None:
        """What the thread does: work for team after team, until there is none."""
        while True:
            self.may_begin.acquire()
            if self.team is None:
                return
            self.team.serve()
            self.team = None
            give_back(self)

    def dismiss(self) -> None:
        """End the thread."""
        self.may_begin.release()


class _Teams(threading.local):
    """The team of each thread."""

    def __init__(self) -> None:
        self.own = Team()


class Threads:
    """How many threads compute in the whole process, the helpers that wait for a team, and the teams."""

    count: ClassVar[int] = default_count()
    lock = Lock()
    idle: ClassVar[list[Helper]] = []
    teams: ClassVar[_Teams] = _Teams()


def call_helper(team: Team) -> bool:
    """Let one that waits, or a new one, work for ``team``. False where the operating system starts no more threads.

    It is taken, counted and woken without a call between, where Ctrl-C might come.
    """
    with Threads.lock:
        if not Threads.idle:
            try:
                Threads.idle.append(Helper())
            except RuntimeError:  # no thread can be started
                return False
        helper = Threads.idle[-1]
        del Threads.idle[-1]
        helper.team = team
        team.coming += 1
        helper.may_begin.release()
    return True


def give_back(helper: Helper) -> None:
    """Let it wait for the next team; it ends if more wait than are wanted, as several callers had some."""
    with Threads.lock:
        if len(Threads.idle) < Threads.count - 1:
            Threads.idle.append(helper)
        else:
            helper.dismiss()


def dismiss_idle_helpers() -> None:
    """End all that wait."""
    idle, Threads.idle = Threads.idle, []
    for helper in idle:
        helper.dismiss()


@in_forked_child
def start_alone() -> None:
    """No helper is in the child of a fork."""
    Threads.lock = Lock()
    Threads.idle = []
    Threads.teams.own.begin_anew()
