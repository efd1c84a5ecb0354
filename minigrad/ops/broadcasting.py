"""Broadcasting and its mirror image: ``Expand`` repeats, ``Sum`` adds up, and each is the other's gradient.

A value used many times collects the sum of many gradients: ``summed_to`` in ``graph/accumulation.py`` tells why the
gradient of a value that was broadcast is summed, and does it. Other reductions are in ``reduction.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad import dtypes
from minigrad.arguments.checks import check_tensors, renamed
from minigrad.arguments.dims import as_shape, normalize_dims
from minigrad.arguments.gate import checked, welcoming
from minigrad.arguments.promotion import type_name
from minigrad.attributes import Size
from minigrad.dtypes import FLOATS, NARROW
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.strides import spanning
from minigrad.graph.view import ViewFunction
from minigrad.kernels.layout import writeable
from minigrad.ops.shape import View

__all__ = ["broadcast_shapes", "broadcast_tensors", "broadcast_to", "sum"]


class Expand(ViewFunction):
    """z = x repeated along dimensions of size 1, or new leading ones, without copying. -1 keeps a size."""

    def forward(ctx, x, *, shape):
        new = len(shape) - x.ndim
        if new < 0:
            raise RuntimeError(
                f"expand({list(x.shape)}, size={list(shape)}): the number of sizes provided ({len(shape)}) must be "
                f"greater or equal to the number of dimensions in the tensor ({x.ndim})"
            )
        sizes = []
        for dim, size in enumerate(shape):
            existing = x.shape[dim - new] if dim >= new else 1
            if size == -1 and dim >= new:
                size = existing
            if size < 0 or (size != existing and existing != 1):
                raise RuntimeError(
                    f"The expanded size of the tensor ({size}) must match the existing size ({existing}) at "
                    f"non-singleton dimension {dim}.  Target sizes: {list(shape)}.  Tensor sizes: {list(x.shape)}"
                )
            sizes.append(size)
        z = np.broadcast_to(x, sizes)
        if (z.size and 1 not in sizes) or not x.ndim:
            return z
        kept = {}
        for dim, (size, existing, step) in enumerate(zip(sizes[new:], x.shape, x.strides), new):
            kept[dim] = step // x.itemsize if size == existing else 0
        z = as_strided(writeable(x), sizes, z.strides)
        return spanning(z, [dim for dim in range(new) if sizes[dim] == 1], kept)

    def backward(ctx, grad_z):
        return grad_z  # dz/dx = 1, and the engine sums


def expand(input: Tensor, *shape: Any, size: Any = None) -> Tensor:
    """Dimensions of size 1 repeated to ``shape`` without copying, -1 keeping a size: a view. Shape: ``shape``.

    Raises:
        RuntimeError: there are fewer sizes than dimensions, or one differs from that of a dimension that is not 1.
    """
    if not shape and size is None:
        raise TypeError('expand() missing 1 required positional arguments: "size"')
    return Expand.apply(input, shape=as_shape(shape if size is None else (size,)))


def add_up(x, dims, keepdim):
    """Σ x over ``dims`` in the type of x, in row-major order whatever x's is.

    float16 is added up in float32 and rounded once, as PyTorch does. Several dimensions that lie otherwise, as channels
    last, one after another: NumPy would add their elements to one sum each, which errs by their number.
    """
    total, kind = x, np.float32 if x.dtype in NARROW else x.dtype
    for axis in [dims] if x.flags.c_contiguous or len(dims) < 2 else sorted(dims, reverse=True):
        total = np.add.reduce(total, axis=axis, keepdims=keepdim, dtype=kind)
    return np.asarray(total, x.dtype, order="C")


def restore_dims(reduced, shape, dims, keepdim):
    """A result of a reduction of ``shape`` over ``dims`` with those dimensions as size 1, whether kept or not."""
    if keepdim:
        return reduced
    kept = [1 if dim in dims else size for dim, size in enumerate(shape)]
    return View.apply(reduced, shape=tuple(kept))


def spread(grad, shape, dims, keepdim):
    """The gradient of each result at every element that it was made from: reinsert ``dims``, then repeat along them."""
    return Expand.apply(restore_dims(grad, shape, dims, keepdim), shape=shape)


class Sum(Function):
    """z = Σ x over ``dim``. Integers and bools are summed in int64. The sum of nothing is 0."""

    result_strides = None

    def forward(ctx, x, *, dim=None, keepdim=False, dtype=None):
        ctx.overload = 0 if dim is None else 1  # PyTorch's two nodes
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        if dtype is None:
            dtype = x.dtype if x.dtype.kind in FLOATS else np.int64
        return add_up(x.astype(dtype, copy=False), ctx.dims, keepdim)

    def backward(ctx, grad_z):
        grad_x = spread(grad_z, ctx.shape, ctx.dims, ctx.keepdim)  # dz/dx = 1
        return grad_x


def sum(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None, **numpy_names: Any
) -> Tensor:
    """The sum. Integers and bools are summed in int64; with ``dtype`` the elements are converted first.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.

    >>> x = minigrad.tensor([[1, 2], [3, 4]])
    >>> x.sum(), x.sum(dim=0), x.sum(dim=0, keepdim=True)
    (tensor(10), tensor([4, 6]), tensor([[4, 6]]))
    """
    if numpy_names or not isinstance(keepdim, bool):
        return sum(input, dtype=dtype, **renamed("sum", numpy_names, dim=dim, keepdim=keepdim))
    numpy_dtype = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    return Sum.apply(input, dim=dim, keepdim=keepdim, dtype=numpy_dtype)


@welcoming
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """:func:`expand` to the shape of ``other``: a view."""
    check_tensors("expand_as", input=input, other=other)
    return input.expand(other.shape)


@checked
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """``input`` repeated to shape ``size`` without copying. Shape: ``size``.

    Raises:
        RuntimeError: the shape cannot be expanded to it.
    """
    return input.expand(size=tuple(size))


@welcoming
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors expanded to one shape. Shapes: (a, 1), (b,) -> (a, b) twice.

    Raises:
        RuntimeError: they do not.

    >>> a, b = minigrad.broadcast_tensors(minigrad.zeros(2, 1), minigrad.zeros(3))
    >>> a.shape, b.shape
    (minigrad.Size([2, 3]), minigrad.Size([2, 3]))
    """
    for position, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(f"expected Tensor as element {position} in argument 0, but got {type_name(each)}")
    try:
        shape = np.broadcast_shapes(*[each.shape for each in tensors])
    except ValueError:
        shapes = ", ".join(str(list(each.shape)) for each in tensors)
        raise RuntimeError(f"Shape mismatch: objects cannot be broadcast to a single shape: {shapes}") from None
    return tuple([each if each.shape == shape else each.expand(shape) for each in tensors])


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape to which tensors of these shapes broadcast; a number stands for one dimension.

    Raises:
        RuntimeError: they do not, or one is no shape.
        ValueError: a size is negative.
    """
    sizes = [shape if isinstance(shape, (tuple, list)) else (shape,) for shape in shapes if shape is not None]
    if not all(isinstance(size, (int, np.integer)) for shape in sizes for size in shape):
        error = TypeError if any(isinstance(shape, str) for shape in shapes) else RuntimeError
        raise error(f"Input shapes should be of type ints, a tuple of ints, or a list of ints, got {shapes}")
    if any(size < 0 for shape in sizes for size in shape):
        raise ValueError("Attempting to broadcast a dimension with negative length!")
    try:
        return Size(np.broadcast_shapes(*[tuple(map(int, shape)) for shape in sizes]))
    except ValueError:
        raise RuntimeError(f"Shape mismatch: {list(shapes)} cannot be broadcast to a single shape") from None
