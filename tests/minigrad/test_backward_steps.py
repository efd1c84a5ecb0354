"""``backward_steps``: the same nodes in the same order with the same sums as the engine's loop, seen from outside."""

import gc
import sys
import weakref

import numpy as np
import pytest

import minigrad
import minigrad.viz
from minigrad.autograd.stepping import brief, ready_because
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.node import AccumulateGrad


def leaf(*shape):
    values = np.random.default_rng(len(shape)).uniform(0.5, 1.5, shape)
    return minigrad.tensor(values, dtype=minigrad.float64, requires_grad=True)


def shared():
    x = leaf(2, 3)
    h = x.exp()
    return (h * h + h * x + x).sum()


def broadcast():
    x, w, b = leaf(4, 3), leaf(2, 3), leaf(2)
    return (minigrad.nn.functional.linear(x, w, b).relu() * leaf(2)).mean()


def several_outputs():
    first, second = leaf(3, 4).sort(dim=0)[0].split(2, dim=1)
    return (first * second * second * first).sum()


def changed_in_place():
    x = leaf(3)
    y = x * 2
    y[1:].mul_(x[1:])
    return (y * y).sum()


def convolution():
    image, weight = leaf(1, 2, 40, 40), leaf(3, 2, 3, 3)
    return minigrad.nn.functional.conv2d(image, weight, padding=1).relu().sum()


PROGRAMS = pytest.mark.parametrize(
    "program", [shared, broadcast, several_outputs, changed_in_place, convolution], ids=lambda each: each.__name__
)


def ran_by_the_loop(work):
    """What ``work()`` makes the loop give to nodes: of each its name, and the gradients."""
    found = []

    def profile(frame, event, argument):
        code, caller = frame.f_code, frame.f_back
        if event != "call" or caller is None or caller.f_code.co_name != "run_backward":
            return
        if code.co_name in ("backward", "run_watched", "run_leaf"):
            values = [frame.f_locals[name] for name in code.co_varnames[: code.co_argcount]]
            if code.co_flags & 4:
                values += frame.f_locals[code.co_varnames[code.co_argcount]]
            if code.co_name == "run_watched":
                values = [values[1], *(values[2] or [])]
            found.append((values[0].name(), [None if each is None else np.array(each) for each in values[1:]]))

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


def same(first, second):
    assert (first is None) == (second is None)
    assert first is None or np.array_equal(first, second)


@PROGRAMS
def test_the_loop_and_the_steps_run_the_same_nodes_in_the_same_order_with_the_same_sums(program):
    by_loop = ran_by_the_loop(program().backward)
    steps = list(program().backward_steps())
    assert [step.node.name() for step in steps] == [name for name, _ in by_loop]
    for step, (_, gradients) in zip(steps, by_loop):
        for mine, theirs in zip(step.arrived, gradients, strict=True):
            same(None if mine is None else mine.array, theirs)
    assert all(len(ran_by_the_loop(lambda left=left: next(left))) == 1 for left in [program().backward_steps()])


@PROGRAMS
def test_what_is_sent_is_what_arrives(program):
    waiting = {}
    for step in program().backward_steps():
        arrived = waiting.pop(step.node, {})
        assert len(step.senders) == sum(len(each) for each in arrived.values())
        for output_nr, sums in arrived.items():
            same(step.arrived[output_nr].array, sums[-1].sum.array)
        for sent in step.sent:
            before = waiting.setdefault(sent.to, {}).setdefault(sent.output_nr, [])
            same(before[-1].sum.array if before else None, None if sent.added_to is None else sent.added_to.array)
            total = sent.value.array if sent.added_to is None else sent.added_to.array + sent.value.array
            same(sent.sum.array, total)
            assert sent.value.shape == sent.to.outputs[sent.output_nr][0]
            before.append(sent)


def test_one_step_tells_everything():
    x = minigrad.tensor([[1.0, 2.0]], requires_grad=True)
    w = minigrad.tensor([[3.0], [4.0]], requires_grad=True)
    steps = list((x * w + x).sum().backward_steps())
    assert [step.number for step in steps] == [1, 2, 3, 4, 5] and {step.total for step in steps} == {5}
    assert str(steps[1]) == (
        "step 2 of 5: AddBackward0  z = x + y\n"
        "  ready: its one gradient has arrived, from step 1\n"
        "  arrived: [[1.0, 1.0], [1.0, 1.0]]\n"
        "  sent to input 0, MulBackward0: [[1.0, 1.0], [1.0, 1.0]]\n"
        "  sent to input 1, AccumulateGrad: [[2.0, 2.0]], summed from [2, 2]"
    )
    assert str(steps[2]) == (
        "step 3 of 5: MulBackward0  z = x * y\n"
        "  ready: its one gradient has arrived, from step 2\n"
        "  arrived: [[1.0, 1.0], [1.0, 1.0]]\n"
        "  saved self: [[1.0, 2.0]]\n"
        "  saved other: [[3.0], [4.0]]\n"
        "  sent to input 0, AccumulateGrad: [[7.0, 7.0]], summed from [2, 2], added to [[2.0, 2.0]]: [[9.0, 9.0]]\n"
        "  sent to input 1, AccumulateGrad: [[3.0], [3.0]], summed from [2, 2]"
    )
    assert steps[3].node.variable is x and steps[3].senders == (2, 3) and steps[3].grad_before is None
    assert steps[3].grad_after.tolist() == x.grad.tolist() == [[9.0, 9.0]]
    assert steps[0].ready_because == "backward begins here"
    assert steps[3].ready_because == "all 2 gradients have arrived, from steps 2, 3"
    assert "  .grad: None, then [[9.0, 9.0]]" in str(steps[3])


def test_where_nothing_arrives_and_a_users_rule():
    class Ignored(minigrad.autograd.Function):
        """Ours alone are formulas."""

        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, grad):
            return grad, None

    x = leaf(7)
    with minigrad.viz.watch():
        z = Ignored.apply(x, x.exp()).sum()
    steps = list(z.backward_steps())
    assert steps[1].formula == "" and steps[2].arrived == (None,) and steps[2].sent == ()
    line = test_where_nothing_arrives_and_a_users_rule.__code__.co_firstlineno + 14
    assert str(steps[2]).splitlines()[0] == f"step 3 of 4: ExpBackward0  z = eˣ  # {__file__}:{line}"
    assert "  arrived: None\n  saved result: [7] float64" in str(steps[2])


def test_up_to_six_elements_are_told():
    assert (
        brief(minigrad.zeros(2, 3)) == "[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]"
        and brief(minigrad.zeros(7)) == "[7] float32"
    )


def test_why_a_node_runs_now():
    assert ready_because(tuple(range(1, 9))).endswith("from steps 1, 2, 3, 4, 5, 6, 7, 8")
    assert ready_because(tuple(range(1, 10))) == "all 9 gradients have arrived, from steps 1 to 9"


def test_an_input_used_twice_by_one_node_shows_the_sum_as_it_grows():
    x = minigrad.tensor(2.0, requires_grad=True)
    sent = [each for step in (x * x + x).backward_steps() for each in step.sent]
    sums = [(each.added_to, each.sum.item()) for each in sent if isinstance(each.to, AccumulateGrad)]
    assert [total for _, total in sums] == [1.0, 3.0, 5.0]
    assert [None if before is None else before.item() for before, _ in sums] == [None, 1.0, 3.0]


def test_a_step_is_a_copy_and_has_no_history():
    x = leaf(3)
    steps = list((x * x).sum().backward_steps(create_graph=False))
    steps[1].arrived[0].array[...] = 99
    steps[1].sent[0].sum.array[...] = 99
    steps[2].grad_after.array[...] = 99
    same(x.grad.array, 2 * x.array)
    assert not any(each.requires_grad for step in steps for each in step.arrived)


def test_arguments_and_errors_are_those_of_backward():
    x, y = leaf(3), leaf(3)
    z = x * x * y
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        z.backward_steps()
    with pytest.raises(RuntimeError, match="does not require grad"):
        minigrad.ones(1).backward_steps()
    list(z.backward_steps(minigrad.ones(3, dtype=minigrad.float64), retain_graph=True, inputs=[x]))
    same(x.grad.array, 2 * x.array * y.array)
    assert y.grad is None
    with pytest.warns(UserWarning, match="Using backward"):
        list(z.backward_steps(minigrad.ones(3, dtype=minigrad.float64), create_graph=True, inputs=[y]))
    assert y.grad.grad_fn is not None and grad_mode.enabled
    (second,) = minigrad.autograd.grad(y.grad.sum(), x)
    same(second.array, 2 * x.array)


def test_hooks_run_once_and_the_step_shows_what_arrived_before_them():
    x = leaf(2)
    y, seen = x * 2, []
    y.register_hook(lambda grad: seen.append(grad.tolist()) or grad * 10)
    several = []
    z = y.sum()
    minigrad.autograd.graph.register_multi_grad_hook(
        (y, z), lambda grads: several.append([each is not None for each in grads])
    )
    steps = list(z.backward_steps())
    assert several == [[True, True]]  # once, when both are there
    assert seen == [[1.0, 1.0]] and steps[1].arrived[0].tolist() == [1.0, 1.0]
    assert x.grad.tolist() == [20.0, 20.0]


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("create_graph", [False, True])
def test_nothing_is_switched_between_two_steps_and_a_pass_that_is_left_says_so(create_graph):
    x = leaf(2)
    y = (x * x).exp().sum()
    with minigrad.no_grad():
        steps = y.backward_steps(create_graph=create_graph, retain_graph=False)
        for step in steps:
            assert not grad_mode.enabled and grad_mode.walk is None
            if step.number == 2:
                break
    assert repr(steps) == "<backward_steps waiting after step 2 of 4>" and x.grad is None
    steps.close()
    assert repr(steps) == "<backward_steps stopped after step 2 of 4>" and list(steps) == [] and not steps.arrived
    assert grad_mode.enabled and grad_mode.walk is None
    with pytest.raises(RuntimeError, match=r"second time.* by backward_steps\(\) was left after step 2 of 4\.$"):
        y.backward()
    assert "backward_steps() that was left" in minigrad.autograd.explain_grad(x)
    z = (x * x).sum()
    whole = z.backward_steps()
    assert len(list(whole)) == 3 and whole.close() is None
    assert repr(whole) == "<backward_steps complete after step 3 of 3>"
    with pytest.raises(RuntimeError, match="after calling backward.$"):
        z.backward()


def test_an_error_in_a_rule_ends_the_steps():
    x = leaf(2)
    y = x * x
    z = y.exp().sum()
    with minigrad.no_grad():
        x.mul_(2)
    steps = z.backward_steps()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        list(steps)
    assert repr(steps) == "<backward_steps stopped after step 2 of 4>" and grad_mode.walk is None


@pytest.mark.usefixtures("unmeasured")
def test_a_long_chain_and_a_leaf_that_is_used_often():
    x = y = minigrad.tensor(1.0, requires_grad=True)
    for _ in range(5_000):
        y = y + x
    number = 0
    for step in y.backward_steps():  # noqa: B007
        number += 1
    assert number == 5_001 and len(step.senders) == 5_001 and isinstance(step.node, AccumulateGrad)
    assert x.grad.item() == 5_001.0


def test_a_pass_that_is_let_go_leaves_nothing():
    x = leaf(2)
    gc.collect()
    gc.disable()
    try:
        y = (x * x).sum()
        node = weakref.ref(y.grad_fn)
        steps = y.backward_steps()
        next(steps)
        del y, steps
        assert node() is None
    finally:
        gc.enable()


class TestSavedNames:
    def test_as_attributes_of_nodes(self):
        x, y = leaf(2), leaf(2)
        node = (x * y).grad_fn
        assert node._saved_self is x and node._saved_other is y
        z = x.exp()
        assert z.grad_fn._saved_result.grad_fn is z.grad_fn
        with pytest.raises(AttributeError, match="has no attribute '_saved_mat2'"):
            _ = node._saved_mat2
        for twice in (x * x, minigrad.maximum(x, x)):
            assert twice.grad_fn._saved_self is x and twice.grad_fn._saved_other is x

    def test_how_a_matrix_lies_is_no_value(self):
        product = minigrad.ones(2, 2) @ minigrad.ones(2, 2, requires_grad=True)
        assert list(list(product.sum().backward_steps())[1].saved) == ["self"]

    def test_freed_and_packed_values(self):
        x = leaf(2)
        z = x * x
        z.sum().backward()
        with pytest.raises(RuntimeError, match="second time"):
            _ = z.grad_fn._saved_self
        with minigrad.autograd.graph.saved_tensors_hooks(lambda tensor: tensor.detach() * 2, lambda packed: packed / 2):
            packed = (x * x).grad_fn
        same(packed._saved_other.array, x.array)
