"""Activation functions. Each class: formula, forward, backward. relu, tanh and sigmoid are in ``elementwise.py``.

What happens at a kink is stated with each; the choice is PyTorch's.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.values import array_of, constant_like
from minigrad.ops.elementwise import Exp, Sigmoid, Tanh, Where
from minigrad.ops.error_function import erf
from minigrad.ops.joining import Cat
from minigrad.ops.transcendental import Erf
from minigrad.promotion import number_as

ONE_SIXTH = float(np.float32(1) / np.float32(6))  # PyTorch rounds it to float32 in every type


def refuse_integers(name, x):
    """Raise PyTorch's error for a type without fractions."""
    if x.dtype.kind != "f":
        raise NotImplementedError(f'"{name}_cpu" not implemented for {x.dtype}')


def decaying(x):
    """e^-|x|, which never overflows."""
    return np.exp(-np.abs(x))


def logistic(x):
    """1 / (1 + e⁻ˣ), without overflow."""
    return np.where(x >= 0, 1, decaying(x)).astype(x.dtype) / (1 + decaying(x))


class LeakyRelu(Function):
    """z = x where x > 0, else slope · x. At 0 the gradient is the slope."""

    def forward(ctx, x, *, slope):
        refuse_integers("leaky_relu", x)
        ctx.slope = slope
        ctx.save_for_backward(x)
        return np.where(x > 0, x, x * np.asarray(slope, x.dtype))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * constant_like(np.where(array_of(x) > 0, 1, ctx.slope), grad_z)
        return grad_x


class Elu(Function):
    """z = scale · x where x > 0, else alpha · scale · (exp(steepness · x) - 1). At 0 the left branch counts."""

    def forward(ctx, x, *, alpha, scale=1.0, steepness=1.0):
        refuse_integers("elu", x)
        ctx.alpha, ctx.scale, ctx.steepness = alpha, scale, steepness
        ctx.save_for_backward(x)
        left = np.expm1(np.minimum(x, 0) * np.asarray(steepness, x.dtype)) * np.asarray(alpha * scale, x.dtype)
        return np.where(x > 0, x * np.asarray(scale, x.dtype), left)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        right = array_of(x) > 0
        falling = Exp.apply(Where.apply(0.0, x * ctx.steepness, condition=right))
        slope = falling * (ctx.alpha * ctx.scale * ctx.steepness)
        grad_x = grad_z * Where.apply(ctx.scale, slope, condition=right)
        return grad_x


class Celu(Elu):
    """z = x where x > 0, else alpha (exp(x / alpha) - 1)."""

    def forward(ctx, x, *, alpha, steepness):
        z = super().forward(x, alpha=alpha, steepness=steepness)
        ctx.steepness = 1 / float(np.float32(alpha))  # of the gradient: there PyTorch rounds alpha to float32
        return z


class Gelu(Function):
    """z = x Φ(x), Φ the normal distribution function: x/2 · (1 + erf(x/√2))."""

    def forward(ctx, x):
        refuse_integers("GeluKernelImpl", x)
        ctx.save_for_backward(x)
        return (x * 0.5 * (1 + erf(x * np.asarray(math.sqrt(0.5), x.dtype)))).astype(x.dtype)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        distribution = (Erf.apply(x * math.sqrt(0.5)) + 1) * 0.5
        density = Exp.apply(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
        grad_x = grad_z * (distribution + x * density)  # dz/dx = Φ(x) + x φ(x)
        return grad_x


class GeluTanh(Function):
    """z = x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))), near Gelu."""

    node_name = "GeluBackward0"
    scale = math.sqrt(2 / math.pi)

    def forward(ctx, x):
        refuse_integers("GeluKernelImpl", x)
        ctx.save_for_backward(x)
        inner = np.asarray(ctx.scale, x.dtype) * (x + np.asarray(0.044715, x.dtype) * x * x * x)
        return x * np.asarray(0.5, x.dtype) * (1 + np.tanh(inner))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        bent = Tanh.apply((x + x * x * x * 0.044715) * ctx.scale)
        slope = (1 - bent * bent) * ((1 + x * x * (3 * 0.044715)) * ctx.scale)
        grad_x = grad_z * ((1 + bent) * 0.5 + x * slope * 0.5)
        return grad_x


class Silu(Function):
    """z = x · sigmoid(x)."""

    def forward(ctx, x):
        refuse_integers("silu", x)
        ctx.save_for_backward(x)
        return x * logistic(x)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        gate = Sigmoid.apply(x)
        grad_x = grad_z * (gate * (1 + x * (1 - gate)))
        return grad_x


class Mish(Function):
    """z = x · tanh(softplus(x))."""

    def forward(ctx, x):
        refuse_integers("mish", x)
        ctx.save_for_backward(x)
        return x * np.tanh(np.maximum(x, 0) + np.log1p(decaying(x)))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        bent = Tanh.apply(Softplus.apply(x, beta=1, threshold=math.inf))
        grad_x = grad_z * (bent + x * Sigmoid.apply(x) * (1 - bent * bent))
        return grad_x


class PreluKernel(Function):
    """z = x where x > 0, else weight · x. At 0 x has the gradient weight."""

    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return np.where(x > 0, x, weight * x)

    def backward(ctx, grad_z):
        x, weight = ctx.saved_tensors
        positive = array_of(x) > 0
        grad_x = Where.apply(grad_z, weight * grad_z, condition=positive) if ctx.needs_input_grad[0] else None
        grad_weight = None
        if ctx.needs_input_grad[1]:
            grad_weight = Where.apply(0.0, x * grad_z, condition=positive)
        return grad_x, grad_weight


class Hardtanh(Function):
    """z = min(max(x, lowest), highest). At the two ends the gradient is 0."""

    def forward(ctx, x, *, lowest, highest):
        ctx.lowest, ctx.highest = lowest, highest
        ctx.save_for_backward(x)
        return np.minimum(np.maximum(x, np.asarray(lowest, x.dtype)), np.asarray(highest, x.dtype))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        outside = (array_of(x) <= ctx.lowest) | (array_of(x) >= ctx.highest)
        grad_x = Where.apply(0.0, grad_z, condition=outside)
        return grad_x


class Hardswish(Function):
    """z = x · min(max(x + 3, 0), 6) / 6. At -3 the gradient is 0, at 3 it is 1."""

    def forward(ctx, x):
        refuse_integers("hardswish", x)
        ctx.save_for_backward(x)
        return x * np.minimum(np.maximum(x + np.asarray(3, x.dtype), 0), 6).astype(x.dtype) / np.asarray(6, x.dtype)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        slope = Where.apply(0.0, x / 3 + 0.5, condition=array_of(x) <= -3)
        grad_x = grad_z * Where.apply(1.0, slope, condition=array_of(x) >= 3)
        return grad_x


class Hardsigmoid(Function):
    """z = min(max(x + 3, 0), 6) / 6. At -3 and 3 the gradient is 0."""

    def forward(ctx, x):
        refuse_integers("hardsigmoid", x)
        ctx.inside = (x > -3) & (x < 3)
        return np.minimum(np.maximum(x + np.asarray(3, x.dtype), 0), 6).astype(x.dtype) / np.asarray(6, x.dtype)

    def backward(ctx, grad_z):
        grad_x = Where.apply(grad_z * ONE_SIXTH, 0.0, condition=ctx.inside)
        return grad_x


class Softplus(Function):
    """z = ln(1 + exp(beta · x)) / beta, x itself where beta · x > threshold."""

    def forward(ctx, x, *, beta, threshold):
        refuse_integers("softplus", x)
        ctx.beta, ctx.threshold = beta, threshold
        ctx.save_for_backward(x)
        scaled = x * np.asarray(beta, x.dtype)
        soft = (np.maximum(scaled, 0) + np.log1p(decaying(scaled))) / np.asarray(beta, x.dtype)
        return np.where(scaled > threshold, x, soft)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        linear = array_of(x) * ctx.beta > ctx.threshold
        grad_x = Where.apply(grad_z, grad_z * Sigmoid.apply(x * ctx.beta), condition=linear)
        return grad_x


class LogSigmoid(Function):
    """z = ln(sigmoid(x)), without overflow."""

    def forward(ctx, x):
        refuse_integers("log_sigmoid", x)
        ctx.save_for_backward(x)
        return np.minimum(x, 0) - np.log1p(decaying(x))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = grad_z * Sigmoid.apply(-x)  # dz/dx = 1 - sigmoid(x)
        return grad_x


class Softshrink(Function):
    """z = x - λ where x > λ, x + λ where x < -λ, else 0. At ±λ the gradient is 0."""

    def forward(ctx, x, *, lambd):
        refuse_integers("softshrink", x)
        ctx.save_for_backward(x)
        ctx.lambd = lambd
        shrink = np.asarray(lambd, x.dtype)
        return np.where(x > shrink, x - shrink, np.where(x < -shrink, x + shrink, x * 0))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = Where.apply(0.0, grad_z, condition=np.abs(array_of(x)) <= ctx.lambd)
        return grad_x


class Hardshrink(Softshrink):
    """z = x where |x| > λ, else 0. At ±λ the gradient is 0."""

    def forward(ctx, x, *, lambd):
        refuse_integers("hardshrink", x)
        ctx.save_for_backward(x)
        ctx.lambd = lambd
        return np.where(np.abs(x) <= lambd, np.zeros((), x.dtype), x)


class Threshold(Function):
    """z = x where x > threshold, else ``value``. At the threshold the gradient is 0."""

    def forward(ctx, x, *, threshold, value):
        ctx.below = x <= np.asarray(threshold).astype(x.dtype)
        return np.where(ctx.below, number_as(value, x.dtype), x)

    def backward(ctx, grad_z):
        grad_x = Where.apply(0.0, grad_z, condition=ctx.below)
        return grad_x


class Glu(Function):
    """z = a · sigmoid(b), a and b the two halves of x along ``dim``."""

    def forward(ctx, x, *, dim):
        refuse_integers("glu", x)
        ctx.dim = dim
        ctx.save_for_backward(x)
        a, b = np.split(x, 2, dim)
        return a * logistic(b)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        a, b = halves(x, ctx.dim)
        gate = Sigmoid.apply(b)
        grad_x = Cat.apply(grad_z * gate, grad_z * a * (gate * (1 - gate)), dim=ctx.dim)
        return grad_x


def halves(x, dim):
    """The two halves of x along ``dim``, an array's or a tensor's."""
    half = x.shape[dim] // 2
    where = (slice(None),) * dim
    return x[(*where, slice(0, half))], x[(*where, slice(half, None))]
