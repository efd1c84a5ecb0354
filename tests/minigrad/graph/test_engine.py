"""The walk: in which order nodes run, where gradients are summed, and whose arrays become a ``.grad``."""

import gc
import sys
import threading
import weakref

import numpy as np
import pytest

import minigrad
from minigrad.graph import accumulation, engine
from minigrad.graph.function import Function
from minigrad.graph.storage import VersionCounter


def leaf(*values):
    return minigrad.tensor(values, dtype=minigrad.float64, requires_grad=True)


@pytest.fixture(params=["counted", "not counted"])
def references(request, monkeypatch):
    """Both ways to find out whose an array is: by references; and where they tell nothing, to take it for another's."""
    if request.param == "not counted":
        monkeypatch.setattr(engine, "ALONE", 0)
        for name in ("ALONE_WAITING", "ALONE_VIEW", "ALONE_OWNER"):
            monkeypatch.setattr(accumulation, name, 0)
    elif not engine.ALONE:
        pytest.skip("this interpreter's counts of references tell nothing")


def addresses(*tensors):
    """Where the memory of each tensor's ``.grad`` begins."""
    return [each.grad.data_ptr() for each in tensors]


@pytest.mark.parametrize(
    "compute",
    [
        lambda x, y: x + y,  # one gradient for both
        lambda x, y: (x + y) + (y + x),
        lambda x, y: x.view(3, 1) + y.view(3, 1),
        lambda x, y: minigrad.cat([x, y]),  # two views of one gradient
        lambda x, y: minigrad.stack([x, y]).t(),
        lambda x, y: x.expand(2, 3) + y,
        lambda x, y: x.exp() + y.exp(),  # each gradient is new
        lambda x, y: x.exp() * y.exp(),  # values that were saved
        lambda x, y: x.sum() + y.mean(),
    ],
)
def test_no_memory_is_shared_between_gradients_values_and_the_start(references, compute):
    x, y = leaf(1.0, 2.0, 3.0), leaf(4.0, 5.0, 6.0)
    z = compute(x, y)
    start = minigrad.ones(z.shape, dtype=minigrad.float64)
    z.backward(start, retain_graph=True)
    expected = [x.grad.tolist(), y.grad.tolist()]
    for changed, other in ((x, y), (y, x)):
        before = other.grad.tolist()
        changed.grad.add_(100)
        assert other.grad.tolist() == before
    assert start.tolist() == np.ones(z.shape).tolist() and x.tolist() == [1.0, 2.0, 3.0]
    x.grad = y.grad = None
    z.backward(start)
    assert [x.grad.tolist(), y.grad.tolist()] == expected


def test_an_array_that_nobody_else_holds_becomes_the_grad(references):
    made = []

    class Double(Function):
        def forward(ctx, x):
            return 2 * x

        def backward(ctx, grad_z):
            grad_x = 2 * grad_z
            made.append(grad_x.ctypes.data)
            return grad_x

    x = leaf(1.0, 2.0, 3.0)
    Double.apply(x).backward(minigrad.ones(3, dtype=minigrad.float64))
    assert (addresses(x) == made) is bool(engine.ALONE)


def test_what_a_rule_keeps_of_a_gradient_stays_as_it_is(references):
    kept = []

    class Keeping(Function):
        def forward(ctx, x, y):
            return x + y

        def backward(ctx, grad_z):
            grad_x, grad_y = 2 * grad_z, (3 * grad_z)[:]
            kept.extend([grad_x, grad_y.base])
            return grad_x, grad_y

    x, y = leaf(1.0, 2.0), leaf(1.0, 2.0)
    z = Keeping.apply(x, y)
    (z + x + y).backward(minigrad.ones(2, dtype=minigrad.float64))
    assert [each.tolist() for each in kept] == [[2.0, 2.0], [3.0, 3.0]]
    x.grad.zero_()
    y.grad.zero_()
    assert [each.tolist() for each in kept] == [[2.0, 2.0], [3.0, 3.0]]


def test_a_sum_is_rounded_in_the_gradients_type_before_it_takes_the_inputs():
    x = minigrad.tensor([1.0], dtype=minigrad.float32, requires_grad=True)
    y = minigrad.tensor(np.full(3, 1 / 3), dtype=minigrad.float64)
    (x * y).sum().backward()
    assert x.grad.item() == np.float32(3 * (1 / 3))


def test_a_leaf_runs_right_after_the_last_node_that_uses_it():
    order = []
    x, y = leaf(1.0), leaf(2.0)
    x.register_hook(lambda grad: order.append("x"))
    y.register_hook(lambda grad: order.append("y"))
    a = x * y
    b = a * y  # uses y once more, later
    a.register_hook(lambda grad: order.append("a"))
    b.register_hook(lambda grad: order.append("b"))
    b.sum().backward()
    assert order == ["b", "a", "x", "y"]


def test_the_order_of_a_node_that_is_older_is_noticed():
    """The fixture of ``conftest.py`` sees to every graph of these tests."""
    x = leaf(1.0)
    y = x * 2
    z = y * 3
    z.grad_fn.sequence_number = y.grad_fn.sequence_number
    with pytest.raises(AssertionError):
        z.backward()


def test_nodes_and_changes_are_numbered_by_one_clock():
    x, y = leaf(1.0), leaf(1.0)
    first = (x * 2).grad_fn.sequence_number
    with minigrad.no_grad():
        y.add_(1)
    assert first < y._version_counter.changed == VersionCounter.latest < (x * 2).grad_fn.sequence_number


def test_a_change_is_noticed_whichever_thread_made_it():
    """The latest change is the one with the highest number, however many threads change something at once."""
    tensors = [minigrad.zeros(1) for _ in range(4)]

    def change(tensor):
        for _ in range(2000):
            tensor.add_(1)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=change, args=(each,)) for each in tensors]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(interval)
    assert VersionCounter.latest == max(each._version_counter.changed for each in tensors)
    x = leaf(1.0)
    y = x * minigrad.ones(1, dtype=minigrad.float64).requires_grad_()
    with minigrad.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="is at version 1; expected version 0"):
        y.sum().backward()


def test_the_version_of_long_ago_is_not_made_up():
    x = leaf(1.0)
    y = x * x
    with minigrad.no_grad():
        for _ in range(51):
            x.add_(1)
    with pytest.raises(RuntimeError, match="is at version 51; expected version 0 instead"):
        y.backward(retain_graph=True)
    with minigrad.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="is at version 52; expected an earlier version instead"):
        y.backward()


@pytest.mark.parametrize("change", [lambda x: x.mul_(x), lambda x: x.mul_(2), lambda x: x.pow_(2), lambda x: x.exp_()])
def test_a_tensor_changed_in_place_is_in_no_cycle(change):
    x = leaf(1.0, 2.0).clone()
    change(x)
    gone = weakref.ref(x)
    gc.disable()
    try:
        del x
        assert gone() is None
    finally:
        gc.enable()


def test_a_saved_inference_tensor_is_refused_on_every_way():
    with minigrad.inference_mode():
        made = minigrad.ones(2, 2)
    x = minigrad.ones(2, 2, requires_grad=True)
    for compute in (lambda: x * made, lambda: x @ made, lambda: minigrad.addmm(x, made, made.clone() + x)):
        with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
            compute()


def test_a_leaf_with_other_data_expects_gradients_like_it():
    x = leaf(1.0, 2.0)
    y = x * 2  # the graph holds the leaf's node
    x.data = minigrad.ones(3, dtype=minigrad.float64)
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 3.0]
    assert y.tolist() == [2.0, 4.0]
