"""Diagonals and triangles. Each gradient goes back to where its values came from. Rules, then what users call."""

from __future__ import annotations

import numpy as np

from minigrad.arguments.dims import normalize_dim
from minigrad.arguments.gate import checked
from minigrad.dtypes import FLOATS
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.view import ViewFunction
from minigrad.inplace.changing import run_in_place
from minigrad.kernels.layout import restrided
from minigrad.ops.arrangement import Repeat
from minigrad.ops.shape import Reshape

__all__ = ["diag", "diag_embed", "diagonal", "trace", "tril", "triu"]


class Tril(Function):
    """z = x below and on its ``diagonal``, 0 above, in every matrix."""

    result_strides = None
    part = staticmethod(np.tril)

    def forward(ctx, x, *, diagonal):
        ctx.diagonal = diagonal
        return ctx.part(x, diagonal)

    def backward(ctx, grad_z):
        grad_x = type(ctx).apply(grad_z, diagonal=ctx.diagonal)
        return grad_x


def check_has_matrices(name: str, input: Tensor) -> None:
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")


@checked
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Every matrix with zeros above its ``diagonal``. Shapes: (..., n, m), the same out.

    Raises:
        RuntimeError: there are fewer than two dimensions.
    """
    check_has_matrices("tril", input)
    return Tril.apply(input, diagonal=diagonal)


@checked
def tril_(input: Tensor, diagonal: int = 0) -> Tensor:
    """:func:`tril`, in place."""
    check_has_matrices("tril_", input)
    return run_in_place(input, "tril_", Tril, diagonal=diagonal)


class Triu(Tril):
    """z = x above and on its ``diagonal``, 0 below, in every matrix."""

    part = staticmethod(np.triu)


@checked
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Every matrix with zeros below its ``diagonal``. Shapes: (..., n, m), the same out.

    Raises:
        RuntimeError: there are fewer than two dimensions.
    """
    check_has_matrices("triu", input)
    return Triu.apply(input, diagonal=diagonal)


@checked
def triu_(input: Tensor, diagonal: int = 0) -> Tensor:
    """:func:`triu`, in place."""
    check_has_matrices("triu_", input)
    return run_in_place(input, "triu_", Triu, diagonal=diagonal)


def diagonal_view(x, offset, dim1, dim2):
    """The view of x that :class:`Diagonal` is. NumPy's own cannot be written to."""
    matrices = np.moveaxis(x, (dim1, dim2), (-2, -1))[..., max(-offset, 0) :, max(offset, 0) :]
    shape = (*matrices.shape[:-2], min(matrices.shape[-2:]))
    strides = (*matrices.strides[:-2], matrices.strides[-2] + matrices.strides[-1])
    return restrided(matrices, shape, strides)


class Diagonal(ViewFunction):
    """z = the diagonal of the matrices that x has along ``dim1`` and ``dim2``, as the last dimension."""

    def forward(ctx, x, *, offset, dim1, dim2):
        ctx.options = {"shape": x.shape, "offset": offset, "dim1": dim1, "dim2": dim2}
        return diagonal_view(x, offset, dim1, dim2)

    def backward(ctx, grad_z):
        grad_x = DiagonalBackward.apply(grad_z, **ctx.options)
        return grad_x


def two_different_dims(name: str, dim1: int, dim2: int, ndim: int) -> dict[str, int]:
    first, second = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"{name} dimensions cannot be identical {dim1}, {dim2}")
    return {"dim1": first, "dim2": second}


@checked
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of the matrices along ``dim1`` and ``dim2``, as the last dimension: a view.

    Shapes: (n, m, ...) -> (..., min(n, m)) by default.

    Raises:
        RuntimeError: the two are one dimension.
    """
    dims = two_different_dims("diagonal", dim1, dim2, input.ndim)
    return Diagonal.apply(input, offset=offset, **dims)


class DiagonalCopy(Diagonal):
    """The same as a copy."""

    is_view = False
    node_name = "DiagonalBackward0_copy"

    def forward(ctx, x, *, offset, dim1, dim2):
        return super().forward(x, offset=offset, dim1=dim1, dim2=dim2).copy()


@checked
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, as a copy, or the matrix with this diagonal.

    Shapes: (n, m) -> (min(n, m),), or (n,) -> (n, n), with ``diagonal`` 0.

    Raises:
        RuntimeError: there are neither one dimension nor two.
    """
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return DiagonalCopy.apply(input, offset=diagonal, dim1=0, dim2=1)


class DiagonalBackward(Function):
    """Zeros of ``shape`` with ``grad`` on the diagonal."""

    result_strides = None

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


@checked
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices along ``dim1`` and ``dim2`` that have the last dimension of ``input`` on their diagonal.

    Shapes: (..., n) -> (..., n, n), with ``offset`` 0.

    Raises:
        RuntimeError: the two are one dimension.
    """
    dims = two_different_dims("diagonal", dim1, dim2, input.ndim + 1)
    size = input.shape[-1] + abs(offset)
    shape = list(input.shape[:-1])
    for position in sorted(dims.values()):
        shape.insert(position, size)
    return DiagEmbed.apply(input, shape=tuple(shape), offset=offset, **dims)


class Trace(Function):
    """z = the sum of a matrix's diagonal."""

    def forward(ctx, x):
        ctx.shape = x.shape
        return np.trace(x, dtype=x.dtype if x.dtype.kind in FLOATS else np.int64)

    def backward(ctx, grad_z):
        count = min(ctx.shape)
        repeated = Repeat.apply(Reshape.apply(grad_z, shape=(1,)), repeats=(count,))
        grad_x = DiagonalBackward.apply(repeated, shape=ctx.shape, offset=0, dim1=0, dim2=1)
        return grad_x


@checked
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal. Shapes: (n, m) -> ().

    Raises:
        RuntimeError: there are other than two dimensions.
    """
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return Trace.apply(input)
