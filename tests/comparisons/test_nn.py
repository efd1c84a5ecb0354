"""Layers, losses and initial weights against PyTorch: outputs, gradients to second order, graphs, and wrong use."""

import numpy as np
import pytest
import torch

import minigrad
from comparisons import check_operation, compare_values

ENGINES = {"minigrad": minigrad, "torch": torch}
X = np.array([[0.5, -1.25, 2.0], [1.5, 0.75, -0.5]])
Y = np.array([[1.0, 0.5, -0.25], [0.0, 2.0, 1.25]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 2, 3), (0, 3), (2, 0, 3)], ids=str)
def test_linear(shape, bias, dtype):
    results = []
    for e in ENGINES.values():
        e.manual_seed(4)
        layer = e.nn.Linear(3, 5, bias=bias, dtype=getattr(e, dtype))
        x = e.tensor(
            np.linspace(-1, 2, int(np.prod(shape))).reshape(shape), dtype=layer.weight.dtype, requires_grad=True
        )
        y = layer(x)
        (y * y).sum().backward()
        results.append([layer.weight, layer(x), x.grad, *[each.grad for each in layer.parameters()]])
    compare_values("initial weight", results[0][0], results[1][0], "exact").check()
    for ours, theirs in zip(*results):
        compare_values("Linear", ours, theirs, dtype).check()


def test_linear_of_what_is_not_contiguous():
    w = np.array([[0.5, -0.25, 1.0], [2.0, 0.75, -1.5]])

    def both_transposed(e, x, w, b):
        return e.nn.functional.linear(x.transpose(0, 1), w, b)

    check_operation("linear", both_transposed, np.linspace(-1, 1, 24).reshape(4, 2, 3), w, np.array([0.1, 0.2]))
    check_operation("of a column", lambda e, x, w, b: e.nn.functional.linear(x[:, 1], w, b), X.T @ Y, w, w[:, 0])


@pytest.mark.parametrize("shape", [(3,), (2, 3)], ids=str)
def test_linear_with_a_weight_of_one_dimension(shape):
    x = np.linspace(-1, 2, int(np.prod(shape))).reshape(shape)
    check_operation("linear", lambda e, x, w: e.nn.functional.linear(x, w), x, np.array([0.5, -0.25, 1.0]))


LAYERS = {
    "ReLU": lambda e: e.nn.ReLU(),
    "ReLU in place": lambda e: e.nn.ReLU(inplace=True),
    "Flatten": lambda e: e.nn.Flatten(0),
    "Flatten some": lambda e: e.nn.Flatten(start_dim=-2, end_dim=-1),
    "Identity": lambda e: e.nn.Identity(3, bias=False),
    "Sequential": lambda e: e.nn.Sequential(e.nn.Flatten(), e.nn.ReLU()),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    check_operation(name, lambda e, x: LAYERS[name](e)(x * 1) * x.sum(), X)


LOSSES = {
    "cross entropy": lambda e, x: e.nn.CrossEntropyLoss()(x, e.tensor([2, 0])),
    "cross entropy, sum": lambda e, x: e.nn.CrossEntropyLoss(reduction="sum")(x, e.tensor([2, 2])),
    "cross entropy, none": lambda e, x: e.nn.CrossEntropyLoss(reduction="none")(x, e.tensor([2, 0])),
    "cross entropy, weights": lambda e, x: e.nn.CrossEntropyLoss(weights(e))(x, e.tensor([2, 0])),
    "cross entropy, ignored": lambda e, x: e.nn.CrossEntropyLoss(weights(e), ignore_index=1)(x, e.tensor([2, 1])),
    "cross entropy of one": lambda e, x: e.nn.functional.cross_entropy(x[0], e.tensor(1)),
    "nll": lambda e, x: e.nn.NLLLoss()(x.log_softmax(1), e.tensor([1, 1])),
    "nll, weights, none": lambda e, x: e.nn.functional.nll_loss(x * x, e.tensor([1, 0]), weights(e), reduction="none"),
    "nll of bytes": lambda e, x: e.nn.functional.nll_loss(x * x, e.tensor([1, 0], dtype=e.uint8)),
    "mse": lambda e, x: e.nn.MSELoss()(x, e.tensor(Y)),
    "mse, sum": lambda e, x: e.nn.MSELoss(reduction="sum")(x, e.tensor(Y)),
    "mse, none": lambda e, x: e.nn.functional.mse_loss(x, e.tensor(Y), reduction="none"),
    "softmax": lambda e, x: e.nn.functional.softmax(x, 1) * e.tensor(Y),
    "log softmax": lambda e, x: e.nn.functional.log_softmax(x, dim=0) * e.tensor(Y),
    "relu": lambda e, x: e.nn.functional.relu(x) * x,
    "relu in place": lambda e, x: e.nn.functional.relu(x * 1, inplace=True),
}


def weights(e):
    return e.tensor([0.5, 2.0, 1.5], dtype=e.float64)


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name):
    check_operation(name, LOSSES[name], X)


def test_nothing_to_average_is_nan():
    for e in ENGINES.values():
        x = e.ones(2, 3, requires_grad=True)
        loss = e.nn.functional.cross_entropy(x, e.tensor([1, 1]), ignore_index=1)
        loss.backward()
        assert np.isnan(loss.item()) and x.grad.abs().sum().item() == 0


WRONG = {
    "linear, sizes": lambda e: e.nn.functional.linear(e.ones(2, 3), e.ones(4, 5)),
    "linear, sizes of many": lambda e: e.nn.functional.linear(e.ones(2, 2, 3), e.ones(4, 5), e.ones(4)),
    "linear, bias": lambda e: e.nn.functional.linear(e.ones(2, 3), e.ones(4, 3), e.ones(5)),
    "linear, types": lambda e: e.nn.functional.linear(e.ones(2, 3), e.ones(4, 3, dtype=e.float64)),
    "linear, types and bias": lambda e: e.nn.functional.linear(e.ones(2, 3), e.ones(4, 3), e.ones(4, dtype=e.float64)),
    "class too large": lambda e: e.nn.functional.cross_entropy(e.ones(2, 3), e.tensor([0, 3])),
    "class negative": lambda e: e.nn.functional.cross_entropy(e.ones(2, 3), e.tensor([0, -1])),
    "targets of float": lambda e: e.nn.functional.nll_loss(e.ones(2, 3), e.ones(2)),
    "another batch size": lambda e: e.nn.functional.cross_entropy(e.ones(2, 3), e.tensor([0])),
    "targets in two dimensions": lambda e: e.nn.functional.nll_loss(e.ones(2, 3), e.tensor([[0], [1]])),
    "weights of another size": lambda e: e.nn.functional.nll_loss(e.ones(2, 3), e.tensor([0, 1]), e.ones(2)),
    "scores without dimension": lambda e: e.nn.functional.nll_loss(e.tensor(1.0), e.tensor(0)),
    "reduction": lambda e: e.nn.functional.cross_entropy(e.ones(2, 3), e.tensor([0, 1]), reduction="median"),
    "mse reduction": lambda e: e.nn.functional.mse_loss(e.ones(2), e.ones(2), reduction="median"),
    "mse shapes": lambda e: e.nn.functional.mse_loss(e.ones(2), e.ones(3)),
    "gain": lambda e: e.nn.init.calculate_gain("staircase"),
    "kaiming of a vector": lambda e: e.nn.init.kaiming_uniform_(e.ones(3)),
    "kaiming mode": lambda e: e.nn.init.kaiming_uniform_(e.ones(3, 3), mode="fan_sideways"),
    "a parameter of integers": lambda e: e.nn.Parameter(e.tensor([1])),
}


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", WRONG)
def test_wrong_use(name):
    with pytest.raises(Exception) as theirs:
        WRONG[name](torch)
    with pytest.raises(theirs.type):
        WRONG[name](minigrad)


INITIAL = {
    "uniform_": lambda e, x: e.nn.init.uniform_(x, -2, 3),
    "constant_": lambda e, x: e.nn.init.constant_(x, 0.3),
    "ones_": lambda e, x: e.nn.init.ones_(x),
    "zeros_": lambda e, x: e.nn.init.zeros_(x),
    "kaiming_uniform_": lambda e, x: e.nn.init.kaiming_uniform_(x),
    "kaiming_uniform_, out": lambda e, x: e.nn.init.kaiming_uniform_(x, a=1, mode="fan_out"),
    "kaiming_uniform_, relu": lambda e, x: e.nn.init.kaiming_uniform_(x, nonlinearity="relu"),
}


@pytest.mark.parametrize("shape", [(4, 6), (4, 3, 2, 2), (0, 3)], ids=str)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("name", INITIAL)
def test_initial_weights(name, shape):
    results = []
    for e in ENGINES.values():
        e.manual_seed(11)
        x = e.zeros(*shape, requires_grad=True)
        assert INITIAL[name](e, x) is x and x.is_leaf and x.requires_grad
        results.append(x)
    compare_values(name, *results, "exact").check()


def test_normal_weights_and_gains():
    results = []
    for e in ENGINES.values():
        e.manual_seed(11)
        results.append(e.nn.init.normal_(e.zeros(40, requires_grad=True), 1.0, 2.0))
        for name, slope in [
            ("linear", None),
            ("relu", None),
            ("tanh", None),
            ("leaky_relu", 0.3),
            ("leaky_relu", None),
        ]:
            assert e.nn.init.calculate_gain(name, slope) == torch.nn.init.calculate_gain(name, slope)
    compare_values("normal_", *results, "float32").check()


# ------------------------------------------------------------------------------------- pieces: where the slope jumps

PIECES = {
    "leaky_relu": lambda f, x: f.leaky_relu(x, 0.25),
    "relu6": lambda f, x: f.relu6(x),
    "hardtanh": lambda f, x: f.hardtanh(x, -0.5, 2.0),
    "hardshrink": lambda f, x: f.hardshrink(x, 0.5),
    "softshrink": lambda f, x: f.softshrink(x, 0.5),
    "threshold": lambda f, x: f.threshold(x, 0.5, 2.0),
    "hardswish": lambda f, x: f.hardswish(x),
    "prelu": lambda f, x: f.prelu(x, x.detach()[:1] * 0.1),
    "prelu of a weight that counts": lambda f, x: f.prelu(x, x[:1] * 0.1),
    "elu": lambda f, x: f.elu(x, 2.5),
    "selu": lambda f, x: f.selu(x),
    "celu": lambda f, x: f.celu(x, 2.0),
    "softplus": lambda f, x: f.softplus(x, 2.0, 4.0),
    "relu": lambda f, x: f.relu(x),
    "abs": lambda f, x: x.abs(),
    "clamp": lambda f, x: x.clamp(-0.5, 2.0),
    "huber_loss": lambda f, x: f.huber_loss(x, x.detach() * 0, delta=0.5),
    "smooth_l1_loss": lambda f, x: f.smooth_l1_loss(x, x.detach() * 0, beta=0.5),
    "nll_loss": lambda f, x: f.nll_loss(x.reshape(1, -1), (x.detach()[:1] * 0).long()),
    "nll_loss of one": lambda f, x: f.nll_loss(x, (x.detach()[0] * 0).long(), reduction="sum"),
    "nll_loss of places": lambda f, x: f.nll_loss(x.reshape(1, -1, 1), (x.detach()[:1, None] * 0).long()),
    "x to the power of 0": lambda f, x: x**0,
}
AT_KINKS = [-3.0, -2.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 7.0]


@pytest.mark.parametrize("of_result", [False, True], ids=["", "weighed by what requires grad"])
@pytest.mark.parametrize("name", PIECES)
def test_second_derivatives_of_pieces(name, of_result):
    """The gradient requires grad where PyTorch's does, and has its gradients: zeros between kinks, and at them."""
    answers = []
    for e in (minigrad, torch):
        x = e.tensor(AT_KINKS, dtype=e.float64, requires_grad=True)
        y = PIECES[name](e.nn.functional, x * 1)
        weight = e.ones_like(y).detach().requires_grad_(of_result)
        (first,) = e.autograd.grad(y, x, weight, create_graph=True)
        answers.append([first.requires_grad, first.detach().clone().tolist()])
        if first.requires_grad:
            total = (first * e.arange(1.0, 13.0, dtype=e.float64)).sum()
            options = {"retain_graph": True, "allow_unused": True}
            for each in e.autograd.grad(total, [x, weight] if of_result else [x], **options):
                answers[-1].append(None if each is None else (each + 0.0).tolist())
    ours, theirs = answers
    assert len(ours) == len(theirs)
    for mine, yours in zip(ours, theirs):
        assert (mine is None) == (yours is None)
        assert mine is None or np.allclose(mine, yours, rtol=1e-12, atol=0)
