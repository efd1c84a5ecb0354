"""Systems of linear equations. Rules, then what users call; NumPy's LAPACK computes.

One pattern serves all: x with a x = b has dL/db = a⁻ᵀ dL/dx, a system again, and dL/da = -dL/db xᵀ, for a dx = -da x.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import return_types
from minigrad.arguments.gate import checked
from minigrad.attributes import contiguous_format
from minigrad.creation import eye
from minigrad.graph.node import Tensor
from minigrad.kernels.substitution import substitute
from minigrad.linalg.checks import LinAlgError, check_matrices, check_sides, check_square, failing
from minigrad.linalg.columns import InColumns, in_columns
from minigrad.ops.broadcasting import broadcast_shapes
from minigrad.ops.diagonals import Tril, Triu

__all__ = ["cholesky_inverse", "cholesky_solve", "inv", "solve", "solve_triangular", "triangular_solve"]


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
    """Where Gaussian elimination of a singular matrix stops, counted from 1."""
    left = matrix.copy()
    for step in range(len(left)):
        largest = step + np.abs(left[step:, step]).argmax()
        if left[largest, step] == 0:
            return step + 1
        left[[step, largest]] = left[[largest, step]]
        left[step + 1 :] -= np.outer(left[step + 1 :, step] / left[step, step], left[step])
    return len(left)


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

    def forward(ctx, a, b, *, upper, left, unitriangular):
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
