"""Elements picked by tensors of positions or masks, and written where these say. ``x[...]`` itself: ``indexing.py``.

What was picked sends its gradient back to where it came from, once for every time it was picked; what was overwritten
has none.
"""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.ops.elementwise import Where
from minigrad.ops.shape import Reshape
from minigrad.promotion import number_as


def along(index, dim):
    """A NumPy index: the positions ``index`` along ``dim``, and each its own place along the other dimensions."""
    where = list(np.indices(index.shape, sparse=True))
    if where:
        where[dim] = index
    return tuple(where)


def rows(index, dim):
    """A NumPy index: the slices ``index`` along ``dim``."""
    return (slice(None),) * dim + (index,)


class Zeros(Function):
    """Zeros of ``shape`` to which ``grad`` is added at ``where``: the gradient of picking there."""

    node_name = "ScatterAddBackward0"

    def forward(ctx, grad, *, shape, where):
        ctx.where = where
        z = np.zeros(shape, grad.dtype)
        np.add.at(z, where, grad)
        return z

    def backward(ctx, grad_z):
        grad_grad = Pick.apply(grad_z, where=ctx.where)
        return grad_grad


class Pick(Function):
    """z = x at ``where``, a NumPy index that may name an element several times."""

    node_name = "GatherBackward0"

    def forward(ctx, x, *, where):
        ctx.shape, ctx.where = x.shape, where
        return np.array(x[where], order="C")

    def backward(ctx, grad_z):
        grad_x = Zeros.apply(grad_z, shape=ctx.shape, where=ctx.where)
        return grad_x


class Gather(Pick):
    """z[i, j, k] = x[index[i, j, k], j, k] for dim 0, and so on."""


class IndexSelect(Pick):
    """z = the slices of x that an index names, along a dimension."""

    node_name = "IndexSelectBackward0"


class Take(Pick):
    """z = the elements of x, flattened, that an index names."""

    node_name = "TakeBackward0"

    def forward(ctx, x, *, where):
        ctx.shape, ctx.where = x.shape, np.unravel_index(where, x.shape) if x.ndim else (np.zeros_like(where),)
        return np.atleast_1d(x)[ctx.where]

    def backward(ctx, grad_z):
        grad_x = Zeros.apply(grad_z, shape=ctx.shape or (1,), where=ctx.where)
        return Reshape.apply(grad_x, shape=ctx.shape)


class Put(Function):
    """z = x with ``source`` written at ``where``."""

    node_name = "ScatterBackward0"

    def forward(ctx, x, source, *, where):
        ctx.where = where
        z = x.copy()
        z[where] = source
        return z

    def backward(ctx, grad_z):
        grad_x = PutNumber.apply(grad_z, number=0, where=ctx.where) if ctx.needs_input_grad[0] else None
        grad_source = None
        if ctx.needs_input_grad[1]:
            grad_source = Pick.apply(grad_z, where=ctx.where)
        return grad_x, grad_source


class Scatter(Put):
    """z[index[i, j, k], j, k] = source[i, j, k] for dim 0, and so on; elsewhere z = x."""


class IndexCopy(Put):
    """z = x with the slices that an index names replaced by those of ``source``."""

    node_name = "IndexCopyBackward0"


class IndexFillTensor(Put):
    """z = x with the slices that an index names filled with ``source``, one element."""

    node_name = "IndexFillBackward1"


class PutNumber(Function):
    """z = x with ``number`` written at ``where``."""

    node_name = "ScatterBackward1"

    def forward(ctx, x, *, number, where):
        ctx.where = where
        z = x.copy()
        z[where] = number
        return z

    def backward(ctx, grad_z):
        grad_x = PutNumber.apply(grad_z, number=0, where=ctx.where)
        return grad_x


class IndexFill(PutNumber):
    """z = x with the slices that an index names filled with a number."""

    node_name = "IndexFillBackward0"


class AddAt(Function):
    """z = x with ``alpha · source`` added at ``where``, once for every time that names a place."""

    node_name = "ScatterAddBackward0"

    def forward(ctx, x, source, *, where, alpha=1):
        ctx.where, ctx.alpha = where, alpha
        z = x.copy()
        if x.dtype.kind == "b":
            np.logical_or.at(z, where, source & bool(alpha))
        else:
            np.add.at(z, where, source * number_as(alpha, x.dtype))
        return z

    def backward(ctx, grad_z):
        grad_source = None
        if ctx.needs_input_grad[1]:
            picked = Pick.apply(grad_z, where=ctx.where)
            grad_source = picked if ctx.alpha == 1 else picked * ctx.alpha
        return grad_z, grad_source


class ScatterAdd(AddAt):
    """z[index[i, j, k], j, k] += source[i, j, k] for dim 0, and so on, from z = x."""


class IndexAdd(AddAt):
    """z = x with the slices of ``source`` added to those that an index names."""

    node_name = "IndexAddBackward0"


class IndexPutAccumulate(AddAt):
    """z = x with values added at an index's places."""

    node_name = "IndexPutBackward0"


class MaskedFill(Function):
    """z = x with ``number`` where ``mask`` holds."""

    def forward(ctx, x, *, mask, number):
        ctx.mask = mask
        return np.asarray(np.where(mask, np.asarray(number, x.dtype), x), order="C")

    def backward(ctx, grad_z):
        grad_x = Where.apply(0.0, grad_z, condition=ctx.mask)
        return grad_x


class MaskedFillTensor(Function):
    """z = x with ``value``, one element, where ``mask`` holds."""

    node_name = "MaskedFillBackward1"

    def forward(ctx, x, value, *, mask):
        ctx.mask = mask
        return np.asarray(np.where(mask, number_as(value.item(), x.dtype), x), order="C")

    def backward(ctx, grad_z):
        grad_x = Where.apply(0.0, grad_z, condition=ctx.mask)
        grad_value = None
        if ctx.needs_input_grad[1]:
            grad_value = Where.apply(grad_z, 0.0, condition=ctx.mask).sum()
        return grad_x, grad_value


class MaskedSelect(Pick):
    """z = the elements of x where ``mask`` holds, one after the other; the two are broadcast."""

    node_name = "MaskedSelectBackward0"

    def forward(ctx, x, *, mask):
        shape = np.broadcast_shapes(x.shape, mask.shape)
        ctx.shape, ctx.where = shape, np.broadcast_to(mask, shape)
        return np.broadcast_to(x, shape)[ctx.where]

    def backward(ctx, grad_z):
        grad_x = Zeros.apply(grad_z, shape=ctx.shape, where=ctx.where)
        return grad_x


class MaskedScatter(Function):
    """z = x with the first elements of ``source``, in order, where ``mask`` holds."""

    def forward(ctx, x, source, *, mask):
        shape = np.broadcast_shapes(x.shape, mask.shape)
        ctx.source_shape, ctx.mask = source.shape, np.broadcast_to(mask, shape)
        z = np.broadcast_to(x, shape).copy()
        z[ctx.mask] = source.reshape(-1)[: np.count_nonzero(ctx.mask)]
        return z

    def backward(ctx, grad_z):
        grad_x = Where.apply(0.0, grad_z, condition=ctx.mask)
        grad_source = None
        if ctx.needs_input_grad[1]:
            picked = Pick.apply(grad_z, where=ctx.mask)
            size = int(np.prod(ctx.source_shape))
            first = np.arange(picked.shape[0])
            grad_source = Reshape.apply(Zeros.apply(picked, shape=(size,), where=first), shape=ctx.source_shape)
        return grad_x, grad_source
