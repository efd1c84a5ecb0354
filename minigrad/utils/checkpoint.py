"""Activation checkpointing: keep nothing of a part of the network but its inputs, and run it again in backward.

It trades time for memory. Both of PyTorch's ways are here. Without re-entry, what operations save is replaced by a
placeholder (``saved_tensors_hooks``); the first that backward asks for runs the function again and fills them all. With
re-entry, a custom Function runs the function unrecorded, and recorded again in its backward, inside the outer one.

Source: T. Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016. Counterpart: ``torch.utils.checkpoint``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from minigrad.autograd import Function, backward, enable_grad, is_grad_enabled
from minigrad.autograd.graph import saved_tensors_hooks
from minigrad.random import fork_rng, get_rng_state, set_rng_state
from minigrad.tensor import Tensor

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential"]


class CheckpointError(RuntimeError):
    """Running the function again did not save what it saved the first time."""


class _RandomState:
    """The generator's state when a function first ran, to run it again with the same numbers (dropout)."""

    def __init__(self, preserve: bool) -> None:
        self.state = get_rng_state() if preserve else None

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``function`` with that state; the present one is restored afterwards."""
        with fork_rng(enabled=self.state is not None), enable_grad():
            if self.state is not None:
                set_rng_state(self.state)
            return function(*args, **kwargs)


class _Recomputation:
    """One checkpointed call: how many values it saved, and, once it ran again, which."""

    def __init__(self, function: Callable[..., Any], preserve_rng_state: bool, args: Any, kwargs: Any) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.random = _RandomState(preserve_rng_state)
        self.count = 0
        self.shapes: list[Any] = []
        self.values: list[Tensor] = []

    def pack(self, tensor: Tensor) -> int:
        """Keep of a saved tensor only its number, its shape and its type."""
        self.shapes.append((tensor.shape, tensor.dtype))
        self.count += 1
        return self.count - 1

    def unpack(self, number: int) -> Tensor:
        """The tensor again: the first request runs the function."""
        if not self.values:
            with saved_tensors_hooks(self.collect, self.never):
                self.random.run(self.function, *self.args, **self.kwargs)
            shapes = [(each.shape, each.dtype) for each in self.values]
            if shapes != self.shapes:
                raise CheckpointError(
                    f"checkpoint: the function saved {len(self.shapes)} tensors the first time and {len(shapes)} when "
                    f"run again, or others of another shape or type: it must do the same both times"
                )
        return self.values[number]

    def collect(self, tensor: Tensor) -> None:
        """Take what the second run saves."""
        self.values.append(tensor)

    def never(self, packed: None) -> Tensor:
        """The graph of the second run is not walked."""
        raise CheckpointError("checkpoint: backward inside the recomputed function is not supported")


class _Reentrant(Function):
    """The function run unrecorded, and run again, recorded, in backward."""

    @staticmethod
    def forward(ctx, function, preserve_rng_state, *args):  # type: ignore[no-untyped-def]
        ctx.function = function
        ctx.random = _RandomState(preserve_rng_state)
        ctx.args = [None if isinstance(each, Tensor) else each for each in args]
        ctx.places = [place for place, each in enumerate(args) if isinstance(each, Tensor)]
        ctx.save_for_backward(*[args[place] for place in ctx.places])
        return function(*args)

    @staticmethod
    def backward(ctx, *grads):  # type: ignore[no-untyped-def]
        args = list(ctx.args)
        for place, tensor in zip(ctx.places, ctx.saved_tensors):
            args[place] = tensor.detach().requires_grad_(tensor.requires_grad)
        outputs = ctx.random.run(ctx.function, *args)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [
            (output, grad)
            for output, grad in zip(outputs, grads)
            if isinstance(output, Tensor) and output.requires_grad
        ]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([output for output, _ in pairs], [grad for _, grad in pairs])
        return (None, None, *[each.grad if isinstance(each, Tensor) else None for each in args])


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, whose inner values are not kept but computed again in backward.

    Args:
        function: does the same each time it is called with the same arguments.
        use_reentrant: False is PyTorch's advice: it works with ``autograd.grad`` and keyword arguments. With True
            at least one argument must require grad.
        preserve_rng_state: draw the same random numbers again.

    Raises:
        ValueError: ``use_reentrant`` was not given, or keyword arguments were given with it.
        CheckpointError: in backward, if the function did something else.
    """
    if use_reentrant is None:
        raise ValueError("checkpoint: use_reentrant must be passed explicitly; use_reentrant=False is recommended")
    if not use_reentrant:
        run = _Recomputation(function, preserve_rng_state, args, kwargs)
        with saved_tensors_hooks(run.pack, run.unpack):
            return function(*args, **kwargs)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if is_grad_enabled() and not any(isinstance(each, Tensor) and each.requires_grad for each in args):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", UserWarning, stacklevel=2)
    return _Reentrant.apply(function, preserve_rng_state, *args)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True
) -> Any:
    """A sequence of functions, one on the result of the other, in ``segments`` parts of which all but the last are
    checkpointed.

    Raises:
        ValueError: ``use_reentrant`` was not given.
    """
    if use_reentrant is None:
        raise ValueError("checkpoint_sequential: use_reentrant must be passed explicitly")
    chain = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = len(chain) // segments
    start = 0
    for start in range(0, size * (segments - 1), size):
        segment = _Chain(chain[start : start + size])
        input = checkpoint(segment, input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state)
    return _Chain(chain[size * (segments - 1) :])(input)


class _Chain:
    """Functions called one on the result of the other."""

    def __init__(self, functions: Sequence[Callable[..., Any]]) -> None:
        self.functions = functions

    def __call__(self, value: Any) -> Any:
        for function in self.functions:
            value = function(value)
        return value
