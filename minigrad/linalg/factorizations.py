"""Matrices as products of simpler ones. Rules, then what users call; NumPy's LAPACK computes.

Each rule reads off dL/dA from how the factors change with A. Where factors have a choice of sign it is LAPACK's.
"""

from __future__ import annotations

import functools

import numpy as np

from minigrad.arguments.gate import checked
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor
from minigrad.graph.values import constant_like
from minigrad.linalg.checks import LinAlgError, check_matrices, failing, refuses
from minigrad.linalg.solving import LinalgSolveTriangular
from minigrad.ops.diagonals import Tril

__all__ = ["cholesky"]


def finite_cholesky(a, upper):
    """NumPy's, which for NaN raises an error with some libraries and gives NaN with others: here an error."""
    factor = np.linalg.cholesky(a, upper=upper)
    if np.isnan(factor).any():
        raise np.linalg.LinAlgError
    return factor


class LinalgCholeskyEx(Function):
    """L, lower triangular, with A = L Lᵀ; with ``upper`` it is U = Lᵀ. Of A only this triangle is read.

    dL/dA = ½ L⁻ᵀ (P + Pᵀ) L⁻¹, where P is the lower triangle of Lᵀ dL/dL with its diagonal halved.
    """

    saved_names = ("L",)
    result_strides = None

    def forward(ctx, a, *, upper):
        ctx.upper = upper
        factorize = functools.partial(finite_cholesky, upper=upper)
        try:
            factor = factorize(a)
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
        size = factor.shape[-1]
        halves = constant_like(np.ones((size, size)) - np.eye(size) / 2, factor)
        triangle = Tril.apply(factor.mT @ grad_factor, diagonal=0) * halves
        of_right = LinalgSolveTriangular.apply(
            factor, triangle + triangle.mT, upper=False, left=False, unitriangular=False
        )
        grad_a = LinalgSolveTriangular.apply(factor.mT, of_right, upper=True, left=True, unitriangular=False) * 0.5
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
