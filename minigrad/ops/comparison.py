"""Comparisons, tests and logic: what is equal, smaller, finite, true; and bits. None has a gradient.

In place, the tensor becomes 1 where it holds and 0 elsewhere, and its gradient is zero. What else has no gradient is
told in ``nondifferentiable.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.arguments.gate import checked, welcoming
from minigrad.arguments.operands import check_broadcast, prepare
from minigrad.arguments.promotion import type_name
from minigrad.dtypes import FLOATS
from minigrad.graph.function import Function, Number, Tensor, constant_like, taken_in, unwrap
from minigrad.graph.grad_mode import call_inside, no_grad
from minigrad.inplace.changing import become, check_castable, check_changeable, overwrite
from minigrad.ops.elementwise import named
from minigrad.ops.nondifferentiable import elementwise_constant
from minigrad.ops.types import result_type
from minigrad.out_of_memory import says_out_of_memory

__all__ = ["allclose", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift"]
__all__ += ["bitwise_xor", "eq", "equal", "ge", "greater", "greater_equal", "gt", "is_tensor", "isclose", "isfinite"]
__all__ += ["isinf", "isnan", "isneginf", "isposinf", "le", "less", "less_equal", "logical_and", "logical_not"]
__all__ += ["logical_or", "logical_xor", "lt", "ne", "not_equal"]


class Compare(Function):
    """x becomes ``values``, an array of its shape and type, found by comparing it with y, a tensor or a number."""

    @classmethod
    def become(cls, input: Tensor, function: Any, other: Any, name: str) -> Tensor:
        """Let ``input`` become ``function(input, other)``, in its type: to the graph an operation of this class."""
        return overwrite(input, name, cls, function(input, other).array, other)

    def forward(ctx, x, y, *, values):
        ctx.overload = 1 if isinstance(y, np.ndarray) else 0
        return values

    def backward(ctx, grad_z):
        grad_x = grad_y = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_x, grad_y


class Eq(Compare):
    """x becomes x == y."""


def eq(input: Tensor, other: Any) -> Tensor:
    """Where the two are equal; NaN equals nothing. Shapes: broadcast; bool."""
    return compare(np.equal, input, other)


@says_out_of_memory
def compare(ufunc: np.ufunc, x: Tensor, y: Any) -> Tensor:
    """A comparison such as ``np.less``, elementwise, in the type to which the operands promote."""
    return elementwise_constant(ufunc(*prepare(array_in(x, ufunc), unwrap(taken_in(y)))), x, y)


def array_in(x: Any, ufunc: Any) -> np.ndarray:
    """The array of a tensor, of whichever library; PyTorch's TypeError for anything else."""
    x = taken_in(x)
    if not isinstance(x, Tensor):
        raise TypeError(f"{ufunc.__name__}(): argument 'input' (position 1) must be Tensor, not {type_name(x)}")
    return x.array


def in_place(
    function: Callable[..., Tensor], change: Callable[..., Tensor], told: str = ""
) -> Callable[[Tensor, Tensor | Number], Tensor]:
    """The in-place form of ``function``: ``change`` lets the first argument become what that gives of both."""
    name = f"{function.__name__}_"

    def changed(input: Tensor, other: Tensor | Number) -> Tensor:
        return change(input, function, other, name)

    return checked(named(changed, name, __name__, told))


TRUTH = ": 1 where it holds, 0 elsewhere, in the type of ``input``"
eq_ = in_place(eq, Eq.become, TRUTH)


class Ne(Compare):
    """x becomes x != y."""


def ne(input: Tensor, other: Any) -> Tensor:
    """Where the two differ; NaN differs from everything. Shapes: broadcast; bool."""
    return compare(np.not_equal, input, other)


ne_ = in_place(ne, Ne.become, TRUTH)


class Lt(Compare):
    """x becomes x < y."""


def lt(input: Tensor, other: Any) -> Tensor:
    """Where ``input < other``. Shapes: broadcast; bool."""
    return compare(np.less, input, other)


lt_ = in_place(lt, Lt.become, TRUTH)


class Le(Compare):
    """x becomes x <= y."""


def le(input: Tensor, other: Any) -> Tensor:
    """Where ``input <= other``. Shapes: broadcast; bool."""
    return compare(np.less_equal, input, other)


le_ = in_place(le, Le.become, TRUTH)


class Gt(Compare):
    """x becomes x > y."""


def gt(input: Tensor, other: Any) -> Tensor:
    """Where ``input > other``. Shapes: broadcast; bool."""
    return compare(np.greater, input, other)


gt_ = in_place(gt, Gt.become, TRUTH)


class Ge(Compare):
    """x becomes x >= y."""


def ge(input: Tensor, other: Any) -> Tensor:
    """Where ``input >= other``. Shapes: broadcast; bool."""
    return compare(np.greater_equal, input, other)


ge_ = in_place(ge, Ge.become, TRUTH)


@checked
def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """Where both are true; what is not zero counts as true, and both are tensors. Shapes: broadcast; bool."""
    return compare(np.logical_and, input, other)


def replace(input: Tensor, result: Tensor, name: str, *others: Any) -> Tensor:
    """Let ``input`` become ``result``, made of it and ``others``, in its type. The graph does not learn of it, as in
    PyTorch.
    """
    check_changeable(input, name)
    return call_inside(no_grad(), become, input, result.to(input.dtype), name, *others)


@checked
def logical_and_(input: Tensor, other: Tensor) -> Tensor:
    """:func:`logical_and`, in place."""
    return replace(input, logical_and(input, other), "logical_and_", other)


@checked
def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """Where one or both are true; what is not zero counts as true, and both are tensors. Shapes: broadcast; bool."""
    return compare(np.logical_or, input, other)


@checked
def logical_or_(input: Tensor, other: Tensor) -> Tensor:
    """:func:`logical_or`, in place."""
    return replace(input, logical_or(input, other), "logical_or_", other)


@checked
def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Where one of the two is true; what is not zero counts as true, and both are tensors. Shapes: broadcast; bool."""
    return compare(np.logical_xor, input, other)


@checked
def logical_xor_(input: Tensor, other: Tensor) -> Tensor:
    """:func:`logical_xor`, in place."""
    return replace(input, logical_xor(input, other), "logical_xor_", other)


def logical_not(input: Tensor) -> Tensor:
    """Where 0 or False. Shape: that of ``input``; bool."""
    return test_each(np.logical_not, input)


def test_each(ufunc: np.ufunc, x: Tensor) -> Tensor:
    """A test such as ``np.isnan``, of every element."""
    return elementwise_constant(ufunc(array_in(x, ufunc)), x)


def logical_not_(input: Tensor) -> Tensor:
    """:func:`logical_not`, in place."""
    return replace(input, logical_not(input), "logical_not_")


@checked
def bitwise_not(input: Tensor) -> Tensor:
    """Every bit flipped; for bools, not. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type is floating.
    """
    if input.is_floating_point():
        raise NotImplementedError(f'"bitwise_not_cpu" not implemented for {input.dtype}: use integers or bools')
    return invert(input)


def invert(x: Tensor) -> Tensor:
    """``~x``: not for bools, every bit flipped for integers.

    Raises:
        TypeError: x is floating.
    """
    if x.is_floating_point():
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return elementwise_constant(np.invert(x.array), x)


def bitwise_not_(input: Tensor) -> Tensor:
    """:func:`bitwise_not`, in place."""
    check_changeable(input, "bitwise_not_")
    return replace(input, bitwise_not(input), "bitwise_not_")


@welcoming
def bitwise_and(input: Any, other: Any) -> Tensor:
    """The bits set in both, or both of two bools. Shapes: broadcast.

    Raises:
        NotImplementedError: a type is of floating point.
    """
    return bitwise(np.bitwise_and, input, other)


def bitwise(ufunc: np.ufunc, x: Any, y: Any) -> Tensor:
    """``&``, ``|``, ``^``, ``<<`` or ``>>``, bit by bit, on integers and bools; shifts have no bools.

    Raises:
        NotImplementedError: an operand is floating, or bools are shifted.
    """
    if not isinstance(x, Tensor) and not isinstance(y, Tensor):
        raise TypeError(f"{ufunc.__name__}(): argument 'input' (position 1) must be Tensor, not {type_name(x)}")
    first, second = prepare(unwrap(x), unwrap(y))
    if first.dtype.kind in FLOATS or (first.dtype.kind == "b" and ufunc in (np.left_shift, np.right_shift)):
        raise NotImplementedError(f'"{ufunc.__name__}_cpu" not implemented for {first.dtype}: use integers or bools')
    return elementwise_constant(ufunc(first, second), x, y)


def fit(input: Tensor, operation: Any, other: Any, name: str) -> Tensor:
    """Let ``input`` become ``operation(input, other)``, where its type can hold the result."""
    check_changeable(input, name)
    check_castable(input, result_type(input, other).numpy)
    return become(input, operation(input, other), name)


bitwise_and_ = in_place(bitwise_and, fit)


@welcoming
def bitwise_or(input: Any, other: Any) -> Tensor:
    """The bits set in either, or either of two bools. Shapes: broadcast.

    Raises:
        NotImplementedError: a type is of floating point.
    """
    return bitwise(np.bitwise_or, input, other)


bitwise_or_ = in_place(bitwise_or, fit)


@welcoming
def bitwise_xor(input: Any, other: Any) -> Tensor:
    """The bits set in one and not in the other. Shapes: broadcast.

    Raises:
        NotImplementedError: a type is of floating point.
    """
    return bitwise(np.bitwise_xor, input, other)


bitwise_xor_ = in_place(bitwise_xor, fit)


@welcoming
def bitwise_left_shift(input: Any, other: Any) -> Tensor:
    """``input << other``: the bits moved up by ``other`` places. Shapes: broadcast.

    Raises:
        NotImplementedError: a type is of floating point, or both are bools.
    """
    return bitwise(np.left_shift, input, other)


bitwise_left_shift_ = in_place(bitwise_left_shift, fit)


@welcoming
def bitwise_right_shift(input: Any, other: Any) -> Tensor:
    """``input >> other``: the bits moved down by ``other`` places. Shapes: broadcast.

    Raises:
        NotImplementedError: a type is of floating point, or both are bools.
    """
    return bitwise(np.right_shift, input, other)


bitwise_right_shift_ = in_place(bitwise_right_shift, fit)


def isnan(input: Tensor) -> Tensor:
    """Where NaN. Shape: that of ``input``; bool."""
    return test_each(np.isnan, input)


def isinf(input: Tensor) -> Tensor:
    """Where infinite, of either sign. Shape: that of ``input``; bool."""
    return test_each(np.isinf, input)


def isfinite(input: Tensor) -> Tensor:
    """Where neither infinite nor NaN. Shape: that of ``input``; bool."""
    return test_each(np.isfinite, input)


@checked
def equal(input: Tensor, other: Tensor) -> bool:
    """True where shape and every value agree; NaN equals nothing."""
    return bool(np.array_equal(input.array, other.array))


def isposinf(input: Tensor) -> Tensor:
    """Where plus infinity. Shape: that of ``input``; bool."""
    return compare(np.equal, input, np.inf)


def isneginf(input: Tensor) -> Tensor:
    """Where minus infinity. Shape: that of ``input``; bool."""
    return compare(np.equal, input, -np.inf)


@checked
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where ``|input - other| <= atol + rtol * |other|``. Shapes: broadcast; bool.

    Raises:
        RuntimeError: the types differ, or a tolerance is negative.
    """
    if input.dtype is not other.dtype:
        raise RuntimeError(f"isclose: {input.dtype} did not match {other.dtype}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    check_broadcast(input.array, other.array)
    close = np.isclose(input.array, other.array, float(rtol), float(atol), equal_nan)
    return elementwise_constant(close, input, other)


@checked
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """True where :func:`isclose` holds for every element."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def is_tensor(obj: Any) -> bool:
    """True for a Tensor."""
    return isinstance(obj, Tensor)


# Other names that PyTorch has for some of these.
greater = gt
greater_equal = ge
less = lt
less_equal = le
not_equal = ne
