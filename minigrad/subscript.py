"""What ``x[index]`` and ``x[index] = value`` mean: the index is taken apart here, ``ops/indexing.py`` does the rest.

Integers, slices and None are applied first, one dimension after the other, and give a view; what then remains, arrays
of positions and masks, picks from that view in one step. So ``x[1:, None, 0]`` is a slice, an inserted dimension and a
selection, and ``x[0, :, [1, 2]]`` is a selection and then a pick: the nodes that PyTorch records.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minigrad.arguments.dims import is_expandable
from minigrad.arguments.promotion import scalar_as
from minigrad.caller import warn_user
from minigrad.graph.function import taken_in, wrap
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.history import note_cut, switched_off
from minigrad.graph.node import Tensor
from minigrad.graph.saved_tensors import Given
from minigrad.inplace import changing
from minigrad.kernels.layout import is_expanded, writeable
from minigrad.ops.copying import Copy, FillFrom
from minigrad.ops.indexing import Index, IndexPut, Select, Slice, check_array, check_value_type, checked_array, dims_of
from minigrad.ops.shape import Alias, Unsqueeze
from minigrad.reading import is_sequence

__all__ = ["get", "set"]


def get(tensor: Tensor, index: Any) -> Tensor:
    """``tensor[index]``.

    Raises:
        IndexError: the index has too many parts, points outside, or a part is nothing that can index.
        TypeError: a slice's bound is no integer, or a part is a string.
        ValueError: a slice has a step below 1.
    """
    if isinstance(index, slice) and tensor.ndim:
        return Slice.apply(tensor, dim=0, where=checked_slice(index))
    view, where = take_views(tensor, take_apart(index))
    if where:
        return Index.apply(view, where=given(where, index))
    return Alias.apply(tensor) if view is tensor else view


def set(tensor: Tensor, index: Any, value: Any) -> None:
    """``tensor[index] = value``, the value broadcast to the indexed shape.

    A number is converted to the tensor's type; so is a tensor, unless the index holds positions or a mask.

    Raises:
        IndexError, TypeError, ValueError: as :func:`get`; TypeError also if the value is no tensor and no number.
        RuntimeError: the value's shape or type does not fit, or the tensor may not be changed in place.
    """
    if index is False:
        return  # as in PyTorch, nothing at all happens
    value = taken_in(value)
    if not isinstance(value, Tensor):
        if not isinstance(value, (bool, int, float, np.generic)):
            raise TypeError(
                f"can't assign a {type(value).__name__} to a {tensor.dtype} tensor; use a tensor or a number"
            )
        value = np.asarray(value).item()
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError(f"{value} does not fit in 64 bits")
        value = wrap(scalar_as(value, tensor.array.dtype))
    view, where = take_views(tensor, take_apart(None if index is True else index))
    changing.check_changeable(view, "__setitem__", value)
    check_fits(view, where, value)
    if not (grad_mode.enabled and (tensor._requires_grad or value._requires_grad)):
        check_written(view, where, index, value)
        writeable(view.array)[where or ...] = without_leading_ones(value.array)
        tensor._version_counter.bump("__setitem__")
        cut = note_cut(switched_off(), [value], [], "an assignment")
        if cut is not None:
            changing.take_cut(tensor, cut)
    elif where:
        picked = given(where, index)
        changing.check_apart(view, *picked.sources, value if value.ndim else None)
        name = "index_put_" if is_expanded(view.array) else "__setitem__"
        changing.run_in_place(view, name, IndexPut, sliced(value), where=picked)
    elif value.shape == view.shape:
        changing.run_in_place(view, "__setitem__", Copy, value)
    elif value.ndim == 0:
        changing.run_in_place(view, "fill_", FillFrom, value)
    else:
        value = value.view(without_leading_ones(value.array).shape)
        value = value if value.shape == view.shape else value.expand(view.shape)
        changing.run_in_place(view, "__setitem__", Copy, value)


def given(where: tuple[Any, ...], index: Any) -> Given:
    """A NumPy index, and the tensors of the index that it was made of: rules watch them."""
    return Given(where, *(index if isinstance(index, (tuple, list)) else (index,)))


def check_written(view: Tensor, where: tuple[Any, ...], index: Any, value: Tensor) -> None:
    """Raise PyTorch's error where memory that is written is read meanwhile; warn of positions in an expanded tensor."""
    if where:
        if is_expanded(view.array):
            changing.warn_of_expanded("index_put_")
        changing.check_apart(view, *given(where, index).sources, value if value.ndim else None)
    elif not changing.is_same(without_leading_ones(view.array), without_leading_ones(value.array)):
        is_expanded_first = value.numel() != view.numel()  # then it is copied
        changing.check_overlap(view, None if is_expanded_first else value)


def sliced(value: Tensor) -> Tensor:
    """``value`` without its leading dimensions of size 1: itself where it has none."""
    shape = without_leading_ones(value.array).shape
    return value if shape == value.shape else value.view(shape)


def without_leading_ones(array: np.ndarray) -> np.ndarray:
    """``array`` without its leading dimensions of size 1."""
    shape = array.shape
    while shape and shape[0] == 1:
        shape = shape[1:]
    return array.reshape(shape)


def check_fits(view: Tensor, where: tuple[Any, ...], value: Tensor) -> None:
    """Raise PyTorch's RuntimeError where ``value`` cannot be written to ``view[where]``."""
    target = view.array[where].shape if where else view.array.shape
    if not is_expandable(without_leading_ones(value.array).shape, target):
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to indexing result of "
            f"shape {list(target)}"
        )
    if where:
        check_value_type(view, where, value)


def take_views(tensor: Tensor, parts: list[Any]) -> tuple[Tensor, tuple[Any, ...]]:
    """Apply the parts of an index that give views; what remains is a NumPy index into the view: arrays and full slices.

    ``dim`` is the dimension of the view that the next part is about.
    """
    used = sum(dims_of(part) for part in parts)
    if used > tensor.ndim:
        if len(parts) == 1 and isinstance(parts[0], int):
            raise IndexError("invalid index of a 0-dim tensor. Use tensor.item() to convert it to a number")
        if len(parts) == 1 and isinstance(parts[0], slice):
            raise IndexError("slice() cannot be applied to a 0-dim tensor.")
        raise IndexError(f"too many indices for tensor of dimension {tensor.ndim}")
    view, dim = tensor, 0
    where: list[Any] = []
    for position, part in enumerate(parts):
        if part is Ellipsis:
            dim += tensor.ndim - used
        elif part is None:
            view = Unsqueeze.apply(view, dim=dim)
            dim += 1
        elif isinstance(part, slice):
            if not (part.start in (None, 0) and part.step in (None, 1)) or (
                part.stop is not None and part.stop < view.array.shape[dim]
            ):
                view = Slice.apply(view, dim=dim, where=part)
            dim += 1
        elif isinstance(part, bool):  # a dimension of size 1 that is picked, or not
            view = Unsqueeze.apply(view, dim=dim)
            where += [slice(None)] * (dim - covered(where)) + [np.zeros(1 if part else 0, np.int64)]
            dim += 1
        elif isinstance(part, int):
            size = view.array.shape[dim]
            if not -size <= part < size:
                raise IndexError(f"index {part} is out of bounds for dimension {position} with size {size}")
            view = Select.apply(view, dim=dim, index=part)
        else:
            check_array(part, view.array.shape, dim)
            where += [slice(None)] * (dim - covered(where)) + [part]
            dim += dims_of(part)
    return view, tuple(where)


def covered(where: list[Any]) -> int:
    return sum(dims_of(part) for part in where)


def take_apart(index: Any) -> list[Any]:
    """The parts of an index, each an int, a bool, a slice, None, ``...`` or an array of positions or truths.

    A list that holds a sequence, a slice, None or ``...`` counts as a tuple, as it did in NumPy once and still does in
    PyTorch: ``x[[[0, 1], [1, 0]]]`` is ``x[[0, 1], [1, 0]]``.
    """
    if isinstance(index, list) and len(index) < 32 and any(map(is_part_of_its_own, index)):
        warn_user("Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(index)].")
        index = tuple(index)
    parts = []
    for part in index if isinstance(index, tuple) else (index,):
        parts.append(checked_part(part))
    return parts


def is_part_of_its_own(part: Any) -> bool:
    """True for what cannot be one of several positions along a dimension."""
    return part is None or part is Ellipsis or isinstance(part, (slice, Tensor)) or is_sequence(part)


def checked_part(part: Any) -> Any:
    """One part of an index, in one of the forms that :func:`take_apart` promises."""
    part = taken_in(part)
    if part is None or part is Ellipsis or isinstance(part, bool):
        return part
    if isinstance(part, slice):
        return checked_slice(part)
    if isinstance(part, Tensor) or is_sequence(part) or isinstance(part, np.ndarray):
        return checked_array(part)
    try:
        if isinstance(part, np.bool_):  # as an integer it would be a position
            raise TypeError
        return operator.index(part)
    except TypeError:
        raise IndexError(
            f"only integers, slices (`:`), ellipsis (`...`), None and tensors, arrays or lists of integers or bools "
            f"are valid indices (got {type(part).__name__})"
        ) from None


def checked_slice(part: slice) -> slice:
    """The slice with integers as bounds and a positive step."""
    try:
        bounds = [None if bound is None else operator.index(bound) for bound in (part.start, part.stop, part.step)]
    except TypeError:
        raise TypeError(
            f"slice indices must be integers or None or have an __index__ method, and {part} has others"
        ) from None
    if bounds[2] is not None and bounds[2] <= 0:
        raise ValueError("step must be greater than zero")
    return slice(*bounds)
