"""Tensors that count: numbers at equal distances or in equal proportion, and the positions in a triangle."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments.gate import LEFT_OUT, checked
from minigrad.arguments.promotion import number_as
from minigrad.caller import warn_user
from minigrad.creation.request import finish, numpy_kind, plain_number
from minigrad.graph.node import Number, Tensor
from minigrad.kernels.sequences import counted, evenly_spaced

__all__ = ["arange", "linspace", "logspace", "range", "tril_indices", "triu_indices"]


def check_counts(name: str, kind: np.dtype) -> None:
    """Raise PyTorch's error for bools, which do not count."""
    if kind.kind == "b":
        raise NotImplementedError(f'"{name}_cpu" not implemented for bools')


def check_bounds(name: str, start: Any, end: Any, step: Any, kind: np.dtype) -> None:
    """Raise PyTorch's error where no numbers lead from ``start`` to ``end``."""
    check_counts(name, kind)
    if not math.isfinite(start) or not math.isfinite(end):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


@checked
def arange(
    start: Tensor | Number = LEFT_OUT,
    end: Tensor | Number = LEFT_OUT,
    step: Tensor | Number = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``start``, ``start + step``, … below ``end``; int64 where all three are integers.

    Shape: (n,), n = ⌈(end - start) / step⌉.

    Raises:
        RuntimeError: the step is zero or leads away from ``end``, or a bound is not finite.
        NotImplementedError: the type is bool.

    >>> minigrad.arange(0, 1, 0.25)
    tensor([0.0000, 0.2500, 0.5000, 0.7500])
    """
    if end is None:
        start, end = LEFT_OUT, start
    if end is None:
        raise TypeError('arange() missing 1 required positional arguments: "end"')
    start = 0 if start is None else plain_number("arange", start, "start")
    end, step = plain_number("arange", end, "end"), plain_number("arange", step, "step")
    kind = numpy_kind(dtype)
    check_bounds("arange", start, end, step, kind)
    if all(isinstance(each, int) for each in (start, end, step)):
        kind = np.dtype(np.int64) if dtype is None else kind
        count = int(-((start - end) // step))
    else:
        count = math.ceil((end - start) / step)
    return finish(counted(start, step, count, kind), device, requires_grad)


def range(
    start: Tensor | Number = 0,
    end: Tensor | Number = LEFT_OUT,
    step: Tensor | Number = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``start``, ``start + step``, … up to ``end``, which is among them; floating unless told. It warns: use
    :func:`arange`, which stops before the end, as Python's range.

    Shape: (n,), n = ⌊(end - start) / step⌋ + 1.

    Raises:
        RuntimeError: the step is zero or leads away from ``end``, or a bound is not finite.
    """
    if end is None:
        raise TypeError('range() missing 1 required positional arguments: "end"')
    warn_user(
        "minigrad.range is deprecated and will be removed in a future release because its behavior is inconsistent "
        "with Python's range builtin. Instead, use minigrad.arange, which produces values in [start, end)."
    )
    named = {"start": start, "end": end, "step": step}
    start, end, step = [plain_number("range", value, name) for name, value in named.items()]
    kind = numpy_kind(dtype)
    check_bounds("range", start, end, step, kind)
    return finish(counted(start, step, math.floor((end - start) / step) + 1, kind), device, requires_grad)


def both_ends(name: str, start: Any, end: Any, steps: int, kind: np.dtype) -> list[Any]:
    """The two ends as numbers of the type ``kind``. PyTorch drops their gradients too."""
    check_counts(name, kind)
    if any(isinstance(each, Tensor) and each.ndim for each in (start, end)):
        raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    ends = [each.detach() if isinstance(each, Tensor) else each for each in (start, end)]
    return [number_as(plain_number(name, each), kind) for each in ends]


@checked
def linspace(
    start: Tensor | Number,
    end: Tensor | Number,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` numbers from ``start`` to ``end``, both included, at equal distances. Shape: (steps,).

    Raises:
        RuntimeError: ``steps`` is negative, an end is a tensor with dimensions, or the type holds no such number.
        NotImplementedError: the type is bool.

    >>> minigrad.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    kind = numpy_kind(dtype)
    first, last = both_ends("linspace", start, end, steps, kind)
    return finish(evenly_spaced(first, last, steps, kind), device, requires_grad)


@checked
def logspace(
    start: Tensor | Number,
    end: Tensor | Number,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The powers of ``base`` with the exponents of :func:`linspace`. Shape: (steps,).

    Raises:
        RuntimeError: ``steps`` is negative, or an end is a tensor with dimensions.
    """
    kind = numpy_kind(dtype)
    first, last = both_ends("logspace", start, end, steps, kind)  # cut off for a type of integers
    wide = np.dtype(np.float64 if kind == np.float64 else np.float32)
    exponents = evenly_spaced(first.astype(wide), last.astype(wide), steps, wide)
    return finish(np.power(wide.type(base), exponents).astype(kind), device, requires_grad)


def triangle_indices(name: str, find: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    """The positions that NumPy's ``find`` gives, as rows of a matrix."""
    for size, value in (("row", row), ("col", col)):
        if value < 0:
            raise RuntimeError(f"{size} must be non-negative, got{value}")
    kind = np.dtype(np.int64) if dtype is None else numpy_kind(dtype)
    if kind.kind != "i":
        raise NotImplementedError(f'"{name}" not implemented for {kind.name}: positions are integers')
    return finish(np.stack(find(row, offset, col)).astype(kind), device, False)


@checked
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Where the elements on and below a diagonal of a (row, col) matrix are. Shape: (2, how many).

    Raises:
        RuntimeError: a size is negative.
        NotImplementedError: the type is not of integers.
    """
    return triangle_indices("tril_indices", np.tril_indices, row, col, offset, dtype, device)


@checked
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Where the elements on and above a diagonal of a (row, col) matrix are. Shape: (2, how many).

    Raises:
        RuntimeError: a size is negative.
        NotImplementedError: the type is not of integers.
    """
    return triangle_indices("triu_indices", np.triu_indices, row, col, offset, dtype, device)
