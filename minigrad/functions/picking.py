"""Picking elements by tensors of positions or masks, and writing where these say. The rules: ``ops/picking.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``; a name that ends in ``_`` works in place. Positions are
int64, masks bool.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import creation, dtypes, inplace, ops
from minigrad.dims import is_expandable, normalize_dim
from minigrad.functions import elementwise
from minigrad.functions.arguments import check_tensors
from minigrad.graph.node import Number, Tensor

__all__ = [
    *(
        "argwhere",
        "gather",
        "index_add",
        "index_add_",
        "index_copy",
        "index_copy_",
        "index_fill",
        "index_fill_",
        "index_put",
    ),
    *("index_put_", "index_select", "masked_fill", "masked_fill_", "masked_scatter", "masked_scatter_"),
    *("masked_select", "nonzero", "scatter", "scatter_", "scatter_add", "scatter_add_", "take", "take_along_dim"),
]


def check_positions(name: str, index: Any, short: bool = False) -> np.ndarray:
    """The array of an index of type int64, or int32 where ``short`` allows it."""
    check_tensors(name, index=index)
    if index.dtype is not dtypes.int64 and not (short and index.dtype is dtypes.int32):
        kind = IndexError if name in ("index_select", "index_add", "index_fill", "index_copy") else RuntimeError
        raise kind(f"{name}(): Expected dtype int64 for index, but got {index.dtype}")
    return index.array


def check_range(positions: np.ndarray, size: int, dim: int, error: type[Exception]) -> None:
    """Raise ``error`` where a position is not in [0, size)."""
    outside = positions[(positions < 0) | (positions >= size)]
    if outside.size:
        raise error(f"index {outside.flat[0]} is out of bounds for dimension {dim} with size {size}")


# ----------------------------------------------------------------------------- one position an element


def place_of_each(name: str, input: Tensor, dim: int, index: Tensor, source: Any = None) -> tuple[Any, ...]:
    """The NumPy index that ``gather`` and the ``scatter`` family mean; their arguments checked.

    Raises:
        RuntimeError: the tensors' dimensions do not fit each other, or a position lies outside.
    """
    check_tensors(name, input=input, index=index)
    positions = index.array if index.numel() == 0 else check_positions(name, index, short=True)
    dim = normalize_dim(dim, input.ndim)
    if index.numel() == 0:
        return tuple([np.zeros(index.shape, np.int64)] * input.ndim)
    if max(index.ndim, 1) != max(input.ndim, 1):
        raise RuntimeError(f"{name}(): Index tensor must have the same number of dimensions as input tensor")
    if isinstance(source, Tensor) and max(index.ndim, 1) != max(source.ndim, 1):
        raise RuntimeError(f"{name}(): Index tensor must have the same number of dimensions as src tensor")
    for each in range(index.ndim):
        fits = each == dim or index.shape[each] <= (input.shape[each] if input.ndim else 1)
        if isinstance(source, Tensor):
            fits = fits and index.shape[each] <= (source.shape[each] if source.ndim else 1)
        if not fits:
            raise RuntimeError(
                f"{name}(): Size does not match at dimension {each}: expected index {list(index.shape)} to be no "
                f"larger than self {list(input.shape)} apart from dimension {dim}, and than src"
            )
    check_range(positions, input.shape[dim] if input.ndim else 1, dim, RuntimeError)
    if input.ndim == 0:
        return ()
    return ops.picking.along(positions.reshape(positions.shape or (1,)), dim)


def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """``z[i, j, k] = input[index[i, j, k], j, k]`` for dim 0, and so on. Shape: that of ``index``.

    Raises:
        RuntimeError: the index is not int64, does not fit, or points outside.
    """
    where = place_of_each("gather", input, dim, index)
    if index.numel() == 0 and input.ndim == 0:
        return creation.empty_like(index, dtype=input.dtype)
    result = ops.picking.Gather.apply(input, where=where)
    return result if result.shape == index.shape else result.view(index.shape)


def scatter_form(name: str, input: Tensor, dim: int, index: Tensor, src: Any) -> tuple[Any, tuple[Any, ...], Any]:
    """The operation of a ``scatter``, its further input and its options."""
    where = place_of_each(name, input, dim, index, src)
    if not isinstance(src, Tensor):
        return ops.picking.PutNumber, (), {"number": src, "where": where}
    if src.dtype is not input.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype: {input.dtype}, {src.dtype}")
    return ops.picking.Scatter, (part(src, index),), {"where": where}


def part(src: Tensor, index: Tensor) -> Tensor:
    """As much of ``src`` as ``index`` is large."""
    if src.shape == index.shape or src.ndim == 0:
        return src
    return src[tuple([slice(0, size) for size in index.shape])]


def value_or_source(src: Any, value: Any, reduce: Any) -> Any:
    if reduce is not None:
        raise NotImplementedError("scatter with reduce is not offered; use scatter_add, or scatter and multiply")
    return src if value is None else value


def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """A copy of ``input`` with ``src``, a tensor or a number, at the places that :func:`gather` would read.

    Raises:
        RuntimeError: the index is not int64, does not fit, or points outside; or the types differ.
    """
    check_tensors("scatter", input=input)
    operation, sources, options = scatter_form("scatter", input, dim, index, value_or_source(src, value, reduce))
    return operation.apply(input, *sources, **options)


def scatter_(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """:func:`scatter`, in place."""
    operation, sources, options = scatter_form("scatter_", input, dim, index, value_or_source(src, value, reduce))
    return inplace.run(input, "scatter_", operation, *sources, **options)


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of ``input`` with ``src`` added at the places that :func:`gather` would read."""
    check_tensors("scatter_add", input=input)
    _, sources, options = scatter_form("scatter_add", input, dim, index, src)
    return ops.picking.ScatterAdd.apply(input, *sources, **options)


def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """:func:`scatter_add`, in place."""
    _, sources, options = scatter_form("scatter_add_", input, dim, index, src)
    return inplace.run(input, "scatter_add_", ops.picking.ScatterAdd, *sources, **options)


def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at ``index`` of the flattened input. Shape: that of ``index``.

    Raises:
        RuntimeError: the index is not int64.
        IndexError: a position lies outside.
    """
    check_tensors("take", input=input)
    positions = check_positions("take", index)
    size = input.numel()
    if positions.size and size == 0:
        raise IndexError("take(): tried to take from an empty tensor")
    outside = positions[(positions < -size) | (positions >= size)]
    if outside.size:
        raise IndexError(f"out of range: tried to access index {outside.flat[0]} on a tensor of {size} elements.")
    return ops.picking.Take.apply(input, where=positions % max(size, 1))


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """:func:`gather` with ``input`` and ``indices`` broadcast; without ``dim`` of the flattened input."""
    check_tensors("take_along_dim", input=input)
    check_positions("take_along_dim", indices)
    length = input.numel() if dim is None else input.shape[dim] if -input.ndim <= dim < input.ndim else 0
    indices = elementwise.where(indices < 0, indices + length, indices)
    if dim is None:
        return gather(input.view(-1), 0, indices.view(-1))
    if input.ndim != indices.ndim:
        raise RuntimeError(
            f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    dim = normalize_dim(dim, input.ndim)
    shapes = []
    for first, second in ((input.shape, indices.shape), (indices.shape, input.shape)):
        other = list(second)
        other[dim] = first[dim]
        shapes.append(np.broadcast_shapes(first, tuple(other)))
    return gather(input.expand(shapes[0]), dim, indices.expand(shapes[1]))


# ------------------------------------------------------------------------------- one position a slice


def place_of_slices(name: str, input: Tensor, dim: int, index: Tensor) -> tuple[int, np.ndarray]:
    """The dimension and the checked positions of an index of one dimension or none."""
    check_tensors(name, input=input)
    positions = check_positions(name, index, short=name == "index_select" or name == "index_add")
    dim = normalize_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim}")
    error = RuntimeError if name == "index_add" else IndexError
    size = input.shape[dim] if input.ndim else 1
    if name == "index_fill":
        positions = np.where((positions < 0) & (positions >= -size), positions + size, positions)
    check_range(positions, size, dim, error)
    return dim, np.atleast_1d(positions)


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices along ``dim`` that ``index``, of one dimension, names.

    Raises:
        IndexError: the index is of another type, has more dimensions, or points outside.
    """
    dim, positions = place_of_slices("index_select", input, dim, index)
    if input.ndim == 0:
        return input.clone()
    return ops.picking.IndexSelect.apply(input, where=ops.picking.rows(positions, dim))


def slices_form(name: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> tuple[Tensor, Any]:
    """The source and the NumPy index of ``index_add`` and ``index_copy``."""
    dim, positions = place_of_slices(name, input, dim, index)
    if source.dtype is not input.dtype:
        raise RuntimeError(f"{name}(): self and source expected to have the same dtype: {input.dtype}, {source.dtype}")
    if input.ndim == 0:
        if source.numel() != 1 or positions.size != 1:
            raise RuntimeError(f"{name}(): a scalar takes one index and one element")
        return source.reshape(()), ()
    count = source.shape[dim] if source.ndim > dim else 1
    if count != positions.size:
        kind = IndexError if name == "index_copy" else RuntimeError
        raise kind(f"{name}(): Number of indices ({positions.size}) should be equal to source.size(dim): ({count})")
    expected = (*input.shape[:dim], positions.size, *input.shape[dim + 1 :])
    if source.ndim and source.shape != expected:
        kind = IndexError if name == "index_copy" and source.ndim != input.ndim else RuntimeError
        raise kind(f"{name}(): source of shape {list(source.shape)} does not match {list(expected)}")
    return source, ops.picking.rows(positions, dim)


def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """A copy of ``input`` with ``alpha`` times the slices of ``source`` added to those that ``index`` names."""
    source, where = slices_form("index_add", input, dim, index, source)
    return ops.picking.IndexAdd.apply(input, source, where=where, alpha=alpha)


def index_add_(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """:func:`index_add`, in place."""
    source, where = slices_form("index_add", input, dim, index, source)
    return inplace.run(input, "index_add_", ops.picking.IndexAdd, source, where=where, alpha=alpha)


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of ``input`` with the slices that ``index`` names replaced by those of ``source``."""
    source, where = slices_form("index_copy", input, dim, index, source)
    return ops.picking.IndexCopy.apply(input, source, where=where)


def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """:func:`index_copy`, in place."""
    source, where = slices_form("index_copy", input, dim, index, source)
    return inplace.run(input, "index_copy_", ops.picking.IndexCopy, source, where=where)


def fill_form(input: Tensor, dim: int, index: Tensor, value: Any) -> tuple[Any, tuple[Any, ...], Any]:
    dim, positions = place_of_slices("index_fill", input, dim, index)
    where = ops.picking.rows(np.unique(positions), dim) if input.ndim else ()
    if not isinstance(value, Tensor):
        return ops.picking.IndexFill, (), {"number": value, "where": where}
    if value.ndim:
        raise RuntimeError(f"index_fill_ only supports a 0-dimensional value tensor, got {value.ndim} dimensions.")
    return ops.picking.IndexFillTensor, (value,), {"where": where}


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of ``input`` with the slices that ``index`` names filled with ``value``, a number or one element."""
    check_tensors("index_fill", input=input)
    operation, values, options = fill_form(input, dim, index, value)
    return operation.apply(input, *values, **options)


def index_fill_(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """:func:`index_fill`, in place."""
    operation, values, options = fill_form(input, dim, index, value)
    return inplace.run(input, "index_fill_", operation, *values, **options)


def put_form(input: Tensor, indices: Any, values: Tensor, accumulate: bool) -> tuple[Any, Any]:
    """The operation of ``index_put`` and its NumPy index."""
    if values.dtype is not input.dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {input.dtype} for the destination and "
            f"{values.dtype} for the source."
        )
    where = tuple([slice(None) if each is None else each.array for each in indices])
    target = input.array[where].shape
    if not is_expandable(values.shape, target):
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of "
            f"shape {list(target)}"
        )
    return (ops.picking.IndexPutAccumulate if accumulate else ops.indexing.IndexPut), where


def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of ``input`` with ``values`` at ``indices``, one tensor a dimension; added with ``accumulate``."""
    check_tensors("index_put", input=input)
    operation, where = put_form(input, indices, values, accumulate)
    return operation.apply(input, values, where=where)


def index_put_(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """``input[indices] = values``, or ``+=`` with ``accumulate``, where an element named twice gets both.

    Args:
        indices: a tuple of index tensors, one a dimension.

    Raises:
        IndexError: an index is outside, or there are more than dimensions.
        RuntimeError: ``values`` does not fit, or is of another type.
    """
    operation, where = put_form(input, indices, values, accumulate)
    return inplace.run(input, "index_put_", operation, values, where=where)


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Where the elements are that are not zero: (count, dimensions), or a tuple of one tensor a dimension."""
    check_tensors("nonzero", input=input)
    return ops.nondifferentiable.nonzero(input, as_tuple)


def argwhere(input: Tensor) -> Tensor:
    """Where the elements are that are not zero. Shape: (count, dimensions)."""
    check_tensors("argwhere", input=input)
    return nonzero(input)


# ------------------------------------------------------------------------------------------------- masks


def check_mask(name: str, input: Tensor, mask: Any) -> np.ndarray:
    """The array of a bool mask that broadcasts with ``input``."""
    check_tensors(name, input=input, mask=mask)
    if mask.dtype is not dtypes.bool:
        raise RuntimeError(f"{name}: expected BoolTensor for mask, but got {mask.dtype}")
    ops.elementwise.check_broadcast(input.array, mask.array)
    return mask.array


def masked_form(input: Tensor, mask: Tensor, value: Any) -> tuple[Any, tuple[Any, ...], Any]:
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(f"masked_fill only supports a 0-dimensional value tensor, got {value.ndim} dimensions.")
        return ops.picking.MaskedFillTensor, (value,), {"mask": check_mask("masked_fill", input, mask)}
    number = creation.tensor(value, dtype=input.dtype).item()
    return ops.picking.MaskedFill, (), {"mask": check_mask("masked_fill", input, mask), "number": number}


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """``value``, a number or one element, where ``mask`` holds, ``input`` elsewhere; the two are broadcast.

    Raises:
        RuntimeError: the mask is not bool, or the value has dimensions or does not fit the type.
    """
    check_tensors("masked_fill", input=input)
    operation, values, options = masked_form(input, mask, value)
    return operation.apply(input, *values, **options)


def masked_fill_(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """:func:`masked_fill`, in place."""
    operation, values, options = masked_form(input, mask, value)
    return inplace.run(input, "masked_fill_", operation, *values, **options)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` holds, one after the other."""
    return ops.picking.MaskedSelect.apply(input, mask=check_mask("masked_select", input, mask))


def check_source(input: Tensor, mask: Tensor, source: Tensor) -> np.ndarray:
    check_tensors("masked_scatter", input=input, mask=mask, source=source)
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got {input.dtype} and {source.dtype}"
        )
    array = check_mask("masked_scatter", input, mask)
    wanted = int(np.count_nonzero(np.broadcast_to(array, np.broadcast_shapes(array.shape, input.shape))))
    if wanted > source.numel():
        raise RuntimeError(f"masked_scatter: the mask holds {wanted} times, but source has {source.numel()} elements")
    return array


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The first elements of ``source``, in order, where ``mask`` holds, ``input`` elsewhere."""
    return ops.picking.MaskedScatter.apply(input, source, mask=check_source(input, mask, source))


def masked_scatter_(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """:func:`masked_scatter`, in place."""
    array = check_source(input, mask, source)
    return inplace.run(input, "masked_scatter_", ops.picking.MaskedScatter, source, mask=array)
