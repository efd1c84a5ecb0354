"""Elements picked by tensors of positions, and written where these say: rules, then what users call.

What was picked sends its gradient back to where it came from, once for every time it was picked; what was overwritten
has none. Positions are int64. Masks are in ``masking.py``, ``x[...]`` itself is in ``indexing.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import is_expandable, normalize_dim
from minigrad.arguments.gate import LEFT_OUT, checked
from minigrad.arguments.operands import check_broadcast
from minigrad.arguments.promotion import number_as
from minigrad.attributes import TYPE_NAMES
from minigrad.graph.function import Function
from minigrad.graph.node import Number, Tensor
from minigrad.graph.saved_tensors import Given
from minigrad.graph.strides import as_first
from minigrad.inplace.changing import apply_or_change, check_apart, check_overlap, run_in_place
from minigrad.ops.choosing import where
from minigrad.ops.indexing import IndexBackward, IndexPut, check_array, check_value_type, checked_array, dims_of
from minigrad.ops.shape import Reshape

__all__ = ["gather", "index_add", "index_copy", "index_fill", "index_put", "index_put_", "index_select"]
__all__ += ["scatter", "scatter_add", "take", "take_along_dim"]


class Zeros(IndexBackward):
    """Zeros of ``shape`` to which ``grad`` is added at ``where``: the gradient of picking there."""

    node_name = "ScatterAddBackward0"

    def backward(ctx, grad_z):
        (where,) = ctx.saved_tensors
        grad_grad = Pick.apply(grad_z, where=where)
        return grad_grad


class Pick(Function):
    """z = x at ``where``, a NumPy index that may name an element several times."""

    result_strides: Any = None
    node_name = "GatherBackward0"
    saves_x = False  # only some of PyTorch's do, for its shape

    def forward(ctx, x, *, where):
        ctx.shape = x.shape
        ctx.save_for_backward(x if ctx.saves_x else None, where)
        return np.array(x[where], order="C")

    def backward(ctx, grad_z):
        _, where = ctx.saved_tensors
        grad_x = Zeros.apply(grad_z, shape=ctx.shape, where=where)
        return grad_x


class Gather(Pick):
    """z[i, j, k] = x[index[i, j, k], j, k] for dim 0, and so on."""

    saves_x = True


def check_range(positions: np.ndarray, size: int, dim: int, error: type[Exception]) -> None:
    """Raise ``error`` where a position is not in [0, size)."""
    outside = positions[(positions < 0) | (positions >= size)]
    if outside.size:
        raise error(f"index {outside.flat[0]} is out of bounds for dimension {dim} with size {size}")


def place_of_each(name: str, input: Tensor, dim: int, index: Tensor, source: Any = None) -> tuple[Any, ...]:
    """The NumPy index that ``gather`` and the ``scatter`` family mean; their arguments checked.

    Raises:
        RuntimeError: the tensors' dimensions do not fit each other, or a position lies outside.
    """
    positions = index.array if index.numel() == 0 else check_positions(name, index, short=True)
    dim = normalize_dim(dim, input.ndim)
    if index.numel() == 0:
        return Given([np.zeros(index.shape, np.int64)] * input.ndim or [False], index)
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
        return Given((), index)
    return Given(along(positions.reshape(positions.shape or (1,)), dim), index)


def along(index, dim):
    """A NumPy index: the positions ``index`` along ``dim``, and each its own place along the other dimensions."""
    where = list(np.indices(index.shape, sparse=True))
    if where:
        where[dim] = index
    return tuple(where)


@checked
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """``z[i, j, k] = input[index[i, j, k], j, k]`` for dim 0, and so on. Shape: that of ``index``.

    Raises:
        RuntimeError: the index is not int64, does not fit, or points outside.

    >>> scores, labels = minigrad.tensor([[1, 2], [3, 4]]), minigrad.tensor([[1], [0]])
    >>> scores.gather(1, labels)
    tensor([[2],
            [3]])
    """
    where = place_of_each("gather", input, dim, index)
    if input.ndim == 0 and index.ndim == 1 and index.numel():
        return gather(input.view(1), 0, index)
    result = Gather.apply(input, where=where)
    return result if result.shape == index.shape else result.view(index.shape)


def check_positions(name: str, index: Tensor, short: bool = False) -> np.ndarray:
    """The array of an index of type int64, or int32 where ``short`` allows it."""
    if index.dtype is not dtypes.int64 and not (short and index.dtype is dtypes.int32):
        kind = IndexError if name == "index_fill" else RuntimeError
        raise kind(f"{name}(): Expected dtype int64 for index, but got {index.dtype}")
    return index.array


@checked
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """:func:`gather` with ``input`` and ``indices`` broadcast; without ``dim`` of the flattened input.

    Shape: that of ``indices``, broadcast.
    """
    if indices.dtype is not dtypes.int64:
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got {TYPE_NAMES[indices.dtype.name]}"
        )
    length = input.numel() if dim is None else input.shape[dim] if -input.ndim <= dim < input.ndim else 0
    if dim is not None or (indices.array < 0).any():
        indices = where(indices < 0, indices + length, indices)
    if dim is None:
        return gather(input.view(-1), 0, indices.view(-1))
    if input.ndim != indices.ndim:
        raise RuntimeError(
            f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    dim = normalize_dim(dim, input.ndim)
    of_input, of_indices = list(indices.shape), list(input.shape)  # but for dim, each takes the other's sizes
    of_input[dim], of_indices[dim] = input.shape[dim], indices.shape[dim]
    check_broadcast(input.array, np.broadcast_to(0, of_input))
    input = input.expand(np.broadcast_shapes(input.shape, tuple(of_input)))
    return gather(input, dim, indices.expand(np.broadcast_shapes(indices.shape, tuple(of_indices))))


class IndexSelect(Pick):
    """z = the slices of x that an index names, along a dimension."""

    node_name = "IndexSelectBackward0"


def place_of_slices(name: str, input: Tensor, dim: int, index: Tensor) -> tuple[int, np.ndarray]:
    """The dimension and the checked positions of an index of one dimension or none."""
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim}")
    positions = check_positions(name, index, short=name == "index_select" or name == "index_add")
    dim = normalize_dim(dim, input.ndim)
    error = RuntimeError if name == "index_add" else IndexError
    size = input.shape[dim] if input.ndim else 1
    if name == "index_fill":
        positions = np.where((positions < 0) & (positions >= -size), positions + size, positions)
    check_range(positions, size, dim, error)
    return dim, np.atleast_1d(positions)


@checked
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices along ``dim`` that ``index``, of one dimension, names. Shapes: (a, b), (n,) -> (n, b) for dim 0.

    Raises:
        IndexError: the index is of another type, has more dimensions, or points outside.
        RuntimeError: ``input`` is a number, and the index names it never or several times.
    """
    dim, positions = place_of_slices("index_select", input, dim, index)
    if input.ndim == 0 and positions.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {positions.size} value(s)")
    return IndexSelect.apply(input, where=rows(input, positions, dim, index))


def rows(input, positions, dim, index):
    """A NumPy index: the slices at ``positions`` along ``dim``, which ``index`` names; of a number, itself or none."""
    if input.ndim == 0:
        return Given(() if positions.size else (False,), index)
    return Given((*(slice(None),) * dim, positions), index)


class Take(Pick):
    """z = the elements of x, flattened, that an index names."""

    node_name = "TakeBackward0"

    def forward(ctx, x, *, where):
        ctx.shape = x.shape
        ctx.save_for_backward(x, where)
        return np.atleast_1d(x)[where]

    def backward(ctx, grad_z):
        _, where = ctx.saved_tensors
        grad_x = Zeros.apply(grad_z, shape=ctx.shape or (1,), where=where)
        return Reshape.apply(grad_x, shape=ctx.shape)


def coordinates(positions: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Where ``positions`` of a flattened array lie in an array of ``shape``: of each dimension an array of their shape.

    They are given to NumPy in one row: of more than 8192 in a column, of shape (n, 1), it gets most of the rest wrong.
    """
    return tuple(each.reshape(positions.shape) for each in np.unravel_index(positions.ravel(), shape))


def in_planes(positions: np.ndarray, size: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """A NumPy index of planes or volumes of ``size``, whose ``positions`` in each, flattened, are given."""
    return (*np.indices(positions.shape, sparse=True)[: -len(size)], *coordinates(positions, size))


@checked
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at ``index`` of the flattened input. Shape: that of ``index``.

    Raises:
        RuntimeError: the index is not int64.
        IndexError: a position lies outside.
    """
    positions = check_positions("take", index)
    size = input.numel()
    if positions.size and size == 0:
        raise IndexError("take(): tried to take from an empty tensor")
    outside = positions[(positions < -size) | (positions >= size)]
    if outside.size:
        raise IndexError(f"out of range: tried to access index {outside.flat[0]} on a tensor of {size} elements.")
    places = coordinates(positions % max(size, 1), input.shape) if input.ndim else (np.zeros_like(positions),)
    return Take.apply(input, where=Given(places, index))


class Put(Function):
    """z = x with ``source`` written at ``where``."""

    result_strides: Any = None
    node_name = "ScatterBackward0"

    saves_source = False  # only one of PyTorch's does

    def forward(ctx, x, source, *, where):
        ctx.save_for_backward(where, source if ctx.saves_source and ctx.needs_input_grad[1] else None)
        z = x.copy()
        z[where] = source
        return z

    def backward(ctx, grad_z):
        where, _ = ctx.saved_tensors
        grad_x = PutNumber.apply(grad_z, number=0, where=where) if ctx.needs_input_grad[0] else None
        grad_source = Pick.apply(grad_z, where=where) if ctx.needs_input_grad[1] else None
        return grad_x, grad_source


class Scatter(Put):
    """z[index[i, j, k], j, k] = source[i, j, k] for dim 0, and so on; elsewhere z = x."""


def check_written(name: str, input: Tensor, *read: Any) -> None:
    """Raise PyTorch's error where a function whose ``name`` ends in "_" cannot write to ``input`` while it reads."""
    if name.endswith("_"):
        check_overlap(input)
        check_apart(input, *read)


def scattered(name: str, operation: Any, input: Tensor, dim: int, index: Tensor, src: Any) -> Tensor:
    """What ``operation``, or of a number :class:`PutNumber`, makes of the places that :func:`gather` would read."""
    check_written(name, input, index, src)
    where = place_of_each(name, input, dim, index, src)
    if not isinstance(src, Tensor):
        return apply_or_change(name, PutNumber, input, number=src, where=where)
    if src.dtype is not input.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype: {input.dtype}, {src.dtype}")
    return apply_or_change(name, operation, input, part(src, index), where=where)


def part(src: Tensor, index: Tensor) -> Tensor:
    """As much of ``src`` as ``index`` is large."""
    if src.shape == index.shape or src.ndim == 0:
        return src
    if index.numel() == 0:
        return src.reshape(-1)[:0].view(index.shape)
    return src[tuple([slice(0, size) for size in index.shape])]


def value_or_source(src: Any, value: Any, reduce: Any) -> Any:
    if reduce is not None:
        raise NotImplementedError("scatter with reduce is not offered; use scatter_add, or scatter and multiply")
    if src is None and value is None:
        raise TypeError('scatter() missing 1 required positional arguments: "src"')
    return src if value is None else value


@checked
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number = LEFT_OUT,
    *,
    value: Tensor | Number | None = None,
    reduce: str | None = None,
) -> Tensor:
    """A copy of ``input`` with ``src``, a tensor or a number, at the places that :func:`gather` would read.

    Shapes: (a, b), index (c, d), src at least (c, d) -> (a, b).

    Raises:
        RuntimeError: the index is not int64, does not fit, or points outside; or the types differ.
        NotImplementedError: ``reduce`` is given.

    >>> minigrad.zeros(2, 3).scatter(1, minigrad.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    return scattered("scatter", Scatter, input, dim, index, value_or_source(src, value, reduce))


@checked
def scatter_(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number = LEFT_OUT,
    *,
    value: Tensor | Number | None = None,
    reduce: str | None = None,
) -> Tensor:
    """:func:`scatter`, in place."""
    return scattered("scatter_", Scatter, input, dim, index, value_or_source(src, value, reduce))


class IndexCopy(Put):
    """z = x with the slices that an index names replaced by those of ``source``."""

    saved_names = ("index", "source")
    node_name = "IndexCopyBackward0"
    saves_source = True


def with_slices(
    name: str, operation: Any, input: Tensor, dim: int, index: Tensor, source: Tensor, **options: Any
) -> Tensor:
    """What ``index_add`` and ``index_copy`` compute, in place for a ``name`` in "_"."""
    check_written(name, input, index, source)
    source, where = slices_form(name.rstrip("_"), input, dim, index, source)
    return apply_or_change(name, operation, input, source, where=where, **options)


def slices_form(name: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> tuple[Tensor, Any]:
    """The source and the NumPy index of ``index_add`` and ``index_copy``."""
    dim, positions = place_of_slices(name, input, dim, index)
    if source.dtype is not input.dtype:
        raise RuntimeError(f"{name}(): self and source expected to have the same dtype: {input.dtype}, {source.dtype}")
    if (source.ndim != input.ndim) if name == "index_add" else (input.ndim == 0 and source.ndim > 1):
        raise RuntimeError(unlike_slices(name, input, source))
    if input.ndim == 0:
        if source.numel() != 1 or positions.size != 1:
            raise RuntimeError(f"{name}(): a scalar takes one index and one element")
        return source if source.ndim == 0 else source.reshape(()), Given((), index)
    count = source.shape[dim] if source.ndim > dim else 1
    if count != positions.size:
        kind = IndexError if name == "index_copy" else RuntimeError
        raise kind(f"{name}(): Number of indices ({positions.size}) should be equal to source.size(dim): ({count})")
    expected = (*input.shape[:dim], positions.size, *input.shape[dim + 1 :])
    if source.ndim and source.shape != expected:
        kind = IndexError if name == "index_copy" and source.ndim != input.ndim else RuntimeError
        raise kind(unlike_slices(name, input, source))
    return source, rows(input, positions, dim, index)


def unlike_slices(name: str, input: Tensor, source: Tensor) -> str:
    """The message of the error for a source whose slices are not like the input's."""
    return (
        f"{name}(): source tensor shape must match self tensor shape, excluding the specified dimension. Got "
        f"self.shape = {list(input.shape)} source.shape = {list(source.shape)}"
    )


@checked
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of ``input`` with the slices that ``index`` names replaced by those of ``source``.

    Shapes: (a, b), index (n,), source (n, b) -> (a, b) for dim 0.

    Raises:
        IndexError: the index is no vector, or points outside.
        RuntimeError: ``source`` does not fit, or is of another type.
    """
    return with_slices("index_copy", IndexCopy, input, dim, index, source)


@checked
def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """:func:`index_copy`, in place."""
    return with_slices("index_copy_", IndexCopy, input, dim, index, source)


class IndexFillTensor(Put):
    """z = x with the slices that an index names filled with ``source``, one element."""

    result_strides = as_first
    node_name = "IndexFillBackward1"

    def forward(ctx, x, source, *, where):
        return super().forward(x, number_as(source.item(), x.dtype), where=where)


class PutNumber(Function):
    """z = x with ``number`` written at ``where``."""

    result_strides: Any = None
    node_name = "ScatterBackward1"

    def forward(ctx, x, *, number, where):
        ctx.save_for_backward(where)
        z = np.array(x, order="C")  # NumPy makes a number of a gradient without dimensions
        z[where] = number_as(number, x.dtype)
        return z

    def backward(ctx, grad_z):
        (where,) = ctx.saved_tensors
        grad_x = PutNumber.apply(grad_z, number=0, where=where)
        return grad_x


class IndexFill(PutNumber):
    """z = x with the slices that an index names filled with a number."""

    result_strides = as_first
    node_name = "IndexFillBackward0"


def filled(name: str, input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """What ``index_fill`` computes, in place for a ``name`` in "_"."""
    dim, positions = place_of_slices("index_fill", input, dim, index)
    where = rows(input, np.unique(positions), dim, index)
    if not isinstance(value, Tensor):
        return apply_or_change(name, IndexFill, input, number=value, where=where)
    if value.ndim:
        raise RuntimeError(f"index_fill_ only supports a 0-dimensional value tensor, got {value.ndim} dimensions.")
    return apply_or_change(name, IndexFillTensor, input, value, where=where)


@checked
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """A copy of ``input`` with the slices that ``index`` names filled with ``value``, a number or one element.

    Shapes: (a, b), index (n,) -> (a, b) for dim 0.

    Raises:
        IndexError: the index is no vector, or points outside.
        RuntimeError: ``value`` has dimensions.
    """
    return filled("index_fill", input, dim, index, value)


@checked
def index_fill_(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """:func:`index_fill`, in place."""
    check_apart(input, index)
    return filled("index_fill_", input, dim, index, value)


class AddAt(Function):
    """z = x with ``alpha · source`` added at ``where``, once for every time that names a place."""

    result_strides: Any = None
    node_name = "ScatterAddBackward0"

    saves_source = False
    saves_always = False  # also where only x needs a gradient, as one of PyTorch's does

    def forward(ctx, x, source, *, where, alpha=1):
        ctx.alpha = alpha
        if ctx.needs_input_grad[1] or ctx.saves_always:
            ctx.save_for_backward(where, source if ctx.saves_source else None)
        z = x.copy()
        if x.dtype.kind == "b":
            np.logical_or.at(z, where, source & bool(alpha))
        else:
            np.add.at(z, where, source * number_as(alpha, x.dtype))
        return z

    def backward(ctx, grad_z):
        grad_source = None
        if ctx.saves_always:
            ctx.check_saved()
        if ctx.needs_input_grad[1]:
            where, _ = ctx.saved_tensors
            picked = Pick.apply(grad_z, where=where)
            grad_source = picked if ctx.alpha == 1 else picked * ctx.alpha
        return grad_z, grad_source


class ScatterAdd(AddAt):
    """z[index[i, j, k], j, k] += source[i, j, k] for dim 0, and so on, from z = x."""


@checked
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of ``input`` with ``src`` added at the places that :func:`gather` would read.

    Shapes: (a, b), index (c, d), src at least (c, d) -> (a, b).

    Raises:
        RuntimeError: the index is not int64, does not fit, or points outside; or the types differ.
    """
    return scattered("scatter_add", ScatterAdd, input, dim, index, src)


@checked
def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """:func:`scatter_add`, in place."""
    return scattered("scatter_add_", ScatterAdd, input, dim, index, src)


class IndexAdd(AddAt):
    """z = x with the slices of ``source`` added to those that an index names."""

    saved_names = ("index", "source")
    node_name = "IndexAddBackward0"
    saves_source = True


@checked
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """A copy of ``input`` with ``alpha`` times the slices of ``source`` added to those that ``index`` names.

    Shapes: (a, b), index (n,), source (n, b) -> (a, b) for dim 0.

    Raises:
        IndexError: the index is no vector.
        RuntimeError: an index points outside, or ``source`` does not fit, or is of another type.
    """
    return with_slices("index_add", IndexAdd, input, dim, index, source, alpha=alpha)


@checked
def index_add_(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """:func:`index_add`, in place."""
    return with_slices("index_add_", IndexAdd, input, dim, index, source, alpha=alpha)


class IndexPutAccumulate(AddAt):
    """z = x with values added at an index's places."""

    result_strides = as_first
    node_name = "IndexPutBackward0"
    saves_always = True


def index_of(input: Tensor, indices: Any) -> tuple[Any, ...]:
    """The NumPy index that the tensors ``indices``, or None for all positions of a dimension, mean; checked."""
    where: list[Any] = []
    dim = 0
    for each in indices:
        part = slice(None) if each is None else np.asarray(checked_array(each))
        if dim + dims_of(part) > input.ndim:
            raise IndexError(f"too many indices for tensor of dimension {input.ndim} (got {len(indices)})")
        if isinstance(part, np.ndarray):
            check_array(part, input.shape, dim)
        where.append(part)
        dim += dims_of(part)
    return tuple(where)


def put_form(input: Tensor, indices: Any, values: Tensor, accumulate: bool) -> tuple[Any, Any]:
    """The operation of ``index_put`` and its NumPy index."""
    where = Given(index_of(input, indices), *indices)
    check_value_type(input, () if accumulate else where, values)
    target = input.array[where].shape
    if not is_expandable(values.shape, target):
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of "
            f"shape {list(target)}"
        )
    return (IndexPutAccumulate if accumulate else IndexPut), where


@checked
def index_put(input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False) -> Tensor:
    """:func:`index_put_` to a copy of ``input``. Shape: that of ``input``."""
    operation, where = put_form(input, indices, values, accumulate)
    return operation.apply(input, values, where=where)


@checked
def index_put_(input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False) -> Tensor:
    """``input[indices] = values``, or ``+=`` with ``accumulate``, where an element named twice gets both.

    Shape: that of ``input``.

    Args:
        indices: a tuple of index tensors, one a dimension.

    Raises:
        IndexError: an index is outside, or there are more than dimensions.
        RuntimeError: ``values`` does not fit, or is of another type.
    """
    operation, where = put_form(input, indices, values, accumulate)
    check_apart(input, *indices, values)
    name = "index_put_(accumulate=True)" if accumulate else "index_put_"  # on an expanded tensor only one may be done
    return run_in_place(input, name, operation, values, where=where)
