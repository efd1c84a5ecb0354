"""Reductions: many elements to one, over all or some dimensions. Each class: formula, forward, backward.

``dim`` is one dimension, several, or None for all; ``keepdim`` keeps each as size 1. What an element's gradient is
follows from how often, and how, the result used it. ``Sum``, the simplest, is in ``broadcasting.py``; variances and
norms are in ``statistics.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.dims import normalize_dim, normalize_dims
from minigrad.graph.function import Function
from minigrad.graph.values import array_of, constant_like
from minigrad.ops.broadcasting import add_up, restore_dims, spread
from minigrad.ops.elementwise import Exp
from minigrad.ops.scan import accumulated_type, in_type_of, products_before
from minigrad.ops.shape import Reshape, Unsqueeze, View
from minigrad.promotion import in_default_float


class Mean(Function):
    """z = Σ x / n over ``dim``, n the number of elements summed. The mean of nothing is NaN."""

    def forward(ctx, x, *, dim=None, keepdim=False, dtype=None):
        ctx.overload = 0 if dim is None else 1  # PyTorch's two nodes
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        ctx.count = 1
        for each in ctx.dims:
            ctx.count *= x.shape[each]
        kind = x.dtype if dtype is None else dtype
        wide = np.float32 if kind == np.float16 else kind  # float16 is rounded once, as in PyTorch
        total = add_up(x.astype(wide, copy=False), ctx.dims, keepdim)
        return np.true_divide(total, ctx.count, dtype=wide).astype(kind, copy=False)

    def backward(ctx, grad_z):
        grad_x = spread(grad_z, ctx.shape, ctx.dims, ctx.keepdim) / ctx.count  # dz/dx = 1/n
        return grad_x


class Nansum(Function):
    """z = Σ x over ``dim``, NaN counted as 0."""

    def forward(ctx, x, *, dim=None, keepdim=False, dtype=None):
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        ctx.is_number = x == x
        if dtype is None:
            dtype = x.dtype if x.dtype.kind == "f" else np.int64
        return add_up(np.where(ctx.is_number, x, np.zeros((), x.dtype)).astype(dtype, copy=False), ctx.dims, keepdim)

    def backward(ctx, grad_z):
        grad = spread(grad_z, ctx.shape, ctx.dims, ctx.keepdim)
        grad_x = grad * constant_like(ctx.is_number, grad)  # dz/dx = 1, 0 for a NaN
        return grad_x


class Prod(Function):
    """z = Π x over ``dim``, one dimension or all. Integers and bools are multiplied in int64. The product of nothing
    is 1. The gradient is right where x is zero too."""

    def forward(ctx, x, *, dim=None, keepdim=False, dtype=None):
        ctx.overload = 0 if dim is None else 1  # PyTorch's two nodes
        ctx.dim = None if dim is None else normalize_dim(dim, x.ndim)
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        kind = accumulated_type(x, dtype)
        wide = np.float32 if kind == np.float16 else kind
        product = np.multiply.reduce(x.astype(kind, copy=False), axis=ctx.dims, keepdims=keepdim, dtype=wide)
        z = np.asarray(product, kind)
        ctx.save_for_backward(x, z)
        return z

    def backward(ctx, grad_z):
        x, z = ctx.saved_tensors
        if x.ndim == 0:
            return grad_z
        x = in_type_of(grad_z, x)
        grad = restore_dims(grad_z, ctx.shape, ctx.dims, ctx.keepdim)
        if (array_of(x) == 0).any():
            grad_x = grad * product_of_others(x, ctx.dim)
        else:
            grad_x = grad * (restore_dims(z, ctx.shape, ctx.dims, ctx.keepdim) / x)  # dz/dx = z/x
        return grad_x


def product_of_others(x, dim):
    """At each place the product of all other elements, along ``dim`` or, where it is None, of the whole of x."""
    if dim is None:
        return View.apply(product_of_others(Reshape.apply(x, shape=(-1,)), 0), shape=x.shape)
    return products_before(x, dim, False) * products_before(x, dim, True)


class Logsumexp(Function):
    """z = ln Σ exp x over ``dim``. The largest x is subtracted first, so that nothing overflows."""

    def forward(ctx, x, *, dim, keepdim=False):
        x_float = in_default_float(x)
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        largest = np.maximum.reduce(x_float, axis=ctx.dims, keepdims=True, initial=-np.inf)
        largest = np.where(np.isinf(largest), np.zeros((), x_float.dtype), largest)
        total = add_up(np.exp(x_float - largest), ctx.dims, True)
        z = np.asarray(np.log(total) + largest, x_float.dtype)
        z = z if keepdim else z.squeeze(ctx.dims)
        ctx.save_for_backward(x, z)
        return z

    def backward(ctx, grad_z):
        x, z = ctx.saved_tensors
        grad = restore_dims(grad_z, ctx.shape, ctx.dims, ctx.keepdim)
        share = Exp.apply(x - restore_dims(z, ctx.shape, ctx.dims, ctx.keepdim))
        grad_x = grad * share  # dz/dx = softmax(x)
        return grad_x


def check_not_empty(name, x, dim):
    """Raise PyTorch's error where dimension ``dim``, from which one element is to be taken, has none."""
    if x.ndim and x.shape[dim] == 0:
        raise IndexError(
            f"{name}(): Expected reduction dim {dim} to have non-zero size, but the tensor has shape {list(x.shape)}."
        )


class Max(Function):
    """z = max x along ``dim``, and where: the position of the first maximum, or of the first NaN.

    With a dim the whole gradient goes to the position reported, also at ties.
    """

    function = "max"  # for messages
    choose: Any = staticmethod(np.argmax)

    def forward(ctx, x, *, dim, keepdim=False, **options):
        ctx.shape, ctx.keepdim = x.shape, keepdim
        ctx.dim = dim = normalize_dim(dim, x.ndim)
        if x.ndim == 0:
            ctx.positions = np.zeros((), np.int64)
            return x.copy(), ctx.positions
        check_not_empty(ctx.function, x, dim)
        positions = np.expand_dims(ctx.choose(x, dim, **options), dim)
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

    function = "min"
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

    function = "amax"
    reduce = np.maximum.reduce

    def forward(ctx, x, *, dim=None, keepdim=False):
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        if x.size == 0 and (dim is None or dim == ()):
            raise RuntimeError(
                f"{ctx.function}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                f"reduction dim with the 'dim' argument. The tensor has shape {list(x.shape)}."
            )
        for each in ctx.dims:
            check_not_empty(ctx.function, x, each)
        z = np.asarray(ctx.reduce(x, axis=ctx.dims, keepdims=True))
        ctx.is_extreme = ctx.ties(x, z)
        return z if keepdim else z.squeeze(ctx.dims)

    def ties(ctx, x, z):
        """Where x is the extremum. NaN equals nothing: where the result is NaN, 0/0 makes every gradient NaN."""
        return x == z

    def backward(ctx, grad_z):
        grad_x = share_among(ctx.is_extreme, grad_z, ctx.dims, ctx.keepdim)  # dz/dx = 1/k at each of k maxima
        return grad_x


def share_among(mask, grad, dims, keepdim):
    """Each gradient divided equally among those of its elements where ``mask`` holds."""
    count = np.add.reduce(mask, axis=dims, keepdims=True)
    grad = spread(grad, mask.shape, dims, keepdim)
    return grad * constant_like(mask / count, grad)


class Amin(Amax):
    """z = min x over ``dim``, NaN if any is. Tied minima share the gradient equally."""

    function = "amin"
    reduce = np.minimum.reduce


class MaxAll(Amax):
    """z = the largest element of x. Tied maxima share the gradient equally, and so do NaNs."""

    function = "max"
    node_name = "MaxBackward1"

    def ties(ctx, x, z):
        return np.isnan(x) if np.isnan(z).any() else x == z


class MinAll(MaxAll):
    """z = the smallest element of x. Tied minima share the gradient equally, and so do NaNs."""

    function = "min"
    node_name = "MinBackward1"
    reduce = np.minimum.reduce

    """The smallest and the largest of x, along ``dim`` or of all, NaN if any is. Ties share the gradient."""


class Aminmax(Function):
    """The smallest and the largest of x, along ``dim`` or of all, NaN if any is. Ties share."""

    materialize_grads = False

    def forward(ctx, x, *, dim=None, keepdim=False):
        if dim is None and x.size == 0:
            raise RuntimeError(
                "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
            )
        if dim is not None:
            dim = normalize_dim(dim, x.ndim)
            check_not_empty("aminmax", x, dim)
        ctx.dims, ctx.keepdim = normalize_dims(dim, x.ndim), keepdim
        smallest = np.asarray(np.minimum.reduce(x, axis=ctx.dims, keepdims=True))
        largest = np.asarray(np.maximum.reduce(x, axis=ctx.dims, keepdims=True))
        ctx.is_smallest, ctx.is_largest = x == smallest, x == largest
        return (smallest, largest) if keepdim else (smallest.squeeze(ctx.dims), largest.squeeze(ctx.dims))

    def backward(ctx, grad_smallest, grad_largest):
        grad_x = None
        if grad_smallest is not None:
            grad_x = share_among(ctx.is_smallest, grad_smallest, ctx.dims, ctx.keepdim)
        if grad_largest is not None:
            of_largest = share_among(ctx.is_largest, grad_largest, ctx.dims, ctx.keepdim)
            grad_x = of_largest if grad_x is None else grad_x + of_largest
        return grad_x
