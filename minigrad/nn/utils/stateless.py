"""A module called with other parameters and buffers than its own: what :func:`minigrad.func.functional_call` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.caller import warn_user
from minigrad.nn.module import Module
from minigrad.tensor import Tensor

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
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


def call_with(
    module: Module, tensors: dict[str, Tensor], args: Any, kwargs: Any, tie_weights: bool, strict: bool
) -> Any:
    """``module(*args, **kwargs)`` with ``tensors``, by dotted names, in the place of its own.

    What the call puts in the place of a tensor, as it may of a buffer, is in the dictionary afterwards.

    Raises:
        RuntimeError: with ``strict``, names are missing or unexpected.
        ValueError: tied tensors are given several values.
    """
    own: dict[str, Tensor] = dict(module.named_parameters(remove_duplicate=False))
    own |= module.named_buffers(remove_duplicate=False)
    given = tied(own, tensors) if tie_weights else tensors
    missing, unexpected = [each for each in own if each not in given], [each for each in given if each not in own]
    if strict and (missing or unexpected):
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}:\n\tUnexpected key(s): {unexpected}.\n\tMissing "
            f"key(s): {missing}."
        )
    places = {name: place_of(module, name) for name in given if name in own}
    replaced = {name: held[last] for name, (held, last) in places.items()}
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        put(places, given)
        return module(*arguments, **(kwargs or {}))
    finally:
        changed = {name: held[last] for name, (held, last) in places.items() if name in tensors}
        put(places, replaced)
        tensors.update(changed)


def put(places: dict[str, tuple[dict[str, Any], str]], tensors: Mapping[str, Any]) -> None:
    """Put the tensors into their places."""
    for name, (held, last) in places.items():
        held[last] = tensors[name]


def tied(own: Mapping[str, Tensor], tensors: dict[str, Tensor]) -> dict[str, Tensor]:
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


def place_of(module: Module, name: str) -> tuple[dict[str, Any], str]:
    """The dictionary in which a tensor is, by its dotted name, and its key there."""
    path, _, last = name.rpartition(".")
    owner = module.get_submodule(path)
    return (owner._parameters if last in owner._parameters else owner._buffers), last
