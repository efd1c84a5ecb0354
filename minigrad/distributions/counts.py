"""Counts: of successes in trials (Bernoulli, binomial), of failures before one (geometric), of events (Poisson)."""

import math

import minigrad
from minigrad import Tensor
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.positive import Gamma
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

    def _log_prob(self, value):
        logits, value = broadcast_all(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self):
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand=True):
        return self._enumerated(minigrad.arange(2, dtype=self._param.dtype), expand)


class OfTrials(ProbsOrLogits, Distribution):
    """What distributions of ``total_count`` and of a probability begin with."""

    def __init__(self, total_count, probs=None, logits=None, validate_args=None):
        self._take_one(probs, logits)
        count, given = broadcast_all(total_count, self._param)
        self.total_count = count.type_as(given)
        vars(self)["probs" if logits is None else "logits"] = given
        super().__init__(given.shape, validate_args=validate_args)


class NegativeBinomial(OfTrials):
    """How many trials succeed before ``total_count`` fail, each succeeding with probability ``probs``.

    A draw is a Poisson number, at a rate that is drawn from a Gamma distribution.

    Args:
        total_count: how many failures end it, a tensor or a number; not negative, and not always whole.
        probs: the probability of success, in [0, 1).
        logits: or its log odds.

    Raises:
        ValueError: both are given, or neither.
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    mean = formula(lambda self: self.total_count * minigrad.exp(self.logits))
    mode = formula(lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0))
    variance = formula(lambda self: self.mean / minigrad.sigmoid(-self.logits))

    def sample(self, sample_shape=()):
        with minigrad.no_grad():
            rate = Gamma(self.total_count, minigrad.exp(-self.logits), validate_args=False).sample(sample_shape)
            return minigrad.poisson(rate)

    def _log_prob(self, value):
        """log (n + k - 1 over k) + n log(1 - p) + k log p. Shapes: as of Distribution.log_prob."""
        n, x = self.total_count, self.logits
        ways = minigrad.lgamma(1.0 + value) + minigrad.lgamma(n) - minigrad.lgamma(n + value)
        ways = ways.masked_fill(n + value == 0.0, 0.0)
        return n * F.logsigmoid(-x) + value * F.logsigmoid(x) - ways


class Binomial(OfTrials):
    """How many of ``total_count`` trials succeed, each with probability ``probs``.

    Args:
        total_count: how many trials, a tensor or a number.
        probs: the probability of success.
        logits: or its log odds.

    Raises:
        ValueError: both are given, or neither.
    """

    arg_constraints = {"total_count": constraints.nonnegative_integer, **Bernoulli.arg_constraints}
    has_enumerate_support = True

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        super().__init__(total_count, probs, logits, validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self.total_count)

    mean = formula(lambda self: self.total_count * self.probs)
    mode = formula(lambda self: ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count))
    variance = formula(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        return minigrad.binomial(self.total_count.detach().expand(shape), self.probs.detach().expand(shape))

    def _log_prob(self, value):
        """log (n over k) + k log p + (n - k) log(1 - p). Shapes: as of Distribution.log_prob."""
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


class Geometric(ProbsOrLogits, Distribution):
    """(1 - probs)ᵏ probs, k = 0, 1, 2 … ``Tensor.geometric_`` counts the success too, and begins at 1.

    Args:
        probs: the probability of success, in (0, 1].
        logits: or its log odds.

    Raises:
        ValueError: both are given, or neither.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._take_one(*[each if each is None else broadcast_all(each)[0] for each in (probs, logits)])
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not (self.probs > 0).all():
            raise ValueError(
                f"Expected parameter probs ({type(self.probs).__name__} of shape {tuple(self.probs.shape)}) of "
                f"distribution {self!r} to be positive but found invalid values:\n{self.probs[self.probs <= 0]}"
            )

    mean = formula(lambda self: 1.0 / self.probs - 1.0)
    mode = formula(lambda self: minigrad.zeros_like(self.probs))
    variance = formula(lambda self: (1.0 / self.probs - 1.0) / self.probs)

    def sample(self, sample_shape=()):
        tiny = minigrad.finfo(self.probs.dtype).tiny
        u = self.probs.new(self._extended_shape(sample_shape)).uniform_(tiny, 1)
        return (u.log() / (-self.probs.detach()).log1p()).floor()

    def _log_prob(self, value):
        value, probs = broadcast_all(value, self.probs)
        probs = minigrad.where((probs == 1) & (value == 0), 0.0, probs)
        return value * (-probs).log1p() + self.probs.log()

    def entropy(self):
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs


class Poisson(Distribution):
    """rateᵏ exp(-rate) / k!, k = 0, 1, 2 …; ``rate`` is not negative."""

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate, validate_args=None):
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    mean = formula(lambda self: self.rate)
    mode = formula(lambda self: self.rate.floor())
    variance = formula(lambda self: self.rate)

    def sample(self, sample_shape=()):
        return minigrad.poisson(self.rate.detach().expand(self._extended_shape(sample_shape)))

    def _log_prob(self, value):
        rate, value = broadcast_all(self.rate, value)
        return value.xlogy(rate) - rate - (value + 1).lgamma()
