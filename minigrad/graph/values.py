"""The tensors in a value, whatever holds them. ``constant_like``, for the constants of a rule, is ``function.py``'s."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from minigrad.graph.function import Tensor, constant_like

__all__ = ["constant_like", "tensors_in"]


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
