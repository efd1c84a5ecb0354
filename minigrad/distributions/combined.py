"""Distributions made of others: independent draws as one, and mixtures."""

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.choices import Categorical
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import sum_rightmost


class Independent(Distribution):
    """``base_distribution`` with its last ``reinterpreted_batch_ndims`` batch dimensions as parts of one event.

    log_prob and entropy are summed over them: so a Normal of a vector of means is a multivariate one.

    Raises:
        ValueError: it has fewer batch dimensions.
    """

    arg_constraints = {}

    def __init__(self, base_distribution, reinterpreted_batch_ndims, validate_args=None):
        shape = base_distribution.batch_shape + base_distribution.event_shape
        depth = len(base_distribution.batch_shape)
        if reinterpreted_batch_ndims > depth:
            raise ValueError(
                f"Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual "
                f"{reinterpreted_batch_ndims} vs {depth}"
            )
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        cut = depth - reinterpreted_batch_ndims
        super().__init__(shape[:cut], shape[cut:], validate_args=validate_args)

    has_rsample = property(lambda self: self.base_dist.has_rsample, doc="That of the base.")

    @property
    def has_enumerate_support(self):
        """That of the base, if nothing is combined."""
        return not self.reinterpreted_batch_ndims and self.base_dist.has_enumerate_support

    @constraints.dependent_property
    def support(self):
        base, ndims = self.base_dist.support, self.reinterpreted_batch_ndims
        return constraints.independent(base, ndims) if ndims else base

    mean = formula(lambda self: self.base_dist.mean)
    mode = formula(lambda self: self.base_dist.mode)
    variance = formula(lambda self: self.base_dist.variance)

    def sample(self, sample_shape=()):
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape=()):
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value):
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self):
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand=True):
        """All values. Shape: as of the base.

        Raises:
            NotImplementedError: values of several dimensions would have to be combined.
        """
        if self.reinterpreted_batch_ndims:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand=expand)

    def __repr__(self):
        return f"{type(self).__name__}({self.base_dist}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamily(Distribution):
    """Draws of ``component_distribution``, of whose last batch dimension ``mixture_distribution`` chooses one.

    Raises:
        ValueError: the first is no Categorical, the second no distribution, or their batch shapes do not fit.
    """

    arg_constraints = {}

    def __init__(self, mixture_distribution, component_distribution, validate_args=None):
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError("The Mixture distribution needs to be an instance of distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of distributions.Distribution")
        chosen, shape = mixture_distribution.logits.shape, component_distribution.batch_shape
        pairs = zip(reversed(chosen[:-1]), reversed(shape[:-1]))
        if chosen[-1] != shape[-1] or any(1 != ours != theirs != 1 for ours, theirs in pairs):
            raise ValueError(
                f"`mixture_distribution.logits.shape` ({chosen}) is not compatible with "
                f"`component_distribution.batch_shape` ({shape})"
            )
        self.mixture_distribution, self.component_distribution = mixture_distribution, component_distribution
        super().__init__(shape[:-1], component_distribution.event_shape, validate_args=validate_args)

    _dim = property(lambda self: -1 - len(self.event_shape))  # the components', from the right

    @constraints.dependent_property
    def support(self):
        return constraints.MixtureSameFamilyConstraint(self.component_distribution.support)

    def _mean_over(self, values):
        """The weighted mean over the components."""
        probs = self.mixture_distribution.probs
        return (probs.reshape(probs.shape + (1,) * len(self.event_shape)) * values).sum(dim=self._dim)

    mean = formula(lambda self: self._mean_over(self.component_distribution.mean))

    @property
    def variance(self):
        """The mean of the variances and the variance of the means. Shape: batch_shape + event_shape."""
        distances = self.component_distribution.mean - self.mean.unsqueeze(self._dim)
        return self._mean_over(self.component_distribution.variance) + self._mean_over(distances.pow(2.0))

    def cdf(self, value):
        found = self.component_distribution.cdf(value.unsqueeze(self._dim))
        return (found * self.mixture_distribution.probs).sum(dim=-1)

    def _log_prob(self, value):
        found = self.component_distribution.log_prob(value.unsqueeze(self._dim))
        weights = minigrad.log_softmax(self.mixture_distribution.logits, dim=-1)
        return minigrad.logsumexp(found + weights, dim=-1)

    def sample(self, sample_shape=()):
        with minigrad.no_grad():
            chosen = self.mixture_distribution.sample(sample_shape)
            drawn = self.component_distribution.sample(sample_shape)
            shape = chosen.shape + (1,)
            chosen = chosen.reshape(shape + (1,) * len(self.event_shape)).expand(shape + self.event_shape)
            return drawn.gather(self._dim, chosen).squeeze(self._dim)

    def __repr__(self):
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
