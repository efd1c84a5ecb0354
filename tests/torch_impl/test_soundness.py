"""``torch_impl.soundness``: a training whose numbers are no longer finite stops at its step and says where it began."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.amp import GradScaler
from torch.overrides import TorchFunctionMode

from torch_impl.checkpoint import load_checkpoint
from torch_impl.options import TrainingOptions
from torch_impl.run import Place, Run, TrainingError
from torch_impl.soundness import advice, unsound_part
from torch_impl.training import Step, Tally

OPTIONS = TrainingOptions(hidden_size=4, epochs=2, batch_size=120)  # 12 steps an epoch


class Planted(Run):
    """A run with a gradient that is not finite at a step, of one parameter. ``waits``: as on a GPU."""

    def __init__(self, options: TrainingOptions, folder: Path, waits: bool, parameter: str = "", at: int = 0) -> None:
        super().__init__(options, Place(torch.device("cpu"), folder, save_every=5, figures=False))
        self.watch.at_once = not waits
        self.steps_seen = 0
        if parameter:

            def plant(gradient: Tensor) -> Tensor:
                return gradient * torch.nan if self.step + 1 == at else gradient

            dict(self.model.named_parameters())[parameter].register_hook(plant)

    def on_step(self, tally: Tally, done: Step) -> None:
        self.steps_seen += 1
        super().on_step(tally, done)


@pytest.mark.parametrize("clip_norm", [0.0, 1.0])  # which would spread it over all gradients
@pytest.mark.parametrize("parameter", ["1.fc1.bias", "1.fc2.weight"])
@pytest.mark.parametrize("waits", [False, True], ids=["CPU", "as on a GPU"])
def test_the_parameter_whose_gradient_was_first_is_named(
    waits: bool, parameter: str, clip_norm: float, tmp_path: Path
) -> None:
    """The loss is not finite a step after it. On a GPU it is noticed where the device is waited for: at step 10."""
    run = Planted(replace(OPTIONS, clip_norm=clip_norm), tmp_path, waits, parameter, at=7)
    with pytest.raises(TrainingError) as caught:
        run.run()
    expected = f"the gradient of {parameter} is not finite at step 7 (epoch 1, step 7 of 12): "
    if waits or not clip_norm:
        expected = "the loss is not finite at step 8 (epoch 1, step 8 of 12), and the first gradient that is not "
        expected += f"finite is that of {parameter}: "
    assert str(caught.value).startswith(expected)
    assert run.steps_seen == (10 if waits else 6 if clip_norm else 7)
    content = load_checkpoint(tmp_path / "last.ckpt")
    assert content["step"] == 5 and unsound_part(content) == ""


def test_a_gradient_is_enough_before_a_checkpoint(tmp_path: Path) -> None:
    """No loss has been computed with the weights yet that it has spoilt."""
    for waits in (False, True):
        with pytest.raises(TrainingError) as caught:
            Planted(OPTIONS, tmp_path / str(waits), waits, "1.fc2.bias", at=10).run()
        expected = "the gradient of 1.fc2.bias is not finite at step 10 (epoch 1, step 10 of 12)"
        assert str(caught.value).startswith(expected if waits else "after step 10 1.fc2.bias is not finite")
        assert load_checkpoint(tmp_path / str(waits) / "last.ckpt")["step"] == 5


class Waits(TorchFunctionMode):
    """Counts how often a tensor's numbers are asked for, for which a GPU would be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func.__name__ in ("item", "tolist", "numpy", "cpu", "nonzero", "__bool__", "__int__", "__float__")
        return func(*args, **(kwargs or {}))


def test_a_gpu_is_not_waited_for_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch of ten times as many steps asks no more often. (SGD: the CPU's fused Adam itself is one that asks.)"""
    counts = []
    for batch_size in (1000, 10):
        options = replace(OPTIONS, epochs=1, batch_size=batch_size, optimizer="sgd")
        run = Planted(options, tmp_path / str(batch_size), waits=True)
        monkeypatch.setattr("torch_impl.run.LOG_EVERY", 10**6)
        run.place = replace(run.place, save_every=0)
        with Waits() as waits:
            run.run()
        counts.append(waits.count)
    assert counts[0] == counts[1] > 10


@pytest.mark.parametrize("waits", [False, True], ids=["CPU", "as on a GPU"])
def test_a_step_that_the_scaler_leaves_out_is_no_failure(waits: bool, tmp_path: Path) -> None:
    run = Planted(replace(OPTIONS, precision="fp16"), tmp_path, waits)
    run.scaler = GradScaler("cpu", init_scale=2.0**30)
    run.run()
    content = load_checkpoint(tmp_path / "last.ckpt")
    taken = int(content["optimizer"]["state"]["1.fc1.bias"]["step"])
    assert 0 < taken < content["step"] == 24


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"model": {"a": torch.ones(2), "bn.running_var": torch.tensor([1.0, torch.inf])}}, "bn.running_var is not"),
        (
            {"optimizer": {"state": {"a": {"exp_avg": torch.tensor([torch.nan])}}}},
            "the optimizer's exp_avg of a is not",
        ),
        ({"history": [{"epoch": 1, "validation_loss": torch.inf}]}, "validation_loss is not finite"),
        ({"history": [{"epoch": 1, "validation_loss": None}]}, ""),
        ({"scaler": {"scale": 0.0}}, "float16 holds the gradients at no scale"),
        ({}, ""),
    ],
)
def test_what_no_run_could_go_on_from(part: dict[str, Any], sentence: str) -> None:
    content = {"model": {"a": torch.ones(2)}, "optimizer": {"state": {"a": {"step": 3}}}, "scaler": {"scale": 1.0}}
    found = unsound_part({"history": [], **content, **part})
    assert found.startswith(sentence) and bool(found) == bool(sentence)


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({}, "lower --lr, which is 0.001, or try --clip-norm 1"),
        ({"clip_norm": 2.0}, "lower --lr, which is 0.001"),
        ({"precision": "fp16", "clip_norm": 2.0}, "lower --lr, which is 0.001, or try --precision bf16"),
        ({"weight_decay": 1e9}, "lower --weight-decay, which is 1e+09"),
        ({"weight_decay": 1e9, "optimizer": "adamw"}, "lower --weight-decay, which is 1e+09"),
        ({"weight_decay": 1.0, "optimizer": "adamw"}, "lower --lr, which is 0.001, or try --clip-norm 1"),
        ({"weight_decay": 0.1, "lr": 1e30, "optimizer": "sgd"}, "lower --lr, which is 1e+30, or try --clip-norm 1"),
    ],
    ids=str,
)
def test_what_to_try(change: dict[str, Any], remedy: str) -> None:
    assert advice(TrainingOptions(**change)) == remedy
