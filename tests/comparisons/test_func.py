"""``func`` on both engines: gradients as functions, maps over batches, networks as functions of their parameters."""

import math
from collections import namedtuple

import pytest

import minigrad
from comparisons.outcomes import check_program

Pair = namedtuple("Pair", ["left", "right"])


def values(e, *shape):
    return (e.arange(float(math.prod(shape)), dtype=e.float64) / 3 + 0.3).reshape(*shape)


def hessian(e, function, argnums=0):
    """PyTorch's goes forward the second time, which takes it seconds to begin."""
    if e is minigrad:
        return e.func.hessian(function, argnums)
    return e.func.jacrev(e.func.jacrev(function, argnums), argnums)


def network(e):
    e.manual_seed(0)
    return e.nn.Sequential(e.nn.Linear(3, 4), e.nn.Tanh(), e.nn.BatchNorm1d(4), e.nn.Linear(4, 2)).double()


def loss(x, y):
    return (x.sin() * y).sum() + (x**2).sum()


# -------------------------------------------------------------------------------------------------------- gradients


def nested_gradients(e):
    grad, x = e.func.grad, e.tensor(0.7, dtype=e.float64)
    found = [grad(e.sin)(x), grad(grad(e.sin))(x), grad(grad(grad(lambda x: x**4)))(x)]
    found += [each.requires_grad for each in found]
    inner = grad(lambda x: x * grad(lambda y: x * y * y)(x))(x)  # the inner one by y, x held
    return [*found, inner, x.requires_grad, x.grad]


def gradients_of_nested_arguments(e):
    point = Pair(values(e, 2), [values(e, 3), {"a": values(e, 1)}])
    f = lambda p, k: p.left.sum() * p.right[0].exp().sum() + k * p.right[1]["a"].sum()  # noqa: E731
    found = [e.func.grad(f)(point, 3.0), e.func.grad_and_value(f, argnums=(0,))(point, k=2.0)]
    both = e.func.grad_and_value(lambda x, y: (loss(x, y), {"x": x * 2}), argnums=(1, -2), has_aux=True)
    return [*found, both(values(e, 2), values(e, 2)), e.func.grad(lambda x: (x.sum(), x), has_aux=True)(values(e, 2))]


def gradients_and_the_callers_graph(e):
    """The result has a history where an input, or something that the function sees, requires grad."""
    x, w = values(e, 3).requires_grad_(), values(e, 3).requires_grad_()
    found = [e.func.grad(lambda x: (x**3).sum())(x), e.func.grad(lambda x: (x * w).sin().sum())(x.detach())]
    gradients = [e.autograd.grad(each.sum(), into)[0] for each, into in zip(found, (x, w))]
    with e.no_grad():
        found.append(e.func.grad(lambda x: (x**3).sum())(x.detach()))
    found += [found[0].requires_grad, found[1].requires_grad, found[2].requires_grad]
    constant = e.func.grad(lambda x: e.ones(()) * 3)(values(e, 2))
    return [found, gradients, constant, e.func.grad(lambda x: x.detach().sum() + x[0])(values(e, 2))]


def products(e):
    x, y = values(e, 2, 2), values(e, 2)
    output, back = e.func.vjp(lambda x, y: (x @ y, {"s": x.sum()}), x, y)
    found = [output, back((values(e, 2), {"s": e.tensor(2.0, dtype=e.float64)})), output[0].requires_grad]
    output, back, aux = e.func.vjp(lambda x: (x.sin(), x * 2), y, has_aux=True)
    return [*found, output, back(output), back(output * 2), aux, aux.requires_grad]


def jacobians(e):
    x, y = values(e, 2), values(e, 3)
    f = lambda x, y: {"outer": e.outer(x, y), "sum": x.prod()}  # noqa: E731
    found = [e.func.jacrev(f)(x, y), e.func.jacrev(f, argnums=(0, 1))(x, y), e.func.jacrev(e.sin, chunk_size=1)(x)]
    found += [e.func.jacrev(e.sin)(x[0]), e.func.jacrev(lambda x: x[:0])(x), e.func.jacrev(lambda x: y)(x)]
    found += [e.func.jacrev(lambda x: (x.exp(), x), has_aux=True)(x), e.func.jacrev(lambda p: p["x"] ** 3)({"x": x})]
    return [*found, hessian(e, lambda x: (x**3).prod())(x), hessian(e, loss, argnums=(0, 1))(x, x + 1)]


GRADIENTS = {
    "nested": nested_gradients,
    "nested arguments": gradients_of_nested_arguments,
    "the caller's graph": gradients_and_the_callers_graph,
    "products": products,
    "jacobians": jacobians,
    "several numbers": lambda e: e.func.grad(lambda x: x)(values(e, 2)),
    "no tensor": lambda e: e.func.grad(lambda x: 5.0)(values(e, 2)),
    "no aux": lambda e: e.func.grad(lambda x: x.sum(), has_aux=True)(values(e, 2)),
    "no such argument": lambda e: e.func.grad(lambda x: x.sum(), argnums=1)(values(e, 2)),
    "no arguments": lambda e: e.func.grad(lambda x: x.sum(), argnums=())(values(e, 2)),
    "cotangents": lambda e: e.func.vjp(lambda x: (x, x), values(e, 2))[1]((values(e, 2),)),
    "chunks": lambda e: e.func.jacrev(lambda x: x, chunk_size=0),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    check_program(name, GRADIENTS[name])


def test_what_goes_forward_is_refused():
    for name, arguments in (("jvp", (max, (), ())), ("jacfwd", (max,)), ("linearize", (max,))):
        with pytest.raises(NotImplementedError, match="jacrev|functional.jvp"):
            getattr(minigrad.func, name)(*arguments)


# ------------------------------------------------------------------------------------------------------------- maps


def maps(e):
    x, y, vmap = values(e, 3, 2), values(e, 2, 3), e.vmap
    found = [vmap(e.dot)(x, x), vmap(e.dot, in_dims=(0, 1))(x, y), vmap(e.mul, in_dims=(None, 0))(x, values(e, 4))]
    found += [vmap(lambda x: x * 2, in_dims=-1, out_dims=1)(x), vmap(lambda x: (x, x.sum()), out_dims=(1, 0))(x)]
    found += [vmap(lambda pair: {"a": pair[0] + pair[1]["b"]}, in_dims=((0, {"b": 1}),))((x, {"b": y}))]
    found += [vmap(lambda p: Pair(p.left, p.right * 2))(Pair(x, x)), vmap(lambda x, k: x * k)(x, k=3)]
    found += [e.func.vmap is vmap]
    found += [vmap(vmap(e.mul, in_dims=(0, None)), in_dims=(None, 0))(values(e, 2), values(e, 3))]
    found += [vmap(lambda x: x[0], chunk_size=2)(x), vmap(lambda x, n: x * n, in_dims=(0, None))(x, 2)]
    return [*found, vmap(lambda x: (x.sum(), y), out_dims=(0, None))(x)]


def gradients_of_samples(e):
    net, x = network(e).eval(), values(e, 5, 3)
    parameters = {name: each.detach() for name, each in net.named_parameters()}
    buffers = dict(net.named_buffers())

    def loss_of(parameters, sample):
        return (e.func.functional_call(net, (parameters, buffers), sample.unsqueeze(0)) ** 2).sum()

    found = [e.vmap(e.func.grad(loss_of), in_dims=(None, 0))(parameters, x)]
    found += [e.vmap(e.func.jacrev(lambda x: x.sin() * x[0]))(x), e.func.jacrev(e.vmap(lambda x: x.sum() ** 2))(x)]
    leaf = x.clone().requires_grad_()
    e.vmap(lambda x: x.prod())(leaf).sum().backward()
    return [*found, leaf.grad, hessian(e, lambda x: e.vmap(e.sin)(x).sum())(values(e, 3))]


def randomness(e):
    x, found = e.zeros(3, 4, dtype=e.float64), []
    for kind in ("same", "different"):
        e.manual_seed(0)
        drawn = e.vmap(lambda x: x + e.rand(4, dtype=e.float64), randomness=kind)(x)
        found.append([(drawn[0] == drawn[1]).all(), drawn[0] if kind == "same" else drawn.shape, e.rand(1)])
    return found[0], found[1][:2]


MAPS = {
    "maps": maps,
    "gradients of samples": gradients_of_samples,
    "random numbers": randomness,
    "random numbers, not allowed": lambda e: e.vmap(lambda x: x + e.rand(2))(values(e, 3, 2)),
    "random numbers, of no kind": lambda e: e.vmap(e.sin, randomness="some")(values(e, 3)),
    "other sizes": lambda e: e.vmap(e.mul)(values(e, 2), values(e, 3)),
    "no arguments": lambda e: e.vmap(lambda: 3)(),
    "nothing mapped": lambda e: e.vmap(e.sin, in_dims=None)(values(e, 2)),
    "a number mapped": lambda e: e.vmap(e.mul)(values(e, 2), 3.0),
    "no such dim": lambda e: e.vmap(e.sin, in_dims=1)(values(e, 2)),
    "dims for others": lambda e: e.vmap(e.mul, in_dims=(0, 0, 0))(values(e, 2), values(e, 2)),
    "dims of no kind": lambda e: e.vmap(e.sin, in_dims="0")(values(e, 2)),
    "no tensors": lambda e: e.vmap(lambda x: 5)(values(e, 2)),
    "out_dims for others": lambda e: e.vmap(lambda x: (x, x), out_dims=(0,))(values(e, 2)),
    "out_dims without": lambda e: e.vmap(lambda x: x, out_dims=None)(values(e, 2)),
    "chunks": lambda e: e.vmap(e.sin, chunk_size=0)(values(e, 2)),
}


@pytest.mark.parametrize("name", MAPS)
def test_maps(name):
    check_program(name, MAPS[name])


# --------------------------------------------------------------------------------------------------------- networks


def called_with_others(e):
    net, x = network(e), values(e, 5, 3)
    given = {name: each.detach() * 2 for name, each in net.named_parameters()}
    buffers = {name: each.clone() for name, each in net.named_buffers()}
    before = {name: each.clone() for name, each in net.state_dict().items()}
    given["0.weight"].requires_grad_()
    call = e.func.functional_call
    y = call(net, (given, buffers), x)
    found = [y, e.autograd.grad((y**3).sum(), given["0.weight"]), buffers]
    found += [call(net, {"3.bias": e.zeros(2).double()}, (x,))]
    return [*found, before, dict(net.state_dict()), call(net, {}, kwargs={"input": x}), call(net, {"other": x}, x)]


class Tied:
    """A network of which one weight stands at two places."""

    def __new__(cls, e):
        net = e.nn.Sequential(e.nn.Linear(2, 2, bias=False), e.nn.Linear(2, 2, bias=False)).double()
        net[1].weight = net[0].weight
        return net


def tied(e):
    weight, x, call = values(e, 2, 2), values(e, 1, 2), e.func.functional_call
    e.manual_seed(0)
    net = Tied(e)
    found = [call(net, {"0.weight": weight}, x), call(net, {"1.weight": weight}, x, tie_weights=False)]
    return [*found, net[0].weight is net[1].weight, call(net, {"0.weight": weight, "1.weight": weight}, x)]


class Shifted:
    """A module with a tensor that is registered nowhere, and itself among its children."""

    def __new__(cls, e):
        class Module(e.nn.Module):
            def __init__(self):
                super().__init__()
                self.shift, self.name = e.ones(2), "n"
                self.inner = e.nn.Linear(2, 2).double()
                self.inner.outer = self

            def forward(self, x):
                return self.inner(x) + self.shift + len(list(self.parameters(recurse=False)))

        return Module()


def called_with_what_is_not_registered(e):
    e.manual_seed(0)
    net, call, x = Shifted(e), e.func.functional_call, values(e, 1, 2)
    given = {"shift": e.zeros(2), "inner.outer.inner.bias": e.ones(2).double(), "new": e.nn.Parameter(e.ones(1))}
    found = [call(net, given, x, tie_weights=False), call(net, {"inner.bias": None}, x, tie_weights=False)]
    return [*found, net(x), hasattr(net, "new"), net.inner.bias is not None]


def stacked_networks(e):
    nets = [network(e) for _ in range(3)]
    for number, net in enumerate(nets):
        net.eval()[0].weight.data.mul_(number + 1)
    parameters, buffers = e.func.stack_module_state(nets)
    found = [{name: each.shape for name, each in both.items()} for both in (parameters, buffers)]
    found += [all(each.is_leaf and each.requires_grad for each in parameters.values())]
    call = lambda p, b, x: e.func.functional_call(nets[0], (p, b), x)  # noqa: E731
    y = e.vmap(call, in_dims=(0, 0, None))(parameters, buffers, values(e, 2, 3))
    y.sum().backward()
    return [*found, y, parameters["0.weight"].grad]


NETWORKS = {
    "called with others": called_with_others,
    "called with what is not registered": called_with_what_is_not_registered,
    "what is no tensor": lambda e: e.func.functional_call(network(e), {"0.weight": 1.0}, values(e, 5, 3)),
    "instead of no tensor": lambda e: e.func.functional_call(
        Shifted(e), {"name": e.ones(2)}, values(e, 1, 2), tie_weights=False
    ),
    "no such child": lambda e: e.func.functional_call(network(e), {"9.bias": e.ones(1)}, values(e, 5, 3)),
    "tied": tied,
    "tied, several values": lambda e: e.func.functional_call(
        Tied(e), {"0.weight": values(e, 2, 2), "1.weight": values(e, 2, 2)}, values(e, 1, 2)
    ),
    "strict, missing": lambda e: e.func.functional_call(network(e), {}, values(e, 5, 3), strict=True),
    "strict, unexpected": lambda e: e.func.functional_call(
        e.nn.Linear(1, 1, bias=False), {"weight": e.ones(1, 1), "other": e.ones(1)}, e.ones(1), strict=True
    ),
    "twice": lambda e: e.func.functional_call(network(e), ({"0.bias": 1}, {"0.bias": 2}), values(e, 5, 3)),
    "no dictionaries": lambda e: e.func.functional_call(network(e), [1], values(e, 5, 3)),
    "after an error": lambda e: after_an_error(e),
    "older path": lambda e: __import__(f"{e.__name__}.nn.utils.stateless", fromlist=["*"]).functional_call(
        e.nn.Linear(1, 1).double(), {"bias": values(e, 1), "weight": values(e, 1, 1)}, values(e, 1)
    ),
    "stacked": stacked_networks,
    "stacked, none": lambda e: e.func.stack_module_state([]),
    "stacked, other classes": lambda e: e.func.stack_module_state([e.nn.ReLU(), e.nn.Tanh()]),
    "stacked, other modes": lambda e: e.func.stack_module_state([e.nn.ReLU(), e.nn.ReLU().eval()]),
    "stacked, frozen": lambda e: e.func.stack_module_state(
        [e.nn.Linear(1, 1), e.nn.Linear(1, 1).requires_grad_(False)]
    ),
}


def after_an_error(e):
    net = network(e)
    own = net[0].weight
    try:
        e.func.functional_call(net, {"0.weight": values(e, 7, 7)}, values(e, 5, 3))
    except RuntimeError:
        return net[0].weight is own


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name):
    check_program(name, NETWORKS[name])
