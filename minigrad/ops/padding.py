"""Padding: places added around, filled with a number, mirrored, repeated or continued. Rules, then ``pad``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.arguments.promotion import number_as
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.strides import as_pictures
from minigrad.ops.picking import Pick

__all__ = ["pad"]


class ConstantPadNd(Function):
    """z = x with ``before`` and ``after`` places of ``value`` added along each dimension, taken away where negative."""

    result_strides = as_pictures

    def forward(ctx, x, *, before, after, value):
        ctx.before, ctx.after = before, after
        cut = tuple([slice(max(-b, 0), size - max(-a, 0)) for b, a, size in zip(before, after, x.shape)])
        widths = [(max(b, 0), max(a, 0)) for b, a in zip(before, after)]
        return np.pad(x[cut], widths, constant_values=number_as(float(value), x.dtype)) if widths else x.copy()

    def backward(ctx, grad_z):
        opposite = {"before": [-each for each in ctx.before], "after": [-each for each in ctx.after]}
        grad_x = ConstantPadNd.apply(grad_z, **opposite, value=0)
        return grad_x


class EdgePad(Pick):
    """z = x continued at its edges by what lies near them."""

    node_name = ""
    result_strides = as_pictures
    saves_x = True


class ReflectionPad(EdgePad):
    """z = x with its elements mirrored at the edges, the edge itself once."""


class ReplicationPad(EdgePad):
    """z = x with its edge elements repeated outwards."""


class ReflectionPad1D(ReflectionPad):
    """Of signals."""


class ReflectionPad2D(ReflectionPad):
    """Of images."""


class ReflectionPad3D(ReflectionPad):
    """Of volumes."""


class ReplicationPad1D(ReplicationPad):
    """Of signals."""


class ReplicationPad2D(ReplicationPad):
    """Of images."""


class ReplicationPad3D(ReplicationPad):
    """Of volumes."""


class CircularPad(Pick):
    """z = x continued at each edge with what begins at the opposite one."""


# Of signals, images and volumes.
PADS: dict[str, tuple[Any, ...]] = {"reflect": (ReflectionPad1D, ReflectionPad2D, ReflectionPad3D)}
PADS |= {"replicate": (ReplicationPad1D, ReplicationPad2D, ReplicationPad3D), "circular": (CircularPad,) * 3}


@checked
def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Places added around: ``pad`` has two numbers a dimension, the last dimension first; negative ones take away.

    Shapes: (..., n, m) -> (..., n + pad[2] + pad[3], m + pad[0] + pad[1]). ``mode`` "constant" fills with ``value``
    (0), "reflect" mirrors, "replicate" repeats the edge, "circular" continues with the opposite edge; these pad the
    last one to three of two to five dimensions.

    Raises:
        RuntimeError: there are more numbers than dimensions, an odd count, or more padding than the mode can fill.
        NotImplementedError: the mode is unknown, or does not pad so many dimensions.
    """
    if mode not in ("constant", *PADS):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(
            f"Padding length must be divisible by 2 and should be less than or equal to two times the input dimension. "
            f"Padding length: {len(pad)}, Input dim: {input.ndim}"
        )
    count = len(pad) // 2
    before, after = [0] * (input.ndim - count) + list(pad[-2::-2]), [0] * (input.ndim - count) + list(pad[-1::-2])
    new = [b + size + a for b, size, a in zip(before, input.shape, after)]
    if min(new, default=0) < 0:
        raise RuntimeError(f"The input size {list(input.shape)}, plus padding {list(pad)}, resulted in a negative size")
    if mode == "constant":
        return ConstantPadNd.apply(input, before=before, after=after, value=value or 0)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if input.ndim not in (count + 1, count + 2) or count not in (1, 2, 3):
        raise NotImplementedError(f"Only 2D, 3D, 4D, 5D padding with non-constant padding are supported, not {mode} so")
    where = np.ix_(*[positions(mode, *each) for each in zip(input.shape, before, after)])
    return PADS[mode][count - 1].apply(input, where=where)


def positions(mode: str, size: int, before: int, after: int) -> np.ndarray:
    """Which element stands at each place of a padded dimension."""
    if mode == "circular":  # what is taken away is gone before the rest is continued
        first, rest = max(-before, 0), size - max(-before, 0) - max(-after, 0)
        if max(before, after) > size:
            raise RuntimeError(f"Padding ({before}, {after}) would wrap around a dimension of size {size} twice")
        return first + np.arange(-max(before, 0), rest + max(after, 0)) % max(rest, 1)
    places = np.arange(-before, size + after)
    if mode == "replicate":
        return np.clip(places, 0, size - 1)
    if max(before, after) >= max(size, 1):
        raise RuntimeError(
            f"Padding size should be less than the corresponding input dimension, but got: padding ({before}, {after}) "
            f"at a dimension of size {size}"
        )
    mirrored = np.abs(places)
    return np.where(mirrored >= size, 2 * (size - 1) - mirrored, mirrored)
