"""Threads of NumPy's BLAS: its own share out every single product, unless it is told not to."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, ClassVar

from minigrad.forking import in_forked_child
from minigrad.locking import Lock

__all__ = ["get_blas_threads", "on_own_threads", "set_blas_threads"]


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
    """Who wants BLAS on one thread just now, and how many threads it had before the first of them.

    The latter it has again after the last of them, whatever it was told meanwhile.
    """

    lock = Lock()
    callers: ClassVar[set[object]] = set()
    before: int | None = None  # None: nobody has changed it


def on_own_threads(work: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: while ``work`` runs, a product is computed by the thread that asks for it, not by threads of BLAS.

    May be nested. BLAS knows one number for the whole process: products that other threads ask for meanwhile are
    computed so too. Whatever ends ``work``, Ctrl-C too, BLAS has its threads again; to look for signals where a
    ``with`` statement ends would be too early.
    """

    @functools.wraps(work)
    def work_on_own_threads(*args: Any, **kwargs: Any) -> Any:
        caller = object()
        try:
            begin(caller)
            return work(*args, **kwargs)
        finally:
            try:
                end(caller)
            except BaseException:  # Ctrl-C, which has its way when this is done
                end(caller)
                raise

    return work_on_own_threads


def begin(caller: object) -> None:
    """Let BLAS compute on one thread, for this caller too."""
    with _OfBlas.lock:
        _OfBlas.callers.add(caller)
        if _OfBlas.before is None and get_blas_threads is not None:
            before = get_blas_threads()
            if before > 1:
                _OfBlas.before = before
                set_blas_threads(1)


def end(caller: object) -> None:
    """Let BLAS have its threads again, where no other caller is left. Once more does no harm."""
    with _OfBlas.lock:
        _OfBlas.callers.discard(caller)
        if not _OfBlas.callers:
            give_threads_back()


def give_threads_back() -> None:
    """Tell BLAS the number of threads that it had, if it was changed."""
    if _OfBlas.before is not None:
        set_blas_threads(_OfBlas.before)
        _OfBlas.before = None


@in_forked_child
def forget_callers() -> None:
    """Nobody computes in the child of a fork."""
    _OfBlas.lock = Lock()
    _OfBlas.callers.clear()
    give_threads_back()
