"""NAdam: Adam with Nesterov's momentum, which looks one step ahead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.optimizer import Optimizer, checked_options, prepared
from minigrad.tensor import Tensor

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, which looks one step ahead.

    m ← β₁ m + (1 - β₁) g;  v ← β₂ v + (1 - β₂) g²;
    θ ← θ - lr · ((1 - μₜ) g / (1 - Πμ) + μₜ₊₁ m / (1 - Πμ · μₜ₊₁)) / (√v̂ + ε).

    μₜ = β₁ (1 - 0.96^(t · momentum_decay) / 2), Πμ the product of all so far (``mu_product`` in the state), and
    v̂ = v / (1 - β₂ᵗ). The other options: :class:`minigrad.optim.Adam`. Counterpart: ``torch.optim.NAdam``.
    Source: Dozat, "Incorporating Nesterov Momentum into Adam", 2016.

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
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        options: Any = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        options |= {"momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay}
        options |= {"maximize": maximize, "foreach": foreach}
        options |= {"capturable": capturable, "differentiable": differentiable}
        super().__init__(params, checked_options(self, options, "eps", "weight_decay", "momentum_decay"))

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """One step of the formula above."""
        state = self._stepped_state(parameter, "exp_avg", "exp_avg_sq", mu_product=1)
        step = float(state["step"].array)
        gradient = prepared(gradient, parameter, group)
        beta1, beta2 = group["betas"]
        mu, mu_next = [beta1 * (1.0 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1)]
        state["mu_product"].array *= mu
        product = float(state["mu_product"].array)
        m, v = state["exp_avg"].array, state["exp_avg_sq"].array
        m += (1 - beta1) * (gradient - m)
        v *= beta2
        v += (1 - beta2) * gradient * gradient
        denominator = np.sqrt(v / (1 - beta2**step)) + group["eps"]
        parameter.array -= gradient * (group["lr"] * (1.0 - mu) / (1.0 - product)) / denominator
        parameter.array -= m * (group["lr"] * mu_next / (1.0 - product * mu_next)) / denominator
