"""Pooling to the norm of each window: the average of powers, taken back. Functions of ``nn.functional``, composed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minigrad.arguments.dims import Sizes
from minigrad.graph.node import Tensor
from minigrad.ops.pooling import as_sizes, avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from minigrad.ops.volume_pooling import avg_pool3d, max_pool3d

__all__ = ["lp_pool1d", "lp_pool2d", "lp_pool3d"]

POOLS: dict[int, tuple[Callable[..., Any], ...]] = {1: (avg_pool1d, max_pool1d), 2: (avg_pool2d, max_pool2d)}
POOLS |= {3: (avg_pool3d, max_pool3d)}


def power_pool(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None, ceil_mode: bool, dims: int
) -> Tensor:
    """(Σ x^p)^(1/p) over each window, p the ``norm_type``; ∞ takes the largest size, -∞ the smallest."""
    average, largest = POOLS[dims]
    if norm_type == 0:
        raise ValueError(f"norm_type must be a non-zero value, but got {norm_type}")
    if norm_type == math.inf:
        return largest(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    if norm_type == -math.inf:
        return -largest(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    means = average(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    count = math.prod(as_sizes(f"lp_pool{dims}d", "kernel_size", kernel_size, dims))
    return (means.sign() * means.abs().relu()).mul(count).pow(1 / norm_type)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The ``norm_type``-norm of each window. Shapes: (N, C, L) -> (N, C, l). Source: Gulcehre et al., 2014.

    Raises:
        ValueError: ``norm_type`` is 0.
    """
    return power_pool(input, norm_type, kernel_size, stride, ceil_mode, 1)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """:func:`lp_pool1d` of images. Shapes: (N, C, H, W) -> (N, C, h, w). Errors: as there."""
    return power_pool(input, norm_type, kernel_size, stride, ceil_mode, 2)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """:func:`lp_pool1d` of volumes. Shapes: (N, C, D, H, W) -> (N, C, d, h, w). Errors: as there."""
    return power_pool(input, norm_type, kernel_size, stride, ceil_mode, 3)
