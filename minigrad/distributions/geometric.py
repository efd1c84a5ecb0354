"""The geometric distribution: failures before the first success."""

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import ProbsOrLogits, broadcast_all
from minigrad.nn import functional as F


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

    def log_prob(self, value):
        self._check(value)
        value, probs = broadcast_all(value, self.probs)
        probs = minigrad.where((probs == 1) & (value == 0), 0.0, probs)
        return value * (-probs).log1p() + self.probs.log()

    def entropy(self):
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
