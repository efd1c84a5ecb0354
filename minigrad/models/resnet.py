"""Residual networks of basic blocks: ResNet-18 and ResNet-34.

Where they differ from the paper's (He et al., "Deep Residual Learning for Image Recognition", 2015):

- where a block changes the shape, the shortcut is a 1×1 convolution with batch normalisation: the paper's option B; its
  option A pads with zeros, and has no weights there;
- the weights start as the engine's layers start them: Kaiming's even distribution with slope √5, where the paper's are
  normal (He et al., "Delving Deep into Rectifiers", 2015);
- the paper's learning rate, weight decay and crops belong to training, and are not here.

Where they differ from torchvision's ``resnet18`` and ``resnet34``:

- the names of weights and buffers, their shapes, and what is computed are the same, so any of its released weights
  load strictly, and give its outputs;
- torchvision starts convolutions from a normal distribution (Kaiming's, by fan-out), and the same seed therefore gives
  other initial weights;
- ``in_channels`` is a parameter; ``small_images=True`` begins with a 3×3 convolution of stride 1 and no pooling, for
  images of about 32×32, of which the usual stem would leave 8×8 (the paper's networks for CIFAR-10 begin so too);
- ``shortcut=False`` builds the same network without shortcuts, to see what they do;
- bottleneck blocks, groups, wider layers and dilation, which the larger networks need, are left out.

Where they differ from the tutorial's: its convolutions have biases, ours have none unless ``bias=True``. The batch
normalisation behind each subtracts the channel's mean, and a bias with it: its gradient is 0, and it does nothing. With
``bias=True`` names, shapes and what is computed are the tutorial's, so its checkpoints load strictly; from one seed the
initial weights are its own too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from minigrad import Tensor, nn

__all__ = ["ResNet", "ResidualBlock", "resnet18", "resnet34"]


class ResidualBlock(nn.Module):
    """z = max(H(x), 0) with H(x) = F(x) + x: what the weights learn is the residual F(x) = H(x) - x, not H itself.

    F is convolution, BN, ReLU, convolution, BN, both convolutions 3×3. Where F changes the shape, x is brought to it by
    S, ``downsample``: H(x) = F(x) + S(x). The gradient of H reaches x by two ways, and the way through S(x) = x leaves
    it as it is: that is why deep networks of these blocks can be trained.

    Shapes: x (N, in_channels, H, W) -> (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉).

    Args:
        in_channels, out_channels, stride: of the first convolution; the second keeps the shape.
        downsample: S. Default: none, and x itself is added; :func:`projection` where F changes the shape.
        bias: whether the convolutions have biases, as the tutorial's have. Ours have none: BN subtracts each channel's
            mean, and a bias with it, and adds one of its own.
        shortcut: False leaves S out: z = max(F(x), 0), a block of the paper's plain networks.

    Raises:
        RuntimeError: at the call, if x has other than in_channels channels.
        ValueError: at the call in training mode, if a channel has a single value.

    Source: He et al., "Deep Residual Learning for Image Recognition", 2016.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        bias: bool = False,
        shortcut: bool = True,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=bias)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=bias)
        self.bn2 = nn.BatchNorm2d(out_channels)
        if downsample is None:
            downsample = projection(in_channels, out_channels, stride, bias)
        self.downsample = downsample if shortcut else None
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:  # (N, in_channels, H, W)
        out: Tensor = self.conv1(x)  # (N, out_channels, H', W'), as everything that follows
        out = self.bn1(out)
        out = self.relu(out)
        out = self.conv2(out)
        out = self.bn2(out)  # F(x)
        if self.shortcut:
            identity = x if self.downsample is None else self.downsample(x)
            out += identity  # H(x) = F(x) + S(x)
        out = self.relu(out)
        return out


class ResNet(nn.Module):
    """Stem, four stages of blocks, the mean over H and W, a linear layer.

    ``ResNet(ResidualBlock, [2, 2, 2, 2])`` is ResNet-18. Each stage after the first halves height and width and doubles
    the channels: 64, 128, 256, 512.

    Shapes: x (N, in_channels, H, W) -> scores (N, num_classes). 224×224 becomes 112×112 and 56×56 in the stem, then
    56×56, 28×28, 14×14 and 7×7 in the stages.

    Args:
        block: makes a block from its in_channels, out_channels, stride and downsample, the last two left out where a
            block keeps the shape: :class:`ResidualBlock`, or one's own.
        layers: how many blocks each of the four stages has.
        num_classes: how many scores come out. They are no probabilities: ``nn.CrossEntropyLoss`` applies the softmax.
        in_channels: of the images: 3 for colours, 1 for grey.
        small_images: whether the stem keeps height and width: see the head of this file.
        bias: whether all convolutions have biases, as the tutorial's have: then its checkpoints load. Ours have none,
            for the BN behind each subtracts it again. Blocks are then made with ``bias=True``.

    Raises:
        RuntimeError: at the call, if x has other than in_channels channels.
        ValueError: at the call in training mode, if a channel has a single value: one image of at most 32×32.

    Source: He et al., "Deep Residual Learning for Image Recognition", 2016.
    """

    def __init__(
        self,
        block: Callable[..., nn.Module],
        layers: Sequence[int],
        num_classes: int = 1000,
        in_channels: int = 3,
        small_images: bool = False,
        bias: bool = False,
    ) -> None:
        super().__init__()
        if bias:  # a block of one's own need not know of it otherwise
            block = partial(block, bias=True)
        if small_images:
            self.conv1 = nn.Conv2d(in_channels, 64, kernel_size=3, padding=1, bias=bias)
        else:
            self.conv1 = nn.Conv2d(in_channels, 64, kernel_size=7, stride=2, padding=3, bias=bias)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small_images else nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = stage(block, layers[0], 64, 64, 1, bias)
        self.layer2 = stage(block, layers[1], 64, 128, 2, bias)
        self.layer3 = stage(block, layers[2], 128, 256, 2, bias)
        self.layer4 = stage(block, layers[3], 256, 512, 2, bias)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512, num_classes)

    def forward(self, x: Tensor) -> Tensor:  # (N, in_channels, H, W)
        out: Tensor = self.conv1(x)  # (N, 64, H/2, W/2)
        out = self.bn1(out)
        out = self.relu(out)
        out = self.maxpool(out)  # (N, 64, H/4, W/4); with small_images all sizes are four times as large
        out = self.layer1(out)  # (N, 64, H/4, W/4)
        out = self.layer2(out)  # (N, 128, H/8, W/8)
        out = self.layer3(out)  # (N, 256, H/16, W/16)
        out = self.layer4(out)  # (N, 512, H/32, W/32)
        out = self.avgpool(out)  # (N, 512, 1, 1)
        out = out.flatten(1)  # (N, 512)
        out = self.fc(out)  # (N, num_classes)
        return out


def stage(
    block: Callable[..., nn.Module], blocks: int, in_channels: int, out_channels: int, stride: int, bias: bool
) -> nn.Sequential:
    """``blocks`` blocks in a row, of which the first changes the channels, and the size by ``stride``.

    The first is made by ``block(in_channels, out_channels, stride, downsample)``, where ``downsample`` is a
    :func:`projection` or None, the others by ``block(out_channels, out_channels)``.
    """
    downsample = projection(in_channels, out_channels, stride, bias)
    layers = [block(in_channels, out_channels, stride, downsample)]
    for _ in range(1, blocks):
        layers.append(block(out_channels, out_channels))
    return nn.Sequential(*layers)


def projection(in_channels: int, out_channels: int, stride: int, bias: bool) -> nn.Sequential | None:
    """The shortcut of a block that changes the shape: a 1×1 convolution with BN. None where the shape is kept."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=bias),
        nn.BatchNorm2d(out_channels),
    )


def resnet18(
    num_classes: int = 1000, in_channels: int = 3, small_images: bool = False, shortcut: bool = True, bias: bool = False
) -> ResNet:
    """Two blocks a stage: 17 convolutions on the longest way and a linear layer; 11,689,512 parameters by default.

    Source: He et al., "Deep Residual Learning for Image Recognition", 2016.
    """
    block = partial(ResidualBlock, shortcut=shortcut)
    return ResNet(block, [2, 2, 2, 2], num_classes, in_channels, small_images, bias)


def resnet34(
    num_classes: int = 1000, in_channels: int = 3, small_images: bool = False, shortcut: bool = True, bias: bool = False
) -> ResNet:
    """Three, four, six and three blocks: 33 convolutions and a linear layer; 21,797,672 parameters by default.

    Source: He et al., "Deep Residual Learning for Image Recognition", 2016.
    """
    block = partial(ResidualBlock, shortcut=shortcut)
    return ResNet(block, [3, 4, 6, 3], num_classes, in_channels, small_images, bias)
