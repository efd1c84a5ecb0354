"""Several arithmetic operations in one: interpolation, and products or quotients added. Rules, then what users call."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.arguments.older import older_fused
from minigrad.arguments.operands import prepare, prepare_three
from minigrad.arguments.promotion import in_opmath, number_as
from minigrad.graph.function import ONLY_FIRST, Function, Number, Tensor
from minigrad.inplace.changing import run_in_place
from minigrad.ops.elementwise import check_floating

__all__ = ["addcdiv", "addcmul", "lerp"]


def between(x, y, weight):
    """From the nearer end, so that weight 1 gives y exactly."""
    return np.where(np.abs(weight) < 0.5, x + weight * (y - x), y - (y - x) * (1 - weight))


class LerpScalar(Function):
    """z = x + weight (y - x) for a number ``weight``."""

    node_name = "LerpBackward0"

    def forward(ctx, x, y, *, weight):
        check_floating("lerp_kernel", x)
        ctx.weight = weight
        x, y = prepare(x, y)
        wide = in_opmath(x)
        return between(wide, in_opmath(y), number_as(weight, wide.dtype)).astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        grad_x = grad_z * (1 - ctx.weight) if ctx.needs_input_grad[0] else None
        grad_y = grad_z * ctx.weight if ctx.needs_input_grad[1] else None
        return grad_x, grad_y


class Lerp(Function):
    """z = x + weight (y - x), all three tensors."""

    saved_names = ("self", "end", "weight")
    overload = 1

    def forward(ctx, x, y, weight):
        check_floating("lerp_kernel", x)
        needs_weight = ctx.needs_input_grad[2]
        ctx.save_for_backward(x if needs_weight else None, y if needs_weight else None, weight)
        x, y, weight = prepare_three(x, y, weight)
        return between(in_opmath(x), in_opmath(y), in_opmath(weight)).astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        x, y, weight = ctx.saved_tensors
        grad_x = grad_z * (1 - weight) if ctx.needs_input_grad[0] else None
        grad_y = grad_z * weight if ctx.needs_input_grad[1] else None
        grad_weight = grad_z * (y - x) if ctx.needs_input_grad[2] else None
        return grad_x, grad_y, grad_weight


def check_same_type(name: str, first: Tensor, second: Tensor) -> None:
    if first.dtype is not second.dtype:
        raise RuntimeError(f"{name}: expected dtype {first.dtype} for `end` but got dtype {second.dtype}")


@checked
def lerp(input: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """``input + weight * (end - input)``, ``weight`` a number or a tensor. Shapes: broadcast.

    Raises:
        RuntimeError: the types differ.
        NotImplementedError: the type is not floating.
    """
    check_same_type("lerp", input, end)
    if isinstance(weight, Tensor):
        return Lerp.apply(input, end, weight)
    return LerpScalar.apply(input, end, weight=weight)


@checked
def lerp_(input: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """:func:`lerp`, in place."""
    check_same_type("lerp_", input, end)
    if isinstance(weight, Tensor):
        return run_in_place(input, "lerp_", Lerp, end, weight)
    return run_in_place(input, "lerp_", LerpScalar, end, weight=weight)


class Addcmul(Function):
    """z = x + value · first · second."""

    saved_names = ("tensor1", "tensor2")
    saved_inputs = slice(1, 3)
    saves_nothing_for = ONLY_FIRST

    def forward(ctx, x, first, second, *, value):
        ctx.value = value
        _, needs_first, needs_second = ctx.needs_input_grad
        ctx.save_for_backward(first if needs_second else None, second if needs_first else None)
        x, first, second = prepare_three(x, first, second)
        if x.dtype.kind == "b":
            raise NotImplementedError('"addcmul_cpu_out" not implemented for bools: convert to integers first')
        wide = in_opmath(x)
        return (wide + number_as(value, wide.dtype) * first * second).astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        first, second = ctx.saved_tensors
        grad_x = grad_z if ctx.needs_input_grad[0] else None
        grad_first = grad_z * (second * ctx.value) if ctx.needs_input_grad[1] else None
        grad_second = grad_z * (first * ctx.value) if ctx.needs_input_grad[2] else None
        return grad_x, grad_first, grad_second


@checked
def addcmul(input: Tensor, tensor1: Any, tensor2: Tensor, *older: Any, value: Number = 1) -> Tensor:
    """``input + value * tensor1 * tensor2``. Shapes: broadcast.

    Raises:
        NotImplementedError: all are bools.
    """
    tensors, value = older_fused("addcmul", older, value, input=input, tensor1=tensor1, tensor2=tensor2)
    return Addcmul.apply(*tensors, value=value)


@checked
def addcmul_(input: Tensor, tensor1: Any, tensor2: Tensor, *older: Any, value: Number = 1) -> Tensor:
    """:func:`addcmul`, in place."""
    (input, *others), value = older_fused("addcmul_", older, value, input=input, tensor1=tensor1, tensor2=tensor2)
    return run_in_place(input, "addcmul_", Addcmul, *others, value=value)


class Addcdiv(Function):
    """z = x + value · first / second."""

    saved_names = ("tensor1", "tensor2")
    saved_inputs = slice(1, 3)

    def forward(ctx, x, first, second, *, value):
        ctx.value = value
        ctx.save_for_backward(first if ctx.needs_input_grad[2] else None, second)
        x, first, second = prepare_three(x, first, second)
        wide = in_opmath(x)
        return (wide + number_as(value, wide.dtype) * first / second).astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        first, second = ctx.saved_tensors
        grad_x = grad_z if ctx.needs_input_grad[0] else None
        grad_first = grad_z * (ctx.value / second) if ctx.needs_input_grad[1] else None
        grad_second = -grad_z * (ctx.value * first) / (second * second) if ctx.needs_input_grad[2] else None
        return grad_x, grad_first, grad_second


@checked
def addcdiv(input: Tensor, tensor1: Any, tensor2: Tensor, *older: Any, value: Number = 1) -> Tensor:
    """``input + value * tensor1 / tensor2``. Shapes: broadcast.

    Raises:
        RuntimeError: both are integers; divide with ``div`` and its ``rounding_mode`` instead.
    """
    tensors, value = older_fused("addcdiv", older, value, input=input, tensor1=tensor1, tensor2=tensor2)
    check_quotient(*tensors[1:])
    return Addcdiv.apply(*tensors, value=value)


def check_quotient(tensor1: Tensor, tensor2: Tensor) -> None:
    if not tensor1.is_floating_point() and not tensor2.is_floating_point():
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported: convert one tensor to a floating type, or use div "
            "with rounding_mode, then add"
        )


@checked
def addcdiv_(input: Tensor, tensor1: Any, tensor2: Tensor, *older: Any, value: Number = 1) -> Tensor:
    """:func:`addcdiv`, in place."""
    (input, *others), value = older_fused("addcdiv_", older, value, input=input, tensor1=tensor1, tensor2=tensor2)
    check_quotient(*others)
    return run_in_place(input, "addcdiv_", Addcdiv, *others, value=value)
