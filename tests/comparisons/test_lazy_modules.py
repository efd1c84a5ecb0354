"""Layers that take their sizes from the first input, on both engines: before it, at it, and after it."""

import copy
import pickle

import pytest

import minigrad
from comparisons.outcomes import check_program


def ones(e, *shape, **named):
    return e.ones(*shape, **named)


LAYERS = {
    "Linear": (lambda e: e.nn.LazyLinear(3), (2, 4), (4,)),
    "Linear, no bias, float64": (lambda e: e.nn.LazyLinear(3, bias=False, dtype=e.float64), (2, 4), (4,)),
    "Conv1d": (lambda e: e.nn.LazyConv1d(4, 3, stride=2, padding=1, padding_mode="circular"), (2, 2, 8), (2, 8)),
    "Conv2d": (lambda e: e.nn.LazyConv2d(4, (3, 2), dilation=2, groups=2), (1, 2, 7, 7), (2, 7, 7)),
    "ConvTranspose1d": (lambda e: e.nn.LazyConvTranspose1d(4, 3, 2, 1, 1, 2, False), (2, 2, 5), (2, 5)),
    "ConvTranspose2d": (lambda e: e.nn.LazyConvTranspose2d(2, 3, dilation=2), (1, 3, 4, 4), (3, 4, 4)),
    "BatchNorm1d": (lambda e: e.nn.LazyBatchNorm1d(momentum=None, dtype=e.float64), (4, 3), (2, 3, 5)),
    "BatchNorm2d": (lambda e: e.nn.LazyBatchNorm2d(1e-3, dtype=e.float64), (4, 3, 2, 2), (4, 3, 2, 2)),
    "BatchNorm2d, no bias": (lambda e: e.nn.LazyBatchNorm2d(bias=False, dtype=e.float64), (4, 3, 2, 2), (4, 3, 2, 2)),
    "Conv3d": (lambda e: e.nn.LazyConv3d(4, (1, 3, 2), dilation=2, groups=2), (1, 2, 3, 7, 7), (2, 3, 7, 7)),
    "ConvTranspose3d": (lambda e: e.nn.LazyConvTranspose3d(2, 3, dilation=2), (1, 3, 1, 4, 4), (3, 2, 4, 4)),
    "BatchNorm3d": (lambda e: e.nn.LazyBatchNorm3d(dtype=e.float64), (2, 3, 2, 2, 2), (2, 3, 2, 2, 2)),
    "InstanceNorm1d": (lambda e: e.nn.LazyInstanceNorm1d(dtype=e.float64), (4, 3, 5), (3, 5)),
    "InstanceNorm2d": (lambda e: e.nn.LazyInstanceNorm2d(1e-3, dtype=e.float64), (4, 3, 2, 2), (3, 2, 2)),
    "InstanceNorm3d, bare": (
        lambda e: e.nn.LazyInstanceNorm3d(affine=False, dtype=e.float64),
        (1, 3, 2, 2, 2),
        (3, 2, 2, 2),
    ),
    "BatchNorm1d, bare": (lambda e: e.nn.LazyBatchNorm1d(affine=False, track_running_stats=False), (4, 3), (4, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    """What it prints, holds and computes; its numbers are drawn at the first forward."""
    make, first, second = LAYERS[name]

    def program(e):
        e.manual_seed(3)
        layer = make(e)
        found = [repr(layer), type(layer), e.rand(2), repr(layer.state_dict()), layer.has_uninitialized_params()]
        found += [(name, each.dtype, each.requires_grad) for name, each in layer.named_parameters()]
        dtype = next((each.dtype for each in layer.parameters()), e.float64)
        for shape in (first, second):
            x = e.rand(*shape, dtype=dtype, requires_grad=True)
            y = layer(x)
            (y * e.rand(y.shape, dtype=dtype)).sum().backward()
            found += [y, x.grad, *[each.grad for each in layer.parameters()]]
        return [*found, layer, type(layer), layer.state_dict(), len(layer._forward_pre_hooks), e.rand(2)]

    check_program(name, program)


def uninitialized(e, **named):
    return e.nn.parameter.UninitializedParameter(**named)


def begun(e):
    e.manual_seed(1)
    layer = e.nn.LazyLinear(3)
    layer(ones(e, 2, 4))
    return layer


def loaded(e, source, target, **named):
    """What loading says, and what the target then holds, before and after a forward."""
    result = target.load_state_dict(source.state_dict(), **named)
    held = [(name, type(each), repr(each)) for name, each in target.named_parameters()]
    return result, repr(target), held, target(ones(e, 2, 4)), target


def optimized(e, kind, **named):
    """An optimizer that is made before the first forward."""
    layer = e.nn.LazyLinear(3)
    optimizer = getattr(e.optim, kind)(layer.parameters(), **named)
    optimizer.zero_grad()
    e.manual_seed(1)
    for _ in range(3):
        optimizer.zero_grad()
        layer(ones(e, 2, 4)).square().sum().backward()
        optimizer.step()
    return layer.weight, layer.bias


def copied(e, how):
    """A copy has a first forward of its own."""
    e.manual_seed(1)
    layer = e.nn.LazyLinear(3)
    copy_of = how(layer)
    y = copy_of(ones(e, 2, 5))
    return layer, copy_of, y, len(layer._forward_pre_hooks), len(copy_of._forward_pre_hooks)


def own(e, initialize):
    class Scale(e.nn.modules.lazy.LazyModuleMixin, e.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = e.nn.UninitializedParameter()
            self.shift = e.nn.UninitializedBuffer(persistent=False)

        def forward(self, x):
            return x * self.scale + self.shift

    if initialize is not None:
        Scale.initialize_parameters = initialize
    module = Scale()
    names = [list(module.state_dict()), list(dict(module.named_buffers()))]
    return names, module(ones(e, 2, 3)), type(module) is Scale, type(module.scale), list(module.state_dict())


def initialize_both(self, x):
    self.scale.materialize(x.shape[1:])
    self.shift.materialize(x.shape[1:])
    self.scale.data.fill_(2)
    self.shift.fill_(1)


def own_that_resets_itself(e):
    """A lazy class of a plain one whose ``reset_parameters`` it calls, as PyTorch's do."""

    class LazyLinear(e.nn.modules.lazy.LazyModuleMixin, e.nn.Linear):
        def __init__(self):
            super().__init__(0, 0, bias=False)
            self.weight = e.nn.UninitializedParameter()

        def initialize_parameters(self, x):
            self.in_features = x.shape[-1]
            self.weight.materialize((2, self.in_features))
            self.reset_parameters()

    e.manual_seed(3)
    return LazyLinear()(ones(e, 2, 3))


def a_first_input_that_is_refused(e):
    """The sizes are taken from it all the same."""
    layer = e.nn.LazyBatchNorm2d()
    with pytest.raises(ValueError):
        layer(ones(e, 3, 5))
    return layer, type(layer), layer.weight


def to_another_type(e, change):
    e.manual_seed(1)
    layer = e.nn.Sequential(e.nn.LazyLinear(3), e.nn.LazyBatchNorm1d())
    change(layer)
    before = [each.dtype for each in [*layer.parameters(), *layer.buffers()]]
    layer(ones(e, 2, 4, dtype=layer[0].weight.dtype))
    return before, layer[0].weight.dtype, layer[1].running_mean, type(layer[1].running_var)


PROGRAMS = {
    "text": lambda e: (repr(uninitialized(e)), str(e.nn.UninitializedBuffer())),
    "what is known": lambda e: [
        (each.dtype, each.device, each.requires_grad, each.grad, each.is_leaf, each.is_floating_point(), each.data)
        for each in (uninitialized(e), uninitialized(e, requires_grad=False, dtype=e.float64))
    ],
    "number": lambda e: sum(each.numel() for each in e.nn.LazyLinear(3).parameters()),
    "shape": lambda e: uninitialized(e).shape,
    "dim": lambda e: uninitialized(e).dim(),
    "item": lambda e: uninitialized(e)[0],
    "arithmetic": lambda e: 1 + uninitialized(e),
    "product": lambda e: ones(e, 2, 2) @ uninitialized(e),
    "function": lambda e: e.nn.functional.relu(uninitialized(e)),
    "clone": lambda e: uninitialized(e).clone(),
    "copy of a buffer": lambda e: copy.deepcopy(e.nn.UninitializedBuffer()),
    "init": lambda e: e.nn.init.xavier_uniform_(e.nn.LazyLinear(3).weight),
    "apply": lambda e: e.nn.LazyLinear(3).apply(lambda module: e.nn.init.normal_(module.weight)),
    "apply to the plain class": lambda e: e.nn.LazyLinear(3).apply(
        lambda module: e.nn.init.ones_(module.weight) if type(module) is e.nn.Linear else None
    ),
    "apply after a dry run": lambda e: begun(e).apply(lambda module: e.nn.init.ones_(module.weight)).weight,
    "dry run without a record": lambda e: e.no_grad()(begun)(e).weight,
    "by name": lambda e: e.nn.LazyLinear(3)(input=ones(e, 2, 4)).shape,
    "no input": lambda e: e.nn.LazyLinear(3)(),
    "no tensor": lambda e: e.nn.LazyLinear(3)(1),
    "dimensions": lambda e: e.nn.LazyConv2d(3, 3)(ones(e, 5, 5)),
    "groups": lambda e: e.nn.LazyConv2d(4, 3, groups=2)(ones(e, 1, 3, 5, 5)),
    "refused input": a_first_input_that_is_refused,
    "reset": lambda e: e.nn.LazyConv1d(3, 3).reset_parameters(),
    "zero_grad": lambda e: e.nn.LazyLinear(3).zero_grad(),
    "clipped": lambda e: e.nn.utils.clip_grad_norm_(e.nn.LazyLinear(3).parameters(), 1.0),
    "materialize": lambda e: [
        (each.materialize((2, 3), dtype=dtype), type(each), each.shape, each.dtype, each.requires_grad, each._version)
        for each in (uninitialized(e, requires_grad=False), e.nn.UninitializedBuffer())
        for dtype in (None,)
    ],
    "materialize in another type": lambda e: (p := uninitialized(e), p.materialize((2,), dtype=e.float64), p.dtype)[2],
    "is_lazy": lambda e: [e.nn.parameter.is_lazy(each) for each in (uninitialized(e), ones(e, 2), None)],
    "state": lambda e: repr(e.nn.LazyBatchNorm1d().state_dict()),
    "state, themselves": lambda e: (m := e.nn.LazyLinear(3)).state_dict(keep_vars=True)["weight"] is m.weight,
    "load": lambda e: loaded(e, begun(e), e.nn.LazyLinear(3)),
    "load, assigned": lambda e: loaded(e, begun(e), e.nn.LazyLinear(3), assign=True),
    "load what is uninitialized": lambda e: (e.manual_seed(2), loaded(e, *[e.nn.LazyLinear(3) for _ in range(2)]))[1],
    "load what is uninitialized into a plain one": lambda e: loaded(e, e.nn.LazyLinear(3), begun(e)),
    "load a batch norm": lambda e: loaded(e, e.nn.BatchNorm1d(4), e.nn.LazyBatchNorm1d()),
    "load, other features": lambda e: loaded(e, e.nn.Linear(5, 3), e.nn.LazyLinear(3)),
    "load, no bias": lambda e: loaded(e, e.nn.Linear(4, 3, bias=False), e.nn.LazyLinear(3)),
    "SGD": lambda e: optimized(e, "SGD", lr=0.1, momentum=0.9),
    "Adam": lambda e: optimized(e, "Adam"),
    "deepcopy": lambda e: copied(e, copy.deepcopy),
    "pickle": lambda e: copied(e, lambda layer: pickle.loads(pickle.dumps(layer))),
    "own": lambda e: own(e, initialize_both),
    "own, which does not say how": lambda e: own(e, None),
    "own, left uninitialized": lambda e: own(e, lambda self, x: self.scale.materialize(x.shape)),
    "own, which resets itself": own_that_resets_itself,
    "double": lambda e: to_another_type(e, lambda layer: layer.double()),
    "to": lambda e: to_another_type(e, lambda layer: layer.to("cpu", e.float64)),
    "evaluation": lambda e: e.nn.LazyBatchNorm1d().eval()(ones(e, 2, 3)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    check_program(name, PROGRAMS[name])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: uninitialized(minigrad).numel(), "Attempted to use an uninitialized parameter"),
        (lambda: uninitialized(minigrad).shape, "Can't access the shape of an uninitialized parameter or buffer"),
        (lambda: minigrad.nn.LazyConv2d(3, 3)(minigrad.ones(5, 5)), "Expected 3D (unbatched) or 4D (batched) input"),
        (lambda: own(minigrad, None), "initialize_parameters is not implemented for Scale"),
    ],
)
def test_errors_have_pytorchs_words(call, told):
    with pytest.raises((ValueError, RuntimeError, NotImplementedError)) as caught:
        call()
    assert str(caught.value).startswith(told)
