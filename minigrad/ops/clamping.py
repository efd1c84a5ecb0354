"""Clamping between bounds that are tensors, and to one bound. Clamping between numbers: ``elementwise.Clamp``."""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.values import array_of, constant_like
from minigrad.ops.elementwise import Clamp, Maximum, Minimum, prepare
from minigrad.promotion import promote


class ClampMin(Clamp):
    """z = max(x, lowest). The gradient passes where x ≥ lowest."""

    overload = 0


class ClampMax(Clamp):
    """z = min(x, highest). The gradient passes where x ≤ highest."""

    overload = 0


class ClampMinTensor(Maximum):
    """z = max(x, lowest) for a tensor ``lowest``. At a tie each receives half the gradient."""

    node_name = "ClampMinBackward1"


class ClampMaxTensor(Minimum):
    """z = min(x, highest) for a tensor ``highest``. At a tie each receives half the gradient."""

    node_name = "ClampMaxBackward1"


class ClampTensor(Function):
    """z = min(max(x, lowest), highest), the bounds tensors or None. The gradient goes to the one that z equals.

    At a tie each of two receives half. Where lowest > highest, z and its gradient are highest's. NaN passes.
    """

    node_name = "ClampBackward0"

    def forward(ctx, x, lowest, highest):
        ctx.save_for_backward(x, lowest, highest)
        x, *bounds = promote(*[each for each in (x, lowest, highest) if each is not None])
        if lowest is not None:
            x = np.maximum(*prepare(x, bounds[0]))
        return x if highest is None else np.minimum(*prepare(x, bounds[-1]))

    def backward(ctx, grad_z):
        x, lowest, highest = [array_of(each) for each in ctx.saved_tensors]
        if lowest is None:
            shares = share(x, highest, x < highest), None, share(x, highest, x > highest)
        elif highest is None:
            shares = share(x, lowest, x > lowest), share(x, lowest, x < lowest), None
        else:
            shares = three_shares(x, lowest, highest)
        gradients = []
        for part in shares:
            gradients.append(None if part is None else grad_z * constant_like(part, grad_z))
        return tuple(gradients)


def share(first, second, wins):
    """1 where this one wins or the two cannot be compared, a half where they are equal, else 0."""
    return np.where(first == second, 0.5, wins | np.isnan(first) | np.isnan(second))


def three_shares(x, lowest, highest):
    """What part of the gradient x, lowest and highest receive."""
    crossed = lowest > highest
    below, above = (x < lowest) & ~crossed, ((x > highest) & ~(x < lowest)) | crossed
    tie_below, tie_above = (x == lowest) & (lowest < highest), (x == highest) & (lowest < highest)
    to_lowest = np.where(tie_below, 0.5, below)
    to_highest = np.where(tie_above, 0.5, above)
    return np.where(np.isnan(x), 1, 1 - to_lowest - to_highest), to_lowest, to_highest
