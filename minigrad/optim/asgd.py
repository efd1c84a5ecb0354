"""ASGD: gradient descent whose rate falls, with the average of the parameters beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.optimizer import Optimizer, checked_options, counter, prepared
from minigrad.tensor import Tensor

__all__ = ["ASGD"]


class ASGD(Optimizer):
    """θ ← (1 - λ η) θ - η g;  a ← a + μ (θ - a);  η ← lr / (1 + λ lr t)^α;  μ ← 1 / max(1, t - t₀).

    η begins at lr and μ at 1, so a is θ until the step t₀, and then the average since. ``state_dict`` keeps a as
    ``ax``: take it from there. ``weight_decay`` adds weight_decay · θ to g; ``maximize`` turns g's sign; ``foreach``
    changes nothing. Counterpart: ``torch.optim.ASGD``.
    Source: Polyak & Juditsky, "Acceleration of stochastic approximation by averaging", 1992.

    Raises:
        ValueError: the rate or the decay is negative.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        options: Any = {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay}
        options |= {"foreach": foreach, "maximize": maximize}
        options |= {"differentiable": differentiable, "capturable": capturable}
        super().__init__(params, checked_options(self, options, "weight_decay"))

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """One step of the formula above."""
        lr, lambd = group["lr"], group["lambd"]
        state = self._stepped_state(parameter, "ax", eta=lr, mu=1)
        step: Any
        step, eta, mu = [float(state[name].array) for name in ("step", "eta", "mu")]
        gradient = prepared(gradient, parameter, group)
        theta, average = parameter.array, state["ax"].array
        theta *= 1 - lambd * eta
        theta -= eta * gradient
        average += (theta - average) * mu if mu != 1 else theta - average
        if group["foreach"]:
            step = np.float32(step)  # PyTorch's kernel for many tensors computes η in float32
        state["eta"].array[...] = counter(lr * (1 / (1 + lambd * lr * step) ** group["alpha"])).array
        state["mu"].array[...] = counter(1 / max(1, step - group["t0"])).array
