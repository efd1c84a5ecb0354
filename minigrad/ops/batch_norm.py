"""Normalisation of channels over a batch, and of groups of channels. Each class: formula, forward, backward.

What batch normalisation computes on arrays, once as the plain loop and once fast, is in
``minigrad/kernels/batch_norm.py``. Layer normalisation is in ``normalization.py``.
"""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.values import array_of, constant_like
from minigrad.kernels import batch_norm as kernels
from minigrad.ops.broadcasting import Sum
from minigrad.ops.reduction import Mean
from minigrad.ops.shape import Reshape
from minigrad.ops.transcendental import Rsqrt


class NativeBatchNorm(Function):
    """z = (x - mean) / √(variance + eps) · weight + bias, channel by channel. Shapes: (N, C, ...), (C,), (C,).

    In ``training`` mean and (biased) variance are those of x, and the arrays ``running_mean`` and ``running_var``,
    where given, are moved towards them in place: running = (1 - momentum) · running + momentum · new, the new variance
    unbiased. Otherwise mean and variance are the running ones.
    """

    def forward(ctx, x, weight, bias, *, running_mean, running_var, training, momentum, eps):
        ctx.training, ctx.eps = training, eps
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        if training:
            mean, variance = kernels.statistics(wide)
            count = kernels.count_of(x)
            move(running_mean, mean, momentum)
            move(running_var, variance * (count / (count - 1)), momentum)
            inverse = 1 / np.sqrt(variance + eps)
            ctx.save_for_backward(x, weight, mean, inverse)
        else:
            mean, inverse = running_mean.astype(np.float64), inverse_deviation(running_var, eps)
            ctx.save_for_backward(x, weight, running_mean, running_var)
        scale = inverse if weight is None else inverse * weight.reshape(-1)
        shift = -mean * scale if bias is None else bias.reshape(-1) - mean * scale
        return kernels.normalize(wide, scale, shift).astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        x, weight, mean, spread = ctx.saved_tensors
        mean, spread = array_of(mean).astype(np.float64), array_of(spread)
        inverse = spread if ctx.training else inverse_deviation(spread, ctx.eps)
        options = {"mean": mean, "inverse": inverse, "training": ctx.training, "eps": ctx.eps}
        grad_x, grad_weight, grad_bias = NativeBatchNormBackward.apply(grad_z, x, weight, **options)
        return grad_x, grad_weight, grad_bias


class NativeBatchNormBackward(Function):
    """The gradients of x, weight and bias: with n the normalised x, r = 1/√(variance + eps) and M the channel's mean,

    grad_x = weight · r · (grad - M[grad] - n M[grad · n]), as mean and variance depend on x too, but in evaluation
    weight · r · grad; grad_weight = Σ grad · n; grad_bias = Σ grad.
    """

    def forward(ctx, grad, x, weight, *, mean, inverse, training, eps):
        ctx.mean, ctx.inverse, ctx.training, ctx.eps = mean, inverse, training, eps
        ctx.save_for_backward(grad, x, weight)
        narrow = x.dtype
        if narrow == np.float16:
            grad, x = grad.astype(np.float32), x.astype(np.float32)
        scale = inverse if weight is None else inverse * weight.reshape(-1)
        total, aligned = kernels.backward_sums(grad, x, mean)
        if training:
            count = kernels.count_of(x)
            of_x = -scale * inverse**2 * aligned / count
            constant = -scale * total / count - of_x * mean
            grad_x = kernels.input_gradient(grad, x, scale, of_x, constant)
        else:
            grad_x = kernels.normalize(grad, scale, np.zeros_like(scale))
        kind, shape = (narrow, inverse.shape) if weight is None else (weight.dtype, weight.shape)
        grad_weight = (aligned * inverse).astype(kind).reshape(shape)
        return grad_x.astype(narrow, copy=False), grad_weight, total.astype(kind).reshape(shape)

    def backward(ctx, grad_of_x, grad_of_weight, grad_of_bias):
        grad, x, weight = ctx.saved_tensors
        shape = (1, -1, *(1,) * (x.ndim - 2))
        over = (0, *range(2, x.ndim))
        normal, inverse = normalized(x, over, ctx, shape)
        scale = inverse if weight is None else inverse * Reshape.apply(weight, shape=shape)
        from_weight = Reshape.apply(grad_of_weight, shape=shape)
        from_bias = Reshape.apply(grad_of_bias, shape=shape)
        if ctx.training:
            even = grad_of_x - mean_over(grad_of_x, over)
            grad_even = grad - mean_over(grad, over)
            of_x = mean_over(grad_of_x * normal, over)
            of_grad = mean_over(grad * normal, over)
            rest = even - normal * of_x  # what is left without the directions that mean and variance take away
            grad_rest = grad_even - normal * of_grad
            both = mean_over(grad_of_x * grad_even, over) - of_x * of_grad
            grad_x = inverse * (from_weight * grad_rest - scale * (normal * both + of_grad * rest + of_x * grad_rest))
        else:
            rest, grad_rest = grad_of_x, grad
            grad_x = None if weight is None else from_weight * inverse * grad
        grad_grad = scale * rest + from_weight * normal + from_bias
        grad_weight = None
        if weight is not None:
            grad_weight = Reshape.apply(
                Sum.apply(grad_of_x * inverse * grad_rest, dim=over, keepdim=True), shape=weight.shape
            )
        return grad_grad, grad_x, grad_weight


def move(running, new, momentum):
    """Move ``running``, where there is one, towards ``new``, in place."""
    if running is not None:
        running[...] = (1 - momentum) * running.astype(np.float64) + momentum * new


def inverse_deviation(variance, eps):
    """1/√(variance + eps), in float64."""
    return 1 / np.sqrt(variance.astype(np.float64) + eps)


def mean_over(x, dims):
    return Mean.apply(x, dim=dims, keepdim=True)


def normalized(x, over, ctx, shape):
    """x normalised, and 1/√(variance + eps), as they follow from x, so that they can be differentiated too."""
    if not ctx.training:
        inverse = constant_like(ctx.inverse.reshape(shape), x)
        return (x - constant_like(ctx.mean.reshape(shape), x)) * inverse, inverse
    deviation = x - mean_over(x, over)
    inverse = Rsqrt.apply(mean_over(deviation * deviation, over) + ctx.eps)
    return deviation * inverse, inverse


class NativeGroupNorm(Function):
    """z = (x - mean) / √(variance + eps) · weight + bias, mean and variance those of a sample's group of channels.

    The variance is biased. Shapes: (N, C, ...), (C,), (C,).
    """

    def forward(ctx, x, weight, bias, *, groups, eps):
        ctx.groups, ctx.eps = groups, eps
        ctx.save_for_backward(x, weight)
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        grouped = wide.reshape(grouped_shape(x.shape, groups))
        dims = tuple(range(2, grouped.ndim))
        deviation = grouped - np.mean(grouped, axis=dims, keepdims=True)
        variance = np.mean(deviation * deviation, axis=dims, keepdims=True)
        deviation /= np.sqrt(variance + np.asarray(eps, wide.dtype))
        z = deviation.reshape(x.shape)
        of_channels = (-1, *(1,) * (x.ndim - 2))
        if weight is not None:
            z = z * weight.reshape(of_channels)
        if bias is not None:
            z = z + bias.reshape(of_channels)
        return z.astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        x, weight = ctx.saved_tensors
        shape = grouped_shape(x.shape, ctx.groups)
        dims = tuple(range(2, len(shape)))
        of_channels = (-1, *(1,) * (x.ndim - 2))
        over = (0, *range(2, x.ndim))
        grouped = Reshape.apply(x, shape=shape)
        deviation = grouped - mean_over(grouped, dims)
        inverse = Rsqrt.apply(mean_over(deviation * deviation, dims) + ctx.eps)
        normal = deviation * inverse
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad = grad_z if weight is None else grad_z * Reshape.apply(weight, shape=of_channels)
            grad = Reshape.apply(grad, shape=shape)
            rest = grad - mean_over(grad, dims) - normal * mean_over(grad * normal, dims)
            grad_x = Reshape.apply(inverse * rest, shape=x.shape)  # mean and variance depend on x too
        if ctx.needs_input_grad[1]:
            grad_weight = Sum.apply(grad_z * Reshape.apply(normal, shape=x.shape), dim=over)
        if ctx.needs_input_grad[2]:
            grad_bias = Sum.apply(grad_z, dim=over)
        return grad_x, grad_weight, grad_bias


def grouped_shape(shape, groups):
    """(N, C, ...) as (N, groups, C / groups, ...)."""
    return (shape[0], groups, shape[1] // groups, *shape[2:])
