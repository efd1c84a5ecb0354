"""Stochastic gradient descent, with momentum, Nesterov's momentum, dampening and weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.graph.function import wrap
from minigrad.optim.optimizer import Optimizer, checked_options
from minigrad.tensor import Tensor

__all__ = ["SGD"]


class SGD(Optimizer):
    """θ ← θ - lr · d, where d = g + weight_decay · θ, and with momentum μ: b ← μ b + (1 - dampening) d, d = b.

    The first b is d. Nesterov's momentum takes d + μ b instead of b; ``maximize`` turns g's sign;
    ``foreach`` and ``fused`` change nothing.
    ``state_dict`` keeps b as ``momentum_buffer``. Counterpart: ``torch.optim.SGD``.
    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.

    Raises:
        ValueError: an option is negative, or nesterov without momentum or with dampening.

    >>> x = minigrad.tensor([1.0], requires_grad=True)
    >>> optimizer = minigrad.optim.SGD([x], lr=0.1)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.8000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        options: Any = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        options |= {"nesterov": nesterov, "maximize": maximize}
        options |= {"foreach": foreach, "differentiable": differentiable, "fused": fused}
        super().__init__(params, checked_options(self, options, "momentum", "weight_decay"))

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """One step of the formula above, written into the parameter's memory."""
        theta = parameter.array
        direction = -gradient if group["maximize"] else gradient
        if group["weight_decay"] != 0:
            direction = direction + group["weight_decay"] * theta
        momentum = group["momentum"]
        if momentum != 0:
            state = self.state[parameter]
            if state.get("momentum_buffer") is None:
                state["momentum_buffer"] = wrap(np.array(direction))
                buffer = state["momentum_buffer"].array
            else:
                buffer = state["momentum_buffer"].array
                buffer *= momentum
                buffer += (1 - group["dampening"]) * direction
            direction = direction + momentum * buffer if group["nesterov"] else buffer
        theta -= group["lr"] * direction
