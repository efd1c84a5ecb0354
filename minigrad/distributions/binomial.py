"""The binomial distribution: successes in several trials."""

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import ProbsOrLogits, broadcast_all


class Binomial(ProbsOrLogits, Distribution):
    """How many of ``total_count`` trials succeed, each with probability ``probs``.

    Args:
        total_count: how many trials, a tensor or a number.
        probs: the probability of success.
        logits: or its log odds.

    Raises:
        ValueError: both are given, or neither.
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        self._take_one(probs, logits)
        count, given = broadcast_all(total_count, self._param)
        self.total_count = count.type_as(given)
        vars(self)["probs" if logits is None else "logits"] = given
        super().__init__(given.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self.total_count)

    mean = formula(lambda self: self.total_count * self.probs)
    mode = formula(lambda self: ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count))
    variance = formula(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        return minigrad.binomial(self.total_count.detach().expand(shape), self.probs.detach().expand(shape))

    def log_prob(self, value):
        """log (n over k) + k log p + (n - k) log(1 - p). Shapes: as of Distribution.log_prob."""
        self._check(value)
        n, x = self.total_count, self.logits
        above_0 = (x.clamp(min=0) + x - x.clamp(max=0)) / 2  # max(x, 0), with the gradient 1/2 at 0
        normalizer = n * above_0 + n * minigrad.log1p(minigrad.exp(-minigrad.abs(x))) - minigrad.lgamma(n + 1)
        return value * x - minigrad.lgamma(value + 1) - minigrad.lgamma(n - value + 1) - normalizer

    def entropy(self):
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(minigrad.exp(log_prob) * log_prob).sum(0)

    def enumerate_support(self, expand=True):
        """All counts. Shape: as of Distribution.enumerate_support.

        Raises:
            NotImplementedError: ``total_count`` has several values.
        """
        count = int(self.total_count.max())
        if not self.total_count.min() == count:
            raise NotImplementedError("Inhomogeneous total count not supported by `enumerate_support`.")
        return self._enumerated(minigrad.arange(1 + count, dtype=self._param.dtype), expand)
