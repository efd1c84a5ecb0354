"""The dimensions in another order: views, whose gradient is put back in the old order. Rules, then what users call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.arguments.dims import as_shape, normalize_dim, normalize_dims
from minigrad.arguments.gate import checked, welcoming
from minigrad.graph.node import Tensor
from minigrad.graph.view import ViewFunction
from minigrad.ops.shape import Alias, restride

__all__ = ["adjoint", "moveaxis", "movedim", "permute", "swapaxes", "swapdims", "t", "transpose"]


class Transpose(ViewFunction):
    """z = x with two dimensions swapped."""

    def forward(ctx, x, *, dim0, dim1):
        ctx.dim0, ctx.dim1 = dim0, dim1
        return x.swapaxes(dim0, dim1) if x.ndim else x.view()

    def backward(ctx, grad_z):
        grad_x = Transpose.apply(grad_z, dim0=ctx.dim0, dim1=ctx.dim1)
        return grad_x


@checked
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Dimensions ``dim0`` and ``dim1`` exchanged: a view. Shapes: (a, b, c) -> (c, b, a) for 0 and 2.

    Raises:
        IndexError: there is no such dimension.
    """
    return Transpose.apply(input, dim0=normalize_dim(dim0, input.ndim), dim1=normalize_dim(dim1, input.ndim))


@checked
def adjoint(input: Tensor) -> Tensor:
    """Every matrix transposed; numbers are real. A view. Shapes: (..., n, m) -> (..., m, n).

    Raises:
        RuntimeError: there is one dimension only.
    """
    return transposed_matrices(input, "adjoint()")


def transposed_matrices(input: Tensor, name: str) -> Tensor:
    """The last two dimensions exchanged, for ``x.name``; a number stays itself."""
    if input.ndim == 1:
        raise RuntimeError(f"tensor.{name} is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return transpose(input, -2, -1) if input.ndim else input


@checked
def transpose_(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """:func:`transpose`, in place."""
    return restride(input, "transpose_", transpose, dim0, dim1)


@checked
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """As :func:`transpose`."""
    return transpose(input, axis0, axis1)


@checked
def swapaxes_(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """:func:`swapaxes`, in place."""
    return transpose_(input, axis0, axis1)


@checked
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """As :func:`transpose`."""
    return transpose(input, dim0, dim1)


swapdims_ = transpose_


class T(ViewFunction):
    """z = xᵀ for a matrix; fewer dimensions stay as they are."""

    def forward(ctx, x):
        if x.ndim > 2:
            raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but input is {x.ndim}D")
        return x.T

    def backward(ctx, grad_z):
        grad_x = T.apply(grad_z)
        return grad_x


@checked
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, a view. Shapes: (n, k) -> (k, n). A vector or a number stays as it is.

    Raises:
        RuntimeError: there are more than two dimensions.
    """
    return T.apply(input)


def t_(input: Tensor) -> Tensor:
    """:func:`t`, in place."""
    return restride(input, "t_", t)


class Permute(ViewFunction):
    """z = x with its dimensions in another order."""

    def forward(ctx, x, *, dims):
        ctx.dims = normalize_dims(dims, x.ndim) if dims else ()
        if len(ctx.dims) != x.ndim:
            raise RuntimeError(
                f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
                f"desired ordering of dimensions i.e. input.dim() = {x.ndim} is not equal to len(dims) = {len(dims)}"
            )
        return x.transpose(ctx.dims)

    def backward(ctx, grad_z):
        inverse = [0] * len(ctx.dims)
        for position, dim in enumerate(ctx.dims):
            inverse[dim] = position
        grad_x = Permute.apply(grad_z, dims=tuple(inverse))
        return grad_x


@welcoming
def permute(input: Tensor, *positions: Any, dims: Any = None) -> Tensor:
    """The dimensions in the order ``dims``, also given one by one: a view.

    Shapes: (a, b, c) -> (c, a, b) for (2, 0, 1).

    Raises:
        RuntimeError: ``dims`` does not name each dimension once.

    >>> minigrad.zeros(2, 3, 4).permute(2, 0, 1).shape
    minigrad.Size([4, 2, 3])
    """
    return Permute.apply(input, dims=as_shape(positions if dims is None else (dims,)))


@checked
def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """The dimensions ``source`` at the places ``destination``, the others in their order: a view.

    Shapes: (a, b, c) -> (b, c, a) for 0 and 2.

    Raises:
        RuntimeError: there are not as many of both, or one is named twice.
    """
    sources, places = as_shape((source,)), as_shape((destination,))
    if len(sources) != len(places):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(sources)} dims) should contain the same "
            f"number of dims as destination ({list(places)} dims)"
        )
    sources, places = [tuple([normalize_dim(each, input.ndim) for each in dims]) for dims in (sources, places)]
    for argument, dims in (("source", sources), ("destination", places)):
        if len(dims) != len({*dims}):
            raise RuntimeError(f"movedim: repeated dim in `{argument}` ({list(dims)})")
    if input.ndim == 0:
        return Alias.apply(input)
    order = [each for each in range(input.ndim) if each not in sources]
    for place, each in sorted(zip(places, sources)):
        order.insert(place, each)
    return permute(input, order)


moveaxis = movedim
