"""The layers' computations as functions. Each is PyTorch's ``torch.nn.functional`` function of the same name."""

from __future__ import annotations

import numpy as np

from minigrad.functions.products import matmul
from minigrad.ops.loss import MseLoss, NllLoss
from minigrad.ops.matmul import Addmm, Mm
from minigrad.tensor import Tensor

__all__ = ["cross_entropy", "linear", "log_softmax", "mse_loss", "nll_loss", "relu", "softmax"]


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
        rows = input.view(-1, input.shape[-1])
        return Addmm.apply(bias, rows, weight.t()).view(*input.shape[:-1], weight.shape[0])
    return matmul(input, weight.t()) + bias


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0), elementwise."""
    return input.relu_() if inplace else input.relu()


def softmax(input: Tensor, dim: int) -> Tensor:
    """exp(input) divided by its sum along ``dim``."""
    return input.softmax(dim)


def log_softmax(input: Tensor, dim: int) -> Tensor:
    """The logarithm of :func:`softmax`, computed without overflow."""
    return input.log_softmax(dim)


def _check_reduction(reduction: str) -> None:
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction: use 'none', 'mean' or 'sum'")


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """The negative log-likelihood loss. Shapes: (N, C) or (C,), (N,) or () -> (), or (N,) with reduction "none".

    Raises:
        ValueError: the batch sizes differ, or the reduction is unknown.
        IndexError: a target is no class.
        RuntimeError: the target is not of an integer type, or the shapes are none of the above.
    """
    _check_reduction(reduction)
    if target.array.dtype != np.int64 and target.array.dtype != np.uint8:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype}: targets are classes")
    if input.ndim == 0:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if input.ndim > 2:
        raise RuntimeError(f"input tensor should be 1D or 2D, but it has shape {list(input.shape)}")
    if input.ndim == 1 and target.ndim == 0:
        target = target.reshape(1)
    elif target.ndim != 1:
        raise RuntimeError(f"0D or 1D target tensor expected, multi-target not supported: got {list(target.shape)}")
    batch_size = input.shape[0] if input.ndim == 2 else 1
    if batch_size != target.shape[0]:
        raise ValueError(f"Expected input batch_size ({batch_size}) to match target batch_size ({target.shape[0]}).")
    classes = input.shape[-1]
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )
    counted = target.array[target.array != ignore_index]
    outside = counted[(counted < 0) | (counted >= classes)]
    if outside.size:
        raise IndexError(f"Target {outside[0]} is out of bounds: there are {classes} classes.")
    return NllLoss.apply(
        input,
        target=target.array,
        weight=None if weight is None else weight.array,
        reduction=reduction,
        ignore_index=ignore_index,
    )


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """:func:`nll_loss` of :func:`log_softmax` over the classes. Shapes and errors are those of :func:`nll_loss`."""
    return nll_loss(input.log_softmax(-1), target, weight, ignore_index, reduction)


def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """The mean (or sum, or each) of (input - target)². Shapes: (*), (*) -> (), or (*) with reduction "none".

    Raises:
        RuntimeError: the shapes do not broadcast.
        ValueError: the reduction is unknown.
    """
    _check_reduction(reduction)
    return MseLoss.apply(input, target, reduction=reduction)
