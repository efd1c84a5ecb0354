"""The Bernoulli distribution: one trial."""

import math

import minigrad
from minigrad import Tensor
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import ProbsOrLogits, broadcast_all
from minigrad.nn import functional as F


class Bernoulli(ProbsOrLogits, Distribution):
    """1 with probability ``probs``, else 0.

    Args:
        probs: the probability of 1, a tensor or a number.
        logits: or its log odds log(p / (1 - p)).

    Raises:
        ValueError: both are given, or neither.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._take_one(*[each if each is None else broadcast_all(each)[0] for each in (probs, logits)])
        super().__init__(self._param.shape, validate_args=validate_args)

    mean = formula(lambda self: self.probs)
    variance = formula(lambda self: self.probs * (1 - self.probs))

    @property
    def mode(self) -> Tensor:
        """The likelier of 0 and 1, NaN at a tie. Shape: batch_shape."""
        return minigrad.where(self.probs == 0.5, math.nan, (self.probs >= 0.5).to(self.probs))

    def sample(self, sample_shape=()):
        return minigrad.bernoulli(self.probs.detach().expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        self._check(value)
        logits, value = broadcast_all(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self):
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand=True):
        return self._enumerated(minigrad.arange(2, dtype=self._param.dtype), expand)
