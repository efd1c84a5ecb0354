"""Hooks, custom functions, inference, anomalies, checkpoints, Jacobians: the same calls on both engines."""

import threading
import warnings

import numpy as np
import pytest
import torch
import torch.utils.checkpoint

import minigrad
import minigrad.graph.function
from comparisons import compare_values

ENGINES = {"minigrad": minigrad, "torch": torch}


def leaf(e, *values):
    return e.tensor(values, dtype=e.float64, requires_grad=True)


def on_both(program):
    """What ``program(engine)`` returns on each engine: numbers, strings, lists of them."""
    return program(minigrad), program(torch)


def check_same(program):
    ours, theirs = on_both(program)
    assert ours == theirs


# ---------------------------------------------------------------------------------------------------- hooks


def hooks_in_order(e):
    log = []
    x = leaf(e, 1.0, 2.0)
    x.register_hook(lambda grad: log.append(("leaf", grad.tolist())))
    x.register_post_accumulate_grad_hook(lambda tensor: log.append(("accumulated", tensor.grad.tolist())))
    y = x * 2
    y.register_hook(lambda grad: log.append(("first", grad.tolist())))
    y.register_hook(lambda grad: grad * 10)
    y.register_hook(lambda grad: log.append(("third", grad.tolist())))
    y.retain_grad()
    y.grad_fn.register_prehook(lambda grads: log.append(("node before", grads[0].tolist())))
    y.grad_fn.register_hook(lambda inputs, outputs: log.append(("node after", inputs[0].tolist(), outputs[0].tolist())))
    end = y.grad_fn.next_functions[0][0]
    end.register_prehook(lambda grads: log.append(("end before", grads[0].tolist())))
    end.register_hook(lambda inputs, outputs: log.append(("end after", len(inputs), outputs[0].tolist())))
    y.sum().backward()
    return log, y.grad.tolist(), x.grad.tolist()


def a_node_hook_replaces(e):
    x = leaf(e, 1.0, 2.0)
    y = x.exp()
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 0 + 7,))
    y.grad_fn.register_prehook(lambda grads: (grads[0] * 0 + 3,))
    y.sum().backward()
    return x.grad.tolist()


def the_end_of_a_path_is_hooked(e):
    x = leaf(e, 1.0, 2.0)
    y = x * 3
    end = y.grad_fn.next_functions[0][0]
    end.register_prehook(lambda grads: (grads[0] + 1,))
    y.sum().backward()
    return x.grad.tolist()


def hooks_are_removed(e):
    log = []
    x = leaf(e, 1.0)
    handles = [
        x.register_hook(lambda grad: log.append("hook")),
        x.register_post_accumulate_grad_hook(lambda tensor: log.append("accumulated")),
    ]
    (x * 2).sum().backward()
    for handle in handles:
        handle.remove()
        handle.remove()
    (x * 2).sum().backward()
    return log


def hooks_see_the_value_they_were_set_on(e):
    log = []
    x = leaf(e, 1.0, 2.0)
    y = x * 1
    y.retain_grad()
    y.register_hook(lambda grad: log.append(("old", grad.tolist())))
    y.mul_(3)
    y.register_hook(lambda grad: log.append(("new", grad.tolist())))
    (y * y).sum().backward()
    return log, y.grad.tolist()


def optimizer_in_backward(e):
    x = leaf(e, 1.0, 2.0)

    def step(tensor):
        with e.no_grad():
            tensor.sub_(tensor.grad * 0.5)
        tensor.grad = None

    x.register_post_accumulate_grad_hook(step)
    (x * x).sum().backward()
    return x.tolist(), x.grad


def several_gradients(e):
    log = []
    x, y, z = leaf(e, 1.0), leaf(e, 2.0), leaf(e, 3.0)
    e.autograd.graph.register_multi_grad_hook((x, y), lambda grads: log.append([grad.item() for grad in grads]))
    handle = e.autograd.graph.register_multi_grad_hook((z, y), lambda grad: log.append("any"), mode="any")
    (x * y * z).sum().backward()
    (x * y * z).sum().backward()
    handle.remove()
    (x * y * z).sum().backward()
    return sorted(log, key=str)


def saved_tensors_packed(e):
    log = []

    def pack(tensor):
        log.append(("pack", list(tensor.shape)))
        return tensor.tolist()

    def unpack(values):
        log.append(("unpack", values))
        return e.tensor(values, dtype=e.float64)

    x, y = leaf(e, 1.0, 2.0), leaf(e, 3.0, 4.0)
    with e.autograd.graph.saved_tensors_hooks(pack, unpack):
        z = (x * y).exp()
    w = z * z
    w.sum().backward()
    return sorted(log, key=str), x.grad.tolist(), y.grad.tolist()


def edges_instead_of_tensors(e):
    x = leaf(e, 1.0, 2.0)
    y = x * 3
    edge = e.autograd.graph.get_gradient_edge(y)
    y_again = y * 1
    (grad,) = e.autograd.grad((y_again * y_again).sum(), edge)
    return grad.tolist(), edge.node.name(), edge.output_nr


def shown(value):
    """A gradient, or a nest of them, as lists; None as it is."""
    if isinstance(value, (list, tuple)):
        return [shown(each) for each in value]
    return None if value is None else value.tolist()


def watch_everything(tensor, log, name):
    """Note every call of a hook at ``tensor``, which is no leaf, and at its node."""
    tensor.register_hook(lambda grad: log.append((name, "tensor", shown(grad))))
    tensor.grad_fn.register_prehook(lambda grads: log.append((name, "before", shown(grads))))
    tensor.grad_fn.register_hook(lambda inputs, outputs: log.append((name, "after", shown(inputs), shown(outputs))))


class Product:
    """A custom function x, y -> x · y, the gradient of y its own too, or none at all."""

    def __init__(self, e, rule=lambda ctx, grad: (grad * 2, grad * 3)):
        parts = {"forward": staticmethod(lambda ctx, x, y: x * y), "backward": staticmethod(rule)}
        self.apply = type("Product", (e.autograd.Function,), parts).apply


def hooks_where_no_gradient_arrives(e):
    log = []
    x = leaf(e, 1.0, 2.0)
    x.register_hook(lambda grad: log.append(("leaf", shown(grad))))
    x.register_post_accumulate_grad_hook(lambda tensor: log.append(("accumulated", shown(tensor.grad))))
    y = x * 2
    y.grad_fn.next_functions[0][0].register_prehook(lambda grads: log.append(("end before", shown(grads))))
    y.grad_fn.next_functions[0][0].register_hook(lambda i, o: log.append(("end after", shown(i), shown(o))))
    watch_everything(y, log, "product")
    y.retain_grad()
    Product(e, lambda ctx, grad: (None, None)).apply(y, leaf(e, 3.0, 4.0)).sum().backward()
    return log, shown(x.grad), shown(y.grad)


def hooks_of_unused_outputs(e):
    log, found = [], []
    splits = {"unbind": lambda x: x.unbind(0), "split": lambda x: x.split(1), "var_mean": lambda x: e.var_mean(x, 0)}
    for name, split in splits.items():
        x = leaf(e, 1.0, 2.0)
        unused, used = split(x * 2)
        watch_everything(unused, log, name)
        unused.retain_grad()
        used.sum().backward()
        found.append((shown(x.grad), unused.grad))
    return log, found


def nodes_where_the_walk_ends(e):
    log, found = [], []
    for make in (lambda x: x * 2, lambda x: x.exp(), lambda x: Product(e).apply(x, x), lambda x: x.unbind(0)[0]):
        x = leaf(e, 1.0, 2.0)
        y = make(x)
        watch_everything(y, log, "end")
        e.autograd.graph.register_multi_grad_hook((x, y), lambda grads: log.append(("all", shown(grads))))
        e.autograd.grad(y.sum(), y, retain_graph=True)
        (y * 3).sum().backward(inputs=[y])
        found.append((shown(x.grad), shown(y.grad)))
    return log, found


def gradients_that_no_edge_leads_to(e):
    log = []
    y = Product(e).apply(leaf(e, 1.0, 2.0), e.ones(2))
    watch_everything(y, log, "product")
    y.sum().backward()
    return log


def retained_by_views_of_one_base(e):
    found = []
    for change in (lambda v, w, b: v.mul_(3), lambda v, w, b: b.sin_(), lambda v, w, b: b.__setitem__(0, 5.0)):
        for again in (False, True):
            x = leaf(e, 1.0, 2.0, 3.0, 4.0)
            base = x * 2
            v, w = base[:2], base.view(2, 2)
            v.retain_grad(), w.retain_grad()
            before = (v.sum() * 3, w.sum() * 5)
            change(v, w, base)
            after = ((v * 7).sum(), (w * 11).sum()) if again else ()
            sum((*before, *after)).backward()
            found.append((shown(v.grad), shown(w.grad), shown(x.grad)))
    return found


def watched_together(e):
    log = []
    x = leaf(e, 3.0, 1.0)
    y = x * 2
    values, positions = y.sort()
    variance, mean = e.var_mean(y, 0)
    watch = e.autograd.graph.register_multi_grad_hook
    watch((positions, values), lambda grad: log.append(("any", shown(grad))), mode="any")
    watch((variance, y), lambda grads: log.append(("all", shown(grads))))
    (mean * 1).backward(retain_graph=True)
    values.sum().backward()
    e.autograd.grad((x * 2).sum(), x)
    return log


HOOKS = [
    hooks_in_order,
    hooks_where_no_gradient_arrives,
    hooks_of_unused_outputs,
    nodes_where_the_walk_ends,
    gradients_that_no_edge_leads_to,
    retained_by_views_of_one_base,
    watched_together,
    a_node_hook_replaces,
    the_end_of_a_path_is_hooked,
    hooks_are_removed,
    hooks_see_the_value_they_were_set_on,
    optimizer_in_backward,
    several_gradients,
    saved_tensors_packed,
    edges_instead_of_tensors,
]


@pytest.mark.parametrize("program", HOOKS, ids=lambda program: program.__name__)
def test_hooks(program):
    check_same(program)


@pytest.mark.parametrize("name", ENGINES)
def test_hooks_refused(name):
    e = ENGINES[name]
    with pytest.raises(RuntimeError, match="cannot be registered on non-leaf"):
        (leaf(e, 1.0) * 2).register_post_accumulate_grad_hook(print)
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        e.ones(1).register_post_accumulate_grad_hook(print)
    with pytest.raises(ValueError, match="mode"):
        e.autograd.graph.register_multi_grad_hook((leaf(e, 1.0),), print, mode="some")
    x = leaf(e, 1.0)
    with e.autograd.graph.saved_tensors_hooks(lambda tensor: None, lambda packed: packed):
        y = x.exp()
    with pytest.raises(TypeError, match="expected to be a Tensor"):
        y.backward(e.ones(1, dtype=e.float64))


# ---------------------------------------------------------------------------------------------------- .grad


@pytest.mark.parametrize("name", ENGINES)
def test_grad_is_assigned_with_care(name):
    e = ENGINES[name]
    x = leaf(e, 1.0, 2.0)
    for wrong, kind in [(1.0, TypeError), (e.ones(2), RuntimeError), (e.ones(3, dtype=e.float64), RuntimeError)]:
        with pytest.raises(kind, match="assign"):
            x.grad = wrong
    with pytest.raises(RuntimeError, match="its own grad"):
        x.grad = x
    assert x.grad is None
    x.grad = e.ones(2, dtype=e.float64)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    del x.grad
    assert x.grad is None
    with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed"):
        assert (x * 2).grad is None


# ---------------------------------------------------------------------------------------------------- custom functions


def scaled(e):
    """A custom function written for PyTorch: constants, several outputs, None gradients."""

    class Scaled(e.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor, y):
            ctx.factor = factor
            ctx.save_for_backward(x, y)
            count = e.tensor([3])
            ctx.mark_non_differentiable(count)
            return x * factor + y, x * y, count

        @staticmethod
        def backward(ctx, grad_sum, grad_product, grad_count):
            x, y = ctx.saved_tensors
            return grad_sum * ctx.factor + grad_product * y, None, grad_sum + grad_product * x

    x, y = leaf(e, 1.0, 2.0), leaf(e, 3.0, 4.0)
    total, product, count = Scaled.apply(x, 2.0, y)
    (grad_x,) = e.autograd.grad((total * product).sum(), x, create_graph=True)
    grad_x.sum().backward()
    names = total.grad_fn.name(), [node and node.name()[-14:] for node, _ in total.grad_fn.next_functions]
    return grad_x.tolist(), x.grad.tolist(), y.grad.tolist(), count.requires_grad, names


def in_place_custom(e):
    class Double(e.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    x = leaf(e, 1.0, 2.0)
    y = x * 1
    z = Double.apply(y)
    z.sum().backward()
    return z is y, y.tolist(), x.grad.tolist(), y.grad_fn.name()


def without_materializing(e):
    seen = []

    class Two(e.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, first, second):
            seen.append((first is None, second is None))
            return first * 2

    x = leaf(e, 1.0)
    Two.apply(x)[0].sum().backward()
    return seen, x.grad.tolist()


def set_up_apart(e):
    class Cube(e.autograd.Function):
        @staticmethod
        def forward(x):
            return x**3

        @staticmethod
        def setup_context(ctx, inputs, output):
            (x,) = inputs
            ctx.save_for_backward(x)

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 3 * x**2

    x = leaf(e, 2.0)
    (first,) = e.autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
    (second,) = e.autograd.grad(first.sum(), x)
    return first.tolist(), second.tolist()


def backward_in_backward(e):
    """Re-entrant: a rule that differentiates something else."""

    class Solved(e.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            with e.enable_grad():
                inner = x.detach().requires_grad_()
                (inner * inner).sum().backward()
            return grad * inner.grad

    x = leaf(e, 1.0, 3.0)
    Solved.apply(x * 2).sum().backward()
    return x.grad.tolist()


CUSTOM = [scaled, in_place_custom, without_materializing, set_up_apart, backward_in_backward]


@pytest.mark.parametrize("program", CUSTOM, ids=lambda program: program.__name__)
def test_custom_functions(program):
    check_same(program)


@pytest.mark.parametrize("name", ENGINES)
def test_once_differentiable(name):
    e = ENGINES[name]
    once_differentiable = e.autograd.function.once_differentiable

    class Square(e.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 2 * x

    x = leaf(e, 3.0)
    (grad,) = e.autograd.grad((Square.apply(x) * x).sum(), x, create_graph=True)
    assert grad.tolist() == [27.0]
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        (grad * grad).sum().backward()


def test_an_operation_of_minigrad_s_own_is_not_a_user_s():
    with pytest.raises(TypeError, match="inherit from minigrad"):

        class Wrong(minigrad.graph.function.Function):
            @staticmethod
            def forward(ctx, x):
                return x


# ---------------------------------------------------------------------------------------------------- modes


@pytest.mark.parametrize("name", ENGINES)
def test_inference_mode(name):
    e = ENGINES[name]
    x = leaf(e, 1.0, 2.0)
    with e.inference_mode():
        made = x * 2
        assert e.is_inference_mode_enabled() and not e.is_grad_enabled()
        assert made.is_inference() and not made.requires_grad
        made.add_(1)
        with e.inference_mode(False):
            assert (x * 2).requires_grad
    assert not e.is_inference_mode_enabled() and e.is_grad_enabled() and not x.is_inference()
    assert made[0].is_inference() and not (made * 2).is_inference() and not made.clone().is_inference()
    assert (x + made).requires_grad
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved"):
        x * made
    with pytest.raises(RuntimeError, match="outside InferenceMode is not allowed"):
        made.mul_(2)
    with pytest.raises(RuntimeError, match="outside InferenceMode is not allowed"):
        made.requires_grad_()
    with pytest.raises(RuntimeError, match="do not track version"):
        _ = made._version

    @e.inference_mode()
    def run(value):
        return value * 2

    @e.inference_mode
    def run_plain(value):
        return value * 2

    assert run(x).is_inference() and run_plain(x).is_inference()


@pytest.mark.parametrize("name", ENGINES)
def test_anomaly_detection(name):
    e = ENGINES[name]
    x = leaf(e, 0.0)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with e.autograd.detect_anomaly():
            y = x.sqrt() * 0  # the line that the warning names
            with pytest.raises(RuntimeError, match="'SqrtBackward0' returned nan values in its 0th output"):
                y.sum().backward()
    messages = " ".join(str(warning.message) for warning in told)
    assert "Error detected in SqrtBackward0" in messages
    assert "the line that the warning names" in messages
    assert not e.is_anomaly_enabled()
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
        e.autograd.detect_anomaly()
    with e.autograd.set_detect_anomaly(True, check_nan=False):
        assert e.is_anomaly_enabled()
        (x.sqrt() * 0).sum().backward()
    assert np.isnan(x.grad.tolist()[0])


@pytest.mark.parametrize("name", ENGINES)
def test_threads_have_their_own_mode_and_graphs(name):
    e = ENGINES[name]
    shared = leaf(e, 2.0)
    found = {}

    def work(number):
        with e.set_grad_enabled(number % 2 == 0):
            for _ in range(50):
                y = shared * number
                assert y.requires_grad == (number % 2 == 0)
                if y.requires_grad:
                    (grad,) = e.autograd.grad((y * y).sum(), shared)
                    found.setdefault(number, set()).add(grad.item())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: {2.0 * number * number * 2.0} for number in (0, 2, 4)}
    assert e.is_grad_enabled()


# ---------------------------------------------------------------------------------------------------- checkpoints


def network(e, x, w):
    hidden = (x @ w).tanh()
    return (hidden * hidden).exp()


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpoint(use_reentrant):
    results = []
    for e in ENGINES.values():
        x = leaf(e, *np.linspace(-1, 1, 6)).detach().reshape(2, 3).requires_grad_()
        w = leaf(e, *np.linspace(-0.5, 0.7, 9)).detach().reshape(3, 3).requires_grad_()
        calls = []

        def part(x, w, e=e, calls=calls):
            calls.append(e.is_grad_enabled())
            return network(e, x, w)

        y = e.utils.checkpoint.checkpoint(part, x, w, use_reentrant=use_reentrant)
        assert len(calls) == 1
        (y * y).sum().backward()
        assert calls == [not use_reentrant, True]
        plain_x, plain_w = x.detach().requires_grad_(), w.detach().requires_grad_()
        plain = network(e, plain_x, plain_w)
        (plain * plain).sum().backward()
        assert x.grad.tolist() == plain_x.grad.tolist() and w.grad.tolist() == plain_w.grad.tolist()
        results.append(x.grad)
    compare_values("gradient through a checkpoint", *results, "float64").check()


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpoint_of_a_sequence(use_reentrant):
    x = leaf(minigrad, 0.3, -0.2)
    chain = [minigrad.exp, minigrad.sin, minigrad.tanh, minigrad.exp, minigrad.cos]
    y = minigrad.utils.checkpoint.checkpoint_sequential(chain, 2, x, use_reentrant=use_reentrant)
    y.sum().backward()
    plain = x.detach().requires_grad_()
    plain.exp().sin().tanh().exp().cos().sum().backward()
    assert x.grad.tolist() == plain.grad.tolist()


def test_checkpoint_draws_the_same_numbers_again():
    x = leaf(minigrad, 1.0, 2.0, 3.0)
    drawn = []

    def noisy(x):
        drawn.append(minigrad.rand(3, dtype=minigrad.float64))
        return (x * drawn[-1]).exp()

    y = minigrad.utils.checkpoint.checkpoint(noisy, x, use_reentrant=False)
    after = minigrad.rand(1)
    state = minigrad.random.get_rng_state()
    y.sum().backward()
    assert drawn[0].tolist() == drawn[1].tolist() and after.numel() == 1
    assert np.array_equal(np.asarray(state), np.asarray(minigrad.random.get_rng_state()))


def test_checkpoint_errors():
    x = leaf(minigrad, 1.0)
    checkpoint = minigrad.utils.checkpoint
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        checkpoint.checkpoint(minigrad.exp, x)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        checkpoint.checkpoint_sequential([minigrad.exp], 1, x)
    with pytest.raises(ValueError, match="Unexpected keyword"):
        checkpoint.checkpoint(minigrad.exp, x, use_reentrant=True, factor=2)
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad"):
        checkpoint.checkpoint(minigrad.exp, x.detach(), use_reentrant=True)
    calls = []

    def different(x):
        calls.append(1)
        return x.exp() if len(calls) == 1 else x.reshape(1, 1).exp()

    y = checkpoint.checkpoint(different, x, use_reentrant=False)
    with pytest.raises(checkpoint.CheckpointError, match="must do the same both times"):
        y.sum().backward()
    calls.clear()
    y = checkpoint.checkpoint(lambda x: different(x) if not calls else x + 1, x, use_reentrant=False)
    with pytest.raises(checkpoint.CheckpointError, match="A different number of tensors"):
        y.sum().backward()


# ---------------------------------------------------------------------------------------------------- functional

FUNCTIONS = {
    "one to one": (lambda e, x: (x * x).sin(), 1),
    "two to one": (lambda e, x, y: x * y.exp() + x**2, 2),
    "two to two": (lambda e, x, y: (x * y, (x + y).exp()), 2),
    "independent": (lambda e, x, y: x * 2, 2),
}


def flat(values):
    if isinstance(values, (tuple, list)):
        return [one for each in values for one in flat(each)]
    return [values]


def check_flat(subject, ours, theirs):
    ours, theirs = flat(ours), flat(theirs)
    assert len(ours) == len(theirs)
    for mine, yours in zip(ours, theirs):
        assert mine.requires_grad == yours.requires_grad
        compare_values(subject, mine, yours, "second order").check()


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("product", ["jacobian", "vjp", "jvp"])
def test_first_derivatives(product, name, create_graph):
    function, count = FUNCTIONS[name]
    results = []
    for e in ENGINES.values():
        inputs = tuple(leaf(e, 0.5, -1.5) for _ in range(count))
        outputs = function(e, *inputs)
        vector = {"vjp": outputs, "jvp": inputs}.get(product)
        if isinstance(vector, tuple):
            vector = tuple(each.detach() * 0.5 for each in vector)
        elif vector is not None:
            vector = vector.detach() * 0.5
        arguments = (inputs,) if vector is None else (inputs, vector)
        call = getattr(e.autograd.functional, product)
        results.append(call(lambda *args, e=e: function(e, *args), *arguments, create_graph=create_graph))
    check_flat(f"{product} of {name}", *results)


@pytest.mark.parametrize("product", ["hessian", "vhp", "hvp"])
def test_second_derivatives(product):
    results = []
    for e in ENGINES.values():
        inputs = (leaf(e, 0.5, -1.5), leaf(e, 0.25, 2.0))
        vector = tuple(each.detach() * 0.5 for each in inputs)
        arguments = (inputs,) if product == "hessian" else (inputs, vector)
        call = getattr(e.autograd.functional, product)
        results.append(call(lambda x, y: (x**3 * y).sum() + (y * y).sin().sum(), *arguments))
    check_flat(product, *results)


@pytest.mark.parametrize("name", ENGINES)
def test_functional_errors(name):
    e = ENGINES[name]
    functional = e.autograd.functional
    x = leaf(e, 1.0, 2.0)
    with pytest.raises(RuntimeError):
        functional.hessian(lambda x: x * x, x)
    with pytest.raises(RuntimeError):
        functional.vjp(lambda x: x * x, x)
    with pytest.raises(RuntimeError):
        functional.jvp(lambda x: x * x, x, leaf(e, 1.0))
    with pytest.raises(RuntimeError):
        functional.jacobian(lambda x: e.ones(2), x, strict=True)
    with pytest.raises(TypeError):
        functional.jacobian(lambda x: 3.0, x)
    with pytest.raises(TypeError):
        functional.jacobian(lambda x: x, 3.0)


def test_no_warning_for_a_leaf():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert leaf(minigrad, 1.0).grad is None


# ---------------------------------------------------------------------------------------------------- saved values


DETACHED = {
    "a product, from the left": lambda e, x: x.detach() * x * x,
    "a product, from the right": lambda e, x: x * x.detach() * x,
    "a quotient": lambda e, x: x.detach() / x,
    "a quotient of the data": lambda e, x: x.data / x,
    "a power": lambda e, x: x.detach() ** x,
    "a constant power": lambda e, x: x ** x.detach(),
    "logaddexp": lambda e, x: e.logaddexp(x.detach(), x),
    "atan2": lambda e, x: e.atan2(x, x.detach()),
    "a loss": lambda e, x: e.nn.functional.mse_loss(x, x.detach()),
    "a dot product": lambda e, x: e.dot((x * x).detach(), x * x),
    "matrix products": lambda e, x: e.bmm(x.detach().view(1, 1, 2), (x * x).view(1, 2, 1)),
    "a fused product": lambda e, x: e.addcmul(x, x.detach(), x * x),
    "a fused quotient": lambda e, x: e.addcdiv(x, x.detach(), x),
    "an outer product": lambda e, x: e.addr(e.zeros(2, 2, dtype=e.float64), x.detach(), x * x),
    "a result": lambda e, x: x.log_softmax(0).detach() * x.log_softmax(0),
    "a custom function": lambda e, x: multiplied(e).apply(x.detach(), x) * x,
    "saved inside": lambda e, x: multiplied_by_constant(e).apply(x) * x,
}


def multiplied(e):
    class Multiplied(e.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, grad):
            x, y = ctx.saved_tensors
            return grad * y, grad * x

    return Multiplied


def multiplied_by_constant(e):
    class MultipliedByConstant(e.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x.detach())
            return x * x.detach()

        @staticmethod
        def backward(ctx, grad):
            (constant,) = ctx.saved_tensors
            return grad * constant

    return MultipliedByConstant


@pytest.mark.parametrize("name", DETACHED)
def test_a_saved_constant_that_shows_a_variables_memory_stays_a_constant(name):
    answers = []
    for e in (minigrad, torch):
        x = e.tensor([2.0, 3.0], dtype=e.float64, requires_grad=True)
        (first,) = e.autograd.grad(DETACHED[name](e, x).sum(), x, create_graph=True)
        second = e.autograd.grad(first.sum(), x)[0].tolist() if first.requires_grad else None
        answers.append((first.tolist(), second))
    (first, second), (their_first, their_second) = answers
    assert np.allclose(first, their_first)
    assert (second is None) == (their_second is None)
    assert second is None or np.allclose(second, their_second)


KEPT_ELSEWHERE = {
    "hooks": lambda e, compute, x: within(e.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t), compute, x),
    "a checkpoint": lambda e, compute, x: e.utils.checkpoint.checkpoint(compute, x, use_reentrant=False),
}


def within(context, compute, x):
    with context:
        return compute(x)


@pytest.mark.parametrize("way", KEPT_ELSEWHERE)
@pytest.mark.parametrize("name", ["product", "power", "matrix product", "exp", "fused"])
def test_second_derivatives_through_values_that_are_kept_elsewhere(name, way):
    answers = []
    for e in (minigrad, torch):
        compute = {
            "product": lambda x: x * x * x,
            "power": lambda x: x**3,
            "matrix product": lambda x: x @ x @ x,
            "exp": lambda x: (x * x).exp(),
            "fused": lambda x: x.addcmul(x, x * x),
        }[name]
        x = e.tensor([[0.5, 1.5], [-0.5, 1.0]], dtype=e.float64, requires_grad=True)
        z = KEPT_ELSEWHERE[way](e, compute, x)
        (first,) = e.autograd.grad(z.sum(), x, create_graph=True)
        (second,) = e.autograd.grad((first * first).sum(), x)
        answers.append([first.tolist(), second.tolist()])
    assert np.allclose(*answers)


@pytest.mark.parametrize("name", ENGINES)
def test_a_graph_may_be_walked_in_two_halves(name):
    """What grad() only looks at is not freed: its rule did not run."""
    e = ENGINES[name]
    x = leaf(e, 1.0, 2.0)
    y = x * x
    (grad_y,) = e.autograd.grad(y.exp().sum(), y)
    y.backward(grad_y)
    assert np.allclose(x.grad.tolist(), 2 * np.array([1.0, 2.0]) * np.exp([1.0, 4.0]))
    z = x * x
    z.exp().sum().backward(inputs=[z])  # this does run the rule
    with pytest.raises(RuntimeError, match="a second time"):
        z.sum().backward()


@pytest.mark.parametrize("name", ENGINES)
def test_hooks_change_the_gradient_of_a_number_in_place(name):
    e = ENGINES[name]
    seen = []
    for register in (
        lambda x, y: x.register_hook(lambda grad: e.Tensor.clamp_(grad, max=1.0) and None),
        lambda x, y: y.register_hook(lambda grad: grad.mul_(10) and None),
        lambda x, y: y.grad_fn.register_prehook(lambda grads: grads[0].mul_(10) and None),
        lambda x, y: e.autograd.graph.register_multi_grad_hook([x], lambda grads: grads[0].add_(1) and None),
    ):
        x = e.tensor(2.0, dtype=e.float64, requires_grad=True)
        y = x * x
        register(x, y)
        (y * y).backward()
        seen.append(x.grad.item())
    assert seen == [1.0, 320.0, 320.0, 33.0]


@pytest.mark.parametrize("name", ENGINES)
def test_the_gradient_of_a_view_is_kept_when_another_view_is_changed(name):
    e = ENGINES[name]
    base = leaf(e, 1.0, 2.0) * 2
    changed, kept = base[0:1], base[1:2]
    kept.retain_grad()
    changed.mul_(3)
    (kept * 5).sum().backward()
    assert kept.grad.tolist() == [5.0]


@pytest.mark.parametrize("name", ENGINES)
def test_an_expanded_grad_is_not_added_to(name):
    e = ENGINES[name]
    x = leaf(e, 1.0, 2.0)
    x.grad = leaf(e, 1.0).detach().expand(2)
    with pytest.raises(RuntimeError, match="refers to a single memory"):
        (x * x).sum().backward()


@pytest.mark.parametrize("name", ENGINES)
def test_a_grad_made_in_inference_mode_is_not_added_to(name):
    e = ENGINES[name]
    x = leaf(e, 1.0, 2.0)
    y, z = (x * x).sum(), (x * 3).sum()
    with e.inference_mode():
        y.backward()
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside InferenceMode"):
        z.backward()


@pytest.mark.parametrize("name", ENGINES)
def test_the_error_names_the_input_whose_gradient_is_wrong(name):
    e = ENGINES[name]

    class Bad(e.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, grad):
            return grad, e.ones(3, dtype=e.float64)

    x = leaf(e, 1.0, 2.0)
    with pytest.raises(RuntimeError, match="invalid gradient at index 1"):
        Bad.apply(x, x).sum().backward()


def changed_by(change):
    def apply(e, y):
        y = y * 1
        change(y)
        return y

    return apply


def with_constants(function, *shapes):
    """``function`` of an engine, x and constants of these shapes: floats, but for those given as lists of integers."""

    def apply(e, x):
        constants = [e.tensor(each) if isinstance(each, list) else e.ones(each, dtype=e.float64) for each in shapes]
        apply.constants[e] = constants
        return function(e, x, *constants)

    apply.constants = {}
    return apply


def of_functional(name, *arguments, **options):
    return lambda e, x, *constants: getattr(e.nn.functional, name)(x, *constants, *arguments, **options)


ROWS, MASK = [0, 2], [[True, False, True]] * 3
SAVED = {
    "picked": with_constants(lambda e, x, i: x[i], ROWS),
    "picked in columns": with_constants(lambda e, x, i: x[:, None, i], ROWS),
    "picked by a list": with_constants(lambda e, x: x[[0, 1]]),
    "picked by a mask": with_constants(lambda e, x, m: x[m], MASK),
    "set": with_constants(lambda e, x, i: changed_by(lambda y: y.__setitem__(i, 2.0))(e, x), ROWS),
    "set by a mask": with_constants(lambda e, x, m: changed_by(lambda y: y.__setitem__(m, y.sum()))(e, x), MASK),
    "where": with_constants(lambda e, x, m: e.where(m, x, x * 2), MASK),
    "filled": with_constants(lambda e, x, m: (x * 1).masked_fill_(m, 2.0), MASK),
    "put": with_constants(lambda e, x, i: (x * 1).index_put_((i,), x[:2]), ROWS),
    "added": with_constants(lambda e, x, i: (x * 1).index_add_(0, i, x[:2]), ROWS),
    "embedding": with_constants(lambda e, x, i: e.nn.functional.embedding(i, x, scale_grad_by_freq=True), ROWS),
    "cross entropy": with_constants(of_functional("cross_entropy"), [0, 1, 2], (3,)),
    "batch norm": with_constants(of_functional("batch_norm"), (3,), (3,)),
    "batch norm in training": with_constants(of_functional("batch_norm", training=True), (3,), (3,)),
    "layer norm": with_constants(of_functional("layer_norm", (3,))),
    "logits": with_constants(of_functional("binary_cross_entropy_with_logits"), (3, 3), (3,)),
    "weighted": with_constants(
        lambda e, x, t, w: e.nn.functional.binary_cross_entropy(x.sigmoid(), t, w), (3, 3), (3,)
    ),
    "frozen product": with_constants(lambda e, x, w: x @ w, (3, 3)),
    "frozen sum of products": with_constants(lambda e, x, a, b: e.addmm(x, a, b), (3, 3), (3, 3)),
    "leaky relu in place": with_constants(lambda e, x: e.nn.functional.leaky_relu_(x * 1)),
    "leaky relu that cannot be undone": with_constants(lambda e, x: e.nn.functional.leaky_relu_(x * 1, -0.5)),
    "elu in place": with_constants(lambda e, x: e.nn.functional.elu_(x * 1)),
    "elu that cannot be undone": with_constants(lambda e, x: e.nn.functional.elu(x * 1, -1.0, inplace=True)),
    "celu that cannot be undone": with_constants(lambda e, x: e.nn.functional.celu_(x * 1, -1.0)),
    "selu in place": with_constants(lambda e, x: e.nn.functional.selu_(x * 1)),
}
EVENTS = {
    "nothing": lambda x, z, constants, backward: None,
    "backward": lambda x, z, constants, backward: backward(),
    "x changed": lambda x, z, constants, backward: x.copy_(x.clone()),
    "result changed": lambda x, z, constants, backward: z.copy_(z.clone()),
    "x detached": lambda x, z, constants, backward: x.detach_(),
    "first constant changed": lambda x, z, constants, backward: constants[0].copy_(constants[0].clone()),
    "second constant changed": lambda x, z, constants, backward: constants[1].copy_(constants[1].clone()),
}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", SAVED)
def test_what_is_saved_is_freed_and_watched(name, event):
    """Backward after something has happened to what the operation was given, or has made: the same errors."""
    found = []
    for e in ENGINES.values():
        leaf = (e.arange(9, dtype=e.float64).reshape(3, 3) / 10 - 0.35).requires_grad_()
        x = leaf * 1
        z = SAVED[name](e, x)
        try:
            with e.no_grad():
                EVENTS[event](x, z, SAVED[name].constants[e], z.sum().backward if event == "backward" else None)
            z.sum().backward()
            found.append([round(each, 9) for each in leaf.grad.flatten().tolist()])
        except IndexError:  # there is no such constant
            found.append(None)
        except RuntimeError as error:
            found.append(str(error).split()[:8])
    assert found[0] == found[1]
