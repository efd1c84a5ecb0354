"""Type promotion: which type an operation on two types computes in, by PyTorch's rules.

Three categories are ordered: bool < integer < floating point. Of each category only the most important kind of
operand counts: a tensor with dimensions before a zero-dimensional tensor before a Python number. So a float32 matrix
stays float32 whatever number it is multiplied by, and an integer matrix becomes floating (the default type) when the
number is a float. NumPy's rules differ: there int64 with float32 is float64. Source: PyTorch's ``result_type``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes

__all__ = ["CATEGORY", "check_operand", "combine", "in_default_float", "number_as", "promote", "result_dtype"]


CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}

NUMBERS = (float, int)  # the types of numbers that take a floating tensor's type, whatever their size …
EXACT = 2**53  # … up to this one: integers that float64 holds exactly


def _numpy_dtype(operand: Any) -> np.dtype:
    """The type that an operand brings along: a Python number brings bool, int64 or the default floating type."""
    if isinstance(operand, (np.ndarray, np.generic)):
        return operand.dtype
    if isinstance(operand, bool):
        return np.dtype(np.bool_)
    if isinstance(operand, int):
        return np.dtype(np.int64)
    return dtypes.get_default_dtype().numpy


def combine(first: np.dtype, second: np.dtype) -> np.dtype:
    """The type of two operands of equal rank: a floating one wins over integers whatever the sizes."""
    if first.kind == "f" and second.kind != "f":
        return first
    if second.kind == "f" and first.kind != "f":
        return second
    return np.promote_types(first, second)


def result_dtype(*operands: Any) -> np.dtype:
    """The NumPy type in which PyTorch computes an operation on ``operands`` (arrays, Python numbers)."""
    by_rank: list[np.dtype | None] = [None, None, None]  # with dimensions, zero-dimensional, Python numbers
    for operand in operands:
        kind = _numpy_dtype(operand)
        if not isinstance(operand, (np.ndarray, np.generic)):
            rank = 2
        else:
            rank = 1 if operand.ndim == 0 else 0
        so_far = by_rank[rank]
        by_rank[rank] = kind if so_far is None else combine(so_far, kind)
    result: np.dtype | None = None
    for kind_of_rank in by_rank:
        if kind_of_rank is None:
            continue
        if result is None:
            result = kind_of_rank
        elif CATEGORY[kind_of_rank.kind] > CATEGORY[result.kind]:
            result = combine(result, kind_of_rank)
    if result is None:
        raise TypeError("result_dtype() needs at least one operand")
    return result


def check_operand(operand: Any) -> None:
    """Raise a TypeError unless ``operand`` is an array or a Python number, and an OverflowError beyond 64 bits."""
    if isinstance(operand, int):
        if not -(2**63) <= operand < 2**64:
            raise OverflowError(f"int too big to convert: {operand} does not fit in 64 bits")
    elif not isinstance(operand, (np.ndarray, np.generic, float)):
        raise TypeError(f"expected a Tensor or a number, but got {type(operand).__name__}")


def number_as(number: Any, kind: np.dtype) -> np.ndarray:
    """A Python number in the type ``kind``; an unsigned type takes negative numbers modulo its range, as C does.

    Raises:
        RuntimeError: it is too large for the type.
    """
    if kind.kind not in "iu":
        return np.asarray(number, kind)
    largest = int(np.iinfo(kind).max)
    lowest = -largest if kind.kind == "u" else int(np.iinfo(kind).min)
    if not lowest <= number <= largest:  # so written, it refuses NaN
        raise RuntimeError(f"value {number} cannot be converted to type {kind.name} without overflow")
    return np.asarray(int(number)).astype(kind)


def promote(*operands: Any) -> tuple[Any, ...]:
    """The operands as arrays of the one type in which PyTorch computes."""
    for operand in operands:
        check_operand(operand)
    kind = result_dtype(*operands)
    return tuple([np.asarray(operand).astype(kind, copy=False) for operand in operands])


def in_default_float(x: Any) -> Any:
    """``x`` as it is where floating, else in the default floating type: what sqrt, exp and mean compute in."""
    return x if x.dtype.kind == "f" else x.astype(dtypes.get_default_dtype().numpy)
