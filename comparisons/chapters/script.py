"""Scripting: the networks against their programs. On both engines scripted and traced; PyTorch's exported, and in ONNX.

The same networks, from one seed, are made programs by ``jit.script`` and ``jit.trace`` of both engines, written to a
file and opened again: in both modes outputs, gradients and what is left in the buffers must be equal, and so must what
becomes of a branch on values.

What follows is PyTorch's alone, for ``torch_impl`` writes its programs for others to run. Each is written from the
network as its training leaves it, opened and run on batches of several sizes beside the network in evaluation mode, on
the CPU. What ``torch.jit`` and ``torch.export`` make calls the operations that the eager network calls, and gives the
same bits; only ``torch.jit`` differentiates products and quotients by rules of its own. onnxruntime's operations are
its own, and in float32 whatever the chapter's type: it has no convolution in float64. ``torch.jit``, which scripts and
traces, is deprecated upstream in favour of ``torch.export``.

The difference between scripting and tracing shows where a branch depends on values: tracing keeps the one it saw.
Every function of both engines below takes the engine as ``engine`` and is the same code for both.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from comparisons.engines import models_of
from comparisons.harness import Report, compare_values
from comparisons.networks import by_name, gradients
from comparisons.settings import Settings
from torch_impl.export import FORMATS, export_program
from torch_impl.models import ConvBlock, CustomLinear, NeuralNet, ResidualBlock
from torch_impl.predict import Description, load_program, torchscript_is_deprecated

__all__ = ["run"]

NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "neural-net": (lambda: nn.Sequential(nn.Flatten(), NeuralNet(hidden_size=100)), (1, 28, 28)),
    "conv-block": (lambda: ConvBlock(3, 8, 3, stride=2, padding=1), (3, 12, 12)),
    "residual network": (
        lambda: nn.Sequential(
            ConvBlock(3, 8, 3, padding=1),
            ResidualBlock(8, 8),
            ResidualBlock(8, 16, stride=2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            CustomLinear(16, 10),
        ),
        (3, 8, 8),
    ),
}

BOTH: dict[str, tuple[Callable[[Any, Any], Any], tuple[int, ...]]] = {  # on both engines, small
    "neural-net": (lambda engine, models: models.NeuralNet(20, 16, 5), (20,)),
    "custom-linear": (lambda engine, models: models.CustomLinear(12, 5), (12,)),
    "conv-block": (lambda engine, models: models.ConvBlock(3, 8, 3, stride=2, padding=1), (3, 12, 12)),
    "residual-block": (lambda engine, models: models.ResidualBlock(4, 8, stride=2), (4, 8, 8)),
    "head": (
        lambda engine, models: engine.nn.Sequential(
            engine.nn.MaxPool2d(2), engine.nn.AdaptiveAvgPool2d((2, 2)), engine.nn.Flatten(), engine.nn.Linear(12, 5)
        ),
        (3, 8, 8),
    ),
}

BATCH_SIZES = (3, 1, 4)


def branching(engine: Any) -> Any:
    """A module of an engine that branches: z = 2x where the sum of x is positive, else -x."""

    class Branching(engine.nn.Module):  # type: ignore[misc]
        """z = 2x or -x."""

        def forward(self, x):  # type: ignore[no-untyped-def]
            if x.sum() > 0:
                return 2 * x
            return -x

    return Branching()


def prepared(name: str, dtype: torch.dtype, seed: int) -> tuple[nn.Module, list[Tensor]]:
    """A network as training leaves it, its running statistics away from their start, and batches of images for it."""
    build, shape = NETWORKS[name]
    torch.manual_seed(seed)
    model = build().to(dtype)
    batches = [torch.rand(size, *shape, dtype=dtype) for size in BATCH_SIZES]
    with torch.no_grad():
        model(batches[0])
    return model, batches


def program_of(model: nn.Module, images: Tensor, format: str) -> Any:
    """The network's program in one of the formats, written after it was checked on the images, and opened again."""
    channels, height, width = images.shape[1:]
    description = Description(
        "network", "even", (channels, height, width), (0.0,) * channels, (1.0,) * channels, ("score",)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FORMATS[format]
        export_program(model, description, images, format, path)
        return load_program(path, trust=True).run


def backward(model: Any, images: Tensor) -> tuple[Tensor, list[tuple[str, Tensor | None]]]:
    """The scores, and the gradients of the sum of their squares: of the images, and of the parameters by name."""
    images = images.clone().requires_grad_()
    model.zero_grad()
    scores = model(images)
    scores.square().sum().backward()
    return scores, [("images", images.grad), *gradients(model)]


def compare_program(report: Report, settings: Settings, name: str, format: str) -> None:
    """Rows for a format, to which a network is added: its program's scores, and its gradients where it has any."""
    dtype = "float32" if format == "onnx" else settings.dtype
    model, batches = prepared(name, getattr(torch, dtype), settings.seed)
    program = program_of(model, torch.cat(batches), format)
    model.eval()
    for images in batches:
        of = f"of {name}, {format}, {len(images)} images"
        expected, expected_grads = backward(model, images)
        if format == "onnx":
            compared = compare_values(f"scores {of}", program(images), expected, "program float32")
            report.add(f"{format}: scores", [compared])
            continue
        found, found_grads = backward(program, images)
        report.add(f"{format}: scores", [compare_values(f"scores {of}", found, expected, "exact")])
        grads = by_name(f"gradient {of}", found_grads, expected_grads, f"program {dtype}")
        report.add(f"{format}: gradients", grads)


def jit_of(engine: Any) -> Any:
    """What makes an engine's programs.

    Raises:
        NotImplementedError: an engine under test has none.
    """
    if not hasattr(engine, "jit"):
        raise NotImplementedError(
            f"the engine {engine.__name__} has no module 'jit': copy the folder minigrad/jit into it"
        )
    return engine.jit


def made_program(engine: Any, model: Any, example: Any, how: str) -> Any:
    """The program of a model, scripted or traced, written and opened again."""
    jit, file = jit_of(engine), io.BytesIO()
    with torchscript_is_deprecated():
        # PyTorch checks a trace's shapes, and a branch is lost: both engines warn, and the rows tell what became of it.
        warnings.simplefilter("ignore", jit.TracerWarning)
        program = jit.script(model) if how == "script" else jit.trace(model, example, check_trace=False)
        jit.save(program, file)
        file.seek(0)
        return jit.load(file)


def program_step(
    engine: Any, settings: Settings, name: str, how: str, training: bool
) -> dict[str, list[tuple[str, Any]]]:
    """One step of a network's program on one engine: what comes out, and what it leaves, by the name of its row."""
    build, shape = BOTH[name]
    engine.manual_seed(settings.seed)
    model = build(engine, models_of(engine)).to(getattr(engine, settings.dtype)).train(training)
    images = engine.rand(BATCH_SIZES[0], *shape, dtype=getattr(engine, settings.dtype)).requires_grad_()
    program = made_program(engine, model, images.detach(), how)
    scores = program(images)
    scores.square().sum().backward()
    return {
        "scores": [("scores", scores)],
        "gradients": [("images", images.grad), *gradients(program)],
        "running statistics": [*program.named_buffers()],
    }


def compare_programs(report: Report, settings: Settings, name: str, how: str) -> None:
    """Rows for a way to make programs, to which a network is added, in both modes: the engine's against PyTorch's."""
    tolerance = f"network {settings.dtype}"
    for training in (False, True):
        ours, theirs = [program_step(engine, settings, name, how, training) for engine in (settings.engine, torch)]
        at = f"of {name}, {how}, {'training' if training else 'evaluation'}"
        for row, found in ours.items():
            if found:  # not all have statistics
                report.add(f"jit.{how}: {row}", by_name(f"{row} {at}", found, theirs[row], tolerance))


def compare_branches(report: Report, settings: Settings) -> None:
    """Rows for a module that branches: scripted it does what it does eagerly, traced it has one branch left."""
    for engine, name in ((settings.engine, settings.name), (torch, "PyTorch")):
        model = branching(engine)
        positive = engine.ones(3, dtype=getattr(engine, settings.dtype))
        scripted, traced = [made_program(engine, model, positive, how) for how in ("script", "trace")]
        branches = [
            compare_values(f"a scripted branch, {name}", scripted(x), model(x), "exact")
            for x in (positive, -positive, 0 * positive)
        ]
        report.add("jit.script: branch on values", branches)
        kept = [compare_values(f"a traced branch, {name}", traced(x), 2 * x, "exact") for x in (positive, -positive)]
        report.add("jit.trace: the branch that was seen, for all values", kept)


def run(settings: Settings) -> Report:
    """Compare the programs of both engines, what becomes of a branch, and PyTorch's networks with their programs."""
    report = settings.report("script")
    for how in ("script", "trace"):
        for name in BOTH:
            with report.trying(f"jit.{how}: {name}"):
                compare_programs(report, settings, name, how)
    with report.trying("branches"):
        compare_branches(report, settings)
    for format in FORMATS:
        for name in NETWORKS:
            with report.trying(f"{format}: {name}"):
                compare_program(report, settings, name, format)
    return report
