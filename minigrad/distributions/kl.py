"""The Kullback-Leibler divergence KL(p‖q) = ∫ p log(p / q), by a formula for each pair of classes.

``register_kl`` is how a pair gets its formula, those of your own classes too.
"""

import itertools
import math
from collections.abc import Callable
from math import inf
from typing import Any

import minigrad
from minigrad import Tensor, lgamma, where
from minigrad.caller import warn_user
from minigrad.distributions.choices import Categorical, OneHotCategorical
from minigrad.distributions.combined import Independent
from minigrad.distributions.counts import Bernoulli, Binomial, Geometric, Poisson
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.location_scale import Cauchy, Laplace, Normal, Uniform
from minigrad.distributions.multivariate_normal import MultivariateNormal, mahalanobis
from minigrad.distributions.positive import Beta, Dirichlet, Exponential, Gamma
from minigrad.distributions.transformed import Gumbel, Pareto, TransformedDistribution
from minigrad.distributions.utils import euler_constant, sum_rightmost
from minigrad.linalg import solve_triangular
from minigrad.nn.functional import softplus

__all__ = ["kl_divergence", "register_kl"]


FORMULAS: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """A decorator: the function below it computes the divergence between distributions of these two classes.

    Raises:
        TypeError: one is no class of distributions.
    """
    for name, given in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(given, type) and issubclass(given, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {given}")

    def register(function: Any) -> Any:
        FORMULAS[type_p, type_q] = function
        return function

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """How much longer messages about draws of p get when they are coded for q. Shape: batch_shape.

    The formula is that of the nearest classes, first p's and then q's; a warning where the other order finds another.

    Raises:
        NotImplementedError: there is no formula for this pair, or none for these parameters.
        ValueError: two multivariate distributions have different event shapes.

    >>> p, q = (minigrad.distributions.Normal(mean, 1.0) for mean in (0.0, 2.0))
    >>> minigrad.distributions.kl_divergence(p, q)
    tensor(2.)
    """
    steps_p, steps_q = type(p).__mro__.index, type(q).__mro__.index
    pairs = [pair for pair in FORMULAS if isinstance(p, pair[0]) and isinstance(q, pair[1])]
    if not pairs:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
        )
    first = min(pairs, key=lambda pair: (steps_p(pair[0]), steps_q(pair[1])))
    second = min(pairs, key=lambda pair: (steps_q(pair[1]), steps_p(pair[0])))
    if FORMULAS[first] is not FORMULAS[second]:
        warn_user(
            f"Ambiguous kl_divergence({type(p).__name__}, {type(q).__name__}). "
            f"Please register_kl({first[0].__name__}, {second[1].__name__})",
            RuntimeWarning,
        )
    return FORMULAS[first](p, q)


# -------------------------------------------------------------------------------------------------- of the same class


@register_kl(Bernoulli, Bernoulli)
def _kl_bernoulli_bernoulli(p, q):
    of_one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    of_zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    of_one = where(p.probs == 0, 0.0, where(q.probs == 0, inf, of_one))
    return of_one + where(p.probs == 1, 0.0, where(q.probs == 1, inf, of_zero))


@register_kl(Beta, Beta)
def _kl_beta_beta(p, q):
    return kl_divergence(p._dirichlet, q._dirichlet)


@register_kl(Binomial, Binomial)
def _kl_binomial_binomial(p, q):
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    of_one = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return where(p.total_count > q.total_count, inf, p.total_count * of_one)


@register_kl(Categorical, Categorical)
def _kl_categorical_categorical(p, q):
    terms = p.probs * (p.logits - q.logits)
    return where(p.probs == 0, 0.0, where(q.probs == 0, inf, terms)).sum(-1)


@register_kl(Cauchy, Cauchy)
def _kl_cauchy_cauchy(p, q):
    return ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()


@register_kl(Dirichlet, Dirichlet)
def _kl_dirichlet_dirichlet(p, q):
    total_p, total_q = p.concentration.sum(-1), q.concentration.sum(-1)
    slope = p.concentration.digamma() - total_p.digamma().unsqueeze(-1)
    normalizers = (lgamma(p.concentration) - lgamma(q.concentration)).sum(-1)
    return lgamma(total_p) - lgamma(total_q) - normalizers + ((p.concentration - q.concentration) * slope).sum(-1)


@register_kl(Exponential, Exponential)
def _kl_exponential_exponential(p, q):
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Gamma, Gamma)
def _kl_gamma_gamma(p, q):
    normalizers = q.concentration * (p.rate / q.rate).log() + lgamma(q.concentration) - lgamma(p.concentration)
    slope = (p.concentration - q.concentration) * minigrad.digamma(p.concentration)
    return normalizers + slope + (q.rate - p.rate) * (p.concentration / p.rate)


@register_kl(Geometric, Geometric)
def _kl_geometric_geometric(p, q):
    return -p.entropy() - minigrad.log1p(-q.probs) / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _kl_gumbel_gumbel(p, q):
    ratio, distance = p.scale / q.scale, q.loc / q.scale - p.loc / q.scale
    of_normalizer = minigrad.exp(distance + lgamma(1 + ratio))
    return -ratio.log() - distance + ratio * euler_constant + of_normalizer - (1 + euler_constant)


@register_kl(Independent, Independent)
def _kl_independent_independent(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("KL between Independents of different reinterpreted_batch_ndims")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(Laplace, Laplace)
def _kl_laplace_laplace(p, q):
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * minigrad.exp(-distance / p.scale) - 1


@register_kl(MultivariateNormal, MultivariateNormal)
def _kl_multivariate_normal(p, q):
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be computed"
        )
    trace = solve_triangular(q._factor, p._factor, upper=False).pow(2).sum([-2, -1])
    squares = mahalanobis(q._factor, q.loc - p.loc)
    return q._half_log_det - p._half_log_det + 0.5 * (trace + squares - p.event_shape[0])


@register_kl(Normal, Normal)
def _kl_normal_normal(p, q):
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(OneHotCategorical, OneHotCategorical)
def _kl_one_hot_one_hot(p, q):
    return kl_divergence(p._categorical, q._categorical)


@register_kl(Poisson, Poisson)
def _kl_poisson_poisson(p, q):
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(TransformedDistribution, TransformedDistribution)
def _kl_transformed_transformed(p, q):
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("KL between TransformedDistributions of different transforms or event shapes")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Uniform, Uniform)
def _kl_uniform_uniform(p, q):
    outside = (q.low > p.low) | (q.high < p.high)
    return where(outside, inf, ((q.high - q.low) / (p.high - p.low)).log())


# --------------------------------------------------------------------------------------------------- of two classes
# KL(p‖q) is the mean of -log q(x) without the entropy of p. For most q that mean is one of x, of x², of log x or of an
# exponential of x.


def _kl_infinity(p, q):
    """Of a p that draws what q cannot."""
    return minigrad.full_like(p.mean, inf)


def _mean_log(low, high):
    """The mean of log x of a uniform x."""
    return (minigrad.xlogy(high, high) - minigrad.xlogy(low, low)) / (high - low) - 1


def _mean_exp(p, loc, scale):
    """The mean of exp((loc - x) / scale)."""
    if isinstance(p, Normal):
        return minigrad.exp((loc - p.loc) / scale + 0.5 * (p.scale / scale).pow(2))
    if isinstance(p, Uniform):
        return (minigrad.exp((loc - p.low) / scale) - minigrad.exp((loc - p.high) / scale)) * scale / (p.high - p.low)
    return minigrad.exp(loc / scale) * (1 + 1 / (p.rate * scale)).pow(-p.concentration if isinstance(p, Gamma) else -1)


@register_kl(Bernoulli, Poisson)
def _kl_bernoulli_poisson(p, q):
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


def _mean(p):
    """The mean of p; of a Pareto distribution that has none too, as a number whose gradient is finite."""
    return p.alpha * p.scale / (p.alpha - 1) if isinstance(p, Pareto) else p.mean


def _if_finite(p, divergence):
    """``divergence``; infinite where p has negative numbers, or no mean."""
    if isinstance(p, Uniform):
        return where(p.low < 0, inf, divergence)
    return where(p.alpha <= 1, inf, divergence) if isinstance(p, Pareto) else divergence


def _kl_any_exponential(p, q):
    return _if_finite(p, -p.entropy() - q.rate.log() + q.rate * _mean(p))


def _kl_any_gamma(p, q):
    if isinstance(p, Beta):
        mean_log = p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    elif isinstance(p, Pareto):
        mean_log = p.scale.log() + p.alpha.reciprocal()
    else:
        mean_log = _mean_log(p.low, p.high) if isinstance(p, Uniform) else -p.rate.log() - euler_constant
    normalizer = lgamma(q.concentration) - q.concentration * q.rate.log()
    return _if_finite(p, -p.entropy() + normalizer - (q.concentration - 1) * mean_log + q.rate * _mean(p))


def _kl_any_gumbel(p, q):
    return -p.entropy() + q.scale.log() + (p.mean - q.loc) / q.scale + _mean_exp(p, q.loc, q.scale)


def _kl_any_normal(p, q):
    squares = p.variance + (p.mean - q.loc).pow(2)  # their mean, around q's
    return -p.entropy() + 0.5 * (q.scale.pow(2) * 2 * math.pi).log() + 0.5 * squares / q.scale.pow(2)


@register_kl(Beta, Uniform)
def _kl_beta_uniform(p, q):
    return where((q.low > 0) | (q.high < 1), inf, -p.entropy() + q.entropy())


@register_kl(Normal, Laplace)
def _kl_normal_laplace(p, q):
    distance = p.loc - q.loc
    inside = math.sqrt(2 / math.pi) * p.scale * minigrad.exp(-0.5 * (distance / p.scale).pow(2))
    inside = inside + distance * minigrad.erf(math.sqrt(0.5) * (distance / p.scale))
    return -(p.scale / q.scale).log() + inside / q.scale - 0.5 * (1 + math.log(0.5 * math.pi))


@register_kl(Pareto, Pareto)
def _kl_pareto_pareto(p, q):
    ratio = q.alpha / p.alpha
    return where(p.scale < q.scale, inf, q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1)


@register_kl(Pareto, Normal)
def _kl_pareto_normal(p, q):
    share = p.scale / (p.alpha - 1)
    squares = p.alpha * share.pow(2) / (p.alpha - 2) + (p.alpha * share - q.loc).pow(2)
    normalizer = 0.5 * (q.scale.pow(2) * 2 * math.pi).log()
    return where(p.alpha <= 2, inf, -p.entropy() + normalizer + 0.5 * squares / q.scale.pow(2))


@register_kl(Uniform, Pareto)
def _kl_uniform_pareto(p, q):
    density = (q.alpha * q.scale.pow(q.alpha)).log() - (q.alpha + 1) * _mean_log(p.low, p.high)
    return where(p.low < q.scale, inf, -p.entropy() - density)


@register_kl(Uniform, Beta)
def _kl_uniform_beta(p, q):
    one, zero = q.concentration1, q.concentration0
    normalizer = lgamma(one) + lgamma(zero) - lgamma(one + zero)
    powers = (one - 1) * _mean_log(p.low, p.high) + (zero - 1) * _mean_log(1 - p.high, 1 - p.low)
    return where((p.high > 1) | (p.low < 0), inf, normalizer - p.entropy() - powers)


FORMULAS_OF_SEVERAL: list[tuple[Callable[[Any, Any], Tensor], list[type], list[type]]] = [
    (_kl_any_exponential, [Beta, Gamma, Pareto, Uniform], [Exponential]),
    (_kl_any_gamma, [Beta, Exponential, Pareto, Uniform], [Gamma]),
    (_kl_any_gumbel, [Exponential, Gamma, Normal, Uniform], [Gumbel]),
    (_kl_any_normal, [Beta, Exponential, Gamma, Gumbel, Laplace, Uniform], [Normal]),
    (_kl_infinity, [Exponential, Gamma, Gumbel, Laplace, Normal], [Beta, Pareto, Uniform]),
    (_kl_infinity, [Beta], [Pareto]),
    (_kl_infinity, [Pareto], [Beta, Uniform]),
    (_kl_infinity, [Gumbel, Laplace, Normal], [Exponential, Gamma]),
    (_kl_infinity, [Poisson], [Bernoulli, Binomial]),
]
for formula, of_p, of_q in FORMULAS_OF_SEVERAL:
    for pair in itertools.product(of_p, of_q):
        register_kl(*pair)(formula)
