"""Sums, differences and products. Each rule: the formula, forward, directly below it backward; then what users call.

In every rule ``grad_z`` is dL/dz, the gradient of the loss with respect to the result, of the result's shape, and
``grad_x`` is dL/dx, by the chain rule. A function is one of ``minigrad`` and a method of ``Tensor``; one whose name
ends in ``_`` changes its first argument in place. Quotients are in ``division.py``, powers in ``powers.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import asarray, ndarray

from minigrad.arguments.checks import check_tensors
from minigrad.arguments.gate import checked, welcoming
from minigrad.arguments.older import older_sum
from minigrad.arguments.operands import checked_number, prepare, with_one_number
from minigrad.arguments.promotion import EXACT, NUMBERS, PRECISE, number_as, result_dtype
from minigrad.creation import tensor
from minigrad.dtypes import FLOATS, NARROW
from minigrad.graph.function import Function, Number, Tensor, unwrap
from minigrad.graph.strides import from_last
from minigrad.inplace.changing import run_in_place
from minigrad.ops.elementwise import OfResult, in_place

__all__ = ["add", "mul", "multiply", "neg", "neg_", "negative", "negative_", "positive", "reciprocal", "reciprocal_"]
__all__ += ["rsub", "sub", "subtract"]


class Add(Function):
    """z = x + y."""

    writes_into = True

    def forward(ctx, x, y, *, out=None):
        if type(y) is not ndarray or x.dtype is not y.dtype or x.shape != y.shape:
            if type(y) in NUMBERS and x.dtype.kind in FLOATS and -EXACT <= y <= EXACT:
                y = asarray(y, x.dtype)  # a number takes the tensor's type
            else:
                x, y = prepare(x, y)
        return x + y if out is None else np.add(x, y, out=out)

    def backward(ctx, grad_z):
        return grad_z, grad_z  # dz/dx = dz/dy = 1


@welcoming
def add(input: Any, other: Any, *older: Any, alpha: Number = 1) -> Tensor:
    """``input + alpha * other``; either may be a number. Shapes: broadcast.

    Raises:
        RuntimeError: ``alpha`` is a float and both are integers.
    """
    if older:
        other, alpha = older_sum("add", input, other, *older)
    if not isinstance(input, Tensor):
        if not isinstance(other, Tensor):
            return add(tensor(checked_number("add", input)), other, alpha=alpha)
        return Add.apply(scaled(input, other, alpha), checked_number("add", input))
    if is_one(alpha):
        return Add.apply(input, other)
    return AddScaled.apply(input, other, alpha=check_alpha(input, other, alpha))


def is_one(alpha: Number) -> bool:
    """True for the integer 1, which any type takes."""
    return type(alpha) is int and alpha == 1


def check_alpha(input: Any, other: Any, alpha: Number) -> Number:
    """``alpha`` in the type of ``input + other``.

    Raises:
        RuntimeError: it is a float and the type is not floating, or a bool and the type is another, or the type does
            not reach so far.
        TypeError: it is a tensor that requires grad.
    """
    if isinstance(alpha, Tensor) and alpha._requires_grad:
        raise TypeError("argument 'alpha' must be Number, not a Tensor that requires grad")
    kind = result_dtype(unwrap(input), unwrap(other))
    alpha = alpha.item() if isinstance(alpha, (np.generic, Tensor)) else alpha
    if isinstance(alpha, float) and kind.kind not in FLOATS:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, bool) and kind.kind != "b":
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    return number_as(alpha, kind).item()


def scaled(input: Any, other: Any, alpha: Number) -> Any:
    """``alpha * other``."""
    return other if is_one(alpha) else other * check_alpha(input, other, alpha)


def add_(input: Tensor, other: Any, *older: Any, alpha: Number = 1) -> Tensor:
    """:func:`add`, in place."""
    if older:
        other, alpha = older_sum("add_", input, other, *older)
    if is_one(alpha):
        return run_in_place(input, "add_", Add, other)
    alpha = check_alpha(input, other, alpha)
    return run_in_place(input, "add_", AddScaled, other, alpha=alpha)


class AddScaled(Function):
    """z = x + alpha · y."""

    node_name = "AddBackward0"

    def forward(ctx, x, y, *, alpha):
        ctx.alpha = alpha
        x, y = prepare(x, y)
        return x + y * number_as(alpha, x.dtype)

    def backward(ctx, grad_z):
        grad_x = grad_z if ctx.needs_input_grad[0] else None  # dz/dx = 1
        grad_y = grad_z * ctx.alpha if ctx.needs_input_grad[1] else None  # dz/dy = alpha
        return grad_x, grad_y


def refuse_bool(x, y):
    """Raise PyTorch's error for a bool tensor as an operand of ``-``."""
    bools = [getattr(operand, "dtype", None) == np.bool_ for operand in (x, y)]
    if all(bools):
        raise NotImplementedError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead."
        )
    if any(bools) or isinstance(x, bool) or isinstance(y, bool):
        raise NotImplementedError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )


class Sub(Function):
    """z = x - y."""

    def forward(ctx, x, y):
        refuse_bool(x, y)
        if type(y) is not ndarray or x.dtype is not y.dtype or x.shape != y.shape:
            if type(y) in NUMBERS and x.dtype.kind in FLOATS and -EXACT <= y <= EXACT:
                y = asarray(y, x.dtype)  # a number takes the tensor's type
            else:
                x, y = prepare(x, y)
        return x - y

    def backward(ctx, grad_z):
        grad_x = grad_z if ctx.needs_input_grad[0] else None  # dz/dx = 1
        grad_y = -grad_z if ctx.needs_input_grad[1] else None  # dz/dy = -1
        return grad_x, grad_y


@welcoming
def sub(input: Any, other: Any, *older: Any, alpha: Number = 1) -> Tensor:
    """``input - alpha * other``; either may be a number. Shapes: broadcast.

    Raises:
        RuntimeError: ``alpha`` is a float and both are integers.
        NotImplementedError: one of them is bool.
    """
    if older:
        other, alpha = older_sum("sub", input, other, *older)
    if not isinstance(input, Tensor):
        if not isinstance(other, Tensor):
            return sub(tensor(checked_number("sub", input)), other, alpha=alpha)
        return Rsub.apply(subtrahend(input, other, alpha), number=checked_number("sub", input))
    if is_one(alpha):
        return Sub.apply(input, other)
    return SubScaled.apply(input, other, alpha=opposite(input, other, alpha))


def opposite(input: Any, other: Any, alpha: Number) -> Number:
    """``-alpha`` in the type of ``input - other``; PyTorch's errors for an ``alpha`` that has none, and for bools."""
    refuse_bool(unwrap(input), unwrap(other))
    return check_alpha(input, other, alpha if isinstance(alpha, (bool, np.bool_)) else -alpha)


def subtrahend(input: Any, other: Any, alpha: Number) -> Any:
    """``alpha * other``, which is to be subtracted from ``input``."""
    return other if is_one(alpha) else other * -opposite(input, other, alpha)


def sub_(input: Tensor, other: Any, *older: Any, alpha: Number = 1) -> Tensor:
    """:func:`sub`, in place."""
    if older:
        other, alpha = older_sum("sub_", input, other, *older)
    if is_one(alpha):
        return run_in_place(input, "sub_", Sub, other)
    alpha = opposite(input, other, alpha)
    return run_in_place(input, "sub_", SubScaled, other, alpha=alpha)


class SubScaled(AddScaled):
    """z = x - alpha · y, given -alpha."""

    node_name = "SubBackward0"


class Rsub(Function):
    """z = number - x: PyTorch's node for a Python number minus a tensor."""

    overload = 1

    def forward(ctx, x, *, number):
        refuse_bool(number, x)
        number, x = prepare(number, x)
        return number - x

    def backward(ctx, grad_z):
        grad_x = -grad_z  # dz/dx = -1
        return grad_x


@welcoming
def rsub(input: Tensor, other: Any, *older: Any, alpha: Number = 1) -> Tensor:
    """``other - alpha * input``. Shapes: broadcast.

    Raises:
        RuntimeError: ``alpha`` is a float and both are integers.
        NotImplementedError: one of them is bool.
    """
    if older:
        other, alpha = older_sum("rsub", input, other, *older)
    check_tensors("rsub", input=input)
    if isinstance(other, Tensor):
        return RsubTensor.apply(input, other, alpha=opposite(other, input, alpha))
    return Rsub.apply(subtrahend(other, input, alpha), number=other)


class RsubTensor(Function):
    """z = y - alpha · x, given -alpha."""

    node_name = "RsubBackward0"
    result_strides = from_last

    def forward(ctx, x, y, *, alpha):
        ctx.alpha = alpha
        x, y = prepare(x, y)
        return y + x * number_as(alpha, x.dtype)

    def backward(ctx, grad_z):
        grad_x = grad_z * ctx.alpha if ctx.needs_input_grad[0] else None  # dz/dx = -alpha
        grad_y = grad_z if ctx.needs_input_grad[1] else None  # dz/dy = 1
        return grad_x, grad_y


class Mul(Function):
    """z = x * y."""

    saved_inputs = slice(None)

    def forward(ctx, x, y):
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, y if ctx.needs_input_grad[0] else None)
        if type(y) is not ndarray or x.dtype is not y.dtype or x.shape != y.shape:
            if type(y) in NUMBERS and x.dtype.char in PRECISE and -EXACT <= y <= EXACT:
                y = asarray(y, x.dtype)  # a number takes the tensor's type
            elif x.dtype in NARROW and np.ndim(y) == 0:
                return with_one_number(np.multiply, x, y)
            else:
                x, y = prepare(x, y)
        return x * y

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        needs_x, needs_y = ctx.needs_input_grad
        grad_x = grad_z * y if needs_x else None  # dz/dx = y
        grad_y = grad_z * x if needs_y else None  # dz/dy = x
        return grad_x, grad_y


@welcoming
def mul(input: Any, other: Any) -> Tensor:
    """``input * other``, each element by the one at its place. Shapes: broadcast.

    Raises:
        TypeError: neither is a tensor, or one is neither that nor a number.
        RuntimeError: the shapes do not fit.
    """
    if not isinstance(input, Tensor):
        if not isinstance(other, Tensor):
            return mul(tensor(checked_number("mul", input)), other)
        return Mul.apply(other, checked_number("mul", input))
    return Mul.apply(input, other)


def mul_(input: Tensor, other: Any) -> Tensor:
    """:func:`mul`, in place."""
    return run_in_place(input, "mul_", Mul, other)


class MulScalar(Function):
    """z = x * number: the node that PyTorch's own rules record when they multiply by a constant."""

    overload = 1
    node_name = "MulBackward1"

    def forward(ctx, x, *, number):
        ctx.number = number
        return with_one_number(np.multiply, x, number) if x.dtype in NARROW else x * number

    def backward(ctx, grad_z):
        grad_x = MulScalar.apply(grad_z, number=ctx.number)  # dz/dx = number
        return grad_x


class Neg(Function):
    """z = -x."""

    def forward(ctx, x):
        if x.dtype.kind == "b":
            raise NotImplementedError(
                "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
                "use the `~` or `logical_not()` operator instead."
            )
        return -x

    def backward(ctx, grad_z):
        grad_x = -grad_z  # dz/dx = -1
        return grad_x


def neg(input: Tensor) -> Tensor:
    """``-input``. Shape: that of ``input``.

    Raises:
        NotImplementedError: ``input`` is of bools.
    """
    return Neg.apply(input)


neg_ = in_place("neg_", Neg)


class Reciprocal(OfResult):
    """z = 1/x."""

    function = np.reciprocal

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = -grad_z * (z * z)  # dz/dx = -1/x²
        return grad_x


def reciprocal(input: Tensor) -> Tensor:
    """``1 / input``; floating-point for integers too. Shape: that of ``input``."""
    return Reciprocal.apply(input)


reciprocal_ = in_place("reciprocal_", Reciprocal)


@checked
def positive(input: Tensor) -> Tensor:
    """``input`` itself. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type is bool.
    """
    return +input


# Other names that PyTorch has for some of these.
negative = neg
negative_ = neg_
multiply = mul
subtract = sub
