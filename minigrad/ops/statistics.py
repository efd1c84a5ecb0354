"""Variances, standard deviations and norms over all or some dimensions. Each class: formula, forward, backward.

``dim`` and ``keepdim`` are those of ``reduction.py``.
"""

from __future__ import annotations

import warnings

import numpy as np

from minigrad.dims import normalize_dims
from minigrad.graph.function import Function
from minigrad.graph.values import array_of, constant_like
from minigrad.ops.broadcasting import restore_dims, spread
from minigrad.ops.elementwise import Abs, Sgn, Where
from minigrad.ops.reduction import Mean, share_among


class Var(Function):
    """z = Σ (x - mean)² / (n - correction) over ``dim``. With n ≤ correction the result is NaN or infinite."""

    function = "var"  # for messages

    def forward(ctx, x, *, dim=None, correction=1, keepdim=False):
        ctx.save_for_backward(x)
        variance, _ = ctx.measure(x, dim, correction, keepdim)
        return variance.astype(x.dtype, copy=False)

    def measure(ctx, x, dim, correction, keepdim):
        """The variance and the mean, in float64 whatever the type of x, as PyTorch computes them."""
        ctx.shape, ctx.dims, ctx.keepdim = x.shape, normalize_dims(dim, x.ndim), keepdim
        ctx.over_all = dim is None or dim == () or x.ndim == 0
        ctx.count = 1
        for each in ctx.dims:
            ctx.count *= x.shape[each]
        ctx.freedom = ctx.count - correction
        if ctx.freedom <= 0:
            warnings.warn(
                f"{ctx.function}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction "
                f"factor (input numel divided by output numel).",
                stacklevel=5,  # the line that called the function
            )
        wide = x.astype(np.float64, copy=False)
        mean = np.asarray(np.true_divide(np.add.reduce(wide, axis=ctx.dims, keepdims=True), ctx.count))
        deviation = wide - mean
        squares = np.add.reduce(deviation * deviation, axis=ctx.dims, keepdims=keepdim)
        variance = np.asarray(np.true_divide(squares, max(ctx.freedom, 0)))
        return variance, mean if keepdim else mean.squeeze(ctx.dims)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = ctx.gradient_of_variance(grad_z, x)
        return grad_x

    def gradient_of_variance(ctx, grad_variance, x):
        """dL/dx, the variance's slope being 2 (x - mean) / (n - correction)."""
        mean = Mean.apply(x, dim=ctx.dims, keepdim=True)
        if ctx.over_all and ctx.freedom <= 0:
            slope = constant_like(np.where(array_of(x) == array_of(mean), np.nan, np.inf), x)
        else:
            slope = (x - mean) * (2 / ctx.freedom if ctx.freedom else np.inf)
        return restore_dims(grad_variance, ctx.shape, ctx.dims, ctx.keepdim) * slope


class Std(Var):
    """z = √variance over ``dim``. Where it is 0 the gradient is 0."""

    function = "std"

    def forward(ctx, x, *, dim=None, correction=1, keepdim=False):
        variance, _ = ctx.measure(x, dim, correction, keepdim)
        z = np.asarray(np.sqrt(variance), x.dtype)
        ctx.save_for_backward(x, z)
        return z

    def backward(ctx, grad_z):
        x, z = ctx.saved_tensors
        grad_x = ctx.gradient_of_variance(gradient_of_square(grad_z, z), x)
        return grad_x


def gradient_of_square(grad_z, z):
    """dL/d(z²) from dL/dz: dz/d(z²) = 1/(2z), and 0 where z is."""
    return Where.apply(0.0, grad_z / (z * 2), condition=array_of(z) == 0)


class VarMean(Var):
    """The variance and the mean of x over ``dim``."""

    function = "var_mean"
    materialize_grads = False

    def forward(ctx, x, *, dim=None, correction=1, keepdim=False):
        ctx.save_for_backward(x)
        variance, mean = ctx.measure(x, dim, correction, keepdim)
        return variance.astype(x.dtype, copy=False), mean.astype(x.dtype, copy=False)

    def backward(ctx, grad_variance, grad_mean):
        (x,) = ctx.saved_tensors
        grad_x = None if grad_variance is None else ctx.gradient_of_variance(grad_variance, x)
        if grad_mean is not None:
            of_mean = spread(grad_mean, ctx.shape, ctx.dims, ctx.keepdim) / ctx.count  # d(mean)/dx = 1/n
            grad_x = of_mean if grad_x is None else grad_x + of_mean
        return grad_x


class StdMean(VarMean):
    """The standard deviation and the mean of x over ``dim``. Where the deviation is 0 its gradient is 0."""

    function = "std_mean"

    def forward(ctx, x, *, dim=None, correction=1, keepdim=False):
        variance, mean = ctx.measure(x, dim, correction, keepdim)
        z = np.asarray(np.sqrt(variance), x.dtype)
        ctx.save_for_backward(x, z)
        return z, mean.astype(x.dtype, copy=False)

    def backward(ctx, grad_z, grad_mean):
        x, z = ctx.saved_tensors
        grad_x = None
        if grad_z is not None:
            grad_x = ctx.gradient_of_variance(gradient_of_square(grad_z, z), x)
        if grad_mean is not None:
            of_mean = spread(grad_mean, ctx.shape, ctx.dims, ctx.keepdim) / ctx.count  # d(mean)/dx = 1/n
            grad_x = of_mean if grad_x is None else grad_x + of_mean
        return grad_x


class LinalgVectorNorm(Function):
    """z = (Σ |x|ᵖ)^(1/p) over ``dim``, p = ``ord``. p = 0 counts what is not 0; p = ±∞ is the largest or smallest |x|.

    Where z is 0 the gradient is 0. For p = ∞ tied maxima share it equally. p = 0 has none.
    """

    def forward(ctx, x, *, ord, dim, keepdim, dtype):
        ctx.ord, ctx.shape, ctx.dims, ctx.keepdim = ord, x.shape, normalize_dims(dim, x.ndim), keepdim
        kind = x.dtype if dtype is None else dtype
        size = np.abs(x.astype(np.float32 if kind == np.float16 else kind, copy=False))
        if ord == np.inf:
            z = np.maximum.reduce(size, axis=ctx.dims, keepdims=keepdim)
        elif ord == -np.inf:
            z = np.minimum.reduce(size, axis=ctx.dims, keepdims=keepdim)
        elif ord == 0:
            z = np.add.reduce(size != 0, axis=ctx.dims, keepdims=keepdim)
        elif ord == 1:
            z = np.add.reduce(size, axis=ctx.dims, keepdims=keepdim)
        elif ord == 2:
            z = np.sqrt(np.add.reduce(size * size, axis=ctx.dims, keepdims=keepdim))
        else:
            z = np.add.reduce(size**ord, axis=ctx.dims, keepdims=keepdim) ** (1 / ord)
        z = np.asarray(z, kind)
        ctx.save_for_backward(x, z)
        return z

    def backward(ctx, grad_z):
        x, z = ctx.saved_tensors
        if ctx.ord == 0:
            return None
        if abs(ctx.ord) == np.inf:
            size, extreme = np.abs(array_of(x)), restore_dims(array_of(z), ctx.shape, ctx.dims, ctx.keepdim)
            return Sgn.apply(x) * share_among((size == extreme) | np.isnan(size), grad_z, ctx.dims, ctx.keepdim)
        grad = restore_dims(grad_z, ctx.shape, ctx.dims, ctx.keepdim)
        z = restore_dims(z, ctx.shape, ctx.dims, ctx.keepdim)
        grad_x = grad_of_norm(grad, x, z, ctx.ord)
        return grad_x


def grad_of_norm(grad, x, z, ord):
    """dz/dx = sign(x) |x|ᵖ⁻¹ / zᵖ⁻¹, in the form that PyTorch gives it for each p."""
    flat = array_of(z) == 0
    if ord == 1:
        return grad * Sgn.apply(x)
    if ord == 2:
        return grad * Where.apply(0.0, x / z, condition=flat)
    if ord < 1:
        power = Where.apply(0.0, Sgn.apply(x) * Abs.apply(x) ** (ord - 1), condition=array_of(x) == 0)
        return power * grad * z ** (1 - ord)
    power = Sgn.apply(x) * Abs.apply(x) ** (ord - 1) if ord < 2 else x * Abs.apply(x) ** (ord - 2)
    return power * Where.apply(0.0, grad / z ** (ord - 1), condition=flat)
