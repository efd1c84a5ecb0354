"""Resizing signals, images and volumes. Each rule: formula, forward, backward; then ``nn.functional``'s functions.

What is computed on arrays, once as the plain loop and once fast, is in ``minigrad/kernels/resizing.py``; ``taps`` are
its ``Taps`` along each dimension. Resizing is linear: so the gradient's gradient is resizing again.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.gate import checked
from minigrad.caller import warn_user
from minigrad.dtypes import NARROW
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.strides import as_pictures
from minigrad.kernels import resizing as kernels
from minigrad.kernels import volumes
from minigrad.kernels.resizing import Taps, cubic_weights
from minigrad.ops.adaptive_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d
from minigrad.ops.volume_pooling import adaptive_avg_pool3d

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]


AS_IT_IS: Taps = [(np.zeros(1, np.int64), None)]  # the one row of a signal


def computed(of_images, of_volumes, x, taps, *size):
    """What one of two kernels makes of images or volumes x, perhaps of a ``size``; a signal is an image of one row."""
    wide = x.astype(np.float32) if x.dtype in NARROW else x
    if x.ndim == 3:
        z = of_images(wide[:, :, None], *[(1, *each) for each in size], AS_IT_IS, *taps)[:, :, 0]
    else:
        z = (of_images if x.ndim == 4 else of_volumes)(wide, *size, *taps)
    return z.astype(x.dtype, copy=False)


class Upsample(Function):
    """z[h, w] = Σ weight · weight · x[position, position]: (N, C, H, W) -> (N, C, h, w), and so in other dimensions.

    Each subclass is a way to choose positions and weights, and has PyTorch's name.
    """

    result_strides = as_pictures

    def forward(ctx, x, *, taps):
        ctx.size, ctx.taps = x.shape[2:], taps
        return computed(kernels.resize, volumes.resize, x, taps)

    def backward(ctx, grad_z):
        grad_x = UpsampleBackward.apply(grad_z, size=ctx.size, taps=ctx.taps)
        return grad_x


class UpsampleBackward(Function):
    """Zeros to which each element of z adds its gradient at the elements of x that it was made of."""

    def forward(ctx, grad, *, size, taps):
        ctx.taps = taps
        return computed(kernels.spread_resized, volumes.spread_resized, grad, taps, size)

    def backward(ctx, grad_z):
        grad_grad = Upsample.apply(grad_z, taps=ctx.taps)
        return grad_grad


class UpsampleNearest1D(Upsample):
    """z = the element of x that lies under its left end."""


class UpsampleNearest2D(Upsample):
    """z = the element of x that lies under its upper left corner."""


class UpsampleNearest3D(Upsample):
    """z = the element of x that lies under its upper left corner in front."""


class UpsampleNearestExact1D(Upsample):
    """z = the element of x that lies under its middle."""


class UpsampleNearestExact2D(Upsample):
    """z = the element of x that lies under its middle."""


class UpsampleNearestExact3D(Upsample):
    """z = the element of x that lies under its middle."""


class UpsampleLinear1D(Upsample):
    """z = on the line between the two nearest elements of x."""


class UpsampleBilinear2D(Upsample):
    """z = on the lines between the four nearest elements of x."""


class UpsampleTrilinear3D(Upsample):
    """z = on the lines between the eight nearest elements of x."""


class UpsampleBicubic2D(Upsample):
    """z = on cubic curves through the sixteen nearest elements of x."""


class UpsampleBilinear2DAa(Upsample):
    """z = the mean of the elements of x around it, those nearer weighing more, along a line."""


class UpsampleBicubic2DAa(Upsample):
    """z = the mean of the elements of x around it, weighed by a cubic curve."""


SMOOTH_CUBIC = -0.5  # the slope that PyTorch takes where it smooths
UNALIGNED = ("nearest", "area", "nearest-exact")  # the modes that know no ``align_corners``


@checked
def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """The image in another size. Shapes: (N, C, H, W) -> (N, C, h, w), (N, C, L) -> (N, C, l), or so of volumes.

    Args:
        input: floating, or uint8 with the modes "nearest" and "nearest-exact".
        size: the new size, one integer or one a dimension; or
        scale_factor: what the old one is multiplied by, then rounded down; one number, or one a dimension.
        mode: "nearest" takes the element under the upper left corner of the new one, "nearest-exact" the one under its
            middle; "linear" (N, C, L), "bilinear" (N, C, H, W) and "trilinear" (N, C, D, H, W) lie on the lines between
            the nearest, "bicubic" (N, C, H, W) on cubic curves through four; "area" is ``adaptive_avg_pool``.
        align_corners: in linear and cubic modes, whether the middles of the corner elements stay where they are, or the
            corners.
        recompute_scale_factor: whether positions follow from the two sizes and not from ``scale_factor``.
        antialias: whether, in the modes "bilinear" and "bicubic", a smaller image is made of all elements, not only of
            those nearest.

    Raises:
        ValueError: not exactly one of ``size`` and ``scale_factor`` is given, its length is wrong, or an option is
            given that the mode has not.
        NotImplementedError: the mode is unknown, or not for so many dimensions, or not for this type.
        RuntimeError: the image, or the new one, is empty, or the new one is too large for memory or for 64 bits.
        TypeError: ``size`` is no whole number, or does not fit in 64 bits.
    """
    if mode in UNALIGNED and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    sizes, factors = sizes_and_factors(input, size, scale_factor, recompute_scale_factor)
    if antialias and (mode not in ("bilinear", "bicubic", "lanczos") or input.ndim != 4):
        raise ValueError("Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and a 4-D tensor")
    check_mode(input, mode, antialias)
    check_resizable(input, sizes, mode)
    if mode == "area":
        pool = {3: adaptive_avg_pool1d, 4: adaptive_avg_pool2d, 5: adaptive_avg_pool3d}[input.ndim]
        return pool(input, sizes)
    is_wide = input.dtype is dtypes.float64 and not (mode in UNALIGNED and input.ndim == 4)
    kind = np.dtype(np.float64 if is_wide else np.float32)  # PyTorch's choices: at a boundary rounding decides
    find = smooth_taps_of if antialias else taps_of
    taps = [find(mode, *each, bool(align_corners), kind) for each in zip(input.shape[2:], sizes, factors)]
    return OPERATIONS[mode, input.ndim, antialias].apply(input, taps=taps)


def sizes_and_factors(
    input: Tensor, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[list[int], list[float | None]]:
    """For each dimension the new size, and the factor that positions follow from; None: they follow from the sizes."""
    old = input.shape[2:]
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{'either' if size is None else 'only one of'} size or scale_factor should be defined")
    given = scale_factor if size is None else size
    values = list(given) if isinstance(given, (tuple, list)) else [given] * len(old)
    if len(values) != len(old):
        raise ValueError(
            f"Input and {'scale_factor' if size is None else 'output'} must have the same number of spatial "
            f"dimensions, but got input with spatial dimensions of {list(old)} and {given}"
        )
    if size is None:
        scaled = [float(length) * factor for length, factor in zip(old, values)]
        if not all(abs(each) < 2**63 for each in scaled):
            raise RuntimeError(f"value cannot be converted to type int64_t without overflow: sizes {scaled}")
        sizes = [math.floor(each) for each in scaled]
        return sizes, [None] * len(old) if recompute else values
    if recompute:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    try:
        if any(isinstance(each, bool) for each in values):
            raise TypeError
        sizes = [operator.index(each) for each in values]
    except TypeError:
        raise TypeError(
            f"expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got "
            f"size with types {[type(each).__name__ for each in values]}"
        ) from None
    if any(each >= 2**63 for each in sizes):
        raise TypeError(f"interpolate(): argument 'size' has no place in 64 bits: {sizes}")
    return sizes, [None] * len(old)


LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}  # along how many dimensions


def check_mode(input: Tensor, mode: str, antialias: bool) -> None:
    """Raise NotImplementedError for a mode, or a number of dimensions, that is unknown or not here."""
    if mode in LINEAR and input.ndim in (3, 4, 5) and input.ndim != LINEAR[mode] + 2:
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {LINEAR[mode] + 2}D input")
    if (mode, input.ndim, antialias) not in OPERATIONS and not (mode == "area" and input.ndim in (3, 4, 5)):
        raise NotImplementedError(
            f"interpolate: 3D, 4D and 5D input in the modes nearest | linear | bilinear | bicubic | trilinear | area | "
            f"nearest-exact is supported (got {input.ndim}D in mode {mode}, antialias {antialias})"
        )


def check_resizable(input: Tensor, sizes: Sequence[int], mode: str) -> None:
    """Raise PyTorch's error for an empty image, an empty result, or a type that the mode is not defined on."""
    if min(*input.shape[1:], *sizes) < 1:
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input {list(input.shape)} and output "
            f"{list(sizes)}"
        )
    is_taken = mode in ("nearest", "nearest-exact") and input.dtype is dtypes.uint8
    if not input.is_floating_point() and not is_taken:
        raise NotImplementedError(f'"interpolate" in mode {mode} not implemented for {input.dtype}')


# By mode, number of dimensions, and whether it smooths.
OPERATIONS: dict[tuple[str, int, bool], Any] = {
    ("nearest", 3, False): UpsampleNearest1D,
    ("nearest", 4, False): UpsampleNearest2D,
    ("nearest", 5, False): UpsampleNearest3D,
    ("nearest-exact", 3, False): UpsampleNearestExact1D,
    ("nearest-exact", 4, False): UpsampleNearestExact2D,
    ("nearest-exact", 5, False): UpsampleNearestExact3D,
    ("linear", 3, False): UpsampleLinear1D,
    ("bilinear", 4, False): UpsampleBilinear2D,
    ("bilinear", 4, True): UpsampleBilinear2DAa,
    ("bicubic", 4, False): UpsampleBicubic2D,
    ("bicubic", 4, True): UpsampleBicubic2DAa,
    ("trilinear", 5, False): UpsampleTrilinear3D,
}


def scale_of(old: int, new: int, factor: float | None, align_corners: bool, kind: np.dtype) -> Any:
    """How many old elements a new one stands for, in the type ``kind``."""
    if align_corners:
        return kind.type(old - 1) / kind.type(new - 1) if new > 1 else kind.type(0)
    return kind.type(old) / kind.type(new) if factor is None else kind.type(1 / factor)


def smooth_taps_of(mode: str, old: int, new: int, factor: float | None, align_corners: bool, kind: np.dtype) -> Taps:
    """:func:`taps_of` that reach as far as a new element does among the old ones, if that is farther."""
    scale = scale_of(old, new, factor, align_corners, kind)
    wide = max(scale, kind.type(1))
    reach = wide * (2 if mode == "bicubic" else 1)
    middle = scale * (np.arange(new, dtype=kind) + 0.5)
    first = np.maximum((middle - reach + 0.5).astype(np.int64), 0)
    end = np.minimum((middle + reach + 0.5).astype(np.int64), old)
    found = []
    for number in range((end - first).max(initial=1)):
        away = np.abs((first + number - middle + 0.5) / wide)
        weight = np.maximum(1 - away, 0)
        if mode == "bicubic":
            outer, inner = cubic_weights(away - 1, SMOOTH_CUBIC)[0][0], cubic_weights(away, SMOOTH_CUBIC)[1][0]
            weight = np.where(away < 1, inner, np.where(away < 2, outer, 0))
        found.append((np.minimum(first + number, old - 1), np.where(first + number < end, weight, 0)))
    total = sum(weight for _, weight in found)
    return [(places, (weight / total).astype(kind)) for places, weight in found]


def taps_of(mode: str, old: int, new: int, factor: float | None, align_corners: bool, kind: np.dtype) -> Taps:
    """Which old elements each new one is made of, along one dimension. Positions are computed in the type ``kind``."""
    places = np.arange(new, dtype=kind)
    scale = scale_of(old, new, factor, align_corners, kind)
    if mode == "nearest":
        return [(np.minimum(np.floor((places * scale).astype(np.float32)).astype(np.int64), old - 1), None)]
    if mode == "nearest-exact":
        return [(np.minimum(np.floor((places + 0.5) * scale).astype(np.int64), old - 1), None)]
    source = places * scale if align_corners else (places + 0.5) * scale - 0.5
    if mode == "bicubic":
        second = np.floor(source).astype(np.int64)
        weights = [weight for weight, _ in cubic_weights(source - second.astype(kind))]
        return [(np.clip(second + step, 0, old - 1), weight) for step, weight in zip((-1, 0, 1, 2), weights)]
    source = np.maximum(source, 0)
    below = np.minimum(np.floor(source).astype(np.int64), old - 1)
    share = np.minimum(source - below.astype(kind), 1)
    return [(below, 1 - share), (np.minimum(below + 1, old - 1), share)]


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """:func:`interpolate` by its older name, which warns. Shapes: as there."""
    warn_user("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: float | Sequence[float] | None = None) -> Tensor:
    """:func:`interpolate` in the mode "nearest" by its older name, which warns. Shapes: as there."""
    warn_user("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor)


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: float | Sequence[float] | None = None) -> Tensor:
    """:func:`interpolate` in the mode "bilinear", corners aligned, by its older name, which warns. Shapes: as there."""
    warn_user("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)
