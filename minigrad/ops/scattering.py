"""Elements reduced where positions say: sums, products, means and extremes of what meets at one place; and ``put``."""

from __future__ import annotations

import math

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor, unwrap
from minigrad.graph.saved_tensors import Given
from minigrad.graph.strides import as_first
from minigrad.graph.values import constant_like
from minigrad.inplace.changing import apply_or_change, check_apart, run_in_place
from minigrad.ops.choosing import Where
from minigrad.ops.picking import Pick, check_positions, check_written, part, place_of_each
from minigrad.ops.shape import Reshape

__all__ = ["put", "scatter_reduce"]

REDUCTIONS = {
    "sum": (np.add, 0),
    "mean": (np.add, 0),
    "prod": (np.multiply, 1),
    "amax": (np.maximum, -math.inf),
    "amin": (np.minimum, math.inf),
}


def nothing_of(start, kind):
    """What a reduction begins with, in a type."""
    if kind.kind in "iu" and not math.isfinite(start):
        start = np.iinfo(kind).min if start < 0 else np.iinfo(kind).max
    return np.asarray(start > 0 if kind.kind == "b" else start, kind)


class ScatterReduce(Function):
    """z = x with the sources that meet at a place reduced, with what x has there or without.

    The gradient of an extreme is shared by all that are equal to it; as in PyTorch x takes a share, which is lost, also
    where it does not count.
    """

    saved_names = ("self", "src", "result", "index")
    result_strides = None

    def forward(ctx, x, source, *, where, reduce, include_self):
        ufunc, start = REDUCTIONS[reduce]
        ctx.reduce = reduce
        ctx.replaced = np.zeros(x.shape, bool)  # where x itself does not count
        if not include_self:
            ctx.replaced[where] = True
        z = np.asarray(np.where(ctx.replaced, nothing_of(start, x.dtype), x))
        ufunc.at(z, where, source)
        if reduce == "mean":
            ctx.count = np.where(ctx.replaced, 0, 1)
            np.add.at(ctx.count, where, 1)
            z = np.asarray(z // ctx.count if x.dtype.kind in "iu" else z / ctx.count, x.dtype)
        ctx.save_for_backward(x, source, z, where)
        return z

    def backward(ctx, grad_z):
        x, source, z, where = ctx.saved_tensors
        if ctx.reduce in ("sum", "mean"):
            grad = grad_z if ctx.reduce == "sum" else grad_z / constant_like(ctx.count, grad_z)
            grad_x, grad_source = grad, Pick.apply(grad, where=where)
        elif ctx.reduce == "prod":
            grad_x, grad_source = ctx.gradients_of_product(grad_z, x, source, where)
        else:
            is_x = np.asarray(unwrap(x) == unwrap(z))
            is_source = unwrap(source) == unwrap(z)[where]
            count = is_x.astype(np.int64)
            np.add.at(count, where, is_source)
            grad = grad_z / constant_like(np.maximum(count, 1), grad_z)
            grad_x = grad * constant_like(is_x, grad)
            grad_source = Pick.apply(grad, where=where) * constant_like(is_source, grad)
        return Where.apply(0.0, grad_x, condition=ctx.replaced), grad_source

    def gradients_of_product(ctx, grad_z, x, source, where):
        """dz/dx is the product of the others: of all that are not 0, over x, times the others that are."""
        zeros, source_zeros = np.asarray((unwrap(x) == 0) & ~ctx.replaced), unwrap(source) == 0
        count = zeros.astype(np.int64)
        np.add.at(count, where, source_zeros)
        zero_x, zero_source = Where.apply(x, 0.0, condition=zeros), Where.apply(source, 0.0, condition=source_zeros)
        rest_x, rest_source = Where.apply(1.0, x, condition=zeros), Where.apply(1.0, source, condition=source_zeros)
        start = Where.apply(1.0, rest_x, condition=ctx.replaced)
        rest = grad_z * ScatterReduce.apply(start, rest_source, where=where, reduce="prod", include_self=True)
        sums = ScatterReduce.apply(zero_x, zero_source, where=where, reduce="sum", include_self=True)
        grad_x = rest / rest_x * product_of_zeros(sums - zero_x, count - zeros)
        rest, sums, others = Pick.apply(rest, where=where), Pick.apply(sums, where=where), count[where] - source_zeros
        return grad_x, rest / rest_source * product_of_zeros(sums - zero_source, others)


def product_of_zeros(sums, count):
    """The product of numbers that are 0, to be differentiated: 1 of none, of one that one, the sum, 0 of more."""
    return Where.apply(1.0, Where.apply(sums, 0.0, condition=count == 1), condition=count == 0)


def reduced(name: str, input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool) -> Tensor:
    """What ``scatter_reduce`` computes, in place for a ``name`` in "_"."""
    check_written(name, input, index, src)
    if reduce not in REDUCTIONS:
        raise RuntimeError(f"reduce argument must be either {', '.join(REDUCTIONS)}, got {reduce}")
    where = place_of_each(name, input, dim, index, src)
    if src.dtype is not input.dtype:
        raise RuntimeError(f"scatter(): Expected self.dtype to be equal to src.dtype: {input.dtype}, {src.dtype}")
    options = {"where": where, "reduce": reduce, "include_self": include_self}
    return apply_or_change(name, ScatterReduce, input, part(src, index), **options)


@checked
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy of ``input`` where the elements of ``src`` that meet at a place, by :func:`gather`'s rule, are reduced.

    ``reduce`` is "sum", "prod", "mean", "amax" or "amin"; what ``input`` has there counts unless ``include_self`` is
    False. Shapes: (a, b), index (c, d), src at least (c, d) -> (a, b).

    Raises:
        RuntimeError: there is no such reduction, the index does not fit, or points outside; or the types differ.
    """
    return reduced("scatter_reduce", input, dim, index, src, reduce, include_self)


@checked
def scatter_reduce_(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """:func:`scatter_reduce`, in place."""
    return reduced("scatter_reduce_", input, dim, index, src, reduce, include_self)


class PutFlat(Function):
    """z = x with ``source`` written, or added, at places of the flattened tensor."""

    node_name = "PutBackward0"
    saved_names = ("index", "source")
    result_strides = as_first

    def forward(ctx, x, source, *, where, accumulate):
        ctx.accumulate, ctx.shape = accumulate, source.shape
        ctx.save_for_backward(where, source if ctx.needs_input_grad[1] else None)
        z = np.array(x, order="C")
        if accumulate:
            np.add.at(z.reshape(-1), where[0], source.reshape(-1))
        else:
            z.reshape(-1)[where[0]] = source.reshape(-1)
        return z

    def backward(ctx, grad_z):
        where, _ = ctx.saved_tensors
        grad_source = Reshape.apply(grad_z, shape=(-1,))[where[0]].reshape(ctx.shape)
        if ctx.accumulate:
            return grad_z, grad_source
        kept = np.ones(grad_z.shape, bool)
        kept.reshape(-1)[where[0]] = False
        return Where.apply(grad_z, 0.0, condition=kept), grad_source


def place_in_flat(input: Tensor, index: Tensor, source: Tensor) -> Given:
    """The positions in the flattened input as an array; the arguments of ``put_`` checked."""
    positions = check_positions("put_", index)
    size = input.numel()
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {input.dtype} and "
            f"source.dtype = {source.dtype}"
        )
    if source.numel() != index.numel():
        raise IndexError(
            f"put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.numel()}, index.numel() = {index.numel()}"
        )
    outside = positions[(positions < -size) | (positions >= size)]
    if outside.size:
        raise IndexError(f"out of range: tried to access index {outside.flat[0]} on a tensor of {size} elements.")
    return Given((positions.reshape(-1),), index)


@checked
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of ``input`` with ``source`` written at the positions ``index`` of the flattened tensor, or added there.

    Shape: that of ``input``.

    Raises:
        RuntimeError: the index is not int64, or ``source`` is of another type.
        IndexError: a position lies outside, or there are more or fewer of them than of ``source``.
    """
    where = place_in_flat(input, index, source)
    return PutFlat.apply(input, source, where=where, accumulate=accumulate)


@checked
def put_(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """:func:`put`, in place."""
    where = place_in_flat(input, index, source)
    check_apart(input, index, source)
    return run_in_place(input, "put_", PutFlat, source, where=where, accumulate=accumulate)
