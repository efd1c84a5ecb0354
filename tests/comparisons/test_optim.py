"""The optimizers against PyTorch: every option over twenty steps, groups, closures, state, and wrong use."""

import copy

import numpy as np
import pytest
import torch

import minigrad
from comparisons import compare_values

ENGINES = {"minigrad": minigrad, "torch": torch}
rng = np.random.default_rng(3)
STARTS = [rng.normal(size=(4, 3)), rng.normal(size=(5,)), np.array(0.7), np.zeros((0, 2))]

OPTIMIZERS = {
    "SGD": ("SGD", {"lr": 0.1}),
    "SGD default": ("SGD", {}),
    "SGD momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}),
    "SGD dampening": ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    "SGD nesterov": ("SGD", {"lr": 0.05, "momentum": 0.8, "nesterov": True}),
    "SGD decay": ("SGD", {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.1}),
    "SGD maximize": ("SGD", {"lr": 0.01, "maximize": True, "weight_decay": 0.1}),
    "Adam": ("Adam", {}),
    "Adam betas": ("Adam", {"lr": 0.02, "betas": (0.5, 0.9), "eps": 1e-3}),
    "Adam decay": ("Adam", {"lr": 0.02, "weight_decay": 0.1}),
    "Adam amsgrad": ("Adam", {"lr": 0.1, "amsgrad": True}),
    "Adam maximize": ("Adam", {"lr": 0.02, "maximize": True, "weight_decay": 0.1}),
    "Adam all": ("Adam", {"lr": 0.05, "amsgrad": True, "weight_decay": 0.2, "betas": (0.7, 0.99)}),
    "Adadelta": ("Adadelta", {"weight_decay": 0.1}),
    "Adamax": ("Adamax", {"lr": 0.05, "maximize": True}),
    "RAdam": ("RAdam", {"lr": 0.05, "betas": (0.8, 0.99), "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "ASGD averaging": ("ASGD", {"lr": 0.05, "t0": 5, "lambd": 0.1}),
    "Rprop": ("Rprop", {"step_sizes": (1e-3, 0.2)}),
}


def parameters(e, dtype="float64"):
    return [e.tensor(start, dtype=getattr(e, dtype), requires_grad=True) for start in STARTS]


def loss_of(e, params, step):
    """Different at every step, so that averages matter; uneven, so that an error of sign or order shows."""
    total = 0
    for number, each in enumerate(params):
        total = total + ((each - 0.1 * step) ** 2).sum() * (number + 1) / 4 + (each + step).sin().sum()
    return total


def train(e, optimizer, params, steps, first=0):
    for step in range(first, first + steps):
        optimizer.zero_grad()
        loss_of(e, params, step).backward()
        optimizer.step()


def check_parameters(subject, ours, theirs, tolerance):
    for number, (mine, yours) in enumerate(zip(ours, theirs)):
        compare_values(f"{subject}, parameter {number}", mine, yours, tolerance).check()


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", "second order"), ("float32", "training float32")])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_twenty_steps(name, dtype, tolerance):
    kind, options = OPTIMIZERS[name]
    results = []
    for e in ENGINES.values():
        params = parameters(e, dtype)
        train(e, getattr(e.optim, kind)(params, **options), params, 20)
        results.append(params)
    check_parameters(name, *results, tolerance)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parameters_that_are_not_contiguous(name):
    kind, options = OPTIMIZERS[name]
    results = []
    for e in ENGINES.values():
        whole = e.tensor(np.arange(12.0).reshape(3, 4))
        params = [whole.t().detach().requires_grad_(), e.ones(6, dtype=e.float64)[::2].detach().requires_grad_()]
        train(e, getattr(e.optim, kind)(params, **options), params, 3)
        results.append([*params, whole])
    check_parameters(name, *results, "second order")


@pytest.mark.parametrize("name", ["SGD momentum", "Adam amsgrad"])
def test_state_goes_over_to_the_other_engine(name):
    """Five steps on each engine, then five more on the other from what the first saved."""
    kind, options = OPTIMIZERS[name]
    saved = {}
    for label, e in ENGINES.items():
        params = parameters(e)
        optimizer = getattr(e.optim, kind)(params, **options)
        train(e, optimizer, params, 5)
        saved[label] = copy.deepcopy(optimizer.state_dict()), [each.detach().numpy().copy() for each in params]
    (ours, _), (theirs, _) = saved["minigrad"], saved["torch"]
    assert ours["state"].keys() == theirs["state"].keys()
    for number, state in ours["state"].items():
        assert state.keys() == theirs["state"][number].keys()
        for part, value in state.items():
            compare_values(f"{name}, {part} of {number}", value, theirs["state"][number][part], "second order").check()
    for mine, yours in zip(ours["param_groups"], theirs["param_groups"]):
        assert list(mine)[-1] == list(yours)[-1] == "params"
        assert all(yours[option] == value for option, value in mine.items())

    def state_for(e, source):
        state, values = saved[source]
        state = copy.deepcopy(state)
        for of_one in state["state"].values():
            for part, value in of_one.items():
                of_one[part] = e.tensor(np.asarray(value)) if value is not None else None
        return state, values

    results = []
    for label, e in ENGINES.items():
        state, values = state_for(e, "torch" if label == "minigrad" else "minigrad")
        params = [e.tensor(value, requires_grad=True) for value in values]
        optimizer = getattr(e.optim, kind)(params, lr=99.0)
        optimizer.load_state_dict(state)
        assert optimizer.param_groups[0]["lr"] == options["lr"]
        train(e, optimizer, params, 5, first=5)
        results.append(params)
    check_parameters(name, *results, "second order")


def groups_and_rates(e):
    params = parameters(e)
    groups = [{"params": params[0], "lr": 0.5}, {"params": iter(params[1:2]), "momentum": 0.9}]
    optimizer = e.optim.SGD(groups, lr=0.1)
    optimizer.add_param_group({"params": params[2:]})
    train(e, optimizer, params, 2)
    for group in optimizer.param_groups:
        group["lr"] *= 0.1
    train(e, optimizer, params, 2)
    rates = [(group["lr"], group["momentum"], len(group["params"])) for group in optimizer.param_groups]
    return params, rates


def frozen_and_unused(e):
    params = parameters(e)
    params[0].requires_grad_(False)
    optimizer = e.optim.Adam(params, lr=0.1)
    (params[1] * 3).sum().backward()
    optimizer.step()
    return params, [len(optimizer.state), sorted(optimizer.state_dict()["state"])]


def closures(e):
    params = parameters(e)
    optimizer = e.optim.Adam(params, lr=0.1)
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = loss_of(e, params, 1)
        loss.backward()
        return loss

    with e.no_grad():
        losses = [optimizer.step(closure).requires_grad for _ in range(3)]
    return params, losses


def zeroed(e):
    params = parameters(e)
    optimizer = e.optim.SGD(params, lr=0.1, momentum=0.9)
    loss_of(e, params, 1).backward()
    kept = params[0].grad
    optimizer.zero_grad(set_to_none=False)
    same = params[0].grad is kept, kept.abs().sum().item()
    optimizer.step()
    optimizer.zero_grad()
    return params, [*same, params[0].grad is None]


@pytest.mark.parametrize("program", [groups_and_rates, frozen_and_unused, closures, zeroed], ids=lambda p: p.__name__)
def test_use(program):
    (ours, notes), (theirs, their_notes) = program(minigrad), program(torch)
    assert notes == their_notes
    check_parameters(program.__name__, ours, theirs, "second order")


def load_groups_of_another_size(e):
    one, two = e.optim.SGD(parameters(e)[:1]), e.optim.SGD(parameters(e)[:2])
    one.load_state_dict(two.state_dict())


def twice_in_groups(e):
    params = parameters(e)
    e.optim.SGD([{"params": params}, {"params": params[:1]}])


WRONG = {
    "a tensor": lambda e: e.optim.SGD(e.ones(1, requires_grad=True)),
    "nothing": lambda e: e.optim.SGD([]),
    "numbers": lambda e: e.optim.SGD([1.0]),
    "no leaf": lambda e: e.optim.SGD([e.ones(1, requires_grad=True) * 2]),
    "one parameter in two groups": twice_in_groups,
    "negative rate": lambda e: e.optim.SGD(parameters(e), lr=-1.0),
    "negative momentum": lambda e: e.optim.SGD(parameters(e), momentum=-1.0),
    "negative decay": lambda e: e.optim.SGD(parameters(e), weight_decay=-1.0),
    "nesterov alone": lambda e: e.optim.SGD(parameters(e), nesterov=True),
    "nesterov and dampening": lambda e: e.optim.SGD(parameters(e), momentum=0.9, dampening=0.1, nesterov=True),
    "Adam, negative rate": lambda e: e.optim.Adam(parameters(e), lr=-1.0),
    "Adam, negative eps": lambda e: e.optim.Adam(parameters(e), eps=-1.0),
    "Adam, negative decay": lambda e: e.optim.Adam(parameters(e), weight_decay=-1.0),
    "Adam, beta of 1": lambda e: e.optim.Adam(parameters(e), betas=(0.9, 1.0)),
    "Adam, negative beta": lambda e: e.optim.Adam(parameters(e), betas=(-0.1, 0.9)),
    "state of another size": load_groups_of_another_size,
    "group that is no dictionary": lambda e: e.optim.SGD(parameters(e)).add_param_group(parameters(e)),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use(name):
    with pytest.raises(Exception) as theirs:
        WRONG[name](torch)
    with pytest.raises(theirs.type):
        WRONG[name](minigrad)


def test_a_parameter_twice_in_a_group_warns():
    for e in ENGINES.values():
        parameter = e.ones(1, requires_grad=True)
        with pytest.warns(UserWarning, match="duplicate parameters"):
            e.optim.SGD([parameter, parameter], lr=0.1)


def test_repr_names_the_options():
    optimizer = minigrad.optim.Adam(parameters(minigrad), lr=0.5)
    text = repr(optimizer)
    assert text.startswith("Adam (\nParameter Group 0\n    amsgrad: False\n") and "    lr: 0.5\n" in text
    theirs = repr(torch.optim.Adam(parameters(torch), lr=0.5)).splitlines()
    assert set(text.splitlines()) <= set(theirs)


def test_a_step_is_noticed_by_the_graph():
    """A weight changed between forward and backward is the saved value that PyTorch complains of too."""
    for e in ENGINES.values():
        w = e.ones(2, requires_grad=True)
        optimizer = e.optim.SGD([w], lr=0.1)
        loss = (w * w).sum()
        w.grad = e.ones(2)
        optimizer.step()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


STATES = {
    "another shape": lambda value: value.reshape(-1)[:1] if value.ndim else value.reshape(1, 1).expand(1, 2),
    "one dimension more": lambda value: value.expand(2, *value.shape),
    "no tensor": lambda value: "x",
    "none": lambda value: None,
}


def with_state(optimizer, name, value):
    """A loaded state with another value for ``name`` of the first parameter; without it where that is None."""
    state = copy.deepcopy(optimizer.state_dict())
    state["state"][0] = {each: held for each, held in state["state"][0].items() if each != name}
    if value is not None:
        state["state"][0][name] = value
    return state


@pytest.mark.parametrize("name", ["SGD momentum", "Adam amsgrad", "AdamW", "RMSprop", "Adagrad", "NAdam"])
def test_a_state_that_does_not_fit_is_refused_before_anything_changes(name):
    kind, options = OPTIMIZERS.get(name, (name, {}))
    parameter = minigrad.ones(4, 3, requires_grad=True)
    optimizer = getattr(minigrad.optim, kind)([parameter], **options)
    (parameter * 2).sum().backward()
    optimizer.step()
    before = copy.deepcopy(optimizer.state_dict())
    wrong = [
        with_state(optimizer, part, change(value))
        for part, value in before["state"][0].items()
        for change in STATES.values()
    ]
    wrong = [each for each in wrong if name != "SGD momentum" or each["state"][0]]  # nothing at all is a beginning
    wrong += [with_state(optimizer, "step", minigrad.tensor(number)) for number in (-1.0, np.nan, np.inf)][
        : 3 * ("step" in before["state"][0])
    ]
    wrong += [{**before, "state": {0: [1, 2]}}]
    for option, value in before["param_groups"][0].items():
        for other in {"x", None, np.nan, ()} - ({None} if value is None or isinstance(value, bool) else set()):
            changed = copy.deepcopy(before)
            changed["param_groups"][0][option] = other
            wrong += [changed] * (option != "params")
    wrong += [{**before, "param_groups": [{**before["param_groups"][0], "params": params}]} for params in ([], [0, 1])]
    for state in wrong:
        with pytest.raises(ValueError, match="loaded state dict"):
            optimizer.load_state_dict(state)
        assert repr(optimizer.state_dict()) == repr(before)
    optimizer.load_state_dict(before)


def test_a_parameter_that_was_not_stepped_has_no_state():
    """PyTorch's SGD without momentum keeps None."""
    for held in ({}, {"momentum_buffer": None}):
        optimizer = minigrad.optim.SGD([minigrad.ones(2, requires_grad=True)], lr=0.1, momentum=0.9)
        optimizer.load_state_dict({**optimizer.state_dict(), "state": {0: held}})


def test_an_optimizer_without_an_update():
    with pytest.raises(NotImplementedError):
        optimizer = minigrad.optim.Optimizer([minigrad.ones(1, requires_grad=True)], {})
        optimizer.param_groups[0]["params"][0].grad = minigrad.ones(1)
        optimizer.step()


@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.0, 3.0), (2.0, -3.0)])
@pytest.mark.parametrize("rate", [1.0, 30.0])
def test_line_search(start, rate):
    """Where the first guess is far off, the search goes back and forth between its ends: evaluations and moves."""
    results = []
    for e in ENGINES.values():
        x = e.tensor(start, dtype=e.float64, requires_grad=True)
        optimizer = e.optim.LBFGS([x], lr=rate, max_iter=6, max_eval=60, line_search_fn="strong_wolfe")
        tried = []

        def closure(e=e, x=x, optimizer=optimizer, tried=tried):
            optimizer.zero_grad()
            loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
            loss.backward()
            tried.append(x.detach().clone())
            return loss

        optimizer.step(closure)
        results.append(e.stack([*tried, x.detach()]))
    compare_values("points", *results, "training float64").check()
