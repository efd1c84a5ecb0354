"""The categorical distribution as vectors with a single 1."""

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.categorical import Categorical
from minigrad.distributions.distribution import Distribution, formula
from minigrad.nn import functional as F


class OneHotCategorical(Distribution):
    """Vectors of K numbers, 1 at one position and else 0. Arguments and errors: as of :class:`Categorical`.

    Raises:
        ValueError: both are given, or neither, or it has no dimension.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    _param = property(lambda self: self._categorical._param)
    probs = property(lambda self: self._categorical.probs, doc="Probabilities.")
    logits = property(lambda self: self._categorical.logits, doc="Their logarithms.")
    param_shape = property(lambda self: self._categorical.param_shape, doc="Their shape.")

    mean = formula(lambda self: self.probs)
    mode = formula(lambda self: F.one_hot(self.probs.argmax(dim=-1), self.event_shape[0]).to(self.probs))
    variance = formula(lambda self: self.probs * (1 - self.probs))

    def sample(self, sample_shape=()):
        return F.one_hot(self._categorical.sample(sample_shape), self.event_shape[0]).to(self.probs)

    def log_prob(self, value):
        self._check(value)
        return self._categorical.log_prob(value.max(-1)[1])

    def entropy(self):
        return self._categorical.entropy()

    def enumerate_support(self, expand=True):
        return self._enumerated(minigrad.eye(self.event_shape[0], dtype=self._param.dtype), expand)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """:class:`OneHotCategorical` whose draws pass their gradient on to ``probs`` as if they were these (Bengio 2013).

    Raises:
        ValueError: both are given, or neither, or it has no dimension.
    """

    has_rsample = True

    def rsample(self, sample_shape=()):
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
