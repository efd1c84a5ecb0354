"""What is done to all parameters of a network at once: clipping gradients, joining values into one vector.

``rnn.py`` has what recurrent layers take besides tensors: sequences of several lengths, packed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

from minigrad.caller import warn_user
from minigrad.creation import tensor
from minigrad.graph.function import taken_in
from minigrad.graph.grad_mode import no_grad
from minigrad.linalg.norms import vector_norm
from minigrad.nn.utils import rnn
from minigrad.ops.joining import cat, stack
from minigrad.tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm", "parameters_to_vector"]
__all__ += ["rnn", "vector_to_parameters"]


def as_list(parameters: Iterable[Tensor] | Tensor) -> list[Tensor]:
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


@no_grad()
def get_total_norm(
    tensors: Iterable[Tensor] | Tensor, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: Any = None
) -> Tensor:
    """The ``norm_type``-norm of all tensors' elements taken together. ``foreach`` changes nothing. Shapes: any -> ().

    Raises:
        RuntimeError: it is not finite, and ``error_if_nonfinite`` is true.
    """
    norm_type = float(norm_type)
    norms = [vector_norm(each, norm_type) for each in as_list(tensors)]
    if not norms:
        return tensor(0.0)
    total = vector_norm(stack(norms), norm_type)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(
            f"The total norm of order {float(norm_type)} for gradients from `parameters` is non-finite, so it cannot "
            f"be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            f"`error_if_nonfinite=False`"
        )
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Iterable[Tensor] | Tensor, max_norm: float, total_norm: Tensor, foreach: Any = None
) -> None:
    """Scale the gradients, whose norm is ``total_norm``, down so that it is ``max_norm`` at most."""
    factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for each in as_list(parameters):
        if each.grad is not None:
            each.grad.mul_(factor)


def clip_grad_norm_(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: Any = None,
) -> Tensor:
    """Scale all gradients down so that their norm, taken together, is ``max_norm`` at most. Returns the norm before.

    Shapes: any -> ().

    Raises:
        RuntimeError: it is not finite, and ``error_if_nonfinite`` is true.

    Source: Pascanu et al., 2012.

    >>> x = minigrad.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> minigrad.nn.utils.clip_grad_norm_(x, 1.0)
    tensor(10.)
    >>> x.grad
    tensor([0.6000, 0.8000])
    """
    listed = as_list(parameters)
    if isinstance(parameters, GeneratorType) and not listed:
        warn_user("`parameters` is an empty generator, no gradient clipping will occur.")
    total = get_total_norm([each.grad for each in listed if each.grad is not None], norm_type, error_if_nonfinite)
    clip_grads_with_norm_(listed, max_norm, total)
    return total


@no_grad()
def clip_grad_value_(parameters: Iterable[Tensor] | Tensor, clip_value: float, foreach: Any = None) -> None:
    """Bring every element of the gradients into ±``clip_value``."""
    clip_value = float(clip_value)
    for each in as_list(parameters):
        if each.grad is not None:
            each.grad.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of the parameters one after the other, with history. Shapes: any -> (n,)."""
    return cat([each.reshape(-1) for each in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the slices of ``vec`` (n,) into the parameters, in order; they then share its memory.

    Raises:
        TypeError: ``vec`` is no tensor.
    """
    vec = taken_in(vec)
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected minigrad.Tensor, but got: {type(vec).__name__}")
    start = 0
    for each in parameters:
        each.data = vec[start : start + each.numel()].view_as(each).data
        start += each.numel()
