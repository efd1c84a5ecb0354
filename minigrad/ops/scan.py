"""Scans: the running sum, product and extremum along one dimension, and differences of neighbours.

The k-th result uses elements 1 to k, so an element's gradient is gathered from the results at its place and after it:
a scan in the other direction. ``reverse`` runs a scan from the end; the rules use it, users do not see it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes, return_types
from minigrad.arguments.checks import missing_dim
from minigrad.arguments.dims import normalize_dim
from minigrad.arguments.gate import checked
from minigrad.creation import zeros_like
from minigrad.dtypes import FLOATS
from minigrad.graph.function import Function, Tensor, constant_like, unwrap
from minigrad.inplace.changing import run_in_place
from minigrad.ops.casting import ToCopy
from minigrad.ops.choosing import Where
from minigrad.ops.indexing import IndexBackward, Select, Slice
from minigrad.ops.joining import Cat, Stack, cat

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "diff"]


WIDER = {np.dtype(np.float16): np.dtype(np.float32), np.dtype(np.float32): np.dtype(np.float64)}


def accumulate(ufunc, x, dim, reverse):
    """The running result of ``ufunc`` along ``dim``, kept in a wider type on the way, as PyTorch does."""
    if x.ndim == 0:
        return x.copy()
    ordered = np.flip(x, dim) if reverse else x
    z = ufunc.accumulate(ordered, axis=dim, dtype=WIDER.get(x.dtype, x.dtype)).astype(x.dtype, copy=False)
    return np.asarray(np.flip(z, dim) if reverse else z, order="C")


def accumulated_type(x, dtype):
    """The type of a running sum or product: ``dtype``, or that of x, int64 for integers and bools."""
    if dtype is not None:
        return dtype
    return x.dtype if x.dtype.kind in FLOATS else np.dtype(np.int64)


class Cumsum(Function):
    """zₖ = x₁ + … + xₖ along ``dim``. Integers and bools are summed in int64."""

    result_strides = None

    def forward(ctx, x, *, dim, dtype=None, reverse=False):
        ctx.dim, ctx.reverse = dim, reverse
        return accumulate(np.add, x.astype(accumulated_type(x, dtype), copy=False), dim, reverse)

    def backward(ctx, grad_z):
        grad_x = Cumsum.apply(grad_z, dim=ctx.dim, reverse=not ctx.reverse)  # dzₖ/dxⱼ = 1 where j ≤ k
        return grad_x


@checked
def cumsum(input: Tensor, dim: int | None = None, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """The sum of the elements up to each, along ``dim``. Integers and bools are summed in int64.

    Shape: that of ``input``.
    """
    if dim is None:
        raise missing_dim("cumsum")
    return Cumsum.apply(input, dim=normalize_dim(dim, input.ndim), dtype=dtype and dtype.numpy)


@checked
def cumsum_(input: Tensor, dim: int, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """:func:`cumsum` in place, in the type of ``input``; ``dtype`` may only repeat it.

    Raises:
        RuntimeError: ``dtype`` is another.
        NotImplementedError: the type is bool.
    """
    return scan_in_place("cumsum", Cumsum, input, dim, dtype)


def scan_in_place(name: str, operation: Any, input: Tensor, dim: int, dtype: dtypes.dtype | None) -> Tensor:
    """Let ``input`` become its running sum or product.

    Raises:
        RuntimeError: ``dtype`` is another than that of ``input``, or it may not be changed.
        NotImplementedError: the type is bool.
    """
    if dtype is not None and dtype is not input.dtype:
        raise RuntimeError(
            f"Bad in-place call: input tensor dtype {input.dtype} and output tensor dtype {dtype} should match"
        )
    if input.dtype is dtypes.bool:
        raise NotImplementedError(f'"{name}_out_cpu" not implemented for {input.dtype}')
    dim = normalize_dim(dim, input.ndim)
    return run_in_place(input, f"{name}_", operation, dim=dim, dtype=input.dtype.numpy)


def in_type_of(grad, x):
    """``x`` in the type of ``grad``: where an operation was told its type, its input may have another."""
    kind = unwrap(grad).dtype
    return x if unwrap(x).dtype == kind else ToCopy.apply(x, dtype=kind)


def products_before(x, dim, reverse):
    """At each place the product of the elements before it along ``dim``, after it with ``reverse``; 1 for none."""
    count = x.shape[dim]
    shape = [1 if each == dim else size for each, size in enumerate(x.shape)]
    ones = constant_like(np.ones(shape), x)
    rest = Slice.apply(x, dim=dim, where=slice(1, count) if reverse else slice(0, count - 1))
    shifted = (rest, ones) if reverse else (ones, rest)
    return Cumprod.apply(Cat.apply(*shifted, dim=dim), dim=dim, reverse=reverse)


def times_zeros(x, factor):
    """``x · factor``, 0 where x is: also where ``factor``, a product, went beyond its type, as 0 · ∞ is NaN."""
    beyond = ~np.isfinite(unwrap(factor)) & (unwrap(x) == 0)
    return x * Where.apply(0.0, factor, condition=beyond)


def zeros_and_rest(x):
    """x with 1 in place of what is not zero, and x with 1 in place of the zeros: multiplied, they are x."""
    zero = unwrap(x) == 0
    return Where.apply(x, 1.0, condition=zero), Where.apply(1.0, x, condition=zero)


def carry_back(grad, x, dim, reverse):
    """sₖ = gradₖ + xₖ₊₁ sₖ₊₁ along ``dim``: the gradients of later products, times what was multiplied on the way."""
    count = x.shape[dim]
    sums = [None] * count
    following = None
    for place in range(count) if reverse else reversed(range(count)):
        total = Select.apply(grad, dim=dim, index=place)
        if following is not None:
            total = total + times_zeros(Select.apply(x, dim=dim, index=following), sums[following])
        sums[place] = total
        following = place
    return Stack.apply(*sums, dim=dim)


class Cumprod(Function):
    """zₖ = x₁ · … · xₖ along ``dim``. The gradient is right where x is zero too."""

    result_strides = None

    def forward(ctx, x, *, dim, dtype=None, reverse=False):
        ctx.dim, ctx.reverse = dim, reverse
        z = accumulate(np.multiply, x.astype(accumulated_type(x, dtype), copy=False), dim, reverse)
        ctx.save_for_backward(x, z)
        return z

    def backward(ctx, grad_z):
        x, z = ctx.saved_tensors
        dim = ctx.dim
        if x.ndim == 0 or x.shape[dim] <= 1:
            return grad_z
        x = in_type_of(grad_z, x)
        if (unwrap(x) == 0).any():
            carried = carry_back(grad_z, x, dim, ctx.reverse)
            zeros, rest = zeros_and_rest(x)
            before = times_zeros(products_before(zeros, dim, ctx.reverse), products_before(rest, dim, ctx.reverse))
            grad_x = times_zeros(before, carried)  # dzₖ/dxⱼ = the product without xⱼ
        else:
            grad_x = Cumsum.apply(grad_z * z, dim=dim, reverse=not ctx.reverse) / x  # dzₖ/dxⱼ = zₖ/xⱼ where j ≤ k
        return grad_x


@checked
def cumprod(input: Tensor, dim: int | None = None, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """The product of the elements up to each, along ``dim``. Integers and bools are multiplied in int64.

    Shape: that of ``input``.
    """
    if dim is None:
        raise missing_dim("cumprod")
    return Cumprod.apply(input, dim=normalize_dim(dim, input.ndim), dtype=dtype and dtype.numpy)


@checked
def cumprod_(input: Tensor, dim: int, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """:func:`cumprod` in place, in the type of ``input``; ``dtype`` may only repeat it.

    Raises:
        RuntimeError: ``dtype`` is another.
        NotImplementedError: the type is bool.
    """
    return scan_in_place("cumprod", Cumprod, input, dim, dtype)


class Cummax(Function):
    """zₖ = max(x₁ … xₖ) along ``dim``, and where: the last of equal maxima. After a NaN all is NaN.

    The gradient of a result goes to the position reported.
    """

    result_strides = None

    extremum: np.ufunc = np.maximum

    def forward(ctx, x, *, dim):
        ctx.shape = x.shape
        ctx.dim = dim
        if x.ndim == 0:
            positions = np.zeros((), np.int64)
            ctx.save_for_backward(x, positions)
            return x.copy(), positions
        running = ctx.extremum.accumulate(x, axis=dim)
        places = np.arange(x.shape[dim]).reshape([-1 if each == dim else 1 for each in range(x.ndim)])
        reached = np.where((x == running) | (x != x), places, 0)  # x != x: a NaN
        positions = np.maximum.accumulate(reached, axis=dim)
        ctx.save_for_backward(x, positions)
        return np.take_along_axis(x, positions, dim), positions

    def backward(ctx, grad_z, _):
        positions = unwrap(ctx.saved_tensors[1])
        if not ctx.shape:
            return grad_z
        where = list(np.indices(ctx.shape, sparse=True))
        where[ctx.dim] = positions
        grad_x = IndexBackward.apply(grad_z, shape=ctx.shape, where=tuple(where))  # dz/dx = 1 at the position reported
        return grad_x


@checked
def cummax(input: Tensor, dim: int) -> Any:
    """The largest element up to each, along ``dim``, and where it is, the last of equal ones.

    Shape: that of ``input``.
    """
    return return_types.cummax(*Cummax.apply(input, dim=normalize_dim(dim, input.ndim)))


class Cummin(Cummax):
    """zₖ = min(x₁ … xₖ) along ``dim``, and where: the last of equal minima. After a NaN all is NaN."""

    extremum = np.minimum


@checked
def cummin(input: Tensor, dim: int) -> Any:
    """The smallest element up to each, along ``dim``, and where it is, the last of equal ones.

    Shape: that of ``input``.
    """
    return return_types.cummin(*Cummin.apply(input, dim=normalize_dim(dim, input.ndim)))


@checked
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """Each element minus the one before it along ``dim``, ``n`` times; for bools whether the two differ.

    ``prepend`` and ``append`` are joined to the input first. Shape: that of the input, ``dim`` smaller by ``n``.

    Raises:
        RuntimeError: ``n`` is negative, or the input has no dimension, or what is to be joined does not fit.
    """
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    dim = normalize_dim(dim, input.ndim)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    pieces = [each for each in (prepend, input, append) if each is not None]
    for each in pieces:
        if each.ndim != input.ndim:
            raise RuntimeError(
                f"diff expects prepend or append to be the same dimension as input, got {each.ndim} and {input.ndim}"
            )
    if n == 0:
        return zeros_like(input).copy_(input)
    values = cat(pieces, dim) if len(pieces) > 1 else input
    for _ in range(min(n, values.shape[dim])):
        count = values.shape[dim]
        later = Slice.apply(values, dim=dim, where=slice(1, count))
        earlier = Slice.apply(values, dim=dim, where=slice(0, count - 1))
        values = later.ne(earlier) if values.dtype is dtypes.bool else later - earlier
    return values
