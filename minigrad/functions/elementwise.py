"""Elementwise arithmetic and functions, and their in-place forms. The formulas and gradients: ``ops/elementwise.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``, as in PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import minigrad
from minigrad import ops

if TYPE_CHECKING:
    import minigrad.inplace
    import minigrad.ops.division
    import minigrad.ops.elementwise
    from minigrad.tensor import Number, Tensor

__all__ = [
    "abs",
    "add",
    "add_",
    "clamp",
    "clone",
    "copy_",
    "cos",
    "div",
    "div_",
    "exp",
    "exp_",
    "fill_",
    "log",
    "maximum",
    "minimum",
    "mul",
    "mul_",
    "neg",
    "pow",
    "reciprocal",
    "relu",
    "relu_",
    "sgn",
    "sigmoid",
    "sin",
    "sqrt",
    "square",
    "sub",
    "sub_",
    "tanh",
    "where",
    "zero_",
]


def add(input: Tensor, other: Any, *, alpha: Number = 1) -> Tensor:
    return ops.elementwise.Add.apply(input, other if alpha == 1 else other * alpha)


def sub(input: Tensor, other: Any, *, alpha: Number = 1) -> Tensor:
    return ops.elementwise.Sub.apply(input, other if alpha == 1 else other * alpha)


def mul(input: Tensor, other: Any) -> Tensor:
    return ops.elementwise.Mul.apply(input, other)


def div(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """``input / other``; with ``rounding_mode`` 'floor' or 'trunc' rounded down or towards zero.

    Raises:
        RuntimeError: another rounding mode, or with one of these an integer is divided by zero.
    """
    if rounding_mode is None:
        return ops.elementwise.Div.apply(input, other)
    check_rounding_mode(rounding_mode)
    return ops.division.DivRounded.apply(input, other, rounding=rounding_mode)


def check_rounding_mode(rounding_mode: str) -> None:
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )


def pow(input: Tensor, exponent: Any) -> Tensor:
    return input**exponent


def neg(input: Tensor) -> Tensor:
    return ops.elementwise.Neg.apply(input)


def abs(input: Tensor) -> Tensor:
    return ops.elementwise.Abs.apply(input)


def square(input: Tensor) -> Tensor:
    return ops.elementwise.PowScalar.apply(input, number=2)


def reciprocal(input: Tensor) -> Tensor:
    return ops.elementwise.Reciprocal.apply(input)


def exp(input: Tensor) -> Tensor:
    return ops.elementwise.Exp.apply(input)


def log(input: Tensor) -> Tensor:
    return ops.elementwise.Log.apply(input)


def sqrt(input: Tensor) -> Tensor:
    return ops.elementwise.Sqrt.apply(input)


def sin(input: Tensor) -> Tensor:
    return ops.elementwise.Sin.apply(input)


def cos(input: Tensor) -> Tensor:
    return ops.elementwise.Cos.apply(input)


def tanh(input: Tensor) -> Tensor:
    return ops.elementwise.Tanh.apply(input)


def sigmoid(input: Tensor) -> Tensor:
    return ops.elementwise.Sigmoid.apply(input)


def relu(input: Tensor) -> Tensor:
    return ops.elementwise.Relu.apply(input)


def sgn(input: Tensor) -> Tensor:
    return ops.elementwise.Sgn.apply(input)


def maximum(input: Tensor, other: Tensor) -> Tensor:
    return ops.elementwise.Maximum.apply(input, other)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    return ops.elementwise.Minimum.apply(input, other)


def clamp(input: Tensor, min: Number | None = None, max: Number | None = None) -> Tensor:
    if min is None and max is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    return ops.elementwise.Clamp.apply(input, lowest=min, highest=max)


def where(condition: Tensor, input: Any, other: Any) -> Tensor:
    """``input`` where ``condition`` holds, ``other`` elsewhere; the three are broadcast.

    Raises:
        RuntimeError: the condition is not of type bool, or the shapes do not broadcast.
    """
    if not isinstance(condition, minigrad.Tensor) or condition.array.dtype != np.bool_:
        kind = condition.dtype if isinstance(condition, minigrad.Tensor) else type(condition).__name__
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {kind}")
    if not isinstance(input, minigrad.Tensor) and not isinstance(other, minigrad.Tensor):
        input = minigrad.as_tensor(input)
    return ops.elementwise.Where.apply(input, other, condition=condition.array)


def clone(input: Tensor) -> Tensor:
    return ops.elementwise.Clone.apply(input)


def add_(input: Tensor, other: Any, *, alpha: Number = 1) -> Tensor:
    return minigrad.inplace.run(input, "add_", ops.elementwise.Add, other if alpha == 1 else other * alpha)


def sub_(input: Tensor, other: Any, *, alpha: Number = 1) -> Tensor:
    return minigrad.inplace.run(input, "sub_", ops.elementwise.Sub, other if alpha == 1 else other * alpha)


def mul_(input: Tensor, other: Any) -> Tensor:
    return minigrad.inplace.run(input, "mul_", ops.elementwise.Mul, other)


def div_(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    if rounding_mode is None:
        return minigrad.inplace.run(input, "div_", ops.elementwise.Div, other)
    check_rounding_mode(rounding_mode)
    return minigrad.inplace.run(input, "div_", ops.division.DivRounded, other, rounding=rounding_mode)


def exp_(input: Tensor) -> Tensor:
    return minigrad.inplace.run(input, "exp_", ops.elementwise.Exp)


def relu_(input: Tensor) -> Tensor:
    return minigrad.inplace.run(input, "relu_", ops.elementwise.Relu)


def copy_(input: Tensor, source: Tensor) -> Tensor:
    return minigrad.inplace.run(input, "copy_", ops.elementwise.Copy, source)


def zero_(input: Tensor) -> Tensor:
    return minigrad.inplace.run(input, "zero_", ops.elementwise.Zero)


def fill_(input: Tensor, value: Any) -> Tensor:
    """Write ``value``, a number or a zero-dimensional tensor, to every place.

    Raises:
        RuntimeError: the tensor has dimensions, or the number does not fit the type.
    """
    if not isinstance(value, minigrad.Tensor):
        number = minigrad.tensor(value, dtype=input.dtype).item()
        return minigrad.inplace.run(input, "fill_", ops.elementwise.Fill, number=number)
    if value.ndim:
        raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
    return minigrad.inplace.run(input, "fill_", ops.elementwise.FillFrom, value)
