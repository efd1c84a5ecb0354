"""Elements picked and written by a mask, a tensor of bools. Rules, then what users call.

What was picked sends its gradient back to where it came from; what was overwritten has none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.gate import checked
from minigrad.arguments.operands import check_broadcast, checked_number
from minigrad.arguments.promotion import number_as
from minigrad.graph.function import Function, Number, Tensor
from minigrad.graph.function import wrap as tensor_of  # ``wrap`` is an argument of a function here
from minigrad.graph.saved_tensors import Given
from minigrad.inplace.changing import check_partial_overlap, run_in_place
from minigrad.ops.choosing import Where
from minigrad.ops.picking import Pick, Zeros
from minigrad.ops.shape import Reshape

__all__ = ["masked_fill", "masked_scatter", "masked_select"]


class MaskedFill(Function):
    """z = x with ``number`` where ``mask`` holds."""

    result_strides = None

    def forward(ctx, x, *, mask, number):
        ctx.save_for_backward(mask)
        return np.asarray(np.where(mask[0], number_as(number, x.dtype), x), order="C")

    def backward(ctx, grad_z):
        ((mask,),) = ctx.saved_tensors
        grad_x = Where.apply(0.0, grad_z, condition=mask)
        return grad_x


def masked_form(input: Tensor, mask: Tensor, value: Any) -> tuple[Any, tuple[Any, ...], Any]:
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(f"masked_fill only supports a 0-dimensional value tensor, got {value.ndim} dimensions.")
        return MaskedFillTensor, (value,), {"mask": check_mask("masked_fill", input, mask)}
    number = checked_number("masked_fill", value)
    return MaskedFill, (), {"mask": check_mask("masked_fill", input, mask), "number": number}


@checked
def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """``value``, a number or one element, where ``mask`` holds, ``input`` elsewhere. Shapes: broadcast.

    Raises:
        RuntimeError: the mask is not bool, or the value has dimensions or does not fit the type.
    """
    operation, values, options = masked_form(input, mask, value)
    return operation.apply(input, *values, **options)


@checked
def masked_fill_(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """:func:`masked_fill`, in place."""
    check_partial_overlap(input, mask)
    operation, values, options = masked_form(input, mask, value)
    return run_in_place(input, "masked_fill_", operation, *values, **options)


class MaskedFillTensor(MaskedFill):
    """z = x with ``value``, one element, where ``mask`` holds."""

    node_name = "MaskedFillBackward1"

    def forward(ctx, x, value, *, mask):
        return super().forward(x, mask=mask, number=value.item())

    def backward(ctx, grad_z):
        ((mask,),) = ctx.saved_tensors
        grad_x = Where.apply(0.0, grad_z, condition=mask)
        grad_value = Where.apply(grad_z, 0.0, condition=mask).sum() if ctx.needs_input_grad[1] else None
        return grad_x, grad_value


class MaskedSelect(Pick):
    """z = the elements of x where ``mask`` holds, one after the other; the two are broadcast."""

    node_name = "MaskedSelectBackward0"

    def forward(ctx, x, *, mask):
        ctx.shape = np.broadcast_shapes(x.shape, mask[0].shape)
        where = Given((np.broadcast_to(mask[0], ctx.shape),), *mask.sources)
        ctx.save_for_backward(x, where)
        return np.broadcast_to(x, ctx.shape)[where]


def check_mask(name: str, input: Tensor, mask: Any) -> Given:
    """A bool mask that broadcasts with ``input``: its array, alone in a tuple."""
    if mask.dtype is not dtypes.bool:
        raise RuntimeError(
            f"{name} only supports boolean masks, but got mask with dtype {mask.dtype} (expected BoolTensor for mask)"
        )
    check_broadcast(input.array, mask.array)
    return Given((mask.array,), mask)


@checked
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` holds, one after the other.

    Shapes: (...), (...) -> (count,); the two are broadcast.

    Raises:
        RuntimeError: the mask is not bool.
    """
    return MaskedSelect.apply(input, mask=check_mask("masked_select", input, mask))


class MaskedScatter(Function):
    """z = x with the first elements of ``source``, in order, where ``mask`` holds."""

    result_strides = None

    def forward(ctx, x, source, *, mask):
        shape = np.broadcast_shapes(x.shape, mask[0].shape)
        ctx.source_shape = source.shape
        where = Given((np.broadcast_to(mask[0], shape),), *mask.sources)
        ctx.save_for_backward(where)
        z = np.broadcast_to(x, shape).copy()
        z[where] = source.reshape(-1)[: np.count_nonzero(where[0])]
        return z

    def backward(ctx, grad_z):
        (where,) = ctx.saved_tensors
        grad_x = Where.apply(0.0, grad_z, condition=where[0])
        grad_source = None
        if ctx.needs_input_grad[1]:
            picked = Pick.apply(grad_z, where=where)
            size = int(np.prod(ctx.source_shape))
            first = np.arange(picked.shape[0])
            grad_source = Reshape.apply(Zeros.apply(picked, shape=(size,), where=first), shape=ctx.source_shape)
        return grad_x, grad_source


def check_source(input: Tensor, mask: Tensor, source: Tensor) -> Given:
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got {input.dtype} and {source.dtype}"
        )
    checked = check_mask("masked_scatter", input, mask)
    wanted = int(np.count_nonzero(np.broadcast_to(mask.array, np.broadcast_shapes(mask.shape, input.shape))))
    if wanted > source.numel():
        raise RuntimeError(f"masked_scatter: the mask holds {wanted} times, but source has {source.numel()} elements")
    return checked


@checked
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The first elements of ``source``, in order, where ``mask`` holds, ``input`` elsewhere. Shapes: broadcast.

    Raises:
        RuntimeError: the mask is not bool, the types differ, or the source has too few elements.
    """
    return MaskedScatter.apply(input, source, mask=check_source(input, mask, source))


@checked
def masked_scatter_(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """:func:`masked_scatter`, in place."""
    check_partial_overlap(input, mask)
    return run_in_place(input, "masked_scatter_", MaskedScatter, source, mask=check_source(input, mask, source))


@checked
def fill_diagonal_(input: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """``fill_value`` where all indices are equal; with ``wrap``, again and again down a tall matrix.

    Shape: that of ``input``.

    Raises:
        RuntimeError: there is one dimension or none, or more than two of different sizes.
    """
    shape = input.array.shape
    if len(shape) < 2:
        raise RuntimeError(f"fill_diagonal_: dimensions must larger than 1, but the tensor has {len(shape)}")
    if len(shape) > 2 and len({*shape}) > 1:
        raise RuntimeError(f"fill_diagonal_: all dimensions of input must be of equal length, but they are {shape}")
    mask = np.zeros(shape, np.bool_)
    np.fill_diagonal(mask, True, wrap=wrap)
    operation, values, options = masked_form(input, tensor_of(mask), fill_value)
    return run_in_place(input, "fill_diagonal_", operation, *values, **options)
