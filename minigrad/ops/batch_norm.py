"""Batch normalisation: of each channel over a batch. Rules, then the function, which is ``nn.functional``'s.

What is computed on arrays, once as the plain loop and once fast, is in ``minigrad/kernels/batch_norm.py``. Other
normalisations are in ``normalization.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.gate import checked
from minigrad.dtypes import NARROW
from minigrad.graph.function import Function
from minigrad.graph.grad_mode import is_grad_enabled
from minigrad.graph.node import Tensor, unwrap
from minigrad.graph.saved_tensors import Given
from minigrad.graph.strides import as_pictures
from minigrad.graph.values import constant_like
from minigrad.inplace.changing import check_changeable
from minigrad.kernels import batch_norm as kernels
from minigrad.ops.broadcasting import Sum
from minigrad.ops.powers import Rsqrt
from minigrad.ops.reduction import Mean
from minigrad.ops.shape import Reshape

__all__ = ["batch_norm"]


def move(running, new, momentum):
    """Move ``running``, where there is one, towards ``new``, in place."""
    if running is not None:
        running[...] = (1 - momentum) * running.astype(np.float64) + momentum * new


def inverse_deviation(variance, eps):
    """1/√(variance + eps), in float64."""
    return 1 / np.sqrt(variance.astype(np.float64) + eps)


class NativeBatchNorm(Function):
    """z = (x - mean) / √(variance + eps) · weight + bias, channel by channel. Shapes: (N, C, ...), (C,), (C,).

    In ``training`` mean and (biased) variance are those of x, and the tensors ``running_mean`` and ``running_var``,
    where given, are moved towards them in place: running = (1 - momentum) · running + momentum · new, the new variance
    unbiased. Otherwise mean and variance are the running ones.
    """

    result_strides = as_pictures
    saved_names = ("input", "weight", "running_mean", "running_var")  # in training the last two are results

    def forward(ctx, x, weight, bias, *, running_mean, running_var, training, momentum, eps):
        ctx.training, ctx.eps = training, eps
        given = Given((), running_mean, running_var)
        running_mean, running_var = unwrap(running_mean), unwrap(running_var)
        wide = x.astype(np.float32) if x.dtype in NARROW else x
        if training:
            mean, variance = kernels.statistics(wide)
            count = kernels.count_of(x)
            move(running_mean, mean, momentum)
            move(running_var, variance * (count / (count - 1)), momentum)
            inverse = 1 / np.sqrt(variance + eps)
            ctx.saved_names = ("input", "weight", "result1", "result2")
            ctx.save_for_backward(x, weight, mean, inverse, given)
        else:
            mean, inverse = running_mean.astype(np.float64), inverse_deviation(running_var, eps)
            ctx.save_for_backward(x, weight, running_mean, running_var, given)
        scale = inverse if weight is None else inverse * weight.reshape(-1)
        shift = np.zeros_like(scale) if bias is None else bias.reshape(-1)
        if training:
            shift = shift - (mean - mean.astype(wide.dtype)) * scale  # what the type of x cannot hold of the mean
        return kernels.normalize(wide, mean, scale, shift).astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        x, weight, mean, spread, _ = ctx.saved_tensors
        mean, spread = unwrap(mean).astype(np.float64), unwrap(spread)
        inverse = spread if ctx.training else inverse_deviation(spread, ctx.eps)
        options = {"mean": mean, "inverse": inverse, "training": ctx.training, "eps": ctx.eps}
        grad_x, grad_weight, grad_bias = NativeBatchNormBackward.apply(grad_z, x, weight, **options)
        return grad_x, grad_weight, grad_bias


@checked
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """(input - mean) / √(variance + eps) · weight + bias, channel by channel. Source: Ioffe & Szegedy, 2015.

    Shapes: (N, C, ...), the rest (C,). In ``training`` mean and biased variance are the input's, and the running ones,
    where given, are moved towards it by ``momentum``, in place, the variance unbiased; else they are the running ones.

    Raises:
        ValueError: in training a channel has one value only, or ``eps`` is not positive.
        IndexError: the input has no channels.
        RuntimeError: a parameter is of another size or type, the running statistics are missing in evaluation, or
            require grad, or were made in inference mode.
        NotImplementedError: the input is not floating.
    """
    if training:
        check_several_values(input.shape, f"{input.shape}".replace("minigrad", "torch"))
        if eps <= 0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training and (running_mean is None or running_var is None):
        missing = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{missing} must be defined in evaluation mode")
    check_floating_type("batch_norm", input, running_mean, running_var, weight, bias)
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is not None and running.requires_grad and is_grad_enabled():
            raise RuntimeError(
                f"batch_norm is not differentiable with respect to argument '{name}'. This input cannot have "
                f"requires_grad True."
            )
        if training and running is not None:
            check_changeable(running, "batch_norm")
    if input.numel() == 0:
        result = input.clone() if weight is None else input * weight[0]
        return result if bias is None else result + bias[0]
    if input.ndim < 2:
        raise IndexError(f"batch_norm: expected an input (N, C, ...), but got one of shape {list(input.shape)}")
    options = {"training": training, "momentum": momentum, "eps": eps}
    return NativeBatchNorm.apply(input, weight, bias, running_mean=running_mean, running_var=running_var, **options)


def check_several_values(shape: Any, size: str) -> None:
    """Raise PyTorch's ValueError where each channel has one value only: its variance would be 0."""
    if math.prod((shape[0], *shape[2:])) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def check_channels(input: Tensor, **parameters: Tensor | None) -> None:
    """Raise PyTorch's RuntimeError where a parameter has not as many elements as the input has channels."""
    channels = input.shape[1] if input.ndim > 1 else 0
    for name, value in parameters.items():
        if value is not None and value.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {value.numel()}")


def check_floating_type(function: str, input: Tensor, *parameters: Tensor | None) -> None:
    """Raise PyTorch's error unless all are of one floating type; beside a narrow input float32 will do."""
    if not input.is_floating_point():
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')
    if input.numel() == 0:
        return
    types = {each.dtype for each in parameters if each is not None}
    if types and types != {input.dtype} and not (input.array.dtype in NARROW and types == {dtypes.float32}):
        raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")


def mean_over(x, dims):
    return Mean.apply(x, dim=dims, keepdim=True)


def normalized(x, over, eps):
    """x normalised, and 1/√(variance + eps), as they follow from x, so that they can be differentiated too."""
    deviation = x - mean_over(x, over)
    inverse = Rsqrt.apply(mean_over(deviation * deviation, over) + eps)
    return deviation * inverse, inverse


class NativeBatchNormBackward(Function):
    """The gradients of x, weight and bias: with n the normalised x, r = 1/√(variance + eps) and M the channel's mean,

    grad_x = weight · r · (grad - M[grad] - n M[grad · n]), as mean and variance depend on x too, but in evaluation
    weight · r · grad; grad_weight = Σ grad · n; grad_bias = Σ grad.
    """

    def forward(ctx, grad, x, weight, *, mean, inverse, training, eps):
        ctx.mean, ctx.inverse, ctx.training, ctx.eps = mean, inverse, training, eps
        ctx.save_for_backward(grad, x, weight)
        narrow = x.dtype
        if narrow in NARROW:
            grad, x = grad.astype(np.float32), x.astype(np.float32)
        scale = inverse if weight is None else inverse * weight.reshape(-1)
        total, aligned = kernels.backward_sums(grad, x, mean)
        if training:
            count = kernels.count_of(x)
            grad_x = kernels.input_gradient(grad, x, total / count, mean, inverse**2 * aligned / count, scale)
        else:
            none = np.zeros_like(scale)
            grad_x = kernels.normalize(grad, none, scale, none)
        kind, shape = (narrow, inverse.shape) if weight is None else (weight.dtype, weight.shape)
        grad_weight = (aligned * inverse).astype(kind).reshape(shape)
        return grad_x.astype(narrow, copy=False), grad_weight, total.astype(kind).reshape(shape)

    def backward(ctx, grad_of_x, grad_of_weight, grad_of_bias):
        grad, x, weight = ctx.saved_tensors
        shape = (1, -1, *(1,) * (x.ndim - 2))
        over = (0, *range(2, x.ndim))
        if ctx.training:
            normal, inverse = normalized(x, over, ctx.eps)
        else:
            inverse = constant_like(ctx.inverse.reshape(shape), x)
            normal = (x - constant_like(ctx.mean.reshape(shape), x)) * inverse
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
            total = Sum.apply(grad_of_x * inverse * grad_rest, dim=over, keepdim=True)
            grad_weight = Reshape.apply(total, shape=weight.shape)
        return grad_grad, grad_x, grad_weight
