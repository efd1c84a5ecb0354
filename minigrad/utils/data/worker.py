"""What a DataLoader's worker is: a process of its own with a copy of the data set, that loads batches ahead.

The loader sends it lists of indices through a pipe. It loads and collates those samples, and sends back the batch,
while the program computes with earlier ones. Three threads are in it::

    loader                                  worker
           ── indices ──>  listen()  ── tasks ──>  load(), the main thread: your data set and collate_fn
           <── batches ──  tell()   <─ answers ──

So the loader never waits to be heard, and the next batch is loaded while nobody fetches the last one. Each task is
answered once: with its batch, with the error that it met, or with the end of a data set that has no indices.

The pipe also tells that the loader has gone: its end is closed when a loop was left, by an error too, and when its
process dies, however. The loader's side is in ``workers.py``. Counterpart: ``torch.utils.data._utils.worker``.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.kernels.blas import set_blas_threads
from minigrad.kernels.parallel import set_num_threads
from minigrad.random import manual_seed
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.utils.data.dataloader import Fetcher

__all__ = ["get_worker_info"]

PATIENCE = 5.0  # seconds that a worker may take to end


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a worker knows about itself: the number of this one, how many there are, its seed, and its data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str = "multiprocessing"


worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker its ``id``, ``num_workers``, ``seed`` and ``dataset``; None in the process that has the loader.

    An :class:`IterableDataset` asks for it to give each worker another part of the data: every worker has a copy of the
    whole, and without that each sample comes once from every worker.
    """
    return worker_info


def work(connection: Any, number: int, count: int, fetcher: Fetcher, base_seed: int, init_fn: Any) -> None:
    """All that a worker does, from its start to its end."""
    import queue

    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whatever the program, of which this is a copy, does at it
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C reaches the loader's process too, which tells of it
        threading.Thread(target=listen, args=(connection, tasks), daemon=True).start()
        threading.Thread(target=tell, args=(connection, answers), daemon=True).start()
        begin(number, count, fetcher.dataset, base_seed)
        load(tasks, answers, fetcher, number, init_fn)


def begin(number: int, count: int, dataset: Any, base_seed: int) -> None:
    """Make this process worker ``number``: who it is, what random numbers it draws, and on how many threads."""
    global worker_info
    seed = base_seed + number
    random.seed(seed)
    manual_seed(seed)
    words = [number, base_seed % 2**32, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))  # its twister is random's: not from the same seed
    set_num_threads(1)  # the workers are beside each other already
    if set_blas_threads is not None:
        set_blas_threads(1)
    worker_info = WorkerInfo(number, count, seed, dataset)


def load(tasks: Any, answers: Any, fetcher: Fetcher, number: int, init_fn: Callable[[int], None] | None) -> None:
    """Answer one task after the other, until the loader has gone."""
    failure = begun = None
    try:
        if init_fn is not None:
            init_fn(number)
    except Exception as error:
        failure = packed_error(error, number)
    while (task := tasks.get()) is not None:
        try:
            loop, indices = pickle.loads(task)
            if loop != begun and failure is None:
                fetcher.begin()
                begun = loop
            answer = failure or packed(("batch", fetcher.fetch(indices)))
        except Exception as error:
            ended = isinstance(error, StopIteration) and fetcher.source is not None
            answer = packed(("end", None)) if ended else packed_error(error, number)
        answers.put(answer)


def listen(connection: Any, tasks: Any) -> None:
    """Take what the loader asks for, so that it never waits; when it has gone, leave what was not begun, and end."""
    try:
        while True:
            tasks.put(connection.recv_bytes())
    except (EOFError, OSError):
        while not tasks.empty():
            tasks.get()
        tasks.put(None)
    time.sleep(PATIENCE)
    os._exit(1)  # a sample that takes longer than this is wanted by nobody


def tell(connection: Any, answers: Any) -> None:
    """Send the answers, so that the next batch is loaded while nobody fetches the last one."""
    with contextlib.suppress(OSError):  # the loader has gone: listen() sees it too
        while True:
            for part in answers.get():
                connection.send_bytes(part)


class Packer(pickle.Pickler):
    """Pickles a batch. A tensor's history stays in the process that has it, so a tensor with one is refused."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Tensor) and not value.is_leaf:
            raise RuntimeError(
                "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support "
                "crossing process boundaries. If you just want to transfer the data, call detach() on the tensor "
                "in the data set or in collate_fn"
            )
        return NotImplemented


def packed(answer: Any) -> list[bytes]:
    """An answer as bytes: a pickle, and beside it the memory of each array, as it is now."""
    text, arrays = io.BytesIO(), []
    Packer(text, 5, buffer_callback=lambda buffer: arrays.append(bytes(buffer))).dump(answer)
    return [pickle.dumps((text.getvalue(), [len(each) for each in arrays])), *arrays]


def packed_error(error: Exception, number: int) -> list[bytes]:
    """An error's class, and what it says where it is raised again: in which worker, and the worker's traceback."""
    told = "".join(traceback.format_exception(error))
    text = f"Caught {type(error).__name__} in DataLoader worker process {number}.\nOriginal {told}"
    try:
        return packed(("error", (type(error), text)))
    except Exception:  # a class that cannot be found by its name, in another process
        return packed(("error", (RuntimeError, text)))
