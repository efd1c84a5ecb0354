"""Rprop: only the gradient's sign counts, and how far each element goes is learnt from its changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.optimizer import Optimizer, checked_options
from minigrad.tensor import Tensor

__all__ = ["Rprop"]


class Rprop(Optimizer):
    """θ ← θ - s · sign(g), for whole batches. Of each element, s begins at lr and is kept within ``step_sizes``.

    s grows by ``etas[1]`` where g has the sign of the step before, and shrinks by ``etas[0]`` where it has the other:
    there θ stays, and the next step takes s as it is. ``maximize`` turns g's sign; ``foreach`` changes nothing.
    ``state_dict`` keeps s as ``step_size`` and the gradient as ``prev``. Counterpart: ``torch.optim.Rprop``.
    Source: Riedmiller & Braun, "A direct adaptive method for faster backpropagation learning", 1993.

    Raises:
        ValueError: the rate is negative, or not 0 < ``etas[0]`` < 1 < ``etas[1]``.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        options: Any = {"lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize}
        options |= {"differentiable": differentiable, "capturable": capturable}
        super().__init__(params, checked_options(self, options))

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """One step of the formula above."""
        begins = not self.state[parameter]
        state = self._stepped_state(parameter, "prev", "step_size")
        if begins:
            state["step_size"].array += group["lr"]
        gradient = -gradient if group["maximize"] else gradient
        previous, size = state["prev"].array, state["step_size"].array
        agreement = gradient * previous
        shrink, grow = group["etas"]
        size *= np.where(agreement > 0, grow, np.where(agreement < 0, shrink, 1)).astype(size.dtype)
        np.clip(size, *group["step_sizes"], out=size)
        previous[...] = np.where(agreement < 0, 0, gradient)
        parameter.array -= np.sign(previous) * size
