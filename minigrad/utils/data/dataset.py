"""Data sets: what ``dataset[index]`` gives is one sample. Each class is PyTorch's of the same name."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from types import GenericAlias
from typing import Any

from minigrad.caller import warn_user
from minigrad.creation import randperm
from minigrad.graph.function import taken_in
from minigrad.random import default_generator
from minigrad.tensor import Tensor

__all__ = ["ChainDataset", "ConcatDataset", "Dataset", "IterableDataset", "StackDataset", "Subset", "TensorDataset"]
__all__ += ["random_split"]


class Dataset:
    """The base: a subclass defines ``__getitem__(index)`` and ``__len__()``.

    One that defines ``__getitems__(indices)`` too gives the samples of a batch at once.

    >>> class Squares(minigrad.utils.data.Dataset):
    ...     def __len__(self):
    ...         return 10
    ...
    ...     def __getitem__(self, index):
    ...         return index**2
    >>> Squares()[3]
    9
    """

    __class_getitem__: Any = classmethod(GenericAlias)  # for annotations such as Dataset[int]

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Any) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset, ABC):
    """The base of data that comes one sample after the other: a subclass defines ``__iter__()``."""

    @abstractmethod
    def __iter__(self) -> Iterator[Any]:
        """One sample after the other."""

    def __add__(self, other: Any) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class ChainDataset(IterableDataset):
    """The samples of several iterable data sets, one set after the other.

    Raises:
        AssertionError: from iteration, where one is no :class:`IterableDataset`.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for each in self.datasets:
            if not isinstance(each, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield from each

    def __len__(self) -> int:
        return sum(len(each) for each in self.datasets)


class ConcatDataset(Dataset):
    """The samples of several data sets as one, those of the first first. ``cumulative_sizes``: where each ends.

    Raises:
        AssertionError: there is no data set, or one is iterable.
        ValueError: from indexing, where a negative index goes beyond the first sample.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(each, IterableDataset) for each in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(accumulate(len(each) for each in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if index < 0:
            if -index > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            index += len(self)
        number = bisect_right(self.cumulative_sizes, index)
        return self.datasets[number][index - (self.cumulative_sizes[number - 1] if number else 0)]


class TensorDataset(Dataset):
    """Sample i is the tuple of each tensor's entry i. Shapes: (n, ...) each -> (...) each.

    Raises:
        AssertionError: the tensors' first sizes differ.

    >>> data = minigrad.utils.data.TensorDataset(minigrad.zeros(5, 3), minigrad.arange(5))
    >>> len(data), data[1]
    (5, (tensor([0., 0., 0.]), tensor(1)))
    """

    def __init__(self, *tensors: Tensor) -> None:
        tensors = tuple(map(taken_in, tensors))
        if any(each.size(0) != tensors[0].size(0) for each in tensors):
            raise AssertionError(f"Size mismatch between tensors: first sizes are {[each.size(0) for each in tensors]}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([each[index] for each in self.tensors])

    def __len__(self) -> int:
        return self.tensors[0].size(0)


class StackDataset(Dataset):
    """Sample i is the tuple of each data set's sample i; a dictionary where the data sets are given by name.

    Raises:
        ValueError: the lengths differ, there is no data set, or some are given by name and some not.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError("Supported either all data sets by position, for tuples, or all by name, for dictionaries")
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets: Any = args or kwargs
        lengths = [len(each) for each in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"Size mismatch between datasets: {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: each[index] for name, each in self.datasets.items()}
        return tuple([each[index] for each in self.datasets])

    def __len__(self) -> int:
        return self._length


class Subset(Dataset):
    """Sample i is ``dataset[indices[i]]``. A subclass that defines ``__getitem__`` defines ``__getitems__`` too.

    Raises:
        NotImplementedError: a subclass defines only the first.
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices
        own = type(self)
        if own.__getitem__ is not Subset.__getitem__ and own.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(f"{own.__name__} overrides __getitem__ but not __getitems__, which batches use")

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[each] for each in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Several samples at once."""
        if callable(getattr(self.dataset, "__getitems__", None)):
            return self.dataset.__getitems__([self.indices[each] for each in indices])  # type: ignore[no-any-return]
        return [self.dataset[self.indices[each]] for each in indices]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = default_generator) -> list[Subset]:
    """Subsets of these lengths, or of these parts of the whole, that share no sample, drawn as PyTorch draws them.

    Raises:
        ValueError: the lengths do not add up to the data set's, or a part is not in [0, 1].
        TypeError: they add up, but are no integers.

    >>> train, test = minigrad.utils.data.random_split(range(10), [0.8, 0.2])
    >>> len(train), len(test)
    (8, 2)
    """
    sizes: list[Any] = list(lengths)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for position, part in enumerate(lengths):
            if part < 0 or part > 1:
                raise ValueError(f"Fraction at index {position} is not between 0 and 1")
        sizes = [math.floor(len(dataset) * part) for part in lengths]
        for position in range(len(dataset) - sum(sizes)):  # what rounding left over, one a subset
            sizes[position % len(sizes)] += 1
        for position, size in enumerate(sizes):
            if size == 0:
                warn_user(f"Length of split at index {position} is 0. This might result in an empty dataset.")
    if sum(sizes) != len(dataset):
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    if any(not isinstance(size, int) for size in sizes):
        raise TypeError(f"lengths should be integers, or fractions of which the sum is 1, but got {sizes}")
    order = randperm(sum(sizes), generator=generator).tolist()
    return [Subset(dataset, order[end - size : end]) for size, end in zip(sizes, accumulate(sizes))]
