"""What was a function of ``torch`` before there was ``torch.linalg``: each is one of these, in its older form."""

from __future__ import annotations

from minigrad import return_types
from minigrad.arguments.gate import checked
from minigrad.caller import warn_user
from minigrad.graph.node import Tensor
from minigrad.linalg import factorizations, least_squares, products, solving
from minigrad.ops.arrangement import flip

__all__ = ["chain_matmul", "cross", "inverse", "pinverse", "slogdet", "svd", "vander"]


def chain_matmul(*matrices: Tensor) -> Tensor:
    """As :func:`linalg.multi_dot`, of matrices given one by one; one alone is given back."""
    return matrices[0] if len(matrices) == 1 else products.multi_dot(matrices)


@checked
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """As :func:`linalg.cross`; without ``dim`` along the first dimension of size 3, with a warning.

    Raises:
        RuntimeError: no dimension has size 3, or as :func:`linalg.cross`.
    """
    if dim is None:
        if 3 not in input.shape:
            raise RuntimeError("no dimension of size 3 in input")
        warn_user(
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly or "
            "simply use torch.linalg.cross.\nThe default value of dim will change to agree with that of linalg.cross "
            "in a future release."
        )
        dim = input.shape.index(3)
    return products.cross(input, other, dim=dim)


@checked
def inverse(input: Tensor) -> Tensor:
    """As :func:`linalg.inv`. Shapes: (..., n, n), the same out."""
    return solving.inv(input)


@checked
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """:func:`linalg.pinv`. Shapes: (..., n, m) -> (..., m, n)."""
    return least_squares.pinv(input, rcond)


@checked
def slogdet(input: Tensor) -> return_types.slogdet:
    """As :func:`linalg.slogdet`. Shapes: (..., n, n) -> (...) twice."""
    return return_types.slogdet(*solving.slogdet(input))


@checked
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> return_types.svd:
    """``input = U diag(S) Vᵀ``: :func:`linalg.svd`, which gives Vᵀ where this gives V.

    Shapes: (..., n, m) -> (..., n, k), (..., k), (..., m, k), k = min(n, m). Where not ``some``, U and V are square;
    without ``compute_uv`` they are, and zero.
    """
    if compute_uv:
        u, s, vh = factorizations.svd(input, not some)
        return return_types.svd(u, s, vh.mT)
    values = factorizations.svdvals(input)
    rows, columns = input.shape[-2:]
    zeros = [input.new_zeros((*input.shape[:-2], size, size)) for size in (rows, columns)]
    return return_types.svd(zeros[0], values, zeros[1])


@checked
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers ``N - 1`` to 0 of every element, 0 to ``N - 1`` where ``increasing``. Shapes: (n,) -> (n, N), N = n
    unless told.

    Raises:
        RuntimeError: there are other than one dimension, or ``N`` is negative.
    """
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    powers = products.powers_of(x, count)
    return powers if increasing else flip(powers, -1)
