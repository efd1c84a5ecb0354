"""Distributions of transformed numbers."""

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.independent import Independent
from minigrad.distributions.transforms import ComposeTransform, Transform
from minigrad.distributions.utils import sum_rightmost


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
        whole = ComposeTransform(self.transforms)
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
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape=()):
        return self._forward(self.base_dist.rsample(sample_shape))

    def _forward(self, x):
        for transform in self.transforms:
            x = transform(x)
        return x

    def log_prob(self, value):
        self._check(value)
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
        sign = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5

    def cdf(self, value):
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._rising(self.base_dist.cdf(value))

    def icdf(self, value):
        return self._forward(self.base_dist.icdf(self._rising(value)))
