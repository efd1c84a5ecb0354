"""Invertible functions y = f(x) of random numbers, with what they do to a density: log |dy/dx|."""

import functools
import math
import operator
from typing import Any

import minigrad
from minigrad import Tensor
from minigrad.distributions import constraints
from minigrad.distributions.utils import sum_rightmost
from minigrad.nn import functional as F

__all__ = ["AbsTransform", "AffineTransform", "ComposeTransform", "ExpTransform", "SigmoidTransform"]
__all__ += ["SoftplusTransform", "TanhTransform", "Transform", "identity_transform"]


class Transform:
    """The base: a subclass has ``_call``, ``_inverse`` and ``log_abs_det_jacobian``.

    Args:
        cache_size: 1 keeps the last x and y, so that the inverse of a y that was just computed is x itself.

    Attributes:
        domain, codomain: the constraints of x and y.
        bijective: whether each y has one x.

    Raises:
        ValueError: another ``cache_size`` than 0 or 1.
    """

    bijective: Any = False
    domain: Any = constraints.real
    codomain: Any = constraints.real

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size = cache_size
        self._cached = None, None

    @property
    def sign(self) -> Any:
        """1 where y grows with x, -1 where it falls."""
        raise NotImplementedError

    @property
    def event_dim(self) -> int:
        """How many dimensions are transformed together.

        Raises:
            ValueError: x and y differ in it.
        """
        if self.domain.event_dim == self.codomain.event_dim:
            return int(self.domain.event_dim)
        raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")

    @functools.cached_property
    def inv(self) -> "Transform":
        """The inverse, whose inverse is this one."""
        return _InverseTransform(self)

    def with_cache(self, cache_size=1):
        """The same with this ``cache_size``."""
        return self if self._cache_size == cache_size else type(self)(cache_size=cache_size)

    def __eq__(self, other):
        return type(self) is type(other) and self._made_of() == other._made_of()

    __hash__ = object.__hash__

    def _made_of(self):
        """What makes two transforms of a class equal."""
        return ()

    def __call__(self, x: Tensor) -> Tensor:
        """f(x). Shapes: x -> :meth:`forward_shape`."""
        return self._remembered(0, x)

    def _remembered(self, which, given):
        """The other of the last pair of x and y if ``given`` is the one, else computed."""
        if self._cache_size and given is self._cached[which]:
            return self._cached[1 - which]
        found = self._inverse(given) if which else self._call(given)
        if self._cache_size:
            self._cached = (found, given) if which else (given, found)
        return found

    def _call(self, x):
        raise NotImplementedError

    def _inverse(self, y):
        raise NotImplementedError

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log |dy/dx| of an x and its y. Shape: theirs without the last ``event_dim`` dimensions."""
        raise NotImplementedError

    def forward_shape(self, shape):
        """The shape of y for that of x."""
        return shape

    def inverse_shape(self, shape):
        """The shape of x for that of y."""
        return shape

    def __repr__(self):
        return f"{type(self).__name__}()"


class _InverseTransform(Transform):
    """The inverse of another transform."""

    def __init__(self, transform):
        super().__init__(transform._cache_size)
        self.inv = transform

    domain = constraints.dependent_property(lambda self: self.inv.codomain, is_discrete=False)
    codomain = constraints.dependent_property(lambda self: self.inv.domain, is_discrete=False)
    bijective = property(lambda self: self.inv.bijective)
    sign = property(lambda self: self.inv.sign)

    def with_cache(self, cache_size=1):
        return self.inv.with_cache(cache_size).inv

    def _made_of(self):
        return self.inv

    def __call__(self, x):
        return self.inv._remembered(1, x)

    def log_abs_det_jacobian(self, x, y):
        return -self.inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape):
        return self.inv.inverse_shape(shape)

    def inverse_shape(self, shape):
        return self.inv.forward_shape(shape)

    def __repr__(self):
        return f"_InverseTransform({self.inv!r})"


class ComposeTransform(Transform):
    """Several one after the other: ``parts[0]`` first."""

    def __init__(self, parts, cache_size=0):
        super().__init__(cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else parts

    def _made_of(self):
        return self.parts

    def _end(self, parts, first, last):
        """The ``first`` constraint of the first of ``parts``, with as many event dimensions as all need."""
        if not parts:
            return constraints.real
        end, event_dim = getattr(parts[0], first), getattr(parts[-1], last).event_dim
        for part in reversed(parts):
            event_dim += getattr(part, first).event_dim - getattr(part, last).event_dim
            event_dim = max(event_dim, getattr(part, first).event_dim)
        return constraints.independent(end, event_dim - end.event_dim) if event_dim > end.event_dim else end

    domain = constraints.dependent_property(lambda self: self._end(self.parts, "domain", "codomain"), "Of the first.")
    codomain = constraints.dependent_property(
        lambda self: self._end(self.parts[::-1], "codomain", "domain"), "Of the last."
    )
    bijective = property(lambda self: all(part.bijective for part in self.parts), doc="Whether all are.")
    sign = property(lambda self: math.prod([part.sign for part in self.parts]), doc="The product of theirs.")

    @functools.cached_property
    def inv(self):
        """The inverses, the last first."""
        inverse = ComposeTransform([part.inv for part in reversed(self.parts)])
        inverse.inv = self
        return inverse

    def with_cache(self, cache_size=1):
        return self if self._cache_size == cache_size else ComposeTransform(self.parts, cache_size)

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x

    def log_abs_det_jacobian(self, x, y):
        if not self.parts:
            return minigrad.zeros_like(x)
        xs = [x]
        for part in self.parts[:-1]:
            xs.append(part(xs[-1]))
        terms, event_dim = [], self.domain.event_dim
        for part, before, after in zip(self.parts, xs, [*xs[1:], y], strict=True):
            terms.append(sum_rightmost(part.log_abs_det_jacobian(before, after), event_dim - part.domain.event_dim))
            event_dim += part.codomain.event_dim - part.domain.event_dim
        return functools.reduce(operator.add, terms)

    def forward_shape(self, shape):
        return functools.reduce(lambda shape, part: part.forward_shape(shape), self.parts, shape)

    def inverse_shape(self, shape):
        return functools.reduce(lambda shape, part: part.inverse_shape(shape), reversed(self.parts), shape)

    def __repr__(self):
        return f"{type(self).__name__}(\n    " + ",\n    ".join(map(repr, self.parts)) + "\n)"


identity_transform = ComposeTransform([])


class AffineTransform(Transform):
    """y = loc + scale · x, of tensors or numbers; over the last ``event_dim`` dimensions the Jacobian is summed."""

    bijective = True

    def __init__(self, loc, scale, event_dim=0, cache_size=0):
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    event_dim = property(lambda self: self._event_dim, doc="As it was given.")

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        """All numbers."""
        return constraints.independent(constraints.real, self.event_dim) if self.event_dim else constraints.real

    codomain = domain

    @property
    def sign(self):
        """That of ``scale``."""
        return self.scale.sign() if isinstance(self.scale, Tensor) else (self.scale > 0) - (self.scale < 0)

    def with_cache(self, cache_size=1):
        same = self._cache_size == cache_size
        return self if same else AffineTransform(self.loc, self.scale, self.event_dim, cache_size)

    def __eq__(self, other):
        if not isinstance(other, AffineTransform):
            return False
        pairs = ((self.loc, other.loc), (self.scale, other.scale))
        return all(bool(minigrad.as_tensor(ours == theirs).all()) for ours, theirs in pairs)

    __hash__ = object.__hash__

    def _call(self, x):
        return self.loc + self.scale * x

    def _inverse(self, y):
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x, y):
        if isinstance(self.scale, Tensor):
            logarithm = minigrad.abs(self.scale).log()
        else:
            logarithm = minigrad.full_like(x, math.log(abs(self.scale)))
        return sum_rightmost(logarithm, self.event_dim).expand(x.shape[: x.dim() - self.event_dim])

    def forward_shape(self, shape):
        return minigrad.broadcast_shapes(shape, *[getattr(each, "shape", ()) for each in (self.loc, self.scale)])

    inverse_shape = forward_shape


class Increasing(Transform):
    """What the next four have in common: y grows with x."""

    bijective = True
    sign = 1


class ExpTransform(Increasing):
    """y = exp x."""

    codomain = constraints.positive

    _call = staticmethod(minigrad.exp)
    _inverse = staticmethod(minigrad.log)

    def log_abs_det_jacobian(self, x, y):
        return x


class SigmoidTransform(Increasing):
    """y = 1 / (1 + exp(-x)), kept off 0 and 1."""

    codomain = constraints.unit_interval

    def _clamped(self, y):
        limits = minigrad.finfo(y.dtype)
        return y.clamp(min=limits.tiny, max=1.0 - limits.eps)

    def _call(self, x):
        return self._clamped(minigrad.sigmoid(x))

    def _inverse(self, y):
        y = self._clamped(y)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x, y):
        return -F.softplus(-x) - F.softplus(x)


class SoftplusTransform(Increasing):
    """y = log(1 + exp x)."""

    codomain = constraints.positive

    _call = staticmethod(F.softplus)

    def _inverse(self, y):
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x, y):
        return -F.softplus(-x)


class TanhTransform(Increasing):
    """y = tanh x. The inverse is infinite where y is rounded to ±1: ``cache_size=1`` remembers x there."""

    codomain = constraints.interval(-1.0, 1.0)

    _call = staticmethod(minigrad.tanh)
    _inverse = staticmethod(minigrad.atanh)

    def log_abs_det_jacobian(self, x, y):
        return 2.0 * (math.log(2.0) - x - F.softplus(-2.0 * x))


class AbsTransform(Transform):
    """y = |x|; of the two x the inverse is the positive one."""

    codomain = constraints.positive

    _call = staticmethod(minigrad.abs)

    def _inverse(self, y):
        return y
