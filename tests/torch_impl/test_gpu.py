"""What needs an accelerator: the same networks, trainings and comparisons there. ``.ci/gpu`` runs them all."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

import comparisons.cli
from torch_impl.checkpoint import load_checkpoint
from torch_impl.networks import build_model
from torch_impl.options import TrainingOptions
from torch_impl.run import Place, Run
from torch_impl.seeds import accelerator, choose_device, seed_everything
from torch_impl.training import autocast

KIND = accelerator()

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(KIND is None, reason="no accelerator")]

CONVOLUTIONS = TrainingOptions(model="conv-block", epochs=2, batch_size=200)


def device(number: int | None = None) -> torch.device:
    assert KIND is not None
    return choose_device(KIND.type if number is None else f"{KIND.type}:{number}")


def place(folder: Path, **others: object) -> Place:
    return Place(device(), folder, figures=False, **others)  # type: ignore[arg-type]


def weights(folder: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = load_checkpoint(folder / "last.ckpt")["model"]
    return state


def gradients(model: nn.Module, images: Tensor, precision: str = "fp32") -> Tensor:
    """Of a cross-entropy by all weights, in one row, in float64 on the CPU."""
    labels = torch.arange(len(images), device=images.device) % 10
    with autocast(images.device, precision):
        loss = nn.functional.cross_entropy(model(images).float(), labels)
    grads = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([grad.flatten() for grad in grads]).double().cpu()


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("precision", "allowed"), [("fp32", 1e-4), ("bf16", 0.1)])
def test_convolutions(precision: str, allowed: float, channels_last: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their gradients beside those of the CPU in float64."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    seed_everything(0)
    model, images = build_model(CONVOLUTIONS), torch.rand(20, 1, 28, 28)
    expected = gradients(copy.deepcopy(model).double(), images.double())
    form = torch.channels_last if channels_last else torch.contiguous_format
    model = model.to(device()).to(memory_format=form)  # type: ignore[call-overload]
    found = gradients(model, images.to(device()).contiguous(memory_format=form), precision)
    assert (found - expected).norm() < allowed * expected.norm()


def test_a_deterministic_run_gives_the_same_bits_again_and_after_a_resumption(tmp_path: Path) -> None:
    options = dataclasses.replace(CONVOLUTIONS, deterministic=True, augment=True)
    for folder in ("first", "second"):
        Run(options, place(tmp_path / folder)).run()
    Run(dataclasses.replace(options, epochs=1), place(tmp_path / "resumed")).run()
    Run(options, place(tmp_path / "resumed", resume=True)).run()
    torch.use_deterministic_algorithms(False)
    first, *others = [weights(tmp_path / folder) for folder in ("first", "second", "resumed")]
    for other in others:
        assert all(torch.equal(value, other[name]) for name, value in first.items())


def test_compiled_is_about_the_same(tmp_path: Path) -> None:
    losses = []
    for compiled in (False, True):
        options = dataclasses.replace(CONVOLUTIONS, epochs=1, compile=compiled)
        losses.append(Run(options, place(tmp_path / str(compiled))).run().loss)
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)


def test_the_second_of_several(tmp_path: Path) -> None:
    """A run there leaves the first one alone."""
    if torch.accelerator.device_count() < 2:
        pytest.skip("there is one only")
    torch.accelerator.empty_cache()
    before = torch.accelerator.memory_allocated(0)
    Run(CONVOLUTIONS, dataclasses.replace(place(tmp_path), device=device(1))).run()
    assert torch.accelerator.current_device_index() == 1 and torch.accelerator.memory_allocated(0) == before


@pytest.mark.parametrize("chapter", ["operations", "mlp", "conv-block", "residual-block", "lightning"])
def test_comparisons(chapter: str) -> None:
    done = CliRunner().invoke(comparisons.cli.app, ["--device", str(device()), "--only", chapter])
    assert done.exit_code == 0, done.output
