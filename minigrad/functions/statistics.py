"""Variances, standard deviations, medians and norms. Formulas: ``ops/statistics.py``, ``ops/sorting.py``.

Each is a function of ``minigrad``, and all but ``var_mean`` and ``std_mean`` are methods of ``Tensor``, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

from minigrad import dtypes, linalg, ops, return_types
from minigrad.functions.arguments import check_tensors, renamed
from minigrad.graph.node import Number, Tensor

__all__ = ["median", "nanmedian", "norm", "std", "std_mean", "var", "var_mean"]


def run(
    name: str, operation: Any, input: Tensor, dim: Any, unbiased: bool | None, keepdim: bool, correction: Number | None
) -> Any:
    """``operation`` with its arguments in PyTorch's three forms: ``(unbiased)``, ``(dim, unbiased, keepdim)``, and
    ``(dim, correction=, keepdim=)``. Unbiased is a correction of 1, the default; biased one of 0."""
    if isinstance(dim, bool):
        if unbiased is not None or keepdim:
            raise TypeError(f"{name}(): argument 'dim' must be tuple of ints, not bool")
        dim, unbiased = None, dim
    if unbiased is not None:
        if not isinstance(unbiased, bool):
            raise TypeError(f"{name}(): argument 'unbiased' must be bool, not {type(unbiased).__name__}")
        if correction is not None:
            raise TypeError(f"{name}(): 'unbiased' and 'correction' say the same: only one of them can be given")
        correction = 1 if unbiased else 0
    if not input.is_floating_point():
        subject = name if name.endswith("mean") else "std and var"
        raise RuntimeError(f"{subject} only support floating point and complex dtypes, not {input.dtype}")
    return operation.apply(input, dim=dim, correction=1 if correction is None else correction, keepdim=keepdim)


def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
    **numpy_names: Any,
) -> Tensor:
    """The variance Σ (x - mean)² / (n - correction), over all dimensions or ``dim``.

    Raises:
        RuntimeError: the input is not of a floating-point type.
    """
    if numpy_names:
        named = renamed("var", numpy_names, dim=dim, keepdim=keepdim)
        return var(input, unbiased=unbiased, correction=correction, **named)
    check_tensors("var", input=input)
    return run("var", ops.statistics.Var, input, dim, unbiased, keepdim, correction)


def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
    **numpy_names: Any,
) -> Tensor:
    """The square root of :func:`var`."""
    if numpy_names:
        named = renamed("std", numpy_names, dim=dim, keepdim=keepdim)
        return std(input, unbiased=unbiased, correction=correction, **named)
    check_tensors("std", input=input)
    return run("std", ops.statistics.Std, input, dim, unbiased, keepdim, correction)


def var_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
    **numpy_names: Any,
) -> tuple[Tensor, Tensor]:
    """:func:`var` and the mean."""
    if numpy_names:
        named = renamed("var_mean", numpy_names, dim=dim, keepdim=keepdim)
        return var_mean(input, unbiased=unbiased, correction=correction, **named)
    check_tensors("var_mean", input=input)
    return run("var_mean", ops.statistics.VarMean, input, dim, unbiased, keepdim, correction)


def std_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
    **numpy_names: Any,
) -> tuple[Tensor, Tensor]:
    """:func:`std` and the mean."""
    if numpy_names:
        named = renamed("std_mean", numpy_names, dim=dim, keepdim=keepdim)
        return std_mean(input, unbiased=unbiased, correction=correction, **named)
    check_tensors("std_mean", input=input)
    return run("std_mean", ops.statistics.StdMean, input, dim, unbiased, keepdim, correction)


def median(input: Tensor, dim: int | None = None, keepdim: bool = False, **numpy_names: Any) -> Any:
    """The element in the middle, the lower of two, NaN if any is; along a dim also where it is.

    Without a dim equal elements share the gradient; with one it goes to the position reported.
    """
    if numpy_names:
        named = renamed("median", numpy_names, dim=dim, keepdim=keepdim)
        return median(input, **named)
    check_tensors("median", input=input)
    refuse_bool("median", input)
    if dim is None:
        return ops.sorting.MedianAll.apply(input)
    return return_types.median(*ops.sorting.Median.apply(input, dim=dim, keepdim=keepdim))


def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False, **numpy_names: Any) -> Any:
    """:func:`median` of the elements that are not NaN; NaN where all are."""
    if numpy_names:
        named = renamed("nanmedian", numpy_names, dim=dim, keepdim=keepdim)
        return nanmedian(input, **named)
    check_tensors("nanmedian", input=input)
    refuse_bool("nanmedian", input)
    if dim is None:
        return ops.sorting.NanmedianAll.apply(input)
    return return_types.nanmedian(*ops.sorting.Nanmedian.apply(input, dim=dim, keepdim=keepdim))


def refuse_bool(name: str, input: Tensor) -> None:
    """Raise PyTorch's error for a tensor of bools."""
    if input.dtype is dtypes.bool:
        raise NotImplementedError(f'"{name}_cpu" not implemented for {input.dtype}')


def norm(
    input: Tensor,
    p: Number | str | None = "fro",
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over all dimensions or ``dim``: ``linalg.vector_norm``, "fro" and None meaning p = 2."""
    if isinstance(p, str):
        dims = range(input.ndim) if dim is None else dim
        if p == "fro" and (dim is None or isinstance(dim, int) or len(dim) <= 2):
            return linalg.vector_norm(input, 2, dim, keepdim, dtype=dtype)
        return linalg.matrix_norm(input, p, (dims,) if isinstance(dims, int) else dims, keepdim, dtype=dtype)
    return linalg.vector_norm(input, 2 if p is None else p, dim, keepdim, dtype=dtype)
