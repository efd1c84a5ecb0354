"""Two operands that meet: brought to one type, and refused with PyTorch's error where their shapes do not broadcast.

How the type is chosen is told in ``promotion.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.promotion import check_operand, promote, result_dtype, type_name
from minigrad.dtypes import NARROW

__all__ = ["check_broadcast", "checked_number", "prepare", "prepare_three", "with_one_number"]


def check_broadcast(x, y):
    """Raise PyTorch's error where the shapes of ``x`` and ``y`` do not broadcast.

    Raises:
        RuntimeError: two sizes of one dimension differ and neither is 1. Of several such dimensions it names the last.
    """
    ndim = max(np.ndim(x), np.ndim(y))
    sizes_x = (1,) * (ndim - np.ndim(x)) + np.shape(x)
    sizes_y = (1,) * (ndim - np.ndim(y)) + np.shape(y)
    for dim in reversed(range(ndim)):
        size_x, size_y = sizes_x[dim], sizes_y[dim]
        if size_x != size_y and size_x != 1 and size_y != 1:
            raise RuntimeError(
                f"The size of tensor a ({size_x}) must match the size of tensor b ({size_y}) at non-singleton "
                f"dimension {dim}: shapes {list(np.shape(x))} and {list(np.shape(y))} do not broadcast"
            )


def prepare(x, y, floating=False):
    """The two operands in one type, with ``floating`` a floating one, and with shapes that broadcast, or PyTorch's
    error."""
    x, y = promote(x, y, floating=floating)
    if x.shape != y.shape and x.ndim and y.ndim:  # a number fits any shape
        check_broadcast(x, y)
    return x, y


def prepare_three(x, y, z):
    """:func:`prepare` for three operands."""
    for first, second in ((x, y), (x, z), (y, z)):
        check_broadcast(first, second)
    return promote(x, y, z)


def with_one_number(operation, x, y):
    """A product or quotient of float16 numbers and one number, which may be beyond them: PyTorch rounds no factor and
    no divisor to float16, it computes in float32."""
    check_operand(y)
    kind = result_dtype(x, y)
    wide = np.float32 if kind in NARROW else kind
    return operation(x.astype(wide), np.asarray(y).astype(wide)).astype(kind)


def checked_number(name: str, value: Any) -> Any:
    """``value``, which stands where a tensor or a number should."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, complex):
        raise RuntimeError(f"{name}(): value {value} cannot be converted to a real type without overflow")
    if not isinstance(value, (bool, int, float)):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type_name(value)}")
    return value
