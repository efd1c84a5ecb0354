"""The Laplace distribution: two exponential ones, back to back."""

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import broadcast_all


class Laplace(Distribution):
    """exp(-|x - loc| / scale) / (2 scale); ``scale`` is positive."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    mean = formula(lambda self: self.loc)
    mode = formula(lambda self: self.loc)
    stddev = formula(lambda self: 2**0.5 * self.scale)
    variance = formula(lambda self: 2 * self.scale.pow(2))

    def rsample(self, sample_shape=()):
        eps = minigrad.finfo(self.loc.dtype).eps
        u = self.loc.new(self._extended_shape(sample_shape)).uniform_(eps - 1, 1)
        return self.loc - self.scale * u.sign() * minigrad.log1p(-u.abs())

    def log_prob(self, value):
        self._check(value)
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
