"""Losses of classification: of classes, and of probabilities. Rules, then the functions, which are ``nn.functional``'s.

``reduction`` is as in ``losses.py``. ``LogSoftmax`` (in ``softmax.py``) and ``NllLoss`` together are the cross-entropy
of ``nn.CrossEntropyLoss``.
"""

from __future__ import annotations

import numpy as np

from minigrad import dtypes
from minigrad.arguments.dims import is_expandable
from minigrad.arguments.gate import checked
from minigrad.caller import warn_user
from minigrad.graph.function import Function, Tensor, constant_like, unwrap
from minigrad.graph.grad_mode import is_grad_enabled
from minigrad.graph.saved_tensors import Given
from minigrad.graph.strides import from_last
from minigrad.ops.activation import Sigmoid
from minigrad.ops.choosing import Where
from minigrad.ops.indexing import Index
from minigrad.ops.losses import known_reduction, legacy_reduction, reduce_losses, reduced, share_of_each
from minigrad.ops.powers import Log
from minigrad.ops.shape import View
from minigrad.ops.special import Xlogy

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "kl_div", "nll_loss"]


class NllLoss(Function):
    """z = -Σₙ w(tₙ) x(n, tₙ) / Σₙ w(tₙ) over the samples n whose class t is not ``ignore_index``.

    Shapes: x (N, C) or (C,) of log-probabilities, ``target`` (N,) of classes, ``weight`` (C,) -> ().
    ``reduction`` "sum" leaves the division out, "none" gives one loss a sample, (N,). The mean over no sample is NaN.
    """

    saved_names = ("self", "rows", "scale", "target", "weight")
    saved_inputs = slice(1)

    def forward(ctx, x, *, target, weight, reduction, ignore_index):
        classes = target.array
        counted = classes != ignore_index
        safe_target = np.where(counted, classes, 0)
        picked_weight = np.ones(classes.shape, x.dtype) if weight is None else weight.array[safe_target]
        scale = np.where(counted, picked_weight, np.zeros((), x.dtype))
        rows = (np.arange(len(classes)), safe_target)
        losses = np.where(counted, -x.reshape(-1, x.shape[-1])[rows] * scale, np.zeros((), x.dtype))
        total_weight = np.add.reduce(scale)
        if reduction == "mean":
            scale = np.where(counted, scale / total_weight, np.zeros((), x.dtype))
        ctx.save_for_backward(x, rows, (scale,), target, weight)
        if reduction == "none":
            return losses if x.ndim == 2 else losses.reshape(())
        return np.add.reduce(losses) / total_weight if reduction == "mean" else np.add.reduce(losses)

    def backward(ctx, grad_z):
        x, rows, (scale,), _, _ = ctx.saved_tensors
        grad_x = NllLossBackward.apply(grad_z, x, scale=scale, rows=rows)
        return grad_x


@checked
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-input[n, target[n]], averaged over the samples n: the negative log-likelihood of log-probabilities.

    Shapes: (N, C, ...) or (C,), (N, ...) or () -> (), or the targets' with reduction "none".

    Raises:
        ValueError: the batch sizes differ, or the reduction is unknown.
        IndexError: a target is no class.
        RuntimeError: the target is not of an integer type, or the shapes are none of the above.
        NotImplementedError: the input is not floating.
    """
    reduction = known_reduction(size_average, reduce, reduction)
    if input.ndim == 0:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if input.ndim > 1 and (target.ndim == 0 or input.array.shape[0] != target.array.shape[0]):
        batch_size = target.shape[0] if target.ndim else 0
        raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({batch_size}).")
    if target.dtype is not dtypes.int64 and (target.dtype is not dtypes.uint8 or input.ndim > 2):
        raise RuntimeError(f"expected scalar type Long but found {target.dtype}: targets are classes")
    if not input.is_floating_point():
        raise NotImplementedError(f'"nll_loss_out_frame" not implemented for {input.dtype}')
    check_constant("nll_loss_forward", weight=weight)
    if input.ndim > 2:
        return nll_loss_of_places(input, target, weight, ignore_index, reduction)
    if input.ndim == 1 and target.ndim == 0:
        target = target.reshape(1)
    elif target.ndim != 1:
        raise RuntimeError(f"0D or 1D target tensor expected, multi-target not supported: got {list(target.shape)}")
    if input.ndim == 1 and target.shape[0] != 1:
        raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {target.shape[0]}")
    check_classes(target.array, input, weight, ignore_index)
    return NllLoss.apply(input, target=target, weight=weight, reduction=reduction, ignore_index=ignore_index)


def nll_loss_of_places(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
) -> Tensor:
    """:func:`nll_loss` with a class at each of further dimensions: the places are samples of their own."""
    if target.shape != (input.shape[0], *input.shape[2:]):
        raise RuntimeError(
            f"Expected target size {[input.shape[0], *input.shape[2:]]}, got {list(target.shape)}: one class a place"
        )
    samples = input.movedim(1, -1).reshape(target.numel(), input.shape[1])
    losses = nll_loss(samples, target.reshape(-1), weight, None, ignore_index, None, reduction)
    return losses.reshape(target.shape) if reduction == "none" else losses


def check_classes(target: np.ndarray, input: Tensor, weight: Tensor | None, ignore_index: int) -> None:
    """Raise PyTorch's errors for targets that are no class, and for weights that are not one a class."""
    classes = input.array.shape[-1]
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(
            f"expected scalar type {input.dtype} but found {weight.dtype}: weights are of the input's type"
        )
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )
    counted = target[target != ignore_index]
    outside = counted[(counted < 0) | (counted >= classes)]
    if outside.size:
        raise IndexError(f"Target {outside[0]} is out of bounds: there are {classes} classes.")


def check_constant(name: str, **weights: Tensor | None) -> None:
    """Raise PyTorch's RuntimeError for weights that require grad: the loss is not differentiated by them."""
    for argument, weight in weights.items():
        if weight is not None and weight.requires_grad and is_grad_enabled():
            raise RuntimeError(
                f"The function '{name}' is not differentiable with respect to argument '{argument}'. This input cannot "
                f"have requires_grad True."
            )


@checked
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-ln softmax(input) of the target class, averaged over the samples.

    Shapes: (N, C, ...) or (C,), targets (N, ...) or (), or probabilities of the input's shape -> (), or the targets'
    with reduction "none".
    ``label_smoothing`` mixes the target with equal probabilities for all classes. Source: Szegedy et al., 2015.

    Raises:
        RuntimeError: ``label_smoothing`` is above 1, or a class is ignored where targets are probabilities.
        ValueError, IndexError: as :func:`nll_loss`.
    """
    reduction = known_reduction(size_average, reduce, reduction)
    if label_smoothing > 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    dim = 0 if input.ndim == 1 else 1
    if target.is_floating_point():
        if target.shape != input.shape:
            raise RuntimeError(
                f"cross entropy loss with probability targets: expected the input's shape {list(input.shape)}, got "
                f"{list(target.shape)}"
            )
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        return cross_entropy_of_probabilities(input, target, weight, reduction, label_smoothing, dim)
    logarithms = input.log_softmax(dim)
    loss = nll_loss(logarithms, target, weight, None, ignore_index, None, reduction)
    if label_smoothing <= 0:
        return loss
    even = loss_of_even(logarithms, target, weight, ignore_index, reduction, dim)
    return loss * (1 - label_smoothing) + even * (label_smoothing / logarithms.shape[dim])


def loss_of_even(
    logarithms: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, dim: int
) -> Tensor:
    """The sum over the classes of each one's loss, of the samples that ``target`` does not ignore."""
    weighted = logarithms if weight is None else logarithms * shaped_along(weight, logarithms.ndim, dim)
    ignored = target == ignore_index
    even = (-weighted.sum(dim)).masked_fill(ignored, 0.0)
    if reduction == "none":
        return even
    if reduction == "sum":
        return even.sum()
    if weight is None:
        return even.sum() / ignored.logical_not().sum()
    safe = target.masked_fill(ignored, 0)
    return even.sum() / weight[safe].masked_fill(ignored, 0.0).sum()


def shaped_along(weight: Tensor, ndim: int, dim: int) -> Tensor:
    """A weight a class, shaped so that the classes lie along ``dim``."""
    return weight.view([-1 if each == dim else 1 for each in range(ndim)])


def cross_entropy_of_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float, dim: int
) -> Tensor:
    classes = input.shape[dim]
    if label_smoothing > 0:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    products = input.log_softmax(dim) * target
    if weight is not None:
        products = products * shaped_along(weight, input.ndim, dim)
    if reduction == "none":
        return -products.sum(dim)
    if reduction == "sum":
        return -products.sum()
    return -products.sum() / (input.numel() // max(classes, 1))


class NllLossBackward(Function):
    """Zeros that hold -grad · scale at each sample's class: the gradient of NllLoss, linear in ``grad``, flat in x."""

    def forward(ctx, grad, x, *, scale, rows):
        ctx.save_for_backward((scale,), rows)
        z = np.zeros(x.shape, grad.dtype)
        z.reshape(-1, x.shape[-1])[rows] = -grad * scale
        return z

    def backward(ctx, grad_z):
        (scale,), rows = ctx.saved_tensors
        picked = Index.apply(View.apply(grad_z, shape=(-1, grad_z.shape[-1])), where=rows)
        grad_grad = picked * constant_like(-scale, picked)
        grad_x = constant_like(np.zeros(grad_z.shape), grad_z)
        return grad_grad, grad_x


LEAST_SPREAD = float(np.float32(1e-12))  # PyTorch keeps it in float32


class BinaryCrossEntropy(Function):
    """z = the mean of -w (y ln x + (1 - y) ln(1 - x)), each logarithm no less than -100."""

    saved_names = ("self", "target", "weight")

    def forward(ctx, x, y, *, weight, reduction):
        ctx.reduction, ctx.count = reduction, x.size
        ctx.save_for_backward(x, y, Given((unwrap(weight),), weight))
        losses = (y - 1) * np.maximum(np.log1p(-x), -100) - y * np.maximum(np.log(x), -100)
        return reduce_losses(losses if weight is None else losses * weight.array, reduction)

    def backward(ctx, grad_z):
        x, y, (weight,) = ctx.saved_tensors
        grad = share_of_each(ctx, grad_z, weight)
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            spread_out = x * (1 - x)
            safe = Where.apply(spread_out, LEAST_SPREAD, condition=unwrap(spread_out) > LEAST_SPREAD)
            grad_x = grad * ((x - y) / safe)
        if ctx.needs_input_grad[1]:
            odds = Log.apply(1 - x) - Log.apply(x)
            grad_y = grad * odds
        return grad_x, grad_y


def check_spread(input: Tensor, *weights: Tensor | None) -> None:
    """Raise PyTorch's RuntimeError for weights that do not broadcast to the input's shape."""
    for weight in weights:
        if weight is not None and not is_expandable(weight.shape, input.shape):
            raise RuntimeError(
                f"weights of shape {list(weight.shape)} do not broadcast to the input's {list(input.shape)}"
            )


@checked
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(target ln input + (1 - target) ln(1 - input)), each logarithm no less than -100.

    Shapes: (...), (...) -> (), or (...) with reduction "none".

    Raises:
        ValueError: the shapes differ.
        RuntimeError: an element is not in [0, 1], the types differ, or the weights do not fit.
        NotImplementedError: the input is not floating.
    """
    reduction = known_reduction(size_average, reduce, reduction)
    if input.shape != target.shape:
        raise ValueError(
            f"Using a target size ({list(target.shape)}) that is different to the input size ({list(input.shape)}) is "
            f"deprecated. Please ensure they have the same size."
        )
    if not input.is_floating_point():
        raise NotImplementedError(f'"binary_cross_entropy" not implemented for {input.dtype}')
    if input.dtype is not target.dtype:
        raise RuntimeError(f"Found dtype {target.dtype} but expected {input.dtype}")
    for name, each in (("input", input), ("target", target)):
        if ((each.array < 0) | (each.array > 1)).any():
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")
    check_spread(input, weight)
    check_constant("binary_cross_entropy", weight=weight)
    return BinaryCrossEntropy.apply(input, target, weight=weight, reduction=reduction)


class BinaryCrossEntropyWithLogits(Function):
    """z = the mean of -w (p y ln s(x) + (1 - y) ln(1 - s(x))), s the sigmoid, computed without overflow."""

    saved_names = ("self", "target", "weight")
    result_strides = from_last

    def forward(ctx, x, y, *, weight, positive_weight, reduction):
        ctx.reduction, ctx.count = reduction, x.size
        weights = [None if each is None else each.array.astype(y.dtype) for each in (weight, positive_weight)]
        ctx.save_for_backward(x, y, Given(weights, weight, positive_weight))
        weight, positive_weight = weights
        softplus = np.maximum(-x, 0) + np.log1p(np.exp(-np.abs(x)))  # -ln s(x)
        scale = 1 if positive_weight is None else (positive_weight - 1) * y + 1
        losses = (1 - y) * x + scale * softplus
        return reduce_losses(losses if weight is None else losses * weight, reduction)

    def backward(ctx, grad_z):
        x, y, (weight, positive_weight) = ctx.saved_tensors
        grad = share_of_each(ctx, grad_z, weight)
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            if positive_weight is None:
                grad_x = grad * (Sigmoid.apply(x) - y)
            else:
                positive = y * constant_like(positive_weight, y)
                grad_x = grad * ((positive + 1 - y) * Sigmoid.apply(x) - positive)
        if ctx.needs_input_grad[1]:
            if positive_weight is None:
                grad_y = grad * -x
            else:
                positive = constant_like(positive_weight, x)
                grad_y = grad * (Log.apply(Sigmoid.apply(-x)) - positive * Log.apply(Sigmoid.apply(x)))
        return grad_x, grad_y


@checked
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """:func:`binary_cross_entropy` of sigmoid(input), without overflow; ``pos_weight`` weighs the target's ones.

    Shapes: (...), (...) -> (), or (...) with reduction "none".

    Raises:
        ValueError: the shapes differ.
        NotImplementedError: the target is bool.
    """
    reduction = known_reduction(size_average, reduce, reduction)
    if input.shape != target.shape:
        raise ValueError(f"Target size ({list(target.shape)}) must be the same as input size ({list(input.shape)})")
    if target.dtype is dtypes.bool:
        raise NotImplementedError("Subtraction is not supported for bool targets: convert them to the input's type")
    if not target.is_floating_point():
        raise RuntimeError(f"result type {input.dtype} can't be cast to {target.dtype}: give float targets")
    check_spread(input, weight, pos_weight)
    check_constant("binary_cross_entropy_with_logits", weight=weight, pos_weight=pos_weight)
    return BinaryCrossEntropyWithLogits.apply(
        input, target, weight=weight, positive_weight=pos_weight, reduction=reduction
    )


@checked
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """target (ln target - input): the divergence of exp(input) from ``target``, whose logarithm it may also be.

    Shapes: (...), (...) -> (), or (...) with reduction "none". ``reduction`` "batchmean" divides the sum by the batch
    size, which is the divergence's definition.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if log_target:
        losses = target.exp() * (target - input)
    else:
        losses = Xlogy.apply(target, target) - target * input
    if reduction == "batchmean":
        return losses.sum() / (input.shape[0] if input.ndim else 1)
    if reduction == "mean":
        warn_user(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition."
        )
    return reduced(losses, reduction)
