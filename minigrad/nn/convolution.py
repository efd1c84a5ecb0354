"""Convolutional layers, the transposed ones, and the layers that take pictures apart into columns and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minigrad import dtypes
from minigrad.creation import empty
from minigrad.nn import functional, init
from minigrad.nn.layer import Layer
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Fold", "Unfold"]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def for_each_dim(value: Any, dims: int) -> tuple[int, ...]:
    """``value``, a number or one a dimension, as one a dimension."""
    return tuple(value) if isinstance(value, Sequence) else (value,) * dims


class Convolution(Module):
    """What all convolutional layers share: weight, bias, how they begin, and how they print.

    Shapes: ``weight`` (out_channels, in_channels / groups, ...), transposed (in_channels,
    out_channels / groups, ...); ``bias`` (out_channels,). Both begin evenly distributed in ±1/√(numbers that
    one output reads), the numbers that PyTorch draws from the same seed.

    Raises:
        ValueError: the groups do not divide the channels, or a padding or its mode is unknown.
    """

    dims: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: dtypes.dtype | None,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = for_each_dim(kernel_size, self.dims)
        self.stride = for_each_dim(stride, self.dims)
        self.padding: Any = padding if isinstance(padding, str) else for_each_dim(padding, self.dims)
        self.dilation = for_each_dim(dilation, self.dims)
        self.output_padding = for_each_dim(output_padding, self.dims)
        self.groups = groups
        self.padding_mode = padding_mode
        self.check()

        ends = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(empty(*ends, *self.kernel_size, device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def check(self) -> None:
        """Raise PyTorch's ValueError where the arguments do not fit each other."""
        if self.groups <= 0:
            raise ValueError(f"groups must be a positive integer, but got {self.groups}")
        for name, channels in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if channels % self.groups != 0:
                raise ValueError(f"{name} must be divisible by groups, but got {channels} and groups={self.groups}")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {self.padding!r}, should be 'same' or 'valid'")
            if self.padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in {*PADDING_MODES}:
            raise ValueError(f"padding_mode must be one of {PADDING_MODES}, but got {self.padding_mode!r}")

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            read_by_one = self.weight[0].numel() if len(self.weight) else 0
            bound = 1 / math.sqrt(read_by_one) if read_by_one > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """``input`` with what ``padding_mode`` puts around it, and the zeros that are still to be added."""
        if self.padding_mode == "zeros":
            return input, self.padding
        widths: list[int] = []
        for dim in reversed(range(self.dims)):  # the last dimension comes first
            if self.padding == "same":
                total = self.dilation[dim] * (self.kernel_size[dim] - 1)
                widths += [total // 2, total - total // 2]
            elif self.padding == "valid":
                widths += [0, 0]
            else:
                widths += [self.padding[dim], self.padding[dim]]
        return functional.pad(input, widths, mode=self.padding_mode), 0

    def output_padding_for(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """The output padding of a transposed convolution whose output shall be of ``output_size``.

        Raises:
            ValueError: it cannot be.
        """
        if output_size is None:
            return self.output_padding
        leading = input.ndim - self.dims
        wanted = list(output_size[leading:] if len(output_size) == leading + self.dims else output_size)
        if len(wanted) != self.dims:
            raise ValueError(
                f"ConvTranspose{self.dims}D: for {input.ndim}D input, output_size must have {self.dims} or "
                f"{leading + self.dims} elements (got {len(output_size)})"
            )
        smallest, largest = [], []
        for dim, size in enumerate(input.shape[leading:]):
            reach = self.dilation[dim] * (self.kernel_size[dim] - 1) + 1 - 2 * self.padding[dim]
            smallest.append((size - 1) * self.stride[dim] + reach)
            largest.append(smallest[dim] + self.stride[dim] - 1)
        if any(not low <= size <= high for low, size, high in zip(smallest, wanted, largest)):
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {smallest} to {largest} (for an "
                f"input of {list(input.shape[leading:])})"
            )
        return tuple([size - low for size, low in zip(wanted, smallest)])

    def extra_repr(self) -> str:
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        for name, usual in (("padding", zeros), ("dilation", ones), ("output_padding", zeros), ("groups", 1)):
            if getattr(self, name) != usual:
                parts.append(f"{name}={getattr(self, name)}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class ForwardConvolution(Convolution):
    """A convolutional layer that is not transposed: what it takes."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ) -> None:
        steps = (kernel_size, stride, padding, dilation, 0)
        super().__init__(in_channels, out_channels, *steps, groups, bias, padding_mode, device, dtype)


class Conv1d(ForwardConvolution):
    """:func:`functional.conv1d` with a weight and a bias. Shapes: (N, in_channels, W) -> (N, out_channels, W').

    ``weight`` (out_channels, in_channels / groups, S) and ``bias`` (out_channels,) begin evenly distributed in
    ±1/√(in_channels / groups · S). ``padding_mode`` says what is put around: zeros, or the input reflected, its edge
    repeated, or its other end.

    Raises:
        ValueError: the groups do not divide the channels, or a padding or its mode is unknown.

    Source: Waibel et al., "Phoneme Recognition Using Time-Delay Neural Networks", 1989.
    Counterpart: ``torch.nn.Conv1d``.
    """

    dims = 1

    def forward(self, input: Tensor) -> Tensor:
        input, padding = self.padded(input)
        return functional.conv1d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(ForwardConvolution):
    """:func:`functional.conv2d` with a weight and a bias. Shapes: (N, in_channels, H, W) -> (N, out_channels, H', W').

    ``weight`` (out_channels, in_channels / groups, R, S) and ``bias`` (out_channels,) begin evenly distributed in
    ±1/√(in_channels / groups · R · S). ``padding_mode`` says what is put around: zeros, or the input reflected, its
    edge repeated, or its other end.

    Raises:
        ValueError: the groups do not divide the channels, or a padding or its mode is unknown.

    Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    Counterpart: ``torch.nn.Conv2d``.

    >>> layer = minigrad.nn.Conv2d(3, 8, kernel_size=3, padding=1)
    >>> layer(minigrad.ones(1, 3, 32, 32)).shape
    minigrad.Size([1, 8, 32, 32])
    """

    dims = 2

    def forward(self, input: Tensor) -> Tensor:
        input, padding = self.padded(input)
        return functional.conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv3d(ForwardConvolution):
    """:func:`functional.conv3d` with a weight and a bias: :class:`Conv2d` of volumes.

    Shapes: (N, in_channels, D, H, W) -> (N, out_channels, D', H', W'); ``weight`` (out_channels, in_channels / groups,
    T, R, S). Source: Ji et al., "3D Convolutional Neural Networks for Human Action Recognition", 2010.

    Raises:
        ValueError: the groups do not divide the channels, or a padding or its mode is unknown.
    """

    dims = 3

    def forward(self, input: Tensor) -> Tensor:
        input, padding = self.padded(input)
        return functional.conv3d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class TransposedConvolution(Convolution):
    """A convolutional layer that goes from a convolution's output size back to its input size.

    Raises:
        ValueError: another padding mode than zeros.
    """

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: dtypes.dtype | None = None,
    ) -> None:
        steps = (kernel_size, stride, padding, dilation, output_padding)
        super().__init__(in_channels, out_channels, *steps, groups, bias, padding_mode, device, dtype)

    def check(self) -> None:
        if self.padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().check()


class ConvTranspose1d(TransposedConvolution):
    """:func:`functional.conv_transpose1d` as a layer. Shapes: (N, in_channels, W) -> (N, out_channels, W').

    ``weight`` (in_channels, out_channels / groups, S) and ``bias`` (out_channels,) begin evenly distributed in
    ±1/√(out_channels / groups · S). Called with an ``output_size``, it finds the output padding that gives it.

    Raises:
        ValueError: the groups do not divide the channels, the padding mode is not "zeros", or from forward: no output
            padding gives ``output_size``.

    Source: Zeiler et al., "Deconvolutional Networks", 2010. Counterpart: ``torch.nn.ConvTranspose1d``.
    """

    dims = 1

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        steps = (self.stride, self.padding, self.output_padding_for(input, output_size), self.groups, self.dilation)
        return functional.conv_transpose1d(input, self.weight, self.bias, *steps)


class ConvTranspose2d(TransposedConvolution):
    """:func:`functional.conv_transpose2d` as a layer. Shapes: (N, in_channels, H, W) -> (N, out_channels, H', W').

    ``weight`` (in_channels, out_channels / groups, R, S) and ``bias`` (out_channels,) begin evenly distributed in
    ±1/√(out_channels / groups · R · S). Called with an ``output_size``, it finds the output padding that gives it.

    Raises:
        ValueError: the groups do not divide the channels, the padding mode is not "zeros", or from forward: no output
            padding gives ``output_size``.

    Source: Zeiler et al., "Deconvolutional Networks", 2010. Counterpart: ``torch.nn.ConvTranspose2d``.
    """

    dims = 2

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        steps = (self.stride, self.padding, self.output_padding_for(input, output_size), self.groups, self.dilation)
        return functional.conv_transpose2d(input, self.weight, self.bias, *steps)


class ConvTranspose3d(TransposedConvolution):
    """:func:`functional.conv_transpose3d` as a layer: :class:`ConvTranspose2d` of volumes.

    Shapes: (N, in_channels, D, H, W) -> (N, out_channels, D', H', W'); ``weight`` (in_channels, out_channels / groups,
    T, R, S). Source: Zeiler et al., "Deconvolutional Networks", 2010.

    Raises:
        ValueError: the groups do not divide the channels, the padding mode is not "zeros", or from forward: no output
            padding gives ``output_size``.
    """

    dims = 3

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        steps = (self.stride, self.padding, self.output_padding_for(input, output_size), self.groups, self.dilation)
        return functional.conv_transpose3d(input, self.weight, self.bias, *steps)


class Unfold(Layer):
    """:func:`functional.unfold` as a layer. Shapes: (N, C, H, W) -> (N, C·R·S, places). Counterpart:
    ``torch.nn.Unfold``.

    Source: Chellapilla et al., 2006.
    """

    shown = "kernel_size dilation padding stride"

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)

    def forward(self, input: Tensor) -> Tensor:
        return functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(Layer):
    """:func:`functional.fold` as a layer. Shapes: (N, C·R·S, places) -> (N, C, H, W).

    Counterpart: ``torch.nn.Fold``.
    """

    shown = "output_size kernel_size dilation padding stride"

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__(
            output_size=output_size, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride
        )

    def forward(self, input: Tensor) -> Tensor:
        return functional.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)
