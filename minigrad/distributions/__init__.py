"""Distributions: random numbers whose densities, and often the numbers themselves, have gradients.

A policy draws from ``Categorical`` and learns by ``log_prob``; a variational autoencoder draws by ``rsample`` and pays
``kl_divergence``. Begin with ``distribution.py``, then ``location_scale.py``. Counterpart: ``torch.distributions``.
"""

import sys

from minigrad.distributions import choices, combined, constraints, counts, location_scale, positive, transformed
from minigrad.distributions.choices import Categorical, Multinomial, OneHotCategorical, OneHotCategoricalStraightThrough
from minigrad.distributions.combined import Independent, MixtureSameFamily
from minigrad.distributions.counts import Bernoulli, Binomial, Geometric, NegativeBinomial, Poisson
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.kl import kl_divergence, register_kl
from minigrad.distributions.location_scale import Cauchy, Laplace, Normal, Uniform
from minigrad.distributions.multivariate_normal import MultivariateNormal
from minigrad.distributions.positive import Beta, Chi2, Dirichlet, Exponential, Gamma, StudentT
from minigrad.distributions.transformed import Gumbel, HalfNormal, LogNormal, Pareto, TransformedDistribution
from minigrad.distributions.transforms import *

__all__ = ["AbsTransform", "AffineTransform", "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2"]
__all__ += ["ComposeTransform", "Dirichlet", "Distribution", "ExpTransform", "Exponential", "Gamma", "Geometric"]
__all__ += ["Gumbel", "HalfNormal", "Independent", "Laplace", "LogNormal", "MixtureSameFamily", "Multinomial"]
__all__ += ["MultivariateNormal", "NegativeBinomial", "Normal", "OneHotCategorical", "Pareto", "Poisson"]
__all__ += ["OneHotCategoricalStraightThrough", "SigmoidTransform", "SoftplusTransform", "StudentT", "TanhTransform"]
__all__ += ["Transform", "TransformedDistribution", "Uniform", "constraints", "identity_transform", "kl_divergence"]
__all__ += ["register_kl"]

# PyTorch has a file for each class: programs find ours under its path too, ``distributions.normal.Normal``.
PATHS = {
    choices: ["categorical", "multinomial", "one_hot_categorical"],
    combined: ["independent", "mixture_same_family"],
    counts: ["bernoulli", "binomial", "geometric", "negative_binomial", "poisson"],
    location_scale: ["cauchy", "laplace", "normal", "uniform"],
    positive: ["beta", "chi2", "dirichlet", "exponential", "gamma", "studentT"],
    transformed: ["gumbel", "half_normal", "log_normal", "pareto", "transformed_distribution"],
}
for home, paths in PATHS.items():
    for path in paths:
        globals()[path] = sys.modules[f"{__name__}.{path}"] = home
