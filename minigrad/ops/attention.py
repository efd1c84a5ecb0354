"""Attention, as a function of ``nn.functional``: composed of products and a softmax, so it needs no rule of its own."""

from __future__ import annotations

import math

from minigrad import dtypes
from minigrad.arguments.gate import checked
from minigrad.creation import ones
from minigrad.graph.node import Tensor
from minigrad.ops.dropout import dropout

__all__ = ["scaled_dot_product_attention"]


def check_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool, enable_gqa: bool
) -> None:
    """Raise PyTorch's RuntimeError where dimensions, types, masks or numbers of heads do not go together."""
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {query.ndim} "
            f"key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if attn_mask is not None and attn_mask.dtype not in (dtypes.bool, dtypes.float32, query.dtype):
        raise RuntimeError(
            f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{attn_mask.dtype} and  query.dtype: {query.dtype} instead."
        )
    if attn_mask is not None and is_causal:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if not query.dtype is key.dtype is value.dtype:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {query.dtype} key.dtype: "
            f"{key.dtype} and value.dtype: {value.dtype} instead."
        )
    if enable_gqa and (query.shape[-3] % key.shape[-3] or query.shape[-3] % value.shape[-3]):
        raise RuntimeError("Number of heads in key and value must divide the number of heads in query")


@checked
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query keyᵀ · scale + mask) value. Shapes: (..., L, E), (..., S, E), (..., S, V) -> (..., L, V).

    ``scale`` is 1/√E unless told. A bool mask is True where a query may look, a floating one is added; ``is_causal``
    lets query i look at the keys up to i. A query that may look nowhere gets zeros. Source: Vaswani et al., 2017.

    Raises:
        RuntimeError: a mask is given with ``is_causal``, or the types differ.
    """
    check_attention(query, key, value, attn_mask, is_causal, enable_gqa)
    if enable_gqa:
        key, value = [each.repeat_interleave(query.shape[-3] // each.shape[-3], -3) for each in (key, value)]
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    if is_causal:
        attn_mask = ones(query.shape[-2], key.shape[-2], dtype=dtypes.bool).tril()
    scores = (query * math.sqrt(factor)) @ (key.transpose(-2, -1) * math.sqrt(factor))
    if attn_mask is not None and attn_mask.dtype is dtypes.bool:
        scores = scores.masked_fill(attn_mask.logical_not(), -math.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    weights = scores.softmax(-1)
    nowhere = (scores.detach() == -math.inf).all(-1, keepdim=True)
    if nowhere.any():
        weights = weights.masked_fill(nowhere, 0.0)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p)
    return weights @ value
