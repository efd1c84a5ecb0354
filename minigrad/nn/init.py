"""Initial weights: functions that fill a tensor in place, unrecorded, and return it. PyTorch's ``torch.nn.init``."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from minigrad import creation, dtypes
from minigrad.caller import warn_user
from minigrad.creation import empty, empty_like, from_numpy, ones_like, randperm
from minigrad.graph.grad_mode import no_grad
from minigrad.tensor import Tensor

__all__ = ["calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_"]
__all__ += ["orthogonal_", "sparse_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_"]


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Numbers drawn evenly from [a, b). Shapes: any."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Numbers drawn from the normal distribution of this mean and standard deviation. Shapes: any."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """``val`` everywhere. Shapes: any."""
    return tensor.fill_(val)


@no_grad()
def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere. Shapes: any."""
    return tensor.fill_(1)


@no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere. Shapes: any."""
    return tensor.zero_()


GAINS = {"linear": 1, "sigmoid": 1, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
GAINS |= {f"{kind}{dims}d": 1 for kind in ("conv", "conv_transpose") for dims in (1, 2, 3)}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much a layer's weights must be larger to make up for what this nonlinearity takes away.

    Source: He et al., 2015, for the rectifiers.

    Raises:
        ValueError: the nonlinearity is unknown, or ``param`` is no number.
    """
    if nonlinearity in GAINS:
        return GAINS[nonlinearity]
    if nonlinearity == "leaky_relu":
        if isinstance(param, bool) or not isinstance(param, (int, float, type(None))):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs reach one output of a layer with this weight, and how many outputs one input reaches.

    Raises:
        ValueError: the tensor has fewer than two dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    receptive_field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive_field, tensor.shape[0] * receptive_field


def kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """gain / √fan, which keeps the variance of the signal from layer to layer."""
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan_in if mode == "fan_in" else fan_out)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Numbers drawn evenly from ±gain·√(3 / fan): the variance of the signal stays the same from layer to layer.

    Args:
        tensor: of shape (out_features, in_features, ...).
        a: the slope of the leaky ReLU for negative numbers.
        mode: "fan_in" keeps the variance forward, "fan_out" backward.

    Raises:
        ValueError: the tensor has fewer than two dimensions, or mode or nonlinearity is unknown.

    Source: He et al., "Delving Deep into Rectifiers", 2015.

    >>> weight = minigrad.nn.init.kaiming_uniform_(minigrad.empty(100, 50), nonlinearity="relu")
    >>> weight.abs().max() <= (6 / 50) ** 0.5
    tensor(True)
    """
    if 0 in tensor.shape:
        warn_user("Initializing zero-element tensors is a no-op")
        return tensor
    bound = math.sqrt(3.0) * kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Numbers of the normal distribution of deviation gain / √fan. Arguments, shape and source:
    :func:`kaiming_uniform_`.
    """
    if 0 in tensor.shape:
        warn_user("Initializing zero-element tensors is a no-op")
        return tensor
    return normal_(tensor, 0.0, kaiming_std(tensor, a, mode, nonlinearity), generator)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Numbers drawn evenly from ±gain·√(6 / (fan_in + fan_out)). Source: Glorot & Bengio, 2010.

    Shape: (out_features, in_features, ...).

    Raises:
        ValueError: the tensor has fewer than two dimensions.
    """
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(sum(_calculate_fan_in_and_fan_out(tensor)))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Numbers of the normal distribution of deviation gain·√(2 / (fan_in + fan_out)), as :func:`xavier_uniform_`.

    Shape: (out_features, in_features, ...).
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(sum(_calculate_fan_in_and_fan_out(tensor)))), generator)


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix. Shape: (n, m).

    Raises:
        ValueError: the tensor has not two dimensions.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return tensor.copy_(creation.eye(*tensor.shape))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution's weight that passes each channel on as it is. Shape: (out, in, ...).

    Raises:
        ValueError: there are not three to five dimensions, or ``groups`` does not divide the first.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    channels = tensor.shape[0] // groups
    centre = tuple([size // 2 for size in tensor.shape[2:]])
    tensor.zero_()
    for group in range(groups):
        for channel in range(min(channels, tensor.shape[1])):
            tensor[(group * channels + channel, channel, *centre)] = 1
    return tensor


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """``gain`` times a matrix of orthogonal rows or columns, whichever are fewer; further dimensions count as columns.

    Shape: (rows, ...). Source: Saxe et al., 2013.

    Raises:
        ValueError: the tensor has fewer than two dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    drawn = empty(rows, columns, dtype=tensor.dtype).normal_(0, 1, generator=generator).array
    q, r = np.linalg.qr(drawn.T if rows < columns else drawn)
    q = q * np.sign(np.diagonal(r))  # makes the distribution even
    return tensor.copy_(from_numpy(np.ascontiguousarray(q.T if rows < columns else q)).view(tensor.shape)).mul_(gain)


@no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normally distributed numbers, that part of each column zero. Source: Martens, 2010. Shape: (n, m).

    Raises:
        ValueError: the tensor has not two dimensions.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    tensor.normal_(0, std, generator=generator)
    for column in range(columns):
        chosen = randperm(rows)[: math.ceil(sparsity * rows)]
        tensor[chosen, column] = 0
    return tensor


@no_grad()
def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Numbers of the normal distribution, drawn again where outside [a, b]. Shapes: any."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warn_user(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The values' distribution may be incorrect."
        )
    normal = NormalDist(mean, std)
    within = normal.cdf(b) - normal.cdf(a)
    if within > 0.3:
        low, high = creation.tensor([a, b], dtype=tensor.dtype).tolist()
        tensor.normal_(mean, std, generator=generator)
        while (outside := (tensor < low) | (tensor > high)).any():
            again = empty_like(tensor).normal_(mean, std, generator=generator)
            tensor.copy_(again.where(outside, tensor))
        return tensor
    return rejected_until_normal(tensor, mean, std, a, b, generator)


def rejected_until_normal(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Any) -> Tensor:
    """Even numbers in [a, b], each kept as often as its density is of the highest, else drawn again."""
    highest = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    tensor.uniform_(a, b, generator=generator)
    candidates = tensor.clone()
    refused = ones_like(tensor, dtype=dtypes.bool)
    while True:
        density = (candidates - mean).div_(std).square_().mul_(-0.5).sub_(highest)
        chance = empty_like(tensor).uniform_(generator=generator).log_()
        refused = refused & chance.gt(density)
        if not refused.any():
            return tensor
        candidates.uniform_(a, b, generator=generator)
        tensor.copy_(candidates.where(refused, tensor))


def without_underscore(function: Callable[..., Tensor], place: str = "nn.init") -> Callable[..., Tensor]:
    """A function under its older name, with a warning."""
    old = f"{place}.{function.__name__.removesuffix('_')}"

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Tensor:
        warn_user(f"`{old}` is now deprecated in favor of `{old}_`.", FutureWarning)
        return function(*args, **kwargs)

    return call


uniform, normal, constant = [without_underscore(each) for each in (uniform_, normal_, constant_)]
eye, dirac, orthogonal, sparse = [without_underscore(each) for each in (eye_, dirac_, orthogonal_, sparse_)]
xavier_uniform, xavier_normal = without_underscore(xavier_uniform_), without_underscore(xavier_normal_)
kaiming_uniform, kaiming_normal = without_underscore(kaiming_uniform_), without_underscore(kaiming_normal_)
