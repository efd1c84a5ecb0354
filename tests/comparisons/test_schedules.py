"""Optimizers of every kind and learning-rate schedules against PyTorch, step by step."""

import pickle

import numpy as np
import pytest
import torch

import minigrad
from comparisons import check_outcome, compare_values
from comparisons.outcomes import check_program

START = np.linspace(-1, 1, 6).reshape(2, 3)


def train(e, make, steps=12, dtype="float64", convert=None):
    """The weights after each step of minimising Σ (w² - 0.3)², and the optimizer."""
    weights = [e.tensor(START, dtype=getattr(e, dtype), requires_grad=True), e.tensor([0.5], requires_grad=True)]
    optimizer = make(e, weights)
    trail = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = ((weights[0] ** 2 - 0.3) ** 2).sum()
        if step != 3:  # once without a gradient
            loss = loss + ((weights[1] - step) ** 2).sum()
        loss.backward()
        optimizer.step()
        trail += [each.detach().clone() for each in weights]
    return trail, optimizer


OPTIMIZERS = {
    "AdamW": lambda e, w: e.optim.AdamW(w, lr=0.05),
    "AdamW, options": lambda e, w: e.optim.AdamW(w, 0.05, (0.8, 0.9), 1e-3, 0.1, True, maximize=True),
    "Adam, decoupled": lambda e, w: e.optim.Adam(w, 0.05, weight_decay=0.1, decoupled_weight_decay=True),
    "RMSprop": lambda e, w: e.optim.RMSprop(w),
    "RMSprop, momentum": lambda e, w: e.optim.RMSprop(w, 0.02, 0.9, 1e-6, 0.1, 0.8),
    "RMSprop, centered": lambda e, w: e.optim.RMSprop(w, 0.02, momentum=0.5, centered=True, maximize=True),
    "Adagrad": lambda e, w: e.optim.Adagrad(w),
    "Adagrad, options": lambda e, w: e.optim.Adagrad(w, 0.1, 0.01, 0.1, 0.5, 1e-6, maximize=True),
    "NAdam": lambda e, w: e.optim.NAdam(w),
    "NAdam, options": lambda e, w: e.optim.NAdam(w, 0.05, (0.8, 0.9), 1e-6, 0.1, 0.01, maximize=True),
    "NAdam, decoupled": lambda e, w: e.optim.NAdam(w, 0.05, weight_decay=0.1, decoupled_weight_decay=True),
    "two groups": lambda e, w: e.optim.RMSprop([{"params": w[:1], "lr": 0.1}, {"params": w[1:], "momentum": 0.9}]),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name):
    (ours, our_optimizer), (theirs, their_optimizer) = [train(e, OPTIMIZERS[name]) for e in (minigrad, torch)]
    for number, (first, second) in enumerate(zip(ours, theirs)):
        exact = "float64" if str(second.dtype) == "torch.float64" else "float32"
        compare_values(f"{name}, weight {number % 2} after step {number // 2}", first, second, exact).check()
    first, second = our_optimizer.state_dict(), their_optimizer.state_dict()
    assert first["param_groups"] == second["param_groups"]
    assert repr(our_optimizer) == repr(their_optimizer)
    for number, state in second["state"].items():
        assert list(first["state"][number]) == list(state)
        for key, value in state.items():
            exact = "float64" if str(value.dtype) == "torch.float64" else "float32"
            compare_values(f"{name}, {key} of {number}", first["state"][number][key], value, exact).check()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_continues_from_what_pytorch_saved(name, tmp_path):
    _, theirs = train(torch, OPTIMIZERS[name], 4)
    torch.save(theirs.state_dict(), tmp_path / "state")
    restored = []
    for e in (minigrad, torch):
        _, optimizer = train(e, OPTIMIZERS[name], 0)
        optimizer.load_state_dict(e.load(tmp_path / "state"))
        weight = optimizer.param_groups[0]["params"][0]
        weight.grad = e.ones_like(weight)
        optimizer.step()
        restored.append(weight.detach())
    compare_values(name, *restored, "float64").check()


WRONG_OPTIONS = {
    "RMSprop, lr": lambda e, w: e.optim.RMSprop(w, -1),
    "RMSprop, alpha": lambda e, w: e.optim.RMSprop(w, alpha=-1),
    "Adagrad, lr_decay": lambda e, w: e.optim.Adagrad(w, lr_decay=-1),
    "Adagrad, start": lambda e, w: e.optim.Adagrad(w, initial_accumulator_value=-1),
    "NAdam, beta": lambda e, w: e.optim.NAdam(w, betas=(1.0, 0.9)),
    "NAdam, momentum_decay": lambda e, w: e.optim.NAdam(w, momentum_decay=-1),
    "AdamW, weight_decay": lambda e, w: e.optim.AdamW(w, weight_decay=-1),
}


@pytest.mark.parametrize("name", WRONG_OPTIONS)
def test_wrong_options(name):
    check_outcome(name, lambda e: WRONG_OPTIONS[name](e, [e.ones(1, requires_grad=True)]))


def test_what_only_kernels_have_is_refused():
    weights = [minigrad.ones(1, requires_grad=True)]
    for kind in (minigrad.optim.SGD, minigrad.optim.Adam, minigrad.optim.RMSprop, minigrad.optim.Adagrad):
        kind(weights, foreach=True)
        with pytest.raises(NotImplementedError, match="differentiable"):
            kind(weights, differentiable=True)
    with pytest.raises(NotImplementedError, match=r"minigrad\.optim\.Adam"):
        minigrad.optim.SparseAdam(weights)


class Shrinking:
    """A share that an object gives, and which it holds."""

    def __init__(self):
        self.last = 0

    def __call__(self, x):
        self.last = max(self.last, x)
        return 0.9**self.last


def swa_of(schedules):
    return {minigrad.optim.lr_scheduler: minigrad, torch.optim.lr_scheduler: torch}[schedules].optim.swa_utils


SCHEDULES = {
    "StepLR": lambda s, o: s.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 9]),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.5, 4),
    "LinearLR": lambda s, o: s.LinearLR(o),
    "LinearLR down": lambda s, o: s.LinearLR(o, 1.0, 0.1, 10),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 6),
    "CosineAnnealingLR, eta_min": lambda s, o: s.CosineAnnealingLR(o, T_max=5, eta_min=0.01),
    "WarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4),
    "WarmRestarts, longer": lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.001),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=25),
    "OneCycleLR, linear": lambda s, o: s.OneCycleLR(
        o, [0.5, 0.7], epochs=5, steps_per_epoch=5, anneal_strategy="linear"
    ),
    "OneCycleLR, three phases": lambda s, o: s.OneCycleLR(o, 0.5, 30, pct_start=0.4, three_phase=True, div_factor=10),
    "OneCycleLR, no momentum": lambda s, o: s.OneCycleLR(o, 0.5, 25, cycle_momentum=False),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, [0.1, 0.2], 4),
    "CyclicLR, triangular2": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 4, 3, "triangular2", base_momentum=[0.7, 0.6]),
    "CyclicLR, exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 3, 5, "exp_range", 0.9, cycle_momentum=False),
    "CyclicLR, own": lambda s, o: s.CyclicLR(
        o, 0.01, 0.1, 3, mode="mine", scale_fn=lambda x: 0.8**x, scale_mode="iterations"
    ),
    "CyclicLR, own object": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 3, scale_fn=Shrinking()),
    "SWALR": lambda s, o: swa_of(s).SWALR(o, [0.05, 0.02], 6),
    "SWALR, linear": lambda s, o: swa_of(s).SWALR(o, 0.5, 4, "linear"),
    "SWALR, at once": lambda s, o: swa_of(s).SWALR(o, 0.5, 0),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 7, 2.0),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda epoch: 0.95 if epoch % 2 else 0.9),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.LinearLR(o, 0.1, 1.0, 4), s.ExponentialLR(o, 0.9)]),
    "SequentialLR of a chain": lambda s, o: s.SequentialLR(
        o, [s.ChainedScheduler([s.ExponentialLR(o, 0.9), s.LinearLR(o)]), s.CosineAnnealingWarmRestarts(o, 3)], [4]
    ),
    "SequentialLR from the second": lambda s, o: s.SequentialLR(o, [s.ExponentialLR(o, 0.9), s.LinearLR(o)], [0]),
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda epoch: 0.95**epoch),
    "LambdaLR, two": lambda s, o: s.LambdaLR(o, [lambda epoch: 0.95**epoch, lambda epoch: 1 / (epoch + 1)]),
    "SequentialLR": lambda s, o: s.SequentialLR(o, [s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9)], [5]),
    "SequentialLR of three": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, 1.0, 4), s.CosineAnnealingLR(o, 10), s.StepLR(o, 2)], [4, 14]
    ),
}

MADE_WITH = {
    "SGD": lambda e, w: e.optim.SGD([{"params": w[:1]}, {"params": w[1:], "lr": 0.3}], lr=0.1, momentum=0.9),
    "Adam": lambda e, w: e.optim.Adam([{"params": w[:1]}, {"params": w[1:], "lr": 0.3}], lr=0.1),
}


def rates(e, make, optimizer, steps=24, saved_at=None):
    """The rates and momenta that a schedule gives; saved and loaded into a new one before step ``saved_at``."""
    weights = [e.ones(1, requires_grad=True), e.ones(1, requires_grad=True)]
    made = MADE_WITH[optimizer](e, weights)
    schedule = make(e.optim.lr_scheduler, made)
    found = []
    for step in range(steps):
        if step == saved_at:
            state, groups = pickle.loads(pickle.dumps(schedule.state_dict())), made.state_dict()
            made = MADE_WITH[optimizer](e, weights)
            schedule = make(e.optim.lr_scheduler, made)
            made.load_state_dict(groups)
            schedule.load_state_dict(state)
        found.append([schedule.get_last_lr(), getattr(schedule, "last_epoch", None)])  # a chain has none
        found.append([(group["lr"], group.get("momentum"), group.get("betas")) for group in made.param_groups])
        made.step()
        schedule.step()
    return found


@pytest.mark.filterwarnings("ignore:Detected call of:UserWarning")
@pytest.mark.parametrize("saved_at", [None, 7])
@pytest.mark.parametrize("optimizer", MADE_WITH)
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name, optimizer, saved_at):
    ours, theirs = [rates(e, SCHEDULES[name], optimizer, saved_at=saved_at) for e in (minigrad, torch)]
    assert ours == theirs  # to the last bit: the same arithmetic in the same order


@pytest.mark.parametrize("base", ["LRScheduler", "_LRScheduler"])
def test_own_schedule(base):
    found = []
    for e in (minigrad, torch):

        class Halving(getattr(e.optim.lr_scheduler, base)):
            def get_lr(self):
                return [base / 2**self.last_epoch for base in self.base_lrs]

        found.append(rates(e, lambda s, o, kind=Halving: kind(o), "Adam", 5))
    assert found[0] == found[1]


def plateau(e, **options):
    optimizer = MADE_WITH["SGD"](e, [e.ones(1, requires_grad=True), e.ones(1, requires_grad=True)])
    schedule = e.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    found = []
    for metric in [1.0, 0.9, 0.9, 0.91, 0.9, 0.9, 0.89, 0.89, 0.89, 0.89, 1.5, 1.6, 1.7, float("nan"), 0.2, 0.2, 0.2]:
        schedule.step(e.tensor(metric))
        found.append((schedule.get_last_lr(), schedule.num_bad_epochs, schedule.cooldown_counter))
    return found, schedule.best


PLATEAUS = [
    {"patience": 1},
    {"mode": "max", "patience": 2, "factor": 0.5},
    {"patience": 0, "threshold": 0.05, "threshold_mode": "abs", "cooldown": 2},
    {"mode": "max", "threshold_mode": "abs", "patience": 1, "min_lr": [0.01, 0.2]},
    {"patience": 0, "eps": 0.01},
]


@pytest.mark.parametrize("options", PLATEAUS, ids=str)
def test_plateau(options):
    assert plateau(minigrad, **options) == plateau(torch, **options)


def step_often(schedule, optimizer):
    for _ in range(4):
        optimizer.step()
        schedule.step()


WRONG = {
    "no optimizer": lambda s, o: s.StepLR(3, 1),
    "continued without a beginning": lambda s, o: s.StepLR(o, 1, last_epoch=3),
    "too few functions": lambda s, o: s.LambdaLR(o, [abs]),
    "constant factor": lambda s, o: s.ConstantLR(o, 2.0),
    "start factor": lambda s, o: s.LinearLR(o, 0.0),
    "end factor": lambda s, o: s.LinearLR(o, 1.0, 2.0),
    "T_0": lambda s, o: s.CosineAnnealingWarmRestarts(o, 0),
    "T_mult": lambda s, o: s.CosineAnnealingWarmRestarts(o, 1, 0),
    "no length": lambda s, o: s.OneCycleLR(o, 0.1),
    "negative length": lambda s, o: s.OneCycleLR(o, 0.1, -3),
    "pct_start": lambda s, o: s.OneCycleLR(o, 0.1, 3, pct_start=2.0),
    "strategy": lambda s, o: s.OneCycleLR(o, 0.1, 3, anneal_strategy="steep"),
    "max_lr": lambda s, o: s.OneCycleLR(o, [0.1], 3),
    "too many steps": lambda s, o: [
        schedule := s.OneCycleLR(o, 0.1, 2),
        [o.step() or schedule.step() for _ in range(4)],
    ],
    "cycle's mode": lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="square"),
    "cycle's max_lr": lambda s, o: s.CyclicLR(o, 0.1, [0.2]),
    "no momentum": lambda s, o: s.CyclicLR(o.__class__.__mro__[1](o.param_groups, {"lr": 1}), 0.1, 0.2),
    "annealing": lambda s, o: swa_of(s).SWALR(o, 0.1, anneal_strategy="steep"),
    "annealing's length": lambda s, o: swa_of(s).SWALR(o, 0.1, 1.5),
    "milestones": lambda s, o: s.SequentialLR(o, [s.StepLR(o, 1)], [1]),
    "no schedule": lambda s, o: s.SequentialLR(o, [], []),
    "plateau factor": lambda s, o: s.ReduceLROnPlateau(o, factor=1.0),
    "plateau mode": lambda s, o: s.ReduceLROnPlateau(o, mode="mean"),
    "plateau threshold": lambda s, o: s.ReduceLROnPlateau(o, threshold_mode="mean"),
    "before the optimizer": lambda s, o: s.StepLR(o, 1).step(),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_schedules(name):
    def call(e):
        optimizer = MADE_WITH["SGD"](e, [e.ones(1, requires_grad=True), e.ones(1, requires_grad=True)])
        WRONG[name](e.optim.lr_scheduler, optimizer)

    check_outcome(name, call)


# ---------------------------------------------------------------------------------------------- averages of weights

AVERAGES = {
    "mean": lambda u: {},
    "mean of buffers too": lambda u: {"use_buffers": True},
    "mean, by one": lambda u: {"avg_fn": u.get_swa_avg_fn()},
    "moving": lambda u: {"avg_fn": u.get_ema_avg_fn(0.9), "use_buffers": True},
    "mean, by lists": lambda u: {"multi_avg_fn": u.get_swa_multi_avg_fn()},
    "moving, by lists": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9), "use_buffers": True},
    "own": lambda u: {"avg_fn": lambda average, weight, n: average * 0.5 + weight * n},
}


@pytest.mark.parametrize("name", AVERAGES)
def test_averaged_model(name):
    """The average, its buffers, and the statistics computed anew, after three trainings' steps."""
    results = []
    for e in (minigrad, torch):
        e.manual_seed(0)
        net = e.nn.Sequential(e.nn.Linear(3, 4), e.nn.BatchNorm1d(4)).double()
        average = e.optim.swa_utils.AveragedModel(net, **AVERAGES[name](e.optim.swa_utils))
        for step in range(4):
            net(e.ones(2, 3, dtype=e.float64) * e.tensor([[step], [1.0]])).sum().backward()
            with e.no_grad():
                for each in net.parameters():
                    each.add_(step + 0.3)
            average.update_parameters(net)
        states = [{key: each.clone() for key, each in average.state_dict().items()}]
        e.optim.swa_utils.update_bn([[e.randn(5, 3, dtype=e.float64)], e.rand(4, 3, dtype=e.float64)], average)
        results.append([*states, average.state_dict(), [average.training, average.module[1].momentum]])
    ours, theirs = results
    assert ours[2] == theirs[2]
    for first, second in zip(ours[:2], theirs[:2]):
        assert list(first) == list(second)
        for key, value in second.items():
            compare_values(f"{name}, {key}", first[key], value, "second order").check()


def test_averages_that_make_no_sense():
    for call in (
        lambda u, net: u.get_ema_avg_fn(2.0),
        lambda u, net: u.get_ema_multi_avg_fn(-1.0),
        lambda u, net: u.AveragedModel(net, None, max, max),
    ):
        check_outcome("averages", lambda e, call=call: call(e.optim.swa_utils, e.nn.Linear(1, 1)))


# ------------------------------------------------------------------------------------------------ finer points

SIMPLE = [name for name in SCHEDULES if "SequentialLR" not in name and "Chained" not in name]


def scheduled(e, name, optimizer="Adam", **options):
    made = MADE_WITH[optimizer](e, [e.ones(1, requires_grad=True), e.ones(1, requires_grad=True)])
    for group in made.param_groups:
        group.update({option: make(group) for option, make in options.items()})
    return made, SCHEDULES[name](e.optim.lr_scheduler, made)


def stepped(made, schedule, steps=8):
    found = []
    for _ in range(steps):
        made.step()
        schedule.step()
        found.append((schedule.get_last_lr(), [group["lr"] * 1 for group in made.param_groups]))
    return found


def state_of(e, name):
    made, schedule = scheduled(e, name)
    stepped(made, schedule)
    return {key: value for key, value in schedule.state_dict().items() if key != "_schedulers"}


def rates_as_tensors(e, name):
    made, schedule = scheduled(e, name, lr=lambda group: e.tensor(group["lr"], dtype=e.float64))
    tensors = [group["lr"] for group in made.param_groups]
    return stepped(made, schedule), [a is group["lr"] for a, group in zip(tensors, made.param_groups)]


def to_an_epoch(e, name):
    made, schedule = scheduled(e, name)
    made.step()
    found = []
    for epoch in (1, 3, 2, 7):
        schedule.step(epoch)
        found.append((schedule.get_last_lr(), schedule.last_epoch))
    return found


def a_group_was_added(e, make):
    made = MADE_WITH["SGD"](e, [e.ones(1, requires_grad=True), e.ones(1, requires_grad=True)])
    schedule = make(e.optim.lr_scheduler, made)
    made.add_param_group({"params": [e.ones(2, requires_grad=True)]})
    made.step()
    return [schedule.step(*[1.0] * isinstance(schedule, e.optim.lr_scheduler.ReduceLROnPlateau)) for _ in range(4)]


def stepped_before_the_second(e):
    made, _ = scheduled(e, "StepLR")
    made.step()
    e.optim.lr_scheduler.StepLR(made, 1).step()


def stepped_before_the_first(e):
    made = MADE_WITH["SGD"](e, [e.ones(1, requires_grad=True), e.ones(1, requires_grad=True)])
    made.step()
    e.optim.lr_scheduler.StepLR(made, 1).step()


def both_at_once(first, second):
    """Two schedules in turn, chained by hand."""

    def program(e):
        made, one = scheduled(e, first)
        two = SCHEDULES[second](e.optim.lr_scheduler, made)
        found = []
        for _ in range(8):
            made.step()
            one.step()
            two.step()
            found.append([group["lr"] for group in made.param_groups])
        return found

    return program


FINER = {
    "a group was added": lambda e: a_group_was_added(e, lambda s, o: s.StepLR(o, 1)),
    "a group was added, functions": lambda e: a_group_was_added(e, lambda s, o: s.LambdaLR(o, lambda epoch: 0.5)),
    "a group was added, plateau": lambda e: a_group_was_added(e, lambda s, o: s.ReduceLROnPlateau(o, patience=1)),
    "a group was added, floors": lambda e: a_group_was_added(
        e, lambda s, o: s.ReduceLROnPlateau(o, patience=1, min_lr=[0, 0])
    ),
    "plateau, state": lambda e: e.optim.lr_scheduler.ReduceLROnPlateau(scheduled(e, "StepLR")[0]).state_dict(),
    "plateau, epoch": lambda e: e.optim.lr_scheduler.ReduceLROnPlateau(scheduled(e, "StepLR")[0]).step(1.0, 5),
    "no function": lambda e: e.optim.lr_scheduler.MultiplicativeLR(scheduled(e, "StepLR")[0], 3),
    "no chain": lambda e: e.optim.lr_scheduler.ChainedScheduler([]),
    "a chain of two optimizers": lambda e: e.optim.lr_scheduler.ChainedScheduler(
        [scheduled(e, "StepLR")[1], scheduled(e, "StepLR")[1]]
    ),
    "stepped before the second": stepped_before_the_second,
    "stepped before the first": stepped_before_the_first,
    "no momentum": lambda e: e.optim.lr_scheduler.OneCycleLR(e.optim.Adagrad([e.ones(1, requires_grad=True)]), 0.1, 5),
}
for each in SIMPLE:
    FINER[f"{each}, state"] = lambda e, name=each: state_of(e, name)
    FINER[f"{each}, rates as tensors"] = lambda e, name=each: rates_as_tensors(e, name)
    FINER[f"{each}, to an epoch"] = lambda e, name=each: to_an_epoch(e, name)
    FINER[f"{each}, get_lr outside"] = lambda e, name=each: scheduled(e, name)[1].get_lr()
    FINER[f"{each} and ExponentialLR"] = both_at_once(each, "ExponentialLR")


@pytest.mark.parametrize("name", FINER)
def test_finer_points(name):
    check_program(name, FINER[name])
