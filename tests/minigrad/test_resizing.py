"""Resizing: the fast kernels equal the plain loops, and the gradients are right to second order. NumPy only."""

import numpy as np
import pytest

import minigrad
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.kernels import resizing
from minigrad.nn import functional as F
from minigrad.ops.resizing import taps_of

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 3, 4, 5))
SMALL = IMAGES[:, :2, :, :4].copy()


def channels_last(images):
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


LAST = channels_last(IMAGES)


@pytest.mark.parametrize("x", [IMAGES, LAST], ids=["contiguous", "channels last"])
@pytest.mark.parametrize("size", [(4, 5), (8, 10), (3, 13), (1, 2)])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear", "linear, corners aligned"])
def test_kernels_are_the_plain_loops(mode, size, x):
    name, _, aligned = mode.partition(", ")
    rows, columns = [
        taps_of(name, old, new, None, bool(aligned), np.dtype(np.float64)) for old, new in zip(x.shape[2:], size)
    ]
    z = resizing.resize(x, rows, columns)
    assert z.shape[2:] == size
    assert np.allclose(z, resizing.plain_resize(x, rows, columns), rtol=1e-12, atol=1e-14)
    back = resizing.spread_resized(z, x.shape[2:], rows, columns)
    expected = resizing.plain_spread_resized(z, x.shape[2:], rows, columns)
    assert np.allclose(back, expected, rtol=1e-12, atol=1e-13)
    for result in (z, back):
        if x is LAST:
            assert result.transpose(0, 2, 3, 1).flags.c_contiguous
        else:
            assert result.flags.c_contiguous


CASES = {
    "nearest": lambda x: F.interpolate(x * x, size=(3, 9)),
    "nearest-exact": lambda x: F.interpolate(x * x, scale_factor=1.6, mode="nearest-exact"),
    "bilinear": lambda x: F.interpolate(x * x, size=(3, 9), mode="bilinear"),
    "bilinear, corners aligned": lambda x: F.interpolate(x * x, size=(7, 2), mode="bilinear", align_corners=True),
    "area": lambda x: F.interpolate(x * x, size=(3, 2), mode="area"),
    "nearest of signals": lambda x: F.interpolate((x * x)[0], size=7),
    "linear": lambda x: F.interpolate((x * x)[0], size=7, mode="linear"),
    "pixel_shuffle": lambda x: F.pixel_shuffle((x * x).transpose(1, 2), 2),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle((x * x)[..., :4], 2),
}


@pytest.mark.parametrize("array", [SMALL, channels_last(SMALL)], ids=["contiguous", "channels last"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("unmeasured")
def test_gradients(name, array):
    """The gradients of gradients for one picture: the same is done for each of a batch."""
    x, one = [minigrad.from_numpy(each).requires_grad_() for each in (array, array[1:])]
    assert gradcheck(CASES[name], (x,))
    assert gradgradcheck(CASES[name], (one,))


def test_infinity_does_not_spread_to_the_nearest_of_others():
    x = minigrad.tensor([[[1.0, np.inf, 2.0]]], requires_grad=True)
    z = F.interpolate(x, size=6)
    assert z.tolist() == [[[1.0, 1.0, np.inf, np.inf, 2.0, 2.0]]]
    z.backward(minigrad.tensor([[[np.inf, 1.0, 1.0, 1.0, 1.0, 1.0]]]))
    assert x.grad.tolist() == [[[np.inf, 2.0, 2.0]]]


def test_an_empty_batch():
    x = minigrad.zeros(0, 4, 2, 2, requires_grad=True)
    for z in (F.interpolate(x, size=3), F.interpolate(x, size=3, mode="bilinear"), F.pixel_shuffle(x, 2)):
        z.sum().backward()
        assert z.shape[0] == 0 and x.grad.shape == x.shape


def test_pixel_unshuffle_undoes_pixel_shuffle():
    x = minigrad.rand(2, 8, 3, 4)
    assert F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2).equal(x)
