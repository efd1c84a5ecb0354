"""Softmax, its logarithm, and the logarithm of a sum of exponentials, none of which overflows. Rules, then functions.

``nn.functional`` has variants of the two that choose a dimension where none is named. The cross-entropy that is made of
``LogSoftmax`` is in ``classification_losses.py``.
"""

from __future__ import annotations

import numpy as np

from minigrad import dtypes
from minigrad.arguments.checks import missing_dim
from minigrad.arguments.dims import Dims, normalize_dim, normalize_dims
from minigrad.arguments.gate import checked
from minigrad.arguments.promotion import in_default_float, in_opmath
from minigrad.dtypes import FLOATS
from minigrad.graph.function import Function, Tensor
from minigrad.ops.broadcasting import Sum, add_up, restore_dims
from minigrad.ops.powers import Exp

__all__ = ["log_softmax", "logsumexp", "softmax"]


class LogSoftmax(Function):
    """zᵢ = xᵢ - ln Σⱼ exp xⱼ along ``dim``. The largest x is subtracted first, so that nothing overflows."""

    result_strides = None

    def forward(ctx, x, *, dim):
        ctx.dim = dim
        if x.size == 0:
            z = x.copy()
        else:
            z = np.asarray(x - np.maximum.reduce(x, axis=dim, keepdims=True))
            z -= np.log(np.add.reduce(np.exp(z), axis=dim, keepdims=True))
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = LogSoftmaxBackwardData.apply(grad_z, z, dim=ctx.dim)
        return grad_x


@checked
def log_softmax(input: Tensor, dim: int | None = None, dtype: dtypes.dtype | None = None) -> Tensor:
    """The logarithm of :func:`softmax`, computed without overflow. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type, ``dtype`` where given, is not a floating-point type.
    """
    if dim is None:
        raise missing_dim("log_softmax")
    return LogSoftmax.apply(floating("log_softmax", input, dtype), dim=normalize_dim(dim, input.ndim))


def floating(name: str, input: Tensor, dtype: dtypes.dtype | None) -> Tensor:
    """``input`` in type ``dtype``, or PyTorch's error where it is then not floating."""
    values = input if dtype is None else input.to(dtype)
    if values.array.dtype.kind not in FLOATS:
        raise NotImplementedError(f'"{name}_kernel_impl" not implemented for {values.dtype}')
    return values


class LogSoftmaxBackwardData(Function):
    """gradᵢ - exp zᵢ Σⱼ gradⱼ: the gradient of log-softmax, as dzᵢ/dxⱼ = [i = j] - softmax(x)ⱼ."""

    result_strides = None

    def forward(ctx, grad, z, *, dim):
        ctx.dim = dim
        ctx.save_for_backward(grad, z)
        spread_out = np.asarray(np.exp(z))
        spread_out *= np.add.reduce(grad, axis=dim, keepdims=True)
        return np.subtract(grad, spread_out, out=spread_out)

    def backward(ctx, grad_result):
        grad, z = ctx.saved_tensors
        softmax = Exp.apply(z)
        grad_grad = grad_result - Sum.apply(grad_result * softmax, dim=ctx.dim, keepdim=True)
        grad_z = -(grad_result * softmax) * Sum.apply(grad, dim=ctx.dim, keepdim=True)
        return grad_grad, grad_z


class Softmax(Function):
    """zᵢ = exp xᵢ / Σⱼ exp xⱼ along ``dim``."""

    result_strides = None

    def forward(ctx, x, *, dim):
        ctx.dim = dim
        if x.size == 0:
            z = x.copy()
        else:
            exponentials = np.exp(in_opmath(x) - np.maximum.reduce(x, axis=dim, keepdims=True))
            z = np.asarray(exponentials / np.add.reduce(exponentials, axis=dim, keepdims=True), x.dtype, order="C")
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        weighted = grad_z * z
        grad_x = weighted - z * Sum.apply(weighted, dim=ctx.dim, keepdim=True)  # dzᵢ/dxⱼ = zᵢ ([i = j] - zⱼ)
        return grad_x


@checked
def softmax(input: Tensor, dim: int | None = None, dtype: dtypes.dtype | None = None) -> Tensor:
    """exp(input) over its sum along ``dim``; with ``dtype`` the input is converted first. Shape: that of ``input``.

    Raises:
        NotImplementedError: the type, ``dtype`` where given, is not a floating-point type.

    >>> minigrad.tensor([1.0, 1.0, 2.0]).softmax(dim=0)
    tensor([0.2119, 0.2119, 0.5761])
    """
    if dim is None:
        raise missing_dim("softmax")
    return Softmax.apply(floating("softmax", input, dtype), dim=normalize_dim(dim, input.ndim))


class Logsumexp(Function):
    """z = ln Σ exp x over ``dim``. The largest x is subtracted first, so that nothing overflows."""

    result_strides = None

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


@checked
def logsumexp(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """ln Σ exp(input), computed without overflow.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.
    """
    if dim is None:
        raise missing_dim("logsumexp")
    return Logsumexp.apply(input, dim=dim, keepdim=keepdim)
