"""Activation checkpointing: keep nothing of a part of the network but its inputs, and run it again in backward.

It trades time for memory. Both of PyTorch's ways are here. Without re-entry, what operations save is replaced by a
placeholder (``saved_tensors_hooks``); the first that backward asks for runs the function again and fills them all. With
re-entry, a custom Function runs the function unrecorded, and recorded again in its backward, inside the outer one.

Source: T. Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016. Counterpart: ``torch.utils.checkpoint``.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from minigrad.autograd import Function, backward, enable_grad, is_grad_enabled
from minigrad.caller import warn_user
from minigrad.graph.grad_mode import call_inside, grad_mode
from minigrad.graph.node import NO_NODE
from minigrad.graph.saved_tensors import call_with_hooks
from minigrad.random import get_rng_state, set_rng_state
from minigrad.tensor import Tensor

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "set_checkpoint_early_stop"]

_early_stops: list[bool] = []  # of the contexts around, the innermost last


class CheckpointError(RuntimeError):
    """Running the function again did not save what it saved the first time."""


class _RandomState:
    """The generator's state when a function first ran, to run it again with the same numbers (dropout)."""

    def __init__(self, preserve: bool) -> None:
        self.state = get_rng_state() if preserve else None

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``function`` with that state; the present one is restored afterwards."""
        if self.state is None:
            return call_inside(enable_grad(), function, *args, **kwargs)
        outside = get_rng_state()
        try:
            set_rng_state(self.state)
            return call_inside(enable_grad(), function, *args, **kwargs)
        finally:
            try:
                set_rng_state(outside)
            except BaseException:  # Ctrl-C, which has its way when this is done
                set_rng_state(outside)
                raise


class _Enough(Exception):
    """Running the function again has given all that was saved."""


@dataclass(eq=False)
class _Recomputation:
    """One checkpointed call: how many values it saved, and, once it ran again, which.

    The values are those of one backward pass, and each is let go when it was asked for. The last four fields are the
    arguments of :func:`checkpoint`.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    random: _RandomState
    determinism_check: str
    early_stop: bool
    second_context: AbstractContextManager[Any]

    def __post_init__(self) -> None:
        self.versions = [each._version_counter.value for each in self.tensors_given()]
        self.shapes: list[Any] = []
        self.values: dict[int, Tensor] = {}
        self.filled_in: Callable[[], Any] = NO_NODE  # the walk, weakly: it knows the nodes, which know this
        self.collected = 0

    def run_in(self, context: AbstractContextManager[Any], function: Callable[..., Any]) -> Any:
        """Run the function, or one that runs it, in a context that the user gave for this."""
        with context:
            return function(*self.args, **self.kwargs)

    def tensors_given(self) -> list[Tensor]:
        """The arguments that are tensors."""
        return [each for each in (*self.args, *self.kwargs.values()) if isinstance(each, Tensor)]

    def pack(self, tensor: Tensor) -> int:
        """Keep of a saved tensor only its number, its shape and its type."""
        self.shapes.append((tensor.shape, tensor.dtype))
        return len(self.shapes) - 1

    def unpack(self, number: int) -> Tensor:
        """The tensor again: the first request of a backward pass runs the function.

        Raises:
            CheckpointError: the function saved something else than the first time.
            RuntimeError: an argument was changed in place since.
        """
        walk = grad_mode.walk
        if number not in self.values or self.filled_in() is not walk:
            self.run_again()
            self.filled_in = NO_NODE if walk is None else weakref.ref(walk)
        return self.values.pop(number)

    def run_again(self) -> None:
        """Run the function until it has saved as much as the first time."""
        for tensor, version in zip(self.tensors_given(), self.versions):
            if tensor._version_counter.value != version:
                raise RuntimeError(
                    f"one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"[{tensor.dtype} {list(tensor.shape)}], an argument of a checkpointed function, is at version "
                    f"{tensor._version_counter.value}; expected version {version} instead. "
                    f"{tensor._version_counter.last_change} changed it since."
                )
        self.values, self.collected = {}, 0
        with suppress(_Enough):
            again = functools.partial(self.random.run, self.function)
            call_with_hooks((self.collect, self.never), self.run_in, self.second_context, again)
        if self.collected != len(self.shapes):
            raise CheckpointError(
                f"minigrad.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation: {len(self.shapes)} the first time and {self.collected} when run again. The function "
                f"must do the same both times"
            )

    def collect(self, tensor: Tensor) -> None:
        """Take what the second run saves."""
        number = self.collected
        self.collected += 1
        if number >= len(self.shapes):
            return
        described = (tensor.shape, tensor.dtype)
        if self.determinism_check == "default" and described != self.shapes[number]:
            raise CheckpointError(
                f"minigrad.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                f"during the forward pass: saved tensor {number} had shape and type {self.shapes[number]}, and has "
                f"{described} when run again. The function must do the same both times"
            )
        self.values[number] = tensor.detach()
        if self.early_stop and self.collected == len(self.shapes):
            raise _Enough

    def never(self, packed: None) -> Tensor:
        """The graph of the second run is not walked."""
        raise CheckpointError("checkpoint: backward inside the recomputed function is not supported")


class CheckpointFunction(Function):
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
        if grad_mode.walk.passages is not None:
            raise RuntimeError(
                "When use_reentrant=True, minigrad.utils.checkpoint is incompatible with .grad() or passing an "
                "`inputs` parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or "
                "call .backward() without passing the `inputs` argument."
            )
        args = list(ctx.args)
        for place, tensor in zip(ctx.places, ctx.saved_tensors):
            args[place] = tensor.detach().requires_grad_(tensor.requires_grad)
        outputs = ctx.random.run(ctx.function, *args)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [pair for pair in zip(outputs, grads) if isinstance(pair[0], Tensor) and pair[0].requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward(*map(list, zip(*pairs)))
        return (None, None, *[each.grad if isinstance(each, Tensor) else None for each in args])


def no_contexts() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """Two contexts that do nothing."""
    return nullcontext(), nullcontext()


def with_default(use_reentrant: bool | None, name: str) -> bool:
    """``use_reentrant``; True, with PyTorch's warning, where it was not given."""
    if use_reentrant is None:
        warn_user(
            f"minigrad.utils.{name}: the use_reentrant parameter should be passed explicitly. use_reentrant=False is "
            f"recommended, but if you need to preserve the current default behavior, you can pass use_reentrant=True."
        )
        return True
    return use_reentrant


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Inside this context, ``enable`` stands for the ``early_stop`` of each :func:`checkpoint` without re-entry.

    >>> with minigrad.utils.checkpoint.set_checkpoint_early_stop(False):
    ...     y = minigrad.utils.checkpoint.checkpoint(minigrad.exp, minigrad.ones(1), use_reentrant=False)
    """
    _early_stops.append(enable)
    try:
        yield
    finally:
        _early_stops.pop()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[AbstractContextManager[Any], AbstractContextManager[Any]]] = no_contexts,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, whose inner values are not kept but computed again in backward.

    Args:
        function: does the same each time it is called with the same arguments.
        use_reentrant: False is PyTorch's advice: it works with ``autograd.grad`` and keyword arguments. With True
            at least one argument must require grad. Left out, it is True, with a warning.
        context_fn: gives two contexts, to run the function in the first time and the second; without re-entry only.
        determinism_check: "default" compares shapes and types of what is saved both times, "none" does not.
        debug: has no effect here.
        early_stop: run the function again only until everything that is needed is there; without re-entry only.
        preserve_rng_state: draw the same random numbers again.

    Raises:
        ValueError: keyword arguments, ``context_fn`` or ``debug`` were given with re-entry, or another
            ``determinism_check``.
        CheckpointError: in backward, if the function did something else.

    >>> x = minigrad.tensor(1.0, requires_grad=True)
    >>> y = minigrad.utils.checkpoint.checkpoint(minigrad.exp, x, use_reentrant=False)
    >>> y.backward()
    >>> x.grad
    tensor(2.7183)
    """
    if not with_default(use_reentrant, "checkpoint"):
        if determinism_check not in ("default", "none"):
            raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
        first_context, second_context = context_fn()
        random, stop = _RandomState(preserve_rng_state), [early_stop, *_early_stops][-1]
        run = _Recomputation(function, args, kwargs, random, determinism_check, stop, second_context)
        return call_with_hooks((run.pack, run.unpack), run.run_in, first_context, function)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not no_contexts or debug is not False:
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    if is_grad_enabled() and not any(isinstance(each, Tensor) and each.requires_grad for each in args):
        warn_user("None of the inputs have requires_grad=True. Gradients will be None")
    return CheckpointFunction.apply(function, preserve_rng_state, *args)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True
) -> Any:
    """Functions one on the result of the other, of whose ``segments`` parts all but the last are checkpointed.

    ``use_reentrant`` is that of :func:`checkpoint`.
    """
    use_reentrant = with_default(use_reentrant, "checkpoint_sequential")
    chain = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = len(chain) // segments
    for start in range(0, size * (segments - 1), size):
        run = functools.partial(in_turn, chain[start : start + size])
        input = checkpoint(run, input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state)
    return in_turn(chain[size * (segments - 1) :], input)


def in_turn(functions: Sequence[Callable[..., Any]], value: Any) -> Any:
    """Functions called one on the result of the other."""
    for function in functions:
        value = function(value)
    return value
