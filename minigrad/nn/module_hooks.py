"""A module's hooks: functions of the user's that are called around its forward and its backward.

``Module.__call__`` comes here only where there are hooks. For backward, the inputs and the outputs each pass through an
identity: its node is where the gradients of all inputs, or of all outputs, are seen together.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from minigrad.autograd.function import Function
from minigrad.caller import warn_user
from minigrad.graph.grad_mode import is_grad_enabled
from minigrad.graph.hooks import RemovableHandle
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.nn.module import Module


Args = tuple[Any, ...]
Kwargs = dict[str, Any]

__all__ = ["AROUND_CALLS", "OF_ALL", "NodeHook", "as_hooks_want", "call_with_hooks", "check_kind", "forward_hook"]
__all__ += ["register"]


class ForwardHook(NamedTuple):
    """A hook before or after forward that wants to be called with the kwargs too, or even where forward raised."""

    hook: Callable[..., Any]
    with_kwargs: bool
    always_call: bool = False


def forward_hook(hook: Any, with_kwargs: bool, always_call: bool = False) -> Any:
    """What a module keeps of a hook: itself, unless it wants something."""
    return ForwardHook(hook, with_kwargs, always_call) if with_kwargs or always_call else hook


# Hooks of all modules, which ``global_hooks.py`` registers: around calls, by a module's names for its own, and before
# a part is registered.
AROUND_CALLS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
OF_ALL: dict[str, Any] = {name: OrderedDict() for name in (*AROUND_CALLS, "buffer", "module", "parameter")}


def hooks_of(module: Module, name: str) -> dict[int, Any]:
    """The hooks for a module by their numbers, those of all modules first."""
    return {**OF_ALL[name], **getattr(module, name)}


def as_hooks_want(part: str, module: Module, name: str, value: Any) -> Any:
    """What is registered under ``name`` as a buffer, module or parameter: ``value``, or what a hook returned."""
    for hook in OF_ALL[part].values():
        replacement = hook(module, name, value)
        value = value if replacement is None else replacement
    return value


class NodeHook(NamedTuple):
    """A backward hook of the older kind, which sees the last node of a forward."""

    hook: Callable[..., Any]


def check_kind(hooks: OrderedDict[int, Any], full: bool) -> Any:
    """How hooks of the kind are kept. Raises PyTorch's RuntimeError where there are some of the other kind."""
    if any(isinstance(each, NodeHook) == full for each in hooks.values()):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of "
            "them."
        )
    return NodeHook


def register(hooks: OrderedDict[int, Any], hook: Any, prepend: bool) -> RemovableHandle:
    """Add ``hook`` at the end, or at the front, of those that there are."""
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def call_with_hooks(module: Module, args: Args, kwargs: Kwargs) -> Any:
    """``module.forward(*args, **kwargs)`` with all its hooks around it, in PyTorch's order."""
    args, kwargs = call_pre_hooks(module, args, kwargs)
    watch = None
    backward_hooks = hooks_of(module, "_backward_hooks").values()
    on_node = [hook for hook in backward_hooks if isinstance(hook, NodeHook)]
    if len(on_node) < len(backward_hooks) or hooks_of(module, "_backward_pre_hooks"):
        watch = BackwardWatch(module)
        args = watch.watch_inputs(args)
    called: set[int] = set()
    output = None
    try:
        output = module.forward(*args, **kwargs)
        for number, registered in hooks_of(module, "_forward_hooks").items():
            called.add(number)
            replacement = call_forward_hook(registered, module, args, kwargs, output)
            if replacement is not None:
                output = replacement
        output = output if watch is None else watch.watch_outputs(output)
        if on_node:
            hook_node(on_node, module, args, output)
        return output
    except Exception:
        for number, registered in hooks_of(module, "_forward_hooks").items():
            if isinstance(registered, ForwardHook) and registered.always_call and number not in called:
                call_silently(registered, module, args, kwargs, output)
        raise


def call_pre_hooks(module: Module, args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs]:
    """The arguments as the forward pre-hooks leave them.

    Raises:
        RuntimeError: a hook with kwargs returned something else than None or a pair.
    """
    for registered in hooks_of(module, "_forward_pre_hooks").values():
        if isinstance(registered, ForwardHook):
            replacement = registered.hook(module, args, kwargs)
            if replacement is not None:
                if not isinstance(replacement, tuple) or len(replacement) != 2:
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {replacement}."
                    )
                args, kwargs = replacement
        else:
            replacement = registered(module, args)
            if replacement is not None:
                args = replacement if isinstance(replacement, tuple) else (replacement,)
    return args, kwargs


def call_forward_hook(registered: Any, module: Module, args: Args, kwargs: Kwargs, output: Any) -> Any:
    """What the hook returns."""
    hook = registered.hook if isinstance(registered, ForwardHook) else registered
    if isinstance(registered, ForwardHook) and registered.with_kwargs:
        return hook(module, args, kwargs, output)
    return hook(module, args, output)


def call_silently(registered: ForwardHook, module: Module, args: Args, kwargs: Kwargs, output: Any) -> None:
    """Call a hook after forward has raised: an error of the hook's own only warns."""
    try:
        call_forward_hook(registered, module, args, kwargs, output)
    except Exception as error:
        warn_user(
            f"module forward hook with ``always_call=True`` raised an exception that was silenced as another error was "
            f"raised in forward: {error}"
        )


def hook_node(hooks: list[NodeHook], module: Module, args: tuple[Any, ...], output: Any) -> None:
    """Register backward hooks of the older kind on the node of the first tensor in ``output``; warn as PyTorch does."""
    first = output
    while not isinstance(first, Tensor):
        first = (
            next(each for each in first.values() if isinstance(each, Tensor)) if isinstance(first, dict) else first[0]
        )
    node = first.grad_fn
    if node is None:
        return
    for each in hooks:
        node.register_hook(functools.partial(each.hook, module))
    problem = ""
    outputs = output if isinstance(output, tuple) else (output,)
    nodes = {each.grad_fn for each in outputs if isinstance(each, Tensor)} - {None}
    sources = {each.grad_fn for each in args if isinstance(each, Tensor)} - {None}
    if not all(isinstance(each, Tensor) for each in outputs):
        problem = "on a Module that does not return a single Tensor or a tuple of Tensors"
    elif not all(isinstance(each, Tensor) for each in args):
        problem = "on a Module that does not take as input a single Tensor or a tuple of Tensors"
    elif len(nodes) > 1:
        problem = "when outputs are generated by different autograd Nodes"
    elif sources != {each for each, _ in node.next_functions}:
        problem = "when the forward contains multiple autograd Nodes"
    if problem:
        warn_user(
            f"Using a non-full backward hook {problem} is deprecated: it misses some gradients. Please use "
            f"register_full_backward_hook to get the documented behavior.",
            FutureWarning,
        )


class BackwardHookFunction(Function):
    """The identity on several tensors: one node through which all their gradients pass together."""

    @staticmethod
    def forward(ctx: Any, *tensors: Any) -> Any:
        results = tuple([each.view_as(each) for each in tensors])
        ctx.mark_non_differentiable(*[result for result, each in zip(results, tensors) if not each.requires_grad])
        return results

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads


class BackwardWatch:
    """One call of a module with backward hooks: what its outputs received, until its inputs' gradients are there."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.grad_outputs: tuple[Any, ...] | None = None
        self.input_places: list[int] | None = None

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, the tensors behind one identity."""
        self.input_count = len(args)
        watched, places, node = behind_identity(args)
        if node is not None:
            self.input_places = places
            node.register_hook(self.on_input_gradients)
        return watched

    def watch_outputs(self, output: Any) -> Any:
        """The output, its tensors behind one identity."""
        if not isinstance(output, (Tensor, tuple)):
            warn_user(
                f"For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(output)}"
            )
        outputs = output if isinstance(output, tuple) else (output,)
        self.output_count = len(outputs)
        watched, self.output_places, node = behind_identity(outputs)
        if node is not None:
            node.register_prehook(self.on_output_gradients)
        if not isinstance(output, tuple):
            return watched[0]
        return type(output)(*watched) if hasattr(output, "_fields") else watched

    def on_output_gradients(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """The outputs' gradients have arrived: the pre-hooks may replace them.

        Raises:
            RuntimeError: a pre-hook returned another number of gradients, or a hook one for inputs that have none.
        """
        grad_outputs = at_places(grads, self.output_places, self.output_count)
        for hook in hooks_of(self.module, "_backward_pre_hooks").values():
            replacement = hook(self.module, grad_outputs)
            if replacement is not None:
                grad_outputs = as_many("Backward pre hook", "grad_output", replacement, grad_outputs)
        self.grad_outputs = grad_outputs
        if self.input_places is None:
            self.call_without_inputs()
        return tuple([grad_outputs[place] for place in self.output_places])

    def call_without_inputs(self) -> None:
        """Call the hooks of a module none of whose inputs requires grad."""
        if hooks_of(self.module, "_backward_hooks"):
            warn_user(
                "Full backward hook is firing when gradients are computed with respect to module outputs since no "
                "inputs require gradients."
            )
        nothing = (None,) * self.input_count
        if any(each is not None for each in self.call_hooks(nothing)):
            raise RuntimeError(
                "Backward hook for Modules where no input requires gradient should always return None or None for all "
                "gradients."
            )
        self.grad_outputs = None

    def on_input_gradients(self, grad_inputs: tuple[Any, ...], _: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """The inputs' gradients have arrived: the hooks may replace them."""
        if self.grad_outputs is None:  # the gradient came past the outputs
            return None
        assert self.input_places is not None
        replaced = self.call_hooks(at_places(grad_inputs, self.input_places, self.input_count))
        self.grad_outputs = None
        return tuple([replaced[place] for place in self.input_places])

    def call_hooks(self, grad_inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """``grad_inputs`` as the hooks leave them.

        Raises:
            RuntimeError: a hook returned another number of gradients.
        """
        for hook in hooks_of(self.module, "_backward_hooks").values():
            replacement = None if isinstance(hook, NodeHook) else hook(self.module, grad_inputs, self.grad_outputs)
            if replacement is not None:
                grad_inputs = as_many("Backward hook", "grad_input", replacement, grad_inputs)
        return grad_inputs


def as_many(hook: str, name: str, replacement: Any, grads: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a hook returned in the place of ``grads``. Raises PyTorch's RuntimeError where it is more or less."""
    replacement = replacement if isinstance(replacement, tuple) else (replacement,)
    if len(replacement) != len(grads):
        got = f"got {len(replacement)}, but expected {len(grads)}"
        raise RuntimeError(f"{hook} returned an invalid number of {name}, {got}")
    return replacement


def behind_identity(values: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[int], Any]:
    """The values, where their tensors are, and the node that the tensors then come from; None if none requires grad."""
    places = [place for place, each in enumerate(values) if isinstance(each, Tensor)]
    if not is_grad_enabled() or not any(values[place].requires_grad for place in places):
        return values, places, None
    results = BackwardHookFunction.apply(*[values[place] for place in places])
    changed = list(values)
    for place, result in zip(places, results):
        changed[place] = result
    return tuple(changed), places, next(each.grad_fn for each in results if each.grad_fn is not None)


def at_places(grads: tuple[Any, ...], places: list[int], count: int) -> tuple[Any, ...]:
    """``count`` gradients: those of the tensors at their places, None for the rest."""
    complete: list[Any] = [None] * count
    for place, gradient in zip(places, grads):
        complete[place] = gradient
    return tuple(complete)
