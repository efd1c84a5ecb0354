"""The layers' computations as functions. Each is PyTorch's ``torch.nn.functional`` function of the same name.

They are written in ``minigrad/ops``, each beside its rule: ``activation.py``, ``rectifiers.py``, ``convolution.py``,
``pooling.py``, ``losses.py`` and so on. Here are only those that ``minigrad`` has too, with other arguments, and one
that is made of them.
"""

from __future__ import annotations

from typing import Any

from minigrad import dtypes
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
from minigrad.ops.embedding import embedding, one_hot
from minigrad.ops.embedding_bag import embedding_bag
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

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d"]
__all__ += ["adaptive_max_pool2d", "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "affine_grid"]
__all__ += ["alpha_dropout", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm", "bilinear", "binary_cross_entropy"]
__all__ += ["binary_cross_entropy_with_logits", "celu", "celu_", "channel_shuffle", "conv1d", "conv2d", "conv3d"]
__all__ += ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity"]
__all__ += ["cross_entropy", "ctc_loss", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "elu_", "embedding"]
__all__ += ["embedding_bag", "feature_alpha_dropout", "fold", "gaussian_nll_loss", "gelu", "glu", "grid_sample"]
__all__ += ["group_norm", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_"]
__all__ += ["hinge_embedding_loss", "huber_loss", "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm"]
__all__ += ["leaky_relu", "leaky_relu_", "linear", "local_response_norm", "log_softmax", "logsigmoid", "lp_pool1d"]
__all__ += ["lp_pool2d", "lp_pool3d", "margin_ranking_loss", "max_pool1d", "max_pool1d_with_indices", "max_pool2d"]
__all__ += ["max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices", "max_unpool1d", "max_unpool2d"]
__all__ += ["max_unpool3d", "mish", "mse_loss", "multi_margin_loss", "multilabel_margin_loss"]
__all__ += ["multilabel_soft_margin_loss", "nll_loss", "normalize", "one_hot", "pad", "pairwise_distance"]
__all__ += ["pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss", "prelu", "relu", "relu6", "relu_", "rms_norm"]
__all__ += ["rrelu", "rrelu_", "scaled_dot_product_attention", "selu", "selu_", "sigmoid", "silu", "smooth_l1_loss"]
__all__ += ["soft_margin_loss", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink"]
__all__ += ["threshold", "threshold_", "triplet_margin_loss", "triplet_margin_with_distance_loss", "unfold", "upsample"]
__all__ += ["upsample_bilinear", "upsample_nearest"]


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
