"""Flatten: from images to rows."""

from __future__ import annotations

from collections.abc import Sequence

from minigrad.nn.layer import Layer
from minigrad.tensor import Tensor

__all__ = ["Flatten", "Unflatten"]


class Flatten(Layer):
    """The dimensions from ``start_dim`` to ``end_dim`` made one. Shapes: (N, C, H, W) -> (N, C·H·W) by default.

    Counterpart: ``torch.nn.Flatten``.
    """

    shown = "start_dim end_dim"

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)


class Unflatten(Layer):
    """Dimension ``dim`` as several of ``unflattened_size``. Shapes: (..., n, ...) -> (..., unflattened_size, ...).

    Raises:
        TypeError: ``unflattened_size`` is no tuple of integers.
    """

    shown = "dim unflattened_size"

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__(dim=dim, unflattened_size=unflattened_size)
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(f"unflattened_size must be a tuple of ints, but found {unflattened_size}")
        for position, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                raise TypeError(
                    f"unflattened_size must be tuple of ints, but found element of type {type(size).__name__} at pos "
                    f"{position}"
                )

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)
