"""A module called with other parameters and buffers than its own: what :func:`minigrad.func.functional_call` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.caller import warn_user
from minigrad.nn.module import Module
from minigrad.tensor import Tensor

__all__ = ["functional_call"]

ABSENT = object()

Tensors = dict[str, Tensor]  # by their dotted names


def functional_call(
    module: Module,
    parameters_and_buffers: Tensors,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """:func:`minigrad.func.functional_call`, with a warning. Shapes: those of ``module``."""
    old, new = "torch.nn.utils.stateless.functional_call", "torch.func.functional_call"
    warn_user(f"`{old}` is deprecated as of PyTorch 2.0. Please use `{new}` instead.", FutureWarning)
    return call_with(module, parameters_and_buffers, args, kwargs, tie_weights, strict)


def call_with(module: Module, tensors: Tensors, args: Any, kwargs: Any, tie_weights: bool, strict: bool) -> Any:
    """``module(*args, **kwargs)`` with ``tensors``, by dotted names, in the place of its own.

    What the call puts in the place of a tensor, as it may of a buffer, is in the dictionary afterwards.

    Raises:
        RuntimeError: with ``strict``, names are missing or unexpected.
        TypeError: what is to be put, or what it would replace, is no tensor.
        ValueError: tied tensors are given several values.
    """
    own: Tensors = {}
    if tie_weights or strict:
        own.update(module.named_parameters(remove_duplicate=False))
        own.update(module.named_buffers(remove_duplicate=False))
    given = tied(own, tensors) if tie_weights else tensors
    names = {"Unexpected": given.keys() - own.keys(), "Missing": own.keys() - given.keys()}
    problems = [f"\n\t{kind} key(s): {str(sorted(each))[1:-1]}." for kind, each in names.items() if each]
    if strict and problems:
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:{''.join(problems)}")
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    replaced: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    try:
        swap_all(module, given, replaced)
        return module(*arguments, **(kwargs or {}))
    finally:
        swap_all(module, replaced, changed)
        tensors.update((name, changed[name]) for name in tensors if name in changed)


def swap_all(module: Module, values: Mapping[str, Any], replaced: dict[str, Any]) -> None:
    """:func:`swap` each of ``values``; what was there goes into ``replaced``."""
    for name, value in values.items():
        replaced[name] = swap(module, name, value)


def swap(module: Module, name: str, value: Any) -> Any:
    """Put ``value`` in the place of a tensor, by its dotted name; ``ABSENT`` removes it. What was there, or ABSENT."""
    path, _, last = name.rpartition(".")
    owner = module.get_submodule(path)
    held = next((each for each in (owner._parameters, owner._buffers) if last in each), None)
    before = getattr(owner, last, ABSENT) if held is None else held[last]
    for each, told in ((value, ""), (before, f"attribute `{name}`: ")):
        if not (isinstance(each, Tensor) or each is None or each is ABSENT):
            raise TypeError(f"{told}{each} is not an instance of minigrad.Tensor")
    if value is ABSENT:
        delattr(owner, last)
    elif held is None:
        setattr(owner, last, value)
    else:
        held[last] = value
    return before


def tied(own: Mapping[str, Tensor], tensors: Tensors) -> Tensors:
    """``tensors``, and each also under the other names that its own tensor has.

    Raises:
        ValueError: several are given for one.
    """
    complete = dict(tensors)
    for name, value in tensors.items():
        for other in [each for each in own if name in own and own[each] is own[name]]:
            if complete.setdefault(other, value) is not value:
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted([name, other])}, which are tied. Consider "
                    f"using tie_weights=False"
                )
    return complete
