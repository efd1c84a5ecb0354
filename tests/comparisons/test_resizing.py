"""Resizing against PyTorch: values, gradients to second order, graphs, types and refusals."""

import numpy as np
import pytest

from comparisons import check_operation, check_outcome

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 4, 6, 5))
LAST = np.ascontiguousarray(IMAGES.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
SIZES = [
    {"size": 3},
    {"size": (9, 4)},
    {"size": (1, 1)},
    {"size": [6, 5]},
    {"scale_factor": 2},
    {"scale_factor": (1.7, 0.6)},
    {"scale_factor": 1.3, "recompute_scale_factor": True},
]


def check(name, function, array):
    check_operation(name, function, array)
    check_operation(f"{name} of squares", lambda e, x: function(e, x * x), array)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("x", [IMAGES, LAST, IMAGES[:, 1:3, ::2]], ids=["contiguous", "channels last", "a slice"])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic", "area"])
def test_images(mode, x, sizes):
    if mode == "area" and sizes == {"size": (1, 1)} and x is LAST:
        return  # then PyTorch's graph has a node that restores the strides
    check(mode, lambda e, x: e.nn.functional.interpolate(x, mode=mode, **sizes), x)
    if mode in ("bilinear", "bicubic"):
        check(mode, lambda e, x: e.nn.functional.interpolate(x, mode=mode, align_corners=True, **sizes), x)


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_smooth_images(mode, sizes, corners):
    options = {"mode": mode, "align_corners": corners, "antialias": True, **sizes}
    check(mode, lambda e, x: e.nn.functional.interpolate(x, **options), IMAGES[:1, :2])


@pytest.mark.parametrize("sizes", [{"size": (3, 1, 9)}, {"scale_factor": 1.7}], ids=str)
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "trilinear", "area"])
def test_volumes(mode, sizes):
    check(mode, lambda e, x: e.nn.functional.interpolate(x, mode=mode, **sizes), IMAGES[None])
    if mode == "trilinear":
        options = {"mode": mode, "align_corners": True, **sizes}
        check(mode, lambda e, x: e.nn.functional.interpolate(x, **options), IMAGES[None])


@pytest.mark.parametrize("sizes", [{"size": 3}, {"size": (13,)}, {"scale_factor": 2.5}, {"scale_factor": 0.7}], ids=str)
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear", "area"])
def test_signals(mode, sizes):
    check(mode, lambda e, x: e.nn.functional.interpolate(x, mode=mode, **sizes), IMAGES[0])
    if mode == "linear":
        check(mode, lambda e, x: e.nn.functional.interpolate(x, mode=mode, align_corners=True, **sizes), IMAGES[0])


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_which_is_nearest(mode, kind):
    """Whole boundaries between elements included, where rounding decides; not of signals in the mode nearest-exact."""
    for old in range(1, 40, 3):
        row = np.arange(old, dtype=kind)
        for new in range(1, 60):
            for batch in ([[row.tolist()] * 2],) if mode == "nearest-exact" else ([row.tolist()], [[row.tolist()] * 2]):
                size = new if len(np.shape(batch)) == 2 else (2, new)
                check_outcome(
                    f"{mode}, {old} to {new}",
                    lambda e, batch=batch, size=size: e.nn.functional.interpolate(
                        e.tensor([batch], dtype=getattr(e, kind)), size=size, mode=mode
                    ),
                )


@pytest.mark.parametrize("kind", ["float16", "float32", "int64", "uint8", "bool"])
def test_types(kind):
    values = np.random.default_rng(2).integers(0, 9, (1, 4, 4, 4)).tolist()
    for options in ({"mode": "nearest"}, {"mode": "nearest-exact"}, {"mode": "bilinear"}, {"mode": "area"}):
        if kind == "uint8" and options["mode"] == "bilinear":
            continue  # PyTorch has it
        check_outcome(
            f"interpolate {options}",
            lambda e, options=options: e.nn.functional.interpolate(
                e.tensor(values).to(getattr(e, kind)), size=3, **options
            ),
        )
    check_outcome("pixel_shuffle", lambda e: e.pixel_shuffle(e.tensor(values).to(getattr(e, kind)), 2))
    check_outcome("pixel_unshuffle", lambda e: e.pixel_unshuffle(e.tensor(values).to(getattr(e, kind)), 2))


@pytest.mark.parametrize("x", [IMAGES[..., :4], LAST[..., :4], IMAGES[0, ..., :4], IMAGES[None, ..., :4]])
def test_pixels(x):
    check("pixel_shuffle", lambda e, x: e.nn.functional.pixel_shuffle(x, 2), x)
    check("pixel_unshuffle", lambda e, x: e.nn.functional.pixel_unshuffle(x, 2), x)


CALLS = {
    "no size": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4)),
    "both": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), 2, 2.0),
    "aligned nearest": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), 2, align_corners=False),
    "linear image": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), 2, mode="linear"),
    "bilinear signal": lambda f, e: f.interpolate(e.ones(1, 1, 4), 2, mode="bilinear"),
    "trilinear image": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), 2, mode="trilinear"),
    "unknown mode": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), 2, mode="some"),
    "too few dimensions": lambda f, e: f.interpolate(e.ones(4, 4), size=()),
    "two dimensions": lambda f, e: f.interpolate(e.ones(4, 4), 2),
    "size 0": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), 0),
    "three sizes": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), (1, 2, 3)),
    "three factors": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), scale_factor=(1, 2, 3)),
    "recomputed size": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), size=2, recompute_scale_factor=True),
    "size no int": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), size=2.5),
    "empty batch": lambda f, e: f.interpolate(e.ones(0, 1, 4, 4), 2),
    "no channels": lambda f, e: f.interpolate(e.ones(1, 0, 4, 4), 2),
    "no rows": lambda f, e: f.interpolate(e.ones(1, 1, 0, 4), 2),
    "to nothing": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), scale_factor=0.1),
    "antialias": lambda f, e: f.interpolate(e.ones(1, 1, 4, 4), 2, antialias=True),
    "shuffle by 0": lambda f, e: f.pixel_shuffle(e.ones(4, 4, 4), 0),
    "shuffle by -2": lambda f, e: f.pixel_shuffle(e.ones(4, 4, 4), -2),
    "shuffle three": lambda f, e: f.pixel_shuffle(e.ones(3, 4, 4), 2),
    "shuffle rows": lambda f, e: f.pixel_shuffle(e.ones(4, 4), 2),
    "shuffle by no int": lambda f, e: f.pixel_shuffle(e.ones(4, 4, 4), 2.0),
    "shuffle nothing": lambda f, e: f.pixel_shuffle(e.ones(0, 4, 3, 3), 2),
    "unshuffle height": lambda f, e: f.pixel_unshuffle(e.ones(1, 3, 4), 2),
    "unshuffle width": lambda f, e: f.pixel_unshuffle(e.ones(1, 4, 3), 2),
    "unshuffle by -1": lambda f, e: f.pixel_unshuffle(e.ones(1, 4, 4), -1),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    check_outcome(name, lambda e: CALLS[name](e.nn.functional, e))


LAYERS = {
    "Upsample": lambda n: n.Upsample(scale_factor=2),
    "Upsample to a size": lambda n: n.Upsample((3, 7), mode="bilinear", align_corners=True),
    "Upsample by two factors": lambda n: n.Upsample(scale_factor=(2, 3), mode="nearest-exact"),
    "UpsamplingNearest2d": lambda n: n.UpsamplingNearest2d(scale_factor=2),
    "UpsamplingBilinear2d": lambda n: n.UpsamplingBilinear2d(size=7),
    "PixelShuffle": lambda n: n.PixelShuffle(2),
    "PixelUnshuffle": lambda n: n.PixelUnshuffle(2),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    x = IMAGES[..., :4].tolist()
    check_outcome(name, lambda e: (repr(LAYERS[name](e.nn)), LAYERS[name](e.nn)(e.tensor(x))))
