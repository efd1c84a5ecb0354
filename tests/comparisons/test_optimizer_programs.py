"""What users do with optimizers, schedules and data, on both engines: whole training programs, and the finer points."""

import copy
import io
import pickle

import pytest

from comparisons.outcomes import check_program


def parameters(e):
    return [e.nn.Parameter(e.ones(2, dtype=e.float64)), e.nn.Parameter(e.ones(3, dtype=e.float64))]


def train(optimizer, params, steps=2):
    for _ in range(steps):
        optimizer.zero_grad()
        sum((each**2).sum() for each in params).backward()
        optimizer.step()


def trained(e, kind="Adam", steps=2, **options):
    params = parameters(e)
    optimizer = getattr(e.optim, kind)(params, **options)
    train(optimizer, params, steps)
    return params, optimizer


# --------------------------------------------------------------------------------------------------- optimizers


def step_hooks(e):
    params, seen = parameters(e), []
    optimizer = e.optim.SGD(params, lr=0.1)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", len(args), list(kwargs))))
    handle = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", len(args), list(kwargs))))
    train(optimizer, params, 1)
    optimizer.step(closure=lambda: 1)
    handle.remove()
    optimizer.step(lambda: 2)
    return seen


def replaced_arguments(e):
    optimizer = e.optim.SGD(parameters(e), lr=0.1)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 7), kwargs))
    return optimizer.step()


def a_hook_that_returns_a_number(e):
    optimizer = e.optim.SGD(parameters(e), lr=0.1)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 5)
    optimizer.step()


def state_hooks(e):
    optimizer, seen = e.optim.Adam(parameters(e)), []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("second"))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "note": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, state: seen.append(sorted(state)))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    state = optimizer.state_dict()
    optimizer.load_state_dict(state)
    return seen, sorted(state)


def named(e):
    layer = e.nn.Linear(2, 2)
    optimizer = e.optim.Adam([{"params": layer.named_parameters(), "lr": 0.2}])
    unnamed = e.optim.Adam(layer.parameters())
    unnamed.load_state_dict(optimizer.state_dict())
    optimizer.load_state_dict(e.optim.Adam(layer.parameters()).state_dict())
    return repr(optimizer), list(unnamed.param_groups[0]), optimizer.param_groups[0]["param_names"]


def own_optimizer(e):
    class Own(e.optim.Optimizer):
        def __init__(self, params, lr=1e-2):
            super().__init__(params, {"lr": lr})

        @e.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for each in group["params"]:
                    self.state[each]["count"] = self.state[each].get("count", 0) + 1
                    each.add_(each.grad, alpha=-group["lr"])

    params, seen = parameters(e), []
    optimizer = Own(params)
    schedule = e.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(o.param_groups[0]["lr"]))
    train(optimizer, params)
    schedule.step()
    train(optimizer, params)
    return params, optimizer.state_dict(), seen


def group_is_kept(e):
    group = {"params": parameters(e)[:1], "lr": 0.5}
    optimizer = e.optim.SGD([group], lr=0.1)
    group["lr"] = 0.9
    return optimizer.param_groups[0]["lr"], sorted(group)


def state_is_shared(e):
    params, optimizer = trained(e)
    other = e.optim.Adam(parameters(e))
    other.load_state_dict(optimizer.state_dict())
    optimizer.state_dict()["state"][0]["exp_avg"].zero_()
    return optimizer.state[params[0]]["exp_avg"], other.state_dict()["state"][0]["exp_avg"]


def state_of_old(e):
    _, optimizer = trained(e, maximize=True)
    state = copy.deepcopy(optimizer.state_dict())
    for option in ("maximize", "foreach", "amsgrad", "fused"):
        del state["param_groups"][0][option]
    for of_one in state["state"].values():
        of_one["step"] = 3
    optimizer.load_state_dict(state)
    return optimizer.state_dict()["state"], {**optimizer.param_groups[0], "params": None}


def copied(e, copy_of):
    _, optimizer = trained(e)
    other = copy_of(optimizer)
    train(other, other.param_groups[0]["params"])
    return optimizer.state_dict(), other.state_dict(), other.param_groups[0]["params"]


def default_type(e):
    e.set_default_dtype(e.float64)
    try:
        return trained(e)[1].state_dict()
    finally:
        e.set_default_dtype(e.float32)


def options_of_groups(e):
    params = parameters(e)
    optimizer = e.optim.Adagrad([{"params": params[:1], "initial_accumulator_value": 3.0}], 0.1)
    optimizer.add_param_group({"params": params[1:]})
    begun = len(optimizer.state)
    train(optimizer, params)
    return begun, optimizer.state_dict()


OPTIMIZERS = {
    "step hooks": step_hooks,
    "replaced arguments": replaced_arguments,
    "a hook that returns a number": a_hook_that_returns_a_number,
    "state hooks": state_hooks,
    "named": named,
    "own optimizer": own_optimizer,
    "a group is kept": group_is_kept,
    "state is shared": state_is_shared,
    "state of old": state_of_old,
    "deep copy": lambda e: copied(e, copy.deepcopy),
    "pickled": lambda e: copied(e, lambda optimizer: pickle.loads(pickle.dumps(optimizer))),
    "default type": default_type,
    "options of groups": options_of_groups,
    "no state without momentum": lambda e: trained(e, "SGD", lr=0.1)[1].state_dict(),
    "rate as tensor": lambda e: trained(e, "SGD", lr=e.tensor(0.1, dtype=e.float64))[0],
    "rate as vector": lambda e: trained(e, "Adam", lr=e.tensor([0.1], dtype=e.float64))[0],
    "rate below zero": lambda e: trained(e, "SGD", lr=e.tensor(-0.1)),
    "parameters in a set": lambda e: e.optim.SGD([{"params": set(parameters(e))}], lr=0.1),
    "betas of two kinds": lambda e: e.optim.Adam(parameters(e), betas=(0, 0.9)),
    "two kernels": lambda e: e.optim.SGD(parameters(e), fused=True, foreach=True),
    "an unknown group": lambda e: trained(e)[1].load_state_dict(
        e.optim.Adam([{"params": each} for each in parameters(e)]).state_dict()
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    check_program(name, OPTIMIZERS[name])


# --------------------------------------------------------------------------------------------- whole programs


def accumulation_and_clipping(e):
    e.manual_seed(0)
    model = e.nn.Sequential(e.nn.Linear(4, 8), e.nn.Tanh(), e.nn.Linear(8, 3)).double()
    optimizer = e.optim.AdamW(model.parameters(), lr=0.01)
    schedule = e.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=6)
    data = e.utils.data.TensorDataset(e.rand(12, 4, dtype=e.float64), e.randint(0, 3, (12,)))
    losses = []
    for _ in range(3):
        for number, (x, y) in enumerate(e.utils.data.DataLoader(data, batch_size=3, shuffle=True)):
            loss = e.nn.functional.cross_entropy(model(x), y, label_smoothing=0.1) / 2
            loss.backward()
            if number % 2:
                norm = e.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                losses += [loss, norm]
    return losses, schedule.get_last_lr()


def transfer(e):
    e.manual_seed(0)
    trunk = e.nn.Sequential(e.nn.Linear(4, 8), e.nn.ReLU())
    model = e.nn.Sequential(e.nn.Linear(4, 8), e.nn.ReLU())
    model.add_module("head", e.nn.Linear(8, 2))
    keys = model.load_state_dict(trunk.state_dict(), strict=False)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = "head" in name
    optimizer = e.optim.SGD(filter(lambda each: each.requires_grad, model.parameters()), lr=0.1)
    model(e.ones(2, 4)).sum().backward()
    optimizer.step()
    return keys, [each.grad is None for each in model.parameters()], list(model.parameters())


def activations(e):
    e.manual_seed(0)
    model, seen = e.nn.Sequential(e.nn.Linear(4, 8), e.nn.ReLU(), e.nn.Linear(8, 3)), {}
    handles = []
    for name, layer in model.named_modules():
        handles.append(layer.register_forward_hook(lambda *hooked, name=name: seen.update({name: hooked[2].detach()})))
    model(e.ones(2, 4))
    for handle in handles:
        handle.remove()
    return seen


def tied_weights(e):
    class Model(e.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = e.nn.Embedding(5, 3)
            self.output = e.nn.Linear(3, 5, bias=False)
            self.output.weight = self.embedding.weight

        def forward(self, x):
            return self.output(self.embedding(x))

    e.manual_seed(0)
    model = Model().double()
    model(e.tensor([1, 2])).sum().backward()
    return len(list(model.parameters())), list(model.state_dict()), model.embedding.weight.grad.shape


def resumed(e):
    def made():
        e.manual_seed(0)
        model = e.nn.Linear(3, 1).double()
        optimizer = e.optim.Adam(model.parameters(), lr=0.1)
        return model, optimizer, e.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)

    def go_on(model, optimizer, schedule):
        for _ in range(3):
            optimizer.zero_grad()
            (model(e.ones(2, 3, dtype=e.float64)) ** 2).mean().backward()
            optimizer.step()
            schedule.step()

    first = made()
    go_on(*first)
    file = io.BytesIO()
    e.save([each.state_dict() for each in first], file)
    file.seek(0)
    second = made()
    for each, state in zip(second, e.load(file)):
        each.load_state_dict(state)
    go_on(*first)
    go_on(*second)
    return bool((first[0].weight == second[0].weight).all()), second[0].weight, second[2].get_last_lr()


def rate_finder(e):
    e.manual_seed(0)
    model = e.nn.Linear(3, 1).double()
    optimizer = e.optim.SGD(model.parameters(), lr=1e-4)
    schedule = e.optim.lr_scheduler.ExponentialLR(optimizer, 2.0)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        loss = (model(e.ones(2, 3, dtype=e.float64)) ** 2).mean()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append((loss, optimizer.param_groups[0]["lr"]))
    return losses


def averaged_weights(e):
    e.manual_seed(0)
    model = e.nn.Linear(3, 1)
    average = copy.deepcopy(model).requires_grad_(False)
    with e.no_grad():
        for mine, yours in zip(average.parameters(), model.parameters()):
            mine.mul_(0.9).add_(yours + 1, alpha=0.1)
    return list(average.parameters())


def groups_by_decay(e):
    model = e.nn.Sequential(e.nn.Linear(3, 4), e.nn.LayerNorm(4))
    decayed = [each for each in model.parameters() if each.ndim > 1]
    others = [each for each in model.parameters() if each.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return repr(e.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.95)))


def own_data(e):
    class Squares(e.utils.data.Dataset[int]):
        def __init__(self, transform):
            self.transform = transform

        def __len__(self):
            return 5

        def __getitem__(self, index):
            return {"x": self.transform(e.tensor([index, index + 1.0])), "y": index, "name": f"sample {index}"}

    def collate(batch):
        return e.stack([each["x"] for each in batch]), [each["name"] for each in batch]

    e.manual_seed(0)
    data = Squares(lambda x: x**2)
    loader = e.utils.data.DataLoader(data, batch_size=2, shuffle=True)
    return list(loader), list(e.utils.data.DataLoader(data, batch_size=3, collate_fn=collate))


PROGRAMS = [
    *(accumulation_and_clipping, transfer, activations, tied_weights, resumed, rate_finder, averaged_weights),
    *(groups_by_decay, own_data),
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda each: each.__name__)
def test_programs(program):
    check_program(program.__name__, program)
