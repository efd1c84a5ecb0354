"""The beta distribution: a probability."""

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.dirichlet import Dirichlet
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import broadcast_all


class Beta(Distribution):
    """x^(concentration1 - 1) (1 - x)^(concentration0 - 1), normalised, between 0 and 1.

    It is the first of the two numbers of a :class:`Dirichlet`. Both concentrations are positive.
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1, concentration0, validate_args=None):
        both = minigrad.stack(broadcast_all(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(both, validate_args=validate_args)
        super().__init__(self._dirichlet.batch_shape, validate_args=validate_args)

    concentration1 = property(lambda self: self._dirichlet.concentration[..., 0], doc="α.")
    concentration0 = property(lambda self: self._dirichlet.concentration[..., 1], doc="β.")

    mean = formula(lambda self: self._dirichlet.mean[..., 0])
    mode = formula(lambda self: self._dirichlet.mode[..., 0])
    variance = formula(lambda self: self._dirichlet.variance[..., 0])

    def rsample(self, sample_shape=()):
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def log_prob(self, value):
        self._check(value)
        return self._dirichlet.log_prob(minigrad.stack([value, 1.0 - value], -1))

    def entropy(self):
        return self._dirichlet.entropy()
