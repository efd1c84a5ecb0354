"""What users do with modules, on both engines: hooks on forward, backward and state, loading, containers, wrong use."""

import contextlib
import copy
from collections import OrderedDict

import pytest
import torch

import minigrad
from comparisons import Mismatch
from comparisons.outcomes import check_program


def network(e):
    e.manual_seed(0)
    return e.nn.Sequential(e.nn.Linear(3, 4), e.nn.ReLU(), e.nn.Linear(4, 2))


def of_forward(e, forward, *parts):
    """A module that computes ``forward(x, ...)`` and holds ``parts``."""
    module = type("Own", (e.nn.Module,), {"forward": lambda self, *inputs: forward(*inputs)})()
    for number, part in enumerate(parts):
        setattr(module, f"part{number}", part)
    return module


def ones(e, *shape):
    return e.ones(*shape, requires_grad=True)


# ------------------------------------------------------------------------------------------------------- hooks


def backward_hook_of(forward):
    """What a full backward hook sees of a module with this forward."""

    def program(e):
        seen = []
        module = of_forward(e, forward)
        module.register_full_backward_hook(lambda module, inputs, outputs: seen.append((inputs, outputs)))
        result = module(ones(e, 2), e.ones(2), 5)
        first = next(iter(result.values())) if isinstance(result, dict) else result[0]
        first.sum().backward()
        return seen, type(result)

    return program


def watched_module(e, forward):
    """What a module with a full backward hook makes of an input with and one without a gradient."""
    module = of_forward(e, forward)
    module.register_full_backward_hook(lambda *anything: None)
    return module(ones(e, 2) * 1, e.ones(2))


def what_a_watched_forward_receives(e):
    seen = []

    def forward(x, y):
        seen.extend([x, y, y * 2])
        return x * y, y * 2

    seen.extend(watched_module(e, forward))
    return [(each.requires_grad, each.is_leaf) for each in seen]


def changed_in_a_watched_forward(e):
    try:
        watched_module(e, lambda x, y: x.mul_(2))
    except RuntimeError as error:
        return str(error)


def an_error_in_a_hook_after_an_error(e):
    def forward(x):
        raise ValueError("in forward")

    def hook(module, args, output):
        raise RuntimeError("in the hook")

    module = of_forward(e, forward)
    module.register_forward_hook(hook, always_call=True)
    module(1)


def wrong_number_of_output_gradients(e):
    module = network(e)
    module.register_full_backward_pre_hook(lambda module, outputs: (outputs[0], outputs[0]))
    module(ones(e, 1, 3)).sum().backward()


def an_input_gradient_where_there_is_none(e):
    module = network(e)
    module.register_full_backward_hook(lambda module, inputs, outputs: (outputs[0],))
    module(e.ones(1, 3)).sum().backward()


def hooks_on_state(e):
    module, seen = network(e), []
    module.register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append((prefix, keep_vars)))
    module[0].register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append((prefix, keep_vars)))
    module[0].register_state_dict_post_hook(lambda module, state, *rest: seen.append((sorted(state), *rest)))
    module.state_dict(prefix="net.")
    return seen


def a_post_hook_on_state_that_returns(e):
    module = network(e)
    module.register_state_dict_post_hook(lambda module, state, prefix, metadata: state)
    return module.state_dict()


def a_hook_after_loading(e):
    """It sees the loaded values."""
    module, seen = network(e), []
    module[0].register_load_state_dict_post_hook(lambda module, keys: seen.append((keys, module.weight.sum())))
    module.load_state_dict({name: value * 0 for name, value in module.state_dict().items()})
    return seen


def renaming_while_loading(e):
    module = network(e)

    def rename(module, state, prefix, *rest):
        state["2.bias"] = state.pop("2.old_bias")

    state = {name: value + 1 for name, value in module.state_dict().items()}
    state["2.old_bias"] = state.pop("2.bias")
    module.register_load_state_dict_pre_hook(rename)
    found = module.load_state_dict(state)
    return found, list(module.parameters())


def pardoned_by_a_hook(e):
    module = network(e)
    module.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    state = {name: value + 1 for name, value in module.state_dict().items() if name != "0.bias"}
    return module.load_state_dict(state), list(module.parameters())


def own_loading(e):
    class Scaled(e.nn.Linear):
        _version = 2

        def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
            if local_metadata.get("version", 1) < 2:
                state_dict[prefix + "weight"] = state_dict[prefix + "weight"] * 10
            super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    old, new = e.nn.Sequential(e.nn.Linear(1, 1)), e.nn.Sequential(Scaled(1, 1))
    e.nn.init.ones_(old[0].weight)
    new.load_state_dict(old.state_dict())
    once = new[0].weight.item()
    new.load_state_dict(new.state_dict())
    return once, new[0].weight.item()


def hooks_of_all(e):
    """Hooks of all modules around those of one: in which order, what they see and replace; then they are gone."""
    seen = []

    def note(name, change=None):
        def hook(module, *given):
            seen.append([name, type(module), given])
            return None if change is None else change(*given)

        return hook

    paths, net = e.nn.modules.module, network(e)
    net[0].register_forward_pre_hook(note("own before"))
    net[0].register_full_backward_hook(note("own back"))
    with contextlib.ExitStack() as stack:
        for handle in (
            paths.register_module_forward_pre_hook(note("before", lambda args: (args[0] * 2,))),
            paths.register_module_forward_hook(note("after", lambda args, y: y + 1)),
            paths.register_module_forward_hook(note("after, kwargs"), with_kwargs=True, always_call=True),
            paths.register_module_full_backward_pre_hook(note("back before")),
            paths.register_module_full_backward_hook(note("back")),
        ):
            stack.enter_context(handle)
        net(ones(e, 2, 3)).sum().backward()
    count = len(seen)
    return [seen, net(ones(e, 2, 3)), len(seen) - count, [each.grad for each in net.parameters()]]


def older_backward_hook(forward, *sizes, of_all=False):
    """What a backward hook of the older kind sees, and whether it warns."""

    def program(e):
        seen = []
        module = of_forward(e, forward)

        def hook(module, inputs, outputs):
            seen.append([type(module), inputs, outputs])
            return tuple(None if each is None else each * 3 for each in inputs)

        inputs = [ones(e, *size) for size in sizes]
        with (e.nn.modules.module.register_module_backward_hook if of_all else module.register_backward_hook)(hook):
            result = module(*inputs)
        while isinstance(result, (tuple, dict)):
            result = next(iter(result.values())) if isinstance(result, dict) else result[0]
        result.sum().backward()
        return seen, [each.grad for each in inputs]

    return program


def both_kinds_of_backward_hooks(first, second):
    def program(e):
        layer = e.nn.ReLU()
        getattr(layer, first)(max)
        getattr(layer, second)(max)

    return program


def registration_hooks(e):
    """Hooks that see, and replace, what any module registers."""
    seen, paths = [], e.nn.modules.module
    note = lambda module, name, part: seen.append([type(module), name, type(part).__name__])  # noqa: E731
    handles = (
        paths.register_module_parameter_registration_hook(note),
        paths.register_module_parameter_registration_hook(lambda m, n, part: e.nn.Parameter(part.detach() * 0 + 2)),
        paths.register_module_buffer_registration_hook(note),
        paths.register_module_module_registration_hook(note),
        paths.register_module_module_registration_hook(lambda m, n, part: e.nn.Identity() if n == "1" else None),
    )
    with contextlib.ExitStack() as stack:
        for handle in handles:
            stack.enter_context(handle)
        e.manual_seed(0)
        net = e.nn.Sequential(e.nn.Linear(2, 2), e.nn.BatchNorm1d(2))
        net.other = e.nn.ReLU()
        net[0].bias = e.nn.Parameter(e.ones(2))
    return [seen, repr(net), net[0].weight, net[0].bias, e.nn.Linear(1, 1).weight.shape]


def buffers_by_assignment(e):
    layer = e.nn.Linear(2, 2)
    layer.count = e.nn.Buffer(e.ones(2))
    layer.scratch = e.nn.Buffer(e.zeros(1), persistent=False)
    layer.nothing = e.nn.Buffer()
    found = [
        {name: each.clone() for name, each in layer.named_buffers()},
        list(layer.state_dict()),
        isinstance(layer.count, e.nn.Buffer),
    ]
    found += [isinstance(e.ones(1), e.nn.Buffer), isinstance(layer.count, e.nn.Parameter), repr(layer.count)]
    layer.count = layer.count + 1
    layer.double()
    found += [dict(layer.named_buffers()), list(dict(layer.named_parameters())), layer.count.dtype]
    x = e.ones(2, requires_grad=True)
    return [*found, e.nn.Buffer(x).requires_grad, e.nn.Buffer(x) is x, list(copy.deepcopy(layer).state_dict())]


def older_initialisations(e):
    found = []
    for name in ("uniform", "normal", "eye", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"):
        e.manual_seed(0)
        found.append(getattr(e.nn.init, name)(e.empty(3, 4)))
    found += [
        e.nn.init.constant(e.empty(2), 3.0),
        e.nn.init.dirac(e.empty(2, 2, 3)),
        e.nn.init.orthogonal(e.eye(2)).abs(),
    ]
    return [*found, e.nn.init.sparse(e.empty(4, 4), 0.5).count_nonzero()]


def arguments_of_layers(e):
    utils = e.nn.modules.utils
    found = [utils._single(3), utils._pair(3), utils._pair([1, 2]), utils._triple(1), utils._quadruple(2)]
    found += [utils._ntuple(5)(0), utils._reverse_repeat_tuple((1, 2), 2), utils._pair.__name__]
    found.append(e.nn.factory_kwargs({"dtype": e.float64, "factory_kwargs": {"device": "cpu"}}))
    return [*found, e.nn.factory_kwargs(None)]


def new_memory(e):
    net = network(e)
    before = [each.data_ptr() for each in net.parameters()]
    found = [net.to_empty(device="cpu") is net, [each.shape for each in net.parameters()], net._get_name()]
    return [*found, any(first == each.data_ptr() for first, each in zip(before, net.parameters()))]


def loading_as_older_code(e):
    seen, layer = [], e.nn.Linear(2, 2)
    layer._register_load_state_dict_pre_hook(lambda state, prefix, *others: seen.append([list(state), prefix]))
    layer._register_load_state_dict_pre_hook(lambda module, *others: seen.append(type(module)), with_module=True)
    layer.load_state_dict(layer.state_dict())
    return seen


OLDER = {
    "hooks of all modules": hooks_of_all,
    "backward hook": older_backward_hook(lambda x, y: x * y, (2,), (2,)),
    "backward hook of all modules": older_backward_hook(lambda x, y: x * y, (2,), (2,), of_all=True),
    "backward hook, several nodes": older_backward_hook(lambda x: (x * 2).exp(), (2,)),
    "backward hook, several outputs": older_backward_hook(lambda x: (x * 2, x * 3), (2,)),
    "backward hook, dictionary": older_backward_hook(lambda x: {"b": x * 2}, (2,)),
    "backward hook, no tensor": older_backward_hook(lambda x, y=5: x * y, (2,)),
    "backward hook, then a full one": both_kinds_of_backward_hooks(
        "register_backward_hook", "register_full_backward_hook"
    ),
    "full backward hook, then another": both_kinds_of_backward_hooks(
        "register_full_backward_hook", "register_backward_hook"
    ),
    "registration": registration_hooks,
    "buffers": buffers_by_assignment,
    "initialisations": older_initialisations,
    "arguments of layers": arguments_of_layers,
    "factory_kwargs, unexpected": lambda e: e.nn.factory_kwargs({"size": 1}),
    "factory_kwargs, twice": lambda e: e.nn.factory_kwargs({"dtype": 1, "factory_kwargs": {"dtype": 2}}),
    "new memory": new_memory,
    "loading": loading_as_older_code,
    "context": lambda e: [issubclass(e.autograd.Function, e.autograd.function.FunctionCtx)],
}


@pytest.mark.parametrize("name", OLDER)
def test_parts_and_older_names(name, monkeypatch):
    monkeypatch.setattr(torch.nn.modules.module, "_global_is_full_backward_hook", None)  # it remembers the last kind
    check_program(name, OLDER[name])


def test_memory_is_not_shared_by_processes():
    with pytest.raises(NotImplementedError, match="state_dict"):
        network(minigrad).share_memory()


HOOKS = {
    "backward, list": backward_hook_of(lambda x, y, n: [x * 2, x * 3]),
    "backward, dictionary": backward_hook_of(lambda x, y, n: {"a": x * 2}),
    "backward, tuple with others": backward_hook_of(lambda x, y, n: (x * 2, None, y * 3, x)),
    "backward, unused input": backward_hook_of(lambda x, y, n: (x * 2,)),
    "backward, unused output": backward_hook_of(lambda x, y, n: (x.detach() * 2, y * 3, x * 3)),
    "backward, what requires grad": what_a_watched_forward_receives,
    "backward, a change in place": changed_in_a_watched_forward,
}
for function in (
    *(an_error_in_a_hook_after_an_error, wrong_number_of_output_gradients, an_input_gradient_where_there_is_none),
    *(hooks_on_state, a_post_hook_on_state_that_returns, a_hook_after_loading, renaming_while_loading),
    *(pardoned_by_a_hook, own_loading),
):
    HOOKS[function.__name__] = function


@pytest.mark.parametrize("name", HOOKS)
def test_hooks(name):
    check_program(name, HOOKS[name])


# ------------------------------------------------------------------------------------------------------- state


def loaded(change, **options):
    """What loading a state says that ``change(e, state)`` has changed, and what the parameters then are."""

    def program(e):
        module = network(e)
        state = OrderedDict((name, value + 1) for name, value in module.state_dict().items())
        change(e, state)
        try:
            answer = module.load_state_dict(state, **options)
        except RuntimeError as error:
            return str(error)
        return answer, [(each.dtype, each.requires_grad, type(each), each) for each in module.parameters()]

    return program


def nested_and_unexpected(e, state):
    state.update({"0.a.b": e.ones(1), "0.c": e.ones(1), "9.d": e.ones(1), "1": e.ones(1)})


def number_as_vector(e):
    module = e.nn.Module()
    module.register_buffer("count", e.tensor(1.0))
    module.load_state_dict({"count": e.tensor([5.0])})
    return module.count


def assigned_parameter(e):
    module, weight = network(e), e.nn.Parameter(e.zeros(4, 3))
    module.load_state_dict({**module.state_dict(), "0.weight": weight}, assign=True)
    return module[0].weight is weight


def frozen_and_assigned(e):
    module = network(e)
    module[0].requires_grad_(False)
    module.load_state_dict({name: value.clone() for name, value in module.state_dict().items()}, assign=True)
    return [each.requires_grad for each in module.parameters()]


STATE = {
    "nested": loaded(nested_and_unexpected),
    "nested, not strict": loaded(nested_and_unexpected, strict=False),
    "no tensor": loaded(lambda e, state: state.update({"0.bias": [1.0, 2.0, 3.0, 4.0]})),
    "no tensor, not strict": loaded(lambda e, state: state.update({"0.bias": "a"}), strict=False),
    "all wrong": loaded(lambda e, state: (nested_and_unexpected(e, state), state.pop("2.bias"), state.pop("0.weight"))),
    "another shape, not strict": loaded(lambda e, state: state.update({"0.bias": e.ones(2)}), strict=False),
    "assigned": loaded(lambda e, state: state.update({"0.bias": e.ones(4, dtype=e.float64)}), assign=True),
    "number as vector": number_as_vector,
    "assigned parameter": assigned_parameter,
    "frozen and assigned": frozen_and_assigned,
    "versions": lambda e: dict(network(e).state_dict(prefix="a.")._metadata),
    "by position": lambda e: list(network(e).state_dict(OrderedDict(), "p.", False)),
    "nothing below": lambda e: [
        name for name, _ in e.nn.Sequential(e.nn.Sequential(), e.nn.ModuleList(), e.nn.ModuleDict()).named_modules()
    ],
    "copy without gradients": lambda e: gradients_of_a_copy(e),
    "in place of a parameter": lambda e: network(e).set_submodule("0.weight", e.nn.ReLU()),
    "converted, not blocking": lambda e: network(e).to("cpu", e.float64, True)[0].weight.dtype.is_floating_point,
    "converted like a tensor": lambda e: str(network(e).to(e.ones(1, dtype=e.float64))[0].weight.dtype)[-7:],
    "converted by name": lambda e: str(network(e).to(tensor=e.ones(1, dtype=e.float16))[0].weight.dtype)[-7:],
    "converted without blocking": lambda e: len(network(e).to("cpu", non_blocking=True)),
}


def gradients_of_a_copy(e):
    module = network(e)
    module(e.ones(1, 3)).sum().backward()
    return [each.grad for each in copy.deepcopy(module).parameters()]


@pytest.mark.parametrize("name", STATE)
def test_state(name):
    check_program(name, STATE[name])


def test_nothing_is_changed_where_something_is_wrong():
    module = network(minigrad)
    before = [each.detach().clone() for each in module.parameters()]
    state = {name: minigrad.zeros_like(value) for name, value in module.state_dict().items()}
    state["2.bias"] = minigrad.ones(7)
    with pytest.raises(RuntimeError, match="size mismatch"):
        module.load_state_dict(state, strict=False)
    assert all((a == b).all() for a, b in zip(module.parameters(), before))


# -------------------------------------------------------------------------------------------------- containers


def four(e):
    return e.nn.Sequential(e.nn.Linear(1, 1), e.nn.ReLU(), e.nn.Tanh(), e.nn.Sigmoid())


def shown(change, make=four):
    """What ``change(container, e)`` returns, and the container after it."""

    def program(e):
        container = make(e)
        result = change(container, e)
        return repr(result), repr(container), list(container._modules)

    return program


def in_place(name, operand):
    return lambda container, e: getattr(container, name)(operand(e))


def listed(e):
    return e.nn.ModuleList(four(e))


def parameters(e):
    return e.nn.ParameterDict({"b": e.ones(2), "a": e.nn.Parameter(e.ones(2, 3)), "c": 3})


CONTAINERS = {
    "Sequential of a dictionary": lambda e: e.nn.Sequential({"a": e.nn.ReLU()}),
    "Sequential, slice": lambda e: repr(four(e)[1:3]),
    "Sequential += Sequential": shown(in_place("__iadd__", four)),
    "Sequential += list": shown(in_place("__iadd__", lambda e: [e.nn.ReLU()])),
    "Sequential * 2": shown(lambda s, e: s * 2),
    "2 * Sequential": shown(lambda s, e: 2 * s),
    "Sequential *= 3": shown(in_place("__imul__", lambda e: 3)),
    "Sequential * 0": shown(lambda s, e: s * 0),
    "Sequential *= 0": shown(in_place("__imul__", lambda e: 0)),
    "Sequential *= 1.5": shown(in_place("__imul__", lambda e: 1.5)),
    "Sequential.insert": shown(lambda s, e: s.insert(-1, e.nn.GELU())),
    "Sequential.insert at the end": shown(lambda s, e: s.insert(4, e.nn.GELU())),
    "Sequential.insert beyond": lambda e: four(e).insert(5, e.nn.GELU()),
    "Sequential.insert before": lambda e: four(e).insert(-5, e.nn.GELU()),
    "Sequential.insert a number": lambda e: four(e).insert(1, 3),
    "ModuleList.insert": shown(lambda m, e: m.insert(1, e.nn.GELU()), listed),
    "ModuleList.insert beyond": shown(lambda m, e: m.insert(99, e.nn.GELU()), listed),
    "ModuleList.insert before": lambda e: listed(e).insert(-1, e.nn.GELU()),
    "ParameterList of one": lambda e: repr(e.nn.ParameterList([e.ones(2)])),
    "ParameterList of lists": lambda e: repr(e.nn.ParameterList([e.nn.ParameterList([e.ones(2)]), 3])),
    "ParameterList, called": lambda e: e.nn.ParameterList()(1),
    "ParameterList, names": lambda e: "0" in dir(e.nn.ParameterList([e.ones(2)])),
    "ParameterDict, order": lambda e: list(parameters(e)),
    "ParameterDict, ordered": lambda e: list(e.nn.ParameterDict(OrderedDict(b=e.ones(1), a=e.ones(1)))),
    "ParameterDict, repr": lambda e: repr(parameters(e)),
    "ParameterDict, nested": lambda e: repr(e.nn.ParameterDict({"a": e.nn.ParameterList([e.ones(1)])})),
    "ParameterDict.get": lambda e: (parameters(e).get("a"), parameters(e).get("z"), parameters(e).get("z", 4)),
    "ParameterDict.setdefault": lambda e: (
        (p := parameters(e)).setdefault("a", e.ones(5)),
        p.setdefault("z", e.ones(3)),
        list(p),
    ),
    "ParameterDict.popitem": lambda e: ((p := parameters(e)).popitem(), list(p)),
    "ParameterDict.copy": lambda e: ((p := parameters(e)).copy()["a"] is p["a"], type(p.copy())),
    "ParameterDict.fromkeys": lambda e: list(parameters(e).fromkeys(["z", "y"])),
    "ParameterDict | ParameterDict": lambda e: list(parameters(e) | e.nn.ParameterDict({"z": e.ones(1)})),
    "ParameterDict |=": lambda e: list(parameters(e).__ior__(e.nn.ParameterDict({"z": e.ones(1)}))),
    "ParameterDict, from the right": lambda e: list(parameters(e).__ror__(e.nn.ParameterDict({"z": e.ones(1)}))),
    "ParameterDict, reversed": lambda e: list(reversed(parameters(e))),
    "ParameterDict.clear": lambda e: ((p := parameters(e)).clear(), len(p), list(p.state_dict())),
    "ParameterDict, called": lambda e: parameters(e)(1),
    "ParameterDict of a number": lambda e: e.nn.ParameterDict(3),
    "Unflatten to a number": lambda e: e.nn.Unflatten(1, 3),
    "Unflatten to fractions": lambda e: e.nn.Unflatten(1, (2.0, 2)),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers(name):
    check_program(name, CONTAINERS[name])


# ------------------------------------------------------------------------------------------- wrong use of losses


def classes(e, weight=None, target=None, dtype="float64"):
    x = e.ones(2, 3, dtype=getattr(e, dtype))
    return e.nn.functional.nll_loss(x, e.tensor([0, 2]) if target is None else target, weight)


def halves(e, *shape, dtype="float64"):
    return e.full(shape, 0.5, dtype=getattr(e, dtype))


ARGUMENTS = {
    "learned class weights": lambda e: classes(e, ones(e, 3).double()),
    "class weights of another type": lambda e: classes(e, e.ones(3)),
    "classes in int32": lambda e: classes(e, target=e.tensor([0, 2], dtype=e.int32)),
    "classes of another batch": lambda e: classes(e, target=e.tensor([0], dtype=e.int32)),
    "log-probabilities that are integers": lambda e: classes(e, dtype="int64"),
    "places in uint8": lambda e: e.nn.functional.nll_loss(e.ones(1, 2, 2), e.ones(1, 2, dtype=e.uint8)),
    "smoothing below 0": lambda e: e.nn.functional.cross_entropy(halves(e, 2, 3), e.tensor([0, 1]), label_smoothing=-1),
    "smoothing above 1": lambda e: e.nn.functional.cross_entropy(halves(e, 2, 3), e.tensor([0, 1]), label_smoothing=2),
    "mean over no probabilities": lambda e: e.nn.functional.cross_entropy(halves(e, 0, 3), halves(e, 0, 3)),
    "BCE, another type": lambda e: e.nn.functional.binary_cross_entropy(halves(e, 2), halves(e, 2, dtype="float32")),
    "BCE, target above 1": lambda e: e.nn.functional.binary_cross_entropy(halves(e, 2), halves(e, 2) * 3),
    "BCE, learned weights": lambda e: e.nn.functional.binary_cross_entropy(halves(e, 2), halves(e, 2), ones(e, 2)),
    "BCE, larger weights": lambda e: e.nn.functional.binary_cross_entropy(halves(e, 2), halves(e, 2), e.ones(3, 2)),
    "BCE at the edge": lambda e: edge_of_binary_cross_entropy(e),
    "logits, integer target": lambda e: e.nn.functional.binary_cross_entropy_with_logits(halves(e, 1), e.tensor([1])),
    "logits, bool target": lambda e: e.nn.functional.binary_cross_entropy_with_logits(halves(e, 1), e.tensor([True])),
    "logits, larger weights": lambda e: e.nn.functional.binary_cross_entropy_with_logits(
        halves(e, 2), halves(e, 2), pos_weight=halves(e, 3, 2)
    ),
    "logits, learned weights": lambda e: e.nn.functional.binary_cross_entropy_with_logits(
        halves(e, 2), halves(e, 2), pos_weight=ones(e, 2)
    ),
    "mse of integers": lambda e: e.nn.functional.mse_loss(e.tensor([1]), e.tensor([2])),
    "mse, weights that broadcast": lambda e: e.nn.functional.mse_loss(halves(e, 3), halves(e, 2, 3), weight=e.ones(3)),
    "huber of integers": lambda e: e.nn.functional.huber_loss(e.tensor([1]), e.tensor([2])),
    "smooth l1 of integers": lambda e: e.nn.functional.smooth_l1_loss(e.tensor([1]), e.tensor([2])),
    "pad, value while reflecting": lambda e: e.nn.functional.pad(halves(e, 2, 3), (1, 1), "reflect", 1.0),
    "pad, mode": lambda e: e.nn.functional.pad(halves(e, 2, 3), (1,), "mirror"),
    "embedding of a vector": lambda e: e.nn.functional.embedding(e.tensor([0]), e.ones(3)),
    "linear of a number": lambda e: e.nn.functional.linear(e.tensor(1.0), e.ones(2, 1)),
    "layer_norm of integers": lambda e: e.nn.functional.layer_norm(e.tensor([1, 2]), (2,)),
    "rms_norm of too few dimensions": lambda e: e.nn.functional.rms_norm(e.ones(3), (2, 3)),
    "rms_norm of integers": lambda e: e.nn.functional.rms_norm(e.tensor([1, 2]), (2,)),
    "attention of vectors": lambda e: e.nn.functional.scaled_dot_product_attention(e.ones(3), e.ones(3), e.ones(3)),
    "attention, mask of integers": lambda e: e.nn.functional.scaled_dot_product_attention(
        e.ones(2, 3), e.ones(2, 3), e.ones(2, 3), e.ones(2, 2, dtype=e.int64)
    ),
    "attention, heads": lambda e: e.nn.functional.scaled_dot_product_attention(
        e.ones(4, 2, 3), e.ones(3, 2, 3), e.ones(3, 2, 3), enable_gqa=True
    ),
    "attention, causal": lambda e: causal_attention(e),
    "PReLU of a number": lambda e: e.nn.PReLU()(e.tensor(-1.0)),
    "written into the input": lambda e: written_into_the_input(e),
    "gains": lambda e: [
        e.nn.init.calculate_gain(name) for name in ("conv_transpose1d", "conv_transpose3d", "conv2d", "selu", "tanh")
    ],
    "gain of no number": lambda e: e.nn.init.calculate_gain("leaky_relu", True),
    "older names": lambda e: repr(e.nn.Hardtanh(min_value=-3, max_value=2)),
    "modules at several places": lambda e: len(list(e.nn.Sequential(r := e.nn.ReLU(), r).modules(False))),
    "cosine of short vectors": lambda e: cosine_of_short_vectors(e),
    "threshold of integers": lambda e: e.nn.functional.threshold(e.tensor([-1, 0, 1]), -0.5, 2.5),
    "gradients at NaN": lambda e: gradients_at_nan(e),
}


def edge_of_binary_cross_entropy(e):
    x = e.tensor([0.0, 1.0], dtype=e.float64, requires_grad=True)
    e.nn.functional.binary_cross_entropy(x, halves(e, 2)).backward()
    return x.grad


def causal_attention(e):
    """A promise that does not hold: the mask given is not the causal one."""
    e.manual_seed(0)
    attention = e.nn.MultiheadAttention(4, 2, add_zero_attn=True)
    x = e.arange(12.0).view(3, 1, 4).sin()
    return attention(x, x, x, need_weights=False, attn_mask=e.zeros(3, 3, dtype=e.bool), is_causal=True)


def written_into_the_input(e):
    functional, found = e.nn.functional, []
    for function in (functional.relu_, functional.leaky_relu_, functional.elu_, functional.selu_, functional.celu_):
        x = ones(e, 2)
        y = x * e.tensor([-2.0, 3.0])
        found.append(function(y) is y)
        y.sum().backward()
        found += [y, x.grad]
    found.append(functional.hardtanh_(e.tensor([-2.0, 0.5]), max_val=0.25))
    found.append(functional.threshold_(e.tensor([-2.0, 0.5]), 0.0, 7.0))
    return found


def cosine_of_short_vectors(e):
    x, y = ones(e, 2, 3), ones(e, 2, 3)
    e.nn.functional.cosine_similarity(x * 0.1, y, eps=0.5).sum().backward()
    return x.grad, y.grad


def gradients_at_nan(e):
    functional, found = e.nn.functional, []
    for function in (functional.elu, functional.selu, functional.celu, functional.hardswish):
        x = e.tensor([float("nan")] * 64, requires_grad=True)  # of few elements PyTorch's are others
        function(x).sum().backward()
        found.append(x.grad)
    for function in (functional.smooth_l1_loss, functional.huber_loss):
        x = e.tensor([float("nan"), 1.0], requires_grad=True)
        function(x, e.zeros(2)).backward()
        found.append(x.grad)
    return found


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name):
    check_program(name, ARGUMENTS[name])


def test_a_difference_is_noticed():
    with pytest.raises(Mismatch):
        check_program("another result", lambda e: e.nn.Linear(1, 2 if e is torch else 3))
