"""Hooks: functions of the user's that the engine calls around a node, and the handles that remove them.

``watching.py`` calls what is registered here: first the hooks of the tensor whose gradient enters the node, then
``retain_grad``, then the node's own pre-hooks, then the node's rule, then its hooks. At a leaf the rule is to add to
``.grad``, and after it, before the node's hooks, come the leaf's own: those of ``register_post_accumulate_grad_hook``.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["NodeHooks", "RemovableHandle"]


class RemovableHandle:
    """What registering a hook returns. ``remove()`` takes the hook off again; a second call does nothing.

    Counterpart: ``torch.utils.hooks.RemovableHandle``.
    """

    _next_id = itertools.count().__next__

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self.id = self._next_id()
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook off."""
        self._hooks.pop(self.id, None)

    def __repr__(self) -> str:
        return f"<RemovableHandle, {'in place' if self.id in self._hooks else 'removed'}>"

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


class NodeHooks:
    """The hooks of one node, in the order in which the engine calls them."""

    __slots__ = ("hooks", "post_accumulate", "prehooks", "retained", "tensor_hooks")

    def __init__(self) -> None:
        self.tensor_hooks: dict[int, tuple[int, Callable[[Any], Any | None]]] = {}  # output_nr, hook
        self.retained: dict[int, weakref.ref[Any]] = {}  # output_nr: the tensor whose .grad is wanted
        self.prehooks: dict[int, Callable[..., Any]] = {}
        self.hooks: dict[int, Callable[..., Any]] = {}
        self.post_accumulate: dict[int, Callable[[Any], None]] = {}

    def __repr__(self) -> str:
        counts = [f"{len(getattr(self, kind))} {kind}" for kind in self.__slots__ if getattr(self, kind)]
        return f"<NodeHooks: {', '.join(counts) or 'none'}>"
