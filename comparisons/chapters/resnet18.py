"""ResNet-18 in training mode: every weight, gradient and running statistic of three training steps."""

from __future__ import annotations

from typing import Any

from comparisons.harness import Report
from comparisons.networks import Network, compare_network
from comparisons.settings import Settings

__all__ = ["run"]


def build(models: Any) -> Any:
    """ResNet-18 for ImageNet's thousand classes."""
    return models.resnet18()


def run(settings: Settings) -> Report:
    """Compare ResNet-18 on two colour images of 64×64 over three steps."""
    report = settings.report("resnet18")
    compare_network(report, settings, Network(build, input_shape=(2, 3, 64, 64), classes=1000))
    return report
