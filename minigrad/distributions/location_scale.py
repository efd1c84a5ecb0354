"""Normal, Laplace, Cauchy, and uniform numbers. Begin here, after ``distribution.py``."""

import math
from typing import Any

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import broadcast_all, standard_normal


class LocationScale(Distribution):
    """What the next three have in common: a draw is loc + scale · z; ``scale`` is positive."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    mean = formula(lambda self: self.loc)
    mode = formula(lambda self: self.loc)

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)


class Normal(LocationScale):
    """exp(-((x - loc) / scale)² / 2) / (scale √2π).

    Args:
        loc: the mean, a tensor or a number.
        scale: the standard deviation, positive.

    >>> normal = minigrad.distributions.Normal(minigrad.zeros(2), minigrad.tensor([1.0, 2.0]))
    >>> normal.log_prob(minigrad.tensor([0.0, 2.0]))
    tensor([-0.9189, -2.1121])
    """

    stddev = formula(lambda self: self.scale)
    variance = formula(lambda self: self.stddev.pow(2))

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        return minigrad.normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape=()):
        return self.loc + standard_normal(self._extended_shape(sample_shape), self.loc) * self.scale

    def _log_prob(self, value):
        squares = (value - self.loc) ** 2
        return -squares / (2 * self.scale**2) - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def cdf(self, value):
        self._check(value)
        return 0.5 * (1 + minigrad.erf((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)))

    def icdf(self, value):
        return self.loc + self.scale * minigrad.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self):
        return 0.5 + 0.5 * math.log(2 * math.pi) + minigrad.log(self.scale)


class Laplace(LocationScale):
    """exp(-|x - loc| / scale) / (2 scale): two exponential distributions, back to back; ``scale`` is positive."""

    stddev = formula(lambda self: 2**0.5 * self.scale)
    variance = formula(lambda self: 2 * self.scale.pow(2))

    def rsample(self, sample_shape=()):
        eps = minigrad.finfo(self.loc.dtype).eps
        u = self.loc.new(self._extended_shape(sample_shape)).uniform_(eps - 1, 1)
        return self.loc - self.scale * u.sign() * minigrad.log1p(-u.abs())

    def _log_prob(self, value):
        return -minigrad.log(2 * self.scale) - minigrad.abs(value - self.loc) / self.scale

    def cdf(self, value):
        self._check(value)
        distance = value - self.loc
        return 0.5 - 0.5 * distance.sign() * minigrad.expm1(-distance.abs() / self.scale)

    def icdf(self, value):
        term = value - 0.5
        return self.loc - self.scale * term.sign() * minigrad.log1p(-2 * term.abs())

    def entropy(self):
        return 1 + minigrad.log(2 * self.scale)


class Cauchy(LocationScale):
    """1 / (π scale (1 + ((x - loc) / scale)²)): tails so heavy that there is no mean.

    ``scale``, within which half of the draws lie, is positive.
    """

    mean = formula(lambda self: minigrad.full(self._extended_shape(), math.nan, dtype=self.loc.dtype))
    variance = formula(lambda self: minigrad.full(self._extended_shape(), math.inf, dtype=self.loc.dtype))

    def rsample(self, sample_shape=()):
        return self.loc + self.loc.new(self._extended_shape(sample_shape)).cauchy_() * self.scale

    def _log_prob(self, value):
        return -math.log(math.pi) - self.scale.log() - (((value - self.loc) / self.scale) ** 2).log1p()

    def cdf(self, value):
        self._check(value)
        return minigrad.atan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value):
        return minigrad.tan(math.pi * (value - 0.5)) * self.scale + self.loc

    def entropy(self):
        return math.log(4 * math.pi) + self.scale.log()


class Uniform(Distribution):
    """1 / (high - low) from ``low`` up to but not including ``high``, 0 elsewhere."""

    has_rsample = True

    @property
    def arg_constraints(self) -> Any:
        """Each bound by the other."""
        return {"low": constraints.less_than(self.high), "high": constraints.greater_than(self.low)}

    def __init__(self, low, high, validate_args=None):
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)

    mean = formula(lambda self: (self.high + self.low) / 2)
    mode = formula(lambda self: math.nan * self.high)
    stddev = formula(lambda self: self._width / 12**0.5)
    variance = formula(lambda self: self._width.pow(2) / 12)
    _width = property(lambda self: self.high - self.low)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.interval(self.low, self.high)

    def rsample(self, sample_shape=()):
        drawn = minigrad.rand(self._extended_shape(sample_shape), dtype=self.low.dtype)
        return self.low + drawn * self._width

    def _log_prob(self, value):
        above, below = self.low.le(value).type_as(self.low), self.high.gt(value).type_as(self.low)
        return minigrad.log(above.mul(below)) - minigrad.log(self._width)

    def cdf(self, value):
        self._check(value)
        return ((value - self.low) / self._width).clamp(min=0, max=1)

    def icdf(self, value):
        return value * self._width + self.low

    def entropy(self):
        return minigrad.log(self._width)
