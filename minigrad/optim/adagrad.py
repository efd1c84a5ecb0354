"""Adagrad: the step divided by the size of all gradients so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.creation import zeros_like
from minigrad.optim.optimizer import Optimizer, checked_options, counter, prepared
from minigrad.tensor import Tensor

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """s ← s + g²;  θ ← θ - lr / (1 + (t - 1) lr_decay) · g / (√s + ε).

    s begins at ``initial_accumulator_value``; t counts the steps from 1. ``weight_decay`` adds weight_decay · θ to g;
    ``maximize`` turns g's sign; ``foreach`` and ``fused`` change nothing. Counterpart: ``torch.optim.Adagrad``.
    Source: Duchi et al., "Adaptive Subgradient Methods", 2011.

    Raises:
        ValueError: an option is negative.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        options: Any = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay}
        options |= {"initial_accumulator_value": initial_accumulator_value, "foreach": foreach}
        options |= {"maximize": maximize, "differentiable": differentiable, "fused": fused}
        not_negative = ("lr_decay", "weight_decay", "initial_accumulator_value", "eps")
        super().__init__(params, checked_options(self, options, *not_negative))
        for group in self.param_groups:
            for parameter in group["params"]:
                self.begin(parameter)

    def begin(self, parameter: Tensor) -> None:
        """The state before the first step."""
        state = self.state[parameter]
        state["step"] = counter(0)
        state["sum"] = zeros_like(parameter)
        state["sum"].array += self.defaults["initial_accumulator_value"]

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """One step of the formula above."""
        state = self.state[parameter]
        if not state:
            self.begin(parameter)
        state["step"].array += 1
        gradient = prepared(gradient, parameter, group)
        rate = group["lr"] / (1 + (float(state["step"].array) - 1) * group["lr_decay"])
        total = state["sum"].array
        total += gradient * gradient
        parameter.array -= rate * gradient / (np.sqrt(total) + group["eps"])
