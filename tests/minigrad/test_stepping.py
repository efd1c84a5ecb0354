"""Stepping through the engine: how many lines, functions, files and stops a debugger meets in small programs."""

import gc
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import minigrad

PACKAGE = Path(minigrad.__file__).parent
TESTS = Path(__file__).parent.parent


@dataclass
class Steps:
    """What a debugger that steps into everything stops at: each line, and the beginning and the end of each call."""

    stops: list = field(default_factory=list)  # of each: "call", "line" or "return", file, function, our frames above
    others: list = field(default_factory=list)  # functions of anybody else's

    @property
    def lines(self):
        return sum(kind == "line" for kind, *_ in self.stops)

    @property
    def calls(self):
        return [name for kind, _, name, _ in self.stops if kind == "call"]

    @property
    def files(self):
        return {file for _, file, *_ in self.stops}

    def up_to(self, kind, name):
        """The steps before the first stop of this kind in the function of this name."""
        found = next(number for number, stop in enumerate(self.stops) if stop[0] == kind and stop[2] == name)
        return Steps(self.stops[:found])


def steps_of(work):
    """The :class:`Steps` of ``work()`` inside the package."""
    steps = Steps()

    def trace(frame, event, argument):
        path = Path(frame.f_code.co_filename)
        if PACKAGE not in path.parents:
            if TESTS not in path.parents and event == "call":
                steps.others.append(frame.f_code.co_name)
            return None
        if event != "exception":
            steps.stops.append((event, str(path.relative_to(PACKAGE)), described(frame), depth(frame)))
        return trace

    previous = sys.gettrace()
    gc.disable()  # others have it call them
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(previous)
        gc.enable()
    return steps


def described(frame):
    """``Mul.forward``: the function's name, after its class's where it has one."""
    local = frame.f_locals
    first = local.get(frame.f_code.co_varnames[0]) if frame.f_code.co_argcount else None
    owner = first if isinstance(first, type) else type(first)
    if owner.__module__.startswith("minigrad") and hasattr(owner, frame.f_code.co_name):
        return f"{owner.__name__}.{frame.f_code.co_name}"
    return frame.f_code.co_name


def depth(frame):
    """How many frames of the package stand above this one."""
    count = 0
    while frame.f_back is not None and PACKAGE in Path(frame.f_back.f_code.co_filename).parents:
        frame, count = frame.f_back, count + 1
    return count


def leaf(*values):
    return minigrad.tensor(*values, requires_grad=True)


def product():
    x, y = leaf(2.0), leaf(3.0)
    return lambda: x * y


def polynomial():
    x = leaf(2.0)
    return lambda: x**2 + 2 * x + 1


def linear():
    layer, x = minigrad.nn.Linear(3, 2), minigrad.ones(4, 3)
    return lambda: layer(x)


def chain():
    """Products of products: nothing in them is fresh, and each is used once."""
    x, y = leaf(2.0) * 1.0, leaf(3.0) * 1.0
    return lambda: x * y * y


def broadcast():
    """Vectors of different lengths, and a result that is used twice."""
    x, y = leaf([[1.0], [2.0]]), leaf([3.0, 4.0])
    z = x - y
    return lambda: z / 2 + z * z


def network():
    nn = minigrad.nn
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    images, labels = minigrad.ones(4, 3), minigrad.tensor([0, 1, 0, 1])
    return lambda: nn.functional.cross_entropy(model(images), labels)


# Of each program, forward and backward: at most so many lines, calls and files.
LIMITS = {
    product: ((60, 6, 3), (120, 15, 5)),
    polynomial: ((200, 22, 4), (280, 32, 7)),
    linear: ((150, 24, 9), (350, 50, 12)),
    chain: ((100, 12, 3), (260, 25, 6)),
    broadcast: ((150, 20, 5), (340, 40, 9)),
    network: ((590, 100, 23), (750, 110, 16)),
}


@pytest.fixture(params=[False, True], ids=["", "after inference mode"])
def whatever_was_done_before(request):
    """What a program before this one did, such as making a tensor in inference mode, adds no step."""
    if request.param:
        with minigrad.inference_mode():
            minigrad.ones(2) * 2


@pytest.mark.usefixtures("whatever_was_done_before")
@pytest.mark.parametrize("program", LIMITS, ids=lambda program: program.__name__)
def test_how_many_lines_calls_and_files(program):
    program()().sum().backward()  # what is computed once is computed now
    for work, limits in zip(both_ways(program), LIMITS[program]):
        steps = steps_of(work)
        steps.stops = [stop for stop in steps.stops if stop[1] != "locking.py"]  # Python 3.14's: two lines a leaf
        counts = steps.lines, len(steps.calls), len(steps.files)
        assert all(count <= limit for count, limit in zip(counts, limits)), (counts, limits)
        assert not [name for name in steps.calls if "<" in name], "a lambda, a comprehension or a generator"
        assert steps.others == [] or program is network, "Python frames of NumPy's own"


def both_ways(program):
    """The program's forward, and the backward of another run of it."""
    forward = program()
    yield forward
    result = program()()
    start = None if result.ndim == 0 else minigrad.ones(result.shape)
    yield lambda: result.backward(start)


def test_a_product_goes_from_the_operator_to_the_formula():
    product()()  # what is computed once is computed now
    steps = steps_of(product())
    assert steps.calls[:3] == ["Tensor.__mul__", "Mul.apply", "Mul.forward"]
    assert len(steps.stops) <= 75


def test_backward_goes_from_the_loop_to_the_rule():
    _, backward = both_ways(product)
    steps = steps_of(backward)
    assert len(steps.stops) <= 150
    before = steps.up_to("call", "run_backward")
    assert (before.lines, len(before.calls), len(before.files)) <= (10, 4, 3)
    assert len(before.calls) <= 4 and len(before.files) <= 3
    assert len(steps.up_to("line", "Mul.backward").stops) < 50
    depths = {name: frames for kind, _, name, frames in steps.stops if kind == "call"}
    assert depths["Mul.backward"] == depths["run_backward"] + 1


def test_a_limit_that_is_passed_is_noticed(monkeypatch):
    """One line more in each product."""
    monkeypatch.setattr(minigrad.Tensor, "__mul__", minigrad.Tensor.__rmul__)
    product()()  # what is computed once is computed now
    before = steps_of(product()).lines
    monkeypatch.setattr(minigrad.Tensor, "__mul__", minigrad.mul)
    assert steps_of(product()).lines > before


def test_a_node_says_what_it_is_first():
    a = minigrad.ones(2, 3, requires_grad=True)
    assert repr((a * 2).grad_fn).startswith("<MulBackward0 of shape [2, 3]")
