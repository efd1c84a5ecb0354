"""Pooling of volumes (N, C, D, H, W) or (C, D, H, W): as ``pooling.py`` and ``adaptive_pooling.py``, which see.

Rules, then what users call. What is computed on arrays is in ``minigrad/kernels/volumes.py``; ``windows`` are those
along depth, rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import Sizes
from minigrad.arguments.gate import checked
from minigrad.dtypes import NARROW
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor, unwrap
from minigrad.graph.strides import as_pictures
from minigrad.kernels import volumes as kernels
from minigrad.ops.adaptive_pooling import AdaptiveMaxPool2DBackward, check_spanned, output_sizes, spans_of
from minigrad.ops.pooling import (
    batched,
    check_images,
    check_pooled_type,
    divided,
    lengths_of,
    like,
    windows_of,
    zero_gradient,
)

__all__ = ["adaptive_avg_pool3d", "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "avg_pool3d", "max_pool3d"]
__all__ += ["max_pool3d_with_indices"]


class AvgPool3D(Function):
    """z = Σ x / divisor over each window. ``windows`` say where each begins and ends; ``divisors`` (d, h, w)."""

    result_strides: Any = as_pictures

    def forward(ctx, x, *, windows, divisors):
        ctx.options = {"windows": windows, "divisors": divisors}
        ctx.save_for_backward(x)
        wide = x.astype(np.float32) if x.dtype in NARROW else x
        total = like(kernels.span_sums(batched(wide, dims=3), *windows), x.ndim)
        return divided(total, divisors, x.dtype)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = AvgPool3DBackward.apply(grad_z, x, **ctx.options)
        return grad_x


class AvgPool3DBackward(Function):
    """Zeros to which each window adds its gradient, divided, at every element."""

    def forward(ctx, grad, x, *, windows, divisors):
        ctx.options = {"windows": windows, "divisors": divisors}
        share = batched(grad / np.asarray(divisors, grad.dtype), dims=3)
        return like(kernels.spread_span_sums(share, x.shape[-3:], *windows), x.ndim)

    def backward(ctx, grad_z):
        grad_grad = AvgPool3D.apply(grad_z, **ctx.options)
        return grad_grad, zero_gradient(grad_z)


class AdaptiveAvgPool3D(AvgPool3D):
    """z = the mean of each window, the windows being as many as asked for."""

    result_strides = None


def product_of(lengths: Sequence[Any]) -> np.ndarray:
    """How many elements each window has, from its length along each dimension: (d, h, w)."""
    depths, heights, widths = [np.asarray(each) for each in lengths]
    return depths[:, None, None] * heights[:, None] * widths


@checked
def avg_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The average of each window. Shapes: (N, C, D, H, W) -> (N, C, d, h, w). All else: :func:`avg_pool2d`.

    Raises:
        RuntimeError: the input is no volume, the windows do not fit, or the divisor is 0.
        NotImplementedError: the input is neither floating nor int64.
    """
    check_images("avg_pool3d", input, 3)
    check_pooled_type("avg_pool3d", input, (dtypes.int64,))
    size = input.shape[-3:]
    along = windows_of("avg_pool3d", size, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise RuntimeError("avg_pool3d: divisor must be not zero")
    divisors: Any = divisor_override
    if divisors is None:
        divisors = product_of([lengths_of(*each, count_include_pad) for each in zip(along, size)])
    windows = []
    for each, length in zip(along, size):
        starts = [each.place(window, 0) for window in range(each.count)]
        windows.append([(max(start, 0), min(start + each.kernel, length)) for start in starts])
    return AvgPool3D.apply(input, windows=windows, divisors=divisors)


@checked
def adaptive_avg_pool3d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """The averages of d × h × w windows that cover the volume. Shapes: (N, C, D, H, W) -> (N, C, d, h, w).

    All else: :func:`adaptive_avg_pool2d`.

    Raises:
        RuntimeError: the input is no volume, or a size is negative.
        ValueError: three sizes are asked for of an input of three dimensions or fewer.
    """
    sizes = output_sizes("adaptive_avg_pool3d", output_size, input, 3)
    if input.ndim not in (4, 5):
        raise RuntimeError(f"adaptive_avg_pool3d(): Expected 4D or 5D tensor, but got {list(input.shape)}")
    if sizes == (1, 1, 1):
        return input.mean((-1, -2, -3), keepdim=True)
    check_spanned("adaptive_avg_pool3d", input, 1)
    windows = [spans_of(*each) for each in zip(input.shape[-3:], sizes)]
    divisors = product_of([[end - start for start, end in each] for each in windows])
    return AdaptiveAvgPool3D.apply(input, windows=windows, divisors=divisors)


class MaxPool3DWithIndices(Function):
    """z = the largest element of each window, and where it lies in the volume. Ties and NaN: as in two dimensions."""

    saved_names = ("self", "result1")
    result_strides: Any = as_pictures
    materialize_grads = False
    kernel: Any = staticmethod(kernels.max_pool)

    def forward(ctx, x, *, windows):
        z, places = [like(each, x.ndim) for each in ctx.kernel(batched(x, dims=3), *windows)]
        ctx.save_for_backward(x, places)
        return z, places

    def backward(ctx, grad_z, grad_places):
        x, places = ctx.saved_tensors
        grad_x = MaxPool3DWithIndicesBackward.apply(grad_z, x, places=unwrap(places))
        return grad_x


class AdaptiveMaxPool3D(MaxPool3DWithIndices):
    """:class:`MaxPool3DWithIndices` with as many windows as asked for."""

    kernel = staticmethod(kernels.adaptive_max_pool)
    result_strides = None


class MaxPool3DWithIndicesBackward(AdaptiveMaxPool2DBackward):
    """Zeros to which each window adds its gradient at its largest element."""

    dims = 3


@checked
def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window. Shapes: (N, C, D, H, W) -> (N, C, d, h, w). All else: :func:`max_pool2d`.

    With ``return_indices`` also where each lies in its channel: (depth · H + row) · W + column, int64.

    Raises:
        RuntimeError: the input is no volume, or the windows do not fit; the padding is more than half of the kernel.
        NotImplementedError: the input is bool.
    """
    result = max_pool3d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return result if return_indices else result[0]


@checked
def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool3d` with ``return_indices``, whatever that argument says.

    Raises:
        RuntimeError, NotImplementedError: as there.
    """
    check_images("max_pool3d", input, 3)
    check_pooled_type("max_pool3d", input, (dtypes.int64, dtypes.int32, dtypes.int16, dtypes.int8, dtypes.uint8))
    windows = windows_of("max_pool3d", input.shape[-3:], kernel_size, stride, padding, dilation, ceil_mode)
    result: tuple[Tensor, Tensor] = MaxPool3DWithIndices.apply(input, windows=windows)
    return result


@checked
def adaptive_max_pool3d(
    input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """The largest elements of d × h × w windows that cover the volume. Shapes: (N, C, D, H, W) -> (N, C, d, h, w).

    All else: :func:`adaptive_max_pool2d`.

    Raises: as :func:`adaptive_avg_pool3d`.
    """
    result = adaptive_max_pool3d_with_indices(input, output_size)
    return result if return_indices else result[0]


@checked
def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool3d` with ``return_indices``, whatever that argument says.

    Raises: as there.
    """
    sizes = output_sizes("adaptive_max_pool3d", output_size, input, 3)
    if input.ndim not in (4, 5):
        raise RuntimeError(f"adaptive_max_pool3d(): Expected 4D or 5D tensor, but got: {list(input.shape)}")
    check_spanned("adaptive_max_pool3d", input, input.ndim - 4)
    windows = [spans_of(*each) for each in zip(input.shape[-3:], sizes)]
    result: tuple[Tensor, Tensor] = AdaptiveMaxPool3D.apply(input, windows=windows)
    return result
