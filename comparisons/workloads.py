"""What is measured, written once for both engines, and the process that measures it for one of them.

``python -m comparisons.workloads minigrad 2`` prints which kernels it uses, then reads names of workloads from
standard input and prints for each the seconds that one repetition took, until its input ends. ``benchmark.py`` runs
one such process a side.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from threadpoolctl import threadpool_info

__all__ = ["WORKLOADS"]

CHAIN = 200


def small_operation(engine: Any) -> tuple[Callable[[], None], int]:
    """``x * y`` of three numbers, forward and backward, each one of a chain of 200."""
    x = engine.rand(3, requires_grad=True)
    y = engine.rand(3, requires_grad=True)

    def work() -> None:
        z = x
        for _ in range(CHAIN):
            z = z * y
        z.sum().backward()
        x.grad = y.grad = None

    return work, CHAIN


def training_step(engine: Any, batch_size: int) -> tuple[Callable[[], None], int]:
    """One step of the MLP's training: forward, loss, backward, Adam."""
    nn = engine.nn
    model = nn.Sequential(nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = engine.optim.Adam(model.parameters(), lr=1e-3)
    images = engine.rand(batch_size, 784)
    labels = engine.randint(0, 10, (batch_size,))

    def work() -> None:
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return work, 1


def images(engine: Any, *shape: int) -> Any:
    """Random images (N, C, H, W) that require grad, lying in memory as this engine's convolutions return them."""
    if engine.__name__ == "torch":
        return engine.rand(*shape, requires_grad=True)
    batch, channels, height, width = shape
    return engine.rand(batch, height, width, channels).permute(0, 3, 1, 2).detach().requires_grad_()


def layer(engine: Any, module: Any, x: Any) -> tuple[Callable[[], None], int]:
    """One layer, forward and backward."""
    gradient = module(x).detach()

    def work() -> None:
        x.grad = None
        module.zero_grad()
        module(x).backward(gradient)

    return work, 1


def cross_entropy(engine: Any, batch_size: int, classes: int) -> tuple[Callable[[], None], int]:
    """The loss of a batch, forward and backward."""
    criterion = engine.nn.CrossEntropyLoss()
    logits = engine.rand(batch_size, classes, requires_grad=True)
    labels = engine.randint(0, classes, (batch_size,))

    def work() -> None:
        logits.grad = None
        criterion(logits, labels).backward()

    return work, 1


WORKLOADS: dict[str, Callable[[Any], tuple[Callable[[], None], int]]] = {
    "small operation, both ways": small_operation,
    "MLP training step, batch 100": lambda engine: training_step(engine, 100),
    "MLP training step, batch 10": lambda engine: training_step(engine, 10),
    "MLP training step, batch 1000": lambda engine: training_step(engine, 1000),
    "batch norm, 4x64x56x56": lambda engine: layer(engine, engine.nn.BatchNorm2d(64), images(engine, 4, 64, 56, 56)),
    "batch norm, 32x64x32x32": lambda engine: layer(engine, engine.nn.BatchNorm2d(64), images(engine, 32, 64, 32, 32)),
    "ReLU, 4x64x56x56": lambda engine: layer(engine, engine.nn.ReLU(), images(engine, 4, 64, 56, 56)),
    "ReLU, 32x64x32x32": lambda engine: layer(engine, engine.nn.ReLU(), images(engine, 32, 64, 32, 32)),
    "max pool 3x3, 4x64x112x112": lambda engine: layer(
        engine, engine.nn.MaxPool2d(3, 2, 1), images(engine, 4, 64, 112, 112)
    ),
    "linear 512-1000, batch 100": lambda engine: layer(
        engine, engine.nn.Linear(512, 1000), engine.rand(100, 512, requires_grad=True)
    ),
    "cross-entropy of 10, batch 100": lambda engine: cross_entropy(engine, 100, 10),
    "cross-entropy of 1000, batch 100": lambda engine: cross_entropy(engine, 100, 1000),
}

ROUND_SECONDS = 0.15  # one round repeats the work for about as long


def kernels_in_use(name: str, engine: Any) -> str:
    """Which matrix kernels this process computes with."""
    if name == "torch":
        return f"PyTorch {engine.__version__}, {engine.backends.cpu.get_cpu_capability()}"
    import numpy

    libraries = [
        f"{each['internal_api']} {each['version']} {each.get('architecture', '')}".strip()
        for each in threadpool_info()
        if each["user_api"] == "blas"
    ]
    return f"NumPy {numpy.__version__}, {', '.join(libraries)}"


def seconds_of(work: Callable[[], None], repetitions: int) -> float:
    """How long ``repetitions`` of ``work`` take."""
    begin = time.perf_counter()
    for _ in range(repetitions):
        work()
    return time.perf_counter() - begin


def serve(name: str, threads: int) -> None:
    """Answer requests on standard input until it ends."""
    engine = importlib.import_module(name)
    if name == "torch":
        engine.set_num_threads(threads)
    print(json.dumps(kernels_in_use(name, engine)), flush=True)
    prepared: dict[str, tuple[Callable[[], None], int, int]] = {}
    for line in sys.stdin:
        workload = line.strip()
        if workload not in prepared:
            engine.manual_seed(0)
            work, parts = WORKLOADS[workload](engine)
            seconds_of(work, 3)
            repetitions = max(1, round(ROUND_SECONDS / (seconds_of(work, 5) / 5)))
            prepared[workload] = work, parts, repetitions
        work, parts, repetitions = prepared[workload]
        seconds_of(work, max(1, repetitions // 10))  # wakes the threads and fills the caches
        print(json.dumps(seconds_of(work, repetitions) / repetitions / parts), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
