"""The unit that convolutional networks are built of: convolution, batch normalisation, ReLU."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["ConvBlock"]


class ConvBlock(nn.Module):
    """z = max(BN(W * x), 0): a convolution, batch normalisation over N, H and W, and a ReLU.

    Shapes: x (N, in_channels, H, W) -> (N, out_channels, H', W'), H' = ⌊(H + 2 padding - kernel_size) / stride⌋ + 1, W'
    likewise.

    Args:
        in_channels, out_channels, kernel_size, stride, padding: the convolution's.
        bias: whether the convolution has a bias. The normalisation subtracts each channel's mean, and a bias with it,
            and adds one of its own: the tutorial's convolution has one that does nothing, and ``bias=True`` takes its
            checkpoints.

    Initial weights: the convolution's evenly from ±1/√(in_channels kernel_size²), its default; BN's scale 1, shift 0.

    Raises:
        RuntimeError: at the call, if x has other than in_channels channels or is smaller than the kernel.
        ValueError: at the call in training mode, if a channel has a single value, whose variance would be 0.

    Source: Ioffe & Szegedy, "Batch Normalization", 2015.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:  # (N, in_channels, H, W)
        out: Tensor = self.conv(x)  # (N, out_channels, H', W')
        out = self.bn(out)
        out = self.relu(out)
        return out
