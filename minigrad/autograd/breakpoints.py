"""Breakpoints in a backward pass: stop where a node, a tensor's gradient, a module or a NaN is reached.

The walk stops in ``graph/watching.py``, which says what is in sight there; one step further begins the rule.
"""

from __future__ import annotations

import difflib
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.graph import function
from minigrad.graph.accumulation import results
from minigrad.graph.describing import short_name
from minigrad.graph.grad_mode import call_inside, grad_mode, no_grad
from minigrad.graph.node import AccumulateGrad, Node, Tensor
from minigrad.graph.values import tensors_in
from minigrad.graph.watching import Observer, to_arrays

__all__ = ["breakpoint_on"]

NUMBERS: dict[str, Callable[[Any], Any]] = {"nan": np.isnan, "inf": np.isinf}


class breakpoint_on(Observer):
    """Stop in the debugger when a backward pass comes to ``where``: from now on, or, with ``with``, inside.

    The debugger is the one that ``breakpoint()`` calls: pdb, or the one that is attached. Where it stops, ``node``,
    ``arrived``, one gradient an output, and ``saved``, by name, are in sight, and the next step leads into the rule. At
    a leaf's node ``leaf`` is in sight, to whose ``.grad`` is going to be added what arrived.

    Args:
        where: a node's name, such as ``"MulBackward0"`` or ``"AccumulateGrad"``; a tensor that requires grad: the node
            that receives its gradient; a node; a module: the nodes that give its outputs, in what it computes from
            now on; ``"nan"`` or ``"inf"``: the node whose rule makes the first of them, found by running each rule
            once before. The user's rules are not run twice: the node that is sent the NaN is stopped at then.

    Raises:
        ValueError: no operation's node has this name.
        RuntimeError: the tensor does not require grad.
        TypeError: ``where`` is none of these.

    PyTorch has no counterpart.
    """

    def __init__(self, where: Any) -> None:
        self.where = where
        self.nodes: list[weakref.ref[Any]] = []  # of the tensor or the module
        self.seen: Any = None  # a weak reference to the walk in which a NaN was seen
        self.forward_hook: Any = None
        if isinstance(where, str):
            if where not in NUMBERS:
                check_name(where)
        elif isinstance(where, Node):
            self.nodes.append(weakref.ref(where))
        elif isinstance(where, Tensor):
            if not where.requires_grad:
                raise RuntimeError("breakpoint_on(): the tensor does not require grad, so no gradient comes to it")
            self.nodes.append(weakref.ref(where if where.grad_fn is None else where.grad_fn))
        elif hasattr(where, "register_forward_hook"):
            self.forward_hook = where.register_forward_hook(self.note_outputs)
        else:
            raise TypeError(
                f"breakpoint_on() takes a node's name, 'nan', 'inf', a tensor, a node or a module, not "
                f"{type(where).__name__}"
            )
        self.begin()

    def remove(self) -> None:
        """Stop no more."""
        if self.forward_hook is not None:
            self.forward_hook.remove()
        self.end()

    def __enter__(self) -> breakpoint_on:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        where = self.where if isinstance(self.where, str) else type(self.where).__name__
        return f"<breakpoint_on {where}>"

    def note_outputs(self, module: Any, args: Any, output: Any) -> None:
        """Note the nodes that made what a module returned."""
        self.nodes = [each for each in self.nodes if each() is not None]
        self.nodes += [weakref.ref(each.grad_fn) for each in tensors_in(output) if each.grad_fn is not None]

    def stops_before(self, node: Any, arrived: Sequence[Any]) -> bool:
        if isinstance(self.where, str):
            is_bad = NUMBERS.get(self.where)
            named = self.where in (node.name(), short_name(node))
            return named if is_bad is None else self.begins(is_bad, node, arrived)
        place = node.variable if isinstance(node, AccumulateGrad) else node
        return any(each() is place or each() is node for each in self.nodes)

    def begins(self, is_bad: Callable[[Any], Any], node: Any, arrived: Sequence[Any]) -> bool:
        """Whether with ``node`` begins what is looked for: its rule gives it, or it is sent the first of this walk."""
        if has(is_bad, arrived):
            if self.seen is not None and self.seen() is grad_mode.walk:
                return False
        elif isinstance(node, AccumulateGrad) or node.receives_tensors or node.packed:
            return False  # no rule, or one that may not run twice
        else:
            outgoing = call_inside(no_grad(), node.backward, *to_arrays(arrived))
            if not has(is_bad, results(node.from_rule(outgoing))):
                return False
        self.seen = weakref.ref(grad_mode.walk)
        return True


def has(is_bad: Callable[[Any], Any], gradients: Sequence[Any]) -> bool:
    """Whether one of ``gradients`` holds such a number."""
    return any(each is not None and bool(is_bad(each).any()) for each in to_arrays(gradients))


def check_name(name: str) -> None:
    """Raise a ValueError unless an operation's node may be called ``name``."""
    known = {"AccumulateGrad", "torch::autograd::AccumulateGrad"}
    waiting: list[Any] = [function.Function]
    while waiting:
        rule = waiting.pop()
        waiting.extend(rule.__subclasses__())
        known.add(rule.node_name or f"{rule.__name__}Backward" + ("" if rule.receives_tensors else str(rule.overload)))
    if name.rstrip("0123456789") in {each.rstrip("0123456789") for each in known}:
        return
    close = difflib.get_close_matches(name, known, 1)
    hint = f": did you mean {close[0]!r}?" if close else ": repr(y.grad_fn) tells a node's"
    raise ValueError(f"breakpoint_on(): no node is called {name!r}{hint}")
