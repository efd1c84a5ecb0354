"""Scripting: the eager networks against their programs, scripted, traced, exported and in ONNX. PyTorch alone.

Each program is written from the network as its training leaves it, opened and run on batches of several sizes beside
the network in evaluation mode, on the CPU. What ``torch.jit`` and
``torch.export`` make calls the operations that the eager network calls, and gives the same bits; only ``torch.jit``
differentiates products and quotients by rules of its own. onnxruntime's operations are its own, and in float32 whatever
the chapter's type: it has no convolution in float64. ``torch.jit``, which scripts and traces, is deprecated upstream in
favour of ``torch.export``.

The difference between scripting and tracing shows where a branch depends on values: tracing keeps the one it saw.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from comparisons.harness import Report, compare_values
from comparisons.networks import by_name, gradients
from comparisons.settings import Settings
from torch_impl.export import FORMATS, export_program
from torch_impl.models import ConvBlock, CustomLinear, NeuralNet, ResidualBlock, ResNet
from torch_impl.predict import Description, load_program, torchscript_is_deprecated

__all__ = ["run"]

NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "neural-net": (lambda: nn.Sequential(nn.Flatten(), NeuralNet(hidden_size=100)), (1, 28, 28)),
    "custom-linear": (lambda: nn.Sequential(nn.Flatten(), CustomLinear(784, 10)), (1, 28, 28)),
    "conv-block": (lambda: ConvBlock(3, 8, 3, stride=2, padding=1), (3, 12, 12)),
    "resnet of four blocks": (
        lambda: ResNet(ResidualBlock, [1] * 4, num_classes=10, small_images=True),
        (3, 8, 8),
    ),
}

BATCH_SIZES = (3, 1, 4)

LARGE = 100_000  # elements


class Branching(nn.Module):
    """z = 2x where the sum of x is positive, else -x."""

    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 0:
            return 2 * x
        return -x


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
    """The scores, and the gradients of the sum of their squares: of the images, and of the parameters by name.

    Of the residual network's five million parameters the small ones are enough: an error on the way back shows there.
    """
    images = images.clone().requires_grad_()
    model.zero_grad()
    scores = model(images)
    scores.square().sum().backward()
    small = [(name, gradient) for name, gradient in gradients(model) if gradient.numel() < LARGE]
    return scores, [("images", images.grad), *small]


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


def compare_branches(report: Report, settings: Settings) -> None:
    """Rows for the network that branches: scripted it does what it does eagerly, traced it has one branch left."""
    model = Branching()
    positive = torch.ones(3, dtype=getattr(torch, settings.dtype))
    with torchscript_is_deprecated():
        scripted = torch.jit.script(model)
        # PyTorch warns that the branch is lost, and would find it out: to show it is what this is for.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        traced = torch.jit.trace(model, positive, check_trace=False)
    branches = [
        compare_values("a scripted branch", scripted(x), model(x), "exact") for x in (positive, -positive, 0 * positive)
    ]
    report.add("script: branch on values", branches)
    kept = [compare_values("a traced branch", traced(x), 2 * x, "exact") for x in (positive, -positive)]
    report.add("trace: the branch that was seen, for all values", kept)


def run(settings: Settings) -> Report:
    """Compare every network with its programs, and a branch with what becomes of it."""
    report = settings.report("script")
    for format in FORMATS:
        for name in NETWORKS:
            with report.trying(f"{format}: {name}"):
                compare_program(report, settings, name, format)
    with report.trying("branches"):
        compare_branches(report, settings)
    return report
