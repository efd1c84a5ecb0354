"""Has rounding carried a value across the kink of a ReLU? Then a share of the gradient is there on one engine alone.

Both are right then, and the comparisons that follow are given more room. Whether it was rounding is read from PyTorch
alone: what enters its ReLU must be as good as zero wherever the two do not let the same values pass. An engine that
computes otherwise disagrees at values far from zero too, and is given no room.
"""

from __future__ import annotations

import numpy as np

__all__ = ["rounding_crossed"]

UNITS = 30  # of the last place of the largest value: sums of some thousand terms were seen to round away 1.2


def rounding_crossed(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether the engines part at values that enter a ReLU, and everywhere they do PyTorch's is within rounding of 0.

    Args:
        ours, theirs: what enters the ReLU on the engine under test, and on PyTorch.
    """
    if ours.shape != theirs.shape:
        return False
    part = (ours > 0) != (theirs > 0)
    size = np.abs(theirs)
    rounding = UNITS * np.finfo(theirs.dtype).eps * size.max(initial=0.0)
    return bool(part.any() and (size[part] <= rounding).all())
