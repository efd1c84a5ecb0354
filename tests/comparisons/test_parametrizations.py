"""Parameters computed from others, on both engines: parametrizations, norms of weights, pruning; layers joined."""

import copy
import pickle

import pytest

from comparisons.outcomes import check_program


def modules(e, *names):
    """Modules of ``nn.utils`` by name."""
    return [__import__(f"{e.__name__}.nn.utils.{name}", fromlist=["*"]) for name in names]


def layer_of(e, kind="Linear", *sizes, **options):
    e.manual_seed(0)
    return getattr(e.nn, kind)(*(sizes or (4, 3)), **options).double()


def of_forward(e, forward, right_inverse=None):
    """A module that computes ``forward(x, ...)``, and whose ``right_inverse`` is that, if there is one."""
    methods = {"forward": lambda self, *inputs: forward(*inputs)}
    if right_inverse is not None:
        methods["right_inverse"] = lambda self, value: right_inverse(value)
    return type("Part", (e.nn.Module,), methods)()


def trained(e, layer, *shape, steps=3, rate=0.1):
    """Outputs, gradients and state of a layer over some steps, by an optimizer that holds its parameters."""
    optimizer = e.optim.SGD(layer.parameters(), lr=rate)
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        y = layer(e.ones(*(shape or (2, 4)), dtype=e.float64))
        (y**2).sum().backward()
        optimizer.step()
        found += [y, [each.grad for each in layer.parameters()]]
    layer.eval()
    return [*found, layer(e.ones(*(shape or (2, 4)), dtype=e.float64)), dict(layer.state_dict()), repr(layer)]


# ------------------------------------------------------------------------------------------------ parametrizations


def symmetric(e):
    return of_forward(e, lambda x: x.triu() + x.triu(1).transpose(-1, -2))


def in_parts(e):
    """A matrix as the product of two, by an inverse that gives two tensors."""
    return of_forward(e, lambda left, right: left @ right, lambda value: (value, e.eye(4, dtype=value.dtype)))


def registering(e):
    (p,) = modules(e, "parametrize")
    layer = layer_of(e, "Linear", 3, 3)
    found = [p.is_parametrized(layer), p.register_parametrization(layer, "weight", symmetric(e)) is layer]
    p.register_parametrization(layer, "bias", of_forward(e, e.exp, e.log), unsafe=True)
    found += [p.is_parametrized(layer), p.is_parametrized(layer, "weight"), p.is_parametrized(layer, "other")]
    found += [type(layer), p.type_before_parametrizations(layer), isinstance(layer, e.nn.Linear), layer.bias]
    found += [[name for name, _ in layer.named_parameters()], type(layer.parametrizations.weight)]
    layer.bias = e.ones(3, dtype=e.float64) * 2
    found += [layer.parametrizations.bias.original, trained(e, layer, 2, 3), type(layer.parametrizations.bias[0])]
    p.remove_parametrizations(layer, "weight")
    found += [type(layer), [name for name, _ in layer.named_parameters()], layer.weight]
    p.remove_parametrizations(layer, "bias", leave_parametrized=False)
    return [
        *found,
        type(layer),
        [name for name, _ in layer.named_parameters()],
        layer.bias,
        hasattr(layer, "parametrizations"),
    ]


def of_several_tensors(e):
    (p,) = modules(e, "parametrize")
    layer = layer_of(e)
    p.register_parametrization(layer, "weight", in_parts(e))
    p.register_parametrization(layer, "weight", of_forward(e, lambda x: x * 2, lambda x: x / 2))
    found = [trained(e, layer), layer.parametrizations.weight.ntensors, layer.parametrizations.weight.is_tensor]
    layer.weight = e.ones(3, 4, dtype=e.float64)
    found += [layer.parametrizations.weight.original0, layer.weight]
    p.remove_parametrizations(layer, "weight")
    return [*found, layer.weight, type(layer.weight).__name__, [name for name, _ in layer.named_parameters()]]


def buffers_and_modes(e):
    (p,) = modules(e, "parametrize")
    layer = layer_of(e, "BatchNorm1d", 3).eval()
    p.register_parametrization(layer, "running_mean", of_forward(e, lambda x: x + 1))
    part = layer.parametrizations.running_mean[0]
    found = [part.training, layer.train() and part.training, layer.running_mean]
    found += [[name for name, _ in layer.named_buffers()]]
    p.remove_parametrizations(layer, "running_mean")
    return [*found, layer.running_mean, [name for name, _ in layer.named_buffers()]]


def computed_once(e):
    (p,) = modules(e, "parametrize")
    layer, calls = layer_of(e), []
    p.register_parametrization(layer, "weight", of_forward(e, lambda x: calls.append(1) or x * 2))
    calls.clear()
    with p.cached():
        with p.cached():
            same = layer.weight is layer.weight
        same = [same, layer.weight is layer.weight]
    return [same, len(calls), layer.weight is layer.weight, len(calls)]


def copies(e):
    """A copy is parametrized, and can be changed alone; a parametrized module is no file."""
    (p,) = modules(e, "parametrize")
    layer = layer_of(e, "Linear", 3, 3)
    p.register_parametrization(layer, "weight", symmetric(e))
    other = copy.deepcopy(layer)
    with e.no_grad():
        other.parametrizations.weight.original.add_(1)
    found = [other.weight - layer.weight, p.is_parametrized(other)]
    fresh = layer_of(e, "Linear", 3, 3)
    p.register_parametrization(fresh, "weight", symmetric(e))
    found += [fresh.load_state_dict(other.state_dict()), fresh.weight]
    try:
        pickle.dumps(layer)
    except RuntimeError as error:
        found.append("state_dict" in str(error))
    return found


def wrong_parametrization(part, *, twice=False, value=None, name="weight"):
    """What registering, or assigning, raises; and that the layer is as before."""

    def program(e):
        (p,) = modules(e, "parametrize")
        layer = layer_of(e)
        if twice:
            p.register_parametrization(layer, "weight", of_forward(e, lambda x: x * 1.0))
        kinds = []
        try:
            p.register_parametrization(layer, name, part(e))
            if value is not None:
                layer.weight = value(e)
        except (ValueError, RuntimeError) as error:
            kinds = [type(error)]
        return [kinds, layer.weight, [name for name, _ in layer.named_parameters()]]

    return program


def removing_wrongly(e):
    (p,) = modules(e, "parametrize")
    layer, kinds = layer_of(e), []
    for again in (False, True):
        try:
            p.remove_parametrizations(layer, "weight", leave_parametrized=False)
        except ValueError as error:
            kinds.append(type(error))
        if not again:
            p.register_parametrization(layer, "weight", in_parts(e))
    return [kinds, layer.weight]


PARAMETRIZATIONS = {
    "registered and removed": registering,
    "several tensors": of_several_tensors,
    "buffers": buffers_and_modes,
    "cached": computed_once,
    "none": lambda e: modules(e, "parametrize")[0].ParametrizationList([], e.ones(2)),
    "copies": copies,
    "removed wrongly": removing_wrongly,
    "another shape": wrong_parametrization(lambda e: of_forward(e, lambda x: x[0])),
    "another type": wrong_parametrization(lambda e: of_forward(e, lambda x: x.float())),
    "no tensor": wrong_parametrization(lambda e: of_forward(e, lambda x: 5)),
    "no inverse": wrong_parametrization(lambda e: of_forward(e, lambda x: x * 2), value=lambda e: e.ones(3, 4)),
    "no tensor from the inverse": wrong_parametrization(lambda e: of_forward(e, lambda x: x, lambda value: 5)),
    "no tensors from the inverse": wrong_parametrization(lambda e: of_forward(e, lambda x: x, lambda value: [5])),
    "another type from the inverse": wrong_parametrization(
        lambda e: of_forward(e, lambda x: x.double(), lambda value: value.float())
    ),
    "value of another type": wrong_parametrization(
        lambda e: of_forward(e, lambda x: x, lambda value: value), value=lambda e: e.ones(3, 4)
    ),
    "a second of another shape": wrong_parametrization(lambda e: of_forward(e, lambda x: x[0]), twice=True),
    "a second whose inverse is none": wrong_parametrization(
        lambda e: of_forward(e, lambda x: x, lambda value: [value]), twice=True
    ),
    "a second whose inverse has another shape": wrong_parametrization(
        lambda e: of_forward(e, lambda x: x, lambda value: value[0]), twice=True
    ),
    "no such tensor": wrong_parametrization(lambda e: of_forward(e, lambda x: x), name="other"),
}


@pytest.mark.parametrize("name", PARAMETRIZATIONS)
def test_parametrization(name):
    check_program(name, PARAMETRIZATIONS[name])


# --------------------------------------------------------------------------------------------------- norms of weights


def normalised(which, kind="Linear", sizes=(4, 3), shape=(2, 4), **options):
    def program(e):
        (p,) = modules(e, "parametrizations")
        layer = layer_of(e, kind, *sizes)
        return [getattr(p, which)(layer, **options) is layer, trained(e, layer, *shape, rate=0.01)]

    return program


def normalised_by_a_hook(which, kind="Linear", sizes=(4, 3), shape=(2, 4), **options):
    def program(e):
        layer = layer_of(e, kind, *sizes)
        utils = e.nn.utils
        found = [getattr(utils, which)(layer, **options) is layer, [name for name, _ in layer.named_parameters()]]
        found.append(trained(e, layer, *shape, rate=0.01))
        saved, other = layer.state_dict(), layer_of(e, kind, *sizes)
        getattr(utils, which)(other, **options)
        found += [other.load_state_dict(saved), getattr(saved, "_metadata", None)]
        found.append(other.eval()(e.ones(*shape, dtype=e.float64)))
        getattr(utils, f"remove_{which}")(layer)
        found += [repr(layer), sorted(layer.state_dict()), layer.weight, len(layer._forward_pre_hooks)]
        getattr(utils, f"remove_{which}")(layer)
        return found

    return program


def older_state(e):
    """What the older norm saved, loaded where the newer one is."""
    (p,) = modules(e, "parametrizations")
    old, new = layer_of(e), p.weight_norm(layer_of(e, "Linear", 4, 3))
    e.nn.utils.weight_norm(old)
    with e.no_grad():
        old.weight_g.mul_(3)
    return [new.load_state_dict(old.state_dict()), new.weight, sorted(new.state_dict())]


def twice(which):
    def program(e):
        layer = layer_of(e)
        for _ in range(2):
            getattr(e.nn.utils, which)(layer)

    return program


NORMS = {
    "weight_norm": normalised("weight_norm"),
    "weight_norm of all": normalised("weight_norm", dim=None),
    "weight_norm of columns": normalised("weight_norm", dim=1),
    "weight_norm of a convolution": normalised("weight_norm", "Conv2d", (2, 3, 2), (1, 2, 3, 3)),
    "weight_norm of a bias": normalised("weight_norm", name="bias"),
    "weight_norm of nothing": normalised("weight_norm", name="other"),
    "spectral_norm": normalised("spectral_norm"),
    "spectral_norm, several iterations": normalised("spectral_norm", n_power_iterations=3, eps=1e-6, dim=1),
    "spectral_norm of a convolution": normalised("spectral_norm", "Conv2d", (2, 3, 2), (1, 2, 3, 3)),
    "spectral_norm, transposed": normalised("spectral_norm", "ConvTranspose2d", (2, 3, 2), (1, 2, 3, 3)),
    "spectral_norm of a bias": normalised("spectral_norm", name="bias"),
    "spectral_norm of nothing": normalised("spectral_norm", name="other"),
    "spectral_norm, no iterations": normalised("spectral_norm", n_power_iterations=0),
    "spectral_norm, no such dim": normalised("spectral_norm", dim=2),
    "weight_norm by a hook": normalised_by_a_hook("weight_norm"),
    "weight_norm of all by a hook": normalised_by_a_hook("weight_norm", dim=None),
    "weight_norm of a convolution by a hook": normalised_by_a_hook(
        "weight_norm", "Conv1d", (2, 3, 2), (1, 2, 3), dim=2
    ),
    "spectral_norm by a hook": normalised_by_a_hook("spectral_norm"),
    "spectral_norm, transposed, by a hook": normalised_by_a_hook(
        "spectral_norm", "ConvTranspose1d", (2, 3, 2), (1, 2, 3), n_power_iterations=2
    ),
    "spectral_norm, no iterations, by a hook": normalised_by_a_hook("spectral_norm", n_power_iterations=0),
    "spectral_norm by a hook, pickled": lambda e: list(
        pickle.loads(pickle.dumps(e.nn.utils.spectral_norm(layer_of(e)))).state_dict().items()
    ),
    "older state": older_state,
    "remove_weight_norm without": lambda e: e.nn.utils.remove_weight_norm(layer_of(e)),
    "remove_spectral_norm without": lambda e: e.nn.utils.remove_spectral_norm(layer_of(e)),
    "weight_norm twice": twice("weight_norm"),
    "spectral_norm twice": twice("spectral_norm"),
}


@pytest.mark.parametrize("name", NORMS)
def test_norm(name):
    check_program(name, NORMS[name])


# ---------------------------------------------------------------------------------------------------------- pruning


def pruned(*calls, kind="Linear", sizes=(4, 3), shape=(2, 4), remove=True):
    """What calls ``(name of a function, arguments, options)`` prune, before and after training and removal."""

    def program(e):
        (p,) = modules(e, "prune")
        layer = layer_of(e, kind, *sizes)
        found = []
        for function, *arguments in calls:
            options = {key: made(e) for key, made in (arguments.pop() if arguments else {}).items()}
            found += [getattr(p, function)(layer, "weight", **options) is layer, layer.weight_mask, layer.weight]
        found += [p.is_pruned(e.nn.Sequential(layer)), [name for name, _ in layer.named_parameters()]]
        hook = next(iter(layer._forward_pre_hooks.values()))
        found += [
            type(hook),
            hook._tensor_name,
            hook.PRUNING_TYPE if len(calls) == 1 else [type(each) for each in hook],
        ]
        found += [trained(e, layer, *shape), e.rand(2)]
        if remove:
            found += [p.remove(layer, "weight") is layer, p.is_pruned(layer), layer.weight, sorted(layer.state_dict())]
        return found

    return program


def plain(value):
    return lambda e: value


def tensor(*values):
    return lambda e: e.tensor(values, dtype=e.float64)


def all_at_once(method, by_scores=False, **options):
    def program(e):
        (p,) = modules(e, "prune")
        net = e.nn.Sequential(layer_of(e), layer_of(e, "Linear", 3, 2))
        p.random_unstructured(net[1], "weight", 2)
        pairs = [(net[0], "weight"), (net[1], "weight"), (net[0], "bias")]
        scores = {pairs[0]: e.arange(12.0).reshape(3, 4).double() / 20}
        given = {"importance_scores": scores} if by_scores else {}
        found = [p.global_unstructured(pairs, getattr(p, method), **given, **options)]
        return [*found, [each for _, each in sorted(net.named_buffers())], trained(e, net), e.rand(1)]

    return program


def without_a_module(e):
    (p,) = modules(e, "prune")
    x = e.arange(6.0).reshape(2, 3)
    return [
        p.L1Unstructured(2).prune(x),
        p.LnStructured(1, 2, 1).prune(x, default_mask=e.tensor([[1.0, 1, 0], [1, 0, 1]])),
        p.L1Unstructured(0.5).prune(x, importance_scores=-x + 1),
        p.Identity().prune(x),
        p.CustomFromMask(e.tensor([[1, 0, 1], [0, 1, 1]])).prune(x),
    ]


class Evens:
    """A method of one's own: every second element."""

    def __new__(cls, p, pruning_type="unstructured"):
        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

        return type("Evens", (p.BasePruningMethod,), {"PRUNING_TYPE": pruning_type, "compute_mask": compute_mask})


def own_method(pruning_type):
    def program(e):
        (p,) = modules(e, "prune")
        layer = layer_of(e)
        p.l1_unstructured(layer, "weight", 3)
        hook = Evens(p, pruning_type).apply(layer, "weight")
        return [layer.weight_mask, type(hook), len(hook), type(hook[-1])]

    return program


def pruned_copy(e):
    (p,) = modules(e, "prune")
    layer = p.l1_unstructured(layer_of(e), "weight", 5)
    fresh = p.identity(layer_of(e), "weight")
    return [fresh.load_state_dict(layer.state_dict()), fresh(e.ones(1, 4, dtype=e.float64))]


def wrong_pruning(call):
    """What it raises, and that the layer is as before."""

    def program(e):
        (p,) = modules(e, "prune")
        layer, kinds = layer_of(e), []
        try:
            call(e, p, layer)
        except (ValueError, TypeError, IndexError, AssertionError) as error:
            kinds.append(type(error))
        return [kinds, sorted(layer.state_dict()), layer.weight, p.is_pruned(layer)]

    return program


AMOUNT = {"amount": plain(0.3)}
PRUNING = {
    "random": pruned(("random_unstructured", AMOUNT)),
    "smallest": pruned(("l1_unstructured", {"amount": plain(5)})),
    "none": pruned(("l1_unstructured", {"amount": plain(0)})),
    "smallest by scores": pruned(
        ("l1_unstructured", {**AMOUNT, "importance_scores": lambda e: e.arange(12.0).reshape(3, 4)})
    ),
    "rows": pruned(("ln_structured", {"amount": plain(1), "n": plain(2), "dim": plain(0)})),
    "columns by the 1-norm": pruned(("ln_structured", {**AMOUNT, "n": plain(1), "dim": plain(-1)})),
    "channels": pruned(
        ("ln_structured", {"amount": plain(0.5), "n": plain(float("inf")), "dim": plain(1)}),
        kind="Conv2d",
        sizes=(2, 3, 2),
        shape=(1, 2, 3, 3),
    ),
    "rows at random": pruned(("random_structured", {**AMOUNT, "dim": plain(0)})),
    "by a mask": pruned(("custom_from_mask", {"mask": tensor([1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 0])})),
    "nothing": pruned(("identity",)),
    "step by step": pruned(
        ("random_unstructured", AMOUNT),
        ("ln_structured", {"amount": plain(1), "n": plain(2), "dim": plain(0)}),
        ("l1_unstructured", {"amount": plain(0.5)}),
        ("random_structured", {"amount": plain(1), "dim": plain(1)}),
    ),
    "whole network": all_at_once("L1Unstructured", amount=0.5),
    "whole network at random": all_at_once("RandomUnstructured", amount=5),
    "whole network by scores": all_at_once("L1Unstructured", by_scores=True, amount=4),
    "whole network by rows": all_at_once("RandomStructured", amount=1),
    "without a module": without_a_module,
    "own method": own_method("unstructured"),
    "own method of everything": own_method("global"),
    "own method without a dim": own_method("structured"),
    "own method of no type": own_method("other"),
    "loaded": pruned_copy,
    "too many": wrong_pruning(lambda e, p, layer: p.l1_unstructured(layer, "weight", 13)),
    "negative": wrong_pruning(lambda e, p, layer: p.l1_unstructured(layer, "weight", -1)),
    "above all": wrong_pruning(lambda e, p, layer: p.random_unstructured(layer, "weight", 1.5)),
    "no amount": wrong_pruning(lambda e, p, layer: p.random_unstructured(layer, "weight", "all")),
    "slices of a vector": wrong_pruning(lambda e, p, layer: p.ln_structured(layer, "bias", 1, 2, 0)),
    "no such dim": wrong_pruning(lambda e, p, layer: p.random_structured(layer, "weight", 1, 2)),
    "scores of another shape": wrong_pruning(
        lambda e, p, layer: p.l1_unstructured(layer, "weight", 1, importance_scores=e.ones(3))
    ),
    "mask of another shape": wrong_pruning(lambda e, p, layer: p.custom_from_mask(layer, "weight", e.ones(3))),
    "removed without": wrong_pruning(lambda e, p, layer: p.remove(layer, "weight")),
    "scores in a list": wrong_pruning(lambda e, p, layer: p.global_unstructured([], p.L1Unstructured, [1], amount=1)),
    "one layer": wrong_pruning(lambda e, p, layer: p.global_unstructured(5, p.L1Unstructured, amount=1)),
    "no method": wrong_pruning(lambda e, p, layer: p.PruningContainer().add_pruning_method(5)),
}


@pytest.mark.parametrize("name", PRUNING)
def test_pruning(name):
    check_program(name, PRUNING[name])


# ----------------------------------------------------------------------------------------------------- layers as one


def joined(kind, sizes, shape, features, fuse, *, affine=True, bias=True, **options):
    def program(e):
        layer = layer_of(e, kind, *sizes, bias=bias)
        norm = (e.nn.BatchNorm1d if kind == "Linear" else e.nn.BatchNorm2d)(features, affine=affine).double()
        x = e.randn(*shape, dtype=e.float64)
        norm(layer(x))
        one = getattr(e.nn.utils, fuse)(layer.eval(), norm.eval(), **options)
        return [one(x), one(x) - norm(layer(x)), repr(one), one.weight.requires_grad, one.bias.requires_grad]

    return program


def joined_in_training(e):
    return e.nn.utils.fuse_linear_bn_eval(layer_of(e), e.nn.BatchNorm1d(3))


def weights_of(e):
    values = [e.arange(1.0, 4.0) for _ in range(4)]
    weights = [e.arange(12.0).reshape(3, 4), None, *values[:2], 1e-5, *values[2:]]
    return [e.nn.utils.fuse_linear_bn_weights(*weights), e.nn.utils.fuse_conv_bn_weights(*weights)]


def skipped(e):
    e.manual_seed(0)
    layer = e.nn.utils.skip_init(e.nn.Linear, 4, 3, bias=False)
    return [layer.weight.shape, repr(layer), e.rand(2)]


def older_clipping(e):
    x = e.tensor([3.0, 4.0], requires_grad=True)
    (x * x).sum().backward()
    return [e.nn.utils.clip_grad_norm([x], 1.0), x.grad]


JOINED = {
    "convolution": joined("Conv2d", (2, 3, 2), (2, 2, 4, 4), 3, "fuse_conv_bn_eval"),
    "convolution, bare": joined("Conv2d", (2, 3, 2), (2, 2, 4, 4), 3, "fuse_conv_bn_eval", affine=False),
    "transposed": joined("ConvTranspose2d", (2, 3, 2), (2, 2, 4, 4), 3, "fuse_conv_bn_eval", transpose=True),
    "linear": joined("Linear", (4, 3), (5, 4), 3, "fuse_linear_bn_eval"),
    "weights": weights_of,
    "in training": joined_in_training,
    "skip_init": skipped,
    "skip_init of no module": lambda e: e.nn.utils.skip_init(dict),
    "skip_init without a device": lambda e: e.nn.utils.skip_init(e.nn.ReLU),
    "older clipping": older_clipping,
}


@pytest.mark.parametrize("name", JOINED)
def test_joined_layers(name):
    check_program(name, JOINED[name])
