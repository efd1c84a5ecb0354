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


class Eq(Overwrite):
    """x becomes x == y."""


class Ne(Overwrite):
    """x becomes x != y."""


class Lt(Overwrite):
    """x becomes x < y."""


class Le(Overwrite):
    """x becomes x <= y."""


class Gt(Overwrite):
    """x becomes x > y."""


class Ge(Overwrite):
    """x becomes x >= y."""
