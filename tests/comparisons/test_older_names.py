"""Names that PyTorch keeps for older programs, on both engines."""

import importlib
import warnings

import numpy as np
import pytest

from comparisons.outcomes import check_program


def variable(e, *args, **named):
    return e.autograd.Variable(*args, **named)


def of_one_memory(e):
    """A Variable shows its tensor's memory, and its changes count for both."""
    x = e.zeros(2)
    v = variable(e, x)
    x.add_(1)
    return v, v is x, v.data_ptr() == x.data_ptr(), v._version


def as_before_0_4(e):
    """A network's gradient as it was written then."""
    e.manual_seed(0)
    w = variable(e, e.rand(3, 2).type(e.FloatTensor), requires_grad=True)
    x = variable(e, e.ones(4, 3), requires_grad=False)
    for _ in range(2):
        loss = (x.mm(w) - variable(e, e.ones(4, 2))).pow(2).sum()
        loss.backward()
        w.data -= 0.1 * w.grad.data
        w.grad.data.zero_()
    return loss.data, w, w.grad


VARIABLES = {
    "plain": lambda e: variable(e, e.ones(2)),
    "by name": lambda e: variable(e, data=e.ones(2), requires_grad=True),
    "by position": lambda e: variable(e, e.ones(2), True),
    "nothing": lambda e: (variable(e), variable(e, None)),
    "volatile": lambda e: variable(e, e.ones(2), volatile=True),
    "volatile by position": lambda e: variable(e, e.ones(2), False, True),
    "without history": lambda e: (x := e.ones(2, requires_grad=True), [variable(e, x), variable(e, x * 2)])[1],
    "of a parameter": lambda e: (v := variable(e, e.nn.Parameter(e.ones(2))), type(v)),
    "of integers": lambda e: variable(e, e.ones(2).long(), requires_grad=True),
    "of a number": lambda e: variable(e, 3),
    "of a list": lambda e: variable(e, [1.0]),
    "of an array": lambda e: variable(e, np.ones(2)),
    "isinstance": lambda e: [isinstance(x, e.autograd.Variable) for x in (e.ones(1), e.nn.Parameter(e.ones(1)), 3)],
    "class": lambda e: (e.autograd.Variable, e.autograd.variable.Variable is e.autograd.Variable),
    "one memory": of_one_memory,
    "training": as_before_0_4,
    "paths": lambda e: [
        e.autograd.grad_mode.no_grad is e.no_grad,
        e.autograd.anomaly_mode.detect_anomaly is e.autograd.detect_anomaly,
        e.autograd.function.Function is e.autograd.Function,
    ],
}


@pytest.mark.parametrize("name", VARIABLES)
def test_variable(name):
    check_program(name, VARIABLES[name])


def resized(x, *sizes):
    """The tensor, its strides, how often it was changed, and whether it is the same one."""
    y = x.resize_(*sizes)
    return y, y.stride(), y._version, y is x, y.storage_offset()


def resized_view(e):
    """A view goes on showing its base's memory."""
    a = e.arange(4.0)
    b = a.view(2, 2)
    b.resize_(3)
    a[0] = 9
    return a, b, b._is_view()


def larger(e):
    """What was there stays in front; what comes after it may be anything."""
    x = e.arange(3.0)
    y = x.resize_(2, 4)
    return y.shape, y.view(-1)[:3], y is x


def back_again(e):
    x = e.arange(4.0)
    return x.resize_(2), x.resize_(4)


def stored(e, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns the first time that there will be untyped ones only
        storage = x.storage()
        found = [list(storage), len(storage), storage.size(), storage[0], storage[-1], storage.dtype, repr(storage)]
        found += [storage.tolist(), storage.nbytes(), storage.element_size(), storage.data_ptr() == x.data_ptr()]
        storage[1] = 7
        changed = x.clone()
        storage.fill_(5)
        return found, changed, x, storage.untyped().nbytes(), storage.is_cuda


def of_storage(e, act):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return act(e.arange(4).storage())


def without_prefix(e, prefix):
    """A state dict of a network that was wrapped."""
    state = e.nn.Sequential(e.nn.Linear(1, 1), e.nn.BatchNorm1d(1)).state_dict(prefix="module.")
    state["other"] = 1
    result = e.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, prefix)
    return result, list(state), state._metadata


def at(e, path):
    """What has a path of PyTorch's."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"{e.__name__}.{module}"), name)


def required_option(e, **given):
    """The group of an optimizer that a course wrote, whose option has no default."""
    required = at(e, "optim.optimizer.required")
    optimizer = e.optim.Optimizer([{"params": [e.ones(2)], **given}], {"lr": required})
    return repr(required), optimizer.param_groups[0]["lr"]


def images(e):
    return e.arange(8.0).view(1, 2, 2, 2)


PROGRAMS = {
    "an option that each group brings": lambda e: required_option(e, lr=0.5),
    "an option that a group must bring": required_option,
    "path of default_collate": lambda e: at(e, "utils.data._utils.collate.default_collate")([(1, 2.0), (3, 4.0)]),
    "path of the scaler": lambda e: at(e, "cuda.amp.grad_scaler.GradScaler") is e.cuda.amp.GradScaler,
    "path of autocast": lambda e: at(e, "cuda.amp.autocast_mode.autocast") is e.cuda.amp.autocast,
    "range": lambda e: [e.range(1, 3), e.range(0, 1, 0.25), e.range(3, 1, -1), e.range(1, 2.5), e.range(1, 4, 2)],
    "range of a type": lambda e: [e.range(1, 3, dtype=e.int64), e.range(1, 3, 0.5, dtype=e.float64), e.range(1, 1)],
    "range, differentiated": lambda e: e.range(end=2, start=1, requires_grad=True),
    "range without an end": lambda e: e.range(3),
    "range, no step": lambda e: e.range(1, 3, 0),
    "range, wrong way": lambda e: e.range(3, 1),
    "range, infinite": lambda e: e.range(0, float("inf")),
    "hypot of integers": lambda e: e.hypot(e.tensor(3), e.tensor(4)),
    "hypot of a number": lambda e: e.hypot(e.tensor(3.0), 4),
    "hsplit, uneven": lambda e: e.hsplit(e.ones(2, 4), 3),
    "hsplit of a number": lambda e: e.hsplit(e.tensor(1), 2),
    "hsplit by a tensor": lambda e: e.ones(4).hsplit(e.tensor(2)),
    "hsplit by a fraction": lambda e: e.hsplit(e.ones(4), 2.0),
    "vsplit of a vector": lambda e: e.vsplit(e.ones(4), 2),
    "dsplit into none": lambda e: e.dsplit(e.ones(2, 2, 4), 0),
    "upsample": lambda e: [
        e.nn.functional.upsample(images(e), 3),
        e.nn.functional.upsample(images(e), scale_factor=2, mode="bilinear", align_corners=True),
    ],
    "NLLLoss2d": lambda e: e.nn.NLLLoss2d()(images(e).log_softmax(1), e.tensor([[[0, 1], [1, 1]]])),
    "elementwise_mean": lambda e: [
        e.nn.MSELoss(reduction="elementwise_mean")(e.arange(3.0), e.ones(3)),
        e.nn.functional.cross_entropy(e.eye(2), e.tensor([0, 0]), reduction="elementwise_mean"),
    ],
    "elementwise_mean of a loss that is younger": lambda e: e.nn.functional.gaussian_nll_loss(
        *e.ones(3, 2), reduction="elementwise_mean"
    ),
    "sigmoid and tanh": lambda e: [getattr(e.nn.functional, name)(images(e)) for name in ("sigmoid", "tanh")],
    "sparse": lambda e: e.ones(2).is_sparse,
    "smaller": lambda e: resized(e.arange(6.0), 2, 2),
    "as a tuple": lambda e: resized(e.arange(6.0), (2, 3)),
    "of a transposed one": lambda e: resized(e.arange(6.0).view(2, 3).t(), 3),
    "of every second": lambda e: resized(e.arange(6.0)[::2], 2),
    "from the third": lambda e: resized(e.arange(6.0)[2:], 3),
    "to nothing": lambda e: resized(e.arange(6.0), 0),
    "to a number": lambda e: resized(e.arange(6.0), ()),
    "larger": larger,
    "back again": back_again,
    "resized view": resized_view,
    "resized as": lambda e: resized(e.arange(6.0), e.ones(2, 1).shape) + (e.arange(6).resize_as_(e.ones(1, 2)),),
    "resized as a number": lambda e: e.ones(2).resize_as_(3),
    "resized to no size": lambda e: e.ones(2).resize_(),
    "resized to a negative size": lambda e: e.ones(2).resize_(-1),
    "resized leaf": lambda e: e.ones(2, requires_grad=True).resize_(1),
    "resized result": lambda e: (e.ones(2, requires_grad=True) * 2).resize_(1),
    "storage": lambda e: stored(e, e.arange(4.0)),
    "storage of a transposed tensor": lambda e: stored(e, e.arange(4).view(2, 2).t()),
    "storage of a view": lambda e: of_storage(e, list),
    "storage, as a tensor": lambda e: of_storage(e, lambda storage: [e.LongTensor(storage).fill_(7), *storage]),
    "storage, beyond": lambda e: of_storage(e, lambda storage: storage[5]),
    "storage, slice": lambda e: of_storage(e, lambda storage: storage[0:1]),
    "prefix": lambda e: without_prefix(e, "module."),
    "another prefix": lambda e: without_prefix(e, "net."),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    check_program(name, PROGRAMS[name])


def leaf(e):
    return e.arange(1.0, 7.0).view(2, 3).clone().requires_grad_()


def called(e, make, *grads, recorded=True):
    """What a node gives, and its gradient where it was recorded; the leaf's own stays as it was."""
    x = leaf(e)
    node = make(e, x).grad_fn
    with e.set_grad_enabled(recorded):
        found = node(*[e.ones(*shape) * 0.5 for shape in grads])
    results = found if isinstance(found, tuple) else (found,)
    tensors = [each for each in results if each is not None]
    found = [each.detach().clone() for each in tensors], [each.requires_grad for each in tensors], x.grad
    if tensors[0].requires_grad:
        (tensors[0] ** 2).sum().backward()
    return found, x.grad


def called_leaf(e):
    x = leaf(e)
    node = x.exp().grad_fn.next_functions[0][0]
    found = [node(e.ones(2, 3)), x.grad.clone()]
    node(e.ones(2, 3))
    return [*found, x.grad]


def called_twice(e):
    node = leaf(e).exp().grad_fn
    return node(e.ones(2, 3)), node(e.ones(2, 3))


def called_when_freed(e):
    y = leaf(e).exp()
    y.sum().backward()
    return y.grad_fn(e.ones(2, 3))


def called_with_hooks(e):
    """They are not called."""
    seen, y = [], leaf(e).exp()
    y.register_hook(lambda grad: seen.append("tensor"))
    y.grad_fn.register_hook(lambda *grads: seen.append("node"))
    y.grad_fn.register_prehook(lambda *grads: seen.append("before"))
    return y.grad_fn(e.ones(2, 3)), seen


def unrecorded(e, node, *grads):
    with e.no_grad():
        return node(*grads)


CALLS = {
    "exp": lambda e: called(e, lambda e, x: x.exp(), (2, 3)),
    "exp, unrecorded": lambda e: called(e, lambda e, x: x.exp(), (2, 3), recorded=False),
    "sum": lambda e: called(e, lambda e, x: x.sum(), ()),
    "product": lambda e: called(e, lambda e, x: x * x, (2, 3)),
    "broadcast": lambda e: called(e, lambda e, x: x * e.ones(4, 2, 3), (4, 2, 3)),
    "matrices": lambda e: called(e, lambda e, x: x @ x.detach().t(), (2, 2)),
    "several outputs": lambda e: called(e, lambda e, x: x.unbind(0)[0], (3,), (3,)),
    "convolution": lambda e: called(e, lambda e, x: e.nn.functional.conv1d(x[None], e.ones(2, 2, 2)), (1, 2, 2)),
    "leaf": called_leaf,
    "twice": called_twice,
    "freed": called_when_freed,
    "hooks": called_with_hooks,
    "no gradient": lambda e: leaf(e).exp().grad_fn(),
    "None": lambda e: leaf(e).exp().grad_fn(None),
    "None for one of two": lambda e: leaf(e).unbind(0)[0].grad_fn(e.ones(3), None),
    "None for one of two, unrecorded": lambda e: unrecorded(e, leaf(e).split(1)[0].grad_fn, None, e.ones(1, 3)),
    "too many gradients": lambda e: leaf(e).exp().grad_fn(e.ones(2, 3), e.ones(2, 3)),
    "a number": lambda e: leaf(e).exp().grad_fn(3),
    "another shape": lambda e: leaf(e).exp().grad_fn(e.ones(5)),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_node_is_called(name):
    check_program(name, CALLS[name])
