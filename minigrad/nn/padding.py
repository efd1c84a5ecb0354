"""Padding layers: ``functional.pad`` as modules, one class for each mode and number of dimensions.

``padding`` is one number for all sides, or two a dimension, the last dimension first: left, right, top, bottom, front,
back. Shapes: (N, C, L) or (C, L) of signals, (N, C, H, W) or (C, H, W) of images, (N, C, D, H, W) or (C, D, H, W) of
volumes; each padded dimension grows by its two numbers. Errors: :func:`functional.pad`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.nn import functional
from minigrad.nn.module import Module
from minigrad.tensor import Tensor

__all__ = ["CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d"]
__all__ += ["ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d"]
__all__ += ["ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d"]


class _Pad(Module):
    """What all padding layers share. A subclass says in which ``mode`` and along how many dimensions it pads."""

    dims: int
    mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = tuple(padding) if isinstance(padding, Iterable) else (padding,) * (2 * self.dims)

    def forward(self, input: Tensor) -> Tensor:
        return functional.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return functional.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """``value`` around a signal. Shapes: (N, C, L) -> (N, C, l). Errors: :func:`functional.pad`."""

    dims = 1


class ConstantPad2d(_ConstantPad):
    """``value`` around an image. Shapes: (N, C, H, W) -> (N, C, h, w). Errors: :func:`functional.pad`."""

    dims = 2


class ConstantPad3d(_ConstantPad):
    """``value`` around a volume. Shapes: (N, C, D, H, W) -> (N, C, d, h, w). Errors: :func:`functional.pad`."""

    dims = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad, ConstantPad1d):
    """Zeros around a signal. Shapes: (N, C, L) -> (N, C, l). Errors: :func:`functional.pad`."""


class ZeroPad2d(_ZeroPad, ConstantPad2d):
    """Zeros around an image. Shapes: (N, C, H, W) -> (N, C, h, w). Errors: :func:`functional.pad`.

    >>> minigrad.nn.ZeroPad2d((1, 2, 0, 1))(minigrad.ones(1, 1, 2, 2))
    tensor([[[[0., 1., 1., 0., 0.],
              [0., 1., 1., 0., 0.],
              [0., 0., 0., 0., 0.]]]])
    """


class ZeroPad3d(_ZeroPad, ConstantPad3d):
    """Zeros around a volume. Shapes: (N, C, D, H, W) -> (N, C, d, h, w). Errors: :func:`functional.pad`."""


class ReflectionPad1d(_Pad):
    """A signal mirrored at its ends, the end itself once. Shapes: (N, C, L) -> (N, C, l).

    Errors: :func:`functional.pad`.
    """

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """An image mirrored at its edges, the edge itself once. Shapes: (N, C, H, W) -> (N, C, h, w).

    Errors: :func:`functional.pad`.
    """

    dims, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """A volume mirrored at its faces, the face itself once. Shapes: (N, C, D, H, W) -> (N, C, d, h, w).

    Errors: :func:`functional.pad`.
    """

    dims, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """A signal whose ends are repeated. Shapes: (N, C, L) -> (N, C, l). Errors: :func:`functional.pad`."""

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """An image whose edges are repeated. Shapes: (N, C, H, W) -> (N, C, h, w). Errors: :func:`functional.pad`."""

    dims, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """A volume whose faces are repeated. Shapes: (N, C, D, H, W) -> (N, C, d, h, w). Errors: :func:`functional.pad`."""

    dims, mode = 3, "replicate"


class _CircularPad(_Pad):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise ValueError(f"expected {self.dims + 1}D or {self.dims + 2}D input (got {input.ndim}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """A signal continued at each end with what begins at the other. Shapes: (N, C, L) -> (N, C, l).

    Raises:
        ValueError: from forward, where the input has other than two or three dimensions. Further errors:
            :func:`functional.pad`.
    """

    dims = 1


class CircularPad2d(_CircularPad):
    """An image continued at each edge with what begins at the opposite one. Shapes: (N, C, H, W) -> (N, C, h, w).

    Raises:
        ValueError: from forward, where the input has other than three or four dimensions. Further errors:
            :func:`functional.pad`.
    """

    dims = 2


class CircularPad3d(_CircularPad):
    """A volume continued at each face with what begins at the opposite one.

    Shapes: (N, C, D, H, W) -> (N, C, d, h, w).

    Raises:
        ValueError: from forward, where the input has other than four or five dimensions. Further errors:
            :func:`functional.pad`.
    """

    dims = 3
