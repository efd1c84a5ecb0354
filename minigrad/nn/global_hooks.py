"""Hooks of all modules at once: each is called before those that a module has itself.

``Module.__call__`` has no line for them: while there is one, another function stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.graph.hooks import RemovableHandle
from minigrad.nn.module import Module
from minigrad.nn.module_hooks import AROUND_CALLS, OF_ALL, call_with_hooks, check_kind, forward_hook

__all__ = ["register_module_backward_hook", "register_module_buffer_registration_hook"]
__all__ += ["register_module_forward_hook", "register_module_forward_pre_hook", "register_module_full_backward_hook"]
__all__ += ["register_module_full_backward_pre_hook", "register_module_module_registration_hook"]
__all__ += ["register_module_parameter_registration_hook"]

PLAIN = Module.__call__


def call_with_global_hooks(self: Module, *inputs: Any, **options: Any) -> Any:
    """What stands in the place of ``Module.__call__``, until the last of the hooks was removed."""
    if not any(OF_ALL[kind] for kind in AROUND_CALLS):
        Module.__call__ = PLAIN  # type: ignore[method-assign]
    return call_with_hooks(self, inputs, options)


def watch_all(kind: str, hook: Any) -> RemovableHandle:
    Module.__call__ = call_with_global_hooks  # type: ignore[method-assign]
    return RemovableHandle(OF_ALL[kind], hook)


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before each forward of every module; what it returns replaces the arguments."""
    return watch_all("_forward_pre_hooks", hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after each forward of every module; what it returns replaces the output.

    ``with_kwargs`` and ``always_call`` are as in ``Module.register_forward_hook``.
    """
    return watch_all("_forward_hooks", forward_hook(hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before each module's backward; a tuple it returns replaces them."""
    return watch_all("_backward_pre_hooks", hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` when the gradients of each module's inputs are there.

    Raises:
        RuntimeError: there is one of :func:`register_module_backward_hook`.
    """
    check_kind(OF_ALL["_backward_hooks"], full=True)
    return watch_all("_backward_hooks", hook)


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` with what the last node of each module's forward has.

    Raises:
        RuntimeError: there is one of :func:`register_module_full_backward_hook`.
    """
    return watch_all("_backward_hooks", check_kind(OF_ALL["_backward_hooks"], full=False)(hook))


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` when a module registers one; what it returns is registered in its place."""
    return RemovableHandle(OF_ALL["buffer"], hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, child)`` when a module registers one; what it returns is registered in its place."""
    return RemovableHandle(OF_ALL["module"], hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, parameter)`` when a module registers one; what it returns is registered instead."""
    return RemovableHandle(OF_ALL["parameter"], hook)
