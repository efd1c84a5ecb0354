"""A view by strides: any elements of a tensor's memory, in any order, some of them several times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib import stride_tricks

from minigrad.arguments.gate import checked
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.storage import UntypedStorage
from minigrad.graph.strides import keep_strides, lay_in_order
from minigrad.graph.view import ViewFunction

__all__ = ["as_strided"]


def places_of(shape: Any, strides: Any, offset: int) -> np.ndarray:
    """Where in memory each element of such a view is."""
    places = np.full(shape, offset)
    for dim, (size, stride) in enumerate(zip(shape, strides)):
        places += (np.arange(size) * stride).reshape((-1,) + (1,) * (len(shape) - 1 - dim))
    return places


class AsStrided(ViewFunction):
    """z = what lies in x's memory at ``view`` = (sizes, strides, first place), counted in elements from its start."""

    result_strides = None

    def forward(ctx, x, *, view, memory):
        sizes, strides, first = ctx.view = view
        start = UntypedStorage(x).owner.ctypes.data
        ctx.own = x.shape, [step // x.itemsize for step in x.strides], (x.ctypes.data - start) // x.itemsize
        return stride_tricks.as_strided(memory[first:], sizes, [step * x.itemsize for step in strides])

    def backward(ctx, grad_z):
        grad_x = Relayed.apply(grad_z, source=ctx.view, target=ctx.own, shared=ctx.own)
        return grad_x


class Relayed(Function):
    """z = the elements of a view ``target`` of memory to which x was added by a view ``source``; what ``shared`` shows
    several times is divided among these."""

    def forward(ctx, x, *, source, target, shared):
        ctx.views = {"source": target, "target": source, "shared": shared}
        written, read = places_of(*source), places_of(*target)
        size = 1 + max([int(each.max()) for each in (written, read) if each.size], default=0)
        memory = np.bincount(written.ravel(), x.ravel(), size)
        times = np.maximum(np.bincount(places_of(*shared).ravel(), minlength=size), 1)
        return (memory / times)[read].astype(x.dtype)

    def backward(ctx, grad_z):
        grad_x = Relayed.apply(grad_z, **ctx.views)
        return grad_x


@checked
def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """A view of the memory behind ``input``: element (i, j) is at ``storage_offset + i * stride[0] + j * stride[1]``.

    Shape: ``size``. It begins where ``input`` does unless told.

    Raises:
        RuntimeError: sizes or strides are negative, or not of one number, or reach beyond the memory.

    >>> minigrad.arange(5).as_strided((3, 3), (1, 1))
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    sizes, strides = tuple(size), tuple(stride)
    if len(sizes) != len(strides):
        raise RuntimeError("mismatch in length of strides and shape")
    if min(strides, default=0) < 0:
        raise RuntimeError(
            f"as_strided: Negative strides are not supported at the moment, got strides: {list(strides)}"
        )
    if min(sizes, default=0) < 0:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(sizes)} and strides={list(strides)}")
    lay_in_order(input)
    first = input.storage_offset() if storage_offset is None else storage_offset
    owner = UntypedStorage(input.array).owner
    last = first + sum([(count - 1) * step for count, step in zip(sizes, strides)])
    available = owner.nbytes // input.array.itemsize
    if first < 0 or (0 not in sizes and last >= available):
        raise RuntimeError(
            f"setStorage: sizes {list(sizes)}, strides {list(strides)}, storage offset {first}, and itemsize "
            f"{input.array.itemsize} requiring a storage size of {(last + 1) * input.array.itemsize} are out of bounds "
            f"for storage of size {owner.nbytes}"
        )
    memory = owner.reshape(-1, order="A").view(input.array.dtype)
    result = AsStrided.apply(input, view=(sizes, strides, first), memory=memory)
    keep_strides(result)
    return result
