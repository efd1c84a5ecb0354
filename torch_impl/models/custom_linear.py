"""A layer of one's own: a linear layer whose weight is divided by the length of each of its rows."""

from __future__ import annotations

import math

from torch import Tensor, empty, nn

__all__ = ["CustomLinear"]


class CustomLinear(nn.Module):
    """z = x Ŵᵀ + b, where each row of Ŵ is that row of W divided by its length, so that it has length 1.

    The division is part of every forward, so gradients flow through it: W is what is learned, and only the directions
    of its rows count. The gradient of a row is at right angles to the row. A row of zeros has no direction and gives
    zeros, for ``nn.functional.normalize`` divides by no less than 1e-12: but so it divides the row's gradient too.

    Shapes: x (..., in_features) -> (..., out_features); ``weight`` (out_features, in_features), ``bias``
    (out_features,). All of one floating type.

    Initial weights: W evenly from ±1/√in_features, which is what Kaiming's rule gives for the slope √5, then b from the
    same range: as ``nn.Linear``. ``math``, which this needs, is the import that the tutorial forgets.

    Raises:
        RuntimeError: at the call, if the last dimension of x is not in_features.

    Source: Salimans & Kingma, "Weight Normalization", 2016, without the learned length of each row.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(empty(out_features, in_features))
        self.bias = nn.Parameter(empty(out_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial weights, then the biases, from the engine's generator."""
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        bound = 1 / math.sqrt(self.in_features)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:  # (..., in_features)
        normalized = nn.functional.normalize(self.weight, dim=1)  # (out_features, in_features)
        return nn.functional.linear(x, normalized, self.bias)  # (..., out_features)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}"
