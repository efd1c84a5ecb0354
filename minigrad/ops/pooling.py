"""Pooling: one number of each window of an image. Each class: formula, forward, backward.

Images are (N, C, H, W), or (C, H, W) without a batch. What is computed on arrays, once as the plain loop and once fast,
is in ``minigrad/kernels/pooling.py`` and ``adaptive_pooling.py``; ``rows`` and ``columns`` are their ``Windows`` and,
for the adaptive operations, ``Spans``.

Given where the largest elements lie, pooling is linear: its gradient does not change with x, and its gradient
is pooling again. As in PyTorch x is saved all the same, and the gradient of the gradient for x is zeros, not None.
"""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.values import array_of, constant_like
from minigrad.kernels import adaptive_pooling
from minigrad.kernels import pooling as kernels
from minigrad.ops.picking import Pick


def batched(x):
    """x with a batch of one where it has none."""
    return x if x.ndim == 4 else x[None]


def like(z, ndim):
    """z without the batch that :func:`batched` added."""
    return z if ndim == 4 else z[0]


class MaxPool2DWithIndices(Function):
    """z = the largest element of each window, and on request where it lies in the image, row · W + column.

    Its whole gradient goes to one element: to the first of equal ones in the window, row by row, and where there are
    NaNs to the last of them. Only the number of that element in its window is kept.
    """

    materialize_grads = False

    def forward(ctx, x, *, rows, columns, with_indices):
        ctx.rows, ctx.columns = rows, columns
        z, numbers = kernels.max_pool(batched(x), rows, columns)
        ctx.save_for_backward(x, numbers)
        z = like(z, x.ndim)
        if not with_indices:
            return z
        i, j = np.divmod(numbers.astype(np.int64), columns.kernel)
        row = np.arange(rows.count)[:, None] * rows.stride - rows.padding + i * rows.dilation
        column = np.arange(columns.count) * columns.stride - columns.padding + j * columns.dilation
        return z, like(row * x.shape[-1] + column, x.ndim)

    def backward(ctx, grad_z, grad_indices=None):
        x, numbers = ctx.saved_tensors
        grad_x = MaxPool2DWithIndicesBackward.apply(
            grad_z, x, numbers=array_of(numbers), rows=ctx.rows, columns=ctx.columns
        )
        return grad_x


class MaxPool2DWithIndicesBackward(Function):
    """Zeros to which each window adds its gradient at its largest element: linear in the gradient."""

    def forward(ctx, grad, x, *, numbers, rows, columns):
        ctx.numbers, ctx.rows, ctx.columns = numbers, rows, columns
        return like(kernels.spread_to_windows(batched(grad), numbers, x.shape[-2:], rows, columns), x.ndim)

    def backward(ctx, grad_z):
        grad_grad = PickFromWindows.apply(grad_z, numbers=ctx.numbers, rows=ctx.rows, columns=ctx.columns)
        return grad_grad, zeros_like(grad_z)


class PickFromWindows(Function):
    """z = of each window of x the element with a given number."""

    def forward(ctx, x, *, numbers, rows, columns):
        ctx.save_for_backward(x)
        ctx.numbers, ctx.rows, ctx.columns = numbers, rows, columns
        return like(kernels.pick_from_windows(batched(x), numbers, rows, columns), x.ndim)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = MaxPool2DWithIndicesBackward.apply(grad_z, x, numbers=ctx.numbers, rows=ctx.rows, columns=ctx.columns)
        return grad_x


def zeros_like(value):
    """Zeros of the shape of an array or tensor: the gradient of what does not matter."""
    return constant_like(np.zeros_like(array_of(value)), value)


class AvgPool2D(Function):
    """z = Σ x / divisor over each window, padding being 0. ``divisors`` (h, w): one for each window."""

    def forward(ctx, x, *, rows, columns, divisors):
        ctx.options = {"rows": rows, "columns": columns, "divisors": divisors}
        ctx.save_for_backward(x)
        wide = x.astype(np.float32) if x.dtype == np.float16 else x  # rounded once, as in PyTorch
        total = like(kernels.window_sums(batched(wide), rows, columns), x.ndim)
        if x.dtype.kind == "i":
            return (total - np.fmod(total, divisors)) // divisors  # towards zero
        total /= divisors
        return total.astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = AvgPool2DBackward.apply(grad_z, x, **ctx.options)
        return grad_x


class AvgPool2DBackward(Function):
    """Zeros to which each window adds its gradient, divided, at every element."""

    def forward(ctx, grad, x, *, rows, columns, divisors):
        ctx.options = {"rows": rows, "columns": columns, "divisors": divisors}
        share = batched(np.true_divide(grad, divisors, dtype=grad.dtype))
        return like(kernels.spread_window_sums(share, x.shape[-2:], rows, columns), x.ndim)

    def backward(ctx, grad_z):
        grad_grad = AvgPool2D.apply(grad_z, **ctx.options)
        return grad_grad, zeros_like(grad_z)


class AdaptiveAvgPool2D(Function):
    """z = the mean of each window, the windows being as many as asked for."""

    def forward(ctx, x, *, rows, columns):
        ctx.rows, ctx.columns = rows, columns
        ctx.save_for_backward(x)
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        total = like(adaptive_pooling.span_sums(batched(wide), rows, columns), x.ndim)
        total /= counts(rows, columns)
        return total.astype(x.dtype, copy=False)

    def backward(ctx, grad_z):
        (x,) = ctx.saved_tensors
        grad_x = AdaptiveAvgPool2DBackward.apply(grad_z, x, rows=ctx.rows, columns=ctx.columns)
        return grad_x


class AdaptiveAvgPool2DBackward(Function):
    """Zeros to which each window adds its gradient, divided by its number of elements, at every element."""

    def forward(ctx, grad, x, *, rows, columns):
        ctx.rows, ctx.columns = rows, columns
        share = batched(np.true_divide(grad, counts(rows, columns), dtype=grad.dtype))
        return like(adaptive_pooling.spread_span_sums(share, x.shape[-2:], rows, columns), x.ndim)

    def backward(ctx, grad_z):
        grad_grad = AdaptiveAvgPool2D.apply(grad_z, rows=ctx.rows, columns=ctx.columns)
        return grad_grad, zeros_like(grad_z)


def counts(rows, columns):
    """How many elements each window has: (h, w)."""
    heights = np.array([end - start for start, end in rows], np.int64)
    widths = np.array([end - start for start, end in columns], np.int64)
    return heights[:, None] * widths


class AdaptiveMaxPool2D(Function):
    """z = the largest element of each window, and where it lies in the image, row · W + column.

    The windows are as many as asked for. Ties and NaN: as in :class:`MaxPool2DWithIndices`.
    """

    materialize_grads = False

    def forward(ctx, x, *, rows, columns):
        z, places = adaptive_pooling.adaptive_max_pool(batched(x), rows, columns)
        z, places = like(z, x.ndim), like(places, x.ndim)
        ctx.save_for_backward(x, places)
        return z, places

    def backward(ctx, grad_z, grad_places):
        x, places = ctx.saved_tensors
        grad_x = AdaptiveMaxPool2DBackward.apply(grad_z, x, places=array_of(places))
        return grad_x


class AdaptiveMaxPool2DBackward(Function):
    """Zeros to which each window adds its gradient at its largest element."""

    def forward(ctx, grad, x, *, places):
        ctx.where = (*np.indices(places.shape, sparse=True)[:-2], *np.divmod(places, x.shape[-1]))
        z = np.zeros_like(x)
        np.add.at(z, ctx.where, grad)
        return z

    def backward(ctx, grad_z):
        grad_grad = Pick.apply(grad_z, where=ctx.where)
        return grad_grad, zeros_like(grad_z)
