"""Pooling: one number of each window of an image. Rules, then what users call.

Images are (N, C, H, W) or (C, H, W), signals (N, C, L) or (C, L); a signal is pooled as an image of one row. A window's
``kernel_size``, ``stride`` (as large as the kernel unless told), ``padding`` and ``dilation`` are one number, or one a
dimension. A dimension of size n has ⌊(n + 2 padding - dilation (kernel_size - 1) - 1) / stride⌋ + 1 windows; with
``ceil_mode`` the division is rounded up, but no window begins beyond the input and its padding on the left. What is
computed on arrays, once as the plain loop and once fast, is in ``minigrad/kernels/pooling.py``; ``rows`` and
``columns`` are its ``Windows``. As many windows as asked for: ``adaptive_pooling.py``.

Given where the largest elements lie, pooling is linear: its gradient does not change with x, and its gradient
is pooling again. As in PyTorch x is saved all the same, and the gradient of the gradient for x is zeros, not None.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import Sizes, check_integer
from minigrad.arguments.gate import checked
from minigrad.dtypes import NARROW
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor, unwrap
from minigrad.graph.strides import as_pictures
from minigrad.graph.values import constant_like
from minigrad.kernels import pooling as kernels
from minigrad.kernels.pooling import Windows

INTEGERS = (dtypes.int64, dtypes.int32, dtypes.int16, dtypes.int8, dtypes.uint8)
ONE_ROW = Windows(1, 1, 1, 0, 1)  # along the one row of a signal

__all__ = ["avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices"]


def batched(x, dims=2):
    """x with a batch of one where it has none, beside its channels and ``dims`` dimensions."""
    return x if x.ndim == dims + 2 else x[None]


def like(z, ndim):
    """z without the batch that :func:`batched` added."""
    return z if z.ndim == ndim else z[0]


def divided(total, divisors, kind):
    """Sums divided in their own memory, of the type ``kind`` then; towards zero where that is of integers."""
    if kind.kind == "i":
        return (total - np.fmod(total, divisors)) // divisors
    total /= divisors
    return total.astype(kind, copy=False)


class MaxPool2DWithIndices(Function):
    """z = the largest element of each window, and on request where it lies in the image, row · W + column.

    Its whole gradient goes to one element: to the first of equal ones in the window, row by row, and where there are
    NaNs to the last of them. Only the number of that element in its window is kept.
    """

    saved_names = ("self", "numbers", "result1")
    result_strides = as_pictures
    materialize_grads = False

    def forward(ctx, x, *, rows, columns, with_indices):
        ctx.rows, ctx.columns = rows, columns
        z, numbers = kernels.max_pool(batched(x), rows, columns)
        z = like(z, x.ndim)
        if not with_indices:
            ctx.save_for_backward(x, numbers)
            return z
        row, column = kernels.rows_and_columns(numbers, rows, columns)
        indices = like(row * x.shape[-1] + column, x.ndim)
        ctx.save_for_backward(x, numbers, indices)
        return z, indices

    def backward(ctx, grad_z, grad_indices=None):
        x, numbers, *_ = ctx.saved_tensors
        options = {"numbers": unwrap(numbers), "rows": ctx.rows, "columns": ctx.columns}
        grad_x = MaxPool2DWithIndicesBackward.apply(grad_z, x, **options)
        return grad_x


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
        check_integer(f"{function}(): {argument}", each)
    if len(values) not in (1, dims):
        raise RuntimeError(
            f"{function}: {argument} must be one int, or one for each of {dims} dimensions, but has {len(values)}"
        )
    return tuple([int(each) for each in values * (dims if len(values) == 1 else 1)])


def windows_of(
    function: str, size: Sequence[int], kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
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
    along = zip(size, kernels, strides, paddings, dilations)
    return [windows_along(function, *numbers, ceil_mode) for numbers in along]


def windows_along(
    function: str, size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> Windows:
    """The windows along one dimension of ``size``."""
    for name, value in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        if value <= 0:
            raise RuntimeError(f"{function}: {name} must be greater than zero, but got {value}")
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
    return Windows(count, kernel, stride, padding, dilation)


def check_images(function: str, input: Tensor, dims: int) -> None:
    """Raise PyTorch's error unless ``input`` has ``dims`` dimensions beside channels and, maybe, a batch.

    Only a batch may be empty.
    """
    if input.ndim not in (dims + 1, dims + 2) or 0 in input.shape[-dims - 1 :]:
        raise RuntimeError(
            f"{function}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for "
            f"input, but got: {list(input.shape)}"
        )


def check_pooled_type(function: str, input: Tensor, types: Sequence[Any]) -> None:
    """Raise PyTorch's error for a type that the operation is not defined on; floating ones always are."""
    if not input.is_floating_point() and input.dtype not in types:
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')


@checked
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
    check_pooled_type("max_pool2d", input, INTEGERS)
    rows, columns = windows_of("max_pool2d", input.shape[-2:], kernel_size, stride, padding, dilation, ceil_mode)
    return MaxPool2DWithIndices.apply(input, rows=rows, columns=columns, with_indices=return_indices)


@checked
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


@checked
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
    check_images("max_pool1d", input, 1)
    check_pooled_type("max_pool1d", input, INTEGERS if return_indices else ())
    (columns,) = windows_of("max_pool1d", input.shape[-1:], kernel_size, stride, padding, dilation, ceil_mode)
    row = input.unsqueeze(-2)
    found = MaxPool2DWithIndices.apply(row, rows=ONE_ROW, columns=columns, with_indices=return_indices)
    return (found[0].squeeze(-2), found[1].squeeze(-2)) if return_indices else found.squeeze(-2)


@checked
def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """The largest element of each window, and where it lies. Shapes: (N, C, L) -> twice (N, C, l).

    All else: :func:`max_pool2d`.
    """
    result: tuple[Tensor, Tensor] = max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)
    return result


def zero_gradient(value):
    """Zeros of the shape of an array or tensor: the gradient of what does not matter."""
    return constant_like(np.zeros_like(unwrap(value)), value)


class MaxPool2DWithIndicesBackward(Function):
    """Zeros to which each window adds its gradient at its largest element: linear in the gradient."""

    def forward(ctx, grad, x, *, numbers, rows, columns):
        ctx.numbers, ctx.rows, ctx.columns = numbers, rows, columns
        return like(kernels.spread_to_windows(batched(grad), numbers, x.shape[-2:], rows, columns), x.ndim)

    def backward(ctx, grad_z):
        grad_grad = PickFromWindows.apply(grad_z, numbers=ctx.numbers, rows=ctx.rows, columns=ctx.columns)
        return grad_grad, zero_gradient(grad_z)


class PickFromWindows(Function):
    """z = of each window of x the element with a given number."""

    def forward(ctx, x, *, numbers, rows, columns):
        ctx.save_for_backward(x)
        ctx.numbers, ctx.rows, ctx.columns = numbers, rows, columns
        return like(kernels.pick_from_windows(batched(x), numbers, rows, columns), x.ndim)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = MaxPool2DWithIndicesBackward.apply(grad_z, x, numbers=ctx.numbers, rows=ctx.rows, columns=ctx.columns)
        return grad_x


class AvgPool2DBackward(Function):
    """Zeros to which each window adds its gradient, divided, at every element. ``operation``: of what pooling."""

    def forward(ctx, grad, x, *, operation, windows, divisors):
        ctx.operation, ctx.options = operation, {"windows": windows, "divisors": divisors}
        dims = len(windows)
        share = batched(grad / np.asarray(divisors, grad.dtype), dims)
        return like(operation.spread(share, x.shape[-dims:], *windows), x.ndim)

    def backward(ctx, grad_z):
        grad_grad = ctx.operation.apply(grad_z, **ctx.options)
        return grad_grad, zero_gradient(grad_z)


class AvgPool2D(Function):
    """z = Σ x / divisor over each window, padding being 0.

    ``windows``, along each dimension, are what the kernels ``sums`` and ``spread`` take; ``divisors`` one for all, or
    (h, w) one for each window.
    """

    result_strides: Any = as_pictures
    sums: Any = staticmethod(kernels.window_sums)
    spread: Any = staticmethod(kernels.spread_window_sums)
    gradient: Any = AvgPool2DBackward

    def forward(ctx, x, *, windows, divisors):
        ctx.options = {"windows": windows, "divisors": divisors}
        ctx.save_for_backward(x)
        wide = x.astype(np.float32) if x.dtype in NARROW else x  # rounded once, as in PyTorch
        total = like(ctx.sums(batched(wide, len(windows)), *windows), x.ndim)
        return divided(total, divisors, x.dtype)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = ctx.gradient.apply(grad_z, x, operation=type(ctx), **ctx.options)
        return grad_x


def averaged_windows(function: str, input: Tensor, dims: int, *numbers: Any) -> dict[str, Any]:
    """The windows along each of ``dims`` dimensions, and their divisors. The ``numbers`` are those of a call."""
    kernel_size, stride, padding, ceil_mode, with_padding, divisor = numbers
    check_images(function, input, dims)
    check_pooled_type(function, input, (dtypes.int64,))
    size = input.shape[-dims:]
    windows = windows_of(function, size, kernel_size, stride, padding, 1, ceil_mode)
    if divisor == 0:
        raise RuntimeError(f"{function}: divisor must be not zero")
    if divisor is None:
        divisor = counts_of([lengths_of(*each, with_padding) for each in zip(windows, size)])
    return {"windows": windows, "divisors": divisor}


def counts_of(lengths: Sequence[Any]) -> Any:
    """How many elements each window has, from its length along each dimension: (h, w), for example."""
    return reduce(np.multiply.outer, lengths)


@checked
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
    if input.ndim < 3:
        raise IndexError(f"avg_pool2d: an image has 3 or 4 dimensions, but the input has {input.ndim}")
    numbers = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return AvgPool2D.apply(input, **averaged_windows("avg_pool2d", input, 2, *numbers))


def lengths_of(windows: Windows, size: int, with_padding: bool) -> np.ndarray:
    """How many elements each window has along its dimension; a window never reaches beyond the padding."""
    margin = windows.padding if with_padding else 0
    starts = windows.place(np.arange(windows.count), 0)
    lengths: np.ndarray = np.minimum(starts + windows.kernel, size + margin) - np.maximum(starts, -margin)
    return lengths


@checked
def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The average of each window. Shapes: (N, C, L) -> (N, C, l). All else: :func:`avg_pool2d`."""
    numbers = (kernel_size, stride, padding, ceil_mode, count_include_pad, None)
    options = averaged_windows("avg_pool1d", input, 1, *numbers)
    options["windows"].insert(0, ONE_ROW)
    return AvgPool2D.apply(input.unsqueeze(-2), **options).squeeze(-2)
