"""Joining: several tensors to one. The gradient is cut into the pieces that were joined."""

from __future__ import annotations

import numpy as np

from minigrad.graph.function import Function
from minigrad.graph.values import constant_like
from minigrad.ops.indexing import Select, Slice
from minigrad.promotion import result_dtype


def result_dtype_of(tensors):
    """The type to which all tensors promote."""
    kind = tensors[0].dtype
    for each in tensors[1:]:
        if each.dtype != kind:
            return result_dtype(*tensors)
    return kind


class Cat(Function):
    """z = the tensors one after the other along ``dim``; their other sizes must agree."""

    def forward(ctx, *tensors, dim):
        filled = [each for each in tensors if each.shape != (0,)] or tensors[:1]
        ctx.dim = dim
        ctx.sizes = [0 if each.shape == (0,) else each.shape[dim] for each in tensors]
        ctx.empty = [each.shape == (0,) for each in tensors]  # fits any shape, and adds nothing
        kind = result_dtype_of(tensors)
        return np.asarray(np.concatenate(filled, axis=dim, dtype=kind, casting="unsafe"), order="C")

    def backward(ctx, grad_z):
        gradients = []
        start = 0
        for size, empty in zip(ctx.sizes, ctx.empty):
            piece = Slice.apply(grad_z, dim=ctx.dim, where=slice(start, start + size))
            gradients.append(constant_like(np.zeros(0), grad_z) if empty else piece)
            start += size
        return tuple(gradients)


class Stack(Function):
    """z = the tensors, all of one shape, along a new dimension ``dim``."""

    def forward(ctx, *tensors, dim):
        ctx.dim, ctx.count = dim, len(tensors)
        kind = result_dtype_of(tensors)
        return np.asarray(np.stack(tensors, axis=dim, dtype=kind, casting="unsafe"), order="C")

    def backward(ctx, grad_z):
        gradients = []
        for position in range(ctx.count):
            gradients.append(Select.apply(grad_z, dim=ctx.dim, index=position))
        return tuple(gradients)
