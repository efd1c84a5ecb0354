"""Normalisation over the last dimensions, over groups of channels, and of each sample's channels alone.

Each function is ``nn.functional``'s; the rules stand above them. Over a batch: ``batch_norm.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.dtypes import NARROW, limits_of
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.strides import as_pictures
from minigrad.ops import batch_norm as of_batches
from minigrad.ops.batch_norm import batch_norm, check_several_values, mean_over, normalized
from minigrad.ops.broadcasting import Sum
from minigrad.ops.padding import pad
from minigrad.ops.pooling import avg_pool2d
from minigrad.ops.powers import Rsqrt
from minigrad.ops.reduction import Mean
from minigrad.ops.shape import Reshape
from minigrad.ops.volume_pooling import avg_pool3d

__all__ = ["group_norm", "instance_norm", "layer_norm", "local_response_norm", "normalize", "rms_norm"]


def grouped_shape(shape, groups):
    """(N, C, ...) as (N, groups, C / groups, ...)."""
    return (shape[0], groups, shape[1] // groups, *shape[2:])


def normal_of(x, dims, eps):
    """x less its mean over ``dims``, divided by the deviation there."""
    deviation = x - np.mean(x, axis=dims, keepdims=True)
    variance = np.mean(deviation * deviation, axis=dims, keepdims=True)
    deviation /= np.sqrt(variance + np.asarray(eps, x.dtype))
    return deviation


class NativeGroupNorm(Function):
    """z = (x - mean) / √(variance + eps) · weight + bias, mean and variance those of a sample's group of channels.

    The variance is biased. Shapes: (N, C, ...), (C,), (C,).
    """

    saved_names = ("input", "weight")
    result_strides = as_pictures

    def forward(ctx, x, weight, bias, *, groups, eps):
        ctx.groups, ctx.eps = groups, eps
        ctx.save_for_backward(x, weight)
        wide = x.astype(np.float32) if x.dtype in NARROW else x
        grouped = wide.reshape(grouped_shape(x.shape, groups))
        z = normal_of(grouped, tuple(range(2, grouped.ndim)), eps).reshape(x.shape)
        weight, bias = [each if each is None else each.reshape(-1, *(1,) * (x.ndim - 2)) for each in (weight, bias)]
        z = z if weight is None else z * weight
        return (z if bias is None else z + bias).astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        x, weight = ctx.saved_tensors
        shape = grouped_shape(x.shape, ctx.groups)
        dims = tuple(range(2, len(shape)))
        of_channels = (-1, *(1,) * (x.ndim - 2))
        over = (0, *range(2, x.ndim))
        normal, inverse = normalized(Reshape.apply(x, shape=shape), dims, ctx.eps)
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad = grad_z if weight is None else grad_z * Reshape.apply(weight, shape=of_channels)
            grad = Reshape.apply(grad, shape=shape)
            rest = grad - mean_over(grad, dims) - normal * mean_over(grad * normal, dims)
            grad_x = Reshape.apply(inverse * rest, shape=x.shape)  # mean and variance depend on x too
        if ctx.needs_input_grad[1]:
            grad_weight = Sum.apply(grad_z * Reshape.apply(normal, shape=x.shape), dim=over)
        grad_bias = Sum.apply(grad_z, dim=over) if ctx.needs_input_grad[2] else None
        return grad_x, grad_weight, grad_bias


@checked
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05
) -> Tensor:
    """(input - mean) / √(variance + eps) · weight + bias, over each sample's groups of channels. Source: Wu & He, 2018.

    Shapes: (N, C, ...), the parameters (C,). Mean and biased variance are those of C / num_groups channels.

    Raises:
        ValueError: a group of the only sample has one value only.
        RuntimeError: the channels do not divide, or a parameter is of another size or type.
        NotImplementedError: the input is not floating.
    """
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    count = input.shape[0] * input.shape[1] // num_groups
    check_several_values((count, num_groups, *input.shape[2:]), f"{list(input.shape)}")
    if num_groups < 0 or input.shape[1] % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and value.shape != (input.shape[1],):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(value.shape)} and input of shape {list(input.shape)}"
            )
    if 0 in input.shape[1:]:
        raise RuntimeError(
            f"Expected channels and HxW to be greater than 0, but got input of shape {list(input.shape)}"
        )
    of_batches.check_floating_type("group_norm", input, weight, bias)
    return NativeGroupNorm.apply(input, weight, bias, groups=num_groups, eps=eps)


class NativeLayerNorm(Function):
    """z = (x - mean) / √(variance + eps) · weight + bias over the last ``ndim`` dimensions, the variance biased."""

    saved_names = ("input", "weight", "bias")
    result_strides = None

    def forward(ctx, x, weight, bias, *, ndim, eps):
        ctx.dims, ctx.eps = tuple(range(x.ndim - ndim, x.ndim)), eps
        ctx.save_for_backward(x, weight, bias)
        wide = x.astype(np.float32) if x.dtype in NARROW else x
        z = normal_of(wide, ctx.dims, eps)
        z = z if weight is None else z * weight
        return (z if bias is None else z + bias).astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        x, weight, _ = ctx.saved_tensors
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


def check_normalized(name: str, input: Tensor, normalized_shape: Sequence[int], **parameters: Tensor | None) -> None:
    """Raise PyTorch's RuntimeError where ``input`` does not end in ``normalized_shape``, or a parameter has another."""
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(f"{name}: Expected normalized_shape to be at least 1-dimensional")
    for parameter, value in parameters.items():
        if value is not None and value.shape != shape:
            raise RuntimeError(
                f"Expected {parameter} to be of same shape as normalized_shape, but got {parameter} of shape "
                f"{list(value.shape)} and normalized_shape = {list(shape)}"
            )
    if input.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], but "
            f"got input of size{list(input.shape)}"
        )


@checked
def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Tensor:
    """(input - mean) / √(variance + eps) · weight + bias over the last dimensions. Source: Ba et al., 2016.

    Shapes: (..., normalized_shape), the parameters ``normalized_shape``; the same out.

    Raises:
        RuntimeError: the input does not end in ``normalized_shape``, or a parameter has another shape.
        NotImplementedError: the input is not floating.
    """
    check_normalized("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    if not input.is_floating_point():
        raise NotImplementedError(f'"LayerNormKernelImpl" not implemented for {input.dtype}')
    return NativeLayerNorm.apply(input, weight, bias, ndim=len(normalized_shape), eps=eps)


@checked
def normalize(input: Tensor, p: float = 2.0, dim: int | Sequence[int] = 1, eps: float = 1e-12) -> Tensor:
    """input divided by its p-norm along ``dim``, the norm no less than ``eps``. Shape: that of ``input``."""
    return input / input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)


@checked
def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """input / √(mean of squares + eps) · weight over the last dimensions; ``eps`` the type's own unless told.

    Shapes: (..., normalized_shape), the weight ``normalized_shape``; the same out. Source: Zhang & Sennrich, 2019.

    Raises:
        RuntimeError: the input does not end in ``normalized_shape``, or the weight has another shape.
        ValueError: the input has too few dimensions.
        NotImplementedError: the input is not floating.
    """
    if input.ndim < len(normalized_shape):
        raise ValueError(f"Input tensor must have at least {len(normalized_shape)} dimensions, but got {input.ndim}")
    check_normalized("rms_norm", input, normalized_shape, weight=weight)
    if not input.is_floating_point():
        raise NotImplementedError(f'"rms_norm" not implemented for {input.dtype}')
    dims = tuple(range(-len(normalized_shape), 0))
    input = input.contiguous()
    wide = input.float() if input.array.dtype in NARROW else input  # as in PyTorch, whose squares then fit
    eps = float(limits_of(wide.array.dtype).eps) if eps is None else eps
    normal = (wide * (wide.pow(2).mean(dims, keepdim=True) + eps).rsqrt()).to(input.dtype)
    return normal if weight is None else normal * weight


@checked
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """:func:`batch_norm` of each sample alone. Shapes: (N, C, ...), the rest (C,). Source: Ulyanov et al., 2016.

    The running statistics are moved towards the mean of the samples'.

    Raises:
        ValueError: a channel of a sample has one value only.
        RuntimeError: as :func:`batch_norm`.
    """
    if use_input_stats:
        check_several_values((1, 1, *input.shape[2:]), f"{input.shape}".replace("minigrad", "torch"))
    of_batches.check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    batch, channels = input.shape[:2]
    given = (running_mean, running_var, weight, bias)
    mean, variance, scale, shift = [None if each is None else each.repeat(batch) for each in given]
    samples = input.contiguous().view(1, batch * channels, *input.shape[2:])
    result = batch_norm(samples, mean, variance, scale, shift, use_input_stats, momentum, eps)
    for running, moved in ((running_mean, mean), (running_var, variance)):
        if use_input_stats and running is not None and moved is not None:
            running.copy_(moved.view(batch, channels).mean(0))
    return result.view(input.shape)


@checked
def local_response_norm(input: Tensor, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """input / (k + alpha · mean of squares)^beta, the mean over ``size`` neighbouring channels, zeros beyond the first.

    Shapes: (N, C, ...), the same out. Source: Krizhevsky et al., 2012.

    Raises:
        ValueError: there are fewer than three dimensions.
    """
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)")
    if input.numel() == 0:
        return input
    squares = input * input
    around = [size // 2, (size - 1) // 2]
    if input.ndim == 3:
        means = avg_pool2d(pad(squares.unsqueeze(1), [0, 0, *around]), (size, 1), stride=1).squeeze(1)
    else:
        volume = squares.view(input.shape[0], 1, *input.shape[1:3], -1)
        means = avg_pool3d(pad(volume, [0, 0, 0, 0, *around]), (size, 1, 1), stride=1).squeeze(1).view(input.shape)
    return input / (means * alpha + k).pow(beta)
