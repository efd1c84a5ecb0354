"""Sequences of several lengths, packed: the first steps of all one after the other, then the second steps, and so on.

The rule; what users call is in ``nn/utils/rnn.py``.
"""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function

__all__: list[str] = []


class PackPaddedSequence(Function):
    """z = of each step t of x (L, N, ...) the first ``batch_sizes[t]`` sequences, one after the other."""

    result_strides = None

    def forward(ctx, x, *, batch_sizes, batch_first):
        ctx.options = {"shape": x.shape, "batch_sizes": batch_sizes, "batch_first": batch_first}
        steps = x.swapaxes(0, 1) if batch_first else x
        return np.concatenate([step[:size] for step, size in zip(steps, batch_sizes)])

    def backward(ctx, grad_z):
        grad_x = PackPaddedSequenceBackward.apply(grad_z, **ctx.options)
        return grad_x


class PackPaddedSequenceBackward(Function):
    """Zeros of ``shape`` with ``grad`` at the places that were packed."""

    result_strides = None

    def forward(ctx, grad, *, shape, batch_sizes, batch_first):
        ctx.batch_sizes, ctx.batch_first = batch_sizes, batch_first
        z = np.zeros(shape, grad.dtype)
        start = 0
        for step, size in zip(z.swapaxes(0, 1) if batch_first else z, batch_sizes):
            step[:size] = grad[start : start + size]
            start += size
        return z

    def backward(ctx, grad_z):
        grad_grad = PackPaddedSequence.apply(grad_z, batch_sizes=ctx.batch_sizes, batch_first=ctx.batch_first)
        return grad_grad
