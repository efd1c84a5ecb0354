"""The walk: in which order nodes run, where gradients are summed, and whose arrays become a ``.grad``."""

import gc
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import minigrad
import minigrad.utils.checkpoint
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


@pytest.mark.parametrize("held", ["nothing", "array", "owner"])
@pytest.mark.parametrize("uses", [1, 2])
@pytest.mark.parametrize("view", [False, True], ids=["whole", "view"])
def test_one_holder_more_is_noticed_at_each_place_and_none_where_there_is_none(references, view, uses, held):
    """An array that nobody else holds becomes the ``.grad``; if it is no view, a second gradient is added to it."""
    kept, made = [], []

    class Double(Function):
        def forward(ctx, x):
            return 2 * x

        def backward(ctx, grad_z):
            owner = 2 * grad_z
            array = owner[:] if view else owner
            made.append(owner.ctypes.data)
            kept.extend({"nothing": [], "array": [array], "owner": [owner]}[held])
            return array

    x = leaf(1.0, 2.0, 3.0)
    z = Double.apply(x)
    for _ in range(uses - 1):
        z = z + Double.apply(x)
    z.backward(minigrad.ones(3, dtype=minigrad.float64))
    alone = engine.ALONE and held == "nothing" and not (view and uses == 2)
    assert (addresses(x) == made[:1]) is bool(alone)
    x.grad.zero_()
    assert [each.tolist() for each in kept] == [[2.0, 2.0, 2.0]] * len(kept)


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


IN_THE_TENSORS_OF_ITS_OWN_GRAPH = {
    "a residual": "x = w * 3; y = x * w; x.add_(y)",
    "residuals": "x = w.tanh(); [x.add_((x * w).tanh()) for _ in range(3)]",
    "an element": "x = w * 1; x[0] = (x * x)[1]",
    "a recurrence": "x = minigrad.zeros(3, 2, dtype=minigrad.float64) + w; x[1] = x[0] * w; x[2] = x[1] * w",
}


@pytest.mark.parametrize("name", IN_THE_TENSORS_OF_ITS_OWN_GRAPH)
def test_a_graph_with_changes_in_place_dies_by_counting_alone(name, left_in_cycles):
    names = {"w": leaf(2.0, 3.0), "minigrad": minigrad}
    exec(IN_THE_TENSORS_OF_ITS_OWN_GRAPH[name], names)
    del names
    assert left_in_cycles() == []


def test_values_that_a_rule_needed_are_let_go_after_backward():
    x = leaf(1.0, 2.0)
    hidden = x.tanh()
    gone = weakref.ref(hidden)
    loss = (hidden * hidden).sum()
    del hidden
    loss.backward()
    assert gone() is None and loss.item() > 0


def test_a_node_keeps_no_view_alive():
    """Every living view is given a new place at each change of the base: a recurrence would take quadratic time."""
    w = leaf(2.0, 3.0)
    out = minigrad.zeros(50, 2, dtype=minigrad.float64) + w
    for row in range(1, 50):
        out[row] = out[row - 1] * w
    assert len(out._version_counter.living_views()) == 0


def test_what_will_run_is_asked_in_a_moment():
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    counted = []

    def hook(grad):
        walk = engine.grad_mode.walk
        counted.append(sum(walk.will_run(y.grad_fn) for _ in range(20_000)))

    x.register_hook(hook)
    started = time.perf_counter()
    y.backward()
    assert counted == [20_000]
    assert time.perf_counter() - started < 20, "a search through all nodes for each question"


def test_a_hook_on_several_gradients_is_in_no_cycle(left_in_cycles):
    x = leaf(1.0, 2.0)
    y = x * x
    seen = []
    minigrad.autograd.graph.register_multi_grad_hook([x, y], seen.append)
    y.sum().backward()
    assert len(seen) == 1
    del x, y, seen
    assert left_in_cycles() == []


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_checkpoint_is_in_no_cycle(reentrant, left_in_cycles):
    x = leaf(1.0, 2.0)
    y = minigrad.utils.checkpoint.checkpoint(lambda a: (a * a).exp(), x, use_reentrant=reentrant)
    y.sum().backward(retain_graph=True)
    del x, y
    assert left_in_cycles() == []
