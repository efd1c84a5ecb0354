"""The networks by name, made for a data set: ``build_model``. What they are made of is in ``models/``."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from torch_impl.models import ConvBlock, CustomLinear, NeuralNet, resnet18, resnet34
from torch_impl.options import OptionError, TrainingOptions

__all__ = ["MODELS", "build_model"]

Builder = Callable[[TrainingOptions, int, int, int], nn.Module]


def neural_net(options: TrainingOptions, channels: int, pixels: int, classes: int) -> nn.Module:
    """The tutorial's perceptron."""
    return nn.Sequential(nn.Flatten(), NeuralNet(channels * pixels, options.hidden_size, classes))


def custom_linear(options: TrainingOptions, channels: int, pixels: int, classes: int) -> nn.Module:
    """The perceptron with the tutorial's layer of one's own in place of ``nn.Linear``."""
    return nn.Sequential(
        nn.Flatten(),
        CustomLinear(channels * pixels, options.hidden_size),
        nn.ReLU(),
        CustomLinear(options.hidden_size, classes),
    )


def conv_block(options: TrainingOptions, channels: int, pixels: int, classes: int) -> nn.Module:
    """Three of the tutorial's convolution blocks, each half the size of the one before, and a linear layer."""
    return nn.Sequential(
        ConvBlock(channels, 32, 3, padding=1),
        ConvBlock(32, 64, 3, stride=2, padding=1),
        ConvBlock(64, 128, 3, stride=2, padding=1),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(128, classes),
    )


def residual_18(options: TrainingOptions, channels: int, pixels: int, classes: int) -> nn.Module:
    """ResNet-18."""
    return resnet18(classes, channels, options.small_images)


def residual_34(options: TrainingOptions, channels: int, pixels: int, classes: int) -> nn.Module:
    """ResNet-34."""
    return resnet34(classes, channels, options.small_images)


MODELS: dict[str, Builder] = {
    "neural-net": neural_net,
    "custom-linear": custom_linear,
    "conv-block": conv_block,
    "resnet18": residual_18,
    "resnet34": residual_34,
}


def build_model(
    options: TrainingOptions, image_shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10
) -> nn.Module:
    """The network that ``options`` name, its weights drawn from PyTorch's generator, on the CPU.

    Shapes: images (N, C, H, W) -> scores (N, classes), ``image_shape`` being (C, H, W).

    Raises:
        OptionError: there is no such network, or an option does not go with it.

    >>> import torch, torch_impl
    >>> model = torch_impl.build_model(torch_impl.TrainingOptions(model="neural-net"))
    >>> model(torch.ones(5, 1, 28, 28)).shape
    torch.Size([5, 10])
    """
    if options.model not in MODELS:
        raise OptionError(f"--model: there is no network {options.model!r}, choose from {', '.join(MODELS)}")
    if options.small_images and not options.model.startswith("resnet"):
        raise OptionError(f"--small-images is the stem of a residual network, and --model is {options.model}")
    channels, height, width = image_shape
    return MODELS[options.model](options, channels, height * width, classes)
