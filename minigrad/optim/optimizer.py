"""Optimizer: parameter groups, state, and what every optimizer shares. A subclass writes ``update``."""

from __future__ import annotations

import copy
import functools
import math
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.arguments.promotion import type_name
from minigrad.caller import warn_user
from minigrad.creation import as_tensor, zeros_like
from minigrad.graph.function import wrap
from minigrad.graph.grad_mode import call_inside, enable_grad, no_grad
from minigrad.graph.hooks import RemovableHandle
from minigrad.nn.module_hooks import register
from minigrad.tensor import Tensor

__all__ = ["Optimizer", "required"]


class RequiredParameter:
    """The default of an option that has none: each group must bring it."""

    def __repr__(self) -> str:
        return "<required parameter>"


required: Any = RequiredParameter()


class Optimizer:
    """The base of every optimizer. Counterpart: ``torch.optim.Optimizer``.

    A subclass writes ``update``, what is done to one parameter; one that was written for PyTorch writes ``step``.

    Args:
        params: the parameters, as ``parameters()`` or ``named_parameters()`` gives them, or dictionaries of them
            (``{"params": [...], "lr": 0.1}``), each a group of its own.
        defaults: the options of groups that do not say otherwise.

    Attributes:
        param_groups: one dictionary a group: its ``params``, its options, and ``param_names`` where they were given.
        state: what is remembered of each parameter from step to step, tensors by name.

    Raises:
        TypeError: a parameter is no tensor, or they come in a set, which has no order.
        ValueError: there is no parameter, one is no leaf, one stands in two groups, or only some have names.

    >>> model = minigrad.nn.Linear(3, 1)
    >>> optimizer = minigrad.optim.SGD(model.parameters(), lr=0.1)
    >>> x, y = minigrad.ones(20, 3), minigrad.ones(20, 1)
    >>> for _ in range(20):
    ...     optimizer.zero_grad()
    ...     loss = minigrad.nn.functional.mse_loss(model(x), y)
    ...     loss.backward()
    ...     optimizer.step()
    >>> loss.item() < 1e-6
    True
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self._begin_hooks()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got a Tensor"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in cls.__dict__:
            cls.step = with_hooks(cls.__dict__["step"])  # type: ignore[method-assign]

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin_hooks()

    def _begin_hooks(self) -> None:
        self.stepped: bool | None = None  # since the first schedule was made; None before
        self.scheduled_step: Any = None  # the step that this optimizer had of its own when a schedule was made
        self._step_pre_hooks: OrderedDict[int, Any] = OrderedDict()
        self._step_post_hooks: OrderedDict[int, Any] = OrderedDict()
        self._state_dict_pre_hooks: OrderedDict[int, Any] = OrderedDict()
        self._state_dict_post_hooks: OrderedDict[int, Any] = OrderedDict()
        self._load_state_dict_pre_hooks: OrderedDict[int, Any] = OrderedDict()
        self._load_state_dict_post_hooks: OrderedDict[int, Any] = OrderedDict()

    # ------------------------------------------------------------------------------- groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add one more group: ``{"params": ..., option: value, ...}``. The dictionary itself is kept, and completed.

        Raises:
            ValueError: a parameter is no leaf or stands in two groups, only some have names, or an option is missing.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        group = {**param_group, **listed(param_group["params"])}
        for parameter in group["params"]:
            if not isinstance(parameter, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type_name(parameter)}")
            if not (parameter.is_leaf or parameter.retains_grad):
                raise ValueError(
                    f"can't optimize a non-leaf Tensor: {parameter.grad_fn.name()} made it, as x = x - lr * x.grad "
                    f"and x = x.double() do. Give the optimizer the leaf; explain_grad(tensor) says more."
                )
        self._check_beside_others(group)
        for name, value in self.defaults.items():
            if group.setdefault(name, value) is required:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
        param_group.update(group)
        self.param_groups.append(param_group)

    def _check_beside_others(self, group: dict[str, Any]) -> None:
        """Warn of, or refuse, a group that has a parameter twice, or one of another group's."""
        params = {id(each) for each in group["params"]}
        if len(params) < len(group["params"]):
            warn_user(
                "optimizer contains a parameter group with duplicate parameters: each is changed once for every time "
                "it stands there"
            )
        for other in self.param_groups:
            if ("param_names" in group) != ("param_names" in other):
                raise ValueError("all optimizer param groups should be with/without names: this one is not as the rest")
            if not params.isdisjoint([id(each) for each in other["params"]]):
                raise ValueError("some parameters appear in more than one parameter group")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget every parameter's gradient, or fill it with zeros."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none:
                    parameter.grad = None
                elif parameter.grad is not None:
                    parameter.grad.detach_().zero_()

    # ------------------------------------------------------------------------------- stepping

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient. ``closure`` computes the loss anew; its result is returned."""
        loss = None
        if closure is not None:
            loss = call_inside(enable_grad(), closure)
        self._update_all()
        return loss

    @no_grad()
    def _update_all(self) -> None:
        """Change every parameter that has a gradient by it."""
        for group in self.param_groups:
            options = as_numbers(group)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.update(parameter, parameter.grad.array, options)
                    parameter._version_counter.bump(f"{type(self).__name__}.step")

    def update(self, parameter: Tensor, gradient: np.ndarray, group: dict[str, Any]) -> None:
        """Change ``parameter.array`` in place, once. Every optimizer of minigrad's defines it."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it updates a parameter")

    def _stepped_state(self, parameter: Tensor, *zeros: str, **numbers: float) -> dict[str, Any]:
        """What is remembered of ``parameter``, this step counted. At first: ``numbers``, and ``zeros`` of its shape."""
        state = self.state[parameter]
        if not state:
            state.update({name: counter(value) for name, value in {"step": 0, **numbers}.items()})
            state.update({name: zeros_like(parameter) for name in zeros})
        state["step"].array += 1
        return state

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; a pair that it returns replaces the arguments.

        ``args`` begins with the optimizer, as it does for ``step`` itself.
        """
        return register(self._step_pre_hooks, hook, prepend=False)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return register(self._step_post_hooks, hook, prepend=False)

    # ------------------------------------------------------------------------------- state

    def state_dict(self) -> dict[str, Any]:
        """State and groups, the parameters replaced by their numbers, in PyTorch's layout. The state is not copied."""
        for hook in self._state_dict_pre_hooks.values():
            hook(self)
        parameters = [each for group in self.param_groups for each in group["params"]]
        numbers = {id(each): number for number, each in enumerate(parameters)}
        groups = []
        for group in self.param_groups:
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [numbers[id(each)] for each in group["params"]]
            groups.append(packed)
        state = {numbers[id(key)] if isinstance(key, Tensor) else key: held for key, held in self.state.items()}
        result = {"state": state, "param_groups": groups}
        for hook in self._state_dict_post_hooks.values():
            replacement = hook(self, result)
            result = result if replacement is None else replacement
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` gave, PyTorch's included. Tensors of the right type are not copied.

        Raises:
            ValueError: the groups are others than this optimizer's, an option is missing or of another kind, or what is
                remembered of a parameter lacks a part or has another shape. Nothing is changed then.
        """
        state_dict = state_dict.copy()
        for hook in self._load_state_dict_pre_hooks.values():
            replacement = hook(self, state_dict)
            state_dict = state_dict if replacement is None else replacement
        saved_groups = [dict(group) for group in state_dict["param_groups"]]
        if len(saved_groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        parameters: dict[Any, Tensor] = {}
        for group, saved in zip(self.param_groups, saved_groups):
            if len(group["params"]) != len(saved["params"]) or len(set(saved["params"])) < len(set(group["params"])):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
                )
            parameters.update(zip(saved["params"], group["params"]))
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for number, held in state_dict["state"].items():
            if number in parameters:
                state[parameters[number]] = loaded(held, parameters[number])
            else:
                state[number] = held
        groups = [self._loaded_group(*each) for each in zip(self.param_groups, saved_groups)]
        if type(self).update is not Optimizer.update:  # a subclass of one's own may remember anything
            for group in groups:
                self._check_loaded(group, state)
        self.state, self.param_groups = state, groups
        for hook in self._load_state_dict_post_hooks.values():
            hook(self)

    def _check_loaded(self, group: dict[str, Any], state: dict[Any, dict[str, Any]]) -> None:
        """Refuse options and a state with which :meth:`update` would fail, or would go on with wrong numbers.

        What is remembered of each parameter is found out by updating another one, of one element.
        """
        for name, default in self.defaults.items():
            if name not in group or not is_like(group[name], default):
                raise ValueError(f"loaded state dict has {group.get(name)!r} for the option {name!r}")
        trial = wrap(np.ones(1, np.float32))
        self.update(trial, np.ones(1, np.float32), as_numbers(group))
        expected = self.state.pop(trial, {})
        for position, parameter in enumerate(group["params"]):
            held = state.get(parameter, {})
            if not isinstance(held, dict):
                raise ValueError(f"loaded state dict has a {type(held).__name__} for the state of parameter {position}")
            begun = any(value is not None for value in held.values())  # PyTorch's SGD keeps None before the first step
            for name in expected if begun else ():
                check_held(f"{name!r} of parameter {position}", held.get(name), expected[name].ndim, parameter)

    def _loaded_group(self, group: dict[str, Any], saved: dict[str, Any]) -> dict[str, Any]:
        """The saved options with this optimizer's own parameters; what an older version did not save is as then."""
        result = {name: own_copy(value) for name, value in saved.items() if name != "params"}
        result["params"] = group["params"]
        if "param_names" in group:
            result.setdefault("param_names", group["param_names"])
        for name, value in OPTIONS_OF_LATER_VERSIONS.items():
            if name in self.defaults:
                result.setdefault(name, value)
        return result

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before :meth:`state_dict`."""
        return register(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after :meth:`state_dict`; what it returns replaces the dictionary."""
        return register(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before loading; what it returns is loaded in the dictionary's place."""
        return register(self._load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after loading."""
        return register(self._load_state_dict_post_hooks, hook, prepend)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines += [""] * (number > 0) + [f"Parameter Group {number}"]
            lines.extend(f"    {name}: {group[name]}" for name in sorted(group) if name != "params")
        return "\n".join([*lines, ")"])


OPTIONS_OF_LATER_VERSIONS: Any = {"momentum": 0, "nesterov": False, "amsgrad": False, "centered": False}
OPTIONS_OF_LATER_VERSIONS |= {"maximize": False, "foreach": None, "capturable": False, "differentiable": False}
OPTIONS_OF_LATER_VERSIONS |= {"decoupled_weight_decay": False, "fused": None}


def with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """``step`` with the optimizer's hooks around it.

    Raises:
        RuntimeError: from the step, where a pre-hook returned something else than None or a pair.
    """

    @functools.wraps(step)
    def step_with_hooks(*args: Any, **kwargs: Any) -> Any:
        optimizer = args[0]
        if optimizer.stepped is False:
            optimizer.stepped = True
        for hook in optimizer._step_pre_hooks.values():
            replacement = hook(optimizer, args, kwargs)
            if replacement is not None:
                if not isinstance(replacement, tuple) or len(replacement) != 2:
                    raise RuntimeError(
                        f"{step} must return None or a tuple of (new_args, new_kwargs), but got {replacement}."
                    )
                args, kwargs = replacement
        result = step(*args, **kwargs)
        for hook in optimizer._step_post_hooks.values():
            hook(optimizer, args, kwargs)
        return result

    return step_with_hooks


Optimizer.step = with_hooks(Optimizer.step)  # type: ignore[method-assign]


def listed(params: Any) -> dict[str, Any]:
    """The parameters of a group as a list, ``params``, and, where they are pairs, the names, ``param_names``.

    Raises:
        TypeError: they come in a set.
        ValueError: only some have names.
    """
    if isinstance(params, Tensor):
        return {"params": [params]}
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            "will change between runs. Please use a list instead."
        )
    params = list(params)
    names = [each[0] for each in params if isinstance(each, tuple)]
    if not names:
        return {"params": params}
    if len(names) < len(params):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    return {"params": [each[1] for each in params], "param_names": names}


def as_numbers(group: dict[str, Any]) -> dict[str, Any]:
    """A group's options, tensors of one element as numbers."""
    options = {name: value.item() if isinstance(value, Tensor) else value for name, value in group.items()}
    if "betas" in options:
        options["betas"] = tuple([each.item() if isinstance(each, Tensor) else each for each in options["betas"]])
    return options


def own_copy(value: Any) -> Any:
    """A copy of a saved option; another engine's tensor becomes one of minigrad's."""
    if hasattr(value, "__array__") and not isinstance(value, Tensor):
        return as_tensor(np.array(value))
    return copy.deepcopy(value)


def loaded(value: Any, parameter: Tensor, name: Any = None) -> Any:
    """What was saved of a parameter, tensors in the parameter's type except for the count of steps."""
    if isinstance(value, dict):
        return {name: loaded(each, parameter, name) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([loaded(each, parameter) for each in value])
    if name in ("step", "mu_product") and isinstance(value, (int, float)):  # as versions of old saved them
        return as_tensor(float(value))
    if hasattr(value, "__array__") and not isinstance(value, Tensor):
        value = as_tensor(np.array(value))
    if isinstance(value, Tensor) and name != "step" and parameter.is_floating_point():
        return value.to(parameter.dtype)
    return value


def is_like(value: Any, default: Any) -> bool:
    """Whether an option is of the kind of its default: a number, or a tensor of one; a truth or None; several."""
    if default is None or isinstance(default, bool):
        return value is None or isinstance(value, bool)
    if isinstance(default, (tuple, list)):
        several = isinstance(value, (tuple, list)) and len(value) == len(default)
        return several and all(map(is_like, value, default))
    if isinstance(default, (int, float, Tensor)):
        if isinstance(value, Tensor):
            return value.numel() == 1
        return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)
    return True


def check_held(what: str, value: Any, ndim: int, parameter: Tensor) -> None:
    """Raise a ValueError unless ``value`` is a count, where that has no dimensions, or has the parameter's shape."""
    if not isinstance(value, Tensor):
        raise ValueError(f"loaded state dict has a {type(value).__name__} for {what}, which should be a tensor")
    if ndim and value.shape != parameter.shape:
        raise ValueError(
            f"loaded state dict has the shape {list(value.shape)} for {what}, whose shape is {list(parameter.shape)}"
        )
    if not ndim and (value.numel() != 1 or not 0 <= value.item() < math.inf):
        raise ValueError(f"loaded state dict has {value.tolist()} for {what}, which is one number, 0 or more")


def checked_options(optimizer: Optimizer, options: dict[str, Any], *not_negative: str) -> dict[str, Any]:
    """``options``, unless PyTorch has an error for one. ``foreach`` and ``fused`` change nothing here but are taken.

    Raises:
        ValueError: the rate, or one that is ``not_negative``, is negative; a beta is not in [0, 1); the rate is a
            tensor of several numbers.
        RuntimeError: both of PyTorch's kernels are asked for at once.
        NotImplementedError: what only its kernels have is asked for.
    """
    if isinstance(options["lr"], Tensor) and options["lr"].numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    words = {"lr": "learning rate", "eps": "epsilon value"}
    for name in ("lr", *not_negative):
        if not options[name] >= 0.0:
            raise ValueError(f"Invalid {words.get(name, f'{name} value')}: {options[name]}")
    for position, beta in enumerate(options.get("betas", ())):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {position}: {beta}")
    for name in ("capturable", "differentiable"):
        if options.get(name):
            raise NotImplementedError(f"{type(optimizer).__name__} does not offer {name}=True")
    if options.get("foreach") and options.get("fused"):
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    return options


def counter(value: float) -> Tensor:
    """State that is one number: float64 where that is the default type, otherwise float32, as in PyTorch."""
    kind = np.float64 if dtypes.get_default_dtype() is dtypes.float64 else np.float32
    return wrap(np.array(value, kind))


def prepared(gradient: np.ndarray, parameter: Tensor, group: dict[str, Any]) -> np.ndarray:
    """The gradient with its sign turned by ``maximize``, and ``weight_decay`` times the parameter added.

    Where the decay is decoupled, the parameter itself is made smaller instead.
    """
    gradient = -gradient if group["maximize"] else gradient
    if group.get("decoupled_weight_decay"):
        parameter.array *= 1 - group["lr"] * group["weight_decay"]
    elif group["weight_decay"] != 0:
        gradient = gradient + group["weight_decay"] * parameter.array
    return gradient
