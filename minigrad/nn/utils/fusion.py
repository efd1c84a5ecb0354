"""Layers joined with the batch normalisation after them, for evaluation; and layers whose weights are not drawn."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from minigrad.creation import ones_like, zeros_like
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.random import get_rng_state, set_rng_state
from minigrad.tensor import Tensor

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights", "skip_init"]


def fused(layer: Any, bn: Any, dim: int) -> Any:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    result = copy.deepcopy(layer)
    statistics = bn.running_mean, bn.running_var, bn.eps
    result.weight, result.bias = fused_weights(layer.weight, layer.bias, *statistics, bn.weight, bn.bias, dim)
    return result


def fused_weights(
    w: Tensor, b: Any, mean: Tensor, variance: Tensor, eps: float, bn_w: Any, bn_b: Any, dim: int
) -> tuple[Parameter, Parameter]:
    bias = zeros_like(mean) if b is None else b
    scale = (ones_like(mean) if bn_w is None else bn_w) * (variance + eps).rsqrt()
    shape = [-1 if each == dim else 1 for each in range(w.ndim)]
    fused_b = (bias - mean) * scale + (zeros_like(mean) if bn_b is None else bn_b)
    fused_w = (w * scale.reshape(shape)).to(w.dtype)
    fused_b = fused_b.to(w.dtype if b is None else b.dtype)
    return Parameter(fused_w.detach(), w.requires_grad), Parameter(fused_b.detach(), bias.requires_grad)


def fuse_conv_bn_eval(conv: Module, bn: Module, transpose: bool = False) -> Module:
    """A convolution that computes what ``conv`` and ``bn`` after it do, in evaluation mode. ``transpose``: transposed.

    Raises:
        AssertionError: one of them is in training mode.
    """
    return fused(conv, bn, int(transpose))


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of :func:`fuse_conv_bn_eval`. Shapes: those of ``conv_w`` and ``bn_rm``."""
    return fused_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, int(transpose))


def fuse_linear_bn_eval(linear: Module, bn: Module) -> Module:
    """A linear layer that computes what ``linear`` and ``bn`` after it do, in evaluation mode.

    Raises:
        AssertionError: one of them is in training mode, or they have different numbers of features.
    """
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1")
    return fused(linear, bn, 0)


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor, bn_b: Tensor
) -> tuple[Parameter, Parameter]:
    """Weight and bias of :func:`fuse_linear_bn_eval`. Shapes: those of ``linear_w`` and ``bn_rm``."""
    return fused_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """A layer of the class ``module_cls`` without the random numbers of its initial weights being drawn.

    Raises:
        RuntimeError: it is no module's class, or takes no ``device``.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = get_rng_state()
    module = module_cls(*args, **kwargs)
    set_rng_state(state)
    return module
