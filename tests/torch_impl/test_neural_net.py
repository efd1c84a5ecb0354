"""``torch_impl.models``: shapes, parameters, initial weights, the formula."""

from __future__ import annotations

import pytest
import torch

from torch_impl.models import NeuralNet


def test_shapes_and_parameter_count() -> None:
    model = NeuralNet()
    assert {name: tuple(each.shape) for name, each in model.state_dict().items()} == {
        "fc1.weight": (500, 784),
        "fc1.bias": (500,),
        "fc2.weight": (10, 500),
        "fc2.bias": (10,),
    }
    assert sum(each.numel() for each in model.parameters()) == 397_510
    assert model(torch.zeros(3, 784)).shape == (3, 10)


def test_forward_is_the_formula() -> None:
    torch.manual_seed(0)
    model = NeuralNet(input_size=6, hidden_size=5, num_classes=4).double()
    x = torch.randn(7, 6, dtype=torch.float64)
    hidden = (x @ model.fc1.weight.T + model.fc1.bias).clamp(min=0)
    assert (hidden == 0).any(), "the ReLU should have something to do"
    torch.testing.assert_close(model(x), hidden @ model.fc2.weight.T + model.fc2.bias)


def test_initial_weights_fill_their_range() -> None:
    torch.manual_seed(0)
    model = NeuralNet()
    for layer in (model.fc1, model.fc2):
        bound = layer.in_features**-0.5
        for parameter in (layer.weight, layer.bias):
            assert parameter.abs().max() <= bound
        assert layer.weight.abs().max() > 0.99 * bound


def test_wrong_input_size_is_refused() -> None:
    with pytest.raises(RuntimeError, match="784"):
        NeuralNet()(torch.zeros(3, 28))
