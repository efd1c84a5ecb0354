"""Parts of a kernel's work on several threads at once.

NumPy lets go of Python's lock while it computes, so as many threads compute as many parts at the same time. The caller
is one of them: with one thread, or one part, nothing is started, and a debugger sees plain calls;
``set_num_threads(1)`` keeps it so. Meanwhile NumPy's BLAS, which would share out every single product among threads of
its own, is told not to: both at once would be twice as many threads as processors.
"""

from __future__ import annotations

import ctypes
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["get_num_threads", "set_num_threads", "share_out", "share_out_elements", "shares", "spans"]

FEWEST_ELEMENTS = 1 << 18  # that a thread is woken for


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


class _Threads:
    """How many threads compute, and those that wait to help the caller."""

    count = 1
    helpers: ThreadPoolExecutor | None = None


def default_count() -> int:
    """What ``OMP_NUM_THREADS`` says, as for PyTorch and for BLAS; otherwise as many as this process has processors."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdecimal() and int(wish) > 0:
        return int(wish)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def forget_helpers() -> None:
    """In the child of a fork, which has none of its parent's threads."""
    _Threads.helpers = None


_Threads.count = default_count()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_helpers)


def get_num_threads() -> int:
    """How many threads a kernel computes on. Counterpart: ``torch.get_num_threads``."""
    return _Threads.count


def set_num_threads(count: int) -> None:
    """Let kernels compute on ``count`` threads. Matrix products keep the number that NumPy's BLAS was started with.

    Counterpart: ``torch.set_num_threads``.

    Raises:
        RuntimeError: ``count`` is no positive integer.
    """
    if not isinstance(count, int) or isinstance(count, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(count).__name__}")
    if count <= 0:
        raise RuntimeError(f"set_num_threads expects a positive integer, but got {count}")
    if _Threads.helpers is not None:
        _Threads.helpers.shutdown(wait=False)
    _Threads.count, _Threads.helpers = count, None


def share_out(work: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """``work(part)`` of every one of ``parts``, in their order, computed by the caller and its helpers side by side.

    Work on one part must not write where work on another reads or writes. The first error is raised, when all is done.
    """
    helping = min(_Threads.count, len(parts)) - 1
    if helping <= 0:
        return [work(part) for part in parts]
    if _Threads.helpers is None:
        _Threads.helpers = ThreadPoolExecutor(_Threads.count - 1, thread_name_prefix="minigrad")
    results: list[Any] = [None] * len(parts)
    waiting = deque(enumerate(parts))  # whoever is free takes the next one
    of_blas = 1 if get_blas_threads is None else get_blas_threads()
    if of_blas > 1:
        set_blas_threads(1)
    futures = [_Threads.helpers.submit(take_parts, work, waiting, results) for _ in range(helping)]
    try:
        take_parts(work, waiting, results)
    finally:
        waiting.clear()
        for future in futures:
            if not future.cancel():
                future.result()
        if of_blas > 1:
            set_blas_threads(of_blas)
    return results


def take_parts(work: Callable[[Any], Any], waiting: deque[tuple[int, Any]], results: list[Any]) -> None:
    """Work on the parts that wait until there are none."""
    while waiting:
        try:
            number, part = waiting.popleft()
        except IndexError:  # another thread was faster
            return
        results[number] = work(part)


def spans(count: int, least: int = 1) -> list[tuple[int, int]]:
    """0 … count in even spans (first, end), one for each thread, as long as each has at least ``least``."""
    several = max(1, min(_Threads.count, count // least))
    bounds = [count * number // several for number in range(several + 1)]
    return list(pairwise(bounds))


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


def shares(parts: Sequence[Any]) -> list[Sequence[Any]]:
    """``parts`` in even shares, one for each thread and none of them empty: each thread adds up one."""
    return [parts[first:end] for first, end in spans(len(parts))]
