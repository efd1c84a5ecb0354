"""What a node saved for backward: whose it is, the user's hooks around it, and the errors when it cannot be had.

``function.py`` keeps the values, and packs and unpacks them through this file; ``autograd/graph.py`` offers the hooks
to the user as ``saved_tensors_hooks``. Checkpoints in files are another thing: ``minigrad/saving``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.dtypes import from_numpy_dtype
from minigrad.graph.grad_mode import call_inside, no_grad
from minigrad.graph.node import AccumulateGrad, Edge, Node, Tensor
from minigrad.graph.storage import VersionCounter

__all__ = ["THIS_NODE", "Given", "Origin", "call_with_hooks", "changed_since", "detached_since", "freed"]
__all__ += ["Packing", "inference_saved", "pack", "packing", "unpack"]

# Of a saved array: its place in the graph, the counter of its changes, and when it was saved.
Origin = tuple[Edge, VersionCounter, int]
THIS_NODE: Any = "this node"  # says of a saved output who made it, without a cycle from the node to itself


class Given(tuple[Any, ...]):
    """What an operation was given beside its inputs, an index, a mask, weights, and the tensors that it was read from,
    among other things.

    Saved for backward, it is let go and watched for changes as inputs are. NumPy takes it for an index.
    """

    sources: tuple[Any, ...]

    def __new__(cls, values: Sequence[Any], *sources: Any) -> Given:
        given = tuple.__new__(cls, values)
        given.sources = sources
        return given


class Packing(threading.local):
    """The pairs of hooks that surround this thread's code, the innermost last."""

    used = False  # the class's: True once there were hooks; quicker to ask than what each thread has for itself
    hooks: tuple[tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]], ...] = ()
    refusal: str | None = None  # the message with which hooks are refused


packing = Packing()


def call_with_hooks(hooks: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """``function(*args, **kwargs)`` surrounded by ``hooks``, a pair; whatever ends it, Ctrl-C too, they are off then.

    Raises:
        RuntimeError: hooks are disabled here.
    """
    outside = packing.hooks
    try:
        packing.hooks = with_hooks(hooks)
        return function(*args, **kwargs)
    finally:
        packing.hooks = outside


def with_hooks(hooks: Any) -> tuple[Any, ...]:
    """The pairs that surround this thread's code, and ``hooks`` in the midst."""
    if packing.refusal is not None:
        raise RuntimeError(packing.refusal)
    Packing.used = True
    return (*packing.hooks, hooks)


class Packed:
    """A saved value in the form that the user's ``pack_hook`` gave it."""

    def __init__(self, content: Any, unpack_hook: Callable[[Any], Tensor]) -> None:
        self.content = content
        self.unpack_hook = unpack_hook

    def __repr__(self) -> str:
        return f"<Packed by the user's hook, as {type(self.content).__name__}>"

    def unpack(self) -> np.ndarray:
        """The values again.

        Raises:
            TypeError: the user's ``unpack_hook`` gave something else than a tensor.
        """
        tensor = call_inside(no_grad(), self.unpack_hook, self.content)
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(tensor).__name__}"
            )
        return tensor.array


def pack(saved: Sequence[Any]) -> tuple[Any, ...]:
    """What a node saves, every tensor of it packed by the innermost hooks.

    Raises:
        RuntimeError: the user's ``pack_hook`` changed its tensor in place.
    """
    pack_hook, unpack_hook = packing.hooks[-1]
    packed: list[Any] = []
    for value in saved:
        if not isinstance(value, Tensor):
            packed.append(value)
            continue
        version = value._version_counter.value
        content = call_inside(no_grad(), pack_hook, value)
        if value._version_counter.value != version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
                "cannot be modified by in-place operations as this can lead to unexpected side-effects."
            )
        packed.append(Packed(content, unpack_hook))
    return tuple(packed)


def unpack(saved: tuple[Any, ...]) -> tuple[Any, ...]:
    """What :func:`pack` was given."""
    return tuple([value.unpack() if isinstance(value, Packed) else value for value in saved])


def changed_since(node: Node, array: np.ndarray, origin: Origin) -> RuntimeError:
    """PyTorch's error for a saved value that was changed since, and which operation changed it, and where."""
    (maker, output_nr), version, saved_at = origin
    if isinstance(maker, AccumulateGrad):
        made_by = "a leaf tensor"
    else:
        made_by = f"output {output_nr} of {(node if maker is THIS_NODE else maker).name()}" if maker else "a constant"
    saved_version = version.value_at(saved_at)
    expected = "an earlier version" if saved_version is None else f"version {saved_version}"
    return RuntimeError(
        f"one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{from_numpy_dtype(array.dtype)} {list(array.shape)}], which is {made_by}, is at version {version.value}; "
        f"expected {expected} instead. {node.name()} saved it; {version.last_change} changed it since. "
        f"Hint: change a copy (tensor.clone()), or use the operation that returns a new tensor. Inside "
        f"detect_anomaly() the warning before this error names the line that saved it."
    )


def detached_since(node: Node, array: np.ndarray) -> RuntimeError:
    """PyTorch's error for a saved tensor that has forgotten since how it was made."""
    return RuntimeError(
        f"Trying to use a saved tensor that has been detached in-place, i.e. with .detach_(). This is not supported, "
        f"please use out-of-place `.detach()` instead. It is a {from_numpy_dtype(array.dtype)} {list(array.shape)}, "
        f"and {node.name()} saved it."
    )


def freed(node: Node) -> RuntimeError:
    """PyTorch's error for values that an earlier backward has freed."""
    left = ""
    if node.stepping is not None and not node.stepping.complete:
        left = f" An earlier pass by backward_steps() was left {node.stepping}."
    return RuntimeError(
        f"Trying to backward through the graph a second time (or directly access saved tensors after they have already "
        f"been freed): {node!r} has none left. Saved intermediate values of the graph are freed when you call "
        f".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second "
        f"time or if you need to access saved tensors after calling backward.{left}"
    )


def inference_saved(node: Node) -> RuntimeError:
    """PyTorch's error for a value made in inference mode that a recorded operation would have to save."""
    return RuntimeError(
        f"Inference tensors cannot be saved for backward, and {node.name()} would have to. Please do not use Tensors "
        f"created in inference mode in computation tracked by autograd. To work around this, you can make a clone to "
        f"get a normal tensor and use it in autograd, or use `minigrad.no_grad()` instead of "
        f"`minigrad.inference_mode()`."
    )
