"""What a rule needs to treat arrays and tensors alike where it deals with constants.

A rule receives arrays, or, when the gradient itself is recorded, tensors (see ``graph/function.py``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.graph.function import wrap
from minigrad.graph.node import Tensor, unwrap

__all__ = ["constant_like"]


def constant_like(array: np.ndarray, value: Any) -> Any:
    """``array`` in the type of ``value``, as a tensor where ``value`` is one, so that the two can be combined."""
    array = np.asarray(array, unwrap(value).dtype)
    return wrap(array) if isinstance(value, Tensor) else array
