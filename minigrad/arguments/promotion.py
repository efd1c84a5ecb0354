"""Type promotion: which type an operation on two types computes in, by PyTorch's rules.

Three categories are ordered: bool < integer < floating point. Of each category only the most important kind of
operand counts: a tensor with dimensions before a zero-dimensional tensor before a Python number. So a float32 matrix
stays float32 whatever number it is multiplied by, and an integer matrix becomes floating (the default type) when the
number is a float. NumPy's rules differ: there int64 with float32 is float64. Source: PyTorch's ``result_type``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.dtypes import FLOATS, NARROW, limits_of
from minigrad.kernels.bfloat16 import ARRAYS

__all__ = ["CATEGORY", "check_operand", "combine", "dtype_of_operand", "in_default_float", "in_opmath"]
__all__ += ["is_foreign", "number_as", "promote", "result_dtype", "scalar_as", "type_name"]


CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2}

NUMBERS = (float, int)  # the types of numbers that take a floating tensor's type, whatever their size …
EXACT = 2**53  # … up to this one: integers that float64 holds exactly
PRECISE = "fd"  # NumPy's codes of float32 and float64; to float16 no factor or divisor is rounded


def dtype_of_operand(operand: Any) -> np.dtype:
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
    if first.kind in FLOATS and second.kind not in FLOATS:
        return first
    if second.kind in FLOATS and first.kind not in FLOATS:
        return second
    if first != second and first in NARROW and second in NARROW:
        return np.dtype(np.float32)
    return np.promote_types(first, second)


def result_dtype(*operands: Any) -> np.dtype:
    """The NumPy type in which PyTorch computes an operation on ``operands`` (arrays, Python numbers).

    Beside an array NumPy's numbers, such as ``np.float32(0.1)``, count as Python's. Alone they are what operations of
    NumPy's make of arrays without dimensions, and count as such.
    """
    if not ARRAYS.isdisjoint(map(type, operands)):
        operands = tuple([each.item() if isinstance(each, np.generic) else each for each in operands])
    by_rank: list[np.dtype | None] = [None, None, None]  # with dimensions, zero-dimensional, Python numbers
    for operand in operands:
        kind = dtype_of_operand(operand)
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
        if is_foreign(operand):
            raise TypeError(
                f"expected a minigrad.Tensor or a number, but got a {type_name(operand)}: make it one of minigrad's, "
                f"for instance by minigrad.tensor(x.numpy())"
            )
        raise TypeError(f"expected a Tensor or a number, but got {type(operand).__name__}")


def is_foreign(value: Any) -> bool:
    """True for a tensor of another library, such as PyTorch's: what can be handed over, and is no NumPy array and none
    of minigrad's own, which count their changes."""
    return hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray) and not hasattr(value, "_version_counter")


def type_name(value: Any) -> str:
    """The name of a value's type, with its module where the name alone could be mistaken for minigrad's."""
    kind = type(value)
    return f"{kind.__module__}.{kind.__name__}" if is_foreign(value) else kind.__name__


def number_as(number: Any, kind: np.dtype) -> np.ndarray:
    """A Python number that is to be of the type ``kind``: what fills a tensor, bounds it, or weighs a part of a sum.

    A fraction is cut off for an integer type; an unsigned type takes negative integers modulo its range, as C does;
    infinities and NaN fit every floating type. Beside this a number that is an operand, as in ``x + number``, is
    promoted with x and then wraps: :func:`promote`.

    Raises:
        OverflowError: it is an integer beyond 64 bits.
        RuntimeError: the type does not reach so far.
    """
    check_operand(number)
    number = number.item() if isinstance(number, np.generic) else number
    if kind.kind == "b":
        return np.asarray(number, kind)
    if kind.kind in FLOATS:
        largest = float(limits_of(kind).max)
        fits = abs(number) <= largest or not math.isfinite(number)
    else:
        limits = np.iinfo(kind)
        lowest = -limits.max if kind.kind == "u" and isinstance(number, int) else limits.min
        fits = lowest <= number <= limits.max
    if not fits:
        raise RuntimeError(f"value {number} cannot be converted to type {kind.name} without overflow")
    return np.asarray(number if kind.kind in FLOATS else int(number)).astype(kind)


def promote(*operands: Any, floating: bool = False) -> tuple[Any, ...]:
    """The operands as arrays of the one type in which PyTorch computes; with ``floating`` not of integers or bools."""
    for operand in operands:
        check_operand(operand)
    kind = result_dtype(*operands)
    if floating and kind.kind not in FLOATS:
        kind = dtypes.get_default_dtype().numpy
    return tuple([as_array(operand).astype(kind, copy=False) for operand in operands])


def as_array(operand: Any) -> np.ndarray:
    """``operand`` as what a tensor's numbers lie in."""
    return operand if type(operand) in ARRAYS else np.asarray(operand)


def scalar_as(number: Any, kind: np.dtype) -> np.ndarray:
    """As :func:`number_as`, of a number that becomes a tensor of no dimension: what is beyond float16 is infinite."""
    return np.asarray(number).astype(kind) if kind in NARROW else number_as(number, kind)


def in_opmath(x: Any) -> Any:
    """``x`` as it is, but float16 and bfloat16 in float32: in what PyTorch calls the opmath type an operation computes
    with numbers beside the tensor, so that they need only fit this one."""
    return x.astype(np.float32) if x.dtype in NARROW else x


def in_default_float(x: Any) -> Any:
    """``x`` as it is where floating, else in the default floating type: what sqrt, exp and mean compute in."""
    return x if x.dtype.kind in FLOATS else x.astype(dtypes.get_default_dtype().numpy)
