"""Matrix products. Each class: formula, forward, backward.

One pattern serves all: z = a b has dL/da = dL/dz bᵀ and dL/db = aᵀ dL/dz. Shapes leave no other choice, and writing
out one element, zᵢⱼ = Σₖ aᵢₖ bₖⱼ, shows why.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.dims import is_expandable
from minigrad.graph.function import Function
from minigrad.graph.values import array_of
from minigrad.kernels.product import product
from minigrad.ops.shape import T, Transpose, Unsqueeze
from minigrad.promotion import number_as, promote


def check_types(first, second):
    """Matrix products do not promote: both must have one type, as in PyTorch; and it is not bool."""
    if first.dtype != second.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {first.dtype} != {second.dtype}")
    if first.dtype.kind == "b":
        raise NotImplementedError("matrix products are not implemented for bools: convert to integers first")


def check_matrices(a, b):
    """Raise PyTorch's error unless (n, k) meets (k, m)."""
    if a.ndim != 2 or b.ndim != 2:
        raise RuntimeError(f"mat1 and mat2 must be matrices, got {a.ndim}-D and {b.ndim}-D tensors")
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and {b.shape[0]}x{b.shape[1]})"
        )
    if a.dtype is not b.dtype or a.dtype.kind == "b":
        check_types(a, b)


def grad_of_first(grad_z, b):
    """dL/da = dL/dz bᵀ for z = a b. Shapes: (n, m), (k, m)ᵀ -> (n, k)."""
    return Mm.apply(grad_z, T.apply(b))


def grad_of_second(a, b, grad_z):
    """dL/db = aᵀ dL/dz for z = a b. Shapes: (n, k)ᵀ, (n, m) -> (k, m).

    Where b's memory is that of a transposed matrix, as a Linear layer's weight is, the transposed product is computed:
    the same numbers, laid out in memory as b is.
    """
    if array_of(b).T.flags.c_contiguous:
        return T.apply(Mm.apply(T.apply(grad_z), a))
    return Mm.apply(T.apply(a), grad_z)


class Mm(Function):
    """z = a b. Shapes: (n, k), (k, m) -> (n, m)."""

    saved_inputs = slice(None)

    def forward(ctx, a, b):
        check_matrices(a, b)
        ctx.save_for_backward(a, b)
        return product(a, b)

    def backward(ctx, grad_z):
        a, b = ctx.saved_tensors
        grad_a = grad_of_first(grad_z, b) if ctx.needs_input_grad[0] else None
        grad_b = grad_of_second(a, b, grad_z) if ctx.needs_input_grad[1] else None
        return grad_a, grad_b


def add_product(bias, product, beta, alpha):
    """``beta * bias + alpha * product``, written over the product. With beta 0 the bias does not count."""
    if bias.shape != product.shape[-1:] and not is_expandable(bias.shape, product.shape):
        raise RuntimeError(
            f"The expanded size of the tensor {list(product.shape)} must match the existing size {list(bias.shape)} of "
            f"what is added to the product"
        )
    if alpha != 1:
        product *= number_as(alpha, product.dtype)
    if beta != 0:
        product += bias if beta == 1 else bias * number_as(beta, bias.dtype)
    return product


def times(grad, factor):
    """``grad * factor``, itself where the factor is 1."""
    return grad if factor == 1 else grad * factor


class Addmm(Function):
    """z = beta · bias + alpha · a b, the bias broadcast. Shapes: (m,), (n, k), (k, m) -> (n, m)."""

    saved_inputs = slice(1, 3)
    check: Any = staticmethod(check_matrices)

    def forward(ctx, bias, a, b, *, beta=1, alpha=1):
        ctx.check(a, b)
        if bias.dtype is not a.dtype:
            check_types(bias, a)
        ctx.beta, ctx.alpha = beta, alpha
        ctx.save_for_backward(a, b)
        return add_product(bias, np.asarray(product(a, b)), beta, alpha)

    def backward(ctx, grad_z):
        a, b = ctx.saved_tensors
        needs_bias, needs_a, needs_b = ctx.needs_input_grad
        grad_bias = times(grad_z, ctx.beta) if needs_bias else None
        grad_a = times(ctx.grad_of_first(a, b, grad_z), ctx.alpha) if needs_a else None
        grad_b = times(ctx.grad_of_second(a, b, grad_z), ctx.alpha) if needs_b else None
        return grad_bias, grad_a, grad_b

    def grad_of_first(ctx, a, b, grad_z):
        return grad_of_first(grad_z, b)

    def grad_of_second(ctx, a, b, grad_z):
        return grad_of_second(a, b, grad_z)


def check_matrix_and_vector(a, v):
    """Raise PyTorch's error unless (n, k) meets (k,)."""
    if a.ndim != 2 or v.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {a.ndim}-D and {v.ndim}-D tensors")
    if a.shape[1] != v.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({a.shape[0]}), mat ({a.shape[0]}x{a.shape[1]}), vec ({v.shape[0]})"
        )
    check_types(a, v)


class Mv(Function):
    """z = a v. Shapes: (n, k), (k,) -> (n,)."""

    def forward(ctx, a, v):
        check_matrix_and_vector(a, v)
        ctx.save_for_backward(a, v)
        return a @ v

    def backward(ctx, grad_z):
        a, v = ctx.saved_tensors
        grad_a = grad_v = None
        if ctx.needs_input_grad[0]:
            grad_a = Unsqueeze.apply(grad_z, dim=1) * v  # dzᵢ/daᵢₖ = vₖ
        if ctx.needs_input_grad[1]:
            grad_v = T.apply(a) @ grad_z
        return grad_a, grad_v


class Dot(Function):
    """z = Σ xᵢ yᵢ. Shapes: (n,), (n,) -> ()."""

    def forward(ctx, x, y):
        if x.shape != y.shape:
            raise RuntimeError(
                f"inconsistent tensor size, expected tensor [{x.shape[0]}] and src [{y.shape[0]}] to have the same "
                f"number of elements, but got {x.shape[0]} and {y.shape[0]} elements respectively"
            )
        if x.dtype != y.dtype:
            raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {x.dtype} and {y.dtype}")
        check_types(x, y)
        ctx.save_for_backward(x, y)
        return x @ y

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad_x = grad_z * y if ctx.needs_input_grad[0] else None
        grad_y = grad_z * x if ctx.needs_input_grad[1] else None
        return grad_x, grad_y


def check_batches(a, b):
    """Raise PyTorch's error unless (N, n, k) meets (N, k, m)."""
    if a.ndim != 3 or b.ndim != 3:
        raise RuntimeError(f"batch1 and batch2 must be 3D tensors, got {a.ndim}D and {b.ndim}D")
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, {a.shape[2]}] "
            f"but got: [{b.shape[0]}, {b.shape[1]}]."
        )
    check_types(a, b)


class Bmm(Function):
    """z = a b, one product a batch entry. Shapes: (N, n, k), (N, k, m) -> (N, n, m)."""

    def forward(ctx, a, b):
        check_batches(a, b)
        ctx.save_for_backward(a, b)
        return product(a, b)

    def backward(ctx, grad_z):
        a, b = ctx.saved_tensors
        grad_a = grad_b = None
        if ctx.needs_input_grad[0]:
            grad_a = grad_z @ Transpose.apply(b, dim0=1, dim1=2)
        if ctx.needs_input_grad[1]:
            grad_b = Transpose.apply(a, dim0=1, dim1=2) @ grad_z
        return grad_a, grad_b


class Addmv(Addmm):
    """z = beta · bias + alpha · a v. Shapes: (n,), (n, k), (k,) -> (n,)."""

    check = staticmethod(check_matrix_and_vector)

    def grad_of_first(ctx, a, v, grad_z):
        return Unsqueeze.apply(grad_z, dim=1) * v

    def grad_of_second(ctx, a, v, grad_z):
        return T.apply(a) @ grad_z


class Baddbmm(Addmm):
    """z = beta · bias + alpha · a b, a product a batch entry. Shapes: (N, n, m), (N, n, k), (N, k, m) -> (N, n, m)."""

    check = staticmethod(check_batches)

    def grad_of_first(ctx, a, b, grad_z):
        return grad_z @ Transpose.apply(b, dim0=1, dim1=2)

    def grad_of_second(ctx, a, b, grad_z):
        return Transpose.apply(a, dim0=1, dim1=2) @ grad_z


class Addr(Function):
    """z = beta · bias + alpha · x yᵀ. Shapes: (n, m), (n,), (m,) -> (n, m)."""

    def forward(ctx, bias, x, y, *, beta, alpha):
        ctx.beta, ctx.alpha = beta, alpha
        ctx.save_for_backward(x, y)
        bias, x, y = promote(bias, x, y)
        return add_product(bias, np.multiply.outer(x, y), beta, alpha)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        needs_bias, needs_x, needs_y = ctx.needs_input_grad
        grad_bias = times(grad_z, ctx.beta) if needs_bias else None
        grad_x = times(grad_z @ y, ctx.alpha) if needs_x else None
        grad_y = times(T.apply(grad_z) @ x, ctx.alpha) if needs_y else None
        return grad_bias, grad_x, grad_y
