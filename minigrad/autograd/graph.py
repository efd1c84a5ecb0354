"""What a user may do to the graph: keep saved tensors elsewhere, name a gradient's place, watch several gradients.

Counterpart: ``torch.autograd.graph``. The nodes themselves are in ``graph/node.py``.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from minigrad.forking import in_forked_child
from minigrad.graph.function import gradient_edge
from minigrad.graph.grad_mode import grad_mode
from minigrad.graph.node import Node, Tensor
from minigrad.graph.saved_tensors import packing, with_hooks
from minigrad.graph.watching import Walk
from minigrad.locking import Lock

__all__ = ["GradientEdge", "Node", "disable_saved_tensors_hooks", "get_gradient_edge", "increment_version"]
__all__ += ["register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks"]


class GradientEdge(NamedTuple):
    """The place in the graph that receives a tensor's gradient. ``autograd.grad`` takes it instead of the tensor.

    It stands for a tensor of any shape.
    """

    node: Node
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place that receives ``tensor``'s gradient. The tensor may have any shape.

    Raises:
        RuntimeError: the tensor does not require grad.
    """
    return GradientEdge(*gradient_edge(tensor))


class saved_tensors_hooks:
    """Inside this context, what operations save for backward goes through two functions of the user's. Shapes: any.

    ``pack_hook(tensor)`` is called when a tensor is saved; what it returns is kept instead. ``unpack_hook(packed)`` is
    called when backward wants the tensor, and returns one with the same values. Contexts nest: the innermost counts.
    As in PyTorch, what ``pack_hook`` returns should not hold the tensor itself but, say, ``tensor.detach()``: an
    operation's own result holds its node, which would then hold itself.

    Raises:
        RuntimeError: hooks are disabled here.

    >>> x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    >>> pack, unpack = (lambda saved: saved.numpy(force=True)), minigrad.from_numpy
    >>> with minigrad.autograd.graph.saved_tensors_hooks(pack, unpack):
    ...     y = x * x
    >>> y.sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        packing.hooks = with_hooks((self.pack_hook, self.unpack_hook))

    def __exit__(self, *error: object) -> None:
        packing.hooks = packing.hooks[:-1]


class save_on_cpu(saved_tensors_hooks):
    """Keep copies of what operations save, where PyTorch moves it from another device to the CPU.

    Args:
        pin_memory: has no effect on the CPU.
        device_type: has no effect here.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda tensor: tensor.detach().clone(), lambda copy: copy)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside this context, :class:`saved_tensors_hooks` raises a RuntimeError with ``error_message``.

    Raises:
        RuntimeError: hooks are active already.
    """
    if packing.hooks:
        raise RuntimeError(error_message)
    outside, packing.refusal = packing.refusal, error_message
    try:
        yield
    finally:
        packing.refusal = outside


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Count an in-place change of one or several tensors that was made without minigrad's knowledge."""
    for each in (tensor,) if isinstance(tensor, Tensor) else tensor:
        each._version_counter.bump("increment_version()")


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
        tensors: of any shapes; each requires grad.
        fn: with ``mode`` "all" it is called when the pass has come to every tensor that it comes to, with the sequence
            of gradients, None where there is none; with "any" when it has come to the first, with this one's.
        mode: "all" or "any".

    Raises:
        ValueError: another mode.
        AssertionError: a tensor does not require grad, with ``mode`` "all"; with "any" it is left out.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if mode == "any":
        tensors = [each for each in tensors if each._requires_grad]
    elif not all(each._requires_grad for each in tensors):
        raise AssertionError("Expected gradient function to be set: each of the tensors must require grad")
    watched = _Watched(tensors, fn, mode)
    return MultiGradHandle([each.register_hook(partial(watched.receive, place)) for place, each in enumerate(tensors)])


class _Watched:
    """The gradients of one call of :func:`register_multi_grad_hook` that have arrived in a backward pass.

    The first to arrive asks the engine how many will.
    """

    lock = Lock()

    def __init__(self, tensors: Sequence[Tensor], fn: Callable[..., None], mode: str) -> None:
        # Leaves, and the nodes of others: weakly, since they hold the hooks, which hold this.
        self.owners = [weakref.ref(each if each.grad_fn is None else each.grad_fn) for each in tensors]
        self.fn = fn
        self.mode = mode
        self.walks: weakref.WeakKeyDictionary[Walk, tuple[list[Tensor | None], int]] = weakref.WeakKeyDictionary()

    def receive(self, place: int, gradient: Tensor | None) -> None:
        walk = grad_mode.walk
        assert walk is not None
        with self.lock:
            first = walk not in self.walks
            if first:
                self.walks[walk] = [None] * len(self.owners), self.expected(walk)
            gradients, missing = self.walks[walk]
            gradients[place] = gradient
            self.walks[walk] = gradients, missing - 1
        if self.mode == "any":
            if first:
                self.fn(gradient)
        elif missing == 1:
            self.fn(gradients)

    def expected(self, walk: Walk) -> int:
        """To how many of the tensors ``walk`` comes, where that is asked."""
        count = 0
        for reference in self.owners if self.mode == "all" else ():
            owner = reference()
            node = owner._accumulate_grad() if isinstance(owner, Tensor) else owner
            count += node is not None and walk.will_run(node)
        return count


@in_forked_child
def open_watched() -> None:
    """Nobody holds the lock in the child of a fork."""
    _Watched.lock = Lock()
