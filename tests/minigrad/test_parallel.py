"""Kernels on several threads: the same results whatever their number, errors passed on, nothing started for one."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import minigrad
from minigrad.kernels import batch_norm, blas, helpers, kernel_mode, large_winograd_tiles, memory, parallel
from tests.thorough import THOROUGH


@pytest.fixture(params=[1, 2, 3])
def threads(request, set_threads):
    set_threads(request.param)
    return request.param


@pytest.fixture
def threads_of_blas():
    """BLAS on two threads; pytest's processes have one each, where there are several."""
    if blas.get_blas_threads is None:
        pytest.skip("NumPy computes with another BLAS than OpenBLAS")
    before = blas.get_blas_threads()
    blas.set_blas_threads(2)
    yield 2
    blas.set_blas_threads(before)


def test_every_part_is_worked_on_once_and_in_its_place(threads):
    seen = []
    results = parallel.share_out(lambda part: seen.append(part) or part * 10, range(50))
    assert results == [part * 10 for part in range(50)]
    assert sorted(seen) == list(range(50))
    assert parallel.share_out(abs, []) == []


def test_helpers_work_beside_the_caller(threads):
    if threads == 1:
        pytest.skip("there are no helpers")
    meeting = threading.Barrier(threads, timeout=20)  # broken unless so many threads are there at once
    threads_met = parallel.share_out(lambda part: meeting.wait() >= 0 and threading.get_ident(), range(threads))
    assert len(set(threads_met)) == threads and threading.get_ident() in threads_met


@pytest.mark.parametrize("shared", [False, True])
def test_chunks_are_every_row_once_and_as_many_for_each_thread(threads, shared):
    for count, rows, wanted in [(0, 5, 3), (4, 0, 3), (1, 1, 0), (32, 16, 208), (7, 4, 9), (1, 28, 100), (3, 56, 14)]:
        found = memory.chunks(count, rows, wanted, shared)
        for first, end, top, bottom in found:
            assert end == first + 1 or (top, bottom) == (0, rows)  # their results lie side by side in memory
            assert (end - first) * (bottom - top) <= max(wanted, 1)
        covered = [
            (picture, row)
            for first, end, top, bottom in found
            for picture in range(first, end)
            for row in range(top, bottom)
        ]
        assert covered == [(picture, row) for picture in range(count) for row in range(rows)]
    if shared:
        assert len(memory.chunks(32, 16, 208, shared)) % threads == 0
        assert len(memory.chunks(1, 28, 100, shared)) == threads  # parts of a single picture


def test_one_thread_starts_nothing(set_threads):
    set_threads(1)
    names = parallel.share_out(lambda part: threading.current_thread().name, range(5))
    assert set(names) == {threading.current_thread().name}


def test_an_error_is_raised_and_the_threads_live_on(threads):
    def fail(part):
        if part == 3:
            raise ZeroDivisionError("part 3")
        return part

    with pytest.raises(ZeroDivisionError, match="part 3"):
        parallel.share_out(fail, range(8))
    assert parallel.share_out(abs, [-1, -2, -3]) == [1, 2, 3]


@pytest.mark.parametrize("waiting", [False, True], ids=["computing", "waiting"])
def test_an_interrupt_waits_until_no_helper_writes_any_more(waiting, set_threads):
    """Else what a helper writes later would be found in the next kernel's results."""
    set_threads(2)
    written, meeting = [], threading.Barrier(2, timeout=20)

    def work(part):
        meeting.wait()
        helping = threading.current_thread() is not threading.main_thread()
        if helping == waiting:
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)  # Python tells the main thread
        if helping:
            time.sleep(0.2)
            written.append(part)

    with pytest.raises(KeyboardInterrupt):
        parallel.share_out(work, range(2))
    assert len(written) == 1
    assert parallel.share_out(abs, [-1, -2]) == [1, 2]


INTERRUPTED = """
import os, random, signal, sys, threading
import minigrad
minigrad.set_num_threads(2)
minigrad.kernels.parallel.FEWEST_MULTIPLICATIONS = 0  # small products are shared out too
network = minigrad.nn.Sequential(*[minigrad.nn.Conv2d(4, 4, 3, padding=1) for _ in range(2)])
pictures = minigrad.randn(2, 4, 6, 6)

def passes():
    network.zero_grad()
    network(pictures).sum().backward()

for _ in range(int(sys.argv[1])):
    timer = threading.Timer(random.random() * 0.002, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        while True:
            passes()
    except KeyboardInterrupt:
        passes()
print("done")
"""


def test_threads_go_on_after_interrupts_at_any_moment():
    """Such as the one between taking a lock and noting that it was taken, after which a thread waited for ever.

    At every place of a step ``test_interrupts.py`` interrupts; here it is left to chance, by a real signal.
    """
    command = [sys.executable, "-c", INTERRUPTED, "1000" if THOROUGH else "100"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == "done\n", done.stderr


def dies(reference):
    """Whether nothing keeps the object alive: a helper's call ends a moment after its caller goes on."""
    end = time.monotonic() + 10
    while reference() is not None and time.monotonic() < end:
        time.sleep(0.001)
    return reference() is None


def test_idle_helpers_keep_no_arrays(threads):
    held, meeting = np.zeros(3), threading.Barrier(threads, timeout=20)
    seen = weakref.ref(held)
    parallel.share_out(lambda part, held=held: meeting.wait() + held[part], range(threads))
    del held
    assert dies(seen)


def test_errors_keep_no_arrays(threads):
    held, meeting = np.zeros(3), threading.Barrier(threads, timeout=20)
    seen = weakref.ref(held)

    def fail(part, held=held):
        meeting.wait()
        raise ValueError(f"part {part}")

    gc.disable()
    try:
        with pytest.raises(ValueError, match="part") as caught:
            parallel.share_out(fail, range(threads))
        del fail, held, caught
        assert dies(seen)
    finally:
        gc.enable()


def test_fewer_threads_than_wished_for_will_do(monkeypatch, set_threads):
    set_threads(3)

    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert parallel.share_out(abs, [-1, -2, -3]) == [1, 2, 3]


def test_no_more_helpers_wait_than_are_wanted(set_threads):
    set_threads(4)
    parallel.share_out(lambda part: minigrad.set_num_threads(2), range(4))
    assert len(helpers.Threads.idle) <= 1
    parallel.share_out(lambda part: minigrad.set_num_threads(1), range(2))
    assert not helpers.Threads.idle


def test_blas_keeps_its_threads(threads, threads_of_blas):
    inside = parallel.share_out(lambda part: blas.get_blas_threads(), range(4))
    assert blas.get_blas_threads() == threads_of_blas
    assert set(inside) == {1 if threads > 1 else threads_of_blas}


def test_helpers_compute_in_the_context_of_the_caller(threads):
    """The kernels' mode and NumPy's error state are those of the thread that asked, in every part."""
    meeting = threading.Barrier(threads, timeout=20)

    def look(_):
        meeting.wait()
        return kernel_mode.get().large_winograd_tiles, np.geterr()["divide"]

    with large_winograd_tiles(), np.errstate(divide="raise"):
        assert parallel.share_out(look, range(threads)) == [(True, "raise")] * threads
    assert not kernel_mode.get().large_winograd_tiles


def test_plain_loops_are_run_by_the_caller(threads):
    with minigrad.reference_kernels():
        idents = parallel.share_out(lambda part: threading.get_ident(), range(5))
    assert set(idents) == {threading.get_ident()}


def test_parts_share_out_their_own_parts_among_the_threads_that_are_left(set_threads):
    set_threads(4)
    widths = parallel.share_out(lambda part: (parallel.width(), parallel.share_out(abs, [-part, -1])), [2, 3])
    assert widths == [(2, [2, 1]), (2, [3, 1])]
    assert parallel.share_out(lambda part: parallel.width(), range(9)) == [1] * 9
    assert parallel.width() == 4


def test_two_callers_at_once_have_helpers_each(threads):
    """Neither waits for the other, and BLAS has its threads again when both are done."""
    of_blas = None if blas.get_blas_threads is None else blas.get_blas_threads()
    meeting = threading.Barrier(2 * threads, timeout=20)  # broken unless all parts of both are there at once
    found = []

    def call():
        found.append(parallel.share_out(lambda part: meeting.wait() >= 0 and part, range(threads)))

    callers = [threading.Thread(target=call) for _ in range(2)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert found == [list(range(threads))] * 2
    assert of_blas is None or blas.get_blas_threads() == of_blas


@pytest.mark.parametrize("order", ["samples", "places"])
def test_batch_norm_computes_the_same_on_any_number_of_threads(threads, order, monkeypatch):
    monkeypatch.setattr(batch_norm, "PIECE", 1 << 8)
    monkeypatch.setattr(batch_norm, "FEWEST_SHARED", 1 << 9)
    monkeypatch.setattr(batch_norm, "ROW", 1 << 5)
    x, grad = np.random.default_rng(0).normal(size=(2, 16, 5, 6, 7))
    if order == "places":
        x, grad = [np.ascontiguousarray(np.moveaxis(each, 1, -1)).transpose(0, 3, 1, 2) for each in (x, grad)]
    factors = np.random.default_rng(1).normal(size=(4, 5))
    found = [
        *batch_norm.statistics(x),
        *batch_norm.backward_sums(grad, x, factors[0]),
        batch_norm.normalize(x, *factors[:3]),
        batch_norm.input_gradient(grad, x, *factors),
    ]
    expected = [
        *batch_norm.plain_statistics(x),
        *batch_norm.plain_backward_sums(grad, x, factors[0]),
        batch_norm.plain_normalize(x, *factors[:3]),
        batch_norm.plain_input_gradient(grad, x, *factors),
    ]
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("shape", [(8, 40, 26, 26), (3, 64, 14, 14), (4, 96, 3, 3)], ids=str)
def test_a_network_computes_the_same_on_any_number_of_threads(threads, shape):
    """Chunks and shares differ with the number of threads; the sums only by rounding."""

    def run():
        minigrad.manual_seed(0)
        nn = minigrad.nn
        layers = [nn.Conv2d(shape[1], 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Conv2d(128, 32, 3, 2)]
        model = nn.Sequential(*layers).double()
        x = minigrad.rand(*shape, dtype=minigrad.float64, requires_grad=True)
        output = model(minigrad.nn.functional.pad(x, (2, 2, 2, 2)))
        output.square().sum().backward()
        return [output, x.grad, *[parameter.grad for parameter in model.parameters()]]

    found = run()
    minigrad.set_num_threads(1)
    for several, alone in zip(found, run()):
        np.testing.assert_allclose(several.detach().numpy(), alone.detach().numpy(), rtol=1e-10, atol=1e-10)


def test_wrong_numbers_of_threads():
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(RuntimeError, match="set_num_threads expects"):
            minigrad.set_num_threads(wrong)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # of Python 3.12: the child below only computes
def test_a_forked_process_starts_its_own_helpers(threads):
    parallel.share_out(abs, range(4))
    child = os.fork()
    if child == 0:
        os._exit(0 if parallel.share_out(abs, [-1, -2, -3]) == [1, 2, 3] else 1)
    assert os.waitpid(child, 0)[1] == 0


# ------------------------------------------------------------------------------------------ in the background


def in_other_thread():
    return threading.current_thread() is not threading.main_thread()


def test_a_helper_does_what_is_left_for_later(threads):
    done = threading.Event()
    future = parallel.in_background(lambda: (in_other_thread(), parallel.width(), done.set())[:2])
    assert done.wait(20)
    assert future.result() == ((True, 1) if threads > 1 else (False, 1))


def test_the_caller_does_what_no_helper_has_begun(set_threads):
    """It does not wait for a helper that is busy with something else."""
    set_threads(2)
    begun, may_end = threading.Event(), threading.Event()
    try:
        first = parallel.in_background(lambda: begun.set() or may_end.wait(20))
        assert begun.wait(20)
        second = parallel.in_background(in_other_thread)
        assert second.result() is False
        may_end.set()
        assert first.result()
    finally:
        may_end.set()


def test_no_more_waits_than_memory_is_kept_for(monkeypatch, set_threads):
    monkeypatch.setattr(helpers.Team, "call", lambda self, count: None)  # no helper comes
    set_threads(2)
    done = []
    futures = [parallel.in_background(lambda number=number: done.append(number)) for number in range(5)]
    assert done == list(range(parallel.MOST_WAITING, 5))
    for future in futures:
        future.result()
    assert sorted(done) == list(range(5))


def test_a_helper_that_is_done_joins_the_task_under_way(set_threads):
    set_threads(2)
    may_end, meeting = threading.Event(), threading.Barrier(2, timeout=20)
    begun = threading.Event()
    future = parallel.in_background(lambda: begun.set() or may_end.wait(20))
    assert begun.wait(20)
    assert parallel.a_helper_is_busy() and parallel.width() == 2  # work is parted as it always is

    def work(part):
        may_end.set()
        meeting.wait()  # broken unless the other part is begun meanwhile
        return part

    assert parallel.share_out(work, range(2)) == [0, 1]
    assert future.result()


def test_an_error_in_the_background_is_raised_with_the_result(threads):
    def fail():
        raise ZeroDivisionError("later")

    future = parallel.in_background(fail)
    with pytest.raises(ZeroDivisionError, match="later"):
        future.result()
    assert parallel.share_out(abs, [-1, -2, -3]) == [1, 2, 3]


def test_work_in_the_background_keeps_no_arrays(threads):
    held = np.zeros(3)
    seen = weakref.ref(held)
    future = parallel.in_background(lambda held=held: held.sum())
    del held
    assert future.result() == 0
    assert dies(seen)


def test_work_in_the_background_is_done_in_the_context_of_the_caller(threads):
    with large_winograd_tiles(), np.errstate(divide="raise"):
        future = parallel.in_background(lambda: (kernel_mode.get().large_winograd_tiles, np.geterr()["divide"]))
    assert future.result() == (True, "raise")


def test_gradients_have_the_same_bits_whoever_computes_them(threads, monkeypatch):
    """A helper, at once or later, or the caller: sums are parted, and rounded, in the same way."""
    minigrad.manual_seed(0)
    network = minigrad.nn.Sequential(
        minigrad.nn.Conv2d(3, 64, 3, padding=1),
        minigrad.nn.Conv2d(64, 64, 3, padding=1),
        minigrad.nn.Conv2d(64, 32, 3, stride=2),
    )
    pictures = minigrad.randn(12, 3, 24, 24)
    found = set()
    for whoever in range(6):
        if whoever == 4:
            monkeypatch.setattr(helpers.Team, "call", lambda self, count: None)  # from now on the caller alone
        network.zero_grad()
        network(pictures).square().sum().backward()
        found.add(b"".join([each.grad.numpy().tobytes() for each in network.parameters()]))
    assert len(found) == 1
