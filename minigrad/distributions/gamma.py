"""The gamma distribution: waiting times, precisions. It is drawn by rejection: a draw has a rule of its own."""

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import broadcast_all
from minigrad.graph.function import Function
from minigrad.kernels.implicit_gradients import gamma_gradient
from minigrad.ops.division import Underived
from minigrad.ops.sampling import check_type
from minigrad.random import default_generator


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
        value = minigrad.as_tensor(value, dtype=self.rate.dtype)
        self._check(value)
        powers = minigrad.xlogy(self.concentration, self.rate) + minigrad.xlogy(self.concentration - 1, value)
        return powers - self.rate * value - minigrad.lgamma(self.concentration)

    def entropy(self):
        alpha = self.concentration
        return alpha - self.rate.log() + minigrad.lgamma(alpha) + (1.0 - alpha) * minigrad.digamma(alpha)
