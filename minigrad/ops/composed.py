"""Functions that are composed of others, in a line or two each: they have no rules, and need none."""

from __future__ import annotations

import math
from typing import Any

from minigrad.arguments.dims import normalize_dim
from minigrad.arguments.gate import checked
from minigrad.creation import as_tensor
from minigrad.graph.node import Number, Tensor
from minigrad.inplace.changing import become, check_changeable
from minigrad.linalg.norms import vector_norm
from minigrad.ops.choosing import where
from minigrad.ops.cutting import narrow
from minigrad.ops.powers import logaddexp
from minigrad.ops.scan import cumsum
from minigrad.ops.transcendental import sin

__all__ = ["corrcoef", "cov", "cumulative_trapezoid", "deg2rad", "deg2rad_", "float_power", "ldexp"]
__all__ += ["ldexp_", "logaddexp2", "rad2deg", "rad2deg_", "renorm", "sinc", "sinc_", "trapezoid", "trapz"]


def replaced(input: Tensor, name: str, function: Any, *arguments: Any) -> Tensor:
    """``input`` after it has become what ``function`` makes of it, and of ``arguments``."""
    check_changeable(input, name, *arguments)
    return become(input, function(input.clone(), *arguments), name, *arguments)


@checked
def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians: ``input * pi / 180``. Shape: that of ``input``."""
    return input * (math.pi / 180)


@checked
def deg2rad_(input: Tensor) -> Tensor:
    """:func:`deg2rad`, in place."""
    return replaced(input, "deg2rad_", deg2rad)


@checked
def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees: ``input * 180 / pi``. Shape: that of ``input``."""
    return input * (180 / math.pi)


@checked
def rad2deg_(input: Tensor) -> Tensor:
    """:func:`rad2deg`, in place."""
    return replaced(input, "rad2deg_", rad2deg)


@checked
def sinc(input: Tensor) -> Tensor:
    """sin(πx)/(πx), 1 at 0. Shape: that of ``input``."""
    scaled = where(input == 0, 1.0, input) * math.pi
    return where(input == 0, 1.0, sin(scaled) / scaled)


@checked
def sinc_(input: Tensor) -> Tensor:
    """:func:`sinc`, in place."""
    return replaced(input, "sinc_", sinc)


@checked
def float_power(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """``input ** exponent`` in float64; one of the two may be a number. Shapes: broadcast."""
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        raise TypeError(f"float_power(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    base, power = [each.double() if isinstance(each, Tensor) else float(each) for each in (input, exponent)]
    return base**power  # type: ignore[no-any-return]


@checked
def float_power_(input: Tensor, exponent: Tensor | Number) -> Tensor:
    """:func:`float_power`, in place.

    Raises:
        RuntimeError: the input is not of float64.
    """
    if input.array.dtype.char != "d":
        raise RuntimeError(
            f"the base given to float_power_ has dtype {input.dtype} but the operation's result requires dtype "
            f"minigrad.float64"
        )
    return replaced(input, "float_power_", float_power, exponent)


@checked
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """``input * 2 ** other``. Shapes: broadcast."""
    return input * 2.0**other


@checked
def ldexp_(input: Tensor, other: Tensor) -> Tensor:
    """:func:`ldexp`, in place."""
    return replaced(input, "ldexp_", ldexp, other)


@checked
def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """log₂(2ˣ + 2ʸ), without overflow. Shapes: broadcast.

    Raises:
        NotImplementedError: the types are not floating.
    """
    if not input.is_floating_point() or not other.is_floating_point():
        raise NotImplementedError('"logaddexp2_cpu" is for floating types: convert first')
    return logaddexp(input * math.log(2), other * math.log(2)) / math.log(2)


@checked
def renorm(input: Tensor, p: Number, dim: int, maxnorm: Number) -> Tensor:
    """Slices along ``dim``, those whose norm of order ``p`` is larger scaled down to ``maxnorm``. Shape: that of
    ``input``.

    Raises:
        RuntimeError: there are fewer than two dimensions, or ``p`` is not positive, or ``maxnorm`` negative.
    """
    if input.ndim < 2 or p <= 0 or maxnorm < 0:
        raise RuntimeError(
            f"renorm: input needs at least 2 dimensions, got {input.ndim}; p must be positive and maxnorm not negative"
        )
    place = normalize_dim(dim, input.ndim)
    norms = vector_norm(input, p, [each for each in range(input.ndim) if each != place], True)
    return input.contiguous() * where(norms > maxnorm, maxnorm / (norms + 1e-7), 1.0)


@checked
def renorm_(input: Tensor, p: Number, dim: int, maxnorm: Number) -> Tensor:
    """:func:`renorm`, in place."""
    return replaced(input, "renorm_", renorm, p, dim, maxnorm)


def strips(y: Tensor, x: Any, dx: Any, dim: int) -> Tensor:
    """Twice the area under each two neighbours of y, at the places x, or ``dx`` apart."""
    place = normalize_dim(dim, y.ndim)
    count = max(y.shape[place] - 1, 0)
    sums = narrow(y, place, y.shape[place] - count, count) + narrow(y, place, 0, count)
    if x is None:
        return sums * (1 if dx is None else dx)
    if x.ndim == 1 and x.shape[0] != y.shape[place]:
        raise RuntimeError("trapezoid: There must be one `x` value for each sample point")
    if x.ndim == 1 and y.ndim > 1:
        x = x.reshape([-1 if each == place else 1 for each in range(y.ndim)])
    return sums * (narrow(x, place, x.shape[place] - count, count) - narrow(x, place, 0, count))


@checked
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    """The integral along ``dim`` by the trapezoidal rule, values at the places ``x``, or ``dx`` apart, 1 unless told.

    Shape: that of ``y`` without ``dim``.

    Raises:
        RuntimeError: there is not a place for each value.
    """
    return strips(y, x, dx, dim).sum(dim) / 2.0


@checked
def trapz(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    """As :func:`trapezoid`. Shape: that of ``y`` without ``dim``."""
    return trapezoid(y, x, dx=dx, dim=dim)


@checked
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    """:func:`trapezoid` up to each value but the first. Shape: that of ``y``, ``dim`` smaller by 1."""
    return cumsum(strips(y, x, dx, dim) / 2.0, dim)


@checked
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances of variables, one a row, observed once a column. Shapes: (n, m) -> (n, n), (m,) -> ().

    ``fweights`` says how often each observation counts, ``aweights`` how much; ``correction`` 1 makes it unbiased.

    Raises:
        RuntimeError: there are more than two dimensions.
    """
    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    rows = input.reshape(1, -1) if input.ndim < 2 else input
    for name, each, floating in (("fweights", fweights, False), ("aweights", aweights, True)):
        if each is None:
            continue
        if each.ndim > 1 or each.numel() != rows.shape[1] or each.is_floating_point() is not floating:
            kind = "floating point" if floating else "integral"
            raise RuntimeError(f"cov(): expected {name} to be {kind}, one for each of {rows.shape[1]} observations")
        if (each.array < 0).any():
            raise RuntimeError(f"cov(): {name} cannot be negative")
    weights = fweights if aweights is None else aweights if fweights is None else fweights * aweights
    total: Any = rows.shape[1] if weights is None else weights.sum()
    average = (rows if weights is None else rows * weights).sum(1) / total
    freedom = total - correction
    if weights is not None and aweights is not None and correction != 0:
        freedom = total - correction * (weights * aweights).sum() / total
    centered = rows - average.unsqueeze(1)
    products = centered @ (centered if weights is None else centered * weights).t()
    return (products / as_tensor(freedom).clamp(min=0)).squeeze()


@checked
def corrcoef(input: Tensor) -> Tensor:
    """The correlations of variables, one a row, observed once a column. Shapes: (n, m) -> (n, n), (m,) -> ().

    Raises:
        RuntimeError: there are more than two dimensions.
    """
    covariances = cov(input)
    if covariances.ndim == 0:
        return covariances / covariances
    deviations = covariances.diagonal().sqrt()
    return (covariances / deviations.unsqueeze(1) / deviations).clamp(-1, 1)
