"""Adadelta: the step divided by the size of the gradients and multiplied by that of the steps before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.optimizer import Optimizer, checked_options, prepared
from minigrad.tensor import Tensor

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """v ← ρ v + (1 - ρ) g²;  d = √(u + ε) / √(v + ε) · g;  u ← ρ u + (1 - ρ) d²;  θ ← θ - lr · d.

    So a step has the unit of θ. ``state_dict`` keeps v as ``square_avg`` and u as ``acc_delta``. ``weight_decay`` adds
    weight_decay · θ to g; ``maximize`` turns g's sign; ``foreach`` changes nothing. Counterpart:
    ``torch.optim.Adadelta``. Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012.

    Raises:
        ValueError: an option is negative, or ``rho`` above 1.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        options: Any = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        options |= {"capturable": capturable, "foreach": foreach, "differentiable": differentiable}
        super().__init__(params, checked_options(self, options, "eps", "weight_decay"))

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """One step of the formula above."""
        state = self._stepped_state(parameter, "square_avg", "acc_delta")
        gradient = prepared(gradient, parameter, group)
        rho, v, u = group["rho"], state["square_avg"].array, state["acc_delta"].array
        v *= rho
        v += (1 - rho) * gradient * gradient
        change = np.sqrt(u + group["eps"]) / np.sqrt(v + group["eps"]) * gradient
        u *= rho
        u += (1 - rho) * change * change
        parameter.array -= group["lr"] * change
