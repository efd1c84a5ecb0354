"""torchvision's functions and transforms of pictures take minigrad's tensors and dtypes.

They look at the type, so each stands behind a function. Where minigrad has a function of that name (``ported.py``) this
one calls it, with history; otherwise it hands over PyTorch's tensors in the same memory, and what comes back is
minigrad's. For PyTorch's own tensors nothing changes.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from minigrad import dtypes
from minigrad.arguments.gate import all_taken_in
from minigrad.graph.grad_mode import call_inside, no_grad
from minigrad.graph.node import Tensor
from minigrad.lending import lent

__all__ = ["introduce"]


def introduce(module: ModuleType) -> None:
    """Put the functions of ``module``, or the classes of transforms in it, behind one that takes minigrad's tensors."""
    if module.__name__ in INSTEAD:
        for name, value in inspect.getmembers(module, inspect.isfunction):
            if not name.startswith("_"):
                setattr(module, name, taking_ours(value, INSTEAD[module.__name__](value)))
        return
    methods = {"__init__"}
    if module.__name__.endswith("v2"):  # the older ones leave it to functions
        methods.add("forward")
    bases = {base for _, value in inspect.getmembers(module, inspect.isclass) for base in value.__mro__}
    for each in bases:
        for method in methods & vars(each).keys() if each.__module__.startswith(module.__name__) else ():
            function = getattr(each, method)
            setattr(each, method, taking_ours(function, lending(function)))


def taking_ours(function: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, but ``instead`` where an argument is minigrad's."""

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        return (instead if holds_ours((*arguments, *named.values())) else function)(*arguments, **named)

    return called


def holds_ours(value: Any) -> bool:
    """Whether ``value`` is a tensor or a dtype of minigrad's, or holds one."""
    if isinstance(value, dict):
        return holds_ours([*value.values()])
    if isinstance(value, (tuple, list)):
        return any(map(holds_ours, value))
    return isinstance(value, (Tensor, dtypes.dtype))


def lending(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` of PyTorch's tensors in the memory of minigrad's. One that requires grad is refused."""
    return lambda *arguments, **named: all_taken_in(function(*lent(arguments), **lent(named)))


def without_history(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, whose results have no history in PyTorch either."""
    return lambda *arguments, **named: call_inside(no_grad(), lending(function), *arguments, **named)


def ported(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of the same name that computes with minigrad's tensors."""

    def called(*arguments: Any, **named: Any) -> Any:
        ours = getattr(import_module(f"minigrad.{function.__module__}"), function.__name__)
        return ours(*map(own_type, arguments), **{name: own_type(value) for name, value in named.items()})

    return called


def own_type(value: Any) -> Any:
    """The dtype of minigrad's for one of PyTorch's, which the transform has kept; other values as they are."""
    return getattr(dtypes, str(value).removeprefix("torch.")) if dtypes.is_torch_dtype(value) else value


INSTEAD = {"torchvision.utils": without_history, "torchvision.transforms.functional": ported}
