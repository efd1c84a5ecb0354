"""Elements repeated, reversed, cut into pieces, taken from diagonals and windows. Each gradient goes the way back.

Reshaping and swapping dimensions are in ``shape.py``, joining is in ``joining.py``.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.graph.function import Function
from minigrad.graph.view import ViewFunction
from minigrad.ops.joining import Cat, Stack
from minigrad.ops.shape import Reshape


class Repeat(Function):
    """z = x repeated ``repeats[i]`` times along dimension i; x counts as having as many dimensions as ``repeats``."""

    def forward(ctx, x, *, repeats):
        ctx.shape, ctx.repeats = x.shape, repeats
        return np.tile(x, repeats)

    def backward(ctx, grad_z):
        padded = (1,) * (len(ctx.repeats) - len(ctx.shape)) + ctx.shape
        pairs = [size for pair in zip(ctx.repeats, padded) for size in pair]  # each dimension as repetition, place
        if not pairs:
            return grad_z
        summed = Reshape.apply(grad_z, shape=tuple(pairs)).sum(tuple(range(0, len(pairs), 2)))
        grad_x = Reshape.apply(summed, shape=ctx.shape)  # every repetition of an element
        return grad_x


class Flip(Function):
    """z = x with the order of its elements reversed along ``dims``: a copy."""

    def forward(ctx, x, *, dims):
        ctx.dims = dims
        return np.flip(x, dims).copy()

    def backward(ctx, grad_z):
        grad_x = Flip.apply(grad_z, dims=ctx.dims)
        return grad_x


class Roll(Function):
    """z = x moved along by ``shifts``; what leaves at one end enters at the other. Without ``dims``, x flattened."""

    def forward(ctx, x, *, shifts, dims):
        ctx.shifts, ctx.dims = shifts, dims
        return np.asarray(np.roll(x, shifts[0] if dims is None else shifts, dims), order="C")

    def backward(ctx, grad_z):
        grad_x = Roll.apply(grad_z, shifts=tuple([-shift for shift in ctx.shifts]), dims=ctx.dims)
        return grad_x


class Rot90(Function):
    """z = x turned by ``k`` quarters from the first of two ``dims`` towards the second."""

    def forward(ctx, x, *, k, dims):
        ctx.k, ctx.dims = k, dims
        return np.rot90(x, k, dims).copy()

    def backward(ctx, grad_z):
        grad_x = Rot90.apply(grad_z, k=-ctx.k, dims=ctx.dims)
        return grad_x


class Tril(Function):
    """z = x below and on its ``diagonal``, 0 above, in every matrix."""

    part = staticmethod(np.tril)

    def forward(ctx, x, *, diagonal):
        ctx.diagonal = diagonal
        return ctx.part(x, diagonal)

    def backward(ctx, grad_z):
        grad_x = type(ctx).apply(grad_z, diagonal=ctx.diagonal)
        return grad_x


class Triu(Tril):
    """z = x above and on its ``diagonal``, 0 below, in every matrix."""

    part = staticmethod(np.triu)


class Split(ViewFunction):
    """x cut along ``dim`` into pieces of ``sizes``."""

    def forward(ctx, x, *, sizes, dim):
        ctx.dim = dim
        pieces, start = [], 0
        for size in sizes:
            pieces.append(x[(slice(None),) * dim + (slice(start, start + size),)])
            start += size
        return tuple(pieces)

    def backward(ctx, *grads):
        grad_x = Cat.apply(*grads, dim=ctx.dim)
        return grad_x


class SplitWithSizes(Split):
    """The same where the sizes were given one by one: PyTorch has a node of its own for it."""


class Unbind(ViewFunction):
    """The slices of x along ``dim``, which disappears."""

    def forward(ctx, x, *, dim):
        ctx.dim = dim
        return tuple([x[(slice(None),) * dim + (index, ...)] for index in range(x.shape[dim])])

    def backward(ctx, *grads):
        grad_x = Stack.apply(*grads, dim=ctx.dim)
        return grad_x


# ------------------------------------------------------------------------------------ diagonals and windows


class Diagonal(ViewFunction):
    """z = the diagonal of the matrices that x has along ``dim1`` and ``dim2``, as the last dimension."""

    def forward(ctx, x, *, offset, dim1, dim2):
        ctx.options = {"shape": x.shape, "offset": offset, "dim1": dim1, "dim2": dim2}
        return diagonal_view(x, offset, dim1, dim2)

    def backward(ctx, grad_z):
        grad_x = DiagonalBackward.apply(grad_z, **ctx.options)
        return grad_x


def diagonal_view(x, offset, dim1, dim2):
    """The view of x that :class:`Diagonal` is. NumPy's own cannot be written to."""
    matrices = np.moveaxis(x, (dim1, dim2), (-2, -1))[..., max(-offset, 0) :, max(offset, 0) :]
    shape = (*matrices.shape[:-2], min(matrices.shape[-2:]))
    strides = (*matrices.strides[:-2], matrices.strides[-2] + matrices.strides[-1])
    return as_strided(matrices, shape, strides, writeable=x.flags.writeable)


class DiagonalCopy(Diagonal):
    """The same as a copy."""

    is_view = False
    node_name = "DiagonalBackward0_copy"

    def forward(ctx, x, *, offset, dim1, dim2):
        return super().forward(x, offset=offset, dim1=dim1, dim2=dim2).copy()


class DiagonalBackward(Function):
    """Zeros of ``shape`` with ``grad`` on the diagonal."""

    def forward(ctx, grad, *, shape, offset, dim1, dim2):
        ctx.where = {"offset": offset, "dim1": dim1, "dim2": dim2}
        z = np.zeros(shape, grad.dtype)
        diagonal_view(z, offset, dim1, dim2)[...] = grad
        return z

    def backward(ctx, grad_z):
        grad_grad = Diagonal.apply(grad_z, **ctx.where)
        return grad_grad


class DiagEmbed(DiagonalBackward):
    """z = matrices along ``dim1`` and ``dim2`` with the last dimension of x on their diagonal."""


class Trace(Function):
    """z = the sum of a matrix's diagonal."""

    def forward(ctx, x):
        ctx.shape = x.shape
        return np.trace(x, dtype=x.dtype if x.dtype.kind == "f" else np.int64)

    def backward(ctx, grad_z):
        count = min(ctx.shape)
        repeated = Repeat.apply(Reshape.apply(grad_z, shape=(1,)), repeats=(count,))
        grad_x = DiagonalBackward.apply(repeated, shape=ctx.shape, offset=0, dim1=0, dim2=1)
        return grad_x


class Unfold(ViewFunction):
    """z = the windows of ``size`` elements along ``dim``, ``step`` apart: their elements in a last dimension."""

    def forward(ctx, x, *, dim, size, step):
        ctx.options = {"shape": x.shape, "dim": dim, "size": size, "step": step}
        return windows(x, dim, size, step)

    def backward(ctx, grad_z):
        grad_x = UnfoldBackward.apply(grad_z, **ctx.options)
        return grad_x


class UnfoldBackward(Function):
    """Zeros of ``shape`` to which every window's ``grad`` is added."""

    def forward(ctx, grad, *, shape, dim, size, step):
        ctx.options = {"dim": dim, "size": size, "step": step}
        z = np.zeros(shape, grad.dtype)
        places = np.arange(z.size).reshape(shape)
        np.add.at(z.reshape(-1), windows(places, dim, size, step), grad)
        return z

    def backward(ctx, grad_z):
        grad_grad = Unfold.apply(grad_z, **ctx.options)
        return grad_grad


def windows(x, dim, size, step):
    """The view of x that :class:`Unfold` is."""
    if x.ndim == 0:
        return as_strided(x, (size,), (x.itemsize,), writeable=x.flags.writeable)
    count = (x.shape[dim] - size) // step + 1
    shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
    strides = (*x.strides[:dim], x.strides[dim] * step, *x.strides[dim + 1 :], x.strides[dim])
    return as_strided(x, shape, strides, writeable=x.flags.writeable)
