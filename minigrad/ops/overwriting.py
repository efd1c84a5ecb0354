"""In-place operations whose values do not depend on what was there: draws and comparisons. Every gradient is zero."""

from __future__ import annotations

import numpy as np

from minigrad.autograd.function import Function
from minigrad.ops.values import constant_like

__all__ = [
    "Bernoulli",
    "BernoulliOfTensor",
    "Eq",
    "Ge",
    "Gt",
    "Le",
    "Lt",
    "Ne",
    "Normal",
    "Uniform",
]


class Overwrite(Function):
    """x becomes ``values``, an array of its shape and type."""

    def forward(ctx, x, *, values):
        return values

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_x


class Uniform(Overwrite):
    """x becomes even draws."""


class Normal(Overwrite):
    """x becomes normal draws."""


class Bernoulli(Overwrite):
    """x becomes draws of 0 and 1, with one probability."""

    overload = 2


class BernoulliOfTensor(Overwrite):
    """x becomes draws of 0 and 1, with a probability each."""

    node_name = "BernoulliBackward1"


class Compare(Function):
    """x becomes ``values``, an array of its shape and type, found by comparing it with y, a tensor or a number."""

    def forward(ctx, x, y, *, values):
        ctx.shapes = np.shape(x), np.shape(y)
        ctx.overload = 1 if isinstance(y, np.ndarray) else 0
        return values

    def backward(ctx, grad_z):
        x_shape, y_shape = ctx.shapes
        grad_x = constant_like(np.zeros(x_shape), grad_z)
        grad_y = constant_like(np.zeros(y_shape), grad_z) if ctx.needs_input_grad[1] else None
        return grad_x, grad_y


class Eq(Compare):
    """x becomes x == y."""


class Ne(Compare):
    """x becomes x != y."""


class Lt(Compare):
    """x becomes x < y."""


class Le(Compare):
    """x becomes x <= y."""


class Gt(Compare):
    """x becomes x > y."""


class Ge(Compare):
    """x becomes x >= y."""
