"""The residual block, and what its shortcut does: gradients of a deep network keep their size.

A network of 34 layers is built with shortcuts and without, and the norm of the loss's gradient is measured at the first
convolution and at the last. Batch normalisation keeps the values of a forward pass in size, but multiplies gradients by
more than one at each layer (Yang et al., "A Mean Field Theory of Batch Normalization", 2019): without shortcuts they
grow with every layer on their way to the first. With shortcuts there is a way past the convolutions.
"""

from __future__ import annotations

from typing import Any

import torch

from comparisons.harness import Report, compare_values
from comparisons.networks import Network, Side, compare_network, crosses_a_kink
from comparisons.settings import Settings

__all__ = ["run"]


def keeps_shape(models: Any) -> Any:
    """A block whose shortcut is its input."""
    return models.ResidualBlock(4, 4)


def changes_shape(models: Any) -> Any:
    """A block whose shortcut is a 1×1 convolution."""
    return models.ResidualBlock(4, 8, stride=2)


def with_shortcuts(models: Any) -> Any:
    """ResNet-34 for ten classes."""
    return models.resnet34(num_classes=10)


def without_shortcuts(models: Any) -> Any:
    """The same network without shortcuts."""
    return models.resnet34(num_classes=10, shortcut=False)


def gradient_norms(side: Side) -> dict[str, Any]:
    """The norms of the loss's gradient with respect to the weights of the first 3×3 convolution and of the last."""
    side.backward()
    convolutions = [weight.grad for weight in side.model.parameters() if weight.ndim == 4 and weight.shape[-1] == 3]
    return {"first": convolutions[0].norm(), "last": convolutions[-1].norm()}


def add_gradient_norms(report: Report, settings: Settings, title: str, build: Any) -> None:
    """A row each for the norms at the first and at the last convolution, with the norm in its name."""
    tolerance = f"network {settings.dtype}"
    network = Network(build, input_shape=(2, 3, 64, 64), classes=10)
    sides = Side(settings.engine, "cpu", settings, network), Side(torch, settings.device, settings, network)
    ours, theirs = gradient_norms(sides[0]), gradient_norms(sides[1])
    if crosses_a_kink(*sides):
        tolerance = "network after a kink"
    for place, norm in ours.items():
        subject = f"{title}: gradient norm of the {place} 3×3 convolution"
        compared = compare_values(subject, norm, theirs[place], tolerance)
        report.add(f"{subject} ({norm.item():.3g})", [compared])


def run(settings: Settings) -> Report:
    """Compare both kinds of block over three steps, then the gradients of a deep network with and without shortcuts."""
    report = settings.report("residual-block")
    for title, build, features in (
        ("S(x) = x", keeps_shape, (2, 4, 6, 6)),
        ("S(x) a convolution", changes_shape, (2, 8, 3, 3)),
    ):
        network = Network(build, input_shape=(2, 4, 6, 6), features=features)
        compare_network(report, settings, network, f"{title}: ", figure=build.__name__.replace("_", "-"))
    for title, build in (("ResNet-34 with shortcuts", with_shortcuts), ("ResNet-34 without", without_shortcuts)):
        with report.trying(title):
            add_gradient_norms(report, settings, title, build)
    return report
