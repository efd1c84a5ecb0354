"""Pooling of volumes (N, C, D, H, W) or (C, D, H, W): as ``pooling.py`` and ``adaptive_pooling.py``, which see.

Rules, then what users call. What is computed on arrays is in ``minigrad/kernels/volumes.py``; ``windows`` are those
along depth, rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.arguments.dims import Sizes
from minigrad.arguments.gate import checked
from minigrad.graph.node import Tensor
from minigrad.kernels import volumes as kernels
from minigrad.ops import adaptive_pooling, pooling
from minigrad.ops.adaptive_pooling import output_sizes

__all__ = ["adaptive_avg_pool3d", "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "avg_pool3d", "max_pool3d"]
__all__ += ["max_pool3d_with_indices"]


class AvgPool3DBackward(pooling.AvgPool2DBackward):
    """The same of volumes."""


class AvgPool3D(pooling.AvgPool2D):
    """z = Σ x / divisor over each window. ``windows`` say where each begins and ends; ``divisors`` (d, h, w)."""

    sums = staticmethod(kernels.span_sums)
    spread = staticmethod(kernels.spread_span_sums)
    gradient = AvgPool3DBackward


class AdaptiveAvgPool3D(AvgPool3D):
    """z = the mean of each window, the windows being as many as asked for."""

    result_strides = None


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
    numbers = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    options = pooling.averaged_windows("avg_pool3d", input, 3, *numbers)
    options["windows"] = [along.spans(size) for along, size in zip(options["windows"], input.shape[-3:])]
    return AvgPool3D.apply(input, **options)


@checked
def adaptive_avg_pool3d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """The averages of d × h × w windows that cover the volume. Shapes: (N, C, D, H, W) -> (N, C, d, h, w).

    All else: :func:`adaptive_avg_pool2d`.

    Raises:
        RuntimeError: the input is no volume, or a size is negative.
        ValueError: three sizes are asked for of an input of three dimensions or fewer.
    """
    sizes = output_sizes("adaptive_avg_pool3d", output_size, input, 3)
    if sizes == (1, 1, 1):
        return input.mean((-1, -2, -3), keepdim=True)
    windows = adaptive_pooling.windows_of("adaptive_avg_pool3d", input, sizes, 1)
    return AdaptiveAvgPool3D.apply(input, windows=windows, divisors=adaptive_pooling.elements_of(windows))


class MaxPool3DWithIndicesBackward(adaptive_pooling.AdaptiveMaxPool2DBackward):
    """The same of volumes."""


class MaxPool3DWithIndices(adaptive_pooling.AdaptiveMaxPool2D):
    """z = the largest element of each window, and where it lies in the volume. Ties and NaN: as in two dimensions."""

    kernel: Any = staticmethod(kernels.max_pool)
    gradient = MaxPool3DWithIndicesBackward


class AdaptiveMaxPool3D(MaxPool3DWithIndices):
    """:class:`MaxPool3DWithIndices` with as many windows as asked for."""

    kernel = staticmethod(kernels.adaptive_max_pool)
    result_strides = None


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
    pooling.check_images("max_pool3d", input, 3)
    pooling.check_pooled_type("max_pool3d", input, pooling.INTEGERS)
    windows = pooling.windows_of("max_pool3d", input.shape[-3:], kernel_size, stride, padding, dilation, ceil_mode)
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
    windows = adaptive_pooling.windows_of("adaptive_max_pool3d", input, sizes, input.ndim - 4)
    result: tuple[Tensor, Tensor] = AdaptiveMaxPool3D.apply(input, windows=windows)
    return result
