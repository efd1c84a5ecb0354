"""Distances between points: each the norm of a difference. Rules, then what users call."""

from __future__ import annotations

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.creation import triu_indices
from minigrad.graph.function import Function
from minigrad.graph.node import Number, Tensor, unwrap
from minigrad.linalg.norms import vector_norm
from minigrad.ops.choosing import Where

__all__ = ["cdist", "dist", "pdist"]

IF_NECESSARY, ALWAYS = "use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist"
NEVER = "donot_use_mm_for_euclid_dist"


class Cdist(Function):
    """zᵢⱼ = |xᵢ - yⱼ|, the root of |xᵢ|² + |yⱼ|² - 2 xᵢ·yⱼ. Where it is 0 the gradient is 0."""

    saved_names = ("x1", "x2", "result")
    result_strides = None

    def forward(ctx, x, y):
        squares_x, squares_y = [np.add.reduce(each * each, axis=-1) for each in (x, y)]
        squares = squares_x[..., :, None] + squares_y[..., None, :] - 2 * (x @ y.mT)
        z = np.sqrt(np.maximum(squares, 0))
        ctx.save_for_backward(x, y, z)
        return z

    def backward(ctx, grad_z):
        x, y, z = ctx.saved_tensors
        scaled = Where.apply(0.0, grad_z / z, condition=unwrap(z) == 0)  # dzᵢⱼ/dxᵢ = (xᵢ - yⱼ)/zᵢⱼ
        grad_x = x * scaled.sum(-1)[..., None] - scaled @ y
        grad_y = y * scaled.sum(-2)[..., None] - scaled.mT @ x
        return grad_x, grad_y


@checked
def cdist(x1: Tensor, x2: Tensor, p: Number = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The distances of every two points, ``vector_norm(x1[i] - x2[j], p)``. Shapes: (..., n, d), (..., m, d) ->
    (..., n, m), the batches broadcast.

    For p = 2 and more than 25 points they are found by a product of matrices, which is fast, and not exact for points
    that lie close together. ``compute_mode`` "use_mm_for_euclid_dist" asks for it, "donot_use_mm_for_euclid_dist"
    forbids it.

    Raises:
        RuntimeError: dimensions, sizes or types do not agree, the types are not floating, or ``p`` is negative.
        ValueError: there is no such mode.
    """
    if compute_mode not in (IF_NECESSARY, ALWAYS, NEVER):
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    for name, each in (("X1", x1), ("X2", x2)):
        if not each.is_floating_point():
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {each.dtype}")
        if each.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {each.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if x1.dtype is not x2.dtype:
        raise RuntimeError(f"expected scalar type {x1.dtype} but found {x2.dtype}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    many = x1.shape[-2] > 25 or x2.shape[-2] > 25
    if p == 2 and (compute_mode == ALWAYS or (many and compute_mode == IF_NECESSARY)):
        return Cdist.apply(x1, x2)
    return vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


@checked
def pdist(input: Tensor, p: Number = 2) -> Tensor:
    """The distances of every two rows of a matrix. Shapes: (n, d) -> (n (n - 1) / 2,).

    Raises:
        RuntimeError: there is no matrix, it is not of floating type, or ``p`` is negative.
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if not input.is_floating_point():
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = triu_indices(len(input), len(input), 1).unbind()
    return vector_norm(input[first] - input[second], p, -1)


@checked
def dist(input: Tensor, other: Tensor, p: Number = 2) -> Tensor:
    """The norm of the difference: ``vector_norm(input - other, p)``. Shapes: broadcast -> ()."""
    return vector_norm(input - other, p)
