"""Multi-head attention. What is made of it is in ``transformer.py``."""

from __future__ import annotations

import math
from typing import Any

from minigrad import creation, dtypes
from minigrad.caller import warn_user
from minigrad.creation import empty, ones, zeros_like
from minigrad.graph.function import taken_in
from minigrad.nn import functional, init
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops.joining import cat
from minigrad.tensor import Tensor

__all__ = ["MultiheadAttention"]


Mask = Tensor | None


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear under the name that PyTorch prints for attention's output."""


def as_added(
    mask: Mask, name: str, dtype: dtypes.dtype, other: Tensor | None = None, others_name: str = ""
) -> Tensor | None:
    """A mask as numbers to add to scores: -∞ where a bool mask is True, which here means "may not look".

    Warns where the ``other`` mask is not of one type with it.
    """
    if mask is None:
        return None
    mask = taken_in(mask)
    if not isinstance(mask, Tensor):
        raise TypeError(f"{name} must be Tensor, not {type(mask).__name__}")
    if other is not None and other.dtype is not mask.dtype:
        warn_user(f"Support for mismatched {name} and {others_name} is deprecated. Use same type for both instead.")
    if mask.dtype is dtypes.bool:
        return zeros_like(mask, dtype=dtype).masked_fill_(mask, -math.inf)
    if not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return mask


class MultiheadAttention(Module):
    """Several attentions side by side, each on its own projection of queries, keys and values; joined and projected.

    Shapes, L queries, S keys, N samples: query (L, N, E), key (S, N, kdim), value (S, N, vdim) -> (L, N, E) and the
    weights (N, L, S), averaged over the heads, or (N, num_heads, L, S). With ``batch_first`` N stands first; N may be
    left out. ``key_padding_mask`` (N, S) and ``attn_mask`` (L, S) or (N·num_heads, L, S) are True where a query may
    not look, or are added. ``is_causal`` promises that ``attn_mask`` is the causal one, which is then taken in
    its place where there is neither padding nor a need of weights.
    ``in_proj_weight`` (3E, E), or ``q_``, ``k_`` and ``v_proj_weight`` where kdim or vdim differ from E;
    ``in_proj_bias`` (3E,); ``out_proj`` a Linear.

    Raises:
        ValueError, AssertionError: the sizes do not fit: E is no multiple of ``num_heads``, or an input has another.
        RuntimeError: ``is_causal`` without ``attn_mask``.

    Source: Vaswani et al., "Attention Is All You Need", 2017.

    >>> attention = minigrad.nn.MultiheadAttention(8, num_heads=2, batch_first=True)
    >>> x = minigrad.rand(1, 5, 8)
    >>> output, weights = attention(x, x, x)
    >>> output.shape, weights.shape
    (minigrad.Size([1, 5, 8]), minigrad.Size([1, 5, 5]))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads must be greater than 0, got {embed_dim} and {num_heads} instead")
        if embed_dim % num_heads:
            raise AssertionError("embed_dim must be divisible by num_heads")
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn
        options = {"device": device, "dtype": dtype}
        same = self._qkv_same_embed_dim
        for name, shape, wanted in (
            ("in_proj_weight", (3 * embed_dim, embed_dim), same),
            ("q_proj_weight", (embed_dim, embed_dim), not same),
            ("k_proj_weight", (embed_dim, self.kdim), not same),
            ("v_proj_weight", (embed_dim, self.vdim), not same),
            ("in_proj_bias", (3 * embed_dim,), bias),
        ):
            self.register_parameter(name, Parameter(empty(shape, **options)) if wanted else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **options)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, Parameter(empty(1, 1, embed_dim, **options)) if add_bias_kv else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the projections anew; the biases are 0."""
        for each in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if each is not None:
                init.xavier_uniform_(each)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        if self.bias_k is not None:
            init.xavier_normal_(self.bias_k)
            init.xavier_normal_(self.bias_v)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Mask = None,
        need_weights: bool = True,
        attn_mask: Mask = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        if is_causal and attn_mask is None:
            raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
        batched = query.ndim == 3
        if query.ndim not in (2, 3):
            raise AssertionError(
                f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query tensor"
            )
        expected = f"For {'batched (3-D)' if batched else 'unbatched (2-D)'} `query`, expected"
        if key.ndim != query.ndim or value.ndim != query.ndim:
            raise AssertionError(
                f"{expected} `key` and `value` to be {query.ndim}-D but found {key.ndim}-D and {value.ndim}-D tensors "
                f"respectively"
            )
        if isinstance(key_padding_mask, Tensor) and key_padding_mask.ndim != query.ndim - 1:
            raise AssertionError(
                f"{expected} `key_padding_mask` to be `None` or {query.ndim - 1}-D but found {key_padding_mask.ndim}-D "
                f"tensor instead"
            )
        if isinstance(attn_mask, Tensor) and attn_mask.ndim not in (2, 3):
            found = f"{attn_mask.ndim}-D tensor instead"
            raise AssertionError(f"{expected} `attn_mask` to be `None`, 2-D or 3-D but found {found}")
        wanted = (self.num_heads, query.shape[0], key.shape[0])
        if isinstance(attn_mask, Tensor) and not batched and attn_mask.ndim == 3 and attn_mask.shape != wanted:
            raise AssertionError(f"Expected `attn_mask` shape to be {wanted} but got {attn_mask.shape}")
        if not batched:
            query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
            key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
        elif self.batch_first:
            query, key, value = query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1)
        if query.shape[2] != self.embed_dim:
            raise AssertionError(f"was expecting embedding dimension of {self.embed_dim}, but got {query.shape[2]}")
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(f"key shape {list(key.shape)} does not match value shape {list(value.shape)}")
        causal = is_causal and key_padding_mask is None and not need_weights
        result, weights = self.attend(query, key, value, key_padding_mask, None if causal else attn_mask, causal)
        if batched and self.batch_first:
            result = result.transpose(0, 1)
        if not need_weights:
            return (result if batched else result.squeeze(1)), None
        weights = weights.mean(1) if average_attn_weights else weights
        return (result, weights) if batched else (result.squeeze(1), weights.squeeze(0))

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Mask, attn_mask: Mask, causal: bool
    ) -> tuple[Tensor, Tensor]:
        """The result (L, N, E) and each head's weights (N, num_heads, L, S) for inputs with N second.

        Where it is ``causal``, query i looks at the keys up to i.
        """
        length, batch, _ = query.shape
        queries, keys, values = self.project(query, key, value)
        mask = self.merged_mask(key_padding_mask, attn_mask, query, key.shape[0])
        if self.bias_k is not None and self.bias_v is not None:
            keys = cat([keys, self.bias_k.repeat(1, batch, 1)])
            values = cat([values, self.bias_v.repeat(1, batch, 1)])
            mask = None if mask is None else functional.pad(mask, (0, 1))
        heads = [self.split_heads(each) for each in (queries, keys, values)]
        if self.add_zero_attn:
            zeros = creation.zeros((batch, self.num_heads, 1, self.head_dim), dtype=query.dtype)
            heads[1], heads[2] = cat([heads[1], zeros], 2), cat([heads[2], zeros], 2)
            mask = None if mask is None else functional.pad(mask, (0, 1))
        if causal:
            later = ones(length, heads[1].shape[2], dtype=dtypes.bool).triu(1)
            mask = as_added(later, "attn_mask", query.dtype)
        scores = (heads[0] * math.sqrt(1 / self.head_dim)) @ heads[1].transpose(-2, -1)
        weights = (scores if mask is None else scores + mask).softmax(-1)
        if self.training and self.dropout > 0:
            weights = functional.dropout(weights, self.dropout)
        joined = (weights @ heads[2]).permute(2, 0, 1, 3).reshape(length * batch, self.embed_dim)
        result = functional.linear(joined, self.out_proj.weight, self.out_proj.bias)
        return result.view(length, batch, self.embed_dim), weights

    def project(self, query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
        """Queries, keys and values, each (length, N, E)."""
        if self._qkv_same_embed_dim:
            weights = self.in_proj_weight.chunk(3)
        else:
            weights = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        biases = (None, None, None) if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        projected = []
        for each, weight, bias in zip((query, key, value), weights, biases):
            projected.append(functional.linear(each, weight, bias))
        return projected

    def split_heads(self, projected: Tensor) -> Tensor:
        """(length, N, E) as (N, num_heads, length, head_dim)."""
        length, batch, _ = projected.shape
        return projected.reshape(length, batch, self.num_heads, self.head_dim).permute(1, 2, 0, 3)

    def merged_mask(self, key_padding_mask: Mask, attn_mask: Mask, query: Tensor, keys: int) -> Tensor | None:
        """Both masks as one to add to the scores, which broadcasts to (N, num_heads, L, S)."""
        length, batch, _ = query.shape
        mask = as_added(attn_mask, "attn_mask", query.dtype)
        if mask is not None:
            wanted = [length, keys] if mask.ndim == 2 else [batch * self.num_heads, length, keys]
            if list(mask.shape) != wanted:
                told = f"The shape of the {len(wanted)}D attn_mask is {list(mask.shape)}"
                raise RuntimeError(f"{told}, but should be {wanted}.")
            mask = mask if mask.ndim == 2 else mask.view(batch, self.num_heads, length, keys)
        padding = as_added(key_padding_mask, "key_padding_mask", query.dtype, attn_mask, "attn_mask")
        if padding is None:
            return mask
        if padding.shape != (batch, keys):
            raise AssertionError(f"expecting key_padding_mask shape of {(batch, keys)}, but got {padding.shape}")
        padding = padding.view(batch, 1, 1, keys)
        return padding if mask is None else mask + padding
