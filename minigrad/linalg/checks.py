"""What linear algebra asks of matrices, and PyTorch's errors where NumPy's LAPACK cannot go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.dtypes import NARROW
from minigrad.graph.node import Tensor

__all__ = ["LinAlgError", "check_finite", "check_matrices", "check_one_type", "check_sides", "check_square", "failing"]
__all__ += ["refuses"]


class LinAlgError(RuntimeError):
    """A matrix has no inverse or no such factors, or an algorithm does not converge: ``torch.linalg.LinAlgError``."""


def check_matrices(name: str, matrices: Tensor, *, square: bool = True, kernel: str = "") -> None:
    """Raise PyTorch's error unless there are matrices, of float32 or float64, and with ``square`` square.

    Raises:
        RuntimeError: there are none, of another shape or type.
        NotImplementedError: they are of float16 and PyTorch, which names its ``kernel``, says it so.
    """
    check_square(name, matrices, square)
    if not matrices.is_floating_point():
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {matrices.dtype}")
    if matrices.array.dtype in NARROW:
        if kernel:
            raise NotImplementedError(f'"{kernel}" not implemented for {matrices.dtype}: convert to float32 first')
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {matrices.dtype}")


def check_square(name: str, matrices: Tensor, square: bool = True) -> None:
    """Raise PyTorch's error unless there are matrices, with ``square`` square ones."""
    if matrices.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    rows, columns = matrices.shape[-2:]
    if square and rows != columns:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {rows} by {columns} matrices")


def check_sides(name: str, a: Tensor, b: Tensor, left: bool) -> None:
    """Raise PyTorch's error unless ``a x = b``, or ``x a = b``, can be asked of matrices: one type, sizes that agree.

    Raises:
        RuntimeError: types or sizes differ, ``a`` is not square.
    """
    check_square(name, a)
    check_square(name, b, square=False)
    rows, columns = a.shape[-2:]
    check_one_type(name, A=a, B=b)
    if rows != b.shape[-2 if left else -1]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({rows}x{columns} and {b.shape[-2]}x{b.shape[-1]})"
        )


def check_one_type(name: str, **two: Tensor) -> None:
    """Raise PyTorch's error unless both tensors, told by their names, are of one type."""
    (first, a), (second, b) = two.items()
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"{name}: Expected {first} and {second} to have the same dtype, but found {first} of type {a.dtype} and "
            f"{second} of type {b.dtype} instead"
        )


def failing(compute: Callable[[Any], Any], matrices: Any) -> tuple[str, Any]:
    """The first of the matrices that ``compute`` refuses, and PyTorch's words for its place in the batch."""
    batch = matrices.reshape(-1, *matrices.shape[-2:])
    place = next(place for place, matrix in enumerate(batch) if refuses(compute, matrix))
    return (f"(Batch element {place}): " if matrices.ndim > 2 else ""), batch[place]


def refuses(compute: Callable[[Any], Any], matrix: Any) -> bool:
    try:
        compute(matrix)
    except np.linalg.LinAlgError:
        return True
    return False


def check_finite(name: str, a: Any, words: str) -> None:
    """Raise PyTorch's error for infinite values and NaN, with which LAPACK would not end, or would give NaN."""
    finite = np.isfinite(a)
    if not finite.all():
        place = int(finite.all((-2, -1)).argmin())
        where = f"(Batch element {place}): " if a.ndim > 2 else ""
        raise LinAlgError(f"{name}: {where}The algorithm failed to converge because {words}.")
