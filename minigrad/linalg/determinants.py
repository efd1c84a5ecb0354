"""Determinants and their logarithms. Rules, then what users call; NumPy's LAPACK computes."""

from __future__ import annotations

import numpy as np

from minigrad import return_types
from minigrad.arguments.gate import checked
from minigrad.graph.function import Function
from minigrad.graph.node import Tensor, unwrap
from minigrad.graph.values import constant_like
from minigrad.linalg.checks import check_matrices
from minigrad.linalg.solving import LinalgSolveEx
from minigrad.ops.choosing import Where

__all__ = ["det", "logdet", "slogdet"]


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
