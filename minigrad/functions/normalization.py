"""Normalisation of channels, and dropout of whole channels, as functions of ``nn.functional``.

The rules: ``ops/batch_norm.py``. Normalisation over the last dimensions, and dropout of elements: ``layers.py``.
"""

from __future__ import annotations

import warnings
from typing import Any

from minigrad import creation, dtypes, inplace, ops
from minigrad.functions.arguments import check_tensors
from minigrad.graph.grad_mode import is_grad_enabled
from minigrad.graph.node import Tensor

__all__ = ["batch_norm", "dropout1d", "dropout2d", "group_norm", "instance_norm"]


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
    check_tensors("batch_norm", input=input)
    if training:
        check_several_values(input.shape, f"{input.shape}".replace("minigrad", "torch"))
        if eps <= 0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training and (running_mean is None or running_var is None):
        missing = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{missing} must be defined in evaluation mode")
    check_one_type("batch_norm", input, running_mean, running_var, weight, bias)
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is None:
            continue
        if running.requires_grad and is_grad_enabled():
            raise RuntimeError(
                f"batch_norm is not differentiable with respect to argument '{name}'. This input cannot have "
                f"requires_grad True."
            )
        if training:
            inplace.check_changeable(running, "batch_norm")
    if input.numel() == 0:
        result = input.clone()
        result = result if weight is None else result * weight[0]
        return result if bias is None else result + bias[0]
    if input.ndim < 2:
        raise IndexError(f"batch_norm: expected an input (N, C, ...), but got one of shape {list(input.shape)}")
    return ops.batch_norm.NativeBatchNorm.apply(
        input,
        weight,
        bias,
        running_mean=None if running_mean is None else running_mean.array,
        running_var=None if running_var is None else running_var.array,
        training=training,
        momentum=momentum,
        eps=eps,
    )


def check_several_values(shape: Any, size: str) -> None:
    """Raise PyTorch's ValueError where each channel has one value only: its variance would be 0."""
    count = shape[0]
    for each in shape[2:]:
        count *= each
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def check_channels(input: Tensor, **parameters: Tensor | None) -> None:
    """Raise PyTorch's RuntimeError where a parameter has not as many elements as the input has channels."""
    channels = input.shape[1] if input.ndim > 1 else 0
    for name, value in parameters.items():
        if value is not None and value.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {value.numel()}")


def check_one_type(function: str, input: Tensor, *parameters: Tensor | None) -> None:
    """Raise PyTorch's error unless all are of one floating type; beside a float16 input float32 will do."""
    if not input.is_floating_point():
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')
    types = {each.dtype for each in parameters if each is not None}
    if types and types != {input.dtype} and (input.dtype is not dtypes.float16 or types != {dtypes.float32}):
        raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")


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
    check_tensors("group_norm", input=input)
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
    check_one_type("group_norm", input, weight, bias)
    return ops.batch_norm.NativeGroupNorm.apply(input, weight, bias, groups=num_groups, eps=eps)


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
    check_tensors("instance_norm", input=input)
    if use_input_stats:
        check_several_values((1, 1, *input.shape[2:]), f"{input.shape}".replace("minigrad", "torch"))
    check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
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


# ----------------------------------------------------------------------------------- dropout of channels


def drop_channels(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """In training each channel of each sample is 0 with probability ``p``, the others divided by 1 - p."""
    if not training or p == 0 or input.numel() == 0:
        return input
    if p == 1:
        kept = creation.zeros((), dtype=input.dtype)
    else:
        if input.ndim < 2:
            raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
        kept = creation.empty(*input.shape[:2], *(1,) * (input.ndim - 2), dtype=input.dtype)
        kept.bernoulli_(1 - p).div_(1 - p)
    return input.mul_(kept) if inplace else input * kept


def check_probability(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each channel is 0 with probability ``p``, the others divided by 1 - p. Shapes: (N, C, L) or (C, L).

    Source: Tompson et al., 2015.

    Raises:
        ValueError: ``p`` is no probability.
        RuntimeError: the input has other than two or three dimensions.
    """
    check_tensors("dropout1d", input=input)
    check_probability(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input")
    if input.ndim == 3:
        return drop_channels(input, p, training, inplace)
    samples = input.unsqueeze_(0) if inplace else input.unsqueeze(0)
    result = drop_channels(samples, p, training, inplace)
    return result.squeeze_(0) if inplace else result.squeeze(0)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each channel is 0 with probability ``p``, the others divided by 1 - p. Shapes: (N, C, H, W).

    Three dimensions are taken for (N, C, L), as PyTorch takes them. Source: Tompson et al., 2015.

    Raises:
        ValueError: ``p`` is no probability.
        RuntimeError: the input has fewer than two dimensions.
    """
    check_tensors("dropout2d", input=input)
    check_probability(p)
    if input.ndim not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {input.ndim}-D input to dropout2d, which is deprecated and will result in an error "
            f"in a future release. To retain the behavior and silence this warning, please use dropout instead.",
            stacklevel=2,
        )
    if input.ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is "
            "desired - input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change "
            "in a future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W).",
            stacklevel=2,
        )
    return drop_channels(input, p, training, inplace)
