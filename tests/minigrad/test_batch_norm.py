"""Batch and group normalisation: fast kernels equal plain loops, gradients are right to second order. NumPy only."""

from itertools import permutations

import numpy as np
import pytest

import minigrad
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.kernels import batch_norm as kernels
from minigrad.nn import functional as F

SHAPES = {
    "images": (3, 4, 5, 6),
    "signals": (3, 4, 7),
    "rows": (5, 4),
    "one channel": (3, 1, 2, 2),
}
WAYS = ["contiguous", "channels last", "every second"]


def array(name, way, seed=0):
    shape = SHAPES[name]
    x = np.random.default_rng(seed).normal(3.0, 2.0, size=shape)
    if way == "channels last":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    if way == "every second":
        return np.repeat(x, 2, axis=-1)[..., ::2]
    return x


@pytest.mark.parametrize("piece", [1, 30, 1 << 15])
@pytest.mark.parametrize("row", [1, 13, 1 << 14])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SHAPES)
def test_kernels_are_the_plain_loops(name, way, row, piece, monkeypatch):
    monkeypatch.setattr(kernels, "PIECE", piece)
    monkeypatch.setattr(kernels, "ROW", row)
    x, grad = array(name, way), array(name, way, seed=1)
    channels = x.shape[1]
    factors = np.random.default_rng(2).normal(size=(4, channels))
    pairs = [
        (kernels.statistics(x), kernels.plain_statistics(x)),
        (kernels.backward_sums(grad, x, factors[0]), kernels.plain_backward_sums(grad, x, factors[0])),
        ([kernels.normalize(x, *factors[:3])], [kernels.plain_normalize(x, *factors[:3])]),
        ([kernels.input_gradient(grad, x, *factors)], [kernels.plain_input_gradient(grad, x, *factors)]),
    ]
    for ours, expected in pairs:
        for one, other in zip(ours, expected):
            assert np.allclose(one, other, rtol=1e-12, atol=1e-12)
    for result in (pairs[2][0][0], pairs[3][0][0]):
        assert result.shape == x.shape
        if way == "channels last":
            assert np.moveaxis(result, 1, -1).flags.c_contiguous


def test_gradient_of_another_memory_order():
    x, grad = array("images", "channels last"), array("images", "contiguous", seed=1)
    factors = np.random.default_rng(2).normal(size=(4, 4))
    assert np.allclose(kernels.input_gradient(grad, x, *factors), kernels.plain_input_gradient(grad, x, *factors))
    for ours, expected in zip(
        kernels.backward_sums(grad, x, factors[0]), kernels.plain_backward_sums(grad, x, factors[0])
    ):
        assert np.allclose(ours, expected)


@pytest.mark.parametrize("order", [*permutations(range(4)), *permutations(range(3)), *permutations(range(2))], ids=str)
def test_any_order_in_memory(order):
    """The result is written where it is returned from, however x and its gradient lie."""
    shape = (3, 4, 2, 5)[: len(order)]
    generator = np.random.default_rng(0)
    x, grad = [generator.normal(size=[shape[dim] for dim in order]).transpose(np.argsort(order)) for _ in range(2)]
    factors = generator.normal(size=(4, 4))
    assert x.shape == shape
    for other in (grad, np.ascontiguousarray(grad)):
        pairs = [
            (kernels.normalize(x, *factors[:3]), kernels.plain_normalize(x, *factors[:3])),
            (kernels.input_gradient(other, x, *factors), kernels.plain_input_gradient(other, x, *factors)),
        ]
        for ours, expected in pairs:
            assert np.allclose(ours, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("way", ["contiguous", "channels last"])
def test_float32_is_accurate_beside_a_large_mean(way):
    """As near to float64 as float32 comes, within three roundings, also where a mean is far from 0."""
    generator = np.random.default_rng(0)
    images, grad = (generator.normal(mean, 1.0, size=(16, 8, 24, 24)) for mean in (30.0, 3.0))
    results = []
    for kind in (np.float32, np.float64):
        x, grad_z = (each.astype(np.float32).astype(kind) for each in (images, grad))
        if way == "channels last":
            x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        x = minigrad.from_numpy(x).requires_grad_()
        z = F.batch_norm(x, None, None, training=True)
        z.backward(minigrad.from_numpy(grad_z))
        results.append([z.detach().numpy(), x.grad.numpy()])
    for ours, exact in zip(*results):
        assert np.linalg.norm(ours - exact) < 3 * 2**-24 * np.linalg.norm(exact)


@pytest.mark.parametrize("way", ["contiguous", "channels last"])
def test_float32_sums_are_accurate(way):
    x = np.random.default_rng(0).normal(100.0, 1.0, size=(8, 4, 64, 64)).astype(np.float32)
    if way == "channels last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    mean, variance = kernels.statistics(x)
    wide = x.astype(np.float64)
    assert np.allclose(mean, wide.mean((0, 2, 3)), rtol=1e-6)
    assert np.allclose(variance, wide.var((0, 2, 3)), rtol=2e-6)


def running():
    return minigrad.tensor([0.1, 0.2, -0.3, 0.5]).double(), minigrad.tensor([1.1, 0.2, 0.3, 0.5]).double()


CASES = {
    "training": lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
    "training, large eps": lambda x, w, b: F.batch_norm(x, None, None, w, b, True, eps=0.5),
    "evaluation": lambda x, w, b: F.batch_norm(x, *running(), w, b),
    "training, not affine": lambda x, w, b: F.batch_norm(x, None, None, None, None, True) * w.sum() * b.sum(),
    "groups": lambda x, w, b: F.group_norm(x, 2, w, b),
    "samples": lambda x, w, b: F.group_norm(x, 1, w, b),
    "instances": lambda x, w, b: F.instance_norm(x, None, None, w, b),
}


@pytest.mark.parametrize("way", ["contiguous", "channels last"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("unmeasured")
def test_gradients(name, way):
    x = np.random.default_rng(5).normal(size=(2, 4, 2, 2))
    if way == "channels last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    x = minigrad.from_numpy(x).requires_grad_()
    weight = minigrad.tensor([0.5, -1.0, 2.0, 1.5], dtype=minigrad.float64, requires_grad=True)
    bias = minigrad.tensor([0.1, 0.2, 0.3, 0.4], dtype=minigrad.float64, requires_grad=True)
    assert gradcheck(CASES[name], (x, weight, bias))
    assert gradgradcheck(CASES[name], (x, weight, bias))


def test_running_statistics():
    x = minigrad.tensor([[1.0, 10.0], [2.0, 10.0], [6.0, 40.0]])
    mean, variance = minigrad.zeros(2), minigrad.ones(2)
    F.batch_norm(x, mean, variance, training=True, momentum=0.25)
    assert np.allclose(mean.tolist(), [0.75, 5.0])
    assert np.allclose(variance.tolist(), [0.75 + 0.25 * 7.0, 0.75 + 0.25 * 300.0])  # unbiased
    before = mean.tolist()
    F.batch_norm(x, mean, variance)
    assert mean.tolist() == before


def test_an_average_of_all_batches():
    layer = minigrad.nn.BatchNorm1d(1, momentum=None)
    for value in (0.0, 3.0, 9.0):
        layer(minigrad.tensor([[value], [value + 2]]))
    assert layer.num_batches_tracked.item() == 3
    assert np.allclose(layer.running_mean.tolist(), [(1 + 4 + 10) / 3])


def test_reference_kernels_compute_with_the_plain_loops(monkeypatch):
    called = []
    plain = kernels.plain_statistics
    monkeypatch.setattr(kernels, "plain_statistics", lambda x: called.append(1) or plain(x))
    x = minigrad.tensor([[1.0, 10.0], [2.0, 10.0], [6.0, 40.0]])
    fast = F.batch_norm(x, None, None, training=True)
    assert not called
    with minigrad.reference_kernels():
        assert F.batch_norm(x, None, None, training=True).allclose(fast)
    assert called


def test_an_empty_batch():
    mean, variance = minigrad.zeros(4), minigrad.ones(4)
    weight = minigrad.ones(4, requires_grad=True)
    x = minigrad.zeros(0, 4, 2, requires_grad=True)
    z = F.batch_norm(x, mean, variance, weight, training=True)
    z.sum().backward()
    assert z.shape == x.shape == x.grad.shape
    assert weight.grad.tolist() == [0.0] * 4 and mean.tolist() == [0.0] * 4


def test_nothing_is_kept_of_an_unrecorded_call():
    layer = minigrad.nn.BatchNorm2d(2)
    with minigrad.no_grad():
        assert layer(minigrad.rand(2, 2, 3, 3)).grad_fn is None
    with minigrad.inference_mode():
        assert layer(minigrad.rand(2, 2, 3, 3)).is_inference()
    assert layer.num_batches_tracked.item() == 2


def test_dropped_channels():
    minigrad.manual_seed(0)
    x = minigrad.ones(50, 40, 2, 3)
    z = F.dropout2d(x, 0.25)
    channels = z.reshape(2000, 6)
    assert (channels == channels[:, :1]).all()
    assert set(np.unique(z.numpy())) == {np.float32(0), np.float32(1 / 0.75)}
    assert 0.2 < (z == 0).float().mean().item() < 0.3
    assert F.dropout1d(x[0, :, 0], 0.5).shape == (40, 3)
