"""The networks stand on both sides: one text but for the imports, one set of initial weights, and torchvision's."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

import minigrad
import torch_impl.models
from comparisons import compare_values
from minigrad import models

ROOT = Path(__file__).parents[2]
FILES = sorted(path.name for path in (ROOT / "minigrad/models").glob("*.py"))


@pytest.mark.parametrize("name", FILES)
def test_the_files_differ_in_import_lines_alone(name):
    ours, theirs = [(ROOT / side / "models" / name).read_text().splitlines() for side in ("minigrad", "torch_impl")]
    assert len(ours) == len(theirs)
    for mine, yours in zip(ours, theirs):
        if yours.startswith(("from torch import", "from torch_impl.models")):
            assert mine.startswith("from minigrad")
            assert mine.partition(" import ")[2] == yours.partition(" import ")[2]
        else:
            assert mine == yours


def test_both_packages_have_the_same_files():
    assert sorted(path.name for path in (ROOT / "torch_impl/models").glob("*.py")) == FILES


# Its text is torch_impl's, as is proved above, and that one is compared with torchvision's in tests/torch_impl.
@pytest.mark.parametrize("name", ["resnet18", pytest.param("resnet34", marks=pytest.mark.long)])
def test_torchvisions_weights_load_strictly(name):
    torch.manual_seed(0)
    original = getattr(torchvision.models, name)().double()
    original(torch.rand(2, 3, 64, 64, dtype=torch.float64))
    model = getattr(models, name)().double()
    state = {key: minigrad.from_numpy(value.numpy()) for key, value in original.state_dict().items()}
    assert str(model.load_state_dict(state, strict=True)) == "<All keys matched successfully>"
    images = np.random.default_rng(0).random((2, 3, 64, 64))
    for training in (False, True):
        ours = model.train(training)(minigrad.from_numpy(images))
        theirs = original.train(training)(torch.from_numpy(images))
        compare_values(f"{name}, training {training}", ours, theirs, "network float64").check()


def test_a_saved_torchvision_checkpoint_loads(tmp_path):
    original = torchvision.models.resnet18(num_classes=7)
    torch.save(original.state_dict(), tmp_path / "resnet18.pth")
    model = models.resnet18(num_classes=7)
    model.load_state_dict(minigrad.load(tmp_path / "resnet18.pth"))
    minigrad.save(model.state_dict(), tmp_path / "back.pth")
    theirs = torch_impl.models.resnet18(num_classes=7)
    theirs.load_state_dict(torch.load(tmp_path / "back.pth", weights_only=True))
    for name, value in original.state_dict().items():
        assert torch.equal(theirs.state_dict()[name], value), name


@pytest.mark.parametrize("name", ["CustomLinear", "ConvBlock", "ResidualBlock", "resnet18"])
def test_repr_is_the_same(name):
    sizes = {"resnet18": (), "ConvBlock": (4, 8, 3)}.get(name, (4, 8))
    assert repr(getattr(models, name)(*sizes)) == repr(getattr(torch_impl.models, name)(*sizes))
