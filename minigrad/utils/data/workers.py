"""How a DataLoader shares out its work among workers; what a worker is, is told in ``worker.py``.

Who is asked goes round: batch k comes from worker k modulo their number. So the batches come in the samplers' order
whichever worker is the fastest, and each worker's random numbers are the same in every run. ``prefetch_factor`` tasks a
worker are on their way at any time: one more is asked for when a batch is taken.

No worker outlives its loop, unless it is persistent, nor its loader: it reads so from the pipe, when the loader's end
is closed. Nobody else may hold that end open, so a child of a fork closes those that it has inherited.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import signal
import time
import weakref
from collections.abc import Iterator
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, Any

from minigrad.caller import warn_user
from minigrad.forking import in_forked_child
from minigrad.utils.data.worker import PATIENCE, work

if TYPE_CHECKING:
    from minigrad.utils.data.dataloader import DataLoader, Fetcher

__all__ = ["Workers", "as_context"]

open_ends: weakref.WeakSet[Any] = weakref.WeakSet()  # the loaders' ends of all pipes


@in_forked_child
def close_inherited_ends() -> None:
    """A worker's loader is in the parent: were its end open here too, the worker would not see that it has gone."""
    for connection in list(open_ends):
        connection.close()


def as_context(context: Any, num_workers: int) -> Any:
    """The context of ``multiprocessing`` that is meant."""
    if num_workers == 0:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
            f"num_workers={num_workers}"
        )
    methods = multiprocessing.get_all_start_methods()
    if isinstance(context, str) and context not in methods:
        raise ValueError(
            f"multiprocessing_context option should specify a valid start method in {methods!r}, but got "
            f"multiprocessing_context={context!r}"
        )
    if isinstance(context, str):
        return multiprocessing.get_context(context)
    if not isinstance(context, BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string specifying the start "
            f"method, but got multiprocessing_context={context}"
        )
    return context


class Worker:
    """One worker, as the loader sees it.

    Attributes:
        active: whether it is asked for more in this loop.
        unwanted: how many of its answers, the next ones, belong to a loop that was left, or come after its end.
    """

    def __init__(self, context: Any, number: int, *rest: Any) -> None:
        self.connection, theirs = context.Pipe()
        open_ends.add(self.connection)
        self.process = context.Process(target=work, args=(theirs, number, *rest), daemon=True)
        try:
            self.process.start()
        except (TypeError, AttributeError, pickle.PicklingError):
            warn_user(
                "Got pickle error when attempting to start a worker Process: where processes are not forked, the data "
                "set, collate_fn and worker_init_fn must be picklable, as what is defined at the top of a file is. "
                "multiprocessing_context='fork' needs none of it."
            )
            raise
        theirs.close()  # so that the worker's death is the end of the file here
        self.active = True
        self.unwanted = 0

    def receive(self) -> tuple[bytes, list[bytearray]]:
        """The next answer: its pickle, and the memory of its arrays."""
        text, sizes = pickle.loads(self.connection.recv_bytes())
        arrays = [bytearray(size) for size in sizes]
        for array in arrays:
            self.connection.recv_bytes_into(array)
        return text, arrays

    def why_it_ended(self) -> RuntimeError:
        """What is known of a worker that has ended by itself."""
        self.process.join(PATIENCE)
        code = self.process.exitcode
        if code is not None and code < 0:
            how = f"is killed by signal: {signal.strsignal(-code)}."
        else:
            how = f"exited unexpectedly with exit code {code}. Details are lost due to multiprocessing. "
            how += "Rerunning with num_workers=0 may give better error trace."
        return RuntimeError(f"DataLoader worker (pid {self.process.pid}) {how}")


class Workers:
    """All workers of one loader.

    Attributes:
        waiting: whose answers are still to come, in the order in which they were asked.

    Raises:
        AssertionError: ``prefetch_factor`` is 0, so that nothing would ever be asked for.
    """

    def __init__(self, loader: DataLoader, fetcher: Fetcher, base_seed: int) -> None:
        if not loader.prefetch_factor:
            raise AssertionError(f"workers need a positive prefetch_factor, not {loader.prefetch_factor}")
        self.in_order = loader.in_order
        self.timeout = loader.timeout
        self.persistent = loader.persistent_workers
        self.most_waiting = loader.prefetch_factor * loader.num_workers
        self.waiting: list[Worker] = []
        self.loops = 0
        self.team: list[Worker] = []
        self.end = weakref.finalize(self, end_all, self.team, os.getpid())
        self.end.atexit = False  # they are daemons: multiprocessing ends them with this process
        context = loader.multiprocessing_context or multiprocessing.get_context()
        rest = (loader.num_workers, fetcher, base_seed, loader.worker_init_fn)
        for number in range(loader.num_workers):
            self.team.append(Worker(context, number, *rest))

    def is_whole(self) -> bool:
        """Whether all can be asked: none has ended, as by Ctrl-C, which reaches them too."""
        return all(worker.process.is_alive() and not worker.connection.closed for worker in self.team)

    def begin(self, indices: Iterator[Any]) -> None:
        """Begin a loop over these indices, whatever is left of the one before."""
        self.loops += 1
        self.indices = indices
        for worker in self.team:
            worker.active = True
            worker.unwanted += self.waiting.count(worker)
        self.waiting.clear()
        self.turns = itertools.cycle(self.team)
        for _ in range(self.most_waiting):
            self.ask_next()

    def ask_next(self) -> None:
        """Ask the worker whose turn it is for the next batch, if there are indices left."""
        try:
            indices = next(self.indices)
        except StopIteration:
            return
        active = sum(worker.active for worker in self.team)
        for worker in itertools.islice(self.turns, len(self.team)):
            if worker.active and (self.in_order or self.waiting.count(worker) < self.most_waiting // active):
                self.ask(worker, indices)
                return

    def ask(self, worker: Worker, indices: Any) -> None:
        """Send one task, whole or not at all."""
        try:
            self.waiting.append(worker)
            worker.connection.send((self.loops, indices))
        except OSError:  # it has ended, which is told when its answer is waited for
            worker.connection.close()
        except BaseException:  # Ctrl-C within a message: nothing that comes after it could be read
            worker.connection.close()
            raise

    def next_batch(self) -> Any:
        """The next batch.

        Raises:
            RuntimeError: it takes longer than the timeout, or a worker has ended by itself.
            Exception: of the same class as in the worker, with the worker's traceback in what it says.
        """
        while self.waiting:
            worker = self.next_to_answer()
            answer = self.receive(worker)
            if answer is None:
                continue
            kind, value = pickle.loads(answer[0], buffers=answer[1])
            if kind == "end":
                self.retire(worker)
            self.ask_next()
            if kind == "error":
                raise_again(*value)
            if kind == "batch":
                return value
        if not self.persistent:
            self.end()
        raise StopIteration

    def next_to_answer(self) -> Worker:
        """Wait for the worker whose answer is next: that of the first task or, in any order, whoever has one."""
        while True:
            asked = self.waiting[:1] if self.in_order else list(dict.fromkeys(self.waiting))
            for worker in asked:
                if worker.connection.closed:
                    self.lose(worker)
            ready = wait([worker.connection for worker in asked], self.timeout or PATIENCE)
            for worker in asked:
                if worker.connection in ready:
                    return worker
                if not worker.process.is_alive():
                    self.lose(worker)
            if self.timeout:
                raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds")

    def receive(self, worker: Worker) -> Any:
        """Its next answer, which then is waited for no longer; None if it is an unwanted one."""
        try:
            answer = worker.receive()
            if worker.unwanted:
                worker.unwanted -= 1
                return None
            self.waiting.remove(worker)
            return answer
        except (EOFError, OSError):
            self.lose(worker)
        except BaseException:  # Ctrl-C within a message
            worker.connection.close()
            raise

    def retire(self, worker: Worker) -> None:
        """Ask a worker whose samples have ended for nothing more; what it still answers will be that they have."""
        worker.active = False
        worker.unwanted += self.waiting.count(worker)
        self.waiting = [each for each in self.waiting if each is not worker]
        if not self.persistent:
            worker.connection.close()

    def lose(self, worker: Worker) -> None:
        """Go on without a worker that has ended by itself, and say so."""
        worker.connection.close()
        self.retire(worker)
        raise RuntimeError(
            f"DataLoader worker (pid(s) {worker.process.pid}) exited unexpectedly"
        ) from worker.why_it_ended()


def end_all(team: list[Worker], owner: int) -> None:
    """Let all workers end, which they do after the sample that they are at, and end those that do not."""
    if os.getpid() != owner:  # in a child of a fork, whose workers these are not
        return
    for worker in team:
        worker.connection.close()
    until = time.monotonic() + PATIENCE
    for worker in team:
        worker.process.join(max(0, until - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


class Text(str):
    """What a KeyError says, line by line: it shows the ``repr`` of its argument."""

    def __repr__(self) -> str:
        return str(self)


def raise_again(kind: type[Exception], text: str) -> None:
    """Raise a worker's error here."""
    try:
        error = kind(Text(text) if kind is KeyError else text)
    except Exception:  # a class that is not made of a text alone
        error = RuntimeError(text)
    try:
        raise error
    finally:
        del error  # which knows this frame, and so the loader's: together they, and the workers, would stay
