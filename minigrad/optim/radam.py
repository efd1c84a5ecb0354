"""RAdam: Adam that begins as plain momentum, until its running average of squares can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.optimizer import Optimizer, checked_options, prepared
from minigrad.tensor import Tensor

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """m ← β₁ m + (1 - β₁) g;  v ← β₂ v + (1 - β₂) g²;  θ ← θ - lr · m̂ · r / (√v̂ + ε), or θ - lr · m̂ at first.

    m̂ and v̂ are corrected as in :class:`minigrad.optim.Adam`, whose options the others are; ε is added before v's
    correction. With ρ = 2 / (1 - β₂) - 1 and ρₜ = ρ - 2t β₂ᵗ / (1 - β₂ᵗ), the number of gradients that v averages,
    r = √((ρₜ - 4)(ρₜ - 2) ρ / ((ρ - 4)(ρ - 2) ρₜ)) where ρₜ > 5. Counterpart: ``torch.optim.RAdam``.
    Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", 2019.

    Raises:
        ValueError: an option is negative, or a β is not below 1.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        options: Any = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        options |= {"foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay}
        options["differentiable"] = differentiable
        super().__init__(params, checked_options(self, options, "eps", "weight_decay"))

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """One step of the formula above."""
        state = self._stepped_state(parameter, "exp_avg", "exp_avg_sq")
        step = float(state["step"].array)
        gradient = prepared(gradient, parameter, group)
        beta1, beta2 = group["betas"]
        m, v = state["exp_avg"].array, state["exp_avg_sq"].array
        m += (1 - beta1) * (gradient - m)
        v *= beta2
        v += (1 - beta2) * gradient * gradient
        change = m / (1 - beta1**step) * group["lr"]
        correction = 1 - beta2**step
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2**step / correction
        if length > 5.0:
            trust = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            change = change * (math.sqrt(correction) / (np.sqrt(v) + group["eps"])) * math.sqrt(trust)
        parameter.array -= change
