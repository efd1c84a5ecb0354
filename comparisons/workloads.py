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


def convolution(
    engine: Any, input: tuple[int, int, int], output_channels: int, kernel: int, stride: int
) -> tuple[Callable[[], None], int]:
    """One convolution of pictures (N, C, size), forward and backward: the first of a network, or one inside it."""
    count, channels, size = input
    layer = engine.nn.Conv2d(channels, output_channels, kernel, stride, kernel // 2, bias=False)
    images = engine.rand(count, channels, size, size)
    if channels > 3:  # lying in memory as an earlier convolution leaves them
        with engine.no_grad():
            images = engine.conv2d(images, engine.rand(channels, channels, 1, 1))
        images.requires_grad_()
    with engine.no_grad():
        gradient = engine.ones_like(layer(images))

    def work() -> None:
        layer(images).backward(gradient)
        layer.weight.grad = images.grad = None

    return work, 1


WORKLOADS: dict[str, Callable[[Any], tuple[Callable[[], None], int]]] = {
    "small operation, both ways": small_operation,
    "MLP training step, batch 100": lambda engine: training_step(engine, 100),
    "MLP training step, batch 10": lambda engine: training_step(engine, 10),
    "MLP training step, batch 1000": lambda engine: training_step(engine, 1000),
    "convolution 7x7 / 2, 4x3x224x224": lambda engine: convolution(engine, (4, 3, 224), 64, 7, 2),
    "convolution 3x3, 4x64x56x56": lambda engine: convolution(engine, (4, 64, 56), 64, 3, 1),
    "convolution 3x3, 4x128x28x28": lambda engine: convolution(engine, (4, 128, 28), 128, 3, 1),
    "convolution 3x3, 4x256x14x14": lambda engine: convolution(engine, (4, 256, 14), 256, 3, 1),
    "convolution 3x3, 4x512x7x7": lambda engine: convolution(engine, (4, 512, 7), 512, 3, 1),
    "convolution 3x3 / 2, 4x64x56x56": lambda engine: convolution(engine, (4, 64, 56), 128, 3, 2),
    "convolution 3x3 / 2, 4x256x14x14": lambda engine: convolution(engine, (4, 256, 14), 512, 3, 2),
    "convolution 1x1 / 2, 4x64x56x56": lambda engine: convolution(engine, (4, 64, 56), 128, 1, 2),
    "convolution 7x7 / 2, 32x3x32x32": lambda engine: convolution(engine, (32, 3, 32), 64, 7, 2),
    "convolution 3x3, 32x64x8x8": lambda engine: convolution(engine, (32, 64, 8), 64, 3, 1),
    "convolution 3x3, 32x128x4x4": lambda engine: convolution(engine, (32, 128, 4), 128, 3, 1),
    "convolution 3x3, 32x256x2x2": lambda engine: convolution(engine, (32, 256, 2), 256, 3, 1),
    "convolution 3x3, 32x512x1x1": lambda engine: convolution(engine, (32, 512, 1), 512, 3, 1),
    "convolution 3x3 / 2, 32x64x8x8": lambda engine: convolution(engine, (32, 64, 8), 128, 3, 2),
    "convolution 1x1 / 2, 32x64x8x8": lambda engine: convolution(engine, (32, 64, 8), 128, 1, 2),
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
