"""Repeating, reversing, cutting into pieces, diagonals and windows. The rules: ``ops/arrangement.py``.

Each is a function of ``minigrad``, a method of ``Tensor``, or both, as in PyTorch. Pieces, diagonals and windows are
views.
"""

from __future__ import annotations

import builtins
import itertools
import operator
from collections.abc import Sequence
from typing import Any

from minigrad import creation, dtypes, inplace, ops
from minigrad.dims import as_shape, normalize_dim
from minigrad.functions.arguments import check_tensors
from minigrad.graph.node import Tensor

__all__ = [
    *("chunk", "diag", "diag_embed", "diagonal", "flip", "fliplr", "flipud", "narrow", "repeat", "repeat_interleave"),
    *("roll", "rot90", "select", "split", "split_with_sizes", "tensor_split", "tile", "trace", "tril", "tril_"),
    *("triu", "triu_", "unbind", "unfold"),
]


# --------------------------------------------------------------------------------------------- repetitions


def repeat(input: Tensor, *numbers: Any, repeats: Any = None) -> Tensor:
    """``input`` repeated so often along each dimension, further ones counted in front.

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
    return ops.arrangement.Repeat.apply(input, repeats=counts)


def tile(input: Tensor, *numbers: Any, dims: Any = None) -> Tensor:
    """:func:`repeat`, with 1 for the dimensions in front that ``dims`` leaves out."""
    check_tensors("tile", input=input)
    if not numbers and dims is None:
        raise TypeError('tile() missing 1 required positional arguments: "dims"')
    counts = as_shape(numbers if dims is None else (dims,))
    return repeat(input, (1,) * (input.ndim - len(counts)) + counts)


def repeat_interleave(input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: Any = None) -> Tensor:
    """Each element repeated in place, along ``dim`` or of the flattened tensor. ``repeats`` alone gives positions.

    Raises:
        RuntimeError: a number of repetitions is negative, or there are as many neither as elements nor one.
    """
    check_tensors("repeat_interleave", input=input)
    if repeats is None:
        return repeat_interleave(creation.arange(input.numel()), input, 0)
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
        positions = creation.from_numpy(creation.arange(size).numpy().repeat(counts.numpy()))
        return values.index_select(dim, positions)
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    values = input.reshape(-1) if dim is None else input
    dim = normalize_dim(0 if dim is None else dim, values.ndim)
    sizes = list(values.shape)
    wide = values.unsqueeze(dim + 1).expand(*sizes[: dim + 1], repeats, *sizes[dim + 1 :])
    return wide.clone().contiguous().view(*sizes[:dim], sizes[dim] * repeats, *sizes[dim + 1 :])


# ------------------------------------------------------------------------------------------------- order


def flip(input: Tensor, *positions: Any, dims: Any = None) -> Tensor:
    """The order reversed along ``dims``, also given one by one: a copy."""
    check_tensors("flip", input=input)
    if not positions and dims is None:
        raise TypeError('flip() missing 1 required positional arguments: "dims"')
    return ops.arrangement.Flip.apply(input, dims=distinct(positions if dims is None else (dims,), input.ndim))


def distinct(dims: tuple[Any, ...], ndim: int) -> tuple[int, ...]:
    """``dims`` counted from the front, none named twice; a zero-dimensional tensor has none."""
    found = [normalize_dim(each, ndim) for each in as_shape(dims)]
    for each in found:
        if found.count(each) > 1:
            raise RuntimeError(f"dim {each} appears multiple times in the list of dims")
    return tuple(found) if ndim else ()


def fliplr(input: Tensor) -> Tensor:
    """The second dimension reversed."""
    check_tensors("fliplr", input=input)
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """The first dimension reversed."""
    check_tensors("flipud", input=input)
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """The elements moved along by ``shifts``, those that leave entering at the other end.

    Raises:
        RuntimeError: there are as many shifts as dims, or one shift and no dim.
    """
    check_tensors("roll", input=input)
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
    return ops.arrangement.Roll.apply(input, shifts=moves, dims=places)


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned by ``k`` quarters in the plane of ``dims``, from the first towards the second.

    Raises:
        RuntimeError: there are not two different dims, or the input has fewer.
    """
    check_tensors("rot90", input=input)
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
    return ops.arrangement.Rot90.apply(input, k=k, dims=places)


# ------------------------------------------------------------------------------------------------- pieces


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at ``index`` along ``dim``, which disappears: a view.

    Raises:
        IndexError: there is no such slice.
    """
    check_tensors("select", input=input)
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, position = normalize_dim(dim, input.ndim), int(index)
    size = input.shape[dim]
    if not -size <= position < size:
        raise IndexError(
            f"select(): index {position} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    return ops.indexing.Select.apply(input, dim=dim, index=position)


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """``length`` slices along ``dim`` from ``start``: a view.

    Raises:
        RuntimeError: there are not that many.
        IndexError: ``start`` lies outside.
    """
    check_tensors("narrow", input=input)
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
    return ops.indexing.Slice.apply(input, dim=dim, where=slice(first, first + length))


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of that size along ``dim``, the last perhaps smaller, or of the sizes listed: views.

    Raises:
        RuntimeError: a size is negative, or the sizes do not add up.
    """
    check_tensors("split", tensor=tensor)
    if isinstance(split_size_or_sections, (list, tuple)):
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
    return ops.arrangement.Split.apply(tensor, sizes=sizes or [size], dim=dim)


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of these sizes along ``dim``: views."""
    check_tensors("split_with_sizes", input=input)
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
    return ops.arrangement.SplitWithSizes.apply(input, sizes=list(split_sizes), dim=dim)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """``chunks`` pieces of one size along ``dim``, the last perhaps smaller; fewer where that uses all up: views.

    Raises:
        RuntimeError: ``chunks`` is not positive.
    """
    check_tensors("chunk", input=input)
    if input.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if operator.index(chunks) <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = normalize_dim(dim, input.ndim)
    size = input.shape[dim]
    if size == 0:
        return split_with_sizes(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """So many pieces along ``dim``, the first ones longer by one, or cut before the indices listed: views.

    Raises:
        RuntimeError: there is no dimension, or the number of pieces is not positive.
    """
    check_tensors("tensor_split", input=input)
    if input.ndim == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = normalize_dim(dim, input.ndim)
    size = input.shape[dim]
    if isinstance(indices_or_sections, Tensor):
        if indices_or_sections.ndim > 1:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to be a 0-dim or 1-dim tensor")
        if indices_or_sections.dtype is not dtypes.int64:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to have dtype of long")
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, (list, tuple)):
        bounds = [0, *indices_or_sections, size]
    else:
        sections = operator.index(indices_or_sections)
        if sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
        bounds = [min(part, size % sections) + part * (size // sections) for part in range(sections + 1)]
    pieces = []
    for start, end in itertools.pairwise(bounds):
        pieces.append(ops.indexing.Slice.apply(input, dim=dim, where=slice(start, end)))
    return tuple(pieces)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along ``dim``, which disappears: views."""
    check_tensors("unbind", input=input)
    if input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return ops.arrangement.Unbind.apply(input, dim=normalize_dim(dim, input.ndim))


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The windows of ``size`` elements along ``dimension``, ``step`` apart, their elements last: a view.

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
    return ops.arrangement.Unfold.apply(input, dim=dim, size=size, step=step)


# ---------------------------------------------------------------------------------- diagonals and triangles


def two_dims(name: str, dim1: int, dim2: int, ndim: int) -> dict[str, int]:
    first, second = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"{name} dimensions cannot be identical {dim1}, {dim2}")
    return {"dim1": first, "dim2": second}


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of the matrices along ``dim1`` and ``dim2``, as the last dimension: a view.

    Raises:
        RuntimeError: the two are one dimension.
    """
    check_tensors("diagonal", input=input)
    dims = two_dims("diagonal", dim1, dim2, input.ndim)
    return ops.arrangement.Diagonal.apply(input, offset=offset, **dims)


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices along ``dim1`` and ``dim2`` that have the last dimension of ``input`` on their diagonal."""
    check_tensors("diag_embed", input=input)
    dims = two_dims("diagonal", dim1, dim2, input.ndim + 1)
    size = input.shape[-1] + abs(offset)
    shape = list(input.shape[:-1])
    for position in sorted(dims.values()):
        shape.insert(position, size)
    return ops.arrangement.DiagEmbed.apply(input, shape=tuple(shape), offset=offset, **dims)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, as a copy, or the matrix with this diagonal.

    Raises:
        RuntimeError: there are neither one dimension nor two.
    """
    check_tensors("diag", input=input)
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return ops.arrangement.DiagonalCopy.apply(input, offset=diagonal, dim1=0, dim2=1)


def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal."""
    check_tensors("trace", input=input)
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return ops.arrangement.Trace.apply(input)


def check_matrices(name: str, input: Tensor) -> None:
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Every matrix with zeros above its ``diagonal``."""
    check_tensors("tril", input=input)
    check_matrices("tril", input)
    return ops.arrangement.Tril.apply(input, diagonal=diagonal)


def tril_(input: Tensor, diagonal: int = 0) -> Tensor:
    """:func:`tril`, in place."""
    check_matrices("tril_", input)
    return inplace.run(input, "tril_", ops.arrangement.Tril, diagonal=diagonal)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Every matrix with zeros below its ``diagonal``."""
    check_tensors("triu", input=input)
    check_matrices("triu", input)
    return ops.arrangement.Triu.apply(input, diagonal=diagonal)


def triu_(input: Tensor, diagonal: int = 0) -> Tensor:
    """:func:`triu`, in place."""
    check_matrices("triu_", input)
    return inplace.run(input, "triu_", ops.arrangement.Triu, diagonal=diagonal)
