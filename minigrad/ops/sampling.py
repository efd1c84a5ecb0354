"""Random numbers of distributions whose parameters are tensors: rules, then what users call.

A draw is made by ``minigrad/random.py``. What fills a tensor is in ``overwriting.py``; draws with gradients are in
``minigrad/distributions``.
"""

from __future__ import annotations

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.arguments.operands import check_broadcast
from minigrad.creation.drawn import generator_or_default
from minigrad.graph.node import Tensor
from minigrad.ops.division import Underived
from minigrad.ops.elementwise import Flat
from minigrad.random import Generator

__all__ = ["binomial", "poisson"]


def check_type(kernel: str, array: np.ndarray, allowed: str = "fd") -> None:
    """Raise PyTorch's error for a type, by its letter, that ``kernel`` is not for."""
    if array.dtype.char not in allowed:
        raise NotImplementedError(f'"{kernel}" not implemented for {array.dtype}: convert to float32 or float64 first')


class Poisson(Flat):
    """z = draws of the Poisson distributions of rates x. The gradient is zero."""

    def forward(ctx, x, *, generator):
        check_type("poisson_cpu", x, "efdE")
        if not (x >= 0).all() or np.isinf(x).any():
            raise RuntimeError("invalid Poisson rate, expected rate to be non-negative, and finite")
        return generator.poisson(x)


@checked
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """How many events happen where ``input`` is how many are to be expected. Shape and type: those of ``input``.

    Raises:
        RuntimeError: a rate is negative, infinite or NaN.
        NotImplementedError: the type is not floating.
    """
    return Poisson.apply(input, generator=generator_or_default(generator))


class Binomial(Underived):
    """z = how many of n trials of probability p succeed."""

    instead = "the number of successes does not move with the probability"

    def forward(ctx, n, p, *, generator):
        check_broadcast(n, p)
        return generator.binomial(*np.broadcast_arrays(n, p))


@checked
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of ``count`` trials succeed, each with the probability ``prob``.

    Shapes: broadcast; the type is that of both.

    Raises:
        RuntimeError: the types differ, or the shapes do not broadcast.
        NotImplementedError: the type is float16.
        ValueError: it is an integer type.
    """
    for name, kind in (("count", count.dtype), ("prob", prob.dtype)):
        if not kind.is_floating_point:
            raise ValueError(f"binomial only supports floating-point dtypes for {name}, got: {kind}")
    check_type("binomial_cpu", count.array)
    if prob.dtype != count.dtype:
        raise RuntimeError(f"Found dtype {prob.dtype} but expected {count.dtype}: give count and prob of one type")
    return Binomial.apply(count, prob, generator=generator_or_default(generator))
