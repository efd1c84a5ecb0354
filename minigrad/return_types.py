"""What operations with two results return: named tuples, as in ``torch.return_types``."""

from __future__ import annotations

from typing import Any, NamedTuple

from minigrad.graph.node import Tensor

__all__ = ["aminmax", "cummax", "cummin", "kthvalue", "max", "median", "min", "nanmedian", "sort", "topk"]


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
    __slots__ = ()


class cummin(ValuesAndIndices):
    __slots__ = ()


class kthvalue(ValuesAndIndices):
    __slots__ = ()


class max(ValuesAndIndices):
    __slots__ = ()


class median(ValuesAndIndices):
    __slots__ = ()


class min(ValuesAndIndices):
    __slots__ = ()


class nanmedian(ValuesAndIndices):
    __slots__ = ()


class sort(ValuesAndIndices):
    __slots__ = ()


class topk(ValuesAndIndices):
    __slots__ = ()


class aminmax(NamedTuple):
    """The smallest and the largest."""

    min: Tensor
    max: Tensor

    def __repr__(self) -> str:
        return described(self)
