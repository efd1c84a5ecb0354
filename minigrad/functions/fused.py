"""Interpolation, and products or quotients added. The formulas: ``ops/fused.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``; a name that ends in ``_`` works in place.
"""

from __future__ import annotations

from typing import Any

from minigrad import inplace, ops
from minigrad.functions.arguments import check_tensors
from minigrad.graph.node import Number, Tensor

__all__ = ["addcdiv", "addcdiv_", "addcmul", "addcmul_", "lerp", "lerp_"]


def check_same_type(name: str, first: Tensor, second: Tensor) -> None:
    if first.dtype is not second.dtype:
        raise RuntimeError(f"{name}: expected dtype {first.dtype} for `end` but got dtype {second.dtype}")


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """``input + weight * (end - input)``, ``weight`` a number or a tensor.

    Raises:
        RuntimeError: the types differ.
    """
    check_tensors("lerp", input=input, end=end)
    check_same_type("lerp", input, end)
    if isinstance(weight, Tensor):
        return ops.fused.Lerp.apply(input, end, weight)
    return ops.fused.LerpScalar.apply(input, end, weight=weight)


def lerp_(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """:func:`lerp`, in place."""
    check_tensors("lerp_", input=input, end=end)
    check_same_type("lerp_", input, end)
    if isinstance(weight, Tensor):
        return inplace.run(input, "lerp_", ops.fused.Lerp, end, weight)
    return inplace.run(input, "lerp_", ops.fused.LerpScalar, end, weight=weight)


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """``input + value * tensor1 * tensor2``."""
    check_tensors("addcmul", input=input, tensor1=tensor1, tensor2=tensor2)
    return ops.fused.Addcmul.apply(input, tensor1, tensor2, value=value)


def addcmul_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """:func:`addcmul`, in place."""
    check_tensors("addcmul_", input=input, tensor1=tensor1, tensor2=tensor2)
    return inplace.run(input, "addcmul_", ops.fused.Addcmul, tensor1, tensor2, value=value)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """``input + value * tensor1 / tensor2``.

    Raises:
        RuntimeError: both are integers; divide with ``div`` and its ``rounding_mode`` instead.
    """
    check_tensors("addcdiv", input=input, tensor1=tensor1, tensor2=tensor2)
    check_quotient(tensor1, tensor2)
    return ops.fused.Addcdiv.apply(input, tensor1, tensor2, value=value)


def addcdiv_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """:func:`addcdiv`, in place."""
    check_tensors("addcdiv_", input=input, tensor1=tensor1, tensor2=tensor2)
    check_quotient(tensor1, tensor2)
    return inplace.run(input, "addcdiv_", ops.fused.Addcdiv, tensor1, tensor2, value=value)


def check_quotient(tensor1: Tensor, tensor2: Tensor) -> None:
    if not tensor1.is_floating_point() and not tensor2.is_floating_point():
        raise RuntimeError("Integer division with addcdiv is not supported: use div with rounding_mode, then add")
