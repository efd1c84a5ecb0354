"""Activation functions of ``nn.functional``. The formulas: ``ops/activation.py``. Shapes: any, the same out.

relu, sigmoid, tanh and the softmaxes, which are methods too, are in ``elementwise.py`` and ``reduction.py``.
"""

from __future__ import annotations

from typing import Any

from minigrad import inplace as in_place
from minigrad import ops
from minigrad.dims import normalize_dim
from minigrad.functions import layers
from minigrad.functions.arguments import check_tensors
from minigrad.graph.node import Tensor

__all__ = [
    *("celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid"),
    *("mish", "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "softmin", "softplus", "softshrink", "softsign"),
    *("tanh", "tanhshrink", "threshold"),
    *("celu_", "elu_", "hardtanh_", "leaky_relu_", "relu_", "selu_", "threshold_"),
]

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def applied(name: str, input: Any, inplace: bool, operation: Any, **options: Any) -> Tensor:
    """``operation`` of ``input``, written into it where ``inplace`` says so."""
    check_tensors(name, input=input)
    if inplace:
        return in_place.run(input, name + "_", operation, **options)
    return operation.apply(input, **options)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0). At 0 the gradient is 0."""
    return applied("relu", input, inplace, ops.elementwise.Relu)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6)."""
    return applied("relu6", input, inplace, ops.activation.Hardtanh, lowest=0, highest=6)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else ``negative_slope * x``."""
    return applied("leaky_relu", input, inplace, ops.activation.LeakyRelu, slope=negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else ``alpha * (exp(x) - 1)``. Source: Clevert et al., 2015."""
    return applied("elu", input, inplace, ops.activation.Elu, alpha=alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """ELU with the scale and alpha that keep mean 0 and variance 1. Source: Klambauer et al., 2017."""
    return applied("selu", input, inplace, ops.activation.Elu, alpha=SELU_ALPHA, scale=SELU_SCALE)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else ``alpha * (exp(x / alpha) - 1)``. Source: Barron, 2017.

    Raises:
        RuntimeError: ``alpha`` is 0.
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return applied("celu", input, inplace, ops.activation.Celu, alpha=alpha, steepness=1 / alpha)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x Φ(x); with ``approximate`` 'tanh' a nearby formula. Source: Hendrycks & Gimpel, 2016.

    Raises:
        RuntimeError: ``approximate`` is another word.
    """
    check_tensors("gelu", input=input)
    if approximate == "none":
        return ops.activation.Gelu.apply(input)
    if approximate == "tanh":
        return ops.activation.GeluTanh.apply(input)
    raise RuntimeError(f"approximate argument must be either none or tanh, not {approximate!r}")


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x · sigmoid(x). Source: Elfwing et al., 2017."""
    return applied("silu", input, inplace, ops.activation.Silu)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · tanh(softplus(x)). Source: Misra, 2019."""
    return applied("mish", input, inplace, ops.activation.Mish)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else ``weight * x``; one weight, or one a channel, the second dimension. Source: He et al., 2015.

    Raises:
        RuntimeError: there are neither one weight nor one a channel.
    """
    check_tensors("prelu", input=input, weight=weight)
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    if weight.numel() not in (1, channels) or (input.ndim == 0 and weight.numel() != 1):
        raise RuntimeError(
            f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight.numel()} and "
            f"channel size = {channels}."
        )
    if weight.dtype is not input.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}")
    if input.ndim != weight.ndim:
        weight = weight.reshape([weight.numel() if dim == min(1, input.ndim - 1) else 1 for dim in range(input.ndim)])
    return ops.activation.PreluKernel.apply(input, weight)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """min(max(x, ``min_val``), ``max_val``).

    Raises:
        ValueError: ``min_val`` is above ``max_val``.
    """
    if min_val > max_val:
        raise ValueError(f"min_val cannot be greater than max_val: {min_val}, {max_val}")
    return applied("hardtanh", input, inplace, ops.activation.Hardtanh, lowest=min_val, highest=max_val)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · relu6(x + 3) / 6. Source: Howard et al., "Searching for MobileNetV3", 2019."""
    return applied("hardswish", input, inplace, ops.activation.Hardswish)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """relu6(x + 3) / 6."""
    return applied("hardsigmoid", input, inplace, ops.activation.Hardsigmoid)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """ln(1 + exp(beta · x)) / beta, x itself where beta · x is above ``threshold``."""
    check_tensors("softplus", input=input)
    return ops.activation.Softplus.apply(input, beta=beta, threshold=threshold)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    check_tensors("softsign", input=input)
    return input / (input.abs() + 1)


def logsigmoid(input: Tensor) -> Tensor:
    """ln(sigmoid(x))."""
    check_tensors("log_sigmoid", input=input)
    return ops.activation.LogSigmoid.apply(input)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    check_tensors("tanhshrink", input=input)
    return input - input.tanh()


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by ``lambd``, 0 where it is nearer.

    Raises:
        RuntimeError: ``lambd`` is negative.
    """
    check_tensors("softshrink", input=input)
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return ops.activation.Softshrink.apply(input, lambd=lambd)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x where |x| > ``lambd``, else 0."""
    check_tensors("hardshrink", input=input)
    return ops.activation.Hardshrink.apply(input, lambd=lambd)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > ``threshold``, else ``value``."""
    return applied("threshold", input, inplace, ops.activation.Threshold, threshold=threshold, value=value)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a · sigmoid(b), a and b the halves of x along ``dim``. Shape: ``dim`` halved. Source: Dauphin et al., 2016.

    Raises:
        RuntimeError: the dimension's size is odd, or there is none.
    """
    check_tensors("glu", input=input)
    if input.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    dim = normalize_dim(dim, input.ndim)
    if input.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}")
    return ops.activation.Glu.apply(input, dim=dim)


def relu_(input: Tensor) -> Tensor:
    """:func:`relu`, written into the input."""
    return relu(input, inplace=True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """:func:`leaky_relu`, written into the input."""
    return leaky_relu(input, negative_slope, inplace=True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """:func:`elu`, written into the input."""
    return elu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """:func:`selu`, written into the input."""
    return selu(input, inplace=True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """:func:`celu`, written into the input."""
    return celu(input, alpha, inplace=True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """:func:`hardtanh`, written into the input."""
    return hardtanh(input, min_val, max_val, inplace=True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """:func:`threshold`, written into the input."""
    return applied("threshold", input, True, ops.activation.Threshold, threshold=threshold, value=value)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmax(-x)."""
    return layers.softmax(-input, dim, _stacklevel, dtype)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x))."""
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return input.tanh()
