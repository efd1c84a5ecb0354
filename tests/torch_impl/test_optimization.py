"""``torch_impl.optimization``: the optimizers are PyTorch's, the schedules follow PyTorch's own schedulers."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from torch_impl.optimization import build_optimizer, build_scheduler
from torch_impl.options import TrainingOptions

STEPS = 40


def rates(options: TrainingOptions) -> list[float]:
    """The learning rate of every step of a run."""
    optimizer = build_optimizer(options, nn.Linear(1, 1))
    scheduler = build_scheduler(options, optimizer, STEPS)
    return stepped(optimizer, scheduler)


def stepped(optimizer: torch.optim.Optimizer, scheduler: Any) -> list[float]:
    found = []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def theirs(build: Any, **arguments: Any) -> list[float]:
    """The learning rates of one of PyTorch's schedulers."""
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.2)
    with warnings.catch_warnings():
        return stepped(optimizer, build(optimizer, **arguments))


def test_schedules_are_pytorchs() -> None:
    assert rates(TrainingOptions(lr=0.2)) == [0.2] * STEPS
    cosine = theirs(lr_scheduler.CosineAnnealingLR, T_max=STEPS)
    assert rates(TrainingOptions(lr=0.2, schedule="cosine")) == pytest.approx(cosine, rel=1e-9)
    steps = theirs(lr_scheduler.MultiStepLR, milestones=[STEPS // 2, STEPS * 3 // 4])
    assert rates(TrainingOptions(lr=0.2, schedule="step")) == pytest.approx(steps, rel=1e-9)


def test_one_cycle_is_pytorchs() -> None:
    """PyTorch's begins and ends its halves one step earlier, so its cycle of one step more is compared where t is."""
    options = TrainingOptions(lr=0.2, schedule="one-cycle")
    found = rates(options)
    assert found[0] == pytest.approx(0.2 * 0.04)
    assert max(found) == found[STEPS * 3 // 10] == pytest.approx(0.2)
    assert found[-1] < 0.2 * 0.01
    rising = (STEPS * 0.3 + 1) / (STEPS + 1)
    expected = theirs(lr_scheduler.OneCycleLR, max_lr=0.2, total_steps=STEPS + 1, pct_start=rising)
    assert found == pytest.approx(expected, rel=1e-9)


def test_warmup_rises_evenly_and_then_the_schedule_begins() -> None:
    found = rates(TrainingOptions(lr=0.2, warmup=3, schedule="cosine"))
    assert found[:4] == pytest.approx([0.05, 0.1, 0.15, 0.2])
    assert found[3:] == sorted(found[3:], reverse=True) and found[-1] < 0.001


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)]
)
def test_optimizers(name: str, kind: type[torch.optim.Optimizer]) -> None:
    """Three steps give the weights that PyTorch's plain one, which is not fused, gives."""
    options = TrainingOptions(optimizer=name, lr=0.01, weight_decay=0.1)
    momentum = {"momentum": 0.9} if name == "sgd" else {}
    models = []
    for fused in (True, False):
        torch.manual_seed(0)
        model = nn.Linear(5, 3).double()
        if fused:
            optimizer = build_optimizer(options, model)
        else:
            optimizer = kind(model.parameters(), lr=0.01, weight_decay=0.1, **momentum)  # type: ignore[call-arg]
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.ones(2, 5, dtype=torch.float64)).square().sum().backward()
            optimizer.step()
        models.append(model)
    assert type(optimizer) is kind
    torch.testing.assert_close(models[0].weight, models[1].weight, rtol=1e-12, atol=0)
