"""DataLoader's workers against PyTorch's: the same batches, random numbers in them and after them, errors, warnings."""

import gc
import multiprocessing
import os
import random
import warnings

import numpy as np
import pytest
import torch

import minigrad
from comparisons.outcomes import outcome

ENGINES = {"minigrad": minigrad, "torch": torch}
pytestmark = [
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no forks on this system"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # more workers than processors
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def no_worker_is_left():
    yield
    gc.collect()  # an error knows the frames that it came through, and they their iterators
    assert multiprocessing.active_children() == []


def plain(value):
    """Batches of either engine as nested lists, with the types of their tensors."""
    if isinstance(value, (minigrad.Tensor, torch.Tensor)):
        return str(value.dtype).rpartition(".")[2], value.tolist()
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(each) for each in value]
    return value


def drawn(e):
    """What a worker draws, and who it is."""
    info = e.utils.data.get_worker_info()
    return e.rand(2), random.random(), np.random.rand(), info.id, info.num_workers, info.seed % 1000


class Samples:
    """Eleven samples with random numbers in them."""

    def __init__(self, e):
        self.e = e

    def __getitem__(self, index):
        return index, *drawn(self.e)

    def __len__(self):
        return 11


def stream(e, *counts, length=100):
    """A data set without indices that gives each worker so many samples."""

    class Stream(e.utils.data.IterableDataset):
        def __iter__(self):
            for number in range(counts[e.utils.data.get_worker_info().id]):
                yield number, *drawn(e)

        def __len__(self):
            return length

    return Stream()


class Eager:
    """A sampler that draws the order where it is asked for an iterator, not where it is asked for an index."""

    def __init__(self, e):
        self.e = e

    def __iter__(self):
        return iter(self.e.randperm(11).tolist())

    def __len__(self):
        return 11


def seeded(number):
    random.seed(number)


def loader_of(e, dataset, **options):
    return e.utils.data.DataLoader(dataset, multiprocessing_context="fork", **options)


# To fork takes most of the time: this process is large. So there are several workers only where they matter.
LOADERS = {
    "batches": lambda e: loader_of(e, Samples(e), num_workers=2, batch_size=2),
    "shuffled": lambda e: loader_of(
        e, Samples(e), num_workers=2, batch_size=2, shuffle=True, drop_last=True, prefetch_factor=1
    ),
    "own generator": lambda e: loader_of(
        e, Samples(e), num_workers=1, batch_size=3, shuffle=True, generator=e.Generator().manual_seed(5)
    ),
    "samples, sampler that draws early": lambda e: loader_of(
        e, Samples(e), num_workers=1, batch_size=None, sampler=Eager(e)
    ),
    "batch sampler, worker_init_fn": lambda e: loader_of(
        e, Samples(e), num_workers=2, batch_sampler=[[1, 2], [0], [9, 9, 9]], worker_init_fn=seeded
    ),
    "collated by the worker": lambda e: loader_of(e, Samples(e), num_workers=2, batch_size=4, collate_fn=len),
    "one worker, in any order": lambda e: loader_of(e, Samples(e), num_workers=1, batch_size=4, in_order=False),
    "persistent": lambda e: loader_of(
        e, Samples(e), num_workers=2, batch_size=2, shuffle=True, persistent_workers=True, timeout=60
    ),
    "stream": lambda e: loader_of(e, stream(e, 7, 0, 3), num_workers=3, batch_size=2),
    "stream, full batches": lambda e: loader_of(e, stream(e, 7, 4), num_workers=2, batch_size=2, drop_last=True),
    "stream of samples": lambda e: loader_of(e, stream(e, 1, 3), num_workers=2, batch_size=None),
    "persistent stream": lambda e: loader_of(e, stream(e, 9, 13), num_workers=2, batch_size=2, persistent_workers=True),
}
# A worker loads and collates as a loader without workers does, and "shuffled" and "stream" ask it in the same way.
LONG = {"batches", "collated by the worker", "stream, full batches", "stream of samples"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name in LONG)) for name in LOADERS])
def test_batches_and_random_numbers(name):
    """Two loops, the first left after three batches; the states of all generators after them."""
    seen = []
    for e in ENGINES.values():
        e.manual_seed(17)
        random.seed(1)
        np.random.seed(2)
        loader = LOADERS[name](e)
        left = [plain(batch) for _, batch in zip(range(3), iter(loader))]
        seen.append([left, *map(plain, loader), e.rand(2).tolist(), random.random(), np.random.rand()])
    assert seen[0] == seen[1]


class Faulty(Samples):
    """Samples of which some cannot be had."""

    def __init__(self, e, fail):
        self.fail = fail

    def __getitem__(self, index):
        return self.fail() if index in (1, 4) else index


def fail_with(error):
    def fail():
        raise error

    return fail


def outcomes_of(loader, count):
    """What ``next`` gives so many times: batches, or errors."""
    batches = iter(loader)
    outcomes = []
    for _ in range(count):
        try:
            outcomes.append(plain(next(batches)))
        except Exception as error:
            outcomes.append(error)
    if hasattr(batches, "_shutdown_workers"):
        batches._shutdown_workers()  # PyTorch waits ten seconds where the garbage collector does it
    return outcomes


ERRORS = {
    "ValueError": fail_with(ValueError("no such picture")),
    "KeyError": fail_with(KeyError("picture")),
    "of several arguments": fail_with(UnicodeDecodeError("utf-8", b"a", 0, 1, "picture")),
    "StopIteration": fail_with(StopIteration("over")),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_told_with_the_workers_traceback_and_costs_its_batch(name):
    seen = []
    for e in ENGINES.values():
        workers = 2 if name == "ValueError" else 1
        outcomes = outcomes_of(loader_of(e, Faulty(e, ERRORS[name]), num_workers=workers, batch_size=2), 6)
        for place in (0, 2):
            first, original, *between, last = str(outcomes[place]).splitlines()
            assert original == "Original Traceback (most recent call last):" and "in fail" in "".join(between)
            outcomes[place] = type(outcomes[place]), first, last
        seen.append(outcomes)
    assert seen[0] == seen[1]


def fail_in(number):
    raise ValueError("no such folder")


def with_history(e):
    return loader_of(e, [e.ones(2, requires_grad=True)] * 2, num_workers=1)


BEFORE = {
    "worker_init_fn": lambda e: loader_of(e, Samples(e), num_workers=1, worker_init_fn=fail_in),
    "__iter__": lambda e: loader_of(
        e, type("Data", (e.utils.data.IterableDataset,), {"__iter__": fail_in})(), num_workers=1
    ),
    "history": with_history,
}


@pytest.mark.parametrize("name", BEFORE)
def test_errors_of_the_first_batch(name):
    ours, theirs = [outcomes_of(BEFORE[name](e), 1)[0] for e in ENGINES.values()]
    assert type(ours) is type(theirs) and str(ours).splitlines()[0] == str(theirs).splitlines()[0]


def in_main(e, **options):
    return list(e.utils.data.DataLoader([1, 2], **options))


WRONG = {
    "workers below 0": lambda e: in_main(e, num_workers=-1),
    "timeout below 0": lambda e: in_main(e, num_workers=1, timeout=-1),
    "timeout": lambda e: outcomes_of(loader_of(e, [1], num_workers=1, timeout=1e-9), 1)[0],
    "prefetch_factor alone": lambda e: in_main(e, prefetch_factor=2),
    "prefetch_factor below 0": lambda e: in_main(e, num_workers=1, prefetch_factor=-1),
    "persistent_workers alone": lambda e: in_main(e, persistent_workers=True),
    "context alone": lambda e: in_main(e, multiprocessing_context="spawn"),
    "no such context": lambda e: in_main(e, num_workers=1, multiprocessing_context="thread"),
    "a number as context": lambda e: in_main(e, num_workers=1, multiprocessing_context=3),
    "persistent_workers set later": lambda e: setattr(e.utils.data.DataLoader([1]), "persistent_workers", True),
    "context set later": lambda e: setattr(e.utils.data.DataLoader([1]), "multiprocessing_context", "fork"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_refused_in_the_same_words(name):
    seen = []
    for e in ENGINES.values():
        error = outcome(WRONG[name], e)
        assert isinstance(error, Exception)
        seen.append((type(error), str(error).replace(" ", "")))
    assert seen[0] == seen[1]


def longer_than_told(e):
    loader = loader_of(e, stream(e, 3, 3, length=5), num_workers=2)
    return len(loader), sum(1 for _ in loader)


WARNED = {
    "more workers than processors": lambda e: list(loader_of(e, [1], num_workers=2)),
    "pin_memory": lambda e: in_main(e, pin_memory=True),
    "pin_memory_device": lambda e: in_main(e, pin_memory=True, pin_memory_device="cuda"),
    "longer than told": longer_than_told,
    "not pickled": lambda e: in_main(e, num_workers=1, multiprocessing_context="spawn", collate_fn=lambda batch: 1),
}


@pytest.mark.parametrize("name", WARNED)
def test_warnings(name, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)
    if "pin" in name and torch.accelerator.is_available():
        pytest.skip("PyTorch has an accelerator here")
    seen = []
    for e in ENGINES.values():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                WARNED[name](e)
            except Exception as error:
                seen.append(type(error))
        seen.append([(each.category, str(each.message)[:30]) for each in caught])
        assert all(each.filename == __file__ for each in caught if e is minigrad)
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :] and seen[-1]


def test_what_a_loader_says_of_itself():
    names = "num_workers prefetch_factor persistent_workers timeout in_order pin_memory pin_memory_device"
    seen = []
    for e in ENGINES.values():
        loader = loader_of(e, Samples(e), num_workers=1, persistent_workers=True)
        first = iter(loader)
        seen.append([[getattr(loader, name) for name in names.split()], iter(loader) is first, len(loader)])
        seen[-1].append(type(loader.multiprocessing_context).__name__)
        seen[-1].append(str(next(iter(loader_of(e, AboutItself(e), num_workers=1)))[0]))
        with pytest.raises(NotImplementedError):
            first.__getstate__()
    assert seen[0] == seen[1]


class AboutItself(Samples):
    """A sample that tells what a worker knows."""

    def __getitem__(self, index):
        info = self.e.utils.data.get_worker_info()
        names = [name for name in dir(info) if name[0] != "_"]
        return f"{names} {info.id} {info.num_workers} {info.dataset is self} {info.rng} {info.worker_method}"


def values(e):
    return [
        e.ones(2, 3).t(), e.ones(2, dtype=e.float16), e.tensor(True), e.zeros(0, 3), e.nn.Parameter(e.ones(2)),
        e.ones(2, requires_grad=True), np.float32(2), np.array(["a"]), "text", {"a": (1, None)},
    ]  # fmt: skip


def test_tensors_come_as_they_left():
    seen = []
    for e in ENGINES.values():
        data = values(e)
        came = list(loader_of(e, data, num_workers=2, batch_size=None, collate_fn=lambda sample: sample))
        seen.append([plain(each) for each in came])
        for sent, got in zip(data, came):
            assert type(sent) is type(got)
            if isinstance(sent, e.Tensor):
                assert (sent.dtype, sent.shape, sent.stride()) == (got.dtype, got.shape, got.stride())
                assert got.requires_grad is sent.requires_grad and got.is_leaf
                got.detach().zero_()  # it can be written
    assert seen[0] == seen[1]
