"""The tutorial's networks, one file each: a perceptron, a normalised layer, a convolution block, residual networks.

The package stands twice, in ``torch_impl`` and in ``minigrad``: the files differ in their import lines alone.
"""

from minigrad.models.conv_block import ConvBlock
from minigrad.models.custom_linear import CustomLinear
from minigrad.models.neural_net import NeuralNet
from minigrad.models.resnet import ResidualBlock, ResNet, resnet18, resnet34

__all__ = ["ConvBlock", "CustomLinear", "NeuralNet", "ResNet", "ResidualBlock", "resnet18", "resnet34"]
