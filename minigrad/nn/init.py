"""Initial weights: functions that fill a tensor in place, unrecorded, and return it. PyTorch's ``torch.nn.init``."""

from __future__ import annotations

import math
from typing import Any

from minigrad.autograd.grad_mode import no_grad
from minigrad.tensor import Tensor

__all__ = ["calculate_gain", "constant_", "kaiming_uniform_", "normal_", "ones_", "uniform_", "zeros_"]


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Numbers drawn evenly from [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Numbers drawn from the normal distribution of this mean and standard deviation."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """``val`` everywhere."""
    return tensor.fill_(val)


@no_grad()
def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere."""
    return tensor.fill_(1)


@no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere."""
    return tensor.zero_()


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much a layer's weights must be larger to make up for what this nonlinearity takes away.

    Raises:
        ValueError: the nonlinearity is unknown.
    """
    if nonlinearity in ("linear", "sigmoid", "conv1d", "conv2d", "conv3d"):
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Numbers drawn evenly from ±gain·√(3 / fan): the variance of the signal stays the same from layer to layer.

    Args:
        tensor: (out_features, in_features, ...), at least two dimensions.
        a: the slope of the leaky ReLU for negative numbers.
        mode: "fan_in" keeps the variance forward, "fan_out" backward.

    Raises:
        ValueError: the tensor has fewer than two dimensions, or mode or nonlinearity is unknown.

    Source: He et al., "Delving Deep into Rectifiers", 2015.
    """
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    if tensor.numel() == 0:
        return tensor
    receptive_field = math.prod(tensor.shape[2:])
    fan = (tensor.shape[1] if mode == "fan_in" else tensor.shape[0]) * receptive_field
    std = calculate_gain(nonlinearity, a) / math.sqrt(fan)
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)
