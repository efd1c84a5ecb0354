"""Running sums, products and extrema along one dimension, and differences of neighbours. Formulas: ``ops/scan.py``.

Each is a function of ``minigrad`` and a method of ``Tensor``, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

from minigrad import creation, dtypes, inplace, ops, return_types
from minigrad.dims import normalize_dim
from minigrad.functions import joining
from minigrad.functions.arguments import check_dim, check_tensors, renamed
from minigrad.graph.node import Tensor

__all__ = ["cummax", "cummin", "cumprod", "cumprod_", "cumsum", "cumsum_", "diff"]


def cumsum(input: Tensor, dim: Any = None, *, dtype: dtypes.dtype | None = None, **numpy_names: Any) -> Tensor:
    """The sum of the elements up to each, along ``dim``. Integers and bools are summed in int64."""
    if numpy_names:
        named = renamed("cumsum", numpy_names, dim=dim)
        return cumsum(input, dtype=dtype, **named)
    check_dim("cumsum", dim)
    check_tensors("cumsum", input=input)
    return ops.scan.Cumsum.apply(input, dim=normalize_dim(dim, input.ndim), dtype=dtype and dtype.numpy)


def cumprod(input: Tensor, dim: Any = None, *, dtype: dtypes.dtype | None = None, **numpy_names: Any) -> Tensor:
    """The product of the elements up to each, along ``dim``. Integers and bools are multiplied in int64."""
    if numpy_names:
        named = renamed("cumprod", numpy_names, dim=dim)
        return cumprod(input, dtype=dtype, **named)
    check_dim("cumprod", dim)
    check_tensors("cumprod", input=input)
    return ops.scan.Cumprod.apply(input, dim=normalize_dim(dim, input.ndim), dtype=dtype and dtype.numpy)


def cumsum_(input: Tensor, dim: int, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """:func:`cumsum` in place, in the type of ``input``; ``dtype`` may only repeat it."""
    return run_in_place("cumsum", ops.scan.Cumsum, input, dim, dtype)


def cumprod_(input: Tensor, dim: int, *, dtype: dtypes.dtype | None = None) -> Tensor:
    """:func:`cumprod` in place, in the type of ``input``; ``dtype`` may only repeat it."""
    return run_in_place("cumprod", ops.scan.Cumprod, input, dim, dtype)


def run_in_place(name: str, operation: Any, input: Tensor, dim: int, dtype: dtypes.dtype | None) -> Tensor:
    """Let ``input`` become its running sum or product.

    Raises:
        RuntimeError: ``dtype`` is another than that of ``input``, or it may not be changed.
        NotImplementedError: the type is bool.
    """
    if dtype is not None and dtype is not input.dtype:
        raise RuntimeError(
            f"Bad in-place call: input tensor dtype {input.dtype} and output tensor dtype {dtype} should match"
        )
    if input.dtype is dtypes.bool:
        raise NotImplementedError(f'"{name}_out_cpu" not implemented for {input.dtype}')
    dim = normalize_dim(dim, input.ndim)
    return inplace.run(input, f"{name}_", operation, dim=dim, dtype=input.dtype.numpy)


def cummax(input: Tensor, dim: int) -> Any:
    """The largest element up to each, along ``dim``, and where it is, the last of equal ones."""
    check_tensors("cummax", input=input)
    return return_types.cummax(*ops.scan.Cummax.apply(input, dim=normalize_dim(dim, input.ndim)))


def cummin(input: Tensor, dim: int) -> Any:
    """The smallest element up to each, along ``dim``, and where it is, the last of equal ones."""
    check_tensors("cummin", input=input)
    return return_types.cummin(*ops.scan.Cummin.apply(input, dim=normalize_dim(dim, input.ndim)))


def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """Each element minus the one before it along ``dim``, ``n`` times; for bools whether the two differ.

    ``prepend`` and ``append`` are joined to the input first. Shape: that of the input, ``dim`` smaller by ``n``.

    Raises:
        RuntimeError: ``n`` is negative, or the input has no dimension, or what is to be joined does not fit.
    """
    check_tensors("diff", input=input)
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    dim = normalize_dim(dim, input.ndim)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    pieces = [each for each in (prepend, input, append) if each is not None]
    for each in pieces:
        if each.ndim != input.ndim:
            raise RuntimeError(
                f"diff expects prepend or append to be the same dimension as input, got {each.ndim} and {input.ndim}"
            )
    if n == 0:
        return creation.zeros_like(input).copy_(input)
    values = joining.cat(pieces, dim) if len(pieces) > 1 else input
    for _ in range(min(n, values.shape[dim])):
        count = values.shape[dim]
        later = ops.indexing.Slice.apply(values, dim=dim, where=slice(1, count))
        earlier = ops.indexing.Slice.apply(values, dim=dim, where=slice(0, count - 1))
        values = later.ne(earlier) if values.dtype is dtypes.bool else later - earlier
    return values
