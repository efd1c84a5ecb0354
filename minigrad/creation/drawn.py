"""Random tensors. The numbers come from ``minigrad/random.py``: the same seed gives those of PyTorch on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.gate import LEFT_OUT, checked
from minigrad.arguments.operands import check_broadcast
from minigrad.attributes import memory_format, preserve_format
from minigrad.creation.filled import empty, empty_like
from minigrad.creation.request import as_size, as_sizes, finish, numpy_kind, plain_number
from minigrad.dtypes import FLOATS
from minigrad.graph.node import Number, Tensor
from minigrad.out_of_memory import says_out_of_memory
from minigrad.random import Generator, default_generator, integer_range

__all__ = ["bernoulli", "generator_or_default", "multinomial", "normal", "rand", "rand_like", "randint", "randint_like"]
__all__ += ["randn", "randn_like", "randperm"]


def generator_or_default(generator: Generator | None) -> Generator:
    """The generator to draw from: the default one where none is given."""
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"argument 'generator' must be minigrad.Generator, not {type(generator).__name__}")
    return generator


@says_out_of_memory
def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn evenly from [0, 1). Shape: ``size``.

    Raises:
        RuntimeError: a size is negative, or the memory cannot be that large.
        NotImplementedError: the type is not floating.
    """
    drawn = generator_or_default(generator).uniform(as_sizes("rand", sizes, size), numpy_kind(dtype), 0.0, 1.0)
    return finish(drawn, device, requires_grad)


@says_out_of_memory
def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn from the normal distribution of mean 0 and variance 1. Shape: ``size``.

    Raises:
        RuntimeError: a size is negative, or the memory cannot be that large.
        NotImplementedError: the type is not floating.

    >>> generator = minigrad.manual_seed(0)
    >>> minigrad.randn(3)  # what torch.randn gives after the same seed
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    drawn = generator_or_default(generator).normal(as_sizes("randn", sizes, size), numpy_kind(dtype), 0.0, 1.0)
    return finish(drawn, device, requires_grad)


@checked
def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """:func:`rand` in the shape of ``input``, and in its type unless told."""
    drawn = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
    return drawn.uniform_(generator=generator).requires_grad_(requires_grad)


@checked
def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """:func:`randn` in the shape of ``input``, and in its type unless told."""
    drawn = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
    return drawn.normal_(generator=generator).requires_grad_(requires_grad)


@checked
def normal(
    mean: Tensor | Number = 0.0,
    std: Tensor | Number = 1.0,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn from the normal distribution; mean and standard deviation are numbers, with a ``size``, or tensors.

    Shape: ``size``, or that to which the tensors broadcast.

    Raises:
        RuntimeError: a deviation is negative, or two tensors do not broadcast.
        TypeError: numbers without a size, or a size with tensors of more than one element.
    """
    source = generator_or_default(generator)
    if size is not None:
        numbers = plain_number("normal", mean, "mean"), plain_number("normal", std, "std")
        return finish(source.normal(as_size("normal", size), numpy_kind(dtype), *numbers), device, requires_grad)
    tensors = [each for each in (mean, std) if isinstance(each, Tensor)]
    if not tensors:
        raise TypeError("normal() with two numbers needs a size")
    if isinstance(std, Tensor) and (std.array < 0).any():
        raise RuntimeError("normal expects all elements of std >= 0.0")
    if not isinstance(std, Tensor) and std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    arrays = [each.array if isinstance(each, Tensor) else each for each in (mean, std)]
    check_broadcast(*arrays)
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    kind = tensors[0].array.dtype
    if isinstance(std, Tensor):
        scaled = (source.normal(shape, kind, 0.0, 1.0) * std.array).astype(kind)
    else:
        scaled = source.normal(shape, kind, 0.0, std)
    return finish(np.asarray(scaled + arrays[0], kind), device, requires_grad)


@checked
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Positions drawn with probabilities in proportion to the weights in the last dimension of ``input``.

    With ``replacement`` an even number is looked up among the cumulated weights. Without, or for one sample, each
    position waits for an exponentially distributed time of its weight as rate, and the first to come are drawn: no
    other draw is as simple, and it is the same distribution.

    Shapes: (positions,) -> (num_samples,), or (rows, positions) -> (rows, num_samples); int64.

    Raises:
        RuntimeError: other dimensions, no floating-point type, no sample, or without replacement more samples than
            positions; a weight is negative, infinite or NaN, or all in a row are zero.
    """
    weights = input.array
    if weights.ndim not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, got {weights.ndim}")
    if weights.dtype.kind not in FLOATS:
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.dtype}")
    if num_samples <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples, got {num_samples}")
    if not replacement and num_samples > weights.shape[-1]:
        raise RuntimeError(
            f"cannot sample n_sample > prob_dist.size(-1) samples without replacement: {num_samples} of "
            f"{weights.shape[-1]}"
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not weights.sum(axis=-1).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if not replacement or num_samples == 1:
        rates = weights / empty_like(input).exponential_(generator=generator).array
        return finish(np.argsort(-rates, axis=-1, kind="stable")[..., :num_samples], None, False)
    bounds = np.cumsum(weights, axis=-1)
    bounds /= bounds[..., -1:]
    bounds[..., -1] = 1.0
    drawn = generator_or_default(generator).uniform((*weights.shape[:-1], num_samples), np.float64)
    found = [np.searchsorted(*pair) for pair in zip(np.atleast_2d(bounds), np.atleast_2d(drawn), strict=True)]
    return finish(np.array(found, np.int64).reshape(drawn.shape), None, False)


@checked
def bernoulli(input: Tensor, p: float = LEFT_OUT, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that each element says, or with ``p``, else 0. Shape and type: those of ``input``.

    Raises:
        RuntimeError: a probability is not in [0, 1].
        NotImplementedError: ``input`` is not floating, and no ``p`` is given.
    """
    drawn = empty(input.shape, dtype=input.dtype)
    if p is not None:
        return drawn.bernoulli_(p, generator=generator)
    if not input.is_floating_point():
        raise NotImplementedError(f'"bernoulli_tensor_cpu_p_" not implemented for {input.dtype}: give floats')
    return drawn.bernoulli_(input, generator=generator)


@says_out_of_memory
def randint(
    *bounds: Any,
    low: Any = None,
    high: Any = None,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = dtypes.int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers drawn evenly from ``low`` (0 unless told) up to but not including ``high``. Shape: ``size``.

    Args:
        bounds: high, or low and high, and then the size, each of which may also be given by name.

    Raises:
        TypeError: there is no high or no size, or a bound is no integer.
        RuntimeError: there is no such integer.
    """
    given = list(bounds)
    if size is None and given:
        size = given.pop()
    if high is None and given:
        high = given.pop()
    if low is None:
        low = given.pop() if given else 0
    if high is None or given:
        raise TypeError("randint() takes (high, size) or (low, high, size)")
    drawn = generator_or_default(generator).integers(low, high, as_size("randint", size), numpy_kind(dtype))
    return finish(drawn, device, requires_grad)


@checked
def randint_like(
    input: Tensor,
    low: int = 0,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """:func:`randint` in the shape of ``input``, and in its type unless told."""
    bounds = (0, low) if high is None else (low, high)
    drawn = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
    return drawn.random_(*bounds, generator=generator).requires_grad_(requires_grad)


@checked
def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = dtypes.int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The integers 0 … n - 1 in random order. Shape: (n,).

    Raises:
        RuntimeError: ``n`` is negative, or the type does not hold all of them.
        NotImplementedError: the type is bool.
    """
    kind = numpy_kind(dtype)
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    if kind.kind == "b":
        raise NotImplementedError('"randperm" not implemented for bools')
    if n > integer_range(kind)[1] + 1 and dtype is not dtypes.bfloat16:
        raise RuntimeError(f"n cannot be greater than {integer_range(kind)[1] + 1} for {dtype} type: {n}")
    order = generator_or_default(generator).permutation(n).astype(kind, copy=False)
    return finish(order, device, requires_grad)
