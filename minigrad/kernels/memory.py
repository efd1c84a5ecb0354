"""Memory that kernels compute in: buffers that are used again, and windows on pictures with zeros around them.

A fresh large array costs more than what is computed into it: the operating system hands out its pages one by one, as
they are first touched. Kernels therefore work through pictures chunk by chunk, in buffers that stay.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from minigrad.kernels.parallel import width

__all__ = ["channels_last", "chunks", "inside", "pictures", "taps_first", "window", "workspace"]

# Bytes. A large buffer is made at least so large that Linux gives it in pages of 2 MB, for which NumPy asks: in few
# large pages a processor finds its way faster than in many small ones. What is not touched of it costs no memory.
LARGE, IN_LARGE_PAGES = 1 << 20, 1 << 23
CACHE_LINE = 64
LARGEST_KEPT = 1 << 25  # a larger buffer is not kept for the next time


class _Workspaces(threading.local):
    """The buffers of one thread, by name: no two threads share one."""

    def __init__(self) -> None:
        self.buffers: dict[str, np.ndarray] = {}


workspaces = _Workspaces()


def workspace(name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array to compute in, its values arbitrary: the same memory whenever the same thread says the same ``name``.

    Only for what is forgotten when the kernel returns. A result is never made in it.
    """
    size = math.prod(shape) * dtype.itemsize
    buffer = workspaces.buffers.get(name)
    if buffer is None or buffer.size < size:
        buffer = aligned(max(size, IN_LARGE_PAGES) if size >= LARGE else size)
        if size <= LARGEST_KEPT:
            workspaces.buffers[name] = buffer
    return np.ndarray(shape, dtype, buffer)


def aligned(size: int) -> np.ndarray:
    """So many bytes that begin where a line of the cache does: else each wide load or store of NumPy's is two."""
    memory = np.empty(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size]


def channels_last(x: np.ndarray) -> np.ndarray:
    """(N, C, H, W) seen as (N, H, W, C)."""
    return x.transpose(0, 2, 3, 1)


def taps_first(weight: np.ndarray) -> np.ndarray:
    """(K, C, R, S) copied to (R, S, K, C), so that each tap's weights are a matrix; good until this thread's next one.

    All taps at once: one by one, each would fetch the whole weight from memory again.
    """
    by_tap = weight.transpose(2, 3, 0, 1)
    matrices = workspace("by tap", by_tap.shape, weight.dtype)
    matrices[...] = by_tap
    return matrices


def pictures(shape: tuple[int, ...], dtype: np.dtype, make: Any = np.empty) -> np.ndarray:
    """A new (N, C, H, W) array whose memory is ordered N, H, W, C: what the kernels return.

    Elementwise NumPy keeps this order, so from one convolution to the next nothing is rearranged.
    """
    count, channels, height, width = shape
    return make((count, height, width, channels), dtype).transpose(0, 3, 1, 2)


def chunks(count: int, rows: int, wanted: int, shared: bool) -> list[tuple[int, int, int, int]]:
    """``count`` pictures of ``rows`` rows in chunks of about ``wanted`` rows: (first picture, end, first row, end).

    A chunk is several whole pictures, or some rows of one, so that its results lie side by side in memory. If they are
    to be ``shared`` each thread has as many, where there are enough.
    """
    if count == 0 or rows == 0:
        return []
    threads = width() if shared else 1
    wanted = min(wanted, -(-count * rows // threads))
    if wanted >= rows:
        parts = -(-count // (wanted // rows))
        several = -(-count // (-(-parts // threads) * threads))
        return [(first, min(first + several, count), 0, rows) for first in range(0, count, several)]
    parts = -(-rows // max(wanted, 1))
    even = -(-rows // parts)
    spans = [(first, min(first + even, rows)) for first in range(0, rows, even)]
    return [(number, number + 1, *span) for number in range(count) for span in spans]


def window(x: np.ndarray, first: int, end: int, top: int, height: int, left: int, width: int) -> np.ndarray:
    """Rows from ``top`` and columns from ``left`` of the pictures ``first`` to ``end`` of x, zeros beyond the edge.

    Shapes: (N, H, W, C) -> (end - first, height, width, C), the channels side by side in memory. To be read only: it
    is x's own memory where that will do.
    """
    _, rows, columns, channels = x.shape
    side_by_side = x.strides[3] == x.itemsize or channels == 1
    if side_by_side and top >= 0 and left >= 0 and top + height <= rows and left + width <= columns:
        return x[first:end, top : top + height, left : left + width]
    framed = workspace("window", (end - first, height, width, channels), x.dtype)
    upper, lower = min(max(-top, 0), height), max(min(rows - top, height), 0)
    near, far = min(max(-left, 0), width), max(min(columns - left, width), 0)
    lower, far = max(lower, upper), max(far, near)
    framed[:, :upper] = 0
    framed[:, lower:] = 0
    framed[:, upper:lower, :near] = 0
    framed[:, upper:lower, far:] = 0
    inside = x[first:end, top + upper : top + lower, left + near : left + far]
    if inside.size == 0:
        return framed
    if channels <= 4 and not side_by_side:  # a channel at a time: NumPy's innermost loop would be this short
        for channel in range(channels):
            framed[:, upper:lower, near:far, channel] = inside[..., channel]
    else:
        framed[:, upper:lower, near:far] = inside
    return framed


def inside(first, end, tap, stride, padding, dilation, size):
    """Which of ``size`` places the places ``first`` to ``end`` of y read by ``tap``, and which of those they are."""
    offset = tap * dilation - padding
    lowest = max(first, -(offset // stride))  # rounded up: the first place of y that reads at 0 or beyond
    highest = min(end - 1, (size - 1 - offset) // stride)
    if highest < lowest:
        return slice(0, 0), slice(0, 0)
    begin = lowest * stride + offset
    return slice(begin, highest * stride + offset + 1, stride), slice(lowest - first, highest + 1 - first)
