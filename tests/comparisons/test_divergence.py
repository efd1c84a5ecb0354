"""``first_divergence`` finds nothing where nothing differs, and each planted fault at its place, by its name."""

import copy

import numpy as np
import pytest
import torch

import minigrad
import torch_impl.models
from comparisons import first_divergence
from comparisons.graphs import GraphsDiffer
from minigrad import models
from minigrad.graph import accumulation, engine
from minigrad.ops import extremes, matmul, rectifiers

rng = np.random.default_rng(3)


def load_equal(ours, theirs):
    """Give ``ours`` the weights of ``theirs``, both in float64."""
    ours.double().load_state_dict(
        {name: minigrad.from_numpy(value.numpy()) for name, value in theirs.double().state_dict().items()}
    )
    return ours, theirs


@pytest.fixture
def resnets():
    torch.manual_seed(0)
    ours, theirs = load_equal(*[each.ResNet(each.ResidualBlock, [1] * 4, 10) for each in (models, torch_impl.models)])
    return ours, theirs, (rng.uniform(size=(2, 3, 64, 64)), np.array([3, 7]))


def perceptrons():
    torch.manual_seed(0)
    pair = [e.nn.Sequential(e.nn.Linear(4, 3), e.nn.ReLU(), e.nn.Linear(3, 2)) for e in (minigrad, torch)]
    return load_equal(*pair)


def residual(engine):
    """A module whose input is used twice."""

    class Residual(engine.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = engine.nn.Linear(4, 4)

        def forward(self, x):
            hidden = self.inner(x)
            return hidden.tanh() + hidden.sigmoid()

    return Residual()


def test_equal_models_do_not_part(resnets):
    ours, theirs, batch = resnets
    found = first_divergence(ours, theirs, batch)
    assert not found and str(found) == "No activation and no gradient differs."
    assert all(parameter.grad is None for parameter in ours.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in ours.modules())


def test_other_weights(resnets):
    ours, theirs, batch = resnets
    with minigrad.no_grad():
        ours.layer3[0].conv2.weight[1, 2, 0, 1] += 0.5
    found = first_divergence(ours, theirs, batch)
    assert found.activation.where == "weight before the call of module layer3.0.conv2 (Conv2d)"
    assert "index (1, 2, 0, 1)" in found.activation.message
    assert "load one's state_dict into both" in found.activation.causes[0]
    assert found.gradient is not None


def test_biased_running_variance(resnets, monkeypatch):
    ours, theirs, batch = resnets
    train = minigrad.nn.functional.batch_norm

    def biased(input, running_mean, running_var, *arguments):
        before = running_var.clone()
        output = train(input, running_mean, running_var, *arguments)
        n = input.numel() // input.shape[1]
        momentum = 0.1
        running_var.data.copy_(before * (1 - momentum) + (running_var - before * (1 - momentum)) * (n - 1) / n)
        return output

    monkeypatch.setattr("minigrad.nn.functional.batch_norm", biased)
    found = first_divergence(ours, theirs, batch)
    assert found.activation.where == "running_var of module bn1 (BatchNorm2d)"
    assert found.activation.causes[0].startswith("biased variance")
    assert found.gradient is None


def test_normalised_by_the_unbiased_variance(resnets, monkeypatch):
    ours, theirs, batch = resnets

    def unbiased(input, running_mean, running_var, weight, bias, training, momentum, eps):
        mean, variance = input.mean((0, 2, 3), keepdim=True), input.var((0, 2, 3), keepdim=True)
        normal = (input - mean) / (variance + eps).sqrt()
        return normal * weight.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)

    monkeypatch.setattr("minigrad.nn.functional.batch_norm", unbiased)
    found = first_divergence(ours, theirs, batch)
    assert found.activation.where == "output of module bn1 (BatchNorm2d)"
    assert found.activation.causes[0].startswith("unbiased variance")
    assert found.gradient is None  # the graphs differ too, so gradients cannot be aligned


def test_a_lost_accumulation(monkeypatch):
    ours, theirs = load_equal(residual(minigrad), residual(torch))

    def last_one_wins(waiting, output_nr, gradient):
        waiting[output_nr] = gradient

    assert not first_divergence(ours, theirs, rng.normal(size=(5, 4)))
    monkeypatch.setattr(engine, "add_to", last_one_wins)
    found = first_divergence(ours, theirs, rng.normal(size=(5, 4)))
    assert found.activation is None
    assert found.gradient.where == "the gradient that arrives at AddmmBackward0 in module inner"
    assert found.gradient.causes[0].startswith("a lost accumulation: the value is used 2 times")


def test_a_missing_unbroadcast(monkeypatch):
    ours, theirs = perceptrons()
    monkeypatch.setattr(accumulation, "summed_to", lambda gradient, shape: gradient[0])
    found = first_divergence(ours, theirs, rng.normal(size=(5, 4)))
    assert found.activation is None
    assert found.gradient.where == "the gradient that AddmmBackward0 in module 2 returns for its input 0"
    assert found.gradient.causes[0].startswith(
        "a gradient not summed over a broadcast: an input of shape [2] was repeated to [5, 2]"
    )


def test_a_tie(monkeypatch):
    """Where the ReLU's input is 0 its gradient is 0; here it is passed on."""
    ours, theirs = perceptrons()
    for model in (ours, theirs):
        model[0].weight.data.abs_()
        model[0].bias.data.abs_()
        model[0].weight.data[1] = 0
        model[0].bias.data[1] = 0

    def passes_zero(ctx, grad_z):
        (z,) = ctx.saved_tensors
        return grad_z * (z >= 0)

    monkeypatch.setattr(rectifiers.Relu, "backward", passes_zero)
    found = first_divergence(ours, theirs, np.abs(rng.normal(size=(5, 4))))
    assert found.gradient.where == "the gradient that ReluBackward0 in module 1 returns for its input 0"
    assert found.gradient.causes[0].startswith("a tie")


def test_a_tie_of_the_largest(monkeypatch):
    """Of equal values the first is the largest; here the last one is."""
    monkeypatch.setattr(
        extremes.Max, "choose", staticmethod(lambda x, dim: x.shape[dim] - 1 - np.argmax(np.flip(x, dim), dim))
    )
    ours, theirs = [e.nn.Sequential(e.nn.Identity()) for e in (minigrad, torch)]
    batch = np.array([[2.0, 2.0, 1.0], [0.0, 1.0, 1.0]])
    found = first_divergence(ours, theirs, batch, loss=lambda e, x, _: (x + weight(e)).max(1).values.sum())
    assert found.gradient.where == "the gradient that MaxBackward0 after the model returns for its input 0"
    assert found.gradient.causes[0].startswith("a tie")


def weight(e):
    return e.zeros(3, dtype=e.float64, requires_grad=True)


def test_a_nan_and_a_factor(monkeypatch):
    ours, theirs = perceptrons()
    batch = np.random.default_rng(3).normal(size=(5, 4))  # of which not all are 0 after the ReLU
    with monkeypatch.context() as patch:
        patch.setattr(rectifiers.Relu, "backward", lambda ctx, grad_z: grad_z * np.nan)
        assert first_divergence(ours, theirs, batch).gradient.causes[0].startswith("a NaN of ours alone")
    monkeypatch.setattr(matmul, "grad_of_second", lambda a, b, grad_z: 3 * (a.T @ grad_z))
    assert "ours is 3 times theirs" in str(first_divergence(ours, theirs, batch).gradient)


def test_models_of_another_shape():
    ours, theirs = perceptrons()
    deeper = minigrad.nn.Sequential(*ours, minigrad.nn.Identity())
    found = first_divergence(deeper, theirs, rng.normal(size=(5, 4)))
    assert found.activation.where.startswith(("the order of the modules", "the number of calls"))
    with pytest.raises(ValueError, match="there is no tolerance"):
        first_divergence(ours, theirs, rng.normal(size=(5, 4)), tolerance="loose")


def test_graphs_that_cannot_be_aligned():
    ours, theirs = perceptrons()
    with pytest.raises(GraphsDiffer, match="ours SumBackward0.*theirs MeanBackward0"):
        first_divergence(
            ours,
            theirs,
            rng.normal(size=(1, 4)),
            loss=lambda e, x, _: x[0, 0].sum() if e is minigrad else x[0, 0].mean(),
        )


def test_dropout_is_named():
    ours, theirs = [e.nn.Sequential(e.nn.Dropout(0.5)) for e in (minigrad, torch)]
    torch.manual_seed(1), minigrad.manual_seed(2)
    found = first_divergence(ours, theirs, np.ones((8, 8)), loss=lambda e, x, _: (x * weight(e)[0]).sum())
    assert "random numbers" in found.activation.causes[0]


def test_models_are_left_as_they_were():
    ours, theirs = perceptrons()
    before = copy.deepcopy(ours.state_dict())
    ours(minigrad.ones(1, 4, dtype=minigrad.float64)).sum().backward()
    kept = ours[0].weight.grad
    first_divergence(ours, theirs, rng.normal(size=(5, 4)))
    assert ours[0].weight.grad is kept
    assert all((before[name] == value).all() for name, value in ours.state_dict().items())
