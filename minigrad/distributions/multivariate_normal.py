"""The normal distribution of vectors."""

import math

import minigrad
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution, formula
from minigrad.distributions.utils import lazy_property, standard_normal
from minigrad.linalg import cholesky, solve_triangular


class MultivariateNormal(Distribution):
    """exp(-(x - loc)ᵀ Σ⁻¹ (x - loc) / 2) / √det 2πΣ. All is computed with the lower triangular L of Σ = L Lᵀ.

    Args:
        loc: the mean. Shape: batch_shape + (n,).
        covariance_matrix: Σ, positive definite. Shape: batch_shape + (n, n), as of the other two.
        precision_matrix: or its inverse.
        scale_tril: or L itself, which costs least.

    Raises:
        ValueError: not one of the three is given, or something has too few dimensions.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        matrices = zip(list(self.arg_constraints)[1:], (covariance_matrix, precision_matrix, scale_tril), strict=True)
        given = [(name, matrix) for name, matrix in matrices if matrix is not None]
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given
        if matrix.dim() < 2:
            raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch_shape = minigrad.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand(batch_shape + (-1,))
        vars(self)[name] = matrix.expand(batch_shape + (-1, -1))
        super().__init__(batch_shape, loc.shape[-1:], validate_args=validate_args)
        if precision_matrix is not None:
            reversed_inverse = cholesky(minigrad.flip(matrix, (-2, -1)))
            matrix = inverse_of(minigrad.flip(reversed_inverse, (-2, -1)).mT)
        elif covariance_matrix is not None:
            matrix = cholesky(matrix)
        self._factor = matrix.expand(batch_shape + (-1, -1))

    @lazy_property
    def scale_tril(self):
        """L. Shape: batch_shape + (n, n)."""
        return self._factor

    @lazy_property
    def covariance_matrix(self):
        """Σ = L Lᵀ. Shape: batch_shape + (n, n)."""
        return self._factor @ self._factor.mT

    @lazy_property
    def precision_matrix(self):
        """Σ⁻¹. Shape: batch_shape + (n, n)."""
        inverse = inverse_of(self._factor)
        return inverse.mT @ inverse

    mean = formula(lambda self: self.loc)
    mode = formula(lambda self: self.loc)
    variance = formula(lambda self: self._factor.pow(2).sum(-1))
    _half_log_det = property(lambda self: self._factor.diagonal(dim1=-2, dim2=-1).log().sum(-1))

    def rsample(self, sample_shape=()):
        drawn = standard_normal(self._extended_shape(sample_shape), self.loc)
        return self.loc + (self._factor @ drawn.unsqueeze(-1)).squeeze(-1)

    def _log_prob(self, value):
        squares = mahalanobis(self._factor, value - self.loc)
        return -0.5 * (self.event_shape[0] * math.log(2 * math.pi) + squares) - self._half_log_det

    def entropy(self):
        return 0.5 * self.event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._half_log_det


def inverse_of(factor):
    """L⁻¹ of a lower triangular L."""
    return solve_triangular(factor, minigrad.eye(factor.shape[-1], dtype=factor.dtype), upper=False)


def mahalanobis(factor, x):
    """xᵀ Σ⁻¹ x = |L⁻¹ x|². Shapes: L (…, n, n), x (samples, …, n) -> (samples, …). One solve of many columns."""
    batch_shape = x.shape[x.dim() + 1 - factor.dim() : -1]
    columns = x.reshape((-1,) + batch_shape + x.shape[-1:]).movedim(0, -1)
    squares = solve_triangular(factor.expand(batch_shape + factor.shape[-2:]), columns, upper=False).pow(2).sum(-2)
    return squares.movedim(-1, 0).reshape(x.shape[:-1])
