"""The error of what does not fit into memory: PyTorch's kind, and Python's.

Everything that makes large arrays raises it from one of few frames: operations from ``Function.apply`` and
``Function.compute``, rules from the engine's ``walk_backward``, what is no operation from where it is decorated.
"""

from __future__ import annotations

import functools
import math
import os
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from minigrad.caller import is_own_file

__all__ = ["OutOfMemoryError", "is_users", "out_of_memory", "says_out_of_memory", "says_overflow"]

NUMPY = os.path.dirname(np.__file__) + os.sep, "numpy/"  # and so its compiled files are called
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


class OutOfMemoryError(RuntimeError, MemoryError):
    """There is not as much memory. PyTorch raises a RuntimeError on the CPU, Python a MemoryError: it is both."""


def out_of_memory(error: MemoryError) -> MemoryError:
    """``error``, which NumPy or Python raised, as one of this kind."""
    if isinstance(error, OutOfMemoryError):
        return error
    shape, kind = getattr(error, "shape", None), getattr(error, "dtype", None)  # NumPy says them
    tried = f" {error}" if type(error) is MemoryError else ""
    if shape is not None and kind is not None:
        tried = f" you tried to allocate {math.prod(shape) * kind.itemsize} bytes, for shape {list(shape)} of {kind}."
    return OutOfMemoryError(f"DefaultCPUAllocator: can't allocate memory:{tried} Use smaller tensors, or fewer.")


def is_users(error: BaseException) -> bool:
    """Whether a function of the user's raised ``error``, one that minigrad called, or what it called in turn but NumPy:
    such an error arrives as it is.
    """
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    return not is_own_file([each for each in files if not each.startswith(NUMPY)][-1])


def says_overflow(error: ValueError) -> bool:
    """Whether NumPy says that an array would have more bytes than 64 bits can count."""
    return str(error).startswith(("array is too big", "Maximum allowed"))


def says_out_of_memory(function: AnyFunction) -> AnyFunction:
    """A decorator: ``function`` raises :class:`OutOfMemoryError` where memory does not suffice."""

    @functools.wraps(function)
    def translating(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except MemoryError as error:
            if is_users(error):
                raise
            raise out_of_memory(error) from None

    return translating  # type: ignore[return-value]
