"""Waiting times, and what is made of them: exponential, gamma, χ², Dirichlet's shares and beta's, Student's t.

Gamma and Dirichlet are drawn by rejection: a draw has a rule of its own.
"""

import math

import numpy as np

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import broadcast_all, standard_normal
from minigrad.dtypes import limits_of
from minigrad.graph.function import Function
from minigrad.kernels.implicit_gradients import dirichlet_gradient, gamma_gradient
from minigrad.nn import functional as F
from minigrad.ops.division import Underived
from minigrad.ops.sampling import check_type
from minigrad.random import default_generator


class Exponential(Distribution):
    """rate · exp(-rate x) from 0 on; ``rate`` is positive."""

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate, validate_args=None):
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    mean = formula(lambda self: self.rate.reciprocal())
    mode = formula(lambda self: minigrad.zeros_like(self.rate))
    stddev = formula(lambda self: self.rate.reciprocal())
    variance = formula(lambda self: self.rate.pow(-2))

    def rsample(self, sample_shape=()):
        return self.rate.new(self._extended_shape(sample_shape)).exponential_() / self.rate

    def _log_prob(self, value):
        return self.rate.log() - self.rate * value

    def cdf(self, value):
        self._check(value)
        return 1 - minigrad.exp(-self.rate * value)

    def icdf(self, value):
        return -minigrad.log1p(-value) / self.rate

    def entropy(self):
        return 1.0 - minigrad.log(self.rate)


class StandardGamma(Function):
    """z = numbers of the gamma distributions of shapes x, rate 1. The gradient says how the same number would move."""

    def forward(ctx, x, *, generator=default_generator):
        check_type("gamma_cpu", x)
        z = generator.gamma(x)
        ctx.save_for_backward(x, z)
        return z

    def backward(ctx, grad_z):
        x, z = ctx.saved_tensors
        grad_x = grad_z * StandardGammaGrad.apply(x, z)
        return grad_x


class StandardGammaGrad(Underived):
    """dy/dx of a number y of the gamma distribution of shape x."""

    instead = "a draw can be differentiated once"

    def forward(ctx, x, y):
        return gamma_gradient(x, y)


class Gamma(Distribution):
    """rate^concentration x^(concentration - 1) exp(-rate x) / Γ(concentration), from 0 on. Both are positive."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration, rate, validate_args=None):
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    mean = formula(lambda self: self.concentration / self.rate)
    mode = formula(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = formula(lambda self: self.concentration / self.rate.pow(2))

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        drawn = StandardGamma.apply(self.concentration.expand(shape)) / self.rate.expand(shape)
        drawn.detach().clamp_(min=minigrad.finfo(drawn.dtype).tiny)  # not recorded
        return drawn

    def log_prob(self, value):
        return super().log_prob(minigrad.as_tensor(value, dtype=self.rate.dtype))

    def _log_prob(self, value):
        powers = minigrad.xlogy(self.concentration, self.rate) + minigrad.xlogy(self.concentration - 1, value)
        return powers - self.rate * value - minigrad.lgamma(self.concentration)

    def entropy(self):
        alpha = self.concentration
        return alpha - self.rate.log() + minigrad.lgamma(alpha) + (1.0 - alpha) * minigrad.digamma(alpha)


class Chi2(Gamma):
    """The sum of ``df`` squares of standard normal numbers: :class:`Gamma` of df / 2 and 1/2."""

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df, validate_args=None):
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    df = property(lambda self: self.concentration * 2, doc="How many squares.")


class SampleDirichlet(Function):
    """z = numbers of gamma distributions of shapes x, divided by their sum along the last dimension."""

    node_name = "_DirichletBackward"

    def forward(ctx, x, *, generator=default_generator):
        check_type("dirichlet", x)
        draws = generator.gamma(x.astype(np.float64))
        shares = (draws / draws.sum(axis=-1, keepdims=True)).astype(x.dtype)
        z = np.clip(shares, limits_of(x.dtype).tiny, np.nextafter(x.dtype.type(1), x.dtype.type(0)))
        ctx.save_for_backward(x, z)
        return z

    def backward(ctx, grad_z):
        x, z = ctx.saved_tensors
        grad_x = DirichletGrad.apply(x, z) * (grad_z - (z * grad_z).sum(-1)[..., None])
        return grad_x


class DirichletGrad(Underived):
    """dy/dx / (1 - y) of numbers y of the Dirichlet distribution of concentrations x."""

    instead = "a draw can be differentiated once"

    def forward(ctx, x, y):
        return dirichlet_gradient(y, x, np.broadcast_to(x.sum(axis=-1, keepdims=True), x.shape))


class Dirichlet(Distribution):
    """Vectors of K numbers from 0 on that sum to 1: ∏ xₖ^(concentrationₖ - 1), normalised.

    Args:
        concentration: positive. Shape: batch_shape + (K,).

    Raises:
        ValueError: it has no dimension.
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration, validate_args=None):
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    def rsample(self, sample_shape=()):
        return SampleDirichlet.apply(self.concentration.expand(self._extended_shape(sample_shape)))

    def _log_prob(self, value):
        normalizer = minigrad.lgamma(self.concentration.sum(-1)) - minigrad.lgamma(self.concentration).sum(-1)
        return minigrad.xlogy(self.concentration - 1.0, value).sum(-1) + normalizer

    _total = property(lambda self: self.concentration.sum(-1, True))
    mean = formula(lambda self: self.concentration / self._total)
    variance = formula(lambda self: self.mean * (self._total - self.concentration) / (self._total * (self._total + 1)))

    @property
    def mode(self):
        """The likeliest vector; where all concentrations are below 1, a corner. Shape: batch_shape + event_shape."""
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        corner = F.one_hot(mode.argmax(dim=-1), self.event_shape[0]).to(mode)
        return minigrad.where((self.concentration < 1).all(dim=-1).unsqueeze(-1), corner, mode)

    def entropy(self):
        alpha, total, k = self.concentration, self.concentration.sum(-1), self.event_shape[0]
        normalizer = minigrad.lgamma(alpha).sum(-1) - minigrad.lgamma(total)
        return normalizer - (k - total) * minigrad.digamma(total) - ((alpha - 1.0) * minigrad.digamma(alpha)).sum(-1)


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

    def _log_prob(self, value):
        return self._dirichlet.log_prob(minigrad.stack([value, 1.0 - value], -1))

    def entropy(self):
        return self._dirichlet.entropy()


class StudentT(Distribution):
    """loc + scale · X / √(Z / df) of a standard normal X and a :class:`Chi2` Z of ``df`` degrees of freedom."""

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.shape, validate_args=validate_args)

    mean = formula(lambda self: minigrad.where(self.df <= 1, math.nan, self.loc))
    mode = formula(lambda self: self.loc)

    @property
    def variance(self):
        """Infinite up to 2 degrees of freedom, NaN up to 1. Shape: batch_shape."""
        finite = self.df > 2
        variance = self.scale.pow(2) * self.df / (minigrad.where(finite, self.df, 3.0) - 2)
        return minigrad.where(finite, variance, minigrad.where(self.df > 1, math.inf, math.nan))

    def rsample(self, sample_shape=()):
        drawn = standard_normal(self._extended_shape(sample_shape), self.df)
        return self.loc + self.scale * (drawn * minigrad.rsqrt(self._chi2.rsample(sample_shape) / self.df))

    def _log_prob(self, value):
        y = (value - self.loc) / self.scale
        normalizer = self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi)
        normalizer = normalizer + minigrad.lgamma(0.5 * self.df) - minigrad.lgamma(0.5 * (self.df + 1.0))
        return -0.5 * (self.df + 1.0) * minigrad.log1p(y**2.0 / self.df) - normalizer

    def entropy(self):
        half, next_half = 0.5 * self.df, 0.5 * (self.df + 1)
        log_beta = minigrad.lgamma(half) + math.lgamma(0.5) - minigrad.lgamma(next_half)
        slope = minigrad.digamma(next_half) - minigrad.digamma(half)
        return self.scale.log() + next_half * slope + 0.5 * self.df.log() + log_beta
