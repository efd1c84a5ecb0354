"""One of several positions: as an integer, as a vector with a single 1, and how often each comes in many draws."""

import math

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.counts import Binomial
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import ProbsOrLogits, broadcast_all
from minigrad.nn import functional as F


class Categorical(ProbsOrLogits, Distribution):
    """The positions 0 … K - 1, position k with probability ``probs[..., k]``. Its log_prob is what policies learn by.

    Args:
        probs: weights, along the last dimension; they are divided by their sum.
        logits: or logarithms of weights. Shapes: batch_shape + (K,).

    Raises:
        ValueError: both are given, or neither, or it has no dimension.

    >>> policy = minigrad.distributions.Categorical(logits=minigrad.zeros(2, 4))
    >>> policy.log_prob(policy.sample())
    tensor([-1.3863, -1.3863])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    is_binary = False

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._take_one(probs, logits)
        if self._param.dim() < 1:
            name = "logits" if probs is None else "probs"
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
        super().__init__(self._param.shape[:-1], validate_args=validate_args)

    _num_events = property(lambda self: self._param.shape[-1])

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self._num_events - 1)

    mean = formula(lambda self: minigrad.full(self._extended_shape(), math.nan, dtype=self.probs.dtype))
    mode = formula(lambda self: self.probs.argmax(dim=-1))
    variance = formula(lambda self: self.mean)

    def sample(self, sample_shape=()):
        drawn = minigrad.multinomial(self.probs.reshape(-1, self._num_events), math.prod(sample_shape), True)
        return drawn.T.reshape(self._extended_shape(sample_shape))

    def _log_prob(self, value):
        value, log_probs = minigrad.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return log_probs.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self):
        logits = self.logits.clamp(min=minigrad.finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand=True):
        return self._enumerated(minigrad.arange(self._num_events), expand)


class OfCategorical(Distribution):
    """What a :class:`Categorical` draws, told otherwise."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    probs = property(lambda self: self._categorical.probs, doc="Probabilities.")
    logits = property(lambda self: self._categorical.logits, doc="Their logarithms.")
    param_shape = property(lambda self: self._categorical.param_shape, doc="Their shape.")


class OneHotCategorical(OfCategorical):
    """Vectors of K numbers, 1 at one position and else 0. Arguments and errors: as of :class:`Categorical`.

    Raises:
        ValueError: both are given, or neither, or it has no dimension.
    """

    support = constraints.one_hot
    has_enumerate_support = True

    mean = formula(lambda self: self.probs)
    mode = formula(lambda self: F.one_hot(self.probs.argmax(dim=-1), self.event_shape[0]).to(self.probs))
    variance = formula(lambda self: self.probs * (1 - self.probs))

    def sample(self, sample_shape=()):
        return F.one_hot(self._categorical.sample(sample_shape), self.event_shape[0]).to(self.probs)

    def _log_prob(self, value):
        return self._categorical.log_prob(value.max(-1)[1])

    def entropy(self):
        return self._categorical.entropy()

    def enumerate_support(self, expand=True):
        return self._enumerated(minigrad.eye(self.event_shape[0], dtype=self._categorical._param.dtype), expand)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """:class:`OneHotCategorical` whose draws pass their gradient on to ``probs`` as if they were these (Bengio 2013).

    Raises:
        ValueError: both are given, or neither, or it has no dimension.
    """

    has_rsample = True

    def rsample(self, sample_shape=()):
        return self.sample(sample_shape) + (self.probs - self.probs.detach())


class Multinomial(OfCategorical):
    """How often each of K positions comes in ``total_count`` draws of :class:`Categorical`.

    Raises:
        NotImplementedError: ``total_count`` is no int.
        ValueError: ``probs`` and ``logits`` are given, or neither, or it has no dimension.
    """

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        super().__init__(probs, logits, validate_args)
        self._binomial = Binomial(total_count=total_count, probs=self.probs)

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

    def _log_prob(self, value):
        logits, value = broadcast_all(self.logits, value)
        logits = minigrad.where((value == 0) & (logits == -math.inf), 0.0, logits)
        ways = minigrad.lgamma(value.sum(-1) + 1) - minigrad.lgamma(value + 1).sum(-1)
        return ways + (logits * value).sum(-1)
