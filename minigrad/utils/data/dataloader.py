"""DataLoader: batches of samples, loaded in the calling thread or by processes (``workers.py``)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, repeat
from types import GenericAlias
from typing import TYPE_CHECKING, Any

from minigrad.caller import warn_user
from minigrad.random import Generator, default_generator
from minigrad.utils.data.collate import default_collate, default_convert
from minigrad.utils.data.dataset import IterableDataset, TensorDataset
from minigrad.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler

if TYPE_CHECKING:
    from minigrad.utils.data.workers import Workers

__all__ = ["DataLoader"]


FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class DataLoader:
    """Iterates over ``dataset`` in batches. Counterpart: ``torch.utils.data.DataLoader``.

    Args:
        dataset: what has ``__getitem__`` and ``__len__``, or an :class:`IterableDataset`.
        batch_size: how many samples a batch holds; None gives single samples, uncollated into batches.
        shuffle: a new random order every time, the one that PyTorch's DataLoader takes from the same seed.
        sampler, batch_sampler: where the indices, or lists of indices, come from instead.
        num_workers: how many processes load batches ahead; 0: the calling thread loads each when it is asked for.
        collate_fn: makes a batch of a list of samples. Default: :func:`default_collate`.
        drop_last: leave out a last batch that is not full.
        pin_memory, pin_memory_device: without effect, of which it is warned: there is no accelerator.
        timeout: how many seconds a batch of the workers' may take; 0: any time.
        worker_init_fn: called in each worker with its number, when it has its seed and before it loads.
        multiprocessing_context: how workers are started, a context of ``multiprocessing`` or its name ("spawn").
        generator: where the order's randomness, and the workers' seeds, come from. Default: the default generator.
        prefetch_factor: how many batches each worker loads ahead. Default: 2.
        persistent_workers: whether the workers stay for the next loop, with their data sets and random numbers.
        in_order: False gives each batch when it is there, so that none waits for one that takes long.

    Raises:
        ValueError: options exclude each other, the batch size is no positive integer, a number is negative, or an
            option of workers stands where there are none; also from setting an attribute that iterating relies on.
        TypeError: ``multiprocessing_context`` is none.
        AssertionError: from iteration, where there is a timeout without workers, or workers with nothing to load ahead.
        RuntimeError: from iteration, where a batch takes longer than the timeout or a worker ended by itself. An error
            in a worker is raised with its class, and with the worker's traceback in its message.

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
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing. "
                "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
            )
        if prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
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
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self._reported_length: int | None = None
        self._iterator: LoaderIterator | None = None  # that of persistent workers
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.generator = generator
        self.drop_last = drop_last
        self.batch_size = batch_size if batch_sampler is None else None
        if iterable:
            sampler = ()
        elif sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler: Any = sampler
        if batch_sampler is None and batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler: Any = batch_sampler
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._initialized = True
        warn_of_many(num_workers)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        if name == "multiprocessing_context" and value is not None:
            from minigrad.utils.data.workers import as_context

            value = as_context(value, self.num_workers)
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        if not self.persistent_workers:
            return LoaderIterator(self)
        if self._iterator is None or not self._iterator.can_begin_again():
            self._iterator = LoaderIterator(self)
        else:
            self._iterator.begin_again(self)
        return self._iterator

    def __len__(self) -> int:
        if isinstance(self.dataset, IterableDataset):
            count = self._reported_length = len(self.dataset)  # type: ignore[arg-type]
            if self.batch_size is None:
                return count
            return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)


def warn_of_many(num_workers: int) -> None:
    """Warn of more workers than processors."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if processors is not None and num_workers > processors:
        warn_user(
            f"This DataLoader will create {num_workers} worker processes in total. Our suggested max number of worker "
            f"in current system is {processors}, which is smaller than what this DataLoader is going to create. Please "
            "be aware that excessive worker creation might get DataLoader running slow or even freeze, lower the "
            "worker number to avoid potential slowness/freeze if necessary."
        )


class Fetcher:
    """Makes batches of a data set: of the indices that are asked for, or, where it has none, of what comes next.

    Attributes:
        source: where the samples of a data set without indices come from.
    """

    def __init__(self, loader: DataLoader) -> None:
        self.dataset = loader.dataset
        self.collate_fn = loader.collate_fn
        self.batched = loader.batch_sampler is not None
        self.batch_size = loader.batch_size
        self.drop_last = loader.drop_last
        self.source: Iterator[Any] | None = None

    def begin(self) -> None:
        """Begin at the beginning of the data set."""
        if isinstance(self.dataset, IterableDataset):
            self.source = iter(self.dataset)

    def fetch(self, indices: Any) -> Any:
        """The batch of these indices; of a single index, where there are no batches, its sample."""
        if self.source is not None:
            return self.collate_fn(self.next_samples(self.source))
        if not self.batched:
            return self.collate_fn(self.dataset[indices])
        if type(self.dataset) is TensorDataset and self.collate_fn is default_collate:
            return [each[list(indices)] for each in self.dataset.tensors]  # the same batch, in one copy a tensor
        several = getattr(self.dataset, "__getitems__", None)
        if several is not None:
            return self.collate_fn(several(indices))
        return self.collate_fn([self.dataset[index] for index in indices])

    def next_samples(self, source: Iterator[Any]) -> Any:
        """As many as a batch holds; a single one, where there are no batches."""
        if not self.batched:
            return next(source)
        samples = list(islice(source, self.batch_size))
        if not samples or (len(samples) < self.batch_size and self.drop_last):  # type: ignore[operator]
            raise StopIteration
        return samples


class LoaderIterator:
    """One loop over a loader. An error of the data set's costs its batch: the next call goes on with the next one."""

    def __init__(self, loader: DataLoader) -> None:
        warn_of_many(loader.num_workers)
        if loader.pin_memory and loader.pin_memory_device:
            warn_user(
                "pin_memory_device is deprecated, the current accelerator will be used as the device,"
                f"ignore pin_memory_device='{loader.pin_memory_device}'."
            )
        if loader.pin_memory:
            warn_user(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be "
                "used."
            )
        self.fetcher = Fetcher(loader)
        self.begin_counting(loader)  # before the seed is drawn: a sampler may draw from the same generator
        base_seed = (default_generator if loader.generator is None else loader.generator).random_int64()
        self.workers: Workers | None = None
        if loader.num_workers:
            from minigrad.utils.data.workers import Workers  # here: multiprocessing takes its time to be imported

            self.workers = Workers(loader, self.fetcher, base_seed)
            self.begin_again(loader)
            return
        if loader.timeout != 0:
            raise AssertionError(f"a DataLoader without workers requires timeout == 0, but got {loader.timeout}")
        self.fetcher.begin()

    def begin_counting(self, loader: DataLoader) -> None:
        """Be at the beginning of the loader's indices; None stands for whatever comes next."""
        self.count = 0
        self.reported_length = loader._reported_length  # a data set without indices may have told it before
        if isinstance(loader.dataset, IterableDataset):
            self.sampler: Any = repeat(None)
        else:
            self.sampler = loader.sampler if loader.batch_sampler is None else loader.batch_sampler
        self.indices = iter(self.sampler)

    def begin_again(self, loader: DataLoader) -> None:
        """Let the workers begin a loop."""
        self.begin_counting(loader)
        self.workers.begin(self.indices)  # type: ignore[union-attr]

    def can_begin_again(self) -> bool:
        """Whether all workers are there still."""
        return self.workers is not None and self.workers.is_whole()

    def __iter__(self) -> LoaderIterator:
        return self

    def __len__(self) -> int:
        return len(self.sampler)

    def __next__(self) -> Any:
        if self.workers is None:
            batch = self.fetcher.fetch(next(self.indices))
        else:
            batch = self.workers.next_batch()
        self.count += 1
        if self.reported_length is not None and self.count > self.reported_length:
            self.warn_of_length()
        return batch

    def warn_of_length(self) -> None:
        """Warn that a data set without indices is longer than it said."""
        message = f"Length of IterableDataset {self.fetcher.dataset} was reported to be {self.reported_length}"
        message += f"(when accessing len(dataloader)), but {self.count} samples have been fetched. "
        if self.workers is not None:
            message += "For multiprocessing data-loading, this could be caused by not properly configuring the "
            message += "IterableDataset replica at each worker: see get_worker_info."
        warn_user(message)

    def __getstate__(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled")
