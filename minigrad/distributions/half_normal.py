"""The half-normal distribution: the size of a normal number."""

import math

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import formula
from minigrad.distributions.normal import Normal
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.transforms import AbsTransform


class HalfNormal(TransformedDistribution):
    """|x| of a normal x of mean 0 and standard deviation ``scale``."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, scale, validate_args=None):
        super().__init__(Normal(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    scale = property(lambda self: self.base_dist.scale, doc="The deviation of x.")

    mean = formula(lambda self: self.scale * math.sqrt(2 / math.pi))
    mode = formula(lambda self: minigrad.zeros_like(self.scale))
    variance = formula(lambda self: self.scale.pow(2) * (1 - 2 / math.pi))

    def log_prob(self, value):
        self._check(value)
        return minigrad.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value):
        self._check(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob):
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self):
        return self.base_dist.entropy() - math.log(2)
