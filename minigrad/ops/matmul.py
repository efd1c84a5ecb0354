"""Products of vectors, matrices and batches of matrices. Each rule: formula, forward, backward; then what users call.

One pattern serves all: z = a b has dL/da = dL/dz bᵀ and dL/db = aᵀ dL/dz. Shapes leave no other choice, and writing
out one element, zᵢⱼ = Σₖ aᵢₖ bₖⱼ, shows why. What a linear layer computes is in ``linear.py``, sums of products over
named dimensions are in ``einsum.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.arguments.dims import is_expandable, normalize_dim
from minigrad.arguments.gate import checked
from minigrad.arguments.older import operands_and_factors
from minigrad.arguments.promotion import in_opmath, is_foreign, number_as, promote, type_name
from minigrad.attributes import Size
from minigrad.graph.function import ONLY_FIRST, Function, taken_in
from minigrad.graph.node import Number, Tensor, unwrap
from minigrad.graph.strides import as_first
from minigrad.inplace.changing import run_in_place
from minigrad.kernels.product import product
from minigrad.ops.arithmetic import check_alpha
from minigrad.ops.shape import SqueezeInPlace, UnsafeView, Unsqueeze
from minigrad.ops.transposition import T, Transpose

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addmv_",
    "addr",
    "baddbmm",
    "bmm",
    "dot",
    "ger",
    "inner",
    "matmul",
    "mm",
    "mv",
    "outer",
]
__all__ += ["tensordot", "vdot"]


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
    the same numbers, laid out in memory as b is. Of a b that was not saved, it was noted whether that is so.
    """
    if b if isinstance(b, bool) else unwrap(b).flags.f_contiguous:
        return T.apply(Mm.apply(T.apply(grad_z), a))
    return Mm.apply(T.apply(a), grad_z)


class Mm(Function):
    """z = a b. Shapes: (n, k), (k, m) -> (n, m)."""

    saved_names = ("self", "mat2")
    result_strides = None
    saved_inputs = slice(None)

    def forward(ctx, a, b):
        check_matrices(a, b)
        ctx.save_for_backward(a if ctx.needs_input_grad[1] else None, b if ctx.needs_input_grad[0] else b.flags["F"])
        return product(a, b)

    def backward(ctx, grad_z):
        a, b = ctx.saved_tensors
        grad_a = grad_of_first(grad_z, b) if ctx.needs_input_grad[0] else None
        grad_b = grad_of_second(a, b, grad_z) if ctx.needs_input_grad[1] else None
        return grad_a, grad_b


@checked
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices. Shapes: (n, k), (k, m) -> (n, m).

    Raises:
        RuntimeError: dimensions, sizes or types do not agree.
        NotImplementedError: both are bools.
    """
    return Mm.apply(input, mat2)


def check_types(first, second):
    """Matrix products do not promote: both must have one type, as in PyTorch; and it is not bool."""
    if first.dtype != second.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {first.dtype} != {second.dtype}")
    if first.dtype.kind == "b":
        raise NotImplementedError("matrix products are not implemented for bools: convert to integers first")


def add_product(bias, product, beta, alpha):
    """``beta * bias + alpha * product``, written over the product. With beta 0 the bias does not count."""
    if bias.shape != product.shape[-1:] and not is_expandable(bias.shape, product.shape):
        raise RuntimeError(
            f"The expanded size of the tensor {list(product.shape)} must match the existing size {list(bias.shape)} of "
            f"what is added to the product"
        )
    if alpha != 1:
        wide = in_opmath(product)
        product[...] = wide * number_as(alpha, wide.dtype)
    if beta == 1:
        product += bias
    elif beta != 0:
        wide = in_opmath(bias)
        product += (wide * number_as(beta, wide.dtype)).astype(bias.dtype, copy=False)
    return product


def times(grad, factor):
    """``grad * factor``, itself where the factor is 1."""
    return grad if factor == 1 else grad * factor


class Addmm(Function):
    """z = beta · bias + alpha · a b, the bias broadcast. Shapes: (m,), (n, k), (k, m) -> (n, m)."""

    saved_names = ("mat1", "mat2")
    result_strides = None
    saved_inputs = slice(1, 3)
    saves_nothing_for = ONLY_FIRST
    check: Any = staticmethod(check_matrices)

    def forward(ctx, bias, a, b, *, beta=1, alpha=1):
        ctx.check(a, b)
        if bias.dtype is not a.dtype:
            check_types(bias, a)
        ctx.beta, ctx.alpha = beta, alpha
        ctx.save_for_backward(a if ctx.needs_input_grad[2] else None, b if ctx.needs_input_grad[1] else b.flags["F"])
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


@checked
def addmm(input: Any, mat1: Any, mat2: Any, *older: Any, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``beta * input + alpha * mat1 @ mat2``, the input broadcast. Shapes: (m,), (n, k), (k, m) -> (n, m).

    Raises:
        RuntimeError: sizes or types do not agree.
        NotImplementedError: the matrices are of bools.
    """
    operands, factors = operands_and_factors("addmm", older, beta, alpha, input=input, mat1=mat1, mat2=mat2)
    return Addmm.apply(*operands, **factors)


@checked
def addmm_(input: Any, mat1: Any, mat2: Any, *older: Any, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """:func:`addmm`, in place."""
    operands, factors = operands_and_factors("addmm_", older, beta, alpha, input=input, mat1=mat1, mat2=mat2)
    return run_in_place(operands[0], "addmm_", Addmm, *operands[1:], **factors)


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

    saved_names = ("self", "vec")
    result_strides = None

    def forward(ctx, a, v):
        check_matrix_and_vector(a, v)
        ctx.save_for_backward(a if ctx.needs_input_grad[1] else None, v if ctx.needs_input_grad[0] else None)
        return a @ v

    def backward(ctx, grad_z):
        a, v = ctx.saved_tensors
        grad_a = grad_v = None
        if ctx.needs_input_grad[0]:
            grad_a = Unsqueeze.apply(grad_z, dim=1) * v  # dzᵢ/daᵢₖ = vₖ
        if ctx.needs_input_grad[1]:
            grad_v = T.apply(a) @ grad_z
        return grad_a, grad_v


@checked
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector. Shapes: (n, k), (k,) -> (n,).

    Raises:
        RuntimeError: dimensions, sizes or types do not agree.
        NotImplementedError: both are bools.
    """
    return Mv.apply(input, vec)


class Dot(Function):
    """z = Σ xᵢ yᵢ. Shapes: (n,), (n,) -> ()."""

    saved_names = ("self", "tensor")

    def forward(ctx, x, y):
        if x.dtype != y.dtype:
            raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {x.dtype} and {y.dtype}")
        if x.shape != y.shape:
            raise RuntimeError(
                f"inconsistent tensor size, expected tensor [{x.shape[0]}] and src [{y.shape[0]}] to have the same "
                f"number of elements, but got {x.shape[0]} and {y.shape[0]} elements respectively"
            )
        check_types(x, y)
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, y if ctx.needs_input_grad[0] else None)
        return x @ y

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        grad_x = grad_z * y if ctx.needs_input_grad[0] else None
        grad_y = grad_z * x if ctx.needs_input_grad[1] else None
        return grad_x, grad_y


@checked
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of the products of two vectors' elements. Shapes: (n,), (n,) -> ().

    Raises:
        RuntimeError: dimensions, sizes or types do not agree.
        NotImplementedError: both are bools.
    """
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    return Dot.apply(input, tensor)


@checked
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """:func:`dot`, for real numbers."""
    return dot(input, other)


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

    saved_names = ("self", "mat2")
    result_strides = None

    def forward(ctx, a, b):
        check_batches(a, b)
        ctx.save_for_backward(a if ctx.needs_input_grad[1] else None, b if ctx.needs_input_grad[0] else None)
        return product(a, b)

    def backward(ctx, grad_z):
        a, b = ctx.saved_tensors
        grad_a = grad_b = None
        if ctx.needs_input_grad[0]:
            grad_a = grad_z @ Transpose.apply(b, dim0=1, dim1=2)
        if ctx.needs_input_grad[1]:
            grad_b = Transpose.apply(a, dim0=1, dim1=2) @ grad_z
        return grad_a, grad_b


@checked
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """A product of two matrices a batch entry. Shapes: (N, n, k), (N, k, m) -> (N, n, m).

    Raises:
        RuntimeError: dimensions, sizes or types do not agree.
        NotImplementedError: both are bools.
    """
    return Bmm.apply(input, mat2)


class Addmv(Addmm):
    """z = beta · bias + alpha · a v. Shapes: (n,), (n, k), (k,) -> (n,)."""

    saved_names = ("mat", "vec")
    check = staticmethod(check_matrix_and_vector)

    def grad_of_first(ctx, a, v, grad_z):
        return Unsqueeze.apply(grad_z, dim=1) * v

    def grad_of_second(ctx, a, v, grad_z):
        return T.apply(a) @ grad_z


@checked
def addmv(input: Any, mat: Any, vec: Any, *older: Any, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``beta * input + alpha * mat @ vec``, the input broadcast. Shapes: (n,), (n, k), (k,) -> (n,).

    Raises:
        RuntimeError: sizes or types do not agree.
        NotImplementedError: the matrix is of bools.
    """
    operands, factors = operands_and_factors("addmv", older, beta, alpha, input=input, mat=mat, vec=vec)
    return Addmv.apply(*operands, **factors)


@checked
def addmv_(input: Any, mat: Any, vec: Any, *older: Any, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """:func:`addmv`, in place."""
    operands, factors = operands_and_factors("addmv_", older, beta, alpha, input=input, mat=mat, vec=vec)
    return run_in_place(operands[0], "addmv_", Addmv, *operands[1:], **factors)


class Baddbmm(Addmm):
    """z = beta · bias + alpha · a b, a product a batch entry. Shapes: (N, n, m), (N, n, k), (N, k, m) -> (N, n, m)."""

    saved_names = ("batch1", "batch2")
    check = staticmethod(check_batches)

    def grad_of_first(ctx, a, b, grad_z):
        return grad_z @ Transpose.apply(b, dim0=1, dim1=2)

    def grad_of_second(ctx, a, b, grad_z):
        return Transpose.apply(a, dim0=1, dim1=2) @ grad_z


def check_batch_types(input: Tensor, batch1: Tensor, batch2: Tensor) -> None:
    """Raise PyTorch's error where the three tensors of ``baddbmm`` differ in type."""
    if not input.dtype is batch1.dtype is batch2.dtype:
        raise RuntimeError(
            f"Input dtypes must be the same, got: input {input.dtype}, batch1: {batch1.dtype}, batch2: {batch2.dtype}"
        )


@checked
def baddbmm(input: Any, batch1: Any, batch2: Any, *older: Any, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``beta * input + alpha * batch1 @ batch2``, the input broadcast.

    Shapes: (N, n, m), (N, n, k), (N, k, m) -> (N, n, m).

    Raises:
        RuntimeError: sizes or types do not agree.
        NotImplementedError: the matrices are of bools.
    """
    operands, factors = operands_and_factors("baddbmm", older, beta, alpha, input=input, batch1=batch1, batch2=batch2)
    check_batch_types(*operands)
    return Baddbmm.apply(*operands, **factors)


@checked
def baddbmm_(input: Any, batch1: Any, batch2: Any, *older: Any, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """:func:`baddbmm`, in place."""
    operands, factors = operands_and_factors("baddbmm_", older, beta, alpha, input=input, batch1=batch1, batch2=batch2)
    check_batch_types(*operands)
    return run_in_place(operands[0], "baddbmm_", Baddbmm, *operands[1:], **factors)


class Addbmm(Baddbmm):
    """z = beta · bias + alpha · the sum of a batch's products. Shapes: (n, m), (N, n, k), (N, k, m) -> (n, m)."""

    def forward(ctx, bias, a, b, *, beta=1, alpha=1):
        ctx.check(a, b)
        check_types(bias, a)
        ctx.beta, ctx.alpha = beta, alpha
        ctx.save_for_backward(a if ctx.needs_input_grad[2] else None, b if ctx.needs_input_grad[1] else None)
        return add_product(bias, np.add.reduce(product(a, b), axis=0, dtype=a.dtype), beta, alpha)


@checked
def addbmm(input: Any, batch1: Any, batch2: Any, *older: Any, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``beta * input + alpha *`` the sum of a batch's products. Shapes: (n, m), (N, n, k), (N, k, m) -> (n, m).

    Raises:
        RuntimeError: sizes or types do not agree.
        NotImplementedError: the matrices are of bools.
    """
    operands, factors = operands_and_factors("addbmm", older, beta, alpha, input=input, batch1=batch1, batch2=batch2)
    return Addbmm.apply(*operands, **factors)


@checked
def addbmm_(input: Any, batch1: Any, batch2: Any, *older: Any, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """:func:`addbmm`, in place."""
    operands, factors = operands_and_factors("addbmm_", older, beta, alpha, input=input, batch1=batch1, batch2=batch2)
    return run_in_place(operands[0], "addbmm_", Addbmm, *operands[1:], **factors)


class Addr(Function):
    """z = beta · bias + alpha · x yᵀ. Shapes: (n, m), (n,), (m,) -> (n, m)."""

    saved_names = ("vec1", "vec2")
    result_strides = as_first
    saved_inputs = slice(1, 3)
    saves_nothing_for = ONLY_FIRST

    def forward(ctx, bias, x, y, *, beta, alpha):
        for each in (x, y):
            if each.ndim != 1:
                raise RuntimeError(f"addr: Expected 1-D argument vec1 and vec2, but got {each.ndim}-D")
        ctx.beta, ctx.alpha = beta, alpha
        ctx.save_for_backward(x if ctx.needs_input_grad[2] else None, y if ctx.needs_input_grad[1] else None)
        bias, x, y = promote(bias, x, y)
        beta, alpha = [check_alpha(bias, x, each) for each in (beta, alpha)]
        return add_product(bias, np.multiply.outer(x, y), beta, alpha)

    def backward(ctx, grad_z):
        x, y = ctx.saved_tensors
        needs_bias, needs_x, needs_y = ctx.needs_input_grad
        grad_bias = times(grad_z, ctx.beta) if needs_bias else None
        grad_x = times(grad_z @ y, ctx.alpha) if needs_x else None
        grad_y = times(T.apply(grad_z) @ x, ctx.alpha) if needs_y else None
        return grad_bias, grad_x, grad_y


@checked
def addr(input: Any, vec1: Any, vec2: Any, *older: Any, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``, the input broadcast. Shapes: (n, m), (n,), (m,) -> (n, m).

    Raises:
        RuntimeError: the vectors have other than one dimension, or the input does not broadcast.
    """
    operands, factors = operands_and_factors("addr", older, beta, alpha, input=input, vec1=vec1, vec2=vec2)
    return Addr.apply(*operands, **factors)


@checked
def addr_(input: Any, vec1: Any, vec2: Any, *older: Any, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """:func:`addr`, in place."""
    operands, factors = operands_and_factors("addr_", older, beta, alpha, input=input, vec1=vec1, vec2=vec2)
    return run_in_place(operands[0], "addr_", Addr, *operands[1:], **factors)


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product. Shapes: (k,), (k,) -> (); (n, k), (k,) -> (n,); (k,), (k, m) -> (m,);
    (..., n, k), (..., k, m) -> (..., n, m) with the leading dimensions broadcast.

    Raises:
        RuntimeError: an operand has no dimension, the inner sizes differ, or the types do.
        TypeError: an operand is not a tensor.
        NotImplementedError: both are bools.

    >>> minigrad.tensor([[1, 2], [3, 4]]) @ minigrad.tensor([1, 1])
    tensor([3, 7])
    >>> (minigrad.ones(10, 2, 3) @ minigrad.ones(3, 4)).shape
    minigrad.Size([10, 2, 4])
    """
    for position, operand in enumerate((input, other)):
        if not isinstance(operand, Tensor):
            if is_foreign(operand):
                return matmul(taken_in(input), taken_in(other))
            raise TypeError(f"matmul(): argument {position + 1} must be Tensor, not {type_name(operand)}")
    if input.ndim == 0 or other.ndim == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and {other.ndim}D"
        )
    if input.ndim == 1 and other.ndim == 1:
        return Dot.apply(input, other)
    if input.ndim == 2 and other.ndim == 1:
        return Mv.apply(input, other)
    if input.ndim == 1 and other.ndim == 2:
        return SqueezeInPlace.apply(Mm.apply(input.unsqueeze(0), other), dim=0)
    if input.ndim == 2 and other.ndim == 2:
        return Mm.apply(input, other)
    if other.ndim == 2:  # one matrix for the whole batch: fold the batch into the rows
        count = int(np.prod(input.shape[:-1]))
        folded = Mm.apply(input.reshape(count, input.shape[-1]), other)
        return UnsafeView.apply(folded, shape=(*input.shape[:-1], other.shape[-1]))
    return batched_matmul(input, other)


def batched_matmul(input: Tensor, other: Tensor) -> Tensor:
    """A matrix product a batch entry, the batch dimensions broadcast, through one ``Bmm``."""
    rows = input.unsqueeze(0) if input.ndim == 1 else input
    columns = other.unsqueeze(1) if other.ndim == 1 else other
    try:
        batch = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    except ValueError:
        raise RuntimeError(
            f"The batch dimensions of {list(input.shape)} and {list(other.shape)} do not broadcast"
        ) from None
    if rows.shape[-1] != columns.shape[-2]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied: {list(input.shape)} and {list(other.shape)}, "
            f"{rows.shape[-1]} against {columns.shape[-2]}"
        )
    count = int(np.prod(batch, dtype=np.int64))
    left = rows.expand(*batch, *rows.shape[-2:]).reshape(count, *rows.shape[-2:])
    right = columns.expand(*batch, *columns.shape[-2:]).reshape(count, *columns.shape[-2:])
    product = UnsafeView.apply(Bmm.apply(left, right), shape=(*batch, rows.shape[-2], columns.shape[-1]))
    if input.ndim == 1:
        product = product.squeeze(-2)
    return product.squeeze(-1) if other.ndim == 1 else product


@checked
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Every element of the one times every element of the other. Shapes: (n,), (m,) -> (n, m).

    Raises:
        RuntimeError: one has other than one dimension.
    """
    if input.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D argument self and vec2, but got {input.ndim}-D and {vec2.ndim}-D")
    return input.reshape(input.shape[0], 1) * vec2


@checked
def inner(input: Tensor, other: Tensor) -> Tensor:
    """The products summed over the last dimension of both. Shapes: (..., k), (---, k) -> (..., ---).

    Raises:
        RuntimeError: the last sizes differ.
    """
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and "
            f"{list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


@checked
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """The products summed over ``dims``: the last so many of ``a`` and first of ``b``, or those listed for each.

    Shapes: (..., k), (k, ---) -> (..., ---) for dims 1.

    Raises:
        RuntimeError: there are not as many dimensions of both, or their sizes differ.
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0 or dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims >= 0 and no more than the tensors have, but got dims={dims}")
        dims = (list(range(a.ndim - dims, a.ndim)), list(range(dims)))
    if not isinstance(dims, (tuple, list)) or len(dims) != 2:
        raise RuntimeError(f"tensordot expects dims to be an int or two lists of ints, but got dims={dims}")
    dims_a, dims_b = [[each] if isinstance(each, int) else list(each) for each in dims]
    if len(dims_a) != len(dims_b):
        raise RuntimeError("both dimension lists should have same length")
    dims_a = [normalize_dim(each, a.ndim) for each in dims_a]
    dims_b = [normalize_dim(each, b.ndim) for each in dims_b]
    for dim_a, dim_b in zip(dims_a, dims_b):
        if a.shape[dim_a] == 1 or b.shape[dim_b] == 1:  # of size 1, it is broadcast
            a = a.sum(dim_a, keepdim=True, dtype=a.dtype) if a.shape[dim_a] != 1 else a
            b = b.sum(dim_b, keepdim=True, dtype=b.dtype) if b.shape[dim_b] != 1 else b
        elif a.shape[dim_a] != b.shape[dim_b]:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[dim_a]} in dim {dim_a} and second "
                f"has size {b.shape[dim_b]} in dim {dim_b}"
            )
    if a.dtype is not b.dtype:
        raise RuntimeError(f"both inputs should have same dtype, but got {a.dtype} and {b.dtype}")
    free_a = [each for each in range(a.ndim) if each not in dims_a]
    free_b = [each for each in range(b.ndim) if each not in dims_b]
    shape_a, shape_b = [a.shape[each] for each in free_a], [b.shape[each] for each in free_b]
    summed = Size([a.shape[each] for each in dims_a]).numel()
    rows = a.permute(free_a + dims_a).reshape(Size(shape_a).numel(), summed)
    columns = b.permute(dims_b + free_b).reshape(summed, Size(shape_b).numel())
    return mm(rows, columns).reshape(shape_a + shape_b)


# Other names that PyTorch has for some of these.
ger = outer
