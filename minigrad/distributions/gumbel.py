"""Gumbel's distribution: the largest of many numbers."""

import math

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import formula
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.transforms import AffineTransform, ExpTransform
from minigrad.distributions.uniform import Uniform
from minigrad.distributions.utils import broadcast_all, euler_constant


class Gumbel(TransformedDistribution):
    """loc - scale · log(-log u) of a uniform u; ``scale`` is positive."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        limits = minigrad.finfo(self.loc.dtype)
        low, high = (minigrad.full_like(self.loc, bound) for bound in (limits.tiny, 1 - limits.eps))
        negated = AffineTransform(loc=0, scale=-minigrad.ones_like(self.scale))
        scaled = AffineTransform(loc=loc, scale=-self.scale)
        transforms = [ExpTransform().inv, negated, ExpTransform().inv, scaled]
        super().__init__(Uniform(low, high, validate_args=validate_args), transforms, validate_args=validate_args)

    mean = formula(lambda self: self.loc + self.scale * euler_constant)
    mode = formula(lambda self: self.loc)
    stddev = formula(lambda self: math.pi / math.sqrt(6) * self.scale)
    variance = formula(lambda self: self.stddev.pow(2))

    def log_prob(self, value):
        self._check(value)
        y = (self.loc - value) / self.scale
        return (y - y.exp()) - self.scale.log()

    def entropy(self):
        return self.scale.log() + (1 + euler_constant)
