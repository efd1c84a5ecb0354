"""What operations with two results return: named tuples, as in ``torch.return_types``."""

from __future__ import annotations

from typing import Any, NamedTuple

from minigrad.graph.node import Tensor

__all__ = ["aminmax", "cummax", "cummin", "kthvalue", "max", "median", "min", "nanmedian", "sort", "topk"]
__all__ += ["triangular_solve"]


def described(result: Any) -> str:
    """A named tuple as PyTorch prints it, one field a line."""
    fields = ",\n".join([f"{name}={value!r}" for name, value in zip(result._fields, result)])
    return f"minigrad.return_types.{type(result).__name__}(\n{fields})"


class ValuesAndIndices(NamedTuple):
    """Elements, and where each was."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return described(self)


class cummax(ValuesAndIndices):
    """What :func:`minigrad.cummax` returns: ``values`` and ``indices``, of the input's shape."""

    __slots__ = ()


class cummin(ValuesAndIndices):
    """What :func:`minigrad.cummin` returns: ``values`` and ``indices``, of the input's shape."""

    __slots__ = ()


class kthvalue(ValuesAndIndices):
    """What :func:`minigrad.kthvalue` returns: ``values`` and ``indices``, of one shape."""

    __slots__ = ()


class max(ValuesAndIndices):
    """What :func:`minigrad.max` returns along a dim: ``values`` and ``indices``, of one shape."""

    __slots__ = ()


class median(ValuesAndIndices):
    """What :func:`minigrad.median` returns along a dim: ``values`` and ``indices``, of one shape."""

    __slots__ = ()


class min(ValuesAndIndices):
    """What :func:`minigrad.min` returns along a dim: ``values`` and ``indices``, of one shape."""

    __slots__ = ()


class nanmedian(ValuesAndIndices):
    """What :func:`minigrad.nanmedian` returns along a dim: ``values`` and ``indices``, of one shape."""

    __slots__ = ()


class sort(ValuesAndIndices):
    """What :func:`minigrad.sort` returns: ``values`` and ``indices``, of the input's shape."""

    __slots__ = ()


class topk(ValuesAndIndices):
    """What :func:`minigrad.topk` returns: ``values`` and ``indices``, of one shape."""

    __slots__ = ()


class aminmax(NamedTuple):
    """What :func:`minigrad.aminmax` returns: ``min`` and ``max``, of one shape."""

    min: Tensor
    max: Tensor

    def __repr__(self) -> str:
        return described(self)


class triangular_solve(NamedTuple):
    """What :func:`minigrad.triangular_solve` returns: ``solution`` (..., n, k) and the matrix (..., n, n)."""

    solution: Tensor
    cloned_coefficient: Tensor

    def __repr__(self) -> str:
        return described(self)
