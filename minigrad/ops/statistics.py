"""Variances, standard deviations and norms, over all or some dimensions. Rules, then what users call.

``dim`` and ``keepdim`` are those of ``reduction.py``. Medians are in ``sorting.py``; the rule of norms is in
``minigrad/linalg/norms.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import normalize_dims
from minigrad.arguments.gate import checked
from minigrad.caller import warn_user
from minigrad.graph.function import Function, Number, Tensor, constant_like, unwrap
from minigrad.linalg.norms import matrix_norm, vector_norm
from minigrad.ops.broadcasting import restore_dims, spread
from minigrad.ops.choosing import Where
from minigrad.ops.reduction import Mean

__all__ = ["norm", "std", "std_mean", "var", "var_mean"]


class Var(Function):
    """z = Σ (x - mean)² / (n - correction) over ``dim``. With n ≤ correction the result is NaN or infinite."""

    result_strides = None
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
            warn_user(
                f"{ctx.function}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction "
                f"factor (input numel divided by output numel).",
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
            slope = constant_like(np.where(unwrap(x) == unwrap(mean), np.nan, np.inf), x)
        else:
            slope = (x - mean) * (2 / ctx.freedom if ctx.freedom else np.inf)
        return restore_dims(grad_variance, ctx.shape, ctx.dims, ctx.keepdim) * slope


def apply_with_correction(
    name: str, operation: Any, input: Tensor, dim: Any, unbiased: Any, keepdim: Any, correction: Any
) -> Any:
    """``operation`` with its arguments in PyTorch's three forms: ``(unbiased)``, ``(dim, unbiased, keepdim)``, and
    ``(dim, correction=, keepdim=)``. Unbiased is a correction of 1, the default; biased one of 0."""
    if isinstance(dim, bool):
        if unbiased is not None or keepdim:
            raise TypeError(f"{name}(): argument 'dim' must be tuple of ints, not bool")
        dim, unbiased = None, dim
    if unbiased is not None:
        if not isinstance(unbiased, bool):
            raise TypeError(f"{name}(): argument 'unbiased' must be bool, not {type(unbiased).__name__}")
        if correction is not None:
            raise TypeError(f"{name}(): 'unbiased' and 'correction' say the same: only one of them can be given")
        correction = 1 if unbiased else 0
    if not input.is_floating_point():
        subject = name if name.endswith("mean") else "std and var"
        raise RuntimeError(f"{subject} only support floating point and complex dtypes, not {input.dtype}")
    return operation.apply(input, dim=dim, correction=1 if correction is None else correction, keepdim=keepdim)


@checked
def var(
    input: Tensor,
    dim: int | bool | Sequence[int] | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
) -> Tensor:
    """The variance Σ (x - mean)² / (n - correction), over all dimensions or ``dim``.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.

    Raises:
        RuntimeError: the input is not of a floating-point type.
    """
    return apply_with_correction("var", Var, input, dim, unbiased, keepdim, correction)


def gradient_of_square(grad_z, z):
    """dL/d(z²) from dL/dz: dz/d(z²) = 1/(2z), and 0 where z is."""
    return Where.apply(0.0, grad_z / (z * 2), condition=unwrap(z) == 0)


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


@checked
def std(
    input: Tensor,
    dim: int | bool | Sequence[int] | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
) -> Tensor:
    """The square root of :func:`var`."""
    return apply_with_correction("std", Std, input, dim, unbiased, keepdim, correction)


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
        return ctx.plus_gradient_of_mean(grad_x, grad_mean)

    def plus_gradient_of_mean(ctx, grad_x, grad_mean):
        """``grad_x``, the gradient along the first result, and that along the mean; None where neither arrived."""
        if grad_mean is None:
            return grad_x
        of_mean = spread(grad_mean, ctx.shape, ctx.dims, ctx.keepdim) / ctx.count  # d(mean)/dx = 1/n
        return of_mean if grad_x is None else grad_x + of_mean


@checked
def var_mean(
    input: Tensor,
    dim: int | bool | Sequence[int] | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`var` and the mean."""
    return apply_with_correction("var_mean", VarMean, input, dim, unbiased, keepdim, correction)


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
        return ctx.plus_gradient_of_mean(grad_x, grad_mean)


@checked
def std_mean(
    input: Tensor,
    dim: int | bool | Sequence[int] | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`std` and the mean."""
    return apply_with_correction("std_mean", StdMean, input, dim, unbiased, keepdim, correction)


@checked
def norm(
    input: Tensor,
    p: Number | str | None = "fro",
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    """``(Σ |x|ᵖ)^(1/p)`` over all dimensions or ``dim``: ``linalg.vector_norm``, "fro" and None meaning p = 2.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.
    """
    if isinstance(p, str):
        dims = range(input.ndim) if dim is None else dim
        if p == "fro" and (dim is None or isinstance(dim, int) or len(dim) <= 2):
            return vector_norm(input, 2, dim, keepdim, dtype=dtype)
        return matrix_norm(input, p, (dims,) if isinstance(dims, int) else dims, keepdim, dtype=dtype)
    return vector_norm(input, 2 if p is None else p, dim, keepdim, dtype=dtype)
