"""einops' layers as modules of minigrad: ``from einops.layers.minigrad import Rearrange`` imports this file.

Counterpart: ``einops.layers.torch``, of which it has the names, the attributes and the random numbers.
"""

from __future__ import annotations

from typing import Any

from einops.layers import RearrangeMixin, ReduceMixin
from einops.layers._einmix import _EinmixMixin

from minigrad import Tensor, einsum, nn, zeros

__all__ = ["EinMix", "Rearrange", "Reduce"]


class Rearrange(RearrangeMixin, nn.Module):  # type: ignore[misc]
    """The elements in another order of axes: ``Rearrange("b c h w -> b (c h w)")``. Shapes: as the pattern says."""

    def forward(self, input: Tensor) -> Tensor:
        return self._apply_recipe(input)  # type: ignore[no-any-return]


class Reduce(ReduceMixin, nn.Module):  # type: ignore[misc]
    """Some axes reduced: ``Reduce("b c (h 2) (w 2) -> b c h w", "max")``. Shapes: as the pattern says."""

    def forward(self, input: Tensor) -> Tensor:
        return self._apply_recipe(input)  # type: ignore[no-any-return]


class EinMix(_EinmixMixin, nn.Module):  # type: ignore[misc]
    """A linear layer whose axes are named. Shapes: as the patterns of input and output, weight and bias say."""

    def _create_parameters(self, weight_shape: Any, weight_bound: float, bias_shape: Any, bias_bound: float) -> None:
        self.weight = nn.Parameter(zeros(weight_shape).uniform_(-weight_bound, weight_bound))
        self.bias = None
        if bias_shape is not None:
            self.bias = nn.Parameter(zeros(bias_shape).uniform_(-bias_bound, bias_bound))

    def _create_rearrange_layers(self, before: str | None, sizes_before: Any, after: str | None, sizes: Any) -> None:
        self.pre_rearrange = None if before is None else Rearrange(before, **sizes_before)
        self.post_rearrange = None if after is None else Rearrange(after, **sizes)

    def forward(self, input: Tensor) -> Tensor:
        rearranged = input if self.pre_rearrange is None else self.pre_rearrange(input)
        result = einsum(self.einsum_pattern, rearranged, self.weight)
        if self.bias is not None:
            result = result + self.bias
        return result if self.post_rearrange is None else self.post_rearrange(result)  # type: ignore[no-any-return]
