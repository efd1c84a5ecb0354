"""Layers that resize, or put pixels and channels into another order: ``ops/resizing.py`` and ``shuffling.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.nn import functional
from minigrad.nn.layer import Layer
from minigrad.tensor import Tensor

__all__ = ["ChannelShuffle", "PixelShuffle", "PixelUnshuffle", "Upsample", "UpsamplingBilinear2d"]
__all__ += ["UpsamplingNearest2d"]


class Upsample(Layer):
    """The image in another size. Shapes: (N, C, H, W) -> (N, C, h, w), or (N, C, L) -> (N, C, l).

    Arguments and errors: :func:`functional.interpolate`.
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        factor: Any = scale_factor
        if isinstance(factor, tuple):
            factor = tuple([float(each) for each in factor])
        elif factor:
            factor = float(factor)
        super().__init__()
        self.size = size
        self.scale_factor = factor
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        options = (self.mode, self.align_corners, self.recompute_scale_factor)
        return functional.interpolate(input, self.size, self.scale_factor, *options)

    def extra_repr(self) -> str:
        chosen = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{chosen}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """:class:`Upsample` in the mode "nearest"."""

    def __init__(
        self, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """:class:`Upsample` in the mode "bilinear", corners aligned."""

    def __init__(
        self, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


class PixelShuffle(Layer):
    """r² channels become r × r pixels. Shapes: (..., C r², H, W) -> (..., C, H r, W r). Source: Shi et al., 2016.

    Raises:
        RuntimeError: from forward, where the channels are not divisible.
    """

    shown = "upscale_factor"

    def __init__(self, upscale_factor: int) -> None:
        super().__init__(upscale_factor=upscale_factor)

    def forward(self, input: Tensor) -> Tensor:
        return functional.pixel_shuffle(input, self.upscale_factor)


class PixelUnshuffle(Layer):
    """r × r pixels become r² channels. Shapes: (..., C, H r, W r) -> (..., C r², H, W). Source: Shi et al., 2016.

    Raises:
        RuntimeError: from forward, where height or width are not divisible.
    """

    shown = "downscale_factor"

    def __init__(self, downscale_factor: int) -> None:
        super().__init__(downscale_factor=downscale_factor)

    def forward(self, input: Tensor) -> Tensor:
        return functional.pixel_unshuffle(input, self.downscale_factor)


class ChannelShuffle(Layer):
    """The channels of each group dealt out in turn. Shapes: (N, C, ...), the same out. Source: Zhang et al., 2018.

    Raises:
        RuntimeError: from forward, where the groups do not divide the channels.
    """

    shown = "groups"

    def __init__(self, groups: int) -> None:
        super().__init__(groups=groups)

    def forward(self, input: Tensor) -> Tensor:
        return functional.channel_shuffle(input, self.groups)
