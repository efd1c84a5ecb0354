"""What operations with two results return: named tuples, as in ``torch.return_types``."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

from minigrad.graph.node import Tensor

__all__ = ["aminmax", "cummax", "cummin", "kthvalue", "max", "median", "min", "nanmedian", "sort", "topk"]
__all__ += ["linalg_eigh", "linalg_lstsq", "linalg_qr", "linalg_slogdet", "linalg_svd", "slogdet", "svd"]
__all__ += ["histogram", "mode", "triangular_solve"]


class Described:
    """A named tuple that prints as PyTorch's: one field a line."""

    __slots__ = ()

    def __repr__(self: Any) -> str:
        fields = ",\n".join([f"{name}={value!r}" for name, value in zip(self._fields, self)])
        return f"minigrad.return_types.{type(self).__name__}(\n{fields})"


class ValuesAndIndices(Described, NamedTuple("ValuesAndIndices", [("values", Tensor), ("indices", Tensor)])):
    """Elements, and where each was."""

    __slots__ = ()


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


class aminmax(Described, NamedTuple("aminmax", [("min", Tensor), ("max", Tensor)])):
    """What :func:`minigrad.aminmax` returns: ``min`` and ``max``, of one shape."""

    __slots__ = ()


class linalg_eigh(Described, namedtuple("linalg_eigh", "eigenvalues eigenvectors")):
    """What :func:`minigrad.linalg.eigh` returns: ``eigenvalues`` (..., n) and ``eigenvectors`` (..., n, n)."""

    __slots__ = ()


class linalg_lstsq(Described, namedtuple("linalg_lstsq", "solution residuals rank singular_values")):
    """What :func:`minigrad.linalg.lstsq` returns: ``solution``, ``residuals``, ``rank``, ``singular_values``."""

    __slots__ = ()


class linalg_qr(Described, namedtuple("linalg_qr", "Q R")):
    """What :func:`minigrad.linalg.qr` returns: ``Q`` (..., n, k) and ``R`` (..., k, m)."""

    __slots__ = ()


class linalg_slogdet(Described, namedtuple("linalg_slogdet", "sign logabsdet")):
    """What :func:`minigrad.linalg.slogdet` returns: ``sign`` and ``logabsdet``, of one shape."""

    __slots__ = ()


class linalg_svd(Described, namedtuple("linalg_svd", "U S Vh")):
    """What :func:`minigrad.linalg.svd` returns: ``U`` (..., n, k), ``S`` (..., k) and ``Vh`` (..., k, m)."""

    __slots__ = ()


class slogdet(Described, namedtuple("slogdet", "sign logabsdet")):
    """What :func:`minigrad.slogdet` returns: ``sign`` and ``logabsdet``, of one shape."""

    __slots__ = ()


class mode(ValuesAndIndices):
    """What :func:`minigrad.mode` returns: ``values`` and ``indices``, of one shape."""

    __slots__ = ()


class histogram(Described, namedtuple("histogram", "hist bin_edges")):
    """What :func:`minigrad.histogram` returns: ``hist`` (n,) and ``bin_edges`` (n + 1,)."""

    __slots__ = ()


class svd(Described, namedtuple("svd", "U S V")):
    """What :func:`minigrad.svd` returns: ``U`` (..., n, k), ``S`` (..., k) and ``V`` (..., m, k)."""

    __slots__ = ()


class triangular_solve(Described, namedtuple("triangular_solve", "solution cloned_coefficient")):
    """What :func:`minigrad.triangular_solve` returns: ``solution`` (..., n, k) and the matrix (..., n, n)."""

    __slots__ = ()
