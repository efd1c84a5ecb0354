"""The tutorial's networks, one file each: a perceptron, a normalised layer, a convolution block, residual networks.

The package stands twice, in ``torch_impl`` and in ``minigrad``: the files differ in their import lines alone.
"""

from torch_impl.models.conv_block import ConvBlock
from torch_impl.models.custom_linear import CustomLinear
from torch_impl.models.neural_net import NeuralNet
from torch_impl.models.resnet import ResidualBlock, ResNet, resnet18, resnet34

__all__ = ["ConvBlock", "CustomLinear", "NeuralNet", "ResNet", "ResidualBlock", "resnet18", "resnet34"]
