"""``torch_impl.optimization``: optimizers and schedules are PyTorch's, with the numbers that the options say."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from torch_impl.optimization import build_optimizer, build_scheduler, scheduler_at
from torch_impl.options import OptionError, TrainingOptions

STEPS = 40


def rates(options: TrainingOptions, steps: int = STEPS) -> list[float]:
    """The learning rate of every step of a run."""
    optimizer = build_optimizer(options, nn.Linear(1, 1))
    scheduler = build_scheduler(options, optimizer, steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def half_cosine(start: float, end: float, t: float) -> float:
    """From ``start`` at t = 0 to ``end`` at t = 1, flat at both."""
    return end + (start - end) * (1 + math.cos(math.pi * t)) / 2


TOP = STEPS * 0.3 - 1  # where one cycle turns, by Smith and Topin's 30 %

RATES: dict[str, Callable[[int], float]] = {
    "constant": lambda step: 1.0,
    "cosine": lambda step: half_cosine(1.0, 0.0, step / STEPS),
    "step": lambda step: 1.0 if step < STEPS / 2 else 0.1 if step < STEPS * 3 / 4 else 0.01,
    "one-cycle": lambda step: (
        half_cosine(0.04, 1.0, step / TOP) if step < TOP else half_cosine(1.0, 4e-6, (step - TOP) / (STEPS - 1 - TOP))
    ),
}


@pytest.mark.parametrize("schedule", RATES)
def test_schedules_by_their_formulas(schedule: str) -> None:
    found = rates(TrainingOptions(lr=0.2, schedule=schedule))  # type: ignore[arg-type]
    assert found == pytest.approx([0.2 * RATES[schedule](step) for step in range(STEPS)], rel=1e-9)


@pytest.mark.parametrize("schedule", [name for name in RATES if name != "one-cycle"])
def test_warmup_rises_evenly_and_then_the_schedule_begins(schedule: str) -> None:
    options = TrainingOptions(lr=0.2, warmup=3, schedule=schedule)  # type: ignore[arg-type]
    found = rates(options, STEPS + 3)
    assert found[:3] == pytest.approx([0.05, 0.1, 0.15])
    assert found[3:] == pytest.approx(rates(replace(options, warmup=0)), rel=1e-9)


@pytest.mark.parametrize("schedule", RATES)
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
def test_the_shortest_runs_have_rates(schedule: str, steps: int) -> None:
    found = rates(TrainingOptions(lr=0.2, schedule=schedule), steps)  # type: ignore[arg-type]
    assert all(0 < rate <= 0.2 for rate in found) and (schedule == "one-cycle" or found[0] == 0.2)


@pytest.mark.parametrize("steps", [1, 7, 8])
def test_a_warm_up_as_long_as_the_run_is_refused(steps: int) -> None:
    optimizer = build_optimizer(TrainingOptions(), nn.Linear(1, 1))
    with pytest.raises(OptionError, match=f"--warmup 8 is no shorter than the run, which has {steps} steps: lower it"):
        build_scheduler(TrainingOptions(warmup=8), optimizer, steps)
    assert optimizer.param_groups[0]["lr"] == 1e-3
    build_scheduler(TrainingOptions(warmup=8), optimizer, 9)


@pytest.mark.parametrize("schedule", RATES)
@pytest.mark.parametrize("warmup", [0, 3])
def test_a_schedule_stepped_to_a_place_is_one_that_was_there(schedule: str, warmup: int) -> None:
    """By this a checkpoint is checked; and going on from its state gives the same rates, to the last bit."""
    options = TrainingOptions(lr=0.2, schedule=schedule, warmup=warmup * (schedule != "one-cycle"))  # type: ignore[arg-type]
    optimizer = build_optimizer(options, nn.Linear(1, 1))
    scheduler = build_scheduler(options, optimizer, STEPS)
    whole = rates(options)
    for step in range(STEPS):
        state = scheduler_at(options, STEPS, step).state_dict()
        assert state == scheduler.state_dict() and state["_last_lr"] == [whole[step]]
        optimizer.step()
        scheduler.step()


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
            assert optimizer.param_groups[0]["fused"]
        else:
            optimizer = kind(model.parameters(), lr=0.01, weight_decay=0.1, **momentum)  # type: ignore[call-arg]
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.ones(2, 5, dtype=torch.float64)).square().sum().backward()
            optimizer.step()
        models.append(model)
    assert type(optimizer) is kind
    torch.testing.assert_close(models[0].weight, models[1].weight, rtol=1e-12, atol=0)
