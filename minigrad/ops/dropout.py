"""Dropout, of elements and of whole channels, as functions of ``nn.functional``: products with random zeros."""

from __future__ import annotations

import math
from collections.abc import Callable

from minigrad.arguments.gate import checked
from minigrad.caller import warn_user
from minigrad.creation import empty, empty_like, zeros
from minigrad.graph.node import Tensor

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]

SELU_BOUND = 1.7580993408473766  # SELU's values are above the negative of this


@checked
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each element is 0 with probability ``p``, the others divided by 1 - p. Shape: that of ``input``.

    Source: Srivastava et al., 2014.

    Raises:
        ValueError: ``p`` is no probability.
    """
    check_probability(p)
    return drop(input, empty_like, p, training, inplace)


def drop(input: Tensor, numbers: Callable[[Tensor], Tensor], p: float, training: bool, inplace: bool) -> Tensor:
    """In training ``input`` times the ``numbers`` for it, drawn: 0 with probability ``p``, else 1 / (1 - p)."""
    if not training or p == 0 or input.numel() == 0:
        return input
    kept = zeros((), dtype=input.dtype) if p == 1 else numbers(input).bernoulli_(1 - p).div_(1 - p)
    return input.mul_(kept) if inplace else input * kept


def drop_channels(input: Tensor, ndim: int, p: float, training: bool, inplace: bool) -> Tensor:
    """:func:`drop` of whole channels, of one sample where ``input`` has fewer than ``ndim`` dimensions."""
    if input.ndim == ndim:
        return drop(input, one_a_channel, p, training, inplace)
    samples = input.unsqueeze_(0) if inplace else input.unsqueeze(0)
    result = drop(samples, one_a_channel, p, training, inplace)
    return result.squeeze_(0) if inplace else result.squeeze(0)


def one_a_channel(input: Tensor) -> Tensor:
    """Uninitialized numbers, one for each channel of each sample. Shapes: (N, C, ...) -> (N, C, 1, ...)."""
    if input.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return empty(*input.shape[:2], *(1,) * (input.ndim - 2), dtype=input.dtype)


def check_probability(p: float) -> None:
    """Raise PyTorch's error where ``p`` is no probability: of NaN, which is neither below nor above, another one."""
    if not 0.0 <= p <= 1.0:
        kind = RuntimeError if math.isnan(p) else ValueError
        raise kind(f"dropout probability has to be between 0 and 1, but got {p}")


@checked
def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each channel is 0 with probability ``p``, the others divided by 1 - p. Shapes: (N, C, L) or (C, L).

    Source: Tompson et al., 2015.

    Raises:
        ValueError: ``p`` is no probability.
        RuntimeError: the input has other than two or three dimensions.
    """
    check_probability(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input")
    return drop_channels(input, 3, p, training, inplace)


@checked
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each channel is 0 with probability ``p``, the others divided by 1 - p. Shapes: (N, C, H, W).

    Three dimensions are taken for (N, C, L), as PyTorch takes them. Source: Tompson et al., 2015.

    Raises:
        ValueError: ``p`` is no probability.
        RuntimeError: the input has fewer than two dimensions.
    """
    check_probability(p)
    if input.ndim not in (3, 4):
        warn_user(
            f"dropout2d: Received a {input.ndim}-D input to dropout2d, which is deprecated and will result in an error "
            f"in a future release. To retain the behavior and silence this warning, please use dropout instead."
        )
    if input.ndim == 3:
        warn_user(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is "
            "desired - input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change "
            "in a future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W)."
        )
    return drop(input, one_a_channel, p, training, inplace)


@checked
def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each channel is 0 with probability ``p``, the others divided by 1 - p.

    Shapes: (N, C, D, H, W) or (C, D, H, W). Source: Tompson et al., 2015.

    Raises:
        ValueError: ``p`` is no probability.
        RuntimeError: the input has no dimension.
    """
    check_probability(p)
    if input.ndim not in (4, 5):
        warn_user(
            f"dropout3d: Received a {input.ndim}-D input to dropout3d, which is deprecated and will result in an error "
            f"in a future release. To retain the behavior and silence this warning, please use dropout instead. Note "
            f"that dropout3d exists to provide channel-wise dropout on inputs with 3 spatial dimensions, a channel "
            f"dimension, and an optional batch dimension (i.e. 4D or 5D inputs)."
        )
    return drop_channels(input, 5, p, training, inplace)


@checked
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """In training each element takes SELU's lowest value with probability ``p``. Shape: that of ``input``.

    All is then scaled and shifted so that mean 0 and variance 1 remain. Source: Klambauer et al., 2017.

    Raises:
        ValueError: ``p`` is no probability.
    """
    check_probability(p)
    return drop_to_bound(input, empty_like, p, training, inplace)


@checked
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """:func:`alpha_dropout` of whole channels. Shapes: (N, C, ...), the same out. Source: Klambauer et al., 2017.

    Raises:
        ValueError: ``p`` is no probability.
        RuntimeError: the input has fewer than two dimensions.
    """
    check_probability(p)
    return drop_to_bound(input, one_a_channel, p, training, inplace)


def drop_to_bound(
    input: Tensor, numbers: Callable[[Tensor], Tensor], p: float, training: bool, inplace: bool
) -> Tensor:
    """In training SELU's bound where ``numbers``, drawn from zero and one, are zero; then scaled and shifted."""
    if not training or p in (0, 1) or input.numel() == 0:
        return drop(input, numbers, p, training, inplace)
    scale = 1 / math.sqrt((SELU_BOUND**2 * p + 1) * (1 - p))
    kept = numbers(input).bernoulli_(1 - p)
    shift = (kept - 1).mul_(SELU_BOUND * scale).add_(SELU_BOUND * scale * p)
    kept.mul_(scale)
    return (input.mul_(kept) if inplace else input * kept).add_(shift)
