"""Data loading against PyTorch: the same batches in the same order from one seed, and the same errors."""

import importlib
from collections import OrderedDict, UserDict, defaultdict, deque, namedtuple
from collections.abc import Mapping

import numpy as np
import pytest
import torch

import minigrad
from comparisons import check_outcome
from comparisons.outcomes import check_program

ENGINES = {"minigrad": minigrad, "torch": torch}
Pair = namedtuple("Pair", ["image", "label"])


def plain(value):
    """Batches of either engine as nested lists, with the types of their tensors."""
    if isinstance(value, (minigrad.Tensor, torch.Tensor)):
        return str(value.dtype).rpartition(".")[2], value.tolist()
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(each) for each in value]
    return value


def numbers(e, count=10):
    """A data set of ``count`` pairs of tensors."""
    return e.utils.data.TensorDataset(e.arange(count * 2).reshape(count, 2) * 1.0, e.arange(count))


class Squares:
    """A plain data set: what has __getitem__ and __len__."""

    def __init__(self, make, count=7):
        self.make, self.count = make, count

    def __getitem__(self, index):
        return self.make(index)

    def __len__(self):
        return self.count


class DrawnEarly(Squares):
    """A sampler that draws its order where it is asked for an iterator, not where it is asked for an index."""

    def __iter__(self):
        return iter(self.make(self.count).tolist())


LOADERS = {
    "sampler that draws early": lambda e: e.utils.data.DataLoader(
        numbers(e), batch_size=None, sampler=DrawnEarly(e.randperm, 10)
    ),
    "default": lambda e: e.utils.data.DataLoader(numbers(e)),
    "batches": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=4),
    "full batches": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=4, drop_last=True),
    "shuffled": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=3, shuffle=True),
    "shuffled, own generator": lambda e: e.utils.data.DataLoader(
        numbers(e), batch_size=3, shuffle=True, generator=e.Generator().manual_seed(5)
    ),
    "single samples": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=None),
    "single shuffled": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=None, shuffle=True),
    "sampler": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=2, sampler=[5, 1, 1, 0, 7]),
    "batch sampler": lambda e: e.utils.data.DataLoader(numbers(e), batch_sampler=[[1, 2], [0], [9, 9, 9]]),
    "collated otherwise": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=4, collate_fn=len),
    "single, collated": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=None, collate_fn=len),
    "subset": lambda e: e.utils.data.DataLoader(e.utils.data.Subset(numbers(e), [3, 1, 4]), batch_size=2),
    "subset shuffled": lambda e: e.utils.data.DataLoader(
        e.utils.data.Subset(numbers(e), [3, 1, 4, 1, 5]), batch_size=2, shuffle=True
    ),
    "numbers": lambda e: e.utils.data.DataLoader(Squares(lambda index: index * index), batch_size=3),
    "floats": lambda e: e.utils.data.DataLoader(Squares(lambda index: index / 4), batch_size=3),
    "bools": lambda e: e.utils.data.DataLoader(Squares(lambda index: index > 2), batch_size=3),
    "strings": lambda e: e.utils.data.DataLoader(Squares(str), batch_size=3),
    "arrays": lambda e: e.utils.data.DataLoader(
        Squares(lambda index: np.full((2, 2), index, np.float32)), batch_size=3
    ),
    "numbers of NumPy": lambda e: e.utils.data.DataLoader(Squares(np.int16), batch_size=3),
    "dictionaries": lambda e: e.utils.data.DataLoader(
        Squares(lambda index: {"x": np.ones(2) * index, "name": str(index), "pair": (index, [0.5])}), batch_size=3
    ),
    "named tuples": lambda e: e.utils.data.DataLoader(Squares(lambda index: Pair(np.ones(1), index)), batch_size=3),
    "dictionaries, single": lambda e: e.utils.data.DataLoader(
        Squares(lambda index: {"x": np.ones(2), "y": Pair(np.zeros(1), [index])}), batch_size=None
    ),
    "arrays, single": lambda e: e.utils.data.DataLoader(Squares(lambda index: (np.ones(2), index)), batch_size=None),
    "random sampler": lambda e: e.utils.data.DataLoader(
        numbers(e), batch_size=2, sampler=e.utils.data.RandomSampler(numbers(e), num_samples=7)
    ),
    "more samples than there are": lambda e: e.utils.data.DataLoader(
        numbers(e), batch_size=2, sampler=e.utils.data.RandomSampler(numbers(e), num_samples=23)
    ),
    "with replacement": lambda e: e.utils.data.DataLoader(
        numbers(e), batch_size=9, sampler=e.utils.data.RandomSampler(numbers(e), replacement=True, num_samples=50)
    ),
}


@pytest.mark.parametrize("name", LOADERS)
def test_loader(name):
    """Two epochs, and the random numbers after them."""
    seen = []
    for e in ENGINES.values():
        e.manual_seed(17)
        loader = LOADERS[name](e)
        epochs = [[plain(batch) for batch in loader] for _ in range(2)]
        seen.append((epochs, len(loader), len(iter(loader)), e.rand(2).tolist()))
    assert seen[0] == seen[1]


def test_two_iterators_at_once():
    seen = []
    for e in ENGINES.values():
        e.manual_seed(3)
        loader = e.utils.data.DataLoader(numbers(e), batch_size=4, shuffle=True)
        first, second = iter(loader), iter(loader)
        seen.append([plain(next(each)) for each in (first, second, first, second, first)])
    assert seen[0] == seen[1]


def faulty(index):
    if index in (1, 4):
        raise ValueError(f"sample {index}")
    return index


class FaultyStream:
    """Samples without indices, of which two cannot be had."""

    def __init__(self, e):
        self.count = -1

    def __iter__(self):
        return self

    def __next__(self):
        self.count += 1
        if self.count >= 9:
            raise StopIteration
        return faulty(self.count)


FAULTY = {
    "batches": lambda e: e.utils.data.DataLoader(Squares(faulty, 9), batch_size=2),
    "samples": lambda e: e.utils.data.DataLoader(Squares(faulty, 9), batch_size=None),
    "shuffled": lambda e: e.utils.data.DataLoader(Squares(faulty, 9), batch_size=2, shuffle=True),
    "stream": lambda e: e.utils.data.DataLoader(stream(e), batch_size=2),
    "stream, last batch dropped": lambda e: e.utils.data.DataLoader(stream(e), batch_size=2, drop_last=True),
    "stream of samples": lambda e: e.utils.data.DataLoader(stream(e), batch_size=None),
    "collated": lambda e: e.utils.data.DataLoader(range(9), batch_size=2, collate_fn=lambda batch: faulty(batch[0])),
}


def stream(e):
    return type("Stream", (FaultyStream, e.utils.data.IterableDataset), {})(e)


@pytest.mark.parametrize("name", FAULTY)
def test_an_iterator_goes_on_after_an_error(name):
    seen = []
    for e in ENGINES.values():
        e.manual_seed(1)
        batches, outcomes = iter(FAULTY[name](e)), []
        while outcomes[-1:] != ["end"]:
            try:
                outcomes.append(plain(next(batches)))
            except ValueError as error:
                outcomes.append(str(error))
            except StopIteration:
                outcomes.append("end")
        with pytest.raises(StopIteration):
            next(batches)
        seen.append(outcomes)
    assert seen[0] == seen[1] and any(str(each).startswith("sample") for each in seen[0])


def test_what_another_library_made_is_collated():
    """Anything that has __array__: a tensor of PyTorch's, as torchvision's data sets give."""
    loader = minigrad.utils.data.DataLoader(Squares(lambda index: (torch.full((2,), index / 2), index)), batch_size=3)
    images, labels = next(iter(loader))
    assert type(images) is minigrad.Tensor and images.dtype is minigrad.float32 and labels.dtype is minigrad.int64
    assert images.tolist() == [[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]


def test_splits_are_the_same():
    seen = []
    for e in ENGINES.values():
        e.manual_seed(8)
        parts = e.utils.data.random_split(numbers(e), [6, 3, 1])
        own = e.utils.data.random_split(range(5), [2, 3], generator=e.Generator().manual_seed(1))
        seen.append(([[sample[1].item() for sample in part] for part in parts], [list(part) for part in own]))
        assert [len(part) for part in parts] == [6, 3, 1]
    assert seen[0] == seen[1]


def test_data_sets_and_samplers():
    for e in ENGINES.values():
        data = numbers(e)
        assert len(data) == 10 and plain(data[3]) == ("tuple", [("float32", [6.0, 7.0]), ("int64", 3)])
        assert list(e.utils.data.SequentialSampler(data)) == list(range(10))
        assert len(e.utils.data.RandomSampler(data)) == 10
        batches = e.utils.data.BatchSampler(e.utils.data.SequentialSampler(data), 4, False)
        assert list(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] and len(batches) == 3
        assert len(e.utils.data.BatchSampler(range(10), 4, True)) == 2
        with pytest.raises(NotImplementedError):
            e.utils.data.Dataset()[0]
    with pytest.raises(NotImplementedError):
        iter(minigrad.utils.data.Sampler())


class Uncollatable:
    pass


def first_batch(e, make, **options):
    return next(iter(e.utils.data.DataLoader(Squares(make), batch_size=2, **options)))


WRONG = {
    "sizes of tensors": lambda e: e.utils.data.TensorDataset(e.ones(2), e.ones(3)),
    "batch size of zero": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=0),
    "batch size of a half": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=0.5),
    "sampler and shuffle": lambda e: e.utils.data.DataLoader(numbers(e), shuffle=True, sampler=[1]),
    "batch sampler and size": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=2, batch_sampler=[[1]]),
    "no batches but drop_last": lambda e: e.utils.data.DataLoader(numbers(e), batch_size=None, drop_last=True),
    "drop_last of a string": lambda e: e.utils.data.BatchSampler(range(3), 2, "yes"),
    "nothing to shuffle": lambda e: e.utils.data.RandomSampler([], num_samples=0),
    "split of another sum": lambda e: e.utils.data.random_split(range(5), [1, 2]),
    "samples of other shapes": lambda e: first_batch(e, lambda index: np.ones(index + 1)),
    "samples of other lengths": lambda e: first_batch(e, lambda index: [1] * (index + 1)),
    "samples of no known kind": lambda e: first_batch(e, lambda index: Uncollatable()),
    "index outside": lambda e: list(e.utils.data.DataLoader(numbers(e), sampler=[99])),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use(name):
    with pytest.raises(Exception) as theirs:
        WRONG[name](torch)
    with pytest.raises(theirs.type):
        WRONG[name](minigrad)


class Countdown:
    """Samples that come one after the other, without indices."""

    def __new__(cls, e, count):
        class Counting(e.utils.data.IterableDataset):
            def __iter__(self):
                return iter([(number, number * 0.5) for number in range(count)])

            def __len__(self):
                return count

        return Counting()


def loader_of(dataset, **options):
    return lambda e: [len(loader := e.utils.data.DataLoader(dataset(e), **options)), [plain(each) for each in loader]]


ADDED = {
    "iterable": loader_of(lambda e: Countdown(e, 5), batch_size=2),
    "iterable, full batches": loader_of(lambda e: Countdown(e, 5), batch_size=2, drop_last=True),
    "iterable, single samples": loader_of(lambda e: Countdown(e, 3), batch_size=None),
    "chained": loader_of(lambda e: Countdown(e, 3) + Countdown(e, 2), batch_size=4),
    "concatenated": loader_of(lambda e: numbers(e, 3) + numbers(e, 2), batch_size=2, shuffle=True),
    "last of concatenated": lambda e: plain((numbers(e, 3) + numbers(e, 2))[-1]),
    "sizes of concatenated": lambda e: e.utils.data.ConcatDataset([numbers(e, 3), numbers(e, 2)]).cumulative_sizes,
    "subset sampler": lambda e: list(e.utils.data.SubsetRandomSampler([3, 5, 7, 9])),
    "weighted sampler": lambda e: list(e.utils.data.WeightedRandomSampler([0.1, 0.5, 3.0, 0.0, 1.0], 20)),
    "parts of the whole": lambda e: [each.indices for each in e.utils.data.random_split(numbers(e, 10), [0.55, 0.45])],
    "converted": lambda e: plain(e.utils.data.default_convert({"a": np.ones(2), "b": [1, "x", (np.zeros(1),)]})),
    "shuffled iterable": loader_of(lambda e: Countdown(e, 3), shuffle=True),
    "sampled iterable": loader_of(lambda e: Countdown(e, 3), sampler=[1]),
    "concatenated iterable": lambda e: e.utils.data.ConcatDataset([Countdown(e, 3)]),
    "nothing concatenated": lambda e: e.utils.data.ConcatDataset([]),
    "beyond the first": lambda e: e.utils.data.ConcatDataset([numbers(e, 3)])[-4],
    "beyond the last": lambda e: e.utils.data.ConcatDataset([numbers(e, 3)])[3],
    "chained with indices": lambda e: list(e.utils.data.ChainDataset([numbers(e, 3)])),
    "bare iterable": lambda e: iter(e.utils.data.IterableDataset()),
    "parts beyond the whole": lambda e: e.utils.data.random_split(numbers(e, 10), [1.5, -0.5]),
    "weights of two dimensions": lambda e: e.utils.data.WeightedRandomSampler([[1.0]], 1),
    "no weighted samples": lambda e: e.utils.data.WeightedRandomSampler([1.0], 0),
    "more than there are": lambda e: list(e.utils.data.WeightedRandomSampler([1.0, 2.0], 3, replacement=False)),
}


@pytest.mark.parametrize("name", ADDED)
def test_added(name):
    def call(e):
        e.manual_seed(3)
        return ADDED[name](e)

    check_outcome(name, call)


def test_weights_without_replacement():
    drawn = list(minigrad.utils.data.WeightedRandomSampler([1.0, 0.0, 5.0, 2.0], 3, replacement=False))
    assert sorted(drawn) == [0, 2, 3]
    first = [next(iter(minigrad.utils.data.WeightedRandomSampler([1.0, 3.0], 1, False))) for _ in range(400)]
    assert 250 < sum(first) < 350


# ------------------------------------------------------------------------------------------------ finer points


class Stored(UserDict):
    """A mapping that is no dict."""


def items_by_lists(e):
    class Data(e.utils.data.Dataset):
        def __getitem__(self, index):
            return index

        def __getitems__(self, indices):
            return [100 * index for index in indices]

        def __len__(self):
            return 5

    data = Data()
    subset = e.utils.data.Subset(data, [3, 1, 4])
    return list(e.utils.data.DataLoader(data, 2)), list(e.utils.data.DataLoader(subset, 2)), subset[1]


def longer_than_told(e):
    class Data(e.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(7))

        def __len__(self):
            return 3

    loader = e.utils.data.DataLoader(Data(), batch_size=2)
    return len(loader), list(loader)


def set_later(name):
    return lambda e: setattr(e.utils.data.DataLoader([1, 2]), name, 3)


def attributes(e):
    loader = e.utils.data.DataLoader([1, 2], batch_size=2)
    names = "batch_size drop_last num_workers timeout prefetch_factor persistent_workers in_order worker_init_fn"
    return [getattr(loader, name) for name in names.split()], loader.collate_fn.__name__


def overridden_subset(e):
    kind = type("Own", (e.utils.data.Subset,), {"__getitem__": lambda self, index: 1})
    return kind([1, 2], [0])


def growing(e):
    data = [1, 2]
    sampler = e.utils.data.RandomSampler(data)
    data.append(3)
    return len(sampler)


SAMPLES = {
    "ordered": lambda e: [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
    "with defaults": lambda e: [defaultdict(int, a=1), defaultdict(int, a=2)],
    "mapping": lambda e: [Stored(a=1), Stored(a=2)],
    "deque": lambda e: [deque([1, 2]), deque([3, 4])],
    "range": lambda e: [range(2), range(2)],
    "numpy numbers": lambda e: [np.float64(1), np.float64(2)],
    "numpy bools": lambda e: [np.bool_(True), np.bool_(False)],
    "numpy strings": lambda e: [np.array(["a"]), np.array(["b"])],
    "numpy objects": lambda e: [np.array([None]), np.array([None])],
    "text in pairs": lambda e: [("ab", b"c"), ("de", b"f")],
    "None": lambda e: [None, None],
}
FINER = {
    "by lists": items_by_lists,
    "longer than told": longer_than_told,
    "attributes": attributes,
    "overridden subset": overridden_subset,
    "growing": growing,
    "list of indices": lambda e: e.utils.data.Subset(e.arange(5) * 10, [3, 1, 4])[[0, 2]],
    "timeout": lambda e: list(e.utils.data.DataLoader([1, 2], timeout=1)),
    "batches of none": lambda e: e.utils.data.DataLoader(e.utils.data.ChainDataset([]), 0),
    "stacked": lambda e: e.utils.data.StackDataset([1, 2], [3, 4])[1],
    "stacked by name": lambda e: list(e.utils.data.DataLoader(e.utils.data.StackDataset(a=[1, 2], b=[3, 4]), 2)),
    "stacked unevenly": lambda e: e.utils.data.StackDataset([1], [1, 2]),
    "stacked nothing": lambda e: e.utils.data.StackDataset(),
    "stacked in both ways": lambda e: e.utils.data.StackDataset([1], a=[2]),
    "an empty part": lambda e: [len(each) for each in e.utils.data.random_split(range(2), [0.9, 0.1])],
    "parts of floats": lambda e: e.utils.data.random_split(range(10), [5.0, 5.0]),
    "replacement of 1": lambda e: e.utils.data.RandomSampler(range(3), replacement=1),
    "weights": lambda e: e.utils.data.WeightedRandomSampler([1, 2], 3).weights,
    "weights of nothing": lambda e: list(e.utils.data.WeightedRandomSampler([0.0, 0.0], 3)),
    "weights below 0": lambda e: list(e.utils.data.WeightedRandomSampler([-1.0, 2.0], 3)),
    "an endless loop": lambda e: len(iter(e.utils.data.DataLoader(e.utils.data.ChainDataset([])))),
    "workers": lambda e: e.utils.data.get_worker_info(),
    "annotations": lambda e: [
        type("Own", (kind[int],), {}).__mro__[1].__name__
        for kind in (e.utils.data.Dataset, e.utils.data.Sampler, e.utils.data.DataLoader)
    ],
}
FINER.update({f"{name}, set later": set_later(name) for name in ("batch_size", "sampler", "dataset", "drop_last")})
for name, make in SAMPLES.items():
    FINER[f"{name}, collated"] = lambda e, make=make: described(e.utils.data.default_collate(make(e)))
    FINER[f"{name}, converted"] = lambda e, make=make: described(e.utils.data.default_convert(make(e)))


def described(value):
    """A value with the kinds of its containers."""
    if isinstance(value, (Mapping, UserDict)):
        return type(value), [(key, described(each)) for key, each in value.items()]
    if isinstance(value, (list, tuple, deque)):
        return type(value), [described(each) for each in value]
    return value


@pytest.mark.parametrize("name", FINER)
def test_finer_points(name):
    check_program(name, FINER[name])


@pytest.mark.parametrize("name", ["collate.default_collate", "collate.default_convert", "worker.get_worker_info"])
def test_private_paths_that_programs_import_from(name):
    module, _, function = name.partition(".")
    path = importlib.import_module(f"minigrad.utils.data._utils.{module}")
    assert getattr(path, function) is getattr(minigrad.utils.data, function)
