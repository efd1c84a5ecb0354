"""The transformer: encoder, decoder and both together. Source: Vaswani et al., "Attention Is All You Need", 2017.

The encoder's layers look at their own input; the decoder's look at theirs and then at ``memory``, what the encoder
gave. Masks are those of :class:`MultiheadAttention`, True or -∞ where a place may not be looked at.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from minigrad import creation
from minigrad.caller import warn_user
from minigrad.graph.grad_mode import is_grad_enabled
from minigrad.nn import functional, init
from minigrad.nn.attention import Mask, MultiheadAttention, as_added
from minigrad.nn.container import ModuleList
from minigrad.nn.dropout import Dropout
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.normalization import LayerNorm
from minigrad.tensor import Tensor

__all__ = ["Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder"]
__all__ += ["TransformerEncoderLayer"]


class _Layer(Module):
    """What a layer of the encoder and one of the decoder share; the decoder's ``has_memory`` to look at."""

    has_memory = False

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = functional.relu,
        layer_norm_eps: float = 1e-05,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, batch_first=batch_first, **options)
        if self.has_memory:
            self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, batch_first=batch_first, **options)
        self.linear1 = Linear(d_model, dim_feedforward, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **options)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, **options)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, **options)
        if self.has_memory:
            self.norm3 = LayerNorm(d_model, layer_norm_eps, **options)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        if self.has_memory:
            self.dropout3 = Dropout(dropout)
        if isinstance(activation, str):
            if activation not in ("relu", "gelu"):
                raise RuntimeError(f"activation should be relu/gelu, not {activation}")
            activation = functional.relu if activation == "relu" else functional.gelu
        self.activation = activation

    def self_attention(self, x: Tensor, mask: Mask, padding: Mask, is_causal: bool) -> Tensor:
        """Attention of x to itself, with dropout: what is added to x."""
        attended, _ = self.self_attn(x, x, x, padding, need_weights=False, attn_mask=mask, is_causal=is_causal)
        return self.dropout1(attended)

    def feedforward(self, x: Tensor) -> Tensor:
        """The network of two layers on x."""
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Self-attention and a network of two layers, each added to its input and normalised, after or before.

    Shapes: src (S, N, d_model), with ``batch_first`` (N, S, d_model), the same out; N may be left out. The masks are
    those of :class:`MultiheadAttention`. ``activation`` is "relu", "gelu" or a function; ``norm_first`` normalises
    before each part (Xiong et al., 2020). Source: Vaswani et al., 2017.

    Raises:
        RuntimeError: ``activation`` is another word.
    """

    def forward(
        self, src: Tensor, src_mask: Mask = None, src_key_padding_mask: Mask = None, is_causal: bool = False
    ) -> Tensor:
        padding = as_added(src_key_padding_mask, "src_key_padding_mask", src.dtype, src_mask, "src_mask")
        mask = as_added(src_mask, "src_mask", src.dtype)
        x = src
        if self.norm_first:
            x = x + self.self_attention(self.norm1(x), mask, padding, is_causal)
            return x + self.dropout2(self.feedforward(self.norm2(x)))
        x = self.norm1(x + self.self_attention(x, mask, padding, is_causal))
        return self.norm2(x + self.dropout2(self.feedforward(x)))


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to ``memory`` and a network of two layers, each added to its input and normalised.

    Shapes: tgt (T, N, d_model) and memory (S, N, d_model), with ``batch_first`` N first, as tgt out; N may be left out.
    The masks are those of :class:`MultiheadAttention`, ``memory_mask`` (T, S). The arguments are those of
    :class:`TransformerEncoderLayer`. Source: Vaswani et al., 2017.

    Raises:
        RuntimeError: ``activation`` is a word other than "relu" and "gelu".
    """

    has_memory = True

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Mask = None,
        memory_mask: Mask = None,
        tgt_key_padding_mask: Mask = None,
        memory_key_padding_mask: Mask = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        of_self = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        of_memory = (memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        x = tgt
        if self.norm_first:
            x = x + self.self_attention(self.norm1(x), *of_self)
            x = x + self.memory_attention(self.norm2(x), *of_memory)
            return x + self.dropout3(self.feedforward(self.norm3(x)))
        x = self.norm1(x + self.self_attention(x, *of_self))
        x = self.norm2(x + self.memory_attention(x, *of_memory))
        return self.norm3(x + self.dropout3(self.feedforward(x)))

    def memory_attention(self, x: Tensor, memory: Tensor, mask: Mask, padding: Mask, is_causal: bool) -> Tensor:
        """Attention of x to ``memory``, with dropout: what is added to x."""
        given = {"attn_mask": mask, "is_causal": is_causal}
        attended, _ = self.multihead_attn(x, memory, memory, padding, need_weights=False, **given)
        return self.dropout2(attended)


class _Stack(Module):
    """Copies of a layer, one after the other, and a normalisation."""

    def __init__(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm


class TransformerEncoder(_Stack):
    """``num_layers`` copies of an encoder layer, one after the other, and a normalisation where given.

    Shapes: those of the layer. Source: Vaswani et al., 2017.

    ``enable_nested_tensor``: in evaluation, without gradients, where only a padding mask is given and all of it stands
    at the ends, what the layers give of padding is 0, as in PyTorch, which then computes without it; ``mask_check``
    False takes for granted where it stands.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__(encoder_layer, num_layers, norm)
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check
        reason = why_not_nested(encoder_layer) if enable_nested_tensor else ""
        if reason:
            warn_user(f"enable_nested_tensor is True, but self.use_nested_tensor is False because {reason}")
        self.use_nested_tensor = enable_nested_tensor and not reason

    def forward(
        self, src: Tensor, mask: Mask = None, src_key_padding_mask: Mask = None, is_causal: bool | None = None
    ) -> Tensor:
        padding = as_added(src_key_padding_mask, "src_key_padding_mask", src.dtype, mask, "mask")
        output = src
        for layer in self.layers:
            output = layer(output, src_mask=mask, src_key_padding_mask=padding, is_causal=bool(is_causal))
        if padding is not None and mask is None and self.is_nested(src, padding):
            output = output.masked_fill(padding.bool().unsqueeze(-1), 0)
        return output if self.norm is None else self.norm(output)

    def is_nested(self, src: Tensor, padding: Tensor) -> bool:
        """Whether PyTorch would compute without the padding."""
        first = self.layers[0]
        if not self.use_nested_tensor or first.training or src.ndim != 3:
            return False
        if is_grad_enabled() and any(each.requires_grad for each in (src, *first.parameters())):
            return False
        is_padding = padding.bool()
        return not (self.mask_check and bool((is_padding[:, :-1] & ~is_padding[:, 1:]).any()))


def why_not_nested(layer: Module) -> str:
    """Why an encoder of this layer never computes without the padding, in PyTorch's words; empty where it may."""
    if not isinstance(layer, TransformerEncoderLayer):
        return "encoder_layer was not TransformerEncoderLayer"
    attention = layer.self_attn
    reasons = {
        "norm_first was True": layer.norm_first,
        "self_attn.batch_first was not True(use batch_first for better inference performance)": (
            not attention.batch_first
        ),
        "self_attn was passed bias=False": attention.in_proj_bias is None,
        "activation_relu_or_gelu was not True": layer.activation not in (functional.relu, functional.gelu),
        "norm1.eps was not equal to encoder_layer.norm2.eps": layer.norm1.eps != layer.norm2.eps,
        "self_attn.num_heads is odd": attention.num_heads % 2 == 1,
    }
    return next((f"encoder_layer.{words}" for words, holds in reasons.items() if holds), "")


class TransformerDecoder(_Stack):
    """``num_layers`` copies of a decoder layer, one after the other, and a normalisation where given.

    Shapes: those of the layer. Source: Vaswani et al., 2017.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Mask = None,
        memory_mask: Mask = None,
        tgt_key_padding_mask: Mask = None,
        memory_key_padding_mask: Mask = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        padding = {"tgt_key_padding_mask": tgt_key_padding_mask, "memory_key_padding_mask": memory_key_padding_mask}
        causal = {"tgt_is_causal": bool(tgt_is_causal), "memory_is_causal": memory_is_causal}
        output = tgt
        for layer in self.layers:
            output = layer(output, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, **padding, **causal)
        return output if self.norm is None else self.norm(output)


class Transformer(Module):
    """An encoder of ``src``, and a decoder of ``tgt`` that looks at what the encoder gave.

    Shapes: src (S, N, d_model), tgt (T, N, d_model), with ``batch_first`` N first, as tgt out; N may be left out. The
    masks are those of the two, ``memory_mask`` (T, S). Matrices begin as ``init.xavier_uniform_`` draws them. Source:
    Vaswani et al., 2017.

    Raises:
        RuntimeError: from forward, where the batches differ, or an input has another last size than ``d_model``.

    >>> source, target = minigrad.rand(5, 3, 8), minigrad.rand(4, 3, 8)
    >>> minigrad.nn.Transformer(8, 2, num_encoder_layers=1, num_decoder_layers=1, batch_first=True)(
    ...     source.transpose(0, 1), target.transpose(0, 1)
    ... ).shape
    minigrad.Size([3, 4, 8])
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = functional.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-05,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"bias": bias, "device": device, "dtype": dtype}
        layer = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first)
        if custom_encoder is None:
            encoder_layer = TransformerEncoderLayer(*layer, **options)
            norm = LayerNorm(d_model, layer_norm_eps, **options)
            custom_encoder = TransformerEncoder(encoder_layer, num_encoder_layers, norm)
        self.encoder = custom_encoder
        if custom_decoder is None:
            decoder_layer = TransformerDecoderLayer(*layer, **options)
            norm = LayerNorm(d_model, layer_norm_eps, **options)
            custom_decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norm)
        self.decoder = custom_decoder
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Mask = None,
        tgt_mask: Mask = None,
        memory_mask: Mask = None,
        src_key_padding_mask: Mask = None,
        tgt_key_padding_mask: Mask = None,
        memory_key_padding_mask: Mask = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        return self.decoder(tgt, memory, *masks, tgt_is_causal=tgt_is_causal, memory_is_causal=memory_is_causal)

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """-∞ above the diagonal, 0 elsewhere: place i may look at the places up to i. Shape: (sz, sz)."""
        return creation.full((sz, sz), -math.inf, dtype=dtype, device=device).triu(1)
