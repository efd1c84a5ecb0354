"""The layers' computations as functions. Each is PyTorch's ``torch.nn.functional`` function of the same name.

They are written in ``minigrad/ops``, each beside its rule: ``activation.py``, ``rectifiers.py``, ``convolution.py``,
``pooling.py``, ``losses.py`` and so on. Here are only those that ``minigrad`` has too, with other arguments.
"""

from __future__ import annotations

from typing import Any
import warnings

from minigrad.caller import warn_user
from minigrad import dtypes
from minigrad.arguments.gate import checked
from minigrad.graph.node import Tensor
from minigrad.ops.activation import gelu, glu, logsigmoid, mish, silu, softplus, softsign, tanhshrink
from minigrad.ops.adaptive_pooling import *
from minigrad.ops.attention import scaled_dot_product_attention
from minigrad.ops.batch_norm import batch_norm
from minigrad.ops.classification_losses import *
from minigrad.ops.convolution import *
from minigrad.ops.dropout import *
from minigrad.ops.embedding import embedding, one_hot
from minigrad.ops.linear import bilinear, linear
from minigrad.ops.losses import *
from minigrad.ops.margin_losses import *
from minigrad.ops.normalization import *
from minigrad.ops.padding import pad
from minigrad.ops.pooling import *
from minigrad.ops.rectifiers import celu, celu_, elu, elu_, hardshrink, hardsigmoid, hardswish, hardtanh, hardtanh_
from minigrad.ops.rectifiers import leaky_relu, leaky_relu_, prelu, relu6, selu, selu_, softshrink, threshold
from minigrad.ops.rectifiers import threshold_
from minigrad.ops.rectifiers import Relu, applied, relu_
from minigrad.ops.resizing import *
from minigrad.ops.unfolding import fold, unfold
from minigrad.ops.unpooling import *

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "avg_pool1d"]
__all__ += ["avg_pool2d", "batch_norm", "bilinear", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu"]
__all__ += ["celu_", "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "cosine_embedding_loss"]
__all__ += ["cosine_similarity", "cross_entropy", "dropout", "dropout1d", "dropout2d", "elu", "elu_", "embedding"]
__all__ += ["fold", "gelu", "glu", "group_norm", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_"]
__all__ += ["hinge_embedding_loss", "huber_loss", "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm"]
__all__ += ["leaky_relu", "leaky_relu_", "linear", "log_softmax", "logsigmoid", "margin_ranking_loss", "max_pool1d"]
__all__ += ["max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices", "max_unpool1d", "max_unpool2d", "mish"]
__all__ += ["mse_loss", "nll_loss", "normalize", "one_hot", "pad", "pairwise_distance", "pixel_shuffle"]
__all__ += ["pixel_unshuffle", "prelu", "relu", "relu6", "relu_", "rms_norm", "scaled_dot_product_attention", "selu"]
__all__ += ["selu_", "sigmoid", "silu", "smooth_l1_loss", "softmax", "softmin", "softplus", "softshrink", "softsign"]
__all__ += ["tanh", "tanhshrink", "threshold", "threshold_", "triplet_margin_loss", "unfold", "upsample"]


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
            f"argument.",
        )
        return 0 if ndim in (0, 1, 3) else 1
    return dim


@checked
def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """The logarithm of :func:`softmax`, computed without overflow. Shape: that of ``input``."""
    return input.log_softmax(implicit_dim("log_softmax", dim, input.ndim), dtype)
