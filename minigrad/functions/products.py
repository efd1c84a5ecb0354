"""Products of vectors, matrices and batches of matrices. The rules: ``ops/matmul.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``, as in PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import minigrad
from minigrad import ops

if TYPE_CHECKING:
    import minigrad.ops.matmul
    import minigrad.ops.shape
    from minigrad.tensor import Tensor

__all__ = [
    "addmm",
    "bmm",
    "dot",
    "matmul",
    "mm",
    "mv",
]


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product. Shapes: (k,), (k,) -> (); (n, k), (k,) -> (n,); (k,), (k, m) -> (m,);
    (..., n, k), (..., k, m) -> (..., n, m) with the leading dimensions broadcast.

    Raises:
        RuntimeError: an operand has no dimension, the inner sizes differ, or the types do.
        TypeError: an operand is not a tensor.
    """
    for position, operand in enumerate((input, other)):
        if not isinstance(operand, minigrad.Tensor):
            raise TypeError(f"matmul(): argument {position + 1} must be Tensor, not {type(operand).__name__}")
    if input.ndim == 0 or other.ndim == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and {other.ndim}D"
        )
    if input.ndim == 1 and other.ndim == 1:
        return ops.matmul.Dot.apply(input, other)
    if input.ndim == 2 and other.ndim == 1:
        return ops.matmul.Mv.apply(input, other)
    if input.ndim == 1 and other.ndim == 2:
        return ops.shape.SqueezeInPlace.apply(ops.matmul.Mm.apply(input.unsqueeze(0), other), dim=0)
    if input.ndim == 2 and other.ndim == 2:
        return ops.matmul.Mm.apply(input, other)
    if other.ndim == 2:  # one matrix for the whole batch: fold the batch into the rows
        folded = ops.matmul.Mm.apply(input.reshape(-1, input.shape[-1]), other)
        return ops.shape.UnsafeView.apply(folded, shape=(*input.shape[:-1], other.shape[-1]))
    return batched_matmul(input, other)


def batched_matmul(input: Tensor, other: Tensor) -> Tensor:
    """A matrix product a batch entry, the batch dimensions broadcast, through one ``Bmm``."""
    rows = input.unsqueeze(0) if input.ndim == 1 else input
    columns = other.unsqueeze(1) if other.ndim == 1 else other
    try:
        batch = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    except ValueError:
        raise RuntimeError(
            f"The batch dimensions of {list(input.shape)} and {list(other.shape)} do not broadcast"
        ) from None
    if rows.shape[-1] != columns.shape[-2]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied: {list(input.shape)} and {list(other.shape)}, "
            f"{rows.shape[-1]} against {columns.shape[-2]}"
        )
    count = int(np.prod(batch, dtype=np.int64))
    left = rows.expand(*batch, *rows.shape[-2:]).reshape(count, *rows.shape[-2:])
    right = columns.expand(*batch, *columns.shape[-2:]).reshape(count, *columns.shape[-2:])
    product = ops.shape.UnsafeView.apply(
        ops.matmul.Bmm.apply(left, right), shape=(*batch, rows.shape[-2], columns.shape[-1])
    )
    if input.ndim == 1:
        product = product.squeeze(-2)
    return product.squeeze(-1) if other.ndim == 1 else product


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices. Shapes: (n, k), (k, m) -> (n, m)."""
    return ops.matmul.Mm.apply(input, mat2)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector. Shapes: (n, k), (k,) -> (n,)."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {input.ndim}, {vec.ndim}")
    return ops.matmul.Mv.apply(input, vec)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements. Shapes: (n,), (n,) -> ()."""
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    return ops.matmul.Dot.apply(input, tensor)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """A product of two matrices a batch entry. Shapes: (N, n, k), (N, k, m) -> (N, n, m)."""
    return ops.matmul.Bmm.apply(input, mat2)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor) -> Tensor:
    """``input + mat1 @ mat2``, the input broadcast. Shapes: (m,), (n, k), (k, m) -> (n, m)."""
    return ops.matmul.Addmm.apply(input, mat1, mat2)
