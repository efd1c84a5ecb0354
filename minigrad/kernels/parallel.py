"""Parts of a kernel's work on several threads at once.

NumPy lets go of Python's lock while it computes, so as many threads compute as many parts at the same time. The caller
is one of them: with one thread, or one part, nothing is started, and a debugger sees plain calls;
``set_num_threads(1)`` keeps it so. Meanwhile NumPy's BLAS, which would share out every single product among threads of
its own, is told not to: both at once would be twice as many threads as processors, and BLAS's go on turning for a while
after each product, on processors that are wanted.

To wake a thread takes about as long as to multiply two matrices of 100×100, so parts are large: half of a convolution,
or one of the two gradients that it has. Better still is work that nobody waits for, :func:`in_background`. The threads
themselves are in ``helpers.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.kernels import kernel_mode
from minigrad.kernels.blas import on_own_threads
from minigrad.kernels.helpers import Future, Task, Threads, dismiss_idle_helpers, of_this_part

__all__ = ["a_helper_is_busy", "get_num_threads", "has_helpers", "in_background", "set_num_threads", "share_out"]
__all__ += ["share_out_elements", "shares", "spans", "width", "worth_sharing"]

FEWEST_ELEMENTS = 1 << 19  # of an elementwise step, that a thread is woken for
FEWEST_MULTIPLICATIONS = 1 << 23  # of a matrix product, altogether, that a thread is woken for
MOST_WAITING = 2  # works in the background that no thread has begun; they keep their arrays in memory


def get_num_threads() -> int:
    """How many threads a kernel computes on. Counterpart: ``torch.get_num_threads``."""
    return Threads.count


def set_num_threads(count: int) -> None:
    """Let kernels compute on ``count`` threads. Counterpart: ``torch.set_num_threads``.

    Raises:
        RuntimeError: ``count`` is no positive integer.
    """
    if not isinstance(count, int) or isinstance(count, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(count).__name__}")
    if count <= 0:
        raise RuntimeError(f"set_num_threads expects a positive integer, but got {count}")
    Threads.count = count
    dismiss_idle_helpers()


def width() -> int:
    """How many threads the caller may use: those of its part, inside of one. Plain loops are run by one thread.

    It does not matter how many are free just now: work is parted in the same way each time, and rounds in the same way.
    """
    if kernel_mode.get().reference:
        return 1
    return of_this_part.get() or Threads.count


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
    compute_together(task, threads - 1)
    if task.error is None:
        return task.results
    error, task.error = task.error, None
    try:
        raise error
    finally:
        del error  # which knows this frame: together they would stay in memory


@on_own_threads
def compute_together(task: Task, helpers: int) -> None:
    """Work on the parts of ``task``, with so many helpers. When it ends, whatever ends it, none is at a part."""
    team = Threads.teams.own
    outer = team.task
    try:
        team.open(task, helpers)
        task.context.copy().run(task.take_parts)
    finally:
        try:
            team.close(task, outer)
        except BaseException:  # Ctrl-C, which has its way when this is done
            team.close(task, outer)
            raise


def in_background(work: Callable[[], Any]) -> Future:
    """Begin ``work`` that nobody waits for yet; where enough waits already, do it.

    A helper does it, or the caller when it asks for the result earlier; either does it alone. Work must not write where
    the caller reads or writes meanwhile.
    """
    team = Threads.teams.own
    future = Future(work, team)
    if has_helpers() and len(team.futures) < MOST_WAITING:
        team.add(future)
    else:
        future.run()
    return future


def has_helpers() -> bool:
    """Whether there are threads that the caller may leave work to."""
    return Threads.count > 1 and of_this_part.get() is None and not kernel_mode.get().reference


def a_helper_is_busy() -> bool:
    """Whether one does, or is about to do, what the caller left to it."""
    team = Threads.teams.own
    return len(team.under_way) > 0 or len(team.futures) > 0


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
