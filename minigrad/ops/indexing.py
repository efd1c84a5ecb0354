"""Indexing: ``x[...]`` and ``x[...] = v``. The gradient of what was picked goes back to where it was picked from.

A basic index (integers, slices, None, ``...``) gives a view, recorded as PyTorch records it: one node a step. An index
with tensors, arrays or lists gives a copy and may pick an element several times: its gradients are then summed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.promotion import number_as
from minigrad.caller import warn_user
from minigrad.dtypes import FLOATS, int64
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor, unwrap
from minigrad.graph.strides import as_first, spanning
from minigrad.graph.view import ViewFunction
from minigrad.ops.choosing import Where
from minigrad.reading import read


class Select(ViewFunction):
    """z = x at ``index`` along ``dim``, which disappears."""

    def forward(ctx, x, *, dim, index):
        ctx.shape, ctx.where = x.shape, (slice(None),) * dim + (index,)
        return x[(*ctx.where, ...)]  # the dots make NumPy return a view also of a single element

    def backward(ctx, grad_z):
        grad_x = SelectBackward.apply(grad_z, shape=ctx.shape, where=ctx.where)
        return grad_x


class Slice(ViewFunction):
    """z = x[start:stop:step] along ``dim``."""

    def forward(ctx, x, *, dim, where):
        ctx.shape, ctx.where = x.shape, (slice(None),) * dim + (where,)
        z = x[ctx.where]
        step = where.step or 1
        return z if z.shape[dim] else spanning(z, (), {dim: x.strides[dim] // x.itemsize * step})  # NumPy forgets it

    def backward(ctx, grad_z):
        grad_x = SliceBackward.apply(grad_z, shape=ctx.shape, where=ctx.where)
        return grad_x


class SelectBackward(Function):
    """Zeros of ``shape`` that hold ``grad`` at ``where``, an index that names no element twice. Linear in ``grad``."""

    def forward(ctx, grad, *, shape, where):
        ctx.where = where
        z = np.zeros(shape, grad.dtype)
        z[where] = grad
        return z

    def backward(ctx, grad_z):
        grad_grad = Index.apply(grad_z, where=ctx.where)
        return grad_grad


class SliceBackward(SelectBackward):
    """The same for a slice: PyTorch has a node of its own for it."""


class Index(Function):
    """z = a copy of the elements that ``where`` (a NumPy index with arrays) names, possibly several times."""

    result_strides = None

    def forward(ctx, x, *, where):
        ctx.shape = x.shape
        ctx.save_for_backward(where)
        return np.array(x[where], order="C")

    def backward(ctx, grad_z):
        (where,) = ctx.saved_tensors
        grad_x = IndexBackward.apply(grad_z, shape=ctx.shape, where=where)
        return grad_x


class IndexBackward(Function):
    """Zeros of ``shape`` to which ``grad`` is added at ``where``: an element named twice receives both."""

    node_name = "IndexPutBackward0"

    def forward(ctx, grad, *, shape, where):
        ctx.save_for_backward(where)
        z = np.zeros(shape, grad.dtype)
        np.add.at(z, where, grad)
        return z

    def backward(ctx, grad_z):
        (where,) = ctx.saved_tensors
        grad_grad = Index.apply(grad_z, where=where)
        return grad_grad


class IndexPut(Function):
    """x becomes x with ``value`` written at ``where``: x's gradient is zero there, value's is what arrives there.

    Of values written to one place the last stays, but each receives the gradient of the place, as in PyTorch.
    """

    result_strides = as_first

    def forward(ctx, x, value, *, where):
        ctx.save_for_backward(where)
        z = x.copy()
        z[where] = value
        return z

    def backward(ctx, grad_z):
        (where,) = ctx.saved_tensors
        overwritten = np.zeros(grad_z.shape, np.bool_)
        overwritten[where] = True
        grad_x = Where.apply(0.0, grad_z, condition=overwritten)
        grad_value = Index.apply(grad_z, where=where) if ctx.needs_input_grad[1] else None
        return grad_x, grad_value


def checked_array(part: Any) -> Any:
    """Positions as integers, a mask as bools; a zero-dimensional one as int or bool. Unsigned bytes are a mask, and the
    caller is warned of them."""
    array = unwrap(part)
    if not isinstance(part, Tensor):
        array = read(part)
        if array.dtype not in (np.bool_, np.uint8):
            array = read(part, int64)
    if array.dtype == np.uint8:
        if array.ndim:
            warn_user("indexing with dtype minigrad.uint8 is now deprecated, please use a dtype minigrad.bool instead.")
        array = array != 0
    if array.dtype.kind in FLOATS or (array.ndim and array.dtype not in (np.bool_, np.int32, np.int64)):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return array.item() if array.ndim == 0 else array


def dims_of(part: Any) -> int:
    """How many dimensions of the tensor a part of an index is about."""
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype == np.bool_ else 1


def check_array(part: np.ndarray, shape: tuple[int, ...], dim: int) -> None:
    """Raise PyTorch's IndexError where positions point outside, or a mask has another shape than what it masks."""
    if part.dtype == np.bool_:
        if part.shape != shape[dim : dim + part.ndim]:
            raise IndexError(
                f"The shape of the mask {list(part.shape)} at index 0 does not match the shape of the indexed "
                f"tensor {list(shape)} at index {dim}"
            )
        return
    if part.size and shape[dim] == 0:
        raise IndexError("index is out of bounds for dimension with size 0")
    outside = part[(part < -shape[dim]) | (part >= shape[dim])]
    if outside.size:
        raise IndexError(f"index {outside.flat[0]} is out of bounds for dimension {dim} with size {shape[dim]}")


def check_value_type(target: Tensor, where: tuple[Any, ...], value: Tensor) -> None:
    """Raise PyTorch's RuntimeError where ``value`` is of another type than ``target``, to which it is to be written.

    One number at the places of a mask is converted, if the type of ``target`` can hold it.
    """
    if value.array.dtype == target.array.dtype:
        return
    arrays = [part for part in where if isinstance(part, np.ndarray)]
    if len(arrays) != 1 or arrays[0].dtype != np.bool_ or value.array.size != 1:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {target.dtype} for the destination and "
            f"{value.dtype} for the source."
        )
    number_as(value.item(), target.array.dtype)
