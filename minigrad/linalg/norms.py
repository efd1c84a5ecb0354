"""Norms of vectors and matrices: of any order, along any dimensions. Rules, then what users call."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import normalize_dim, normalize_dims
from minigrad.arguments.gate import checked
from minigrad.dtypes import NARROW
from minigrad.graph.function import Function
from minigrad.graph.node import Number, Tensor, unwrap
from minigrad.linalg.factorizations import svdvals
from minigrad.ops.broadcasting import restore_dims
from minigrad.ops.choosing import Where
from minigrad.ops.extremes import share_among
from minigrad.ops.signs import Abs, Sgn

__all__ = ["matrix_norm", "norm", "vector_norm"]


def grad_of_norm(grad, x, z, ord):
    """dz/dx = sign(x) |x|ᵖ⁻¹ / zᵖ⁻¹, in the form that PyTorch gives it for each p."""
    flat = unwrap(z) == 0
    if ord == 1:
        return grad * Sgn.apply(x)
    if ord == 2:
        return grad * Where.apply(0.0, x / z, condition=flat)
    if ord < 1:
        power = Where.apply(0.0, Sgn.apply(x) * Abs.apply(x) ** (ord - 1), condition=unwrap(x) == 0)
        return power * grad * z ** (1 - ord)
    power = Sgn.apply(x) * Abs.apply(x) ** (ord - 1) if ord < 2 else x * Abs.apply(x) ** (ord - 2)
    return power * Where.apply(0.0, grad / z ** (ord - 1), condition=flat)


class LinalgVectorNorm(Function):
    """z = (Σ |x|ᵖ)^(1/p) over ``dim``, p = ``ord``. p = 0 counts what is not 0; p = ±∞ is the largest or smallest |x|.

    Where z is 0 the gradient is 0. For p = ∞ tied maxima share it equally. p = 0 has none.
    """

    def forward(ctx, x, *, ord, dim, keepdim, dtype):
        ctx.ord, ctx.shape, ctx.dims, ctx.keepdim = ord, x.shape, normalize_dims(dim, x.ndim), keepdim
        kind = x.dtype if dtype is None else dtype
        size = np.abs(x.astype(np.float32 if kind in NARROW else kind, copy=False))
        if ord == np.inf:
            z = np.maximum.reduce(size, axis=ctx.dims, keepdims=keepdim)
        elif ord == -np.inf:
            z = np.minimum.reduce(size, axis=ctx.dims, keepdims=keepdim)
        elif ord == 0:
            z = np.add.reduce(size != 0, axis=ctx.dims, keepdims=keepdim)
        elif ord == 1:
            z = np.add.reduce(size, axis=ctx.dims, keepdims=keepdim)
        elif ord == 2:
            z = np.sqrt(np.add.reduce(size * size, axis=ctx.dims, keepdims=keepdim))
        else:
            z = np.add.reduce(size**ord, axis=ctx.dims, keepdims=keepdim) ** (1 / ord)
        z = np.asarray(z, kind)
        ctx.save_for_backward(x, z)
        return z

    def backward(ctx, grad_z):
        x, z = ctx.saved_tensors
        if ctx.ord == 0:
            return None
        if abs(ctx.ord) == np.inf:
            size, extreme = np.abs(unwrap(x)), restore_dims(unwrap(z), ctx.shape, ctx.dims, ctx.keepdim)
            return Sgn.apply(x) * share_among((size == extreme) | np.isnan(size), grad_z, ctx.dims, ctx.keepdim)
        grad = restore_dims(grad_z, ctx.shape, ctx.dims, ctx.keepdim)
        z = restore_dims(z, ctx.shape, ctx.dims, ctx.keepdim)
        grad_x = grad_of_norm(grad, x, z, ctx.ord)
        return grad_x


@checked
def vector_norm(
    input: Tensor,
    ord: Number = 2,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    """``(Σ |x|ᵖ)^(1/p)`` over all dimensions or ``dim``, p = ``ord``.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1. For p = ±infinity it is
    the largest or smallest ``|x|``, for 0 how many elements are not zero. With ``dtype`` the elements are converted
    first.

    Raises:
        RuntimeError: a type is not floating, ``dtype`` is narrower than the input's, or there is no element to take.

    >>> minigrad.linalg.vector_norm(minigrad.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if not isinstance(ord, (int, float)):
        raise TypeError(f"linalg_vector_norm(): argument 'ord' (position 2) must be Number, not {type(ord).__name__}")
    check_norm_types("linalg.vector_norm", input, dtype)
    dims = normalize_dims(dim, input.ndim)
    if ord < 0 or ord == math.inf:
        for each in dims:
            if input.shape[each] == 0:
                raise RuntimeError(
                    f"linalg.vector_norm cannot compute the {ord} norm on the dimension {each} because this dimension "
                    f"is empty and the operation does not have an identity: the shape is {list(input.shape)}"
                )
    return LinalgVectorNorm.apply(input, ord=ord, dim=dims, keepdim=keepdim, dtype=dtype and dtype.numpy)


def check_norm_types(name: str, input: Tensor, dtype: dtypes.dtype | None) -> None:
    """Raise PyTorch's error unless both types are floating and the input's is no wider than ``dtype``."""
    if not input.is_floating_point():
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {input.dtype}")
    if dtype is None:
        return
    if not dtype.is_floating_point:
        raise RuntimeError(f"{name}: dtype should be floating point or complex, but got {dtype}")
    if dtype.itemsize < input.dtype.itemsize:
        raise RuntimeError(
            f"{name}: the dtype of the input ({input.dtype}) should be convertible without narrowing to the specified "
            f"dtype ({dtype})"
        )


@checked
def matrix_norm(
    input: Tensor,
    ord: Number | str = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    """A norm of the matrices that two dimensions hold: "fro" √Σ x², ±1, ±infinity, ±2, "nuc".

    Shapes: (..., n, m) -> (...); ``keepdim`` keeps both dimensions at size 1. ±1 is the largest (or smallest) sum of
    ``|x|`` down a column, ±infinity along a row, ±2 the largest (or smallest) singular value, "nuc" the sum of all.

    Raises:
        RuntimeError: the dimensions are not two, or the order is none of PyTorch's, or is of singular values, which a
            matrix of float16 has not.
    """
    if input.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if not isinstance(dim, Iterable):
        raise TypeError(f"linalg_matrix_norm(): argument 'dim' must be tuple of ints, not {type(dim).__name__}")
    if ord not in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    dims = [normalize_dim(each, input.ndim) for each in dim]
    if len(dims) != 2 or dims[0] == dims[1]:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple of different dims. Got {tuple(dim)}")
    check_norm_types("linalg.matrix_norm", input, dtype)
    if ord == "fro":
        return vector_norm(input, 2, dims, keepdim, dtype=dtype)
    if ord in ("nuc", 2, -2):
        return norm_of_singular_values(input, ord, dims, keepdim, dtype)
    added, compared = dims if ord in (1, -1) else dims[::-1]
    if not keepdim and compared > added:
        compared -= 1
    sums = vector_norm(input, 1, added, keepdim, dtype=dtype)
    if not isinstance(ord, str) and ord > 0:  # a matrix without columns has norm 0
        return sums.amax(compared, keepdim) if sums.shape[compared] else sums.sum(compared, keepdim)
    return sums.amin(compared, keepdim)


def norm_of_singular_values(input: Tensor, ord: Number | str, dims: Sequence[int], keepdim: bool, dtype: Any) -> Tensor:
    """The largest, or smallest, of the singular values, or their sum."""
    if input.array.dtype in NARROW:
        raise RuntimeError(f"linalg.matrix_norm: Low precision dtypes not supported. Got {input.dtype}")
    order = [each for each in range(input.ndim) if each not in dims] + [*dims]
    values = svdvals((input if dtype is None else input.to(dtype)).permute(order))
    if ord == "nuc" or (ord == 2 and not values.shape[-1]):
        result = values.sum(-1, keepdim)
    else:
        result = values.amax(-1, keepdim) if ord == 2 else values.amin(-1, keepdim)
    return result.unsqueeze(-1).permute(np.argsort(order).tolist()) if keepdim else result


@checked
def norm(
    input: Tensor,
    ord: Number | str | None = None,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    """A vector norm where one dimension is named or the input has one, a matrix norm for two; without ``ord`` √Σ x².

    Shape: that of ``input`` without these dimensions; ``keepdim`` keeps them at size 1.

    Raises:
        RuntimeError: more dimensions are named, or an order is given and it is unclear for which dimensions.
    """
    if dim is not None:
        dims = [dim] if not isinstance(dim, Iterable) else list(dim)
        if len(dims) not in (1, 2):
            raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {dims}")
    elif ord is not None and input.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {input.ndim}D."
        )
    else:
        dims = list(range(input.ndim))
    if ord is None:
        return vector_norm(input, 2, dims, keepdim, dtype=dtype)
    if isinstance(ord, str) or len(dims) == 2:
        return matrix_norm(input, ord, (-2, -1) if dim is None else dims, keepdim, dtype=dtype)
    return vector_norm(input, ord, dims, keepdim, dtype=dtype)
