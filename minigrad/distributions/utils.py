"""What distributions share: parameters brought to one shape, probabilities turned into logits and back."""

import functools

import minigrad
from minigrad import Tensor
from minigrad.nn import functional as F

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits"]

euler_constant = 0.57721566490153286060


def broadcast_all(*values: Tensor | float) -> tuple[Tensor, ...]:
    """The values as tensors of one shape. Numbers take the type of the first tensor, or else the default one.

    Raises:
        ValueError: one is neither a number nor a tensor.
        RuntimeError: the shapes do not broadcast.
    """
    if not all(isinstance(each, (Tensor, int, float)) for each in values):
        raise ValueError("Input arguments must all be instances of Number or Tensor.")
    kinds = [each.dtype for each in values if isinstance(each, Tensor)] or [minigrad.get_default_dtype()]
    tensors = [each if isinstance(each, Tensor) else minigrad.tensor(each, dtype=kinds[0]) for each in values]
    return minigrad.broadcast_tensors(*tensors)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of logits: of log odds where ``is_binary``, else of log probabilities along the last dimension."""
    return minigrad.sigmoid(logits) if is_binary else F.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """``probs`` moved into [eps, 1 - eps], where eps is that of its type."""
    eps = minigrad.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The inverse of :func:`logits_to_probs`; probabilities 0 and 1 are clamped, so that it is finite."""
    inside = clamp_probs(probs)
    return minigrad.log(inside) - minigrad.log1p(-inside) if is_binary else minigrad.log(inside)


class lazy_property(functools.cached_property):
    """A property that is computed when it is first asked for, with gradients, and then kept."""

    def __get__(self, instance, owner=None):
        with minigrad.enable_grad():
            return super().__get__(instance, owner)


class ProbsOrLogits:
    """Parameters of which one is given and the other follows."""

    is_binary = True

    _param = property(lambda self: vars(self)["probs" if "probs" in vars(self) else "logits"])
    param_shape = property(lambda self: self._param.shape, doc="The shape of the one.")

    @lazy_property
    def logits(self):
        """Log odds; of several outcomes logarithms of probabilities."""
        return probs_to_logits(self.probs, self.is_binary)

    @lazy_property
    def probs(self):
        """Probabilities."""
        return logits_to_probs(self.logits, self.is_binary)

    def _take_one(self, probs, logits):
        """Keep the one that is given, as it is. Raises ValueError unless it is one."""
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        vars(self).update({"probs": probs} if logits is None else {"logits": logits})


def standard_normal(shape, like):
    """Normal numbers of mean 0 and deviation 1, in the type of ``like``."""
    return minigrad.empty(shape, dtype=like.dtype).normal_()


def sum_rightmost(value, dim):
    """The sum over the last ``dim`` dimensions."""
    return value.reshape(value.shape[: value.dim() - dim] + (-1,)).sum(-1) if dim else value
