"""Pooling layers: ``ops/pooling.py`` as modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.nn import functional
from minigrad.nn.convolution import for_each_dim
from minigrad.nn.layer import Layer
from minigrad.tensor import Tensor

__all__ = ["AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d"]
__all__ += ["AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool1d"]
__all__ += ["MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"]

Sizes = int | tuple[int, ...]


class _MaxPool(Layer):
    """What the layers of :func:`minigrad.nn.functional.max_pool1d`, ``2d`` and ``3d`` share."""

    shown = "kernel_size stride padding dilation ceil_mode"

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode


class MaxPool1d(_MaxPool):
    """The largest element of each window. Shapes: (N, C, L) or (C, L) -> (N, C, l) or (C, l).

    Raises:
        RuntimeError: from forward, where the windows do not fit: see ``functional.max_pool1d``.
    """

    def forward(self, input: Tensor) -> Any:
        windows = (self.kernel_size, self.stride, self.padding, self.dilation)
        return functional.max_pool1d(input, *windows, ceil_mode=self.ceil_mode, return_indices=self.return_indices)


class MaxPool2d(_MaxPool):
    """The largest element of each window. Shapes: (N, C, H, W) or (C, H, W) -> (N, C, h, w) or (C, h, w).

    Raises:
        RuntimeError: from forward, where the windows do not fit: see ``functional.max_pool2d``.

    >>> minigrad.nn.MaxPool2d(2)(minigrad.ones(1, 8, 32, 32)).shape
    minigrad.Size([1, 8, 16, 16])
    """

    def forward(self, input: Tensor) -> Any:
        windows = (self.kernel_size, self.stride, self.padding, self.dilation)
        return functional.max_pool2d(input, *windows, ceil_mode=self.ceil_mode, return_indices=self.return_indices)


class MaxPool3d(_MaxPool):
    """The largest element of each window. Shapes: (N, C, D, H, W) or (C, D, H, W) -> (N, C, d, h, w) or (C, d, h, w).

    Raises:
        RuntimeError: from forward, where the windows do not fit: see ``functional.max_pool3d``.
    """

    def forward(self, input: Tensor) -> Any:
        windows = (self.kernel_size, self.stride, self.padding, self.dilation)
        return functional.max_pool3d(input, *windows, ceil_mode=self.ceil_mode, return_indices=self.return_indices)


class _MaxUnpool(Layer):
    """What :class:`MaxUnpool1d`, ``2d`` and ``3d`` share."""

    dims: int
    shown = "kernel_size stride padding"

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        self.kernel_size = for_each_dim(kernel_size, self.dims)
        self.stride = self.kernel_size if stride is None else for_each_dim(stride, self.dims)
        self.padding = for_each_dim(padding, self.dims)


class MaxUnpool1d(_MaxUnpool):
    """:func:`functional.max_unpool1d` as a layer. Shapes: (N, C, l) or (C, l) -> (N, C, L) or (C, L)."""

    dims = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return functional.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_MaxUnpool):
    """:func:`functional.max_unpool2d` as a layer. Shapes: (N, C, h, w) or (C, h, w) -> (N, C, H, W) or (C, H, W).

    Source: Zeiler et al., "Adaptive Deconvolutional Networks for Mid and High Level Feature Learning", 2011.
    """

    dims = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return functional.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(_MaxUnpool):
    """:func:`functional.max_unpool3d` as a layer. Shapes: (N, C, d, h, w) or (C, d, h, w) -> (N, C, D, H, W) or so."""

    dims = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return functional.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class AvgPool1d(Layer):
    """The average of each window. Shapes: (N, C, L) or (C, L) -> (N, C, l) or (C, l).

    Raises:
        RuntimeError: from forward, where the windows do not fit: see ``functional.avg_pool1d``.
    """

    shown = "kernel_size stride padding"

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = for_each_dim(kernel_size, 1)
        self.stride = for_each_dim(kernel_size if stride is None else stride, 1)
        self.padding = for_each_dim(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        windows = (self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return functional.avg_pool1d(input, *windows, self.count_include_pad)


class _AvgPool(Layer):
    """What :class:`AvgPool2d` and :class:`AvgPool3d` share."""

    shown = "kernel_size stride padding"

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override


class AvgPool2d(_AvgPool):
    """The average of each window. Shapes: (N, C, H, W) or (C, H, W) -> (N, C, h, w) or (C, h, w).

    Raises:
        RuntimeError: from forward, where the windows do not fit: see ``functional.avg_pool2d``.
    """

    def forward(self, input: Tensor) -> Tensor:
        windows = (self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return functional.avg_pool2d(input, *windows, self.count_include_pad, self.divisor_override)


class AvgPool3d(_AvgPool):
    """The average of each window. Shapes: (N, C, D, H, W) or (C, D, H, W) -> (N, C, d, h, w) or (C, d, h, w).

    Raises:
        RuntimeError: from forward, where the windows do not fit: see ``functional.avg_pool3d``.
    """

    def forward(self, input: Tensor) -> Tensor:
        windows = (self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return functional.avg_pool3d(input, *windows, self.count_include_pad, self.divisor_override)


class _LPPool(Layer):
    """What :class:`LPPool1d`, ``2d`` and ``3d`` share."""

    shown = "norm_type kernel_size stride ceil_mode"

    def __init__(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__(norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)
        if norm_type == 0:
            raise ValueError(f"norm_type must be a non-zero value, but got {norm_type}")


class LPPool1d(_LPPool):
    """The ``norm_type``-norm of each window. Shapes: (N, C, L) or (C, L) -> (N, C, l) or (C, l).

    Source: Gulcehre et al., "Learned-Norm Pooling", 2014.

    Raises:
        ValueError: ``norm_type`` is 0.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(_LPPool):
    """:class:`LPPool1d` of images. Shapes: (N, C, H, W) or (C, H, W) -> (N, C, h, w) or (C, h, w).

    Source: Gulcehre et al., 2014.

    Raises:
        ValueError: ``norm_type`` is 0.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool3d(_LPPool):
    """:class:`LPPool1d` of volumes. Shapes: (N, C, D, H, W) or (C, D, H, W) -> (N, C, d, h, w) or (C, d, h, w).

    Source: Gulcehre et al., 2014.

    Raises:
        ValueError: ``norm_type`` is 0.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.lp_pool3d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class _AdaptiveAvgPool(Layer):
    shown = "output_size"

    def __init__(self, output_size: Any) -> None:
        super().__init__(output_size=output_size)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The averages of ``output_size`` windows that cover the signal. Shapes: (N, C, L) -> (N, C, output_size)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The averages of h × w windows that cover the image. Shapes: (N, C, H, W) -> (N, C, h, w).

    ``output_size`` is (h, w), None keeping the input's size, or one number for both.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The averages of d × h × w windows that cover the volume. Shapes: (N, C, D, H, W) -> (N, C, d, h, w)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPool(Layer):
    shown = "output_size"

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size=output_size, return_indices=return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest elements of ``output_size`` windows that cover the signal. Shapes: (N, C, L) -> (N, C, output_size).

    With ``return_indices`` also where they lie.
    """

    def forward(self, input: Tensor) -> Any:
        return functional.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of h × w windows that cover the image. Shapes: (N, C, H, W) -> (N, C, h, w).

    ``output_size`` is (h, w), None keeping the input's size, or one number for both. With ``return_indices`` also where
    they lie: row · W + column.
    """

    def forward(self, input: Tensor) -> Any:
        return functional.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest elements of d × h × w windows that cover the volume. Shapes: (N, C, D, H, W) -> (N, C, d, h, w).

    With ``return_indices`` also where they lie: (depth · H + row) · W + column.
    """

    def forward(self, input: Tensor) -> Any:
        return functional.adaptive_max_pool3d(input, self.output_size, self.return_indices)
