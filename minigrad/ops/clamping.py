"""Clamping between bounds that are numbers or tensors, or to one bound. The gradient passes where no bound was met."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.arguments.operands import prepare
from minigrad.arguments.promotion import number_as, promote, result_dtype
from minigrad.graph.function import Function, Number, Tensor, constant_like, unwrap
from minigrad.inplace.changing import apply_or_change, run_in_place
from minigrad.ops.choosing import Maximum, Minimum, Where

__all__ = ["clamp", "clamp_", "clamp_max", "clamp_max_", "clamp_min", "clamp_min_", "clip", "clip_"]


def in_one_type(x, lowest, highest):
    """x and two numbers, or None, in the type to which they promote; PyTorch's error where it cannot hold one."""
    kind = result_dtype(*[each for each in (x, lowest, highest) if each is not None])
    if kind.kind == "b":
        raise NotImplementedError('"clamp" not implemented for bools: convert to integers first')
    bounds = [None if each is None else number_as(each, kind) for each in (lowest, highest)]
    return x.astype(kind, copy=False), *bounds


class Clamp(Function):
    """z = min(max(x, lowest), highest). The gradient passes where lowest < x < highest."""

    overload = 1

    def forward(ctx, x, *, lowest, highest):
        ctx.save_for_backward(x)
        ctx.lowest, ctx.highest = lowest, highest
        z, lowest, highest = in_one_type(x, lowest, highest)
        if lowest is not None:
            z = np.maximum(z, lowest)
        return z if highest is None else np.minimum(z, highest)

    def backward(ctx, grad_z):
        x = unwrap(ctx.saved_tensors[0])
        passes = np.ones(x.shape, np.bool_)
        if ctx.lowest is not None:
            passes &= x > ctx.lowest
        if ctx.highest is not None:
            passes &= x < ctx.highest
        grad_x = Where.apply(grad_z, 0.0, condition=passes)
        return grad_x


@checked
def clamp(input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
    """``input`` between ``min`` and ``max``: numbers or tensors, or one of them None. Shapes: broadcast.

    Raises:
        RuntimeError: both are None, or a number does not fit the integer type of the result.
    """
    operation, bounds, numbers = clamp_form(min, max)
    return operation.apply(input, *bounds, **numbers)


def clamp_form(lowest: Any, highest: Any) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The operation that clamps to these bounds, those that are its inputs, and those that are its options."""
    if lowest is None and highest is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    tensors = [isinstance(each, Tensor) for each in (lowest, highest) if each is not None]
    if not any(tensors):
        return Clamp, (), {"lowest": lowest, "highest": highest}
    if all(tensors):
        return ClampTensor, (lowest, highest), {}
    for bound in (lowest, highest):
        if isinstance(bound, Tensor) and bound.ndim:
            raise TypeError("clamp(): beside a number, the other bound must be a number or a zero-dimensional tensor")
    lowest, highest = [each.item() if isinstance(each, Tensor) else each for each in (lowest, highest)]
    return Clamp, (), {"lowest": lowest, "highest": highest}


@checked
def clamp_(input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
    """:func:`clamp`, in place."""
    operation, bounds, numbers = clamp_form(min, max)
    return run_in_place(input, "clamp_", operation, *bounds, **numbers)


class ClampMin(Clamp):
    """z = max(x, lowest). The gradient passes where x ≥ lowest."""

    overload = 0


def clamp_to_one(name: str, input: Tensor, lowest: Any, highest: Any, operation: Any, of_tensor: Any) -> Tensor:
    """``input`` clamped to the one bound that is given: in place where the ``name`` ends in an underscore."""
    bound = highest if lowest is None else lowest
    if bound is None:
        raise TypeError(f"{name}() needs a number or a tensor, not None")
    if isinstance(bound, Tensor):
        return apply_or_change(name, of_tensor, input, bound)
    return apply_or_change(name, operation, input, lowest=lowest, highest=highest)


@checked
def clamp_min(input: Tensor, min: Tensor | Number) -> Tensor:
    """The larger of ``input`` and ``min``, a number or a tensor. Shapes: broadcast.

    Raises:
        NotImplementedError: all are bools.
    """
    return clamp_to_one("clamp_min", input, min, None, ClampMin, ClampMinTensor)


@checked
def clamp_min_(input: Tensor, min: Tensor | Number) -> Tensor:
    """:func:`clamp_min`, in place."""
    return clamp_to_one("clamp_min_", input, min, None, ClampMin, ClampMinTensor)


class ClampMax(Clamp):
    """z = min(x, highest). The gradient passes where x ≤ highest."""

    overload = 0


@checked
def clamp_max(input: Tensor, max: Tensor | Number) -> Tensor:
    """The smaller of ``input`` and ``max``, a number or a tensor. Shapes: broadcast.

    Raises:
        NotImplementedError: all are bools.
    """
    return clamp_to_one("clamp_max", input, None, max, ClampMax, ClampMaxTensor)


@checked
def clamp_max_(input: Tensor, max: Tensor | Number) -> Tensor:
    """:func:`clamp_max`, in place."""
    return clamp_to_one("clamp_max_", input, None, max, ClampMax, ClampMaxTensor)


class ClampMinTensor(Maximum):
    """z = max(x, lowest) for a tensor ``lowest``. At a tie each receives half the gradient."""

    saved_names = ("self", "min")
    node_name = "ClampMinBackward1"


class ClampMaxTensor(Minimum):
    """z = min(x, highest) for a tensor ``highest``. At a tie each receives half the gradient."""

    saved_names = ("self", "max")
    node_name = "ClampMaxBackward1"


def share(first, second, wins):
    """1 where this one wins or the two cannot be compared, a half where they are equal, else 0."""
    return np.where(first == second, 0.5, wins | np.isnan(first) | np.isnan(second))


def three_shares(x, lowest, highest):
    """What part of the gradient x, lowest and highest receive."""
    crossed = lowest > highest
    below, above = (x < lowest) & ~crossed, ((x > highest) & ~(x < lowest)) | crossed
    tie_below, tie_above = (x == lowest) & (lowest < highest), (x == highest) & (lowest < highest)
    to_lowest = np.where(tie_below, 0.5, below)
    to_highest = np.where(tie_above, 0.5, above)
    return np.where(np.isnan(x), 1, 1 - to_lowest - to_highest), to_lowest, to_highest


class ClampTensor(Function):
    """z = min(max(x, lowest), highest), the bounds tensors or None. The gradient goes to the one that z equals.

    At a tie each of two receives half. Where lowest > highest, z and its gradient are highest's. NaN passes.
    """

    saved_names = ("self", "min", "max")
    node_name = "ClampBackward0"

    def forward(ctx, x, lowest, highest):
        ctx.save_for_backward(x, lowest, highest)
        x, *bounds = promote(*[each for each in (x, lowest, highest) if each is not None])
        if lowest is not None:
            x = np.maximum(*prepare(x, bounds[0]))
        return x if highest is None else np.minimum(*prepare(x, bounds[-1]))

    def backward(ctx, grad_z):
        x, lowest, highest = [unwrap(each) for each in ctx.saved_tensors]
        if lowest is None:
            shares = share(x, highest, x < highest), None, share(x, highest, x > highest)
        elif highest is None:
            shares = share(x, lowest, x > lowest), share(x, lowest, x < lowest), None
        else:
            shares = three_shares(x, lowest, highest)
        gradients = []
        for part in shares:
            gradients.append(None if part is None else grad_z * constant_like(part, grad_z))
        return tuple(gradients)


# Other names that PyTorch has for some of these.
clip = clamp
clip_ = clamp_
