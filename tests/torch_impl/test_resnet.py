"""``torch_impl.models``: the normalised layer, the blocks, and ResNet against torchvision's."""

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from torch_impl.models import ConvBlock, CustomLinear, ResidualBlock, ResNet, resnet18, resnet34


def test_custom_linear_is_the_formula():
    torch.manual_seed(0)
    layer = CustomLinear(6, 4).double()
    x = torch.randn(5, 6, dtype=torch.float64)
    directions = np.array([row / np.sqrt((row**2).sum()) for row in layer.weight.detach().numpy()])
    expected = x.numpy() @ directions.T + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-14)
    layer.weight.data[2] = 0
    assert torch.equal(layer(x)[:, 2], layer.bias[2].expand(5))
    assert repr(layer) == "CustomLinear(in_features=6, out_features=4)"


def test_custom_linear_starts_as_linear_does():
    torch.manual_seed(3)
    layer = CustomLinear(20, 30)
    torch.manual_seed(3)
    linear = torch.nn.Linear(20, 30)
    assert torch.equal(layer.weight, linear.weight) and torch.equal(layer.bias, linear.bias)


@pytest.mark.parametrize(
    ("arguments", "size"), [((3,), 7), ((3, 1, 1), 9), ((3, 2, 1), 5), ((5, 2), 3), ((1, 3, 0), 3)], ids=str
)
def test_conv_block(arguments, size):
    block = ConvBlock(3, 8, *arguments)
    out = block(torch.randn(2, 3, 9, 9))
    assert out.shape == (2, 8, size, size) and (out >= 0).all() and (out == 0).any()
    assert list(block.state_dict())[:3] == ["conv.weight", "bn.weight", "bn.bias"]


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("shortcut", [True, False])
def test_residual_block_is_the_formula(shortcut, given):
    torch.manual_seed(0)
    downsample = nn.AvgPool2d(2) if given else None
    block = ResidualBlock(4, 4 if given else 8, 2, downsample, shortcut=shortcut).double()
    assert (block.downsample is None) is (not shortcut)
    assert not (given and shortcut) or block.downsample is downsample
    x = torch.randn(3, 4, 6, 6, dtype=torch.float64)
    inner = block.bn2(block.conv2(block.bn1(block.conv1(x)).relu()))
    expected = (inner + block.downsample(x)).relu() if shortcut else inner.relu()
    torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("ours", "theirs"), [(resnet18, "resnet18"), (resnet34, "resnet34")])
def test_torchvisions_weights_load_strictly_and_give_its_outputs(ours, theirs):
    torch.manual_seed(0)
    model, original = ours(), getattr(torchvision.models, theirs)()
    original(torch.randn(2, 3, 64, 64))  # its running statistics are no longer the first ones
    model.load_state_dict(original.state_dict(), strict=True)
    x = torch.randn(2, 3, 64, 64)
    for training in (True, False):
        assert torch.equal(model.train(training)(x), original.train(training)(x))


@pytest.mark.parametrize("small_images", [True, False])
def test_biases_of_convolutions_do_nothing(small_images):
    """Their gradients are rounding, and in training the same comes out without them."""
    torch.manual_seed(0)
    biased = resnet18(10, small_images=small_images, bias=True).double()
    plain = resnet18(10, small_images=small_images).double()
    left_out = plain.load_state_dict(biased.state_dict(), strict=False).unexpected_keys
    assert len(left_out) == 20 and all("conv" in name or "downsample.0" in name for name in left_out)
    size = 8 if small_images else 16
    x = torch.randn(4, 3, size, size, dtype=torch.float64)
    scores = biased(x)
    torch.testing.assert_close(plain(x), scores)
    scores.square().sum().backward()
    grads = {name: each.grad.abs().max().item() for name, each in biased.named_parameters()}
    assert max(grads[name] for name in left_out) < 1e-9 * grads["conv1.weight"]


def test_parameters():
    assert sum(each.numel() for each in resnet18().parameters()) == 11_689_512
    assert sum(each.numel() for each in resnet34().parameters()) == 21_797_672
    assert resnet18(10, in_channels=1)(torch.randn(2, 1, 28, 28)).shape == (2, 10)


def test_the_stem_for_small_images_keeps_the_size():
    model = resnet18(10, in_channels=1, small_images=True)
    sizes = []
    for layer in (model.maxpool, model.layer4):
        layer.register_forward_hook(lambda module, inputs, output: sizes.append(tuple(output.shape)))
    assert model(torch.randn(2, 1, 32, 32)).shape == (2, 10)
    assert sizes == [(2, 64, 32, 32), (2, 512, 4, 4)]


def test_without_shortcuts_there_is_one_way():
    assert set(resnet18(shortcut=False).state_dict()) == {
        name for name in ResNet(ResidualBlock, [2, 2, 2, 2]).state_dict() if "downsample" not in name
    }


def test_wrong_inputs():
    with pytest.raises(RuntimeError, match="to have 3 channels, but got 1"):
        resnet18()(torch.randn(2, 1, 64, 64))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        resnet18()(torch.randn(1, 3, 32, 32))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        CustomLinear(6, 4)(torch.randn(2, 5))
