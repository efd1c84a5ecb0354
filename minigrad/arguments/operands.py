"""Two operands that meet: brought to one type, and refused with PyTorch's error where their shapes do not broadcast.

How the type is chosen is told in ``promotion.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.promotion import promote

__all__ = ["check_broadcast", "checked_number", "prepare"]


def check_broadcast(x, y):
    """Raise PyTorch's error where the shapes of ``x`` and ``y`` do not broadcast.

    Raises:
        RuntimeError: two sizes of one dimension differ and neither is 1.
    """
    ndim = max(np.ndim(x), np.ndim(y))
    sizes_x = (1,) * (ndim - np.ndim(x)) + np.shape(x)
    sizes_y = (1,) * (ndim - np.ndim(y)) + np.shape(y)
    for dim, (size_x, size_y) in enumerate(zip(sizes_x, sizes_y)):
        if size_x != size_y and size_x != 1 and size_y != 1:
            raise RuntimeError(
                f"The size of tensor a ({size_x}) must match the size of tensor b ({size_y}) at non-singleton "
                f"dimension {dim}: shapes {list(np.shape(x))} and {list(np.shape(y))} do not broadcast"
            )


def prepare(x, y):
    """The two operands in one type and with shapes that broadcast, or PyTorch's error."""
    x, y = promote(x, y)
    check_broadcast(x, y)
    return x, y


def checked_number(name: str, value: Any) -> Any:
    """``value``, which stands where a tensor or a number should."""
    if not isinstance(value, (bool, int, float)):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(value).__name__}")
    return value
