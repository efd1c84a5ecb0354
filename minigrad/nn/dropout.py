"""Dropout, of elements and of whole channels: in training some are zero, or what stands for it, at random."""

from __future__ import annotations

from minigrad.nn import functional
from minigrad.nn.layer import Layer
from minigrad.tensor import Tensor

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _Dropout(Layer):
    """What all dropout layers share: the probability ``p``, and whether the input is changed ``inplace``."""

    shown = "p inplace"

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:  # of NaN the function tells, as in PyTorch
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace


class Dropout(_Dropout):
    """In training each element is 0 with probability ``p``, the others divided by 1 - p; else x. Shapes: any.

    Source: Srivastava et al., 2014.

    Raises:
        ValueError: ``p`` is no probability.

    >>> minigrad.nn.Dropout(0.5).eval()(minigrad.ones(3))
    tensor([1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """In training each channel is 0 with probability ``p``, the others divided by 1 - p. Shapes: (N, C, L) or (C, L).

    Source: Tompson et al., 2015.

    Raises:
        ValueError: ``p`` is no probability.
        RuntimeError: from forward, where x has other than two or three dimensions.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """In training each channel is 0 with probability ``p``, the others divided by 1 - p. Shapes: (N, C, H, W).

    Source: Tompson et al., 2015.

    Raises:
        ValueError: ``p`` is no probability.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """In training each channel is 0 with probability ``p``, the others divided by 1 - p.

    Shapes: (N, C, D, H, W) or (C, D, H, W), the same out. Source: Tompson et al., 2015.

    Raises:
        ValueError: ``p`` is no probability.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """In training each element takes SELU's lowest value with probability ``p``. Shapes: any, the same out.

    All is then scaled and shifted so that mean 0 and variance 1 remain. Source: Klambauer et al., "Self-Normalizing
    Neural Networks", 2017.

    Raises:
        ValueError: ``p`` is no probability.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """:class:`AlphaDropout` of whole channels. Shapes: (N, C, ...), the same out. Source: Klambauer et al., 2017.

    Raises:
        ValueError: ``p`` is no probability.
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.feature_alpha_dropout(input, self.p, self.training)
