"""How arrays lie in memory, and one shape under which both ways of laying a batch of images look alike.

Images have the shape (N, C, H, W). In memory either the pixels of one channel follow each other (PyTorch's contiguous
format) or the channels of one pixel do ("channels last", which convolutions here give). Pooling and resizing treat
every channel alike, so both are seen as (outer, H, W, inner): (N·C, H, W, 1) or (N, H, W, C), without copying.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad import dtypes
from minigrad.caller import warn_user

__all__ = ["as_images", "as_planes", "check_layout", "is_channels_last", "is_dense", "is_expanded", "on_planes"]
__all__ += ["opened", "restrided", "writeable"]


def is_dense(array: np.ndarray) -> bool:
    """True where the elements lie side by side in memory, each in its own place, in whichever order of dimensions."""
    if array.flags.c_contiguous or array.flags.f_contiguous:
        return True
    reach = array.itemsize
    for stride, size in sorted(zip(array.strides, array.shape)):
        if size > 1:
            if stride != reach:
                return False
            reach *= size
    return True


def is_expanded(array: np.ndarray) -> bool:
    """True where elements share places in memory, because a dimension repeats one."""
    if 0 not in array.strides or not array.size:
        return False
    return any(stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape))


def is_channels_last(x: np.ndarray) -> bool:
    """Whether the channels of one pixel lie next to each other; where nothing tells the two ways apart, no."""
    if x.flags.c_contiguous:
        return False
    return x.transpose(0, 2, 3, 1).flags.c_contiguous or x.strides[1] < x.strides[3]


def as_planes(x: np.ndarray, channels_last: bool) -> np.ndarray:
    """(N, C, H, W) seen as (outer, H, W, inner), in order in memory: copied only where it lies otherwise."""
    if channels_last:
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    batch, channels, height, width = x.shape
    return np.ascontiguousarray(x).reshape(batch * channels, height, width, 1)


def as_images(planes: np.ndarray, leading: tuple[int, ...], channels_last: bool) -> np.ndarray:
    """What :func:`as_planes` made, or a result of the same kind, as (N, C, H, W) again; ``leading`` is (N, C)."""
    if channels_last:
        return planes.transpose(0, 3, 1, 2)
    return planes.reshape(*leading, *planes.shape[1:3])


def on_planes(x: np.ndarray, compute: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """What ``compute`` makes of images seen as planes, as images that lie as x does."""
    channels_last = is_channels_last(x)
    return as_images(compute(as_planes(x, channels_last)), x.shape[:2], channels_last)


def writeable(array: np.ndarray) -> np.ndarray:
    """``array``, open for writing where it is an expanded view, which NumPy protects."""
    if array.flags.writeable:
        return array
    target = array.view()
    target.flags.writeable = True
    return target


def restrided(array: np.ndarray, shape: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    """``array``'s memory under another shape and other strides, in bytes: open for writing, as no view of this array
    can be opened later. NumPy does not know any more whose memory it is.
    """
    return as_strided(writeable(array), shape, strides)


def check_layout(array: np.ndarray) -> None:
    """Refuse an array that a tensor cannot stand for.

    Raises:
        TypeError: its type is none of minigrad's.
        ValueError: it runs backwards through memory or in steps that are no multiple of an element, or its bytes are
            in another order than this machine's.
    """
    if not array.dtype.isnative:
        raise ValueError(
            "the array's byte order is not this machine's; convert it: array.astype(array.dtype.newbyteorder('='))"
        )
    dtypes.from_numpy_dtype(array.dtype)
    if any(stride < 0 for stride in array.strides):
        raise ValueError("the array has a negative stride, which tensors do not have; make a copy: array.copy()")
    if any(stride % array.itemsize for stride in array.strides):
        raise ValueError("the array's strides are no multiple of its element's size; make a copy: array.copy()")


def opened(array: np.ndarray, what: str = "NumPy array") -> np.ndarray:
    """``array`` without its subclass, open for writing. What NumPy protects for good, such as bytes, is copied."""
    array = np.asarray(array)  # a matrix multiplies otherwise, a masked array leaves elements out
    if array.flags.writeable:
        return array
    warn_user(
        f"The given {what} is not writable, and there are no non-writable tensors: what is written to the tensor "
        "is written to the array's memory, or to a copy of memory that cannot be written. You may want to copy it."
    )
    try:
        return writeable(array)
    except ValueError:
        return array.copy()
