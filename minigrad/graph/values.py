"""What a rule needs to treat arrays and tensors alike where it deals with constants; and the tensors in a value.

A rule receives arrays, or, when the gradient itself is recorded, tensors (see ``graph/function.py``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minigrad.graph.function import wrap
from minigrad.graph.node import Tensor, unwrap

__all__ = ["constant_like", "tensors_in"]


def constant_like(array: np.ndarray, value: Any) -> Any:
    """``array`` in the type of ``value``, as a tensor where ``value`` is one, so that the two can be combined."""
    array = np.asarray(array, unwrap(value).dtype)
    return wrap(array) if isinstance(value, Tensor) else array


def tensors_in(value: Any, sequences: Any = (tuple, list)) -> Iterator[Tensor]:
    """The tensors in a value, in order: also in what lies in ``sequences``, mappings and data classes."""
    parts: Any = ()
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        parts = value.values()
    elif dataclasses.is_dataclass(value):
        parts = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, sequences) and not isinstance(value, (str, bytes)):
        parts = value
    for each in parts:
        yield from tensors_in(each, sequences)
