"""How fast is an engine beside PyTorch? One process a side, measured in turn, same threads, medians.

Each process runs ``workloads.py`` and answers one request at a time: the name of a workload in, the seconds it took
out. The two take turns, and begin in turn, so that a machine that slows down slows both. No BLAS setting of the
environment reaches them; which kernels each uses is printed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from comparisons.workloads import MEMORY, WORKLOADS

__all__ = ["Measured", "Memory", "Row", "measure"]

OVERRIDES = (
    *("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_VERBOSE"),
    *("MKL_DEBUG_CPU_TYPE", "MKL_CBWR", "ATEN_CPU_CAPABILITY"),
)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
MEASURE_MEMORY = ("ResNet-18, 4×3×224×224",)
SETTLE_SECONDS = 0.3  # idle threads of the side that was just measured spin for up to 0.2 s before they sleep


@dataclass(frozen=True)
class Row:
    """One workload: seconds of each round on each side."""

    work: str
    our_times: list[float]
    their_times: list[float]

    @property
    def ours(self) -> float:
        """The engine's median, in seconds."""
        return statistics.median(self.our_times)

    @property
    def theirs(self) -> float:
        """PyTorch's median, in seconds."""
        return statistics.median(self.their_times)

    @property
    def ratio(self) -> float:
        """The engine's median divided by PyTorch's."""
        return self.ours / self.theirs

    @property
    def best_ratio(self) -> float:
        """The engine's best round divided by PyTorch's best."""
        return min(self.our_times) / min(self.their_times)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles of the ratio round by round."""
        ratios = [ours / theirs for ours, theirs in zip(self.our_times, self.their_times)]
        if len(ratios) == 1:
            return ratios[0], ratios[0]
        quartiles = statistics.quantiles(ratios, n=4)
        return quartiles[0], quartiles[2]


@dataclass(frozen=True)
class Memory:
    """Net peak memory of one workload on each side, in bytes."""

    work: str
    ours: int
    theirs: int

    @property
    def ratio(self) -> float:
        """The engine's divided by PyTorch's."""
        return self.ours / self.theirs


@dataclass(frozen=True)
class Measured:
    """All workloads, and under which conditions they were measured; and what the engine lacks for the others."""

    conditions: str
    rows: list[Row]
    memory: list[Memory]
    missing: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        rows = [{**asdict(row), "ratio": row.ratio, "best_ratio": row.best_ratio} for row in self.rows]
        memory = [{**asdict(each), "ratio": each.ratio} for each in self.memory]
        return {"conditions": self.conditions, "rows": rows, "memory": memory, "missing": self.missing}


class Missing(Exception):
    """The engine has not got what a workload needs; the message says what."""


class Worker:
    """One side's process, ended with the block that uses it. Ctrl-C is for this process alone, which then ends that."""

    def __init__(self, engine: str, threads: int) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in OVERRIDES}
        environment.update(dict.fromkeys(THREADS, str(threads)), PYTHONIOENCODING="utf-8")
        self.complaints = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "comparisons.workloads", engine, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            encoding="utf-8",
            env=environment,
            start_new_session=True,
        )

    def __enter__(self) -> Worker:
        try:
            self.kernels = self.answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        with suppress(BrokenPipeError):  # what it was not told
            self.process.communicate()
        self.complaints.close()

    def answer(self) -> Any:
        """The next line of the process.

        Raises:
            RuntimeError: it has ended.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            self.complaints.seek(0)
            last = self.complaints.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise RuntimeError(f"a process that measures ended with status {status}" + (last and f" ({last})"))
        return json.loads(line)

    def ask(self, request: str) -> Any:
        """The answer to a request."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: there is no answer either
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
        return self.answer()

    def time(self, work: str) -> float:
        """Seconds that one repetition of ``work`` takes now."""
        time.sleep(SETTLE_SECONDS)
        answer = self.ask(work)
        if isinstance(answer, dict):
            raise Missing(answer["missing"])
        return float(answer)

    def memory(self, work: str) -> int:
        """By how many bytes the process grows at most in the first repetition of ``work``."""
        return int(self.ask(f"{MEMORY}{work}"))


def measure(rounds: int, threads: int, only: Sequence[str] = (), engine: str = "minigrad") -> Measured:
    """Time workloads on both sides, ``rounds`` times in turn; and the memory of those in ``MEASURE_MEMORY``.

    Args:
        rounds: how often each side is timed.
        threads: how many each side may use.
        only: parts of names: workloads with none of them in theirs are left out. Empty for all.
        engine: whose speed it is: a module's name, or a path.
    """
    chosen = [work for work in WORKLOADS if not only or any(part in work for part in only)]
    rows = []
    missing = {}
    with Worker(engine, threads) as ours, Worker("torch", threads) as theirs:
        workers = (ours, theirs)
        for work in chosen:
            times: list[list[float]] = [[], []]
            try:
                for worker in workers:
                    worker.time(work)  # the first round warms up and does not count
            except Missing as lack:
                missing[work] = str(lack)
                continue
            for turn in range(rounds):
                for side in (0, 1) if turn % 2 == 0 else (1, 0):
                    times[side].append(workers[side].time(work))
            rows.append(Row(work, *times))
    kernels = f"{engine}: {ours.kernels}; PyTorch: {theirs.kernels}"
    memory = []
    if sys.platform == "linux":
        for work in MEASURE_MEMORY:
            if work in chosen and work not in missing:
                memory.append(Memory(work, memory_of(engine, threads, work), memory_of("torch", threads, work)))
    return Measured(f"{threads} threads, medians of {rounds} rounds in turn. {kernels}", rows, memory, missing)


def memory_of(engine: str, threads: int, work: str) -> int:
    """The net peak memory of one workload, in a process of its own."""
    with Worker(engine, threads) as worker:
        return worker.memory(work)
