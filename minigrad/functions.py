"""The operations as functions: ``minigrad.exp(x)`` beside ``x.exp()``, and those that no single tensor owns.

Each is PyTorch's function of the same name. What it computes, and its gradient, is in ``minigrad/ops``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.ops import elementwise
from minigrad.ops.dims import normalize_dim
from minigrad.ops.joining import Cat, Stack
from minigrad.ops.matmul import Addmm, Bmm, Dot, Mm, Mv
from minigrad.ops.shape import SqueezeInPlace, UnsafeView
from minigrad.tensor import Tensor, wrap

__all__ = [
    *("abs", "add", "addmm", "allclose", "amax", "amin", "argmax", "argmin", "bmm", "broadcast_to", "cat", "clamp"),
    *("clone", "cos", "div", "dot", "eq", "equal", "exp", "flatten", "ge", "gt", "is_tensor", "isclose", "isfinite"),
    *("isinf", "isnan", "le", "log", "log_softmax", "lt", "matmul", "max", "maximum", "mean", "min", "minimum", "mm"),
    *("mul", "mv", "ne", "neg", "numel", "permute", "pow", "reciprocal", "relu", "reshape", "sigmoid", "sin"),
    *("softmax", "sqrt", "square", "squeeze", "stack", "sub", "sum", "t", "tanh", "transpose", "unsqueeze", "var"),
    "where",
]


def is_tensor(obj: Any) -> bool:
    """True for a Tensor."""
    return isinstance(obj, Tensor)


def as_tensors(tensors: Sequence[Tensor], name: str) -> tuple[Tensor, ...]:
    """The sequence as a tuple, each element checked to be a tensor, and at least one there."""
    if isinstance(tensors, Tensor):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    for position, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(f"expected Tensor as element {position} in argument 0, but got {type(each).__name__}")
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty list of Tensors")
    return tuple(tensors)


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along ``dim``; all other sizes must agree.

    Raises:
        RuntimeError: they do not, or there is no tensor.
    """
    joined = as_tensors(tensors, "cat")
    dim = normalize_dim(dim, joined[0].ndim)
    for position, each in enumerate(joined):
        if each.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {position}) cannot be concatenated")
        if each.ndim != joined[0].ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {joined[0].ndim} and {each.ndim}")
        for other_dim, (first, size) in enumerate(zip(joined[0].shape, each.shape)):
            if other_dim != dim and first != size:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {first} but got size "
                    f"{size} for tensor number {position} in the list."
                )
    return Cat.apply(*joined, dim=dim)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, along a new dimension ``dim``.

    Raises:
        RuntimeError: their shapes differ, or there is no tensor.
    """
    joined = as_tensors(tensors, "stack")
    for position, each in enumerate(joined):
        if each.shape != joined[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(joined[0].shape)} at entry 0 and "
                f"{list(each.shape)} at entry {position}"
            )
    return Stack.apply(*joined, dim=normalize_dim(dim, joined[0].ndim + 1))


def where(condition: Tensor, input: Any, other: Any) -> Tensor:
    """``input`` where ``condition`` holds, ``other`` elsewhere; the three are broadcast.

    Raises:
        RuntimeError: the condition is not of type bool, or the shapes do not broadcast.
    """
    if not isinstance(condition, Tensor) or condition.array.dtype != np.bool_:
        kind = condition.dtype if isinstance(condition, Tensor) else type(condition).__name__
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {kind}")
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = wrap(elementwise.promote(input)[0], None, 0)
    return elementwise.Where.apply(input, other, condition=condition.array)


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
        return Dot.apply(input, other)
    if input.ndim == 2 and other.ndim == 1:
        return Mv.apply(input, other)
    if input.ndim == 1 and other.ndim == 2:
        return SqueezeInPlace.apply(Mm.apply(input.unsqueeze(0), other), dim=0)
    if input.ndim == 2 and other.ndim == 2:
        return Mm.apply(input, other)
    if other.ndim == 2:  # one matrix for the whole batch: fold the batch into the rows
        folded = Mm.apply(input.reshape(-1, input.shape[-1]), other)
        return UnsafeView.apply(folded, shape=(*input.shape[:-1], other.shape[-1]))
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
    product = UnsafeView.apply(Bmm.apply(left, right), shape=(*batch, rows.shape[-2], columns.shape[-1]))
    if input.ndim == 1:
        product = product.squeeze(-2)
    return product.squeeze(-1) if other.ndim == 1 else product


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector. Shapes: (n, k), (k,) -> (n,)."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {input.ndim}, {vec.ndim}")
    return Mv.apply(input, vec)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements. Shapes: (n,), (n,) -> ()."""
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    return Dot.apply(input, tensor)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices. Shapes: (n, k), (k, m) -> (n, m)."""
    return Mm.apply(input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """A product of two matrices a batch entry. Shapes: (N, n, k), (N, k, m) -> (N, n, m)."""
    return Bmm.apply(input, mat2)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor) -> Tensor:
    """``input + mat1 @ mat2``, the input broadcast. Shapes: (m,), (n, k), (k, m) -> (n, m)."""
    return Addmm.apply(input, mat1, mat2)


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where ``|input - other| <= atol + rtol * |other|``, elementwise."""
    return wrap(np.asarray(np.isclose(input.array, other.array, rtol, atol, equal_nan)), None, 0)


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """True where :func:`isclose` holds for every element."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """``input`` repeated to shape ``size`` without copying."""
    return input.expand(*size)


def numel(input: Tensor) -> int:
    """How many elements ``input`` has."""
    return input.numel()


def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """:meth:`Tensor.max`."""
    return input.max(dim, keepdim)


def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """:meth:`Tensor.min`."""
    return input.min(dim, keepdim)


# The functions that are a method of the tensor under the same name: minigrad.exp(x) is x.exp().
abs = Tensor.abs
add = Tensor.add
amax = Tensor.amax
amin = Tensor.amin
argmax = Tensor.argmax
argmin = Tensor.argmin
clamp = Tensor.clamp
clone = Tensor.clone
cos = Tensor.cos
div = Tensor.div
eq = Tensor.eq
equal = Tensor.equal
exp = Tensor.exp
flatten = Tensor.flatten
ge = Tensor.ge
gt = Tensor.gt
isfinite = Tensor.isfinite
isinf = Tensor.isinf
isnan = Tensor.isnan
le = Tensor.le
log = Tensor.log
log_softmax = Tensor.log_softmax
lt = Tensor.lt
maximum = Tensor.maximum
mean = Tensor.mean
minimum = Tensor.minimum
mul = Tensor.mul
ne = Tensor.ne
neg = Tensor.neg
permute = Tensor.permute
pow = Tensor.pow
reciprocal = Tensor.reciprocal
relu = Tensor.relu
reshape = Tensor.reshape
sigmoid = Tensor.sigmoid
sin = Tensor.sin
softmax = Tensor.softmax
sqrt = Tensor.sqrt
square = Tensor.square
squeeze = Tensor.squeeze
sub = Tensor.sub
sum = Tensor.sum
t = Tensor.t
tanh = Tensor.tanh
transpose = Tensor.transpose
unsqueeze = Tensor.unsqueeze
var = Tensor.var
