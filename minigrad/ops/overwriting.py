"""A tensor filled with random numbers, in place: what was there does not matter, and its gradient is zero.

Each rule is one distribution, and below it stands the method of ``Tensor`` that fills by it; ``generator`` draws, the
default one where it is None. How numbers are drawn is in ``minigrad/random.py``, new random tensors are made in
``minigrad/creation/drawn.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.dims import is_expandable
from minigrad.arguments.gate import checked
from minigrad.graph.node import Number, Tensor
from minigrad.graph.strides import lay_in_order
from minigrad.inplace.changing import check_changeable, check_overlap, overwrite
from minigrad.ops.elementwise import Flat
from minigrad.random import Generator, default_generator, integer_range


class Overwrite(Flat):
    """x becomes ``values``, an array of its shape and type."""

    in_place_name = ""  # of the method that does it

    @classmethod
    def draw(cls, generator, shape, array, *options):
        """Random values, by the generator's method of the same name, for an array and the shape of its memory."""
        return getattr(generator, cls.in_place_name.removesuffix("_"))(shape, array.dtype, *options)

    def forward(ctx, x, *, values):
        return values


class Uniform(Overwrite):
    """x becomes even draws."""

    in_place_name = "uniform_"


@checked
def uniform_(input: Tensor, from_: Number = 0, to: Number = 1, *, generator: Generator | None = None) -> Tensor:
    """Even draws from ``from_`` up to but not including ``to``. Shape: that of ``input``.

    Raises:
        RuntimeError: a bound is out of the type's range, or the first is the larger one.
    """
    return fill_random(input, Uniform, generator, from_, to)


class Normal(Overwrite):
    """x becomes normal draws."""

    in_place_name = "normal_"

    @staticmethod
    def draw(generator, shape, array, mean, std):
        return generator.normal(shape, array.dtype, mean, std, contiguous=array.flags.c_contiguous)


@checked
def normal_(input: Tensor, mean: Number = 0, std: Number = 1, *, generator: Generator | None = None) -> Tensor:
    """Draws of the normal distribution of this mean and standard deviation. Shape: that of ``input``.

    Raises:
        RuntimeError: ``std`` is negative.
    """
    return fill_random(input, Normal, generator, mean, std)


class Exponential(Overwrite):
    """x becomes draws of the exponential distribution."""

    in_place_name = "exponential_"


@checked
def exponential_(input: Tensor, lambd: Number = 1, *, generator: Generator | None = None) -> Tensor:
    """Draws of the exponential distribution of rate ``lambd``. Shape: that of ``input``.

    Raises:
        RuntimeError: ``lambd`` is not positive, or the type is not floating.
    """
    return fill_random(input, Exponential, generator, lambd)


class Cauchy(Overwrite):
    """x becomes draws of Cauchy's distribution."""

    in_place_name = "cauchy_"


@checked
def cauchy_(input: Tensor, median: Number = 0, sigma: Number = 1, *, generator: Generator | None = None) -> Tensor:
    """Draws of Cauchy's distribution around ``median``, half of them within ``sigma``. Shape: that of ``input``.

    Raises:
        RuntimeError: ``sigma`` is not positive, or the type is not floating.
    """
    return fill_random(input, Cauchy, generator, median, sigma)


class LogNormal(Overwrite):
    """x becomes exponentials of normal draws."""

    in_place_name = "log_normal_"


@checked
def log_normal_(input: Tensor, mean: Number = 1, std: Number = 2, *, generator: Generator | None = None) -> Tensor:
    """Draws whose logarithms are normal, of this mean and standard deviation. Shape: that of ``input``.

    Raises:
        RuntimeError: ``std`` is not positive.
    """
    return fill_random(input, LogNormal, generator, mean, std)


class Geometric(Overwrite):
    """x becomes draws of the geometric distribution."""

    in_place_name = "geometric_"


@checked
def geometric_(input: Tensor, p: Number, *, generator: Generator | None = None) -> Tensor:
    """How many trials of probability ``p`` it takes until one succeeds, from 1 on. Shape: that of ``input``.

    Raises:
        RuntimeError: ``p`` is not between 0 and 1.
    """
    return fill_random(input, Geometric, generator, p)


class Random(Overwrite):
    """x becomes draws of the integers from ``low`` up to but not including ``high``."""

    in_place_name = "random_"

    @staticmethod
    def draw(generator, shape, array, *bounds):
        if not bounds:
            return generator.any_integers(shape, array.dtype)
        low, high = bounds if len(bounds) > 1 else (0, *bounds)
        return generator.integers(low, high, shape, array.dtype)


class RandomBelow(Random):
    """x becomes draws of the integers from 0 up to but not including ``high``."""

    node_name = "RandomBackward1"


class RandomAny(Random):
    """x becomes draws of all integers that its type holds."""

    node_name = "RandomBackward2"


@checked
def random_(input: Tensor, from_: int | None = None, to: Any = ..., *, generator: Generator | None = None) -> Tensor:
    """Integers below the one bound, between two, or any that the type holds; from the one on where ``to`` is None.
    Shape: that of ``input``.

    Raises:
        RuntimeError: there is no integer between the bounds, or the type does not hold one.
    """
    if to is None and from_ is not None:
        to = integer_range(input.array.dtype)[1] + 1
    bounds = [each for each in (from_, to) if each is not None and each is not ...]
    operation = (RandomAny, RandomBelow, Random)[len(bounds)]
    return fill_random(input, operation, generator, *bounds)


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


@checked
def bernoulli_(input: Tensor, p: Tensor | Number = 0.5, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability ``p``, a number or a tensor of one each, else 0. Shape: that of ``input``.

    Raises:
        RuntimeError: a probability is not in [0, 1], or they do not broadcast to the input.
    """
    operation = BernoulliOfTensor if isinstance(p, Tensor) else Bernoulli
    return fill_random(input, operation, generator, p)


def fill_random(tensor: Tensor, operation: type[Overwrite], generator: Any, *options: Any) -> Tensor:
    """Fill ``tensor`` with random numbers, in the order in which its elements lie in memory, as PyTorch does.

    Args:
        operation: which numbers; its node tells the graph.
        generator: draws them.
        options: of the distribution: see the generator's method.
    """
    check_changeable(tensor, operation.in_place_name)
    check_overlap(tensor)
    lay_in_order(tensor)
    array = tensor.array
    order = sorted(range(array.ndim), key=array.strides.__getitem__, reverse=True)
    shape = tuple([array.shape[dim] for dim in order])
    source = default_generator if generator is None else generator
    if operation is BernoulliOfTensor:
        (probabilities,) = options
        if not is_expandable(probabilities.array.shape, array.shape):
            raise RuntimeError(
                f"The expanded size of the tensor {list(array.shape)} must match the existing size "
                f"{list(probabilities.shape)} of the probabilities"
            )
        options = (np.broadcast_to(probabilities.array, array.shape).transpose(order),)
    drawn = operation.draw(source, shape, array, *options)
    return overwrite(tensor, operation.in_place_name, operation, drawn.transpose(np.argsort(order)))
