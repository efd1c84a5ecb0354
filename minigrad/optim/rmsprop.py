"""RMSprop: the step divided by a running average of the gradient's size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.optimizer import Optimizer, checked_options, prepared
from minigrad.tensor import Tensor

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """v ← α v + (1 - α) g²;  θ ← θ - lr · g / (√v + ε).

    ``centered`` takes the square of g's running average from v; ``momentum`` adds the steps up, b ← momentum · b +
    g / (√v + ε), and θ ← θ - lr · b. ``weight_decay`` adds weight_decay · θ to g; ``maximize`` turns g's sign;
    ``foreach`` changes nothing. Counterpart: ``torch.optim.RMSprop``. Source: Hinton's lecture 6e, 2012; centered:
    Graves, 2013.

    Raises:
        ValueError: an option is negative.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        options: Any = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered}
        options |= {"weight_decay": weight_decay, "capturable": capturable, "foreach": foreach}
        options |= {"maximize": maximize, "differentiable": differentiable}
        super().__init__(params, checked_options(self, options, "eps", "momentum", "weight_decay", "alpha"))

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """One step of the formula above."""
        wanted = {"square_avg": True, "momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        state = self._stepped_state(parameter, *[name for name, is_wanted in wanted.items() if is_wanted])
        gradient = prepared(gradient, parameter, group)
        alpha, v = group["alpha"], state["square_avg"].array
        v *= alpha
        v += (1 - alpha) * gradient * gradient
        spread = v
        if group["centered"]:
            average = state["grad_avg"].array
            average += (1 - alpha) * (gradient - average)
            spread = v - average * average
        change = gradient / (np.sqrt(spread) + group["eps"])
        if group["momentum"] > 0:
            buffer = state["momentum_buffer"].array
            buffer *= group["momentum"]
            buffer += change
            change = buffer
        parameter.array -= group["lr"] * change
