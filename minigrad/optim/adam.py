"""Adam: every parameter has its own step size, from running averages of its gradient and of the gradient's square."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.optimizer import Optimizer, checked_options
from minigrad.tensor import Tensor

__all__ = ["Adam", "AdamW"]

CHUNK = 65_536  # elements updated at once: a chunk's five arrays stay in the second-level cache


class Adam(Optimizer):
    """m ← β₁ m + (1 - β₁) g;  v ← β₂ v + (1 - β₂) g²;  θ ← θ - lr · m̂ / (√v̂ + ε).

    m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) undo the averages' start at zero; t counts the steps from 1.
    ``weight_decay`` adds weight_decay · θ to g, or with ``decoupled_weight_decay`` takes lr · weight_decay · θ off θ
    first; ``amsgrad`` takes the largest v so far; ``maximize`` turns g's sign; ``foreach``, ``fused`` change nothing.
    ``state_dict`` keeps t as ``step``, m as ``exp_avg``, v as ``exp_avg_sq``. Counterpart: ``torch.optim.Adam``.
    Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2014; amsgrad: Reddi et al., 2018.

    Raises:
        ValueError: an option is negative, or a β is not below 1.

    >>> x = minigrad.tensor([1.0], requires_grad=True)
    >>> optimizer = minigrad.optim.Adam([x], lr=0.1)
    >>> (x**2).sum().backward()
    >>> optimizer.step()  # the first step has the length lr, whatever the gradient's
    >>> x
    tensor([0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_tensor_options(lr, betas, foreach)
        both = tuple([each.squeeze() if isinstance(each, Tensor) else each for each in betas])
        options: Any = {"lr": lr, "betas": both, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        options |= {"maximize": maximize, "foreach": foreach, "capturable": capturable}
        options |= {"differentiable": differentiable, "fused": fused, "decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, checked_options(self, options, "eps", "weight_decay"))

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """One step of the formula above, chunk by chunk, written into the parameter's memory."""
        averages = ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"][: 3 if group["amsgrad"] else 2]
        state = self._stepped_state(parameter, *averages)
        arrays = [parameter.array, gradient, *[state[name].array for name in averages]]
        step = int(state["step"].array)
        if all(each.flags.c_contiguous for each in arrays):
            flat = [each.reshape(-1) for each in arrays]
            for start in range(0, flat[0].size, CHUNK):
                adam_step(*[each[start : start + CHUNK] for each in flat], step=step, group=group)
        else:
            adam_step(*arrays, step=step, group=group)


class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ - lr · weight_decay · θ before each step, g as it is.

    Counterpart: ``torch.optim.AdamW``. Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2017.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        rest: Any = {"foreach": foreach, "maximize": maximize, "capturable": capturable, "fused": fused}
        rest |= {"differentiable": differentiable, "decoupled_weight_decay": True}
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, **rest)


def check_tensor_options(lr: Any, betas: tuple[Any, Any], foreach: bool | None) -> None:
    """Raise PyTorch's ValueErrors for betas of two kinds, and for tensors where ``foreach`` cannot take them."""
    if not all(isinstance(each, float) for each in betas) and not all(isinstance(each, Tensor) for each in betas):
        raise ValueError("betas must be either both floats or both Tensors")
    for name, value in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
        if isinstance(value, Tensor) and foreach:
            raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")


def adam_step(
    theta: np.ndarray,
    gradient: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    v_max: np.ndarray | None = None,
    *,
    step: int,
    group: dict[str, Any],
) -> None:
    """Adam's formula in place, on arrays of one shape. ``v_max`` is what amsgrad keeps."""
    beta1, beta2 = group["betas"]
    if group["maximize"]:
        gradient = -gradient
    if group["weight_decay"] != 0 and group["decoupled_weight_decay"]:
        theta *= 1 - group["lr"] * group["weight_decay"]
    elif group["weight_decay"] != 0:
        gradient = gradient + group["weight_decay"] * theta
    scratch = np.subtract(gradient, m)
    scratch *= 1 - beta1
    m += scratch  # m + (1 - β₁)(g - m) is β₁ m + (1 - β₁) g
    np.multiply(gradient, gradient, out=scratch)
    scratch -= v
    scratch *= 1 - beta2
    v += scratch
    second_moment = v
    if v_max is not None:
        np.maximum(v_max, v, out=v_max)
        second_moment = v_max
    correction = math.sqrt(1 - beta2**step)  # √v̂ is √v / correction: both sides of the fraction are multiplied by it
    denominator = np.sqrt(second_moment, out=scratch)
    denominator += group["eps"] * correction
    change = np.divide(m, denominator, out=scratch)
    change *= group["lr"] * correction / (1 - beta1**step)
    theta -= change
