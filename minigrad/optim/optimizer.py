"""Optimizer: parameter groups, state, and what every optimizer shares. A subclass writes ``update``."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad.autograd.grad_mode import enable_grad, no_grad
from minigrad.dtypes import float64, get_default_dtype
from minigrad.tensor import Tensor, wrap

__all__ = ["Optimizer"]


class Optimizer:
    """The base of every optimizer. Counterpart: ``torch.optim.Optimizer``.

    Args:
        params: the parameters, or dictionaries of them (``{"params": [...], "lr": 0.1}``), each a group of its own.
        defaults: the options of groups that do not say otherwise.

    Attributes:
        param_groups: one dictionary a group: its ``params`` and its options.
        state: what is remembered of each parameter from step to step, tensors by name.

    Raises:
        TypeError: a parameter is no tensor.
        ValueError: there is no parameter, one is no leaf, or one stands in two groups.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got a Tensor"
            )
        self.defaults = defaults
        self.stepped = False  # since a schedule asked last
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add one more group: ``{"params": ..., option: value, ...}``."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        group = {"params": [params] if isinstance(params, Tensor) else list(params)}
        known = {id(each) for other in self.param_groups for each in other["params"]}
        for parameter in group["params"]:
            if not isinstance(parameter, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(parameter).__name__}"
                )
            if not parameter.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
            if id(parameter) in known:
                raise ValueError("some parameters appear in more than one parameter group")
        if len({id(each) for each in group["params"]}) < len(group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters: each is changed once for every time "
                "it stands there",
                UserWarning,
                stacklevel=3,
            )
        options = {name: value for name, value in param_group.items() if name != "params"}
        self.param_groups.append({**group, **self.defaults, **options})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget every parameter's gradient, or fill it with zeros."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none:
                    parameter.grad = None
                elif parameter.grad is not None:
                    parameter.grad.detach_().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient. ``closure`` computes the loss anew; its result is returned."""
        self.stepped = True
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self.update(parameter, parameter.grad.array, self.state[parameter], group)
                        parameter._version_counter.bump(f"{type(self).__name__}.step")
        return loss

    def update(self, parameter: Tensor, gradient: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change ``parameter.array`` in place, once. Every optimizer defines it."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it updates a parameter")

    def state_dict(self) -> dict[str, Any]:
        """State and groups, the parameters replaced by their numbers, in PyTorch's layout."""
        numbers = self._numbers()
        groups = []
        for group in self.param_groups:
            groups.append({**group, "params": [numbers[id(each)] for each in group["params"]]})
        for group in groups:
            group["params"] = group.pop("params")  # last, as in PyTorch
        return {"state": {numbers[id(each)]: dict(state) for each, state in self.state.items()}, "param_groups": groups}

    def _numbers(self) -> dict[int, int]:
        parameters = [each for group in self.param_groups for each in group["params"]]
        return {id(each): number for number, each in enumerate(parameters)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` gave.

        Raises:
            ValueError: the groups are others than this optimizer's.
        """
        sizes = [len(group["params"]) for group in self.param_groups]
        if [len(group["params"]) for group in state_dict["param_groups"]] != sizes:
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        parameters = [each for group in self.param_groups for each in group["params"]]
        saved_numbers = [number for group in state_dict["param_groups"] for number in group["params"]]
        self.state = defaultdict(dict)
        for parameter, number in zip(parameters, saved_numbers):
            if number in state_dict["state"]:
                self.state[parameter] = {
                    name: self._own(name, value, parameter) for name, value in state_dict["state"][number].items()
                }
        for group, saved in zip(self.param_groups, state_dict["param_groups"]):
            group.update({name: value for name, value in saved.items() if name != "params"})

    @staticmethod
    def _own(name: str, value: Any, parameter: Tensor) -> Any:
        """A copy of a saved value, in the parameter's type except for the count of steps."""
        if value is None or isinstance(value, (int, float, bool)):
            return value
        array = value.array if isinstance(value, Tensor) else np.asarray(value)
        return wrap(np.array(array, dtype=None if name == "step" else parameter.array.dtype), None, 0)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines += [""] * (number > 0) + [f"Parameter Group {number}"]
            lines.extend(f"    {name}: {group[name]}" for name in sorted(group) if name != "params")
        return "\n".join([*lines, ")"])


def check_not_negative(name: str, value: float) -> None:
    """Raise PyTorch's ValueError for a negative option."""
    if not value >= 0.0:
        raise ValueError(f"Invalid {name}: {value}")


def check_unused(optimizer: str, **options: Any) -> None:
    """Refuse what only PyTorch's kernels have; ``foreach`` and ``fused``, which change nothing but speed, are taken."""
    for name, value in options.items():
        if value:
            raise NotImplementedError(f"{optimizer} does not offer {name}=True")


def zeros_like(parameter: Tensor) -> Tensor:
    """State of the parameter's shape and type, 0 everywhere."""
    return wrap(np.zeros_like(parameter.array), None, 0)


def counter(value: float) -> Tensor:
    """State that is one number: float64 where that is the default type, otherwise float32, as in PyTorch."""
    kind = np.float64 if get_default_dtype() is float64 else np.float32
    return wrap(np.array(value, kind), None, 0)


def prepared(gradient: np.ndarray, parameter: Tensor, group: dict[str, Any]) -> np.ndarray:
    """The gradient with its sign turned by ``maximize``, and ``weight_decay`` times the parameter added."""
    if group["maximize"]:
        gradient = -gradient
    if group["weight_decay"] != 0:
        gradient = gradient + group["weight_decay"] * parameter.array
    return gradient
