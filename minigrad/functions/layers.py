"""What layers compute, as functions of ``nn.functional``: normalisation, embedding, dropout, padding, attention.

The rules: ``ops/normalization.py``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import creation, dtypes, linalg, ops
from minigrad.functions import einsum, elementwise, products
from minigrad.functions.arguments import check_tensors
from minigrad.graph.grad_mode import no_grad
from minigrad.graph.node import Tensor

__all__ = [
    *("bilinear", "dropout", "embedding", "layer_norm", "linear", "log_softmax", "normalize", "one_hot", "pad"),
    *("rms_norm", "scaled_dot_product_attention", "softmax"),
]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input weightᵀ + bias. Shapes: (..., in_features), (out_features, in_features), (out_features,).

    Raises:
        RuntimeError: the sizes or the types do not agree.
    """
    ndim = input.array.ndim
    if ndim == 0 or weight.array.ndim == 0:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {ndim}D and {weight.ndim}D")
    transposed = ops.shape.T.apply(weight)
    if bias is None:
        return ops.matmul.Mm.apply(input, transposed) if ndim == 2 else products.matmul(input, transposed)
    if ndim == 2:
        return ops.matmul.Addmm.apply(bias, input, transposed)
    if ndim == 1:
        return ops.matmul.Addmm.apply(bias, input.view(1, -1), transposed).view(-1)
    if input.contiguous() is input:
        rows = input.view(int(np.prod(input.shape[:-1])), input.shape[-1])
        return ops.matmul.Addmm.apply(bias, rows, transposed).view(*input.shape[:-1], weight.shape[0])
    return products.matmul(input, transposed) + bias


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """zₖ = input1ᵀ weightₖ input2 + biasₖ. Shapes: (..., n), (..., m), (out, n, m), (out,) -> (..., out).

    Raises:
        RuntimeError: the sizes do not agree.
    """
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match: got {list(input1.shape)} and {list(input2.shape)}"
        )
    for number, (input, size) in enumerate(((input1, weight.shape[1]), (input2, weight.shape[2])), 1):
        if input.shape[-1] != size:
            raise RuntimeError(
                f"bilinear(): input{number} size does not match weight size: got {input.shape[-1]} but expected {size}"
            )
    result = einsum.einsum("...n,knm,...m->...k", input1, weight, input2)
    return result if bias is None else result + bias


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(input) divided by its sum along ``dim``."""
    return input.softmax(implicit_dim("softmax", dim, input.ndim, _stacklevel), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of :func:`softmax`, computed without overflow."""
    return input.log_softmax(implicit_dim("log_softmax", dim, input.ndim, _stacklevel), dtype)


def implicit_dim(name: str, dim: int | None, ndim: int, stacklevel: int) -> int:
    """``dim``, or with a warning the one that older code meant: the first of 0, 1 or 3 dimensions, else the second."""
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an "
            f"argument.",
            stacklevel=stacklevel,
        )
        return 0 if ndim in (0, 1, 3) else 1
    return dim


# ------------------------------------------------------------------------------------------ normalisation


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Tensor:
    """input divided by its p-norm along ``dim``, the norm no less than ``eps``."""
    return input / input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)


def check_normalized(name: str, input: Tensor, normalized_shape: Sequence[int], **parameters: Tensor | None) -> None:
    """Raise PyTorch's RuntimeError where ``input`` does not end in ``normalized_shape``, or a parameter has another."""
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(f"{name}: Expected normalized_shape to be at least 1-dimensional")
    for parameter, value in parameters.items():
        if value is not None and value.shape != shape:
            raise RuntimeError(
                f"Expected {parameter} to be of same shape as normalized_shape, but got {parameter} of shape "
                f"{list(value.shape)} and normalized_shape = {list(shape)}"
            )
    if input.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], but "
            f"got input of size{list(input.shape)}"
        )


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Tensor:
    """(input - mean) / √(variance + eps) · weight + bias over the last dimensions. Source: Ba et al., 2016.

    Raises:
        RuntimeError: the input does not end in ``normalized_shape``, or a parameter has another shape.
    """
    check_normalized("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    if not input.is_floating_point():
        raise NotImplementedError(f'"LayerNormKernelImpl" not implemented for {input.dtype}')
    return ops.normalization.NativeLayerNorm.apply(input, weight, bias, ndim=len(normalized_shape), eps=eps)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """input / √(mean of squares + eps) · weight over the last dimensions; ``eps`` the type's own unless told.

    Source: Zhang & Sennrich, 2019. Raises: as :func:`layer_norm`.
    """
    if input.ndim < len(normalized_shape):
        raise ValueError(f"Input tensor must have at least {len(normalized_shape)} dimensions, but got {input.ndim}")
    check_normalized("rms_norm", input, normalized_shape, weight=weight)
    if not input.is_floating_point():
        raise NotImplementedError(f'"rms_norm" not implemented for {input.dtype}')
    dims = tuple(range(-len(normalized_shape), 0))
    wide = input.float() if input.dtype is dtypes.float16 else input  # as in PyTorch, whose squares then fit
    eps = float(np.finfo(wide.array.dtype).eps) if eps is None else eps
    normal = (wide * (wide.pow(2).mean(dims, keepdim=True) + eps).rsqrt()).to(input.dtype)
    return normal if weight is None else normal * weight


# --------------------------------------------------------------------------------- embedding and dropout


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of ``weight`` that ``input`` names. Shapes: (*), (n, d) -> (*, d).

    ``max_norm`` first scales the rows named down to that norm, in place. ``sparse`` changes nothing.

    Raises:
        RuntimeError: the input is not of an integer type.
        IndexError: an index is no row.
        ValueError: ``padding_idx`` is no row.
    """
    check_tensors("embedding", input=input, weight=weight)
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, but has {weight.ndim} dimensions")
    rows = weight.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError(f"Padding_idx must be within num_embeddings: {padding_idx}, {rows}")
        padding_idx %= rows
    if input.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.dtype} instead"
        )
    if ((input.array < 0) | (input.array >= rows)).any():
        raise IndexError(f"index out of range in self: there are {rows} rows")
    if max_norm is not None:
        renormalize(weight, np.unique(input.array), max_norm, norm_type)
    return ops.normalization.Embedding.apply(
        weight,
        indices=input.array,
        padding_index=-1 if padding_idx is None else padding_idx,
        by_frequency=scale_grad_by_freq,
    )


def renormalize(weight: Tensor, rows: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Scale the rows of ``weight`` whose norm is above ``max_norm`` down to it, in place."""
    with no_grad():
        norms = linalg.vector_norm(weight[rows], norm_type, 1, True)
        weight[rows] = weight[rows] * elementwise.where(norms > max_norm, max_norm / (norms + 1e-7), 1.0)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Zeros with a one at each class: int64. Shapes: (*) -> (*, classes), as many as the largest class asks for.

    Raises:
        RuntimeError: a class is negative or too large, the type is not int64, or there is no class to count.
    """
    check_tensors("one_hot", tensor=tensor)
    if tensor.dtype is not dtypes.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if tensor.numel() == 0 and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if (tensor.array < 0).any():
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(tensor.array.max()) + 1
    elif num_classes <= 0:
        raise RuntimeError("num_classes should be positive")
    elif (tensor.array >= num_classes).any():
        raise RuntimeError(f"Class values must be smaller than num_classes ({num_classes}).")
    return creation.from_numpy(np.eye(num_classes, dtype=np.int64)[tensor.array])


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training each element is 0 with probability ``p``, the others divided by 1 - p.

    Source: Srivastava et al., 2014.

    Raises:
        ValueError: ``p`` is no probability.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0 or input.numel() == 0:
        return input
    kept = creation.zeros_like(input) if p == 1 else creation.empty_like(input).bernoulli_(1 - p).div_(1 - p)
    return input.mul_(kept) if inplace else input * kept


# ---------------------------------------------------------------------------------------------- padding


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Places added around: ``pad`` has two numbers a dimension, the last dimension first; negative ones take away.

    ``mode`` "constant" fills with ``value`` (0), "reflect" mirrors, "replicate" repeats the edge, "circular" continues
    with the opposite edge; these pad the last one to three of two to five dimensions.

    Raises:
        RuntimeError: there are more numbers than dimensions, an odd count, or more padding than the mode can fill.
        NotImplementedError: the mode is unknown, or does not pad so many dimensions.
    """
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(
            f"Padding length must be divisible by 2 and should be less than or equal to two times the input dimension. "
            f"Padding length: {len(pad)}, Input dim: {input.ndim}"
        )
    count = len(pad) // 2
    before, after = [0] * (input.ndim - count) + list(pad[-2::-2]), [0] * (input.ndim - count) + list(pad[-1::-2])
    new = [b + size + a for b, size, a in zip(before, input.shape, after)]
    if min(new, default=0) < 0:
        raise RuntimeError(f"The input size {list(input.shape)}, plus padding {list(pad)}, resulted in a negative size")
    if mode == "constant":
        return ops.normalization.ConstantPadNd.apply(input, before=before, after=after, value=value or 0)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if input.ndim not in (count + 1, count + 2) or count not in (1, 2, 3):
        raise NotImplementedError(f"Only 2D, 3D, 4D, 5D padding with non-constant padding are supported, not {mode} so")
    where = np.ix_(*[positions(mode, *each) for each in zip(input.shape, before, after)])
    operation = {
        "reflect": ops.normalization.ReflectionPad,
        "replicate": ops.normalization.ReplicationPad,
        "circular": ops.normalization.CircularPad,
    }[mode]
    return operation.apply(input, where=where)


def positions(mode: str, size: int, before: int, after: int) -> np.ndarray:
    """Which element stands at each place of a padded dimension."""
    if mode == "circular":  # what is taken away is gone before the rest is continued
        first, rest = max(-before, 0), size - max(-before, 0) - max(-after, 0)
        if max(before, after) > size:
            raise RuntimeError(f"Padding ({before}, {after}) would wrap around a dimension of size {size} twice")
        return first + np.arange(-max(before, 0), rest + max(after, 0)) % max(rest, 1)
    places = np.arange(-before, size + after)
    if mode == "replicate":
        return np.clip(places, 0, size - 1)
    if max(before, after) >= max(size, 1):
        raise RuntimeError(
            f"Padding size should be less than the corresponding input dimension, but got: padding ({before}, {after}) "
            f"at a dimension of size {size}"
        )
    mirrored = np.abs(places)
    return np.where(mirrored >= size, 2 * (size - 1) - mirrored, mirrored)


# -------------------------------------------------------------------------------------------- attention


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
    if enable_gqa:
        key, value = [each.repeat_interleave(query.shape[-3] // each.shape[-3], -3) for each in (key, value)]
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    if is_causal:
        attn_mask = creation.ones(query.shape[-2], key.shape[-2], dtype=dtypes.bool).tril()
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
