"""What is measured, written once for both engines, and the process that measures it for one of them.

``python -m comparisons.workloads minigrad 2`` prints which kernels it uses, then reads names of workloads from
standard input and prints for each the seconds that one repetition took, until its input ends. ``benchmark.py`` runs
one such process a side; for net peak memory, a new one each time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from threadpoolctl import threadpool_info

from comparisons.engines import load_engine, models_of
from comparisons.stopping import MISSING, why
from comparisons.streams import own_streams

__all__ = ["MEMORY", "WORKLOADS"]

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


def images(engine: Any, *shape: int, requires_grad: bool = True) -> Any:
    """Random images (N, C, H, W), lying in memory as this engine's convolutions return them."""
    if engine.__name__ == "torch":
        return engine.rand(*shape, requires_grad=requires_grad)
    batch, channels, height, width = shape
    return engine.rand(batch, height, width, channels).permute(0, 3, 1, 2).detach().requires_grad_(requires_grad)


def layer(engine: Any, module: Any, x: Any) -> tuple[Callable[[], None], int]:
    """One layer, forward and backward."""
    shape = module(x).shape
    gradient = images(engine, *shape, requires_grad=False) if len(shape) == 4 else engine.rand(*shape)

    def work() -> None:
        x.grad = None
        module.zero_grad()
        module(x).backward(gradient)

    return work, 1


def convolution(
    engine: Any, batch: int, channels: int, size: int, out_channels: int, kernel: int, stride: int = 1
) -> tuple[Callable[[], None], int]:
    """One convolution of a network, padded by half its kernel. Images of 3 channels are the network's input."""
    module = engine.nn.Conv2d(channels, out_channels, kernel, stride, kernel // 2, bias=False)
    return layer(engine, module, images(engine, batch, channels, size, size, requires_grad=channels > 3))


def resnet18(engine: Any, *shape: int) -> tuple[Callable[[], None], int]:
    """ResNet-18 in training mode on images of ``shape``: forward, loss, backward."""
    model = models_of(engine).resnet18()
    batch = engine.rand(*shape)
    labels = engine.randint(0, 1000, shape[:1])

    def work() -> None:
        model.zero_grad()
        engine.nn.functional.cross_entropy(model(batch), labels).backward()

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


def recurrent(engine: Any, kind: str) -> tuple[Callable[[], None], int]:
    """Two layers of 128 hidden values along 50 steps of 32 sequences, forward and backward."""
    module = getattr(engine.nn, kind)(128, 128, 2)
    x = engine.rand(50, 32, 128, requires_grad=True)
    gradient = engine.rand(50, 32, 128)

    def work() -> None:
        x.grad = None
        module.zero_grad()
        module(x)[0].backward(gradient)

    return work, 1


WORKLOADS: dict[str, Callable[[Any], tuple[Callable[[], None], int]]] = {
    "small operation, both ways": small_operation,
    "MLP training step, batch 100": lambda engine: training_step(engine, 100),
    "MLP training step, batch 10": lambda engine: training_step(engine, 10),
    "MLP training step, batch 1000": lambda engine: training_step(engine, 1000),
    "ResNet-18, 32×3×32×32": lambda engine: resnet18(engine, 32, 3, 32, 32),
    "ResNet-18, 4×3×224×224": lambda engine: resnet18(engine, 4, 3, 224, 224),
    "convolution 7×7 / 2, 4×3×224×224": lambda engine: convolution(engine, 4, 3, 224, 64, 7, 2),
    "convolution 3×3, 4×64×56×56": lambda engine: convolution(engine, 4, 64, 56, 64, 3),
    "convolution 3×3, 4×128×28×28": lambda engine: convolution(engine, 4, 128, 28, 128, 3),
    "convolution 3×3, 4×256×14×14": lambda engine: convolution(engine, 4, 256, 14, 256, 3),
    "convolution 3×3, 4×512×7×7": lambda engine: convolution(engine, 4, 512, 7, 512, 3),
    "convolution 3×3 / 2, 4×64×56×56": lambda engine: convolution(engine, 4, 64, 56, 128, 3, 2),
    "convolution 1×1 / 2, 4×64×56×56": lambda engine: convolution(engine, 4, 64, 56, 128, 1, 2),
    "convolution 7×7 / 2, 32×3×32×32": lambda engine: convolution(engine, 32, 3, 32, 64, 7, 2),
    "convolution 3×3, 32×64×8×8": lambda engine: convolution(engine, 32, 64, 8, 64, 3),
    "convolution 3×3 / 2, 32×64×8×8": lambda engine: convolution(engine, 32, 64, 8, 128, 3, 2),
    "convolution 1×1 / 2, 32×64×8×8": lambda engine: convolution(engine, 32, 64, 8, 128, 1, 2),
    "batch norm, 4×64×56×56": lambda engine: layer(engine, engine.nn.BatchNorm2d(64), images(engine, 4, 64, 56, 56)),
    "batch norm, 32×64×32×32": lambda engine: layer(engine, engine.nn.BatchNorm2d(64), images(engine, 32, 64, 32, 32)),
    "ReLU, 4×64×56×56": lambda engine: layer(engine, engine.nn.ReLU(), images(engine, 4, 64, 56, 56)),
    "ReLU, 32×64×32×32": lambda engine: layer(engine, engine.nn.ReLU(), images(engine, 32, 64, 32, 32)),
    "max pool 3×3 / 2, 4×64×112×112": lambda engine: layer(
        engine, engine.nn.MaxPool2d(3, 2, 1), images(engine, 4, 64, 112, 112)
    ),
    "linear 512-1000, batch 100": lambda engine: layer(
        engine, engine.nn.Linear(512, 1000), engine.rand(100, 512, requires_grad=True)
    ),
    "LSTM, 2 layers of 128, 50×32": lambda engine: recurrent(engine, "LSTM"),
    "GRU, 2 layers of 128, 50×32": lambda engine: recurrent(engine, "GRU"),
    "RNN, 2 layers of 128, 50×32": lambda engine: recurrent(engine, "RNN"),
    "cross-entropy of 10, batch 100": lambda engine: cross_entropy(engine, 100, 10),
    "cross-entropy of 1000, batch 100": lambda engine: cross_entropy(engine, 100, 1000),
}

MEMORY = "memory of "  # before a workload's name: asks for the net peak memory of one repetition instead of the time
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


def resident(field: str) -> int:
    """What Linux says of this process's memory, in bytes: ``VmRSS`` now, ``VmHWM`` at most."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def net_peak_memory(work: Callable[[], None]) -> int:
    """By how many bytes the process grows at most while ``work`` runs for the first time, gradients included."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak begins anew at what is there now
    before = resident("VmRSS")
    work()
    return resident("VmHWM") - before


def serve(name: str, threads: int, requests: TextIO, answers: TextIO) -> None:
    """Answer requests until there are no more."""
    engine = load_engine(name)
    if name == "torch":
        engine.set_num_threads(threads)
    print(json.dumps(kernels_in_use(name, engine)), file=answers, flush=True)
    prepared: dict[str, tuple[Callable[[], None], int, int]] = {}
    for line in requests:
        workload = line.strip()
        if workload.startswith(MEMORY):
            work, _ = WORKLOADS[workload.removeprefix(MEMORY)](engine)
            print(json.dumps(net_peak_memory(work)), file=answers, flush=True)
            continue
        if workload not in prepared:
            try:
                engine.manual_seed(0)
                work, parts = WORKLOADS[workload](engine)
                seconds_of(work, 3)
            except Exception as error:
                status, reason = why(error)
                if status != MISSING:
                    raise
                print(json.dumps({"missing": reason}), file=answers, flush=True)
                continue
            repetitions = max(1, round(ROUND_SECONDS / (seconds_of(work, 5) / 5)))
            prepared[workload] = work, parts, repetitions
        work, parts, repetitions = prepared[workload]
        seconds_of(work, max(1, repetitions // 10))  # wakes the threads and fills the caches
        print(json.dumps(seconds_of(work, repetitions) / repetitions / parts), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), *own_streams())
