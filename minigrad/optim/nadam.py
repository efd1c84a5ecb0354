"""NAdam: Adam with Nesterov's momentum, which looks one step ahead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.creation import zeros_like
from minigrad.optim.adam import check_betas
from minigrad.optim.optimizer import Optimizer, check_not_negative, check_rate, check_unused, counter, prepared
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
        check_rate(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("momentum_decay value", momentum_decay)
        check_unused("NAdam", capturable=capturable, differentiable=differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
            },
        )

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """One step of the formula above."""
        state = self.state[parameter]
        if not state:
            state["step"] = counter(0)
            state["mu_product"] = counter(1)
            state["exp_avg"] = zeros_like(parameter)
            state["exp_avg_sq"] = zeros_like(parameter)
        state["step"].array += 1
        step = float(state["step"].array)
        if group["decoupled_weight_decay"]:
            parameter.array *= 1 - group["lr"] * group["weight_decay"]
            gradient = -gradient if group["maximize"] else gradient
        else:
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
