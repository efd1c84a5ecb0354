"""In-place operations whose values do not depend on what was there: draws and comparisons. Every gradient is zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.values import constant_like

__all__ = [
    "Bernoulli",
    "BernoulliOfTensor",
    "Eq",
    "Exponential",
    "Ge",
    "Gt",
    "Le",
    "Lt",
    "Ne",
    "Normal",
    "Overwrite",
    "Random",
    "RandomAny",
    "RandomBelow",
    "Uniform",
]


class Overwrite(Function):
    """x becomes ``values``, an array of its shape and type."""

    in_place_name = ""  # of the method that does it
    draw: Any  # where it is one: the values, from a generator, for an array and the shape of its memory

    def forward(ctx, x, *, values):
        return values

    def backward(ctx, grad_z):
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_x


class Uniform(Overwrite):
    """x becomes even draws."""

    in_place_name = "uniform_"

    @staticmethod
    def draw(generator, shape, array, low, high):
        return generator.uniform(shape, array.dtype, low, high)


class Normal(Overwrite):
    """x becomes normal draws."""

    in_place_name = "normal_"

    @staticmethod
    def draw(generator, shape, array, mean, std):
        return generator.normal(shape, array.dtype, mean, std, contiguous=array.flags.c_contiguous)


class Exponential(Overwrite):
    """x becomes draws of the exponential distribution."""

    in_place_name = "exponential_"

    @staticmethod
    def draw(generator, shape, array, rate):
        return generator.exponential(shape, array.dtype, rate)


class Random(Overwrite):
    """x becomes draws of the integers from ``low`` up to but not including ``high``."""

    in_place_name = "random_"

    @staticmethod
    def draw(generator, shape, array, low, high):
        return generator.integers(low, high, shape, array.dtype)


class RandomBelow(Random):
    """x becomes draws of the integers from 0 up to but not including ``high``."""

    node_name = "RandomBackward1"

    @staticmethod
    def draw(generator, shape, array, high):
        return generator.integers(0, high, shape, array.dtype)


class RandomAny(Random):
    """x becomes draws of all integers that its type holds."""

    node_name = "RandomBackward2"

    @staticmethod
    def draw(generator, shape, array):
        return generator.any_integers(shape, array.dtype)


class Bernoulli(Overwrite):
    """x becomes draws of 0 and 1, with one probability."""

    in_place_name = "bernoulli_"
    overload = 2

    @staticmethod
    def draw(generator, shape, array, probability):
        return generator.bernoulli(probability, shape)


class BernoulliOfTensor(Bernoulli):
    """x becomes draws of 0 and 1, with a probability each."""

    overload = 1


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
