"""One call on both engines: the same result, or the same type of exception. For what has no gradient to compare."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import torch

import minigrad
from comparisons.harness import Mismatch, compare_values, dtype_name, is_tensor

__all__ = ["check_outcome", "check_outcomes", "check_program", "outcome"]


def check_outcome(name: str, call: Callable[[Any], Any], engine: Any = minigrad) -> None:
    """Assert that ``call(engine)`` returns the same on both engines, or raises an exception of one type.

    Tensors are compared by shape, type and value, float64 to its tolerance and shorter types to float32's; sequences
    element by element; anything else by its text.

    Raises:
        Mismatch: with what each engine gave.

    >>> import comparisons
    >>> comparisons.check_outcome("index", lambda engine: engine.ones(2)[5])  # both raise an IndexError
    """
    check_outcomes(name, outcome(call, engine), outcome(call, torch), engine.__name__)


def check_outcomes(name: str, ours: Any, theirs: Any, engine: str = "minigrad") -> None:
    """Raise a Mismatch unless two outcomes are equal results, or exceptions of one type."""
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        if type(ours) is not counterpart(type(theirs)):
            raise Mismatch(f"{name}: ours gave {ours!r}, theirs {theirs!r}")
    else:
        check_equal(name, ours, theirs, engine)


def counterpart(kind: type) -> type:
    """The type of exception that minigrad raises where PyTorch raises ``kind``: the same one, unless it is its own."""
    return minigrad.linalg.LinAlgError if kind is torch.linalg.LinAlgError else kind


def check_program(name: str, program: Callable[[Any], Any]) -> None:
    """:func:`check_outcome` of a whole program, whose warnings must be of the same kinds too."""
    kinds = []

    def watched(engine: Any) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                return program(engine)
            finally:
                kinds.append({each.category for each in caught} - {RuntimeWarning})

    check_outcome(name, watched)
    if kinds[0] != kinds[1]:
        raise Mismatch(f"{name}: ours warned with {kinds[0]}, theirs with {kinds[1]}")


def outcome(call: Callable[[Any], Any], engine: Any) -> Any:
    """What ``call(engine)`` returns, or the exception that it raises."""
    try:
        return call(engine)
    except Exception as error:
        return error


def check_equal(name: str, ours: Any, theirs: Any, engine: str) -> None:
    """Raise a Mismatch unless two results are equal."""
    if is_tensor(ours) and is_tensor(theirs):
        compare_values(name, ours, theirs, "float64" if dtype_name(theirs) == "float64" else "float32").check()
    elif isinstance(ours, dict) and isinstance(theirs, dict):
        check_equal(f"{name}, keys", list(ours), list(theirs), engine)
        check_equal(name, list(ours.values()), list(theirs.values()), engine)
    elif isinstance(ours, (list, tuple)) and isinstance(theirs, (list, tuple)):
        if len(ours) != len(theirs):
            raise Mismatch(f"{name}: ours has {len(ours)} items, theirs {len(theirs)}")
        for position, (first, second) in enumerate(zip(ours, theirs)):
            check_equal(f"{name}, item {position}", first, second, engine)
    elif as_text(ours).replace(engine, "torch") != as_text(theirs):
        raise Mismatch(f"{name}: ours gave {ours!r}, theirs {theirs!r}")


def as_text(value: Any) -> str:
    """``repr``, a class by its name alone, and without addresses in memory."""
    return value.__name__ if isinstance(value, type) else re.sub("0x[0-9a-f]+", "", repr(value))
