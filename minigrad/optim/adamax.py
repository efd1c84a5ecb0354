"""Adamax: Adam with the largest gradient of late in the place of the running average of its square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.optimizer import Optimizer, checked_options, prepared
from minigrad.tensor import Tensor

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """m ← β₁ m + (1 - β₁) g;  u ← max(β₂ u, |g| + ε);  θ ← θ - lr / (1 - β₁ᵗ) · m / u.

    ``state_dict`` keeps m as ``exp_avg`` and u as ``exp_inf``. The other options: :class:`minigrad.optim.Adam`.
    Counterpart: ``torch.optim.Adamax``. Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2014.

    Raises:
        ValueError: an option is negative, or a β is not below 1.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        options: Any = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach}
        options |= {"maximize": maximize, "differentiable": differentiable, "capturable": capturable}
        super().__init__(params, checked_options(self, options, "eps", "weight_decay"))

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """One step of the formula above."""
        state = self._stepped_state(parameter, "exp_avg", "exp_inf")
        gradient = prepared(gradient, parameter, group)
        beta1, beta2 = group["betas"]
        m, u = state["exp_avg"].array, state["exp_inf"].array
        m += (1 - beta1) * (gradient - m)
        np.maximum(beta2 * u, np.abs(gradient) + group["eps"], out=u)
        parameter.array -= group["lr"] / (1 - beta1 ** float(state["step"].array)) * m / u
