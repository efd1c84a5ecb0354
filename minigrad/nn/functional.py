"""The layers' computations as functions. Each is PyTorch's ``torch.nn.functional`` function of the same name.

They are written in ``minigrad/ops``, each beside its rule: ``activation.py``, ``rectifiers.py``, ``convolution.py``,
``pooling.py``, ``losses.py`` and so on. Here are only those that ``minigrad`` has too, with other arguments, and one
that is made of them.
"""

from __future__ import annotations

from typing import Any

from minigrad import dtypes, ops
from minigrad.arguments.gate import checked
from minigrad.caller import warn_user
from minigrad.creation import empty_like, zeros_like
from minigrad.graph.node import Tensor
from minigrad.ops.activation import gelu, glu, logsigmoid, mish, silu, softplus, softsign, tanhshrink
from minigrad.ops.adaptive_pooling import *
from minigrad.ops.attention import scaled_dot_product_attention
from minigrad.ops.batch_norm import batch_norm
from minigrad.ops.classification_losses import *
from minigrad.ops.convolution import *
from minigrad.ops.ctc import ctc_loss
from minigrad.ops.dropout import *
from minigrad.ops.embedding import embedding, embedding_bag, one_hot
from minigrad.ops.grid_sampling import *
from minigrad.ops.linear import bilinear, linear
from minigrad.ops.losses import *
from minigrad.ops.margin_losses import *
from minigrad.ops.normalization import *
from minigrad.ops.padding import pad
from minigrad.ops.pooling import *
from minigrad.ops.power_pooling import *
from minigrad.ops.rectifiers import celu, celu_, elu, elu_, hardshrink, hardsigmoid, hardswish, hardtanh, hardtanh_
from minigrad.ops.rectifiers import leaky_relu, leaky_relu_, prelu, relu6, rrelu, rrelu_, selu, selu_, softshrink
from minigrad.ops.rectifiers import Relu, applied, relu_, threshold, threshold_
from minigrad.ops.resizing import *
from minigrad.ops.score_losses import *
from minigrad.ops.shuffling import *
from minigrad.ops.unfolding import fold, unfold
from minigrad.ops.unpooling import *
from minigrad.ops.volume_pooling import *

FAMILIES = [ops.adaptive_pooling, ops.classification_losses, ops.convolution, ops.dropout, ops.grid_sampling]
FAMILIES += [ops.losses, ops.margin_losses, ops.normalization, ops.pooling, ops.power_pooling, ops.resizing]
FAMILIES += [ops.score_losses, ops.shuffling, ops.unpooling, ops.volume_pooling]
__all__ = ["batch_norm", "bilinear", "celu", "celu_", "ctc_loss", "elu", "elu_", "embedding", "embedding_bag", "fold"]
__all__ += ["gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_"]
__all__ += ["leaky_relu", "leaky_relu_", "linear", "log_softmax", "logsigmoid", "mish", "one_hot", "pad", "prelu"]
__all__ += ["relu", "relu6", "relu_", "rrelu", "rrelu_", "scaled_dot_product_attention", "selu", "selu_", "sigmoid"]
__all__ += ["silu", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold"]
__all__ += ["threshold_", "unfold"]
__all__ += [name for family in FAMILIES for name in family.__all__]


@checked
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0). At 0 the gradient is 0. Shape: that of ``input``."""
    return applied("relu", input, inplace, Relu)


@checked
def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None) -> Tensor:
    """softmax(-x). Shape: that of ``input``."""
    return softmax(-input, dim, _stacklevel, dtype)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)). Shape: that of ``input``."""
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent. Shape: that of ``input``."""
    return input.tanh()


@checked
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None) -> Tensor:
    """exp(input) divided by its sum along ``dim``. Shape: that of ``input``."""
    return input.softmax(implicit_dim("softmax", dim, input.ndim), dtype)


def implicit_dim(name: str, dim: int | None, ndim: int) -> int:
    """``dim``, or with a warning the one that older code meant: the first of 0, 1 or 3 dimensions, else the second."""
    if dim is None:
        warn_user(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an "
            f"argument."
        )
        return 0 if ndim in (0, 1, 3) else 1
    return dim


@checked
def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """The logarithm of :func:`softmax`, computed without overflow. Shape: that of ``input``."""
    return input.log_softmax(implicit_dim("log_softmax", dim, input.ndim), dtype)


@checked
def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A draw from the classes that softmax(logits) weighs, softened so that it has a gradient. Shape: that of logits.

    It is softmax((logits + Gumbel noise) / tau) along ``dim``. ``hard`` gives ones and zeros, with the gradient of the
    soft draw. ``eps`` has no effect, and warns. Source: Jang et al., 2017.
    """
    if eps != 1e-10:
        warn_user("`eps` parameter is deprecated and has no effect.")
    gumbels = -empty_like(logits).exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    chosen = zeros_like(logits).scatter_(dim, soft.max(dim, keepdim=True).indices, 1.0)
    return chosen - soft.detach() + soft
