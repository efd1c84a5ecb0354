"""Matrix products, and who computes them: the calling thread, or the threads of NumPy's BLAS."""

from __future__ import annotations

import numpy as np

from minigrad.kernels.parallel import on_own_threads, width

__all__ = ["product"]

# Numbers of multiplications. Below the first OpenBLAS leaves a product to the caller anyway. Below the second, what its
# threads win is less than what they cost: after each product they go on turning, on processors that kernels want next.
LEFT_TO_THE_CALLER = 1 << 18
WORTH_THREADS = 1 << 25


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a @ b``. Shapes as for NumPy's operator."""
    count = a.size * b.shape[-1]
    if count < LEFT_TO_THE_CALLER or (count >= WORTH_THREADS and width() > 1):
        return a @ b
    with on_own_threads():
        return a @ b
