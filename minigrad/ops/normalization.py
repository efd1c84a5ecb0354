"""Layer normalisation, embedding and padding: what layers are made of. Each class: formula, forward, backward."""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.values import constant_like
from minigrad.ops.elementwise import Where
from minigrad.ops.picking import Pick
from minigrad.ops.reduction import Mean
from minigrad.ops.transcendental import Rsqrt


class NativeLayerNorm(Function):
    """z = (x - mean) / √(variance + eps) · weight + bias over the last ``ndim`` dimensions, the variance biased."""

    def forward(ctx, x, weight, bias, *, ndim, eps):
        ctx.dims, ctx.eps = tuple(range(x.ndim - ndim, x.ndim)), eps
        ctx.save_for_backward(x, weight)
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        deviation = wide - np.mean(wide, axis=ctx.dims, keepdims=True)
        variance = np.mean(deviation * deviation, axis=ctx.dims, keepdims=True)
        z = (deviation / np.sqrt(variance + np.asarray(eps, wide.dtype))).astype(x.dtype, copy=False)
        if weight is not None:
            z = z * weight
        return z if bias is None else z + bias

    def backward(ctx, grad_z):
        x, weight = ctx.saved_tensors
        deviation = x - Mean.apply(x, dim=ctx.dims, keepdim=True)
        inverse = Rsqrt.apply(Mean.apply(deviation * deviation, dim=ctx.dims, keepdim=True) + ctx.eps)
        normal = deviation * inverse
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        grad_x = grad_weight = grad_bias = None
        batch = tuple(range(min(ctx.dims)))
        if needs_x:
            grad = grad_z if weight is None else grad_z * weight
            even = Mean.apply(grad, dim=ctx.dims, keepdim=True)
            aligned = Mean.apply(grad * normal, dim=ctx.dims, keepdim=True)
            grad_x = inverse * (grad - even - normal * aligned)  # mean and variance depend on x too
        if needs_weight:
            product = grad_z * normal
            grad_weight = product.sum(batch) if batch else product
        if needs_bias:
            grad_bias = grad_z.sum(batch) if batch else grad_z
        return grad_x, grad_weight, grad_bias


class Embedding(Function):
    """z = the rows of ``weight`` that the indices name. The row ``padding_index`` has no gradient.

    ``by_frequency`` divides a row's gradient by how often the row was named.
    """

    def forward(ctx, weight, *, indices, padding_index, by_frequency):
        ctx.shape, ctx.indices, ctx.padding_index = weight.shape, indices, padding_index
        ctx.share = None
        if by_frequency:
            counts = np.bincount(indices.reshape(-1), minlength=len(weight))
            ctx.share = 1 / counts[indices][..., None]
        return weight[indices]

    def backward(ctx, grad_z):
        if ctx.share is not None:
            grad_z = grad_z * constant_like(ctx.share, grad_z)
        grad_weight = EmbeddingBackward.apply(
            grad_z, shape=ctx.shape, indices=ctx.indices, padding_index=ctx.padding_index
        )
        return grad_weight


class EmbeddingBackward(Function):
    """Zeros of ``shape`` to whose rows ``grad`` is added, but for the row ``padding_index``."""

    def forward(ctx, grad, *, shape, indices, padding_index):
        ctx.indices, ctx.kept = indices, (indices != padding_index)[..., None]
        z = np.zeros(shape, grad.dtype)
        np.add.at(z, indices, np.where(ctx.kept, grad, np.zeros((), grad.dtype)))
        return z

    def backward(ctx, grad_z):
        grad_grad = Where.apply(Pick.apply(grad_z, where=ctx.indices), 0.0, condition=ctx.kept)
        return grad_grad


class ConstantPadNd(Function):
    """z = x with ``before`` and ``after`` places of ``value`` added along each dimension, taken away where negative."""

    def forward(ctx, x, *, before, after, value):
        ctx.before, ctx.after = before, after
        cut = tuple([slice(max(-b, 0), size - max(-a, 0)) for b, a, size in zip(before, after, x.shape)])
        widths = [(max(b, 0), max(a, 0)) for b, a in zip(before, after)]
        return np.pad(x[cut], widths, constant_values=np.asarray(value, x.dtype)) if widths else x.copy()

    def backward(ctx, grad_z):
        opposite = {"before": [-each for each in ctx.before], "after": [-each for each in ctx.after]}
        grad_x = ConstantPadNd.apply(grad_z, **opposite, value=0)
        return grad_x


class ReflectionPad(Pick):
    """z = x with its elements mirrored at the edges, the edge itself once."""


class ReplicationPad(Pick):
    """z = x with its edge elements repeated outwards."""


class CircularPad(Pick):
    """z = x continued at each edge with what begins at the opposite one."""
