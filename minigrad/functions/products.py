"""Products of vectors, matrices and batches of matrices. The rules: ``ops/matmul.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import inplace, ops
from minigrad.attributes import Size
from minigrad.dims import normalize_dim
from minigrad.functions.arguments import check_tensors
from minigrad.graph.node import Number, Tensor

__all__ = [
    "addmm",
    "addmm_",
    "addmv",
    "addmv_",
    "addr",
    "addr_",
    "baddbmm",
    "baddbmm_",
    "bmm",
    "dot",
    "ger",
    "inner",
    "matmul",
    "mm",
    "mv",
    "outer",
    "tensordot",
    "vdot",
]


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product. Shapes: (k,), (k,) -> (); (n, k), (k,) -> (n,); (k,), (k, m) -> (m,);
    (..., n, k), (..., k, m) -> (..., n, m) with the leading dimensions broadcast.

    Raises:
        RuntimeError: an operand has no dimension, the inner sizes differ, or the types do.
        TypeError: an operand is not a tensor.
    """
    for position, operand in enumerate((input, other)):
        if not isinstance(operand, Tensor):
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
        count = int(np.prod(input.shape[:-1]))
        folded = ops.matmul.Mm.apply(input.reshape(count, input.shape[-1]), other)
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
    check_tensors("mm", input=input, mat2=mat2)
    return ops.matmul.Mm.apply(input, mat2)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector. Shapes: (n, k), (k,) -> (n,)."""
    check_tensors("mv", input=input, vec=vec)
    return ops.matmul.Mv.apply(input, vec)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements. Shapes: (n,), (n,) -> ()."""
    check_tensors("dot", input=input, tensor=tensor)
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    return ops.matmul.Dot.apply(input, tensor)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """A product of two matrices a batch entry. Shapes: (N, n, k), (N, k, m) -> (N, n, m)."""
    check_tensors("bmm", input=input, mat2=mat2)
    return ops.matmul.Bmm.apply(input, mat2)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``beta * input + alpha * mat1 @ mat2``, the input broadcast. Shapes: (m,), (n, k), (k, m) -> (n, m)."""
    check_tensors("addmm", input=input, mat1=mat1, mat2=mat2)
    return ops.matmul.Addmm.apply(input, mat1, mat2, beta=beta, alpha=alpha)


def addmm_(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """:func:`addmm`, in place."""
    check_tensors("addmm_", input=input, mat1=mat1, mat2=mat2)
    return inplace.run(input, "addmm_", ops.matmul.Addmm, mat1, mat2, beta=beta, alpha=alpha)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``beta * input + alpha * mat @ vec``, the input broadcast. Shapes: (n,), (n, k), (k,) -> (n,)."""
    check_tensors("addmv", input=input, mat=mat, vec=vec)
    return ops.matmul.Addmv.apply(input, mat, vec, beta=beta, alpha=alpha)


def addmv_(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """:func:`addmv`, in place."""
    check_tensors("addmv_", input=input, mat=mat, vec=vec)
    return inplace.run(input, "addmv_", ops.matmul.Addmv, mat, vec, beta=beta, alpha=alpha)


def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``beta * input + alpha * batch1 @ batch2``, the input broadcast.

    Shapes: (N, n, m), (N, n, k), (N, k, m) -> (N, n, m).
    """
    check_tensors("baddbmm", input=input, batch1=batch1, batch2=batch2)
    return ops.matmul.Baddbmm.apply(input, batch1, batch2, beta=beta, alpha=alpha)


def baddbmm_(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """:func:`baddbmm`, in place."""
    check_tensors("baddbmm_", input=input, batch1=batch1, batch2=batch2)
    return inplace.run(input, "baddbmm_", ops.matmul.Baddbmm, batch1, batch2, beta=beta, alpha=alpha)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``, the input broadcast. Shapes: (n, m), (n,), (m,) -> (n, m)."""
    check_tensors("addr", input=input, vec1=vec1, vec2=vec2)
    for each in (vec1, vec2):
        if each.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument vec1 and vec2, but got {each.ndim}-D")
    return ops.matmul.Addr.apply(input, vec1, vec2, beta=beta, alpha=alpha)


def addr_(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """:func:`addr`, in place."""
    check_tensors("addr_", input=input, vec1=vec1, vec2=vec2)
    for each in (vec1, vec2):
        if each.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument vec1 and vec2, but got {each.ndim}-D")
    return inplace.run(input, "addr_", ops.matmul.Addr, vec1, vec2, beta=beta, alpha=alpha)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Every element of the one times every element of the other. Shapes: (n,), (m,) -> (n, m)."""
    check_tensors("outer", input=input, vec2=vec2)
    if input.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D argument self and vec2, but got {input.ndim}-D and {vec2.ndim}-D")
    return input.reshape(input.shape[0], 1) * vec2


def inner(input: Tensor, other: Tensor) -> Tensor:
    """The products summed over the last dimension of both. Shapes: (..., k), (---, k) -> (..., ---).

    Raises:
        RuntimeError: the last sizes differ.
    """
    check_tensors("inner", input=input, other=other)
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and "
            f"{list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """:func:`dot`, for real numbers."""
    return dot(input, other)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """The products summed over ``dims``: the last so many of ``a`` and first of ``b``, or those listed for each.

    Raises:
        RuntimeError: there are not as many dimensions of both, or their sizes differ.
    """
    check_tensors("tensordot", a=a, b=b)
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0 or dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims >= 0 and no more than the tensors have, but got dims={dims}")
        dims = (list(range(a.ndim - dims, a.ndim)), list(range(dims)))
    dims_a, dims_b = [[each] if isinstance(each, int) else list(each) for each in dims]
    if len(dims_a) != len(dims_b):
        raise RuntimeError("both dimension lists should have same length")
    dims_a = [normalize_dim(each, a.ndim) for each in dims_a]
    dims_b = [normalize_dim(each, b.ndim) for each in dims_b]
    for dim_a, dim_b in zip(dims_a, dims_b):
        if a.shape[dim_a] == 1 or b.shape[dim_b] == 1:  # of size 1, it is broadcast
            a = a.sum(dim_a, keepdim=True, dtype=a.dtype) if a.shape[dim_a] != 1 else a
            b = b.sum(dim_b, keepdim=True, dtype=b.dtype) if b.shape[dim_b] != 1 else b
        elif a.shape[dim_a] != b.shape[dim_b]:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[dim_a]} in dim {dim_a} and second "
                f"has size {b.shape[dim_b]} in dim {dim_b}"
            )
    if a.dtype is not b.dtype:
        raise RuntimeError(f"both inputs should have same dtype, but got {a.dtype} and {b.dtype}")
    free_a = [each for each in range(a.ndim) if each not in dims_a]
    free_b = [each for each in range(b.ndim) if each not in dims_b]
    shape_a, shape_b = [a.shape[each] for each in free_a], [b.shape[each] for each in free_b]
    summed = Size([a.shape[each] for each in dims_a]).numel()
    rows = a.permute(free_a + dims_a).reshape(Size(shape_a).numel(), summed)
    columns = b.permute(dims_b + free_b).reshape(summed, Size(shape_b).numel())
    return mm(rows, columns).reshape(shape_a + shape_b)


# Other names that PyTorch has for some of these.
ger = outer
