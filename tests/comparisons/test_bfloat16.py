"""bfloat16 on both engines, bit for bit where a result is one step of arithmetic. Its other samples are among those of
``test_operator_database.py``."""

import io
import sys

import numpy as np
import pytest
import torch

import minigrad
from comparisons.conversion import as_minigrad
from minigrad.dtypes import bfloat16_type

A, B, M, N = (
    torch.randn(shape, generator=torch.Generator().manual_seed(1)).bfloat16() for shape in (60, 60, (6, 9), (9, 5))
)

ONE_STEP = [
    lambda t, a, b, m, n: a + b,
    lambda t, a, b, m, n: a + 0.3,
    lambda t, a, b, m, n: 1.1 - a,
    lambda t, a, b, m, n: a * b,
    lambda t, a, b, m, n: a * 1.1,
    lambda t, a, b, m, n: a / 1.1,
    lambda t, a, b, m, n: a**2,
    lambda t, a, b, m, n: a.exp(),
    lambda t, a, b, m, n: t.where(a > 0, a, b),
    lambda t, a, b, m, n: a.clamp(-0.7, 0.33),
    lambda t, a, b, m, n: m.sum(-1),
    lambda t, a, b, m, n: m.mean(0),
    lambda t, a, b, m, n: m.cumsum(1),
    lambda t, a, b, m, n: m @ n,
    lambda t, a, b, m, n: t.nn.functional.linear(m, n.t()),
    lambda t, a, b, m, n: t.nn.functional.avg_pool2d(m[None], 2),
    lambda t, a, b, m, n: t.nn.functional.adaptive_avg_pool2d(m[None], (3, 3)),
    lambda t, a, b, m, n: a[::2].flip(0).reshape(5, 6),
    lambda t, a, b, m, n: t.cat([a, b]).view(2, -1).transpose(0, 1),
    lambda t, a, b, m, n: a + b.float(),
    lambda t, a, b, m, n: a * t.arange(60),
]


def numbers(tensor):
    return tensor.detach().float().numpy()


@pytest.mark.parametrize("program", ONE_STEP)
def test_one_step_rounds_as_pytorch_does(program):
    theirs = [each.clone().requires_grad_() for each in (A, B, M, N)]
    ours = as_minigrad(theirs)
    expected, found = program(torch, *theirs), program(minigrad, *ours)
    assert str(found.dtype) == str(expected.dtype).replace("torch", "minigrad")
    np.testing.assert_array_equal(numbers(found), numbers(expected))
    expected.sum().backward()
    found.sum().backward()
    for ours_grad, theirs_grad in zip([each.grad for each in ours], [each.grad for each in theirs]):
        assert (ours_grad is None) == (theirs_grad is None)
        if ours_grad is not None:
            assert ours_grad.dtype is minigrad.bfloat16
            np.testing.assert_array_equal(numbers(ours_grad), numbers(theirs_grad))


WITH_NAN = {
    "argsort": lambda t, x: x.argsort(),
    "sort, descending": lambda t, x: x.sort(descending=True).values,
    "topk": lambda t, x: x.topk(4, largest=False).values,
    "kthvalue": lambda t, x: x.kthvalue(2).values,
    "nanmedian": lambda t, x: x.nanmedian(0).values,
    "unique": lambda t, x: x.unique(),
    "bucketize": lambda t, x: t.bucketize(x, x[3:4]),
}


@pytest.mark.parametrize("name", WITH_NAN)
def test_nan_is_the_largest_number(name):
    x = torch.tensor([torch.nan, torch.inf, 1e4, 0.0, -1e4, -torch.inf]).bfloat16()
    expected, found = WITH_NAN[name](torch, x), WITH_NAN[name](minigrad, as_minigrad(x))
    np.testing.assert_array_equal(numbers(found), numbers(expected))


def trained(engine):
    """The losses of a small network that is trained in bfloat16."""
    engine.manual_seed(0)
    model = engine.nn.Sequential(engine.nn.Linear(8, 16), engine.nn.ReLU(), engine.nn.Linear(16, 3)).bfloat16()
    optimizer = engine.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = engine.randn(32, 8, dtype=engine.bfloat16), engine.randint(0, 3, (32,))
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = engine.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_a_network_is_trained():
    assert trained(minigrad) == pytest.approx(trained(torch), rel=2e-2)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda t: t.nn.BatchNorm1d(9),
        lambda t: t.nn.LayerNorm(9),
        lambda t: t.nn.GroupNorm(3, 9),
        lambda t: t.nn.Sequential(t.nn.Unflatten(1, (3, 3)), t.nn.InstanceNorm1d(3, affine=True)),
    ],
)
def test_normalisation_with_parameters_of_float32(layer, dtype):
    found = []
    for engine in (minigrad, torch):
        x = (as_minigrad(M) if engine is minigrad else M).detach().to(getattr(engine, dtype)).requires_grad_()
        module = layer(engine)
        z = module(x)
        (z * z * z.detach().cos()).sum().backward()
        found.append([z, x.grad, *[each.grad for each in module.parameters()]])
    for ours, theirs in zip(*found):
        assert str(ours.dtype) == str(theirs.dtype).replace("torch", "minigrad")
        np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=2e-2, atol=6e-2)


def test_checkpoints_go_both_ways():
    """One of PyTorch's is read, and one of minigrad's is read by PyTorch."""
    file = io.BytesIO()
    torch.save({"m": M}, file)
    read = minigrad.load(io.BytesIO(file.getvalue()))["m"]
    assert read.dtype is minigrad.bfloat16
    np.testing.assert_array_equal(numbers(read), numbers(M))
    file = io.BytesIO()
    minigrad.save({"m": read * 1.5}, file)
    assert torch.equal(torch.load(io.BytesIO(file.getvalue()))["m"], M * 1.5)


@pytest.mark.parametrize(
    "ask",
    [
        lambda t: t.tensor([1.5, 2.123456], dtype=t.bfloat16),
        lambda t: t.rand(3, dtype=t.bfloat16),
        lambda t: t.randn(40, dtype=t.bfloat16).sum(),
        lambda t: t.arange(300, dtype=t.bfloat16)[-5:],
        lambda t: t.linspace(0, 1, 7, dtype=t.bfloat16),
        lambda t: t.tensor(1.5).bfloat16().item(),
        lambda t: t.BFloat16Tensor([1, 2]).type(),
        lambda t: t.promote_types(t.bfloat16, t.float16),
        lambda t: t.finfo(t.bfloat16),
        lambda t: t.ones(2, dtype=t.bfloat16).numpy(),
        lambda t: t.ones(2, dtype=t.bfloat16).element_size(),
    ],
)
def test_what_it_says_of_itself(ask):
    told = []
    for engine in (minigrad, torch):
        engine.manual_seed(0)
        try:
            told.append(str(ask(engine)))
        except TypeError as error:
            told.append(str(error).partition(":")[0])
    assert told[0].replace("minigrad", "torch") == told[1]


def test_without_ml_dtypes_it_is_refused(monkeypatch):
    bfloat16_type.cache_clear()
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    try:
        with pytest.raises(ImportError, match=r"pip install 'minigrad\[bfloat16\]'"):
            minigrad.ones(2).to(minigrad.bfloat16)
    finally:
        bfloat16_type.cache_clear()
