"""The Dirichlet distribution: vectors of probabilities. It is drawn by rejection: a draw has its own rule."""

import numpy as np

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, formula
from minigrad.dtypes import limits_of
from minigrad.graph.function import Function
from minigrad.kernels.implicit_gradients import dirichlet_gradient
from minigrad.nn import functional as F
from minigrad.ops.division import Underived
from minigrad.ops.sampling import check_type
from minigrad.random import default_generator


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

    def log_prob(self, value):
        self._check(value)
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
