"""What type a tensor has, and what type two have together: questions about types, answered without computing.

Each is a function of ``minigrad`` and, where the tensor comes first, a method of ``Tensor``, as in PyTorch. The rules
of promotion: ``arguments/promotion.py``. The ranges of the types: ``finfo`` and ``iinfo`` in ``dtypes.py``.
"""

from __future__ import annotations

from typing import Any

from minigrad import dtypes
from minigrad.arguments.gate import checked, welcoming
from minigrad.arguments.promotion import CATEGORY, check_operand, combine, result_dtype
from minigrad.dtypes import FLOATS
from minigrad.graph.node import Tensor

__all__ = ["can_cast", "is_complex", "is_floating_point", "is_nonzero", "is_same_size", "is_signed", "promote_types"]
__all__ += ["conj", "conj_physical", "is_conj", "is_inference", "is_neg", "real", "resolve_conj", "resolve_neg"]
__all__ += ["result_type"]


@checked
def is_floating_point(input: Tensor) -> bool:
    """True for float16, float32 and float64."""
    return input.array.dtype.kind in FLOATS


@checked
def is_complex(input: Tensor) -> bool:
    """Always False: minigrad has real numbers only."""
    return False


@checked
def conj(input: Tensor) -> Tensor:
    """The tensor itself: numbers are real. Shapes: any."""
    return input


# What PyTorch does for complex numbers alone.
is_conj = is_neg = is_complex
conj_physical = real = resolve_conj = resolve_neg = conj


@checked
def is_inference(input: Tensor) -> bool:
    """True for a tensor made in inference mode."""
    return input.is_inference()


@checked
def is_signed(input: Tensor) -> bool:
    """True for a type with negative numbers."""
    return input.dtype.is_signed


@checked
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero.

    Raises:
        RuntimeError: there is not exactly one.
    """
    return bool(input)


@checked
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """True where both have one shape."""
    return input.array.shape == other.array.shape


def promote_types(type1: Any, type2: Any) -> Any:
    """The smallest type to which tensors of both types are converted in one operation.

    >>> minigrad.promote_types(minigrad.int32, minigrad.float16)
    minigrad.float16
    """
    check_dtypes("promote_types", type1=type1, type2=type2)
    return dtypes.from_numpy_dtype(combine(type1.numpy, type2.numpy))


@welcoming
def result_type(tensor: Any, other: Any) -> Any:
    """The type of an operation on two tensors or numbers.

    Raises:
        TypeError: one is neither.

    >>> minigrad.result_type(minigrad.tensor([1, 2]), 1.5)
    minigrad.float32
    """
    operands = [each.array if isinstance(each, Tensor) else each for each in (tensor, other)]
    for each in operands:
        check_operand(each)
    return dtypes.from_numpy_dtype(result_dtype(*operands))


def can_cast(from_: Any, to: Any) -> bool:
    """Whether an in-place operation may write a result of one type to a tensor of another: no float to integers, and
    nothing but bools to bools."""
    check_dtypes("can_cast", from_=from_, to=to)
    return CATEGORY[from_.numpy.kind] <= CATEGORY[to.numpy.kind]


def check_dtypes(function: str, **types: Any) -> None:
    """Raise PyTorch's TypeError unless every argument is a type."""
    for position, (name, value) in enumerate(types.items(), 1):
        if not isinstance(value, dtypes.dtype):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be minigrad.dtype, not "
                f"{type(value).__name__}"
            )
