"""``torch_impl.networks``: every network by name takes every kind of image, and gives a score a class."""

from __future__ import annotations

import pytest
import torch

from torch_impl.models import NeuralNet
from torch_impl.networks import MODELS, build_model
from torch_impl.options import OptionError, TrainingOptions


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("image_shape", [(1, 28, 28), (3, 32, 20)], ids=str)
def test_shapes(name: str, image_shape: tuple[int, int, int]) -> None:
    model = build_model(TrainingOptions(model=name), image_shape, classes=7)
    assert model(torch.rand(2, *image_shape)).shape == (2, 7)


def test_the_default_is_the_tutorials_perceptron() -> None:
    torch.manual_seed(0)
    model = build_model(TrainingOptions())
    torch.manual_seed(0)
    theirs = NeuralNet(784, 500, 10)
    images = torch.rand(3, 1, 28, 28)
    assert torch.equal(model(images), theirs(images.flatten(1)))


def test_options_reach_the_network() -> None:
    assert build_model(TrainingOptions(hidden_size=7))[1].fc1.out_features == 7  # type: ignore[index]
    assert build_model(TrainingOptions(model="custom-linear", hidden_size=7))[1].out_features == 7  # type: ignore[index]
    small = build_model(TrainingOptions(model="resnet18", small_images=True))
    assert isinstance(small.maxpool, torch.nn.Identity)


def test_what_cannot_be_built() -> None:
    with pytest.raises(OptionError, match="no network 'vgg', choose from neural-net, custom-linear"):
        build_model(TrainingOptions(model="vgg"))
    with pytest.raises(OptionError, match="--small-images is the stem of a residual network"):
        build_model(TrainingOptions(small_images=True))
