"""What every distribution has: its shapes, its checks, and the names of what can be asked of it.

Three shapes make up that of a sample: sample_shape (how many are drawn), batch_shape (how many distributions, each
with its own parameters) and event_shape (what one draw is). A density has the first two.

Read next: ``location_scale.py``.
"""

from typing import Any

import minigrad
from minigrad import Size, Tensor
from minigrad.caller import warn_user
from minigrad.distributions import constraints
from minigrad.distributions.utils import lazy_property

__all__ = ["Distribution"]


def not_known(distribution):
    raise NotImplementedError


class Distribution:
    """The base of all distributions. A parameter is checked where one is made, a value where its density is asked for.

    Attributes:
        has_rsample: whether :meth:`Distribution.rsample` can be differentiated.
        has_enumerate_support: whether the values can be listed: :meth:`Distribution.enumerate_support`.

    Args:
        batch_shape: that of the parameters.
        event_shape: that of one draw.
        validate_args: whether to check; None: as :meth:`Distribution.set_default_validate_args` says.

    Raises:
        ValueError: a parameter is not where its constraint wants it.
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    _validate_args = __debug__

    def __init__(self, batch_shape=(), event_shape=(), validate_args=None):
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        super().__init__()

    def _check_parameters(self):
        for name, constraint in self._defined("arg_constraints", {}).items():
            waiting = name not in vars(self) and isinstance(getattr(type(self), name, None), lazy_property)
            if constraints.is_dependent(constraint) or waiting:
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    def _defined(self, name, otherwise):
        """A constraint or several of the class, or else a warning that nothing can be checked."""
        try:
            return getattr(self, name)
        except NotImplementedError:
            warn_user(
                f"{self.__class__} does not define `{name}`. Please define it, or initialize the distribution with "
                f"`validate_args=False` to turn off validation."
            )
            return otherwise

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Let distributions made from now on check their parameters and values, or not.

        Raises:
            ValueError: not a bool.
        """
        if value not in (True, False):
            raise ValueError(f"validate_args must be True or False, got {value}")
        Distribution._validate_args = value

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with its parameters, and the distributions it is made of, expanded to ``batch_shape``.

        Raises:
            NotImplementedError: a subclass has an ``__init__`` of its own, but no ``expand``.
        """
        new = _instance
        if new is None:
            if not type(self).__init__.__module__.startswith(__package__):
                raise NotImplementedError(
                    f"Subclass {type(self).__name__} that defines a custom __init__ method must also define a custom "
                    f".expand() method."
                )
            new = object.__new__(type(self))
        batch_shape, depth = Size(batch_shape), len(self._batch_shape)
        vars(new).update(vars(self), _batch_shape=batch_shape)
        for name, value in vars(self).items():
            if isinstance(value, Distribution):
                setattr(new, name, value.expand(batch_shape + value.batch_shape[depth:]))
            elif isinstance(value, Tensor) and value.shape[:depth] == self._batch_shape:
                setattr(new, name, value.expand(batch_shape + value.shape[depth:]))
        return new

    batch_shape = property(lambda self: self._batch_shape, doc="The shape of the parameters: one distribution each.")
    event_shape = property(lambda self: self._event_shape, doc="The shape of one draw.")
    arg_constraints: Any = property(not_known, doc="Where each parameter may lie, by its name.")
    support: Any = property(not_known, doc="Where a value may lie.")
    mean: Any = property(not_known, doc="The mean. Shape: batch_shape + event_shape.")
    variance: Any = property(
        not_known, doc="The mean square of the distance from the mean. Shape: batch_shape + event_shape."
    )
    stddev: Any = property(
        lambda self: self.variance.sqrt(), doc="The square root of the variance. Shape: batch_shape + event_shape."
    )

    @property
    def mode(self) -> Tensor:
        """The likeliest value. Shape: batch_shape + event_shape.

        Raises:
            NotImplementedError: it is not known.
        """
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draws, without gradient. Shape: sample_shape + batch_shape + event_shape."""
        with minigrad.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draws written as a function of the parameters, through which their gradients pass (Kingma & Welling 2014).

        Shape: sample_shape + batch_shape + event_shape.
        """
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """``sample((n,))``. Shape: (n,) + batch_shape + event_shape."""
        warn_user("`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning)
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or probability, of ``value``.

        Shapes: sample_shape + batch_shape + event_shape -> sample_shape + batch_shape.

        Raises:
            ValueError: a value cannot be drawn, or its shape is no such.
        """
        self._check(value)
        return self._log_prob(value)

    def _log_prob(self, value):
        """The same of a value that has been checked."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of a draw up to ``value``. Shapes: as :meth:`log_prob`."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of :meth:`cdf`: up to where a draw lies with probability ``value``. Shapes: as there."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values, along a new first dimension.

        Shape: (how many,) + batch_shape + event_shape; unless ``expand``, the batch's sizes are 1.
        """
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The mean of -log_prob. Shape: batch_shape."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """The exponential of the entropy. Shape: batch_shape."""
        return minigrad.exp(self.entropy())

    def _extended_shape(self, sample_shape=()):
        return Size(tuple(sample_shape) + self._batch_shape + self._event_shape)

    def _check(self, value):
        """What ``log_prob`` and ``cdf`` do first."""
        if self._validate_args:
            self._validate_sample(value)

    def _validate_sample(self, value):
        """Raise PyTorch's error for a value that cannot be drawn."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, expected = value.shape, Size(self._batch_shape + self._event_shape)
        if shape[value.dim() - len(self._event_shape) :] != self._event_shape:
            raise ValueError(f"The right-most size of value must match event_shape: {shape} vs {self._event_shape}.")
        if any(1 != ours != theirs != 1 for ours, theirs in zip(reversed(shape), reversed(expected))):
            raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {expected}.")
        support = self._defined("support", None)
        if support is not None and not support.check(value).all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the "
                f"support ({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def _enumerated(self, values, expand):
        """``values`` along the first dimension, before the batch and the event."""
        values = values.view((-1,) + (1,) * len(self._batch_shape) + self._event_shape)
        return values.expand((-1,) + self._batch_shape + self._event_shape) if expand else values

    def __repr__(self):
        given = {name: value for name in self.arg_constraints if (value := vars(self).get(name)) is not None}
        told = [f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in given.items()]
        return f"{type(self).__name__}({', '.join(told)})"


class formula(property):
    """A property of one expression; it is told by the docstring of Distribution's property of its name."""

    def __set_name__(self, owner, name):
        self.__doc__ = getattr(Distribution, name).__doc__
