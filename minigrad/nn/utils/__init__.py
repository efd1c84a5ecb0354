"""What is done to all parameters of a network at once: clipping gradients, joining values into one vector.

What computes a parameter from others is in ``parametrize.py`` and ``parametrizations.py``, and as older programs have
it in ``older_norms.py`` and ``prune.py``; ``fusion.py`` joins layers. They load on use.
``rnn.py`` has what recurrent layers take besides tensors: sequences of several lengths, packed.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

from minigrad.caller import warn_user
from minigrad.creation import tensor
from minigrad.graph.function import taken_in
from minigrad.graph.grad_mode import no_grad
from minigrad.linalg.norms import vector_norm
from minigrad.nn.init import without_underscore
from minigrad.nn.utils import rnn
from minigrad.ops.joining import cat, stack
from minigrad.tensor import Tensor

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]
__all__ += ["parameters_to_vector", "rnn", "vector_to_parameters"]


Tensors = Iterable[Tensor] | Tensor


def as_list(parameters: Tensors) -> list[Tensor]:
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


@no_grad()
def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: Any = None
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
def clip_grads_with_norm_(parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: Any = None) -> None:
    """Scale the gradients, whose norm is ``total_norm``, down so that it is ``max_norm`` at most."""
    factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for each in as_list(parameters):
        if each.grad is not None:
            each.grad.mul_(factor)


def clip_grad_norm_(
    parameters: Tensors, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: Any = None
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
def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: Any = None) -> None:
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


clip_grad_norm = without_underscore(clip_grad_norm_, "torch.nn.utils")


# What loads on use: files of this folder by themselves, and functions by the file that has them.
LOADED_ON_USE = ["parametrizations", "parametrize", "prune", "stateless"]
FUSION = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights", "skip_init"]
OLDER_NORMS = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]
HOMES = dict.fromkeys(FUSION, "fusion") | dict.fromkeys(OLDER_NORMS, "older_norms")
__all__ += ["parametrizations", "parametrize", "stateless", *FUSION, *OLDER_NORMS]


def __getattr__(name: str) -> Any:
    if name in LOADED_ON_USE:
        return importlib.import_module(f"{__name__}.{name}")
    if name in HOMES:
        return getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
