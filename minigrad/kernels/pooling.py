"""Pooling on arrays: the largest, or the sum, of each window, and the way back from each window to its elements.

Every computation takes images (N, C, H, W) and, for each of the two dimensions, a :class:`Windows`. The plain loops,
``plain_...``, say what is computed, element by element. The fast kernels go through a window's elements instead: the
element number k of all windows together is one strided slice of the image. A window of 3 × 3 takes 3 + 3 of them: along
the rows first, then along the columns of what remained.

Where the largest element of a window lies is kept as its number in the window, row by row: one byte an output. Windows
of various sizes are in ``adaptive_pooling.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.dtypes import FLOATS
from minigrad.kernels import kernel_mode
from minigrad.kernels.layout import as_images, as_planes, is_channels_last, on_planes
from minigrad.kernels.memory import inside
from minigrad.kernels.parallel import share_out
from minigrad.kernels.selection import where_chosen

__all__ = ["Spans", "Windows", "added_along", "lowest_of", "max_pool", "pick_from_windows", "rows_and_columns"]
__all__ += ["spread_to_windows", "spread_window_sums", "window_sums"]

# Windows along one dimension, of any size: where each begins and ends, and perhaps how far apart its elements are.
Spans = Sequence[tuple[int, ...]]

BLOCK = 1 << 17  # elements worked on at a time, so that what one call writes the next still finds in the cache


@dataclass(frozen=True)
class Windows:
    """Where the windows lie along one dimension: element k of window o is at o · stride - padding + k · dilation."""

    count: int
    kernel: int
    stride: int
    padding: int
    dilation: int

    def place(self, window: Any, element: Any) -> Any:
        """Where an element of a window lies, which may be outside of the input; of several, arrays, where each does."""
        return window * self.stride - self.padding + element * self.dilation

    def inside(
        self, element: int, start: int, stop: int, first: int = 0, end: int | None = None
    ) -> tuple[slice, slice]:
        """The windows from ``first`` to ``end`` whose ``element`` lies in the input from ``start`` to ``stop``.

        Two slices: these windows, counted from ``first``, and the places of that element, counted from ``start``.
        """
        end = self.count if end is None else end
        places, windows = inside(first, end, element, self.stride, self.padding + start, self.dilation, stop - start)
        return windows, places

    def first_inside(self) -> np.ndarray:
        """For each window the number of its first element that does not lie before the input."""
        starts = np.arange(self.count) * self.stride - self.padding
        return np.maximum(0, -(starts // self.dilation))

    def spans(self, size: int) -> Spans:
        """What each window has of an input of ``size``."""
        starts = [self.place(window, 0) for window in range(self.count)]
        firsts = [start if start >= 0 else start % self.dilation for start in starts]
        reach = (self.kernel - 1) * self.dilation + 1
        return [(first, min(start + reach, size), self.dilation) for first, start in zip(firsts, starts)]


# ---------------------------------------------------------------------------------------------- the largest


def max_pool(x: np.ndarray, rows: Windows, columns: Windows) -> tuple[np.ndarray, np.ndarray]:
    """The largest element of each window, and its number in the window. Shapes: (N, C, H, W) -> twice (N, C, h, w).

    Of equal elements the first counts, of NaNs, which are larger than anything, the last. Padding is smaller than
    anything.
    """
    if kernel_mode.get().reference:
        return plain_max_pool(x, rows, columns)
    channels_last = is_channels_last(x)
    planes = as_planes(x, channels_last)
    shape = (planes.shape[0], rows.count, columns.count, planes.shape[3])
    z, numbers = np.empty(shape, x.dtype), np.empty(shape, number_type(rows, columns))

    def compute(block):
        outer, first, end = block
        part, part_numbers = z[outer, first:end], numbers[outer, first:end]
        max_pool_block(planes[outer], rows, columns, first, part, part_numbers, False)
        if x.dtype.kind in FLOATS and np.isnan(part).any():
            max_pool_block(planes[outer], rows, columns, first, part, part_numbers, True)

    share_out(compute, blocks(shape, rows.stride))
    return as_images(z, x.shape[:2], channels_last), as_images(numbers, x.shape[:2], channels_last)


def plain_max_pool(x: np.ndarray, rows: Windows, columns: Windows) -> tuple[np.ndarray, np.ndarray]:
    """:func:`max_pool`, window by window."""
    batch, channels, height, width = x.shape
    z = np.empty((batch, channels, rows.count, columns.count), x.dtype)
    numbers = np.empty(z.shape, number_type(rows, columns))
    first_rows, first_columns = rows.first_inside(), columns.first_inside()
    for n, c, h, w in np.ndindex(z.shape):
        largest = lowest_of(x.dtype)
        number = first_rows[h] * columns.kernel + first_columns[w]
        for i in range(rows.kernel):
            for j in range(columns.kernel):
                row, column = rows.place(h, i), columns.place(w, j)
                if 0 <= row < height and 0 <= column < width:
                    value = x[n, c, row, column]
                    if value > largest or np.isnan(value):
                        largest = value
                        number = i * columns.kernel + j
        z[n, c, h, w] = largest
        numbers[n, c, h, w] = number
    return z, numbers


def max_pool_block(planes, rows, columns, first, z, numbers, has_nan):
    """The windows from row ``first`` on, as many as ``z`` has: the largest of each row of a window, then of those."""
    height, width = planes.shape[1:3]
    end = first + z.shape[1]
    top = max(0, rows.place(first, 0))
    bottom = max(top, min(height, rows.place(end - 1, rows.kernel - 1) + 1))
    part = planes[:, top:bottom]
    first_rows, first_columns = rows.first_inside()[first:end], columns.first_inside()

    in_rows = np.empty((*part.shape[:2], columns.count, part.shape[3]), z.dtype)
    row_numbers = np.empty(in_rows.shape, numbers.dtype)
    row_numbers[...] = first_columns[:, None]
    candidates = np.empty_like(in_rows)  # in order, unlike what is copied into it: then NumPy's loops are long
    for j in range(columns.kernel):
        windows, inputs = columns.inside(j, 0, width)
        if j == 0:
            begin(in_rows, 2, windows, part[:, :, inputs])
        else:
            candidates[:, :, windows] = part[:, :, inputs]
            number = numbers.dtype.type(j)
            keep_larger(candidates[:, :, windows], number, in_rows[:, :, windows], row_numbers[:, :, windows], has_nan)

    numbers[...] = (first_rows[:, None] * columns.kernel + first_columns)[:, :, None]
    for i in range(rows.kernel):
        windows, inputs = rows.inside(i, top, bottom, first, end)
        in_window = row_numbers[:, inputs] + numbers.dtype.type(i * columns.kernel)
        if i == 0:
            begin(z, 1, windows, in_rows[:, inputs])
            numbers[:, windows] = in_window
        else:
            keep_larger(in_rows[:, inputs], in_window, z[:, windows], numbers[:, windows], has_nan)


def begin(largest, dim, windows, candidates):
    """``largest`` of the first elements: ``candidates`` along ``dim`` at ``windows``, the lowest value elsewhere."""
    before = (slice(None),) * dim
    largest[(*before, slice(0, windows.start))] = lowest_of(largest.dtype)
    largest[(*before, windows)] = candidates
    largest[(*before, slice(windows.stop, None))] = lowest_of(largest.dtype)


def keep_larger(candidates, candidate_numbers, largest, numbers, has_nan):
    """Where ``candidates`` are larger than ``largest``, put them and their numbers in place of those kept so far.

    A later element has a higher number: so the number to keep is the highest of those that were once larger.
    """
    larger = candidates > largest
    if has_nan:
        larger |= np.isnan(candidates)
    new_numbers = larger.view(np.uint8) * candidate_numbers
    np.maximum(numbers, new_numbers, out=numbers)
    np.maximum(largest, candidates, out=largest)


def pick_from_windows(x: np.ndarray, numbers: np.ndarray, rows: Windows, columns: Windows) -> np.ndarray:
    """Of each window the element with the given number. Shapes: (N, C, H, W), (N, C, h, w) -> (N, C, h, w)."""
    channels_last = is_channels_last(numbers)
    planes, numbers_planes = as_planes(x, channels_last), as_planes(numbers, channels_last)
    z = np.zeros(numbers_planes.shape, x.dtype)
    for i in range(rows.kernel):
        windows_h, inputs_h = rows.inside(i, 0, x.shape[2])
        for j in range(columns.kernel):
            windows_w, inputs_w = columns.inside(j, 0, x.shape[3])
            chosen = numbers_planes[:, windows_h, windows_w] == i * columns.kernel + j
            np.copyto(z[:, windows_h, windows_w], planes[:, inputs_h, inputs_w], where=chosen)
    return as_images(z, x.shape[:2], channels_last)


def spread_to_windows(
    grad: np.ndarray, numbers: np.ndarray, size: tuple[int, int], rows: Windows, columns: Windows
) -> np.ndarray:
    """Images of ``size`` to which each window adds its ``grad`` at the element with its number; zero elsewhere.

    Shapes: twice (N, C, h, w) -> (N, C, H, W).
    """
    if kernel_mode.get().reference:
        return plain_spread_to_windows(grad, numbers, size, rows, columns)
    channels_last = is_channels_last(numbers)
    grad_planes, numbers_planes = as_planes(grad, channels_last), as_planes(numbers, channels_last)
    z = np.empty((len(grad_planes), *size, grad_planes.shape[3]), grad.dtype)

    def compute(block):
        outer, top, bottom = block
        for phase in range(columns.stride):  # every stride-th column of the image: there windows lie side by side
            part = z[outer, top:bottom, phase :: columns.stride]
            total = np.zeros(part.shape, part.dtype)
            for j in range(columns.kernel):
                windows_w, inputs_w = columns.inside(j, phase, size[1])
                if inputs_w.start % columns.stride:
                    continue
                inputs_w = slice(inputs_w.start // columns.stride, -(-inputs_w.stop // columns.stride))
                for i in range(rows.kernel):
                    windows_h, inputs_h = rows.inside(i, top, bottom)
                    chosen = numbers_planes[outer, windows_h, windows_w] == i * columns.kernel + j
                    chosen_grad = where_chosen(chosen, grad_planes[outer, windows_h, windows_w])
                    total[:, inputs_h, inputs_w] += chosen_grad
            part[...] = total

    share_out(compute, blocks(z.shape, 1))
    return as_images(z, grad.shape[:2], channels_last)


def plain_spread_to_windows(
    grad: np.ndarray, numbers: np.ndarray, size: tuple[int, int], rows: Windows, columns: Windows
) -> np.ndarray:
    """:func:`spread_to_windows`, window by window."""
    z = np.zeros((*grad.shape[:2], *size), grad.dtype)
    for n, c, h, w in np.ndindex(grad.shape):
        i, j = divmod(int(numbers[n, c, h, w]), columns.kernel)
        row, column = rows.place(h, i), columns.place(w, j)
        if row < size[0] and column < size[1]:
            z[n, c, row, column] += grad[n, c, h, w]
    return z


def number_type(rows: Windows, columns: Windows) -> np.dtype:
    """The type that the numbers of a window's elements are kept in: one byte, unless the window is very large."""
    return np.dtype(np.uint8 if rows.kernel * columns.kernel <= 256 else np.int32)


def rows_and_columns(numbers: np.ndarray, rows: Windows, columns: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Where in the image the elements lie that have these ``numbers`` in their windows. Shapes: all (..., h, w)."""
    i, j = np.divmod(numbers.astype(np.int64), columns.kernel)
    return rows.place(np.arange(rows.count)[:, None], i), columns.place(np.arange(columns.count), j)


def lowest_of(kind: np.dtype) -> np.generic:
    """What every value of a type is at least."""
    lowest = -np.inf if kind.kind in FLOATS else np.iinfo(kind).min
    return kind.type(lowest)


def blocks(shape: tuple[int, int, int, int], rows_each: int) -> list[tuple[slice, int, int]]:
    """Parts of planes (outer, h, w, inner): some planes, and of these the rows from one to another.

    ``rows_each`` says how many rows are worked on for each row of ``shape``.
    """
    outer, height, width, inner = shape
    row_elements = max(1, width * inner * rows_each)
    rows_at_once = max(1, min(height, BLOCK // row_elements))
    planes_at_once = max(1, BLOCK // (row_elements * max(1, height)))
    planes = [slice(start, start + planes_at_once) for start in range(0, outer, planes_at_once)]
    spans = [(first, min(height, first + rows_at_once)) for first in range(0, height, rows_at_once)]
    return [(some, *span) for some in planes for span in spans]


# --------------------------------------------------------------------------------------------------- the sum


def window_sums(x: np.ndarray, rows: Windows, columns: Windows) -> np.ndarray:
    """The sum of each window, in the type of x. Shapes: (N, C, H, W) -> (N, C, h, w)."""
    if kernel_mode.get().reference:
        return plain_window_sums(x, rows, columns)
    return on_planes(x, lambda planes: sums_along(sums_along(planes, 2, columns), 1, rows))


def sums_along(x: np.ndarray, axis: int, windows: Windows) -> np.ndarray:
    """The sum of each window along one axis: first of the first elements of all, and so on."""
    pairs = [windows.inside(element, 0, x.shape[axis]) for element in range(windows.kernel)]
    return added_along(x, axis, windows.count, pairs)


def added_along(x: np.ndarray, axis: int, size: int, pairs: Iterable[tuple[slice, slice]]) -> np.ndarray:
    """Zeros of ``size`` along one axis, to which parts of x are added: ``pairs`` say where, and which."""
    z = np.zeros((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.dtype)
    before: Any = (slice(None),) * axis
    for where, part in pairs:
        z[(*before, where)] += x[(*before, part)]
    return z


def plain_window_sums(x: np.ndarray, rows: Windows, columns: Windows) -> np.ndarray:
    """:func:`window_sums`, window by window."""
    return plain_span_sums(x, rows.spans(x.shape[2]), columns.spans(x.shape[3]))


def plain_span_sums(x: np.ndarray, rows: Spans, columns: Spans) -> np.ndarray:
    """The sum of each window, element by element."""
    z = np.zeros((*x.shape[:2], len(rows), len(columns)), x.dtype)
    for n, c, h, w in np.ndindex(z.shape):
        for row in range(*rows[h]):
            for column in range(*columns[w]):
                z[n, c, h, w] += x[n, c, row, column]
    return z


def spread_window_sums(grad: np.ndarray, size: tuple[int, int], rows: Windows, columns: Windows) -> np.ndarray:
    """Images of ``size`` to which each window adds its ``grad`` at every element: (N, C, h, w) -> (N, C, H, W)."""
    if kernel_mode.get().reference:
        return plain_spread_window_sums(grad, size, rows, columns)
    return on_planes(grad, lambda planes: spread_along(spread_along(planes, 1, rows, size[0]), 2, columns, size[1]))


def spread_along(grad: np.ndarray, axis: int, windows: Windows, size: int) -> np.ndarray:
    """The way back from the windows along one axis to its ``size`` elements."""
    pairs = [windows.inside(element, 0, size)[::-1] for element in range(windows.kernel)]
    return added_along(grad, axis, size, pairs)


def plain_spread_window_sums(grad: np.ndarray, size: tuple[int, int], rows: Windows, columns: Windows) -> np.ndarray:
    """:func:`spread_window_sums`, window by window."""
    return plain_spread_span_sums(grad, size, rows.spans(size[0]), columns.spans(size[1]))


def plain_spread_span_sums(grad: np.ndarray, size: tuple[int, int], rows: Spans, columns: Spans) -> np.ndarray:
    """Images of ``size`` to which each window adds its ``grad``, element by element."""
    z = np.zeros((*grad.shape[:2], *size), grad.dtype)
    for n, c, h, w in np.ndindex(grad.shape):
        for row in range(*rows[h]):
            for column in range(*columns[w]):
                z[n, c, row, column] += grad[n, c, h, w]
    return z
