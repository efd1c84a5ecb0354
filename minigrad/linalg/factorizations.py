"""Matrices as products of simpler ones. Rules, then what users call; NumPy's LAPACK computes.

Each rule reads off dL/dA from how the factors change with A. Where factors have a choice of sign it is LAPACK's.
"""

from __future__ import annotations

import functools

import numpy as np

from minigrad import return_types
from minigrad.arguments.gate import checked
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.node import Tensor
from minigrad.graph.values import constant_like
from minigrad.linalg.checks import LinAlgError, check_finite, check_matrices, check_square, failing, refuses
from minigrad.linalg.columns import InColumns, in_columns
from minigrad.linalg.solving import LinalgSolveTriangular
from minigrad.ops.diagonals import Tril, Triu

__all__ = ["cholesky", "eigh", "eigvalsh", "qr", "svd", "svdvals"]


def finite_cholesky(a, upper):
    """NumPy's, which for NaN raises an error with some libraries and gives NaN with others: here an error."""
    factor = np.linalg.cholesky(a, upper=upper)
    if np.isnan(factor).any():
        raise np.linalg.LinAlgError
    return factor


def halved_diagonal(x):
    """x with its diagonal halved."""
    return x * constant_like(np.ones(x.shape[-2:]) - np.eye(x.shape[-1]) / 2, x)


class LinalgCholeskyEx(InColumns):
    """L, lower triangular, with A = L Lᵀ; with ``upper`` it is U = Lᵀ. Of A only this triangle is read.

    dL/dA = ½ L⁻ᵀ (P + Pᵀ) L⁻¹, where P is the lower triangle of Lᵀ dL/dL with its diagonal halved.
    """

    saved_names = ("L",)

    def forward(ctx, a, *, upper):
        ctx.upper = upper
        factorize = functools.partial(finite_cholesky, upper=upper)
        try:
            factor = in_columns(factorize(a))
        except np.linalg.LinAlgError:
            place, matrix = failing(factorize, a)
            order = 1
            while not refuses(factorize, matrix[:order, :order]):
                order += 1
            raise LinAlgError(
                f"linalg.cholesky: {place}The factorization could not be completed because the input is not "
                f"positive-definite (the leading minor of order {order} is not positive-definite)."
            ) from None
        ctx.save_for_backward(factor)
        return factor

    def backward(ctx, grad_factor):
        (factor,) = ctx.saved_tensors
        if ctx.upper:
            factor, grad_factor = factor.mT, grad_factor.mT
        triangle = halved_diagonal(Tril.apply(factor.mT @ grad_factor, diagonal=0))
        of_right = LinalgSolveTriangular.apply(factor, triangle + triangle.mT, upper=False, left=False)
        grad_a = LinalgSolveTriangular.apply(factor.mT, of_right, upper=True) * 0.5
        return grad_a


@checked
def cholesky(input: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangular factor L of a symmetric positive-definite matrix L Lᵀ, or with ``upper`` Lᵀ.

    Shapes: (..., n, n), the same out. Only this triangle of ``input`` is read.

    Raises:
        LinAlgError: the matrix is not positive-definite.
        RuntimeError: it is not square, or neither of float32 nor of float64.

    >>> minigrad.linalg.cholesky(minigrad.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    check_matrices("linalg.cholesky", input, kernel="cholesky_cpu")
    return LinalgCholeskyEx.apply(input, upper=upper)


def skew(x):
    """x - xᵀ."""
    return x - x.mT


def differences(values):
    """The differences of each row's values: at (i, j) value j minus value i, and 1 on the diagonal."""
    return values[..., None, :] - values[..., :, None] + constant_like(np.eye(values.shape[-1]), values)


class LinalgSvd(InColumns):
    """U, S and Vᵀ with A = U diag(S) Vᵀ. Where values of S are equal, dL/dU and dL/dV have none of them to choose."""

    saved_names = ("U", "S", "Vh")
    materialize_grads = False

    def forward(ctx, a, *, full_matrices, vectors=True):
        check_finite("linalg.svd", a, "the input matrix contained non-finite values")
        if not vectors:
            return np.linalg.svd(a, compute_uv=False)
        u, s, vh = np.linalg.svd(a, full_matrices)
        u, vh = in_columns(u), in_columns(vh)
        ctx.save_for_backward(u, s, vh)
        return u, s, vh

    def backward(ctx, grad_u, grad_s, grad_vh):
        u, s, vh = ctx.saved_tensors
        rows, columns, count = u.shape[-2], vh.shape[-1], s.shape[-1]
        u, vh = u[..., :count], vh[..., :count, :]
        grad_u = None if grad_u is None else grad_u[..., :count]
        grad_vh = None if grad_vh is None else grad_vh[..., :count, :]
        if grad_u is None and grad_vh is None:
            return (u * grad_s[..., None, :]) @ vh
        row, column = s[..., None, :], s[..., :, None]
        core = 0  # Uᵀ dL/dA V
        if grad_u is not None:
            core = skew(u.mT @ grad_u) * row
        if grad_vh is not None:
            core = core + column * skew(vh @ grad_vh.mT)
        core = core / differences(s * s)
        if grad_s is not None:
            core = core + grad_s[..., None, :] * constant_like(np.eye(count), s)
        grad_a = u @ core @ vh
        if rows > count and grad_u is not None:  # what lies outside the space that U spans
            outside = grad_u / row
            grad_a = grad_a + (outside - u @ (u.mT @ outside)) @ vh
        if columns > count and grad_vh is not None:
            outside = grad_vh / column
            grad_a = grad_a + u @ (outside - (outside @ vh.mT) @ vh)
        return grad_a


@checked
def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> return_types.linalg_svd:
    """The singular values of a matrix, falling, and their vectors: ``A = U[:, :k] @ diag(S) @ Vh[:k]``, k = min(n, m).

    Shapes: (..., n, m) -> (..., n, n), (..., k), (..., m, m); without ``full_matrices`` (..., n, k), (..., k) and
    (..., k, m). A pair of vectors has a sign to choose: it is LAPACK's.

    Raises:
        LinAlgError: the matrix has infinite values or NaN.
        RuntimeError: there is no matrix, or it is not of floating type, or a ``driver`` is named.
        NotImplementedError: it is of float16.
    """
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )
    check_matrices("linalg.svd", A, square=False, kernel="linalg_svd_cpu")
    return return_types.linalg_svd(*LinalgSvd.apply(A, full_matrices=full_matrices))


@checked
def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values of a matrix, falling. Shapes: (..., n, m) -> (..., min(n, m)).

    Raises:
        LinAlgError, RuntimeError, NotImplementedError: as :func:`svd`.
    """
    if driver is not None or A.ndim < 2 or (grad_mode.enabled and A.requires_grad):
        return svd(A, False, driver=driver).S
    check_matrices("linalg.svd", A, square=False, kernel="linalg_svd_cpu")
    return LinalgSvd.apply(A, full_matrices=False, vectors=False)


class LinalgEigh(InColumns):
    """The eigenvalues L and eigenvectors V of a symmetric A = V diag(L) Vᵀ. Of A only one triangle is read.

    dL/dA = V (diag(dL/dL) + E) Vᵀ, where E is the skew part of Vᵀ dL/dV, each over its eigenvalues' difference.
    """

    saved_names = ("eigenvalues", "eigenvectors")
    materialize_grads = False

    def forward(ctx, a, *, UPLO, vectors=True):
        words = "the input matrix is ill-conditioned or has too many repeated eigenvalues"
        check_finite("linalg.eigh", a, f"{words} (error code: {a.shape[-1] - 1})")
        if not vectors:
            return np.linalg.eigvalsh(a, UPLO)
        values, vectors = np.linalg.eigh(a, UPLO)
        vectors = in_columns(vectors)
        ctx.save_for_backward(values, vectors)
        return values, vectors

    def backward(ctx, grad_values, grad_vectors):
        values, vectors = ctx.saved_tensors
        if grad_vectors is None:
            return (vectors * grad_values[..., None, :]) @ vectors.mT
        core = skew(vectors.mT @ grad_vectors) * 0.5 / differences(values)
        if grad_values is not None:
            core = core + grad_values[..., None, :] * constant_like(np.eye(values.shape[-1]), values)
        grad_a = vectors @ (core @ vectors.mT)
        return grad_a


def checked_triangle(input: Tensor, UPLO: str) -> str:
    """ "L" or "U" of what was asked for, where the matrices are in order."""
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    check_square("linalg.eigh", input)
    if input.array.dtype.char not in "fd":
        raise NotImplementedError(f'"linalg_eigh_cpu" not implemented for {input.dtype}: convert to float32 first')
    return UPLO.upper()


@checked
def eigh(input: Tensor, UPLO: str = "L") -> return_types.linalg_eigh:
    """The eigenvalues of a symmetric matrix, rising, and its eigenvectors, the columns of a matrix.

    Shapes: (..., n, n) -> (..., n) and (..., n, n). Only the lower triangle is read, or with ``UPLO`` "U" the upper.
    A vector has a sign to choose: it is LAPACK's.

    Raises:
        LinAlgError: the matrix has infinite values or NaN.
        RuntimeError: it is not square, or ``UPLO`` is none of the two.
        NotImplementedError: it is neither of float32 nor of float64.

    >>> minigrad.linalg.eigh(minigrad.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    return return_types.linalg_eigh(*LinalgEigh.apply(input, UPLO=checked_triangle(input, UPLO)))


@checked
def eigvalsh(input: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of a symmetric matrix, rising. Shapes: (..., n, n) -> (..., n).

    Raises:
        LinAlgError, RuntimeError, NotImplementedError: as :func:`eigh`.
    """
    if grad_mode.enabled and input.requires_grad:
        return eigh(input, UPLO).eigenvalues
    return LinalgEigh.apply(input, UPLO=checked_triangle(input, UPLO), vectors=False)


class LinalgQr(InColumns):
    """Q, with orthonormal columns, and R, upper triangular, with A = Q R."""

    saved_names = ("Q", "R")
    materialize_grads = False

    def forward(ctx, a, *, mode):
        ctx.mode = mode
        if mode == "r":
            q, r = np.empty(0, a.dtype), np.linalg.qr(a, mode)
        else:
            q, r = np.linalg.qr(a, mode)
        q, r = in_columns(q), in_columns(r)
        ctx.save_for_backward(q, r)
        return q, r

    def backward(ctx, grad_q, grad_r):
        q, r = ctx.saved_tensors
        if ctx.mode == "r":
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
                "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
            )
        rows, columns = q.shape[-2], r.shape[-1]
        if ctx.mode == "complete" and rows > columns:
            raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
        core = 0 if grad_r is None else grad_r @ r.mT
        core = core if grad_q is None else core - q.mT @ grad_q
        if rows >= columns:
            triangle = Triu.apply(core, diagonal=0)
            grad = q @ halved_diagonal(triangle + triangle.mT)
            return LinalgSolveTriangular.apply(r.mT, grad if grad_q is None else grad + grad_q, upper=False, left=False)
        grad = q @ Tril.apply(-skew(core), diagonal=0)  # the first columns alone make Q
        first = LinalgSolveTriangular.apply(r[..., :rows].mT, grad, upper=False, left=False)
        grad_a = first @ constant_like(np.eye(rows, columns), first)
        return grad_a if grad_r is None else grad_a + q @ grad_r


@checked
def qr(A: Tensor, mode: str = "reduced") -> return_types.linalg_qr:
    """A matrix as a product of Q, with orthonormal columns, and R, upper triangular.

    Shapes: (..., n, m) -> (..., n, k) and (..., k, m), k = min(n, m); with ``mode`` "complete" k = n; with "r" Q is
    empty. The signs are LAPACK's.

    Raises:
        RuntimeError: there is no matrix, it is not of floating type, or there is no such mode; in backward, Q is not
            there, or has columns that A says nothing about.
        NotImplementedError: it is of float16.
    """
    check_matrices("linalg.qr", A, square=False, kernel="geqrf_cpu")
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return return_types.linalg_qr(*LinalgQr.apply(A, mode=mode))
