"""One call on both engines: the same result, or the same type of exception. For what has no gradient to compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

import minigrad
from comparisons.harness import Mismatch, compare_values, dtype_name

__all__ = ["check_outcome", "check_outcomes", "outcome"]

TENSORS = (minigrad.Tensor, torch.Tensor)


def check_outcome(name: str, call: Callable[[Any], Any]) -> None:
    """Assert that ``call(engine)`` returns the same on both engines, or raises an exception of one type.

    Tensors are compared by shape, type and value, float64 to its tolerance and shorter types to float32's; sequences
    element by element; anything else by its text.

    Raises:
        Mismatch: with what each engine gave.
    """
    check_outcomes(name, outcome(call, minigrad), outcome(call, torch))


def check_outcomes(name: str, ours: Any, theirs: Any) -> None:
    """Raise a Mismatch unless two outcomes are equal results, or exceptions of one type."""
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        if type(ours) is not type(theirs):
            raise Mismatch(f"{name}: ours gave {ours!r}, theirs {theirs!r}")
    else:
        check_equal(name, ours, theirs)


def outcome(call: Callable[[Any], Any], engine: Any) -> Any:
    """What ``call(engine)`` returns, or the exception that it raises."""
    try:
        return call(engine)
    except Exception as error:
        return error


def check_equal(name: str, ours: Any, theirs: Any) -> None:
    """Raise a Mismatch unless two results are equal."""
    if isinstance(ours, TENSORS) and isinstance(theirs, TENSORS):
        compare_values(name, ours, theirs, "float64" if dtype_name(theirs) == "float64" else "float32").check()
    elif isinstance(ours, (list, tuple)) and isinstance(theirs, (list, tuple)):
        if len(ours) != len(theirs):
            raise Mismatch(f"{name}: ours has {len(ours)} items, theirs {len(theirs)}")
        for position, (first, second) in enumerate(zip(ours, theirs)):
            check_equal(f"{name}, item {position}", first, second)
    elif repr(ours).replace("minigrad", "torch") != repr(theirs):
        raise Mismatch(f"{name}: ours gave {ours!r}, theirs {theirs!r}")
