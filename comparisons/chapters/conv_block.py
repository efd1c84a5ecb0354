"""The convolution block: convolution, batch normalisation, ReLU, in training mode."""

from __future__ import annotations

from typing import Any

from comparisons.harness import Report
from comparisons.networks import Network, compare_network
from comparisons.settings import Settings

__all__ = ["run"]


def build(models: Any) -> Any:
    """The block: 3 channels to 8, at half the size."""
    return models.ConvBlock(3, 8, 3, stride=2, padding=1)


def run(settings: Settings) -> Report:
    """Compare the block over three steps."""
    report = settings.report("conv-block")
    compare_network(report, settings, Network(build, input_shape=(4, 3, 12, 12), features=(4, 8, 6, 6)))
    return report
