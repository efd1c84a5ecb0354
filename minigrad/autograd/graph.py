"""What a user may do to the graph: keep saved tensors elsewhere, name a gradient's place, watch several gradients.

Counterpart: ``torch.autograd.graph``. The nodes themselves are in ``function.py``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple

from minigrad.autograd.function import Node, gradient_edge
from minigrad.autograd.saving import saving
from minigrad.tensor import Tensor

__all__ = ["GradientEdge", "Node", "get_gradient_edge", "register_multi_grad_hook", "saved_tensors_hooks"]


class GradientEdge(NamedTuple):
    """The place in the graph that receives a tensor's gradient. ``autograd.grad`` takes it instead of the tensor."""

    node: Node
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place that receives ``tensor``'s gradient.

    Raises:
        RuntimeError: the tensor does not require grad.
    """
    return GradientEdge(*gradient_edge(tensor))


class saved_tensors_hooks:
    """Inside this context, what operations save for backward goes through two functions of the user's.

    ``pack_hook(tensor)`` is called when a tensor is saved; what it returns is kept instead. ``unpack_hook(packed)`` is
    called when backward wants the tensor, and returns one with the same values. Contexts nest: the innermost counts.
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        saving.hooks = (*saving.hooks, (self.pack_hook, self.unpack_hook))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        saving.hooks = saving.hooks[:-1]


class MultiGradHandle:
    """Removes the hook from all its tensors."""

    def __init__(self, handles: Sequence[Any]) -> None:
        self.handles = handles

    def remove(self) -> None:
        """Take the hook off."""
        for handle in self.handles:
            handle.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all"
) -> MultiGradHandle:
    """Call ``fn`` once in a backward pass for several tensors.

    Args:
        tensors: each requires grad.
        fn: with ``mode`` "all" it is called when every gradient is there, with the sequence of them; with "any" when
            the first is there, with this one.
        mode: "all" or "any".

    Raises:
        ValueError: another mode.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    watched = _Watched(len(tensors), fn, mode)
    return MultiGradHandle([each.register_hook(_Watch(watched, place)) for place, each in enumerate(tensors)])


class _Watched:
    """The gradients of one call of :func:`register_multi_grad_hook` that have arrived in this pass."""

    def __init__(self, count: int, fn: Callable[..., None], mode: str) -> None:
        self.fn = fn
        self.mode = mode
        self.count = count
        self.lock = threading.Lock()
        self.arrived: dict[int, Tensor] = {}

    def receive(self, place: int, gradient: Tensor) -> None:
        with self.lock:
            self.arrived[place] = gradient
            first, complete = len(self.arrived) == 1, len(self.arrived) == self.count
            gradients = [self.arrived.get(each) for each in range(self.count)]
            if complete:
                self.arrived = {}
        if self.mode == "any" and first:
            self.fn(gradient)
        elif self.mode == "all" and complete:
            self.fn(gradients)


class _Watch:
    """The hook of one of the watched tensors."""

    def __init__(self, watched: _Watched, place: int) -> None:
        self.watched = watched
        self.place = place

    def __call__(self, gradient: Tensor) -> None:
        self.watched.receive(self.place, gradient)
