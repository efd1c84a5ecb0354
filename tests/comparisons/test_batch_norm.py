"""Normalisation of channels against PyTorch: values, running statistics, two orders of gradients, graphs, refusals."""

from collections import OrderedDict

import numpy as np
import pytest

from comparisons import check_operation, check_outcome

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(1.0, 2.0, size=(3, 4, 5, 6))
LAST = np.ascontiguousarray(IMAGES.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
WEIGHT, BIAS = RNG.normal(size=4), RNG.normal(size=4)
INPUTS = {"images": IMAGES, "channels last": LAST, "signals": IMAGES[..., 0], "rows": IMAGES[:, :, 0, 0]}


def running(e):
    mean = e.tensor([0.1, 0.2, -0.3, 0.5], dtype=e.float64)
    return mean, e.tensor([1.1, 0.2, 0.3, 0.5], dtype=e.float64)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", INPUTS)
def test_batch_norm(kind, training):
    def affine(e, x, weight, bias):
        mean, variance = running(e)
        z = e.nn.functional.batch_norm(x, mean, variance, weight, bias, training, 0.3, 1e-3)
        return z, mean, variance

    def plain(e, x):
        return e.nn.functional.batch_norm(x, *running(e), training=training)

    check_operation("batch_norm", affine, INPUTS[kind], WEIGHT, BIAS)
    check_operation("batch_norm squared", lambda e, *each: affine(e, *each)[0] ** 2, INPUTS[kind], WEIGHT, BIAS)
    check_operation("batch_norm, not affine", plain, INPUTS[kind])
    check_operation("batch_norm, not affine, squared", lambda e, x: plain(e, x) ** 2, INPUTS[kind])
    if training:
        check_operation(
            "batch_norm, weight alone",
            lambda e, x, w: e.nn.functional.batch_norm(x, None, None, w, training=True),
            *(INPUTS[kind], WEIGHT),
        )
    check_operation(
        "batch_norm, bias alone",
        lambda e, x, b: e.nn.functional.batch_norm(x, *running(e), None, b, training),
        *(INPUTS[kind], BIAS),
        order=1,  # PyTorch's second derivative fails without a weight
    )


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm(groups, kind):
    if kind == "rows" and groups == 4:
        return  # every value its own group: all zeros, and a gradient that is rounding
    x = INPUTS[kind]
    check_operation("group_norm, not affine", lambda e, x: e.nn.functional.group_norm(x, groups), x)
    check_operation("group_norm squared", lambda e, x, w, b: e.group_norm(x, groups, w, b, 1e-3) ** 2, x, WEIGHT, BIAS)


def test_instance_norm():
    def tracked(e, x, weight, bias):
        mean, variance = running(e)
        return e.nn.functional.instance_norm(x, mean, variance, weight, bias, momentum=0.3), mean, variance

    check_operation("instance_norm", tracked, IMAGES, WEIGHT, BIAS)
    check_operation("instance_norm", lambda e, x: e.nn.functional.instance_norm(x) ** 2, IMAGES)
    check_operation(
        "instance_norm, running",
        lambda e, x, w, b: e.nn.functional.instance_norm(x, *running(e), w, b, use_input_stats=False),
        *(IMAGES, WEIGHT, BIAS),
    )


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_shorter_types(kind):
    def call(e, training):
        x = e.tensor(IMAGES.tolist()).to(getattr(e, kind)).requires_grad_()
        mean, variance = e.zeros(4), e.ones(4)
        weight = e.tensor(WEIGHT.tolist()).float().requires_grad_()
        z = e.nn.functional.batch_norm(x, mean, variance, weight, None, training)
        (z.float() ** 2).sum().backward()
        rounded = [(each.detach().double() * 50).round() for each in (z, mean, variance)]
        return [str(each.dtype)[-7:] for each in (z, x.grad, weight.grad)], rounded if kind == "float32" else None

    for training in (True, False):
        check_outcome(kind, lambda e, training=training: call(e, training))


CALLS = {
    "one row": lambda f, e: f.batch_norm(e.ones(1, 3), None, None, training=True),
    "one pixel": lambda f, e: f.batch_norm(e.ones(1, 3, 1, 1), None, None, training=True),
    "one row, evaluation": lambda f, e: f.batch_norm(e.ones(1, 3), e.zeros(3), e.ones(3)),
    "no statistics": lambda f, e: f.batch_norm(e.ones(2, 3), None, None),
    "no variance": lambda f, e: f.batch_norm(e.ones(2, 3), e.zeros(3), None),
    "mean of two": lambda f, e: f.batch_norm(e.ones(2, 3), e.zeros(2), e.ones(2)),
    "weight of two": lambda f, e: f.batch_norm(e.ones(2, 3), e.zeros(3), e.ones(3), e.ones(2)),
    "bias of two": lambda f, e: f.batch_norm(e.ones(2, 3), e.zeros(3), e.ones(3), None, e.ones(2)),
    "one dimension": lambda f, e: f.batch_norm(e.ones(3), e.zeros(3), e.ones(3)),
    "one dimension, no statistics": lambda f, e: f.batch_norm(e.ones(3), None, None, training=True),
    "no dimension": lambda f, e: f.batch_norm(e.ones(()), None, None, training=True),
    "empty": lambda f, e: f.batch_norm(e.ones(0, 3), e.zeros(3), e.ones(3), training=True),
    "empty, evaluation": lambda f, e: f.batch_norm(e.ones(0, 3), e.zeros(3), e.ones(3)),
    "mixed": lambda f, e: f.batch_norm(e.ones(2, 3).double(), e.zeros(3), e.ones(3)),
    "mixed weight": lambda f, e: f.batch_norm(e.ones(2, 3).double(), None, None, e.ones(3), training=True),
    "integers": lambda f, e: f.batch_norm(e.ones(2, 3).long(), None, None, training=True),
    "weight of a row": lambda f, e: f.batch_norm(e.ones(2, 3), None, None, e.ones(1, 3), training=True),
    "mean that requires grad": lambda f, e: f.batch_norm(
        e.ones(2, 3), e.zeros(3, requires_grad=True), e.ones(3), training=True
    ),
    "variance that requires grad": lambda f, e: f.batch_norm(e.ones(2, 3), e.zeros(3), e.ones(3, requires_grad=True)),
    "groups that do not divide": lambda f, e: f.group_norm(e.ones(2, 3), 2),
    "one value a group": lambda f, e: f.group_norm(e.ones(1, 3), 3),
    "no group": lambda f, e: f.group_norm(e.ones(2, 4), 0),
    "negative groups": lambda f, e: f.group_norm(e.ones(2, 4), -1),
    "groups of one dimension": lambda f, e: f.group_norm(e.ones(3), 3),
    "groups, weight": lambda f, e: f.group_norm(e.ones(2, 4), 2, e.ones(3)),
    "groups, bias": lambda f, e: f.group_norm(e.ones(2, 4), 2, None, e.ones(3)),
    "groups, mixed": lambda f, e: f.group_norm(e.ones(2, 4).double(), 2, e.ones(4)),
    "groups, empty": lambda f, e: f.group_norm(e.ones(0, 4, 2), 2),
    "groups, no place": lambda f, e: f.group_norm(e.ones(2, 4, 0), 2),
    "GroupNorm that does not divide": lambda f, e: e.nn.GroupNorm(2, 3),
    "GroupNorm of none": lambda f, e: e.nn.GroupNorm(0, 3),
    "BatchNorm1d of images": lambda f, e: e.nn.BatchNorm1d(3)(e.ones(1, 3, 2, 2)),
    "BatchNorm2d of rows": lambda f, e: e.nn.BatchNorm2d(3)(e.ones(1, 3)),
    "BatchNorm2d of others": lambda f, e: e.nn.BatchNorm2d(4)(e.ones(2, 3, 4, 4)),
    "BatchNorm1d of one row": lambda f, e: e.nn.BatchNorm1d(3)(e.ones(1, 3)),
    "dropout1d of images": lambda f, e: f.dropout1d(e.ones(2, 2, 2, 2)),
    "dropout1d of one dimension": lambda f, e: f.dropout1d(e.ones(2)),
    "dropout2d, no probability": lambda f, e: f.dropout2d(e.ones(1, 1, 2, 2), 1.5),
    "dropout, not a number": lambda f, e: f.dropout(e.ones(2), float("nan"), training=False),
    "dropout2d, not a number": lambda f, e: e.nn.Dropout2d(float("nan"))(e.ones(1, 1, 2, 2)),
    "dropout2d of one dimension": lambda f, e: f.dropout2d(e.ones(2)),
    "dropout2d of integers": lambda f, e: f.dropout2d(e.ones(2, 2, 2, 2).long()),
    "Dropout2d, no probability": lambda f, e: e.nn.Dropout2d(-0.1),
}


@pytest.mark.filterwarnings("ignore:dropout2d")
@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    check_outcome(name, lambda e: CALLS[name](e.nn.functional, e))


LAYERS = {
    "BatchNorm1d": lambda n: n.BatchNorm1d(4),
    "BatchNorm1d, plain": lambda n: n.BatchNorm1d(4, affine=False, track_running_stats=False),
    "BatchNorm2d": lambda n: n.BatchNorm2d(4, 1e-3, 0.2),
    "BatchNorm2d, average": lambda n: n.BatchNorm2d(4, momentum=None),
    "BatchNorm2d, untracked": lambda n: n.BatchNorm2d(4, track_running_stats=False),
    "BatchNorm2d without bias": lambda n: n.BatchNorm2d(4, bias=False),
    "GroupNorm": lambda n: n.GroupNorm(2, 4),
    "GroupNorm, plain": lambda n: n.GroupNorm(4, 4, affine=False),
    "GroupNorm without bias": lambda n: n.GroupNorm(1, 4, bias=False),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    """Three batches in training, one in evaluation: results, gradients and state."""
    batches = [IMAGES.tolist(), (IMAGES * 2 + 1).tolist(), (IMAGES[:2] - 3).tolist()]

    def trained(e):
        layer = LAYERS[name](e.nn).double()
        found = [repr(layer), [(key, each.clone()) for key, each in layer.state_dict().items()]]
        for number, batch in enumerate([*batches, batches[0]]):
            layer.train(number < 3)
            x = e.tensor(batch, dtype=e.float64)
            x = (x[..., 0] if "1d" in name else x).clone().requires_grad_()
            z = layer(x)
            (z**3).sum().backward()
            found.append([z.detach(), x.grad, *[each.grad.clone() for each in layer.parameters()]])
            found.append([(key, each.clone()) for key, each in layer.state_dict().items()])
        return found

    check_outcome(name, trained)


@pytest.mark.parametrize("name", ["BatchNorm2d", "GroupNorm", "LayerNorm", "RMSNorm", "InstanceNorm2d"])
def test_reset_parameters_leaves_those_of_a_subclass(name):
    def reset(e):
        sizes = (1, 2) if name == "GroupNorm" else (2,)
        layer = type("Own", (getattr(e.nn, name),), {})(*sizes)
        layer.own = e.nn.Parameter(e.ones(2))
        e.nn.init.zeros_(next(layer.parameters()))
        layer.reset_parameters()
        return dict(layer.named_parameters())

    check_outcome(name, reset)


def test_states():
    def loaded(e, version):
        layer = e.nn.BatchNorm1d(3)
        layer(e.ones(4, 3))
        state = layer.state_dict()
        old = OrderedDict((key, each) for key, each in state.items() if key != "num_batches_tracked")
        if version is not None:
            old._metadata = OrderedDict({"": {"version": version}})
        fresh = e.nn.Sequential(e.nn.BatchNorm1d(3)) if version == "below" else e.nn.BatchNorm1d(3)
        keys = fresh.load_state_dict(old)
        return repr(keys), fresh.num_batches_tracked, fresh.running_var

    for version in (None, 1, 2):
        check_outcome(f"version {version}", lambda e, version=version: loaded(e, version))
    check_outcome("versions", lambda e: dict(e.nn.Sequential(e.nn.BatchNorm1d(3)).state_dict()._metadata["0"]))


def test_counters_and_modes():
    def counted(e):
        layer = e.nn.BatchNorm1d(3)
        before = [each._version for each in layer.buffers()]
        layer(e.ones(2, 3))
        return [each._version - first for each, first in zip(layer.buffers(), before)]

    def of_inference(e):
        with e.inference_mode():
            layer = e.nn.BatchNorm1d(3)
        return layer(e.ones(2, 3))

    def changed_between(e):
        mean, variance = e.zeros(3), e.ones(3)
        x = e.tensor([[1.0, 2, 3], [4, 6, 5]], requires_grad=True)
        z = e.nn.functional.batch_norm(x, mean, variance)
        e.nn.functional.batch_norm(x.detach(), mean, variance, training=True)
        z.sum().backward()  # with the statistics as they are now
        return x.grad

    for call in (counted, of_inference, changed_between):
        check_outcome(call.__name__, call)


@pytest.mark.filterwarnings("ignore:dropout2d")
@pytest.mark.parametrize("name", ["dropout1d", "dropout2d"])
def test_dropout(name):
    shapes = [(5, 7, 4), (7, 4)] if name == "dropout1d" else [(5, 7, 2, 3), (5, 7, 4)]

    def dropped(e, shape, p, inplace):
        e.manual_seed(0)
        x = (e.ones(*shape, requires_grad=True) * 1).clone()
        z = getattr(e.nn.functional, name)(x, p, True, inplace)
        return z, x, None if inplace else z.grad_fn.name()

    for shape in shapes:
        for p in (0.3, 1.0):
            for inplace in (False, True):
                check_outcome(name, lambda e, *each, c=(shape, p, inplace): dropped(e, *c))
    layer = {"dropout1d": "Dropout1d", "dropout2d": "Dropout2d"}[name]
    check_outcome(layer, lambda e: (repr(getattr(e.nn, layer)(0.2)), getattr(e.nn, layer)(0.2).eval()(e.ones(2, 3, 4))))
