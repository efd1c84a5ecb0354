"""Where a parameter or a value may lie: an interval, the integers from 0, the vectors that sum to 1 …

``constraint.check(value)`` says whether each event in ``value`` may. Counterpart: torch.distributions.constraints.
"""

from typing import Any

import numpy as np

import minigrad
from minigrad import Tensor

__all__ = ["Constraint", "MixtureSameFamilyConstraint", "boolean", "dependent", "dependent_property", "greater_than"]
__all__ += ["greater_than_eq", "half_open_interval", "independent", "integer_interval", "interval", "is_dependent"]
__all__ += ["less_than", "lower_cholesky", "lower_triangular", "multinomial", "nonnegative", "nonnegative_integer"]
__all__ += ["one_hot", "positive", "positive_definite", "positive_integer", "real", "real_vector", "simplex"]
__all__ += ["square", "symmetric", "unit_interval"]


class Constraint:
    """A region.

    Attributes:
        is_discrete: whether it is of single points.
        event_dim: how many of the last dimensions of a value are one event.
        bounds: the names of what it is made with.
    """

    is_discrete: Any = False
    event_dim: Any = 0
    bounds: tuple[str, ...] = ()

    def __init__(self, *bounds, **named):
        vars(self).update(zip(self.bounds, bounds), **named)

    def check(self, value: Tensor) -> Tensor:
        """Whether each event lies in it. Shapes: sample_shape + batch_shape + event_shape -> without event_shape."""
        raise NotImplementedError

    def __repr__(self):
        told = ", ".join([f"{name}={getattr(self, name)}" for name in self.bounds])
        return f"{type(self).__name__.removeprefix('_')}({told})"


class _Dependent(Constraint):
    """A region that other values decide: it cannot be checked. ``dependent(event_dim=1)`` says what is known of it."""

    def __init__(self, **known):
        self._known = known

    def __call__(self, **known):
        return _Dependent(**{**self._known, **known})

    def _static(self, name):
        if name not in self._known:
            raise NotImplementedError(f".{name} cannot be determined statically")
        return self._known[name]

    is_discrete = property(lambda self: self._static("is_discrete"))
    event_dim = property(lambda self: self._static("event_dim"))

    def check(self, value):
        raise ValueError("Cannot determine validity of dependent constraint")


class dependent_property(property, _Dependent):
    """A property that gives a constraint; asked of the class it is one that other values decide."""

    def __init__(self, fn=None, doc=None, **known):
        property.__init__(self, fn, doc=doc)
        _Dependent.__init__(self, **known)

    def __call__(self, fn):
        return dependent_property(fn, **self._known)


def is_dependent(constraint: Any) -> bool:
    """Whether other values decide where it lies."""
    return isinstance(constraint, _Dependent)


class _IndependentConstraint(Constraint):
    """Events of ``reinterpreted_batch_ndims`` more dimensions: each is valid where all its parts are."""

    bounds = ("base_constraint", "reinterpreted_batch_ndims")
    is_discrete = property(lambda self: self.base_constraint.is_discrete)
    event_dim = property(lambda self: self.base_constraint.event_dim + self.reinterpreted_batch_ndims)

    def check(self, value):
        valid = self.base_constraint.check(value)
        if valid.dim() < self.reinterpreted_batch_ndims:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return valid.reshape(valid.shape[: valid.dim() - self.reinterpreted_batch_ndims] + (-1,)).all(-1)

    def __repr__(self):
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """Events that all components of a mixture allow."""

    bounds = ("base_constraint",)
    is_discrete = property(lambda self: self.base_constraint.is_discrete)
    event_dim = property(lambda self: self.base_constraint.event_dim)

    def check(self, value):
        if value.dim() < self.event_dim:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        valid = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        return valid.reshape(valid.shape[: value.dim() - self.event_dim] + (-1,)).all(-1)

    def __repr__(self):
        return f"MixtureSameFamilyConstraint({self.base_constraint!r})"


def region(name, check, *bounds, **known):
    """A class of constraints that are made with ``bounds``; ``known`` are ``is_discrete`` and ``event_dim``."""
    return type(name, (Constraint,), {"check": check, "bounds": bounds, **known})


def is_square(value):
    return minigrad.full(value.shape[:-2], value.shape[-2] == value.shape[-1], dtype=minigrad.bool)


def is_symmetric(value):
    square = is_square(value)
    return minigrad.isclose(value, value.mT, atol=1e-6).all(-1).all(-1) if square.all() else square


def is_positive_definite(value):
    symmetric = is_symmetric(value)
    eigenvalues = np.linalg.eigvalsh(value.detach().numpy()) if symmetric.all() else None
    return symmetric if eigenvalues is None else minigrad.tensor((eigenvalues > 0).all(-1))


def is_lower(value):
    return (value.tril() == value).all(-1).all(-1)


LOWER, UPPER = "lower_bound", "upper_bound"

dependent = _Dependent()
independent = _IndependentConstraint
real = region("_Real", lambda self, value: value == value)()  # all but NaN
real_vector = independent(real, 1)
greater_than = region("_GreaterThan", lambda self, value: self.lower_bound < value, LOWER)
greater_than_eq = region("_GreaterThanEq", lambda self, value: self.lower_bound <= value, LOWER)
less_than = region("_LessThan", lambda self, value: value < self.upper_bound, UPPER)
interval = region("_Interval", lambda self, x: (self.lower_bound <= x) & (x <= self.upper_bound), LOWER, UPPER)
half_open_interval = region(
    "_HalfOpenInterval", lambda self, x: (self.lower_bound <= x) & (x < self.upper_bound), LOWER, UPPER
)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)

boolean = region("_Boolean", lambda self, value: (value == 0) | (value == 1), is_discrete=True)()
integer_interval = region(
    "_IntegerInterval", lambda self, x: (x % 1 == 0) & interval.check(self, x), LOWER, UPPER, is_discrete=True
)
_IntegerGreaterThan = region(
    "_IntegerGreaterThan", lambda self, x: (x % 1 == 0) & (x >= self.lower_bound), LOWER, is_discrete=True
)
nonnegative_integer = _IntegerGreaterThan(0)
positive_integer = _IntegerGreaterThan(1)

simplex = region("_Simplex", lambda self, x: (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6), event_dim=1)()
one_hot = region("_OneHot", lambda self, x: boolean.check(x).all(-1) & x.sum(-1).eq(1), is_discrete=True, event_dim=1)()
multinomial = region(
    "_Multinomial",
    lambda self, x: (x >= 0).all(-1) & (x.sum(-1) <= self.upper_bound),
    *(UPPER,),
    is_discrete=True,
    event_dim=1,
    __repr__=lambda self: "Multinomial()",
)

square = region("_Square", lambda self, value: is_square(value), event_dim=2)()
symmetric = region("_Symmetric", lambda self, value: is_symmetric(value), event_dim=2)()
positive_definite = region("_PositiveDefinite", lambda self, value: is_positive_definite(value), event_dim=2)()
lower_triangular = region("_LowerTriangular", lambda self, value: is_lower(value), event_dim=2)()
lower_cholesky = region(
    "_LowerCholesky", lambda self, x: is_lower(x) & (x.diagonal(dim1=-2, dim2=-1) > 0).all(-1), event_dim=2
)()
