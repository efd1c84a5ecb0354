"""Smooth activation functions. Each rule: formula, forward, backward; then what users call.

Those made of pieces, such as relu, are in ``rectifiers.py``, softmax is in ``softmax.py``, tanh in
``transcendental.py``. All but sigmoid are functions of ``nn.functional``. Shapes: any, the same out.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.arguments.dims import normalize_dim
from minigrad.arguments.gate import checked
from minigrad.arguments.promotion import in_default_float, in_opmath, number_as
from minigrad.graph.function import Function, Tensor, unwrap
from minigrad.graph.strides import as_part
from minigrad.kernels.error_function import erf
from minigrad.ops.choosing import Where
from minigrad.ops.elementwise import OfFloat, in_place
from minigrad.ops.joining import Cat
from minigrad.ops.powers import Exp
from minigrad.ops.rectifiers import applied, decaying
from minigrad.ops.transcendental import Erf, Tanh

__all__ = ["gelu", "glu", "logsigmoid", "mish", "sigmoid", "sigmoid_", "silu", "softplus", "softsign", "tanhshrink"]


def logistic(x):
    """1 / (1 + e⁻ˣ), without overflow."""
    decay = decaying(x)  # at most 1
    return np.where(x >= 0, 1, decay) / (1 + decay)


class Sigmoid(Function):
    """z = 1 / (1 + e⁻ˣ)."""

    def forward(ctx, x):
        x = in_default_float(x)
        z = np.asarray(logistic(in_opmath(x)), x.dtype)
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = SigmoidBackward.apply(grad_z, z)  # dz/dx = z (1 - z)
        return grad_x


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input)). Shape: that of ``input``."""
    return Sigmoid.apply(input)


sigmoid_ = in_place("sigmoid_", Sigmoid)


class SigmoidBackward(Function):
    """The gradient that passes a sigmoid with result z: grad · z (1 - z)."""

    def forward(ctx, grad, z):
        ctx.save_for_backward(grad, z)
        return grad * (1 - z) * z

    def backward(ctx, grad_out):
        grad, z = ctx.saved_tensors
        grad_grad = SigmoidBackward.apply(grad_out, z) if ctx.needs_input_grad[0] else None
        grad_z = grad_out * (grad * (1 - 2 * z))  # d(z (1 - z))/dz = 1 - 2z
        return grad_grad, grad_z


class Gelu(OfFloat):
    """z = x Φ(x), Φ the normal distribution function: x/2 · (1 + erf(x/√2))."""

    kernel = "GeluKernelImpl"

    def value(ctx, x):
        return x * 0.5 * (1 + erf(x * np.asarray(math.sqrt(0.5), x.dtype)))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        distribution = (Erf.apply(x * math.sqrt(0.5)) + 1) * 0.5
        density = Exp.apply(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
        grad_x = grad_z * (distribution + x * density)  # dz/dx = Φ(x) + x φ(x)
        return grad_x


@checked
def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """x Φ(x); with ``approximate`` 'tanh' a nearby formula. Source: Hendrycks & Gimpel, 2016. Shape: that of ``input``.

    Raises:
        RuntimeError: ``approximate`` is another word.
    """
    if approximate == "none":
        return Gelu.apply(input)
    if approximate == "tanh":
        return GeluTanh.apply(input)
    raise RuntimeError(f"approximate argument must be either none or tanh, not {approximate!r}")


class GeluTanh(OfFloat):
    """z = x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))), near Gelu."""

    kernel = "GeluKernelImpl"
    node_name = "GeluBackward0"
    scale = math.sqrt(2 / math.pi)

    def value(ctx, x):
        inner = np.asarray(ctx.scale, x.dtype) * (x + np.asarray(0.044715, x.dtype) * x * x * x)
        return x * np.asarray(0.5, x.dtype) * (1 + np.tanh(inner))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        bent = Tanh.apply((x + x * x * x * 0.044715) * ctx.scale)
        slope = (1 - bent * bent) * ((1 + x * x * (3 * 0.044715)) * ctx.scale)
        grad_x = grad_z * ((1 + bent) * 0.5 + x * slope * 0.5)
        return grad_x


class Silu(OfFloat):
    """z = x · sigmoid(x)."""

    kernel = "silu"

    def value(ctx, x):
        return x * logistic(x)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        gate = Sigmoid.apply(x)
        grad_x = grad_z * (gate * (1 + x * (1 - gate)))
        return grad_x


@checked
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x · sigmoid(x). Source: Elfwing et al., 2017. Shape: that of ``input``."""
    return applied("silu", input, inplace, Silu)


class Mish(OfFloat):
    """z = x · tanh(softplus(x))."""

    kernel = "mish"

    def value(ctx, x):
        return x * np.tanh(np.maximum(x, 0) + np.log1p(decaying(x)))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        bent = Tanh.apply(Softplus.apply(x, beta=1, threshold=math.inf))
        grad_x = grad_z * (bent + x * Sigmoid.apply(x) * (1 - bent * bent))
        return grad_x


@checked
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · tanh(softplus(x)). Source: Misra, 2019. Shape: that of ``input``."""
    return applied("mish", input, inplace, Mish)


class Softplus(OfFloat):
    """z = ln(1 + exp(beta · x)) / beta, x itself where beta · x > threshold. At the threshold the gradient is that of
    the left branch, and the gradient's gradient that of the right one, 0."""

    kernel = "softplus"

    def value(ctx, x, *, beta, threshold):
        beta, threshold = number_as(beta, x.dtype), number_as(threshold, x.dtype)
        scaled = x * beta
        soft = (np.maximum(scaled, 0) + np.log1p(decaying(scaled))) / beta
        return np.where(scaled > threshold, x, soft)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        scaled, threshold = x * ctx.options["beta"], ctx.options["threshold"]
        curved = Where.apply(threshold, scaled, condition=unwrap(scaled) >= threshold)
        grad_x = Where.apply(grad_z, grad_z * Sigmoid.apply(curved), condition=unwrap(scaled) > threshold)
        return grad_x


@checked
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """ln(1 + exp(beta · x)) / beta, x itself where beta · x is above ``threshold``. Shape: that of ``input``."""
    return Softplus.apply(input, beta=beta, threshold=threshold)


class LogSigmoid(OfFloat):
    """z = ln(sigmoid(x)), without overflow."""

    kernel = "log_sigmoid"

    def value(ctx, x):
        return np.minimum(x, 0) - np.log1p(decaying(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Sigmoid.apply(-x)  # dz/dx = 1 - sigmoid(x)
        return grad_x


@checked
def logsigmoid(input: Tensor) -> Tensor:
    """ln(sigmoid(x)). Shape: that of ``input``."""
    return LogSigmoid.apply(input)


class Glu(OfFloat):
    """z = a · sigmoid(b), a and b the two halves of x along ``dim``."""

    kernel = "glu"
    result_strides = as_part

    def value(ctx, x, *, dim):
        a, b = np.split(x, 2, dim)
        return a * logistic(b)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        dim = ctx.options["dim"]
        half, before = x.shape[dim] // 2, (slice(None),) * dim
        a, b = x[(*before, slice(0, half))], x[(*before, slice(half, None))]
        gate = Sigmoid.apply(b)
        grad_x = Cat.apply(grad_z * gate, grad_z * a * (gate * (1 - gate)), dim=dim)
        return grad_x


@checked
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a · sigmoid(b), a and b the halves of x along ``dim``. Shape: ``dim`` halved. Source: Dauphin et al., 2016.

    Raises:
        RuntimeError: the dimension's size is odd, or there is none.
    """
    if input.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    dim = normalize_dim(dim, input.ndim)
    if input.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}")
    return Glu.apply(input, dim=dim)


@checked
def softsign(input: Tensor) -> Tensor:
    """``x / (1 + |x|)``. Shape: that of ``input``."""
    return input / (input.abs() + 1)


@checked
def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x). Shape: that of ``input``."""
    return input - input.tanh()
