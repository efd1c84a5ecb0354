"""How tensors lie in memory: what users see of it, and which way PyTorch would lay a result.

Users see row-major order, whichever order a kernel has chosen for its result: convolutions compute faster where the
channels of a pixel lie side by side. Only where they laid a tensor otherwise themselves, as a view (``x.t()``) or as a
NumPy array, do they see its array's own strides: such a tensor is marked, ``_strided``. What is computed from it lies
as PyTorch would lay it, and is marked too where that is not row-major.

Strides count elements here. Who looks: ``Tensor.stride``, ``view``, random numbers, which are drawn in the order in
which a tensor lies. Source of the rules: ATen/TensorIterator.cpp, c10/core/MemoryFormat.h.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.attributes import memory_format, preserve_format
from minigrad.graph.node import Tensor, TensorBase
from minigrad.kernels.layout import restrided

__all__ = ["array_like", "as_all_pictures", "as_any_picture", "as_first", "as_like", "as_part", "as_pictures"]
__all__ += ["copied_in", "elementwise", "from_last", "in_strides", "keep_strides", "lay_as_pytorch", "lay_in_order"]
__all__ += ["lies_channels_last", "lies_in", "row_major", "show_memory", "spanning", "strides_in", "strides_of"]
__all__ += ["with_strides"]

Strides = tuple[int, ...]
NONE: Mapping[int, int] = {}
Operand = tuple[tuple[int, ...], Strides]  # an input's shape and strides


def row_major(shape: tuple[int, ...]) -> Strides:
    """The last dimension's elements side by side."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def strides_of(tensor: TensorBase) -> Strides:
    """The strides that users see."""
    array = tensor.array
    if tensor._strided:
        return tuple([step // array.itemsize for step in array.strides])
    return row_major(array.shape)


def keep_strides(tensor: TensorBase) -> None:
    """Let users see the strides of the array, for it was they who laid it so."""
    array = tensor.array
    if not array.flags.c_contiguous:
        tensor._strided = TensorBase._some_strided = True
    elif 1 in array.shape or (array.size == 0 and any(array.strides)):
        tensor._strided = array.strides != tuple([step * array.itemsize for step in row_major(array.shape)])
        TensorBase._some_strided |= tensor._strided


def lay_in_order(tensor: TensorBase) -> None:
    """Before others see the memory: put it in row-major order, if it is to be seen so and a kernel laid it otherwise.

    This is called wherever memory is given away, before it is: by a view, by ``numpy``, ``data_ptr``. The tensors that
    show the same memory by ``data`` or ``detach`` move with it. So nobody but a node that saved it can hold the old
    array, and for a node it keeps its values.
    """
    array = tensor.array
    if tensor._strided:
        return
    if not array.flags.c_contiguous:
        tensor.array = array.copy(order="C")
    elif 1 in array.shape or not array.size:
        tensor.array = with_strides(array, row_major(array.shape))
    if tensor.array is not array:
        for reference in tensor._sharing:
            other = reference()
            if other is not None and other.array is array:
                other.array = tensor.array


def show_memory(tensor: TensorBase, source: TensorBase) -> None:
    """Note that ``tensor`` shows ``source``'s array, all of it: to show it, nothing need be laid in order.

    The two know each other, weakly, so that :func:`lay_in_order` of one lays both.
    """
    tensor._strided = source._strided
    if source._strided or (source.array.flags.c_contiguous and 1 not in source.array.shape):
        return
    if not source._sharing:
        source._sharing = [weakref.ref(source)]
    source._sharing[:] = [each for each in source._sharing if each() is not None]
    source._sharing.append(weakref.ref(tensor))
    tensor._sharing = source._sharing


def with_strides(array: ndarray, strides: Strides) -> ndarray:
    """The same elements of memory under the strides that PyTorch names, where a dimension's size is 1 or 0."""
    wanted = tuple([step * array.itemsize for step in strides])
    return array if array.strides == wanted else restrided(array, array.shape, wanted)


def spanning(array: ndarray, dims: Iterable[int], known: Mapping[int, int] = NONE) -> ndarray:
    """The same elements, where each of ``dims``, of size 1, is as far from the next as what lies inside it reaches.

    The last dimension's is 1. ``known`` are strides to be set so, of other dimensions of size 1 or of the last.
    """
    strides = [step // array.itemsize for step in array.strides]
    for dim in sorted({*dims, *known}, reverse=True):
        span = array.shape[dim + 1] * strides[dim + 1] if dim + 1 < array.ndim else 1
        strides[dim] = known.get(dim, span)
    return with_strides(array, tuple(strides))


def elementwise(shape: tuple[int, ...], operands: Sequence[Operand]) -> Strides:
    """The dimensions in the order in which they lie in the first operand; where it does not tell, in the next.

    A result that has not the operands' broadcast shape is of another kind of operation: it lies in row-major order.
    """
    if any(len(each) > len(shape) for each, _ in operands):
        return row_major(shape)
    aligned = []
    for sizes, strides in operands:
        leading = len(shape) - len(sizes)
        for size, wanted in zip(sizes, shape[leading:]):
            if size not in (1, wanted):
                return row_major(shape)
        expanded = [0 if size != wanted else stride for size, wanted, stride in zip(sizes, shape[leading:], strides)]
        aligned.append([0] * leading + expanded)
    if all(sizes == shape for sizes, _ in operands):
        if all(is_in_order(*each) for each in operands):
            return row_major(shape)
        if len(shape) == 4 and all(is_in_order(*each, channels_last(shape)) for each in operands):
            return channels_last(shape)
        if all(each == operands[0] for each in operands) and dense(*operands[0]):
            return operands[0][1]
    dims = list(range(len(shape)))[::-1]  # the innermost one first
    for start in range(1, len(dims)):  # insertion, as PyTorch does it: the comparison is no order, so this matters
        moving = start
        for place in range(start - 1, -1, -1):
            comparison = compared(dims[place], dims[moving], shape, aligned)
            if comparison < 0:
                break
            if comparison > 0:
                dims[place], dims[moving] = dims[moving], dims[place]
                moving = place
    if dims == sorted(dims, reverse=True):
        return row_major(shape)
    result, step = [0] * len(shape), 1
    for dim in dims:
        result[dim] = step
        step *= shape[dim]
    return tuple(result)


def compared(first: int, second: int, shape: tuple[int, ...], strides: Sequence[Sequence[int]]) -> int:
    """1 where dimension ``first`` is to lie outside ``second``, -1 where inside, 0 where nothing tells."""
    for each in strides:
        if each[first] == 0 or each[second] == 0:  # broadcast
            continue
        if each[first] != each[second]:
            return 1 if each[first] > each[second] else -1
        if shape[first] > shape[second]:
            return 1
    return 0


def is_in_order(shape: tuple[int, ...], strides: Strides, order: Strides = ()) -> bool:
    """Whether the strides are those of ``order``, row-major unless told, where a dimension's size is not 1."""
    wanted = order or row_major(shape)
    return 0 in shape or all(size == 1 or a == b for size, a, b in zip(shape, strides, wanted))


def dense(shape: tuple[int, ...], strides: Strides) -> bool:
    """Whether each element has a place of its own and there is none between them, in whichever order of dimensions."""
    if 0 in shape:
        return True
    step = 1
    for stride, size in sorted((stride, size) for stride, size in zip(strides, shape) if size > 1):
        if stride != step:
            return False
        step *= size
    return True


def from_last(shape: tuple[int, ...], operands: Sequence[Operand]) -> Strides:
    """:func:`elementwise`, where the last operand is asked first."""
    return elementwise(shape, operands[::-1])


def as_first(shape: tuple[int, ...], operands: Sequence[Operand]) -> Strides:
    """As the first operand, whatever it meets."""
    return elementwise(shape, operands[:1])


def as_like(shape: tuple[int, ...], operands: Sequence[Operand]) -> Strides:
    """The first operand's own strides if they leave no gaps."""
    return operands[0][1] if dense(*operands[0]) else elementwise(shape, operands)


def as_part(shape: tuple[int, ...], operands: Sequence[Operand]) -> Strides:
    """As a part, of this shape, of the first operand."""
    return elementwise(shape, [(shape, operands[0][1])])


def as_pictures(shape: tuple[int, ...], operands: Sequence[Operand]) -> Strides:
    """Pictures (N, C, H, W) channels-last where the first operand is, else in row-major order."""
    return channels_last(shape) if lies_channels_last(*operands[0]) and len(shape) > 3 else row_major(shape)


def as_any_picture(shape: tuple[int, ...], operands: Sequence[Operand]) -> Strides:
    """Channels-last where one of the operands is, pictures or weight."""
    return channels_last(shape) if any(lies_channels_last(*each) for each in operands) else row_major(shape)


def as_all_pictures(shape: tuple[int, ...], operands: Sequence[Operand]) -> Strides:
    """Channels-last where all operands are."""
    return channels_last(shape) if all(lies_channels_last(*each) for each in operands) else row_major(shape)


def channels_last(shape: tuple[int, ...]) -> Strides:
    """(N, C, H, W) in the order N, H, W, C."""
    batch, *places, channels = row_major((shape[0], *shape[2:], shape[1]))
    return batch, channels, *places


def lies_channels_last(shape: tuple[int, ...], strides: Strides) -> bool:
    """Whether PyTorch takes pictures with these strides for channels-last; where nothing tells, it does not."""
    if len(shape) not in (4, 5) or strides[1] == 0:
        return False
    least = 0
    for dim in (1, *range(len(shape) - 1, 1, -1), 0):
        if strides[dim] < least or shape[dim] == 0 or (dim == 0 and least == strides[1]):
            return False
        least = strides[dim] * max(shape[dim], 1)
    return True


def array_like(tensor: TensorBase, kind: Any, order: memory_format = preserve_format) -> ndarray:
    """Memory for as many values of type ``kind`` (None: the tensor's own), laid as PyTorch lays what is like it."""
    array = tensor.array
    strides = strides_in(array.shape, strides_of(tensor), order)
    return in_strides(array.shape, strides, array.dtype if kind is None else kind)


def strides_in(shape: tuple[int, ...], strides: Strides, order: memory_format) -> Strides:
    """The strides of a tensor of this shape in a format; ``strides`` are those to preserve.

    Raises:
        TypeError: it is no format.
        RuntimeError: the format is one of another number of dimensions.
    """
    if not isinstance(order, memory_format):
        raise TypeError(f"argument 'memory_format' must be minigrad.memory_format, not {type(order).__name__}")
    if order is preserve_format:
        return as_like(shape, [(shape, strides)])
    if order.ndim is not None and len(shape) != order.ndim:
        raise RuntimeError(f"required rank {order.ndim} tensor to use {order.name} format, not one of shape {shape}")
    return row_major(shape) if order.ndim is None else channels_last(shape)


def lies_in(tensor: TensorBase, order: memory_format) -> bool:
    """Whether a tensor lies in a format as users see it, without gaps; where nothing tells, it does.

    Raises:
        TypeError: it is no format.
    """
    shape, strides = tensor.array.shape, strides_of(tensor)
    if isinstance(order, memory_format) and order.ndim not in (None, len(shape)):
        return False
    return is_in_order(shape, strides, row_major(shape) if order is preserve_format else strides_in(shape, (), order))


def copied_in(array: ndarray, strides: Strides, kind: Any) -> ndarray:
    """The values in new memory, laid in these strides."""
    laid = in_strides(array.shape, strides, kind)
    laid[...] = array
    return laid


def in_strides(shape: tuple[int, ...], strides: Strides, kind: Any) -> ndarray:
    """New memory, laid in these strides."""
    outermost_first = sorted(range(len(shape)), key=lambda dim: (strides[dim], shape[dim]), reverse=True)
    memory = np.empty([shape[dim] for dim in outermost_first], kind)
    return with_strides(memory.transpose(np.argsort(outermost_first)), strides)


def lay_as_pytorch(rule: Any, inputs: Sequence[Any], results: Sequence[Tensor]) -> None:
    """Lay what was computed from ``inputs``, where the user laid one of them, as PyTorch would by ``rule``."""
    tensors = [each for each in inputs if isinstance(each, TensorBase)]
    if not any(each._strided for each in tensors):
        return
    operands: list[Operand] = []
    for each in inputs:
        if isinstance(each, TensorBase):
            operands.append((each.array.shape, strides_of(each)))
        elif isinstance(each, (int, float)):
            operands.append(((), ()))
    for result in results:
        array = result.array
        if any(np.may_share_memory(each.array, array) for each in tensors):
            continue  # a view, or an input that was changed in place
        strides = rule(array.shape, operands)
        if strides != row_major(array.shape):
            result.array = copied_in(array, strides, array.dtype)
            result._strided = True
