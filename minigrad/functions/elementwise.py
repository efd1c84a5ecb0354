"""Elementwise arithmetic and functions, and their in-place forms. The formulas and gradients: ``ops/elementwise.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import creation, inplace, ops
from minigrad.functions.arguments import check_tensors
from minigrad.graph.node import Number, Tensor

__all__ = [
    "abs",
    "abs_",
    "absolute",
    "absolute_",
    "add",
    "add_",
    "clamp",
    "clamp_",
    "clamp_max",
    "clamp_max_",
    "clamp_min",
    "clamp_min_",
    "clip",
    "clip_",
    "clone",
    "copy_",
    "cos",
    "cos_",
    "detach",
    "div",
    "div_",
    "divide",
    "divide_",
    "exp",
    "exp_",
    "fill_",
    "log",
    "log_",
    "maximum",
    "minimum",
    "mul",
    "mul_",
    "multiply",
    "multiply_",
    "neg",
    "neg_",
    "negative",
    "negative_",
    "positive",
    "pow",
    "pow_",
    "reciprocal",
    "reciprocal_",
    "relu",
    "relu_",
    "rsub",
    "sgn",
    "sgn_",
    "sigmoid",
    "sigmoid_",
    "sin",
    "sin_",
    "sqrt",
    "sqrt_",
    "square",
    "square_",
    "sub",
    "sub_",
    "subtract",
    "subtract_",
    "tanh",
    "tanh_",
    "true_divide",
    "true_divide_",
    "where",
    "zero_",
]


def add(input: Any, other: Any, *, alpha: Number = 1) -> Tensor:
    """``input + alpha * other``; either may be a number.

    Raises:
        RuntimeError: ``alpha`` is a float and both are integers.
    """
    if not isinstance(input, Tensor):
        if not isinstance(other, Tensor):
            return add(creation.tensor(check_number("add", input)), other, alpha=alpha)
        return ops.elementwise.Add.apply(scaled(input, other, alpha), check_number("add", input))
    if alpha == 1:
        return ops.elementwise.Add.apply(input, other)
    return ops.elementwise.AddScaled.apply(input, other, alpha=check_alpha(input, other, alpha))


def sub(input: Any, other: Any, *, alpha: Number = 1) -> Tensor:
    """``input - alpha * other``; either may be a number.

    Raises:
        RuntimeError: ``alpha`` is a float and both are integers.
        NotImplementedError: one of them is bool.
    """
    if not isinstance(input, Tensor):
        if not isinstance(other, Tensor):
            return sub(creation.tensor(check_number("sub", input)), other, alpha=alpha)
        return ops.elementwise.Rsub.apply(scaled(input, other, alpha), number=check_number("sub", input))
    if alpha == 1:
        return ops.elementwise.Sub.apply(input, other)
    return ops.elementwise.SubScaled.apply(input, other, alpha=-check_alpha(input, other, alpha))


def rsub(input: Tensor, other: Any, *, alpha: Number = 1) -> Tensor:
    """``other - alpha * input``."""
    check_tensors("rsub", input=input)
    if isinstance(other, Tensor):
        return ops.elementwise.RsubTensor.apply(input, other, alpha=check_alpha(other, input, alpha))
    return ops.elementwise.Rsub.apply(scaled(other, input, alpha), number=other)


def check_number(name: str, value: Any) -> Any:
    """``value``, which stands where a tensor or a number should."""
    if not isinstance(value, (bool, int, float)):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(value).__name__}")
    return value


def check_alpha(input: Any, other: Any, alpha: Number) -> Number:
    """``alpha``, a truth where both operands are; PyTorch's error where it is a float and they are integers."""
    kinds = [each.array.dtype.kind if isinstance(each, Tensor) else "" for each in (input, other)]
    if isinstance(alpha, float) and "f" not in kinds and not isinstance(other, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, bool) and kinds != ["b", "b"]:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    return bool(alpha) if kinds == ["b", "b"] else alpha


def scaled(input: Any, other: Any, alpha: Number) -> Any:
    """``alpha * other``."""
    return other if alpha == 1 else other * check_alpha(input, other, alpha)


def mul(input: Any, other: Any) -> Tensor:
    """``input * other``, each element by the one at its place; shapes are broadcast.

    Raises:
        TypeError: neither is a tensor, or one is neither that nor a number.
        RuntimeError: the shapes do not fit.
    """
    if not isinstance(input, Tensor):
        if not isinstance(other, Tensor):
            return mul(creation.tensor(check_number("mul", input)), other)
        return ops.elementwise.Mul.apply(other, check_number("mul", input))
    return ops.elementwise.Mul.apply(input, other)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """``input / other``; with ``rounding_mode`` 'floor' or 'trunc' rounded down or towards zero.

    Raises:
        RuntimeError: another rounding mode, or with one of these an integer is divided by zero.
    """
    if rounding_mode is None:
        if not isinstance(input, Tensor):
            if not isinstance(other, Tensor):
                return div(creation.tensor(check_number("div", input)), other)
            return check_number("div", input) / other
        return ops.elementwise.Div.apply(input, other)
    check_rounding_mode(rounding_mode)
    return ops.division.DivRounded.apply(creation.as_tensor(input), other, rounding=rounding_mode)


def true_divide(input: Any, other: Any) -> Tensor:
    """``input / other``."""
    return div(input, other)


def check_rounding_mode(rounding_mode: str) -> None:
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )


def pow(input: Any, exponent: Any) -> Tensor:
    """``input ** exponent``; one of the two may be a number."""
    if not isinstance(input, Tensor):
        check_tensors("pow", exponent=exponent)
    return input**exponent


def neg(input: Tensor) -> Tensor:
    """``-input``.

    Raises:
        NotImplementedError: ``input`` is of bools.
    """
    return ops.elementwise.Neg.apply(input)


def abs(input: Tensor) -> Tensor:
    """|input|. At 0 the gradient is 0."""
    return ops.elementwise.Abs.apply(input)


def square(input: Tensor) -> Tensor:
    """``input ** 2``."""
    return ops.elementwise.PowScalar.apply(input, number=2)


def reciprocal(input: Tensor) -> Tensor:
    """``1 / input``; floating-point for integers too."""
    return ops.elementwise.Reciprocal.apply(input)


def exp(input: Tensor) -> Tensor:
    """e to the power ``input``."""
    return ops.elementwise.Exp.apply(input)


def log(input: Tensor) -> Tensor:
    """The natural logarithm: -inf at 0, NaN below."""
    return ops.elementwise.Log.apply(input)


def sqrt(input: Tensor) -> Tensor:
    """The square root: NaN below 0. At 0 the gradient is infinite."""
    return ops.elementwise.Sqrt.apply(input)


def sin(input: Tensor) -> Tensor:
    """The sine; angles are in radians."""
    return ops.elementwise.Sin.apply(input)


def cos(input: Tensor) -> Tensor:
    """The cosine; angles are in radians."""
    return ops.elementwise.Cos.apply(input)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return ops.elementwise.Tanh.apply(input)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input))."""
    return ops.elementwise.Sigmoid.apply(input)


def relu(input: Tensor) -> Tensor:
    """The larger of ``input`` and 0. At 0 the gradient is 0."""
    return ops.elementwise.Relu.apply(input)


def sgn(input: Tensor) -> Tensor:
    """As :func:`sign`, which for real numbers is the same."""
    return ops.elementwise.Sgn.apply(input)


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of the two, NaN if either is; at a tie each receives half the gradient."""
    check_tensors("maximum", input=input, other=other)
    return ops.elementwise.Maximum.apply(input, other)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of the two, NaN if either is; at a tie each receives half the gradient."""
    check_tensors("minimum", input=input, other=other)
    return ops.elementwise.Minimum.apply(input, other)


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """``input`` between ``min`` and ``max``: numbers or tensors, or one of them None.

    Raises:
        RuntimeError: both are None, or a number does not fit the integer type of the result.
    """
    check_tensors("clamp", input=input)
    operation, bounds, numbers = clamp_form(min, max)
    return operation.apply(input, *bounds, **numbers)


def clamp_form(lowest: Any, highest: Any) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The operation that clamps to these bounds, those that are its inputs, and those that are its options."""
    if lowest is None and highest is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    tensors = [isinstance(each, Tensor) for each in (lowest, highest) if each is not None]
    if not any(tensors):
        return ops.elementwise.Clamp, (), {"lowest": lowest, "highest": highest}
    if all(tensors):
        return ops.clamping.ClampTensor, (lowest, highest), {}
    for bound in (lowest, highest):
        if isinstance(bound, Tensor) and bound.ndim:
            raise TypeError("clamp(): beside a number, the other bound must be a number or a zero-dimensional tensor")
    lowest, highest = [each.item() if isinstance(each, Tensor) else each for each in (lowest, highest)]
    return ops.elementwise.Clamp, (), {"lowest": lowest, "highest": highest}


def check_bound(name: str, bound: Any) -> None:
    """Raise PyTorch's error where the one bound is left out."""
    if bound is None:
        raise TypeError(f"{name}() needs a number or a tensor, not None")


def clamp_min(input: Tensor, min: Any) -> Tensor:
    """The larger of ``input`` and ``min``, a number or a tensor."""
    check_tensors("clamp_min", input=input)
    check_bound("clamp_min", min)
    if isinstance(min, Tensor):
        return ops.clamping.ClampMinTensor.apply(input, min)
    return ops.clamping.ClampMin.apply(input, lowest=min, highest=None)


def clamp_max(input: Tensor, max: Any) -> Tensor:
    """The smaller of ``input`` and ``max``, a number or a tensor."""
    check_tensors("clamp_max", input=input)
    check_bound("clamp_max", max)
    if isinstance(max, Tensor):
        return ops.clamping.ClampMaxTensor.apply(input, max)
    return ops.clamping.ClampMax.apply(input, lowest=None, highest=max)


def positive(input: Tensor) -> Tensor:
    """``input`` itself.

    Raises:
        NotImplementedError: the type is bool.
    """
    return +input


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """``input`` where ``condition`` holds, ``other`` elsewhere; the three are broadcast. Alone, where it is not zero.

    Raises:
        RuntimeError: the condition is not of type bool (or uint8), or the shapes do not broadcast.
    """
    if input is None and other is None:
        check_tensors("where", condition=condition)
        return ops.nondifferentiable.nonzero(condition, True)
    check_tensors("where", condition=condition)
    if condition.array.dtype not in (np.bool_, np.uint8):
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}"
        )
    for each in (input, other):
        if not isinstance(each, Tensor):
            check_number("where", each)
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = creation.as_tensor(input)
    return ops.elementwise.Where.apply(input, other, condition=condition.array.astype(np.bool_, copy=False))


def detach(input: Tensor) -> Tensor:
    """The same values in the same memory, without history."""
    check_tensors("detach", input=input)
    return input.detach()


def clone(input: Tensor) -> Tensor:
    """A copy of the values, in memory of its own; the gradient goes through."""
    return ops.elementwise.Clone.apply(input)


def add_(input: Tensor, other: Any, *, alpha: Number = 1) -> Tensor:
    """:func:`add`, in place."""
    if alpha == 1:
        return inplace.run(input, "add_", ops.elementwise.Add, other)
    alpha = check_alpha(input, other, alpha)
    return inplace.run(input, "add_", ops.elementwise.AddScaled, other, alpha=alpha)


def sub_(input: Tensor, other: Any, *, alpha: Number = 1) -> Tensor:
    """:func:`sub`, in place."""
    if alpha == 1:
        return inplace.run(input, "sub_", ops.elementwise.Sub, other)
    alpha = -check_alpha(input, other, alpha)
    return inplace.run(input, "sub_", ops.elementwise.SubScaled, other, alpha=alpha)


def mul_(input: Tensor, other: Any) -> Tensor:
    """:func:`mul`, in place."""
    return inplace.run(input, "mul_", ops.elementwise.Mul, other)


def div_(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """:func:`div`, in place."""
    if rounding_mode is None:
        return inplace.run(input, "div_", ops.elementwise.Div, other)
    check_rounding_mode(rounding_mode)
    return inplace.run(input, "div_", ops.division.DivRounded, other, rounding=rounding_mode)


def true_divide_(input: Tensor, other: Any) -> Tensor:
    """:func:`true_divide`, in place."""
    return div_(input, other)


def pow_(input: Tensor, exponent: Any) -> Tensor:
    """:func:`pow`, in place."""
    if isinstance(exponent, Tensor):
        return inplace.run(input, "pow_", ops.elementwise.Pow, exponent)
    return inplace.run(input, "pow_", ops.elementwise.PowScalar, number=exponent)


def square_(input: Tensor) -> Tensor:
    """:func:`square`, in place."""
    return pow_(input, 2)


def clamp_(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """:func:`clamp`, in place."""
    operation, bounds, numbers = clamp_form(min, max)
    return inplace.run(input, "clamp_", operation, *bounds, **numbers)


def clamp_min_(input: Tensor, min: Any) -> Tensor:
    """:func:`clamp_min`, in place."""
    check_bound("clamp_min_", min)
    if isinstance(min, Tensor):
        return inplace.run(input, "clamp_min_", ops.clamping.ClampMinTensor, min)
    return inplace.run(input, "clamp_min_", ops.clamping.ClampMin, lowest=min, highest=None)


def clamp_max_(input: Tensor, max: Any) -> Tensor:
    """:func:`clamp_max`, in place."""
    check_bound("clamp_max_", max)
    if isinstance(max, Tensor):
        return inplace.run(input, "clamp_max_", ops.clamping.ClampMaxTensor, max)
    return inplace.run(input, "clamp_max_", ops.clamping.ClampMax, lowest=None, highest=max)


def abs_(input: Tensor) -> Tensor:
    """:func:`abs`, in place."""
    return inplace.run(input, "abs_", ops.elementwise.Abs)


def cos_(input: Tensor) -> Tensor:
    """:func:`cos`, in place."""
    return inplace.run(input, "cos_", ops.elementwise.Cos)


def log_(input: Tensor) -> Tensor:
    """:func:`log`, in place."""
    return inplace.run(input, "log_", ops.elementwise.Log)


def neg_(input: Tensor) -> Tensor:
    """:func:`neg`, in place."""
    return inplace.run(input, "neg_", ops.elementwise.Neg)


def reciprocal_(input: Tensor) -> Tensor:
    """:func:`reciprocal`, in place."""
    return inplace.run(input, "reciprocal_", ops.elementwise.Reciprocal)


def sgn_(input: Tensor) -> Tensor:
    """:func:`sgn`, in place."""
    return inplace.run(input, "sgn_", ops.elementwise.Sgn)


def sigmoid_(input: Tensor) -> Tensor:
    """:func:`sigmoid`, in place."""
    return inplace.run(input, "sigmoid_", ops.elementwise.Sigmoid)


def sin_(input: Tensor) -> Tensor:
    """:func:`sin`, in place."""
    return inplace.run(input, "sin_", ops.elementwise.Sin)


def sqrt_(input: Tensor) -> Tensor:
    """:func:`sqrt`, in place."""
    return inplace.run(input, "sqrt_", ops.elementwise.Sqrt)


def tanh_(input: Tensor) -> Tensor:
    """:func:`tanh`, in place."""
    return inplace.run(input, "tanh_", ops.elementwise.Tanh)


def exp_(input: Tensor) -> Tensor:
    """:func:`exp`, in place."""
    return inplace.run(input, "exp_", ops.elementwise.Exp)


def relu_(input: Tensor) -> Tensor:
    """:func:`relu`, in place."""
    return inplace.run(input, "relu_", ops.elementwise.Relu)


def copy_(input: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
    """Write ``other``, a number or a tensor that broadcasts to ``input``, to it; ``non_blocking`` changes nothing."""
    if not isinstance(other, Tensor):
        other = creation.tensor(check_number("copy_", other))
    return inplace.run(input, "copy_", ops.elementwise.Copy, other)


def zero_(input: Tensor) -> Tensor:
    """:func:`zero`, in place."""
    return inplace.run(input, "zero_", ops.elementwise.Zero)


def fill_(input: Tensor, value: Any) -> Tensor:
    """Write ``value``, a number or a zero-dimensional tensor, to every place.

    Raises:
        RuntimeError: the tensor has dimensions, or the number does not fit the type.
    """
    if not isinstance(value, Tensor):
        number = creation.tensor(check_number("fill_", value), dtype=input.dtype).item()
        return inplace.run(input, "fill_", ops.elementwise.Fill, number=number)
    if value.ndim:
        raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
    return inplace.run(input, "fill_", ops.elementwise.FillFrom, value)


# Other names that PyTorch has for some of these.
absolute = abs
absolute_ = abs_
negative = neg
negative_ = neg_
multiply = mul
multiply_ = mul_
subtract = sub
subtract_ = sub_
divide = div
divide_ = div_
clip = clamp
clip_ = clamp_
