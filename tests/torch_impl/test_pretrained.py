"""``torch_impl.pretrained``: a network that starts from torchvision's weights computes what torchvision's does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from torch_impl import lit_run, models, run
from torch_impl.checkpoint import CheckpointError
from torch_impl.options import TrainingOptions
from torch_impl.pretrained import MEAN, STD, load_pretrained


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    """torchvision's network, with statistics that are not those of a beginning."""
    torch.manual_seed(0)
    model = resnet18().eval()
    for name, value in model.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            value.uniform_(0.5, 1.5)
    return model


def saved(content: Any, folder: Path, legacy: bool = False) -> Path:
    torch.save(content, folder / "weights.pth", _use_new_zipfile_serialization=not legacy)
    return folder / "weights.pth"


@pytest.mark.parametrize(("channels", "classes", "legacy"), [(3, 1000, False), (1, 10, True)])
def test_images_as_they_are_give_what_normalised_ones_gave(
    channels: int, classes: int, legacy: bool, theirs: nn.Module, tmp_path: Path
) -> None:
    """Behind the stem, but for the three pixels at the edge that see the padding; what follows has the same weights."""
    state = theirs.state_dict()
    if legacy:
        state = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    ours = models.resnet18(classes, channels).eval()
    classifier = ours.fc.weight.clone()
    load_pretrained(ours, saved(state, tmp_path, legacy))
    images = torch.rand(2, channels, 40, 40)
    mean, std = (torch.tensor(each).reshape(3, 1, 1) for each in (MEAN, STD))
    expected = theirs.bn1(theirs.conv1((images.expand(2, 3, 40, 40) - mean) / std))
    found = ours.bn1(ours.conv1(images))
    torch.testing.assert_close(found[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], rtol=1e-4, atol=1e-4)
    for name, value in ours.state_dict().items():
        if name in state and not name.startswith(("conv1", "bn1.running_mean", "fc")):
            assert torch.equal(value, state[name]), name
    assert torch.equal(ours.fc.weight, state["fc.weight"] if classes == 1000 else classifier)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"layer1.0.conv1.weight": torch.full((64, 64, 3, 3), torch.nan)}, "holds NaN"),
        ({"layer1.0.conv1.weight": torch.zeros(64, 64, 1, 1)}, "has the shape"),
        ({"conv1.weight": torch.zeros(64, 1, 7, 7)}, "has the shape (64, 1, 7, 7), not (64, 3, 7, 7)"),
        ({"layer1.2.conv1.weight": torch.zeros(1)}, "which is not of this run"),
        ({"fc.weight": None}, "it has something else than tensors by name"),
    ],
    ids=lambda each: each if isinstance(each, str) else next(iter(each)),
)
def test_other_weights_are_refused(change: dict[str, Any], sentence: str, theirs: nn.Module, tmp_path: Path) -> None:
    ours = models.resnet18(1000)
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    with pytest.raises(CheckpointError, match="does not hold torchvision's weights of this network: ") as raised:
        load_pretrained(ours, saved({**theirs.state_dict(), **change}, tmp_path))
    assert sentence in str(raised.value)
    assert all(torch.equal(value, before[name]) for name, value in ours.state_dict().items())


def test_what_is_no_file_of_weights(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="No such file"):
        load_pretrained(models.resnet18(), tmp_path / "nowhere.pth")
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(CheckpointError, match="is damaged, or no file of weights"):
        load_pretrained(models.resnet18(), tmp_path / "text.pth")
    with pytest.raises(CheckpointError, match="is damaged, or no file of weights"):
        load_pretrained(models.resnet18(), saved({"a": Path("code")}, tmp_path))


@pytest.mark.parametrize("begin", [run.Run, lit_run.fit], ids=["plain", "lightning"])
def test_a_run_begins_with_them_and_does_not_ask_for_them_again(
    begin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(model: nn.Module, path: str) -> None:
        raise InterruptedError(path)

    monkeypatch.setattr(run, "load_pretrained", load)
    options = TrainingOptions(model="resnet18", weights="weights.pth")
    place = run.Place(torch.device("cpu"), tmp_path, figures=False)
    with pytest.raises(InterruptedError, match="weights.pth"):
        begin(options, place)
    (tmp_path / "last.ckpt").touch()
    run.Run(options, replace(place, resume=True))
