"""Joining: several tensors to one. The gradient is cut into the pieces that were joined."""

from __future__ import annotations

import numpy as np

from minigrad.autograd.function import Function
from minigrad.ops.indexing import Select, Slice


class Cat(Function):
    """z = the tensors one after the other along ``dim``; their other sizes must agree."""

    def forward(ctx, *tensors, dim):
        ctx.dim = dim
        ctx.sizes = [each.shape[dim] for each in tensors]
        return np.concatenate(tensors, axis=dim)

    def backward(ctx, grad_z):
        gradients = []
        start = 0
        for size in ctx.sizes:
            gradients.append(Slice.apply(grad_z, dim=ctx.dim, where=slice(start, start + size)))
            start += size
        return tuple(gradients)


class Stack(Function):
    """z = the tensors, all of one shape, along a new dimension ``dim``."""

    def forward(ctx, *tensors, dim):
        ctx.dim, ctx.count = dim, len(tensors)
        return np.stack(tensors, axis=dim)

    def backward(ctx, grad_z):
        gradients = []
        for position in range(ctx.count):
            gradients.append(Select.apply(grad_z, dim=ctx.dim, index=position))
        return tuple(gradients)
