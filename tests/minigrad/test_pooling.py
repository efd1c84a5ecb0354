"""Pooling: the fast kernels equal the plain loops, and the gradients are right to second order. NumPy only."""

import contextlib
import functools

import numpy as np
import pytest

import minigrad
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.kernels import adaptive_pooling, pooling
from minigrad.kernels.pooling import Windows
from minigrad.nn import functional as F

# size, kernel, stride, padding, dilation of the rows, then of the columns
GEOMETRIES = {
    "halves": ((6, 2, 2, 0, 1), (8, 2, 2, 0, 1)),
    "ResNet's": ((7, 3, 2, 1, 1), (8, 3, 2, 1, 1)),
    "overlapping": ((6, 3, 1, 1, 1), (5, 3, 1, 1, 1)),
    "gaps": ((9, 2, 3, 0, 1), (10, 1, 4, 0, 1)),
    "dilated": ((9, 3, 2, 1, 2), (8, 2, 1, 1, 3)),
    "nothing inside": ((2, 2, 1, 1, 3), (4, 2, 1, 1, 1)),
    "one window": ((4, 4, 4, 0, 1), (3, 3, 1, 0, 1)),
    "more than a byte": ((17, 17, 1, 0, 1), (18, 17, 1, 0, 1)),
}
BLOCKS = [8, 100, 1 << 17]


def windows(size, kernel, stride, padding, dilation):
    count = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    return Windows(count, kernel, stride, padding, dilation)


def images(name, kind, channels_last, dtype=np.float64, batch=2):
    rng = np.random.default_rng(0)
    shape = (batch, 3, *[each[0] for each in GEOMETRIES[name]])
    x = rng.normal(size=shape)
    if kind == "ties":
        x = np.round(x)
    if kind == "NaN":
        x[rng.random(shape) < 0.3] = np.nan
    if kind == "infinite":
        x[rng.random(shape) < 0.7] = -np.inf
    x = (x * 3).astype(dtype)
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2) if channels_last else x


def lies_as(x, channels_last):
    """Whether x lies in memory as asked for; pictures of one element lie in both ways."""
    return x.transpose(0, 2, 3, 1).flags.c_contiguous if channels_last else x.flags.c_contiguous


@functools.cache
def plainly_pooled(name, kind):
    """What the plain loops give, however pictures lie: the results, their numbers, a gradient, and where it goes."""
    rows, columns = [windows(*each) for each in GEOMETRIES[name]]
    x = images(name, kind, False)
    z, numbers = pooling.plain_max_pool(x, rows, columns)
    grad = np.random.default_rng(1).normal(size=z.shape)
    grad.ravel()[::7] = np.inf
    found = z, numbers, grad, pooling.plain_spread_to_windows(grad, numbers, x.shape[2:], rows, columns)
    for each in found:
        each.flags.writeable = False
    return found


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("kind", ["normal", "ties", "NaN", "infinite"])
@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.usefixtures("unmeasured")
def test_max_pool_is_the_plain_loop(name, kind, channels_last, block, monkeypatch):
    monkeypatch.setattr(pooling, "BLOCK", block)
    rows, columns = [windows(*each) for each in GEOMETRIES[name]]
    x = images(name, kind, channels_last)
    z, numbers = pooling.max_pool(x, rows, columns)
    expected, expected_numbers, grad, expected_spread = plainly_pooled(name, kind)
    assert np.array_equal(z, expected, equal_nan=True)
    assert np.array_equal(numbers, expected_numbers)
    assert numbers.dtype == (np.int32 if name == "more than a byte" else np.uint8)
    assert lies_as(z, channels_last)

    spread = pooling.spread_to_windows(grad, numbers, x.shape[2:], rows, columns)
    assert np.allclose(spread, expected_spread)
    assert lies_as(spread, channels_last) or name == "one window"  # whose gradient lies in both ways
    if name != "nothing inside":
        assert np.array_equal(pooling.pick_from_windows(x, numbers, rows, columns), z, equal_nan=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64, np.int8, np.uint8])
def test_max_pool_of_every_type(dtype):
    rows, columns = [windows(*each) for each in GEOMETRIES["ResNet's"]]
    x = images("ResNet's", "ties", False, dtype)
    for ours, expected in zip(pooling.max_pool(x, rows, columns), pooling.plain_max_pool(x, rows, columns)):
        assert ours.dtype == expected.dtype
        assert np.array_equal(ours, expected)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_sums_are_the_plain_loops(name, channels_last):
    rows, columns = [windows(*each) for each in GEOMETRIES[name]]
    x = images(name, "normal", channels_last)
    z = pooling.window_sums(x, rows, columns)
    assert np.allclose(z, pooling.plain_window_sums(x, rows, columns))
    spread = pooling.spread_window_sums(z, x.shape[2:], rows, columns)
    assert np.allclose(spread, pooling.plain_spread_window_sums(z, x.shape[2:], rows, columns))
    assert lies_as(z, channels_last)
    assert lies_as(spread, channels_last) or name == "one window"  # whose gradient lies in both ways


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("kind", ["normal", "ties", "NaN", "infinite"])
def test_windows_of_various_sizes_are_the_plain_loops(kind, channels_last):
    x = images("ResNet's", kind, channels_last)
    rows, columns = [(0, 3), (2, 5), (4, 7)], [(0, 2), (2, 8)]
    for ours, expected in zip(
        adaptive_pooling.adaptive_max_pool(x, rows, columns), adaptive_pooling.plain_adaptive_max_pool(x, rows, columns)
    ):
        assert np.array_equal(ours, expected, equal_nan=True)
    z = adaptive_pooling.span_sums(x, rows, columns)
    assert np.allclose(z, adaptive_pooling.plain_span_sums(x, rows, columns), equal_nan=True)
    spread = adaptive_pooling.spread_span_sums(z, x.shape[2:], rows, columns)
    assert np.allclose(spread, adaptive_pooling.plain_spread_span_sums(z, x.shape[2:], rows, columns), equal_nan=True)


def test_ties_go_to_the_first_and_nan_to_the_last():
    x = minigrad.tensor([[[2.0, 5.0, 5.0], [5.0, 1.0, 0.0]]], requires_grad=True)
    value, index = F.max_pool2d(x, (2, 3), return_indices=True)
    assert (value.item(), index.item()) == (5.0, 1)
    value.backward()
    assert x.grad.tolist() == [[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]
    with_nan = minigrad.tensor([[[1.0, np.nan, 3.0], [np.nan, 9.0, 2.0]]])
    for _, place in (F.max_pool2d(with_nan, (2, 3), return_indices=True), F.adaptive_max_pool2d(with_nan, 1, True)):
        assert place.item() == 3


def test_an_infinite_gradient_stays_where_it_belongs():
    x = minigrad.tensor([[1.0, 2.0, 3.0, 0.0]], requires_grad=True)
    F.max_pool1d(x, 2).backward(minigrad.tensor([[np.inf, np.nan]]))
    assert np.array_equal(x.grad.numpy(), [[0, np.inf, np.nan, 0]], equal_nan=True)


def test_reference_kernels_compute_with_the_plain_loops(monkeypatch):
    called = []
    plain = pooling.plain_max_pool
    monkeypatch.setattr(pooling, "plain_max_pool", lambda *inputs: called.append(1) or plain(*inputs))
    x = minigrad.rand(1, 1, 4, 4)
    fast = F.max_pool2d(x, 2)
    assert not called
    with minigrad.reference_kernels():
        assert F.max_pool2d(x, 2).equal(fast)
    assert called


RNG = np.random.default_rng(3)
IMAGES = RNG.permutation(48).reshape(2, 2, 3, 4) / 10.0 - 2.4  # no two are equal
LAST = np.ascontiguousarray(IMAGES.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
CASES = {
    "max_pool2d": lambda x: F.max_pool2d(x * x * x, (2, 3), 2, (1, 1)),
    "max_pool2d dilated": lambda x: F.max_pool2d(x * x * x, (2, 3), 1, (0, 1), (1, 2), ceil_mode=True),
    "max_pool1d": lambda x: F.max_pool1d((x * x * x)[0], 3, 2, 1),
    "avg_pool2d": lambda x: F.avg_pool2d(x * x * x, (2, 3), 2, 1, ceil_mode=True),
    "avg_pool2d, padding not counted": lambda x: F.avg_pool2d(x * x, (2, 3), 2, 1, count_include_pad=False),
    "avg_pool2d, divisor": lambda x: F.avg_pool2d(x * x, 2, divisor_override=3),
    "avg_pool1d": lambda x: F.avg_pool1d((x * x)[-1], 3, 2, 1),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x * x * x, (2, 3)),
    "adaptive_avg_pool2d to one": lambda x: F.adaptive_avg_pool2d(x * x * x, 1),
    "adaptive_avg_pool1d": lambda x: F.adaptive_avg_pool1d((x * x)[0], 3),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x * x * x, (2, 3)),
    "adaptive_max_pool1d": lambda x: F.adaptive_max_pool1d((x * x * x)[0], 3),
}


@pytest.mark.parametrize("array", [IMAGES, LAST], ids=["contiguous", "channels last"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("unmeasured")
def test_gradients(name, array):
    """The gradients of gradients for one picture: the same is done for each of a batch."""
    x, one = [minigrad.from_numpy(each).requires_grad_() for each in (array, array[1:])]
    assert gradcheck(CASES[name], (x,))
    assert gradgradcheck(CASES[name], (one,))


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"])
def test_an_empty_batch(name):
    x = minigrad.zeros(0, 2, 4, 6, requires_grad=True)
    z = getattr(F, name)(x, 2)
    assert z.shape == (0, 2, 2, 2 if "adaptive" in name else 3)
    z.sum().backward()
    assert x.grad.shape == x.shape


def test_what_is_changed_after_max_pool_is_noticed():
    x = minigrad.rand(1, 1, 4, 4, requires_grad=True) * 1
    z = F.max_pool2d(x, 2)
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


VOLUMES = {
    "max_pool3d": lambda x: F.max_pool3d(x, (2, 3, 2), 2, 1, return_indices=True),
    "avg_pool3d": lambda x: F.avg_pool3d(x, 3, 2, 1, ceil_mode=True),
    "adaptive_max_pool3d": lambda x: F.adaptive_max_pool3d(x, (2, 3, 3), return_indices=True),
    "adaptive_avg_pool3d": lambda x: F.adaptive_avg_pool3d(x, (2, 3, 3)),
    "conv3d": lambda x: F.conv3d(x, x[:, :, 1:3, :3, :2], None, (1, 2, 1), (1, 0, 1), (2, 1, 1)),
    "interpolate": lambda x: F.interpolate(x, (3, 6, 4), mode="trilinear"),
}


@pytest.mark.parametrize("name", VOLUMES)
def test_volumes_are_the_plain_loops(name):
    """Results, places, ties and NaN, and gradients."""
    found = []
    for plain in (False, True):
        x = minigrad.tensor(np.random.default_rng(0).normal(size=(2, 2, 4, 5, 5)).round(1), requires_grad=True)
        if name.endswith("max_pool3d"):
            x.detach()[0, 0, 1, 2, 3] = np.nan
        with minigrad.reference_kernels() if plain else contextlib.nullcontext():
            results = VOLUMES[name](x)
            results = results if isinstance(results, tuple) else (results,)
            results[0].nan_to_num().pow(2).sum().backward()
        found.append([*[each.detach().numpy() for each in results], x.grad.numpy()])
    for fast, slow in zip(*found):
        np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-13)
