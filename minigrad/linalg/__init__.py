"""Linear algebra. Each is PyTorch's ``torch.linalg`` function of the same name; NumPy's LAPACK computes.

Begin with ``solving.py``. As in ``minigrad/ops``, a rule stands above the function that users call. Eigenvalues of a
matrix that is not symmetric are complex numbers, which minigrad has not.
"""

from typing import Any

from minigrad.linalg.checks import LinAlgError
from minigrad.linalg.factorizations import cholesky, eigh, eigvalsh, qr, svd, svdvals
from minigrad.linalg.least_squares import cond, lstsq, matrix_rank, pinv
from minigrad.linalg.norms import matrix_norm, norm, vector_norm
from minigrad.linalg.products import cross, diagonal, matrix_power, multi_dot, vander, vecdot
from minigrad.linalg.solving import det, inv, slogdet, solve, solve_triangular
from minigrad.ops.matmul import matmul

__all__ = ["LinAlgError", "cholesky", "cond", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "lstsq", "matmul"]
__all__ += ["matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve"]
__all__ += ["solve_triangular", "svd", "svdvals", "vander", "vecdot", "vector_norm"]


def __getattr__(name: str) -> Any:
    if name in ("eig", "eigvals"):
        raise AttributeError(
            f"minigrad has no linalg.{name}: its results are complex numbers. Where the matrix is symmetric, as a "
            f"covariance is, linalg.{'eigh' if name == 'eig' else 'eigvalsh'} gives real ones."
        )
    raise AttributeError(f"minigrad has no linalg.{name}: what is left out is told in docs/differences.md", name=name)
