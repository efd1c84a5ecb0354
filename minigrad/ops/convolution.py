"""Convolution and its mirror image, and the unfolding of pictures into columns. Each class: formula, forward, backward.

A convolution is linear in its input and in its weight, and so is each of its gradients in what it is made of. The
gradient of a convolution is therefore made of convolutions again, to every order. How they are computed is in
``minigrad/kernels/convolution.py``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.graph.function import Function
from minigrad.kernels.convolution import convolve, gradient_of_input, gradient_of_weight
from minigrad.kernels.parallel import a_helper_is_busy, has_helpers, in_background, share_out, worth_sharing
from minigrad.kernels.unfolding import fold, unfold
from minigrad.ops.broadcasting import Expand, add_up
from minigrad.ops.shape import View


class Geometry(NamedTuple):
    """How a kernel moves over pictures: rows, then columns. A line is a picture of one row."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    transposed: bool = False
    output_padding: tuple[int, int] = (0, 0)

    @property
    def steps(self):
        """What the kernels take: stride, padding, dilation and groups."""
        return self.stride, self.padding, self.dilation, self.groups


def as_pictures(x):
    """(N, C, W) seen as (N, C, 1, W); pictures as they are."""
    return x[:, :, None] if x.ndim == 3 else x


def transposed_shape(x, weight, geometry):
    """The shape that a transposed convolution of x gives: that of the input of which a convolution would give x's."""
    sizes = []
    for dim in (0, 1):
        reach = geometry.dilation[dim] * (weight.shape[2 + dim] - 1) + 1 - 2 * geometry.padding[dim]
        sizes.append((x.shape[2 + dim] - 1) * geometry.stride[dim] + reach + geometry.output_padding[dim])
    return (len(x), weight.shape[1] * geometry.groups, *sizes)


class Convolution(Function):
    """z[n, k, h, w] = Σ x[n, c, h·stride + r·dilation - padding, …] · weight[k, c, r, s] + bias[k] over c, r, s.

    ``transposed``, z is instead what the gradient of such a convolution's input would be, were x its output's gradient.
    """

    def forward(ctx, x, weight, bias, *, geometry):
        ctx.geometry = geometry
        ctx.save_for_backward(x, weight)
        pictures, kernel = as_pictures(x), as_pictures(weight)
        if geometry.transposed:
            shape = transposed_shape(pictures, kernel, geometry)
            z = gradient_of_input(pictures, kernel, shape, *geometry.steps)
        else:
            z = convolve(pictures, kernel, *geometry.steps)
        if bias is not None:
            z += bias.reshape(-1, 1, 1)
        return np.ascontiguousarray(z[:, :, 0]) if x.ndim == 3 else z

    def backward(ctx, grad_z):
        x, weight = ctx.saved_tensors
        wanted = tuple(ctx.needs_input_grad)
        maker_of_x, _ = ctx.next_functions[0]
        walk_goes_on = maker_of_x is not None and maker_of_x.next_functions != ()  # beyond x: it is no leaf
        at_once = not walk_goes_on or not isinstance(grad_z, np.ndarray)
        gradients = ConvolutionBackward.apply(grad_z, x, weight, wanted=wanted, geometry=ctx.geometry, at_once=at_once)
        return in_place_of(wanted, gradients)


def in_place_of(wanted, gradients):
    """``gradients`` at the places where ``wanted`` is True, None elsewhere."""
    remaining = list(gradients)
    return tuple([remaining.pop(0) if each else None for each in wanted])


class ConvolutionBackward(Function):
    """The gradients of a convolution, of input, weight and bias those that are ``wanted``, from its output's gradient.

    The first is linear in grad_z and weight, the second in grad_z and x, the third in grad_z: so each of their own
    gradients is one of the three computations again.

    Nobody waits for the weight's but a leaf: unless all are wanted ``at_once``, it may be a :class:`Future`.
    """

    materialize_grads = False

    def forward(ctx, grad_z, x, weight, *, wanted, geometry, at_once=True):
        ctx.wanted, ctx.geometry = wanted, geometry
        ctx.save_for_backward(grad_z, x, weight)
        pictures, kernel, grad = as_pictures(x), as_pictures(weight), as_pictures(grad_z)

        def of_input():
            if geometry.transposed:
                grad_x = convolve(grad, kernel, *geometry.steps, places=pictures.shape[2:])
            else:
                grad_x = gradient_of_input(grad, kernel, pictures.shape, *geometry.steps)
            return np.ascontiguousarray(grad_x[:, :, 0]) if x.ndim == 3 else grad_x

        def of_weight():
            ends = (pictures, grad) if geometry.transposed else (grad, pictures)
            return gradient_of_weight(*ends, kernel.shape, *geometry.steps).reshape(weight.shape)

        asked = [compute for compute, want in zip((of_input, of_weight), wanted) if want]
        if not worth_sharing((x if geometry.transposed else grad_z).size * weight[:1].size):
            gradients = [compute() for compute in asked]
        elif at_once or len(asked) < 2 or not has_helpers():
            gradients = share_out(lambda compute: compute(), asked)  # side by side, each as a whole
        elif a_helper_is_busy():  # it takes this next, when it has done what it is at
            of_weight_later = in_background(of_weight)
            gradients = [of_input(), of_weight_later]
        else:  # first all threads compute what the walk waits for
            gradients = [of_input(), in_background(of_weight)]
        if wanted[2]:
            gradients.append(add_up(grad, (0, 2, 3), False))
        return tuple(gradients)

    def backward(ctx, *arrived):
        grad_z, x, weight = ctx.saved_tensors
        of_grad_x, of_grad_weight, of_grad_bias = in_place_of(ctx.wanted, arrived)
        needs_grad_z, needs_x, needs_weight = ctx.needs_input_grad
        grad_grad_z = grad_x = grad_weight = None
        if needs_grad_z:
            parts = []
            if of_grad_x is not None:
                parts.append(Convolution.apply(of_grad_x, weight, None, geometry=ctx.geometry))
            if of_grad_weight is not None:
                parts.append(Convolution.apply(x, of_grad_weight, None, geometry=ctx.geometry))
            if of_grad_bias is not None:
                of_channels = View.apply(of_grad_bias, shape=(-1,) + (1,) * (x.ndim - 2))
                parts.append(Expand.apply(of_channels, shape=grad_z.shape))
            for each in parts:
                grad_grad_z = each if grad_grad_z is None else grad_grad_z + each
        if needs_x and of_grad_weight is not None:
            (grad_x,) = ConvolutionBackward.apply(
                grad_z, x, of_grad_weight, wanted=(True, False, False), geometry=ctx.geometry
            )
        if needs_weight and of_grad_x is not None:
            (grad_weight,) = ConvolutionBackward.apply(
                grad_z, of_grad_x, weight, wanted=(False, True, False), geometry=ctx.geometry
            )
        return grad_grad_z, grad_x, grad_weight


class Im2Col(Function):
    """z = for each place of a kernel on x, all that it reads there, as a column. Shapes: (N, C, H, W) -> (N, C·R·S, L).

    ``steps`` are kernel size, stride, padding and dilation. A picture without N gives columns without N.
    """

    def forward(ctx, x, *, steps):
        ctx.size, ctx.steps = x.shape[-2:], steps
        z = unfold(x.reshape(-1, *x.shape[-3:]), *steps)
        return z if x.ndim == 4 else z[0]

    def backward(ctx, grad_z):
        grad_x = Col2Im.apply(grad_z, size=ctx.size, steps=ctx.steps)
        return grad_x


class Col2Im(Function):
    """z = a picture of ``size`` with each column of x added to the places that a kernel reads there."""

    def forward(ctx, x, *, size, steps):
        ctx.steps = steps
        z = fold(x.reshape(-1, *x.shape[-2:]), size, *steps)
        return z if x.ndim == 3 else z[0]

    def backward(ctx, grad_z):
        grad_x = Im2Col.apply(grad_z, steps=ctx.steps)
        return grad_x
