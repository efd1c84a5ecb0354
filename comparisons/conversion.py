"""Values made for PyTorch as values for minigrad: what PyTorch's own sample databases give, on both engines."""

from __future__ import annotations

from typing import Any

import torch

import minigrad

__all__ = ["DTYPES", "as_minigrad", "tensors_in"]

DTYPES = {
    getattr(torch, name): getattr(minigrad, name)
    for name in ("bfloat16", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
}


def as_minigrad(value: Any, known: dict[int, Any] | None = None) -> Any:
    """A value of PyTorch's for minigrad: tensors, types, devices, sizes, functions of ``nn.functional``, nested or not.

    A tensor's memory layout is kept, and so is whether it requires grad; one that stands at two places is converted
    once. ``known`` has what was converted before, by the id of PyTorch's tensor.
    """
    known = {} if known is None else known
    if isinstance(value, torch.Tensor):
        if id(value) not in known:
            known[id(value)] = tensor_for_minigrad(value)
        return known[id(value)]
    if isinstance(value, torch.dtype):
        return DTYPES[value]
    if isinstance(value, torch.device):
        return "cpu"
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, (list, tuple)):
        return type(value)([as_minigrad(each, known) for each in value])
    if isinstance(value, dict):
        return {name: as_minigrad(each, known) for name, each in value.items()}
    name = getattr(value, "__name__", "")
    if name and getattr(torch.nn.functional, name, None) is value:
        return getattr(minigrad.nn.functional, name)
    return value


def tensor_for_minigrad(value: torch.Tensor) -> Any:
    """A leaf of minigrad's with the values of a tensor; a parameter where it is one."""
    if value.dtype is torch.bfloat16:  # of which NumPy knows nothing: by its bits
        array = value.detach().view(torch.int16).numpy().view(minigrad.bfloat16.numpy)
    else:
        array = value.detach().numpy()
    tensor = minigrad.from_numpy(array.copy() if value.is_contiguous() else array)
    if isinstance(value, torch.nn.Parameter):
        return minigrad.nn.Parameter(tensor, value.requires_grad)
    return tensor.requires_grad_() if value.requires_grad else tensor


def tensors_in(value: Any) -> list[Any]:
    """The tensors of either engine in a value, in the order in which they stand in its containers."""
    if isinstance(value, (torch.Tensor, minigrad.Tensor)):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return []
    return [tensor for each in value for tensor in tensors_in(each)]
