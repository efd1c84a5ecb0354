"""A tensor given another size in place: it shows its memory from where it began, in row-major order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.arguments.dims import as_shape
from minigrad.arguments.gate import checked
from minigrad.graph.node import Tensor
from minigrad.graph.storage import UntypedStorage
from minigrad.graph.strides import lay_in_order

__all__ = ["resize_", "resize_as_"]


def resize_(input: Tensor, *sizes: Any) -> Tensor:
    """The tensor itself, in another size: its first elements stay. Shape: ``sizes``.

    Where the memory is too small, it moves to larger memory, filled up with zeros; other tensors that showed the old
    one still do. Prefer ``reshape`` and ``new_empty``.

    Raises:
        RuntimeError: it requires grad, or a size is negative, or there would be more bytes than 64 bits count.
    """
    if not sizes:
        raise TypeError('resize_() missing 1 required positional arguments: "size"')
    shape = as_shape(sizes)
    if input._requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if any(each < 0 for each in shape):
        raise RuntimeError(f"resize_: sizes must not be negative, got {list(shape)}")
    if math.prod(each for each in shape if each) * input.array.itemsize >= 2**63:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")
    lay_in_order(input)
    array = input.array
    count = math.prod(shape)
    owner = UntypedStorage(array).owner
    room = (owner.ctypes.data + owner.nbytes - array.ctypes.data) // array.itemsize if array.size else 0
    elements = as_strided(array, (room,), (array.itemsize,))  # all from its first one on
    if count > room:
        elements = np.concatenate([elements, np.zeros(count - room, array.dtype)])
    input._replace_array(elements[:count].reshape(shape))
    input._strided = False
    input._version_counter.bump("resize_")
    return input


@checked
def resize_as_(input: Tensor, the_template: Tensor) -> Tensor:
    """:func:`resize_` to the size of another tensor. Shape: that one's."""
    if input.array.shape == the_template.array.shape:
        return input
    return resize_(input, *the_template.array.shape)
