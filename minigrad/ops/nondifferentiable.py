"""The operations that have no gradient: truths, counts, positions, and what is distinct.

Each takes tensors and gives a tensor without history: nothing is recorded. So do those of ``comparison.py``
(comparisons, tests, logic, bits), of ``counting.py`` (``bincount``, ``bucketize``, ``histc``, ``histogram``, ``isin``,
``searchsorted``), and of ``types.py`` (questions about types); ``argsort`` in ``sorting.py``, ``signbit``, ``gcd`` and
``lcm`` in ``signs.py``, ``one_hot`` in ``embedding.py``, ``matrix_rank`` in ``linalg/least_squares.py``,
``Tensor.view(dtype)``, which reads the same bits as other numbers (``shape.py``), ``detach``, and whatever draws or
makes new numbers (``creation``). The positions that ``max``, ``sort`` and others give beside values have no history
either. Operations that are recorded and cannot be differentiated, as in PyTorch, are those of the class ``Underived``
(``division.py``): ``floor_divide``, a number's remainder by a tensor, ``heaviside``, ``binomial``, and the gradients of
some losses once more. Functions that are flat between jumps, such as ``round`` and ``sign``, have a gradient, which is
zero (``rounding.py``, ``signs.py``). All other operations on floating tensors are differentiable.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments.dims import Dims, normalize_dim, normalize_dims
from minigrad.arguments.gate import checked
from minigrad.dtypes import FLOATS
from minigrad.graph.function import Tensor, wrap
from minigrad.graph.history import note_cut
from minigrad.graph.strides import elementwise, keep_strides, lay_as_pytorch

__all__ = ["all", "any", "argmax", "argmin", "argwhere", "count_nonzero", "nonzero", "unique", "unique_consecutive"]


def constant(array: Any, *inputs: Any) -> Tensor:
    """``array``, computed from ``inputs``, as a tensor without history, which ``explain_grad`` tells."""
    result = wrap(np.asarray(array))
    note_cut("flat" if result.array.dtype.kind in FLOATS else "type", inputs, [result], result.dtype)
    return result


def elementwise_constant(array: Any, *inputs: Any) -> Tensor:
    """:func:`constant` of what was computed element by element: it lies as the inputs do."""
    result = constant(array, *inputs)
    lay_as_pytorch(elementwise, inputs, [result])
    return result


@checked
def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """True where every element is nonzero: a bool tensor, uint8 for uint8. No dims, ``()``, reduce nothing.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.
    """
    return reduce_truth(np.logical_and, input, dim, keepdim)


@checked
def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """True where some element is nonzero: a bool tensor, uint8 for uint8. No dims, ``()``, reduce nothing.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.
    """
    return reduce_truth(np.logical_or, input, dim, keepdim)


def reduce_truth(ufunc: np.ufunc, x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    """``all`` (``np.logical_and``) or ``any`` (``np.logical_or``) over ``dim``, over nothing where it is ``()``."""
    dims = () if isinstance(dim, (tuple, list)) and not dim else normalize_dims(dim, x.ndim)
    truth = ufunc.reduce(x.array, axis=dims, keepdims=keepdim) if dims else x.array.astype(np.bool_)
    return constant(np.asarray(truth, np.uint8 if x.array.dtype == np.uint8 else np.bool_), x)


@checked
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements are not zero. Shape: that of ``input`` without ``dim``, all unless told."""
    return constant(np.add.reduce(input.array != 0, axis=normalize_dims(dim, input.ndim), dtype=np.int64), input)


@checked
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element is, the first of equal ones; in the flattened tensor where there is no dim.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.

    Raises:
        IndexError: there is no element to take.
        RuntimeError: the input is of bools.

    >>> minigrad.tensor([[1, 5], [7, 2]]).argmax(dim=1)
    tensor([1, 0])
    """
    return constant(position(np.argmax, "argmax", input.array, dim, keepdim), input)


@checked
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element is, the first of equal ones; in the flattened tensor where there is no dim.

    Shape: that of ``input`` without ``dim``, all unless told; ``keepdim`` keeps them at size 1.

    Raises:
        IndexError: there is no element to take.
        RuntimeError: the input is of bools.
    """
    return constant(position(np.argmin, "argmin", input.array, dim, keepdim), input)


def position(choose: Any, name: str, x: np.ndarray, dim: int | None, keepdim: bool) -> np.ndarray:
    if x.dtype == np.bool_:
        raise RuntimeError(f"{name}(): does not support bool input")
    if dim is None:
        if x.size == 0:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        position = np.asarray(choose(x))
        return position.reshape((1,) * x.ndim) if keepdim else position
    dim = normalize_dim(dim, x.ndim)
    if x.ndim == 0:
        return np.zeros((), np.int64)
    if x.shape[dim] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    position = np.asarray(choose(x, axis=dim))
    return np.expand_dims(position, dim) if keepdim else position


@checked
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Where the elements are that are not zero. Shape: (count, dimensions), or ``as_tuple`` (count,) for each
    dimension.
    """
    if as_tuple:
        return tuple([constant(each, input) for each in np.nonzero(np.atleast_1d(input.array))])
    places = constant(np.argwhere(input.array).T.astype(np.int64, order="C").T, input)
    keep_strides(places)  # a dimension after the other, as in PyTorch
    return places


@checked
def argwhere(input: Tensor) -> Tensor:
    """Where the elements are that are not zero. Shape: (count, dimensions)."""
    return nonzero(input)


@checked
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements in order, or slices along ``dim``; without history. Every NaN is distinct. Shapes: any.

    Returns:
        The elements (count,), or slices (count, ...); with ``return_inverse`` also where in them each element of the
        input is; with ``return_counts`` how often each occurs.

    Raises:
        RuntimeError: a dimension is empty, and it is not ``dim``.
    """
    rows = slices(input.array, dim)
    keys = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    order = np.lexsort(keys.T[::-1]) if keys.shape[1] else np.arange(len(rows))
    return chosen(input, runs(input.array, rows, order, dim), return_inverse, return_counts)


@checked
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements, or slices along ``dim``, without those equal to the one before. Returns as :func:`unique`.

    Shapes: any.

    Raises:
        RuntimeError: a dimension is empty, and it is not ``dim``.
    """
    rows = slices(input.array, dim)
    return chosen(input, runs(input.array, rows, np.arange(len(rows)), dim), return_inverse, return_counts)


def slices(x: np.ndarray, dim: int | None) -> np.ndarray:
    """What is to be compared, along the first dimension: the elements, or the slices along ``dim``."""
    if dim is None:
        return x.reshape(-1)
    rows = np.atleast_1d(np.moveaxis(x, dim, 0) if x.ndim else x)
    if rows.size == 0 and 0 in rows.shape[1:]:
        raise RuntimeError(
            f"There are 0 sized dimensions, and they aren't selected, so unique cannot be applied: {list(x.shape)}"
        )
    return rows


def runs(x: np.ndarray, rows: np.ndarray, order: np.ndarray, dim: int | None) -> tuple[Tensor, Tensor, Tensor]:
    """The first of each run of equal ``rows``, taken in ``order``; in which run each is; how long each run is."""
    ordered = rows[order]
    keys = ordered.reshape(len(rows), math.prod(rows.shape[1:]))
    begins = np.ones(len(rows), np.bool_)
    begins[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    run = np.cumsum(begins) - 1
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = run
    distinct = np.ascontiguousarray(ordered[begins])
    values = constant(distinct if dim is None else np.moveaxis(distinct, 0, dim))
    keep_strides(values)  # the slices one after the other, as in PyTorch
    return (
        values,
        constant(inverse.reshape(x.shape) if dim is None else inverse),
        constant(np.bincount(run, minlength=0).astype(np.int64)),
    )


def chosen(x: Tensor, found: tuple[Tensor, Tensor, Tensor], return_inverse: bool, return_counts: bool) -> Any:
    """Of elements, inverse and counts those that are wanted: one tensor or a tuple."""
    note_cut("flat", [x], found)
    values, inverse, counts = found
    if not return_inverse and not return_counts:
        return values
    return (values, *((inverse,) if return_inverse else ()), *((counts,) if return_counts else ()))
