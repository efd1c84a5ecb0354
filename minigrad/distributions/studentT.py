"""Student's t-distribution: a normal number over an estimated deviation."""

import math

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.chi2 import Chi2
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import broadcast_all, standard_normal


class StudentT(Distribution):
    """loc + scale · X / √(Z / df) of a standard normal X and a :class:`Chi2` Z of ``df`` degrees of freedom."""

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.shape, validate_args=validate_args)

    mean = formula(lambda self: minigrad.where(self.df <= 1, math.nan, self.loc))
    mode = formula(lambda self: self.loc)

    @property
    def variance(self):
        """Infinite up to 2 degrees of freedom, NaN up to 1. Shape: batch_shape."""
        finite = self.df > 2
        variance = self.scale.pow(2) * self.df / (minigrad.where(finite, self.df, 3.0) - 2)
        return minigrad.where(finite, variance, minigrad.where(self.df > 1, math.inf, math.nan))

    def rsample(self, sample_shape=()):
        drawn = standard_normal(self._extended_shape(sample_shape), self.df)
        return self.loc + self.scale * (drawn * minigrad.rsqrt(self._chi2.rsample(sample_shape) / self.df))

    def log_prob(self, value):
        self._check(value)
        y = (value - self.loc) / self.scale
        normalizer = self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi)
        normalizer = normalizer + minigrad.lgamma(0.5 * self.df) - minigrad.lgamma(0.5 * (self.df + 1.0))
        return -0.5 * (self.df + 1.0) * minigrad.log1p(y**2.0 / self.df) - normalizer

    def entropy(self):
        half, next_half = 0.5 * self.df, 0.5 * (self.df + 1)
        log_beta = minigrad.lgamma(half) + math.lgamma(0.5) - minigrad.lgamma(next_half)
        slope = minigrad.digamma(next_half) - minigrad.digamma(half)
        return self.scale.log() + next_half * slope + 0.5 * self.df.log() + log_beta
