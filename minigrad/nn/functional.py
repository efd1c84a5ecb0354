"""The layers' computations as functions. Each is PyTorch's ``torch.nn.functional`` function of the same name."""

from __future__ import annotations

import warnings

import numpy as np

from minigrad import dtypes
from minigrad.functions.activation import (
    celu,
    elu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmin,
    softplus,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
    threshold,
)
from minigrad.functions.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_embedding_loss,
    cosine_similarity,
    cross_entropy,
    hinge_embedding_loss,
    huber_loss,
    kl_div,
    l1_loss,
    margin_ranking_loss,
    mse_loss,
    nll_loss,
    pairwise_distance,
    smooth_l1_loss,
    triplet_margin_loss,
)
from minigrad.functions.products import matmul
from minigrad.ops.matmul import Addmm, Mm
from minigrad.tensor import Tensor

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "elu",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "margin_ranking_loss",
    "mish",
    "mse_loss",
    "nll_loss",
    "pairwise_distance",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "triplet_margin_loss",
]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input weightᵀ + bias. Shapes: (..., in_features), (out_features, in_features), (out_features,).

    Raises:
        RuntimeError: the sizes or the types do not agree.
    """
    if bias is None:
        return Mm.apply(input, weight.t()) if input.ndim == 2 else matmul(input, weight.t())
    if input.ndim == 2:
        return Addmm.apply(bias, input, weight.t())
    if input.ndim == 1:
        return Addmm.apply(bias, input.view(1, -1), weight.t()).view(-1)
    if input.is_contiguous():
        rows = input.view(int(np.prod(input.shape[:-1])), input.shape[-1])
        return Addmm.apply(bias, rows, weight.t()).view(*input.shape[:-1], weight.shape[0])
    return matmul(input, weight.t()) + bias


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None) -> Tensor:
    """exp(input) divided by its sum along ``dim``."""
    return input.softmax(implicit_dim("softmax", dim, input.ndim, _stacklevel), dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
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
