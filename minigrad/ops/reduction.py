"""Reductions: many elements to one, over all or some dimensions. Rules, then what users call.

``dim`` is one dimension or, where the annotation says ``Any``, also several; without it all are reduced; ``keepdim``
keeps each as size 1. What an element's gradient is follows from how often, and how, the result used it. ``sum``, the
simplest, is in ``broadcasting.py``, the largest and smallest are in ``extremes.py``, variances in ``statistics.py``,
``all`` and ``any`` in ``nondifferentiable.py``.
"""

from __future__ import annotations

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import Dims, normalize_dim, normalize_dims
from minigrad.arguments.gate import LEFT_OUT, checked
from minigrad.dtypes import NARROW
from minigrad.graph.function import Function, Tensor, constant_like, unwrap
from minigrad.ops.broadcasting import add_up, restore_dims, spread
from minigrad.ops.scan import WIDER, accumulated_type, in_type_of, products_before, times_zeros, zeros_and_rest
from minigrad.ops.shape import Reshape, View

__all__ = ["mean", "nanmean", "nansum", "prod"]


class Mean(Function):
    """z = Σ x / n over ``dim``, n the number of elements summed. The mean of nothing is NaN."""

    result_strides = None

    def forward(ctx, x, *, dim=None, keepdim=False, dtype=None):
        ctx.overload = 0 if dim is None else 1  # PyTorch's two nodes
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        ctx.count = 1
        for each in ctx.dims:
            ctx.count *= x.shape[each]
        kind = x.dtype if dtype is None else dtype
        wide = np.float32 if kind in NARROW else kind  # float16 is rounded once, as in PyTorch
        total = add_up(x.astype(wide, copy=False), ctx.dims, keepdim)
        return np.true_divide(total, ctx.count, dtype=wide).astype(kind, copy=False)

    def backward(ctx, grad_z):
        grad_x = spread(grad_z, ctx.shape, ctx.dims, ctx.keepdim) / ctx.count  # dz/dx = 1/n
        return grad_x


@checked
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """The mean; NaN of nothing.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.

    Raises:
        RuntimeError: the type, ``dtype`` where given, is not a floating-point type.

    >>> minigrad.tensor([[1.0, 2.0], [3.0, 4.0]]).mean(dim=1)
    tensor([1.5000, 3.5000])
    """
    kind = input.dtype if dtype is None else dtype
    if not kind.is_floating_point:
        whose = "Input" if dtype is None else "Optional"
        raise RuntimeError(
            f"mean(): could not infer output dtype. {whose} dtype must be a floating point dtype. Got: {kind}"
        )
    return Mean.apply(input, dim=dim, keepdim=keepdim, dtype=kind.numpy)


class Nansum(Function):
    """z = Σ x over ``dim``, NaN counted as 0."""

    result_strides = None

    def forward(ctx, x, *, dim=None, keepdim=False, dtype=None):
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        ctx.save_for_backward(x)
        present = np.where(x == x, x, np.zeros((), x.dtype))
        return add_up(present.astype(accumulated_type(x, dtype), copy=False), ctx.dims, keepdim)

    def backward(ctx, grad_z):
        x = unwrap(ctx.saved_tensors[0])
        grad = spread(grad_z, ctx.shape, ctx.dims, ctx.keepdim)
        grad_x = grad * constant_like(x == x, grad)  # dz/dx = 1, 0 for a NaN
        return grad_x


@checked
def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """:func:`sum` with every NaN counted as 0.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.
    """
    numpy_dtype = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    return Nansum.apply(input, dim=dim, keepdim=keepdim, dtype=numpy_dtype)


@checked
def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """The mean of the elements that are not NaN.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.

    Raises:
        RuntimeError: the input is not of a floating-point type.
    """
    if not input.is_floating_point():
        raise RuntimeError(f"nanmean(): expected input to have floating point dtype but got {input.dtype}")
    count = input.isnan().logical_not().sum(dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / count


def product_of_others(x, dim):
    """At each place the product of all other elements, along ``dim`` or, where it is None, of the whole of x."""
    if dim is None:
        return View.apply(product_of_others(Reshape.apply(x, shape=(-1,)), 0), shape=x.shape)
    if not np.isfinite(unwrap(x)).all():
        return products_before(x, dim, False) * products_before(x, dim, True)
    zeros, rest = zeros_and_rest(x)
    of_zeros = products_before(zeros, dim, False) * products_before(zeros, dim, True)
    kind = unwrap(x).dtype
    of_rest = Prod.apply(rest, dim=dim, keepdim=True, dtype=WIDER.get(kind, kind)) / rest
    return times_zeros(of_zeros, of_rest)


class Prod(Function):
    """z = Π x over ``dim``, one dimension or all. Integers and bools are multiplied in int64. The product of nothing
    is 1. The gradient is right where x is zero too."""

    result_strides = None

    def forward(ctx, x, *, dim=None, keepdim=False, dtype=None):
        ctx.overload = 0 if dim is None else 1  # PyTorch's two nodes
        ctx.dim = None if dim is None else normalize_dim(dim, x.ndim)
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        kind = accumulated_type(x, dtype)
        wide = np.float32 if kind in NARROW else kind
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
        if (unwrap(x) == 0).any():
            grad_x = grad * product_of_others(x, ctx.dim)
        else:
            grad_x = grad * (restore_dims(z, ctx.shape, ctx.dims, ctx.keepdim) / x)  # dz/dx = z/x
        return grad_x


@checked
def prod(input: Tensor, dim: int = LEFT_OUT, keepdim: bool = False, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """The product, over one dimension or all. Integers and bools are multiplied in int64.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.
    """
    numpy_dtype = None if dtype is None else dtypes.to_numpy_dtype(dtype)
    return Prod.apply(input, dim=dim, keepdim=keepdim, dtype=numpy_dtype)
