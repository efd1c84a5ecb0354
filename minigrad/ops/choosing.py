"""One of two: where a condition holds, or the larger or smaller. The gradient goes where the value came from.

At a tie each of the two receives half. Bounds are in ``clamping.py``, the largest of many in ``extremes.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.checks import check_tensors
from minigrad.arguments.gate import checked, welcoming
from minigrad.arguments.operands import check_broadcast, checked_number, prepare
from minigrad.arguments.promotion import result_dtype, scalar_as
from minigrad.caller import warn_user
from minigrad.creation import as_tensor
from minigrad.graph.function import Function, Tensor, unwrap
from minigrad.graph.saved_tensors import Given
from minigrad.graph.strides import elementwise, lay_as_pytorch
from minigrad.ops.nondifferentiable import nonzero

__all__ = ["fmax", "fmin", "maximum", "minimum", "where"]


class Where(Function):
    """z = x where ``condition`` (bools, an array or a tensor) holds, else y. The gradient goes where the value came
    from."""

    result_strides = None  # the condition's count first: see :func:`where`

    def forward(ctx, x, y, *, condition):
        ctx.save_for_backward(Given((unwrap(condition),), condition))
        condition = unwrap(condition)
        x, y = prepare(x, y)
        check_broadcast(condition, x)
        check_broadcast(condition, y)
        return np.where(condition, x, y)

    def backward(ctx, grad_z):
        ((condition,),) = ctx.saved_tensors
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            grad_x = Where.apply(grad_z, 0.0, condition=condition)
        if ctx.needs_input_grad[1]:
            grad_y = Where.apply(0.0, grad_z, condition=condition)
        return grad_x, grad_y


@welcoming
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """``input`` where ``condition`` holds, ``other`` elsewhere. Alone, as :func:`nonzero`, where it is not zero.

    Shapes: broadcast.

    Raises:
        RuntimeError: the condition is not of type bool (or uint8), or the shapes do not broadcast.

    >>> x = minigrad.tensor([-1.0, 2.0])
    >>> minigrad.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    check_tensors("where", condition=condition)
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if condition.array.dtype not in (np.bool_, np.uint8):
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}"
        )
    if condition.dtype is dtypes.uint8:
        warn_user(
            "where received a uint8 condition tensor. This behavior is deprecated: use a boolean condition instead."
        )
    input, other = [each if isinstance(each, Tensor) else checked_number("where", each) for each in (input, other)]
    kind = result_dtype(unwrap(input), unwrap(other))
    for each in (input, other):
        if not isinstance(each, Tensor):
            scalar_as(each, kind)
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = as_tensor(input)
    chosen = Where.apply(input, other, condition=condition if condition.array.dtype == np.bool_ else condition != 0)
    lay_as_pytorch(elementwise, (condition, input, other), (chosen,))
    return chosen


class Maximum(Function):
    """z = max(x, y), NaN if either is. Where they are equal each receives half the gradient."""

    chosen: Any = np.maximum

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return ctx.chosen(*prepare(x, y))

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        first, second = unwrap(x), unwrap(y)
        shared = Where.apply(grad_z / 2, grad_z, condition=first == second)
        grad_x = Where.apply(0.0, shared, condition=first < second)
        grad_y = Where.apply(0.0, shared, condition=second < first)
        return grad_x, grad_y


@checked
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of the two, NaN if either is; at a tie each receives half the gradient. Shapes: broadcast."""
    return Maximum.apply(input, other)


class Minimum(Maximum):
    """z = min(x, y), NaN if either is. Where they are equal each receives half the gradient."""

    chosen: Any = np.minimum

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        first, second = unwrap(x), unwrap(y)
        shared = Where.apply(grad_z / 2, grad_z, condition=first == second)
        grad_x = Where.apply(0.0, shared, condition=first > second)
        grad_y = Where.apply(0.0, shared, condition=second > first)
        return grad_x, grad_y


@checked
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of the two, NaN if either is; at a tie each receives half the gradient. Shapes: broadcast."""
    return Minimum.apply(input, other)


class Fmax(Maximum):
    """z = max(x, y), of NaN and a number the number. Where they are equal each receives half the gradient; beside a NaN
    both receive all of it, as in PyTorch."""

    chosen = np.fmax


@checked
def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of the two, of NaN and a number the number. Shapes: broadcast."""
    return Fmax.apply(input, other)


class Fmin(Minimum):
    """z = min(x, y), of NaN and a number the number. The gradient is that of :class:`Fmax`."""

    chosen = np.fmin


@checked
def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of the two, of NaN and a number the number. Shapes: broadcast."""
    return Fmin.apply(input, other)
