"""SparseAdam, which minigrad does not have: it is for gradients that are sparse."""

from __future__ import annotations

from typing import Any

from minigrad.optim.optimizer import Optimizer

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Refused: gradients are never sparse here. Counterpart: ``torch.optim.SparseAdam``. Source: that one's page.

    Raises:
        NotImplementedError: always; it names Adam.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("SparseAdam is for sparse gradients, which minigrad has not: use minigrad.optim.Adam")
