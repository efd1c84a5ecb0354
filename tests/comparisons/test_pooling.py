"""Pooling against PyTorch: values, indices, gradients to second order, graphs, types and refusals."""

import numpy as np
import pytest
import torch

from comparisons import check_operation, check_outcome

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(3, 4, 7, 6))
LAST = np.ascontiguousarray(IMAGES.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
WITH_NAN = np.where(RNG.random(IMAGES.shape) < 0.2, np.nan, IMAGES)
INPUTS = {
    "contiguous": IMAGES,
    "channels last": LAST,
    "ties": np.round(IMAGES),
    "one image": IMAGES[0],
    "a slice": IMAGES[:, 1:3, ::2, 1:],
}
# kernel_size, stride, padding, dilation, ceil_mode
WINDOWS = [
    (2, None, 0, 1, False),
    (3, 2, 1, 1, False),
    (3, 2, 1, 1, True),
    ((2, 3), (1, 2), (1, 1), (2, 1), True),
    (2, 3, 0, 1, True),
    ((3,), (2,), (1,), (1,), True),
]


def squared(function):
    """``function``, its result squared, so that there is a second derivative."""

    def composed(e, x):
        result = function(e, x)
        if isinstance(result, tuple):
            return result[0] * result[0], result[1]
        return result * result

    return composed


def check(name, function, array):
    check_operation(name, function, array)
    check_operation(f"{name}, squared", squared(function), array)


@pytest.mark.parametrize("windows", WINDOWS, ids=str)
@pytest.mark.parametrize("kind", INPUTS)
def test_windows(kind, windows):
    kernel, stride, padding, dilation, ceil = windows
    x = INPUTS[kind]
    check("max_pool2d", lambda e, x: e.nn.functional.max_pool2d(x, kernel, stride, padding, dilation, ceil), x)
    check(
        "max_pool2d, indices",
        lambda e, x: e.nn.functional.max_pool2d(x, kernel, stride, padding, dilation, ceil, return_indices=True),
        x,
    )
    check("avg_pool2d", lambda e, x: e.nn.functional.avg_pool2d(x, kernel, stride, padding, ceil), x)
    check("avg_pool2d", lambda e, x: e.nn.functional.avg_pool2d(x, kernel, stride, padding, ceil, False), x)
    check(
        "avg_pool2d", lambda e, x: e.nn.functional.avg_pool2d(x, kernel, stride, padding, ceil, divisor_override=5), x
    )


@pytest.mark.parametrize("windows", [(2, None, 0, 1, False), (3, 2, 1, 1, True), (2, 3, 1, 2, True)], ids=str)
@pytest.mark.parametrize("x", [IMAGES[0], IMAGES[0, 0], LAST[0]], ids=["batch", "one signal", "channels last"])
def test_windows_of_signals(x, windows):
    kernel, stride, padding, dilation, ceil = windows
    check("max_pool1d", lambda e, x: e.nn.functional.max_pool1d(x, kernel, stride, padding, dilation, ceil), x)
    check("max_pool1d", lambda e, x: e.max_pool1d(x, kernel, stride, padding, dilation, ceil), x)
    check(
        "max_pool1d_with_indices",
        lambda e, x: e.nn.functional.max_pool1d_with_indices(x, kernel, stride, padding, dilation, ceil),
        x,
    )
    check("avg_pool1d", lambda e, x: e.avg_pool1d(x, kernel, stride, padding, ceil), x)
    check("avg_pool1d", lambda e, x: e.nn.functional.avg_pool1d(x, kernel, stride, padding, ceil, False), x)


@pytest.mark.parametrize("size", [1, 2, 3, (5, 2), (None, 3), (9, 8), (1, 3)], ids=str)
@pytest.mark.parametrize("kind", INPUTS)
def test_adaptive(kind, size):
    x = INPUTS[kind]
    if not (size == 1 and kind == "channels last"):  # then PyTorch's graph has a node that restores the strides
        check("adaptive_avg_pool2d", lambda e, x: e.nn.functional.adaptive_avg_pool2d(x, size), x)
    check("adaptive_max_pool2d", lambda e, x: e.nn.functional.adaptive_max_pool2d(x, size), x)
    check("adaptive_max_pool2d", lambda e, x: e.nn.functional.adaptive_max_pool2d(x, size, return_indices=True), x)


@pytest.mark.parametrize("size", [1, 2, 4, 9, (3,)], ids=str)
@pytest.mark.parametrize("x", [IMAGES[0], IMAGES[0, 0]], ids=["batch", "one signal"])
def test_adaptive_of_signals(x, size):
    check("adaptive_avg_pool1d", lambda e, x: e.adaptive_avg_pool1d(x, size), x)
    check("adaptive_max_pool1d", lambda e, x: e.nn.functional.adaptive_max_pool1d(x, size), x)
    check("adaptive_max_pool1d", lambda e, x: e.nn.functional.adaptive_max_pool1d(x, size, True), x)


MANY = np.random.default_rng(3).normal(size=(36, 250, 2, 2, 2))  # windows in a column, more than NumPy takes at once
IN_A_COLUMN = {
    "adaptive, signals": lambda e, x: e.nn.functional.adaptive_max_pool1d(x[..., 0, 0], 1),
    "adaptive, pictures": lambda e, x: e.nn.functional.adaptive_max_pool2d(x[..., 0], 1),
    "adaptive, volumes": lambda e, x: e.nn.functional.adaptive_max_pool3d(x, 1),
    "volumes": lambda e, x: e.nn.functional.max_pool3d(x, 2),
    "pictures": lambda e, x: e.nn.functional.max_pool2d(x[..., 0], 2),
    "unpooled": lambda e, x: e.nn.functional.max_unpool2d(
        x[:, :, :1, :1, 0], e.arange(9000).view(36, 250, 1, 1) % 4, 2
    ),
    "take": lambda e, x: e.take(x, e.arange(9000).view(-1, 1) * 8),
}


@pytest.mark.parametrize("name", IN_A_COLUMN)
def test_many_windows_in_a_column(name):
    def with_gradient(e):
        x = e.tensor(MANY).requires_grad_()
        z = IN_A_COLUMN[name](e, x)
        return z.detach(), e.autograd.grad((z * e.arange(z.numel()).view(z.shape)).sum(), x)[0]

    check_outcome(name, with_gradient)


@pytest.mark.parametrize("layout", ["contiguous", "channels last"])
@pytest.mark.parametrize("special", [np.nan, -np.inf, np.inf])
def test_special_values(special, layout):
    x = np.where(np.random.default_rng(1).random(IMAGES.shape) < 0.4, special, np.round(IMAGES))
    if layout == "channels last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    check_operation("max_pool2d", lambda e, x: e.nn.functional.max_pool2d(x, 3, 2, 1, return_indices=True), x)
    check_operation("adaptive_max_pool2d", lambda e, x: e.nn.functional.adaptive_max_pool2d(x, 3, True), x)
    check_operation("avg_pool2d", lambda e, x: e.nn.functional.avg_pool2d(x, 3, 2, 1), x)
    check_operation("adaptive_avg_pool2d", lambda e, x: e.nn.functional.adaptive_avg_pool2d(x, 3), x)


@pytest.mark.parametrize("kind", ["float16", "float32", "int64", "int32", "int16", "int8", "uint8", "bool"])
def test_types(kind):
    values = np.random.default_rng(2).integers(0, 9, (2, 4, 4))

    def x(e):
        return e.tensor(values.tolist()).to(getattr(e, kind))

    check_outcome("max_pool2d", lambda e: e.nn.functional.max_pool2d(x(e), 2, return_indices=True))
    check_outcome("max_pool1d", lambda e: e.nn.functional.max_pool1d(x(e), 2))
    check_outcome("max_pool1d", lambda e: e.nn.functional.max_pool1d(x(e), 2, return_indices=True))
    check_outcome("avg_pool2d", lambda e: e.nn.functional.avg_pool2d(x(e), 3, 2, 1))
    check_outcome("avg_pool2d", lambda e: e.nn.functional.avg_pool2d(-x(e), 3, 2, 1))
    check_outcome("avg_pool1d", lambda e: e.nn.functional.avg_pool1d(x(e), 3, 2, 1))
    check_outcome("adaptive_avg_pool2d", lambda e: e.nn.functional.adaptive_avg_pool2d(x(e), 3))
    check_outcome("adaptive_avg_pool2d", lambda e: e.nn.functional.adaptive_avg_pool2d(x(e), 1))
    check_outcome("adaptive_max_pool2d", lambda e: e.nn.functional.adaptive_max_pool2d(x(e), 3))


CALLS = {
    "kernel 0": lambda f, e: f.max_pool2d(e.ones(1, 1, 4, 4), 0),
    "negative kernel": lambda f, e: f.max_pool2d(e.ones(1, 1, 4, 4), -1),
    "stride 0": lambda f, e: f.max_pool2d(e.ones(1, 1, 4, 4), 2, 0),
    "no stride": lambda f, e: f.max_pool2d(e.ones(1, 1, 4, 4), 2, []),
    "dilation 0": lambda f, e: f.max_pool2d(e.ones(1, 1, 4, 4), 2, 1, 0, 0),
    "padding": lambda f, e: f.max_pool2d(e.ones(1, 1, 4, 4), 2, 2, 2),
    "padding of a dilated kernel": lambda f, e: f.max_pool2d(e.ones(1, 1, 9, 9), 3, 1, 2, 2),
    "negative padding": lambda f, e: f.max_pool2d(e.ones(1, 1, 4, 4), 2, 2, -1),
    "kernel of three": lambda f, e: f.max_pool2d(e.ones(1, 1, 4, 4), (1, 2, 3)),
    "kernel no int": lambda f, e: f.max_pool2d(e.ones(1, 1, 4, 4), 2.0),
    "kernel too large": lambda f, e: f.max_pool2d(e.ones(1, 1, 2, 2), 3),
    "too few dimensions": lambda f, e: f.max_pool2d(e.ones(4, 4), 2),
    "too many dimensions": lambda f, e: f.max_pool2d(e.ones(1, 1, 1, 4, 4), 2),
    "no tensor": lambda f, e: f.max_pool2d([1.0], 2),
    "empty batch": lambda f, e: f.max_pool2d(e.ones(0, 1, 4, 4), 2),
    "no channels": lambda f, e: f.max_pool2d(e.ones(1, 0, 4, 4), 2),
    "no rows": lambda f, e: f.max_pool2d(e.ones(1, 1, 0, 4), 2),
    "by name": lambda f, e: f.max_pool2d(input=e.ones(1, 1, 4, 4), kernel_size=2, ceil_mode=True, return_indices=True),
    "indices": lambda f, e: f.max_pool2d_with_indices(e.ones(1, 1, 4, 4), 2),
    "signal, dimensions": lambda f, e: f.max_pool1d(e.ones(4), 2),
    "signal, too many": lambda f, e: f.max_pool1d(e.ones(1, 1, 4, 4), 2),
    "signal, padding": lambda f, e: f.max_pool1d(e.ones(1, 1, 4), 2, 2, 2),
    "signal, two kernels": lambda f, e: f.max_pool1d(e.ones(1, 1, 4), (2, 2)),
    "signal, empty batch": lambda f, e: f.max_pool1d(e.ones(0, 1, 4), 2),
    "signal, no channels": lambda f, e: f.max_pool1d(e.ones(1, 0, 4), 2),
    "average, kernel 0": lambda f, e: f.avg_pool2d(e.ones(1, 1, 4, 4), 0),
    "average, negative stride": lambda f, e: f.avg_pool2d(e.ones(1, 1, 4, 4), 2, -1),
    "average, padding": lambda f, e: f.avg_pool2d(e.ones(1, 1, 4, 4), 2, 2, 2),
    "average, divisor 0": lambda f, e: f.avg_pool2d(e.ones(1, 1, 4, 4), 2, divisor_override=0),
    "average, divisor -1": lambda f, e: f.avg_pool2d(e.ones(1, 1, 4, 4), 2, divisor_override=-1),
    "average, dimensions": lambda f, e: f.avg_pool2d(e.ones(4, 4), 2),
    "average, kernel no int": lambda f, e: f.avg_pool2d(e.ones(1, 1, 4, 4), 2.5),
    "average, empty batch": lambda f, e: f.avg_pool2d(e.ones(0, 1, 4, 4), 2),
    "average, no channels": lambda f, e: f.avg_pool2d(e.ones(1, 0, 4, 4), 2),
    "average, signal": lambda f, e: f.avg_pool1d(e.ones(4), 2),
    "adaptive, 0": lambda f, e: f.adaptive_avg_pool2d(e.ones(1, 1, 4, 4), 0),
    "adaptive, -1": lambda f, e: f.adaptive_avg_pool2d(e.ones(1, 1, 4, 4), -1),
    "adaptive, dimensions": lambda f, e: f.adaptive_avg_pool2d(e.ones(4, 4), 2),
    "adaptive, sizes and dimensions": lambda f, e: f.adaptive_avg_pool2d(e.ones(4, 4), (2, 2)),
    "adaptive, three": lambda f, e: f.adaptive_avg_pool2d(e.ones(1, 1, 4, 4), (1, 2, 3)),
    "adaptive, empty batch": lambda f, e: f.adaptive_avg_pool2d(e.ones(0, 1, 4, 4), 2),
    "adaptive, no channels": lambda f, e: f.adaptive_avg_pool2d(e.ones(1, 0, 4, 4), 2),
    "adaptive, no rows": lambda f, e: f.adaptive_avg_pool2d(e.ones(1, 1, 0, 4), 2),
    "adaptive, no rows to one": lambda f, e: f.adaptive_avg_pool2d(e.ones(1, 1, 0, 4), 1),
    "adaptive, signal": lambda f, e: f.adaptive_avg_pool1d(e.ones(4), 2),
    "adaptive, signal to None": lambda f, e: f.adaptive_avg_pool1d(e.ones(2, 4), None),
    "adaptive, signal to two": lambda f, e: f.adaptive_avg_pool1d(e.ones(2, 4), (2, 2)),
    "adaptive, signal to -1": lambda f, e: f.adaptive_avg_pool1d(e.ones(2, 4), -1),
    "adaptive maximum, 0": lambda f, e: f.adaptive_max_pool2d(e.ones(1, 1, 4, 4), 0),
    "adaptive maximum, -1": lambda f, e: f.adaptive_max_pool2d(e.ones(1, 1, 4, 4), -1),
    "adaptive maximum, dimensions": lambda f, e: f.adaptive_max_pool2d(e.ones(4, 4), 2),
    "adaptive maximum, empty batch": lambda f, e: f.adaptive_max_pool2d(e.ones(0, 1, 4, 4), 2),
    "adaptive maximum, no channels": lambda f, e: f.adaptive_max_pool2d(e.ones(1, 0, 4, 4), 2),
    "adaptive maximum, signal": lambda f, e: f.adaptive_max_pool1d(e.ones(4), 2),
    "top level": lambda f, e: (e.max_pool2d(e.ones(1, 1, 4, 4), 2), e.max_pool1d_with_indices(e.ones(1, 4), 2)),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    check_outcome(name, lambda e: CALLS[name](e.nn.functional, e))


LAYERS = {
    "MaxPool1d": lambda n: n.MaxPool1d(3, 2, 1, return_indices=True),
    "MaxPool1d, dilated": lambda n: n.MaxPool1d(2, dilation=2, ceil_mode=True),
    "MaxPool2d": lambda n: n.MaxPool2d((2, 3), 2, (1, 0), ceil_mode=True),
    "MaxPool2d, indices": lambda n: n.MaxPool2d(2, return_indices=True),
    "AvgPool1d": lambda n: n.AvgPool1d(3, 2, 1, count_include_pad=False),
    "AvgPool1d, tuples": lambda n: n.AvgPool1d((3,), (2,), (1,), True),
    "AvgPool2d": lambda n: n.AvgPool2d((2, 3), 2, (1, 0), True, False),
    "AvgPool2d, divisor": lambda n: n.AvgPool2d(2, divisor_override=3),
    "AdaptiveAvgPool1d": lambda n: n.AdaptiveAvgPool1d(3),
    "AdaptiveAvgPool2d": lambda n: n.AdaptiveAvgPool2d((None, 2)),
    "AdaptiveMaxPool1d": lambda n: n.AdaptiveMaxPool1d(3, return_indices=True),
    "AdaptiveMaxPool2d": lambda n: n.AdaptiveMaxPool2d((2, None)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    x = IMAGES[0] if "1d" in name else IMAGES
    check_outcome(name, lambda e: (repr(LAYERS[name](e.nn)), LAYERS[name](e.nn)(e.tensor(x.tolist()))))
    check_outcome(
        name, lambda e: sorted(key for key in vars(LAYERS[name](e.nn)) if key[0] != "_" and key != "training")
    )


def test_integer_division_of_large_sums():
    big = 2**53 + 1
    check_outcome("avg_pool2d", lambda e: e.nn.functional.avg_pool2d(e.tensor([[[big, 0], [0, -1]]]), 2))
    assert torch.nn.functional.avg_pool2d(torch.tensor([[[big, 0], [0, 0]]]), 2).item() == big // 4


def unpooled(e, dims, *kernel, size=None):
    """Pooled, doubled and unpooled, with the gradients' gradients."""
    x = (
        e.arange(1.0, 121.0, dtype=e.float64)
        .view(*{1: (2, 3, 20), 2: (2, 2, 5, 6), 3: (1, 2, 3, 4, 5)}[dims])
        .sin()
        .requires_grad_()
    )
    y, indices = getattr(e.nn.functional, f"max_pool{dims}d")(x, *kernel, return_indices=True)
    z = getattr(e.nn, f"MaxUnpool{dims}d")(*kernel)(y * y, indices, size)
    (first,) = e.autograd.grad((z * z).sum(), x, create_graph=True)
    first.sum().backward()
    return z, first, x.grad, z.grad_fn.name(), z.stride()


UNPOOLED = {
    "1d": lambda e: unpooled(e, 1, 2),
    "1d, overlapping": lambda e: unpooled(e, 1, 3, 2, 1, size=(20,)),
    "2d": lambda e: unpooled(e, 2, 2, size=(2, 2, 5, 6)),
    "3d": lambda e: unpooled(e, 3, 2, 1),
    "3d, a size": lambda e: unpooled(e, 3, 2, size=(3, 5, 5)),
    "2d, a size that cannot be": lambda e: unpooled(e, 2, 2, size=(9, 6)),
    "2d, no size": lambda e: unpooled(e, 2, 2, size=(9,)),
    "text": lambda e: (e.nn.MaxUnpool1d(3, 2, 1), e.nn.MaxUnpool2d((3, 2)), e.nn.MaxUnpool3d(2)),
    "one place twice": lambda e: e.nn.functional.max_unpool1d(e.arange(4.0).view(1, 4), e.tensor([[0, 0, 1, 1]]), 2),
    "outside": lambda e: e.nn.functional.max_unpool1d(e.ones(1, 2), e.tensor([[0, 9]]), 2),
    "before": lambda e: e.nn.functional.max_unpool1d(e.ones(1, 2), e.tensor([[0, -1]]), 2),
    "short indices": lambda e: e.nn.functional.max_unpool1d(e.ones(1, 2), e.tensor([[0, 1]]).int(), 2),
    "other indices": lambda e: e.nn.functional.max_unpool1d(e.ones(1, 2), e.tensor([[0]]), 2),
    "integers": lambda e: e.nn.functional.max_unpool1d(e.ones(1, 2).long(), e.tensor([[0, 1]]), 2),
    "no picture": lambda e: e.nn.functional.max_unpool2d(e.ones(2, 2), e.ones(2, 2).long(), 2),
    "no channels": lambda e: e.nn.functional.max_unpool2d(e.ones(1, 0, 2, 2), e.ones(1, 0, 2, 2).long(), 2),
    "empty batch": lambda e: e.nn.functional.max_unpool2d(e.ones(0, 1, 2, 2), e.ones(0, 1, 2, 2).long(), 2),
}


@pytest.mark.parametrize("name", UNPOOLED)
def test_unpooling(name):
    check_outcome(name, UNPOOLED[name])
