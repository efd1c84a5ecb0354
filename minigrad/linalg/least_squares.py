"""Matrices that have no inverse: what comes nearest to one, and how far it is. Rules, then what users call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import return_types
from minigrad.arguments.gate import checked
from minigrad.creation import eye
from minigrad.dtypes import limits_of
from minigrad.graph.function import Function, wrap
from minigrad.graph.node import Number, Tensor, unwrap
from minigrad.linalg.checks import check_finite, check_matrices, check_one_type, check_square, refuses
from minigrad.linalg.columns import InColumns, in_columns
from minigrad.linalg.factorizations import eigvalsh, svdvals
from minigrad.linalg.norms import matrix_norm
from minigrad.linalg.solving import inv, is_vector
from minigrad.ops.choosing import where

__all__ = ["cond", "lstsq", "matrix_rank", "pinv"]


def cutoff(sizes: Any, shape: Any, atol: Any, rtol: Any) -> Any:
    """From which of a matrix' singular values on they count: ``atol``, or ``rtol`` of the largest, if that is more.

    Of the two the one that is not given is 0; where none is, ``rtol`` is max(n, m) times the type's precision.
    """
    absolute = np.zeros((), sizes.dtype) if atol is None else np.asarray(unwrap(atol))
    if rtol is None:
        rtol = np.where(absolute > 0, 0, max(shape[-2:]) * limits_of(sizes.dtype).eps)
    largest = np.maximum.reduce(sizes, axis=-1, initial=0)
    return np.maximum(absolute, np.asarray(unwrap(rtol)) * largest)[..., None]


def pseudoinverse(a, atol=None, rtol=None, hermitian=False):
    """a⁺ = V diag(1/s) Uᵀ, without the values of s that are as good as 0."""
    check_finite("linalg.svd", a, "the input matrix contained non-finite values")
    if hermitian:
        values, u = np.linalg.eigh(a)
        vh = u.mT
    else:
        u, values, vh = np.linalg.svd(a, full_matrices=False)
    counts = np.abs(values) > cutoff(np.abs(values), a.shape, atol, rtol)
    reciprocals = np.where(counts, 1 / np.where(counts, values, 1), 0).astype(a.dtype)
    return (vh.mT * reciprocals[..., None, :]) @ u.mT


def gradient_of_pseudoinverse(grad_z, z, a):
    """dL/da for z = a⁺. Source: Golub and Pereyra, "The differentiation of pseudo-inverses …" (1973), (4.12)."""
    grad = grad_z.mT
    inner = -(z @ grad @ z).mT
    left = (grad - a @ (z @ grad)) @ z @ z.mT
    right = z.mT @ (z @ (grad - (grad @ z) @ a))
    return inner + left + right


class LinalgPinv(Function):
    """z = a⁺, the matrix for which a z and z a are the projections on what a and aᵀ can reach."""

    saved_names = ("self", "result")
    result_strides = None

    def forward(ctx, a, *, atol, rtol, hermitian):
        z = pseudoinverse(a, atol, rtol, hermitian)
        ctx.save_for_backward(a, z)
        return z

    def backward(ctx, grad_z):
        a, z = ctx.saved_tensors
        grad_a = gradient_of_pseudoinverse(grad_z, z, a)
        return grad_a


@checked
def pinv(
    input: Tensor,
    rcond: Tensor | Number | None = None,
    hermitian: bool = False,
    *,
    atol: Tensor | Number | None = None,
    rtol: Tensor | Number | None = None,
) -> Tensor:
    """The pseudoinverse: of all x that bring ``input @ x`` nearest to the unit matrix the smallest.

    Shapes: (..., n, m) -> (..., m, n). Singular values up to ``atol``, or up to ``rtol`` (``rcond`` is its older name)
    of the largest, count as 0. With ``hermitian`` the matrix is taken to be symmetric, and its lower triangle read.

    Raises:
        LinAlgError: the matrix has infinite values or NaN.
        RuntimeError: there is no matrix, or it is neither of float32 nor of float64.
    """
    if input.ndim < 2 or input.array.dtype.char not in "fd":
        raise RuntimeError(
            f"linalg.pinv({input.dtype}{{{list(input.shape)}}}): expected a tensor with 2 or more dimensions of float, "
            f"double, cfloat or cdouble types"
        )
    if hermitian:
        check_square("linalg.pinv", input)
    if rcond is not None:
        atol, rtol = 0.0, rcond
    return LinalgPinv.apply(input, atol=atol, rtol=rtol, hermitian=hermitian)


class LinalgLstsq(InColumns):
    """x = a⁺ b, for which Σ (a x - b)² is least; the least, the rank of a and its singular values, or nothing of these.

    At the least a change of x changes nothing: only through a and b themselves has it a gradient.
    """

    saved_names = ("self", "b", "solution")
    materialize_grads = False

    def forward(ctx, a, b, *, rcond, driver):
        ctx.vector = is_vector(a, b)
        columns = b[..., None] if ctx.vector else b
        batch = np.broadcast_shapes(a.shape[:-2], columns.shape[:-2])
        x = in_columns(np.empty((*batch, max(a.shape[-2:]), columns.shape[-1]), a.dtype))[..., : a.shape[-1], :]
        rank, values = np.empty(batch, np.int64), np.empty((*batch, min(a.shape[-2:])), a.dtype)
        for place in np.ndindex(batch):
            one, other = [np.broadcast_to(each, batch + each.shape[-2:])[place] for each in (a, columns)]
            x[place], _, rank[place], values[place] = np.linalg.lstsq(one, other, rcond)
        full = driver != "gelsy" and a.shape[-2] > a.shape[-1] and (rank == a.shape[-1]).all()
        least = np.add.reduce((a @ x - columns) ** 2, axis=-2) if full else np.empty(0, a.dtype)
        x = x[..., 0] if ctx.vector else x
        ctx.save_for_backward(a, b, x)
        return x, least, rank if driver != "gels" else np.empty(0, np.int64), values

    def backward(ctx, grad_x, grad_least, *others):
        a, b, x = ctx.saved_tensors
        if ctx.vector:
            b, x, grad_x = b[..., None], x[..., None], None if grad_x is None else grad_x[..., None]
        grad_a = grad_b = None
        if grad_x is not None:
            inverse = LinalgPinv.apply(a, atol=None, rtol=None, hermitian=False)
            grad_a = gradient_of_pseudoinverse(grad_x @ b.mT, inverse, a) if ctx.needs_input_grad[0] else None
            grad_b = inverse.mT @ grad_x
        if grad_least is not None and len(grad_least):
            grad_error = (a @ x - b) * grad_least[..., None, :] * 2
            grad_a = grad_error @ x.mT if grad_a is None else grad_a + grad_error @ x.mT
            grad_b = -grad_error if grad_b is None else grad_b - grad_error
        return grad_a, grad_b[..., 0] if ctx.vector and grad_b is not None else grad_b


@checked
def lstsq(
    input: Tensor, b: Tensor, rcond: float | None = None, *, driver: str | None = None
) -> return_types.linalg_lstsq:
    """x for which ``(input @ x - b) ** 2`` is least; of several the smallest. It is found from singular values.

    Shapes: (..., n, m), (..., n, k) -> (..., m, k); (..., n, m), (..., n) -> (..., m). Singular values up to ``rcond``
    of the largest count as 0, max(n, m) times the type's precision unless told. Besides the ``solution`` the result
    has what PyTorch's ``driver`` of the name gives, "gelsy" unless told: ``residuals`` (..., k), the least squares,
    where n > m; ``rank`` (...); ``singular_values`` (..., min(n, m)). What it does not give is empty.

    Raises:
        RuntimeError: sizes or types do not agree, or they are neither of float32 nor of float64; no such driver.
    """
    driver = "gelsy" if driver is None else driver
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    if input.ndim < 2 or not 0 <= input.ndim - b.ndim <= 1:
        raise RuntimeError(
            f"torch.linalg.lstsq: input must have at least 2 dimensions, and other as many or one fewer. Got "
            f"{input.ndim} and {b.ndim}"
        )
    if input.shape[-2] != b.shape[-1 if is_vector(input, b) else -2]:
        raise RuntimeError(f"torch.linalg.lstsq: input.size(-2) should match other.size({-2 + is_vector(input, b)})")
    check_one_type("torch.linalg.lstsq", input=input, other=b)
    if input.array.dtype.char not in "fd":
        raise RuntimeError(f"This function doesn't handle types other than float and double, not {input.dtype}")
    solution, residuals, rank, values = LinalgLstsq.apply(input, b, rcond=rcond, driver=driver)
    values = values.detach() if driver in ("gelsd", "gelss") else input.new_empty(0)
    return return_types.linalg_lstsq(solution, residuals, rank, values)


@checked
def matrix_rank(
    input: Tensor,
    tol: Tensor | Number | None = None,
    hermitian: bool = False,
    *,
    atol: Tensor | Number | None = None,
    rtol: Tensor | Number | None = None,
) -> Tensor:
    """How many singular values of a matrix are not as good as 0: up to ``atol``, or ``rtol`` of the largest.

    Shapes: (..., n, m) -> (...), integers. ``tol`` is the older name of ``atol``. With ``hermitian`` the matrix is
    taken to be symmetric, and its eigenvalues' sizes are counted.

    Raises:
        LinAlgError: the matrix has infinite values or NaN.
        RuntimeError: there is no matrix, or it is neither of float32 nor of float64.
    """
    if input.ndim < 2:
        raise RuntimeError("torch.linalg.matrix_rank: The input tensor input must have at least 2 dimensions.")
    if input.array.dtype.char not in "fd":
        raise RuntimeError(f"This function doesn't handle types other than float and double, not {input.dtype}")
    if tol is not None:
        atol, rtol = tol, 0.0
    values = (eigvalsh if hermitian else svdvals)(input.detach())
    sizes = np.abs(values.array)
    return wrap(np.asarray(np.add.reduce(sizes > cutoff(sizes, input.shape, atol, rtol), axis=-1, dtype=np.int64)))


@checked
def cond(input: Tensor, p: Number | str | None = None) -> Tensor:
    """How much a relative error can grow by ``input``: the largest over the smallest singular value.

    Shapes: (..., n, m) -> (...). So it is for ``p`` None and 2; for -2 it is the inverse of this, for others the
    product of the norms of order ``p`` of the matrix and of its inverse, infinite where there is none.

    Raises:
        RuntimeError: there is no matrix, for other orders no square one, or it is not of floating type.
        ValueError: there is no such order.
    """
    if input.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if p in (None, 2, -2):
        if 0 in input.shape:
            return input.new_zeros(input.shape[:-2])
        values = svdvals(input)
        largest, smallest = values[..., :1], values[..., -1:]
        return (smallest / largest if p == -2 else largest / smallest).squeeze(-1)
    check_square(f"linalg.cond(ord={p})", input)
    if p not in ("fro", "nuc", math.inf, -math.inf, 1, -1):
        raise ValueError(f"linalg.cond got an invalid norm type: {p}")
    check_matrices("linalg.cond", input)
    singular = np.zeros(input.shape[:-2], bool)
    for place in np.ndindex(singular.shape):
        singular[place] = refuses(np.linalg.inv, input.array[place])
    unit = eye(input.shape[-1], dtype=input.dtype)
    inverse = inv(where(wrap(singular[..., None, None]), unit, input)) if singular.any() else inv(input)
    product = matrix_norm(input, p) * matrix_norm(inverse, p)
    return product.masked_fill(wrap(singular), math.inf) if singular.any() else product
