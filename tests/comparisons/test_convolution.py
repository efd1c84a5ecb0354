"""Convolutions, transposed ones, unfold and fold against PyTorch: to second order, graph, layers, errors, layout."""

import numpy as np
import pytest
import torch

import minigrad
from comparisons import check_operation, check_outcome, compare_graphs, compare_values

FLOAT64, FLOAT32 = "convolution float64", "convolution float32"


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# function, shapes of input and weight, arguments
CASES = {
    "conv2d": ("conv2d", (2, 3, 5, 6), (4, 3, 3, 3), {}),
    "stride": ("conv2d", (2, 3, 7, 6), (4, 3, 3, 3), {"stride": 2}),
    "strides, paddings": ("conv2d", (2, 3, 7, 6), (4, 3, 2, 3), {"stride": (1, 2), "padding": (2, 1)}),
    "dilation": ("conv2d", (2, 3, 7, 8), (4, 3, 3, 2), {"dilation": (2, 3), "padding": 1}),
    "groups": ("conv2d", (2, 4, 5, 5), (6, 2, 3, 3), {"groups": 2, "padding": 1}),
    "each channel alone": ("conv2d", (2, 3, 5, 5), (6, 1, 3, 3), {"groups": 3, "stride": 2}),
    "all": ("conv2d", (1, 4, 9, 8), (2, 2, 3, 2), {"stride": 2, "padding": 2, "dilation": (2, 1), "groups": 2}),
    "1x1": ("conv2d", (2, 3, 4, 5), (4, 3, 1, 1), {}),
    "1x1, stride": ("conv2d", (2, 3, 5, 6), (4, 3, 1, 1), {"stride": 2}),
    "7x7, stride": ("conv2d", (1, 3, 14, 15), (4, 3, 7, 7), {"stride": 2, "padding": 3}),
    "one place": ("conv2d", (2, 3, 1, 1), (4, 3, 3, 3), {"padding": 1}),
    "padding beyond the kernel": ("conv2d", (1, 2, 3, 3), (2, 2, 2, 2), {"padding": 4}),
    "a list of one": ("conv2d", (2, 3, 5, 6), (4, 3, 3, 3), {"stride": [2], "padding": (1,), "dilation": [1]}),
    "same": ("conv2d", (2, 3, 5, 6), (4, 3, 3, 5), {"padding": "same"}),
    "same, uneven": ("conv2d", (2, 3, 5, 6), (4, 3, 2, 3), {"padding": "same"}),
    "same, dilation": ("conv2d", (2, 3, 5, 6), (4, 3, 2, 4), {"padding": "same", "dilation": (2, 3)}),
    "valid": ("conv2d", (2, 3, 5, 6), (4, 3, 3, 3), {"padding": "valid", "stride": 2}),
    "one picture": ("conv2d", (3, 5, 6), (4, 3, 3, 3), {"padding": 1}),
    "one picture, same": ("conv2d", (3, 5, 6), (4, 3, 2, 2), {"padding": "same"}),
    "empty batch": ("conv2d", (0, 3, 5, 6), (4, 3, 3, 3), {}),
    "Winograd": ("conv2d", (4, 32, 11, 10), (32, 32, 3, 3), {"padding": 1}),
    "Winograd without padding": ("conv2d", (7, 33, 10, 10), (32, 33, 3, 3), {}),
    "conv1d": ("conv1d", (2, 3, 7), (4, 3, 3), {}),
    "conv1d, all": ("conv1d", (2, 4, 9), (2, 2, 3), {"stride": 2, "padding": (2,), "dilation": 2, "groups": 2}),
    "conv1d, same, uneven": ("conv1d", (2, 3, 7), (4, 3, 2), {"padding": "same"}),
    "conv1d of one line": ("conv1d", (3, 7), (4, 3, 3), {"stride": 3}),
    "transposed": ("conv_transpose2d", (2, 3, 4, 5), (3, 4, 3, 3), {}),
    "transposed, stride": ("conv_transpose2d", (2, 3, 4, 5), (3, 4, 3, 3), {"stride": 2, "padding": 1}),
    "transposed, output padding": (
        *("conv_transpose2d", (2, 3, 4, 5), (3, 4, 3, 2)),
        {"stride": (2, 3), "padding": (0, 1), "output_padding": (1, 2)},
    ),
    "transposed, output padding of dilation": (
        *("conv_transpose2d", (2, 4, 3, 5), (4, 2, 3, 2)),
        {"padding": 2, "output_padding": 1, "dilation": 2, "groups": 2},
    ),
    "transposed, one picture": ("conv_transpose2d", (3, 4, 5), (3, 4, 3, 3), {"stride": 2}),
    "transposed, empty batch": ("conv_transpose2d", (0, 3, 4, 5), (3, 4, 3, 3), {}),
    "transposed, Winograd": ("conv_transpose2d", (5, 32, 9, 10), (32, 32, 3, 3), {"padding": 1}),
    "transposed 1d": ("conv_transpose1d", (2, 4, 5), (4, 2, 3), {"stride": 2, "output_padding": 1, "groups": 2}),
    "transposed 1d, one line": ("conv_transpose1d", (4, 5), (4, 2, 3), {"dilation": 2, "padding": 1}),
}


def outputs_of(name):
    function, _, weight_shape, arguments = CASES[name]
    return weight_shape[1] * arguments.get("groups", 1) if "transpose" in function else weight_shape[0]


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", CASES)
def test_to_second_order(name):
    function, x_shape, weight_shape, arguments = CASES[name]
    x, weight, bias = numbers(*x_shape), numbers(*weight_shape, seed=1), numbers(outputs_of(name), seed=2)

    def with_bias(e, x, weight, bias):
        return getattr(e.nn.functional, function)(x, weight, bias, **arguments)

    def without(e, x, weight):
        return getattr(e, function)(x, weight, **arguments)

    if 0 in x_shape:  # of nothing, PyTorch gives no gradient where minigrad gives an empty one
        check_operation(name, with_bias, x, weight, bias, tolerance=FLOAT64, order=1)
        return
    check_operation(name, with_bias, x, weight, bias, tolerance=FLOAT64)
    check_operation(f"{name}, squared", lambda e, x, w: without(e, x, w) ** 2, x, weight, tolerance=FLOAT64)
    check_operation(f"{name}, the same twice", lambda e, x, w: without(e, x * 2, w * w), x, weight, tolerance=FLOAT64)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", CASES)
def test_narrower_types(name, dtype):
    function, x_shape, weight_shape, arguments = CASES[name]
    arrays = [numbers(*x_shape), numbers(*weight_shape, seed=1), numbers(outputs_of(name), seed=2)]
    check_operation(
        name,
        lambda e, x, w, b: getattr(e.nn.functional, function)(x, w, b, **arguments),
        *[each.astype(dtype) for each in arrays],
        tolerance=f"convolution {dtype}",
        order=1,
    )


@pytest.mark.parametrize("needed", [(0,), (1,), (2,), (0, 1), (1, 2)], ids=str)
def test_only_some_need_a_gradient(needed):
    def some(e, *tensors):
        return e.conv2d(*[each if place in needed else each.detach() for place, each in enumerate(tensors)], padding=1)

    arrays = [numbers(2, 3, 5, 6), numbers(4, 3, 3, 3, seed=1), numbers(4, seed=2)]
    check_operation("conv2d", some, *arrays, tolerance=FLOAT64)


@pytest.mark.parametrize(
    "name", ["strides, paddings", "Winograd", "1x1", "1x1, stride", "conv1d", "transposed, stride"]
)
def test_other_layouts(name):
    function, x_shape, weight_shape, arguments = CASES[name]
    x, weight = numbers(*x_shape), numbers(*weight_shape, seed=1)
    for other in (x.T.copy().T, np.repeat(x, 2, -1)[..., ::2], np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1)):
        for turned in (weight, weight.T.copy().T):
            check_operation(
                name, lambda e, x, w: getattr(e, function)(x, w, **arguments), other, turned, tolerance=FLOAT64
            )


def test_the_graph_of_the_gradients():
    found = []
    for e in (minigrad, torch):
        x, w, b = [e.tensor(numbers(*shape), requires_grad=True) for shape in ((2, 3, 5, 5), (4, 3, 3, 3), (4,))]
        y = e.conv2d(x, w, b)
        start = e.ones_like(y).requires_grad_()
        gradients = e.autograd.grad(y, (x, w, b), start, create_graph=True)
        assert [each.grad_fn.name() for each in gradients] == ["ConvolutionBackwardBackward0"] * 3
        assert [each.output_nr for each in gradients] == [0, 1, 2]
        found.append(gradients)
    for ours, theirs in zip(*found):
        compare_graphs("gradient", ours, theirs).check()


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8", "uint8", "bool"])
@pytest.mark.parametrize("function", ["conv2d", "conv_transpose2d", "unfold"])
def test_integers_and_bools(function, dtype):
    x, weight = np.arange(36).reshape(1, 1, 6, 6) % 5, np.arange(4).reshape(1, 1, 2, 2)
    arrays = [each.astype(dtype) for each in (x, weight)]
    argument = [2] if function == "unfold" else None

    def call(e):
        first, second = [e.from_numpy(each.copy()) for each in arrays]
        return getattr(e.nn.functional, function)(first, *(argument or [second]))

    check_outcome(f"{function} of {dtype}", call)


COLUMNS = [
    ((2, 3, 5, 6), {"kernel_size": 2}),
    ((2, 3, 5, 6), {"kernel_size": (3, 2), "dilation": (1, 2), "padding": (2, 1), "stride": (2, 1)}),
    ((3, 5, 6), {"kernel_size": 3, "padding": 1}),
    ((0, 3, 5, 6), {"kernel_size": 2}),
]


@pytest.mark.parametrize(("shape", "arguments"), COLUMNS, ids=str)
def test_unfold_and_fold(shape, arguments):
    def unfold(e, x):
        return e.nn.functional.unfold(x, **arguments)

    def back(e, x):
        return e.nn.functional.fold(x, output_size=shape[-2:], **arguments)

    columns = unfold(torch, torch.zeros(shape)).shape
    check_operation("unfold", unfold, numbers(*shape))
    check_operation("fold", back, numbers(*columns))
    check_operation("unfold of a product", lambda e, x: unfold(e, x * x) ** 2, numbers(*shape))
    check_operation("fold of a product", lambda e, x: back(e, x * x) ** 2, numbers(*columns))
    check_operation("fold of unfold", lambda e, x: back(e, unfold(e, x)), numbers(*shape).astype("float32"), order=1)
    check_operation("other layout", unfold, numbers(*shape[::-1]).T)


# --------------------------------------------------------------------------------------------- errors

ERRORS = {
    "channels": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 2, 3, 3)),
    "channels of groups": lambda e, z: e.conv2d(z(2, 4, 5, 5), z(4, 4, 3, 3), groups=2),
    "groups and outputs": lambda e, z: e.conv2d(z(2, 4, 5, 5), z(3, 2, 3, 3), groups=2),
    "groups and inputs": lambda e, z: e.conv2d(z(2, 5, 5, 5), z(4, 2, 3, 3), groups=2),
    "more groups than outputs": lambda e, z: e.conv2d(z(2, 8, 5, 5), z(2, 2, 3, 3), groups=4),
    "groups 0": lambda e, z: e.conv2d(z(2, 4, 5, 5), z(4, 4, 3, 3), groups=0),
    "groups of a float": lambda e, z: e.conv2d(z(2, 4, 5, 5), z(4, 4, 3, 3), groups=1.0),
    "kernel larger": lambda e, z: e.conv2d(z(2, 3, 2, 2), z(4, 3, 3, 3)),
    "kernel larger, padded": lambda e, z: e.conv2d(z(2, 3, 2, 2), z(4, 3, 9, 9), padding=1),
    "kernel larger, dilated": lambda e, z: e.conv2d(z(2, 3, 4, 4), z(4, 3, 3, 3), dilation=2),
    "a matrix": lambda e, z: e.conv2d(z(3, 5), z(4, 3, 3, 3)),
    "five dimensions": lambda e, z: e.conv2d(z(1, 1, 3, 5, 5), z(4, 3, 3, 3)),
    "a weight of three": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3)),
    "a picture for conv1d": lambda e, z: e.conv1d(z(2, 3, 5, 5), z(4, 3, 3)),
    "a picture's weight for conv1d": lambda e, z: e.conv1d(z(2, 3, 5), z(4, 3, 3, 3)),
    "a row": lambda e, z: e.conv1d(z(5), z(4, 3, 3)),
    "types": lambda e, z: e.conv2d(z(2, 3, 5, 5).double(), z(4, 3, 3, 3)),
    "type of the bias": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), z(4).double()),
    "half and single": lambda e, z: e.conv2d(z(2, 3, 5, 5).half(), z(4, 3, 3, 3)),
    "bias of another size": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), z(3)),
    "bias of two dimensions": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), z(4, 1)),
    "same with a stride": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), stride=2, padding="same"),
    "another word": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), padding="sama"),
    "negative padding": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), padding=-1),
    "stride 0": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), stride=0),
    "dilation 0": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), dilation=0),
    "three strides": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), stride=(1, 2, 3)),
    "three paddings": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), padding=(1, 2, 3)),
    "a stride of 1.5": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), stride=1.5),
    "a stride of True": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), stride=True),
    "an empty kernel": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 0, 3)),
    "no outputs": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(0, 3, 3, 3)),
    "no rows": lambda e, z: e.conv2d(z(2, 3, 0, 5), z(4, 3, 3, 3), padding=2),
    "a list": lambda e, z: e.conv2d([1.0], z(4, 3, 3, 3)),
    "no weight": lambda e, z: e.conv2d(z(2, 3, 5, 5), None),
    "a number for a bias": lambda e, z: e.conv2d(z(2, 3, 5, 5), z(4, 3, 3, 3), 1.0),
    "transposed, channels": lambda e, z: e.conv_transpose2d(z(2, 3, 5, 5), z(4, 2, 3, 3)),
    "transposed, groups": lambda e, z: e.conv_transpose2d(z(2, 4, 5, 5), z(4, 2, 3, 3), groups=3),
    "transposed, bias": lambda e, z: e.conv_transpose2d(z(2, 4, 5, 5), z(4, 2, 3, 3), z(4)),
    "output padding": lambda e, z: e.conv_transpose2d(z(2, 4, 5, 5), z(4, 2, 3, 3), output_padding=1),
    "negative output padding": lambda e, z: e.conv_transpose2d(
        z(2, 4, 5, 5), z(4, 2, 3, 3), stride=2, output_padding=-1
    ),
    "nothing left": lambda e, z: e.conv_transpose2d(z(2, 4, 1, 1), z(4, 2, 3, 3), padding=2),
    "nothing": lambda e, z: e.conv_transpose2d(z(2, 4, 1, 1), z(4, 2, 2, 2), padding=1),
    "transposed, same": lambda e, z: e.conv_transpose2d(z(2, 4, 5, 5), z(4, 2, 3, 3), padding="same"),
    "transposed, a matrix": lambda e, z: e.conv_transpose2d(z(4, 5), z(4, 2, 3, 3)),
    "transposed, a row": lambda e, z: e.conv_transpose1d(z(4), z(4, 2, 3)),
    "transposed, stride 0": lambda e, z: e.conv_transpose2d(z(2, 4, 5, 5), z(4, 2, 3, 3), stride=0),
    "unfold a matrix": lambda e, z: e.nn.functional.unfold(z(5, 5), 3),
    "unfold, kernel larger": lambda e, z: e.nn.functional.unfold(z(3, 2, 2), 3),
    "unfold, kernel 0": lambda e, z: e.nn.functional.unfold(z(3, 2, 2), 0),
    "unfold, padding": lambda e, z: e.nn.functional.unfold(z(3, 2, 2), 1, padding=-1),
    "unfold, stride": lambda e, z: e.nn.functional.unfold(z(3, 2, 2), 1, stride=0),
    "unfold, dilation": lambda e, z: e.nn.functional.unfold(z(3, 2, 2), 1, dilation=0),
    "unfold no channels": lambda e, z: e.nn.functional.unfold(z(2, 0, 4, 4), 2),
    "unfold, three sizes": lambda e, z: e.nn.functional.unfold(z(2, 3, 4, 4), (2, 2, 2)),
    "fold, rows": lambda e, z: e.nn.functional.fold(z(2, 11, 9), 4, 2),
    "fold, places": lambda e, z: e.nn.functional.fold(z(2, 12, 8), 4, 2),
    "fold a picture": lambda e, z: e.nn.functional.fold(z(2, 12, 9, 1), 4, 2),
    "fold to nothing": lambda e, z: e.nn.functional.fold(z(2, 12, 9), 0, 2),
    "fold to a negative size": lambda e, z: e.nn.functional.fold(z(2, 12, 9), (-4, 4), 2),
    "fold, one size": lambda e, z: e.nn.functional.fold(z(2, 12, 9), (4,), 2),
    "layer, groups and inputs": lambda e, z: e.nn.Conv2d(3, 4, 3, groups=2),
    "layer, groups and outputs": lambda e, z: e.nn.Conv2d(4, 3, 3, groups=2),
    "layer, groups 0": lambda e, z: e.nn.Conv2d(4, 4, 3, groups=0),
    "layer, word": lambda e, z: e.nn.Conv2d(4, 4, 3, padding="sama"),
    "layer, same with a stride": lambda e, z: e.nn.Conv2d(4, 4, 3, stride=2, padding="same"),
    "layer, mode": lambda e, z: e.nn.Conv2d(4, 4, 3, padding_mode="mirror"),
    "layer, mode of a transposed one": lambda e, z: e.nn.ConvTranspose2d(4, 4, 3, padding_mode="reflect"),
    "layer, output size": lambda e, z: e.nn.ConvTranspose2d(3, 4, 3, stride=2)(z(1, 3, 4, 4), output_size=(11, 9)),
    "layer, sizes": lambda e, z: e.nn.ConvTranspose2d(3, 4, 3, stride=2)(z(1, 3, 4, 4), output_size=(9,)),
    "layer, reflection of too much": lambda e, z: e.nn.Conv2d(3, 4, 3, padding=5, padding_mode="reflect")(
        z(1, 3, 4, 4)
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    check_outcome(name, lambda e: ERRORS[name](e, e.zeros))


def test_messages_tell_both_shapes():
    for call, told in (
        (ERRORS["channels"], ("[4, 2, 3, 3]", "[2, 3, 5, 5]")),
        (ERRORS["kernel larger"], ("2 x 2", "3 x 3")),
        (ERRORS["bias of another size"], ("[4, 3, 3, 3]", "[3]")),
        (ERRORS["fold, places"], ("9", "8")),
    ):
        with pytest.raises(RuntimeError) as raised:
            call(minigrad, minigrad.zeros)
        assert all(each in str(raised.value) for each in told)


def test_uneven_same_padding_warns():
    for e in (minigrad, torch):
        if e is minigrad:  # PyTorch warns once a process
            with pytest.warns(UserWarning, match="even kernel lengths and odd dilation"):
                e.conv2d(e.zeros(1, 1, 3, 3), e.zeros(1, 1, 2, 2), padding="same")


# --------------------------------------------------------------------------------------------- layers


def x(e, *shape):
    return e.tensor(numbers(*shape), dtype=e.float32, requires_grad=True)


LAYERS = {
    "Conv2d": (lambda n: n.Conv2d(3, 4, 3), (2, 3, 6, 5)),
    "Conv2d, all": (
        lambda n: n.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=2, groups=2, bias=False),
        (2, 4, 9, 7),
    ),
    "Conv2d, reflect": (lambda n: n.Conv2d(3, 4, 3, padding=(1, 2), padding_mode="reflect"), (2, 3, 6, 5)),
    "Conv2d, replicate": (lambda n: n.Conv2d(3, 4, 3, 2, padding=2, padding_mode="replicate"), (2, 3, 6, 5)),
    "Conv2d, circular": (lambda n: n.Conv2d(3, 4, (2, 3), padding="same", padding_mode="circular"), (3, 6, 5)),
    "Conv2d, reflect valid": (lambda n: n.Conv2d(3, 4, 3, padding="valid", padding_mode="reflect"), (2, 3, 6, 5)),
    "Conv2d, same": (lambda n: n.Conv2d(3, 4, 3, padding="same"), (2, 3, 6, 5)),
    "Conv1d": (lambda n: n.Conv1d(3, 4, 3, 2, 1), (2, 3, 7)),
    "Conv1d, circular": (lambda n: n.Conv1d(3, 4, 3, padding=(2,), padding_mode="circular"), (2, 3, 7)),
    "ConvTranspose2d": (lambda n: n.ConvTranspose2d(3, 4, 3, 2, 1, 1), (2, 3, 4, 5)),
    "ConvTranspose2d, all": (
        lambda n: n.ConvTranspose2d(4, 6, (3, 2), (2, 3), (1, 0), (1, 2), 2, False, (1, 2)),
        (2, 4, 4, 5),
    ),
    "ConvTranspose1d": (lambda n: n.ConvTranspose1d(3, 4, 3, stride=2, dilation=2), (2, 3, 5)),
    "Unfold": (lambda n: n.Unfold((2, 3), padding=1), (2, 3, 5, 6)),
    "Fold": (lambda n: n.Fold((4, 5), (2, 2), stride=1), (2, 12, 12)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    make, shape = LAYERS[name]
    found = []
    for e in (minigrad, torch):
        e.manual_seed(0)
        layer, given = make(e.nn), x(e, *shape)
        result = layer(given)
        weights = layer.state_dict()
        start = e.tensor(numbers(*result.shape, seed=5), dtype=e.float32)
        gradients = e.autograd.grad(result, (given, *layer.parameters()), start)
        found.append((repr(layer), weights, result, gradients))
    ours, theirs = found
    assert ours[0] == theirs[0]
    assert list(ours[1]) == list(theirs[1])
    for key, value in ours[1].items():
        compare_values(f"{name}, initial {key}", value, theirs[1][key], "exact").check()
    compare_values(f"{name}, result", ours[2], theirs[2], FLOAT32).check()
    for number, gradient in enumerate(ours[3]):
        compare_values(f"{name}, gradient {number}", gradient, theirs[3][number], FLOAT32).check()


@pytest.mark.parametrize("size", [(9, 10), (2, 4, 10, 9)], ids=str)
def test_output_size(size):
    def call(e):
        e.manual_seed(0)
        return tuple(e.nn.ConvTranspose2d(3, 4, 3, stride=2)(x(e, 2, 3, 4, 4), output_size=size).shape)

    check_outcome("output size", call)


# --------------------------------------------------------------------------------------------- layout

LAYOUTS = {
    "view": lambda e, y: y.view(2, -1),
    "reshape": lambda e, y: y.relu().reshape(2, -1),
    "flatten": lambda e, y: y.flatten(1),
    "flatten of all": lambda e, y: (y * y).flatten(),
    "ravel": lambda e, y: y.ravel(),
    "unflatten": lambda e, y: y.unflatten(1, (2, 2)),
    "contiguous": lambda e, y: y.contiguous() * 1,
    "view of one": lambda e, y: y[0].view(-1),
    "view of a slice": lambda e, y: y[:, 1:2].view(2, -1),
    "heads": lambda e, y: y.permute(0, 2, 3, 1).reshape(2, -1, 4),
    "permuted": lambda e, y: y.permute(0, 2, 3, 1).contiguous() * 1,
    "transposed": lambda e, y: y.transpose(1, 2).reshape(2, -1),
    "view twice": lambda e, y: y.view(2, 4, -1).transpose(1, 2).reshape(-1, 4),
    "sum": lambda e, y: y.sum(0).view(-1),
    "mean": lambda e, y: y.mean((0, 2)).view(-1),
    "view and change": lambda e, y: change(y),
    "change after a view": lambda e, y: change_base(y),
    "cat": lambda e, y: e.cat([y, y * 2], 1).view(2, -1),
    "stack": lambda e, y: e.stack([y, y * 2]).view(-1),
    "expand": lambda e, y: y[:, :1].expand(-1, 3, -1, -1).reshape(2, -1),
    "unsqueeze": lambda e, y: y.unsqueeze(1).view(2, -1),
    "chunks": lambda e, y: y.chunk(2, 1)[1].reshape(2, -1),
}


def change(y):
    y = y * 1
    y.view(2, -1)[:, 3:5].mul_(2)
    return y * y


def change_base(y):
    y = y * 1
    rows = y.view(2, -1)
    y.mul_(3)
    return rows * rows


@pytest.mark.parametrize("name", LAYOUTS)
def test_results_can_be_viewed_as_in_pytorch(name):
    def call(e, x, w):
        return LAYOUTS[name](e, e.conv2d(x, w))

    check_operation(name, call, numbers(2, 3, 5, 6), numbers(4, 3, 3, 3, seed=1), tolerance=FLOAT64)


def test_linear_of_pictures():
    def call(e, x, w, weight, bias):
        return e.nn.functional.linear(e.conv2d(x, w), weight, bias)

    arrays = (numbers(2, 3, 5, 6), numbers(4, 3, 3, 3, seed=1), numbers(2, 4, seed=2), numbers(2, seed=3))
    check_operation("linear", call, *arrays, tolerance=FLOAT64)
