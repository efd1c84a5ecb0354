"""Gradients of weights that another thread computes while backward goes on: nobody can tell but by the clock.

In these tests no helper ever comes, so such a gradient is there only when the engine asks for it.
"""

import operator

import pytest

import minigrad
from minigrad import nn
from minigrad.kernels import helpers, parallel
from minigrad.nn.functional import conv2d


@pytest.fixture(autouse=True)
def nobody_helps(monkeypatch):
    """Small convolutions too leave their weights' gradients for later, and it stays waiting until it is asked for."""
    monkeypatch.setattr(parallel, "FEWEST_MULTIPLICATIONS", 0)
    monkeypatch.setattr(parallel, "MOST_WAITING", 100)
    monkeypatch.setattr(helpers.Team, "call", lambda self, count: None)
    before = minigrad.get_num_threads()
    minigrad.set_num_threads(2)
    yield
    minigrad.set_num_threads(before)


@pytest.fixture
def left_for_later(monkeypatch):
    """The futures of gradients that were, in their order."""
    added = []
    add = helpers.Team.add
    monkeypatch.setattr(helpers.Team, "add", lambda team, future: added.append(future) or add(team, future))
    return added


def tensors(*shapes):
    minigrad.manual_seed(0)
    return [minigrad.randn(*shape, dtype=minigrad.float64, requires_grad=True) for shape in shapes]


def gradients_on_one_thread(work, *inputs):
    """What ``work`` leaves in ``.grad`` if nothing is left for later."""
    minigrad.set_num_threads(1)
    for each in inputs:
        each.grad = None
    work()
    found = [each.grad for each in inputs]
    for each in inputs:
        each.grad = None
    minigrad.set_num_threads(2)
    return found


def assert_as_on_one_thread(work, *inputs):
    expected = gradients_on_one_thread(work, *inputs)
    work()
    for each, wanted in zip(inputs, expected):
        assert minigrad.allclose(each.grad, wanted, rtol=1e-12, atol=1e-12)


def chain(x, first, second):
    return conv2d(conv2d(2 * x, first, padding=1), second, padding=1).square().sum()


def test_leaves_get_the_same_gradients(left_for_later):
    x, first, second = tensors((2, 3, 5, 5), (4, 3, 3, 3), (2, 4, 3, 3))
    assert_as_on_one_thread(lambda: chain(x, first, second).backward(), x, first, second)
    assert all(map(operator.is_, [each.value for each in left_for_later], [second.grad.array, first.grad.array]))


def test_gradients_of_two_passes_add_up(left_for_later):
    x, first, second = tensors((2, 3, 5, 5), (4, 3, 3, 3), (2, 4, 3, 3))
    chain(x, first, second).backward()
    once, kept = first.grad.clone(), first.grad
    chain(x, first, second).backward()
    assert first.grad is kept and minigrad.allclose(kept, 2 * once, rtol=1e-12)
    assert len(left_for_later) == 4


def test_a_weight_used_twice(left_for_later):
    x, weight = tensors((2, 3, 5, 5), (3, 3, 3, 3))
    assert_as_on_one_thread(lambda: chain(x, weight, weight).backward(), x, weight)
    x.grad = weight.grad = None
    assert_as_on_one_thread(lambda: (conv2d(2 * x, weight).sum() + (weight**2).sum()).backward(), x, weight)
    assert left_for_later


def test_a_weight_that_is_no_leaf(left_for_later):
    x, weight = tensors((2, 3, 5, 5), (4, 3, 3, 3))
    assert_as_on_one_thread(lambda: (conv2d(2 * x, weight * 2) ** 2).sum().backward(), x, weight)
    assert left_for_later


@pytest.mark.parametrize("convolve", [nn.functional.conv_transpose2d, conv2d])
def test_a_batch_of_one_and_a_bias(convolve, left_for_later):
    x, weight, bias = tensors((1, 3, 4, 4), (3, 3, 2, 2), (3,))
    assert_as_on_one_thread(lambda: (convolve(2 * x, weight, bias) ** 2).sum().backward(), x, weight, bias)
    assert left_for_later


def test_a_hook_of_a_weight_sees_its_gradient(left_for_later):
    x, first, second = tensors((2, 3, 5, 5), (4, 3, 3, 3), (2, 4, 3, 3))
    expected = gradients_on_one_thread(lambda: chain(x, first, second).backward(), first, second)
    seen = []
    second.register_hook(lambda grad: seen.append(grad.clone()))
    first.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.clone()))
    chain(x, first, second).backward()
    for one, wanted in zip(seen, reversed(expected)):
        assert minigrad.allclose(one, wanted, rtol=1e-12)
    assert len(seen) == 2 and len(left_for_later) == 2


def test_a_hook_of_the_node_sees_its_gradients(left_for_later):
    x, weight = tensors((2, 3, 5, 5), (4, 3, 3, 3))
    z = conv2d(2 * x, weight)
    seen = []
    z.grad_fn.register_hook(lambda grad_inputs, grad_outputs: seen.extend(grad_inputs[:2]))
    z.sum().backward()
    assert [type(each) for each in seen] == [minigrad.Tensor] * 2
    assert minigrad.equal(seen[1], weight.grad) and left_for_later


def test_a_hook_finds_the_gradients_that_were_reached_before_it(left_for_later):
    x, first, second = tensors((2, 3, 5, 5), (4, 3, 3, 3), (2, 4, 3, 3))
    middle = conv2d(2 * x, first, padding=1)
    seen = []
    middle.register_hook(lambda grad: seen.append((second.grad is not None, first.grad is not None)))
    conv2d(middle, second, padding=1).sum().backward()
    assert seen == [(True, False)] and first.grad is not None and left_for_later


def test_a_rule_of_the_users_finds_the_gradients_that_were_reached_before_it(left_for_later):
    x, first, second = tensors((2, 3, 5, 5), (4, 3, 3, 3), (2, 4, 3, 3))
    seen = []

    class Same(minigrad.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            seen.append(second.grad is not None)
            return grad

    conv2d(Same.apply(conv2d(2 * x, first, padding=1)), second, padding=1).sum().backward()
    assert seen == [True] and left_for_later


def test_an_unpack_hook_finds_the_gradients_that_were_reached_before_it(left_for_later):
    x, first, second = tensors((2, 3, 5, 5), (4, 3, 3, 3), (2, 4, 3, 3))
    seen = []

    def unpack(packed):
        seen.append(second.grad is not None)
        return packed

    with minigrad.autograd.graph.saved_tensors_hooks(lambda tensor: tensor.detach(), unpack):
        middle = conv2d(2 * x, first, padding=1)
    conv2d(middle, second, padding=1).sum().backward()
    assert seen and all(seen) and left_for_later


def test_leaves_that_were_reached_have_their_gradients_after_an_error(left_for_later):
    x, first, second = tensors((2, 3, 5, 5), (4, 3, 3, 3), (2, 4, 3, 3))
    middle = conv2d(2 * x, first, padding=1)

    def fail(grad):
        raise ZeroDivisionError("in a hook")

    middle.register_hook(fail)
    with pytest.raises(ZeroDivisionError, match="in a hook"):
        conv2d(middle, second, padding=1).sum().backward()
    assert second.grad is not None and first.grad is None and left_for_later


def test_an_error_of_the_computation_is_raised_by_backward(monkeypatch, left_for_later):
    x, weight = tensors((2, 3, 5, 5), (4, 3, 3, 3))
    loss = conv2d(2 * x, weight).sum()

    def fail(*arguments):
        raise MemoryError("no memory for this gradient")

    monkeypatch.setattr("minigrad.kernels.convolution.gradient_of_weight", fail)
    with pytest.raises(MemoryError, match="no memory for this gradient"):
        loss.backward()
    assert weight.grad is None and left_for_later


def test_gradients_that_were_asked_for(left_for_later):
    x, first, second = tensors((2, 3, 5, 5), (4, 3, 3, 3), (2, 4, 3, 3))
    expected = gradients_on_one_thread(lambda: chain(x, first, second).backward(), first, second)
    found = minigrad.autograd.grad(chain(x, first, second), [first, second])
    chain(x, first, second).backward(inputs=[first])
    for one, wanted in zip([*found, first.grad], [*expected, expected[0]]):
        assert minigrad.allclose(one, wanted, rtol=1e-12)
    assert second.grad is None and left_for_later


@pytest.mark.filterwarnings("ignore:Using backward")
def test_gradients_of_gradients_are_computed_at_once(left_for_later):
    x, weight = tensors((2, 3, 5, 5), (4, 3, 3, 3))
    (conv2d(2 * x, weight) ** 2).sum().backward(create_graph=True)
    assert weight.grad.requires_grad and not left_for_later


@pytest.mark.filterwarnings("ignore::UserWarning")  # where the node was made, too
def test_anomaly_detection_finds_the_node(left_for_later):
    x, weight = tensors((2, 3, 5, 5), (4, 3, 3, 3))
    x.detach()[0, 0, 2, 2] = float("nan")
    with minigrad.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="'ConvolutionBackward0' .* its 1th"):
        conv2d(2 * x, weight).sum().backward()
    assert left_for_later


def test_at_the_end_of_the_walk_nothing_is_left_for_later(left_for_later):
    """There is nothing to do meanwhile: all threads compute both gradients."""
    x, weight = tensors((2, 3, 5, 5), (4, 3, 3, 3))
    assert_as_on_one_thread(lambda: (conv2d(x, weight) ** 2).sum().backward(), x, weight)
    assert not left_for_later
