"""Normalisation over the last dimensions, and over neighbouring channels. Over a batch: ``batchnorm.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.creation import empty
from minigrad.nn import functional, init
from minigrad.nn.layer import Layer
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

__all__ = ["LayerNorm", "LocalResponseNorm", "RMSNorm"]


class _Affine(Module):
    """What normalising layers share: ``weight`` and ``bias``, by which they multiply and add where they are there."""

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias, if there is one, to 0."""
        for name, value in (("weight", 1.0), ("bias", 0.0)):
            parameter = self._parameters.get(name)
            if parameter is not None:
                init.constant_(parameter, value)


class LayerNorm(_Affine):
    """(x - mean) / √(variance + eps) · weight + bias over the last dimensions. Source: Ba et al., 2016.

    Shapes: x (..., normalized_shape), the same out; ``weight`` and ``bias`` of ``normalized_shape``, first 1 and 0, are
    there where ``elementwise_affine`` is true.

    Raises:
        RuntimeError: from forward, where x does not end in ``normalized_shape``.

    >>> minigrad.nn.LayerNorm(4)(minigrad.rand(2, 4)).shape
    minigrad.Size([2, 4])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-05,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        shape, options = self.normalized_shape, {"device": device, "dtype": dtype}
        has_bias = elementwise_affine and bias
        self.register_parameter("weight", Parameter(empty(shape, **options)) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(empty(shape, **options)) if has_bias else None)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class RMSNorm(_Affine):
    """x / √(mean of squares + eps) · weight over the last dimensions. Source: Zhang & Sennrich, 2019.

    Shapes: x (..., normalized_shape), the same out; ``weight`` of ``normalized_shape``, first 1. ``eps`` is the type's
    own where it is None.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = Parameter(empty(self.normalized_shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", weight)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Layer):
    """x / (k + alpha · mean of squares)^beta, the mean over ``size`` neighbouring channels. Source: Krizhevsky, 2012.

    Shapes: (N, C, ...), the same out.

    Raises:
        ValueError: from forward, where x has fewer than three dimensions.
    """

    def __init__(self, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__(size=size, alpha=alpha, beta=beta, k=k)

    def forward(self, input: Tensor) -> Tensor:
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
