"""Pieces of a tensor, and windows that slide along it: views. Rules, then what users call.

``x[...]`` is in ``indexing.py``; the other way, from pieces to one, is in ``joining.py``.
"""

from __future__ import annotations

import builtins
import itertools
import operator
from collections.abc import Sequence

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import check_integer, normalize_dim
from minigrad.arguments.gate import checked
from minigrad.attributes import TYPE_NAMES
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.view import ViewFunction
from minigrad.kernels.layout import restrided
from minigrad.ops.indexing import Select, Slice
from minigrad.ops.joining import Cat, Stack

__all__ = ["chunk", "dsplit", "hsplit", "narrow", "select", "split", "split_with_sizes", "tensor_split", "unbind"]
__all__ += ["vsplit"]


class Split(ViewFunction):
    """x cut along ``dim`` into pieces of ``sizes``."""

    def forward(ctx, x, *, sizes, dim):
        ctx.dim = dim
        before = (slice(None),) * dim
        return tuple([x[(*before, slice(end - size, end))] for size, end in zip(sizes, itertools.accumulate(sizes))])

    def backward(ctx, *grads):
        grad_x = Cat.apply(*grads, dim=ctx.dim)
        return grad_x


@checked
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of that size along ``dim``, the last perhaps smaller, or of the sizes listed: views.

    Shapes: (a, b) -> pieces (size, b) for dim 0.

    Raises:
        RuntimeError: a size is negative, or the sizes do not add up.
    """
    if isinstance(split_size_or_sections, Sequence):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    if tensor.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim, each = normalize_dim(dim, tensor.ndim), operator.index(split_size_or_sections)
    size = tensor.shape[dim]
    if each < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={each}")
    if each == 0 and size != 0:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}")
    sizes = [each] * (size // each) + ([size % each] if size % each else []) if each else []
    return Split.apply(tensor, sizes=sizes or [size], dim=dim)


class SplitWithSizes(Split):
    """The same where the sizes were given one by one: PyTorch has a node of its own for it."""


@checked
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of these sizes along ``dim``: views. Shapes: (a, b) -> pieces (size, b) for dim 0.

    Raises:
        RuntimeError: a size is negative, the sizes do not add up, or there is no dimension.
    """
    if input.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = normalize_dim(dim, input.ndim)
    if builtins.any(size < 0 for size in split_sizes):
        raise RuntimeError(f"split_with_sizes expects split_sizes have only non-negative entries, got {split_sizes}")
    if builtins.sum(split_sizes) != input.shape[dim]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {input.shape[dim]} (input tensor's size at "
            f"dimension {dim}), but got split_sizes={list(split_sizes)}"
        )
    return SplitWithSizes.apply(input, sizes=list(split_sizes), dim=dim)


@checked
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """``chunks`` pieces of one size along ``dim``, the last perhaps smaller; fewer where that uses all up: views.

    Shapes: (a, b) -> pieces (a / chunks, b) for dim 0.

    Raises:
        RuntimeError: ``chunks`` is not positive.

    >>> minigrad.arange(5).chunk(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if input.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if operator.index(chunks) <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = normalize_dim(dim, input.ndim)
    size = input.shape[dim]
    if size == 0:
        return split_with_sizes(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


class Unbind(ViewFunction):
    """The slices of x along ``dim``, which disappears."""

    def forward(ctx, x, *, dim):
        ctx.dim = dim
        return tuple([x[(slice(None),) * dim + (index, ...)] for index in range(x.shape[dim])])

    def backward(ctx, *grads):
        grad_x = Stack.apply(*grads, dim=ctx.dim)
        return grad_x


@checked
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along ``dim``, which disappears: views. Shapes: (a, b) -> a times (b,) for dim 0.

    Raises:
        IndexError: there is no dimension.
    """
    if input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return Unbind.apply(input, dim=normalize_dim(dim, input.ndim))


def windows(x, dim, size, step):
    """The view of x that :class:`Unfold` is."""
    if x.ndim == 0:
        return restrided(x, (size,), (x.itemsize,))
    count = (x.shape[dim] - size) // step + 1
    shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
    strides = (*x.strides[:dim], x.strides[dim] * step, *x.strides[dim + 1 :], x.strides[dim])
    return restrided(x, shape, strides)


class Unfold(ViewFunction):
    """z = the windows of ``size`` elements along ``dim``, ``step`` apart: their elements in a last dimension."""

    def forward(ctx, x, *, dim, size, step):
        ctx.options = {"shape": x.shape, "dim": dim, "size": size, "step": step}
        return windows(x, dim, size, step)

    def backward(ctx, grad_z):
        grad_x = UnfoldBackward.apply(grad_z, **ctx.options)
        return grad_x


@checked
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The windows of ``size`` elements along ``dimension``, ``step`` apart, their elements last: a view.

    Shapes: (a, b) -> (⌊(a - size) / step⌋ + 1, b, size) for dimension 0.

    Raises:
        RuntimeError: the dimension is shorter than ``size``, or ``step`` is not positive.
    """
    dim = normalize_dim(dimension, input.ndim)
    longest = input.shape[dim] if input.ndim else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > longest:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {longest} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return Unfold.apply(input, dim=dim, size=size, step=step)


class UnfoldBackward(Function):
    """Zeros of ``shape`` to which every window's ``grad`` is added."""

    def forward(ctx, grad, *, shape, dim, size, step):
        ctx.options = {"dim": dim, "size": size, "step": step}
        z = np.zeros(shape, grad.dtype)
        places = np.arange(z.size).reshape(shape)
        np.add.at(z.reshape(-1), windows(places, dim, size, step), grad)
        return z

    def backward(ctx, grad_z):
        grad_grad = Unfold.apply(grad_z, **ctx.options)
        return grad_grad


@checked
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at ``index`` along ``dim``, which disappears: a view. Shapes: (a, b) -> (b,) for dim 0.

    Raises:
        IndexError: there is no such slice.
    """
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, position = normalize_dim(dim, input.ndim), int(index)
    size = input.shape[dim]
    if not -size <= position < size:
        raise IndexError(
            f"select(): index {position} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    return Select.apply(input, dim=dim, index=position)


@checked
def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """``length`` slices along ``dim`` from ``start``: a view. Shapes: (a, b) -> (length, b) for dim 0.

    Raises:
        RuntimeError: there are not that many.
        IndexError: ``start`` lies outside.
    """
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if isinstance(start, Tensor) and (start.ndim or start.is_floating_point() or start.dtype is dtypes.bool):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    dim = normalize_dim(dim, input.ndim)
    size, first = input.shape[dim], int(start)
    if not -size <= first <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {first})")
    first += size if first < 0 else 0
    if first + length > size:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({size}).")
    return Slice.apply(input, dim=dim, where=slice(first, first + length))


@checked
def tensor_split(input: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """So many pieces along ``dim``, the first ones longer by one, or cut before the indices listed: views.

    Shapes: (a, b) -> pieces (size, b) for dim 0.

    Raises:
        RuntimeError: there is no dimension, or the number of pieces is not positive.
    """
    if input.ndim == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = normalize_dim(dim, input.ndim)
    size = input.shape[dim]
    if isinstance(indices_or_sections, Tensor):
        if indices_or_sections.ndim > 1:
            raise RuntimeError(
                f"tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, "
                f"but got a tensor with {indices_or_sections.ndim} dims"
            )
        if indices_or_sections.dtype is not dtypes.int64:
            raise RuntimeError(
                f"tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                f"{TYPE_NAMES[indices_or_sections.dtype.name]}"
            )
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, Sequence):
        bounds = [0, *indices_or_sections, size]
    else:
        sections = operator.index(indices_or_sections)
        check_integer("tensor_split(): sections", sections)
        if sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
        bounds = [min(part, size % sections) + part * (size // sections) for part in range(sections + 1)]
    return tuple([Slice.apply(input, dim=dim, where=slice(*ends)) for ends in itertools.pairwise(bounds)])


def split_along(
    name: str, input: Tensor, indices_or_sections: int | Sequence[int], dim: int, fewest: int
) -> tuple[Tensor, ...]:
    """:func:`tensor_split` along ``dim``, where a number of pieces must divide the size."""
    if input.ndim < fewest:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {fewest} dimension, but got a tensor with {input.ndim} "
            f"dimensions!"
        )
    size = input.shape[dim]
    if isinstance(indices_or_sections, int) and (indices_or_sections <= 0 or size % indices_or_sections):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {size} is not "
            f"divisible by the split_size {indices_or_sections}!"
        )
    return tensor_split(input, indices_or_sections, dim)


@checked
def hsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Pieces from left to right: of one size, or cut before the indices listed. Views, the inverse of ``hstack``.

    Shapes: (a, b) -> pieces (a, size); of one dimension (a,) -> (size,).

    Raises:
        RuntimeError: there is no dimension, or the number of pieces does not divide its size.
    """
    return split_along("hsplit", input, indices_or_sections, 0 if input.ndim == 1 else 1, 1)


@checked
def vsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Pieces from top to bottom: the inverse of ``vstack``. Shapes: (a, b) -> pieces (size, b).

    Raises:
        RuntimeError: there are fewer than two dimensions, or the number of pieces does not divide the first one.
    """
    return split_along("vsplit", input, indices_or_sections, 0, 2)


@checked
def dsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Pieces from front to back: the inverse of ``dstack``. Shapes: (a, b, c) -> pieces (a, b, size).

    Raises:
        RuntimeError: there are fewer than three dimensions, or the number of pieces does not divide the third one.
    """
    return split_along("dsplit", input, indices_or_sections, 2, 3)
