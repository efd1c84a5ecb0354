"""The largest and the smallest, of all elements or along dimensions. Rules, then what users call.

Which of several equal ones receives the gradient is stated with each; the choice is PyTorch's. The larger of two
tensors is in ``choosing.py``, running extremes are in ``scan.py``, elements by rank in ``sorting.py``; positions alone,
``argmax`` and ``argmin``, have no gradient: ``nondifferentiable.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import return_types
from minigrad.arguments.dims import Dims, normalize_dim, normalize_dims
from minigrad.arguments.gate import LEFT_OUT, checked
from minigrad.graph.function import Function, Tensor, constant_like, unwrap
from minigrad.ops.broadcasting import restore_dims, spread
from minigrad.ops.shape import Unsqueeze

__all__ = ["amax", "amin", "aminmax", "max", "min"]


def check_not_empty(name, x, dim):
    """Raise PyTorch's error where dimension ``dim``, from which one element is to be taken, has none."""
    if x.ndim and x.shape[dim] == 0:
        raise IndexError(
            f"{name}(): Expected reduction dim {dim} to have non-zero size, but the tensor has shape {list(x.shape)}."
        )


class Max(Function):
    """z = max x along ``dim``, and where: the position of the first maximum, or of the first NaN.

    With a dim the whole gradient goes to the position reported, also at ties.
    """

    result_strides = None
    choose: Any = staticmethod(np.argmax)

    def forward(ctx, x, *, dim, keepdim=False, **options):
        ctx.shape, ctx.keepdim = x.shape, keepdim
        ctx.dim = dim = normalize_dim(dim, x.ndim)
        if x.ndim == 0:
            positions = np.zeros((), np.int64)
            ctx.save_for_backward(positions)
            return x.copy(), positions
        check_not_empty(type(ctx).__name__.lower(), x, dim)
        positions = np.expand_dims(ctx.choose(x, dim, **options), dim)
        values = np.take_along_axis(x, positions, dim)
        if not keepdim:
            values, positions = values.squeeze(dim), positions.squeeze(dim)
        ctx.save_for_backward(positions)
        return values, positions

    def backward(ctx, grad_z, _):
        positions = unwrap(ctx.saved_tensors[0])
        if not ctx.shape:
            return grad_z
        if not ctx.keepdim:
            grad_z = Unsqueeze.apply(grad_z, dim=ctx.dim)
            positions = np.expand_dims(positions, ctx.dim)
        grad_x = ScatterOne.apply(grad_z, positions=positions, dim=ctx.dim, shape=ctx.shape)  # dz/dx = 1 there
        return grad_x


@checked
def max(input: Tensor, dim: int | Tensor = LEFT_OUT, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The largest element; along a dim the largest of each slice and where it is; or the larger of two tensors.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1. Two tensors are
    broadcast.

    Raises:
        IndexError, RuntimeError: there is no element to take.

    >>> minigrad.tensor([[1, 5], [7, 2]]).max(dim=1)
    minigrad.return_types.max(
    values=tensor([5, 7]),
    indices=tensor([1, 0]))
    """
    other = dim if isinstance(dim, Tensor) else other
    if other is not None:
        check_other("max", keepdim)
        return input.maximum(other)
    if dim is None:
        return MaxAll.apply(input)
    return return_types.max(*Max.apply(input, dim=dim, keepdim=keepdim))


def check_other(name: str, keepdim: bool) -> None:
    """Raise a TypeError where something is asked for that two tensors do not have."""
    if keepdim:
        raise TypeError(f"{name}(): argument 'dim' (position 1) must be int, not Tensor")


class Min(Max):
    """z = min x along ``dim``, and where: the position of the first minimum, or of the first NaN."""

    choose = staticmethod(np.argmin)


@checked
def min(input: Tensor, dim: int | Tensor = LEFT_OUT, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The smallest element; along a dim the smallest of each slice and where it is; or the smaller of two tensors.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1. Two tensors are
    broadcast.

    Raises:
        IndexError, RuntimeError: there is no element to take.
    """
    other = dim if isinstance(dim, Tensor) else other
    if other is not None:
        check_other("min", keepdim)
        return input.minimum(other)
    if dim is None:
        return MinAll.apply(input)
    return return_types.min(*Min.apply(input, dim=dim, keepdim=keepdim))


class ScatterOne(Function):
    """Zeros of ``shape`` that hold ``values`` at ``positions`` along ``dim``. Linear in ``values``."""

    node_name = "ValueSelectingReductionBackward0"

    def forward(ctx, values, *, positions, dim, shape):
        ctx.positions, ctx.dim = positions, dim
        z = np.zeros(shape, values.dtype)
        np.put_along_axis(z, positions, values, dim)
        return z

    def backward(ctx, grad_z):
        grad_values = GatherOne.apply(grad_z, positions=ctx.positions, dim=ctx.dim)
        return grad_values


class GatherOne(Function):
    """The elements of x at ``positions`` along ``dim``, one a slice."""

    node_name = "GatherBackward0"

    def forward(ctx, x, *, positions, dim):
        ctx.positions, ctx.dim, ctx.shape = positions, dim, x.shape
        return np.take_along_axis(x, positions, dim)

    def backward(ctx, grad_z):
        grad_x = ScatterOne.apply(grad_z, positions=ctx.positions, dim=ctx.dim, shape=ctx.shape)
        return grad_x


def share_among(mask, grad, dims, keepdim):
    """Each gradient divided equally among those of its elements where ``mask`` holds."""
    count = np.add.reduce(mask, axis=dims, keepdims=True)
    grad = spread(grad, mask.shape, dims, keepdim)
    return grad * constant_like(mask / count, grad)


class Amax(Function):
    """z = max x over ``dim``, NaN if any is. Tied maxima share the gradient equally."""

    result_strides = None
    reduce = np.maximum.reduce

    def forward(ctx, x, *, dim=None, keepdim=False):
        ctx.dims, ctx.keepdim = normalize_dims(dim, x.ndim), keepdim
        function = type(ctx).__name__.removesuffix("All").lower()
        if x.size == 0 and (dim is None or dim == ()):
            raise RuntimeError(
                f"{function}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                f"reduction dim with the 'dim' argument. The tensor has shape {list(x.shape)}."
            )
        for each in ctx.dims:
            check_not_empty(function, x, each)
        z = np.asarray(ctx.reduce(x, axis=ctx.dims, keepdims=keepdim))
        ctx.save_for_backward(x, z)
        return z

    def ties(ctx, x, z):
        """Where x is the extremum. NaN equals nothing: where the result is NaN, 0/0 makes every gradient NaN."""
        return x == z

    def backward(ctx, grad_z):
        x, z = [unwrap(each) for each in ctx.saved_tensors]
        is_extreme = ctx.ties(x, restore_dims(z, x.shape, ctx.dims, ctx.keepdim))
        grad_x = share_among(is_extreme, grad_z, ctx.dims, ctx.keepdim)  # dz/dx = 1/k at each of k maxima
        return grad_x


@checked
def amax(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The largest element; equal ones share the gradient.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.

    Raises:
        RuntimeError: the input is empty and no dim is named.
        IndexError: a dim that is named is empty.
    """
    return Amax.apply(input, dim=dim, keepdim=keepdim)


class Amin(Amax):
    """z = min x over ``dim``, NaN if any is. Tied minima share the gradient equally."""

    reduce = np.minimum.reduce


@checked
def amin(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The smallest element; equal ones share the gradient.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.

    Raises:
        RuntimeError: the input is empty and no dim is named.
        IndexError: a dim that is named is empty.
    """
    return Amin.apply(input, dim=dim, keepdim=keepdim)


class MaxAll(Amax):
    """z = the largest element of x. Tied maxima share the gradient equally, and so do NaNs."""

    node_name = "MaxBackward1"

    def ties(ctx, x, z):
        return np.isnan(x) if np.isnan(z).any() else x == z


class MinAll(MaxAll):
    """z = the smallest element of x. Tied minima share the gradient equally, and so do NaNs."""

    node_name = "MinBackward1"
    reduce = np.minimum.reduce


class Aminmax(Function):
    """The smallest and the largest of x, along ``dim`` or of all, NaN if any is. Ties share."""

    saved_names = ("self", "min", "max")
    result_strides = None
    materialize_grads = False

    def forward(ctx, x, *, dim=None, keepdim=False):
        if dim is None and x.size == 0:
            raise RuntimeError(
                "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
            )
        if dim is not None:
            dim = normalize_dim(dim, x.ndim)
            check_not_empty("aminmax", x, dim)
        ctx.dims, ctx.keepdim = normalize_dims(dim, x.ndim), keepdim
        smallest = np.asarray(np.minimum.reduce(x, axis=ctx.dims, keepdims=keepdim))
        largest = np.asarray(np.maximum.reduce(x, axis=ctx.dims, keepdims=keepdim))
        ctx.save_for_backward(x, smallest, largest)
        return smallest, largest

    def backward(ctx, grad_smallest, grad_largest):
        x, smallest, largest = [unwrap(each) for each in ctx.saved_tensors]
        grad_x = None
        if grad_smallest is not None:
            is_smallest = x == restore_dims(smallest, x.shape, ctx.dims, ctx.keepdim)
            grad_x = share_among(is_smallest, grad_smallest, ctx.dims, ctx.keepdim)
        if grad_largest is not None:
            is_largest = x == restore_dims(largest, x.shape, ctx.dims, ctx.keepdim)
            of_largest = share_among(is_largest, grad_largest, ctx.dims, ctx.keepdim)
            grad_x = of_largest if grad_x is None else grad_x + of_largest
        return grad_x


@checked
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the largest element, of all or along one dim; equal ones share the gradient.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.

    Raises:
        RuntimeError: the input is empty and no dim is named.
        IndexError: the dim that is named is empty.
    """
    return return_types.aminmax(*Aminmax.apply(input, dim=dim, keepdim=keepdim))
