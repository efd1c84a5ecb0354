"""Comparisons and tests: what is equal, smaller, finite. None has a gradient.

Each is a function of ``minigrad`` and, where the tensor comes first, a method of ``Tensor``, as in PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import minigrad
from minigrad import ops

if TYPE_CHECKING:
    import minigrad.ops.nondifferentiable
    from minigrad.tensor import Tensor

__all__ = [
    "allclose",
    "eq",
    "equal",
    "ge",
    "gt",
    "is_tensor",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "logical_not",
    "lt",
    "ne",
]


def eq(input: Tensor, other: Any) -> Tensor:
    return ops.nondifferentiable.compare(np.equal, input, other)


def ne(input: Tensor, other: Any) -> Tensor:
    return ops.nondifferentiable.compare(np.not_equal, input, other)


def lt(input: Tensor, other: Any) -> Tensor:
    return ops.nondifferentiable.compare(np.less, input, other)


def le(input: Tensor, other: Any) -> Tensor:
    return ops.nondifferentiable.compare(np.less_equal, input, other)


def gt(input: Tensor, other: Any) -> Tensor:
    return ops.nondifferentiable.compare(np.greater, input, other)


def ge(input: Tensor, other: Any) -> Tensor:
    return ops.nondifferentiable.compare(np.greater_equal, input, other)


def logical_not(input: Tensor) -> Tensor:
    return ops.nondifferentiable.test_each(np.logical_not, input)


def isnan(input: Tensor) -> Tensor:
    return ops.nondifferentiable.test_each(np.isnan, input)


def isinf(input: Tensor) -> Tensor:
    return ops.nondifferentiable.test_each(np.isinf, input)


def isfinite(input: Tensor) -> Tensor:
    return ops.nondifferentiable.test_each(np.isfinite, input)


def equal(input: Tensor, other: Tensor) -> bool:
    """True where shape and every value agree; NaN equals nothing."""
    return bool(np.array_equal(input.array, other.array))


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where ``|input - other| <= atol + rtol * |other|``, elementwise."""
    return ops.nondifferentiable.isclose(input, other, rtol, atol, equal_nan)


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """True where :func:`isclose` holds for every element."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def is_tensor(obj: Any) -> bool:
    """True for a Tensor."""
    return isinstance(obj, minigrad.Tensor)
