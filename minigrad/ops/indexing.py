"""Indexing: ``x[...]`` and ``x[...] = v``. The gradient of what was picked goes back to where it was picked from.

A basic index (integers, slices, None, ``...``) gives a view, recorded as PyTorch records it: one node a step. An index
with tensors, arrays or lists gives a copy and may pick an element several times: its gradients are then summed.
"""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.strides import as_first, spanning
from minigrad.graph.view import ViewFunction
from minigrad.ops.choosing import Where


class Select(ViewFunction):
    """z = x at ``index`` along ``dim``, which disappears."""

    def forward(ctx, x, *, dim, index):
        ctx.shape, ctx.where = x.shape, (slice(None),) * dim + (index,)
        return x[(*ctx.where, ...)]  # the dots make NumPy return a view also of a single element

    def backward(ctx, grad_z):
        grad_x = SelectBackward.apply(grad_z, shape=ctx.shape, where=ctx.where)
        return grad_x


class Slice(ViewFunction):
    """z = x[start:stop:step] along ``dim``."""

    def forward(ctx, x, *, dim, where):
        ctx.shape, ctx.where = x.shape, (slice(None),) * dim + (where,)
        z = x[ctx.where]
        step = where.step or 1
        return z if z.shape[dim] else spanning(z, (), {dim: x.strides[dim] // x.itemsize * step})  # NumPy forgets it

    def backward(ctx, grad_z):
        grad_x = SliceBackward.apply(grad_z, shape=ctx.shape, where=ctx.where)
        return grad_x


class SelectBackward(Function):
    """Zeros of ``shape`` that hold ``grad`` at ``where``, an index that names no element twice. Linear in ``grad``."""

    def forward(ctx, grad, *, shape, where):
        ctx.where = where
        z = np.zeros(shape, grad.dtype)
        z[where] = grad
        return z

    def backward(ctx, grad_z):
        grad_grad = Index.apply(grad_z, where=ctx.where)
        return grad_grad


class SliceBackward(SelectBackward):
    """The same for a slice: PyTorch has a node of its own for it."""


class Index(Function):
    """z = a copy of the elements that ``where`` (a NumPy index with arrays) names, possibly several times."""

    result_strides = None

    def forward(ctx, x, *, where):
        ctx.shape, ctx.where = x.shape, where
        return np.array(x[where], order="C")

    def backward(ctx, grad_z):
        grad_x = IndexBackward.apply(grad_z, shape=ctx.shape, where=ctx.where)
        return grad_x


class IndexBackward(Function):
    """Zeros of ``shape`` to which ``grad`` is added at ``where``: an element named twice receives both."""

    node_name = "IndexPutBackward0"

    def forward(ctx, grad, *, shape, where):
        ctx.where = where
        z = np.zeros(shape, grad.dtype)
        np.add.at(z, where, grad)
        return z

    def backward(ctx, grad_z):
        grad_grad = Index.apply(grad_z, where=ctx.where)
        return grad_grad


class IndexPut(Function):
    """x becomes x with ``value`` written at ``where``: x's gradient is zero there, value's is what arrives there.

    Of values written to one place the last stays, but each receives the gradient of the place, as in PyTorch.
    """

    result_strides = as_first

    def forward(ctx, x, value, *, where):
        ctx.where = where
        z = x.copy()
        z[where] = value
        return z

    def backward(ctx, grad_z):
        overwritten = np.zeros(grad_z.shape, np.bool_)
        overwritten[ctx.where] = True
        grad_x = Where.apply(0.0, grad_z, condition=overwritten)
        grad_value = None
        if ctx.needs_input_grad[1]:
            grad_value = Index.apply(grad_z, where=ctx.where)
        return grad_x, grad_value
