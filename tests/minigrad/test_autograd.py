"""The mechanism: leaves, accumulation, freeing, retaining, hooks, grad mode, in-place changes, custom functions."""

import threading

import numpy as np
import pytest

import minigrad
from minigrad.autograd import Function, gradcheck, gradgradcheck


def leaf(*values):
    return minigrad.tensor(values if len(values) != 1 else values[0], dtype=minigrad.float64, requires_grad=True)


def test_the_first_gradient():
    x = leaf(2.0)
    y = x**2 + 2 * x + 1
    y.backward()
    assert x.grad.item() == 6.0
    assert x.is_leaf and not y.is_leaf
    with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed"):
        assert y.grad is None


def test_a_doubled_input_has_two_edges():
    x = leaf(3.0)
    y = x * x
    (first, first_nr), (second, second_nr) = y.grad_fn.next_functions
    assert first is second and first.variable is x and (first_nr, second_nr) == (0, 0)
    y.backward()
    assert x.grad.item() == 6.0


def test_gradients_accumulate_in_place_over_calls():
    x = leaf(1.0, 2.0)
    (x * 3).sum().backward()
    held = x.grad
    (x * 4).sum().backward()
    assert held is x.grad and held.tolist() == [7.0, 7.0]


def test_no_gradient_is_shared_with_another_leaf_or_with_the_caller():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    start = minigrad.ones(2, dtype=minigrad.float64)
    (x + y).backward(start)
    (x * 1).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0] and y.grad.tolist() == [1.0, 1.0] and start.tolist() == [1.0, 1.0]


def test_no_gradient_is_written_into_the_callers_start():
    x = leaf(1.0, 2.0)
    start = minigrad.ones(2, dtype=minigrad.float64)
    (x.view(2) + x.view(2)).backward(start)
    assert x.grad.tolist() == [2.0, 2.0] and start.tolist() == [1.0, 1.0]


def test_a_gradient_of_a_saved_value_is_not_shared_with_it():
    weight = leaf(2.0, 3.0)
    x = minigrad.tensor([5.0, 7.0], dtype=minigrad.float64)
    (weight @ x).backward()
    (weight * 1).sum().backward()
    assert weight.grad.tolist() == [6.0, 8.0] and x.tolist() == [5.0, 7.0]


def test_the_graph_is_freed_unless_retained():
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8.0
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()
    with pytest.raises(RuntimeError, match="MulBackward0"):
        _ = y.grad_fn.saved_tensors


def test_a_graph_that_saved_nothing_can_be_walked_twice():
    x = leaf(2.0)
    y = x + 1
    y.backward()
    y.backward()
    assert x.grad.item() == 2.0


def test_grad_leaves_grad_alone_and_reports_unused():
    x, unused = leaf(2.0), leaf(1.0)
    y = x**3
    (gradient,) = minigrad.autograd.grad(y, x, create_graph=True)
    (second,) = minigrad.autograd.grad(gradient, x, create_graph=True)
    (third,) = minigrad.autograd.grad(second, x)
    assert (gradient.item(), second.item(), third.item()) == (12.0, 12.0, 6.0)
    assert x.grad is None
    with pytest.raises(RuntimeError, match="index 0 appears to not have been used"):
        minigrad.autograd.grad(x * 2, unused)
    assert minigrad.autograd.grad(x * 2, unused, allow_unused=True) == (None,)
    assert minigrad.autograd.grad(x * 2, unused, materialize_grads=True)[0].item() == 0.0


def test_grad_of_an_inner_value_and_of_itself():
    x = leaf(2.0)
    y = x * x
    z = y * 3
    assert minigrad.autograd.grad(z, [y, x], retain_graph=True)[0].item() == 3.0
    assert minigrad.autograd.grad(z, z)[0].item() == 1.0


def test_grad_runs_only_what_leads_to_the_inputs():
    x, w = leaf(2.0), leaf(3.0)
    y = x.exp()
    z = y * w
    (gradient,) = minigrad.autograd.grad(z, w)
    assert gradient.item() == pytest.approx(np.exp(2.0))
    assert y.grad_fn.saved_tensors, "the rule of exp ran, or was freed, although nobody asked for x"


def test_backward_into_chosen_inputs():
    x, w = leaf(2.0), leaf(3.0)
    (x * w).backward(inputs=[x])
    assert x.grad.item() == 3.0 and w.grad is None
    with pytest.raises(RuntimeError, match="cannot be empty"):
        (x * w).backward(inputs=[])


def test_several_roots():
    x = leaf(2.0)
    minigrad.autograd.backward([x * 2, x * 3])
    minigrad.autograd.backward([x * x], [minigrad.tensor(10.0)])
    assert x.grad.item() == 45.0


def test_backward_from_a_leaf():
    x = leaf(2.0)
    x.backward()
    assert x.grad.item() == 1.0


@pytest.mark.parametrize("kept", ["hook", "retain_grad"])
def test_an_inner_gradient_can_be_seen(kept):
    x = leaf(2.0)
    y = x * 3
    seen = []
    if kept == "hook":
        y.register_hook(lambda grad: seen.append(grad.item()))
    else:
        y.retain_grad()
        assert y.retains_grad
    (y * y).backward()
    assert x.grad.item() == 36.0
    assert (seen == [12.0]) if kept == "hook" else y.grad.item() == 12.0


def test_hooks_change_gradients_and_can_be_removed():
    x = leaf(2.0)
    handle = x.register_hook(lambda grad: grad * 10)
    (x * 3).backward()
    handle.remove()
    handle.remove()
    (x * 3).backward()
    assert x.grad.item() == 33.0
    with x.register_hook(lambda grad: minigrad.ones(2)), pytest.raises(RuntimeError, match="changed the size"):
        (x * 3).backward()
    with x.register_hook(lambda grad: 1), pytest.raises(TypeError, match="hook returned 'int'"):
        (x * 3).backward()


def test_node_hooks():
    x = leaf(2.0)
    y = x * 3
    order = []
    y.grad_fn.register_prehook(lambda grads: order.append("before") or (grads[0] * 2,))
    y.grad_fn.register_hook(lambda inputs, outputs: order.append(("after", inputs[0].item(), outputs[0].item())))
    y.backward()
    assert order == ["before", ("after", 6.0, 2.0)] and x.grad.item() == 6.0
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 5, None))
    (x * 3).backward()
    y.grad_fn.metadata["note"] = 1
    assert y.grad_fn.metadata == {"note": 1}


def test_grad_mode():
    x = leaf(2.0)
    with minigrad.no_grad():
        assert not (x * 2).requires_grad and not minigrad.is_grad_enabled()
        with minigrad.enable_grad():
            assert (x * 2).requires_grad
        assert not minigrad.is_grad_enabled()
    with minigrad.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    minigrad.set_grad_enabled(False)
    assert not minigrad.is_grad_enabled()
    minigrad.set_grad_enabled(True)
    with pytest.raises(TypeError):
        minigrad.set_grad_enabled(1)


def test_grad_mode_as_decorator():
    @minigrad.no_grad()
    def with_parentheses(depth):
        assert not minigrad.is_grad_enabled()
        return depth and with_parentheses(depth - 1)

    @minigrad.no_grad
    def without():
        return minigrad.is_grad_enabled()

    @minigrad.set_grad_enabled(False)
    def switched():
        return minigrad.is_grad_enabled()

    with_parentheses(3)
    assert not without() and not switched() and minigrad.is_grad_enabled()


def test_grad_mode_survives_an_error():
    with pytest.raises(ZeroDivisionError), minigrad.no_grad():
        raise ZeroDivisionError
    x = leaf(1.0)
    x.register_hook(lambda grad: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (x * 2).backward()
    assert minigrad.is_grad_enabled()


def test_each_thread_has_its_own_grad_mode():
    seen = []
    with minigrad.no_grad():
        thread = threading.Thread(target=lambda: seen.append((leaf(1.0) * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_a_saved_value_changed_in_place_is_noticed():
    x = leaf(1.0, 2.0)
    y = x * 2
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError) as caught:
        z.sum().backward()
    message = str(caught.value)
    assert "modified by an inplace operation" in message and "is at version 1; expected version 0" in message
    assert "output 0 of MulBackward0" in message and "add_ at" in message and "test_autograd.py" in message


def test_a_change_in_place_is_recorded():
    x = leaf(1.0, 2.0)
    y = x * 2
    y += 1
    y *= 3
    y.exp_()
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 6 * np.exp(3 * (2 * np.array([1.0, 2.0]) + 1)))
    assert y.grad_fn.name() == "ExpBackward0" and y._version == 3


def test_the_result_that_an_operation_saved_is_guarded_too():
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.mul_(2)
    with pytest.raises(RuntimeError, match="output 0 of ExpBackward0"):
        y.sum().backward()
    z = (x * 1).exp_()
    z.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_views_share_the_version():
    x = leaf(1.0, 2.0)
    y = x * 1
    view = y.detach().view(2, 1)
    z = y * y
    view.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_in_place_changes_that_are_refused():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
        x.view(2, 1).add_(1)
    assert x.tolist() == [1.0, 2.0]
    with pytest.raises(RuntimeError, match="single memory location"):
        minigrad.ones(1).expand(3).add_(1)


def test_setting_elements_is_recorded():
    x, value = leaf(1.0, 2.0, 3.0), leaf(10.0)
    y = x * 2
    y[1] = value
    y[2] = 5.0
    assert y.grad_fn.name() == "torch::autograd::CopySlices" and y.tolist() == [2.0, 10.0, 5.0]
    (y * y).sum().backward()
    assert x.grad.tolist() == [8.0, 0.0, 0.0] and value.grad.item() == 20.0


def test_requires_grad_rules():
    with pytest.raises(RuntimeError, match="floating point"):
        minigrad.tensor([1, 2], requires_grad=True)
    y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf variables"):
        y.requires_grad = False
    with pytest.raises(RuntimeError, match="can't retain_grad"):
        minigrad.ones(1).retain_grad()
    with pytest.raises(RuntimeError, match="cannot register a hook"):
        minigrad.ones(1).register_hook(print)
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad"):
        minigrad.ones(1).backward()
    with pytest.raises(RuntimeError, match="implicitly created only for scalar outputs"):
        leaf(1.0, 2.0).backward()
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        leaf(1.0, 2.0).backward(minigrad.ones(3))
    with pytest.raises(RuntimeError, match="Use tensor"):
        leaf(1.0).numpy()
    assert y.detach().is_leaf and y.detach_() is y and y.is_leaf


def test_gradients_take_the_type_of_their_input():
    x = minigrad.ones(2, requires_grad=True)
    (x * minigrad.ones(2, dtype=minigrad.float64)).sum().backward()
    assert x.grad.dtype is minigrad.float32


class Cube(Function):
    """A custom function as PyTorch's documentation writes it."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.exponent = 3
        return x * x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * ctx.exponent * x * x


class TwoOutputs(Function):
    @staticmethod
    def forward(ctx, x, factor):
        positions = (x > 0).long()
        ctx.mark_non_differentiable(positions)
        ctx.factor = factor
        return x * factor, x + factor, positions

    @staticmethod
    def backward(ctx, grad_product, grad_sum, _):
        return grad_product * ctx.factor + grad_sum, None


def test_custom_function():
    x = leaf(2.0, -1.0)
    y = Cube.apply(x)
    assert y.grad_fn.name() == "CubeBackward"
    y.sum().backward()
    assert x.grad.tolist() == [12.0, 3.0]
    assert gradcheck(Cube.apply, (x,)) and gradgradcheck(Cube.apply, (x,))
    product, total, positions = TwoOutputs.apply(x, 3)
    assert not positions.requires_grad
    x.grad = None
    total.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0] and product.requires_grad


def test_custom_function_with_none_and_dirty():
    class InPlace(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            x.mul_(2)
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    class Plain(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, first, second):
            assert first is None
            return second * 2

    x = leaf(3.0)
    y = x * 1
    assert InPlace.apply(y) is y and y.item() == 6.0
    y.backward()
    assert x.grad.item() == 2.0
    Plain.apply(x)[1].backward()
    assert x.grad.item() == 4.0


def test_a_wrong_custom_function_is_told():
    class TooMany(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    class WrongShape(TooMany):
        @staticmethod
        def backward(ctx, grad):
            return minigrad.ones(3)

    class SavesANumber(TooMany):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)

    with pytest.raises(RuntimeError, match="incorrect number of gradients"):
        TooMany.apply(leaf(1.0)).backward()
    with pytest.raises(RuntimeError, match="invalid gradient at index 0"):
        WrongShape.apply(leaf(1.0, 2.0)).sum().backward()
    with pytest.raises(TypeError, match="keep it as an attribute of ctx"):
        SavesANumber.apply(leaf(1.0))


def test_gradcheck_finds_a_wrong_rule():
    class Wrong(Cube):
        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 3.01 * x * x

    class WrongSecond(Cube):
        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 3 * x.detach() * x

    x = leaf(2.0, -1.0)
    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(Wrong.apply, (x,))
    assert not gradcheck(Wrong.apply, (x,), raise_exception=False)
    assert gradcheck(WrongSecond.apply, (x,))
    assert not gradgradcheck(WrongSecond.apply, (x,), raise_exception=False)
    with pytest.raises(ValueError, match="at least one input"):
        gradcheck(Cube.apply, (minigrad.ones(1),))


# -------------------------------------------------------------------------------- in place, in the tensor's memory


@pytest.mark.parametrize("operation", ["relu_", "add_"])
def test_the_commonest_operations_compute_in_the_tensors_memory(operation):
    """And leave its order alone, which may be channels last, as convolutions give it."""
    minigrad.manual_seed(0)
    layer = minigrad.nn.Conv2d(3, 4, 3, dtype=minigrad.float64)
    x = minigrad.rand(2, 3, 5, 6, dtype=minigrad.float64)
    others = [] if operation == "relu_" else [minigrad.rand(2, 4, 3, 4, dtype=minigrad.float64)]

    z = layer(x)
    array, strides = z.array, z.array.strides
    getattr(z, operation)(*others)
    assert z.array is array and array.strides == strides and not array.flags.c_contiguous
    (z * z).sum().backward()
    found = layer.weight.grad
    layer.weight.grad = None
    expected = getattr(layer(x), operation[:-1])(*others)
    assert z.equal(expected)
    (expected * expected).sum().backward()
    assert found.equal(layer.weight.grad)


def test_an_operation_that_would_overwrite_its_other_operand_changes_nothing():
    x = minigrad.arange(6.0)
    with pytest.raises(RuntimeError, match="single memory location"):
        x[1:].add_(x[:-1])
    with pytest.raises(RuntimeError, match="single memory location"):
        x[:1].expand(3).relu_()
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_result_saved_in_place_and_changed_is_refused():
    x = minigrad.tensor([-1.0, 2.0], requires_grad=True)
    z = (x * 1).relu_()
    z.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_values_written_before_recording_failed_count_as_changed():
    """A node that saved the old values must not compute with the new ones."""
    x = minigrad.tensor([-1.0, 2.0], requires_grad=True) * 1
    y = x * x

    def fail(saved):
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"), minigrad.autograd.graph.saved_tensors_hooks(fail, lambda _: _):
        x.relu_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
