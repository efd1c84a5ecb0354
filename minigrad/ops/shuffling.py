"""Channels and pixels in another order. Each rule: formula, forward, backward; then the functions.

All are ``nn.functional``'s. Nothing is computed, so each rule's gradient is the opposite order again.
"""

from __future__ import annotations

from minigrad.arguments.gate import checked
from minigrad.graph.function import Function, Tensor
from minigrad.graph.strides import as_pictures

__all__ = ["channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


def interleave(parts, order, shape):
    """A copy of ``parts``, the last five dimensions put into ``order``, with these merged to the three of ``shape``."""
    leading = parts.ndim - 5
    parts = parts.transpose(*range(leading), *[leading + each for each in order]).copy()
    return parts.reshape(*parts.shape[:leading], *shape)


class PixelShuffle(Function):
    """z[c, h r + i, w r + j] = x[c r² + i r + j, h, w]: r² channels become r × r pixels. Leading dimensions: any."""

    result_strides = as_pictures

    def forward(ctx, x, *, factor):
        ctx.factor = factor
        channels, height, width = x.shape[-3] // factor**2, x.shape[-2], x.shape[-1]
        parts = x.reshape(*x.shape[:-3], channels, factor, factor, height, width)
        return interleave(parts, (0, 3, 1, 4, 2), (channels, height * factor, width * factor))

    def backward(ctx, grad_z):
        grad_x = PixelUnshuffle.apply(grad_z, factor=ctx.factor)
        return grad_x


@checked
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """r² channels become r × r pixels, r the factor. Shapes: (..., C r², H, W) -> (..., C, H r, W r).

    Source: Shi et al., 2016.

    Raises:
        RuntimeError: there are fewer than three dimensions, the factor is not positive, or does not divide.
        TypeError: the factor is no whole number.
        ValueError: the factor's square does not fit in 64 bits.
    """
    check_factor("pixel_shuffle", "upscale_factor", input, upscale_factor)
    if upscale_factor**2 >= 2**63:
        raise ValueError(f"upscale factor is too large, (upscale_factor)^2 overflowed: upscale_factor={upscale_factor}")
    if input.shape[-3] % upscale_factor**2:
        raise RuntimeError(
            f"pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={input.shape[-3]} is not divisible by {upscale_factor**2}"
        )
    return PixelShuffle.apply(input, factor=upscale_factor)


def check_factor(function: str, argument: str, input: Tensor, factor: int) -> None:
    """Raise PyTorch's error for an input that is no image, or a factor that is not positive."""
    if input.ndim < 3:
        raise RuntimeError(
            f"{function} expects input to have at least 3 dimensions, but got input with {input.ndim} dimension(s)"
        )
    if factor <= 0:
        raise RuntimeError(f"{function} expects a positive {argument}, but got {factor}")


class PixelUnshuffle(Function):
    """z[c r² + i r + j, h, w] = x[c, h r + i, w r + j]: r × r pixels become r² channels. Leading dimensions: any."""

    result_strides = as_pictures

    def forward(ctx, x, *, factor):
        ctx.factor = factor
        channels, height, width = x.shape[-3], x.shape[-2] // factor, x.shape[-1] // factor
        parts = x.reshape(*x.shape[:-3], channels, height, factor, width, factor)
        return interleave(parts, (0, 2, 4, 1, 3), (channels * factor**2, height, width))

    def backward(ctx, grad_z):
        grad_x = PixelShuffle.apply(grad_z, factor=ctx.factor)
        return grad_x


@checked
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """r × r pixels become r² channels, r the factor. Shapes: (..., C, H r, W r) -> (..., C r², H, W).

    Source: Shi et al., 2016.

    Raises: as :func:`pixel_shuffle`.
    """
    check_factor("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    for name, dim in (("height", -2), ("width", -1)):
        if input.shape[dim] % downscale_factor:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({dim})="
                f"{input.shape[dim]} is not divisible by {downscale_factor}"
            )
    return PixelUnshuffle.apply(input, factor=downscale_factor)


class ChannelShuffle(Function):
    """z[:, i g + j] = x[:, j n + i]: of each of g groups of n channels the first, then the second, and so on."""

    result_strides = as_pictures

    def forward(ctx, x, *, groups):
        ctx.groups_back = x.shape[1] // groups
        parts = x.reshape(x.shape[0], groups, ctx.groups_back, *x.shape[2:])
        return parts.swapaxes(1, 2).reshape(x.shape)

    def backward(ctx, grad_z):
        grad_x = ChannelShuffle.apply(grad_z, groups=ctx.groups_back)
        return grad_x


@checked
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of each group dealt out in turn. Shapes: (N, C, ...), the same out.

    Source: Zhang et al., "ShuffleNet", 2018.

    Raises:
        RuntimeError: there are fewer than three dimensions, or the groups do not divide the channels.
    """
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    if input.shape[1] % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {input.shape[1]} channels and {groups} groups."
        )
    return ChannelShuffle.apply(input, groups=groups)
