"""Elements repeated, and put in another order. Each gradient goes the way back. Rules, then what users call.

Pieces and windows are in ``cutting.py``, diagonals and triangles in ``diagonals.py``.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments.checks import check_tensors
from minigrad.arguments.dims import as_shape, normalize_dim, normalize_dims
from minigrad.arguments.gate import LEFT_OUT, checked, welcoming
from minigrad.creation import arange, from_numpy
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.strides import as_like, keep_strides, lay_in_order
from minigrad.ops.shape import Reshape

__all__ = ["flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile"]


class Repeat(Function):
    """z = x repeated ``repeats[i]`` times along dimension i; x counts as having as many dimensions as ``repeats``."""

    result_strides = None

    def forward(ctx, x, *, repeats):
        ctx.shape, ctx.repeats = x.shape, repeats
        return np.tile(x, repeats)

    def backward(ctx, grad_z):
        padded = (1,) * (len(ctx.repeats) - len(ctx.shape)) + ctx.shape
        pairs = [size for pair in zip(ctx.repeats, padded) for size in pair]  # each dimension as repetition, place
        if not pairs:
            return grad_z
        summed = Reshape.apply(grad_z, shape=tuple(pairs)).sum(tuple(range(0, len(pairs), 2)))
        grad_x = Reshape.apply(summed, shape=ctx.shape)  # every repetition of an element
        return grad_x


def repeat(input: Tensor, *numbers: Any, repeats: Any = None) -> Tensor:
    """``input`` repeated so often along each dimension, further ones counted in front.

    Shapes: (a, b) -> (n · a, m · b) for ``repeat(n, m)``.

    Raises:
        RuntimeError: there are fewer numbers than dimensions, or one is negative.
    """
    if not numbers and repeats is None:
        raise TypeError('repeat() missing 1 required positional arguments: "repeats"')
    counts = as_shape(numbers if repeats is None else (repeats,))
    if len(counts) < input.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: "
            f"{len(counts)} and {input.ndim}"
        )
    if builtins.any(count < 0 for count in counts):
        raise RuntimeError(f"Trying to create tensor with negative dimension: repeats {list(counts)}")
    return Repeat.apply(input, repeats=counts)


@welcoming
def tile(input: Tensor, *numbers: Any, dims: Any = None) -> Tensor:
    """:func:`repeat`, with 1 for the dimensions in front that ``dims`` leaves out.

    Shapes: (a, b) -> (n · a, m · b) for ``tile(n, m)``.

    Raises:
        RuntimeError: a number of repetitions is negative.
    """
    check_tensors("tile", input=input)
    if not numbers and dims is None:
        raise TypeError('tile() missing 1 required positional arguments: "dims"')
    counts = as_shape(numbers if dims is None else (dims,))
    return repeat(input, (1,) * (input.ndim - len(counts)) + counts)


class Flip(Function):
    """z = x with the order of its elements reversed along ``dims``: a copy."""

    result_strides = as_like

    def forward(ctx, x, *, dims):
        ctx.dims = dims
        return np.flip(x, dims).copy()

    def backward(ctx, grad_z):
        grad_x = Flip.apply(grad_z, dims=ctx.dims)
        return grad_x


@welcoming
def flip(input: Tensor, *positions: Any, dims: Any = None) -> Tensor:
    """The order reversed along ``dims``, also given one by one: a copy. Shape: that of ``input``.

    Raises:
        RuntimeError: a dim is named twice.
    """
    check_tensors("flip", input=input)
    if not positions and dims is None:
        raise TypeError('flip() missing 1 required positional arguments: "dims"')
    chosen = as_shape(positions if dims is None else (dims,))
    return Flip.apply(input, dims=normalize_dims(chosen, input.ndim) if chosen else ())


@checked
def fliplr(input: Tensor) -> Tensor:
    """The second dimension reversed. Shape: that of ``input``.

    Raises:
        RuntimeError: the input has fewer than two dimensions.
    """
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@checked
def flipud(input: Tensor) -> Tensor:
    """The first dimension reversed. Shape: that of ``input``.

    Raises:
        RuntimeError: the input has no dimension.
    """
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


class Roll(Function):
    """z = x moved along by ``shifts``; what leaves at one end enters at the other. Without ``dims``, x flattened."""

    result_strides = None

    def forward(ctx, x, *, shifts, dims):
        ctx.shifts, ctx.dims = shifts, dims
        return np.asarray(np.roll(x, shifts[0] if dims is None else shifts, dims), order="C")

    def backward(ctx, grad_z):
        grad_x = Roll.apply(grad_z, shifts=tuple([-shift for shift in ctx.shifts]), dims=ctx.dims)
        return grad_x


@checked
def roll(input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """The elements moved along by ``shifts``, those that leave entering at the other end. Shape: that of ``input``.

    Raises:
        RuntimeError: there are as many shifts as dims, or one shift and no dim.
        IndexError: a dim is named and the input has none.
    """
    moves = as_shape((shifts,))
    places = None if dims is None or dims == () else as_shape((dims,))
    if not moves:
        raise RuntimeError("`shifts` required")
    if len(moves) != (1 if places is None else len(places)):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(moves)}, dims: {len(places or ())}")
    if places and input.ndim == 0:
        raise IndexError(f"Dimension specified as {places[0]} but tensor has no dimensions")
    if places is not None:
        places = tuple([normalize_dim(each, input.ndim) for each in places])
    if input.ndim == 0:
        return input.clone()
    return Roll.apply(input, shifts=moves, dims=places)


class Rot90(Function):
    """z = x turned by ``k`` quarters from the first of two ``dims`` towards the second."""

    result_strides = None

    def forward(ctx, x, *, k, dims):
        ctx.k, ctx.dims = k, dims
        if k % 4 == 0:
            return x.copy()
        z = np.flip(x, {1: dims[1], 2: dims, 3: dims[0]}[k % 4]).copy(order="K")
        return z.swapaxes(*dims) if k % 2 else z

    def backward(ctx, grad_z):
        grad_x = Rot90.apply(grad_z, k=-ctx.k, dims=ctx.dims)
        return grad_x


@checked
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned by ``k`` quarters in the plane of ``dims``, from the first towards the second.

    Shapes: (a, b) -> (b, a) for an odd ``k``, else the same.

    Raises:
        RuntimeError: there are not two different dims, or the input has fewer.
    """
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == input.ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    for each in dims:
        if not -input.ndim <= each < input.ndim:
            raise RuntimeError(f"Rotation dim out of range, dim = {each}")
    places = tuple([normalize_dim(each, input.ndim) for each in dims])
    lay_in_order(input)
    turned = Rot90.apply(input, k=k, dims=places)
    keep_strides(turned)  # PyTorch swaps dimensions without copying
    return turned


@checked
def repeat_interleave(
    input: Tensor, repeats: int | Tensor = LEFT_OUT, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element repeated in place, along ``dim`` or of the flattened tensor. ``repeats`` alone gives positions.

    Shape: that of ``input``, ``dim`` as long as all repetitions; (n,) without ``dim``.

    Raises:
        RuntimeError: a number of repetitions is negative, or there are as many neither as elements nor one.
    """
    if repeats is None:
        return repeat_interleave(arange(input.numel()), input, 0)
    if isinstance(repeats, Tensor):
        if repeats.is_floating_point() or repeats.ndim > 1:
            raise RuntimeError("repeat_interleave needs a 0-dim or 1-dim tensor of integers as repeats")
        if (repeats < 0).any():
            raise RuntimeError("repeats can not be negative")
        values = input.flatten() if dim is None else input
        dim = normalize_dim(0 if dim is None else dim, values.ndim)
        size = values.shape[dim] if values.ndim else 1
        counts = repeats.expand(size) if repeats.numel() == 1 else repeats
        if len(counts) != size:
            raise RuntimeError(f"repeats must have the same size as input along dim, but got {len(counts)} and {size}")
        positions = from_numpy(arange(size).numpy().repeat(counts.numpy()))
        return values.index_select(dim, positions)
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    values = input.reshape(-1) if dim is None else input
    dim = normalize_dim(0 if dim is None else dim, values.ndim)
    sizes = list(values.shape)
    wide = values.unsqueeze(dim + 1).expand(*sizes[: dim + 1], repeats, *sizes[dim + 1 :])
    return wide.clone().contiguous().view(*sizes[:dim], sizes[dim] * repeats, *sizes[dim + 1 :])
