"""Modules, containers, hooks and state against PyTorch: the same program on both engines gives the same answers."""

import copy
import pickle
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
import torch

import minigrad
from comparisons import compare_values
from comparisons.harness import dtype_name

ENGINES = {"minigrad": minigrad, "torch": torch}


def plain(value):
    """Tensors as lists, everything nested; what remains is compared with ==."""
    if isinstance(value, (minigrad.Tensor, torch.Tensor)):
        return value.detach().tolist()
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def network(e, seed=0):
    e.manual_seed(seed)
    nn = e.nn
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 2, bias=False), nn.Flatten()))


def tied(e):
    """A network that uses one layer at two places."""
    e.manual_seed(1)

    class Tied(e.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = e.nn.Linear(3, 3)
            self.second = self.first
            self.scale = e.nn.Parameter(e.ones(2))
            self.register_buffer("count", e.tensor([3]))
            self.register_buffer("scratch", e.zeros(1), persistent=False)
            self.register_parameter("absent", None)

        def forward(self, x):
            return self.second(self.first(x))

    return Tied()


def refused(call):
    """The kind of error that ``call`` raises."""
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "nothing"


# ---------------------------------------------------------------------------------------------------- the tree

TREE = {
    "names of modules": lambda e: [name for name, _ in network(e).named_modules()],
    "names of modules, prefix": lambda e: [name for name, _ in network(e).named_modules(prefix="net")],
    "names of tied modules": lambda e: [name for name, _ in tied(e).named_modules()],
    "names of tied modules, all": lambda e: [name for name, _ in tied(e).named_modules(remove_duplicate=False)],
    "number of modules": lambda e: len(list(network(e).modules())),
    "children": lambda e: [name for name, _ in tied(e).named_children()],
    "types of children": lambda e: [type(child).__name__ for child in network(e).children()],
    "parameters": lambda e: [(name, each) for name, each in network(e).named_parameters()],
    "parameters, not below": lambda e: [name for name, _ in tied(e).named_parameters(recurse=False)],
    "parameters, prefix": lambda e: [name for name, _ in tied(e).named_parameters(prefix="net")],
    "parameters, all": lambda e: [name for name, _ in tied(e).named_parameters(remove_duplicate=False)],
    "buffers": lambda e: [(name, each) for name, each in tied(e).named_buffers()],
    "buffer tensors": lambda e: list(tied(e).buffers()),
    "submodule": lambda e: type(network(e).get_submodule("2.0")).__name__,
    "submodule, itself": lambda e: type(network(e).get_submodule("")).__name__,
    "parameter by path": lambda e: network(e).get_parameter("2.0.weight"),
    "buffer by path": lambda e: tied(e).get_buffer("count"),
    "repr": lambda e: repr(network(e)),
    "repr of tied": lambda e: repr(tied(e)),
    "repr of a layer": lambda e: (
        repr(e.nn.Linear(3, 4, bias=False)) + repr(e.nn.ReLU(inplace=True)) + repr(e.nn.Flatten(0, 1))
    ),
    "state": lambda e: network(e).state_dict(),
    "state of tied": lambda e: tied(e).state_dict(),
    "state with prefix": lambda e: list(tied(e).state_dict(prefix="net.")),
    "state into a dictionary": lambda e: list(network(e).state_dict(destination=OrderedDict(a=1))),
    "state without history": lambda e: [each.requires_grad for each in network(e).state_dict().values()],
    "state with history": lambda e: [each.requires_grad for each in network(e).state_dict(keep_vars=True).values()],
    "training": lambda e: [each.training for each in network(e).eval().modules()],
    "training again": lambda e: [each.training for each in network(e).eval().train().modules()],
    "frozen": lambda e: [each.requires_grad for each in network(e).requires_grad_(False).parameters()],
    "applied": lambda e: order_of_apply(e),
    "types": lambda e: [dtype_name(each) for each in network(e).double().parameters()],
    "half and back": lambda e: [dtype_name(each) for each in tied(e).half().float().state_dict().values()],
    "to a type": lambda e: [dtype_name(each) for each in tied(e).to(e.float64).state_dict().values()],
    "to a device": lambda e: len(list(network(e).to("cpu").cpu().parameters())),
    "to a device and type": lambda e: str(network(e).to("cpu", e.float64)[0].weight.dtype)[-7:],
    "type of all": lambda e: [dtype_name(each) for each in tied(e).type(e.float64).state_dict().values()],
    "names offered": lambda e: {"first", "scale", "count", "forward"} <= set(dir(tied(e))),
}


def order_of_apply(e):
    order = []
    network(e).apply(lambda module: order.append(type(module).__name__))
    return order


@pytest.mark.parametrize("name", TREE)
def test_tree(name):
    ours, theirs = TREE[name](minigrad), TREE[name](torch)
    assert plain(ours) == plain(theirs)


def test_outputs_and_gradients():
    results = []
    for e in ENGINES.values():
        model = network(e).double()
        x = e.tensor([[1.0, -2.0, 0.5], [0.25, 1.5, -0.75]], dtype=e.float64, requires_grad=True)
        (model(x) ** 2).sum().backward()
        results.append([model(x), x.grad, *[each.grad for each in model.parameters()]])
        model.zero_grad(set_to_none=False)
        assert all(each.grad.abs().sum() == 0 for each in model.parameters())
        model.zero_grad()
        assert all(each.grad is None for each in model.parameters())
    for ours, theirs in zip(*results):
        compare_values("module", ours, theirs, "float64").check()


# ---------------------------------------------------------------------------------------------------- attributes


def reassigned(e):
    model = tied(e)
    model.scale = e.nn.Parameter(e.zeros(3))
    model.count = e.tensor([5])
    model.second = e.nn.ReLU()
    model.extra = e.ones(1)
    model.first = None
    return list(model.state_dict()), repr(model), model.count, [name for name, _ in model.named_buffers()]


def deleted(e):
    model = tied(e)
    del model.second, model.count, model.scale, model.scratch
    model.note = "kept"
    del model.note
    return list(model.state_dict()), hasattr(model, "note")


def placed(e):
    model = network(e)
    model.set_submodule("2.0", e.nn.Identity())
    model.register_module("late", e.nn.ReLU())
    model.add_module("later", None)
    return repr(model)


ATTRIBUTES = {"reassigned": reassigned, "deleted": deleted, "placed": placed}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes(name):
    assert plain(ATTRIBUTES[name](minigrad)) == plain(ATTRIBUTES[name](torch))


def before_init(e, part):
    class Early(e.nn.Module):
        def __init__(self):
            self.part = part(e)

    Early()


class NotCallable:
    pass


WRONG = {
    "parameter before init": lambda e: before_init(e, lambda e: e.nn.Parameter(e.ones(1))),
    "module before init": lambda e: before_init(e, lambda e: e.nn.ReLU()),
    "no forward": lambda e: e.nn.Module()(1),
    "no such attribute": lambda e: network(e).missing,
    "tensor for a parameter": lambda e: setattr(tied(e), "scale", e.ones(2)),
    "module for a parameter": lambda e: setattr(tied(e), "scale", e.nn.ReLU()),
    "number for a module": lambda e: setattr(tied(e), "first", 3),
    "number for a buffer": lambda e: setattr(tied(e), "count", 3),
    "delete what is not there": lambda e: delattr(tied(e), "missing"),
    "parameter of another kind": lambda e: tied(e).register_parameter("new", e.ones(1)),
    "parameter with a dot": lambda e: tied(e).register_parameter("a.b", None),
    "parameter without a name": lambda e: tied(e).register_parameter("", None),
    "parameter named by a number": lambda e: tied(e).register_parameter(3, None),
    "parameter named as an attribute": lambda e: tied(e).register_parameter("forward", None),
    "parameter that is no leaf": lambda e: tied(e).register_parameter("new", e.nn.Parameter(e.ones(1)) * 2),
    "buffer of another kind": lambda e: tied(e).register_buffer("new", 3.0),
    "buffer named as an attribute": lambda e: tied(e).register_buffer("scale", e.ones(1)),
    "module of another kind": lambda e: tied(e).add_module("new", NotCallable()),
    "module named as an attribute": lambda e: tied(e).add_module("forward", e.nn.ReLU()),
    "module with a dot": lambda e: tied(e).add_module("a.b", e.nn.ReLU()),
    "train with a number": lambda e: network(e).train(1),
    "to integers": lambda e: network(e).to(e.int64),
    "no such submodule": lambda e: network(e).get_submodule("5.1"),
    "submodule that is none": lambda e: network(e).get_submodule("0.weight"),
    "no such parameter": lambda e: network(e).get_parameter("0.missing"),
    "parameter that is none": lambda e: network(e).get_parameter("0.training"),
    "buffer that is none": lambda e: tied(e).get_buffer("scale"),
    "set nowhere": lambda e: network(e).set_submodule("", e.nn.ReLU()),
    "set what is no module": lambda e: network(e).set_submodule("0", 3),
    "wrong input": lambda e: network(e)(e.ones(2, 7)),
    "wrong type": lambda e: network(e)(e.ones(2, 3, dtype=e.float64)),
    "state that is none": lambda e: network(e).load_state_dict([1, 2]),
    "extra state": lambda e: network(e).get_extra_state(),
    "extra state set": lambda e: network(e).set_extra_state(1),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use(name):
    theirs = refused(lambda: WRONG[name](torch))
    assert theirs != "nothing"
    assert refused(lambda: WRONG[name](minigrad)) == theirs


# ---------------------------------------------------------------------------------------------------- loading


def changed_state(e, change):
    state = network(e, seed=3).state_dict()
    change(e, state)
    return state


def two_problems(e, state):
    del state["0.bias"]
    state["new"] = e.ones(1)
    state["2.0.weight"] = e.ones(5)


CHANGES = {
    "nothing": lambda e, state: None,
    "missing": lambda e, state: state.pop("0.weight"),
    "unexpected": lambda e, state: state.update(new=e.ones(1)),
    "another shape": lambda e, state: state.update({"0.bias": e.ones(7)}),
    "several": two_problems,
    "another type": lambda e, state: state.update({"0.bias": e.ones(4, dtype=e.float64) * 3}),
}


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("name", CHANGES)
def test_loading(name, strict):
    outcomes = []
    for e in ENGINES.values():
        model = network(e)
        before = plain(model.state_dict())
        try:
            keys = model.load_state_dict(changed_state(e, CHANGES[name]), strict=strict)
            outcomes.append((str(keys), keys.missing_keys, keys.unexpected_keys, plain(model.state_dict())))
        except RuntimeError as error:
            outcomes.append(str(error).replace("minigrad.Size", "torch.Size"))
            assert e is torch or plain(model.state_dict()) == before  # minigrad checks all before it changes any
    assert outcomes[0] == outcomes[1]


def test_loading_across_engines():
    ours, theirs = network(minigrad, seed=1), network(torch, seed=2)
    theirs.load_state_dict({name: torch.tensor(np.asarray(each)) for name, each in ours.state_dict().items()})
    ours.load_state_dict(theirs.state_dict())
    assert plain(ours.state_dict()) == plain(theirs.state_dict()) == plain(network(minigrad, seed=1).state_dict())


@pytest.mark.parametrize("name", ENGINES)
def test_state_shares_memory_and_assign_replaces(name):
    e = ENGINES[name]
    model = network(e)
    model.state_dict()["0.bias"].fill_(7)
    assert model[0].bias.tolist() == [7.0] * 4
    model.load_state_dict({key: each.double() for key, each in network(e, 5).state_dict().items()}, assign=True)
    assert model[0].weight.dtype is e.float64 and model[0].weight.requires_grad


def state_hooks_and_extra(e):
    log = []

    class Counting(e.nn.Linear):
        def get_extra_state(self):
            return {"steps": 3}

        def set_extra_state(self, state):
            log.append(state)

    model = e.nn.Sequential(Counting(1, 1))
    model.register_state_dict_post_hook(lambda module, state, prefix, metadata: state.update(note=prefix))
    model.register_load_state_dict_post_hook(lambda module, keys: keys.unexpected_keys.clear())
    state = model.state_dict()
    model.load_state_dict(state)
    return list(state), log


def extra_state_that_is_a_module(e):
    class Holding(e.nn.Module):
        def __init__(self, held):
            super().__init__()
            self.held = held

        def get_extra_state(self):
            return self.held

        def set_extra_state(self, state):
            self.held = state

    found = []
    for state in ("a word", 5, Holding(3)):
        model = Holding("another")
        model.load_state_dict(Holding(state).state_dict())
        found.append((model.held == state, list(model.state_dict())))
    return found


def base_that_is_initialised_too(e):
    class Mixin:
        def __init__(self, *args, **kwargs):
            self.given = args, kwargs

    class Both(e.nn.Module, Mixin):
        call_super_init = True

    return vars(Both(1, two=2))["given"], hasattr(type("Plain", (e.nn.Module, Mixin), {})(), "given")


def buffer_that_acts_as_a_tensor(e):
    model, like = e.nn.Module(), type("Like", (), {"__torch_function__": None})()
    model.register_buffer("like", like)
    return model.like is like


@pytest.mark.parametrize(
    "program",
    [state_hooks_and_extra, extra_state_that_is_a_module, base_that_is_initialised_too, buffer_that_acts_as_a_tensor],
)
def test_state_and_initialisation(program):
    assert program(minigrad) == program(torch)


# ---------------------------------------------------------------------------------------------------- copies


@pytest.mark.parametrize("name", ENGINES)
def test_copies_are_apart(name):
    e = ENGINES[name]
    model = tied(e)
    copied = copy.deepcopy(model)
    assert copied.first is copied.second and copied.first is not model.first
    assert plain(copied.state_dict()) == plain(model.state_dict())
    copied.scale.detach().fill_(9)
    assert model.scale.tolist() == [1.0, 1.0]
    parameter = e.nn.Parameter(e.ones(2), requires_grad=False)
    again = pickle.loads(pickle.dumps(parameter))
    assert type(again) is e.nn.Parameter and not again.requires_grad and again.tolist() == [1.0, 1.0]
    assert repr(e.nn.Parameter(e.ones(2))) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    assert e.nn.Parameter().tolist() == []
    with pytest.raises(RuntimeError):
        e.nn.Parameter(e.tensor([1]))


# ---------------------------------------------------------------------------------------------------- hooks


def forward_hooks(e):
    log = []
    layer = e.nn.Flatten(0)
    layer.register_forward_pre_hook(lambda module, args: log.append(("before", args[0].tolist())))
    layer.register_forward_pre_hook(lambda module, args: args[0] * 2)
    layer.register_forward_pre_hook(lambda module, args, kwargs: log.append(sorted(kwargs)), with_kwargs=True)
    layer.register_forward_pre_hook(lambda module, args: log.append("first"), prepend=True)
    layer.register_forward_hook(lambda module, args, output: log.append(("after", output.tolist())))
    handle = layer.register_forward_hook(lambda module, args, output: output + 1)
    layer.register_forward_hook(lambda module, args, kwargs, output: log.append(output.tolist()), with_kwargs=True)
    result = [layer(e.ones(2, 1)).tolist()]
    handle.remove()
    result.append(layer(e.ones(2, 1)).tolist())
    return log, result


def replaced_arguments(e):
    layer = e.nn.Identity()
    layer.register_forward_pre_hook(lambda module, args, kwargs: ((args[0] + 1,), {}), with_kwargs=True)
    layer.register_forward_pre_hook(lambda module, args: (args[0] * 10,))
    return layer(e.ones(2))


def always_called(e):
    log = []

    class Failing(e.nn.Module):
        def forward(self, x):
            raise ValueError("on purpose")

    layer = Failing()
    layer.register_forward_hook(lambda module, args, output: log.append(output), always_call=True)
    layer.register_forward_hook(lambda module, args, output: log.append("not called"))
    return refused(lambda: layer(e.ones(1))), log


def backward_hooks(e):
    log = []
    e.manual_seed(0)
    layer = e.nn.Linear(2, 3).double()

    def after(module, grad_input, grad_output):
        log.append((len(grad_input), np.round(grad_input[0].tolist(), 12).tolist(), grad_output[0].tolist()))

    layer.register_full_backward_hook(after)
    layer.register_full_backward_pre_hook(lambda module, grad_output: (grad_output[0] * 2,))
    layer.register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 10,))
    x = e.ones(1, 2, dtype=e.float64, requires_grad=True)
    layer(x).sum().backward()
    names = layer(x).grad_fn.name()
    return log, np.round(x.grad.tolist(), 12).tolist(), layer.bias.grad.tolist(), names


def backward_hooks_of_a_named_tuple(e):
    pair = namedtuple("pair", "first second")
    model = type("Model", (e.nn.Module,), {"forward": lambda self, x: pair(x * 2, x * 3)})()
    model.register_full_backward_hook(lambda module, grad_input, grad_output: None)
    return [type(model(e.ones(2, requires_grad=True))).__name__]


def backward_hooks_without_input_gradients(e):
    log = []
    layer = e.nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda module, received, sent: log.append((received, len(sent))))
    with pytest.warns(UserWarning, match="no inputs require gradients"):
        layer(e.ones(1, 2)).sum().backward()
    return log


def backward_hooks_of_two_inputs(e):
    log = []

    class Two(e.nn.Module):
        def forward(self, x, number, y):
            return x * y, x + number

    layer = Two()
    layer.register_full_backward_hook(
        lambda module, grad_input, grad_output: log.append(
            ([each if each is None else each.tolist() for each in grad_input], len(grad_output))
        )
    )
    x, y = e.tensor([2.0], requires_grad=True), e.tensor([3.0], requires_grad=True)
    first, second = layer(x, 5, y)
    (first + second).sum().backward()
    return log, x.grad.tolist(), y.grad.tolist()


HOOKS = [
    backward_hooks_of_a_named_tuple,
    forward_hooks,
    replaced_arguments,
    always_called,
    backward_hooks,
    backward_hooks_without_input_gradients,
    backward_hooks_of_two_inputs,
]


@pytest.mark.parametrize("program", HOOKS, ids=lambda program: program.__name__)
def test_hooks(program):
    assert plain(program(minigrad)) == plain(program(torch))


@pytest.mark.parametrize("name", ENGINES)
def test_hooks_that_return_nonsense(name):
    e = ENGINES[name]
    layer = e.nn.Identity()
    layer.register_forward_pre_hook(lambda module, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        layer(e.ones(1))
    layer = e.nn.Identity()
    layer.register_full_backward_hook(lambda module, grad_input, grad_output: (None, None))
    with pytest.raises(RuntimeError, match="invalid number of grad_input"):
        layer(e.ones(1, requires_grad=True)).sum().backward()


# ---------------------------------------------------------------------------------------------------- containers


def sequential_as_a_list(e):
    nn = e.nn
    model = nn.Sequential(OrderedDict(first=nn.Linear(2, 3), second=nn.ReLU()))
    model.append(nn.Flatten())
    several = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4), nn.Flatten())
    del several[1]
    several.insert(1, nn.ReLU())
    several[0] = nn.Identity()
    popped = several.pop(-1)
    several.extend([nn.ReLU(), nn.Identity()])
    added = several + nn.Sequential(nn.Flatten())
    return [repr(each) for each in (model, model[:2], model[-1], several, popped, added, several[1:])], len(added)


def module_list(e):
    nn = e.nn
    layers = nn.ModuleList([nn.Linear(1, 2), nn.Linear(1, 2), nn.ReLU()])
    layers.append(nn.ReLU())
    layers += [nn.Flatten()]
    layers.insert(0, nn.Identity())
    del layers[1]
    total = layers + nn.ModuleList([nn.ReLU()])
    names = [name for name, _ in layers.named_parameters()]
    return [
        repr(layers),
        repr(total),
        repr(layers[1:3]),
        repr(layers.pop(0)),
        len(layers),
        names,
        repr(nn.ModuleList()),
    ]


def module_dict(e):
    nn = e.nn
    layers = nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.ReLU()})
    layers["c"] = nn.Flatten()
    layers.update([("d", nn.Identity())])
    layers.update(nn.ModuleDict({"a": nn.ReLU()}))
    popped = layers.pop("b")
    del layers["c"]
    text = repr(layers), list(layers), "a" in layers, len(layers), list(layers.keys()), repr(popped)
    values = [type(each).__name__ for each in layers.values()], [name for name, _ in layers.items()]
    layers.clear()
    return text, values, repr(layers)


def parameter_list(e):
    nn = e.nn
    values = nn.ParameterList([nn.Parameter(e.ones(2)), e.zeros(1, 3)])
    values.append(e.ones(1))
    values.extend([nn.Parameter(e.ones(4))])
    values += [e.ones(2)]
    values[0] = e.zeros(5)
    return (
        repr(values),
        len(values),
        list(values.state_dict()),
        [each.requires_grad for each in values],
        len(values[1:3]),
    )


def parameter_dict(e):
    nn = e.nn
    values = nn.ParameterDict({"a": nn.Parameter(e.ones(2)), "b": e.zeros(1)})
    values["c"] = e.ones(3)
    values.update({"d": e.ones(1)})
    del values["b"]
    popped = values.pop("d")
    listed = list(values.keys()), len(list(values.items())), len(list(values.values())), "a" in values, len(values)
    return repr(values), listed, popped, list(values.state_dict()), list(values)


CONTAINERS = [sequential_as_a_list, module_list, module_dict, parameter_list, parameter_dict]


@pytest.mark.parametrize("program", CONTAINERS, ids=lambda program: program.__name__)
def test_containers(program):
    assert plain(program(minigrad)) == plain(program(torch))


WRONG_CONTAINERS = {
    "sequential of functions": lambda e: e.nn.Sequential(abs),
    "index too large": lambda e: network(e)[7],
    "index that is none": lambda e: network(e)["0"],
    "set too far": lambda e: network(e).__setitem__(9, e.nn.ReLU()),
    "sequential plus a list": lambda e: network(e) + [e.nn.ReLU()],
    "list of numbers": lambda e: e.nn.ModuleList([1]),
    "list extended by a number": lambda e: e.nn.ModuleList().extend(3),
    "dict of a number": lambda e: e.nn.ModuleDict(3),
    "dict without the key": lambda e: e.nn.ModuleDict()["a"],
    "parameter list of a number": lambda e: e.nn.ParameterList(3),
    "parameter list too far": lambda e: e.nn.ParameterList([e.ones(1)])[1],
    "parameter dict without the key": lambda e: e.nn.ParameterDict()["a"],
}


@pytest.mark.parametrize("name", WRONG_CONTAINERS)
def test_wrong_use_of_containers(name):
    theirs = refused(lambda: WRONG_CONTAINERS[name](torch))
    assert theirs != "nothing"
    assert refused(lambda: WRONG_CONTAINERS[name](minigrad)) == theirs
