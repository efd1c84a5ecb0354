"""The convolution kernels against the plain loops, their gradients against differences, and how results lie in memory.

NumPy only. How they compare with PyTorch is in ``tests/comparisons/test_convolution.py``.
"""

import threading
from contextlib import nullcontext

import numpy as np
import pytest

import minigrad
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.kernels import kernel_mode, large_winograd_tiles, memory, tap_by_tap, winograd
from minigrad.kernels.convolution import convolve, gradient_of_input, gradient_of_weight, places_on
from minigrad.nn import functional as F

# input, weight, stride, padding, dilation, groups
SHAPES = {
    "3x3": ((2, 3, 5, 6), (4, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "stride": ((1, 2, 7, 5), (2, 2, 3, 3), (2, 2), (1, 1), (1, 1), 1),
    "uneven": ((2, 4, 6, 7), (4, 2, 3, 2), (2, 1), (0, 2), (2, 1), 2),
    "groups and dilation": ((1, 4, 5, 5), (8, 1, 2, 3), (3, 2), (2, 1), (1, 2), 4),
    "one place": ((2, 3, 1, 1), (4, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "empty batch": ((0, 3, 4, 4), (2, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "no channels": ((2, 0, 4, 4), (3, 0, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "1x1": ((1, 2, 4, 4), (3, 2, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    "1x1, stride": ((1, 2, 4, 5), (3, 2, 1, 1), (2, 2), (0, 0), (1, 1), 1),
    "more padding than kernel": ((1, 2, 3, 3), (2, 2, 2, 2), (1, 1), (3, 4), (1, 1), 1),
    "stride beyond the kernel": ((1, 1, 9, 9), (1, 1, 3, 3), (4, 4), (0, 0), (1, 1), 1),
    "taps on padding only": ((1, 1, 2, 9), (1, 1, 3, 3), (4, 4), (3, 1), (2, 1), 1),
    "a tap on padding between two that read": ((2, 3, 1, 1), (4, 3, 5, 5), (2, 2), (3, 3), (1, 1), 1),
    "all taps on padding": ((2, 3, 1, 1), (4, 3, 1, 1), (2, 2), (1, 1), (1, 1), 1),
    "Winograd": ((17, 32, 4, 6), (33, 32, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "Winograd, odd sizes": ((7, 32, 9, 7), (32, 32, 3, 3), (1, 1), (0, 2), (1, 1), 1),
    "Winograd, several chunks": ((3, 32, 40, 38), (32, 32, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "Winograd, large kernels in chunks": ((1, 250, 20, 20), (260, 250, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "several chunks": ((3, 16, 41, 40), (2, 16, 3, 3), (2, 2), (1, 1), (1, 1), 1),
}
LOOPED = [name for name, case in SHAPES.items() if np.prod(case[0]) * np.prod(case[1]) < 1e7]


def numbers(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def three(name, dtype=np.float64):
    """The three computations on one case."""
    x_shape, weight_shape, *steps = SHAPES[name]
    x, weight = numbers(*x_shape, dtype=dtype), numbers(*weight_shape, dtype=dtype, seed=1)
    y = convolve(x, weight, *steps)
    grad_y = numbers(*y.shape, dtype=dtype, seed=2)
    return y, gradient_of_input(grad_y, weight, x_shape, *steps), gradient_of_weight(grad_y, x, weight_shape, *steps)


def largest_error(found, expected):
    """The largest difference of two arrays relative to the largest value."""
    return np.abs(found - expected).max(initial=0) / max(np.abs(expected).max(initial=0), 1e-300)


@pytest.mark.parametrize("large_tiles", [False, True])
@pytest.mark.parametrize("name", LOOPED)
def test_fast_kernels_equal_the_plain_loops(name, large_tiles):
    if large_tiles:
        with large_winograd_tiles():
            fast = three(name)
    else:
        fast = three(name)
    with minigrad.reference_kernels():
        plain = three(name)
    for found, expected in zip(fast, plain):
        assert found.shape == expected.shape
        assert largest_error(found, expected) < 1e-13


@pytest.mark.parametrize("large_tiles", [False, True])
@pytest.mark.parametrize("shape", [(1, 4, 4), (2, 5, 7), (3, 3, 9), (1, 8, 3)], ids=str)
@pytest.mark.parametrize("padding", [(1, 1), (0, 2), (3, 1), (2, 2)], ids=str)
def test_winograd_equals_the_plain_loops(shape, padding, large_tiles, monkeypatch):
    monkeypatch.setattr(winograd, "pays", lambda *_: True)
    count, height, width = shape
    steps = ((1, 1), padding, (1, 1), 1)
    x, weight = numbers(count, 2, height, width), numbers(3, 2, 3, 3, seed=1)
    with minigrad.reference_kernels():
        y = convolve(x, weight, *steps)
        grad_y = numbers(*y.shape, seed=2)
        grad_x = gradient_of_input(grad_y, weight, x.shape, *steps)
        grad_weight = gradient_of_weight(grad_y, x, weight.shape, *steps)
    with large_winograd_tiles() if large_tiles else nullcontext():
        assert largest_error(gradient_of_input(grad_y, weight, x.shape, *steps), grad_x) < 1e-13
        assert largest_error(gradient_of_weight(grad_y, x, weight.shape, *steps), grad_weight) < 1e-13


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", [name for name in LOOPED if name != "no channels"])
def test_tap_by_tap_equals_the_plain_loops(name, threads, monkeypatch, set_threads):
    with minigrad.reference_kernels():
        plain = three(name)
    used = []
    for computation in ("convolve", "gradient_of_input", "gradient_of_weight"):
        original = getattr(tap_by_tap, computation)
        monkeypatch.setattr(tap_by_tap, computation, lambda *args, each=original: used.append(1) or each(*args))
    monkeypatch.setattr(tap_by_tap, "pays", lambda *_: True)
    monkeypatch.setattr(tap_by_tap, "FEWEST_EACH", 1)
    for module in ("convolution", "tap_by_tap"):
        monkeypatch.setattr(f"minigrad.kernels.{module}.EVEN", 1)
    monkeypatch.setattr(tap_by_tap, "worth_sharing", lambda multiplications: True)
    set_threads(threads)
    for found, expected in zip(three(name), plain):
        assert found.shape == expected.shape
        assert largest_error(found, expected) < 1e-13
    assert len(used) == 3 * SHAPES[name][-1]  # for each group


def test_tap_by_tap_is_used_where_it_pays():
    def pays(x_shape, kernels, size=3, stride=1, padding=1):
        steps = ((stride, stride), (padding, padding), (1, 1))
        places = places_on(x_shape[2:], (size, size), *steps)
        weight_shape = (kernels, x_shape[1], size, size)
        return tap_by_tap.pays(x_shape, weight_shape, (x_shape[0], kernels, *places), *steps)

    assert pays((4, 512, 7, 7), 512)  # fewer places than kernels
    assert pays((32, 128, 4, 4), 256, stride=2)
    assert pays((32, 256, 2, 2), 512, size=1, stride=2, padding=0)
    assert not pays((4, 256, 14, 14), 256)  # many places, mostly inside the pictures
    assert pays((1000, 256, 2, 2), 256)  # many places, but the taps read padding
    assert pays((1000, 256, 1, 1), 256)
    assert not pays((1000, 256, 3, 3), 256)
    assert not pays((1000, 256, 2, 2), 256, size=2, padding=0)  # nothing read is padding
    assert not pays((100, 16, 5, 5), 120, size=5, padding=0)  # few channels: the taps' products would be small
    assert not pays((0, 512, 7, 7), 512)  # no places


@pytest.mark.parametrize("name", [name for name in SHAPES if "chunks" in name])
def test_chunks_make_no_difference(name, monkeypatch):
    expected = three(name)
    for module in ("convolution", "winograd"):
        monkeypatch.setattr(f"minigrad.kernels.{module}.CHUNK_BYTES", 1 << 13)
    monkeypatch.setattr(winograd, "REARRANGING_CHUNK_BYTES", 1 << 13)
    monkeypatch.setattr(winograd, "CHUNK_TILES", 1)
    monkeypatch.setattr("minigrad.kernels.convolution.CHUNK_PLACES", 1)
    for found, whole in zip(three(name), expected):
        assert largest_error(found, whole) < 1e-13


@pytest.mark.parametrize(("tiles", "bound"), [(2, 3e-6), (4, 3e-5)])
def test_winograd_in_float32_errs_as_told(tiles, bound):
    with large_winograd_tiles() if tiles == 4 else nullcontext():
        found = three("Winograd, several chunks", np.float32)
    x_shape, weight_shape, *steps = SHAPES["Winograd, several chunks"]
    x, weight = numbers(*x_shape, dtype=np.float32), numbers(*weight_shape, dtype=np.float32, seed=1)
    grad_y = numbers(*found[0].shape, dtype=np.float32, seed=2)
    x, weight, grad_y = [each.astype(np.float64) for each in (x, weight, grad_y)]
    exact = (
        convolve(x, weight, *steps),
        gradient_of_input(grad_y, weight, x_shape, *steps),
        gradient_of_weight(grad_y, x, weight_shape, *steps),
    )
    for each, expected in zip(found, exact):
        assert each.dtype == np.float32
        assert largest_error(each, expected) < bound


def test_winograd_is_used_where_it_pays():
    steps = ((1, 1), (1, 1), np.dtype(np.float32))
    assert winograd.pays((4, 64, 56, 56), (64, 64, 3, 3), *steps)
    assert not winograd.pays((4, 64, 56, 56), (64, 3, 3, 3), *steps)  # few channels
    assert not winograd.pays((400, 64, 1, 1), (64, 64, 3, 3), *steps)  # a tile for one place
    assert not winograd.pays((4, 64, 8, 8), (64, 64, 3, 3), *steps)  # few tiles
    assert not winograd.pays((4, 64, 56, 56), (64, 64, 3, 3), (2, 2), (1, 1), np.dtype(np.float32))
    assert not winograd.pays((4, 64, 56, 56), (64, 64, 3, 3), (1, 1), (1, 1), np.dtype(np.int64))


def blas_rounds_equal_rows_alike():
    """Whether equal rows of an even matrix give equal rows: not by OpenBLAS's kernels for AVX2 without AVX512."""
    rows = np.tile(numbers(1, 288, dtype=np.float32), (64, 1)) @ numbers(288, 256, dtype=np.float32, seed=1)
    return bool((rows == rows[0]).all())


# pictures, channels, kernels, size of the picture, kernel, stride
ALIKE = {
    "Winograd's": (2, 32, 64, 26, 3, 1),
    "uneven kernels": (1, 8, 65, 29, 3, 1),
    "one kernel": (3, 16, 1, 29, 3, 1),
    "ten kernels": (2, 33, 10, 14, 5, 1),
    "strides": (1, 3, 130, 29, 3, 2),
    "several chunks, a short last one": (1, 256, 128, 33, 3, 1),
    "few places": (1, 576, 256, 5, 3, 1),
    "few places, uneven": (1, 576, 258, 5, 3, 1),
    "1x1": (3, 130, 3, 9, 1, 1),
    "1x1, strides": (2, 32, 33, 29, 1, 2),
}


@pytest.mark.skipif(not blas_rounds_equal_rows_alike(), reason="BLAS rounds equal rows apart")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("transposed", [False, True], ids=["", "transposed"])
@pytest.mark.parametrize("name", ALIKE)
def test_equal_patches_give_equal_results(name, transposed, threads, set_threads):
    count, channels, kernels, size, kernel, stride = ALIKE[name]
    set_threads(threads)
    period = 1 if size == 5 else 3  # of the places of the smaller picture
    tile = period if transposed else period * stride
    x = np.tile(numbers(1, channels, tile, tile, dtype=np.float32), (count, 1, -(-size // tile), -(-size // tile)))
    x = minigrad.from_numpy(np.ascontiguousarray(x[:, :, :size, :size]))
    weight = numbers(kernels, channels, kernel, kernel, dtype=np.float32, seed=1)
    if transposed:
        z = F.conv_transpose2d(x, minigrad.from_numpy(weight.swapaxes(0, 1)), stride=stride).numpy()
        inner = slice(kernel - 1, z.shape[2] - kernel + 1)
        z, period = z[:, :, inner, inner], period * stride
    else:
        z = F.conv2d(x, minigrad.from_numpy(weight), stride=stride).numpy()
    assert np.array_equal(z[1:], z[:-1])
    assert np.array_equal(z[:, :, period:], z[:, :, :-period])
    assert np.array_equal(z[..., period:], z[..., :-period])


def test_half_precision_is_summed_in_single():
    x, weight = np.full((1, 64, 8, 8), 1.001, np.float16), np.full((2, 64, 5, 5), 1.001, np.float16)
    y = convolve(x, weight, (1, 1), (0, 0), (1, 1), 1)
    assert y.dtype == np.float16
    assert np.all(y == (x[:, :, :5, :5].astype(np.float64) * weight[:1].astype(np.float64)).sum().astype(np.float16))


def test_integers_are_exact():
    x = np.arange(2**53, 2**53 + 9).reshape(1, 1, 3, 3)
    y = convolve(x, np.array([[[[0, 0, 0], [0, 1, 0], [0, 0, 0]]]]), (1, 1), (1, 1), (1, 1), 1)
    assert np.array_equal(x, y)


@pytest.mark.parametrize("name", LOOPED)
def test_any_layout_is_accepted_and_nothing_is_changed(name):
    x_shape, weight_shape, *steps = SHAPES[name]
    x, weight = numbers(*x_shape), numbers(*weight_shape, seed=1)
    expected = convolve(x, weight, *steps)
    backward = np.ascontiguousarray(x.transpose(3, 2, 1, 0)).transpose(3, 2, 1, 0)
    spread = np.repeat(np.repeat(x, 2, 1), 2, 3)[:, ::2, :, ::2]
    for other in (backward, spread, np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)):
        kept = other.copy()
        assert largest_error(convolve(other, np.asfortranarray(weight), *steps), expected) < 1e-14
        assert np.array_equal(other, kept)


def test_results_lie_channels_last():
    y, grad_x, grad_weight = three("3x3")
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    assert grad_x.transpose(0, 2, 3, 1).flags.c_contiguous
    assert grad_weight.flags.c_contiguous


def test_sums_of_pictures_are_accurate_however_they_lie():
    x = numbers(64, 28, 28, 6, dtype=np.float32).transpose(0, 3, 1, 2) + np.float32(0.5)
    expected = x.sum((0, 2, 3), np.float64)
    assert largest_error(minigrad.from_numpy(x).sum((0, 2, 3)).numpy(), expected) < 1e-6


def test_results_are_not_made_in_buffers_that_are_used_again():
    first = three("Winograd")
    kept = [each.copy() for each in first]
    three("Winograd, odd sizes")
    three("several chunks")
    assert all(np.array_equal(*pair) for pair in zip(first, kept))


def test_buffers_are_kept_up_to_a_size():
    small = memory.workspace("of a test", (4,), np.dtype(np.float32))
    assert np.shares_memory(small, memory.workspace("of a test", (2, 2), np.dtype(np.float32)))
    memory.workspace("of a test", (memory.LARGEST_KEPT + 1,), np.dtype(np.uint8))
    assert memory.workspaces.buffers.pop("of a test").size <= memory.LARGEST_KEPT


def test_threads_do_not_share_buffers():
    expected = three("Winograd, several chunks")
    found = []

    def work():
        for _ in range(5):
            found.append(three("Winograd, several chunks"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 20
    assert all(np.array_equal(*pair) for each in found for pair in zip(each, expected))


def test_the_switch_holds_inside_and_in_one_thread():
    seen = []
    with minigrad.reference_kernels():
        assert kernel_mode.get().reference
        other = threading.Thread(target=lambda: seen.append(kernel_mode.get().reference))
        other.start()
        other.join()
        with large_winograd_tiles():
            assert kernel_mode.get().large_winograd_tiles
        assert not kernel_mode.get().large_winograd_tiles
    assert seen == [False]
    assert not kernel_mode.get().reference

    @minigrad.reference_kernels()
    def inside():
        return kernel_mode.get().reference

    assert inside() and not kernel_mode.get().reference

    once = minigrad.reference_kernels()
    with once:
        with once:
            pass
        assert kernel_mode.get().reference
    assert not kernel_mode.get().reference


# -------------------------------------------------------------------------------------------- the rules


def leaf(*shape, seed=0):
    return minigrad.tensor(numbers(*shape, seed=seed), requires_grad=True)


RULES = {
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, 2, 1), (2, 2, 4, 3), (3, 2, 3, 2), (3,)),
    "conv2d, groups": (lambda x, w, b: F.conv2d(x, w, b, 1, 1, (2, 1), 2), (1, 4, 4, 3), (2, 2, 3, 2), (2,)),
    "conv1d": (lambda x, w, b: F.conv1d(x, w, b, 2, 1), (2, 2, 5), (3, 2, 3), (3,)),
    "conv1d of one line": (lambda x, w, b: F.conv1d(x, w, b), (2, 5), (3, 2, 3), (3,)),
    "conv_transpose2d": (lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 1), (1, 2, 3, 3), (2, 2, 3, 2), (2,)),
    "conv_transpose2d, dilated": (
        lambda x, w, b: F.conv_transpose2d(x, w, b, 1, 1, 1, 2, 2),
        *((1, 2, 3, 3), (2, 1, 3, 2), (2,)),
    ),
    "conv_transpose1d": (lambda x, w, b: F.conv_transpose1d(x, w, b, 3), (2, 2, 3), (2, 2, 2), (2,)),
    "same": (lambda x, w, b: F.conv2d(x, w, b, padding="same"), (1, 2, 3, 3), (2, 2, 3, 3), (2,)),
}


@pytest.mark.parametrize("loops", [False, True])
@pytest.mark.parametrize("name", RULES)
@pytest.mark.usefixtures("unmeasured")
def test_gradients_and_their_gradients(name, loops):
    function, *shapes = RULES[name]
    inputs = [leaf(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    if loops:
        with minigrad.reference_kernels():
            assert gradcheck(function, inputs)
            return
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_third_order():
    x, w = leaf(1, 1, 3, 3), leaf(1, 1, 2, 2, seed=1)
    assert gradgradcheck(
        lambda x, w: minigrad.autograd.grad((F.conv2d(x, w) ** 3).sum(), x, create_graph=True)[0], (x, w)
    )


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_only_the_gradients_that_are_needed_are_computed(wanted, monkeypatch):
    called = []
    for name in ("gradient_of_input", "gradient_of_weight"):
        kernel = getattr(minigrad.kernels.convolution, name)
        monkeypatch.setattr(
            f"minigrad.kernels.convolution.{name}",
            lambda *args, name=name, kernel=kernel: (called.append(name), kernel(*args))[1],
        )
    inputs = [minigrad.tensor(numbers(*shape)) for shape in ((1, 2, 4, 4), (3, 2, 3, 3), (3,))]
    inputs[wanted].requires_grad_()
    F.conv2d(*inputs).sum().backward()
    assert called == [["gradient_of_input"], ["gradient_of_weight"], []][wanted]
    assert [each.grad is None for each in inputs] == [number != wanted for number in range(3)]


# ------------------------------------------------------------------------------------------- the layout


def convolved():
    """A result that lies channels last."""
    y = F.conv2d(leaf(2, 3, 5, 5), leaf(4, 3, 3, 3, seed=1))
    assert y.is_contiguous() and not y.array.flags.c_contiguous
    return y


def test_a_view_lays_the_memory_in_order_and_shares_it():
    y = convolved()
    values = y.array.copy()
    rows = y.view(2, -1)
    assert y.is_contiguous() and y.stride() == (36, 9, 3, 1)
    assert np.shares_memory(rows.array, y.array)
    assert np.array_equal(rows.array, values.reshape(2, -1))
    assert rows.grad_fn.name() == "ViewBackward0"
    with minigrad.no_grad():
        rows.zero_()
    assert not y.array.any()


@pytest.mark.parametrize(
    "share",
    [
        lambda y: y.detach(),
        lambda y: y.data,
        lambda y: y.detach().numpy(),
        lambda y: y[0],
        lambda y: y.permute(0, 2, 3, 1),
        lambda y: y.transpose(1, 2),
        lambda y: minigrad.nn.Parameter(y),
        lambda y: minigrad.as_tensor(y.detach().numpy()),
    ],
)
def test_what_shares_the_memory_goes_on_sharing_it(share):
    y = convolved()
    other = share(y)
    rows = y.view(-1)
    with minigrad.no_grad():
        rows.fill_(7.0)
    assert np.all((other if isinstance(other, np.ndarray) else other.detach().numpy()) == 7)
    with minigrad.no_grad():
        y.fill_(3.0)
    assert np.all((other if isinstance(other, np.ndarray) else other.detach().numpy()) == 3)
    assert np.all(rows.detach().numpy() == 3)


def test_what_a_user_function_returns_shares_the_memory_of_what_it_made():
    kept = []

    class Convolved(minigrad.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            kept.append(F.conv2d(x, w))
            return kept[0]

    class Permuted(minigrad.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.permute(0, 3, 1, 2)

    with minigrad.no_grad():
        Convolved.apply(leaf(2, 3, 5, 5), leaf(4, 3, 3, 3)).view(-1).zero_()
    assert not kept[0].array.any()
    x = minigrad.tensor(numbers(2, 5, 5, 3))
    permuted = Permuted.apply(x)
    assert permuted.contiguous() is not permuted
    permuted.zero_()
    assert not x.array.any()


def test_a_permuted_copy_is_a_copy():
    y = convolved()
    copied = y.permute(0, 2, 3, 1).contiguous()
    with minigrad.no_grad():
        copied.zero_()
    assert y.array.all()


def test_what_the_user_laid_channels_last_stays():
    array = numbers(2, 5, 5, 3).transpose(0, 3, 1, 2)
    for tensor in (minigrad.from_numpy(array), minigrad.as_tensor(array)):
        with pytest.raises(RuntimeError, match="view size is not compatible"):
            tensor.view(-1)
        assert tensor.contiguous() is not tensor
        assert tensor.detach().numpy() is array or np.shares_memory(tensor.numpy(), array)
    permuted = minigrad.tensor(numbers(2, 5, 5, 3)).permute(0, 3, 1, 2)
    for tensor in (permuted, permuted.detach(), permuted.data, minigrad.nn.Parameter(permuted)):
        with pytest.raises(RuntimeError, match="view size is not compatible"):
            tensor.view(-1)
    turned = minigrad.tensor(numbers(2, 5, 5, 3))
    first = turned[0]
    turned.transpose_(2, 3).transpose_(1, 2)
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        turned.view(-1)
    turned.zero_()
    assert not first.array.any()


def test_saved_values_outlive_the_change_of_order():
    x, w = leaf(2, 3, 5, 5), leaf(4, 3, 3, 3, seed=1)
    y = F.conv2d(x, w)
    squares = y * y  # saves y, as it lies
    y.view(-1)
    squares.sum().backward()
    expected = x.grad.array.copy()
    x.grad = None
    y = F.conv2d(x, w)
    (y * y).sum().backward()
    assert np.array_equal(x.grad.array, expected)


def test_a_change_after_the_change_of_order_is_noticed():
    y = convolved()
    squares = y * y
    with minigrad.no_grad():
        y.view(-1)[0] = 5.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        squares.sum().backward()


@pytest.mark.parametrize(
    "reduce", [lambda y: y.sum(0), lambda y: y.mean((0, 2)), lambda y: y.amax(0), lambda y: y.sum(1)]
)
def test_reductions_can_be_viewed(reduce):
    reduced = reduce(convolved())
    assert np.array_equal(reduced.view(-1).array, reduced.array.ravel())


def test_lines_lie_in_order():
    x = leaf(2, 3, 6)
    y = F.conv1d(x, leaf(4, 3, 3, seed=1))
    assert y.is_contiguous()
    y.sum().backward()
    assert x.grad.is_contiguous()
