"""A custom layer: the linear layer whose weight is divided by its rows' lengths at each forward.

The gradient flows through the division, so a row's gradient is at right angles to the row: that is checked as well.
"""

from __future__ import annotations

from typing import Any

import torch

from comparisons.harness import Report, array_of, compare_values
from comparisons.networks import Network, compare_network
from comparisons.settings import Settings

__all__ = ["run"]


def build(models: Any) -> Any:
    """The layer: 20 features in, 5 scores out."""
    return models.CustomLinear(20, 5)


def run(settings: Settings) -> Report:
    """Compare the layer over three steps, and the angle between each row of the weight and its gradient."""
    report = settings.report("custom-layer")
    tolerance = f"right angle {settings.dtype}"
    sides = compare_network(report, settings, Network(build, input_shape=(16, 20), classes=5)) or ()
    for side in sides:
        name = "PyTorch" if side.engine is torch else settings.name
        with report.trying(f"rows at right angles to their gradients: {name}"):
            side.backward()
            weight, gradient = array_of(side.model.weight), array_of(side.model.weight.grad)
            along = torch.from_numpy((weight * gradient).sum(1))  # (out_features,), each row's scalar product
            compared = compare_values(f"row · gradient on {name}", along, torch.zeros_like(along), tolerance)
            report.add(f"rows at right angles to their gradients: {name}", [compared])
    return report
