"""The categorical distribution: one of several positions."""

import math

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import ProbsOrLogits


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

    def log_prob(self, value):
        self._check(value)
        value, log_probs = minigrad.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return log_probs.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self):
        logits = self.logits.clamp(min=minigrad.finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand=True):
        return self._enumerated(minigrad.arange(self._num_events), expand)
