"""Ctrl-C at any moment, and forks: nothing stays switched, counted or locked, and the next step is right."""

import os
import signal
import sys
import threading
import time
import traceback
from random import Random

import pytest

import minigrad
from minigrad import nn
from minigrad.autograd.graph import _Watched
from minigrad.graph import anomaly, storage
from minigrad.graph.accumulation import Accumulating
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.saved_tensors import packing
from minigrad.kernels import FAST, blas, kernel_mode, parallel
from minigrad.kernels.helpers import Threads, of_this_part
from minigrad.locking import InterruptibleLock
from minigrad.nn.functional import cross_entropy, dropout
from minigrad.utils.checkpoint import checkpoint

minigrad.manual_seed(0)
rows, labels = minigrad.randn(5, 8), minigrad.tensor([0, 1, 2, 3, 0])
network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
weights = [each.detach().clone() for each in network.parameters()]
pictures = minigrad.randn(2, 3, 6, 6)
convolutions = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 2, 3))
normalization = nn.BatchNorm2d(3)
square = minigrad.randn(4, 4, dtype=minigrad.float64, requires_grad=True)
large = minigrad.randn(70, 70, requires_grad=True)
first_state = minigrad.get_rng_state()


def optimizer_step():
    """With a closure that runs forward and backward, and a schedule."""
    for each, values in zip(network.parameters(), weights):
        each.data = values.clone()
    optimizer = minigrad.optim.Adam(network.parameters())
    schedule = minigrad.optim.lr_scheduler.StepLR(optimizer, 1)

    def closure():
        optimizer.zero_grad()
        loss = cross_entropy(network(rows), labels)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    schedule.step()
    return [loss, *network.parameters()]


def gradients_of(layers):
    layers.zero_grad()
    result = layers(pictures)
    result.square().sum().backward()
    return [result, *[each.grad for each in layers.parameters()]]


def convolution_on_two_threads():
    return gradients_of(convolutions)


def batch_norm():
    return gradients_of(normalization)


def random_numbers():
    minigrad.manual_seed(1)
    return [minigrad.rand(3), minigrad.randn(3), minigrad.randperm(3)]


def checkpoints():
    minigrad.set_rng_state(first_state)
    square.grad = None
    inner = checkpoint(lambda x: dropout(x * square, 0.5), square, use_reentrant=False)
    result = checkpoint(lambda x: dropout(x, 0.5), inner, use_reentrant=True)
    result.square().sum().backward()
    return [result, minigrad.rand(3), square.grad]


def double_backward():
    result = (square @ square.sin()).tanh().sum()
    (grad,) = minigrad.autograd.grad(result, square, create_graph=True)
    return [result, grad, *minigrad.autograd.grad(grad.square().sum(), square)]


def product_on_one_thread_of_blas():
    large.grad = None
    result = (large @ large).sum()
    result.backward()
    return [result, large.grad]


class Double(minigrad.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    @minigrad.autograd.function.once_differentiable
    def backward(ctx, grad):
        return grad * 2


@minigrad.no_grad()
def without_history(x):
    return x * 2


def functions_of_the_users():
    """A custom Function, a hook, decorated functions, functional."""
    double, seen = Double.apply(square), []
    minigrad.autograd.graph.register_multi_grad_hook([double], seen.extend)
    (grad,) = minigrad.autograd.grad(double.sum(), square)
    return [grad, *seen, without_history(square), minigrad.autograd.functional.jacobian(without_history, square)]


# Each is short and of one kind: it is run twice for each place in it, so two in one take as long as four.
STEPS = [
    optimizer_step,
    convolution_on_two_threads,
    batch_norm,
    random_numbers,
    checkpoints,
    double_backward,
    product_on_one_thread_of_blas,
    functions_of_the_users,
]


@pytest.fixture
def two_threads(set_threads, monkeypatch):
    """Small convolutions leave their weights' gradients to another thread."""
    monkeypatch.setattr(parallel, "FEWEST_MULTIPLICATIONS", 0)
    set_threads(2)


def bits(tensors):
    return [each.detach().numpy().tobytes() for each in tensors]


def helpers_at_work():
    team = Threads.teams.own
    return team.coming + len(team.under_way) + len(team.futures)


def what_is_switched_or_counted():
    """Empty where nothing is; a moment after an interrupt helpers may still be at work."""
    end = time.monotonic() + 5
    while helpers_at_work() and time.monotonic() < end:
        time.sleep(0.0002)
    found = {
        "not recording": not grad_mode.enabled,
        "inference mode": grad_mode.inference,
        "a walk": grad_mode.walk,
        "hooks around saving": packing.hooks,
        "anomalies": anomaly.enabled or anomaly.running.node,
        "plain loops": kernel_mode.get() != FAST,
        "inside of a part": of_this_part.get(),
        "helpers": helpers_at_work(),
        "a task": Threads.teams.own.task,
        "one thread of BLAS": blas._OfBlas.callers or blas._OfBlas.before,
    }
    return {name: value for name, value in found.items() if value}


def interrupted_at_a_new_place(step, places):
    """Run ``step`` and interrupt it at the first place that is not among ``places``, and add it; False if it has none.

    Python looks for signals where a function begins, and after a call of one that is not written in Python; after
    ``__enter__`` of a ``with`` statement 3.14 does, and no other version.
    """
    before = len(places)

    def profile(frame, event, argument):
        entered = sys.version_info[:2] != (3, 14) and getattr(argument, "__name__", "") == "__enter__"
        if event in ("call", "c_return") and not entered:
            place = event, id(frame.f_code), frame.f_lasti, id(frame.f_back.f_code), frame.f_back.f_lasti
            if place not in places:
                sys.setprofile(None)
                places.add(place)
                raise KeyboardInterrupt

    try:
        sys.setprofile(profile)
        step()
    except KeyboardInterrupt:
        pass
    finally:
        sys.setprofile(None)
    return len(places) > before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # interrupted while it is freed
@pytest.mark.usefixtures("two_threads", "unmeasured")
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_an_interrupt_at_any_place_leaves_nothing_switched_or_counted(step):
    step()
    expected, places = bits(step()), set()
    while interrupted_at_a_new_place(step, places):
        assert what_is_switched_or_counted() == {}, places
        assert bits(step()) == expected
    assert len(places) > 50


class Alarm:
    """Interrupts what runs after some time, as Ctrl-C does, by a signal that nobody else uses."""

    def __init__(self):
        self.armed = False

    def ring(self, *arguments):
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt

    def interrupt_after(self, seconds, step):
        """Run ``step`` again and again until it is interrupted."""
        try:
            self.armed = True
            signal.setitimer(signal.ITIMER_REAL, seconds)
            self.repeat(step)
        except KeyboardInterrupt:
            pass

    def repeat(self, step):
        while self.armed:
            step()


@pytest.fixture
def alarm():
    if not hasattr(signal, "setitimer"):
        pytest.skip("there are no timers here")
    alarm = Alarm()
    before = signal.signal(signal.SIGALRM, alarm.ring)
    yield alarm
    alarm.armed = False
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # interrupted while it is freed
@pytest.mark.usefixtures("two_threads", "unmeasured")
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_interrupts_at_any_moment_leave_nothing_switched_or_counted(step, alarm):
    """Dozens of each step, also where a loop begins again, where Python looks for signals too."""
    step()
    expected, random, begun = bits(step()), Random(0), time.perf_counter()
    bits(step())
    length, count = time.perf_counter() - begun, 0
    while count < 30 or time.perf_counter() - begun < 0.15:
        alarm.interrupt_after(1e-5 + random.random() * length, step)
        assert what_is_switched_or_counted() == {}, count
        assert bits(step()) == expected, count
        count += 1


@pytest.mark.usefixtures("unmeasured")
def test_an_interrupted_checkpoint_gives_the_random_numbers_back():
    """It draws those of forward again; the stream goes on from where it was, not from there."""
    result = checkpoint(lambda x: dropout(x, 0.5) * square, square, use_reentrant=False).sum()
    minigrad.rand(3)
    state, places = minigrad.get_rng_state(), set()
    while interrupted_at_a_new_place(lambda: result.backward(retain_graph=True), places):
        assert minigrad.equal(minigrad.get_rng_state(), state), places


def test_a_lock_is_open_after_an_interrupt_at_any_place():
    """Nested as well. On Python 3.14 every lock of the engine is such a one."""
    lock, places = InterruptibleLock(), set()

    def step():
        with lock, lock:
            len(())

    while interrupted_at_a_new_place(step, places):
        assert not lock._is_owned(), places
    assert len(places) > 4


# ------------------------------------------------------------------------------------------------------------ forks


def passes_in_a_child(work):
    """Whether ``work()`` is true in the child of a fork, which has 20 seconds for it."""
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(20)
            os._exit(0 if work() else 1)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


def everything_is_right_again(expected):
    return [bits(step()) for step in STEPS] == expected and what_is_switched_or_counted() == {}


def forks(test):
    """Marks a test that forks."""
    test = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")(test)  # of Python 3.12: children compute
    return pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")(test)


@forks
@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    "held",
    [
        lambda: storage.clock_lock,
        lambda: Accumulating.lock,
        lambda: _Watched.lock,
        lambda: Threads.lock,
        lambda: blas._OfBlas.lock,
    ],
    ids=["clock", "grads", "hooks", "helpers", "BLAS"],
)
def test_a_child_does_not_wait_for_what_another_thread_held(held):
    def hold():
        with held():
            holding.set()
            may_end.wait(20)

    expected = [bits(step()) for step in STEPS]
    holding, may_end = threading.Event(), threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(20)
    try:
        assert passes_in_a_child(lambda: everything_is_right_again(expected))
    finally:
        may_end.set()
        thread.join()


@forks
@pytest.mark.usefixtures("two_threads")
def test_a_child_is_right_while_other_threads_are_in_backward():
    """In all that can be locked, and with large gradients, which NumPy adds without Python's lock."""
    x = minigrad.randn(1 << 18, requires_grad=True)

    def compute():
        while not ended.is_set():
            x.grad = None
            convolution_on_two_threads()
            for _ in range(3):
                (x * 2).sum().backward()

    def in_child():
        x.grad = None
        (x * 2).sum().backward()
        (x * 3).sum().backward()
        return bool((x.grad == 5).all()) and everything_is_right_again(expected)

    expected = [bits(step()) for step in STEPS]
    ended = threading.Event()
    thread = threading.Thread(target=compute)
    thread.start()
    try:
        for _ in range(8):
            time.sleep(0.003)
            assert passes_in_a_child(in_child)
    finally:
        ended.set()
        thread.join()


@forks
@pytest.mark.usefixtures("two_threads")
def test_a_child_does_itself_what_its_parents_helper_was_at():
    begun, may_end = threading.Event(), threading.Event()
    future = parallel.in_background(lambda: begun.set() or may_end.wait(20))
    assert begun.wait(20)
    try:
        assert passes_in_a_child(lambda: may_end.set() or future.result() is True)
    finally:
        may_end.set()
    assert future.result() is True


@forks
@pytest.mark.usefixtures("two_threads")
def test_a_hook_may_fork_and_both_go_on():
    children = []
    x, weight = [minigrad.randn(*shape, requires_grad=True) for shape in [(2, 3, 5, 5), (4, 3, 3, 3)]]
    nn.functional.conv2d(x * 2, weight).sum().backward()
    expected = bits([x.grad, weight.grad])
    x.grad = weight.grad = None
    middle = x * 2
    middle.register_hook(lambda grad: children.append(os.fork()))
    nn.functional.conv2d(middle, weight).sum().backward()
    right = bits([x.grad, weight.grad]) == expected and what_is_switched_or_counted() == {}
    if children == [0]:
        os._exit(0 if right else 1)
    assert right and os.waitpid(*children, 0)[1] == 0
