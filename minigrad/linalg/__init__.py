"""Linear algebra. Each is PyTorch's ``torch.linalg`` function of the same name; NumPy's LAPACK computes.

Norms are in ``norms.py``, systems of equations in ``solving.py``, factorizations in ``factorizations.py``. As in
``minigrad/ops``, a rule stands above the function that users call. What would be complex is refused.
"""

from minigrad.linalg.checks import LinAlgError
from minigrad.linalg.factorizations import cholesky
from minigrad.linalg.norms import matrix_norm, norm, vector_norm
from minigrad.linalg.solving import solve_triangular

__all__ = ["LinAlgError", "cholesky", "matrix_norm", "norm", "solve_triangular", "vector_norm"]
