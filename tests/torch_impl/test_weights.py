"""``torch_impl.weights``: of files of weights alone, a run's or anybody's, the network is found, and can be judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

from torch_impl import lit_run, models
from torch_impl.checkpoint import CheckpointError, load_model
from torch_impl.cli import app
from torch_impl.networks import MODELS, build_model
from torch_impl.options import OptionError, TrainingOptions
from torch_impl.run import Place, Run
from torch_impl.weights import load_network

OPTIONS = TrainingOptions(epochs=1, batch_size=500, hidden_size=20)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The folders of a run by the plain loop and of one by Lightning."""
    folders = [tmp_path_factory.mktemp(name) for name in ("plain", "lightning")]
    places = [Place(torch.device("cpu"), folder, figures=False) for folder in folders]
    Run(OPTIONS, places[0]).run()
    lit_run.fit(OPTIONS, places[1])
    return folders


@pytest.mark.parametrize("which", [0, 1], ids=["plain", "lightning"])
def test_a_run_leaves_weights_that_the_network_alone_takes(which: int, runs: list[Path]) -> None:
    state = torch.load(runs[which] / "model.ckpt")
    models.NeuralNet(784, 20, 10).load_state_dict(state)
    last, _, _ = load_model(runs[which] / "last.ckpt")
    assert [*state] == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    assert all(torch.equal(value, last.state_dict()[f"1.{name}"]) for name, value in state.items())


def command(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_evaluate_and_export_take_them(runs: list[Path], tmp_path: Path) -> None:
    """In the run's folder as they are, elsewhere with the name of their data set."""
    judged, expected = command("evaluate", runs[0] / "last.ckpt").stdout.splitlines()
    assert judged == f"Judging {runs[0]}/last.ckpt, epoch 1"
    assert command("evaluate", runs[0] / "model.ckpt").stdout.splitlines()[1:] == [expected]
    alone = tmp_path / "weights.pth"
    alone.write_bytes((runs[0] / "model.ckpt").read_bytes())
    told = command("evaluate", alone, "--data", "digits").stdout.splitlines()
    assert told == [f"Judging the weights in {alone}, on images of 28×28", expected]
    assert command("export", alone, "--data", "digits").exit_code == 0 and (tmp_path / "model.pt2").exists()
    for name in ("evaluate", "export"):
        refused = command(name, alone)
        assert refused.exit_code == 2 and "weights alone, not what images they are for: name" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1


NETWORKS: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    **{
        name: (name, lambda name=name: build_model(replace(OPTIONS, model=name)))
        for name in MODELS
        if name != "resnet34"
    },
    "small stem": ("resnet18", lambda: models.resnet18(10, 1, small_images=True)),
    "biases": ("resnet18", lambda: models.resnet18(10, 1, bias=True)),
    "small stem, biases": ("resnet18", lambda: models.resnet18(10, 1, small_images=True, bias=True)),
    "the perceptron alone": ("neural-net", lambda: models.NeuralNet(784, 7, 10)),
}


ONE_OF_TWO = ("small stem", "biases")  # of what a ResNet-18 may have: with both and with neither it is tried always


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in ONE_OF_TWO else name for name in NETWORKS]
)
def test_the_network_is_found_by_its_weights(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, images = NETWORKS[name][1](), torch.rand(3, 1, 28, 28)
    taken = images.flatten(1) if isinstance(model, models.NeuralNet) else images
    model(taken)  # moves the running statistics away from where they start
    torch.save(model.state_dict(), tmp_path / "weights")
    found, options, content = load_network(tmp_path / "weights", "digits")
    assert (options.model, options.data) == (NETWORKS[name][0], "digits")
    assert content["image_shape"] == [1, 28, 28] and len(content["class_names"]) == 10
    assert torch.equal(found.eval()(images), model.eval()(taken))
    assert all(each.requires_grad and each.device.type == "cpu" for each in found.parameters())


@pytest.mark.parametrize(("name", "side"), [("custom-linear", 9), ("conv-block", 224)])
def test_pictures_are_brought_to_the_size_that_the_weights_take(name: str, side: int, tmp_path: Path) -> None:
    for place in ("train/a", "train/b", "test/a", "test/b"):
        (tmp_path / place).mkdir(parents=True)
        Image.new("RGB", (20, 30)).save(tmp_path / place / "1.png")
    model = build_model(TrainingOptions(model=name, hidden_size=4), (3, 9, 9), 2)  # type: ignore[arg-type]
    torch.save(model.state_dict(), tmp_path / "weights.ckpt")
    told = command("evaluate", tmp_path / "weights.ckpt", "--data", tmp_path).stdout.splitlines()
    assert told[0] == f"Judging the weights in {tmp_path}/weights.ckpt, on images of {side}×{side}" and len(told) == 2


def state(**changed: Any) -> dict[str, Any]:
    return {**models.NeuralNet(784, 5, 10).state_dict(), **changed}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            lambda: models.NeuralNet(784, 5, 11).state_dict(),
            "of no network of this program for images of 1×28×28 in 10",
        ),
        (lambda: state(more=torch.zeros(3)), "of no network"),
        (lambda: state(**{"fc1.bias": torch.full((5,), torch.nan)}), "cannot be used: model.fc1.bias holds NaN"),
        (lambda: state(**{"fc1.bias": torch.zeros(1).expand(2**40)}), "does not have all of its elements"),
        (lambda: {name: each.half() for name, each in state().items()}, "of the type torch.float16, not torch.float32"),
        (lambda: {**state(), "epoch": 3}, "is no checkpoint of `python -m torch_impl train`"),
        (dict, "is no checkpoint of `python -m torch_impl train`"),
    ],
)
def test_what_is_of_no_network_is_refused(content: Callable[[], Any], message: str, tmp_path: Path) -> None:
    torch.save(content(), tmp_path / "weights")
    with pytest.raises(CheckpointError) as caught:
        load_network(tmp_path / "weights", "digits")
    assert message in str(caught.value) and str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_run_in_the_folder_that_is_damaged_is_told(runs: list[Path], tmp_path: Path) -> None:
    weights = tmp_path / "model.ckpt"
    weights.write_bytes((runs[0] / "model.ckpt").read_bytes())
    with pytest.raises(OptionError, match="name the data set with --data"):
        load_network(weights)
    (tmp_path / "last.ckpt").write_bytes(b"cut")
    with pytest.raises(CheckpointError, match=r"last.ckpt is damaged"):
        load_network(weights)
    assert load_network(weights, "digits")[1].hidden_size == 20
