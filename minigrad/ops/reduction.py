"""Reductions: many elements to one, over all or some dimensions. Each class: formula, forward, backward.

``dim`` is one dimension, several, or None for all; ``keepdim`` keeps each as size 1. What an element's gradient is
follows from how often, and how, the result used it. ``Sum``, the simplest, is in ``broadcasting.py``.
"""

from __future__ import annotations

import numpy as np

from minigrad.autograd.function import Function
from minigrad.ops.broadcasting import spread
from minigrad.ops.dims import normalize_dim, normalize_dims
from minigrad.ops.shape import Unsqueeze
from minigrad.ops.values import constant_like


class Mean(Function):
    """z = Σ x / n over ``dim``, n the number of elements summed. The mean of nothing is NaN."""

    def forward(ctx, x, *, dim=None, keepdim=False):
        ctx.overload = 0 if dim is None else 1  # PyTorch's two nodes
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        ctx.count = 1
        for each in ctx.dims:
            ctx.count *= x.shape[each]
        total = np.add.reduce(x, axis=ctx.dims, keepdims=keepdim)
        return np.true_divide(total, ctx.count, dtype=x.dtype)

    def backward(ctx, grad_z):
        grad_x = spread(grad_z, ctx.shape, ctx.dims, ctx.keepdim) / ctx.count  # dz/dx = 1/n
        return grad_x


class Max(Function):
    """z = max x along ``dim``, and where: the position of the first maximum, or of the first NaN.

    With a dim the whole gradient goes to the position reported, also at ties.
    """

    choose = staticmethod(np.argmax)

    def forward(ctx, x, *, dim, keepdim=False):
        ctx.shape, ctx.keepdim = x.shape, keepdim
        ctx.dim = dim = normalize_dim(dim, x.ndim)
        if x.ndim == 0:
            ctx.positions = np.zeros((), np.int64)
            return x.copy(), ctx.positions
        if x.shape[dim] == 0:
            raise IndexError(
                f"{type(ctx).__name__.lower()}(): Expected reduction dim {dim} to have non-zero size, "
                f"but the tensor has shape {list(x.shape)}."
            )
        positions = np.expand_dims(ctx.choose(x, dim), dim)
        ctx.positions = positions
        values = np.take_along_axis(x, positions, dim)
        return (values, positions) if keepdim else (values.squeeze(dim), positions.squeeze(dim))

    def backward(ctx, grad_z, _):
        if not ctx.shape:
            return grad_z
        if not ctx.keepdim:
            grad_z = Unsqueeze.apply(grad_z, dim=ctx.dim)
        grad_x = ScatterOne.apply(grad_z, positions=ctx.positions, dim=ctx.dim, shape=ctx.shape)  # dz/dx = 1 there
        return grad_x


class Min(Max):
    """z = min x along ``dim``, and where: the position of the first minimum, or of the first NaN."""

    choose = staticmethod(np.argmin)


class ScatterOne(Function):
    """Zeros of ``shape`` that hold ``values`` at ``positions`` along ``dim``. Linear in ``values``."""

    node_name = "ValueSelectingReductionBackward0"

    def forward(ctx, values, *, positions, dim, shape):
        ctx.positions, ctx.dim = positions, dim
        z = np.zeros(shape, values.dtype)
        np.put_along_axis(z, positions, values, dim)
        return z

    def backward(ctx, grad_z):
        grad_values = GatherOne.apply(grad_z, positions=ctx.positions, dim=ctx.dim)
        return grad_values


class GatherOne(Function):
    """The elements of x at ``positions`` along ``dim``, one a slice."""

    node_name = "GatherBackward0"

    def forward(ctx, x, *, positions, dim):
        ctx.positions, ctx.dim, ctx.shape = positions, dim, x.shape
        return np.take_along_axis(x, positions, dim)

    def backward(ctx, grad_z):
        grad_x = ScatterOne.apply(grad_z, positions=ctx.positions, dim=ctx.dim, shape=ctx.shape)
        return grad_x


class Amax(Function):
    """z = max x over ``dim``, NaN if any is. Tied maxima share the gradient equally."""

    reduce = np.maximum.reduce

    def forward(ctx, x, *, dim=None, keepdim=False):
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        for each in ctx.dims:
            if x.shape[each] == 0:
                raise IndexError(
                    f"{type(ctx).__name__.lower()}(): Expected reduction dim {each} to have non-zero size, "
                    f"but the tensor has shape {list(x.shape)}."
                )
        z = np.asarray(ctx.reduce(x, axis=ctx.dims, keepdims=True))
        ctx.is_extreme = ctx.ties(x, z)
        return z if keepdim else z.squeeze(ctx.dims)

    def ties(ctx, x, z):
        """Where x is the extremum. NaN equals nothing: where the result is NaN, 0/0 makes every gradient NaN."""
        return x == z

    def backward(ctx, grad_z):
        count = np.add.reduce(ctx.is_extreme, axis=ctx.dims, keepdims=True)
        grad = spread(grad_z, ctx.shape, ctx.dims, ctx.keepdim)
        share = constant_like(ctx.is_extreme / count, grad)
        grad_x = grad * share  # dz/dx = 1/k at each of k maxima
        return grad_x


class Amin(Amax):
    """z = min x over ``dim``, NaN if any is. Tied minima share the gradient equally."""

    reduce = np.minimum.reduce


class MaxAll(Amax):
    """z = the largest element of x. Tied maxima share the gradient equally, and so do NaNs."""

    node_name = "MaxBackward1"

    def ties(ctx, x, z):
        return np.isnan(x) if np.isnan(z).any() else x == z


class MinAll(Amin):
    """z = the smallest element of x. Tied minima share the gradient equally, and so do NaNs."""

    node_name = "MinBackward1"

    def ties(ctx, x, z):
        return np.isnan(x) if np.isnan(z).any() else x == z


class Var(Function):
    """z = Σ (x - mean)² / (n - correction) over ``dim``. With n ≤ correction the result is NaN or infinite."""

    def forward(ctx, x, *, dim=None, correction=1, keepdim=False):
        ctx.save_for_backward(x)
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        count = 1
        for each in ctx.dims:
            count *= x.shape[each]
        ctx.freedom = max(count - correction, 0)
        mean = np.true_divide(np.add.reduce(x, axis=ctx.dims, keepdims=True), count)
        deviation = x - mean
        squares = np.add.reduce(deviation * deviation, axis=ctx.dims, keepdims=keepdim)
        return np.true_divide(squares, ctx.freedom, dtype=x.dtype)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        deviation = x - Mean.apply(x, dim=ctx.dims, keepdim=True)
        slope = deviation * (2 / ctx.freedom if ctx.freedom else np.nan)
        grad_x = spread(grad_z, ctx.shape, ctx.dims, ctx.keepdim) * slope  # dz/dx = 2 (x - mean) / (n - correction)
        return grad_x
