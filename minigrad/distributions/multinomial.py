"""The multinomial distribution: how often each position is drawn."""

from math import inf

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.binomial import Binomial
from minigrad.distributions.categorical import Categorical
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import broadcast_all


class Multinomial(Distribution):
    """How often each of K positions comes in ``total_count`` draws of :class:`Categorical`.

    Raises:
        NotImplementedError: ``total_count`` is no int.
        ValueError: ``probs`` and ``logits`` are given, or neither, or it has no dimension.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits)
        self._binomial = Binomial(total_count=total_count, probs=self.probs)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    probs = property(lambda self: self._categorical.probs, doc="Probabilities.")
    logits = property(lambda self: self._categorical.logits, doc="Their logarithms.")
    param_shape = property(lambda self: self._categorical.param_shape, doc="Their shape.")

    mean = formula(lambda self: self.probs * self.total_count)
    variance = formula(lambda self: self.total_count * self.probs * (1 - self.probs))

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        return constraints.multinomial(self.total_count)

    def sample(self, sample_shape=()):
        drawn = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
        counts = minigrad.zeros(self._extended_shape(sample_shape), dtype=minigrad.int64)
        return counts.scatter_add_(-1, drawn, minigrad.ones_like(drawn)).type_as(self.probs)

    def entropy(self):
        n = minigrad.tensor(self.total_count)
        support = self._binomial.enumerate_support(expand=False)[1:]
        repeated = minigrad.exp(self._binomial.log_prob(support)) * minigrad.lgamma(support + 1)
        return n * self._categorical.entropy() - minigrad.lgamma(n + 1) + repeated.sum([0, -1])

    def log_prob(self, value):
        self._check(value)
        logits, value = broadcast_all(self.logits, value)
        logits = minigrad.where((value == 0) & (logits == -inf), 0.0, logits)
        ways = minigrad.lgamma(value.sum(-1) + 1) - minigrad.lgamma(value + 1).sum(-1)
        return ways + (logits * value).sum(-1)
