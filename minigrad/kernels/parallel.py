"""Parts of a kernel's work on several threads at once.

NumPy lets go of Python's lock while it computes, so as many threads compute as many parts at the same time. The caller
is one of them: with one thread, or one part, nothing is started, and a debugger sees plain calls;
``set_num_threads(1)`` keeps it so. Meanwhile NumPy's BLAS, which would share out every single product among threads of
its own, is told not to: both at once would be twice as many threads as processors, and BLAS's go on turning for a while
after each product, on processors that are wanted.

To wake a thread takes about as long as to multiply two matrices of 100×100, so parts are large: half of a convolution,
or one of the two gradients that it has.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar, copy_context
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from types import TracebackType
from typing import Any, ClassVar

import numpy as np

from minigrad.kernels import kernel_mode

__all__ = [
    *("get_num_threads", "on_own_threads", "set_num_threads", "share_out", "share_out_elements", "shares", "spans"),
    *("width", "worth_sharing"),
]

FEWEST_ELEMENTS = 1 << 17  # of an elementwise step, that a thread is woken for
FEWEST_MULTIPLICATIONS = 1 << 23  # of a matrix product, altogether, that a thread is woken for


def default_count() -> int:
    """What ``OMP_NUM_THREADS`` says, as for PyTorch and for BLAS; otherwise as many as this process has processors."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdecimal() and int(wish) > 0:
        return int(wish)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Threads:
    """How many threads compute in the whole process, and the helpers that wait for work just now."""

    count: ClassVar[int] = default_count()
    idle: ClassVar[list[Helper]] = []


of_this_part: ContextVar[int | None] = ContextVar("threads that a part may use", default=None)


def get_num_threads() -> int:
    """How many threads a kernel computes on. Counterpart: ``torch.get_num_threads``."""
    return _Threads.count


def set_num_threads(count: int) -> None:
    """Let kernels compute on ``count`` threads. Counterpart: ``torch.set_num_threads``.

    Raises:
        RuntimeError: ``count`` is no positive integer.
    """
    if not isinstance(count, int) or isinstance(count, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(count).__name__}")
    if count <= 0:
        raise RuntimeError(f"set_num_threads expects a positive integer, but got {count}")
    _Threads.count = count
    dismiss_idle_helpers()


def width() -> int:
    """How many threads the caller may use: those of its part, inside of one. Plain loops are run by one thread."""
    if kernel_mode.get().reference:
        return 1
    return of_this_part.get() or _Threads.count


# ---------------------------------------------------------------------------------------------- sharing out


def share_out(work: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """``work(part)`` of every one of ``parts``, in their order, computed by the caller and its helpers side by side.

    Work on one part must not write where work on another reads or writes. It may share out its own parts in turn, among
    the threads that are left. The first error is raised, when all is done.
    """
    threads = min(width(), len(parts))
    if threads <= 1:
        return [work(part) for part in parts]
    task = Task(work, parts, width() // threads)
    helpers = idle_helpers(threads - 1)
    begun: list[Helper] = []
    with on_own_threads():
        try:
            for helper in helpers:
                helper.begin(task)
                begun.append(helper)
            task.take_parts()
        finally:
            for helper in begun:
                helper.wait(task)
            give_back(helpers)
    if task.error is None:
        return task.results
    error, task.error = task.error, None
    try:
        raise error
    finally:
        del error  # which knows this frame: together they would stay in memory


class Task:
    """The parts that wait for a thread, and what came of the others.

    All threads take from one iterator: a step of it is one step for Python's lock, so no two get the same part.
    """

    def __init__(self, work: Callable[[Any], Any], parts: Sequence[Any], width: int) -> None:
        self.work, self.width = work, width
        self.waiting = enumerate(parts)  # whichever thread is free takes the next one
        self.results: list[Any] = [None] * len(parts)
        self.error: BaseException | None = None

    def take_parts(self) -> None:
        """Work on the parts that wait until there are none, or until one has failed."""
        before = of_this_part.set(self.width)
        try:
            for number, part in self.waiting:
                self.results[number] = self.work(part)
                if self.error is not None:
                    break
        except BaseException as error:  # raised again by share_out, in the thread that called it
            self.error = self.error or error
        finally:
            of_this_part.reset(before)


class Helper:
    """A thread that waits for tasks. Two locks pass it to and fro: a lock is the cheapest thing to wait for.

    Both are taken at first. ``begin`` opens the first, on which the thread waits; the thread opens the second when it
    has done, on which ``wait`` waits; and whoever comes through a lock has taken it again.
    """

    def __init__(self) -> None:
        self.may_begin, self.has_ended = threading.Lock(), threading.Lock()
        self.may_begin.acquire()
        self.has_ended.acquire()
        self.job: Callable[[], None] | None = None
        threading.Thread(target=self.serve, name="minigrad helper", daemon=True).start()

    def serve(self) -> None:
        """What the thread does: job after job, until there is none."""
        while True:
            self.may_begin.acquire()
            if self.job is None:
                return
            self.job()
            self.job = None  # else the arrays of the last one would stay in memory
            self.has_ended.release()

    def begin(self, task: Task) -> None:
        """Take parts of ``task`` beside the caller, in the caller's context: NumPy's error state and kernels' mode."""
        self.job = partial(copy_context().run, task.take_parts)
        self.may_begin.release()

    def wait(self, task: Task) -> None:
        """Until the task has no more parts for this thread, which may be writing: Ctrl-C too has to wait so long."""
        while True:
            try:
                self.has_ended.acquire()
                return
            except BaseException as error:
                task.error = task.error or error

    def dismiss(self) -> None:
        """End the thread."""
        self.job = None
        self.may_begin.release()


def idle_helpers(count: int) -> list[Helper]:
    """So many that wait, or new ones; fewer where the operating system starts no more threads."""
    helpers: list[Helper] = []
    while len(helpers) < count:
        try:
            helpers.append(_Threads.idle.pop())
        except IndexError:  # none waits
            try:
                helpers.append(Helper())
            except RuntimeError:  # no thread can be started
                break
    return helpers


def give_back(helpers: list[Helper]) -> None:
    """Let them wait for the next task; those that are more than are wanted, as several callers had some, end."""
    for helper in helpers:
        if len(_Threads.idle) < _Threads.count - 1:
            _Threads.idle.append(helper)
        else:
            helper.dismiss()


def dismiss_idle_helpers() -> None:
    """End all that wait."""
    idle, _Threads.idle = _Threads.idle, []
    for helper in idle:
        helper.dismiss()


def share_out_elements(work: Callable[..., Any], *arrays: np.ndarray) -> None:
    """``work(*arrays)``, elementwise, in as many parts along the first dimension as there are threads.

    Arrays that a processor computes faster than a thread wakes up are not parted.
    """
    first = arrays[0]
    count = len(first) if first.ndim else 0
    if first.size < 2 * FEWEST_ELEMENTS or count < 2:
        work(*arrays)
        return
    parts = spans(count, max(1, count * FEWEST_ELEMENTS // first.size))
    share_out(lambda span: work(*[each[span[0] : span[1]] for each in arrays]), parts)


def worth_sharing(multiplications: int) -> bool:
    """Whether matrix products of so many multiplications take so long that a thread should be woken to help."""
    return multiplications >= FEWEST_MULTIPLICATIONS


def spans(count: int, least: int = 1) -> list[tuple[int, int]]:
    """0 … count in even spans (first, end), one for each thread, as long as each has at least ``least``."""
    several = max(1, min(width(), count // least))
    bounds = [count * number // several for number in range(several + 1)]
    return list(pairwise(bounds))


def shares(parts: Sequence[Any]) -> list[Sequence[Any]]:
    """``parts`` in even shares, one for each thread and none of them empty: each thread adds up one."""
    return [parts[first:end] for first, end in spans(len(parts))]


# ---------------------------------------------------------------------------------------------- BLAS's threads


def blas_setting(verb: str) -> Any:
    """OpenBLAS's function to "get" or "set" its number of threads; None where NumPy computes with another BLAS."""
    core = find_spec("numpy._core._multiarray_umath")
    if core is None or core.origin is None:
        return None
    library = ctypes.CDLL(core.origin)  # what NumPy is linked with is looked through too
    for name in (f"scipy_openblas_{verb}_num_threads64_", f"openblas_{verb}_num_threads"):
        if hasattr(library, name):
            return getattr(library, name)
    return None


get_blas_threads, set_blas_threads = blas_setting("get"), blas_setting("set")


class _OfBlas:
    """How many callers want BLAS on one thread just now, and how many threads it had before the first of them.

    The latter it has again after the last of them, whatever it was told meanwhile.
    """

    lock = threading.Lock()
    callers = 0
    before = 1


class on_own_threads(ContextDecorator):
    """Inside, a product is computed by the thread that asks for it, not by threads of BLAS. May be nested.

    BLAS knows one number for the whole process: products that other threads ask for meanwhile are computed so too.
    """

    def __enter__(self) -> None:
        with _OfBlas.lock:
            _OfBlas.callers += 1
            if _OfBlas.callers == 1 and get_blas_threads is not None:
                _OfBlas.before = get_blas_threads()
                if _OfBlas.before > 1:
                    set_blas_threads(1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with _OfBlas.lock:
            _OfBlas.callers = max(0, _OfBlas.callers - 1)  # 0 already in the child of a fork
            if _OfBlas.callers == 0 and _OfBlas.before > 1:
                set_blas_threads(_OfBlas.before)


def start_alone() -> None:
    """In the child of a fork, which has none of its parent's threads."""
    _Threads.idle = []
    _OfBlas.lock = threading.Lock()
    if _OfBlas.callers and _OfBlas.before > 1:
        set_blas_threads(_OfBlas.before)
    _OfBlas.callers = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=start_alone)
