"""PyTorch's older path of functions that stand in ``minigrad`` itself: ``functional.einsum`` is ``minigrad.einsum``."""

from minigrad import atleast_1d, atleast_2d, atleast_3d, block_diag, broadcast_shapes, broadcast_tensors
from minigrad import cartesian_prod, cdist, chain_matmul, einsum, meshgrid, norm, split, tensordot, unique
from minigrad import unique_consecutive

__all__ = ["atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes", "broadcast_tensors"]
__all__ += ["cartesian_prod", "cdist", "chain_matmul", "einsum", "meshgrid", "norm", "split", "tensordot", "unique"]
__all__ += ["unique_consecutive"]
