"""The tape: what is recorded, in which order it runs back, how gradients add up, and what may not be done to it.

Every line is a program of the engine ``e`` and its leaves. What it returns is compared; where PyTorch raises an error,
the engine must raise one of the same type.
"""

from __future__ import annotations

from typing import Any

from comparisons.harness import Report
from comparisons.lines import compare_programs, numbers
from comparisons.settings import Settings

__all__ = ["run"]


def two_ways(e: Any, x: Any) -> Any:
    """A short way and a long way from x to the result: x must wait for both."""
    short = x * 2
    long = ((short.sin() + x).exp() * short).tanh()
    (long * short + x * x).sum().backward()
    return [x.grad]


def second_backward(e: Any, x: Any) -> Any:
    """The gradients of two backward passes add up."""
    (x * x).sum().backward()
    first = x.grad.clone()
    (x**3).sum().backward()
    return [first, x.grad]


def freed_graph(e: Any, x: Any) -> Any:
    """A graph is walked once: what it saved is freed."""
    y = (x * x).exp().sum()
    y.backward()
    y.backward()
    return [x.grad]


def retained_graph(e: Any, x: Any) -> Any:
    """A graph that is kept is walked twice."""
    y = (x * x).exp().sum()
    y.backward(retain_graph=True)
    y.backward()
    return [x.grad]


def own_gradients(e: Any, x: Any, y: Any) -> Any:
    """Two leaves that are given one gradient have each its own."""
    (x + y).sum().backward()
    with e.no_grad():
        x.grad.mul_(3)
    return [x.grad, y.grad]


def own_start(e: Any, x: Any) -> Any:
    """A gradient that the caller gives stays the caller's."""
    start = e.ones_like(x).detach()
    (x + 0).backward(start)
    with e.no_grad():
        x.grad.mul_(3)
    return [x.grad, start]


def saved_result_changed(e: Any, x: Any) -> Any:
    """exp saves its result: it may not be changed before backward."""
    y = x.exp()
    y.add_(1)
    y.sum().backward()
    return [x.grad]


def saved_input_changed(e: Any, x: Any) -> Any:
    """A product saves its factors: neither may be changed before backward."""
    y = x * 1
    z = y * y
    with e.no_grad():
        y.mul_(2)
    z.sum().backward()
    return [x.grad]


def changed_in_place(e: Any, x: Any) -> Any:
    """What nobody saved may be changed, and the change is recorded."""
    y = x * 2
    y.mul_(x)
    y[0] = 5.0
    y.sum().backward()
    return [y, x.grad]


def leaf_changed(e: Any, x: Any) -> Any:
    """A leaf that requires grad may not be changed where it is recorded."""
    x.add_(1)
    return [x]


def unrecorded(e: Any, x: Any) -> Any:
    """Under no_grad nothing is recorded; detach cuts."""
    with e.no_grad():
        inside = x * 2
    cut = (x * 3).detach()
    (x * cut * inside).sum().backward()
    return [inside.requires_grad, cut.requires_grad, (x * 2).requires_grad, x.grad]


def no_scalar(e: Any, x: Any) -> Any:
    """Backward begins at one number, or with a gradient."""
    (x * 2).backward()
    return [x.grad]


def given_gradient(e: Any, x: Any) -> Any:
    """Backward with a gradient given."""
    (x * x).backward(x.detach() * 3)
    return [x.grad]


def nothing_recorded(e: Any, x: Any) -> Any:
    """Backward of what has no history."""
    x.detach().sum().backward()
    return []


def whole_numbers(e: Any, i: Any) -> Any:
    """Whole numbers have no gradient."""
    return [i.requires_grad_().requires_grad]


def unused(e: Any, x: Any, y: Any) -> Any:
    """The gradient of what was not used."""
    return [e.autograd.grad((x * x).sum(), [x, y], allow_unused=True)[1] is None, *e.autograd.grad(x.sum(), [y])]


def asked_for(e: Any, x: Any, y: Any) -> Any:
    """``grad`` gives what is asked for, and leaves ``.grad`` alone."""
    middle = x * y
    gradients = e.autograd.grad((middle * middle).sum(), [middle, x])
    return [*gradients, x.grad is None, y.grad is None]


def third_derivative(e: Any, x: Any) -> Any:
    """Gradients of gradients of gradients."""
    y = (x**4 * x.exp()).sum()
    found = []
    for _ in range(3):
        (slope,) = e.autograd.grad(y, x, create_graph=True)
        found.append(slope)
        y = slope.sum()
    return found


def gradient_of_penalty(e: Any, x: Any) -> Any:
    """A gradient that goes into a loss."""
    (slope,) = e.autograd.grad((x**3).sum(), x, create_graph=True)
    (slope * slope).sum().backward()
    return [x.grad]


def hooked(e: Any, x: Any) -> Any:
    """A hook may change what goes on: it sees the sum of what arrived."""
    y = x * 2
    seen = []

    def ten_times(gradient: Any) -> Any:
        seen.append(gradient.clone())
        return gradient * 10

    y.register_hook(ten_times)
    (y * y + y).sum().backward()
    return [*seen, x.grad]


def kept_inside(e: Any, x: Any) -> Any:
    """A value inside keeps its gradient where that is asked for."""
    y = x * 2
    z = y * y
    y.retain_grad()
    z.sum().backward()
    return [y.grad, x.grad, z.is_leaf, x.is_leaf]


def long_chain(e: Any, x: Any) -> Any:
    """A graph of 3,000 nodes."""
    y = x
    for _ in range(3000):
        y = y * 1.0001
    y.sum().backward()
    return [x.grad]


def several_results(e: Any, x: Any) -> Any:
    """An operation with several results, of which one is used twice and one not at all."""
    first, _, last = x.split(1)
    (first * last * first).sum().backward()
    return [x.grad]


def read_only_once(e: Any, x: Any) -> Any:
    """A gradient of None is none at all, and begins anew."""
    (x * x).sum().backward()
    x.grad = None
    (x * 3).sum().backward()
    return [x.grad]


LINES: dict[str, tuple[Any, ...]] = {
    "a short way and a long way": (two_ways, numbers(3)),
    "a second backward adds": (second_backward, numbers(3)),
    "a graph is freed once it was walked": (freed_graph, numbers(3)),
    "a graph that is retained": (retained_graph, numbers(3)),
    "two leaves share no gradient": (own_gradients, numbers(3), numbers(3, seed=1)),
    "a gradient given stays the caller's": (own_start, numbers(3)),
    "a saved result changed in place": (saved_result_changed, numbers(3)),
    "a saved factor changed in place": (saved_input_changed, numbers(3)),
    "changed in place, and recorded": (changed_in_place, numbers(3)),
    "a leaf changed in place": (leaf_changed, numbers(3)),
    "no_grad and detach": (unrecorded, numbers(3)),
    "backward of many numbers": (no_scalar, numbers(3)),
    "backward with a gradient": (given_gradient, numbers(3)),
    "backward without a history": (nothing_recorded, numbers(3)),
    "whole numbers": (whole_numbers, [1, 2]),
    "what was not used": (unused, numbers(3), numbers(3, seed=1)),
    "only what is asked for": (asked_for, numbers(3), numbers(3, seed=1)),
    "a third derivative": (third_derivative, numbers(3)),
    "a gradient inside a loss": (gradient_of_penalty, numbers(3)),
    "a hook": (hooked, numbers(3)),
    "a gradient kept inside": (kept_inside, numbers(3)),
    "a long chain": (long_chain, numbers(3)),
    "several results": (several_results, numbers(3)),
    "a gradient cleared": (read_only_once, numbers(3)),
}


def run(settings: Settings) -> Report:
    """Compare what every program returns."""
    report = settings.report("tape")
    compare_programs(report, settings, LINES)
    return report
