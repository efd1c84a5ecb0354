"""DataLoader's workers: as far ahead as they are asked to be, and gone with their loop, their loader, its process."""

import contextlib
import gc
import itertools
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import minigrad
from minigrad.kernels import parallel
from minigrad.utils.data import DataLoader, worker, workers

pytestmark = [
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no forks on this system"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # more workers than processors
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def no_worker_is_left():
    gc.collect()  # what another file's tests have not let go
    yield
    assert multiprocessing.active_children() == []


class Samples:
    """Made by a function of their index."""

    def __init__(self, make, count=8):
        self.make, self.count = make, count

    def __getitem__(self, index):
        return self.make(index)

    def __len__(self):
        return self.count


def loader_of(make, count=8, num_workers=2, batch_size=None, **options):
    return DataLoader(
        Samples(make, count), batch_size, num_workers=num_workers, multiprocessing_context="fork", **options
    )


def same(index):
    return index


def late_after(last):
    """The first sample comes a moment after that of index ``last``."""
    loaded = multiprocessing.get_context("fork").Event()

    def load(index):
        if index == last:
            loaded.set()
        if index == 0:
            assert loaded.wait(20)
            time.sleep(0.1)  # until that one is sent
        return index

    return load


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


# ------------------------------------------------------------------------------------------------ ahead


@pytest.mark.parametrize("factor", [1, 3])
def test_workers_load_ahead_as_many_batches_as_they_are_asked_to(factor):
    """Large ones too, which no pipe holds, all made in one memory; and not one more."""
    loaded = multiprocessing.get_context("fork").Value("i", 0)
    memory = np.zeros(100_000, np.float32)

    def noted(index):
        memory[:] = index
        with loaded:
            loaded.value += 1
        return memory

    batches = iter(loader_of(noted, 20, prefetch_factor=factor))
    wait_for(lambda: loaded.value == 2 * factor)
    assert next(batches)[0] == 0
    wait_for(lambda: loaded.value == 2 * factor + 1)
    time.sleep(0.05)
    assert loaded.value == 2 * factor + 1
    assert [float(each.sum()) / 100_000 for each in batches] == list(range(1, 20))


@pytest.mark.parametrize(("in_order", "order"), [(True, range(8)), (False, [1, 3, 4, 5, 6, 7, 0, 2])])
def test_in_order_or_as_they_come(in_order, order):
    """The worker that is late with the first sample was asked for the third one too, and then for no other."""
    late = late_after(3 if in_order else 7)  # in order nothing is asked for behind those on their way
    assert list(loader_of(late, in_order=in_order)) == list(order)


def test_neither_side_waits_for_the_other_to_be_heard():
    """Indices and batches that no pipe holds, on their way at the same time."""
    loader = DataLoader(range(200_000), 50_000, num_workers=1, multiprocessing_context="fork", collate_fn=list)
    assert sum(map(sum, loader)) == sum(range(200_000))


def test_a_worker_computes_on_one_thread_while_threads_of_its_parent_compute(set_threads):
    """A fork in the middle of their work: what they held is free in the worker."""
    set_threads(2)
    matrix = minigrad.randn(200, 200)
    product = (matrix @ matrix).sum()
    stop = threading.Event()

    def keep_computing():
        while not stop.is_set():
            parallel.share_out(lambda part: np.dot(matrix.array, matrix.array), range(4))

    beside = threading.Thread(target=keep_computing)
    beside.start()
    try:
        came = list(loader_of(lambda index: ((matrix @ matrix).sum(), minigrad.get_num_threads()), 4, timeout=60))
    finally:
        stop.set()
        beside.join()
    assert len(came) == 4 and all(minigrad.allclose(each, product) and threads == 1 for each, threads in came)


# ------------------------------------------------------------------------------------------------ gone


def leave_by_break(batches):
    for _ in batches:
        break


def leave_by_error(batches):
    next(batches)
    raise ZeroDivisionError


def leave_by_interrupt(batches):
    """Ctrl-C while a batch is waited for."""
    next(batches)
    threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()
    next(batches)


def leave_at_the_end(batches):
    assert len(list(batches)) == 3 and next(batches, None) is None
    assert multiprocessing.active_children() == []


LEAVING = {
    "break": (leave_by_break, same),
    "error": (leave_by_error, same),
    "error of a sample": (lambda batches: list(batches), lambda index: 1 / (index - 1)),
    "interrupt": (leave_by_interrupt, lambda index: time.sleep(100 * index)),
    "end": (leave_at_the_end, same),
    "a sample that never comes": (next, lambda index: time.sleep(100 * index)),
    "a worker that is stopped": (next, lambda index: index and os.kill(os.getpid(), signal.SIGSTOP)),
}
# What ends a worker that does not end by itself asks nobody whether it would have stayed for another loop.
LONG = {("error of a sample", True), ("a sample that never comes", True), ("a worker that is stopped", True)}


@pytest.mark.parametrize(
    ("name", "persistent"),
    [
        pytest.param(*case, marks=[pytest.mark.long] * (case in LONG))
        for case in itertools.product(LEAVING, [False, True])
    ],
)
def test_no_worker_is_left_by(name, persistent, monkeypatch):
    """However a loop is left, without the help of the garbage collector."""
    leave, make = LEAVING[name]
    if persistent and name == "end":
        pytest.skip("persistent workers stay at the end of a loop")
    for module in (worker, workers):
        monkeypatch.setattr(module, "PATIENCE", 0.3)
    gc.disable()
    try:
        with contextlib.suppress(ZeroDivisionError, KeyboardInterrupt):
            leave(iter(loader_of(make, 3, persistent_workers=persistent, prefetch_factor=1)))
        assert multiprocessing.active_children() == []
    finally:
        gc.enable()


def run_in_fork(program):
    """What a child of a fork wrote, and how it ended. Once nobody can write any more, its own children are gone."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            program(writing)
        finally:
            os._exit(1)
    os.close(writing)
    written = b""
    while True:
        assert select.select([reading], [], [], 20)[0], "a process was left behind"
        part = os.read(reading, 1000)
        written += part
        if not part:
            os.close(reading)
            return written, os.waitpid(child, 0)[1]


@pytest.mark.parametrize("make", [same, lambda index: time.sleep(100 * index)], ids=["at once", "never"])
def test_workers_end_when_their_loaders_process_is_killed(make, monkeypatch):
    """Also where another child of its, which is no worker, lives on."""
    monkeypatch.setattr(worker, "PATIENCE", 0.2)

    def program(writing):
        batches = iter(loader_of(make, 1000))
        next(batches)
        other = os.fork()
        if other == 0:
            os.close(writing)
            time.sleep(100)
            os._exit(0)
        os.write(writing, b"%d" % other)
        os.kill(os.getpid(), signal.SIGKILL)

    written, ended = run_in_fork(program)
    os.kill(int(written), signal.SIGKILL)
    assert ended == signal.SIGKILL


def test_a_child_of_a_fork_leaves_its_parents_workers_alone():
    batches = iter(loader_of(same))

    def program(writing):
        nonlocal batches
        del batches
        gc.collect()
        os.write(writing, b"let go")

    assert next(batches) == 0
    assert run_in_fork(program)[0] == b"let go"
    assert list(batches) == list(range(1, 8))


def test_persistent_workers_stay_until_their_loader_goes_and_are_begun_anew_once_they_are_lost():
    loader = loader_of(lambda index: os.getpid(), persistent_workers=True)
    first = set(loader)
    assert len(first) == 2 and set(loader) == first
    assert {each.pid for each in multiprocessing.active_children()} == first
    os.kill(min(first), signal.SIGKILL)
    wait_for(lambda: len(multiprocessing.active_children()) == 1)
    second = list(loader)
    assert len(second) == 8 and not first & set(second)
    del loader


def test_a_worker_that_dies_is_told_with_how_it_died():
    """In PyTorch's words. The other's batches can still be had."""
    for die, how in [
        (lambda index: index or os.kill(os.getpid(), signal.SIGKILL), "is killed by signal: Killed."),
        (lambda index: index or sys.exit(3), "exited unexpectedly with exit code 3."),
    ]:
        batches = iter(loader_of(die))
        with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly") as error:
            next(batches)
        assert how in str(error.value.__cause__) and list(batches)[:2] == [1, 3]
        del error


def test_what_cannot_be_sent_is_an_error_not_a_wait():
    class Own(Exception):
        """Not to be found by its name."""

    def fail(index):
        raise Own("here")

    for make, kind, message in [
        (lambda index: lambda: index, Exception, "Can't (get|pickle) local object"),
        (fail, RuntimeError, "Caught Own in DataLoader worker process 0"),
        (lambda index: minigrad.ones(2, requires_grad=True) * 2, RuntimeError, "call detach()"),
    ]:
        with pytest.raises(kind, match=message) as error:
            list(loader_of(make, num_workers=1, timeout=60))
        del error


def test_nothing_to_load_ahead():
    with pytest.raises(AssertionError, match="prefetch_factor"):
        iter(loader_of(same, prefetch_factor=0))


PROGRAM = """
import multiprocessing
from minigrad.utils.data import DataLoader

if __name__ == "__main__":
    batches = iter(DataLoader(range(100), 2, num_workers=1, multiprocessing_context="spawn"))
    print(next(batches).tolist(), multiprocessing.active_children()[0].pid)
"""


def test_a_program_that_ends_in_the_middle_of_a_loop(tmp_path):
    """With a worker that is no copy but a Python of its own."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)
    assert done.stderr == "" and done.returncode == 0 and done.stdout.startswith("[0, 1] ")
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout.split()[-1]), 0)
