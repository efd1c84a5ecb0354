"""Threads of NumPy's BLAS: its own share out every single product, unless it is told not to."""

from __future__ import annotations

import ctypes
import os
import threading
from contextlib import ContextDecorator
from importlib.util import find_spec
from types import TracebackType
from typing import Any

__all__ = ["get_blas_threads", "on_own_threads"]


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


def forget_callers() -> None:
    """In the child of a fork, which has none of its parent's threads."""
    _OfBlas.lock = threading.Lock()
    if _OfBlas.callers and _OfBlas.before > 1:
        set_blas_threads(_OfBlas.before)
    _OfBlas.callers = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_callers)
