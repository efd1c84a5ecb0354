"""Comparisons, tests and logic: what is equal, smaller, finite, true; and bits. None has a gradient.

Each is a function of ``minigrad`` and, where the tensor comes first, a method of ``Tensor``, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import inplace, ops
from minigrad.functions import types
from minigrad.functions.arguments import check_tensors
from minigrad.graph.grad_mode import no_grad
from minigrad.graph.node import Tensor

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_and_",
    "bitwise_left_shift",
    "bitwise_left_shift_",
    "bitwise_not",
    "bitwise_not_",
    "bitwise_or",
    "bitwise_or_",
    "bitwise_right_shift",
    "bitwise_right_shift_",
    "bitwise_xor",
    "bitwise_xor_",
    "eq",
    "eq_",
    "equal",
    "ge",
    "ge_",
    "greater",
    "greater_",
    "greater_equal",
    "greater_equal_",
    "gt",
    "gt_",
    "is_tensor",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "le",
    "le_",
    "less",
    "less_",
    "less_equal",
    "less_equal_",
    "logical_and",
    "logical_and_",
    "logical_not",
    "logical_not_",
    "logical_or",
    "logical_or_",
    "logical_xor",
    "logical_xor_",
    "lt",
    "lt_",
    "ne",
    "ne_",
    "not_equal",
    "not_equal_",
]


def eq(input: Tensor, other: Any) -> Tensor:
    """Where the two are equal; NaN equals nothing. Shapes: broadcast; bool."""
    return ops.nondifferentiable.compare(np.equal, input, other)


def eq_(input: Tensor, other: Any) -> Tensor:
    """1 where it holds, 0 elsewhere, in the type of ``input``."""
    return overwrite(input, other, eq(input, other), "eq_", ops.overwriting.Eq)


def ne(input: Tensor, other: Any) -> Tensor:
    """Where the two differ; NaN differs from everything. Shapes: broadcast; bool."""
    return ops.nondifferentiable.compare(np.not_equal, input, other)


def ne_(input: Tensor, other: Any) -> Tensor:
    """1 where it holds, 0 elsewhere, in the type of ``input``."""
    return overwrite(input, other, ne(input, other), "ne_", ops.overwriting.Ne)


def lt(input: Tensor, other: Any) -> Tensor:
    """Where ``input < other``. Shapes: broadcast; bool."""
    return ops.nondifferentiable.compare(np.less, input, other)


def lt_(input: Tensor, other: Any) -> Tensor:
    """1 where it holds, 0 elsewhere, in the type of ``input``."""
    return overwrite(input, other, lt(input, other), "lt_", ops.overwriting.Lt)


def le(input: Tensor, other: Any) -> Tensor:
    """Where ``input <= other``. Shapes: broadcast; bool."""
    return ops.nondifferentiable.compare(np.less_equal, input, other)


def le_(input: Tensor, other: Any) -> Tensor:
    """1 where it holds, 0 elsewhere, in the type of ``input``."""
    return overwrite(input, other, le(input, other), "le_", ops.overwriting.Le)


def gt(input: Tensor, other: Any) -> Tensor:
    """Where ``input > other``. Shapes: broadcast; bool."""
    return ops.nondifferentiable.compare(np.greater, input, other)


def gt_(input: Tensor, other: Any) -> Tensor:
    """1 where it holds, 0 elsewhere, in the type of ``input``."""
    return overwrite(input, other, gt(input, other), "gt_", ops.overwriting.Gt)


def ge(input: Tensor, other: Any) -> Tensor:
    """Where ``input >= other``. Shapes: broadcast; bool."""
    return ops.nondifferentiable.compare(np.greater_equal, input, other)


def ge_(input: Tensor, other: Any) -> Tensor:
    """1 where it holds, 0 elsewhere, in the type of ``input``."""
    return overwrite(input, other, ge(input, other), "ge_", ops.overwriting.Ge)


def overwrite(input: Tensor, other: Any, result: Tensor, name: str, operation: Any) -> Tensor:
    """Let ``input`` become ``result``, converted to its type: the gradients of ``input`` and ``other`` are zero."""
    return inplace.overwrite(input, name, operation, result.array, other)


def replace(input: Tensor, result: Tensor, name: str) -> Tensor:
    """Let ``input`` become ``result``, converted to its type. The graph does not learn of it, as in PyTorch."""
    inplace.check_changeable(input, name)
    with no_grad():
        return inplace.become(input, result.to(input.dtype), name)


def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """What is not zero counts as true. Both are tensors."""
    check_tensors("logical_and", input=input, other=other)
    return ops.nondifferentiable.compare(np.logical_and, input, other)


def logical_and_(input: Tensor, other: Tensor) -> Tensor:
    """:func:`logical_and`, in place."""
    return replace(input, logical_and(input, other), "logical_and_")


def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """What is not zero counts as true. Both are tensors."""
    check_tensors("logical_or", input=input, other=other)
    return ops.nondifferentiable.compare(np.logical_or, input, other)


def logical_or_(input: Tensor, other: Tensor) -> Tensor:
    """:func:`logical_or`, in place."""
    return replace(input, logical_or(input, other), "logical_or_")


def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """What is not zero counts as true. Both are tensors."""
    check_tensors("logical_xor", input=input, other=other)
    return ops.nondifferentiable.compare(np.logical_xor, input, other)


def logical_xor_(input: Tensor, other: Tensor) -> Tensor:
    """:func:`logical_xor`, in place."""
    return replace(input, logical_xor(input, other), "logical_xor_")


def logical_not(input: Tensor) -> Tensor:
    """Where 0 or False. Shape: that of ``input``; bool."""
    return ops.nondifferentiable.test_each(np.logical_not, input)


def logical_not_(input: Tensor) -> Tensor:
    """:func:`logical_not`, in place."""
    return replace(input, logical_not(input), "logical_not_")


def bitwise_not(input: Tensor) -> Tensor:
    """Every bit flipped; for bools, not.

    Raises:
        NotImplementedError: the type is floating.
    """
    check_tensors("bitwise_not", input=input)
    if input.is_floating_point():
        raise NotImplementedError(f'"bitwise_not_cpu" not implemented for {input.dtype}: use integers or bools')
    return ops.nondifferentiable.invert(input)


def bitwise_not_(input: Tensor) -> Tensor:
    """:func:`bitwise_not`, in place."""
    inplace.check_changeable(input, "bitwise_not_")
    return replace(input, bitwise_not(input), "bitwise_not_")


def bitwise_and(input: Any, other: Any) -> Tensor:
    """The bits set in both, or both of two bools.

    Raises:
        NotImplementedError: a type is of floating point.
    """
    return ops.nondifferentiable.bitwise(np.bitwise_and, input, other)


def bitwise_and_(input: Tensor, other: Any) -> Tensor:
    """:func:`bitwise_and`, in place."""
    return fit(input, bitwise_and, other, "bitwise_and_")


def bitwise_or(input: Any, other: Any) -> Tensor:
    """The bits set in either, or either of two bools.

    Raises:
        NotImplementedError: a type is of floating point.
    """
    return ops.nondifferentiable.bitwise(np.bitwise_or, input, other)


def bitwise_or_(input: Tensor, other: Any) -> Tensor:
    """:func:`bitwise_or`, in place."""
    return fit(input, bitwise_or, other, "bitwise_or_")


def bitwise_xor(input: Any, other: Any) -> Tensor:
    """The bits set in one and not in the other.

    Raises:
        NotImplementedError: a type is of floating point.
    """
    return ops.nondifferentiable.bitwise(np.bitwise_xor, input, other)


def bitwise_xor_(input: Tensor, other: Any) -> Tensor:
    """:func:`bitwise_xor`, in place."""
    return fit(input, bitwise_xor, other, "bitwise_xor_")


def bitwise_left_shift(input: Any, other: Any) -> Tensor:
    """``input << other``: the bits moved up by ``other`` places.

    Raises:
        NotImplementedError: a type is of floating point, or both are bools.
    """
    return ops.nondifferentiable.bitwise(np.left_shift, input, other)


def bitwise_left_shift_(input: Tensor, other: Any) -> Tensor:
    """:func:`bitwise_left_shift`, in place."""
    return fit(input, bitwise_left_shift, other, "bitwise_left_shift_")


def bitwise_right_shift(input: Any, other: Any) -> Tensor:
    """``input >> other``: the bits moved down by ``other`` places.

    Raises:
        NotImplementedError: a type is of floating point, or both are bools.
    """
    return ops.nondifferentiable.bitwise(np.right_shift, input, other)


def bitwise_right_shift_(input: Tensor, other: Any) -> Tensor:
    """:func:`bitwise_right_shift`, in place."""
    return fit(input, bitwise_right_shift, other, "bitwise_right_shift_")


def fit(input: Tensor, operation: Any, other: Any, name: str) -> Tensor:
    """Let ``input`` become ``operation(input, other)``, where its type can hold the result."""
    inplace.check_changeable(input, name)
    inplace.check_castable(input, types.result_type(input, other).numpy)
    return inplace.become(input, operation(input, other), name)


def isnan(input: Tensor) -> Tensor:
    """Where NaN. Shape: that of ``input``; bool."""
    return ops.nondifferentiable.test_each(np.isnan, input)


def isinf(input: Tensor) -> Tensor:
    """Where infinite, of either sign. Shape: that of ``input``; bool."""
    return ops.nondifferentiable.test_each(np.isinf, input)


def isfinite(input: Tensor) -> Tensor:
    """Where neither infinite nor NaN. Shape: that of ``input``; bool."""
    return ops.nondifferentiable.test_each(np.isfinite, input)


def equal(input: Tensor, other: Tensor) -> bool:
    """True where shape and every value agree; NaN equals nothing."""
    check_tensors("equal", input=input, other=other)
    return bool(np.array_equal(input.array, other.array))


def isposinf(input: Tensor) -> Tensor:
    """Where plus infinity. Shape: that of ``input``; bool."""
    return ops.nondifferentiable.compare(np.equal, input, np.inf)


def isneginf(input: Tensor) -> Tensor:
    """Where minus infinity. Shape: that of ``input``; bool."""
    return ops.nondifferentiable.compare(np.equal, input, -np.inf)


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where ``|input - other| <= atol + rtol * |other|``, elementwise.

    Raises:
        RuntimeError: the types differ, or a tolerance is negative.
    """
    check_tensors("isclose", input=input, other=other)
    if input.dtype is not other.dtype:
        raise RuntimeError(f"isclose: {input.dtype} did not match {other.dtype}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    return ops.nondifferentiable.isclose(input, other, rtol, atol, equal_nan)


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """True where :func:`isclose` holds for every element."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def is_tensor(obj: Any) -> bool:
    """True for a Tensor."""
    return isinstance(obj, Tensor)


# Other names that PyTorch has for some of these.
greater = gt
greater_ = gt_
greater_equal = ge
greater_equal_ = ge_
less = lt
less_ = lt_
less_equal = le
less_equal_ = le_
not_equal = ne
not_equal_ = ne_
