"""Division with a remainder. The rules: ``ops/division.py``; plain division is in ``elementwise.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``; a name that ends in ``_`` works in place.
"""

from __future__ import annotations

from typing import Any

from minigrad import creation, inplace, ops
from minigrad.functions.arguments import check_tensors
from minigrad.functions.elementwise import check_number
from minigrad.graph.node import Tensor

__all__ = ["floor_divide", "floor_divide_", "fmod", "fmod_", "remainder", "remainder_"]


def floor_divide(input: Any, other: Any) -> Tensor:
    """``input // other``, rounded towards minus infinity; it has no gradient, as in PyTorch.

    Raises:
        RuntimeError: an integer is divided by zero.
        NotImplementedError: both operands are bools.
    """
    if isinstance(other, Tensor):
        if isinstance(input, Tensor):
            return ops.division.FloorDivide.apply(input, other)
        return ops.division.FloorDivideNumber.apply(other, number=input)
    if not isinstance(input, Tensor):
        input = creation.tensor(check_number("floor_divide", input))
    return ops.division.FloorDivideByNumber.apply(input, number=other)


def floor_divide_(input: Tensor, other: Any) -> Tensor:
    """:func:`floor_divide`, in place."""
    if isinstance(other, Tensor):
        return inplace.run(input, "floor_divide_", ops.division.FloorDivide, other)
    return inplace.run(input, "floor_divide_", ops.division.FloorDivideByNumber, number=other)


def remainder(input: Any, other: Any) -> Tensor:
    """``input % other``: what is left of ``input`` after whole times ``other``, with the sign of ``other``.

    Raises:
        RuntimeError: an integer is divided by zero.
        NotImplementedError: both operands are bools.
    """
    if isinstance(other, Tensor):
        if isinstance(input, Tensor):
            return ops.division.Remainder.apply(input, other)
        return ops.division.RemainderOfNumber.apply(other, number=input)
    return ops.division.RemainderByNumber.apply(input, number=other)


def remainder_(input: Tensor, other: Any) -> Tensor:
    """:func:`remainder`, in place."""
    if isinstance(other, Tensor):
        return inplace.run(input, "remainder_", ops.division.Remainder, other)
    return inplace.run(input, "remainder_", ops.division.RemainderByNumber, number=other)


def fmod(input: Tensor, other: Any) -> Tensor:
    """As :func:`remainder`, with the sign of ``input``."""
    check_tensors("fmod", input=input)
    if isinstance(other, Tensor):
        return ops.division.Fmod.apply(input, other)
    return ops.division.FmodByNumber.apply(input, number=other)


def fmod_(input: Tensor, other: Any) -> Tensor:
    """:func:`fmod`, in place."""
    if isinstance(other, Tensor):
        return inplace.run(input, "fmod_", ops.division.Fmod, other)
    return inplace.run(input, "fmod_", ops.division.FmodByNumber, number=other)
