"""Systems of linear equations, inverses, determinants. Rules, then what users call; NumPy's LAPACK computes.

One pattern serves all: x with a x = b has dL/db = a⁻ᵀ dL/dx, a system again, and dL/da = -dL/db xᵀ, for a dx = -da x.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import return_types
from minigrad.arguments.gate import checked
from minigrad.attributes import contiguous_format
from minigrad.creation import eye
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor, unwrap
from minigrad.graph.values import constant_like
from minigrad.kernels.substitution import substitute
from minigrad.linalg.checks import LinAlgError, check_matrices, check_sides, check_square, failing
from minigrad.linalg.columns import InColumns, in_columns
from minigrad.ops.broadcasting import broadcast_shapes
from minigrad.ops.choosing import Where
from minigrad.ops.diagonals import Tril, Triu

__all__ = ["cholesky_inverse", "cholesky_solve", "det", "inv", "logdet", "slogdet", "solve", "solve_triangular"]
__all__ += ["triangular_solve"]


def is_vector(a, b):
    """Whether b is a vector, or a batch of them, beside the matrices a: NumPy's rule."""
    return b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])


class LinalgSolveEx(InColumns):
    """x with a x = b, or with x a = b where not ``left``."""

    saved_names = ("A", "result")

    def forward(ctx, a, b, *, left):
        ctx.left, ctx.vector = left, is_vector(a, b)
        matrix = b[..., None] if ctx.vector else b
        try:
            x = np.linalg.solve(a, matrix) if left else np.linalg.solve(a.mT, matrix.mT)  # xᵀ
        except np.linalg.LinAlgError:
            place, _ = failing(np.linalg.inv, a)
            raise LinAlgError(
                f"torch.linalg.solve: {place}The solver failed because the input matrix is singular."
            ) from None
        x = in_columns(x[..., 0] if ctx.vector else x)
        x = x if left else x.mT
        ctx.save_for_backward(a, x)
        return x

    def backward(ctx, grad_x):
        a, x = ctx.saved_tensors
        if ctx.vector:
            x, grad_x = x[..., None], grad_x[..., None]
        grad_b = LinalgSolveEx.apply(a.mT, grad_x, left=ctx.left)
        grad_a = None
        if ctx.needs_input_grad[0]:
            grad_a = -(grad_b @ x.mT) if ctx.left else -(x.mT @ grad_b)
        return grad_a, grad_b[..., 0] if ctx.vector else grad_b


@checked
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """x with ``A @ x = B``, of one right side or several.

    Shapes: (..., n, n), (..., n, k) -> (..., n, k), the batches broadcast; (..., n, n), (..., n) -> (..., n) where the
    batches are the same, or ``B`` is one vector. With ``left`` False it is x with ``x @ A = B``: (..., k, n).

    Raises:
        LinAlgError: a matrix is singular.
        RuntimeError: sizes or types do not agree, or they are not of floating type.
        NotImplementedError: they are of float16.

    >>> minigrad.linalg.solve(minigrad.tensor([[2.0, 0.0], [0.0, 4.0]]), minigrad.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    check_sides("linalg.solve", A, B.unsqueeze(-1) if is_vector(A, B) else B, left)
    check_matrices("linalg.solve", A, kernel="lu_cpu")
    return LinalgSolveEx.apply(A, B, left=left)


class LinalgInvEx(InColumns):
    """z = a⁻¹. From a z = 1 it is dz = -z da z."""

    saved_names = ("inverse",)

    def forward(ctx, a):
        try:
            z = in_columns(np.linalg.inv(a))
        except np.linalg.LinAlgError:
            place, matrix = failing(np.linalg.inv, a)
            raise LinAlgError(
                f"linalg.inv: {place}The diagonal element {first_zero_pivot(matrix)} is zero, the inversion could not "
                f"be completed because the input matrix is singular."
            ) from None
        ctx.save_for_backward(z)
        return z

    def backward(ctx, grad_z):
        (z,) = ctx.saved_tensors
        grad_a = -(z.mT @ (grad_z @ z.mT))
        return grad_a


def first_zero_pivot(matrix):
    """The column at which Gaussian elimination of a singular matrix stops, counted from 1."""
    for column in range(1, len(matrix)):
        if not matrix[:, 0].any():
            return column
        pivot = matrix[np.abs(matrix[:, 0]).argmax()]
        matrix = matrix[:, 1:] - np.outer(matrix[:, 0] / pivot[0], pivot[1:])  # the pivot's own row becomes 0
    return len(matrix)


@checked
def inv(A: Tensor) -> Tensor:
    """The inverse of a matrix. Shapes: (..., n, n), the same out. :func:`solve` is faster and closer than a product
    with it.

    Raises:
        LinAlgError: a matrix is singular.
        RuntimeError: it is not square, or neither of float32 nor of float64.
    """
    check_matrices("linalg.inv", A)
    return LinalgInvEx.apply(A)


class LinalgSolveTriangular(InColumns):
    """x with a x = b, or with x a = b where not ``left``, for triangular a. Where a's diagonal is 0, x is infinite."""

    saved_names = ("self", "result")

    def forward(ctx, a, b, *, upper, left=True, unitriangular=False):
        ctx.upper, ctx.left, ctx.unitriangular = upper, left, unitriangular
        if left:
            x = substitute(a, b, upper, unitriangular)
        else:  # aᵀ xᵀ = bᵀ
            x = substitute(a.mT, b.mT, not upper, unitriangular).mT
        x = in_columns(x)
        ctx.save_for_backward(a, x)
        return x

    def backward(ctx, grad_x):
        a, x = ctx.saved_tensors
        options: Any = {"left": ctx.left, "unitriangular": ctx.unitriangular}
        grad_b = LinalgSolveTriangular.apply(a.mT, grad_x, upper=not ctx.upper, **options)
        if not ctx.needs_input_grad[0]:
            return None, grad_b
        grad_a = -(grad_b @ x.mT) if ctx.left else -(x.mT @ grad_b)
        triangle = Triu if ctx.upper else Tril
        offset = int(ctx.unitriangular) if ctx.upper else -int(ctx.unitriangular)
        return triangle.apply(grad_a, diagonal=offset), grad_b


@checked
def solve_triangular(
    input: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """x with ``input @ x = B`` for a triangular matrix: its ``upper`` or its lower triangle, the other is not read.

    Shapes: (..., n, n), (..., n, k) -> (..., n, k), the batches broadcast. With ``left`` False it is x with
    ``x @ input = B``: (..., k, n) -> (..., k, n). With ``unitriangular`` the diagonal counts as ones.

    Raises:
        RuntimeError: sizes or types do not agree.
        NotImplementedError: they are not of float32 or float64.
    """
    check_sides("linalg.solve_triangular", input, B, left)
    if input.array.dtype.char not in "fd":
        raise NotImplementedError(f'"triangular_solve_cpu" not implemented for {input.dtype}: convert to float32 first')
    return LinalgSolveTriangular.apply(input, B, upper=upper, left=left, unitriangular=unitriangular)


@checked
def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> return_types.triangular_solve:
    """The older form of :func:`solve_triangular`: x with ``A @ x = input``, or with Aᵀ where ``transpose``, and A.

    Shapes: (..., n, k), (..., n, n) -> (..., n, k) and (..., n, n).

    Raises:
        RuntimeError: sizes or types do not agree.
        NotImplementedError: they are not of float32 or float64.
    """
    check_sides("triangular_solve", A, input, left=True)
    batch = broadcast_shapes(input.shape[:-2], A.shape[:-2])
    coefficient = A.expand(*batch, *A.shape[-2:]).mT.clone(memory_format=contiguous_format).mT
    matrix, triangle = (A.mT, not upper) if transpose else (A, upper)
    solution = solve_triangular(matrix, input, upper=triangle, unitriangular=unitriangular)
    return return_types.triangular_solve(solution, coefficient)


class CholeskySolve(InColumns):
    """x with L Lᵀ x = b, by two triangular systems. As in PyTorch dL/dL is that of a full matrix L."""

    saved_names = ("input2", "result")

    def forward(ctx, b, factor, *, upper):
        ctx.upper = upper
        lower = factor.mT if upper else factor
        x = in_columns(substitute(lower.mT, substitute(lower, b, False, False), True, False))
        ctx.save_for_backward(factor, x)
        return x

    def backward(ctx, grad_x):
        factor, x = ctx.saved_tensors
        grad_b = CholeskySolve.apply(grad_x, factor, upper=ctx.upper)
        if not ctx.needs_input_grad[1]:
            return grad_b, None
        grad_a = -(grad_b @ x.mT)  # of a = L Lᵀ
        symmetric = grad_a + grad_a.mT
        grad_factor = factor @ symmetric if ctx.upper else symmetric @ factor
        return grad_b, grad_factor


@checked
def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """x with ``L Lᵀ x = input`` for the lower triangular ``L`` of ``linalg.cholesky``; ``upper`` where it is Lᵀ.

    Shapes: (..., n, k), (..., n, n) -> (..., n, k).

    Raises:
        RuntimeError: sizes or types do not agree.
        NotImplementedError: they are not of float32 or float64.
    """
    check_sides("cholesky_solve", L, input, left=True)
    if input.array.dtype.char not in "fd":
        raise NotImplementedError(f'"cholesky_solve_cpu" not implemented for {input.dtype}: convert to float32 first')
    return CholeskySolve.apply(input, L, upper=upper)


@checked
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """The inverse of ``L Lᵀ`` for the lower triangular ``L`` of ``linalg.cholesky``; ``upper`` where it is Lᵀ.

    Shapes: (..., n, n), the same out.

    Raises:
        RuntimeError: the matrix is not square.
        NotImplementedError: it is not of float32 or float64.
    """
    check_square("cholesky_inverse", L)
    return cholesky_solve(eye(L.shape[-1], dtype=L.dtype), L, upper)


def diagonal_of(grad, a):
    """Matrices of the shape of a with each ``grad`` along the diagonal."""
    return grad[..., None, None] * constant_like(np.eye(a.shape[-1]), a)


class LinalgDet(Function):
    """z = det a. dz/da = z a⁻ᵀ; where z is 0, it is taken to be 0, though other cofactors of a may not be."""

    saved_names = ("A", "result")

    def forward(ctx, a):
        z = np.asarray(np.linalg.det(a))
        ctx.save_for_backward(a, z)
        return z

    def backward(ctx, grad_z):
        a, z = ctx.saved_tensors
        singular = unwrap(z)[..., None, None] == 0
        if singular.any():
            a = Where.apply(constant_like(np.eye(a.shape[-1]), a), a, condition=singular)
        grad_a = LinalgSolveEx.apply(a.mT, diagonal_of(grad_z * z, a), left=True)
        return grad_a


@checked
def det(A: Tensor) -> Tensor:
    """The determinant of a matrix. Shapes: (..., n, n) -> (...). Where it is 0, so is the gradient.

    Raises:
        RuntimeError: the matrix is not square, or not of floating type.
        NotImplementedError: it is of float16.
    """
    check_matrices("linalg.det", A, kernel="lu_cpu")
    return LinalgDet.apply(A)


class LinalgSlogdet(Function):
    """The sign of det a, and z = ln |det a|. dz/da = a⁻ᵀ; the sign has no gradient."""

    saved_names = ("A", "sign")
    materialize_grads = False

    def forward(ctx, a):
        sign, logarithm = [np.asarray(each) for each in np.linalg.slogdet(a)]
        ctx.save_for_backward(a, sign)
        return sign, logarithm

    def backward(ctx, grad_sign, grad_z):
        a, _ = ctx.saved_tensors
        if grad_z is None:
            return None
        grad_a = LinalgSolveEx.apply(a.mT, diagonal_of(grad_z, a), left=True)
        return grad_a


@checked
def slogdet(A: Tensor) -> return_types.linalg_slogdet:
    """The sign of a matrix' determinant and the logarithm of its size, which does not overflow.

    Shapes: (..., n, n) -> (...) twice. Of a singular matrix they are 0 and -infinity.

    Raises:
        RuntimeError: the matrix is not square, or neither of float32 nor of float64.
    """
    check_matrices("linalg.slogdet", A)
    return return_types.linalg_slogdet(*LinalgSlogdet.apply(A))


@checked
def logdet(input: Tensor) -> Tensor:
    """The logarithm of a matrix' determinant: -infinity where this is 0, NaN below. Shapes: (..., n, n) -> (...).

    Raises:
        RuntimeError: the matrix is not square, or neither of float32 nor of float64.
    """
    check_matrices("logdet", input)
    sign, logarithm = LinalgSlogdet.apply(input)
    return Where.apply(np.nan, logarithm, condition=unwrap(sign) == -1)
