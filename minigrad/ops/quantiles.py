"""Quantiles: the value below which a part of the elements lies. Composed of a sort and a way between two elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.dims import normalize_dim
from minigrad.arguments.gate import checked
from minigrad.creation import tensor
from minigrad.graph.function import Tensor, wrap
from minigrad.ops.choosing import where
from minigrad.ops.fused import lerp
from minigrad.ops.picking import gather
from minigrad.ops.sorting import sort

__all__ = ["nanquantile", "quantile"]

INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile_of(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, nan: bool
) -> Tensor:
    """The quantiles of what is not NaN where ``nan`` is to be left out; else NaN where there is one."""
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if input.array.dtype.char not in "fd":
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if not input.numel():
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    parts = q if isinstance(q, Tensor) else tensor(q, dtype=input.dtype)
    if parts.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if parts.dtype is not input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if not ((parts.array >= 0) & (parts.array <= 1)).all():
        which = "q must be in the range [0, 1] but" if parts.ndim == 0 else "q values must be in the range [0, 1], but"
        raise RuntimeError(f"{name}() {which} got {parts.tolist()}")
    place = 0 if dim is None else normalize_dim(dim, input.ndim)
    rows = input.reshape(-1) if dim is None or not input.ndim else input.movedim(place, -1)
    rows = sort(rows, -1).values
    missing = np.isnan(rows.array)
    last = np.add.reduce(~missing, axis=-1, keepdims=True) - 1 if nan else np.asarray(rows.shape[-1] - 1)
    ranks = (parts.reshape(-1) * wrap(last.astype(rows.array.dtype))).clamp(min=0).expand(*rows.shape[:-1], -1)
    if not nan and missing.any():  # NaN stands last
        ranks = where(wrap(missing[..., -1:]), float(last), ranks)
    rounded: Any = {"lower": np.floor, "higher": np.ceil, "nearest": np.round}.get(interpolation)
    places = ranks.array
    if rounded is not None:
        result = gather(rows, -1, wrap(rounded(places).astype(np.int64)))
    else:
        below, above = [gather(rows, -1, wrap(each(places).astype(np.int64))) for each in (np.floor, np.ceil)]
        middle = interpolation == "midpoint"
        result = lerp(below, above, wrap(np.full_like(places, 0.5)) if middle else ranks - wrap(np.floor(places)))
    if keepdim and input.ndim:
        result = result.reshape((1,) * input.ndim + (-1,)) if dim is None else result.unsqueeze(place)
    return result.movedim(-1, 0) if parts.ndim else result.squeeze(-1)


@checked
def quantile(
    input: Tensor, q: Tensor | float, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The values below which the parts ``q`` of the elements lie, over all or along ``dim``; NaN where there is one.

    Shapes: that of ``input`` without ``dim``, all unless told (``keepdim`` keeps it at size 1), after that of ``q``, a
    number or (n,). Between two elements: "linear", the "lower", the "higher", the "nearest", or their "midpoint".

    Raises:
        RuntimeError: there is no element, or ``q`` is beyond 0 to 1, has more dimensions or another type, or the input
            is neither of float32 nor of float64.

    >>> minigrad.quantile(minigrad.tensor([1.0, 2.0, 4.0]), 0.75)
    tensor(3.)
    """
    return quantile_of("quantile", input, q, dim, keepdim, interpolation, nan=False)


@checked
def nanquantile(
    input: Tensor, q: Tensor | float, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """:func:`quantile` of the elements that are not NaN; NaN where all are."""
    return quantile_of("nanquantile", input, q, dim, keepdim, interpolation, nan=True)
