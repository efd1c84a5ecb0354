"""DataLoader: batches of samples. Runs in the calling thread; everything else is PyTorch's DataLoader."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from itertools import islice
from types import GenericAlias
from typing import Any

import numpy as np

from minigrad.caller import warn_user
from minigrad.creation import as_tensor, tensor
from minigrad.ops.joining import stack
from minigrad.random import Generator, default_generator
from minigrad.tensor import Tensor
from minigrad.utils.data.dataset import IterableDataset, TensorDataset
from minigrad.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples to a batch: tensors, and whatever has ``__array__``, are stacked, numbers become a tensor, tuples,
    lists and mappings are collated part by part, strings stay as they are.

    Raises:
        TypeError: there is no way to collate such samples.
        RuntimeError: the samples are of different sizes.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if isinstance(first, (bool, int)):
        return tensor(list(batch))
    if isinstance(first, float):  # float64, as in PyTorch: a Python float is one
        return tensor(np.asarray(batch, np.float64))
    if isinstance(first, (str, bytes)):
        return batch
    if hasattr(first, "__array__"):
        return stack([as_tensor(np.asarray(each)) for each in batch])
    if isinstance(first, Mapping):
        return mapping_like(first, {key: default_collate([each[key] for each in batch]) for key in first})
    if isinstance(first, Sequence):
        if any(len(each) != len(first) for each in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        parts = [default_collate(part) for part in zip(*batch)]
        if hasattr(first, "_fields"):
            return type(first)(*parts)
        return sequence_like(first, parts)
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}"
    )


def mapping_like(model: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """The items in a mapping of the model's kind, or in a dictionary where that kind cannot be made so."""
    try:
        if not isinstance(model, MutableMapping):
            return type(model)(items)  # type: ignore[call-arg]
        result = copy.copy(model)
        result.update(items)
        return result
    except TypeError:
        return items


def sequence_like(model: Sequence[Any], parts: list[Any]) -> Any:
    """The parts in a sequence of the model's kind; a tuple becomes a list, as does what cannot be made so."""
    if isinstance(model, (tuple, list)):
        return parts
    try:
        if not isinstance(model, MutableSequence):
            return type(model)(parts)  # type: ignore[call-arg]
        result = copy.copy(model)
        for position, part in enumerate(parts):
            result[position] = part
        return result
    except TypeError:
        return parts


FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


def get_worker_info() -> None:
    """None: loading happens in the calling thread."""
    return None


class DataLoader:
    """Iterates over ``dataset`` in batches. Counterpart: ``torch.utils.data.DataLoader``.

    Args:
        dataset: what has ``__getitem__`` and ``__len__``, or an :class:`IterableDataset`.
        batch_size: how many samples a batch holds; None gives single samples, uncollated into batches.
        shuffle: a new random order every time, the one that PyTorch's DataLoader takes from the same seed.
        sampler, batch_sampler: where the indices, or lists of indices, come from instead.
        num_workers: 0: loading happens in the calling thread.
        collate_fn: makes a batch of a list of samples. Default: :func:`default_collate`.
        drop_last: leave out a last batch that is not full.
        generator: where the order's randomness comes from. Default: the default generator.
        timeout, worker_init_fn, multiprocessing_context, prefetch_factor, persistent_workers, in_order: of workers, of
            which there are none.

    Raises:
        ValueError: options exclude each other, the batch size is no positive integer, or workers are asked for; also
            from setting an attribute that iterating relies on.
        AssertionError: from iteration, where there is a timeout, which only workers have.

    >>> loader = minigrad.utils.data.DataLoader(minigrad.arange(5), batch_size=2)
    >>> for batch in loader:
    ...     print(batch)
    tensor([0, 1])
    tensor([2, 3])
    tensor([4])
    """

    __class_getitem__: Any = classmethod(GenericAlias)  # for annotations such as Dataset[int]
    _initialized = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if num_workers != 0:
            raise ValueError(f"minigrad's DataLoader loads in the calling thread: use num_workers=0, not {num_workers}")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if prefetch_factor is not None or persistent_workers or multiprocessing_context is not None:
            raise ValueError("prefetch_factor, persistent_workers and multiprocessing_context need num_workers > 0")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
            )
        if batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        iterable = isinstance(dataset, IterableDataset)
        if iterable and shuffle:
            raise ValueError("DataLoader with IterableDataset: expected unspecified shuffle option, but got True")
        if iterable and (sampler is not None or batch_sampler is not None):
            raise ValueError("DataLoader with IterableDataset: expected unspecified sampler and batch_sampler options")
        self.dataset = dataset
        self.num_workers = num_workers
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.prefetch_factor = prefetch_factor
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self._reported_length: int | None = None
        self.pin_memory = pin_memory  # accepted for PyTorch's sake: memory of the CPU needs no pinning
        self.generator = generator
        self.drop_last = drop_last
        self.batch_size = batch_size if batch_sampler is None else None
        self.sampler: Any
        self.batch_sampler: Any
        if iterable:
            sampler = ()
        elif sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        if batch_sampler is None and batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        self._initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        if self.timeout != 0:
            raise AssertionError(f"a DataLoader without workers requires timeout == 0, but got {self.timeout}")
        (default_generator if self.generator is None else self.generator).random_int64()  # PyTorch's seed for workers
        return LoaderIterator(self)

    def _batch(self, indices: Any) -> Any:
        """The batch of these indices; of a single index, where there are no batches, its sample."""
        if self.batch_sampler is None:
            return self.collate_fn(self.dataset[indices])
        if type(self.dataset) is TensorDataset and self.collate_fn is default_collate:
            return [each[list(indices)] for each in self.dataset.tensors]  # the same batch, in one copy a tensor
        several = getattr(self.dataset, "__getitems__", None)
        if several is not None:
            return self.collate_fn(several(indices))
        return self.collate_fn([self.dataset[index] for index in indices])

    def __len__(self) -> int:
        if isinstance(self.dataset, IterableDataset):
            count = len(self.dataset)  # type: ignore[arg-type]
            self._reported_length = count
            if self.batch_size is None:
                return count
            return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)


class LoaderIterator:
    """One pass over a loader. An error of the data set's costs its batch: the next call goes on with the next one."""

    def __init__(self, loader: DataLoader) -> None:
        self.loader = loader
        self.count = 0
        self.reported_length = loader._reported_length  # a data set without indices may have told it before
        self.as_they_come = isinstance(loader.dataset, IterableDataset)
        if self.as_they_come:
            self.source = iter(loader.dataset)
        else:
            self.source = iter(loader.sampler if loader.batch_sampler is None else loader.batch_sampler)

    def __iter__(self) -> LoaderIterator:
        return self

    def __next__(self) -> Any:
        if self.as_they_come:
            return self._next_that_comes()
        return self.loader._batch(next(self.source))

    def _next_that_comes(self) -> Any:
        """The next batch of a data set that has no indices."""
        size = self.loader.batch_size
        if size is None:
            return self.loader.collate_fn(next(self.source))
        batch = list(islice(self.source, size))
        if not batch or (len(batch) < size and self.loader.drop_last):
            raise StopIteration
        self.count += 1
        if self.reported_length is not None and self.count > self.reported_length:
            warn_user(
                f"Length of IterableDataset {self.loader.dataset} was reported to be {self.reported_length}, but "
                f"{self.count} samples have been fetched.",
            )
        return self.loader.collate_fn(batch)


def default_convert(data: Any) -> Any:
    """One sample with its arrays as tensors; a tuple becomes a list, as in PyTorch."""
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else as_tensor(np.asarray(data))
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*[default_convert(each) for each in data])
    if isinstance(data, Mapping):
        return mapping_like(data, {name: default_convert(each) for name, each in data.items()})
    if isinstance(data, Sequence):
        return sequence_like(data, [default_convert(each) for each in data])
    return data
