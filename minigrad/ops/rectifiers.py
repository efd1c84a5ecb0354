"""Activation functions made of pieces: relu and its kin. Each rule: formula, forward, backward; then what users call.

What happens at a kink is stated with each; the choice is PyTorch's. Smooth ones are in ``activation.py``. All but relu
are functions of ``nn.functional``. Shapes: any, the same out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.checks import check_tensors
from minigrad.arguments.gate import checked
from minigrad.arguments.promotion import in_opmath, number_as
from minigrad.attributes import TYPE_NAMES
from minigrad.graph.function import Function, Tensor, constant_like, unwrap
from minigrad.inplace.changing import run_in_place
from minigrad.kernels.parallel import share_out_elements
from minigrad.kernels.selection import positive_part, where_not
from minigrad.ops.choosing import Where
from minigrad.ops.elementwise import OfFloat, in_place, refuse_integers
from minigrad.ops.powers import Exp
from minigrad.random import default_generator

__all__ = ["celu", "celu_", "elu", "elu_", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_"]
__all__ += ["leaky_relu", "leaky_relu_", "prelu", "relu", "relu6", "relu_", "rrelu", "rrelu_", "selu", "selu_"]
__all__ += ["softshrink", "threshold", "threshold_"]


class Relu(Function):
    """z = max(x, 0), NaN stays NaN. At 0 the gradient is 0."""

    writes_into = True

    def forward(ctx, x, *, out=None):
        if x.dtype.kind == "b":
            raise NotImplementedError("relu is not supported for bool tensors")
        z = np.empty_like(x) if out is None else out
        share_out_elements(positive_part, x, z)
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_x = ThresholdBackward.apply(grad_z, z)  # dz/dx = 1 where x > 0, else 0
        return grad_x


def relu(input: Tensor) -> Tensor:
    """The larger of ``input`` and 0. At 0 the gradient is 0. Shape: that of ``input``.

    Raises:
        NotImplementedError: the input is bool.
    """
    return Relu.apply(input)


relu_ = in_place("relu_", Relu)


def pass_where_positive(grad, result, z):
    """z becomes grad where result is positive or NaN, 0 elsewhere."""
    where_not(result <= 0, grad, out=z)


class ThresholdBackward(Function):
    """The gradient that passes a ReLU: unchanged where its result is positive or NaN, zero where it is zero."""

    def forward(ctx, grad, result):
        ctx.save_for_backward(result)
        z = np.empty_like(result, grad.dtype)
        share_out_elements(pass_where_positive, grad, result, z)
        return z

    def backward(ctx, grad_z):
        (result,) = ctx.saved_tensors
        grad_grad = ThresholdBackward.apply(grad_z, result)
        grad_result = constant_like(np.zeros(grad_z.shape), grad_z)  # the result only switches
        return grad_grad, grad_result


class Switched(Function):
    """The gradient that passes straight pieces: grad where ``straight`` holds, elsewhere ``slope`` · grad.

    x has chosen the piece. To it this is flat: its gradient is zero, also at the kink.
    """

    def forward(ctx, grad, x, **options):
        ctx.save_for_backward(x)
        ctx.options = options
        return ctx.passed(grad, **options)

    def passed(ctx, grad, *, straight, slope=0):
        return np.where(straight, grad, grad * slope if slope else np.zeros((), grad.dtype))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_grad = type(ctx).apply(grad_z, x, **ctx.options)
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_grad, grad_x


def decaying(x):
    """e^-|x|, which never overflows."""
    return np.exp(-np.abs(x))


def refuse_undoable(name, coefficient):
    """Raise PyTorch's error for a result written over x from which x's sign cannot be told."""
    if coefficient < 0:
        raise RuntimeError(
            f"In-place {name} backward calculation is triggered with a negative slope which is not supported. This is "
            f"caused by calling in-place forward function with a negative slope, please call out-of-place version "
            f"instead."
        )


class LeakyRelu(OfFloat):
    """z = x where x > 0, else slope · x. At 0 the gradient is the slope. In place z is saved, which has x's sign."""

    kernel = "leaky_relu"

    def value(ctx, x, *, slope):
        return np.where(x > 0, x, x * number_as(slope, x.dtype))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        slope = ctx.options["slope"]
        if ctx.in_place:
            refuse_undoable("leakyReLu", slope)
        grad_x = Switched.apply(grad_z, x, straight=unwrap(x) > 0, slope=slope)
        return grad_x


def applied(name: str, input: Any, inplace: bool, operation: Any, **options: Any) -> Tensor:
    """``operation`` of ``input``, written into it where ``inplace`` says so."""
    if inplace:
        check_tensors(name, input=input)
        return run_in_place(input, name + "_", operation, **options)
    return operation.apply(input, **options)


@checked
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else ``negative_slope * x``. Shape: that of ``input``."""
    return applied("leaky_relu", input, inplace, LeakyRelu, slope=negative_slope, in_place=inplace)


@checked
def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """:func:`leaky_relu`, written into the input."""
    return leaky_relu(input, negative_slope, inplace=True)


class RreluWithNoise(LeakyRelu):
    """z = noise · x, the noise 1 where x > 0; without noise it is :class:`LeakyRelu`."""

    def value(ctx, x, *, noise, slope):
        ctx.overload, ctx.noise = int(ctx.in_place), noise
        return super().value(x, slope=slope) if noise is None else x * noise

    def backward(ctx, grad_z):
        if ctx.noise is None:
            return super().backward(grad_z)
        (x,) = ctx.saved_tensors
        grad_x = RreluWithNoiseBackward.apply(grad_z, x, noise=ctx.noise)
        return grad_x


class RreluWithNoiseBackward(Switched):
    """noise · grad. x has chosen the noise: to it this is flat."""

    def passed(ctx, grad, *, noise):
        return grad * noise


@checked
def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """x where x > 0, else slope · x: in training a slope for each, drawn from [lower, upper), else their mean.

    Shape: that of ``input``. Source: Xu et al., "Empirical Evaluation of Rectified Activations in Convolution Network",
    2015.

    Raises:
        RuntimeError: ``lower`` is above ``upper``.
        NotImplementedError: the type is not floating, or float16 in training.
    """
    if not lower <= upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    noise = None
    if training:
        x = input.array
        if x.dtype not in (np.float32, np.float64):
            raise NotImplementedError(f'"rrelu_with_noise_out_cpu" not implemented for {x.dtype}')
        low, high = float(x.dtype.type(lower)), float(x.dtype.type(upper))
        noise = np.ones_like(x, order="C")
        drawn = default_generator.uniform((int((x <= 0).sum()),), np.float64, low, high)
        noise[x <= 0] = drawn
    return applied("rrelu", input, inplace, RreluWithNoise, noise=noise, slope=(lower + upper) / 2, in_place=inplace)


@checked
def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    """:func:`rrelu`, written into the input."""
    return rrelu(input, lower, upper, training, inplace=True)


class PreluKernel(Function):
    """z = x where x > 0, else weight · x. At 0 x has the gradient weight."""

    saved_names = ("self", "weight")

    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return np.where(x > 0, x, weight * x)

    def backward(ctx, grad_z):
        x, weight = ctx.saved_tensors
        grad_x, grad_weight = PreluKernelBackward.apply(grad_z, x, weight)
        return grad_x, grad_weight


class PreluKernelBackward(Function):
    """The gradients that pass a PReLU: to x, grad where x > 0, else weight · grad; to the weight, there x · grad.

    At 0 their own gradients are those of the right branch.
    """

    def forward(ctx, grad, x, weight):
        ctx.save_for_backward(grad, x, weight)
        return np.where(x > 0, grad, weight * grad), np.where(x > 0, np.zeros((), grad.dtype), x * grad)

    def backward(ctx, grad_of_x, grad_of_weight):
        grad, x, weight = ctx.saved_tensors
        right = unwrap(x) >= 0
        grad_grad = Where.apply(grad_of_x, grad_of_x * weight + grad_of_weight * x, condition=right)
        grad_x = Where.apply(0.0, grad_of_weight * grad, condition=right)
        grad_weight = Where.apply(0.0, grad_of_x * grad, condition=right)
        return grad_grad, grad_x, grad_weight


@checked
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else ``weight * x``; one weight, or one a channel, the second dimension. Source: He et al., 2015.

    Shape: that of ``input``.

    Raises:
        RuntimeError: there are neither one weight nor one a channel.
    """
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
    return PreluKernel.apply(input, weight)


class Elu(OfFloat):
    """z = scale · x where x > 0, else alpha · scale · (exp(steepness · x) - 1). At 0 the gradient is that of the left
    branch, and the gradient's gradient that of the right one, 0.

    In place z is saved, in which the left slope is steepness · (z + alpha · scale).
    """

    kernel = "elu"

    def value(ctx, x, *, alpha, scale=1.0, steepness=1.0):
        ctx.alpha, ctx.scale, ctx.steepness = alpha, scale, steepness
        alpha, scale, steepness = [number_as(each, x.dtype) for each in (alpha, scale, steepness)]
        left = np.expm1(np.minimum(x, 0) * steepness) * (alpha * scale)
        return np.where(x < 0, left, x * scale)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        if ctx.in_place:
            refuse_undoable("elu", ctx.alpha * ctx.scale)
            slope = (x + ctx.alpha * ctx.scale) * ctx.steepness
            return grad_z * Where.apply(ctx.scale, slope, condition=unwrap(x) > 0)
        falling = Exp.apply(Where.apply(0.0, x * ctx.steepness, condition=unwrap(x) >= 0))
        slope = falling * (ctx.alpha * ctx.scale * ctx.steepness)
        grad_x = grad_z * Where.apply(ctx.scale, slope, condition=unwrap(x) > 0)
        return grad_x


@checked
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else ``alpha * (exp(x) - 1)``. Source: Clevert et al., 2015. Shape: that of ``input``."""
    return applied("elu", input, inplace, Elu, alpha=alpha, in_place=inplace)


@checked
def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """:func:`elu`, written into the input."""
    return elu(input, alpha, inplace=True)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@checked
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """ELU with the scale and alpha that keep mean 0 and variance 1. Source: Klambauer et al., 2017.

    Shape: that of ``input``.
    """
    return applied("selu", input, inplace, Elu, alpha=SELU_ALPHA, scale=SELU_SCALE, in_place=inplace)


def selu_(input: Tensor) -> Tensor:
    """:func:`selu`, written into the input."""
    return selu(input, inplace=True)


class Celu(Elu):
    """z = x where x > 0, else alpha (exp(x / alpha) - 1)."""

    def value(ctx, x, *, alpha, steepness):
        z = super().value(x, alpha=alpha, steepness=steepness)
        ctx.steepness = 1 / float(np.float32(alpha))  # of the gradient: there PyTorch rounds alpha to float32
        return z


@checked
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else ``alpha * (exp(x / alpha) - 1)``. Source: Barron, 2017. Shape: that of ``input``.

    Raises:
        RuntimeError: ``alpha`` is 0.
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return applied("celu", input, inplace, Celu, alpha=alpha, in_place=inplace, steepness=1 / alpha)


@checked
def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """:func:`celu`, written into the input."""
    return celu(input, alpha, inplace=True)


class Threshold(Function):
    """z = x where x > threshold, else ``value``. At the threshold the gradient is 0."""

    def forward(ctx, x, *, threshold, value):
        if x.dtype.kind == "b":
            raise NotImplementedError('"threshold_cpu" not implemented for bools')
        ctx.save_for_backward(x)
        wide = in_opmath(x)
        ctx.above = ~(wide <= number_as(threshold, wide.dtype))  # NaN too
        return np.where(ctx.above, x, number_as(value, x.dtype))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = Switched.apply(grad_z, x, straight=ctx.above)
        return grad_x


@checked
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > ``threshold``, else ``value``. Shape: that of ``input``.

    Raises:
        NotImplementedError: the input is bool.
    """
    return applied("threshold", input, inplace, Threshold, threshold=threshold, value=value)


@checked
def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """:func:`threshold`, written into the input."""
    return applied("threshold", input, True, Threshold, threshold=threshold, value=value)


class Hardtanh(Function):
    """z = min(max(x, lowest), highest). At the two ends the gradient is 0."""

    def forward(ctx, x, *, lowest, highest):
        if x.dtype.kind == "b":
            raise NotImplementedError("Bool inputs not supported for hardtanh")
        if x.dtype.kind == "u" and (lowest < 0 or highest < 0):
            raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
        ctx.lowest, ctx.highest = lowest, highest
        ctx.save_for_backward(x)
        return np.minimum(np.maximum(x, number_as(lowest, x.dtype)), number_as(highest, x.dtype))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        outside = (unwrap(x) <= ctx.lowest) | (unwrap(x) >= ctx.highest)
        grad_x = Switched.apply(grad_z, x, straight=~outside)
        return grad_x


@checked
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6). Shape: that of ``input``.

    Raises:
        NotImplementedError: the input is bool.
    """
    return applied("relu6", input, inplace, Hardtanh, lowest=0, highest=6)


@checked
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """min(max(x, ``min_val``), ``max_val``). Shape: that of ``input``.

    Raises:
        ValueError: ``min_val`` is above ``max_val``.
        NotImplementedError: the input is bool.
    """
    if min_val > max_val:
        raise ValueError(f"min_val cannot be greater than max_val: {min_val}, {max_val}")
    return applied("hardtanh", input, inplace, Hardtanh, lowest=min_val, highest=max_val)


@checked
def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """:func:`hardtanh`, written into the input."""
    return hardtanh(input, min_val, max_val, inplace=True)


class Hardswish(OfFloat):
    """z = x · min(max(x + 3, 0), 6) / 6. At -3 the gradient is 0, at 3 it is 1."""

    kernel = "hardswish"

    def value(ctx, x):
        return x * np.clip(x + 3, 0, 6) / 6

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        slope = Where.apply(0.0, x / 3 + 0.5, condition=unwrap(x) <= -3)
        grad_x = grad_z * Where.apply(1.0, slope, condition=unwrap(x) >= 3)
        return grad_x


@checked
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · relu6(x + 3) / 6. Source: Howard et al., "Searching for MobileNetV3", 2019. Shape: that of ``input``."""
    return applied("hardswish", input, inplace, Hardswish)


ONE_SIXTH = float(np.float32(1) / np.float32(6))  # PyTorch rounds it to float32 in every type


class Hardsigmoid(OfFloat):
    """z = min(max(x + 3, 0), 6) / 6. At -3 and 3 the gradient is 0."""

    kernel = "hardsigmoid"

    def value(ctx, x):
        return np.clip(x + 3, 0, 6) / 6

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        inside = (unwrap(x) > -3) & (unwrap(x) < 3)
        grad_x = Switched.apply(grad_z * ONE_SIXTH, x, straight=inside)
        return grad_x


@checked
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """relu6(x + 3) / 6. Shape: that of ``input``."""
    return applied("hardsigmoid", input, inplace, Hardsigmoid)


class Softshrink(Function):
    """z = x - λ where x > λ, x + λ where x < -λ, else 0. At ±λ the gradient is 0."""

    def forward(ctx, x, *, lambd):
        refuse_integers("softshrink", x)
        ctx.save_for_backward(x)
        ctx.lambd = lambd
        shrink = number_as(lambd, x.dtype)
        return np.where(x > shrink, x - shrink, np.where(x < -shrink, x + shrink, x * 0))

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = Switched.apply(grad_z, x, straight=~(np.abs(unwrap(x)) <= ctx.lambd))  # NaN too
        return grad_x


@checked
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by ``lambd``, 0 where it is nearer. Shape: that of ``input``.

    Raises:
        RuntimeError: ``lambd`` is negative, or more than the input's type holds.
        NotImplementedError: the input is not floating.
    """
    if input.is_floating_point():
        largest = dtypes.finfo(input.dtype).max
        if not 0 <= lambd <= largest:
            raise RuntimeError(
                f"lambda must be in range [0, {largest:g}] for input dtype {TYPE_NAMES[input.dtype.name]}, but found "
                f"{lambd:g}"
            )
    return Softshrink.apply(input, lambd=lambd)


class Hardshrink(Softshrink):
    """z = x where |x| > λ, else 0. At ±λ the gradient is 0."""

    def forward(ctx, x, *, lambd):
        refuse_integers("hardshrink", x)
        ctx.save_for_backward(x)
        ctx.lambd = lambd
        return np.where(np.abs(x) <= number_as(lambd, x.dtype), np.zeros((), x.dtype), x)


@checked
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x where ``|x|`` > ``lambd``, else 0. Shape: that of ``input``.

    Raises:
        NotImplementedError: the input is not floating.
    """
    return Hardshrink.apply(input, lambd=lambd)
