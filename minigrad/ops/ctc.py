"""Connectionist temporal classification: the loss of a sequence that nobody aligned with its input.

The target is spelled over time with repetitions and blanks: "at" may be read as "-aa--t". The loss sums the
probabilities of all spellings. A spelling is a path through the states "-a-t-", each step staying, going on by one, or
by two where that leaves out a blank between different labels; α[t, s] is ln of the probability of all paths that end in
state s at time t, and the same recursion from the end backwards gives what follows. Source: Graves et al.,
"Connectionist Temporal Classification", 2006.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.gate import checked
from minigrad.creation import from_numpy, zeros
from minigrad.graph.function import Function, Tensor
from minigrad.ops.choosing import where
from minigrad.ops.division import Underived
from minigrad.ops.losses import check_reduction, reduced

__all__ = ["ctc_loss"]


def forward_variables(scores, states):
    """α (N, T, states), from each state's ln probability at each time (N, T, states) and the labels of ``states``."""
    alpha = np.full_like(scores, -np.inf)
    alpha[:, 0, :2] = scores[:, 0, :2]
    may_leap = np.zeros(states.shape, bool)
    may_leap[:, 2:] = states[:, 2:] != states[:, :-2]
    for t in range(1, scores.shape[1]):
        stayed = alpha[:, t - 1]
        total = stayed.copy()
        total[:, 1:] = np.logaddexp(total[:, 1:], stayed[:, :-1])
        leapt = np.where(may_leap[:, 2:], stayed[:, :-2], -np.inf)
        total[:, 2:] = np.logaddexp(total[:, 2:], leapt)
        alpha[:, t] = total + scores[:, t]
    return alpha


def from_the_end(array, lengths, axis):
    """``array`` with the first ``lengths`` places of ``axis`` in the opposite order; the others do not matter."""
    places = np.maximum(lengths[:, None] - 1 - np.arange(array.shape[axis]), 0)
    others = [each for each in range(1, array.ndim) if each != axis]
    return np.take_along_axis(array, np.expand_dims(places, others), axis)


class CtcLoss(Function):
    """z[n] = -ln Σ over the spellings of target n of Π over time of the probabilities. Shapes: (T, N, C) -> (N,).

    ``states`` (N, 2 S + 1) are the labels with blanks between and around, of which ``lengths`` are the target's, as
    ``times`` of T are the input's.
    """

    saved_names = ("log_probs",)

    def forward(ctx, x, *, states, times, lengths, zero_infinity):
        ctx.states, ctx.times, ctx.lengths, ctx.zero_infinity = states, times, lengths, zero_infinity
        samples = np.arange(len(states))
        scores = np.take_along_axis(x.transpose(1, 0, 2), states[:, None], 2)
        alpha = forward_variables(scores, states)
        last = alpha[samples, times - 1]
        with_label = np.where(lengths > 1, last[samples, lengths - 2], -np.inf)
        losses = -np.logaddexp(last[samples, lengths - 1], with_label)
        ctx.scores, ctx.alpha, ctx.losses = scores, alpha, losses
        ctx.save_for_backward(x)
        return losses.astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = CtcLossBackward.apply(grad_z, x, of=ctx)
        return grad_x


class CtcLossBackward(Underived):
    """grad · (exp(x) - the probability that a spelling is at that label at that time).

    It takes x for what log_softmax gave, as PyTorch does: what it adds to the derivative vanishes in log_softmax's.
    """

    instead = "a loss that is to be differentiated twice can be summed over the spellings with logsumexp"

    def forward(ctx, grad, x, *, of):
        states, times, lengths = of.states, of.times, of.lengths
        backwards = from_the_end(from_the_end(of.scores, times, 1), lengths, 2)
        beta = forward_variables(backwards, from_the_end(states, lengths, 1))
        beta = from_the_end(from_the_end(beta, times, 1), lengths, 2)
        share = np.exp(of.alpha + beta - of.scores + of.losses[:, None, None])  # α and β both count the state itself
        inside = np.arange(len(x)) < times[:, None]
        share[~(inside[:, :, None] & (np.arange(states.shape[1]) < lengths[:, None])[:, None])] = 0
        expected = np.zeros((x.shape[1], len(x), x.shape[2]), x.dtype)
        sample, time, _ = np.indices(share.shape, sparse=True)
        np.add.at(expected, (sample, time, states[:, None]), share)
        grad_x = (np.exp(x.transpose(1, 0, 2)) - expected) * grad[:, None, None]
        unread = ~inside | (of.zero_infinity & np.isinf(of.losses))[:, None]
        grad_x[unread] = 0
        return np.ascontiguousarray(grad_x.transpose(1, 0, 2)).astype(x.dtype, copy=False)


def as_lengths(name: str, lengths: Any, count: int, most: int) -> np.ndarray:
    """One length a sample, (N,), from a tensor or from numbers.

    Raises:
        TypeError: they are neither.
        RuntimeError: they are no integers, not as many as samples, or one is negative or above ``most``.
    """
    if not isinstance(lengths, Tensor) and not isinstance(lengths, (tuple, list)):
        raise TypeError(f"ctc_loss(): argument '{name}' must be tuple of ints or Tensor, not {type(lengths).__name__}")
    array = lengths.array if isinstance(lengths, Tensor) else np.asarray(lengths or (), np.int64)
    if array.dtype.kind not in "iu":
        raise RuntimeError(f"{name} must be integral")
    array = array.reshape(-1).astype(np.int64)
    if len(array) != count:
        raise RuntimeError(f"{name} must be of size batch_size, {count}, but there are {len(array)}")
    if ((array < 0) | (array > most)).any():
        raise RuntimeError(f"Expected {name} to have values from 0 to {most}, but got {array.tolist()}")
    return array


@checked
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-ln of the probability of all spellings of the targets over time. Source: Graves et al., 2006.

    Shapes: (T, N, C), the targets (N, S) or one after the other, (sum of lengths,), the lengths (N,) -> (), or (N,)
    with reduction "none"; N may be missing. The mean first divides each loss by its target's length.

    Args:
        log_probs: what ``log_softmax`` gave: the gradient relies on it, as PyTorch's.
        targets: classes other than ``blank``.
        input_lengths: how much of T is each sample's, integers.
        target_lengths: how much of S is each sample's, integers.
        blank: the class that stands for no label.
        zero_infinity: whether infinite losses, of targets too long for their input, count as 0.

    Raises:
        ValueError: the reduction is unknown.
        RuntimeError: the shapes, lengths or classes do not fit each other, or a type is wrong.
        NotImplementedError: ``log_probs`` are neither float32 nor float64.
    """
    check_reduction(reduction)
    if log_probs.ndim not in (2, 3):
        raise RuntimeError(f"ctc_loss: expected log_probs of 2 or 3 dimensions, but got {list(log_probs.shape)}")
    if log_probs.dtype not in (dtypes.float32, dtypes.float64):
        raise NotImplementedError(f'"ctc_loss_cpu" not implemented for {log_probs.dtype}')
    if log_probs.numel() == 0:
        raise RuntimeError("log_probs tensor must not be empty")
    x = log_probs if log_probs.ndim == 3 else log_probs.unsqueeze(1)
    most_times, count, classes = x.shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"blank must be in label range, from 0 to {classes - 1}, but is {blank}")
    times = as_lengths("input_lengths", input_lengths, count, most_times)
    labels = targets.array.astype(np.int64)
    if labels.ndim == 1:
        lengths = as_lengths("target_lengths", target_lengths, count, labels.size)
        if lengths.sum() != labels.size:
            raise RuntimeError(f"Expected targets of size {lengths.sum()}, the sum of their lengths, got {labels.size}")
        padded = np.full((count, lengths.max()), blank)
        padded[np.arange(lengths.max()) < lengths[:, None]] = labels
    else:
        if labels.ndim != 2 or len(labels) != count:
            raise RuntimeError(f"Expected targets of shape ({count}, S) or one after the other, got {labels.shape}")
        lengths = as_lengths("target_lengths", target_lengths, count, labels.shape[1])
        padded = np.where(np.arange(labels.shape[1]) < lengths[:, None], labels, blank)[:, : lengths.max()]
    if ((padded < 0) | (padded >= classes)).any():
        raise RuntimeError(f"ctc_loss: targets must be classes from 0 to {classes - 1}")
    states = np.full((count, 2 * padded.shape[1] + 1), blank)
    states[:, 1::2] = padded
    losses = CtcLoss.apply(x, states=states, times=times, lengths=2 * lengths + 1, zero_infinity=zero_infinity)
    if zero_infinity:
        losses = where(losses == np.inf, zeros((), dtype=losses.dtype), losses)
    if reduction == "mean":
        losses = losses / from_numpy(np.maximum(lengths, 1)).to(losses.dtype)
    losses = reduced(losses, reduction)
    return losses.squeeze(0) if reduction == "none" and log_probs.ndim == 2 else losses
