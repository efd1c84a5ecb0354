"""Pooling as functions of ``nn.functional``. What is computed: ``ops/pooling.py`` and ``kernels/pooling.py``.

Images are (N, C, H, W) or (C, H, W), signals (N, C, L) or (C, L); a signal is pooled as an image of one row. A window's
``kernel_size``, ``stride`` (as large as the kernel unless told), ``padding`` and ``dilation`` are one number, or one a
dimension. A dimension of size n has ⌊(n + 2 padding - dilation (kernel_size - 1) - 1) / stride⌋ + 1 windows; with
``ceil_mode`` the division is rounded up, but no window begins beyond the input and its padding on the left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import dtypes, ops
from minigrad.functions.arguments import check_tensors
from minigrad.graph.node import Tensor

if TYPE_CHECKING:
    from minigrad.kernels.adaptive_pooling import Spans
    from minigrad.kernels.pooling import Windows

__all__ = [
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "avg_pool1d"),
    *("avg_pool2d", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices"),
]

Sizes = int | Sequence[int]


def as_sizes(function: str, argument: str, value: Any, dims: int) -> tuple[int, ...]:
    """One whole number a dimension, from one for all or from one each.

    Raises:
        TypeError: these are no whole numbers.
        RuntimeError: there are neither one nor ``dims`` of them.
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    for each in values:
        if not isinstance(each, (int, np.integer)) or isinstance(each, bool):
            raise TypeError(
                f"{function}(): argument '{argument}' must be an int or a tuple of ints, not {type(each).__name__}"
            )
    if len(values) not in (1, dims):
        raise RuntimeError(
            f"{function}: {argument} must be one int, or one for each of {dims} dimensions, but has {len(values)}"
        )
    return tuple([int(each) for each in values * (dims if len(values) == 1 else 1)])


def windows_of(
    function: str,
    size: Sequence[int],
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> list[Windows]:
    """The windows along each dimension of ``size``.

    Raises:
        TypeError, RuntimeError: a number is none, or does not make windows.
    """
    dims = len(size)
    kernels = as_sizes(function, "kernel_size", kernel_size, dims)
    default = stride is None or (isinstance(stride, (tuple, list)) and not stride)
    strides = kernels if default else as_sizes(function, "stride", stride, dims)
    paddings = as_sizes(function, "padding", padding, dims)
    dilations = as_sizes(function, "dilation", dilation, dims)
    found = []
    for numbers in zip(size, kernels, strides, paddings, dilations):
        found.append(windows_along(function, *numbers, ceil_mode))
    return found


def windows_along(
    function: str, size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> Windows:
    """The windows along one dimension of ``size``."""
    for name, value in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        if value <= 0:
            raise RuntimeError(f"{function}: {name} should be greater than zero, but got {value}")
    if padding < 0:
        raise RuntimeError(f"{function}: pad must be non-negative, but got pad: {padding}")
    if padding > kernel // 2:
        raise RuntimeError(
            f"{function}: pad should be at most half of kernel size, but got pad={padding} and kernel_size={kernel}"
        )
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = -(-room // stride) + 1 if ceil_mode else room // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    if count < 1:
        raise RuntimeError(
            f"{function}: Output size is too small: windows of {kernel} elements {dilation} apart do not fit into "
            f"{size}, padded by {padding}"
        )
    return ops.pooling.kernels.Windows(count, kernel, stride, padding, dilation)


def check_images(function: str, input: Any, dims: int) -> None:
    """Raise PyTorch's error unless ``input`` is a tensor with ``dims`` dimensions beside channels and, maybe, a batch.

    Only a batch may be empty.
    """
    check_tensors(function, input=input)
    if input.ndim not in (dims + 1, dims + 2) or 0 in input.shape[-dims - 1 :]:
        raise RuntimeError(
            f"{function}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for "
            f"input, but got: {list(input.shape)}"
        )


def check_type(function: str, input: Tensor, types: Sequence[Any]) -> None:
    """Raise PyTorch's error for a type that the operation is not defined on; floating ones always are."""
    if not input.is_floating_point() and input.dtype not in types:
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')


# ---------------------------------------------------------------------------------------------- the largest


def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window. Shapes: (N, C, H, W) -> (N, C, h, w).

    Of equal elements the first counts, row by row; of NaNs, which are larger than anything, the last. Padding never
    wins. With ``return_indices`` also where each lies in its channel: row · W + column, int64.

    Raises:
        RuntimeError: the input is no image, or the windows do not fit; the padding is more than half of the kernel.
        TypeError: a size is not a whole number.
        NotImplementedError: the input is bool.
    """
    check_images("max_pool2d", input, 2)
    integers = (dtypes.int64, dtypes.int32, dtypes.int16, dtypes.int8, dtypes.uint8)
    check_type("max_pool2d", input, integers)
    rows, columns = windows_of("max_pool2d", input.shape[-2:], kernel_size, stride, padding, dilation, ceil_mode)
    return ops.pooling.MaxPool2DWithIndices.apply(input, rows=rows, columns=columns, with_indices=return_indices)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool2d` with ``return_indices``, whatever that argument says."""
    result: tuple[Tensor, Tensor] = max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)
    return result


def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window. Shapes: (N, C, L) -> (N, C, l). All else: :func:`max_pool2d`.

    Raises:
        NotImplementedError: the input is of integers, and no indices are asked for.
    """
    if return_indices:
        return max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    check_images("max_pool1d", input, 1)
    check_type("max_pool1d", input, ())
    (columns,) = windows_of("max_pool1d", input.shape[-1:], kernel_size, stride, padding, dilation, ceil_mode)
    options = {"rows": one_row(), "columns": columns, "with_indices": False}
    return ops.pooling.MaxPool2DWithIndices.apply(input.unsqueeze(-2), **options).squeeze(-2)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """The largest element of each window, and where it lies. Shapes: (N, C, L) -> twice (N, C, l)."""
    check_images("max_pool1d", input, 1)
    integers = (dtypes.int64, dtypes.int32, dtypes.int16, dtypes.int8, dtypes.uint8)
    check_type("max_pool1d", input, integers)
    (columns,) = windows_of("max_pool1d", input.shape[-1:], kernel_size, stride, padding, dilation, ceil_mode)
    options = {"rows": one_row(), "columns": columns, "with_indices": True}
    values, indices = ops.pooling.MaxPool2DWithIndices.apply(input.unsqueeze(-2), **options)
    return values.squeeze(-2), indices.squeeze(-2)


# ---------------------------------------------------------------------------------------------- the average


def avg_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The average of each window. Shapes: (N, C, H, W) -> (N, C, h, w).

    The sum, in which padding is 0, is divided by the number of elements, padding included unless
    ``count_include_pad`` is false; or by ``divisor_override``.

    Raises:
        IndexError: the input has too few dimensions.
        RuntimeError: the input is no image, the windows do not fit, or the divisor is 0.
        TypeError: a size is not a whole number.
        NotImplementedError: the input is neither floating nor int64.
    """
    check_tensors("avg_pool2d", input=input)
    if input.ndim < 3:
        raise IndexError(f"avg_pool2d: an image has 3 or 4 dimensions, but the input has {input.ndim}")
    check_images("avg_pool2d", input, 2)
    check_type("avg_pool2d", input, (dtypes.int64,))
    rows, columns = windows_of("avg_pool2d", input.shape[-2:], kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise RuntimeError("avg_pool2d: divisor must be not zero")
    divisors = divisor_override
    if divisors is None:
        heights = lengths_of(rows, input.shape[-2], count_include_pad)
        divisors = heights[:, None] * lengths_of(columns, input.shape[-1], count_include_pad)
    return ops.pooling.AvgPool2D.apply(input, rows=rows, columns=columns, divisors=divisors)


def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The average of each window. Shapes: (N, C, L) -> (N, C, l). All else: :func:`avg_pool2d`."""
    check_images("avg_pool1d", input, 1)
    check_type("avg_pool1d", input, (dtypes.int64,))
    (columns,) = windows_of("avg_pool1d", input.shape[-1:], kernel_size, stride, padding, 1, ceil_mode)
    divisors = lengths_of(columns, input.shape[-1], count_include_pad)
    row = input.unsqueeze(-2)
    return ops.pooling.AvgPool2D.apply(row, rows=one_row(), columns=columns, divisors=divisors).squeeze(-2)


def lengths_of(windows: Windows, size: int, with_padding: bool) -> np.ndarray:
    """How many elements each window has along its dimension; a window never reaches beyond the padding."""
    starts = np.arange(windows.count) * windows.stride - windows.padding
    ends = np.minimum(starts + windows.kernel, size + windows.padding)
    if not with_padding:
        starts, ends = np.maximum(starts, 0), np.minimum(ends, size)
    return ends - starts


def one_row() -> Windows:
    """The windows along the one row of a signal."""
    return ops.pooling.kernels.Windows(1, 1, 1, 0, 1)


# ------------------------------------------------------------------------------------ as many as asked for


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """The averages of h × w windows that together cover the image. Shapes: (N, C, H, W) -> (N, C, h, w).

    Window i of h is from ⌊i H / h⌋ to ⌈(i + 1) H / h⌉. ``output_size`` is h and w, None to keep the input's size, or
    one number for both.

    Raises:
        RuntimeError: the input is no image, or a size is negative.
        ValueError: two sizes are asked for of an input of two dimensions or fewer.
        TypeError: a size is neither a whole number nor None.
        NotImplementedError: the input is not floating.
    """
    check_tensors("adaptive_avg_pool2d", input=input)
    sizes = output_sizes("adaptive_avg_pool2d", output_size, input)
    if input.ndim not in (3, 4):
        raise RuntimeError(f"adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got {list(input.shape)}")
    if sizes == (1, 1):
        return input.mean((-1, -2), keepdim=True)
    check_spanned("adaptive_avg_pool2d", input, input.ndim - 2)
    rows, columns = [spans_of(*each) for each in zip(input.shape[-2:], sizes)]
    return ops.pooling.AdaptiveAvgPool2D.apply(input, rows=rows, columns=columns)


def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """The averages of l windows that together cover the signal. Shapes: (N, C, L) -> (N, C, l)."""
    check_signal("adaptive_avg_pool1d", input)
    (size,) = as_sizes("adaptive_avg_pool1d", "output_size", output_size, 1)
    return adaptive_avg_pool2d(input.unsqueeze(-2), (1, size)).squeeze(-2)


def adaptive_max_pool2d(
    input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """The largest elements of h × w windows that together cover the image. Shapes: (N, C, H, W) -> (N, C, h, w).

    The windows are those of :func:`adaptive_avg_pool2d`, ties, NaN and the indices those of :func:`max_pool2d`.

    Raises: as :func:`adaptive_avg_pool2d`.
    """
    check_tensors("adaptive_max_pool2d", input=input)
    sizes = output_sizes("adaptive_max_pool2d", output_size, input)
    if input.ndim not in (3, 4):
        raise RuntimeError(f"adaptive_max_pool2d(): Expected 3D or 4D tensor, but got: {list(input.shape)}")
    check_spanned("adaptive_max_pool2d", input, input.ndim - 3)
    rows, columns = [spans_of(*each) for each in zip(input.shape[-2:], sizes)]
    values, indices = ops.pooling.AdaptiveMaxPool2D.apply(input, rows=rows, columns=columns)
    return (values, indices) if return_indices else values


def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest elements of l windows that together cover the signal. Shapes: (N, C, L) -> (N, C, l)."""
    check_signal("adaptive_max_pool1d", input)
    (size,) = as_sizes("adaptive_max_pool1d", "output_size", output_size, 1)
    values, indices = adaptive_max_pool2d(input.unsqueeze(-2), (1, size), return_indices=True)
    return (values.squeeze(-2), indices.squeeze(-2)) if return_indices else values.squeeze(-2)


def output_sizes(function: str, output_size: Any, input: Tensor) -> tuple[int, ...]:
    """The sizes asked for, None replaced by the input's.

    Raises:
        ValueError: several sizes are asked for, but the input has no more dimensions than these.
        RuntimeError: they are not two, or one is negative.
    """
    several = isinstance(output_size, (tuple, list))
    if several and input.ndim <= len(output_size):
        raise ValueError(f"{function}: Input dimension should be at least {len(output_size) + 1}")
    asked = tuple(output_size) if several else (output_size,) * 2
    if len(asked) != 2:
        raise RuntimeError(f"{function}: output_size must be 2, but has {len(asked)} numbers")
    chosen = [own if each is None else each for each, own in zip(asked, input.shape[-2:])]
    sizes = as_sizes(function, "output_size", chosen, 2)
    if min(sizes) < 0:
        raise RuntimeError(f"{function}: elements of output_size must be greater than or equal to 0, but got {asked}")
    return sizes


def check_signal(function: str, input: Any) -> None:
    """Raise PyTorch's RuntimeError unless ``input`` is a tensor (N, C, L) or (C, L)."""
    check_tensors(function, input=input)
    if input.ndim not in (2, 3):
        raise RuntimeError(f"{function}: Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor")


def check_spanned(function: str, input: Tensor, first: int) -> None:
    """Raise PyTorch's error where a dimension from ``first`` on is empty, or the type is not floating."""
    if 0 in input.shape[first:]:
        raise RuntimeError(
            f"{function}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
            f"{list(input.shape)}"
        )
    check_type(function, input, ())


def spans_of(size: int, count: int) -> Spans:
    """``count`` windows that cover ``size``: from ⌊i size / count⌋ to ⌈(i + 1) size / count⌉."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
