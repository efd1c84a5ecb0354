"""Pictures and volumes read at any places: ``grid_sample``, and ``affine_grid``, which makes the places.

Source: Jaderberg et al., "Spatial Transformer Networks", 2015. A place between the elements is read from several of
them, its ``taps``: along each dimension one, two or four, whose weights are polynomials of where it lies between. Each
rule is written in operators, and so has gradients of every order.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.caller import warn_user
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor, unwrap
from minigrad.graph.values import constant_like
from minigrad.kernels.resizing import cubic_weights
from minigrad.ops.broadcasting import Sum
from minigrad.ops.picking import Pick, Zeros

__all__ = ["affine_grid", "grid_sample"]


def reflected(places, size, aligned):
    """``places`` mirrored at the first and last element, or at their outer edges, and whether they then run back."""
    least, span = (0, size - 1) if aligned else (-0.5, size)
    if span == 0:
        return np.zeros_like(places), np.zeros_like(places)
    flips, beyond = np.divmod(np.abs(places - least), span)
    is_back = flips % 2 == 1
    direction = np.where((places < least) != is_back, -1, 1).astype(places.dtype)
    return np.where(is_back, span - beyond, beyond) + least, direction


def kept_inside(places, size, padding, aligned):
    """``places`` along a dimension, where the padding moves them to, and how they move there as they move here."""
    moves = np.ones_like(places)
    if padding == "reflection":
        places, moves = reflected(places, size, aligned)
    if padding != "zeros":
        moves = moves * ((places > 0) & (places < size - 1))
        places = np.clip(places, 0, size - 1)
    return places, moves


def taps_along(g, size, mode, padding, aligned):
    """What a dimension is read from: (elements, are they inside, weights, and how the weights change with g) each."""
    rate = (size - 1) / 2 if aligned else size / 2
    place = (g + 1) * rate - (0 if aligned else 0.5)
    if mode != "bicubic":
        array = unwrap(place)
        moved, moves = kept_inside(array, size, padding, aligned)
        place = place * constant_like(moves, g) + constant_like(moved - moves * array, g)
        slope = constant_like(moves * rate, g)
    array = unwrap(place)
    if mode == "nearest":
        return [(*elements(np.rint(array), size), 1, 0)]
    below = np.floor(array)
    t = place - constant_like(below, g)
    if mode == "bilinear":
        return [(*elements(below, size), 1 - t, -slope), (*elements(below + 1, size), t, slope)]
    found = []
    for number, (weight, change) in enumerate(cubic_weights(t)):
        moved, _ = kept_inside(below + (number - 1), size, padding, aligned)
        found.append((*elements(moved, size), weight, change * rate))
    return found


def elements(places, size):
    """Whole ``places`` as an index, and which of them are inside; the others are 0."""
    inside = (places >= 0) & (places < size)
    return np.where(inside, places, 0).astype(np.int64), inside


class GridSampler2D(Function):
    """z[n, c, h, w] = Σ weights · x[n, c, elements] over the taps of the place grid[n, h, w], column and row."""

    saved_names = ("input", "grid")
    result_strides = None

    def forward(ctx, x, grid, **options):
        ctx.options = options
        ctx.save_for_backward(x, grid)
        z = np.zeros((*x.shape[:2], *grid.shape[1:-1]), x.dtype)
        for where, weight, _ in taps_of(grid, x.shape, **options):
            z += x[where] * weight[:, None]
        return z

    def backward(ctx, grad_z):
        x, grid = ctx.saved_tensors
        needs_x, needs_grid = ctx.needs_input_grad
        grad_x = grad_grid = None
        for where, weight, slopes in taps_of(grid, x.shape, **ctx.options):
            if needs_x:
                part = Zeros.apply(grad_z * weight[:, None], shape=x.shape, where=where)
                grad_x = part if grad_x is None else grad_x + part
            if needs_grid:
                arrived = Sum.apply(grad_z * Pick.apply(x, where=where), dim=(1,))
                part = arrived[..., None] * slopes
                grad_grid = part if grad_grid is None else grad_grid + part
        return grad_x, grad_grid


class GridSampler3D(GridSampler2D):
    """:class:`GridSampler2D` of volumes: column, row and depth."""


def taps_of(grid, shape, **options):
    """Of each tap where its elements are in x, its weights (N, ...) and their slopes along the grid (N, ..., dims)."""
    dims = len(shape) - 2
    planes = np.indices((*shape[:2], *(1,) * dims), sparse=True)[:2]
    along = [taps_along(grid[..., d], shape[-1 - d], **options) for d in range(dims)]
    for taps in product(*along):
        inside = np.logical_and.reduce([each[1] for each in taps])
        where = (*planes, *[each[0][:, None] for each in reversed(taps)])
        weight = constant_like(inside, grid)
        slopes = 0
        for d, (_, _, own, change) in enumerate(taps):
            slope = constant_like(inside, grid) * change
            for other, tap in enumerate(taps):
                slope = slope if other == d else slope * tap[2]
            slopes = slope[..., None] * constant_like(np.eye(dims)[d], grid) + slopes
            weight = weight * own
        yield where, weight, slopes


DEFAULT_CHANGED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)


@checked
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """The input read at the places of the grid, between its elements. Source: Jaderberg et al., 2015.

    Shapes: (N, C, H, W) and (N, h, w, 2) -> (N, C, h, w), or (N, C, D, H, W) and (N, d, h, w, 3) -> (N, C, d, h, w).

    Args:
        input: pictures or volumes.
        grid: places from -1 to 1: column, row and, of volumes, depth.
        mode: "bilinear" reads on the lines between the nearest elements, "nearest" the nearest, "bicubic" on cubic
            curves through four a dimension, of pictures only.
        padding_mode: what is beyond the input: "zeros", its "border" repeated, or its "reflection".
        align_corners: whether -1 and 1 are the middles of the corner elements, or their outer edges.

    Raises:
        ValueError: a mode is unknown.
        RuntimeError: the shapes or types do not fit, or the mode is not for volumes.
        NotImplementedError: the type is not floating.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if align_corners is None:
        warn_user(DEFAULT_CHANGED)
    sizes = f"got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.shape[:1] != grid.shape[:1]:
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, but {sizes}")
    if grid.shape[-1:] != (input.ndim - 2,):
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.ndim - 2} in last dimension, but {sizes}"
        )
    if input.ndim not in (4, 5) or grid.ndim != input.ndim:
        raise RuntimeError(
            f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but {sizes}"
        )
    if 0 in input.shape[2:]:
        raise RuntimeError(f"grid_sampler(): expected input to have non-empty spatial dimensions, but {sizes}")
    if mode == "bicubic" and input.ndim == 5:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input.dtype is not grid.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype} but found {grid.dtype}: input and grid are of one type")
    if not input.is_floating_point():
        raise NotImplementedError(f'"grid_sampler_cpu" not implemented for {input.dtype}')
    operation = GridSampler2D if input.ndim == 4 else GridSampler3D
    return operation.apply(input, grid, mode=mode, padding=padding_mode, aligned=bool(align_corners))


class AffineGridGenerator(Function):
    """z[n, place] = theta[n] · (column, row, ..., 1) of every place. ``base`` (places, dims + 1) has these."""

    result_strides = None

    def forward(ctx, theta, *, base, size):
        ctx.base, ctx.size = base, size
        places = base @ theta.swapaxes(1, 2).astype(base.dtype, copy=False)
        return places.reshape(len(theta), *size, -1).astype(theta.dtype, copy=False)

    def backward(ctx, grad_z):
        dims = len(ctx.size)
        flat = grad_z.reshape((grad_z.shape[0], len(ctx.base), dims)).swapaxes(1, 2)
        grad_theta = flat @ constant_like(ctx.base, grad_z)
        return grad_theta


@checked
def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The places that an affine map gives every element of a picture: a grid for :func:`grid_sample`.

    Shapes: theta (N, 2, 3) and ``size`` (N, C, H, W) -> (N, H, W, 2), or (N, 3, 4) and (N, C, D, H, W) ->
    (N, D, H, W, 3). ``align_corners``: as there. Source: Jaderberg et al., 2015.

    Raises:
        ValueError: theta is not floating or not of these shapes, or the size is empty.
        NotImplementedError: the size is of other than four or five dimensions.
        RuntimeError: theta is not of so many samples.
    """
    if align_corners is None:
        warn_user(DEFAULT_CHANGED)
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if len(size) not in (4, 5):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size "
            f"{size}."
        )
    dims = len(size) - 2
    if theta.ndim != 3 or theta.shape[1:] != (dims, dims + 1):
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size {size}. Got "
            f"{list(theta.shape)}."
        )
    if align_corners and min(size[2:]) == 1:
        warn_user(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This "
            "is not an intended use case of affine_grid. See the documentation of affine_grid for details.",
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    if len(theta) != size[0]:
        raise RuntimeError(f"affine_grid: expected theta of {size[0]} samples, but got {len(theta)}")
    kind = np.float64 if theta.array.dtype == np.float64 else np.float32
    base = np.ones((*size[2:], dims + 1), kind)
    for d, length in enumerate(reversed(size[2:])):
        places: Any = np.linspace(-1, 1, length, dtype=kind) if length > 1 else np.zeros(1, kind)
        if not align_corners:
            places = places * ((length - 1) / length)
        base[..., d] = places.reshape(-1, *(1,) * d)
    return AffineGridGenerator.apply(theta, base=base.reshape(-1, dims + 1), size=tuple(size[2:]))
