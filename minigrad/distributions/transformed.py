"""Distributions of transformed numbers: of any by a list of transforms, log-normal, half-normal, Gumbel's."""

import math

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.combined import Independent
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.location_scale import Normal, Uniform
from minigrad.distributions.positive import Exponential
from minigrad.distributions.transforms import AbsTransform, AffineTransform, ComposeTransform, ExpTransform, Transform
from minigrad.distributions.utils import broadcast_all, euler_constant, sum_rightmost


class TransformedDistribution(Distribution):
    """y = f(x) of draws x of ``base_distribution``: log p(y) = log p(x) - log |dy/dx|.

    Args:
        base_distribution: of x.
        transforms: f, one transform or a list of which the first comes first.

    Raises:
        ValueError: something else, or the base has too few dimensions.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(self, base_distribution, transforms, validate_args=None):
        self.transforms = [transforms] if isinstance(transforms, Transform) else transforms
        if not (isinstance(self.transforms, list) and all(isinstance(each, Transform) for each in self.transforms)):
            raise ValueError(f"transforms must be a Transform or a list of Transforms, but was {transforms}")
        self._whole = whole = ComposeTransform(self.transforms)
        shape, event_dim = base_distribution.batch_shape + base_distribution.event_shape, whole.domain.event_dim
        if len(shape) < event_dim:
            raise ValueError(f"base_distribution needs to have shape with size at least {event_dim}, but got {shape}.")
        base_event_dim = len(base_distribution.event_shape)
        result = whole.forward_shape(shape)
        expanded = whole.inverse_shape(result)
        if expanded != shape:
            base_distribution = base_distribution.expand(expanded[: len(expanded) - base_event_dim])
        if event_dim > base_event_dim:
            base_distribution = Independent(base_distribution, event_dim - base_event_dim)
        self.base_dist = base_distribution
        codomain_dim = whole.codomain.event_dim
        cut = len(result) - max(codomain_dim, base_event_dim + codomain_dim - event_dim)
        super().__init__(result[:cut], result[cut:], validate_args=validate_args)

    has_rsample = property(lambda self: self.base_dist.has_rsample, doc="That of the base.")

    @constraints.dependent_property(is_discrete=False)
    def support(self):
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        missing = len(self.event_shape) - support.event_dim
        return constraints.independent(support, missing) if missing > 0 else support

    def sample(self, sample_shape=()):
        with minigrad.no_grad():
            return self._whole(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape=()):
        return self._whole(self.base_dist.rsample(sample_shape))

    def _log_prob(self, value):
        event_dim, log_prob = len(self.event_shape), 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            slope = transform.log_abs_det_jacobian(x, value)
            log_prob = log_prob - sum_rightmost(slope, event_dim - transform.domain.event_dim)
            value = x
        return log_prob + sum_rightmost(self.base_dist.log_prob(value), event_dim - len(self.base_dist.event_shape))

    def _rising(self, value):
        """``value``, a probability, or what is left of it to 1 where y falls with x."""
        sign = self._whole.sign
        return value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5

    def cdf(self, value):
        value = self._whole.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._rising(self.base_dist.cdf(value))

    def icdf(self, value):
        return self._whole(self.base_dist.icdf(self._rising(value)))


class LogNormal(TransformedDistribution):
    """exp(x) of a normal x of mean ``loc`` and standard deviation ``scale``."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive

    def __init__(self, loc, scale, validate_args=None):
        super().__init__(Normal(loc, scale, validate_args=validate_args), ExpTransform(), validate_args=validate_args)

    loc = property(lambda self: self.base_dist.loc, doc="The mean of log y.")
    scale = property(lambda self: self.base_dist.scale, doc="The deviation of log y.")

    mean = formula(lambda self: (self.loc + self.scale.pow(2) / 2).exp())
    mode = formula(lambda self: (self.loc - self.scale.square()).exp())
    variance = formula(lambda self: self.scale.pow(2).expm1() * (2 * self.loc + self.scale.pow(2)).exp())

    def entropy(self):
        return self.base_dist.entropy() + self.loc


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

    def _log_prob(self, value):
        return minigrad.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value):
        self._check(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob):
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self):
        return self.base_dist.entropy() - math.log(2)


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

    def _log_prob(self, value):
        y = (self.loc - value) / self.scale
        return (y - y.exp()) - self.scale.log()

    def entropy(self):
        return self.scale.log() + (1 + euler_constant)


class Pareto(TransformedDistribution):
    """alpha scaleᵃ / xᵃ⁺¹ from ``scale`` on, a = alpha; both are positive."""

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale, alpha, validate_args=None):
        self.scale, self.alpha = broadcast_all(scale, alpha)
        transforms = [ExpTransform(), AffineTransform(loc=0, scale=self.scale)]
        super().__init__(Exponential(self.alpha, validate_args=validate_args), transforms, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.greater_than_eq(self.scale)

    mean = formula(lambda self: self.scale * (1 + 1 / (self.alpha.clamp(min=1) - 1)))  # infinite up to 1
    mode = formula(lambda self: self.scale)

    @property
    def variance(self):
        alpha = self.alpha.clamp(min=2)
        return self.scale.pow(2) * alpha / ((alpha - 1).pow(2) * (alpha - 2))

    def entropy(self):
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())
