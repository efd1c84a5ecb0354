"""What autograd promises beyond values, program by program on both engines: results, histories and kinds of errors."""

import gc
import itertools
import threading
import warnings
import weakref
from functools import partial

import numpy as np
import pytest
import torch

import minigrad

TENSORS = (minigrad.Tensor, torch.Tensor)


def leaf(e, *values):
    return e.tensor(values, dtype=e.float64, requires_grad=True)


def refused(call):
    """The type of the exception that ``call`` raises; None where it raises none."""
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return None


def described(value):
    """A result in a form that the engines share."""
    if isinstance(value, TENSORS):
        name = None if value.grad_fn is None else value.grad_fn.name()
        numbers = torch.tensor(value.detach().tolist(), dtype=torch.float64)
        return [round(each, 9) for each in numbers.flatten().tolist()], list(value.shape), value.requires_grad, name
    if isinstance(value, (list, tuple)):
        return [described(each) for each in value]
    return value


def custom(e, forward, backward):
    """A custom function made of two plain ones."""
    parts = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Custom", (e.autograd.Function,), parts)


def double(ctx, x):
    return x * 2


def twice(ctx, grad):
    return grad * 2


# ---------------------------------------------------------------------------------------------------- custom functions


def gradients_of_a_wrong_kind(e):
    x = leaf(e, 1.0, 2.0)
    wrong = [lambda c, g: 3.0, lambda c, g: [g], lambda c, g: (g, g), lambda c, g: ()]
    found = [refused(lambda rule=rule: custom(e, double, rule).apply(x).sum().backward()) for rule in wrong]
    of_a_number = custom(e, lambda c, x, k: x * k, lambda c, g: (g, g))
    return found, refused(lambda: of_a_number.apply(x, 3).sum().backward())


def undefined_gradients_travel(e):
    seen = []

    def look(ctx, grad):
        seen.append(grad)
        return grad

    x = leaf(e, 1.0, 2.0)
    nothing = custom(e, double, lambda c, g: None)
    nothing.apply(x).sum().backward()
    first = x.grad
    nothing.apply(custom(e, double, look).apply(x).exp()).sum().backward()
    return first, seen, x.grad


def outputs_that_are_no_tensors(e):
    seen = []

    def backward(ctx, *grads):
        seen.append(grads)
        return grads[1] * 2

    x = leaf(e, 1.0, 2.0)
    result = custom(e, lambda c, x: ("a", x * 2, None, x * 3), backward).apply(x)
    result[1].sum().backward()
    return result, seen, x.grad, result[3].output_nr


def no_tensor_at_all(e):
    x = leaf(e, 1.0, 2.0)
    given = [
        lambda y: 5,
        lambda y: None,
        lambda y: (),
        lambda y: (5, None),
        lambda y: "a",
        lambda y: [y],
        lambda y: {1: 2},
    ]
    found = [custom(e, lambda c, x, what=what: what(x * 2), twice).apply(x) for what in given]
    return [(type(each).__name__, each) for each in found]


def saved_results_that_were_changed(e):
    """Whoever changes what a function gave changes what it saved of it."""

    def first(x):
        return x.exp()

    def and_a_mark(x):
        return x.exp(), (x > 1).double()

    def setup(ctx, inputs, output):
        outputs = output if isinstance(output, tuple) else (output,)
        ctx.save_for_backward(*outputs)
        ctx.mark_non_differentiable(*outputs[1:])

    def in_one(make):
        def forward(ctx, x):
            output = make(x)
            setup(ctx, (x,), output)
            return output

        return {"forward": staticmethod(forward)}

    def backward(ctx, grad, *others):
        for each in ctx.saved_tensors:
            grad = grad * each
        return grad

    changes = [lambda y: y.mul_(2), lambda y: y.detach().zero_(), lambda y: y[:1].add_(1), lambda y: y.__iadd__(1)]
    found = []
    for make in (first, and_a_mark):
        two = {"forward": staticmethod(make), "setup_context": staticmethod(setup)}
        for parts in (in_one(make), two):
            function = type("Custom", (e.autograd.Function,), {**parts, "backward": staticmethod(backward)})
            for change in changes:
                for changed in range(1 + (make is and_a_mark)):
                    x = leaf(e, 1.0, 2.0)
                    output = function.apply(x)
                    outputs = output if isinstance(output, tuple) else (output,)
                    change(outputs[changed])
                    found += [refused(lambda y=outputs[0]: y.sum().backward()), x.grad, outputs[0]._version]
    return found


def changed_before_it_was_saved_or_given(e):
    def before(ctx, x):
        y = x.clone().mul_(2)
        ctx.save_for_backward(y)
        return y

    def after(ctx, x):
        y = x.clone()
        ctx.save_for_backward(y)
        return y.mul_(2)

    def kept(ctx, x):
        ctx.y = x.clone().mul_(2)
        return ctx.y

    found = []
    for forward in (before, after, kept):
        x = leaf(e, 1.0, 2.0)
        y = custom(e, forward, lambda c, g: g * (c.saved_tensors or [c.y])[0]).apply(x)
        found.append(y._version)
        y.sum().backward()
        found.append(x.grad)
    return found


def a_dirty_result_has_no_grad_yet(e):
    def forward(ctx, x, w):
        ctx.mark_dirty(x)
        return x.mul_(2)

    function = custom(e, forward, lambda c, g: (g * 2, g))
    plain, w = e.ones(2, dtype=e.float64), leaf(e, 1.0, 2.0)
    plain.grad = e.ones(2, dtype=e.float64)
    function.apply(plain, w)
    y = w * 1
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    before, z = y.grad, function.apply(y, e.ones(2, dtype=e.float64))
    between = y.grad
    z.sum().backward()
    return plain.grad, before, between, y.grad, w.grad, z is y


def one_output_twice(e):
    def forward(ctx, x):
        y = x * 2
        return y, y

    x = leaf(e, 1.0, 2.0)
    first, second = custom(e, forward, lambda c, g, h: g + h * 2).apply(x)
    (first * 3 + second * 5).sum().backward()
    return first is second, first.output_nr, x.grad


def arguments_by_name_and_default(e):
    seen = []

    def forward(x, scale=3.0, shift=None):
        return x * scale

    def setup_context(ctx, inputs, output):
        ctx.scale = inputs[1]
        seen.append(inputs[1:])

    def backward(ctx, grad):
        seen.append(ctx.needs_input_grad)
        return (grad * ctx.scale, None, None)[: len(ctx.needs_input_grad)]

    def with_ctx(ctx, x, scale=3.0, shift=None):
        setup_context(ctx, (x, scale), None)
        return forward(x, scale)

    parts = {"forward": staticmethod(forward), "setup_context": staticmethod(setup_context)}
    parts["backward"] = staticmethod(backward)
    x, found = leaf(e, 1.0, 2.0), []
    for function in (type("Apart", (e.autograd.Function,), parts), custom(e, with_ctx, backward)):
        for args, kwargs in (((x,), {}), ((x, 5.0), {}), ((x,), {"scale": 5.0}), ((), {"scale": 2.0, "x": x})):
            found.append(function.apply(*args, **kwargs))
            found[-1].sum().backward()
        found += [refused(lambda f=function: f.apply(x, 1, 2, 3)), refused(lambda f=function: f.apply(x, size=2))]
    one_gradient = type("Apart", (e.autograd.Function,), {**parts, "backward": staticmethod(lambda ctx, grad: grad)})
    return found, seen, x.grad, refused(lambda: one_gradient.apply(x).sum().backward())


def dirty(ctx, x):
    x.mul_(3)
    ctx.mark_dirty(x)
    return x


def dirty_inputs(e):
    x = leaf(e, 1.0, 2.0)
    triple = custom(e, dirty, lambda c, g: g * 3)
    base = x * 1
    view = base[:1]
    changed = triple.apply(view)
    base.sum().backward()
    refusals = [refused(lambda: triple.apply(leaf(e, 1.0))), refused(lambda: triple.apply(leaf(e, 1.0)[:1]))]
    return changed is view, view, base, base._version, x.grad, refusals


def wrong_marks(e):
    def not_returned(ctx, x):
        return dirty(ctx, x) * 2

    def not_a_tensor(ctx, x):
        ctx.mark_dirty(3)
        return x * 2

    def nothing_marked(ctx, x):
        ctx.mark_non_differentiable(None)
        return x * 2

    x = leaf(e, 1.0)
    return [refused(lambda f=f: custom(e, f, twice).apply(x * 1)) for f in (not_returned, not_a_tensor, nothing_marked)]


def what_a_function_is_warned_of(e):
    def made_and_marked(ctx, x):
        ctx.save_for_backward(x)
        return dirty(ctx, x * 2)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        custom(e, made_and_marked, lambda c, g: g * c.saved_variables[0]).apply(leaf(e, 1.0)).sum().backward()
    return [(each.category.__name__, str(each.message).partition(" (Triggered")[0]) for each in told]


def saved_result_of_a_change(e):
    def forward(ctx, x):
        x.exp_()
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    x = leaf(e, 0.5, 1.0)
    z = custom(e, forward, lambda c, g: g * c.saved_tensors[0]).apply(x * 1)
    (first,) = e.autograd.grad(z.sum(), x, create_graph=True)
    return first, e.autograd.grad(first.sum(), x)


def what_ctx_knows(e):
    seen = []

    def forward(ctx, x, k, y):
        seen.extend([ctx.needs_input_grad, e.is_grad_enabled()])
        ctx.x = x
        ctx.save_for_backward(x)
        seen.append(len(ctx.saved_tensors))
        return x * k

    def backward(ctx, grad):
        seen.append(ctx.saved_tensors[0] is ctx.x)
        return grad, None, None

    x = leaf(e, 1.0)
    function = custom(e, forward, backward)
    function.apply(x, 3, e.ones(1)).sum().backward()
    with e.no_grad():
        function.apply(x, 3, x)
    return seen


def parts_of_a_function(e):
    class Unfinished(e.autograd.Function):
        pass

    class Forward(e.autograd.Function):
        forward = staticmethod(double)

    class Apart(e.autograd.Function):
        @staticmethod
        def forward(x):
            return x * 2

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_forward(inputs[0])
            ctx.factor = 5

        @staticmethod
        def vjp(ctx, grad):
            return grad * ctx.factor

    class Inherited(Apart):
        pass

    class Both(Forward):
        backward = staticmethod(twice)
        vjp = staticmethod(twice)

    x = leaf(e, 1.0, 2.0)
    Inherited.apply(x).sum().backward()
    refusals = [refused(lambda: Unfinished.apply(x)), refused(lambda: Both.apply(x).sum().backward())]
    return x.grad, refusals, refused(lambda: Forward.apply(x).sum().backward()), refused(lambda: Both()(x))


def views_out_of_a_function(e):
    x = leaf(e, 1.0, 2.0)
    found = []
    for forward in (lambda c, x: x, lambda c, x: x.view(2, 1), lambda c, x: x.detach(), double):
        y = custom(e, forward, lambda c, g: g.reshape(2) * 3).apply(x)
        found.append([y._is_view(), y._base is x, refused(lambda y=y: y.add_(1))])
    return found


# ---------------------------------------------------------------------------------------------------- backward and grad


def inputs_of_backward(e):
    log = []
    x, w = leaf(e, 1.0, 2.0), leaf(e, 3.0, 4.0)
    x.register_post_accumulate_grad_hook(lambda tensor: log.append("accumulated"))
    y = x * w
    z = (y * y).sum()
    z.backward(inputs=[x, y], retain_graph=True)
    first = y.grad
    z.backward(inputs=[y, e.autograd.graph.get_gradient_edge(w)])
    return log, x.grad, w.grad, first, y.grad, y.retains_grad, refused(lambda: z.backward(inputs=[e.ones(1)]))


def edges_as_roots(e):
    x = leaf(e, 1.0, 2.0)
    edge = e.autograd.graph.get_gradient_edge(x * 3)
    start = e.ones(2, dtype=e.float64)
    grads = e.autograd.grad(edge, x, start, retain_graph=True)
    e.autograd.backward(edge, start)
    return grads, x.grad, refused(lambda: e.autograd.grad(edge, x))


def captured_beside_hooks(e):
    x = leaf(e, 1.0, 2.0)
    x.register_hook(lambda grad: grad * 10)
    y = x * 2
    y.register_hook(lambda grad: grad + 1)
    return e.autograd.grad(y.sum(), [x, y], retain_graph=True), e.autograd.grad(y.sum(), y)


def several_at_once(e):
    x, w = leaf(e, 1.0, 2.0), leaf(e, 3.0)
    y = (x * w).exp()
    starts = e.arange(6.0, dtype=e.float64).reshape(3, 2)
    grads = e.autograd.grad(y, {"x": x, "w": w}, starts, is_grads_batched=True, retain_graph=True)
    short = e.ones(2, dtype=e.float64)
    return sorted(grads), list(grads.values()), refused(lambda: e.autograd.grad(y, x, short, is_grads_batched=True))


def zeros_instead_of_none(e):
    x, unused = leaf(e, 1.0, 2.0), leaf(e, 3.0)
    found = [e.autograd.grad((x * x).sum(), (x, unused), materialize_grads=True, create_graph=c) for c in (False, True)]
    return found, e.autograd.grad(sum(each.sum() for each in found[1]), (x, unused), allow_unused=True)


def a_recorded_backward_warns(e):
    x = leaf(e, 1.0, 2.0)
    always, found = torch.is_warn_always_enabled(), []
    torch.set_warn_always(True)
    for call in (x.exp().sum().backward, lambda **options: e.autograd.grad(x.exp().sum(), x, **options)):
        for create_graph in (False, True):
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                call(create_graph=create_graph, retain_graph=True)
            found.append([(each.category.__name__, str(each.message).partition(" (Trig")[0]) for each in told])
    torch.set_warn_always(always)
    return found


def contexts_left_without_an_error(e):
    packed = e.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, lambda packed: packed)
    contexts = [packed, e.autograd.graph.save_on_cpu(), e.autograd.set_detect_anomaly(False)]
    return [(context.__enter__(), context.__exit__()) for context in contexts]


def recorded_and_unrecorded_passes(e):
    x = leaf(e, 1.0, 2.0)
    (x**3).sum().backward(create_graph=True)
    held = x.grad
    (x**3).sum().backward()
    return held is x.grad, held


def refused_arguments(e):
    x = leaf(e, 1.0, 2.0)
    y = x * 2
    return [
        refused(lambda: e.autograd.grad(y.sum(), [])),
        refused(lambda: e.autograd.grad(y.sum(), [x, None])),
        refused(lambda: y.backward([1.0, 1.0])),
        refused(lambda: setattr(x, "requires_grad", 1)),
        refused(lambda: setattr(x, "data", 3)),
        refused(lambda: setattr(x, "data", e.ones(2, dtype=e.int64))),
    ]


def a_root_that_leads_nowhere(e):
    """Its tensor's hooks are called and its gradient is kept, if it is the only root; its node does not run."""
    found = []
    x, w = leaf(e, 1.0, 2.0), leaf(e, 3.0, 4.0)
    makers = [lambda: x * 2, lambda: (x * 2).split(1)[0], lambda: leaf(e, 5.0), custom(e, double, twice).apply]
    for maker, asked in itertools.product((*makers[:3], lambda: makers[3](x)), ("grad", "inputs", "two roots", "both")):
        y, seen = maker(), []
        y.register_hook(lambda gradient, seen=seen: seen.append(gradient) or gradient * 10)
        y.retain_grad()
        if y.grad_fn is not None:
            y.grad_fn.register_hook(lambda *gradients, seen=seen: seen.append(gradients))
            y.grad_fn.register_prehook(lambda *gradients, seen=seen: seen.append(gradients))
        e.autograd.graph.register_multi_grad_hook([y], seen.append, mode="any")
        start = e.ones(y.shape, dtype=e.float64)
        if asked == "inputs":
            y.backward(start, inputs=[w])
        elif asked == "two roots":
            seen += e.autograd.grad([y, w * 3], w, [start, e.ones(2, dtype=e.float64)])
        else:
            seen += e.autograd.grad(y, [w, y] if asked == "both" else w, start, allow_unused=True)
        found.append((seen, y.grad))
    return found, x.grad, w.grad


def a_leaf_told_not_to_require(e):
    x = leaf(e, 1.0, 2.0)
    y = (x * 2).sum()
    x.requires_grad_(False)
    y.backward()
    return x.grad


# ---------------------------------------------------------------------------------------------------- hooks


def replacements_of_a_wrong_kind(e):
    found = []
    for hook in (lambda g: "a", lambda g: g.sum(), lambda g: g.float()):
        x = leaf(e, 1.0, 2.0)
        x.register_hook(hook)
        found.append(refused(lambda x=x: (x * 2).sum().backward()))
    for hook in (lambda g: g[0], lambda g: (g[0], g[0]), lambda g: [g[0]], lambda g: (None,), lambda g: (g[0].sum(),)):
        x = leaf(e, 1.0, 2.0)
        y = x * 2
        y.grad_fn.register_prehook(hook)
        found.append([refused(lambda y=y: y.sum().backward()), x.grad])
    for hook in (lambda i, g: i[0], lambda i, g: (i[0],), lambda i, g: 3):
        y = leaf(e, 1.0, 2.0) * 2
        y.grad_fn.register_hook(hook)
        found.append(refused(lambda y=y: y.sum().backward()))
    x = leaf(e, 1.0)
    x.register_post_accumulate_grad_hook(lambda tensor: tensor * 2)
    return found, refused(lambda: (x * 2).sum().backward())


def hooks_of_an_unused_output(e):
    seen = []
    first, _ = leaf(e, 1.0, 2.0).split(1)
    first.grad_fn.register_prehook(lambda grads: seen.append(grads))
    first.grad_fn.register_hook(lambda inputs, outputs: seen.append(outputs))
    first.sum().backward()
    return seen


def a_leaf_node_takes_its_hooks_along(e):
    log = []
    x = leaf(e, 1.0)
    (x * 2).grad_fn.next_functions[0][0].register_hook(lambda inputs, outputs: log.append(1))
    (x * 2).sum().backward()
    return log


def gradients_watched_together(e):
    log = []
    x, y, z = leaf(e, 1.0), leaf(e, 2.0), leaf(e, 3.0)
    e.autograd.graph.register_multi_grad_hook((x, y, z), lambda grads: log.append(list(grads)))
    e.autograd.graph.register_multi_grad_hook((x, y), lambda grad: log.append(grad), mode="any")
    (x * y).sum().backward()
    (x * y * z).sum().backward()
    (y * 4).sum().backward()
    return log, refused(lambda: e.autograd.graph.register_multi_grad_hook((e.ones(1),), print))


def what_is_packed(e):
    log = []
    x = leaf(e, 1.0, 2.0)

    def pack(tensor):
        log.append((tensor is x, tensor.requires_grad, tensor.is_leaf, e.is_grad_enabled()))
        return tensor.detach()

    with e.autograd.graph.saved_tensors_hooks(pack, lambda packed: packed):
        (x * x).exp()
    changes = e.autograd.graph.saved_tensors_hooks(lambda tensor: tensor.add_(1), lambda packed: packed)
    with changes:
        refusal = refused(lambda: (x * 1).exp())
    with e.autograd.graph.save_on_cpu():
        y = x.exp()
    y.sum().backward()

    def inside_disabled():
        with e.autograd.graph.disable_saved_tensors_hooks("not here"), changes:
            pass

    return log, refusal, x.grad, refused(inside_disabled)


# ---------------------------------------------------------------------------------------------------- modes


def a_generator_in_a_mode(e):
    log = []

    @e.no_grad()
    def generator():
        try:
            log.append((e.is_grad_enabled(), (yield 1)))
            yield 2
        except ValueError:
            log.append(("thrown", e.is_grad_enabled()))
            yield 3
        finally:
            log.append(("closed", e.is_grad_enabled()))

    running = generator()
    for step in (lambda: next(running), lambda: running.send(5), lambda: running.throw(ValueError), running.close):
        log.append((step(), e.is_grad_enabled()))
    return log


ENTERED_TWICE = {
    "detect_anomaly": lambda e: e.autograd.detect_anomaly(check_nan=False),
    "set_detect_anomaly": lambda e: e.autograd.set_detect_anomaly(True),
    "no_grad": lambda e: e.no_grad(),
    "enable_grad": lambda e: e.enable_grad(),
    "set_grad_enabled": lambda e: e.set_grad_enabled(False),
    "saved_tensors_hooks": lambda e: e.autograd.graph.saved_tensors_hooks(lambda t: t.detach(), lambda t: t),
    "save_on_cpu": lambda e: e.autograd.graph.save_on_cpu(),
    "disable_saved_tensors_hooks": lambda e: e.autograd.graph.disable_saved_tensors_hooks("none"),
    "fork_rng": lambda e: e.random.fork_rng(devices=[]),
    "autocast": lambda e: e.autocast("cpu", enabled=False),
}


def one_manager_entered_twice(e):
    """One after the other, and in itself: what holds inside and after, and what entering is refused with."""

    def hooks():
        with e.autograd.graph.saved_tensors_hooks(lambda t: t.detach(), lambda t: t):
            return True

    def holds():
        return e.is_grad_enabled(), e.is_anomaly_enabled(), refused(hooks), e.rand(1).item()

    def enter(manager, inner=None):
        with manager:
            found.append(holds())
            if inner is not None:
                found.append(refused(lambda: enter(inner)))
            found.append(holds())

    found = []
    for make in ENTERED_TWICE.values():
        for in_itself in (False, True):
            e.manual_seed(0)
            manager = make(e)
            try:
                enter(manager, manager if in_itself else None)
                if not in_itself:
                    enter(manager)
            except Exception as error:
                found.append(type(error).__name__)
            found.append(holds())
            e.set_grad_enabled(True)
            e.autograd.set_detect_anomaly(False)
    return found


def a_class_in_a_mode(e):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        e.no_grad()(type("Thing", (), {}))
    return [warning.category.__name__ for warning in told]


MODES = {
    "no_grad": lambda e: e.no_grad(),
    "enable_grad": lambda e: e.enable_grad(),
    "inference": lambda e: e.inference_mode(),
    "no inference": lambda e: e.inference_mode(False),
    "set": lambda e: e.set_grad_enabled(True),
    "unset": lambda e: e.set_grad_enabled(False),
}


def what_is_recorded(e, x):
    y = x * 2
    return e.is_grad_enabled(), e.is_inference_mode_enabled(), y.requires_grad, y.is_inference(), y.grad_fn is None


def modes_in_modes(e):
    """Three modes in each other, in every order: what holds before, inside, and after each."""
    x, found = leaf(e, 1.0, 2.0), []

    def inside(modes):
        found.append(what_is_recorded(e, x))
        if modes:
            with MODES[modes[0]](e):
                inside(modes[1:])
            found.append(what_is_recorded(e, x))

    for modes in itertools.product(MODES, repeat=3):
        inside(modes)
    return found


def recording_asked_for_in_inference_mode(e):
    x = leaf(e, 1.0, 2.0)

    @e.enable_grad()
    def decorated():
        return what_is_recorded(e, x)

    @e.inference_mode()
    def generator():
        with e.enable_grad():
            yield what_is_recorded(e, x)
        e.set_grad_enabled(True)
        yield what_is_recorded(e, x)

    with e.inference_mode():
        made, found = leaf(e, 3.0, 4.0), []
        found += [decorated(), e.set_grad_enabled(True)(decorated)(), what_is_recorded(e, x)]
        e.set_grad_enabled(True)
        found += [what_is_recorded(e, x), refused(x.numpy), refused(lambda: (x * x).sum().backward()), x.data, made * 2]
        thread = threading.Thread(target=lambda: found.append(what_is_recorded(e, x)))
        thread.start()
        thread.join()
        x.mul_(2)  # a leaf, unrecorded
    return found, [(each, what_is_recorded(e, x)) for each in generator()], what_is_recorded(e, x), x


def gradients_in_inference_mode(e):
    """The graph is one made outside; nothing of the gradients is recorded."""
    x = leaf(e, 1.0, 2.0)
    y = (x**3).sum()
    with e.inference_mode(), e.enable_grad():
        y.backward(retain_graph=True)
        gradients = [
            x.grad,
            *e.autograd.grad(y, x, create_graph=True),
            *e.autograd.grad(e.tensor(1.0, requires_grad=True), x, allow_unused=True),
        ]
        x.grad = None
        y.backward(create_graph=True)
        values = leaf(e, 3.0, 4.0).detach()
        of_functions = e.func.grad(lambda z: (z**3).sum())(values), e.func.hessian(lambda z: (z**3).sum())(values)
    second = e.autograd.grad(e.autograd.grad(y, x, create_graph=True)[0].sum(), x)
    x.data.add_(1)
    e.manual_seed(0)
    layer, z = e.nn.LSTM(2, 2), e.ones(1, 1, 2, requires_grad=True)
    z_to_output = layer(z)[0].sum()
    with e.inference_mode():
        gradients.append(
            [round(each, 5) for each in e.autograd.grad(z_to_output, z, create_graph=True)[0][0, 0].tolist()]
        )
    return gradients, x.grad, x.grad.is_inference(), of_functions, second


# ---------------------------------------------------------------------------------------------------- errors


def packed_by(e, pack, unpack, compute):
    with e.autograd.graph.saved_tensors_hooks(pack, unpack):
        compute(leaf(e, 1.0, 2.0)).sum().backward()


def hooked_by(hook, register):
    """Backward of a product, where ``register`` takes the hook for its input, which is a leaf, and itself."""

    def run(e):
        x = leaf(e, 1.0, 2.0)
        y = x * 2
        register(x, y)(hook)
        y.sum().backward()

    return run


def ways_of_the_user(wrong):
    """Programs of an engine in which ``wrong``, a function of the user's, is called."""
    return [
        hooked_by(wrong, lambda x, y: x.register_hook),
        hooked_by(wrong, lambda x, y: x.register_post_accumulate_grad_hook),
        hooked_by(wrong, lambda x, y: y.register_hook),
        hooked_by(wrong, lambda x, y: y.grad_fn.register_hook),
        hooked_by(wrong, lambda x, y: y.grad_fn.register_prehook),
        lambda e: packed_by(e, wrong, lambda t: t, lambda x: x * x),
        lambda e: packed_by(e, wrong, lambda t: t, lambda x: x.softmax(0)),
        lambda e: packed_by(e, wrong, lambda t: t, lambda x: e.nn.functional.mse_loss(x, x.detach())),
        lambda e: packed_by(e, lambda t: t.detach(), wrong, lambda x: x.exp()),
        lambda e: custom(e, wrong, twice).apply(leaf(e, 1.0)),
        lambda e: custom(e, double, wrong).apply(leaf(e, 1.0)).sum().backward(),
        lambda e: e.autograd.functional.jacobian(wrong, leaf(e, 1.0)),
        lambda e: e.utils.checkpoint.checkpoint(wrong, leaf(e, 1.0), use_reentrant=False),
    ]


def errors_of_the_users_functions(e):
    """They arrive as they are, not as the engine's own."""
    found = []
    for error in (MemoryError("mine"), ValueError("array is too big"), np.linalg.LinAlgError("mine")):

        def wrong(*args, error=error):
            raise error

        for way in ways_of_the_user(wrong):
            try:
                way(e)
            except Exception as caught:
                found.append((caught is error, type(caught).__name__, str(caught), caught.__cause__))
    return found


# ---------------------------------------------------------------------------------------------------- leaves
# Changes of a leaf that a graph has used, while it asks for no gradient.
RESHAPED = {
    "unsqueeze_(0)": lambda e, x: x.unsqueeze_(0),
    "unsqueeze_(-1)": lambda e, x: x.unsqueeze_(-1),
    "resize_": lambda e, x: x.resize_(1),
    "longer data": lambda e, x: setattr(x, "data", e.ones(3, dtype=e.float64)),
    "data of more dimensions": lambda e, x: setattr(x, "data", e.ones(2, 2, dtype=e.float64)),
    "a number": lambda e, x: setattr(x, "data", e.tensor(1.0, dtype=e.float64)),
    "data of another type": lambda e, x: setattr(x, "data", e.ones(2)),
    "the same kind of data": lambda e, x: setattr(x, "data", e.ones(2, dtype=e.float64)),
}


def with_its_hook(e, x, y):
    seen = []
    x.register_hook(lambda gradient: seen.append((gradient.tolist(), gradient.dtype.itemsize)))
    y.backward()
    return seen


def by_its_node(e, x, y):
    y.grad_fn.next_functions[0][0].next_functions[0][0](e.ones(2, dtype=e.float64))


USED = {
    "backward": lambda e, x, y: y.backward(),
    "twice": lambda e, x, y: [y.backward(retain_graph=True), y.backward()],
    "grad": lambda e, x, y: e.autograd.grad(y, x, allow_unused=True),
    "inputs": lambda e, x, y: y.backward(inputs=[x]),
    "with its hook": with_its_hook,
    "by its node": by_its_node,
}


def a_leaf_changed_since_its_use(e):
    """The graph goes on in the shape and type of the time of use. What ``.grad`` is then, and whether it is one."""
    found = []
    for (name, change), (use_name, use), again in itertools.product(RESHAPED.items(), USED.items(), (False, True)):
        if use is by_its_node and name in ("unsqueeze_(-1)", "resize_", "longer data", "a number"):
            continue  # PyTorch's copy is refused there, its backward is not
        x = leaf(e, 1.0, 2.0)
        y = (x * 2).sum()
        x.requires_grad_(False)
        change(e, x)
        x.requires_grad_(again or use_name in ("grad", "inputs", "with its hook"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            given = use(e, x, y)
        found.append((name, use_name, given, x.grad, None if x.grad is None else x.grad.dtype.itemsize))
    return found


# ---------------------------------------------------------------------------------------------------- checkpoints


def checkpoint_runs_again_no_further_than_needed(e):
    log = []

    def part(x):
        y = x.exp()
        log.append("first")
        z = y + 1
        log.append("second")
        return z

    x = leaf(e, 1.0)
    y = e.utils.checkpoint.checkpoint(part, x, use_reentrant=False)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    e.utils.checkpoint.checkpoint(part, x, use_reentrant=False, early_stop=False).sum().backward()
    for whole in (False, True):
        with (
            e.utils.checkpoint.set_checkpoint_early_stop(whole),
            e.utils.checkpoint.set_checkpoint_early_stop(not whole),
        ):
            y = e.utils.checkpoint.checkpoint(part, x, use_reentrant=False, early_stop=whole)
        y.sum().backward()
        log.append("done")
    return log, x.grad


def checkpoint_refuses(e):
    checkpoint = e.utils.checkpoint.checkpoint
    x = leaf(e, 1.0, 2.0)
    y = x * 1
    z = checkpoint(lambda a: a.exp(), y, use_reentrant=False)
    y.add_(1)
    again = checkpoint(lambda a: a.exp(), x, use_reentrant=True)
    return [
        refused(lambda: z.sum().backward()),
        refused(lambda: e.autograd.grad(again.sum(), x)),
        refused(lambda: checkpoint(lambda a: a, x, use_reentrant=False, determinism_check="some")),
        refused(lambda: checkpoint(lambda a: a, x, use_reentrant=True, debug=True)),
    ]


def checkpoint_of_several_kinds(e):
    x = leaf(e, 1.0, 2.0)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        result = e.utils.checkpoint.checkpoint(lambda a: (a * 2, None, a * 3, "s"), x)
    (result[0] + result[2]).sum().backward()
    return [warning.category.__name__ for warning in told], result[1], result[3], x.grad, result[0].grad_fn.name()


# ---------------------------------------------------------------------------------------------------- functional


def strict_functional(e):
    F = e.autograd.functional
    x, y = leaf(e, 1.0, 2.0).detach(), leaf(e, 3.0, 4.0).detach()
    options = {"strict": True, "create_graph": True}
    return [
        refused(lambda: F.jacobian(lambda a: a * 2, x, **options)),
        refused(lambda: F.jvp(lambda a: a * 2, x, y, **options)),
        refused(lambda: F.vjp(lambda a: a * 2, x, y, **options)),
        refused(lambda: F.vhp(lambda a: (a * a).sum(), x, y, **options)),
        refused(lambda: F.hvp(lambda a: (a * a).sum(), x, y, **options)),
        refused(lambda: F.jacobian(lambda a: a, [x])),
        refused(lambda: F.jacobian(lambda a: [a], x)),
        refused(lambda: F.hessian(lambda a: (a.sum(), a.sum()), x)),
        refused(lambda: F.jacobian(lambda a: a, x, strategy="some")),
        refused(lambda: F.jacobian(lambda a: a, x, strategy="forward-mode")),
        refused(lambda: F.jacobian(lambda a: a, x, vectorize=True, strict=True)),
        F.jacobian(lambda a: a.exp(), x, vectorize=True, strategy="forward-mode"),
        F.vhp(lambda a: a.exp().sum().view(1), x, y),
    ]


FUNCTIONS = {
    "linear": lambda e, x: (2 * x).sum(),
    "cut off": lambda e, x: x.detach().sum(),
    "of others": lambda e, x: e.ones(2, requires_grad=True).sum(),
    "of second order": lambda e, x: (x * x).sum(),
    "of third order": lambda e, x: (x**3).sum(),
}


def strict_words(e):
    """What each of the functions says of what ``strict`` refuses."""
    told = []
    for name, of_two, with_graph in itertools.product(
        ["jacobian", "vjp", "jvp", "hessian", "vhp", "hvp"], FUNCTIONS.values(), [False, True]
    ):
        x = e.tensor([1.0, 2.0], requires_grad=with_graph)
        vector = (e.ones(2),) if name in ("jvp", "vhp", "hvp") else ()
        options = {"strict": True, "create_graph": with_graph}
        told.append(words(getattr(e.autograd.functional, name), partial(of_two, e), x, *vector, **options))
    for name in ("hessian", "vhp", "hvp"):
        told.append(words(getattr(e.autograd.functional, name), e.sum, (e.ones(2), 1)))
    return [*told, words(e.autograd.functional.jvp, e.sum, e.ones(2), (e.ones(2), 1))]


def words(call, *args, **kwargs):
    """What the exception says that the call raises; None where it raises none."""
    try:
        call(*args, **kwargs)
    except (RuntimeError, TypeError) as error:
        return str(error).replace("minigrad.", "torch.")
    return None


# ---------------------------------------------------------------------------------------------------- gradcheck


def drifting(e):
    """Twice x, whose gradient is another one at every call."""
    calls = []

    def backward(ctx, grad):
        calls.append(1)
        return grad * (2 + 1e-4 * len(calls))

    return custom(e, double, backward).apply


def unprepared(e):
    """Twice x, whose backward fails where no gradient arrives."""

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2

    return custom(e, forward, twice).apply


def hooked(x, hook):
    y = x.clone()
    y.register_hook(hook)
    return y


def refuses_none(grad):
    if grad is None:
        raise RuntimeError("there is no gradient")


def wrong_by(e, factor):
    return custom(e, double, lambda ctx, grad: grad * 2 * factor).apply


def wrong_again_by(e, factor):
    inner = custom(e, lambda ctx, x: x * 1, lambda ctx, grad: grad * factor).apply
    return custom(e, double, lambda ctx, grad: inner(grad) * 2).apply


def slope(e, x):
    return e.autograd.grad(x.sin().sum(), x, create_graph=True)[0]


def longer_at_one(e, x):
    return e.cat([x, x]) if bool((x >= 1).all()) else x


def narrower_at_one(e, x):
    return x.to(e.float32) if bool((x >= 1).all()) else x


def single(e):
    return e.ones(1, requires_grad=True)


# Of each: a function (of an engine), its inputs, options of the check.
CHECKED = {
    "right": (lambda e: lambda x: x**3, leaf, {}),
    "several outputs": (lambda e: lambda x: [x * 2, x.max(0)[0]], leaf, {}),
    "options": (lambda e: lambda x: x**3, leaf, {"fast_mode": True, "check_batched_grad": False, "masked": False}),
    "differentiates inside": (lambda e: lambda x: slope(e, x), leaf, {}),
    "asks for an inner gradient": (lambda e: lambda x: hooked(x * x, lambda grad: None), leaf, {}),
    "a hook that adds": (lambda e: lambda x: hooked(x, lambda grad: grad + 1e-2), leaf, {}),
    "a hook that adds little": (lambda e: lambda x: hooked(x, lambda grad: grad + 1e-2), leaf, {"atol": 0.1}),
    "a hook that refuses None": (lambda e: lambda x: hooked(x, refuses_none), leaf, {}),
    "and may": (lambda e: lambda x: hooked(x, refuses_none), leaf, {"check_undefined_grad": False}),
    "drifting": (drifting, leaf, {}),
    "drifting, allowed": (drifting, leaf, {"nondet_tol": 1.0, "atol": 1.0}),
    "unprepared": (unprepared, leaf, {}),
    "unprepared, allowed": (unprepared, leaf, {"check_undefined_grad": False}),
    "wrong": (lambda e: wrong_by(e, 1.01), leaf, {}),
    "wrong by little": (lambda e: wrong_by(e, 1.0005), leaf, {}),
    "wrong by little, looked at closely": (lambda e: wrong_by(e, 1.0005), leaf, {"rtol": 1e-6, "atol": 1e-8}),
    "wrong only in second order": (lambda e: wrong_again_by(e, 1.01), leaf, {}),
    "cut off": (lambda e: lambda x: x.detach(), leaf, {}),
    "one output cut off": (lambda e: lambda x: (x * 2, x.detach()), leaf, {}),
    "constant": (lambda e: lambda x: e.ones(2), leaf, {}),
    "nothing": (lambda e: lambda x: (), leaf, {}),
    "a position": (lambda e: lambda x: x.argmax(), leaf, {}),
    "the inputs themselves": (lambda e: lambda x: x, leaf, {}),
    "shape by value": (lambda e: lambda x: longer_at_one(e, x), lambda e, *_: leaf(e, 1.0), {}),
    "type by value": (lambda e: lambda x: narrower_at_one(e, x), lambda e, *_: leaf(e, 1.0), {}),
    "float32": (lambda e: lambda x: x * 1, lambda e, *_: single(e), {"atol": 0.1}),
    "no input": (lambda e: lambda x: x, lambda e, *_: e.ones(1), {}),
    "expanded": (lambda e: lambda x: x * 2, lambda e, *_: leaf(e, 1.0).expand(3), {}),
    "an error": (lambda e: lambda x: 1 / 0, leaf, {}),
    "neither way": (lambda e: lambda x: x * 2, leaf, {"check_backward_ad": False}),
}


@pytest.mark.parametrize("raise_exception", [True, False])
@pytest.mark.parametrize("check", ["gradcheck", "gradgradcheck"])
@pytest.mark.parametrize("name", CHECKED)
def test_gradcheck(name, check, raise_exception):
    """The result, or the error's type and its first words; what it warned of; and the inputs are as they were."""
    function, inputs, options = CHECKED[name]
    if "check_backward_ad" in options and check == "gradgradcheck":
        options = {"check_rev_over_rev": False}
    torch.manual_seed(1)  # its gradgradcheck begins with random numbers, some of which float32 tells exactly
    found = []
    for e in (minigrad, torch):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            x = inputs(e, 1.0, 2.0)
            try:
                outcome = getattr(e.autograd, check)(function(e), x, raise_exception=raise_exception, **options)
            except Exception as error:
                outcome = type(error).__name__, None if isinstance(error, TypeError) else str(error).split()[:4]
        found.append((outcome, [str(each.message).split()[:4] for each in told], x._version))
        assert e is torch or x.tolist() == inputs(e, 1.0, 2.0).tolist()
    assert found[0] == found[1]


PROGRAMS = [
    gradients_of_a_wrong_kind,
    undefined_gradients_travel,
    outputs_that_are_no_tensors,
    no_tensor_at_all,
    saved_results_that_were_changed,
    changed_before_it_was_saved_or_given,
    a_dirty_result_has_no_grad_yet,
    one_output_twice,
    dirty_inputs,
    wrong_marks,
    what_a_function_is_warned_of,
    saved_result_of_a_change,
    arguments_by_name_and_default,
    what_ctx_knows,
    parts_of_a_function,
    views_out_of_a_function,
    inputs_of_backward,
    edges_as_roots,
    captured_beside_hooks,
    several_at_once,
    zeros_instead_of_none,
    a_recorded_backward_warns,
    contexts_left_without_an_error,
    recorded_and_unrecorded_passes,
    refused_arguments,
    a_root_that_leads_nowhere,
    a_leaf_told_not_to_require,
    replacements_of_a_wrong_kind,
    hooks_of_an_unused_output,
    a_leaf_node_takes_its_hooks_along,
    gradients_watched_together,
    what_is_packed,
    a_generator_in_a_mode,
    a_class_in_a_mode,
    errors_of_the_users_functions,
    a_leaf_changed_since_its_use,
    modes_in_modes,
    one_manager_entered_twice,
    recording_asked_for_in_inference_mode,
    gradients_in_inference_mode,
    checkpoint_runs_again_no_further_than_needed,
    checkpoint_refuses,
    checkpoint_of_several_kinds,
    strict_functional,
    strict_words,
]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_program(program):
    ours, theirs = described(program(minigrad)), described(program(torch))
    assert ours == theirs


def test_a_node_can_be_shown_before_it_is_recorded():
    shown = []

    def forward(ctx, x):
        shown.append(repr(ctx))
        return x * 2

    custom(minigrad, forward, twice).apply(leaf(minigrad, 1.0))
    assert shown == ["<CustomBackward, not recorded>"]


def test_a_dirty_input_and_its_node_are_no_cycle():
    def forward(ctx, x):
        x.exp_()
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    y = leaf(minigrad, 1.0) * 1
    gc.disable()
    try:
        custom(minigrad, forward, twice).apply(y)
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_threads_add_to_one_large_gradient():
    x = minigrad.zeros(200_000).requires_grad_()
    x.grad = minigrad.zeros(200_000)

    def work():
        for _ in range(60):
            (x * 1).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (x.grad == 240).all()


def test_an_anomaly_is_told_where_warnings_are_errors(capsys):
    """The error in backward arrives all the same."""
    with warnings.catch_warnings(), minigrad.autograd.set_detect_anomaly(True):
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(RuntimeError, match="returned nan values"):
            (leaf(minigrad, 0.0).sqrt() * 0).sum().backward()
    assert "Error detected in SqrtBackward0" in capsys.readouterr().err


def test_an_error_in_a_gradients_gradient_names_both_lines():
    x = leaf(minigrad, 1.0)
    with warnings.catch_warnings(record=True) as told, minigrad.autograd.set_detect_anomaly(True):
        warnings.simplefilter("always", UserWarning)
        (grad,) = minigrad.autograd.grad(x.sqrt(), x, create_graph=True)
        with pytest.raises(RuntimeError, match="returned nan values"):
            (grad - grad).sqrt().backward()
    messages = [str(warning.message) for warning in told if warning.category is UserWarning]
    assert "Error detected in DivBackward0" in messages[0]
    assert "Previous calculation was induced by SqrtBackward0" in messages[1] and "x.sqrt()" in messages[1]
