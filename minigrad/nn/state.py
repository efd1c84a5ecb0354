"""What a module saves and loads: ``state_dict`` and ``load_state_dict``, module by module, as PyTorch goes.

The two methods of Module that a subclass may override, ``_save_to_state_dict`` and ``_load_from_state_dict``, handle
the tensors of one module; here is the walk over all of them, with their hooks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad.attributes import Size
from minigrad.graph.function import wrap
from minigrad.graph.grad_mode import call_inside, no_grad
from minigrad.nn.parameter import Parameter, is_lazy
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.module import Module

__all__ = ["EXTRA_STATE", "IncompatibleKeys", "Loading", "consume_prefix_in_state_dict_if_present", "load_into"]
__all__ += ["saved", "value_for"]

EXTRA_STATE = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` did not find (missing) or did not need (unexpected)."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def saved(module: Module, destination: Any, prefix: str, keep_vars: bool) -> Any:
    """``destination`` with the state of ``module`` and of all below it, and each one's version in ``_metadata``.

    Raises:
        RuntimeError: a hook returned something.
    """
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()
    local_metadata = {"version": module._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = local_metadata
    for hook in module._state_dict_pre_hooks.values():
        hook(module, prefix, keep_vars)
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook in module._state_dict_hooks.values():
        if hook(module, destination, prefix, local_metadata) is not None:
            raise RuntimeError("state_dict post-hook must return None")
    return destination


class Loading:
    """One call of ``load_state_dict``: it looks at every module first, and copies when all fits."""

    def __init__(self, state_dict: Mapping[str, Any], assign: bool) -> None:
        self.metadata = getattr(state_dict, "_metadata", {})
        self.assign = assign
        self.keys = IncompatibleKeys([], [])
        self.problems: list[str] = []
        self.pending: list[tuple[Module, str, Any]] = []  # what is to be copied, and where
        self.post_hooks: list[tuple[Module, Any]] = []

    def visit(self, module: Module, state_dict: dict[str, Any], prefix: str = "") -> None:
        """Compare ``state_dict`` with a module and with those below it."""
        local_metadata = self.metadata.get(prefix[:-1], {})
        local_metadata = {**local_metadata, "assign_to_params_buffers": self.assign, "pending": self.pending}
        module._load_from_state_dict(
            state_dict, prefix, local_metadata, True, self.keys.missing_keys, self.keys.unexpected_keys, self.problems
        )
        for name, child in module._modules.items():
            if child is not None:
                below = f"{prefix}{name}."
                self.visit(child, {key: each for key, each in state_dict.items() if key.startswith(below)}, below)
        for hook in module._load_state_dict_post_hooks.values():
            self.post_hooks.append((module, hook))

    def finish(self, module: Module, strict: bool) -> IncompatibleKeys:
        """Copy, unless something is wrong, and call the hooks, which may pardon missing and unexpected keys.

        Raises:
            RuntimeError: something is wrong.
        """
        if not self.problems and (self.post_hooks or not strict or not any(self.keys)):
            for owner, name, value in self.pending:
                load_into(owner, name, value, self.assign)
        for owner, hook in self.post_hooks:
            if hook(owner, self.keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                    "values, if incompatible_keys need to be modified, it should be done inplace."
                )
        for kind, keys in (("Unexpected", self.keys.unexpected_keys), ("Missing", self.keys.missing_keys)):
            if strict and keys:
                names = ", ".join(f'"{key}"' for key in keys)
                self.problems.insert(0, f"{kind} key(s) in state_dict: {names}. ")
        if self.problems:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(self.problems)
            )
        return self.keys


def value_for(own: Tensor, key: str, value: Any, problems: list[str]) -> Tensor | None:
    """``value`` as a tensor that fits ``own``; or None, and what is wrong with it among the problems."""
    if not isinstance(value, Tensor):
        if not hasattr(value, "__array__"):
            problems.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(value)}"
            )
            return None
        value = wrap(np.asarray(value))
    if is_lazy(own):
        return value
    if own.ndim == 0 and value.ndim == 1 and len(value):
        value = value[0]  # how numbers were saved before PyTorch 0.4
    if value.shape != own.shape:
        problems.append(
            f"size mismatch for {key}: copying a param with shape {Size(value.shape)} from checkpoint, the shape in "
            f"current model is {own.shape}."
        )
        return None
    return value


def load_into(module: Module, name: str, value: Any, assign: bool) -> None:
    """Copy ``value`` into the module's tensor ``name``, or put it in that one's place; extra state is given over."""
    if name == EXTRA_STATE:
        module.set_extra_state(value)
        return
    own = getattr(module, name)
    if is_lazy(own):
        if is_lazy(value):
            return
        own.materialize(value.shape)
    if not assign:
        call_inside(no_grad(), own.copy_, value)
    elif isinstance(own, Parameter):
        value = value if isinstance(value, Parameter) else Parameter(value, False)
        setattr(module, name, value.requires_grad_(own.requires_grad))
    else:
        setattr(module, name, value)


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take ``prefix`` off the names that begin with it, in place, and off those in ``_metadata``.

    ``nn.DataParallel`` puts ``module.`` before every name. Counterpart:
    ``torch.nn.modules.utils.consume_prefix_in_state_dict_if_present``.
    """
    for key in [key for key in state_dict if key.startswith(prefix)]:
        state_dict[key.removeprefix(prefix)] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", {})
    for key in [key for key in metadata if key and f"{key}.".startswith(prefix)]:
        metadata[f"{key}.".removeprefix(prefix).rstrip(".")] = metadata.pop(key)
