"""Samples to a batch, part by part. Counterpart: ``torch.utils.data._utils.collate``."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from minigrad.arguments.promotion import is_foreign
from minigrad.creation import as_tensor, tensor
from minigrad.graph.function import taken_in
from minigrad.ops.joining import stack
from minigrad.tensor import Tensor

__all__ = ["default_collate", "default_convert"]


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples to a batch: tensors, also PyTorch's, and whatever has ``__array__``, are stacked, numbers become a
    tensor, tuples, lists and mappings are collated part by part, strings stay as they are.

    Raises:
        TypeError: there is no way to collate such samples.
        RuntimeError: the samples are of different sizes.
    """
    first = batch[0]
    if isinstance(first, Tensor) or is_foreign(first):
        return stack(batch)
    if isinstance(first, (bool, int)):
        return tensor(list(batch))
    if isinstance(first, float):  # float64, as in PyTorch: a Python float is one
        return tensor(np.asarray(batch, np.float64))
    if isinstance(first, (str, bytes)):
        return batch
    if hasattr(first, "__array__"):
        return stack([as_tensor(np.asarray(each)) for each in batch])
    if isinstance(first, Mapping):
        return container_like(first, {key: default_collate([each[key] for each in batch]) for key in first})
    if isinstance(first, Sequence):
        if any(len(each) != len(first) for each in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        parts = [default_collate(part) for part in zip(*batch)]
        if hasattr(first, "_fields"):
            return type(first)(*parts)
        return container_like(first, parts)
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}"
    )


def container_like(model: Any, parts: Any) -> Any:
    """The parts in a container of the model's kind, or as they are where that kind cannot be made so; a tuple becomes a
    list."""
    if isinstance(model, (tuple, list)):
        return parts
    try:
        if not isinstance(model, (MutableMapping, MutableSequence)):
            return type(model)(parts)
        result = copy.copy(model)
        if isinstance(result, MutableMapping):
            result.update(parts)
        else:
            for position, part in enumerate(parts):
                result[position] = part
        return result
    except TypeError:
        return parts


def default_convert(data: Any) -> Any:
    """One sample with its arrays, and PyTorch's tensors, as tensors; a tuple becomes a list, as in PyTorch."""
    data = taken_in(data)
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else as_tensor(np.asarray(data))
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*[default_convert(each) for each in data])
    if isinstance(data, Mapping):
        return container_like(data, {name: default_convert(each) for name, each in data.items()})
    if isinstance(data, Sequence):
        return container_like(data, [default_convert(each) for each in data])
    return data
